"""What pytest does with everything in this folder, notebooks included."""

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config):
    """With pytest-xdist, `pytest -n 2` keeps the tests of a module, and the cells of a notebook, in one process."""
    if getattr(config.option, "numprocesses", None) and config.option.dist == "no":  # nobody asked for another way
        config.option.dist = "loadscope"

"""A notebook's stderr does not depend on whether Matplotlib has been here before."""

import os
import subprocess
import sys

import pytest

FIRST_PICTURE = """
import logging
from pgedu.panels import explore, slider

def view(figure):
    figure.subplots().set_title("words")
    return lambda power: f"{power}"

explore(view, power=slider(1, 3, 2))
print(logging.getLogger("matplotlib").level, logging.getLogger("matplotlib.font_manager").level)
logging.getLogger("matplotlib").warning("what comes later is said")
"""


def homes(tmp_path):
    """A fresh home, and one below a file, which nobody can write to."""
    (tmp_path / "file").write_text("")
    (tmp_path / "empty").mkdir()
    for name, place in (("MPLCONFIGDIR", tmp_path / "empty" / "config"),
                        ("HOME", tmp_path / "file" / "home"), ("MPLCONFIGDIR", tmp_path / "file" / "config")):  # fmt: skip
        yield {name: str(place)}


@pytest.mark.parametrize("which", range(3))
def test_the_first_picture_on_a_machine_says_nothing(tmp_path, which):
    own = {name: value for name, value in os.environ.items() if name not in ("MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    own |= list(homes(tmp_path))[which]
    found = subprocess.run([sys.executable, "-c", FIRST_PICTURE], env=own, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["0", "0"]
    assert found.stderr.splitlines() == ["what comes later is said"]

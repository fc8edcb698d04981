"""What a cell shows of the package, and that its next run replaces the panels of the last."""

import inspect
from types import SimpleNamespace

import IPython
import pytest

from pgedu import leave_one_out, none, reward_to_go
from pgedu.panels import cells
from pgedu.panels.cells import replace_panels_of_cell, source


@pytest.mark.parametrize("function", [none, leave_one_out, reward_to_go, source])
def test_source_is_the_functions_own_without_its_docstring(function):
    shown = source(function).data
    code = shown.removeprefix("```python\n").removesuffix("\n```")
    kept = [line for line in inspect.getsource(function).splitlines() if line in code.splitlines()]
    assert kept == code.splitlines() and code.startswith("def ")
    assert inspect.getdoc(function).splitlines()[0] not in code
    compile(code, "shown", "exec")


class FakePanel:
    closed = False

    def close(self):
        self.closed = True


@pytest.fixture
def run_cell(monkeypatch):
    """run_cell(cell id, execution count): as if that cell were running."""
    shell = SimpleNamespace()
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    monkeypatch.setattr(cells, "_PANELS", {})

    def run(cell, count):
        shell.execution_count = count
        shell.get_parent = lambda: {"metadata": {"cellId": cell}}
        panel = FakePanel()
        replace_panels_of_cell(panel)
        return panel

    return run


def test_running_a_cell_again_closes_its_panels_and_no_others(run_cell):
    first, second_of_the_cell, other = run_cell("a", 1), run_cell("a", 1), run_cell("b", 2)
    assert not (first.closed or second_of_the_cell.closed or other.closed)
    again = run_cell("a", 3)
    assert first.closed and second_of_the_cell.closed and not other.closed and not again.closed


def test_without_a_notebook_nothing_is_kept(monkeypatch):
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    monkeypatch.setattr(cells, "_PANELS", {})
    replace_panels_of_cell(FakePanel())
    assert cells._PANELS == {}


def test_source_begins_with_the_definition():
    """Decorators say nothing of what a function does."""
    shown = source(reward_to_go).data
    assert shown.startswith("```python\ndef reward_to_go(") and '"""' not in shown

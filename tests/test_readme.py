"""What the README says is true: its Python runs, its output is what comes out, its links and lists are complete."""

import contextlib
import io
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
import yaml

from pgedu.panels.live import Panel

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def run(code, names):
    """Run a block as a notebook cell would: (the value of its last expression, what it printed)."""
    *statements, last = re.split(r"\n(?=\S)", code.rstrip())
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("error")
        # An old Matplotlib with a new pyparsing: not ours to mend.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"matplotlib|pyparsing")
        if last.startswith(("explore(", "watch(")):
            exec("\n".join(statements), names)
            return eval(last, names), printed.getvalue()
        exec(code, names)
    return None, printed.getvalue()


@pytest.fixture(scope="module")
def results():
    names = {}  # one after the other, as in a notebook
    found = [(code, *run(code, names)) for code in blocks("python")]
    yield found
    for _, panel, _ in found:
        if panel is not None:
            panel.close()


def test_every_block_of_python_runs(results):
    assert len(results) == TEXT.count("```python")


def test_panels_work_at_both_ends_of_every_control(results):
    panels = [panel for _, panel, _ in results if panel is not None]
    assert len(panels) == 2 and all(isinstance(panel, Panel) for panel in panels)
    for panel in panels:
        for control in panel.controls.values():
            ends = [index for _, index in control.options] if hasattr(control, "options") else None
            for value in ends or [control.min, control.max]:
                control.value = 10**value if "Log" in type(control).__name__ else value
                assert panel.error is None and panel.readout.endswith(".")


def test_the_first_panel_has_the_ten_lines_that_are_promised(results):
    code = next(code for code, panel, _ in results if panel is not None)
    lines = [line for line in code.splitlines() if line.strip() and "import" not in line]
    assert len(lines) == 10


def test_printed_output_is_as_shown(results):
    outputs = [printed for _, _, printed in results]
    shown = blocks("text")
    assert shown and all(text in outputs for text in shown)


def test_yaml_is_valid():
    assert [sorted(map(str, yaml.safe_load(text))) for text in blocks("yaml")] == [["True", "jobs", "name"]]


def test_links_lead_somewhere_and_pictures_have_alt_text():
    links = re.findall(r"\]\(([^)\s]+)\)", TEXT)
    assert links and not [link for link in links if "://" not in link and not (ROOT / link).exists()]
    assert all(len(alt) > 20 for alt in re.findall(r"!\[([^\]]*)\]", TEXT))
    assert all(path.stat().st_size <= 200_000 for path in (ROOT / "notebooks" / "images").iterdir())


def test_every_module_and_every_notebook_is_listed_once():
    rows = re.findall(r"^\| (`\w+/\w+\.py`.*?) \|", TEXT, re.MULTILINE)
    modules = [module for row in rows for module in re.findall(r"`(\w+/\w+\.py)`", row)]
    found = [f"{path.parent.name}/{path.name}" for path in (ROOT / "pgedu").glob("*/*.py") if path.name != "__init__.py"]
    assert sorted(modules) == sorted(found)
    notebooks = re.findall(r"^\| \[.*?\]\(notebooks/(.*?)\)", TEXT, re.MULTILINE)
    assert notebooks == sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))


def test_every_target_of_make_exists():
    named = set(re.findall(r"^make (\w+)", "\n".join(blocks("sh")), re.M)) | set(re.findall(r"`make (\w+)`", TEXT))
    rules = re.search(r"^\.PHONY: (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    assert named == set(rules) - {"help"}
    files = re.findall(r"(?:tests|\.ci|pgedu)/(?!ShortCorridor)[\w.]+", TEXT)
    assert files and all((ROOT / file).exists() for file in files)


@pytest.mark.parametrize("number", range(TEXT.count("```python")))
def test_every_block_runs_on_its_own(number):
    """In a fresh Python, as by a reader who copies only this one."""
    code = blocks("python")[number]
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

"""The way in: one list of dependencies, a Makefile that says what is missing, notebooks that are saved reproducibly."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml

VIEW = "application/vnd.jupyter.widget-view+json"
ROOT = Path(__file__).parents[1]
needs_make = pytest.mark.skipif(os.name == "nt" or not shutil.which("make"), reason="needs make and a POSIX shell")

OLD = "import sys; sys.version_info = (3, 9, 18, 'final', 0)"
NO_VENV = "import sys; sys.modules['ensurepip'] = None"
DIES_HALFWAY = "import os, sys; sys.argv[1] == '-m' and (os.makedirs('.venv/bin'), sys.exit(1))"


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def names(requirements):
    return [re.match(r"[\w-]+", requirement)[0].lower() for requirement in requirements]


def test_each_dependency_stands_once():
    lists = [project()["dependencies"], *project()["optional-dependencies"].values()]
    found = [name for requirements in lists for name in names(requirements) if name != "pgedu"]
    assert len(found) == len(set(found))
    assert all(">=" in requirement for requirements in lists for requirement in requirements if "pgedu" not in requirement)


@pytest.mark.parametrize("file", ["Makefile", ".ci/run", ".github/workflows/ci.yml", "environment.yml"])
def test_no_second_list_of_dependencies(file):
    text = re.sub(r"#.*|@echo.*", "", (ROOT / file).read_text(encoding="utf-8"))
    assert not [name for name in names(project()["dependencies"]) if re.search(rf"\b{name}\s*[<>=~]", text)]
    assert not list(ROOT.glob("*requirements*.txt"))


def test_environment_holds_python_pip_and_the_project():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    python = project()["requires-python"].replace(">=", "=")  # exact: repo2docker understands nothing else
    assert environment["dependencies"] == [f"python{python}", "pip", {"pip": ["-e .[test,browser]"]}]
    assert {"test", "browser"} <= set(project()["optional-dependencies"])


def make(folder, target, first_line):
    """Run make where `python3` is a Python in which `first_line` has happened before anything else."""
    for file in ["Makefile", "pyproject.toml"]:
        shutil.copy(ROOT / file, folder)
    run = f'{first_line}; sys.argv[1] == "-c" and exec(sys.argv[2])'
    python3 = folder / "bin" / "python3"
    python3.parent.mkdir()
    python3.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c \"$RUN\" \"$@\"\n")
    python3.chmod(0o755)
    environment = {**os.environ, "PATH": f"{python3.parent}{os.pathsep}{os.environ['PATH']}", "RUN": run, "MAKEFLAGS": ""}
    environment.pop("PYTHON", None)  # it would win over the python3 on the path
    return subprocess.run(["make", target], cwd=folder, env=environment, capture_output=True, text=True, timeout=30)


@needs_make
@pytest.mark.parametrize("target", ["lab", "app", "class", "test", "notebooks", "pages", "bench", "mutants"])
def test_an_old_python_gets_one_sentence(tmp_path, target):
    result = make(tmp_path, target, OLD)
    assert result.returncode != 0
    assert "pgedu needs Python 3.11 or newer, but python3 is Python 3.9" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_a_missing_venv_module_gets_one_sentence(tmp_path):
    result = make(tmp_path, "lab", NO_VENV)
    assert result.returncode != 0
    assert "pgedu needs the venv module, which python3 lacks" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_a_venv_that_fails_leaves_nothing(tmp_path):
    assert make(tmp_path, "lab", DIES_HALFWAY).returncode != 0
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_help_is_the_default_and_names_every_target():
    said = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert all(f"make {target}" in said for target in ["lab", "app", "class", "test", "notebooks", "pages", "bench", "peers", "mutants", "clean"])


@pytest.mark.parametrize("path", sorted((ROOT / "tests").rglob("test_*.py")), ids=lambda path: path.stem)
def test_no_test_looks_at_the_clock(path):
    """On a busy machine it would fail for no fault of ours: time is measured by tests/bench.py."""
    clocks = r"\btime\.(perf_counter|monotonic|process_time|time)\b|\bfrom time import"
    assert not re.search(clocks, path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("options, dist", [
    ({"numprocesses": 2, "dist": "no"}, "loadscope"), ({"numprocesses": 2, "dist": "load"}, "load"),
    ({"numprocesses": None, "dist": "no"}, "no"), ({"dist": "no"}, "no"),  # without xdist
])  # fmt: skip
def test_processes_of_xdist_share_no_module_unless_asked_to(options, dist):
    spec = importlib.util.spec_from_file_location("conftest_of_the_root", ROOT / "conftest.py")
    conftest = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conftest)
    config = SimpleNamespace(option=SimpleNamespace(**options))
    conftest.pytest_cmdline_main(config)
    assert config.option.dist == dist


def write_notebook(path, *sources):
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources]), path)


def save(path):
    command = [sys.executable, ROOT / ".ci" / "save_notebooks.py", path]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


def test_saving_a_notebook_twice_gives_the_same_bytes(tmp_path):
    path = tmp_path / "panel.ipynb"
    widgets = "import ipywidgets as w\ndisplay(w.IntText())\nw.VBox([w.FloatSlider()])"
    chunks = "for n in range(3):\n    print(n, flush=True)"
    write_notebook(path, widgets, chunks)
    assert save(path).returncode == 0
    first = path.read_bytes()
    assert save(path).returncode == 0
    assert path.read_bytes() == first

    nb = json.loads(first)
    assert [cell["id"] for cell in nb["cells"]] == ["cell-01", "cell-02"]
    assert nb["cells"][1]["outputs"] == [{"name": "stdout", "output_type": "stream", "text": ["0\n", "1\n", "2\n"]}]
    views = [output["data"][VIEW] for output in nb["cells"][0]["outputs"] if VIEW in output["data"]]
    assert [view["model_id"] for view in views] == [f"{number:032x}" for number in (1, 2)] and "widgets" not in nb["metadata"]


def test_a_notebook_that_raises_is_left_alone(tmp_path):
    path = tmp_path / "wrong.ipynb"
    write_notebook(path, "1", "1 / 0")
    before = path.read_bytes()
    result = save(path)
    assert result.returncode == 1
    assert "wrong.ipynb" in result.stderr and "cell-02" in result.stderr and "ZeroDivisionError" in result.stderr
    assert path.read_bytes() == before

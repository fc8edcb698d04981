"""The house: which room may import which, what `from pgedu import *` gives, old addresses, and the package as it is installed."""

import ast
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

import pgedu
from pgedu.moved import MOVED

ROOT = Path(__file__).parents[1]
HOUSE = ROOT / "pgedu"
# What each room may import, besides itself. `panels` needs `learning` alone; what lies below comes with it.
BELOW = {
    "worlds": [],
    "policies": [],
    "experience": ["worlds", "policies"],
    "gradients": ["worlds", "policies", "experience"],
    "learning": ["worlds", "policies", "experience", "gradients"],
    "panels": ["learning"],
    "lessons": ["worlds", "policies", "experience", "gradients", "learning", "panels"],
}
COMMON = ["pgedu.arguments"]  # below all rooms: what everybody may import


def imports(source):
    """Every module that a source imports, names included: `from a.b import c` gives a.b and a.b.c."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide from whoever draws the arrows"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def wrong_arrows(room, source):
    """Imports that run up, around the rooms, or to ipywidgets or anywidget from outside `panels`."""
    public = ["pgedu", *(f"pgedu.{name}" for name in pgedu.__all__)] if room == "lessons" else []  # as a reader's file does
    allowed = [f"pgedu.{each}" for each in (room, *BELOW[room])] + COMMON
    return [
        name for name in imports(source)
        if (name.startswith(("ipywidgets", "anywidget")) and room != "panels")
        or (name.startswith("pgedu") and name not in public and ".".join(name.split(".")[:2]) not in allowed)
    ]  # fmt: skip


@pytest.mark.parametrize("path", sorted(HOUSE.glob("*/*.py")), ids=lambda path: str(path.relative_to(HOUSE)))
def test_imports_run_downwards(path):
    assert wrong_arrows(path.parent.name, path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("room, source", [
    ("worlds", "from pgedu.policies.heads import Categorical"), ("gradients", "import pgedu.learning.training"),
    ("learning", "import ipywidgets"), ("lessons", "import anywidget"), ("experience", "from pgedu.panels import views"), ("worlds", "from pgedu import MDP"),
    ("panels", "from pgedu.gradients import returns"), ("learning", "def f():\n    from pgedu.panels import slider"),
])  # fmt: skip
def test_an_arrow_that_runs_up_is_found(room, source):
    assert wrong_arrows(room, source)


def test_there_are_seven_rooms_and_each_says_what_it_is_for():
    rooms = [path.name for path in HOUSE.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert sorted(rooms) == sorted(BELOW)
    for room in rooms:
        words = ast.get_docstring(ast.parse((HOUSE / room / "__init__.py").read_text(encoding="utf-8")))
        assert words.endswith(".") and ("Imports" in words or "imports" in words)


def test_star_gives_names_and_no_modules():
    given = {}
    exec("from pgedu import *", given)
    del given["__builtins__"]
    assert not [name for name, value in given.items() if isinstance(value, types.ModuleType)]
    assert set(given) == set(pgedu.__all__) and {"MDP", "collect", "reinforce", "Progress", "ppo"} <= set(given)


@pytest.mark.parametrize("old", MOVED)
def test_an_old_address_gives_what_the_new_one_has_and_says_so(old):
    sys.modules.pop(f"pgedu.{old}", None)
    with pytest.warns(FutureWarning, match=rf"pgedu\.{old} has moved: import from pgedu\.\w+"):
        found = vars(__import__(f"pgedu.{old}", fromlist=["*"]))
    for place in MOVED[old]:
        new = vars(__import__(f"pgedu.{place}", fromlist=["*"]))
        assert all(found[name] is value for name, value in new.items() if not name.startswith("_"))
    delattr(pgedu, old)
    sys.modules.pop(f"pgedu.{old}")
    with pytest.warns(FutureWarning, match=rf"pgedu\.{old} has moved"):
        assert getattr(pgedu, old).__name__ == f"pgedu.{old}"


def test_wheel_and_sdist_install_and_register_their_environments(tmp_path):
    """Built from a copy without anything that was made here, installed elsewhere, and used from there."""
    run = lambda *command, **more: subprocess.run(command, check=True, capture_output=True, text=True, **more)  # noqa: E731
    copy = tmp_path / "copy"
    for path in [*HOUSE.rglob("*"), *(ROOT / name for name in ("pyproject.toml", "README.md", "LICENSE"))]:
        if path.is_file() and "__pycache__" not in path.parts:
            new = copy / path.relative_to(ROOT)
            new.parent.mkdir(parents=True, exist_ok=True)
            new.write_bytes(path.read_bytes())
    run(sys.executable, "-m", "build", "--outdir", tmp_path, copy)  # the wheel is built from the sdist
    (wheel,), (_,) = tmp_path.glob("*.whl"), tmp_path.glob("*.tar.gz")
    site = tmp_path / "site"
    run(sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel)
    files = lambda folder: {str(path.relative_to(folder)) for path in (folder / "pgedu").rglob("*")  # noqa: E731
                            if path.is_file() and "__pycache__" not in path.parts}  # fmt: skip
    assert files(ROOT) == files(site) and str(Path("pgedu/worlds/open_bandit/LICENSE")) in files(site)
    code = ("import gymnasium, pgedu; pgedu.open_bandit(); from pgedu.panels import watch; print(pgedu.__file__);"
            "gymnasium.make('pgedu/CliffWalk-v0').reset(seed=0); gymnasium.make_vec('pgedu/Bandit-v0', num_envs=3)")  # fmt: skip
    found = run(sys.executable, "-W", "error::FutureWarning", "-c", code, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(site)})
    assert found.stdout.startswith(str(site))

"""A class on one machine: who may log in, what is handed out, and a small class that is played as it will be."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import hand_out
import nbformat
import pytest
from class_list import enrol, hashed, login, prepare, read_names

ROOT = Path(__file__).parents[1]


# ---- names and passwords ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, expected", [
    ("Jürgen Groß", "jurgen.gross"), ("* Teacher", "teacher"), ("  Ann-Marie O'Neil ", "ann.marie.o.neil"), ("Łucja 2", "ucja.2"),
])  # fmt: skip
def test_a_login_is_plain(name, expected):
    assert login(name) == expected


def test_names_that_will_not_do_are_refused():
    with pytest.raises(ValueError, match="'Anna B' and 'anna-b' would both log in as 'anna.b'"):
        read_names("Anna B\nanna-b")
    with pytest.raises(ValueError, match="needs a letter from a to z, or a digit; got '明'"):
        read_names("明")
    assert read_names("# nobody\n\nAnna # in the first row\n") == {"anna": "Anna"}


def test_passwords_are_told_once_and_kept_as_hashes(tmp_path, capsys):
    (tmp_path / "students.txt").write_text("Anna\nBen\n")
    first = enrol(tmp_path)
    slips = dict(re.findall(r"log in as   (\S+)\n    password    (\S+)", (tmp_path / "slips.txt").read_text()))
    assert set(slips) == {"anna", "ben"} and slips["anna"] != slips["ben"]
    assert all(hashed(slips[name], first[name]["salt"]) == first[name]["hash"] for name in slips)
    assert slips["anna"] not in (tmp_path / "passwords.json").read_text()
    for name in ("slips.txt", "passwords.json") if os.name == "posix" else ():
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600

    (tmp_path / "students.txt").write_text("Carla\nBen\n")  # Anna has left, Carla is new
    second = enrol(tmp_path)
    assert second["ben"] == first["ben"] and second["anna"] == first["anna"]
    assert sorted(each["number"] for each in second.values()) == [1, 2, 3]
    third = enrol(tmp_path, anew=["ben"])
    assert third["ben"]["number"] == first["ben"]["number"] and third["ben"]["hash"] != first["ben"]["hash"]


def test_what_cannot_work_is_said(tmp_path, monkeypatch):
    (tmp_path / "students.txt").write_text("Anna\n")
    with pytest.raises(ValueError, match="at most 45 characters"):
        prepare(tmp_path / ("long" * 12))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="a login of the class; got ben"):
        prepare(Path("."), anew=["ben"])


# ---- what is handed out ----------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home, and originals: a notebook and a picture."""
    originals = tmp_path / "handout"
    (originals / "notebooks" / "images").mkdir(parents=True)
    nbformat.write(notebook("first"), originals / "notebooks" / "00.ipynb")
    (originals / "notebooks" / "images" / "a.png").write_bytes(b"picture")
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "home" / "data"))
    hand_out.hand_out(originals)
    return tmp_path / "home", originals / "notebooks" / "00.ipynb"


def notebook(text):
    cell = nbformat.v4.new_code_cell(text, id="one", outputs=[nbformat.v4.new_output("display_data", {"text/html": text})])
    return nbformat.v4.new_notebook(cells=[cell])


def trusted(path):
    from nbformat.sign import NotebookNotary

    notary = NotebookNotary()
    try:
        return notary.check_signature(nbformat.read(path, as_version=4))
    finally:
        notary.store.close()


def test_a_home_has_all_that_is_handed_out_and_trusts_it(home):
    home, original = home
    assert (home / "notebooks" / "images" / "a.png").read_bytes() == b"picture"
    assert trusted(home / "notebooks" / "00.ipynb")
    nbformat.write(notebook("of a stranger"), home / "notebooks" / "strange.ipynb")
    assert not trusted(home / "notebooks" / "strange.ipynb")


def test_what_a_student_has_done_stays_and_what_is_new_comes_beside_it(home):
    home, original = home
    mine, beside = home / "notebooks" / "00.ipynb", home / "notebooks" / "00 (new).ipynb"
    nbformat.write(notebook("my answer"), mine)
    hand_out.hand_out(original.parents[1])
    assert "my answer" in mine.read_text() and not beside.exists()  # nothing is new

    nbformat.write(notebook("second"), original)
    for _ in range(2):  # once, not at each start
        hand_out.hand_out(original.parents[1])
        assert "my answer" in mine.read_text() and "second" in beside.read_text() and trusted(beside)
        assert len(list((home / "notebooks").glob("*.ipynb"))) == 2
    nbformat.write(notebook("third"), original)
    hand_out.hand_out(original.parents[1])
    assert "second" in beside.read_text() and "third" in (home / "notebooks" / "00 (new 2).ipynb").read_text()


def test_a_copy_that_nobody_has_touched_is_renewed_and_a_lost_one_comes_again(home):
    home, original = home
    mine = home / "notebooks" / "00.ipynb"
    nbformat.write(notebook("second"), original)
    hand_out.hand_out(original.parents[1])
    assert "second" in mine.read_text() and trusted(mine) and not (home / "notebooks" / "00 (new).ipynb").exists()
    mine.rename(home / "notebooks" / "mine.ipynb")
    hand_out.hand_out(original.parents[1])
    assert "second" in mine.read_text() and (home / "notebooks" / "mine.ipynb").exists()


def test_it_is_written_down_what_each_copy_was_made_of(home):
    home, original = home
    given = json.loads((home / ".handed_out.json").read_text())
    assert set(given) == {"notebooks/00.ipynb", "notebooks/images/a.png"}
    assert given["notebooks/00.ipynb"] == hand_out.digest(original)


# ---- the whole -------------------------------------------------------------------------------------------------------


def python_for_all():
    """A Python that the students may run, who are users of their own if this is root: perhaps not the one in root's home."""
    found = [sys._base_executable, "/usr/bin/python3"]
    if os.getuid() == 0:
        for path in found:
            try:
                subprocess.run([path, "-c", ""], user=65534, group=65534, extra_groups=[], check=True)
                return path
            except PermissionError:
                pass
        raise RuntimeError(f"none of {found} can be run by other users than root")
    return found[0]


@pytest.mark.skipif(sys.platform != "linux", reason="a class is for Linux")
@pytest.mark.skipif(not shutil.which("npm") and not os.environ.get("CI"), reason="needs Node.js with npm")
def test_a_small_class_runs_plays_and_is_stopped():
    """The program that plays thirty, with two, in a class that begins with nothing. Root gives each a user of their own."""
    folder = Path(os.environ.get("TMPDIR", "/tmp")) / f"pgedu-class-{os.getpid()}"
    command = [sys.executable, ROOT / "tests" / "class_load.py", "--students=2", "--notebooks", "00", "--seconds=3", "--idle=20", "--folder", folder]
    try:
        environment = os.environ | {"PYTHON": python_for_all()}
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
        assert done.returncode == 0, done.stdout + done.stderr + (folder / "log.txt").read_text()[-3000:]
        words = done.stdout
        assert words.endswith("failures: 0\n")
        assert len(re.findall(r"^00: .*p50 .*\(\d+\)$", words, re.M)) >= 4  # run, slide, half play, all play
        busiest = int(re.search(r"after the browsers were closed the busiest process uses (\d+) %", words)[1])
        assert busiest < 15, words  # one that plays on uses more than 50
        assert "all but 0 processes stopped" in words
    finally:
        shutil.rmtree(folder, ignore_errors=True)

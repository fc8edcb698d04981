"""What a class hands in: files that are no notebooks, whose they are; the table, the page and the command."""

import csv
import json
import os
import re
from pathlib import Path

import pytest
from solved import NOTEBOOKS
from test_grade import BANDITS, KNOWN, RIGHT, notebook

from pgedu.lessons import grade as grading
from pgedu.lessons.grade import Row, grades, jobs, main, write_table
from pgedu.lessons.grade_files import student
from pgedu.lessons.grade_page import diagnosis, page

FILES = {
    "empty.ipynb": (b"", "It is empty."),
    "garbage.ipynb": (bytes(range(256)), "It is no notebook, for it is no JSON"),
    "cut.ipynb": (notebook(RIGHT)[:60].encode(), "It is no notebook, for it is no JSON"),
    "deep.ipynb": (b"[" * 10**6, "It is no notebook, for it is no JSON"),
    "list.ipynb": (b"[1, 2]", "It is no notebook: it has no cells."),
    "number.ipynb": (b'{"cells": 3}', "It is no notebook: it has no cells."),
    "old.ipynb": (b'{"worksheets": []}', "It has the form that notebooks had before 2014"),
    "other.ipynb": (notebook("1 + 1").encode(), "It began as none of the notebooks"),
    "report.pdf": (b"%PDF", "its name ends in .pdf"),
    "README": (b"hello", "its name ends in nothing"),
}


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """(folder, rows) of all that is no notebook, and of one that is."""
    folder = tmp_path_factory.mktemp("class")
    for name, (content, _) in FILES.items():
        (folder / f"eve {name}").write_bytes(content)
    for name in ("empty/.ipynb_checkpoints", "=1+1/01_bandits"):
        (folder / name).mkdir(parents=True)
    (folder / "empty/.ipynb_checkpoints/01_bandits.ipynb").write_text("hidden")
    os.mkfifo(folder / "pipe.ipynb")
    (folder / "link.ipynb").symlink_to(NOTEBOOKS / "01_bandits.ipynb")
    (folder / "elsewhere").symlink_to(folder)
    mixed = json.loads(notebook("<b>1</b>", RIGHT.splitlines(keepends=True)))
    mixed["cells"] += [{}, 3, {"cell_type": "code", "source": 7}, {"cell_type": "code", "source": [None, "pass"]}]
    (folder / "=1+1/01_bandits/01_bandits (1).ipynb").write_text(json.dumps(mixed))
    return folder, list(grades(jobs(folder, list(KNOWN.values()))))


def test_each_file_that_is_no_notebook_is_a_row_with_its_reason(strange):
    found = {row.file: row for row in strange[1]}
    for name, (_, reason) in FILES.items():
        row = found[f"eve {name}"]
        assert reason in row.reason and (row.status, row.exercise) == ("no notebook", ""), row
    assert all("It is a link or a device" in found[name].reason for name in ("pipe.ipynb", "link.ipynb", "elsewhere"))
    assert found["empty"].reason == "This folder is empty or cannot be opened." and found["empty"].student == "empty"
    assert len(strange[1]) == len(FILES) + 4 + 2


def test_a_notebook_with_half_broken_cells_is_graded(strange):
    rows = [row for row in strange[1] if row.student == "=1+1"]
    assert [(row.exercise, row.status) for row in rows] == [("my_score", "right"), ("my_gradient", "missing")]


def test_names_of_students():
    for file, name in {
        "anna/01_bandits.ipynb": "anna", "ben/week 1/01_bandits.ipynb": "ben", "01_bandits/eva.ipynb": "eva",
        "Müller_01_bandits.ipynb": "Müller", "01_bandits.ipynb": "01_bandits", "01_bandits - tom.ipynb": "tom",
    }.items():  # fmt: skip
        assert student(Path(file), list(KNOWN.values())) == name


def test_the_table_holds_no_formulas_and_is_written_row_by_row(strange, tmp_path):
    path = tmp_path / "grades.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = write_table(iter(strange[1]), file)
        next(rows), next(rows)
        assert len(path.read_text(encoding="utf-8").splitlines()) == 3
        list(rows)
    table = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert table[0] == list(Row._fields) and len(table) == len(strange[1]) + 1
    assert not [text for line in table for text in line if text.startswith("=")]
    assert "'=1+1" in [line[0] for line in table]


def test_the_page_says_who_passed_what_and_what_was_most_frequent():
    given = "Given preferences = [1.], your answer is [{}] and the right one [0.]."
    found = [("right", "Right."), ("wrong", given.format(1)), ("wrong", given.format(2)), ("not attempted", "Not attempted."),
             ("wrong", "2 times."), ("missing", "-"), ("stopped", "No answer."), ("unclear", "?")]  # fmt: skip
    rows = [Row(f"<i>{n}</i>", f"{n}.ipynb", "01_bandits", "my_score", *each, "`a` < b") for n, each in enumerate(found)]
    text = page([*rows, Row("x", "x.pdf", "", "", "no notebook", "It is <empty>.", "")])
    assert "<i>" not in text and "&lt;i&gt;0" in text and "It is &lt;empty&gt;." in text
    assert "<td><code>a</code> &lt; b</td>" in text
    assert "✓ right: 1, ✗ not yet: 3" in text and "<td>1 of 8</td>" in text
    first = re.search(r"most frequent diagnoses</h2>.*?<tbody>\n(.*?)</tr>", text, re.DOTALL)[1]
    assert "no mistake that has a name.</td>" in first and first.endswith("2</td>")
    anchors = re.findall(r'href="#(.*?)"', text)
    assert len(anchors) == len(rows) and all(f'id="{anchor}"' in text for anchor in anchors)
    assert "tests/lessons/solutions.py" in text and "np." not in text


@pytest.mark.parametrize("one, other", [
    ("Your code stopped with ValueError: 1. It was in line 3 (given x = 1).", "Your code stopped with ValueError: 2."),
    ("Wrong shape: (2,) is needed, yours is () (given x = 1).", "Wrong shape: (2,) is needed, yours is () (given x = 2)."),
])  # fmt: skip
def test_diagnoses_of_the_same_mistake_are_one(one, other):
    assert diagnosis(one) == diagnosis(other) and diagnosis("exactly 2 times") != diagnosis("exactly 3 times")


def test_the_command_writes_table_and_page(tmp_path, capsys):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "ben_01_bandits.ipynb").write_text(notebook(RIGHT))
    (tmp_path / "week1.csv").write_text("an earlier one")
    main([str(tmp_path / "class"), "--to", str(tmp_path / "week1"), "--seconds", "15", "--megabytes", "1500"])
    said = capsys.readouterr()
    assert "1 right, 1 missing" in said.out and "2 of 2  ben_01_bandits.ipynb  my_gradient  missing\n" in said.err
    assert (tmp_path / "week1.csv.old").read_text() == "an earlier one"
    assert "ben,ben_01_bandits.ipynb,01_bandits,my_score,right" in (tmp_path / "week1.csv").read_text(encoding="utf-8-sig")
    assert "✓ right: 1" in (tmp_path / "week1.html").read_text(encoding="utf-8")


def test_an_interrupted_run_keeps_what_it_has(tmp_path, monkeypatch):
    def two(*given):
        yield Row("anna", "a", "01_bandits", "my_score", "right", "Right.", "")
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "grades", two)
    (tmp_path / "class").mkdir()
    with pytest.raises(SystemExit, match="Interrupted: 1 of 0 rows"):
        main([str(tmp_path / "class"), "--to", str(tmp_path / "out")])
    assert all("anna" in (tmp_path / f"out.{kind}").read_text(encoding="utf-8-sig") for kind in ("csv", "html"))


def test_a_fault_of_the_grader_is_a_row_too(tmp_path, monkeypatch):
    (tmp_path / "ben_01_bandits.ipynb").write_text(notebook(RIGHT))
    monkeypatch.setattr(grading, "grade", lambda *given: 1 / 0)
    rows = list(grades(jobs(tmp_path, [BANDITS])))
    assert [row.reason for row in rows] == ["The grader itself failed, with ZeroDivisionError: division by zero"] * 2


@pytest.mark.parametrize("arguments, sentence", [
    (["nowhere"], "DIRECTORY must be a folder; got nowhere"),
    (["class", "--to", "nowhere/x"], "--to must lie in a folder that exists"),
    (["class", "--to", "class/x"], "--to must lie outside of DIRECTORY"),
    (["class", "--originals", "nowhere"], "originals must be a folder of notebooks with exercises; got nowhere"),
    (["class", "--seconds", "-1"], "seconds must be a number above 0"),
    (["class", "--megabytes", "1"], "megabytes must be a number of 500"),
])  # fmt: skip
def test_wrong_arguments(arguments, sentence, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("class").mkdir()
    with pytest.raises(SystemExit):
        main(arguments)
    assert sentence in capsys.readouterr().err and list(Path().rglob("*")) == [Path("class")]

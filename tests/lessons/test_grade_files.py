"""What a class hands in: files that are no notebooks, whose they are; the table, the page and the command."""

import csv
import html
import io
import json
import os
import re
import signal
import threading
from pathlib import Path

import pytest
from solved import NOTEBOOKS
from test_grade import BANDITS, KNOWN, RIGHT, notebook

from pgedu.lessons import grade as grading
from pgedu.lessons.grade import Row, grades, jobs, main, write_table
from pgedu.lessons.grade_files import handed_in, student
from pgedu.lessons.grade_page import OTHER, diagnosis, page
from pgedu.lessons.grade_process import Apart

FILES = {
    "empty.ipynb": (b"", "It is empty."),
    "garbage.ipynb": (bytes(range(256)), "It is no notebook, for it is no JSON"),
    "cut.ipynb": (notebook(RIGHT)[:60].encode(), "It is no notebook, for it is no JSON"),
    "deep.ipynb": (b"[" * 10**6, "It is no notebook, for it is no JSON"),
    "list.ipynb": (b"[1, 2]", "It is no notebook: it has no cells."),
    "number.ipynb": (b'{"cells": 3}', "It is no notebook: it has no cells."),
    "old.ipynb": (b'{"worksheets": []}', "It has the form that notebooks had before 2014"),
    "other.ipynb": (notebook("1 + 1").encode(), "It began as none of the notebooks"),
    "work.zip": (b"PK", "It is an archive: unpack it"),
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
        "anna_01_bandits (1).ipynb": "anna", "anna/01_bandits-Copy1.ipynb": "anna", "01_bandits-4711.ipynb": "4711",
        "group-1_01_bandits.ipynb": "group-1", "Anna Lee_123_assignsubmission_file_/x.ipynb": "Anna Lee_123",
        "leeanna_123_4567_01_bandits-1.ipynb": "leeanna_123", "leeanna_LATE_123_4568_home.ipynb": "leeanna_123",
        "week1-anna/notebooks/01_bandits.ipynb": "week1-anna", "Mu\u0308ller/x.ipynb": "Müller",
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


def test_names_in_order_and_without_signals_to_a_terminal_or_a_spreadsheet(tmp_path):
    for name in ("b", "C", "a\x1b[2J\n", "B", "__MACOSX", "\udcff"):
        (tmp_path / name).mkdir()
    names = [each.file for each in handed_in(tmp_path, [BANDITS])]
    assert names == ["a\\x1b[2J\\n", "B", "b", "C", "\\udcff"]
    file = io.StringIO()
    list(write_table([Row(" =1+1", "@x", "", "", "", "fine", "")], file))
    assert file.getvalue().splitlines()[1] == "' =1+1,'@x,,,,fine,"


def test_the_page_says_who_passed_what():
    found = [("right", "Right."), ("wrong", "2 times."), ("not attempted", "-"), ("missing", "-"), ("stopped", "No answer."),
             ("unclear", "?")]  # fmt: skip
    rows = [Row(f"<i>{n}</i>", f"{n}.ipynb", "01_bandits", "my_score", *each, "`a` < b") for n, each in enumerate(found)]
    files = [Row("x", f"x{n}.pdf", "", "", "no notebook", "It is <empty>.", "") for n in range(7)]
    again = Row("<i>1</i>", "1 (1).ipynb", "01_bandits", "my_score", "right", "Right.", "")
    text = page([*rows, again, *files])
    assert "<i>" not in text and "&lt;i&gt;0" in text and "It is &lt;empty&gt;." in text
    assert "<td><code>a</code> &lt; b</td>" in text
    assert "✓ right: 2, ✗ not yet: 1" in text and "<td>2 of 6</td>" in text  # students: of two copies the better counts
    assert text.count("x4.pdf and 2 more</td>") == 1
    anchors = set(re.findall(r'href="#(.*?)"', text))
    assert len(anchors) == len(rows) + 2 and all(f'id="{anchor}"' in text for anchor in anchors)
    assert "tests/lessons/solutions.py" in text and "np." not in text


def test_the_page_begins_with_how_far_everybody_is():
    def some(student, *statuses):
        return [Row(student, "a", f"0{n // 2}_x", f"f{n}", status, "?", "") for n, status in enumerate(statuses)]

    rows = [*some("anna", "right", "wrong", "right", "right"), *some("ben", "right", "stopped"),
            *some("cem", *4 * ["not attempted"]), Row("dora", "dora", "", "", "no notebook", "Empty.", "")]  # fmt: skip
    text = page(rows)
    assert "<b>Nothing that can be graded came from</b> dora." in text and "<b>Nothing was attempted by</b> cem." in text
    overview = re.search(r"How far everybody is</h2>.*?</table>", text, re.DOTALL)[0]
    lines = [re.findall(r"<t[dh].*?>([^<]*)</", line) for line in re.findall("<tr>(.*?)</tr>", overview)]
    assert lines[1:] == [["anna", "3", "1/2", "2/2"], ["ben", "1", "1/2", "–"], ["cem", "0", "○", "○"], ["dora", "0", "–", "–"]]
    assert "right of 4<" in overview and '<a href="#00_x">00</a>' in overview


def test_the_most_frequent_diagnoses_are_counted_by_students_and_those_that_say_nothing_come_last():
    said = {"anna": "Given p = 1, your answer is 1.", "ben": "Given p = 1, your answer is 2.", "cem": "Given p = 1, your answer is 2.",
            "dora": "Given p = 1, your answer is 3.", "eva": "Given p = 1, your answer is 4.", "finn": "Check the sign."}  # fmt: skip
    rows = [Row(name, f"{name} {n}", "01_bandits", "f", "wrong", reason, "") for n in (1, 2) for name, reason in said.items()]
    table = re.search(r"most frequent diagnoses</h2>.*?</table>", page(rows), re.DOTALL)[0]
    found = re.findall(r"<td>([^<]+)</td><td class=\"bars\">.*?(\d+)</td>", html.unescape(table))
    assert found == [("Given p = 1, your answer is 2.", "2"), ("Check the sign.", "1"), (OTHER, "3")]


@pytest.mark.parametrize("one, other", [
    ("Your code stopped with ValueError: 1. It was in line 3 (given x = 1).", "Your code stopped with ValueError: 2."),
    ("Wrong shape: (2,) is needed, yours is () (given x = 1).", "Wrong shape: (2,) is needed, yours is () (given x = 2)."),
    ("Your answer holds NaN (given x = 1): look for log(0).", "Your answer holds NaN: look for log(0)."),
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


def test_an_interrupted_run_ends_what_runs_and_keeps_what_it_has(tmp_path, monkeypatch):
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "anna.ipynb").write_text("")  # sorted first
    for name in ("ben", "cem", "dora"):
        endless = notebook(RIGHT.replace("    e =", "    while True: pass\n    e ="))
        (tmp_path / "class" / f"{name}_01_bandits.ipynb").write_text(endless)

    class Interrupted(io.StringIO):
        def write(self, text):
            if "anna" in text:
                signal.raise_signal(signal.SIGINT)
            return len(text)

    monkeypatch.setattr("sys.stderr", Interrupted())
    with pytest.raises(SystemExit, match="Interrupted: 1 of 7 rows"):
        main([str(tmp_path / "class"), "--to", str(tmp_path / "out"), "--seconds", "3000"])
    assert all("anna" in (tmp_path / f"out.{kind}").read_text(encoding="utf-8-sig") for kind in ("csv", "html"))
    assert not Apart.running and not [each for each in threading.enumerate() if "ThreadPool" in each.name]


def test_rows_stand_in_the_order_of_the_files_whatever_is_done_first(tmp_path, monkeypatch):
    for name in "abcd":
        (tmp_path / f"{name}_01_bandits.ipynb").write_text(notebook(RIGHT))
    first = threading.Event()

    def slow(exercise, copy, *limits):
        first.wait() if copy.student == "a" else first.set()
        return "right", "", []

    monkeypatch.setattr(grading, "grade", slow)
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert [row.student for row in grades(jobs(tmp_path, [BANDITS]))] == list("aabbccdd")


def test_of_two_copies_each_row_says_that_there_are_two(tmp_path):
    (tmp_path / "ben").mkdir()
    for name, answer in (("01_bandits.ipynb", RIGHT), ("01_bandits (1).ipynb", "1"), ("00_start_here.ipynb", "1")):
        (tmp_path / "ben" / name).write_text(notebook(answer))
    work = list(jobs(tmp_path, list(KNOWN.values())))
    assert [len(notes) for _, _, notes in work] == [0, 1, 1, 1, 1]
    row = list(grades(work[3:4]))[0]
    assert row.status == "right" and row.notes.endswith("One of 2 copies of this notebook: of each exercise the better answer counts.")


def test_where_nothing_can_be_written_nothing_is_graded(tmp_path):
    (tmp_path / "class").mkdir()
    (tmp_path / "out.html").mkdir()
    (tmp_path / "out.html.old").write_text("in the way")
    with pytest.raises(SystemExit, match="out.html cannot be written: .* Nothing was graded."):
        main([str(tmp_path / "class"), "--to", str(tmp_path / "out")])


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

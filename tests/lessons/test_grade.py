"""Grading a class: whatever a file holds it becomes rows with a reason, and only what is right, seen from outside, is right."""

import json
import re
import sys

import pytest
from solved import NOTEBOOKS, solutions, solved

from pgedu.lessons.grade import grade, grades, jobs
from pgedu.lessons.grade_files import Copy, originals, read

KNOWN = {each.name: each for each in originals(NOTEBOOKS)}
BANDITS = KNOWN["01_bandits"]
SCORE, GRADIENT = BANDITS.exercises
RIGHT = """
def my_score(preferences, action):
    e = np.exp(preferences)
    return np.eye(len(e))[action] - e / e.sum()


check_score(my_score)
"""
WRONG = RIGHT.replace("- e", "+ e")
linux = pytest.mark.skipif(sys.platform != "linux", reason="limits of memory and signals as Linux has them")


def graded(score=RIGHT, before=(), after=(), cells=None, seconds=10, megabytes=2000):
    """(status, reason, notes in one text) of the first exercise in a copy of notebook 01, in whose cell stands `score`."""
    here = [name for name, _ in BANDITS.code].index(SCORE.cell)
    around = [*(("", each) for each in before), (SCORE.cell, score), *(("", each) for each in after)]
    code = cells or [*BANDITS.code[:here], *around, *BANDITS.code[here + 1 :]]
    status, reason, notes = grade(SCORE, Copy("anna", "anna.ipynb", BANDITS, code, ""), seconds, megabytes)
    return status, reason, " ".join(notes)


def body(*lines):
    return RIGHT.replace("    e = np", "".join(f"    {line}\n" for line in lines) + "    e = np")


def notebook(*sources, **more):
    cells = [{"cell_type": "code", "source": source, "metadata": {}, "outputs": []} for source in sources]
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4} | more)


def test_every_exercise_is_found_and_has_a_solution():
    for path in NOTEBOOKS.glob("*.ipynb"):
        code = "\n".join(source for kind, _, source in read(path)[0] if kind == "code")
        asked = re.findall(r"^check_\w+\((\w+)\)$", code, re.MULTILINE)
        assert asked and asked == [each.function for each in KNOWN[path.stem].exercises] == list(solutions(path.stem))


def test_solutions_are_right_and_untouched_notebooks_are_told_from_wrong_ones(tmp_path):
    for path in NOTEBOOKS.glob("*.ipynb"):
        (tmp_path / "teacher").mkdir(exist_ok=True)
        (tmp_path / "teacher" / path.name).write_text(json.dumps(solved(path)), encoding="utf-8")
    for name in ("00_start_here", "01_bandits", "14_campaign_pilot"):
        assignment = tmp_path / "zoe" / "first"  # as nbgrader lays them out
        assignment.mkdir(parents=True, exist_ok=True)
        (assignment / f"{name}.ipynb").write_bytes((NOTEBOOKS / f"{name}.ipynb").read_bytes())
        (assignment / "timestamp.txt").write_text("2026-11-29 22:00:00 UTC")
    rows = list(grades(jobs(tmp_path, list(KNOWN.values()))))
    teacher, zoe = ([row for row in rows if row.student == name] for name in ("teacher", "zoe"))
    assert [row for row in teacher if row.status != "right" or row.notes] == []
    assert len(teacher) == sum(len(each.exercises) for each in KNOWN.values())
    assert {row.status for row in zoe} == {"not attempted"} and len(zoe) == 6 and rows == teacher + zoe


STOPPED = {
    "a loop without end": (body("while True: pass"), "is there a loop without end?"),
    "no Python": (RIGHT.replace("):", ")"), "Its cell is no Python: SyntaxError: expected ':' (line 1)."),
    "too deep": ("def my_score(h, a): return " + "(" * 5000, "Its cell is no Python"),
    "a null byte": (RIGHT + "\0", "Its cell is no Python"),
    "stops before": ("import not_here as helper\n@helper.fast" + RIGHT, "before there is a function: ModuleNotFoundError"),
    "ends Python": (body("import os", "os._exit(0)"), "with exit code 0 and without an answer"),
    "interrupts": (body("raise KeyboardInterrupt"), "The check was stopped by KeyboardInterrupt."),
}
WRONG_ANSWERS = {
    "wrong": (WRONG, "Given preferences"),
    "an exception": (body("1 / 0"), "ZeroDivisionError: division by zero. It was in line 2 of your function: `1 / 0` (given"),
    "leaves": (body("import sys", "sys.exit()"), "Your code stopped with SystemExit"),
    "a constant": ("def my_score(h, a):\n    return 0.5", "Wrong shape"),
    "deletes": (body("import os", "os.remove(PATH)"), "PermissionError: not while answers are graded: os.remove"),
    "writes": (body("open(PATH, 'a').write('!')"), "PermissionError: not while answers are graded: open"),
    "telephones": (body("import socket", "socket.create_connection(('127.0.0.1', 9))"), "PermissionError: not while answers"),
    "starts": (body("import subprocess", "subprocess.run(['true'])"), "PermissionError: not while answers are graded: sub"),
    "forks": (body("import os", "os.fork()"), "PermissionError: not while answers are graded: os.fork"),
    "removes": (body("import shutil, os", "shutil.rmtree(os.path.dirname(PATH), ignore_errors=True)"), "graded: shutil.rmtree"),
    "keeps a database": (body("import sqlite3", "sqlite3.connect(PATH)"), "PermissionError: not while answers are graded: sqlite3"),
    "multiplies": (body("import multiprocessing", "multiprocessing.get_context('spawn').Process().start()"), "graded: subprocess"),
    "kills": (body("import os", "os.kill(os.getppid(), 9)"), "PermissionError: not while answers are graded: os.kill"),
}


@pytest.mark.parametrize("name", STOPPED)
def test_what_cannot_be_judged_says_why(name):
    cell, reason = STOPPED[name]
    found = graded(cell, seconds=2 if "loop" in name else 10)
    assert found[0] == "stopped" and reason in found[1], found


@pytest.mark.parametrize("name", WRONG_ANSWERS)
def test_wrong_answers_get_the_diagnosis_of_the_check(name, tmp_path):
    cell, reason = WRONG_ANSWERS[name]
    (tmp_path / "kept").write_text("as it was")
    found = graded(cell.replace("PATH", repr(str(tmp_path / "kept"))))
    assert found[0] == "wrong" and reason in found[1], found
    assert (tmp_path / "kept").read_text() == "as it was"


@linux
def test_memory_is_limited_and_a_crash_is_a_row():
    large = body("np.empty(10**9, dtype=bool)")
    status, reason, _ = graded(large, megabytes=900)
    assert status == "wrong" and "MemoryError: Unable to allocate 954. M" in reason
    assert graded(large, megabytes=2000)[0] == "right"
    status, reason, _ = graded(body("import ctypes", "ctypes.string_at(0)"))
    assert status == "stopped" and "by signal 11, Segmentation fault, and without an answer" in reason


FINE = {
    "as it should be": {},
    "an exception elsewhere": {"before": ["1 / 0"], "after": ["raise SystemExit"]},
    "a loop elsewhere": {"before": ["import numpy as np\nwhile True:\n    np.sin(1)"]},
    "no Python elsewhere": {"before": ["def"]},
    "magic": {"score": "%matplotlib inline\n!ls\n%pip install \\\n  numpy\n" + RIGHT + "np.exp?\nx = !ls\n"},
    "magic in the function": {"score": body("%time", "%time a = 1", "assert a == 1")},
    "timed": {"score": "\n%%time\n" + body("assert k == 1").replace("check", "%time check"), "before": ["k = %time abs(-1)"]},
    "waits": {"before": ["import asyncio\nawait asyncio.sleep(0)\nk = 1"], "score": body("assert k == 1")},
    "hints": {"before": ["from __future__ import annotations"], "score": RIGHT.replace("action)", "action: Foo) -> Bar")},
    "counts": {"before": ["n = 0"], "score": body("global n", "n += 1")},
    "a result of its name": {"score": RIGHT + "my_score = my_score(np.zeros(2), 0)\nmy_score = check_score(my_score)"},
    "wrapped": {"score": RIGHT.split("check")[0] + "my_score = np.vectorize(my_score, signature='(n),()->(n)')\ncheck_score(my_score)"},
    "by name": {"score": RIGHT.replace("check_score(", "check_score(student=")},
    "much to say": {"score": body("print('x' * 10**7)")},
    "a lambda": {"score": "my_score = lambda h, a: np.eye(len(h))[a] - np.exp(h) / np.exp(h).sum()\ncheck_score(my_score)"},
    "nothing else": {"cells": [("", RIGHT)]},  # so that np comes from the original
    "helpers": {"score": "def my_score(h, a): return one(len(h))[a] - shares(h)\ncheck_score(my_score)",
                "before": ["one = None", "one = np.eye"],
                "after": ["def shares(h): return total(np.exp(h))", "def total(e): return e / e.sum()"]},
    "a table that is filled": {"score": body("assert table == {0: 1, 1: 2} and number == 3"), "after": ["table = 'later'"],
                               "before": ["table = {}\nfor i in range(2):\n    table[i] = i + 1", "number = 1\nnumber += 2"]},
}  # fmt: skip


@pytest.mark.parametrize("name", FINE)
def test_right_answers_pass_whatever_stands_around_them(name):
    found = graded(**FINE[name])
    assert found == ("right", "Right: 1 for the chosen action, minus the probability of each.", ""), found


LED_TO_BY_NO_NAME = {
    "fills": ["table = np.zeros(1)\nnp.copyto(table, 1)"], "by a function": ["def fill():\n    global table\n    table = [1]\nfill()"],
    "executes": ["exec('table = [1]')"], "keeps": ["table = []\nn = table.append(1)"],
}  # fmt: skip


@pytest.mark.parametrize("name", LED_TO_BY_NO_NAME)
def test_what_no_name_leads_to_is_run_in_a_second_attempt(name):
    score, before = RIGHT.replace("- e", "* table[0] - e"), LED_TO_BY_NO_NAME[name]
    found = graded(score, before=before)
    assert found[::2] == ("right", "Right only when all that this copy adds above it has run, too."), found
    first = graded(score.replace("* table", "+ table"), before=before)[1]
    assert graded(score.replace("* table", "+ table"), before=[*before, "while True: pass"], seconds=4)[1] == first


def test_an_untouched_exercise_costs_no_process(monkeypatch):
    monkeypatch.setattr("pgedu.lessons.grade.Apart", None)
    code = [(f"new {name}", source) for name, source in BANDITS.code]  # as where ids have been lost
    assert graded(cells=[*code, ("", "print(1)")])[0] == "not attempted"
    with pytest.raises(TypeError):
        graded(cells=[*code, ("", "my_score = print")])


UNTOUCHED = ["def my_score(h, a): ...\ncheck_score(my_score)",
             "def my_score(h, a):\n    raise NotImplementedError\ncheck_score(my_score)"]  # fmt: skip


@pytest.mark.parametrize("cell", UNTOUCHED)
def test_untouched(cell):
    assert graded(cell)[::2] == ("not attempted", "")


@pytest.mark.parametrize("first, second", [(RIGHT, UNTOUCHED[0]), (UNTOUCHED[0], RIGHT), (WRONG, RIGHT)])
def test_of_two_cells_the_last_with_an_answer_counts(first, second):
    assert graded(first, after=[second])[::2] == (
        "right", "`my_score` stands in this copy 2 times: graded is the last that was filled in.")  # fmt: skip


def test_missing_cells_and_functions_and_other_names():
    others = [(name, source) for name, source in BANDITS.code if name != SCORE.cell]
    status, reason, notes = graded(cells=others)
    assert status == "missing"
    assert reason == "Its cell is missing, or has lost its id, and nothing in this copy is called `my_score`."
    assert notes == "This copy no longer hands a function to `check_score`."
    assert graded("")[:2] == ("missing", "Its cell is there, but nothing in this copy is called `my_score`.")
    renamed = graded(RIGHT.replace("my_score", "the_score"))
    assert renamed[::2] == ("right", "Renamed: graded is `the_score`, where `my_score` was asked for.")
    assert graded("def one(): return 1\ndef two(): return 2")[0] == "missing"  # neither is likely to be meant
    status, _, notes = graded(WRONG.replace("my_score", "the_score").replace("check_score(the_score)", ""))
    assert status == "wrong" and notes.startswith("Renamed: graded is `the_score`")


@pytest.mark.parametrize("edited", [
    "def check_score(student): return 'Right'", "check_score = lambda student: True", "from math import sqrt as check_score",
    "class check_score:\n    def __init__(self, student): self.passed = True",
])  # fmt: skip
def test_an_edited_check_changes_nothing(edited):
    status, reason, notes = graded(f"{edited}\n{WRONG}")
    assert status == "wrong" and reason.startswith("Given preferences")
    assert notes == "This copy has a `check_score` of its own: graded was with the original."


REACHES = ["import pgedu.lessons.verdicts as v", "v.is_same = lambda *given, **more: True"]
FORGED = json.dumps({"status": "right", "reason": "", "notes": []})
PIPES = ["import os", "for n in range(3, 20):", f"    try: os.write(n, b'{FORGED}' + b'\\n')", "    except OSError: pass"]
COUNTS = ["seen.append(1)", "if len(seen) > 9: return 0 * preferences"]


@pytest.mark.parametrize("lines, before", [(REACHES, []), (PIPES, []), (COUNTS, ["seen = []"])])
def test_what_passes_only_beside_its_own_code_is_unclear(lines, before):
    cell = body(*lines) if lines == COUNTS else body(*lines).replace("- e", "+ e")
    found = graded(cell, before=before)
    assert found[0] == "unclear" and "look at it" in found[1], found


@pytest.mark.parametrize("said", ["hello", "[" * 10**5, '"right"', '{"status": "right"}', FORGED.replace("right", "best")])
def test_what_the_process_says_unasked_is_not_believed(said):
    lines = [line.replace(FORGED, said) for line in PIPES]
    assert graded(body(*lines)) == ("stopped", "The process said what it was not asked: look at what this code does.", "")


def test_surrogates_and_long_texts_of_students_do_not_stop_the_table():
    status, reason, _ = graded(body(r"raise ValueError('\ud800' + 'x' * 10**6)"))
    assert status == "wrong" and len(reason.encode()) < 2000

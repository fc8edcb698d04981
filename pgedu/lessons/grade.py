"""Grades what a class has handed in: `python -m pgedu.lessons.grade DIRECTORY`.

DIRECTORY holds a folder for each student, with notebooks at any depth (as nbgrader's `submitted`), or all notebooks side by
side. For each exercise of each notebook there is a row: right, wrong and why, not attempted, or what kept it from being graded.
Whatever a file holds, the others are graded. Nothing that a student wrote runs in this process: `grade_apart` runs it, with
limits, and a "right" counts only if the check says so here, too.
"""

import argparse
import csv
import importlib
import os
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import numpy as np

import pgedu
from pgedu.arguments import number
from pgedu.lessons.grade_files import handed_in, originals, printable
from pgedu.lessons.grade_page import page
from pgedu.lessons.grade_process import OUT_OF_TURN, Apart, Ended

HOME = Path(pgedu.__file__).parents[1] / "notebooks"
STATUSES = ("right", "wrong", "not attempted", "missing", "stopped", "unclear")
UNCLEAR = ("The check passes beside this code and fails apart from it. Either the answers depend on chance or on earlier "
           "calls, or the code reaches into the check: look at it.")  # fmt: skip


class Row(NamedTuple):
    """A line of the table. A file that could not be graded has one, with the status "no notebook" and no exercise."""

    student: str
    file: str
    notebook: str
    exercise: str
    status: str
    reason: str
    notes: str


def grades(folder, known, seconds=20, megabytes=2000):
    """An iterator over the rows of everything below a folder, file by file.

    Args:
        known: the notebooks as they were handed out, from `originals`.
        seconds, megabytes: limits for each exercise, by the clock and of memory.
    """
    number("seconds", seconds, most=86_400, above=0)
    number("megabytes", megabytes, 500)
    return _rows(folder, known, seconds, megabytes)


def _rows(folder, known, seconds, megabytes):
    for copy in handed_in(folder, known):
        if copy.problem:
            yield Row(copy.student, copy.file, copy.original.name if copy.original else "", "", "no notebook", copy.problem, "")
            continue
        for exercise in copy.original.exercises:
            try:
                found = grade(exercise, copy, seconds, megabytes)
            except Exception as error:  # a fault of the grader's own must not cost the others their grades
                found = "stopped", f"The grader itself failed, with {type(error).__name__}: {printable(str(error))}", []
            status, reason, notes = found
            yield Row(copy.student, copy.file, copy.original.name, exercise.function, status, reason, " ".join(notes))


def grade(exercise, copy, seconds, megabytes):
    """(status, reason, notes) of an exercise in a student's copy."""
    notes = []
    try:
        with Apart(seconds, megabytes) as apart:
            status, reason, notes = _sound(apart.ask({"exercise": exercise, "original": copy.original.code, "copy": copy.code}))
            if status == "right":
                verdict = _asked_from_here(exercise, apart)
                return ("right", verdict.message, notes) if verdict.passed else ("unclear", UNCLEAR, notes)
            return status, reason, notes
    except Ended as ended:
        return "stopped", str(ended), notes


def _sound(found):
    """(status, reason, notes) as they came from a process that students' code may have changed: texts, and not long ones."""
    status, reason, notes = (found.get(name) for name in ("status", "reason", "notes"))
    if status not in STATUSES or not isinstance(reason, str) or not isinstance(notes, list):
        raise Ended(OUT_OF_TURN)
    return status, printable(reason[:1000]), [printable(str(note)[:500]) for note in notes[:10]]


def _asked_from_here(exercise, apart):
    """The verdict of the check in this process, where no student's code has been; the function's answers come as numbers."""
    ended = []

    def student(*given):
        try:
            answer = apart.ask(given)
        except Ended as error:
            ended.append(error)
            raise
        values = np.array(answer["values"], dtype=float).reshape(answer["shape"])
        return values if values.ndim else float(values)

    verdict = getattr(importlib.import_module(exercise.module), exercise.check)(student)
    if ended:
        raise ended[0]
    return verdict


def write_table(rows, path):
    """Write rows as CSV while they come, each at once; yield them, too. An earlier file is kept as `.old`."""
    with _new(path, encoding="utf-8-sig", newline="") as file:  # so that spreadsheets see that it is Unicode
        table = csv.writer(file)
        table.writerow(Row._fields)
        for row in rows:
            table.writerow([_no_formula(text) for text in row])
            file.flush()
            yield row


def _no_formula(text):
    """A name such as `=1+1` must not be computed by a spreadsheet."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _new(path, **how):
    if path.exists():
        os.replace(path, f"{path}.old")
    return path.open("w", **how)


def main(arguments=None):
    """The command: grade, print a line for each file, write CSV and page, also when it is interrupted."""
    options = _options(arguments)
    if hasattr(sys.stdout, "reconfigure"):  # a notebook's output has none, and can show every name
        sys.stdout.reconfigure(errors="backslashreplace")
    csv_path, page_path = (options.to.with_name(f"{options.to.name}.{kind}") for kind in ("csv", "html"))
    found = []
    try:
        for row in write_table(options.rows, csv_path):
            found.append(row)
            print(f"{row.file}  {row.exercise}  {row.status}", flush=True)
    finally:
        with _new(page_path, encoding="utf-8") as file:
            file.write(page(found))
    counts = Counter(row.status for row in found)
    print(", ".join(f"{count} {status}" for status, count in counts.most_common()) or "Nothing was handed in.")
    print(f"Written: {csv_path} and {page_path}")


def _options(arguments):
    parser = argparse.ArgumentParser(prog="python -m pgedu.lessons.grade", description="Grade notebooks that were handed in.")
    parser.add_argument("directory", type=Path, help="a folder for each student, or notebooks named after them")
    for name, kind, default, what in (
        ("--originals", Path, HOME, "the notebooks as they were handed out"),
        ("--to", Path, Path("grades"), "where to write, without .csv and .html"),
        ("--seconds", float, 20, "time for an exercise"),
        ("--megabytes", float, 2000, "memory for an exercise"),
    ):
        parser.add_argument(name, type=kind, default=default, help=f"{what} (default: %(default)s)")
    options = parser.parse_args(arguments)
    if not options.directory.is_dir():
        parser.error(f"DIRECTORY must be a folder; got {options.directory}")
    if not options.to.parent.is_dir():
        parser.error(f"--to must lie in a folder that exists; got {options.to}")
    if options.to.resolve().is_relative_to(options.directory.resolve()):
        parser.error(f"--to must lie outside of DIRECTORY, where every file is taken for a student's; got {options.to}")
    try:
        options.rows = grades(options.directory, originals(options.originals), options.seconds, options.megabytes)
    except ValueError as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    main()

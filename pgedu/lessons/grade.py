"""Grades what a class has handed in: `python -m pgedu.lessons.grade DIRECTORY`.

DIRECTORY holds a folder for each student, with notebooks at any depth (as nbgrader's `submitted`), or all notebooks side by
side. For each exercise of each notebook there is a row: right, wrong and why, not attempted, or what kept it from being graded.
Whatever a file holds, the others are graded. Nothing that a student wrote runs in this process: `grade_apart` runs it, with
limits, and a "right" counts only if the check says so here, too. As many exercises are graded at a time as there are
processors; the rows stand in the order of the files.
"""

import argparse
import csv
import importlib
import os
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import numpy as np

import pgedu
from pgedu.arguments import number
from pgedu.lessons.answers import UNTOUCHED
from pgedu.lessons.grade_files import handed_in, originals, printable, untouched
from pgedu.lessons.grade_page import page
from pgedu.lessons.grade_process import OUT_OF_TURN, Apart, Ended

HOME = Path(pgedu.__file__).parents[1] / "notebooks"
STATUSES = ("right", "wrong", "not attempted", "missing", "stopped", "unclear")
UNCLEAR = ("The check passes beside this code and fails apart from it. Either the answers depend on chance or on earlier "
           "calls, or the code reaches into the check: look at it.")  # fmt: skip


ALONE = "Right only when all that this copy adds above it has run, too."
HERE = threading.Lock()  # a check catches what is printed, for the whole process: one at a time


class Row(NamedTuple):
    """A line of the table. A file that could not be graded has one, with the status "no notebook" and no exercise."""

    student: str
    file: str
    notebook: str
    exercise: str
    status: str
    reason: str
    notes: str


def jobs(folder, known):
    """What there is to grade below a folder, as (copy, exercise, notes); a file without exercises is one, too, with None.

    Args:
        known: the notebooks as they were handed out, from `originals`.
    """
    copies = list(handed_in(folder, known))
    count = Counter((copy.student, copy.original.name) for copy in copies if not copy.problem)
    for copy in copies:
        same = 0 if copy.problem else count[copy.student, copy.original.name]
        notes = [f"One of {same} copies of this notebook: of each exercise the better answer counts."] if same > 1 else []
        yield from [(copy, None, [])] if copy.problem else [(copy, each, notes) for each in copy.original.exercises]


def grades(work, seconds=20, megabytes=2000):
    """An iterator over the rows of all `jobs`, in their order. If it is closed early, what runs is ended.

    Args:
        seconds, megabytes: limits for each exercise, by the clock and of memory.
    """
    number("seconds", seconds, most=86_400, above=0)
    number("megabytes", megabytes, 500)
    return _rows(list(work), seconds, megabytes)


def _rows(work, seconds, megabytes):
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = [pool.submit(_row, *job, seconds, megabytes) for job in work]
        try:
            for each in found:
                yield each.result()
        finally:
            for each in found:
                each.cancel()
            while wait(found, 0.1).not_done:
                Apart.end_all()  # again and again, for some may just begin


def _row(copy, exercise, notes, seconds, megabytes):
    name = copy.original.name if copy.original else ""
    if exercise is None:
        return Row(copy.student, copy.file, name, "", "no notebook", copy.problem, "")
    try:
        status, reason, more = grade(exercise, copy, seconds, megabytes)
    except Exception as error:  # a fault of the grader's own must not cost the others their grades
        status, reason, more = "stopped", f"The grader itself failed, with {type(error).__name__}: {printable(str(error))}", []
    return Row(copy.student, copy.file, name, exercise.function, status, reason, " ".join([*more, *notes]))


def grade(exercise, copy, seconds, megabytes):
    """(status, reason, notes) of an exercise in a student's copy."""
    if untouched(exercise, copy):
        return "not attempted", UNTOUCHED, []
    *first, more = _attempt(exercise, copy, seconds, megabytes, all_own=False)
    if more and first[0] in ("wrong", "stopped"):
        status, reason, notes, _ = _attempt(exercise, copy, seconds, megabytes, all_own=True)
        if status == "right":
            return status, reason, [*notes, ALONE]
    return tuple(first)


def _attempt(exercise, copy, seconds, megabytes, all_own):
    """(status, reason, notes, whether the student's own cells do more that may matter), from a process of its own."""
    notes = []
    try:
        with Apart(seconds, megabytes) as apart:
            job = {"exercise": exercise, "original": copy.original.code, "copy": copy.code, "all_own": all_own}
            status, reason, notes, more = _sound(apart.ask(job))
            if status == "right" and not (verdict := _asked_from_here(exercise, apart)).passed:
                return "unclear", UNCLEAR, notes, False
            return status, verdict.message if status == "right" else reason, notes, more
    except Ended as ended:
        return "stopped", str(ended), notes, False


def _sound(found):
    """(status, reason, notes, more) from a process that students' code may have changed: texts, and not long ones."""
    status, reason, notes = (found.get(name) for name in ("status", "reason", "notes"))
    if status not in STATUSES or not isinstance(reason, str) or not isinstance(notes, list):
        raise Ended(OUT_OF_TURN)
    return status, printable(reason[:1000]), [printable(str(note)[:500]) for note in notes[:10]], bool(found.get("more"))


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

    with HERE:
        apart.wind_up()  # waiting for the others was not this student's time
        verdict = getattr(importlib.import_module(exercise.module), exercise.check)(student)
    if ended:
        raise ended[0]
    return verdict


def write_table(rows, file):
    """Write rows as CSV while they come, each at once; yield them, too."""
    table = csv.writer(file)
    table.writerow(Row._fields)
    for row in rows:
        table.writerow([_no_formula(text) for text in row])
        file.flush()
        yield row


def _no_formula(text):
    """A name such as `=1+1` must not be computed by a spreadsheet."""
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@")) else text


def _new(path, **how):
    """A file to write to, opened; an earlier one is kept as `.old`."""
    try:
        if path.exists():
            os.replace(path, f"{path}.old")
        return path.open("w", **how)
    except OSError as error:
        sys.exit(f"{path} cannot be written: {error.strerror}. Nothing was graded.")


def main(arguments=None):
    """The command: grade, say so for each exercise, write CSV and page, also when it is interrupted."""
    options = _options(arguments)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a notebook's output has none, and can show every name
            stream.reconfigure(errors="backslashreplace")
    paths = [options.to.with_name(f"{options.to.name}.{kind}") for kind in ("csv", "html")]
    # The signature makes spreadsheets see that it is Unicode.
    with _new(paths[0], encoding="utf-8-sig", newline="") as table, _new(paths[1], encoding="utf-8") as shown:
        found, interrupted = _graded(options, table)
        shown.write(page(found))
    counts = Counter(row.status for row in found)
    print(", ".join(f"{count} {status}" for status, count in counts.most_common()) or "Nothing was handed in.")
    print(f"Written: {paths[0]} and {paths[1]}")
    if interrupted:
        sys.exit(f"Interrupted: {len(found)} of {len(options.work)} rows were written.")


def _graded(options, table):
    """(rows, whether somebody interrupted it before there were all), said on stderr and written to a table as they come."""
    found, rows = [], grades(options.work, options.seconds, options.megabytes)
    try:
        for row in write_table(rows, table):
            found.append(row)
            line = f"{len(found)} of {len(options.work)}  {row.file}  {row.exercise}  {row.status}"
            print(line, file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        return found, True
    finally:
        rows.close()
    return found, False


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
        grades([], options.seconds, options.megabytes)
        options.work = list(jobs(options.directory, originals(options.originals)))
    except ValueError as error:
        parser.error(str(error))
    return options


if __name__ == "__main__":
    main()

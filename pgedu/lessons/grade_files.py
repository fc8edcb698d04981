"""What was handed in: its files, whose they are, which notebook of the suite each began as, and which exercises that has.

Files are read and never run. Of one that cannot be read, a sentence says why; none stops the others.
"""

import ast
import json
import os
import re
import stat
from pathlib import Path
from typing import NamedTuple
from unicodedata import category, normalize

from pgedu.lessons.grade_code import python_of

LARGEST = 50_000_000  # bytes: a notebook of this suite has less than 2 million
ARCHIVES = {".zip", ".7z", ".rar", ".tar", ".gz", ".tgz"}
ADDED = re.compile(r"_assignsubmission_\w+$")  # by Moodle, to a folder: "Anna Lee_123_assignsubmission_file_"
CANVAS = re.compile(r"^([^_]+)(?:_LATE)?_(\d{3,})_\d{3,}_.*")  # "leeanna_LATE_123_4567_01_bandits-1", the last of the file
COPIED = r"(?:-[Cc]opy\d*|-\d(?!\d)| ?\(\d+\))*"  # by a browser, JupyterLab or Canvas: "01_bandits (1)", "01_bandits-Copy1"
NOT_HANDED_IN = {"timestamp.txt", "Thumbs.db", "desktop.ini", "__MACOSX"}  # what nbgrader and file managers add


class Exercise(NamedTuple):
    """A function that a notebook asks for."""

    cell: str  # id of the cell that it stands in
    function: str
    check: str
    module: str  # where the check is imported from


class Original(NamedTuple):
    """A notebook as it was handed out."""

    name: str
    code: list  # (id, source) of the cells of code
    sources: frozenset  # the source of each cell
    exercises: list


class Copy(NamedTuple):
    """What a student has handed in, and what is wrong with it, if something is."""

    student: str
    file: str  # relative to the folder of all
    original: Original | None
    code: list
    problem: str


def read(path):
    """(the cells of a notebook as (kind, id, source), "") or ([], a sentence on what the file is instead)."""
    try:
        if problem := _no_file(os.lstat(path), path):
            return [], problem
        notebook = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        return [], f"It cannot be opened: {error.strerror}."
    except (ValueError, RecursionError):
        return [], "It is no notebook, for it is no JSON: another kind of file, or one that was cut off on its way."
    if isinstance(notebook, dict) and "worksheets" in notebook:
        return [], "It has the form that notebooks had before 2014: open it in JupyterLab and save it."
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        return [], "It is no notebook: it has no cells."
    return [_cell(cell) for cell in cells if isinstance(cell, dict)], ""


def _no_file(info, path):
    if stat.S_ISDIR(info.st_mode):
        return "This folder is empty or cannot be opened."
    if not stat.S_ISREG(info.st_mode):
        return "It is a link or a device, and not a file."
    if path.suffix in ARCHIVES:
        return "It is an archive: unpack it, and grade again."
    if path.suffix != ".ipynb":
        return f"It is no notebook: its name ends in {path.suffix or 'nothing'} and not in .ipynb."
    if info.st_size > LARGEST:
        return f"It is too large: {info.st_size / 1e6:.0f} MB, where {LARGEST / 1e6:.0f} are read."
    return "" if info.st_size else "It is empty."


def _cell(cell):
    source = cell.get("source", "")
    lines = source if isinstance(source, list) else [source]
    return str(cell.get("cell_type")), str(cell.get("id", "")), "".join(line for line in lines if isinstance(line, str))


def originals(folder):
    """The notebooks of a folder that have exercises, in the order of their names. Raises ValueError if there is none."""
    found = []
    for path in sorted(Path(folder).glob("*.ipynb")):
        cells, problem = read(path)
        if problem:
            raise ValueError(f"originals must be a folder of notebooks; {path.name}: {problem}")
        code = [(name, source) for kind, name, source in cells if kind == "code"]
        found.append(Original(path.stem, code, frozenset(source for *_, source in cells if len(source) > 20), exercises(code)))
    found = [each for each in found if each.exercises]
    if not found:
        raise ValueError(f"originals must be a folder of notebooks with exercises; got {folder}")
    return found


def exercises(code):
    """The exercises of a notebook: each function f that a cell defines and hands to a check that was imported, `check_x(f)`."""
    trees, modules, found = [(name, ast.parse(python_of(source))) for name, source in code], {}, []
    for _, tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom):
                modules |= {alias.name: node.module for alias in node.names if alias.name.startswith("check_")}
    for cell, tree in trees:
        defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        for node in tree.body:
            call = getattr(node, "value", None)
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") in modules:
                names = [getattr(argument, "id", "") for argument in call.args]
                if len(names) == 1 and names[0] in defined:
                    found.append(Exercise(cell, names[0], call.func.id, modules[call.func.id]))
    return found


def handed_in(folder, known):
    """A Copy for each file below a folder, in the order of their names; `known` are the originals."""
    for path in _paths(Path(folder)):
        cells, problem = read(path)
        file = path.relative_to(folder)
        original = began_as(file, cells, known)
        if not problem and original is None:
            problem = "It began as none of the notebooks with exercises: it shares no cell with any of them, nor a name."
        code = [(name, source) for kind, name, source in cells if kind == "code"]
        yield Copy(*(printable(text) for text in (student(file, known), str(file))), original, code, problem)


def untouched(exercise, copy):
    """Does the copy name an exercise only where the original does, in cells that nobody has changed?"""
    names = (exercise.function, exercise.check)
    given, here = ([source for _, source in code if any(name in source for name in names)]
                   for code in (copy.original.code, copy.code))  # fmt: skip
    return here == given


def _paths(folder):
    """All files below a folder, and what looks like one: links, and folders with nothing in them."""
    locked = []
    for here, folders, files in os.walk(folder, onerror=lambda error: locked.append(Path(error.filename))):
        folders[:] = _shown(folders)
        files = _shown(files)
        yield from (Path(here, name) for name in files + folders if name in files or Path(here, name).is_symlink())
        if not files and not folders and Path(here) != folder:
            yield Path(here)
        yield from locked
        locked.clear()


def printable(name):
    """A text in one line that can be written, also where there are bytes in it that are none, or signals to a terminal."""
    return "".join(repr(each)[1:-1] if category(each) in ("Cc", "Cs") else each for each in name)


def _shown(names):
    names = [name for name in names if not name.startswith(".") and name not in NOT_HANDED_IN]
    return sorted(names, key=lambda name: (name.casefold(), name))


def began_as(file, cells, known):
    """The original that shares the most cells of its own with a copy; without any, the one that its path names; else None."""
    sources = {source for *_, source in cells}
    everywhere = [source for each in known for source in each.sources]
    shares = [len([source for source in each.sources & sources if everywhere.count(source) == 1]) for each in known]
    if max(shares):
        return known[shares.index(max(shares))]
    return next((each for each in known if each.name in str(file)), None)


def student(file, known):
    """Whose a file is: the first part of its path (folders, then its own name) that is more than the name of a notebook.

    Of names that Moodle and Canvas make (ADDED, CANVAS), what differs from file to file is left away, and the number that
    tells two students of one name apart is kept.
    """
    names = "|".join(re.escape(each.name) for each in known)
    for part in [*file.parts[:-1], CANVAS.sub(r"\1_\2", file.stem)]:
        part = re.sub(rf"(?:{names}){COPIED}", "", ADDED.sub("", part)).strip(" _-.")
        if part.strip("()"):
            return normalize("NFC", part)  # macOS takes an umlaut for a letter and two dots
    return file.stem

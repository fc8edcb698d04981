"""Gives a student the notebooks: run as the student, in their home, with the folder of the originals as its argument.

Nothing that a student has done is lost: a copy that was changed stays, and what is new comes beside it. Copies are signed
with the student's own key, so that their panels are trusted when they are opened.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

LIST = Path(".handed_out.json")  # file -> hash of the original that it was copied from


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def place(original, copy, given):
    """Where a copy of the original is due, or None if the student has it, or has changed it since."""
    now = digest(original)
    if not copy.exists():
        return copy
    if given == now or digest(copy) == now:
        return None
    if digest(copy) == given:
        return copy  # untouched
    free = (copy.with_stem(f"{copy.stem} (new{number})") for number in ["", *(f" {n}" for n in range(2, 100))])
    return next(path for path in free if not path.exists())


def hand_out(originals):
    given = json.loads(LIST.read_text(encoding="utf-8")) if LIST.exists() else {}
    notebooks = []
    for original in sorted(path for path in originals.rglob("*") if path.is_file()):
        name = str(original.relative_to(originals))
        copy = place(original, Path(name), given.get(name))
        if copy:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(original, copy)
            notebooks += [copy] if copy.suffix == ".ipynb" else []
        given[name] = digest(original)
    sign(notebooks)
    LIST.write_text(json.dumps(given, indent=1), encoding="utf-8")


def sign(notebooks):
    if notebooks:  # these take long to import
        import nbformat
        from nbformat.sign import NotebookNotary

        notary = NotebookNotary()
        for path in notebooks:
            notary.sign(nbformat.read(path, as_version=4))
        notary.store.close()


if __name__ == "__main__":
    hand_out(Path(sys.argv[1]))

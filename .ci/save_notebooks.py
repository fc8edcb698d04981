"""Execute notebooks and save them in normal form, so that a diff shows what a reader would see differ and nothing else.

    python .ci/save_notebooks.py notebooks/*.ipynb

Each notebook runs from top to bottom in a fresh kernel, in its own folder. If one of its cells raises, its file stays
as it was, the notebook and the cell are named, and the exit code is 1.
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

VIEW = "application/vnd.jupyter.widget-view+json"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_METADATA = {"jupyter", "slideshow", "tags"}  # what an author sets; editors and clients add timings and the like
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8}")  # JupyterLab's kind, nbformat's kind


def read(path):
    """Return the notebook in `path`, with an id in every cell."""
    # Before nbformat reads them: it gives cells without an id a new random one, with a warning, at each reading.
    nb = json.loads(path.read_text(encoding="utf-8"))
    nb.update(nbformat=4, nbformat_minor=5)
    name_cells(nb["cells"])
    return nbformat.reads(json.dumps(nb), as_version=4)


def name_cells(cells):
    """Keep every id that is unique and not random; number the other cells by the first free `cell-NN`."""
    taken = set()
    for cell in cells:
        if cell.get("id") in taken or RANDOM_ID.fullmatch(cell.get("id", "")):
            del cell["id"]
        taken.add(cell.get("id"))
    free = (name for name in (f"cell-{n:02d}" for n in range(1, 2 * len(cells) + 2)) if name not in taken)
    for cell in cells:
        cell.setdefault("id", None)
        cell["id"] = cell["id"] or next(free)


def execute(nb, folder, timeout):
    """Run every cell of `nb` in a new kernel; return None, or a sentence that says what went wrong in which cell."""
    running = ["before its first cell"]

    def started(cell, cell_index):
        running[0] = f"in cell {cell.id} (number {cell_index + 1})"

    client = NotebookClient(
        nb,
        kernel_name=KERNEL["name"],
        timeout=timeout,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,  # a panel without a kernel would only look alive; its picture and words stay
        coalesce_streams=True,  # how prints are cut into chunks is chance; nbval joins them by the same rule
        on_cell_start=started,
    )
    try:
        client.execute()
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        return f"failed {running[0]}:\n{error}"
    return None


def normal_form(nb):
    """Return the text of the notebook dict `nb` as it is committed; its own output is left unchanged by it."""
    nb = json.loads(json.dumps(nb))
    nb.update(nbformat=4, nbformat_minor=5)
    nb["metadata"] = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
    name_cells(nb["cells"])
    for cell in nb["cells"]:
        cell["metadata"] = {key: value for key, value in cell.get("metadata", {}).items() if key in CELL_METADATA}
    outputs = [output for cell in nb["cells"] for output in cell.get("outputs", [])]
    for number, view in enumerate((o["data"][VIEW] for o in outputs if VIEW in o.get("data", {})), start=1):
        view["model_id"] = f"{number:032x}"  # it was random
    # nbformat.writes sorts keys, indents by one space and stores long text as lines, as editors do when they save.
    return nbformat.writes(nbformat.from_dict(nb)).rstrip("\n") + "\n"


def save(path, timeout):
    """Execute the notebook in `path` and save it; return whether it ran."""
    nb = read(path)
    problem = execute(nb, path.parent, timeout)
    if problem:
        print(f"{path} {problem}", file=sys.stderr)
        return False
    new = path.with_suffix(".ipynb.new")  # then one rename: an interrupted save never leaves half a notebook
    new.write_text(normal_form(nb), encoding="utf-8", newline="\n")
    os.replace(new, path)
    print(f"{path} saved")
    return True


def main():
    parser = argparse.ArgumentParser(description="Execute notebooks and save them in normal form.")
    parser.add_argument("notebooks", nargs="+", type=Path)
    parser.add_argument("--timeout", type=int, default=120, help="seconds a cell may take (%(default)s)")
    args = parser.parse_args()
    return 0 if all([save(path, args.timeout) for path in args.notebooks]) else 1


if __name__ == "__main__":
    sys.exit(main())

"""For tests of lessons: what a notebook's cells define, and a view at every corner of its controls."""

import ast
import itertools
import json
import re
from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle

from pgedu.panels.canvas import Canvas

FOLDER = Path(__file__).parents[2] / "notebooks"


def definitions(notebook, *ids, **given):
    """Names that the cells define, run one after the other without their prints and panels.

    `given` stands in the place of what a cell would use, from the first cell on.
    """
    saved = json.loads((FOLDER / notebook).read_text(encoding="utf-8"))
    cells, names = {cell["id"]: "".join(cell["source"]) for cell in saved["cells"]}, {}
    for each in ids:
        tree = ast.parse(cells[each])
        tree.body = [node for node in tree.body if not isinstance(node, ast.Expr)]
        exec(compile(tree, f"{notebook} {each}", "exec"), names)
        names.update(given)
    return names


def corners(view, **ends):
    """Draw at every combination of the ends of the controls; yield (sentence, figure) after each."""
    canvas = Canvas(view)
    for values in itertools.product(*ends.values()):
        sentence = canvas.draw(**dict(zip(ends, values)))
        assert sentence.endswith(".") and not re.search(r"\b(nan|inf)\b", sentence), sentence
        assert canvas.png().startswith(b"\x89PNG")
        for axes in canvas.figure.axes:
            assert all(np.isfinite(line.get_xydata()).all() for line in axes.lines)
            bars = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
            assert all(np.isfinite([bar.get_width(), bar.get_height()]).all() for bar in bars)
        yield sentence, canvas.figure


def line(axes, label):
    """Data [n, 2] of the line with this label."""
    (found,) = [each for each in axes.lines if each.get_label() == label]
    return found.get_xydata()

"""For the tests of lessons: what a notebook's cells define, and pictures as they come out of a view."""

import ast
import itertools
import json
import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

import pgedu
from pgedu.panels.canvas import Canvas

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def from_notebook(notebook, *names, **given):
    """What the code cells of a notebook define by these names, functions or variables, and nothing else of it.

    They see numpy, the public names of pgedu, and what is `given`. Returns a list.
    """
    cells = json.loads((NOTEBOOKS / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    scope = {"np": np} | {name: getattr(pgedu, name) for name in pgedu.__all__} | given
    for statement in (statement for source in code for statement in ast.parse(source).body):
        targets = getattr(statement, "targets", [statement])
        if any(getattr(target, "name", getattr(target, "id", None)) in names for target in targets):
            exec(compile(ast.Module([statement], []), notebook, "exec"), scope)
    return [scope[name] for name in names]


def picture(view):
    """(figure, draw) of a view on a new figure. This `draw` asserts that there are a sentence and sound artists, too."""
    figure = Figure()
    draw = view(figure)

    def checked(*arguments, **controls):
        sentence = draw(*arguments, **controls)
        assert sentence.endswith(".") and not re.search(r"\b(nan|inf)\b", sentence), sentence
        for axes in figure.axes:
            for line in axes.lines:
                x, y = np.broadcast_arrays(*map(np.asarray, line.get_data()))
                assert np.isfinite(x).any() and np.isfinite(y).any(), f"nothing to see of {line}"
                assert not (np.isinf(x).any() or np.isinf(y).any())  # NaN is a gap
            for patch in axes.patches:
                assert np.isfinite(patch.get_path().vertices).all() and np.isfinite(patch.get_extents().bounds).all()
        return sentence

    return figure, checked


def definitions(notebook, *ids, **given):
    """Names that the cells define, run one after the other without their prints and panels.

    `given` stands in the place of what a cell would use, from the first cell on.
    """
    saved = json.loads((NOTEBOOKS / notebook).read_text(encoding="utf-8"))
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

"""For the tests of lessons: functions that stand in a notebook's cells, and pictures as they come out of a view."""

import ast
import json
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import pgedu

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
        assert sentence.endswith(".") and "nan" not in sentence and "inf" not in sentence, sentence
        for axes in figure.axes:
            for line in axes.lines:
                x, y = np.broadcast_arrays(*map(np.asarray, line.get_data()))
                assert np.isfinite(x).any() and np.isfinite(y).any(), f"nothing to see of {line}"
                assert not (np.isinf(x).any() or np.isinf(y).any())  # NaN is a gap
            for patch in axes.patches:
                assert np.isfinite(patch.get_path().vertices).all() and np.isfinite(patch.get_extents().bounds).all()
        return sentence

    return figure, checked

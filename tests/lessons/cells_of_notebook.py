"""For tests: what chosen cells of a notebook define, and their panels as a view with its controls, not yet drawn."""

import ast
import itertools
import json
from pathlib import Path

import ipywidgets as widgets
import numpy as np
from matplotlib.figure import Figure

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"


def run(name, *cells, **given):
    """Run the first code cell of a notebook and the named ones, without loops and prints: (what they define, their panels).

    They also see what is `given`. A panel is (function of a figure, controls) of `explore`, and (start, function of a figure, controls) of `watch`.
    """
    notebook = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text(encoding="utf-8"))
    sources = {cell["id"]: "".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"}
    scope, panels = dict(given), []

    def keep(*parts, size=None, first=None, speed=None, **controls):
        panels.append((*parts, controls))

    exec(next(iter(sources.values())), scope)
    scope["explore"] = scope["watch"] = keep
    for cell in cells:
        body = [statement for statement in ast.parse(sources[cell]).body if not _only_prints(statement)]
        exec(compile(ast.Module(body, []), cell, "exec"), scope)
    return scope, panels


def _only_prints(statement):
    call = getattr(statement, "value", None)
    return isinstance(statement, ast.For) or (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "print")


def ends(control):
    """The values of a control at both its ends; all that a list or a switch has."""
    if isinstance(control, widgets.Dropdown):
        return [value for _, value in control.options]
    if isinstance(control, widgets.Checkbox):
        return [False, True]
    return [10**end if "Log" in type(control).__name__ else end for end in (control.min, control.max)]


def corners(controls):
    """Every combination of the ends of all controls."""
    names = list(controls)
    return [dict(zip(names, values)) for values in itertools.product(*(ends(controls[name]) for name in names))]


def drawn(view, empty=False):
    """(figure, draw) of a view; `draw` sees to it that lines show nothing infinite, and something, unless some are `empty`."""
    figure = Figure()
    draw = view(figure)

    def seen(**values):
        sentence = draw(**values)
        assert sentence.endswith(".") and "nan" not in sentence, sentence
        for line in [line for axes in figure.axes for line in axes.lines]:
            x, y = np.broadcast_arrays(*map(np.asarray, line.get_data()))
            assert (empty or np.isfinite(x + y).any()) and not np.isinf(x + y).any(), line
        for patch in [patch for axes in figure.axes for patch in axes.patches]:
            assert np.isfinite(patch.get_path().vertices).all()
        for image in [image for axes in figure.axes for image in axes.images]:
            assert np.isfinite(image.get_array()).all()
        figure.canvas.draw()
        return sentence

    return figure, seen

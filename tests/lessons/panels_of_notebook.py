"""For tests: the panels of a whole notebook, and their pictures at any position of their controls."""

import ast
import inspect
import itertools
import json

import numpy as np

from pgedu.learning.training import Moment, pieces
from pgedu.panels.canvas import Canvas
from pgedu.panels.look import our_settings

RECORDS = 5  # of a training, for a picture of it


def name_of_call(statement):
    return getattr(getattr(getattr(statement, "value", None), "func", None), "id", None)


def is_needed(statement):
    """A panel, or something that a panel may use; not a table that is printed, nor an exercise that is checked."""
    if isinstance(statement, ast.Expr):
        return name_of_call(statement) in ("explore", "watch")
    return not (isinstance(statement, ast.For) and "print(" in ast.unparse(statement))


def panels_of(path):
    """(function that draws with controls' values, canvas, controls) of each panel of a notebook."""
    cells, found, scope = json.loads(path.read_text(encoding="utf-8"))["cells"], [], {}

    def explore(view, size=(9.6, 3.8), **controls):
        found.append((None, Canvas(view, size), controls, view))

    def watch(start, view, size=(9.6, 3.8), first=20, speed=10, **controls):
        found.append((start, Canvas(view, size), controls, view))

    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    statements = [statement for source in sources for statement in ast.parse(source).body]
    for statement in filter(is_needed, statements):
        exec(compile(ast.Module([statement], []), path.name, "exec"), scope)
        scope |= {"explore": explore, "watch": watch}  # in the place of what an import has brought
    assert len(found) == sum(name_of_call(statement) in ("explore", "watch") for statement in statements)
    return found


def named(function, values):
    return {name: values[name] for name in inspect.signature(function).parameters if name in values}


def records(start, values):
    """The first ones of a training with these settings."""
    training = start(**named(start, values))
    for name in set(values) - set(named(start, values)):
        if hasattr(training, name):
            setattr(training, name, values[name])
    return list(itertools.islice((piece for piece in pieces(training) if not isinstance(piece, Moment | None)), RECORDS))


def draw(start, canvas, view, values):
    values = values | {"rng": np.random.default_rng(0)}
    if start:
        canvas.setup(view)
        values["new"] = records(start, values)
    with our_settings():
        canvas.draw(**named(canvas.draw, values))
    canvas.png()

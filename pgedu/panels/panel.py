"""A panel: controls, a picture and a readout, in one widget; what `explore` and `watch` share."""

import base64
import html
import inspect
import time
from collections import Counter
from functools import partial

import ipywidgets as widgets
import numpy as np

from pgedu.arguments import number, refuse
from pgedu.panels.canvas import Canvas
from pgedu.panels.cells import replace_panels_of_cell
from pgedu.panels.controls import style
from pgedu.panels.look import our_settings
from pgedu.panels.turns import Turns

ROW = {"flex_flow": "row wrap", "grid_gap": "0px 12px", "align_items": "center"}


SHOWN = Counter()  # control -> the number of open panels that show it


class Panel(widgets.VBox):
    """Controls, a picture and a readout. `error` holds the exception of the last callback, if it failed.

    A subclass says which buttons there are (`_buttons`), how the first picture comes about (`_begin`) and what a
    control does when it has moved (`_moved`).
    """

    taken = ()  # names that a control cannot have
    _turns, _parts, _drawing = None, (), 0.0  # seconds that the last picture took

    def __init__(self, view, controls, size):
        self._require_controls(controls, size=size)
        self._view = _require_view(view)
        self._canvas = Canvas(self._view, _require_size(size))
        super().__init__()
        self._turns, self.controls, self.readout, self.error = Turns(), controls, "", None
        self._image = widgets.Image(format="png", layout={"max_width": "100%", "align_self": "flex-start"})
        self._text = widgets.HTML()
        self._pin = button(widgets.ToggleButton, "pin", "thumb-tack", "keep these curves as a ghost to compare with")
        self._seed = widgets.BoundedIntText(0, 0, 9999, **style("seed", "110px"))
        rows = [controls.values(), self._buttons()]
        bars = [widgets.Box(list(row), layout=ROW) for row in rows]
        self._parts = {*rows[0], *rows[1], *bars, self._pin, self._seed, self._image, self._text}
        SHOWN.update(controls.values())
        self.children = [*bars, self._image, self._text]
        # What the panel goes by: where its controls stood at the last turn. They may move in the middle of one.
        self._positions = {name: control.value for name, control in controls.items()} | {"rng": self._seed.value}
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        replace_panels_of_cell(self)
        self._listen()

    def _listen(self):
        """From now on, controls act when they move."""
        for name, control in (self.controls | {"rng": self._seed}).items():
            control.description = control.description or name.replace("_", " ")
            self._observe(control, partial(self._take_over, name))
        self._observe(self._pin, self._pinned)

    def _require_controls(self, controls, **others):
        """Raise ValueError unless all are controls, and none of them has the name of something else."""
        for name, control in (controls | others).items():
            if name in self.taken and (name in controls or isinstance(control, widgets.Widget)):
                raise refuse("a control", f"named otherwise than {', '.join(self.taken)}", name)
            if name in controls and not isinstance(control, widgets.Widget):
                raise refuse(name, "a control: slider(...), choice(...) or switch(...)", control)

    def _require_readers(self, readers):
        """Raise ValueError if a control is not among the names that are read: it would move, and nothing else would."""
        for name in self.controls:
            if name not in readers:
                names = ", ".join(sorted(set(readers) - set(self.taken))) or "there are none"
                raise refuse("a control that nothing reads", f"named as what is read ({names}), or left out", name)

    def _observe(self, control, act):
        """Let `act(value)` be a turn whenever the control moves."""
        control.observe(lambda change: self._turns.change(control, lambda: self._guard(act, change["new"])), "value")

    def _take_over(self, name, position):
        self._positions[name] = position
        self._moved(name)

    def _guard(self, act, *arguments):
        """Run a callback; an exception is shown in the panel, and raised on for logs and tests."""
        try:
            act(*arguments)
        except Exception as error:
            self._fail(error)
            raise

    def _fail(self, error):
        self.error = error
        text = html.escape(f"{type(error).__name__}: {error}")
        self._text.value = f'<div role="alert" style="color:#b00020"><b>This did not work.</b> {text}</div>'

    def _pinned(self, keep):
        self._canvas.pin(keep)
        self._paint()

    def _paint(self):
        self._image.value = self._canvas.png()

    def _values(self, **more):
        return self._positions | {"rng": np.random.default_rng(self._positions["rng"])} | more

    def _draw(self, note="", **more):
        """Let the view move its artists; show the picture and the readout, with a note after it."""
        began = time.perf_counter()
        with our_settings():
            words = call(self._canvas.draw, self._values(**more)) or ""
        self._show(f"{words} {note}".strip())
        self._drawing = time.perf_counter() - began

    def _show(self, readout):
        """The picture as it stands, and the sentence below it."""
        self.error, self.readout = None, readout
        self._paint()
        self._text.value = f'<div role="status" style="line-height:1.4">{html.escape(readout)}</div>'

    def _repr_mimebundle_(self, **kwargs):
        """Beside the live widget, a picture and the readout: for pages, printers and readers that have no kernel."""
        picture = base64.b64encode(self._image.value).decode()
        return super()._repr_mimebundle_(**kwargs) | {"image/png": picture, "text/plain": self.readout}

    def close(self):
        """Leave nothing behind: every widget of the panel goes. In the middle of a turn, when that is over."""
        if self._turns is not None:
            self._turns.close(self._close)

    def _close(self):
        for control in self._parts & set(SHOWN):
            SHOWN[control] -= 1
        own = {part for part in self._parts if SHOWN.get(part, 0) <= 0}  # another panel may show a control, too
        for widget in own:
            SHOWN.pop(widget, None)
        for widget in {*own, self}:
            for part in filter(None, (getattr(widget, "style", None), widget.layout, widget)):
                widgets.Widget.close(part)


def _require_view(view):
    """`view`, which will raise ValueError unless it returns a function."""
    if not callable(view):
        raise refuse("view", "a function of a figure that returns its function draw", view)

    def setup(figure):
        draw = view(figure)
        if not callable(draw):
            raise refuse("what view returns", "its function draw (end the view with `return draw`)", draw)
        return draw

    return setup


def _require_size(size):
    """(width, height) in inches."""
    if not isinstance(size, tuple | list) or len(size) != 2:
        raise refuse("size", "(width, height) of the picture, in inches", size)
    return [number("width and height of size", inches, above=0, most=100) for inches in size]


def button(kind, name, icon, tooltip):
    """A button, or a toggle."""
    return kind(description=name, icon=icon, tooltip=tooltip, layout={"width": "84px"})


def named(function):
    """The names of a function's arguments."""
    return list(inspect.signature(function).parameters)


def call(function, values):
    """Call with those of the values that the function names."""
    return function(**{name: values[name] for name in named(function) if name in values})

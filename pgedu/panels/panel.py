"""A panel: controls, a picture and a readout, in one widget; what `explore` and `watch` share."""

import base64
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
from pgedu.panels.handles import Handles
from pgedu.panels.look import our_settings
from pgedu.panels.picture import Picture
from pgedu.panels.predict import claim
from pgedu.panels.still import LIVE, paragraph, show
from pgedu.panels.turns import Turns

ROW = {"flex_flow": "row wrap", "grid_gap": "0px 12px", "align_items": "center"}


LOOKED = 5  # moves of a control (or as much play) after which a student has seen what a panel shows
SHOWN = Counter()  # control -> the number of open panels that show it


class Panel(widgets.VBox):
    """Controls, a picture and a readout. `error` holds the exception of the last callback, if it failed.

    A subclass says which buttons there are (`_buttons`), how the first picture comes about (`_begin`) and what a
    control does when it has moved (`_moved`).
    """

    taken = ()  # names that a control cannot have
    _turns, _parts, _held, _drawing = None, frozenset(), (), 0.0  # seconds that the last picture took

    def __init__(self, view, controls, size):
        self._require_controls(controls, size=size)
        self._view = _require_view(view)
        self._canvas = Canvas(self._view, _require_size(size))
        self._handles = Handles(controls, self._canvas)
        super().__init__()
        self.add_class(LIVE)
        self._turns, self.controls, self.readout, self.error = Turns(), controls, "", None
        self._picture = Picture(round(100 * size[0]), self._asked, self._resized)
        self._pin = button(widgets.ToggleButton, "pin", "thumb-tack", "keep these curves as a ghost to compare with")
        self._seed = widgets.BoundedIntText(0, 0, 9999, **style("seed", "110px"))
        rows = [controls.values(), self._buttons()]
        bars = [widgets.Box(list(row), layout=ROW | {"max_width": f"{100 * size[0]:.0f}px"}) for row in rows]
        self._parts = {*rows[0], *rows[1], *bars, self._pin, self._seed, self._picture}
        SHOWN.update(controls.values())
        self.children = [*bars, self._picture]
        # What the panel goes by: where its controls stood at the last turn. They may move in the middle of one.
        self._positions = {name: control.value for name, control in controls.items()} | {"rng": self._seed.value}
        try:
            self._begin()
        except BaseException:
            self.close()
            raise
        replace_panels_of_cell(self)
        self._predictions, self._uses = claim(), 0.0
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

        def moved(change):
            if control not in self._held:  # or the hand that moves several controls acts on them all at once
                self._turns.change(control, lambda: self._act(act, change["new"]))

        control.observe(moved, "value")

    def _take_over(self, name, position):
        self._positions[name] = position
        self._moved([name])

    def _asked(self, view, wish):
        """A hand on the picture wants its handle elsewhere."""
        self._turns.change(("hand", view), lambda: self._act(self._follow, view, wish))

    def _follow(self, view, wish):
        """Move the controls, which are the only place where values are kept, and then act once for all of them."""
        self._picture.answer(view, wish["count"])
        wanted = self._handles.wanted(wish["handle"], wish.get("at"), wish.get("steps"))
        self._held = {self.controls[name] for name in wanted}
        try:
            for name, value in wanted.items():
                self.controls[name].value = value
        finally:
            self._held = ()
        moved = [name for name in wanted if self.controls[name].value != self._positions[name]]
        self._positions |= {name: self.controls[name].value for name in moved}
        if moved:
            self._moved(moved)
        else:
            self._paint()  # nothing to draw, but the hand waits for an answer

    def _resized(self, pixels):
        """A page shows the picture that many pixels of its screen wide."""
        self._turns.change("size", lambda: self._guard(self._fit, pixels))

    def _fit(self, pixels):
        if self._canvas.resize(min(max(pixels, 200), 4000)):
            self._paint()

    def _act(self, act, *arguments):
        """A turn that a student causes."""
        self._guard(act, *arguments)
        self._use(1)

    def _use(self, much):
        """Whoever has predicted is told how it went: not at the first touch, when there is nothing to be seen yet."""
        self._uses += much
        if self._uses >= LOOKED:
            for prediction in self._predictions:
                prediction.used()

    def _guard(self, act, *arguments):
        """Run a callback; an exception is shown in the panel, and raised on for logs and tests."""
        try:
            act(*arguments)
        except Exception as error:
            self._fail(error)
            raise

    def _fail(self, error):
        self.error = error
        self._picture.show(alert=f"{type(error).__name__}: {error}")

    def _pinned(self, keep):
        self._canvas.pin(keep)
        self._paint()

    def _paint(self):
        """Show the picture as it stands, with its words and handles."""
        png = self._canvas.png()
        alert = f"{type(self.error).__name__}: {self.error}" if self.error else ""
        handles = self._handles.now(self._positions)  # after the drawing, which settles where axes are
        self._picture.show(png=png, text=self.readout, alert=alert, handles=handles)

    def _values(self, **more):
        return self._positions | {"rng": np.random.default_rng(self._positions["rng"])} | more

    def _draw(self, note="", **more):
        """Let the view move its artists; show the picture and the readout, with a note after it."""
        began = time.perf_counter()
        self._show(f"{self._tell(**more)} {note}".strip())
        self._drawing = time.perf_counter() - began

    def _tell(self, **more):
        """The view's words, after it has moved its artists; nothing is shown yet."""
        with our_settings():
            return call(self._canvas.draw, self._values(**more)) or ""

    def _show(self, readout):
        """The picture as it stands, and the sentence below it."""
        self.error, self.readout = None, readout
        self._paint()

    def _ipython_display_(self):
        """The live panel, and what stays for pages, printers and readers that have no kernel."""
        png = base64.b64encode(self._picture.png).decode()
        show(self, paragraph(self.readout), self.readout, png)

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

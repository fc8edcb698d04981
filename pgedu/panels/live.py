"""Panels: `explore(view, **controls)` redraws when a control moves, `watch(start, view, **controls)` plays a training.

A view is a function that fills a Matplotlib figure once and returns `draw`, which is called for every picture:

    def view(figure):
        (line,) = figure.subplots().plot([], [])
        def draw(power):
            line.set_data(x, x**power)
            return f"x to the power of {power}."      # the readout, a sentence
        return draw

    explore(view, power=slider(1, 10, 2))

`draw` is given the controls that it names, and `rng`, a generator seeded by the panel's seed control, if it names that.
"""

import asyncio
import base64
import html
import inspect
import time

import ipywidgets as widgets
import numpy as np

from pgedu.panels.canvas import Canvas
from pgedu.panels.cells import interrupt_means, replace_panels_of_cell
from pgedu.panels.controls import slider, style
from pgedu.learning.training import pieces

FRAME = 0.033  # seconds from one picture of a playing panel to the next, about 30 a second
ROW = {"flex_flow": "row wrap", "grid_gap": "0px 12px", "align_items": "center"}
REST = 0.006  # seconds of each frame left to the kernel, so that controls are heard while it plays


class Panel(widgets.VBox):
    """Controls, a picture and a readout. `error` holds the exception of the last callback, if it failed."""

    def __init__(self, view, controls, size):
        super().__init__()
        self._parts = set()
        for name, control in controls.items():
            if not isinstance(control, widgets.Widget):
                self.close()
                raise ValueError(f"{name} must be a control: slider(...), choice(...) or switch(...); got {control!r}")
            control.description = control.description or name.replace("_", " ")
        self.controls, self.readout, self.error = controls, "", None
        self._view, self._canvas = view, Canvas(view, size)
        self._image = widgets.Image(format="png", layout={"max_width": "100%", "align_self": "flex-start"})
        self._text = widgets.HTML()
        self._pin = _button(widgets.ToggleButton, "pin", "thumb-tack", "keep these curves as a ghost to compare with")
        self._seed = widgets.BoundedIntText(0, 0, 9999, **style("seed", "110px"))
        rows = [controls.values(), self._buttons()]
        bars = [widgets.Box(list(row), layout=ROW) for row in rows]
        self._parts = {*rows[0], *rows[1], *bars, self._pin, self._seed, self._image, self._text}
        self.children = [*bars, self._image, self._text]
        replace_panels_of_cell(self)
        for name, control in controls.items():
            self._observe(control, self._moved, name)
        self._observe(self._seed, self._moved, "rng")
        self._observe(self._pin, lambda: (self._canvas.pin(self._pin.value), self._paint()))

    def _observe(self, control, act, *arguments):
        control.observe(lambda change: self._guard(act, *arguments), "value")

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

    def _paint(self):
        self._image.value = self._canvas.png()

    def _values(self, **more):
        values = {name: control.value for name, control in self.controls.items()}
        return values | {"rng": np.random.default_rng(self._seed.value)} | more

    def _draw(self, **more):
        """Let the view move its artists; show the picture and the readout."""
        began, self.error = time.perf_counter(), None
        self.readout = str(_call(self._canvas.draw, self._values(**more)) or "")
        self._paint()
        self._text.value = f'<div role="status" style="line-height:1.4">{html.escape(self.readout)}</div>'
        self._drawing = time.perf_counter() - began

    def _repr_mimebundle_(self, **kwargs):
        """Beside the live widget, a picture and the readout: for pages, printers and readers that have no kernel."""
        picture = base64.b64encode(self._image.value).decode()
        return super()._repr_mimebundle_(**kwargs) | {"image/png": picture, "text/plain": self.readout}

    def close(self):
        """Leave nothing behind: every widget of the panel goes."""
        for widget in {*self._parts, self}:
            for part in filter(None, (getattr(widget, "style", None), widget.layout, widget)):
                widgets.Widget.close(part)


class explore(Panel):  # noqa: N801 - a verb to its users, as `reinforce` is
    """A panel that redraws `view` whenever one of its `controls` moves."""

    def __init__(self, view, *, size=(9.6, 3.8), **controls):
        super().__init__(view, controls, size)
        self._draw()

    def _buttons(self):
        return [self._pin, self._seed] if "rng" in inspect.signature(self._canvas.draw).parameters else [self._pin]

    def _moved(self, name):
        self._draw()


class watch(Panel):  # noqa: N801
    """A panel that plays a training live.

    Args:
        start: function that returns a fresh training (an iterator, such as `reinforce`). It is given `rng`
            and the controls that it names, and called again when one of these moves. A control that it does
            not name, and that is named like an attribute of the training, is set on it and acts at once.
        view: its `draw(new, ...)` gets a list of the `Progress` records since the last picture.
        first: updates that are computed before the panel is shown, so that a saved notebook has a picture.
        speed: where the slider of updates per picture stands at first.
    """

    def __init__(self, start, view, *, first=20, speed=10, size=(9.6, 3.8), **controls):
        self._start, self._first, self.task = start, first, None
        self._speed = slider(1, 1000, speed, log=True, label="updates per picture")
        super().__init__(view, controls, size)
        self._observe(self._play, self._toggled)
        self._step.on_click(lambda button: self._guard(lambda: self._draw(new=self._advance(1))))
        self._reset.on_click(lambda button: self._guard(self._restart))
        self._restart()

    def _buttons(self):
        self._play = _button(widgets.ToggleButton, "play", "play", "let it learn")
        self._step = _button(widgets.Button, "step", "step-forward", "one update")
        self._reset = _button(widgets.Button, "reset", "refresh", "start afresh")
        return [self._play, self._step, self._reset, self._pin, self._seed, self._speed]

    def _restart(self):
        """A fresh training, and its first stretch."""
        self._canvas.setup(self._view)
        self.training = _call(self._start, self._values())
        self._stream, self.finished = pieces(self.training), False
        for name in self.controls:
            self._set(name)
        self._draw(new=self._advance(self._first))

    def _set(self, name):
        if hasattr(self.training, name) and name not in inspect.signature(self._start).parameters:
            setattr(self.training, name, self.controls[name].value)

    def _moved(self, name):
        if name in ("rng", *inspect.signature(self._start).parameters):
            self._restart()
        else:
            self._set(name)
            self._draw(new=[])

    def _advance(self, updates, until=np.inf):
        """Up to so many updates, until a moment in time: the list of their records. Goes on where it stopped."""
        new = []
        try:
            for progress in self._stream:
                if progress is not None:
                    new.append(progress)
                if len(new) >= updates or time.perf_counter() > until:
                    return new
        except BaseException:  # also an interrupt: the training is as it was before this update
            self._stream = pieces(self.training)
            raise
        self.finished = True
        return new

    def _toggled(self):
        self._play.description = self._play.icon = "pause" if self._play.value else "play"
        if self._play.value and (self.task is None or self.task.done()):
            self.task = asyncio.get_running_loop().create_task(self._playing())

    async def _playing(self):
        """The live training: a task of the kernel's own loop. Ends on pause, at the end, on an error or interrupt."""
        try:
            with interrupt_means(self.pause):
                while self._play.value and not self.finished:
                    began = time.perf_counter()
                    share = max(FRAME / 3, FRAME - REST - self._drawing)  # of the frame, for learning
                    new = self._advance(round(self._speed.value), began + share)
                    if new:
                        self._draw(new=new)
                    # In the midst of a long update there is nothing to draw: only a rest, and on with it.
                    await asyncio.sleep(max(REST, began + FRAME - time.perf_counter()) if new else REST)
        except Exception as error:
            self._fail(error)
            raise
        finally:
            self.pause()

    def pause(self):
        self._play.value = False

    def close(self):
        self.task and self.task.cancel()
        super().close()


def _button(kind, name, icon, tooltip):
    return kind(description=name, icon=icon, tooltip=tooltip, layout={"width": "84px"})


def _call(function, values):
    """Call with those of the values that the function names."""
    return function(**{name: values[name] for name in inspect.signature(function).parameters if name in values})

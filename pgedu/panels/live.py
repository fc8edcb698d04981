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
A control with `along` (see `slider`) is a place in the picture and can be dragged there.
"""

import asyncio
import math
import time
from collections.abc import Iterable

import ipywidgets as widgets

from pgedu.arguments import number, refuse
from pgedu.learning.training import Moment, pieces
from pgedu.panels.cells import interrupt_means
from pgedu.panels.controls import slider
from pgedu.panels.panel import Panel, button, call, named
from pgedu.panels.settings import can_be_set, settings_of

FRAME = 0.033  # seconds from one picture of a playing panel to the next, about 30 a second
SLOWEST = 0.01  # updates per picture: below 1, slow motion; here, one step of the environments per picture
UNSEEN = 0.1  # seconds from one look to the next whether a hidden page is seen again
POLITE = 0.1  # seconds that a player gives way at most, after a frame that had to wait for a processor
REST = 0.006  # seconds of each frame left to the kernel, so that controls are heard while it plays
MANY = 100  # records that a view is told of at once: each holds what was sampled, hundreds of them would fill the memory
PATIENCE = 20.0  # seconds that a panel computes before it shows what there is; long, as saved pictures depend on it


class explore(Panel):  # noqa: N801 - a verb to its users, as `reinforce` is
    """A panel that redraws `view` whenever one of its `controls` moves.

    Raises:
        ValueError: a view that returns no function, or a control that `draw` does not name.
    """

    taken = ("view", "size", "rng")

    def __init__(self, view=None, /, *, size=(9.6, 3.8), **controls):
        view = controls.pop("view", None) if view is None else view  # by its name, too
        super().__init__(view, controls, size)

    def _begin(self):
        self._require_readers(named(self._canvas.draw))
        self._draw()

    def _buttons(self):
        return [self._pin, self._seed] if "rng" in named(self._canvas.draw) else [self._pin]

    def _moved(self, names):
        self._draw()


class watch(Panel):  # noqa: N801
    """A panel that plays a training live.

    Args:
        start: function that returns a fresh training (an iterator, such as `reinforce`). It is given `rng`
            and the controls that it names, and called again when one of these moves. A control that it does
            not name, and that is named like an attribute of the training, is set on it and acts at once.
        view: its `draw(new, ...)` gets a list of the `Progress` records since the last picture. If it names `now`, it
            also gets what the environments show at that moment, [*R, B, ...] or None, and is drawn within updates, too.
        first: updates that are computed before the panel is shown, so that a saved notebook has a picture.
        speed: where the slider of updates per picture stands at first; below 1, slow motion, if the view names `now`.
    Raises:
        ValueError: a view that returns no function, a start that returns no iterator, a control that neither of them
            names and that is no setting of the training, or slow motion where there is nothing to see within an update.
    """

    taken = ("start", "view", "first", "speed", "size", "rng", "new", "now")

    def __init__(self, start=None, view=None, /, *, first=20, speed=10, size=(9.6, 3.8), **controls):
        start = controls.pop("start", None) if start is None else start  # by its name, too
        view = controls.pop("view", None) if view is None else view
        self._require_controls(controls, first=first, speed=speed)
        if not callable(start):
            raise refuse("start", "a function that returns a training", start)
        self._start, self._first = start, number("first", first, least=0, whole=True)
        self._pace, self.task, self._on = number("speed", speed, SLOWEST, 1000), None, False
        self._crowded, self._next = False, 0.0  # whether others wait for the processors, too; when the next frame is due
        super().__init__(view, controls, size)
        self._observe(self._play, self._toggled)
        self._step.on_click(lambda _: self._turns.click(lambda: self._act(self._compute, 1)))
        self._reset.on_click(lambda _: self._turns.change("reset", lambda: self._act(self._restart)))

    def _buttons(self):
        self._play = button(widgets.ToggleButton, "play", "play", "let it learn")
        self._step = button(widgets.Button, "step", "step-forward", "one update")
        self._reset = button(widgets.Button, "reset", "refresh", "start afresh")
        least = SLOWEST if self._within else 1
        pace = number("speed of a view that does not name `now`", self._pace, least)
        self._speed = slider(least, 1000, pace, log=True, label="updates per picture")
        return [self._play, self._step, self._reset, self._pin, self._seed, self._speed]

    @property
    def _within(self):
        """Whether there is something to see within an update."""
        return "now" in named(self._canvas.draw)

    def _begin(self):
        self._start_afresh()
        settings = settings_of(self.training, self.controls)
        self._require_readers([*named(self._start), *named(self._canvas.draw), *settings])
        self._compute(self._first)

    def _restart(self):
        """A fresh training on a fresh picture, and its first stretch."""
        self._start_afresh()  # first: if it fails, the picture is still that of the training there is
        self._canvas.setup(self._view)
        self._compute(self._first)

    def _start_afresh(self):
        self.training = call(self._start, self._values())
        if not isinstance(self.training, Iterable) or isinstance(self.training, type):
            raise refuse("what start returns", "a training or another iterator", self.training)
        self._stream, self.finished = pieces(self.training), False
        self._records, self._late, self._now = 0, False, None
        for name in self.controls:
            self._set(name)

    def _set(self, name):
        if name not in named(self._start) and can_be_set(self.training, name):
            setattr(self.training, name, self._positions[name])

    def _moved(self, names):
        if {"rng", *named(self._start)} & set(names):
            self._restart()
        else:
            for name in names:
                self._set(name)
            if not (self._on and self._frame()):  # a picture of a player is a frame: it goes on learning meanwhile
                self._compute(0)

    def _compute(self, updates):
        """Go on by so many updates, but no longer than PATIENCE, and show them."""
        until, wanted, new = time.perf_counter() + PATIENCE, self._records + updates, None
        while self._records < wanted and (new is None or len(new) == MANY):
            new and self._tell(new=new, now=self._now)
            new = self._advance(min(MANY, wanted - self._records), until)
        self._late = self._records < wanted and not self.finished if updates else self._late
        note = f"After {PATIENCE:g} seconds this is not done yet: play goes on from here." if self._late else ""
        if self._late and not self._records:
            self._show(note)  # a view may rely on a first record
        else:
            self._draw(note, new=new or [], now=self._now)

    def _advance(self, updates, until, steps=math.inf):
        """Up to so many updates or steps, until a point in time: the list of records. Goes on where it stopped."""
        new = []
        try:
            for piece in self._stream:
                if isinstance(piece, Moment):
                    self._now, steps = piece.observations, steps - 1
                elif piece is not None:
                    new.append(piece)
                    self._records += 1
                if len(new) >= updates or steps <= 0 or time.perf_counter() > until:
                    return new
        except BaseException:  # also an interrupt: the training is as it was before this update
            self._stream = pieces(self.training)
            raise
        self.finished = True
        return new

    def _toggled(self, on):
        self._on = on
        self._picture.play(on)
        self._play.description = self._play.icon = "pause" if on else "play"
        if on and (self.task is None or self.task.done()):
            self._turns.settle()
            self.task = (self._turns.loop or asyncio.get_running_loop()).create_task(self._playing())

    async def _playing(self):
        """The live training: a task of the kernel's own loop. Ends on pause, at the end, on an error or interrupt."""
        try:
            with interrupt_means(self.pause):
                while self._on and not self.finished:
                    await asyncio.sleep(self._play_on())
        except Exception as error:
            self._fail(error)
            raise
        finally:
            if self._on:
                self.pause()

    def _play_on(self):
        """One frame, if somebody looks and has seen the last ones. Seconds until the next."""
        if not self._picture.seen:  # its tab is hidden; it goes on when it is seen again
            return UNSEEN
        if self._picture.behind:  # a slow page or a busy machine: more pictures would only pile up
            if self._picture.alone():
                self._stop_alone()
            return REST
        if time.perf_counter() < self._next - REST:  # a control has moved, and the picture of that was a frame
            return self._next - time.perf_counter()
        began, busy = time.perf_counter(), time.process_time()
        self._turns.take(self._frame)
        self._use(0.05)
        ended = time.perf_counter()
        waited = ended - began - (time.process_time() - busy)  # for a processor: others need it, too
        self._crowded = waited > 0.3 * (ended - began)
        # In the midst of a long update there is nothing to draw: only a rest, and on with it.
        return max(REST, self._next - ended, min(waited, POLITE))

    def _frame(self):
        """Learn for one frame, and show what is new; False if there is nothing. Where it is crowded, learn one update."""
        began, before, speed = time.perf_counter(), self._now, self._speed.value
        speed = min(speed, 1) if self._crowded else speed
        share = max(FRAME / 3, FRAME - REST - self._drawing)  # of the frame, for learning
        steps = math.inf if speed >= 1 else max(1, round(speed / SLOWEST))
        new = self._advance(max(1, round(speed)), time.perf_counter() + share, steps)
        within = self._within and self._records and self._now is not before  # a view may rely on a first record
        if new or within:
            self._late, self._next = False, began + FRAME
            self._draw(new=new, now=self._now)
        return bool(new or within)

    def _stop_alone(self):
        self.pause()
        self._show(f"{self.readout} It has stopped by itself, since no page seemed to show it: play goes on.")

    def pause(self):
        self._play.value = False

    def _fail(self, error):
        super()._fail(error)
        self.pause()  # or the next frame would take the words away before anybody has read them

    def _close(self):
        self.task and self.task.cancel()
        super()._close()

"""The picture of a panel: a widget that shows the newest PNG, says it in words, and tells what a reader's hand wants."""

import time
from pathlib import Path

import anywidget
from traitlets import Bool, Bytes, Dict, Int, List, Unicode

AHEAD = 4  # pictures on their way to a page at the same time: words about what is painted take their time, too
ALONE = 5.0  # seconds without a word from a page that should have painted, after which nobody looks


class Picture(anywidget.AnyWidget):
    """Shows `png`; `text` is its alternative text and stands below it, `alert` in its place when something failed.

    It holds no value of any control: `on_move` is told where a handle is wanted, and the next `show` says where it is.
    """

    _esm = Path(__file__).with_name("picture.js")
    _css = Path(__file__).with_name("picture.css")

    number = Int(0).tag(sync=True)  # of the picture: each `show` counts, even if it looks like the last one
    png = Bytes(b"").tag(sync=True)
    width = Int(960).tag(sync=True)  # in CSS pixels, where there is room
    text = Unicode("").tag(sync=True)
    alert = Unicode("").tag(sync=True)
    playing = Bool(False).tag(sync=True)  # sentences that change 30 times a second are not read aloud
    handles = List([]).tag(sync=True)
    answered = Dict({}).tag(sync=True)  # view -> the count of its last wish that has been acted on

    def __init__(self, width, on_move, on_size):
        """on_move(view, {"handle": number, "at": [x, y] or "steps": [x, y]}); on_size(pixels of the screen)."""
        super().__init__(width=width)
        self._on_move, self._on_size = on_move, on_size
        self._views, self._answers, self.painted = {}, {}, 0
        self._spoken, self._waits, self._since = False, 0, 0.0
        self.on_msg(lambda _, message, __: self._hear(message))

    def show(self, **state):
        """Show a new picture, its words, its handles: in one message."""
        with self.hold_sync():
            self.answered = self._answers
            self.number += 1
            for name, value in state.items():
                self.set_trait(name, value)

    def answer(self, view, count):
        """The wish of that view is acted on; the next `show` says so."""
        self._answers = {name: last for name, last in self._answers.items() if name in self._views} | {view: count}

    def _hear(self, message):
        event, view = message["event"], message["view"]
        self._spoken, self._waits = True, 0
        if event == "gone":
            self._views.pop(view, None)
        elif event == "hello":
            self._views.setdefault(view, True)
        elif event == "seen":
            self._views[view] = message["seen"]
        elif event == "painted":
            self.painted = max(self.painted, message["number"])
        elif event == "size":
            self._on_size(message["pixels"])
        elif event == "move":
            self._on_move(view, message)

    def play(self, on):
        """Whether from now on pictures follow one another by themselves."""
        self.playing, self.painted, self._waits = on, self.number, 0

    @property
    def seen(self):
        """Whether a page shows it. Where none has ever spoken (a test, a script), somebody may look all the same."""
        return not self._spoken or any(self._views.values())

    @property
    def behind(self):
        """Whether pages have not yet painted what was sent: more would only pile up."""
        return bool(self._views) and self.number - self.painted >= AHEAD

    def alone(self):
        """Whether its pages are gone without a word: called whenever a player waits, it is True after long waiting.

        Words wait for as long as the kernel computes, so time alone is no proof: several turns must have passed, too.
        """
        if self._waits == 0:
            self._since = time.monotonic()  # not since the last word: while nothing plays, a page has nothing to say
        self._waits += 1
        return self._waits > 20 and time.monotonic() - self._since > ALONE

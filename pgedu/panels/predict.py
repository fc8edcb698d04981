"""Predict, then look: a question that is answered with one click before a panel is used, and judged afterwards.

    predict("What does x do?", ["it falls", "it rises"], right="it rises", why="The blue line goes up, since ...")

The next panel that is made claims the questions that wait for one (`claim`), and says when the student has `used` it.
A question lives as long as the kernel: running its cell again, or that of its panel, shows it as it stands.
"""

import html
from pathlib import Path

import anywidget
import traitlets

from pgedu.arguments import refuse
from pgedu.panels.cells import running_cell
from pgedu.panels.still import LIVE, show

_ASKED = {}  # question -> Prediction
_MADE = {}  # cell -> (execution count, panels made in it so far, the most that were ever made in it)


class Prediction(anywidget.AnyWidget):
    """A question with its options. `chosen` is the index of the student's answer, or None; `said` the sentence below.

    `outcome` is "open" until the panel has been used, then "held", "not yet", or "told" where there was no answer.
    """

    _esm, _css = (Path(__file__).with_name(f"predict.{kind}") for kind in ("js", "css"))
    question = traitlets.Unicode().tag(sync=True)
    options = traitlets.List(traitlets.Unicode()).tag(sync=True)
    chosen = traitlets.Int(None, allow_none=True).tag(sync=True)
    outcome = traitlets.Unicode("open").tag(sync=True)
    said = traitlets.Unicode().tag(sync=True)

    def __init__(self, question):
        super().__init__(question=question)
        self.add_class(LIVE)
        self.waiting, self.places = True, set()  # whether a panel is still to come; where it has been claimed
        self._kept = None  # the answer as text
        self.observe(self._answered, "chosen")

    def ask(self, options, right, why):
        """Put the question: again, with the answer that was given if it is still among the options."""
        self._right, self._why = right, why  # not synchronised: no page holds the answer before it is told
        with self.hold_sync():
            self.options = options
            self.chosen = options.index(self._kept) if self._kept in options else None
            self._kept = None if self.chosen is None else self._kept
            self._speak()

    def used(self):
        """The student has used the panel: say whether the answer held, and why. Once is enough, more does no harm."""
        if self.outcome == "open":
            self.outcome = "told"
            self._speak()

    def _answered(self, change):
        if self.outcome == "open":
            self._kept = None if self.chosen is None else self.options[self.chosen]
            self._speak()
        else:  # a click that crossed the verdict on its way
            self.chosen = self.options.index(self._kept) if self._kept in self.options else None

    def _speak(self):
        """Bring outcome and sentence up to date. Sign and words tell it, colour only underlines it."""
        if self.outcome == "open":
            said = f"You said: {self._kept}. Now try it in the panel below; until then you may change your mind."
            self.said = "Choose one, or go on without." if self._kept is None else said
        elif self._kept is None:
            self.outcome, self.said = "told", f"○ What holds: {self._right}. {self._why}"
        elif self._kept == self._right:
            self.outcome, self.said = "held", f"✓ It held: {self._right}. {self._why}"
        else:
            self.outcome = "not yet"
            self.said = f"✗ Not yet. You said: {self._kept}. What holds: {self._right}. {self._why}"

    def _still(self):
        """(HTML, plain text) of question and options, for pages without a kernel. The answer is not in it."""
        items = "".join(f"<li>{html.escape(option)}</li>" for option in self.options)
        body = f"<p><b>{html.escape(self.question)}</b></p><ul>{items}</ul>"
        return body, "\n".join([self.question, *(f"- {option}" for option in self.options)])

    def _ipython_display_(self):
        show(self, *self._still())


def predict(question, options, right, why):
    """Ask for a prediction, to be made before the next panel is used; it is judged afterwards.

    Args:
        question: text, which names it: asked again, it still has the answer that was given.
        options: list of 2 to 4 short answers, without a full stop.
        right: the option that holds.
        why: a sentence or two that point at what the panel shows.
    Raises:
        ValueError: texts that are none or empty, options that are too few, too many or alike, `right` not among them.
    """
    _require(question, options, right, why)
    prediction = _ASKED.get(question) or _ASKED.setdefault(question, Prediction(question))
    for widget in (prediction.layout, prediction):
        widget.open()  # somebody may have closed it
    prediction.ask(list(options), right, why)
    return prediction


def claim():
    """For a panel that is being made: the list of predictions to call `used()` on when the student does something.

    Those that wait for a panel, and those that the same cell claimed when it ran before. A cell that ran already is
    perhaps not the one that was meant: what it claims goes on waiting.
    """
    place, known = _place_of_panel()
    claimed = [each for each in _ASKED.values() if each.waiting or place in each.places]
    for prediction in claimed:
        prediction.waiting = prediction.waiting and known
        prediction.places |= {place} - {None}
    return claimed


def _place_of_panel():
    """(a name for the panel that is being made, the same in the next run of its cell; whether it was made before)."""
    cell, execution = running_cell()
    if cell is None:
        return None, False
    last, number, most = _MADE.get(cell, (execution, 0, 0))
    number = number + 1 if last == execution else 1
    _MADE[cell] = execution, number, max(number, most)
    return (cell, number), number <= most


def _require(question, options, right, why):
    _require_text("question", question)
    if not isinstance(options, list | tuple) or not 2 <= len(options) <= 4 or len({*map(str, options)}) < len(options):
        raise refuse("options", "a list of 2 to 4 different answers", options)
    for option in options:
        _require_text("an option", option)
    if right not in options:
        raise refuse("right", f"one of the options {', '.join(options)}", right)
    _require_text("why", why)


def _require_text(name, value):
    if not isinstance(value, str) or not value.strip():
        raise refuse(name, "some text", value)

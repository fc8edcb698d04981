"""What "resolved" may mean, in notebook 13: one bot, exact shares, and a comparison group."""

from typing import NamedTuple

import numpy as np
from matplotlib.patches import Patch

from pgedu.panels.look import key, label, tidy

RIGHT = np.array([0.9, 0.3])  # the bot's chances with easy and hard tickets
HUMAN = 0.85  # a human's, with all tickets; the comparison group is served by humans alone
FATES = {"right": "#009265", "wrong, asks again": "#D08300", "wrong, gives up": "#C45100", "handed over": "#8C8C8C"}


class Shares(NamedTuple):
    """Shares of all tickets, but for the two that are shares of those that the bot has closed."""

    closed: float  # by the bot: its own word
    quiet: float  # nobody asks again, of those that the bot has closed
    judged: float  # right in the eyes of a human, of those that the bot has closed
    solved: float  # by the bot, of all
    helped: float  # in the end, of all: by the bot or by a human
    work: float  # tickets that a human has to handle, of all
    fates: tuple  # of all tickets, in the order of FATES


def shares(hard, handed, gives_up):
    """`Shares` where so many tickets are hard, so many of these are handed over, and so many give up on a wrong answer.

    The bot has to keep some: not all tickets may be hard and handed over.
    """
    kept = np.array([1 - hard, hard * (1 - handed)])
    right, wrong = kept @ RIGHT, kept @ (1 - RIGHT)
    again, over, closed = wrong * (1 - gives_up), hard * handed, kept.sum()
    helped = right + (over + again) * HUMAN
    quiet = (right + wrong * gives_up) / closed
    return Shares(closed, quiet, right / closed, right, helped, over + again, (right, again, wrong * gives_up, over))


BARS = {
    "closed by the bot": "closed", "does not ask again *": "quiet", "judged right *": "judged",
    "solved by the bot": "solved", "helped in the end": "helped", "work for humans": "work",
}  # fmt: skip
CONTROL = {"helped": HUMAN, "work": 1.0}  # of the comparison group
ROWS = ["hard tickets", "100 tickets", *BARS]
GAP = 0.5  # between what comes in and what is reported of it, in rows


def resolved(figure):
    """The view: what becomes of 100 tickets, and the numbers that may be reported of them."""
    axes = _axes(figure)
    hard_ones, fates, (bars, words) = _hard(axes), _fates(axes), _numbers(axes)
    (handle,) = axes.plot([], [], "o", color="black", markersize=10, gid="hard")

    def draw(hard, handed, gives_up):
        found, start = shares(hard, handed, gives_up), 0.0
        hard_ones.set_width(hard)
        handle.set_data([hard], [0])
        for bar, share in zip(fates, found.fates):
            bar.set(x=start, width=share)
            start += share
        for bar, text, name in zip(bars, words, BARS.values()):
            value = getattr(found, name)
            bar.set_width(value)
            text.set(x=_beside(value, CONTROL.get(name)), text=f"{100 * value:.1f}")
        return _told(found)

    return draw


def _beside(value, mark):
    """Where the words at the end of a bar begin: not across the mark of the comparison group."""
    return (mark if mark is not None and value - 0.01 < mark < value + 0.12 else value) + 0.015


def _axes(figure):
    """A row for each bar; black marks for the comparison group."""
    places = [0, 1, *np.arange(2, len(ROWS)) + GAP]
    axes = tidy(figure.subplots(), "", "%   * of those closed by the bot; black marks: comparison group")
    axes.set(xlim=(-0.002, 1.18), ylim=(places[-1] + 0.5, -0.6), yticks=places, yticklabels=ROWS)
    axes.set(xticks=np.linspace(0, 1, 6), xticklabels=["0", "20", "40", "60", "80", "100"])
    return axes


def _hard(axes):
    """The bar of the hard tickets, on one of all."""
    axes.barh(0, 1, height=0.7, facecolor="0.88", edgecolor="0.55")
    return axes.barh(0, 0, height=0.7, color="0.45")[0]


def _fates(axes):
    """A bar for each fate, end to end."""
    key(axes, *(Patch(color=color, label=name) for name, color in FATES.items()))
    return [axes.barh(1, 0, height=0.7, color=color)[0] for color in FATES.values()]


def _numbers(axes):
    """(a bar for each number, its value in words)."""
    rows = np.arange(len(BARS)) + 2 + GAP
    bars = axes.barh(rows, 0, height=0.62, color=["#219ED6"] * 4 + ["#0072B2"] * 2)
    for row, name in zip(rows, BARS.values()):
        if name in CONTROL:
            axes.plot([CONTROL[name]] * 2, [row - 0.42, row + 0.42], color="black", linewidth=2.5)
    return bars, [label(axes, 0, row, "") for row in rows]


def _told(found):
    """The numbers in a sentence."""
    closed, quiet, judged, solved, helped, work = (f"{100 * share:.1f} %" for share in found[:6])
    return (
        f"The bot closes {closed}; of these {quiet} do not ask again and {judged} are right. It solves {solved} of all "
        f"tickets. Helped in the end: {helped}, {100 * (found.helped - HUMAN):+.1f} points against the comparison group; "
        f"humans handle {work}."
    )

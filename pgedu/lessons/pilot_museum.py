"""The bug museum of notebook 14: what a check of the sample ratio finds, and what it finds where its expectation is wrong."""

from typing import NamedTuple

import numpy as np

from pgedu.lessons.experiment_arithmetic import NORMAL
from pgedu.lessons.pilot_plan import RATIO_ALARM
from pgedu.panels.look import COLORS, in_decades, key, tidy

COUNTS = np.logspace(1, 6, 201)
BOUND = NORMAL.inv_cdf(1 - RATIO_ALARM / 2)


class Mistake(NamedTuple):
    """What happened, where it was discussed, and the first arm's share: as planned, as it was, and as the check had it."""

    name: str
    story: str
    threads: tuple
    planned: float
    true: float
    checked: float | None  # None: the check was right


MISTAKES = [
    Mistake("halves assumed", "95 : 5 was planned and 95 : 5 it was, but the check expected halves.",
            ("mozilla/experimenter#16011",), 0.95, 0.95, 0.5),
    Mistake("a fifth became a third", "A fifth was planned and a third came, 2,035 of 6,107.",
            ("PostHog/posthog#84351",), 0.2, 1 / 3, None),
]  # fmt: skip


def chance_of_alarm(customers, true, checked):
    """That the check finds p < RATIO_ALARM, by the normal approximation, with `true` the first arm's share of the customers."""
    edge, spread = BOUND * np.sqrt(customers * checked * (1 - checked)), np.sqrt(customers * true * (1 - true))
    off = customers * (true - checked)
    beyond = [-(edge - off) / spread, -(edge + off) / spread]
    return np.vectorize(NORMAL.cdf, otypes=[float])(beyond).sum(axis=0)


def museum(figure):
    """The chance of an alarm over the number of customers: by the right check, and by the mistaken one."""
    axes = tidy(figure.subplots(), "chance that the sample ratio alarms, %", "customers")
    in_decades(axes.xaxis)
    axes.set(xlim=(9, 1.2e6), ylim=(-3, 103))
    colors = {"right expectation": COLORS["PDIS"], "as it was": COLORS["IS"]}
    lines = {name: axes.plot([], [], color=color, label=name)[0] for name, color in colors.items()}
    (dot,) = axes.plot([], [], "o", color=COLORS["PDIS"], markersize=9, gid="customers")
    (other,) = axes.plot([], [], "o", color=COLORS["IS"], markersize=6)
    key(axes, *lines.values())

    def draw(mistake, customers):
        seen = np.append(COUNTS[COUNTS < customers], customers)
        right = 100 * chance_of_alarm(seen, mistake.true, mistake.planned)
        wrong = mistake.checked is not None
        was = 100 * chance_of_alarm(seen, mistake.true, mistake.checked) if wrong else seen[:0]
        for line, values in zip(lines.values(), (right, was)):
            line.set_data(seen[: len(values)], values)
        dot.set_data([customers], right[-1:])
        other.set_data(seen[: len(was)][-1:], was[-1:])
        other_check = f", the one that was there with {was[-1]:.1f} %" if wrong else ""
        return (
            f"{mistake.story} With {customers:,.0f} customers the right check alarms with a chance of {right[-1]:.1f} %{other_check}. "
            f"Seen in {' and '.join(mistake.threads)}."
        )

    return draw

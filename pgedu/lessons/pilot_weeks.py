"""The weeks of a pilot in notebook 14, as a picture: what happens when, and what the test can find by its end."""

from functools import cache
from math import ceil

import numpy as np

from pgedu.lessons.experiment_arithmetic import alarm_rates
from pgedu.lessons.pilot_plan import (
    WEEKS_BEFORE, Plan, bounds_of, days_needed, fits, in_days, percent, shift_needed, shift_of, smallest_found,
)  # fmt: skip
from pgedu.panels.look import COLORS, label, tidy

LAST, LOOKS = 12, 5
SHIFTS = np.linspace(0, 8, 81)
STEPS = ["scope, KPI tree, log", "A/A test, kill switch", "offline check, ramp", "test: days it has", "test: days it needs",
         "decide, roll, hold out"]  # fmt: skip


@cache
def powers(looks):
    """The power over SHIFTS."""
    return np.array([alarm_rates(bounds_of(looks), shift)[-1] for shift in SHIFTS])


def weeks(figure):
    """Left: the steps on a calendar; right: the power over the length of the pilot."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    tidy(left, "", "weeks since the start").set(xlim=(-1.05, LAST + 1.4), ylim=(len(STEPS) - 0.4, -0.6), xticks=range(0, LAST + 1, 2))
    left.set_yticks(range(len(STEPS)), STEPS)
    hues = ["0.55", COLORS["leave one out"], COLORS["batch mean"], COLORS["learned value"], COLORS["none"], "0.55"]
    bars = left.barh(range(len(STEPS)), np.ones(len(STEPS)), 0.6, color=hues)
    days = [label(left, WEEKS_BEFORE - 0.15, row, "", ha="right") for row in (3, 4)]  # where a bar ends at the edge, this does not
    tidy(right, "power, %", "weeks of the pilot").set(xlim=(2.8, LAST + 0.2), ylim=(0, 103), xticks=range(3, LAST + 1))
    right.axhline(80, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    label(right, LAST + 0.1, 75, "80 %", ha="right")
    (curve,) = right.plot([], [], color=COLORS["learned value"])
    (dot,) = right.plot([], [], "o", markersize=9, color="black", gid="weeks")
    for looks in range(1, LOOKS + 1):
        powers(looks), shift_needed(looks, 0.8)

    def draw(traffic, points, weeks, looks):
        plan = Plan("-", traffic=round(traffic), after=0.02 + points / 100, weeks=weeks, looks=looks)
        needed = days_needed(plan)
        starts = [-1, 0, 1, WEEKS_BEFORE, WEEKS_BEFORE, weeks]
        lengths = [1, 1, 1, plan.test_days / 7, min(needed / 7, LAST + 1.3 - WEEKS_BEFORE), 1]
        for bar, start, length in zip(bars, starts, lengths):
            bar.set(x=start, width=length)
        for text, number in zip(days, (plan.test_days, ceil(needed))):
            text.set_text(f"{number:,}")
        lengths_of = np.arange(3, weeks + 1)
        shifts = shift_of(plan, plan.traffic * 7 * (lengths_of - WEEKS_BEFORE) / 2)
        found = 100 * np.interp(shifts, SHIFTS, powers(looks))
        curve.set_data(lengths_of, found)
        dot.set_data([weeks], found[-1:])
        return _in_words(plan, needed, found[-1])

    return draw


def _in_words(plan, needed, power):
    least = smallest_found(plan)
    enough = "It fits" if fits(plan) else "It does not fit"
    return (
        f"{percent(plan.before)} against {percent(plan.after)}, {plan.traffic:,} a day: the test needs {in_days(needed)} and has {plan.test_days}. {enough}. "
        f"Its power is {power:.0f} %; with 80 % it finds {f'{percent(least)} or more' if least else 'nothing'}."
    )

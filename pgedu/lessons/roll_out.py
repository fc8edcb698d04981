"""From the test to the rollout, in notebook 14: how long to test, and stages that mislead when they are pooled."""

import numpy as np

from pgedu.lessons.experiment_arithmetic import roll_size
from pgedu.panels.look import COLORS, in_decades, label, tidy

BASE = 0.02
NOISE = float(np.sqrt(BASE * (1 - BASE)))  # of one customer's result
SIZES = np.logspace(2, 6, 161)
STAGES = np.array([[0.02, 0.023], [0.01, 0.012]])  # rates, [first day or second, old arm or new]
SECOND = 0.5  # of the second day's customers have the new arm
FIRSTS = np.round(np.arange(0.01, 0.501, 0.01), 2)


def gained(n, customers, prior, noise=NOISE):
    """Conversions that a test of n customers per arm brings in, over giving all `customers` an arm by the toss of a coin.

    The arms' true rates are drawn independently from a normal distribution with standard deviation `prior`.
    """
    return (customers - 2 * n) * prior**2 / np.sqrt(np.pi * (prior**2 + noise**2 / n))


def how_long(figure):
    """What a test brings in over its size, as a share of what one who knows the better arm would gain."""
    axes = tidy(figure.subplots(), "gained by a test, % of what one who knows would gain", "customers per arm in the test")
    in_decades(axes.xaxis)
    axes.set(xlim=(90, 1.15e6), ylim=(-2, 100))
    (curve,) = axes.plot([], [], color=COLORS["test and roll"])
    (dot,) = axes.plot([], [], "o", markersize=9, color="black", gid="n")
    (best,) = axes.plot([], [], color=COLORS["exact"], linestyle="--", linewidth=1.5)
    words = label(axes, 1, 4, "n*", ha="left")

    def draw(n, customers, points):
        prior, customers = points / 100, round(customers)
        possible = customers * prior / np.sqrt(np.pi)
        tested = min(n, customers / 2)
        seen = SIZES[SIZES <= customers / 2]
        share = 100 * gained(np.append(seen, tested), customers, prior) / possible
        curve.set_data(seen, share[:-1])
        dot.set_data([n], share[-1:])
        right = roll_size(customers, NOISE, prior)
        best.set_data([right, right], [0, 100])
        words.set_x(1.08 * right)
        return (
            f"{tested:,.0f} customers per arm bring in {share[-1] * possible / 100:,.0f} of {possible:,.0f} conversions more than a coin, "
            f"{share[-1]:.0f} %. The best test has n* = {right:,.0f} per arm, {200 * right / customers:.1f} % of all {customers:,}."
        )

    return draw


def pooled(first, second=SECOND):
    """(old arm's rate, new arm's) over both days together, where the new arm had these shares of the customers."""
    shares = np.array([[1 - first, first], [1 - second, second]])
    return (shares * STAGES).sum(axis=0) / shares.sum(axis=0)


def stages(figure):
    """Left: both arms on both days and pooled; right: what pooling makes of the difference, over the first day's share."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    tidy(left, "conversion rate, %").set(xlim=(-0.6, 2.6), ylim=(0, 2.7))
    left.set_xticks(range(3), ["day 1", "day 2", "pooled"])
    hues = {"old": "0.55", "new": COLORS["reward to go"]}
    bars = [left.bar(np.arange(3) + 0.2 * side, np.ones(3), 0.36, color=hue) for side, hue in zip((-1, 1), hues.values())]
    words = [label(left, 0.2, 0, "", hues["new"], ha="center", va="bottom") for _ in range(2)]
    for i, (name, hue) in enumerate(hues.items()):
        label(left, 2.5, 2.6 - 0.2 * i, f"{name} arm", hue, ha="right")
    tidy(right, "new arm against old, pooled, %", "new arm's share on day 1").set(xlim=(0, 0.52), ylim=(-32, 24))
    right.axhline(0, color="0.4", linewidth=1.5)
    for i, gain in enumerate(100 * (STAGES[:, 1] / STAGES[:, 0] - 1)):
        right.axhline(gain, color=hues["new"], linestyle=":", linewidth=1.5)
        label(right, 0.01, gain + (0.5 if i else -0.7), f"day {i + 1} alone", hues["new"], va="bottom" if i else "top")
    (curve,) = right.plot([], [], color=COLORS["none"])
    (dot,) = right.plot([], [], "o", markersize=9, color=COLORS["none"], gid="first")

    def draw(first):
        rates = np.vstack([STAGES, pooled(first)])
        for side, container in enumerate(bars):
            for bar, rate in zip(container, rates[:, side]):
                bar.set_height(100 * rate)
        for i, (text, share) in enumerate(zip(words, (first, SECOND))):
            text.set(text=f"{100 * share:.0f} %", position=(i + 0.2, 100 * rates[i, 1] + 0.03))
        seen = np.append(FIRSTS[FIRSTS > first + 1e-9][::-1], first)
        off = np.array([100 * (new / old - 1) for old, new in map(pooled, seen)])
        curve.set_data(seen, off)
        dot.set_data([first], off[-1:])
        return (
            f"On day 1 the new arm has {100 * first:.0f} % of the customers and is 15 % better, on day 2 it has 50 % and is 20 % better. "
            f"Pooled, it is {abs(off[-1]):.1f} % {'better' if off[-1] > 0 else 'worse'}."
        )

    return draw

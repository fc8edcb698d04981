"""Looking early, in notebook 14: A/A tests as they go on, bounds, and the chance of a false alarm, exactly."""

from functools import cache

import numpy as np

from pgedu.lessons.experiment_arithmetic import NORMAL, alarm_rates, obrien_fleming, pocock
from pgedu.panels.look import COLORS, label, tidy

MOST, TESTS = 20, 40
Z = NORMAL.inv_cdf(0.975)
RULES = {"1.96": COLORS["none"], "Pocock": COLORS["batch mean"], "O'Brien-Fleming": COLORS["learned value"]}


@cache
def bounds_of(rule, looks):
    """[K], of |z| at each look."""
    made = {"1.96": lambda K: np.full(K, Z), "Pocock": pocock, "O'Brien-Fleming": obrien_fleming}
    return made[rule](looks)


@cache
def rates_of(rule):
    """The chance of a false alarm with 1 .. MOST looks under bounds that are made for that many."""
    return np.array([alarm_rates(bounds_of(rule, looks))[-1] for looks in range(1, MOST + 1)])


def walks(rng, looks):
    """z of TESTS A/A tests at each of so many looks, [K, TESTS]."""
    return rng.standard_normal((MOST, TESTS))[:looks].cumsum(axis=0) / np.sqrt(np.arange(1, looks + 1))[:, None]


def peeking(figure):
    """Left: z of A/A tests from look to look, orange once beyond the bounds. Right: the chance that this ever happens."""
    left, right = figure.subplots(1, 2, width_ratios=[1.4, 1])
    tidy(left, f"z of {TESTS} A/A tests", "look").set(xlim=(0.4, MOST + 0.6), ylim=(-5, 5), xticks=[1, 5, 10, 15, 20])
    (quiet,) = left.plot([], [], ".-", color="0.55", markersize=4, linewidth=1.5)
    (alarmed,) = left.plot([], [], ".-", color=COLORS["none"], markersize=4, linewidth=1.5, alpha=0.9)
    edges = [left.plot([], [], "o-", color="black", markersize=4)[0] for _ in range(2)]
    tidy(right, "chance of a false alarm, %", "number of looks").set(xlim=(0, MOST + 0.6), ylim=(0, 27))
    curves = {rule: right.plot([], [], color=hue, label=rule)[0] for rule, hue in RULES.items()}
    right.axhline(5, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    label(right, MOST + 0.5, 3.6, "5 %, promised", ha="right")
    (dot,) = right.plot([], [], "o", markersize=9, color="black", gid="looks")
    for rule in RULES:
        rates_of(rule)

    def draw(looks, rule, rng):
        bounds, z = bounds_of(rule, looks), walks(rng, looks)
        beyond = (np.abs(z) > bounds[:, None]).any(axis=0)
        at = np.arange(1, looks + 1)
        for line, some in ((quiet, z[:, ~beyond]), (alarmed, z[:, beyond])):
            line.set_data(*_strokes(at, some))
        for edge, sign in zip(edges, (-1, 1)):
            edge.set_data(at, np.clip(sign * bounds, -4.9, 4.9))
        for name, curve in curves.items():
            seen = name == rule
            curve.set_data(at if seen else [np.nan], 100 * rates_of(name)[:looks] if seen else [np.nan])
        dot.set_data([looks], [100 * rates_of(rule)[looks - 1]])
        return _in_words(looks, rule, bounds, beyond.sum())

    return draw


def _strokes(at, z):
    """Paths [K, n] as one line whose pen is lifted between them."""
    if not z.size:
        return [np.nan], [np.nan]
    gaps = np.vstack([z, np.full(z.shape[1], np.nan)])
    return np.tile(np.append(at, np.nan), z.shape[1]), gaps.T.ravel()


def _in_words(looks, rule, bounds, beyond):
    rate = 100 * rates_of(rule)[looks - 1]
    ends = f"{bounds[0]:.2f}" if np.ptp(bounds) < 1e-9 else f"{bounds[0]:.2f} at the first look, {bounds[-1]:.2f} at the last"
    return (
        f"{looks} look{'s' if looks > 1 else ''}; an alarm is |z| above {ends}. {beyond} of these {TESTS} A/A tests alarm; "
        f"exactly {rate:.1f} % of all do."
    )

"""The real log of notebook 10: a shop's random log asked about Thompson sampling, click by click."""

from functools import cache
from typing import NamedTuple

import numpy as np

from pgedu.gradients.intervals import wilson_interval
from pgedu.panels.look import COLORS, label, tidy
from pgedu.policies.thompson import thompson_sampling
from pgedu.worlds.logs import POSITIONS, open_bandit, open_bandit_prior

MOST = 12  # clicks that can be taken out
Z = 1.96


class Asked(NamedTuple):
    """A log by its cells [items, positions]: what the target's weights make of it."""

    weights: np.ndarray
    shown: np.ndarray
    clicks: np.ndarray
    own: tuple  # (clicks, rows) of the random log
    other: tuple  # and of the log that Thompson sampling has left


@cache
def asked(campaign):
    """The random log of a campaign, and the weights of Thompson sampling in it."""
    log, other = open_bandit(campaign), open_bandit(campaign, "bts")
    target = thompson_sampling(*open_bandit_prior(campaign), places=POSITIONS)
    ends = [(int(each.clicks.sum()), each.n_rows) for each in (log, other)]
    return Asked(target / log.propensities, log.shown, log.clicks, *ends)


def click_weights(campaign):
    """The weights of all clicks, the heaviest first."""
    found = asked(campaign)
    return np.sort(np.repeat(found.weights.ravel(), found.clicks.ravel()))[::-1]


def inverse_propensity(campaign, removed=0):
    """(estimate, standard error) of the click rate under the target, without its so many heaviest clicks."""
    rows, weights = asked(campaign).own[1], click_weights(campaign)[removed:]
    mean = weights.sum() / rows
    return mean, np.sqrt(((weights**2).sum() / rows - mean**2) / (rows - 1))


def self_normalised(campaign, removed=0):
    """The same, divided by the mean weight; the error to first order."""
    found, weights = asked(campaign), click_weights(campaign)[removed:]
    rows, all_squares = found.own[1], (found.shown * found.weights**2).sum()
    mean_weight = (found.shown * found.weights).sum() / rows
    mean = weights.sum() / rows / mean_weight
    spread = (weights**2).sum() * (1 - 2 * mean) + mean**2 * all_squares  # sum of w^2 (r - mean)^2, as r is 0 or 1
    return mean, np.sqrt(spread / rows / (rows - 1)) / mean_weight


def effective_rows(campaign):
    """The effective sample size of the log for the target."""
    found = asked(campaign)
    return (found.shown * found.weights).sum() ** 2 / (found.shown * found.weights**2).sum()


def rows_needed(campaign, precision=0.1):
    """(rows of the target's own log, rows of the random log) until 1.96 standard errors are so small a part of its own rate."""
    clicks, rows = asked(campaign).other
    rate, error = clicks / rows, inverse_propensity(campaign)[1]
    variances = rate * (1 - rate), error**2 * (asked(campaign).own[1] - 1)
    return tuple((Z / precision / rate) ** 2 * each for each in variances)


def heaviest_click(figure):
    """What each click brings to the estimate, and what is left when the heaviest are taken out."""
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    show_clicks, show_intervals = _clicks(left), _intervals(right)

    def draw(campaign, removed):
        found, each = asked(campaign), click_weights(campaign) / asked(campaign).own[1] * 100
        show_clicks(each, removed)
        ips, snips = inverse_propensity(campaign, removed), self_normalised(campaign, removed)
        ends = [wilson_interval(*found.other), *(_ends(*each) for each in (snips, ips)), wilson_interval(*found.own)]
        show_intervals(ends, [found.other[0] / found.other[1], snips[0], ips[0], found.own[0] / found.own[1]])
        return _in_words(campaign, ips, removed)

    return draw


def _clicks(left):
    """A bar for each click; a function that shows what it adds, and greys those that are taken out."""
    tidy(left, "percentage points that each click adds to IPS", "clicks, the heaviest first")
    left.set(xlim=(-2, 50), ylim=(0, 0.22), yticks=np.arange(0, 0.21, 0.05))
    edges = np.arange(0.5, 50)
    bars = [left.stairs(0 * edges[1:], edges, fill=True, color=color, alpha=a) for color, a in ((COLORS["IS"], 1), ("0.55", 1))]
    cut = left.axvline(0.5, color="black", linestyle=":")
    (handle,) = left.plot([], [], "<", color="black", markersize=10, gid="removed")
    label(left, 20, 0.2, "left of the line: taken out")

    def show(each, removed):
        heights = np.zeros(len(edges) - 1)
        heights[: len(each)] = each[: len(heights)]
        out = np.arange(len(heights)) < removed
        bars[0].set_data(np.where(out, 0, heights))
        bars[1].set_data(np.where(out, heights, 0))
        cut.set_xdata([removed + 0.5] * 2)
        handle.set_data([removed], [0.2])

    return show


def _intervals(right):
    """Rates with their intervals, and the function that shows them."""
    tidy(right, "click rate in %, 95 % intervals").set(xlim=(0, 1.15), ylim=(-0.6, 3.6), yticks=range(4))
    right.set_yticklabels(["TS, its own log", "TS by SNIPS", "TS by IPS", "random, its log"])
    colors = "0.35", COLORS["WIS"], COLORS["IS"], "0.35"
    arms = [right.plot([], [], color=color, linewidth=4)[0] for color in colors]
    dots = [right.plot([], [], "o", color=color, markersize=9)[0] for color in colors]

    def show(ends, middles):
        for i, (arm, dot, interval, middle) in enumerate(zip(arms, dots, ends, middles)):
            arm.set_data(100 * np.clip(interval, 0, 0.0115), [i, i])
            dot.set_data([100 * middle], [i])

    return show


def _ends(estimate, error):
    return estimate - Z * error, estimate + Z * error


def _in_words(campaign, ips, removed):
    found, weights = asked(campaign), click_weights(campaign)
    share = weights[:removed].sum() / weights.sum()
    without = f"Without {'its heaviest click' if removed == 1 else f'its {removed} heaviest clicks'}, {100 * share:.0f} % of the estimate, " if removed else ""
    rates = [f"{100 * clicks / rows:.2f} %" for clicks, rows in (found.own, found.other)]
    return (
        f"{without}IPS says {100 * ips[0]:.3f} ± {100 * Z * ips[1]:.3f} % for Thompson sampling. The logs' own rates are "
        f"{rates[0]} (random) and {rates[1]} (Thompson sampling). 10,000 rows are worth {effective_rows(campaign):,.0f}."
    )

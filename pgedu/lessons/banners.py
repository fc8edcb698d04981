"""Three banners in notebook 10: what can be wrong with a log, exactly, and the picture of it."""

from typing import NamedTuple

import numpy as np

from pgedu.lessons.coin_log import ratio_moments
from pgedu.panels.look import label
from pgedu.panels.views import COLORS, tidy

PAYS = np.array([0.1, 0.3, 0.6])  # the chance of a click for each banner
LOGGER = np.array([0.6, 0.3, 0.1])
TARGET = np.array([0.1, 0.2, 0.7])
MODELS = {"0.2 for each": np.full(3, 0.2), "0.1, 0.3, 0.4": np.array([0.1, 0.3, 0.4]), "exact": PAYS}
RECORDS = {"as they were": None, "1/3 for each": np.full(3, 1 / 3)}
NAMES = "IPS", "SNIPS", "DM", "DR"
HUES = {"IPS": COLORS["IS"], "SNIPS": COLORS["WIS"], "DM": COLORS["DM"], "DR": COLORS["DR"]}


class Log(NamedTuple):
    """How rows come about: the logger's shares [3], the propensities that are written down [3], what is added to rewards."""

    logger: np.ndarray
    recorded: np.ndarray
    lift: float


def logger(third):
    """The logger's shares, if it shows the third banner so often and the others 2 : 1."""
    return np.append((1 - third) * np.array([2, 1]) / 3, third)


def estimates(log, q, rows, cap=np.inf):
    """{estimator: (mean, standard deviation)} of its estimate from so many rows, exactly."""
    w = np.minimum(TARGET / log.recorded, cap)
    chance = log.logger[:, None] * np.stack([1 - PAYS, PAYS], axis=-1)  # [banner, no click or click]
    rewards = np.array([0.0, 1.0]) + log.lift
    q = q + log.lift
    found = {"IPS": _of_rows(chance, w[:, None] * rewards, rows)}
    up, square = (log.logger * each for each in (PAYS + log.lift, chance_weighted_square(log.lift)))
    found["SNIPS"] = ratio_moments(w, log.logger, up, square, rows)
    found["DM"] = float(TARGET @ q), 0.0
    found["DR"] = _of_rows(chance, TARGET @ q + w[:, None] * (rewards - q[:, None]), rows)
    return found


def chance_weighted_square(lift):
    """E[R^2] of each banner."""
    return PAYS * (1 + lift) ** 2 + (1 - PAYS) * lift**2


def _of_rows(chance, values, rows):
    mean = (chance * values).sum()
    return float(mean), float(np.sqrt(max((chance * values**2).sum() - mean**2, 0.0) / rows))


def weighed(log, cap=np.inf):
    """(E w, (E w)^2 / E w^2): the mean weight, and what a row is worth."""
    w = np.minimum(TARGET / log.recorded, cap)
    return log.logger @ w, (log.logger @ w) ** 2 / (log.logger @ w**2)


def banners(figure):
    """Three banners, how often logger and target show them, and what four estimators make of the log, exactly."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    show_shares, show_estimates = _who_shows(left), _what_is_made_of_it(right)

    def draw(third, rows, cap, lift, recorded, model):
        shares, rows = logger(third), round(rows)
        written = RECORDS[recorded]
        log = Log(shares, np.where(shares > 0, shares, 1.0) if written is None else written, lift)
        cap = np.inf if cap >= 10 else cap
        found = estimates(log, MODELS[model], rows, cap)
        show_shares(shares, np.minimum(TARGET / log.recorded, cap))
        show_estimates(found, lift)
        return _in_words(found, lift, rows, *weighed(log, cap))

    return draw


def _who_shows(left):
    """Bars of logger and target; a function that moves the logger's, and says the weight of each banner."""
    tidy(left, "who shows which banner").set(ylim=(0, 0.95), xlim=(-0.6, 2.6), xticks=range(3))
    left.set_xticklabels([f"banner {i + 1}\nclicks {100 * p:.0f} %" for i, p in enumerate(PAYS)])
    shown = left.bar(np.arange(3) - 0.2, LOGGER, 0.36, color="0.55")
    left.bar(np.arange(3) + 0.2, TARGET, 0.36, facecolor=(COLORS["ppo"], 0.6), edgecolor=COLORS["ppo"], linewidth=1.5)
    label(left, -0.55, 0.9, "logger", "0.4")
    label(left, -0.55, 0.82, "target", COLORS["ppo"])
    (handle,) = left.plot([], [], "o", color="black", markersize=9, gid="third")
    words_above = [label(left, i, 0, "", ha="center", va="bottom") for i in range(3)]

    def show(shares, w):
        for bar, share in zip(shown, shares):
            bar.set_height(share)
        handle.set_data([1.8], [shares[2]])
        for words, i, weight in zip(words_above, range(3), w):
            words.set_position((i, max(shares[i], TARGET[i]) + 0.02))
            words.set_text(f"w = {weight:.2g}" if shares[i] else "never shown")

    return show


def _what_is_made_of_it(right):
    """The truth, and a function that shows mean and standard deviation of each estimator."""
    tidy(right, "exact mean ± sd of an estimate, less what was added").set(ylim=(-0.6, 1.6), xlim=(-0.6, 3.6))
    right.set(xticks=range(4), xticklabels=NAMES)
    right.axhline(TARGET @ PAYS, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    label(right, 3.55, TARGET @ PAYS + 0.03, "truth", ha="right", va="bottom")
    arms = [right.plot([], [], color=HUES[name], linewidth=4)[0] for name in NAMES]
    means = [right.plot([], [], "o", color=HUES[name], markersize=9)[0] for name in NAMES]

    def show(found, lift):
        for i, name in enumerate(NAMES):
            mean, sd = found[name][0] - lift, found[name][1]
            arms[i].set_data([i, i], np.clip([mean - sd, mean + sd], -0.6, 1.6))
            means[i].set_data([i], [min(mean, 1.55)])
            means[i].set_marker("o" if mean <= 1.55 else "^")  # a triangle: further up

    return show


def _in_words(found, lift, rows, mean_weight, share):
    said = [f"{name} {mean - lift:.2f} ± {sd:.2f}" for name, (mean, sd) in found.items()]
    return (
        f"The truth is {TARGET @ PAYS:.2f}. From {rows:,} rows: {', '.join(said)}. "
        f"The mean weight is {mean_weight:.2f}; by their weights they are worth {max(rows * share, 1):,.0f} rows."
    )

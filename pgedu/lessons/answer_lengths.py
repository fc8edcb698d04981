"""What a share of 1 / |o| for each word does to the lengths of answers, in notebook 12: exact updates of when to stop."""

from functools import cache

import numpy as np

from pgedu.panels.look import COLORS, in_decades, key, label, tidy

LONGEST, UPDATES, RATE = 8, 3000, 0.5  # words of padding at most; exact updates, and their learning rate
LENGTHS = np.arange(1, LONGEST + 1)
RIGHTS = np.round(np.arange(0.1, 0.91, 0.1), 1)  # chances that an answer is right, whatever is said after it
HUES = {"right": COLORS["state value"], "wrong": COLORS["total return"]}


def chances(theta):
    """P(length) [..., LONGEST] of the padding, if each word is followed by an end with chance sigma(theta) [...]."""
    stop = 1 / (1 + np.exp(-np.asarray(theta, dtype=float)))[..., None]
    P = (1 - stop) ** (LENGTHS - 1) * stop
    P[..., -1] = ((1 - stop) ** (LONGEST - 1))[..., 0]
    return P


def scores(theta):
    """d log P(length) / d theta, [..., LONGEST]; the last length is an end that nobody has chosen."""
    stop = 1 / (1 + np.exp(-np.asarray(theta, dtype=float)))[..., None]
    return (LENGTHS < LONGEST) * (1 - stop) - (LENGTHS - 1) * stop


def mean_push(theta, right, per_length):
    """The mean of advantage x score on both logits [..., 2], after a right and after a wrong answer.

    The reward is 1 for a right answer, so the advantage is 1 - right or -right, and padding changes nothing of it: the true
    gradient is 0. An answer is one word and its padding, |o| = 1 + length.
    """
    right = np.asarray(right, dtype=float)[..., None]
    advantage = np.concatenate([right * (1 - right), -(1 - right) * right], axis=-1)  # times how often there is one
    share = 1 / (1 + LENGTHS) if per_length else 1.0
    return advantage * (chances(theta) * scores(theta) * share).sum(axis=-1)


@cache
def paths(per_length):
    """Mean lengths [UPDATES + 1, len(RIGHTS), 2] along exact updates, and theta at each."""
    theta = np.zeros((UPDATES + 1, len(RIGHTS), 2))
    for i in range(UPDATES):
        theta[i + 1] = theta[i] + RATE * mean_push(theta[i], RIGHTS, per_length)
    return chances(theta) @ LENGTHS, theta


def _now(axes):
    """Bars {name: of each length}, and their axes made tidy."""
    tidy(axes, "chance of each length, now", "words of padding").set(xlim=(0.4, 8.6), ylim=(0, 1.08), xticks=LENGTHS)
    places = {"right": LENGTHS - 0.2, "wrong": LENGTHS + 0.2}
    return {name: axes.bar(at, 0 * LENGTHS, 0.4, color=HUES[name]) for name, at in places.items()}


def lengths(figure):
    """How long the padding is on average, update by update, and how its lengths are distributed now. For `explore`."""
    left, beside = figure.subplots(1, 2, width_ratios=[1.25, 1])
    in_decades(tidy(left, "mean padding", "exact updates").xaxis).set(xlim=(1, 3300), ylim=(0, 8.4))
    curves = {name: left.plot([], [], color=color, label=f"after {name}")[0] for name, color in HUES.items()}
    (handle,) = left.plot([], [], "^", color="black", markersize=10, gid="updates")
    label(left, 1.1, 8.1, "8 is the most there is", "0.4")
    key(left, *curves.values())
    bars = _now(beside)

    def draw(updates, right, per_length):
        means, theta = paths(per_length)
        column = int(np.abs(RIGHTS - right).argmin())
        steps = np.unique(np.geomspace(1, updates, 200).astype(int))
        for k, name in enumerate(HUES):
            curves[name].set_data(steps, means[steps, column, k])
            for bar, height in zip(bars[name], chances(theta[updates, column, k])):
                bar.set_height(float(height))
        handle.set_data([updates], [0.25])
        return _in_words(updates, *means[updates, column], RIGHTS[column])

    return draw


def _in_words(updates, after_right, after_wrong, right):
    return (
        f"After {updates:,} exact updates there are {after_right:.2f} words of padding after a right answer and "
        f"{after_wrong:.2f} after "
        f"a wrong one. Answers are right in {100 * right:.0f} % of cases, with any padding."
    )

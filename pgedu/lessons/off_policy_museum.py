"""The bug museum of notebook 10: mistakes in off-policy estimates, exactly, on its three banners."""

from typing import NamedTuple

import numpy as np

from pgedu.lessons.banners import LOGGER, PAYS
from pgedu.panels.look import COLORS, key, label, tidy

ROWS = 1000
SHARES = np.round(np.arange(0.02, 0.981, 0.02), 2)


class Mistake(NamedTuple):
    """What happened, where it was discussed, and what it makes of a weight: [logged banner, what else chance decides]."""

    name: str
    story: str
    threads: tuple
    weights: object  # target [3] -> (weights [3, K], their chances [3, K])


def right_weights(target):
    """pi(a) / propensity(a), and nothing else that chance decides."""
    return (target / LOGGER)[:, None], np.ones((3, 1))


def fresh_action(target):
    """pi(a') / propensity(a), with a' an action that the target has drawn for itself."""
    return target[None, :] / LOGGER[:, None], np.tile(target, (3, 1))


def logarithm(target):
    """log pi(a) / propensity(a)."""
    return (np.log(target) / LOGGER)[:, None], np.ones((3, 1))


MISTAKES = [
    Mistake("a fresh action", "The target was asked for an action of its own, and the chance of that one stood above the line.",
            ("ray-project/ray#7107",), fresh_action),
    Mistake("a logarithm", "The logarithm of the chance stood where the chance itself belongs.", ("ray-project/ray#12047",), logarithm),
]  # fmt: skip


def target(share):
    """The target's chances, if it shows the third banner so often and the two others alike."""
    return np.array([(1 - share) / 2, (1 - share) / 2, share])


def estimate(weights, share):
    """Mean and standard deviation of the estimate from ROWS rows, exactly."""
    w, chances = weights(target(share))
    clicked = LOGGER * PAYS  # a row without a click adds 0
    mean = clicked @ (chances * w).sum(axis=1)
    return mean, np.sqrt((clicked @ (chances * w**2).sum(axis=1) - mean**2) / ROWS)


def museum(figure):
    """The right estimate and a mistaken one over how often the target shows the best banner."""
    axes = tidy(figure.subplots(), f"exact mean ± 2 sd of {ROWS:,} rows", "share of banner 3 in the target")
    axes.set(xlim=(0, 1), ylim=(-2.2, 1.3))
    axes.plot(SHARES, [target(share) @ PAYS for share in SHARES], color=COLORS["exact"], linestyle="--", label="truth")
    colors = {"right": COLORS["PDIS"], "mistaken": COLORS["IS"]}
    lines = {name: axes.plot([], [], color=color, label=name)[0] for name, color in colors.items()}
    edges = {name: [axes.plot([], [], ":", color=color)[0] for _ in range(2)] for name, color in colors.items()}
    (handle,) = axes.plot([], [], "o", color=COLORS["IS"], markersize=9, gid="share")
    label(axes, 0.02, 1.15, "dotted: 2 standard deviations")
    key(axes, axes.lines[0], *lines.values())

    def draw(mistake, share):
        so_far = np.append(SHARES[SHARES < share - 1e-9], share)
        for name, weights in (("right", right_weights), ("mistaken", mistake.weights)):
            means, sds = np.array([estimate(weights, each) for each in so_far]).T
            lines[name].set_data(so_far, means)
            for sign, edge in zip((-2, 2), edges[name]):
                edge.set_data(so_far, means + sign * sds)
        handle.set_data([share], [means[-1]])
        return (
            f"{mistake.story} The truth is {target(share) @ PAYS:.2f}, and the mistaken estimate {means[-1]:.2f} on average. "
            f"Seen in {' and '.join(mistake.threads)}."
        )

    return draw

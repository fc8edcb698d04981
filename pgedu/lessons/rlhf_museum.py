"""The bug museum of notebook 12: penalties that are not what they were meant to be, and where they lead, exactly."""

from functools import cache
from typing import NamedTuple

import numpy as np

from pgedu.learning.preferences import kl_divergence, kl_estimate
from pgedu.panels.look import COLORS, in_decades, key, label, tidy
from pgedu.policies.heads import log_softmax

REFERENCE, REWARDS = np.log([0.6, 0.3, 0.1]), np.array([0.0, 1.0, 2.0])
BETAS = 10 ** np.linspace(-1, 1, 41)


class Mistake(NamedTuple):
    """What happened, where it was discussed, and the policies to which its mean updates lead from the reference."""

    name: str
    story: str
    threads: tuple
    policy: object  # beta [K, 1] -> pi [K, 3]


def right(beta):
    """pi* [K, 3] of the objective that was meant, E r - beta KL."""
    return np.exp(log_softmax(REFERENCE + REWARDS / beta))


def no_pull(beta):
    """k1 in the loss: its mean gradient is 0, so that only the reward is left."""
    return np.eye(3)[REWARDS.argmax()] + 0 * beta


def forward(beta):
    """k3 in the loss: pi_a (r_a - J) = beta (pi_a - reference_a), KL the other way round. By bisection for J."""
    low, high = REWARDS.max() - beta, REWARDS.max() + 0 * beta  # chances must be positive: J > max r - beta
    for _ in range(100):
        J = (low + high) / 2
        pi = beta * np.exp(REFERENCE) / (beta + J - REWARDS)
        much = pi.sum(axis=-1, keepdims=True) > 1
        low, high = np.where(much, J, low), np.where(much, high, J)
    return pi / pi.sum(axis=-1, keepdims=True)


def turned_round(beta, steps=4000):
    """k3 of the ratio upside down, in the reward: log pi <- log pi + rate (psi - E psi), as long as it takes."""
    log_pi = REFERENCE + 0 * beta
    for _ in range(steps):
        psi = REWARDS - beta * kl_estimate(REFERENCE - log_pi, "k3")
        step = psi - (np.exp(log_pi) * psi).sum(axis=-1, keepdims=True)
        rate = 0.05 / (1 + np.abs(step).max(axis=-1, keepdims=True))
        log_pi = log_softmax(np.maximum(log_pi + rate * step, -60.0))
    return np.exp(log_pi)


MISTAKES = [
    Mistake("k1 in the loss", "The log ratio itself was a term of the loss: its mean gradient is 0, wherever the reference is.",
            ("allenai/open-instruct#535",), no_pull),
    Mistake("k3 in the loss", "k3 was a term of the loss, and pulls as KL the other way round does.",
            ("OpenRLHF/OpenRLHF#1309", "huggingface/trl#6503"), forward),
    Mistake("ratio upside down", "k3 was given the log ratio with the wrong sign: whatever has become rare is punished for it.",
            ("hpcaitech/ColossalAI#3696",), turned_round),
]  # fmt: skip


def objective(pi, beta):
    """E r - beta KL [K] of pi [K, 3], beta [K]."""
    with np.errstate(divide="ignore"):
        return pi @ REWARDS - beta * kl_divergence(np.log(pi), np.broadcast_to(REFERENCE, pi.shape))


@cache
def ends(name):
    """The policies [len(BETAS), 3] of the mistake of that name, or of "meant"."""
    policy = right if name == "meant" else next(each.policy for each in MISTAKES if each.name == name)
    return policy(BETAS[:, None])


def _chances(axes, colors):
    """Bars of the three answers, {"meant" or "mistaken": bars}, beside those of the reference."""
    tidy(axes, "chances of the three answers").set(xlim=(-0.6, 2.6), ylim=(0, 1.2))
    axes.set(xticks=range(3), yticks=np.arange(0, 1.01, 0.25))
    axes.set_xticklabels(["reward 0", "reward 1", "reward 2"])
    axes.bar(np.arange(3) - 0.27, np.exp(REFERENCE), 0.26, color="0.55")
    label(axes, 2.55, 1.12, "grey: the reference", "0.4", ha="right")
    places = {"meant": np.arange(3), "mistaken": np.arange(3) + 0.27}
    return {name: axes.bar(at, np.zeros(3), 0.26, color=colors[name]) for name, at in places.items()}


def museum(figure):
    """What was meant and what came of it, over beta, and the three chances at this beta. For `explore`."""
    left, beside = figure.subplots(1, 2, width_ratios=[1.2, 1])
    in_decades(tidy(left, "E r − β KL, exactly", "β").xaxis).set(xlim=(0.095, 10.5), ylim=(-3, 2.1))
    colors = {"meant": COLORS["exact"], "mistaken": COLORS["IS"]}
    lines = {name: left.plot([], [], color=color, label=name)[0] for name, color in colors.items()}
    (handle,) = left.plot([], [], "o", color=COLORS["IS"], markersize=9, gid="beta")
    bars = _chances(beside, colors)
    key(left, *lines.values())

    def draw(mistake, beta):
        shown = BETAS <= beta * (1 + 1e-9)
        reached = {}
        for name, of in (("meant", "meant"), ("mistaken", mistake.name)):
            values = objective(ends(of), BETAS)[shown]
            reached[name] = float(values[-1])
            lines[name].set_data(BETAS[shown], np.maximum(values, -3.0))
            for bar, height in zip(bars[name], ends(of)[shown][-1]):
                bar.set_height(float(height))
        handle.set_data([beta], [max(reached["mistaken"], -2.95)])
        return _in_words(mistake, beta, **reached)

    return draw


def _in_words(mistake, beta, meant, mistaken):
    return (
        f"{mistake.story} At β = {beta:.2g} the objective ends at {mistaken:.2f}, where {meant:.2f} was possible. "
        f"Seen in {' and '.join(mistake.threads)}."
    )

"""Notebook 08: a budget over many channels, and how many calls of the reward a good estimate takes."""

from functools import cache

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.baselines import constant
from pgedu.gradients.estimators import reward_to_go
from pgedu.gradients.moments import episode_gradients
from pgedu.gradients.pathwise import pathwise_gradients
from pgedu.lessons.hills import QuadraticHill
from pgedu.panels.look import COLORS, in_decades, key, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy

WAYS = {"no baseline": "none", "b = J": "constant", "pairs": "antithetic", "pathwise": "pathwise"}
CHANNELS = np.unique(np.geomspace(1, 1000, 61).round()).astype(int)
CALLS, SHOWN = 100, 12  # calls for the estimates in the picture; channels that are seen of many
OFF = np.where(np.arange(1000) % 3 == 1, -0.5, 0.5)  # how far each channel's best amount is from the present one


def budget(d):
    """The hill of d channels: what is spent in each is off by a half from its best amount, in one direction or the other."""
    return QuadraticHill(d, top=OFF[:d])


def calls_needed(d, sigma):
    """How many calls of f until the noise of the mean estimate is as long as dJ/d mu itself, of each way: [4]."""
    hill, mu = budget(d), np.zeros(d)
    length = (hill.gradient(mu, sigma)[0] ** 2).sum()
    noise = [hill.score_variance(mu, sigma), hill.score_variance(mu, sigma, hill.expected(mu, sigma)),
             2 * hill.antithetic_variance(mu, sigma), hill.pathwise_variance(mu, sigma)]  # fmt: skip
    return np.array(noise) / length


@cache
def curves_at(sigma):
    """`calls_needed` for 1 to 1,000 channels: [4, n]."""
    return np.transpose([calls_needed(int(d), sigma) for d in CHANNELS])


def estimates(d, sigma, rng):
    """dJ/d mu from 100 calls, by the score function with b = J and pathwise, each [d]."""
    hill, policy = budget(d), Policy.gaussian(Table(1, d))
    theta = np.concatenate([np.zeros(d), np.full(d, np.log(sigma))])
    rollout = collect(hill, policy, theta, rng=rng, episodes=CALLS)
    psi = reward_to_go(rollout, baseline=constant(hill.expected(np.zeros(d), sigma)))
    both = episode_gradients(policy, theta, rollout, psi), pathwise_gradients(hill, policy, theta, rollout)
    return [each.mean(axis=0)[:d] for each in both]


def channels(figure):
    """The gradient in the first channels and two estimates of it; on the right, the calls that a good one takes."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    truth, dots = _first_channels(left)
    axes = tidy(right, "", "channels d", "calls needed")
    in_decades(in_decades(axes.xaxis).yaxis).set(xlim=(1, 1000), ylim=(0.05, 5e6))
    lines = [right.plot([], [], color=COLORS[color], label=name)[0] for name, color in WAYS.items()]
    (handle,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="d")
    (up,) = right.plot([], [], ":", color="0.5")
    key(right, *lines)

    def draw(rng, d, sigma):
        many = round(d)
        first = np.arange(min(many, SHOWN))
        truth.set_data(first + 1, OFF[first])
        for dot, g, shift in zip(dots, estimates(many, sigma, rng), (-0.2, 0.2)):
            dot.set_data(first + 1 + shift, np.where(np.abs(g[first]) < 3, g[first], np.nan))
        for line, needed in zip(lines, curves_at(sigma)):
            line.set_data(CHANNELS, needed)
        needed = calls_needed(many, sigma)
        handle.set_data([d], [0.08])
        up.set_data([d, d], [0.08, needed[0]])
        said = ", ".join(f"{_in_words(n)} ({name})" for n, name in zip(needed, WAYS))
        many = "1 channel" if many == 1 else f"{many} channels"
        return f"With {many} and σ = {sigma:.2g} the noise is as long as the gradient after so many calls: {said}."

    return draw


def _first_channels(axes):
    """(marks of the truth, dots of both estimates)."""
    tidy(axes, f"dJ/dμ from {CALLS} calls", "channel").set(xlim=(0, SHOWN + 1), ylim=(-3, 3))
    (truth,) = axes.plot([], [], "_", color=COLORS["exact"], markersize=17, markeredgewidth=3, label="exact")
    key(axes, truth)
    shapes = {"b = J": "o", "pathwise": "D"}
    return truth, [axes.plot([], [], shape, color=COLORS[WAYS[name]], markersize=6)[0] for name, shape in shapes.items()]


def _in_words(calls):
    return f"{calls:,.0f}" if calls >= 10 else f"{calls:.1f}"

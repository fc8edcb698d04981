"""Notebook 08: a budget over many channels, and a hill with two bumps that sigma makes smooth."""

from functools import cache

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.baselines import constant
from pgedu.gradients.estimators import reward_to_go
from pgedu.gradients.moments import episode_gradients
from pgedu.gradients.pathwise import pathwise_gradients
from pgedu.panels.look import COLORS, in_decades, key, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.hills import BumpyHill, QuadraticHill

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
    """On the left the gradient in the first channels and two estimates of it; on the right the calls that a good one takes."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    tidy(left, f"dJ/dμ from {CALLS} calls", "channel").set(xlim=(0, SHOWN + 1), ylim=(-3, 3))
    (truth,) = left.plot([], [], "_", color=COLORS["exact"], markersize=17, markeredgewidth=3, label="exact")
    shapes = {"b = J": "o", "pathwise": "D"}
    dots = [left.plot([], [], shapes[name], color=COLORS[WAYS[name]], markersize=6)[0] for name in shapes]
    key(left, truth)
    in_decades(in_decades(tidy(right, "", "channels d", "calls needed").xaxis).yaxis).set(xlim=(1, 1000), ylim=(0.05, 5e6))
    lines = [right.plot([], [], color=COLORS[color], label=name)[0] for name, color in WAYS.items()]
    (handle,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="d")
    (up,) = right.plot([], [], ":", color="0.5")
    key(right, *lines)

    def draw(rng, d, sigma):
        many = round(d)
        both, first = estimates(many, sigma, rng), np.arange(min(many, SHOWN))
        truth.set_data(first + 1, OFF[first])
        for dot, g, shift in zip(dots, both, (-0.2, 0.2)):
            dot.set_data(first + 1 + shift, np.where(np.abs(g[first]) < 3, g[first], np.nan))
        for line, needed in zip(lines, curves_at(sigma)):
            line.set_data(CHANNELS, needed)
        needed = calls_needed(many, sigma)
        handle.set_data([d], [0.08])
        up.set_data([d, d], [0.08, needed[0]])
        said = ", ".join(f"{_in_words(n)} ({name})" for n, name in zip(needed, WAYS))
        return f"With {many} {'channel' if many == 1 else 'channels'} and σ = {sigma:.2g} it takes so many calls until the noise is no longer than the gradient: {said}."  # noqa: E501

    return draw


def _in_words(calls):
    return f"{calls:,.0f}" if calls >= 10 else f"{calls:.1f}"


BUMPS = BumpyHill()  # a wide one of height 1 about -2, and a narrow one of height 2 about 2
PLACES = np.linspace(-4.5, 4.5, 901)
SIGMAS = np.geomspace(0.05, 3, 121)


def tops(sigma):
    """The highest J within reach of the wide bump (mu < 0.75) and of the narrow one: [..., 2]; where mu stands there.

    Near its end the narrow bump is no top any more: then the highest place is at the border, and its J is NaN.
    """
    J = BUMPS.expected(PLACES[:, None], np.ravel(sigma)[:, None, None])  # [sigma, place]
    split = np.searchsorted(PLACES, 0.75)
    wide, narrow = J[:, :split].argmax(axis=1), split + J[:, split:].argmax(axis=1)
    heights = np.stack([np.take_along_axis(J, each[:, None], axis=1)[:, 0] for each in (wide, narrow)], axis=-1)
    heights[narrow == split, 1] = np.nan
    return heights.reshape(*np.shape(sigma), 2), PLACES[np.stack([wide, narrow], axis=-1)].reshape(*np.shape(sigma), 2)


def uphill(mu, sigma):
    """Where exact gradient ascent in mu arrives from here, sigma held: the next top uphill."""
    slopes = BUMPS.gradient(PLACES[:, None], sigma)[0][:, 0]
    place = int(np.clip(np.searchsorted(PLACES, mu), 1, len(PLACES) - 1))
    right = BUMPS.gradient(mu, sigma)[0].item() > 0
    beyond = np.flatnonzero(slopes[place:] <= 0) if right else np.flatnonzero(slopes[:place] >= 0)
    if not beyond.size:
        return float(PLACES[-1 if right else 0])
    return float(PLACES[place + beyond[0]] if right else PLACES[beyond[-1]])


def smoothing(figure):
    """The reward, and J over mu for this sigma; on the right, how high both tops of J are over sigma."""
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    tidy(left, "", "action a, or mean μ").set(xlim=(-4.5, 4.5), ylim=(-0.35, 2.2))
    reward = left.plot(PLACES, BUMPS.terms(PLACES), color="0.65", label="reward f")[0]
    (hill,) = left.plot([], [], color=COLORS["exact"], label="J, exact")
    (spread,) = left.plot([], [], color="0.5", linewidth=5, solid_capstyle="butt", alpha=0.6)
    (way,) = left.plot([], [], ":", color=COLORS["reinforce"], linewidth=3)
    (end,) = left.plot([], [], "s", color=COLORS["reinforce"], markersize=8, label="gradient ascent ends")
    (here,) = left.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="mu")
    key(left, reward, hill, end)
    in_decades(tidy(right, "", "σ", "J at the two tops").xaxis).set(xlim=(0.05, 3), ylim=(0, 2.2))
    names = {"the wide one": COLORS["constant"], "the high one": COLORS["optimal"]}
    curves = [right.plot(SIGMAS, J, color=color, label=name)[0] for J, (name, color) in zip(tops(SIGMAS)[0].T, names.items())]
    (handle,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="sigma")
    key(right, *curves)

    def draw(mu, sigma):
        J, arrived = BUMPS.expected(mu, sigma), uphill(mu, sigma)
        hill.set_data(PLACES, BUMPS.expected(PLACES[:, None], sigma))
        spread.set_data([max(mu - sigma, -4.5), min(mu + sigma, 4.5)], [-0.2, -0.2])
        between = PLACES[(PLACES >= min(mu, arrived)) & (PLACES <= max(mu, arrived))]
        way.set_data([*between, mu], [*BUMPS.expected(between[:, None], sigma), J]) if mu > arrived else way.set_data(
            [mu, *between], [J, *BUMPS.expected(between[:, None], sigma)])
        end.set_data([arrived], [BUMPS.expected(arrived, sigma)])
        here.set_data([mu], [J])
        handle.set_data([sigma], [0.08])
        high = f", the high one {tops(sigma)[0][1]:.2f}" if np.isfinite(tops(sigma)[0][1]) else ", and the high one is no top any more"
        return (f"At μ = {mu:.2f} and σ = {sigma:.2g} J is {J:.2f}; gradient ascent in μ ends at {arrived:.2f}. "
                f"The wide top gives {tops(sigma)[0][0]:.2f}{high}.")  # fmt: skip

    return draw

"""Notebook 08: actions with a bound. What the score at a clipped action costs, exactly and live; and tanh, applied twice."""

import numpy as np

from pgedu.learning.reinforce import reinforce
from pgedu.lessons.hills import cumulative, density
from pgedu.lessons.one_step import Hill
from pgedu.panels.look import COLORS, best_line, key, tidy
from pgedu.panels.views import LearningCurve

LOW, HIGH = -1.0, 1.0  # what the world does: it plays the action, clipped to these


def _parts(mu, sigma):
    """I_k, the mean of z^k over those z whose action is not clipped, for k = 0 to 3, and the chances of both bounds."""
    a, b = (LOW - mu) / sigma, (HIGH - mu) / sigma
    below, above, fa, fb = cumulative(a), cumulative(-b), density(a), density(b)
    I0, I1 = 1 - below - above, fa - fb
    return (I0, I1, I0 + a * fa - b * fb, 2 * I1 + a**2 * fa - b**2 * fb), below, above


def expected_play(mu, sigma):
    """J = E clip(a), the mean of what is played, and is the reward."""
    (I0, I1, *_), below, above = _parts(mu, sigma)
    return mu * I0 + sigma * I1 + LOW * below + HIGH * above


def true_gradient(mu, sigma, added=0.0):
    """(dJ/d mu, dJ/d log sigma): what the score of the action as drawn gives on average. A constant does nothing."""
    (I0, I1, *_), _, _ = _parts(mu, sigma)
    return I0, sigma * I1


def wrong_gradient(mu, sigma, added=0.0):
    """What the score taken at the clipped action c gives on average, by mu and by log sigma: a gradient of nothing.

    E r (c - mu) / sigma^2 and E r (((c - mu) / sigma)^2 - 1), with r = c + added.
    """
    (I0, I1, I2, I3), below, above = _parts(mu, sigma)
    at = [(below, LOW, (LOW - mu) / sigma), (above, HIGH, (HIGH - mu) / sigma)]
    reward = mu + added
    by_mu = (reward * I1 + sigma * I2 + sum(p * (c + added) * z for p, c, z in at)) / sigma
    by_log_sigma = reward * (I2 - I0) + sigma * (I3 - I1) + sum(p * (c + added) * (z**2 - 1) for p, c, z in at)
    return by_mu, by_log_sigma


class ClippedHill(Hill):
    """One action a, which is played as clip(a, -1, 1); the reward is what was played, and a constant `added`."""

    def __init__(self, added=0.0):
        self.added = added

    def terms(self, a):
        return np.clip(a, LOW, HIGH) + self.added

    def mean(self, mu, sigma):
        by_mu, by_log_sigma = true_gradient(mu, sigma)
        return expected_play(mu, sigma) + self.added, by_mu, by_log_sigma / sigma**2


class clipped_action_stored(reinforce):  # noqa: N801
    """`reinforce` that keeps the clipped action, and so takes the score there."""

    def learn(self, rollout):
        return super().learn(rollout._replace(actions=np.clip(rollout.actions, LOW, HIGH)))


MEANS = np.linspace(-3, 3, 241)
SPREADS = np.geomspace(0.1, 10, 121)
KINDS = {"drawn": (true_gradient, COLORS["exact"]), "clipped": (wrong_gradient, COLORS["none"])}


def pushes(figure):
    """What mu and log sigma are pushed by on average: with the score at the action as drawn, and at the clipped one."""
    left, right = axes = figure.subplots(1, 2)
    tidy(left, "", "mean μ", "push on μ").set(xlim=(-3, 3), ylim=(-1.5, 1.5))
    tidy(right, "", "σ", "push on log σ").set(xlim=(0.1, 10), ylim=(-3, 3), xscale="log", xticks=[0.1, 1, 10])
    right.xaxis.set_major_formatter("{x:g}")
    lines = [[each.plot([], [], color=color, label=name)[0] for name, (_, color) in KINDS.items()] for each in axes]
    dots = [[each.plot([], [], "o", color=color, markersize=7)[0] for _, color in KINDS.values()] for each in axes]
    for each, name in zip(axes, ("mu", "sigma")):
        each.axhline(0, color="0.55", linewidth=1.5)
        each.plot([], [], "o", color="0.35", markersize=10, gid=name)
    key(left, *lines[0])

    def draw(mu, sigma, added):
        said = []
        for k, (gradient, _) in enumerate(KINDS.values()):
            lines[0][k].set_data(MEANS, gradient(MEANS, sigma, added)[0])
            lines[1][k].set_data(SPREADS, gradient(mu, SPREADS, added)[1])
            now = [float(each) for each in gradient(mu, sigma, added)]
            said.append(f"{now[0]:.2f} and {now[1] + 0:.2f}")
            for place, dot, value in zip((mu, sigma), (dots[0][k], dots[1][k]), now):
                dot.set_data([place], [value])
        for each, place, foot in zip(axes, (mu, sigma), (-1.4, -2.8)):
            each.lines[-1].set_data([place], [foot])
        return f"Pushes on μ and log σ: {said[0]} with the score at the action as drawn, {said[1]} with that at the clipped one."

    return draw


def bounded_learners(figure):
    """Learners on a `ClippedHill`: what they play on average, exactly, and their log sigma."""
    left, right = figure.subplots(1, 2)
    tidy(left, "", "update", "what is played, on average").set_ylim(-1.1, 1.3)
    best_line(left, 1.0)
    tidy(right, "", "update", "log σ").set_ylim(-4, 6)
    curves = [LearningCurve(axes, None, COLORS["exact"]) for axes in (left, right)]

    def draw(new, mistake):
        for curve in curves:
            curve.band.recolour(KINDS["clipped" if mistake else "drawn"][1])
        if new:
            thetas = np.array([record.theta for record in new])  # [n, R, 2]
            log_sigma = np.clip(thetas[..., 1], -20, 20)
            play = expected_play(np.clip(thetas[..., 0], -1e6, 1e6), np.exp(log_sigma))
            for curve, values in zip(curves, (play, log_sigma)):
                curve.add([record.update for record in new], values)
        played, spread = (curve.show() for curve in curves)
        if not np.isfinite(played):
            return "No update yet."
        size = f"{spread:.1f}" if abs(spread) < 19 else "beyond 20 in size"
        return f"The learners play {played:.2f} on average (8 of 10 within the band), and 1 is best; their log σ is {size}."

    return draw


WITHIN = np.linspace(-0.9995, 0.9995, 2001)


def squashed_density(mu, sigma, twice=False):
    """What is taken for the density of tanh(u), u ~ N(mu, sigma^2), over `WITHIN`; `twice`: tanh once too often."""
    u = np.arctanh(WITHIN)
    slope = 1 - np.tanh(WITHIN if twice else u) ** 2
    return density((u - mu) / sigma) / sigma / slope


def squashed(figure):
    """Actions tanh(u) as a histogram, their density, and what it is taken for where tanh is applied once more."""
    axes = tidy(figure.subplots(), "", "action tanh(u)", "density")
    axes.set(xlim=(-1, 1), ylim=(0, 4))
    bars = axes.bar(np.linspace(-0.95, 0.95, 20), np.zeros(20), width=0.1, color="0.57", edgecolor="white")
    (right,) = axes.plot([], [], color=COLORS["exact"], label="with the correction, exact")
    (wrong,) = axes.plot([], [], color=COLORS["none"], label="tanh twice")
    (mean,) = axes.plot([], [], "o", color="0.35", markersize=10)
    key(axes, right, wrong)

    def draw(rng, mu, sigma):
        actions = np.tanh(mu + sigma * rng.normal(size=4000))
        for bar, count in zip(bars, np.histogram(actions, 20, (-1, 1))[0]):
            bar.set_height(count / 400)
        for line, twice in ((right, False), (wrong, True)):
            line.set_data(WITHIN, np.minimum(squashed_density(mu, sigma, twice), 50))
        once, twice, played = areas_of(mu, sigma)
        mean.set_data([played], [0.1])
        return (f"The mean of tanh(u) is {played:.2f}, tanh of the mean of u {np.tanh(mu):.2f}. The area below the density "
                f"is {once:.2f}; with tanh applied twice it is {twice:.2f}.")  # fmt: skip

    return draw


def areas_of(mu, sigma):
    """Areas below both, summed over u, where nothing is steep: (1, with tanh twice); and the mean of tanh(u)."""
    u = np.linspace(mu - 9 * sigma, mu + 9 * sigma, 20_001)
    weight = density((u - mu) / sigma) * (u[1] - u[0]) / sigma
    played = np.tanh(u)
    return weight.sum(), (weight * (1 - played**2) / (1 - np.tanh(played) ** 2)).sum(), weight @ played

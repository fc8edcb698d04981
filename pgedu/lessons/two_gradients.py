"""Notebook 08's first pictures: one hill and two estimates of its gradient, from the score function and pathwise."""

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.estimators import reward_to_go
from pgedu.gradients.moments import episode_gradients
from pgedu.gradients.pathwise import pathwise_gradients
from pgedu.lessons.hills import CosineHill, QuadraticHill, StepHill
from pgedu.panels.look import COLORS, in_decades, key, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy

HILLS = {"one top": QuadraticHill(curvature=0.5, top=1.0), "waves": CosineHill(4.0), "a step": StepHill(1.0)}
NAMES = {"score function": COLORS["none"], "pathwise": COLORS["pathwise"]}
PLACES = np.linspace(-3, 3, 1201)
DRAWN, SHOWN = 200, 5  # actions in a picture, and those of them that are seen on the hill
BELL = 0.8  # height of the bell of the policy, which is drawn below the hill and has no scale of its own
normal = Policy.gaussian(Table(1, 1))


def estimates(hill, mu, sigma, rng, count):
    """(actions, score function's and pathwise estimates of dJ/d mu), each [..., count], for mu [...] of any shape."""
    theta = np.stack(np.broadcast_arrays(mu, np.log(sigma)), axis=-1)
    rollout = collect(hill, normal, theta, rng=rng, episodes=count)
    score = episode_gradients(normal, theta, rollout, reward_to_go(rollout))
    through = pathwise_gradients(hill, normal, theta, rollout)
    return rollout.actions[0, ..., 0], score[..., 0], through[..., 0]


def one_hill(figure):
    """A hill, a normal policy and its actions, each with two estimates of dJ/d mu; on the right 200 of both kinds."""
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    hill_line, bell = _hill_and_bell(left, "the reward f(a)", (-3.6, 1.5))
    (top,) = left.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="mu")
    pulls = [left.plot([], [], "-o", color=color, markersize=4, markevery=3, label=name)[0] for name, color in NAMES.items()]
    key(left, *pulls)
    strips = Strips(right)

    def draw(rng, hill, mu, sigma):
        world = HILLS[hill]
        a, *both = estimates(world, mu, sigma, rng, DRAWN)
        hill_line.set_data(PLACES, world.terms(PLACES))
        _show_bell(bell, mu, sigma, -3.5)
        top.set_data([mu], [-3.5 + BELL])
        for lift, pull, g in zip((0.12, -0.12), pulls, both):
            pull.set_data(*_pulls(a[:SHOWN], world.terms(a[:SHOWN]) + lift, g[:SHOWN]))
        truth = world.gradient(mu, sigma)[0].item()
        strips.show(both, truth)
        flat = " Every slope is 0, and the edge goes unseen." if hill == "a step" else ""
        said = [f"{round(g.mean(), 2) + 0.0:.2f} ± {2 * g.std() / np.sqrt(DRAWN):.2f}" for g in both]
        return (f"dJ/dμ is {round(truth, 2) + 0.0:.2f}. From {DRAWN} actions the score function says {said[0]} "
                f"(two standard errors), the pathwise gradient {said[1]}.{flat}{strips.unseen(both)}")  # fmt: skip

    return draw


def _hill_and_bell(axes, title, heights):
    tidy(axes, title, "action a").set(xlim=(-3, 3), ylim=heights, yticks=[])
    return axes.plot([], [], color="0.35")[0], axes.fill_between([], [], facecolor="0.85", edgecolor="0.55", linewidth=1.2)


def _show_bell(bell, mu, sigma, foot):
    bell.set_data(PLACES, np.full_like(PLACES, foot), foot + BELL * np.exp(-(((PLACES - mu) / sigma) ** 2) / 2))


def _pulls(a, height, g):
    """A line from each action in the picture that is as long as a fifth of its estimate: points with gaps [2, 3 n]."""
    starts, gap = np.where(np.abs(a) < 3, a, np.nan), np.full_like(a, np.nan)
    ends = np.clip(starts + g / 5, -3, 3)
    return np.stack([starts, ends, gap], axis=-1).ravel(), np.stack([height, height, gap], axis=-1).ravel()


class Strips:
    """Two rows of dots, one for each kind of estimate, with their means and the truth."""

    REACH = 6.0

    def __init__(self, axes):
        tidy(axes, f"{DRAWN} estimates of dJ/dμ", "estimate").set(xlim=(-self.REACH, self.REACH), ylim=(-0.6, 1.75))
        axes.set_yticks([1, 0], ["score\nfunction", "path-\nwise"])
        self.jitter = np.random.default_rng(0).uniform(-0.25, 0.25, DRAWN)
        shape = {"markersize": 4.5, "alpha": 0.3, "markeredgewidth": 0}
        self.dots = [axes.plot([], [], "o", color=color, **shape)[0] for color in NAMES.values()]
        tall = {"markersize": 34, "markeredgewidth": 4}
        self.means = [axes.plot([], [], "|", color=color, **tall)[0] for color in NAMES.values()]
        (self.truth,) = axes.plot([], [], color=COLORS["exact"], label="exact")
        key(axes, self.truth)

    def show(self, both, truth):
        for row, dots, mean, g in zip((1, 0), self.dots, self.means, both):
            dots.set_data(np.where(np.abs(g) < self.REACH, g, np.nan), row + self.jitter)
            mean.set_data([g.mean()], [row])
        self.truth.set_data([truth, truth], [-0.6, 1.5])

    def unseen(self, both):
        """How many estimates lie beyond the picture, in words, if any do."""
        count = int((np.abs(both) >= self.REACH).sum())
        return f" {count} of the {2 * DRAWN} estimates lie beyond the picture." if count else ""


SIGMAS = np.geomspace(0.05, 5, 101)
PHASES = np.linspace(0, np.pi, 24, endpoint=False)  # k mu: at which part of a wave the policy stands


def average_variances(k, sigma):
    """Exact variances (score function, pathwise) of one estimate on cos(k a), averaged over the phase: two arrays [...].

    The phase enters by cos(2 k mu) alone, whose mean over equally spaced phases is exactly 0.
    """
    hill, mu = CosineHill(k), (PHASES / k)[:, None]
    spread = np.broadcast_to(np.ravel(sigma)[:, None, None], (np.size(sigma), len(PHASES), 1))
    found = hill.score_variance(mu, spread), hill.pathwise_variance(mu, spread)
    return [each.mean(axis=-1).reshape(np.shape(sigma)) for each in found]


def sampled_variances(k, sigma, rng, count=60):
    """The same from `count` actions at each phase."""
    _, *both = estimates(CosineHill(k), PHASES / k, np.full(len(PHASES), sigma), rng, count)
    return [g.var(axis=-1, ddof=1).mean() for g in both]


def waves(figure):
    """cos(k a) beside the bell of the policy, and both exact variances over sigma, with sampled ones as dots."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
    wave, bell = _hill_and_bell(left, "the reward, and the policy's bell", (-2.6, 1.4))
    axes = tidy(right, "", "σ", "variance of one estimate")
    in_decades(in_decades(axes.xaxis).yaxis).set(xlim=(0.05, 5), ylim=(1e-4, 1e4))
    curves = [right.plot([], [], color=color, label=name)[0] for name, color in NAMES.items()]
    dots = [right.plot([], [], "o", color=color, markersize=8)[0] for color in NAMES.values()]
    (handle,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="sigma")
    (down,) = right.plot([], [], ":", color="0.5")
    key(right, *curves)

    def draw(rng, k, sigma):
        wave.set_data(PLACES, np.cos(k * PLACES))
        _show_bell(bell, 0.0, sigma, -2.5)
        for curve, variance in zip(curves, average_variances(k, SIGMAS)):
            curve.set_data(SIGMAS, variance)
        exact, sampled = average_variances(k, sigma), sampled_variances(k, sigma, rng)
        for dot, variance in zip(dots, sampled):
            dot.set_data([sigma], [variance])
        handle.set_data([sigma], [2e-4])
        down.set_data([sigma, sigma], [2e-4, max(exact)])
        said = " and ".join(_in_words(each) for each in exact)
        return f"k = {k:.2g} and σ = {sigma:.2g}: the variances are {said} (score function, pathwise): {_who(*exact)}."

    return draw


def _who(score, pathwise):
    if np.isclose(score, pathwise, rtol=0.02):
        return "both vary equally"
    return "the pathwise gradient varies less" if pathwise < score else "the score function varies less"


def _in_words(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}"

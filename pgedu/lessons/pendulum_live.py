"""What notebook 08 needs of Pendulum: PPO that learns it, the best that can be reached, and its rods as they swing."""

import numpy as np
from matplotlib.collections import LineCollection

from pgedu.experience.rollouts import masked_mean
from pgedu.learning.learned_value import LearnedValue
from pgedu.learning.optimizers import Adam
from pgedu.learning.proximal import ppo
from pgedu.panels.look import COLORS, best_line, in_decades, tidy
from pgedu.panels.views import LearningCurve, mean_of_what_is_there
from pgedu.policies.approximators import MLP
from pgedu.policies.policy import Policy
from pgedu.worlds.pendulum import MAX_TORQUE, PendulumVectorEnv

# The mean return of the best policy there is, by dynamic programming: value iteration on 401 angles, 321 speeds and 21
# torques, its greedy policy played from 2,400 starts that are evenly spread. (81 x 81 x 5 comes to -140, in half a second.)
CEILING = -138.0
SWEPT = 0.15  # seconds: so much of each rod's way is shown behind it


def pendulum_ppo(rng, runs=4, environments=4, updates=98, **changes):
    """PPO on Pendulum for `runs` learners, of whom each takes 200,000 steps; `changes` are other settings of `ppo`."""
    layers = {"features": 3, "hidden": (64, 64), "outputs": 1, "orthogonal": True, "dtype": np.float32}
    policy = Policy.gaussian(MLP(**layers))  # the mean torque of a state; one standard deviation for all states
    critic = LearnedValue(MLP(**layers), Adam(0.003))
    settings = {"steps": 512, "epochs": 10, "minibatches": 32, "gamma": 0.97, "lam": 0.9, "anneal": True} | changes
    return ppo(PendulumVectorEnv(runs * environments), policy, critic=critic, optimizer=Adam(0.001), rng=rng, runs=runs,
               environments=environments, updates=updates, **settings)  # fmt: skip


class Rods:
    """Several rods at one moment, as Gymnasium draws them: upright is up, and to the left is positive.

    The thin arc behind a rod is the way that it would have come in the last moments at its present speed. A grey ring
    is where its end may be.
    """

    def __init__(self, axes, title="", color=COLORS["ppo"], rows=2, columns=2):
        row, column = np.divmod(np.arange(rows * columns), columns)
        self.places = 2.3 * np.stack([column, -row], axis=-1)[:, None]  # [rods, 1, 2]
        axes.set(title=title, aspect="equal", anchor="N", xticks=[], yticks=[])
        axes.set(xlim=(-1.15, 2.3 * columns - 1.15), ylim=(1.15 - 2.3 * rows, 1.15))
        axes.spines[:].set_visible(False)
        axes.add_collection(LineCollection(_tips(np.linspace(0, 2 * np.pi, 61)) + self.places, color="0.88", linewidth=1))
        self.arcs = axes.add_collection(LineCollection([], color=color, linewidth=3, alpha=0.8))
        self.rods = axes.add_collection(LineCollection([], color=color, linewidth=6, capstyle="round"))
        axes.scatter(*self.places[:, 0].T, s=16, color="0.25", zorder=3)

    def show(self, observations):
        """observations [..., 3], one of each rod at the same moment. Those without a place are left out."""
        shown = observations.reshape(-1, 3)[: len(self.places)]
        places, angles = self.places[: len(shown)], np.arctan2(shown[:, 1], shown[:, 0])
        before = angles[:, None] - shown[:, 2:] * SWEPT * np.linspace(0, 1, 12)
        self.arcs.set_segments(_tips(before) + places)
        tips = _tips(angles)
        self.rods.set_segments(np.stack([0 * tips, tips], axis=1) + places)


def _tips(angles):
    """[..., 2]: the ends of rods of length 1, whose angles are counted from upright, counter-clockwise."""
    return np.stack([-np.sin(angles), np.cos(angles)], axis=-1)


def swinging(figure):
    """Returns, standard deviation and clipped torques of PPO on Pendulum, and the first learner's rods as they move.

    The horizontal axes count thousands of environment steps of each learner. The policy is a plain Gaussian, whose last
    parameter is the logarithm of its one standard deviation.
    """
    curves, rods = _curves_and_rods(figure)
    steps, stopped = 0, 0

    def draw(new, now=None):
        nonlocal steps, stopped
        if now is not None:
            rods.show(now[0])
        if new:
            thousands = [record.environment_steps / 1000 for record in new]
            curves["R"].add(thousands, [mean_of_what_is_there(record.returns) for record in new])
            curves["S"].add(thousands, np.exp([record.theta[:, -1] for record in new]))
            curves["C"].add(thousands, [share_beyond(record.rollout) for record in new])
            steps, stopped = new[-1].environment_steps, new[-1].diverged.sum()
        return _in_words(steps, stopped, *(curve.show() for curve in curves.values()))

    return draw


def _curves_and_rods(figure):
    axes = figure.subplot_mosaic("RRPP;SCPP", height_ratios=[1.4, 1])
    tidy(axes["R"], "return: mean, and 8 of 10 learners", "thousand steps").set(ylim=(-1700, 100), yticks=range(-1500, 1, 500))
    best_line(axes["R"], CEILING)
    in_decades(tidy(axes["S"], "standard deviation", "thousand steps").yaxis).set(ylim=(0.05, 5), yticks=[0.1, 1])
    tidy(axes["C"], "torques clipped", "thousand steps").set(ylim=(0, 1), yticks=[0, 0.5, 1])
    rods = Rods(axes["P"], "first learner, now")
    return {name: LearningCurve(axes[name], None, COLORS["ppo"]) for name in "RSC"}, rods


def share_beyond(rollout):
    """The share of torques, of each learner [R], that Pendulum clips."""
    return masked_mean(np.abs(rollout.actions[..., 0]) > MAX_TORQUE, rollout.mask)


def in_two_digits(x):
    """A number rounded to two significant digits."""
    return float(f"{x:.2g}")


def _in_words(steps, stopped, returns, std, share):
    if not steps:
        return "No update yet."
    # In two digits: the pendulum is chaotic, and processors differ in the last bit of a sine.
    known = "no episode has ended yet" if np.isnan(returns) else f"the mean return is about {in_two_digits(returns):.0f}"
    warning = f" {stopped} learners stand still: their numbers overflowed." if stopped else ""
    return (
        f"After {steps:,.0f} steps of each learner {known} (best: {CEILING:.0f}); the torque has a standard deviation of {std:.1f}, and "
        f"{100 * share:.0f}\N{NO-BREAK SPACE}% of torques are clipped.{warning}"
    )

"""Notebook 08: learners who do not know the cart's equations, and who may differentiate them, in the triangle of gains."""

from dataclasses import replace

import numpy as np

from pgedu.gradients.baselines import leave_one_out
from pgedu.gradients.pathwise import pathwise_gradients
from pgedu.learning.optimizers import SGD
from pgedu.learning.reinforce import reinforce
from pgedu.lessons.stable_triangle import cart, is_stable, map_of_gains
from pgedu.panels.look import COLORS, label, see_through, tidy
from pgedu.panels.views import LearningCurve
from pgedu.policies.gains import Gain
from pgedu.policies.heads import Gaussian
from pgedu.policies.policy import Policy

ride = replace(cart, horizon=20)  # ten seconds
driver = Policy(Gain(2, 1, std=0.3), Gaussian(1))
START = (0.3, 0.6)


class pathwise_ascent(reinforce):  # noqa: N801
    """`reinforce` whose estimates are pathwise: for worlds that can be differentiated."""

    def learn(self, rollout):
        gradients = pathwise_gradients(self.world, self.policy, self.theta, rollout)
        self.move(self.optimizer.step(self.theta, gradients.mean(axis=-2)))
        return {"gradients": gradients}


def drive(rng, pathwise=False, runs=200, learning_rate=0.001, updates=None):
    """`runs` learners of ten rides an update, all from the gain (0.3, 0.6)."""
    algorithm = pathwise_ascent if pathwise else reinforce
    theta = np.tile(START, (runs, 1))
    return algorithm(ride, driver, optimizer=SGD(learning_rate), rng=rng, runs=runs, episodes=10, baseline=leave_one_out,
                     theta=theta, updates=updates)  # fmt: skip


def cost_of_rides(gains):
    """Exact expected cost of one ride, of gains [..., 2]; as a number that can be drawn, however large it is."""
    return np.minimum(-np.maximum(ride.exact_return(driver, np.clip(gains, -1e3, 1e3)), -1e9), 1e9)


BEST = float(cost_of_rides(ride.optimal_gain()))


def driving(figure):
    """Learners as dots in the triangle, and their exact cost: the mean of the stable ones, and 8 of 10 of all."""
    plane, curve = figure.subplots(1, 2, width_ratios=[1.5, 1])
    map_of_gains(plane)
    plane.set(xlim=(-0.5, 5), ylim=(-0.5, 5), xticks=range(6), yticks=range(6))
    (dots,) = plane.plot([], [], "o", markersize=5)
    costs, last = _costs(curve), None

    def draw(new, pathwise):
        nonlocal last
        color = COLORS["pathwise" if pathwise else "leave one out"]
        dots.set(**see_through(color))
        costs.band.recolour(color)
        if new:
            gains = np.array([record.theta for record in new])
            costs.add([record.update for record in new], cost_of_rides(gains), ~is_stable(gains))
            last = new[-1]
        if last is None:
            return "No update yet."
        dots.set_data(*np.clip(last.theta, -0.4, 4.9).T)
        return _in_words(last, costs.show())

    return draw


def _costs(axes):
    tidy(axes, "exact cost of a ride", "update").set(ylim=(10, 40), yticks=range(10, 41, 10))
    axes.axhline(BEST, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    label(axes, 0.015, BEST - 0.3, "best possible", transform=axes.get_yaxis_transform(), va="top")
    return LearningCurve(axes)


def _in_words(last, mean):
    stable = is_stable(last.theta)
    after = f"After {last.update} updates of {len(stable)} learners"
    if not stable.any():
        return f"{after} all are lost: none holds a gain that is stable."
    lost = f" {(~stable).sum()} hold a gain that is not stable." if not stable.all() else ""
    return f"{after} those with a stable gain have a mean cost of {mean:.1f}, the least is {BEST:.1f}.{lost}"

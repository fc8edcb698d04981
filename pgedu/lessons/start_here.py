"""Notebook 00: a shop that cannot tell its customers apart, and twenty such shops as they learn."""

from dataclasses import replace

import numpy as np

from pgedu.experience.rollouts import Moment
from pgedu.gradients.exact import exact_return
from pgedu.learning.optimizers import SGD
from pgedu.learning.reinforce import reinforce
from pgedu.learning.training import Progress
from pgedu.panels.look import dark
from pgedu.panels.views import COLORS, LearningCurve, key, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import campaign

# Twelve months of wait or offer. All customers look alike, so a policy is one number, the probability of an offer.
world = replace(campaign(gamma=1.0), observation=[0, 0, 0])
policy = Policy.softmax(Table(observations=1, outputs=2))  # theta [2]: preferences for (wait, offer)

MOMENTS = 20  # of each update, for whoever watches in slow motion
LOW, HIGH = 1.0, 4.0  # of the returns shown
FOOT = 0.01  # a probability below it is "never", one above 1 - FOOT "always"
WIDE, TALL = 0.025, 0.07  # of a dot, in units of the axes: so far apart do piles stand, and dots lie in a pile


def J(p):  # noqa: N802 - the symbol of the expected return
    """Expected return: what a customer brings in a year, if offers are made with probability p (a number or [n])."""
    return exact_return(world, policy, np.log(np.stack([1 - p, p], axis=-1)))


def probability_of_an_offer(theta):
    """p [...] of preferences theta [..., 2]: the way back."""
    return 1 / (1 + np.exp(theta[..., 0] - theta[..., 1]))


def twenty_shops(rng):
    """Twenty shops that begin with few offers (p = 0.05), meet 100 customers, adjust, and meet the next 100."""
    return Gliding(world, policy, optimizer=SGD(0.1), rng=rng, runs=20, episodes=100, theta=first_preferences())


class Gliding(reinforce):
    """REINFORCE that shows, before each record, how theta [R, D] moves from the last one to it."""

    def pulses(self):
        before = self.theta
        for piece in super().pulses():
            if isinstance(piece, Progress):
                for moment in range(1, MOMENTS + 1):
                    yield Moment(before + moment / MOMENTS * (piece.theta - before))
            yield piece


def first_preferences():
    """[20, 2], with which the shops begin: offers are rare."""
    return np.tile([0.0, -3.0], (20, 1))


def piled_up(p, height):
    """Heights [n] of dots at p [n]: each at its `height` [n], or on top of those that are there already."""
    heaps = np.round(p / WIDE)
    before = np.array([(heaps[:n] == heap).sum() for n, heap in enumerate(heaps)])
    return height + TALL * before


def on_the_hill(figure):
    """The view of shops that learn: where they stand on the hill J, with their last leap, and their returns."""
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    hill, curves = Hill(left), Curves(right)

    def draw(new, now=None):
        for record in new:
            hill.move(record)
        curves.show(new)
        return hill.show(None if new else now)

    return draw


class Hill:
    """The shops as dots on the hill J; at its feet they pile up, and are counted."""

    def __init__(self, axes):
        tidy(axes, "the hill J: what a customer brings; a dot for each shop", "p, probability of an offer")
        axes.set(xlim=(-0.04, 1.04), ylim=(LOW, HIGH))
        p, color = np.linspace(0.001, 0.999, 333), COLORS["reward to go"]
        axes.plot(p, J(p), color=COLORS["exact"])
        (self.leaps,) = axes.plot([], [], color=color, alpha=0.8, linewidth=1.5)
        (self.dots,) = axes.plot([], [], "o", color=color, markersize=7.5, markeredgecolor="white", markeredgewidth=0.8)
        self.feet = [axes.text(x, LOW + 0.12, "", color=dark(color), ha=side) for x, side in ((0, "left"), (1, "right"))]
        self.update, self.best = 0, J(p).max()
        self.theta = self.before = first_preferences()

    def move(self, record):
        self.update, self.theta, self.before = record.update, record.theta, self.theta

    def show(self, underway=None):
        """Draw them where they are, or `underway` to the next update: theta [20, 2]. A sentence on the last update."""
        moving = underway is not None and (underway != self.theta).any()
        start, end = (self.theta, underway) if moving else (self.before, self.theta)
        start, end = np.stack(self._places(start)), np.stack(self._places(end))
        self.dots.set_data(*end)
        self.leaps.set_data(*np.stack([start, end, np.full_like(end, np.nan)], axis=-1).reshape(2, -1))
        p = probability_of_an_offer(self.theta)
        never, always = (p < FOOT).sum(), (p > 1 - FOOT).sum()
        for text, name, count in zip(self.feet, ("never", "always"), (never, always)):
            text.set_text(f"{name}: {count}" if count else "")
        updates = "1 update" if self.update == 1 else f"{self.update:,} updates"
        mean = exact_return(world, policy, self.theta).mean()
        return (
            f"After {updates}, {never} of 20 shops are at never, {always} at always, {20 - never - always} in between. "
            f"Their customers bring {mean:.2f} each, in expectation; the best is {self.best:.2f}."
        )

    def _places(self, theta):
        p = probability_of_an_offer(theta)
        return p, piled_up(p, exact_return(world, policy, theta))


class Curves:
    """What the customers brought, sampled and exact, update by update."""

    def __init__(self, axes):
        tidy(axes, "return", "update").set_ylim(LOW, HIGH)
        self.sampled = LearningCurve(axes, "sampled", COLORS["reward to go"])
        self.exact = LearningCurve(axes, "exact", COLORS["exact"])
        best = J(np.linspace(0.01, 0.99, 99)).max()
        line = axes.axhline(best, color=COLORS["exact"], linestyle="--", linewidth=1.5, label="best")
        key(axes, self.sampled.band.line, self.exact.band.line, line)
        self.exact.add([0], exact_return(world, policy, first_preferences())[None])

    def show(self, new):
        """Add the records `new`, there may be none, and draw."""
        updates = [record.update for record in new]
        self.sampled.add(updates, np.array([record.returns.mean(axis=-1) for record in new]))
        self.exact.add(updates, np.array([exact_return(world, policy, record.theta) for record in new]))
        self.sampled.show()
        self.exact.show()

"""The race of notebook 09: five methods in one of three worlds, side by side on one axis of environment steps."""

from textwrap import fill
from typing import NamedTuple

import numpy as np
from matplotlib.ticker import MaxNLocator

from pgedu.gradients.baselines import leave_one_out
from pgedu.gradients.exact import exact_return
from pgedu.learning.actor_critics import actor_critic
from pgedu.learning.learned_value import LearnedValue
from pgedu.learning.optimizers import SGD, Adam
from pgedu.learning.q_learning import TabularControl, expected_sarsa, q_learning, sarsa, table_return
from pgedu.learning.reinforce import reinforce
from pgedu.lessons.on_the_cliff import Median, action_values, earned
from pgedu.panels.look import COLORS, best_line, color_of, dark, label, see_through, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import campaign, cliff_walk, short_corridor
from pgedu.worlds.mdp import MDP

LEARNERS = 20
METHODS = {"Q-learning": q_learning, "SARSA": sarsa, "expected SARSA": expected_sarsa}
POLICIES = {"REINFORCE": reinforce, "actor-critic": actor_critic}
WIDTHS = (5.5, 3.6, 1.6, 4.0, 1.8)  # of their curves: where they coincide, the thin one lies on the thick one


class Place(NamedTuple):
    """A world, and what suits it."""

    name: str
    world: MDP
    limits: tuple  # of the returns that are drawn
    best: float  # the highest J there is for whoever sees what the learner sees
    rates: tuple  # learning rates of REINFORCE and of actor-critic
    episodes: int  # of REINFORCE in an update
    optimizer: type = SGD  # of REINFORCE


PLACES = {
    # With SGD the first step, from returns of about -65,000, would end all learning: Adam bounds it.
    "cliff": Place("cliff", cliff_walk(), (-120.0, 0.0), -13.0, (0.1, 0.01), 2, Adam),
    "corridor": Place("corridor", short_corridor(), (-60.0, 0.0), -(6 + 4 * np.sqrt(2)), (2.0**-9, 0.01), 4),
    "campaign": Place("campaign", campaign(), (0.0, 2.5), 2.0417, (0.3, 0.03), 10),
}


def policy_in(place):
    """A softmax table for what is seen there."""
    return Policy.softmax(Table(place.world.n_observations, place.world.n_actions))


class three_targets(TabularControl):  # noqa: N801
    """Q-learning, SARSA and expected SARSA in one training, a third of the runs each: one array does the work of three."""

    def ahead(self, tables, learning):
        group = self._run * len(METHODS) // self.runs
        best, taken, mean = (method.ahead(self, tables, learning) for method in METHODS.values())
        self._decided = np.where(group == list(METHODS).index("SARSA"), self._decided, -1)
        return np.choose(group, [best, taken, mean])


class five_methods:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Five methods that take turns: who has the fewest environment steps makes the next `steps` of them, or more.

    Yields (name, last record). What a slider sets acts at once: `alpha`, `epsilon` and `half_after` on the
    learners of action values, which are one training, `times` on the learning rates of the two others.
    """

    alpha, epsilon, half_after, times = 0.5, 0.1, np.inf, 1.0

    def __init__(self, place, rng, runs=LEARNERS, steps=100):
        own = {"runs": runs, "rng": rng}
        self.place, self.steps = place, steps
        critic = LearnedValue(Table(place.world.n_observations, 1), SGD(0.2))
        batch = {"episodes": place.episodes, "baseline": leave_one_out, "max_steps": 10_000, "optimizer": place.optimizer(1.0)}
        segments = {"steps": 16, "lam": 0.9, "critic": critic, "optimizer": SGD(1.0)}
        self.trainings = {
            "values": three_targets(place.world, runs=len(METHODS) * runs, rng=rng, steps=steps),
            "REINFORCE": reinforce(place.world, policy_in(place), **batch, **own),
            "actor-critic": actor_critic(place.world, policy_in(place), **segments, **own),
        }

    def __iter__(self):
        while True:
            name = min(self.trainings, key=lambda each: self.trainings[each].environment_steps)
            training = self.trainings[name]
            self._set(name, training)
            enough = training.environment_steps + self.steps
            while training.environment_steps < enough:
                record = next(training)
            if name == "values":
                thirds = np.split(record.theta, len(METHODS))
                yield from ((each, record._replace(theta=theta)) for each, theta in zip(METHODS, thirds))
            else:
                yield name, record

    def _set(self, name, training):
        if name == "values":
            training.alpha, training.epsilon, training.half_after = self.alpha, self.epsilon, self.half_after
        else:
            training.learning_rate = self.times * self.place.rates[list(POLICIES).index(name)]


def what_is_done(place, name, theta, epsilon):
    """Exact J [R] of what the learners with parameters theta [R, D] do."""
    if name in METHODS:
        return table_return(place.world, action_values(theta, place.world), epsilon)
    return exact_return(place.world, policy_in(place), theta)


def greedily(place, theta):
    """Exact J [R] of the greedy policies: of the largest action value, or preference, of theta [R, D]."""
    return table_return(place.world, action_values(theta, place.world))


def three_worlds(figure):
    """Exact J of the five methods over steps, and the greedy policy of each learner as it is now. For `watch`."""
    left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
    picture, last = None, {}

    def draw(new, epsilon, place):
        nonlocal picture
        picture = picture or _Picture(left, right, PLACES[place])
        latest = dict(new)
        for name, record in new:
            done = what_is_done(PLACES[place], name, record.theta, epsilon)
            picture.curves[name].add([record.environment_steps], done[None])
            if record is latest[name]:
                last[name] = record, done, greedily(PLACES[place], record.theta)
        for name, (_, _, greedy) in last.items():
            picture.show(name, greedy)
        picture.miss({name: np.median(done) for name, (_, done, _) in last.items()})
        return _told(PLACES[place], last)

    return draw


class _Picture:
    """The artists of `three_worlds`, for one place."""

    def __init__(self, left, right, place):
        low, high = place.limits
        tidy(left, f"{place.name}: exact J of what is done, median of {LEARNERS}", "environment steps").set_ylim(low, high)
        best_line(left, place.best)
        left.xaxis.set_major_locator(MaxNLocator(5))
        left.xaxis.set_major_formatter(lambda steps, _: f"{steps / 1000:g}k" if steps else "0")
        self.limits, self.names = place.limits, [*METHODS, *POLICIES]
        colors = {name: color_of(method) for name, method in (METHODS | POLICIES).items()}
        self.curves = {name: _Line(left, name, color) for name, color in colors.items()}
        for curve, width in zip(self.curves.values(), WIDTHS):
            curve.band.line.set_linewidth(width)
        self.missed = label(left, 0.99, 0.03, "", ha="right", va="bottom", transform=left.transAxes)
        room = 0.06 * (high - low)
        tidy(right, "greedy policies of all learners, now", "exact J")
        right.set(xlim=(low - room, high + room), ylim=(4.9, -0.6), yticks=range(5), yticklabels=self.names)
        for name, text in zip(self.names, right.get_yticklabels()):
            text.set_color(dark(colors[name]))
        right.axvline(place.best, color=COLORS["exact"], linestyle="--", linewidth=1.5)
        label(right, low, 4.68, "← below, or never ends")
        self.dots = {name: right.plot([], [], "o", markersize=7, **see_through(color))[0] for name, color in colors.items()}

    def show(self, name, greedy):
        self.curves[name].show()
        row = self.names.index(name) + np.linspace(-0.28, 0.28, len(greedy))
        self.dots[name].set_data(np.maximum(greedy, self.limits[0]), row)

    def miss(self, medians):
        """Say whose curve is out of sight, below."""
        names = [name for name in self.names if medians.get(name, 0.0) < self.limits[0]]
        words = "all five" if len(names) == len(self.names) else ", ".join(names)
        self.missed.set_text(fill(f"↓ below: {words}", 34) if names else "")


class _Line(Median):
    """A median without an area: five of these would hide one another."""

    def add(self, x, samples):
        super().add(x, np.median(samples, axis=-1, keepdims=True))


def _told(place, last):
    """What the median learner of each method does, and with its greedy policy."""
    if not last:
        return "No step yet."
    words = []
    for name, (record, does, greedy) in sorted(last.items(), key=lambda each: [*METHODS, *POLICIES].index(each[0])):
        digits = 2 if place.name == "campaign" else 1
        done, best = (earned(np.median(J), greedy=J is greedy, digits=digits) for J in (does, greedy))
        words.append(f"{name} {done} (greedy: {best})")
    steps = min(record.environment_steps for record, _, _ in last.values())
    return f"J of the median learner after {steps:,.0f} steps or more: {'; '.join(words)}."

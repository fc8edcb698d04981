"""Worlds to look at: a policy that acts step by step, and views that show a world, who walks in it, and the exact J.

Here a policy is a function of whatever a panel's sliders set. It returns probabilities: [A], [O, A] for what is seen
or [S, A] for the states, such as `lambda p: [1 - p, p]` in the corridor.
"""

import inspect
from typing import NamedTuple

import numpy as np

from pgedu.arguments import function, generator, number, numbers, refuse
from pgedu.gradients.exact import exact_return
from pgedu.panels.views import COLORS, ROUND, World, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.sampling import Choices, first_states, uniform
from pgedu.worlds.solving import solve

SAID = {
    "values": "The numbers are the values v(s) at the start; ",
    "visits": "The numbers are the discounted visits d(s); ",
    "nothing": "Under this policy ",
}
LEAST = 1e-300  # what stands for the probability 0 where a softmax needs its logarithm


class Moment(NamedTuple):
    """Walkers on their way from one state to the next; a step has some moments."""

    states: np.ndarray  # [n] where they came from
    following: np.ndarray  # [n] where they go
    share: float  # of the way that they have come, up to 1
    earned: np.ndarray  # [n] discounted rewards of the episode so far, once they have arrived
    steps: np.ndarray  # [n] of the episode so far
    finished: np.ndarray  # returns of the episodes that ended with this moment, if the settings never changed in them
    settings: tuple  # with which the policy acted


class walk:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Lets a policy act, `runs` walkers at once; yields a `Moment` after the other, without an end.

    Each setting of the policy is an attribute, so that a slider of `watch` that has its name acts at the next step.
    Where an episode has ended, a walker rests for one step, and begins anew.

    Args:
        world: an `MDP`.
        policy_of: function of settings that returns probabilities [A], [O, A] or [S, A].
        rng: numpy.random.Generator.
        runs: number of walkers.
        moments: of each step, for whoever watches.
        settings: where they begin; all that have no default of their own.
    Raises:
        ValueError: arguments that do not fit.
    """

    def __init__(self, world, policy_of, rng, *, runs=8, moments=8, **settings):
        self.world, self.policy_of, self.rng = world, function("policy_of", policy_of), generator("rng", rng)
        self.runs, self.moments = number("runs", runs, 1, whole=True), number("moments", moments, 1, whole=True)
        self._names = settings_of(policy_of)
        unknown = set(settings) - set(self._names)
        if unknown:
            raise refuse("a setting of the policy", f"one of {', '.join(self._names) or 'none'}", unknown.pop())
        for name, default in self._names.items():
            setattr(self, name, settings.get(name, default))

    def __iter__(self):
        world, outcomes = self.world, self.world.outcomes
        next_states, choices = outcomes[0].ravel(), Choices(outcomes[1])
        states, ended = first_states(world, self.rng, self.runs), np.zeros(self.runs, dtype=bool)
        earned, steps = np.zeros(self.runs), np.zeros(self.runs, dtype=int)
        settings, whole = None, np.zeros(self.runs, dtype=bool)  # whether one policy has acted since the episode began
        while True:
            before, settings = settings, tuple(getattr(self, name) for name in self._names)
            if None in settings:
                raise refuse("a setting of the policy", "given to walk, or set by a slider", settings)
            whole = (whole & (settings == before)) | (steps == 0)
            table = probabilities(world, self.policy_of(*settings))
            rows = Choices(table).draw(states, uniform(self.rng, self.runs))  # state * A + action
            moved = next_states[choices.draw(rows, uniform(self.rng, self.runs))]
            pays = world.rewards.ravel()[rows] + self._noise()
            following = np.where(ended, first_states(world, self.rng, self.runs), moved)
            earned = np.where(ended, 0.0, earned + world.gamma**steps * pays)
            steps = np.where(ended, 0, steps + 1)
            ended = ~ended & (world.terminal[following] | (steps == (world.horizon or -1)))
            for k in range(1, self.moments + 1):
                finished = earned[ended & whole & (k == self.moments)]
                yield Moment(states, following, k / self.moments, earned, steps, finished, settings)
            states = following

    def _noise(self):
        return self.rng.normal(scale=self.world.reward_noise, size=self.runs) if self.world.reward_noise else 0.0


def settings_of(policy_of):
    """Names of a policy's settings, each with its default, or None."""
    empty = inspect.Parameter.empty
    return {
        name: None if each.default is empty else each.default
        for name, each in inspect.signature(policy_of).parameters.items()
    }


def probabilities(world, given):
    """[S, A] of probabilities [A], [O, A] or [S, A]; a terminal state's count for nothing."""
    table, S, A = numbers("probabilities", given, "[A], [O, A] or [S, A]"), world.n_states, world.n_actions
    if table.shape == (A,):
        return np.tile(table, (S, 1))
    if table.shape == (world.n_observations, A):
        return table[world.observation]
    if table.shape != (S, A):
        raise refuse("probabilities", f"[A], [O, A] or [S, A] with S = {S} and A = {A}", f"shape {table.shape}")
    seen = [table[world.observation == each] for each in np.unique(world.observation[~world.terminal])]
    if not all(np.allclose(rows, rows[0]) for rows in seen if len(rows)):
        raise refuse("probabilities", "the same in states that look alike", table.tolist())
    return table


def known(world, table):
    """(exact J, values [S], visits [S]) of probabilities [S, A]."""
    policy = Policy.softmax(Table(world.n_observations, world.n_actions))
    theta = np.zeros((world.n_observations, world.n_actions))
    theta[world.observation[~world.terminal]] = np.log(np.maximum(table[~world.terminal], LEAST))
    found = solve(world, policy, theta.ravel())
    J = exact_return(world, policy, theta.ravel())
    return J, *((found.values[0], found.visits.sum(axis=0)) if found.values.ndim == 2 else (found.values, found.visits))


def named_after(policy_of, draw, *before):
    """The function draw, whose arguments a panel takes to be `before` and the settings of the policy."""
    names = [*before, *settings_of(policy_of)]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    draw.__signature__ = inspect.Signature([inspect.Parameter(name, kind) for name in names])
    return draw


def meeting(world, policy_of, names=None, actions=None, title="", **places):
    """The view of a world under a policy, for `explore`; values or visits are its `colour`."""

    def view(figure):
        picture = World(tidy(figure.subplots(), title), world, names, actions, **places)

        def draw(colour="values", **settings):
            table = probabilities(world, policy_of(**settings))
            J, values, visits = known(world, table)
            picture.show(table, {"values": values, "visits": visits, "nothing": None}[colour])
            return f"{SAID[colour]}{_exact(J)}."

        return named_after(policy_of, draw, "colour")

    return view


class Returns:
    """Returns of episodes as they end, their mean, and the exact J; what is beyond the limits stands at the edge."""

    def __init__(self, axes, limits):
        self.axes, self.limits = axes, limits
        tidy(axes, "returns, their mean, exact J (dashed)", "episode (rings: underway)")
        axes.set_ylim(*limits)
        color = COLORS["reward to go"]
        small = {"markersize": 4, "alpha": 0.45, "markeredgewidth": 0}
        (self.dots,) = axes.plot([], [], "o", color=color, label="one episode", **small)
        (self.mean,) = axes.plot([], [], color=color, linewidth=2, label="their mean")
        (self.exact,) = axes.plot([], [], "--", color=COLORS["exact"], linewidth=1.5, label="exact J")
        (self.underway,) = axes.plot([], [], "o", markersize=5, color="0.3", markerfacecolor="none", label="underway")
        self.clear()

    def clear(self):
        self.found = np.zeros(0)

    def show(self, new, J, underway):
        """Add the returns `new` [n], and draw; `underway` [n] is what the walkers have earned so far."""
        self.found = np.append(self.found, new)
        n, (low, high) = np.arange(1, len(self.found) + 1), self.limits
        end = ROUND[np.searchsorted(ROUND, max(20, len(n) + 2))]
        inset = 0.01 * (high - low)
        inside = lambda y: np.clip(y, low + inset, high - inset)  # noqa: E731
        every = max(1, len(n) // 1000)
        self.dots.set_data(n[::every], inside(self.found[::every]))
        self.mean.set_data(n[::every], inside(self.found.cumsum() / n)[::every])
        self.exact.set_data([0, end], inside(np.array([J, J])))
        self.underway.set_data(np.full(len(underway), len(n) + 1), inside(underway))
        self.axes.set_xlim(0, end)


def acting(world, policy_of, names=None, actions=None, *, limits, title="", **places):
    """The view of a `walk`, for `watch`: its walkers in the world, and how their returns come in beside the exact J.

    `limits` are (low, high) of the returns. When a setting of the policy moves, the returns are counted anew.
    """

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[3, 2])
        picture, returns = World(tidy(left, title), world, names, actions, **places), Returns(right, limits)
        before, moment, exact = None, None, None

        def draw(new, **settings):
            nonlocal before, moment, exact
            now = tuple(settings.values())
            if now != before:
                returns.clear()
                table = probabilities(world, policy_of(**settings))
                exact = table, *known(world, table)
            before, moment, (table, J, values, _) = now, new[-1] if new else moment, exact
            picture.show(table, values, *([] if moment is None else moment[:3]))
            ended = [each.finished for each in new if each.settings == now]
            returns.show(np.concatenate([np.zeros(0), *ended]), J, [] if moment is None else moment.earned)
            return _words(world, moment, returns.found, J)

        return named_after(policy_of, draw, "new")

    return view


def _words(world, moment, found, J):
    """The walkers underway, the episodes that have ended, and the exact J."""
    if moment is None:
        return f"Nobody walks yet; {_exact(J)}."
    going = ~world.terminal[moment.following] & (moment.steps > 0)
    longest = int((moment.steps * going).argmax())
    steps, earned = moment.steps[longest], moment.earned[longest]
    underway = f"{going.sum()} of {len(going)} walkers are underway"
    if going.any():
        underway += f", one of them for {steps:,} steps with {earned:,.1f} so far"
    if not len(found):
        return f"{underway}. No episode has ended under this policy; {_exact(J)}."
    plural = "s have" if len(found) > 1 else " has"
    return f"{len(found):,} episode{plural} ended, with a mean return of {found.mean():,.2f}; {_exact(J)}. {underway}."


def _exact(J):
    return f"the exact J is {J:,.2f}" if abs(J) < 1e9 else "no episode would ever end: J has no bound"


def past_the_edge(rows, columns, row):
    """The policy of `cliff_walk(rows, columns)` that crosses in this row (0 is the farthest from the edge).

    A function of epsilon: with that probability a step goes anywhere. It returns probabilities [S, A].
    """
    where, column = np.divmod(np.arange(rows * columns), columns)
    wanted = np.where(where > row, 0, np.where(where < row, 2, 1))  # up to it, down to it, along it
    wanted[column == columns - 1] = 2  # and down to the goal

    def policy_of(epsilon):
        return (1 - epsilon) * np.eye(4)[wanted] + epsilon / 4

    return policy_of

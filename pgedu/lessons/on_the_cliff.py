"""Notebook 09's cliff: learners of action values as they learn there, and the best route for each share of random steps."""

from functools import cache

import numpy as np

from pgedu.learning.q_learning import epsilon_greedy, table_return
from pgedu.panels.look import COLORS, color_of, key, label, tidy
from pgedu.panels.views import LearningCurve, World
from pgedu.worlds.finite import cliff_walk
from pgedu.worlds.planning import optimal_action_values

CLIFF = cliff_walk()
START = int(CLIFF.start.argmax())
NEVER = -1e9  # a lower return is that of a policy which never arrives
RANDOM = np.geomspace(0.001, 0.5, 109)  # shares of random steps, epsilon
LOW = -120.0  # the bottom of the pictures of returns


def earned(J, greedy=True, digits=1):
    """A return as one says it. A greedy policy that never arrives has -infinity; one with random steps would, some day."""
    return f"{J:,.{digits}f}" if J > NEVER else "−∞" if greedy else "below −10⁹"


class Median(LearningCurve):
    """A curve that grows with training: the median over runs, and the area that holds 8 of 10 of them.

    What lies below the picture, as the return of a policy that never arrives does, is drawn just below its edge.
    """

    def add(self, x, samples):
        """x [n], samples [n, R]."""
        bottom, top = self.axes.get_ylim()
        edges = np.quantile(np.maximum(samples, bottom - 0.2 * (top - bottom)), [0.5, 0.1, 0.9], axis=-1)
        self._waiting = np.concatenate([self._waiting, np.column_stack([x, *edges])])
        self._last, self._news = float(np.median(samples[-1])), True
        self._merge()


def learning_there(figure):
    """Learners on the cliff: one of them at work, and the exact J of all. For `watch`."""
    above, below = figure.subplots(2, 1, height_ratios=[1.55, 1])
    world = World(tidy(above, "one of 20 learners: the largest q(s, a), and what it does"), CLIFF)
    tidy(below, f"exact J of 20 learners, from {LOW:.0f} up: median, 8 of 10".replace("-", "−"), "environment steps").set_ylim(LOW, 0)
    does, greedy = Median(below, "what it does"), Median(below, "its greedy policy", COLORS["exact"], "--")
    key(below)
    last = None

    def draw(new, epsilon, method, now=None):
        nonlocal last
        does.band.recolour(color_of(method))
        for record in new:
            q = action_values(record.theta, CLIFF)
            last = record, q, table_return(CLIFF, q, epsilon), table_return(CLIFF, q)
            does.add([record.environment_steps], last[2][None])
            greedy.add([record.environment_steps], last[3][None])
        if last is None:
            return "No step yet."
        walkers = [] if now is None else now[:1, 0]
        world.show(epsilon_greedy(last[1][0], epsilon), last[1][0].max(axis=-1), walkers)
        return _standing(last, does.show(), greedy.show())

    return draw


def action_values(theta, world):
    """[R, O, A] from the theta [R, D] of a training of action values: the mean of its tables."""
    return theta.reshape(len(theta), -1, world.n_observations, world.n_actions).mean(axis=1)


def _standing(last, does, greedy):
    record, _, _, returns = last
    lost = int((returns < NEVER).sum())
    never = f" {lost} of {len(returns)} greedy policies never arrive." if lost else ""
    return (f"After {record.environment_steps:,} steps the median learner's J is {earned(does, greedy=False)} with what it does, and "
            f"{earned(greedy)} with its greedy policy.{never}")  # fmt: skip


@cache
def best_table(epsilon):
    """The best of all policies that act at random in a share epsilon of their steps: (probabilities [S, A], values [S]).

    Actions that are equally good share; rounding keeps them equal.
    """
    q = optimal_action_values(CLIFF, epsilon=epsilon)
    table = epsilon_greedy(q.round(9), epsilon)
    return table, (1 - epsilon) * q.max(axis=-1) + epsilon * q.mean(axis=-1)


def best_policy(epsilon):
    """Its probabilities [S, A], as a `walk` asks for them."""
    return best_table(epsilon)[0]


@cache
def rows_above(epsilon):
    """How many rows above the cliff the best policy's route to the goal runs, were none of its steps random."""
    q, state, top = optimal_action_values(CLIFF, epsilon=epsilon).round(9), START, 3
    while not CLIFF.terminal[state]:
        state = CLIFF.successors[state, q[state].argmax(), 0]
        top = min(top, state // 12)
    return 3 - int(top)


@cache
def jumps():
    """The two epsilons at which the best route moves a row away from the cliff, by bisection."""
    found = []
    for rows, low, high in ((1, 0.001, 0.1), (2, 0.1, 0.3)):
        while high - low > 1e-7:
            middle = (low + high) / 2
            low, high = (middle, high) if rows_above(middle) <= rows else (low, middle)
        found.append((low + high) / 2)
    return found


@cache
def shortest_way(epsilon):
    """J of the policy that is best without random steps, if a share epsilon of its steps is random."""
    return float(table_return(CLIFF, _without_random_steps(), epsilon))


@cache
def _without_random_steps():
    return optimal_action_values(CLIFF)


@cache
def returns_by_epsilon():
    """J of the best policy for each of `RANDOM`, and of the shortest way, acted with that share of random steps."""
    best = [best_table(float(epsilon))[1][START] for epsilon in RANDOM]
    return np.array(best), np.array([shortest_way(epsilon) for epsilon in RANDOM])


def best_route(figure):
    """The best policy for each epsilon, with somebody who walks; J over epsilon. For `watch` of a `walk`."""
    above, below = figure.subplots(2, 1, height_ratios=[1.55, 1])
    world = World(tidy(above, "the best policy for this ε, its values v(s), and somebody who walks"), CLIFF)
    tidy(below, "exact J over ε, the share of random steps", "ε").set(xscale="log", xlim=(0.001, 0.5), ylim=(LOW, 0))
    below.set_xticks([0.001, 0.01, 0.1, 0.5], ["0.001", "0.01", "0.1", "0.5"])
    best, shortest = returns_by_epsilon()
    (line,) = below.plot(RANDOM, best, color=COLORS["exact"], label="best for this ε")
    (other,) = below.plot(RANDOM, np.maximum(shortest, 2 * LOW), color=COLORS["q learning"], label="the shortest way")
    passed = [(where, below.axvline(where, color="0.55", linestyle=":"), label(below, 1.05 * where, -6, words))
              for where, words in zip(jumps(), ("second row →", "third row →"))]  # fmt: skip
    (dot,) = below.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="epsilon")
    key(below, line, other)
    moment = None

    def draw(new, epsilon):
        nonlocal moment
        moment = new[-1] if new else moment
        table, values = best_table(epsilon)
        world.show(table, values, *([] if moment is None else moment[:3]))
        dot.set_data([epsilon], [max(values[START], LOW)])
        for where, *marks in passed:  # not before: that would answer the question
            for mark in marks:
                mark.set_visible(epsilon >= where)
        walking = "" if moment is None else f" Step {moment.steps[0]:,} of the walker's episode, {moment.earned[0]:,.0f} so far."
        return f"{_compared(epsilon, values[START])}{walking}"

    return draw


def _compared(epsilon, J):
    row = ("first", "second", "third")[rows_above(epsilon) - 1]
    return (f"With ε = {epsilon:.4f} the best policy walks along the {row} row above the cliff: J = {J:,.2f}. "
            f"The shortest way, acted with the same ε: {shortest_way(epsilon):,.2f}.")  # fmt: skip

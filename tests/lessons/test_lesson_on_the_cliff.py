"""Notebook 09's cliff: the best route for each epsilon, against policy iteration by hand; its two pictures."""

import numpy as np
import pytest
from lesson import picture
from matplotlib.figure import Figure

from pgedu import cliff_walk, epsilon_greedy, expected_sarsa, optimal_action_values, q_learning, table_return
from pgedu.lessons.on_the_cliff import (
    LOW, RANDOM, START, Median, action_values, best_policy, best_route, best_table, earned, jumps, learning_there,
    returns_by_epsilon, rows_above,
)  # fmt: skip
from pgedu.lessons.worlds import past_the_edge, walk

CLIFF = cliff_walk()


def value_of(table):
    """J of probabilities [S, A], by a linear system of its own."""
    live = ~CLIFF.terminal
    step = np.einsum("sa,sat->st", table, CLIFF.transitions)[live][:, live]
    pay = (table * CLIFF.rewards).sum(axis=1)[live]
    return np.linalg.solve(np.eye(live.sum()) - step, pay)[START]


@pytest.mark.parametrize("epsilon, wanted", [(0.001, -13.304), (0.1, -20.708), (0.3, -38.897)])
def test_best_of_all_that_explore_so_much(epsilon, wanted):
    table, values = best_table(epsilon)
    assert values[START] == pytest.approx(wanted, abs=5e-4) == value_of(table)
    np.testing.assert_allclose(table.sum(axis=1), 1)
    assert table[~CLIFF.terminal].min() == pytest.approx(epsilon / 4)
    for row in range(3):  # no straight route through a row, with as many random steps, is better
        assert value_of(past_the_edge(4, 12, row)(epsilon)) <= values[START] + 1e-9
    np.testing.assert_array_equal(best_policy(epsilon), table)


def test_the_route_jumps_where_its_neighbour_becomes_as_good():
    first, second = jumps()
    assert (first, second) == pytest.approx((0.00761, 0.1574), abs=5e-5)
    for where, rows in ((first, 1), (second, 2)):
        assert [rows_above(where * share) for share in (0.98, 1.02)] == [rows, rows + 1]
        near = [best_table(where * share)[1][START] for share in (1 - 1e-6, 1 + 1e-6)]
        assert near[0] == pytest.approx(near[1], abs=1e-3)  # the route jumps, its J does not


def test_returns_by_epsilon_and_their_picture():
    best, shortest = returns_by_epsilon()
    assert (best >= shortest - 1e-9).all() and (np.diff(best) < 0).all() and (np.diff(shortest) < 0).all()
    n = 60
    assert best[n] == pytest.approx(value_of(best_table(RANDOM[n])[0]))
    assert shortest[n] == pytest.approx(value_of(epsilon_greedy(optimal_action_values(CLIFF), RANDOM[n])))
    figure, draw = picture(best_route)
    walking = iter(walk(CLIFF, best_policy, np.random.default_rng(0), runs=1, moments=4, epsilon=0.1))
    moments = [next(walking) for _ in range(30)]
    assert draw(new=[], epsilon=0.1).startswith("With ε = 0.1000 the best policy walks along the second row above the cliff: J = -20.71.")
    for epsilon, row in ((0.001, "first"), (0.5, "third")):
        sentence = draw(new=moments, epsilon=epsilon)
        assert f"the {row} row" in sentence and f"Step {moments[-1].steps[0]} of the walker's" in sentence
        (dot,) = [line for line in figure.axes[1].lines if line.get_gid() == "epsilon"]
        assert dot.get_xydata()[0] == pytest.approx([epsilon, best_table(epsilon)[1][START]]) and dot.get_ydata()[0] > LOW
    for epsilon, seen in ((0.0075, []), (0.0077, ["second row →"]), (0.158, ["second row →", "third row →"])):
        draw(new=[], epsilon=epsilon)
        assert [each.get_text() for each in figure.axes[1].texts if each.get_visible()] == seen  # jumps not yet met: no hint
        assert sum(line.get_visible() and line.get_linestyle() == ":" for line in figure.axes[1].lines) == len(seen)


def test_minus_infinity_is_said_so():
    assert earned(-1e15) == "−∞" and earned(-1e15, greedy=False) == "below −10⁹"
    assert earned(-65375.13) == "-65,375.1" and earned(2.0417, digits=2) == "2.04"


@pytest.mark.parametrize("method", [q_learning, expected_sarsa])
def test_learners_on_the_cliff(method):
    training = method(CLIFF, rng=np.random.default_rng(0), runs=5, steps=800)
    figure, draw = picture(learning_there)
    assert learning_there(Figure())(new=[], epsilon=0.1, method=method) == "No step yet."
    records = [next(training) for _ in range(4)]
    sentence = draw(new=records, epsilon=0.1, method=method, now=np.full((5, 1), 36))
    does, greedy = (np.median(table_return(CLIFF, training.q, epsilon)) for epsilon in (0.1, 0.0))
    assert f"After 3,200 steps the median learner's J is {earned(does)} with what it does" in sentence
    assert f"and {earned(greedy)} with its greedy policy." in sentence
    assert figure.axes[1].lines[0].get_ydata()[-1] == pytest.approx(max(does, LOW * 1.2))
    assert draw(new=[], epsilon=0.0, method=method, now=None) == sentence


def test_action_values_are_the_mean_of_the_tables():
    tables = np.random.default_rng(0).normal(size=(3, 2, 48, 4))
    np.testing.assert_allclose(action_values(tables.reshape(3, -1), CLIFF), (tables[:, 0] + tables[:, 1]) / 2)


def test_a_median_is_no_mean_and_what_never_ends_lies_below_the_picture():
    figure, _ = picture(lambda figure: lambda: "None.")
    axes = figure.subplots()
    axes.set_ylim(-100, 0)
    curve = Median(axes)
    curve.add([10, 20], np.array([[-1.0, -2.0, -1e15], [-1e15, -1e15, -3.0]]))
    assert curve.show() == -1e15
    np.testing.assert_allclose(curve.band.line.get_ydata(), [-2.0, -120.0])

"""The race of notebook 09: turns by environment steps, both exact returns of each method, and its picture."""

from typing import NamedTuple

import numpy as np
import pytest
from lesson import picture
from matplotlib.figure import Figure

from pgedu import exact_return, optimal_action_values, table_return
from pgedu.lessons.three_worlds import (
    METHODS, PLACES, POLICIES, five_methods, greedily, policy_in, three_targets, three_worlds, what_is_done,
)  # fmt: skip
from pgedu.panels.look import dark


def race(place, records, **settings):
    running = five_methods(PLACES[place], np.random.default_rng(0), runs=3, steps=40)
    vars(running).update(settings)
    stream = iter(running)
    return running, [next(stream) for _ in range(records)]


def test_the_one_with_the_fewest_steps_has_its_turn():
    running, records = race("campaign", 25)
    steps = [training.environment_steps for training in running.trainings.values()]
    assert max(steps) - min(steps) < 80 and {name for name, _ in records} == {*METHODS, *POLICIES}
    q = [record.environment_steps for name, record in records if name == "Q-learning"]
    assert q == [40 * n for n in range(1, len(q) + 1)]


def test_sliders_reach_those_whom_they_concern():
    running, _ = race("campaign", 10, alpha=0.3, epsilon=0.2, half_after=50.0, times=2.0)
    training = running.trainings["values"]
    assert (training.alpha, training.epsilon, training.half_after) == (0.3, 0.2, 50.0)
    assert [running.trainings[name].learning_rate for name in POLICIES] == [2 * rate for rate in PLACES["campaign"].rates]


@pytest.mark.parametrize("place", PLACES)
def test_three_methods_in_one_training_move_each_by_its_own_target(place):
    """One step from given tables: each entry that moves has moved towards its method's target, by hand."""
    world, rng = PLACES[place].world, np.random.default_rng(3)
    O, A = world.n_observations, world.n_actions
    training = three_targets(world, runs=30, rng=rng, theta=rng.normal(size=(30, O * A)), epsilon=0.4, alpha=0.5)
    for _ in range(20):
        before, states = training.q.copy(), training._states.copy()
        next(training)
        after = training.q
        for run in range(30):
            ((o, a),) = np.argwhere(after[run] != before[run])
            assert o == world.observation[states[run]]
            row = before[run, world.observation[training._states[run]]]
            ended = world.terminal[training._states[run]] or training._age[run] == 0
            moved = (after[run, o, a] - before[run, o, a]) / 0.5 + before[run, o, a] - world.rewards[states[run], a]
            decided = training._decided[run]
            if ended:
                assert moved == pytest.approx(0, abs=1e-9)
            elif run < 10:
                assert moved == pytest.approx(world.gamma * row.max()) and decided == -1
            elif run < 20:
                assert moved == pytest.approx(world.gamma * row[decided]) and decided >= 0
            else:
                assert moved == pytest.approx(world.gamma * (0.6 * row.max() + 0.4 * row.mean())) and decided == -1


def test_best_possible():
    assert optimal_action_values(PLACES["cliff"].world)[36].max() == PLACES["cliff"].best
    assert optimal_action_values(PLACES["campaign"].world)[0, 0].max() == pytest.approx(PLACES["campaign"].best, abs=5e-5)
    corridor = PLACES["corridor"]
    right = np.linspace(0.01, 0.99, 981)
    J = exact_return(corridor.world, policy_in(corridor), np.log(np.stack([1 - right, right], axis=-1)))
    assert J.max() == pytest.approx(corridor.best, abs=1e-4) and right[J.argmax()] == pytest.approx(2 - np.sqrt(2), abs=1e-3)


@pytest.mark.parametrize("name", [*METHODS, *POLICIES])
def test_what_is_done_and_the_greedy_policy(name):
    place, rng = PLACES["campaign"], np.random.default_rng(1)
    theta = rng.normal(size=(4, 6))
    does, greedy = what_is_done(place, name, theta, 0.1), greedily(place, theta)
    table = theta.reshape(4, 3, 2)
    chances = np.where(table == table.max(axis=-1, keepdims=True), 0.95, 0.05)
    if name in POLICIES:
        chances = np.exp(table) / np.exp(table).sum(axis=-1, keepdims=True)
    for J, acted in ((does, chances), (greedy, 1.0 * (table == table.max(axis=-1, keepdims=True)))):
        for run in range(4):
            v = np.zeros(3)
            for _ in range(12):  # months, from the last to the first
                v = np.where(place.world.terminal, 0, (acted[run] * (place.world.rewards + 0.9 * place.world.transitions @ v)).sum(-1))
            assert J[run] == pytest.approx(v[0])


@pytest.mark.parametrize("place", PLACES)
def test_the_picture_shows_medians_and_each_greedy_policy(place):
    running, records = race(place, 12)
    figure, draw = picture(three_worlds)
    assert three_worlds(Figure())(new=[], epsilon=0.1, place=place) == "No step yet."
    sentence = draw(new=records, epsilon=0.1, place=place)
    left, right = figure.axes
    last = dict(records)
    for name, record in last.items():
        does, greedy = what_is_done(PLACES[place], name, record.theta, 0.1), greedily(PLACES[place], record.theta)
        (dots,) = [line for line in right.lines if len(line.get_xdata()) == 3 and dark(line.get_color()) == running_color(right, name)]
        low = PLACES[place].limits[0]
        np.testing.assert_allclose(dots.get_xdata(), np.maximum(greedy, low))
        (curve,) = [line for line in left.lines if line.get_label() == name]
        bottom = low - 0.2 * (PLACES[place].limits[1] - low)
        assert curve.get_ydata()[-1] == pytest.approx(max(np.median(does), bottom))
        assert f"{name} " in sentence and ("(greedy: −∞)" in sentence) == any_never(last, place)
    assert all(name in sentence for name in last)


def test_who_is_out_of_sight_is_named_and_coinciding_curves_are_told_apart():
    figure, missed = Figure(), {}
    draw = three_worlds(figure)
    for share in (0.5, 1e-9):  # at random, which is far below; and hardly ever, along the shortest way
        for name in ("Q-learning", "SARSA"):
            q = optimal_action_values(PLACES["cliff"].world)
            theta = np.stack([q.ravel()] * 3)
            draw(new=[(name, Given(theta, 100))], epsilon=share, place="cliff")
        missed[share] = " ".join(text.get_text() for text in figure.axes[0].texts if "below" in text.get_text())
    assert missed == {0.5: "↓ below: Q-learning, SARSA", 1e-9: ""}
    widths = [line.get_linewidth() for line in figure.axes[0].lines if line.get_label() in {*METHODS, *POLICIES}]
    for family in (widths[:3], widths[3:]):
        assert len(family) > 1 and (np.diff(family) < -1).all()  # later ones lie on top


class Given(NamedTuple):
    """A record with tables of one's own."""

    theta: np.ndarray
    environment_steps: int


def running_color(axes, name):
    (text,) = [each for each in axes.get_yticklabels() if each.get_text() == name]
    return text.get_color()


def any_never(last, place):
    return any(np.median(greedily(PLACES[place], record.theta)) < -1e9 for record in last.values())


def test_greedy_policies_of_the_corridor_never_arrive():
    corridor = PLACES["corridor"].world
    assert (table_return(corridor, [[[0.0, 1.0]], [[1.0, 0.0]]]) < -1e9).all()
    both = table_return(corridor, [[[0.0, 1.0]], [[1.0, 0.0]]], 0.1)
    assert both == pytest.approx([-44.21, -82.11], abs=0.005)

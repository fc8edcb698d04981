"""The predictions of notebook 09 hold, by exact values where there are any; and what its cells work out is so."""

import itertools

import numpy as np
import pytest
from lesson import definitions

from pgedu import expected_sarsa, q_learning, table_return
from pgedu.lessons import values_or_policy_predictions as predictions
from pgedu.lessons.maximisation_bias import DOUBLE, NAMED_BY_THE_JUDGE, Q, left_or_right
from pgedu.lessons.on_the_cliff import jumps
from pgedu.lessons.three_worlds import PLACES, POLICIES, five_methods, what_is_done

NOTEBOOK = "09_policy_gradient_vs_q_learning.ipynb"


def right(name):
    """The option that holds."""
    return getattr(predictions, name)[2]


def shares(methods, episodes=300, **settings):
    """[episodes, methods] that go left, of 2,000 learners each."""
    records = left_or_right(methods, np.random.default_rng(0), runs=2000, **settings)
    return np.array([record.left for record in itertools.islice(records, episodes)])


def test_what_is_done_on_the_cliff():
    start = definitions(NOTEBOOK, "cell-02", "start-learning")["start_learning"]
    J = {}
    for method in (q_learning, expected_sarsa):
        training = start(np.random.default_rng(0), method)
        for _ in range(10_000 // 50):
            next(training)
        J[method] = [np.median(table_return(training.world, training.q, epsilon)) for epsilon in (0.1, 0.0)]
    assert J[q_learning] == pytest.approx([-50.5, -13], abs=1.5) and J[expected_sarsa] == pytest.approx([-20.9, -15], abs=0.5)
    assert right("does_more") == "Expected SARSA"


def test_from_which_epsilon_on():
    assert jumps() == pytest.approx([0.0076, 0.157], abs=5e-4) and jumps()[0] < 0.01
    assert right("shortest_no_more") == "From less than 0.01 on" and 1 / jumps()[0] == pytest.approx(131, abs=1)


def test_states_that_look_alike():
    last = {}
    for name, record in five_methods(PLACES["corridor"], np.random.default_rng(0)):
        last[name] = record
        if len(last) == 5 and min(each.environment_steps for each in last.values()) >= 2000:
            break
    for name, record in last.items():
        J = np.median(what_is_done(PLACES["corridor"], name, record.theta, 0.1))
        assert J > -12.5 if name in POLICIES else J == pytest.approx(-44.21, abs=0.01)
    assert right("alike_states") == "Those that learn a policy"


def test_longer_in_the_campaign():
    world = PLACES["campaign"].world
    medians = []
    for seed in range(2):
        training = q_learning(world, alpha=0.5, rng=np.random.default_rng(seed), runs=20, steps=500, updates=12)
        medians += [np.median(table_return(world, training.q, 0.1)) for _ in training]
    assert np.median(medians) == pytest.approx(1.17, abs=0.05) and np.mean(np.array(medians) > 1.9) < 0.2
    assert right("longer_in_the_campaign").startswith("It stays near 1.2")


def test_twenty_episodes_of_left_or_right():
    q, double = shares([Q, DOUBLE], episodes=20)[-1]
    assert (q, double) == pytest.approx((0.93, 0.29), abs=0.03) and right("twenty_episodes") == "About nine in ten"


def test_left_is_right():
    found = shares([Q, DOUBLE], mean=0.1)
    assert found[19] == pytest.approx([0.93, 0.4], abs=0.05) and found[299, 1] < found[19, 1]
    assert found[299, 0] > 2 * found[299, 1] and right("left_is_right") == "Q-learning"


def test_the_judge_names_the_best():
    found = shares([Q, DOUBLE, NAMED_BY_THE_JUDGE])
    assert found[-1] == pytest.approx([0.12, 0.07, 0.86], abs=0.03) and found[20:, 2].min() > 0.8
    assert right("judge_names") == "More than half"


def test_first_episode():
    names = definitions(NOTEBOOK, "cell-02", "first-episode")
    assert (names["J"], names["steps"]) == pytest.approx((-65375.13, 6453.12), abs=0.01)
    rng, world, walkers = np.random.default_rng(0), names["cliff"], np.full(2000, 36)
    for _ in range(7660):
        walkers = world.successors[walkers, rng.integers(4, size=2000), 0]  # who has arrived stays
    still = (~world.terminal[walkers]).mean()
    assert names["longer"] == pytest.approx(still, abs=4 * np.sqrt(0.21 / 2000))


def test_soft_values_and_the_policy_gradient():
    names = definitions(NOTEBOOK, "cell-02", "soft-values")
    np.testing.assert_allclose(names["policy_gradient"], names["by_differences"], atol=1e-8)
    np.testing.assert_allclose(names["least_squares"], -names["tau"] * names["policy_gradient"], atol=1e-14)

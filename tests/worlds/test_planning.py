"""Value iteration against every deterministic policy there is, the cliff's known routes, and exact solving."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import pgedu as pg


def start_value(world, q, epsilon=0.0):
    return (((1 - epsilon) * q.max(axis=-1) + epsilon * q.mean(axis=-1)) * world.start).sum(axis=-1)


@pytest.mark.parametrize("seed", range(3))
def test_no_deterministic_policy_is_better_and_one_is_as_good(seed):
    world = pg.random_mdp(np.random.default_rng(seed), states=4, actions=3)
    policies = [np.eye(3)[[*actions, 0]] for actions in product(range(3), repeat=4)]
    best = pg.table_return(world, np.array(policies)).max()
    assert start_value(world, pg.optimal_action_values(world)) == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("epsilon", [0.0, 0.1, 0.5, 1.0])
def test_the_policy_it_names_has_the_values_it_gives(epsilon):
    for world in (pg.random_mdp(np.random.default_rng(3), states=5), pg.cliff_walk(3, 5)):
        q = pg.optimal_action_values(world, epsilon=epsilon)
        value = start_value(world, q, epsilon)
        assert pg.table_return(world, q, epsilon) == pytest.approx(value, rel=1e-9)


def test_best_epsilon_soft_policies_of_the_cliff():
    world = pg.cliff_walk()
    assert start_value(world, pg.optimal_action_values(world)) == -13
    assert start_value(world, pg.optimal_action_values(world, epsilon=0.1), 0.1) == pytest.approx(-20.708, abs=5e-4)


@pytest.mark.parametrize("epsilon, row", [(0.0075, 2), (0.0077, 1), (0.1573, 1), (0.1575, 0)])
def test_the_best_route_leaves_the_edge_as_epsilon_grows(epsilon, row):
    """At .00761 and at .1574: the row in which the middle of the grid is crossed."""
    best, state = pg.optimal_action_values(pg.cliff_walk(), epsilon=epsilon).argmax(axis=-1), 36
    while state % 12 < 5:
        state = pg.cliff_walk().successors[state, best[state], 0]
    assert state // 12 == row


def test_a_horizon_gives_a_table_for_each_time():
    world = pg.campaign()
    q = pg.optimal_action_values(world)
    assert q.shape == (12, 3, 2) and np.array_equal(q[-1], np.where(world.terminal[:, None], 0, world.rewards))
    assert start_value(world, q[0]) == pytest.approx(2.0417, abs=5e-5)
    assert q[0, 0, 1] - q[0, 0, 0] == pytest.approx(0.52, abs=5e-3)
    one_less = pg.optimal_action_values(replace(world, horizon=11))
    assert np.array_equal(q[1:], one_less)


def test_each_run_may_live_in_a_world_of_its_own():
    values = np.array([[1.0, 2.0], [5.0, -3.0]])
    assert np.array_equal(pg.optimal_action_values(pg.bandit(values))[:, 0], values)


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(ValueError, match="settle"):
        pg.optimal_action_values(pg.stay_or_stop())
    with pytest.raises(ValueError, match="epsilon"):
        pg.optimal_action_values(pg.cliff_walk(), epsilon=1.1)
    with pytest.raises(ValueError, match="policy_rewards"):
        pg.optimal_action_values(replace(pg.campaign(), policy_rewards=lambda log_pi: -log_pi))

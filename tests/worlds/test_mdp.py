"""Worlds against their definitions: naive grids, closed forms and every deterministic policy tried."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

import pgedu as pg

MOVES = [(-1, 0), (0, 1), (1, 0), (0, -1)]  # up, right, down, left


def walk(rows, columns, state, action):
    """(next state, reward) of the cliff walk, as Sutton & Barto tell it: one step in words."""
    row, column = divmod(state, columns)
    row = min(max(row + MOVES[action][0], 0), rows - 1)
    column = min(max(column + MOVES[action][1], 0), columns - 1)
    if row == rows - 1 and 0 < column < columns - 1:
        return (rows - 1) * columns, -100
    return row * columns + column, -1


def value(mdp, probabilities, sweeps=3000):
    """J of a policy pi(a | s) [S, A], by sweeping the Bellman equation."""
    v = np.zeros(mdp.n_states)
    for _ in range(sweeps):
        v = (probabilities * (mdp.rewards + mdp.gamma * mdp.transitions @ v)).sum(axis=-1) * ~mdp.terminal
    return mdp.start @ v


@pytest.mark.parametrize("rows, columns", [(4, 12), (2, 3), (3, 5)])
def test_cliff_walk_is_the_book_s_grid(rows, columns):
    mdp = pg.cliff_walk(rows, columns)
    goal = rows * columns - 1
    for state, action in product(range(goal), range(4)):
        following, reward = walk(rows, columns, state, action)
        assert mdp.transitions[state, action, following] == 1 and mdp.rewards[state, action] == reward
    assert np.flatnonzero(mdp.terminal).tolist() == [goal]
    assert np.flatnonzero(mdp.start).tolist() == [goal - columns + 1]


def test_cliff_walk_s_shortest_way_costs_13():
    mdp = pg.cliff_walk()
    along_the_edge = np.eye(4)[[2 if s % 12 == 11 else 0 if s == 36 else 1 for s in range(48)]]
    assert value(mdp, along_the_edge) == -13


@pytest.mark.parametrize("p", [0.05, 0.3, 2 - np.sqrt(2), 0.95])
def test_short_corridor_has_the_book_s_return(p):
    mdp = pg.short_corridor()
    truth = (2 * p - 4) / (p * (1 - p))
    assert value(mdp, np.full((4, 2), [1 - p, p])) == pytest.approx(truth, rel=1e-9)
    straight = replace(mdp, transitions=mdp.transitions[[0, 2, 2, 3]])  # were the second state not reversed
    assert value(straight, np.full((4, 2), [1 - p, p])) != pytest.approx(truth, rel=1e-3)


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_stay_or_stop_has_its_closed_form(p):
    assert value(pg.stay_or_stop(), np.full((2, 2), [1 - p, p])) == pytest.approx(p / (1 - p), rel=1e-9)


def test_bandit_pays_its_values_once():
    values = np.array([1.0, -2.0, 5.0])
    mdp = pg.bandit(values, noise=2.0)
    assert [value(mdp, np.tile(np.eye(3)[arm], (2, 1))) for arm in range(3)] == values.tolist()
    assert pg.bandit(np.stack([values, -values])).rewards[:, 0].tolist() == [values.tolist(), (-values).tolist()]


def test_campaign_s_best_policy_offers_to_the_curious_only():
    mdp = replace(pg.campaign(), horizon=None)
    returns = {plan: value(mdp, np.eye(2)[[*plan, 0]]) for plan in product(range(2), repeat=2)}
    assert max(returns, key=returns.get) == (1, 0)


def test_random_mdp_comes_from_its_generator_alone():
    first, again, other = (pg.random_mdp(np.random.default_rng(seed), states=3) for seed in (0, 0, 1))
    assert (first.transitions == again.transitions).all() and (first.transitions != other.transitions).any()
    assert first.n_states == 4 and first.terminal.tolist() == [False, False, False, True]


@pytest.mark.parametrize("mdp", [pg.short_corridor(), pg.cliff_walk(), pg.random_mdp(np.random.default_rng(0))])
def test_outcomes_are_the_transitions_again(mdp):
    states, chances = mdp.outcomes
    again = np.zeros_like(mdp.transitions)
    for s, a, k in np.ndindex(states.shape):
        again[s, a, states[s, a, k]] += chances[s, a, k]
    assert np.allclose(again, mdp.transitions, atol=1e-15)


def test_arrays_are_copies_that_cannot_be_written():
    rewards = np.zeros((2, 2))
    mdp = replace(pg.stay_or_stop(), rewards=rewards)
    rewards[:] = 7
    assert (mdp.rewards == 0).all()
    with pytest.raises(ValueError, match="read-only"):
        mdp.transitions[0, 0, 0] = 1


@pytest.mark.parametrize(
    "name, value",
    [
        ("transitions", np.ones((2, 2))),
        ("transitions", np.full((2, 2, 2), 0.7)),
        ("transitions", np.full((2, 2, 2), 0.5 - 1e-6)),  # exact answers and samples would differ
        ("transitions", np.full((2, 2, 2), np.nan)),
        ("rewards", [0.0, 1.0]),
        ("rewards", [[0, np.nan], [0, 0]]),
        ("start", [0.5, 0.4]),
        ("start", [0.0, 1.0]),  # the second state is terminal
        ("terminal", [True]),
        ("observation", [0, -1]),
        ("observation", [0]),
        ("gamma", 1.5),
        ("gamma", float("nan")),
        ("horizon", 0),
        ("reward_noise", -1.0),
    ],
)
def test_what_does_not_fit_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} .*; got"):
        replace(pg.stay_or_stop(), **{name: value})


def test_a_cliff_needs_room():
    with pytest.raises(ValueError, match="^rows must be a whole number of 2 or more; got 1"):
        pg.cliff_walk(rows=1)

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


@pytest.mark.parametrize("make", [pg.short_corridor, pg.cliff_walk, lambda: pg.random_mdp(np.random.default_rng(0))])
def test_successors_and_chances_are_the_same_world(make):
    """Given sparsely, in any order and with impossible successors in between, transitions are what they were."""
    mdp = make()
    order = np.random.default_rng(1).permutation(mdp.successors.shape[-1])
    successors, chances = (np.concatenate([a[..., order], 0 * a], axis=-1) for a in (mdp.successors, mdp.chances))
    again = replace(mdp, successors=successors, chances=chances)
    assert (again.transitions == mdp.transitions).all() and again.successors.shape[-1] == 2 * len(order)
    dense = pg.MDP(mdp.transitions, mdp.rewards, mdp.start, mdp.terminal, mdp.observation, mdp.gamma)
    assert (dense.transitions == mdp.transitions).all() and dense.successors.shape == mdp.successors.shape


def test_two_entries_with_the_same_successor_add_up():
    mdp = replace(pg.stay_or_stop(), successors=np.ones((2, 2, 2), int), chances=np.full((2, 2, 2), 0.5))
    assert (mdp.transitions[..., 1] == 1).all() and (mdp.transitions[..., 0] == 0).all()


def test_copies_are_made_without_the_dense_array(monkeypatch):
    world = pg.cliff_walk()
    twice = world.transitions[:, ::-1]  # up and down, left and right changed about
    monkeypatch.setattr(pg.MDP, "transitions", property(lambda self: pytest.fail("it was made")))
    assert replace(world, gamma=0.5).gamma == 0.5 and replace(world, rewards=world.rewards * 2).rewards[0, 0] == -2
    changed = replace(replace(world, transitions=twice), horizon=3)
    assert (changed.successors == world.successors[:, ::-1]).all() and changed.horizon == 3


def test_lists_will_do_everywhere():
    moves, rewards = [[[0, 1], [1, 0]], [[0, 1], [0, 1]]], [[0, 1], [0, 0]]
    dense = pg.MDP(moves, rewards, [1, 0], [False, True], [0, 0], 1, None, 0)
    sparse = pg.MDP(rewards=rewards, start=[1, 0], terminal=[False, True], observation=[0, 0],
                    successors=[[[1], [0]], [[1], [1]]], chances=[[[1], [1]]] * 2)  # fmt: skip
    for mdp in (dense, sparse):
        for name in ("transitions", "rewards", "start", "terminal", "observation"):
            np.testing.assert_array_equal(getattr(mdp, name), getattr(pg.stay_or_stop(), name))


def test_a_terminal_state_leads_to_itself_whatever_its_row_says():
    mdp = replace(pg.campaign(), transitions=pg.campaign().transitions[[0, 1, 0]])
    states, chances = mdp.outcomes
    assert (states[2] == 2).all() and (states[:2] == mdp.successors[:2]).all() and chances is mdp.chances
    assert (mdp.transitions[2] == mdp.transitions[0]).all()  # what was given is kept


def test_the_campaign_s_chances_are_those_of_its_story():
    mdp = pg.campaign()
    curious, loyal, lost, wait, offer = 0, 1, 2, 0, 1
    assert mdp.transitions[curious, offer, loyal] == 0.4  # an offer wins four in ten curious customers over
    assert mdp.transitions[curious, wait].tolist() == [0.5, 0.1, 0.4]
    assert mdp.transitions[curious, offer].tolist() == [0.3, 0.4, 0.3]
    kept = mdp.transitions[loyal, :, loyal]
    assert kept[offer] > kept[wait] and (mdp.transitions[loyal, :, curious] == 0).all()  # keeps more of the loyal
    assert mdp.transitions[loyal].tolist() == [[0, 0.8, 0.2], [0, 0.9, 0.1]]
    assert (mdp.rewards[:, offer] - mdp.rewards[:, wait]).tolist() == [-1, -1, 0]  # costs 1
    assert mdp.rewards[loyal, wait] == 2 and mdp.terminal.tolist() == [False, False, True] and lost == 2


@pytest.mark.parametrize(
    "name, value",
    [
        ("transitions", np.ones((2, 2))),
        ("transitions", np.full((2, 2, 2), 0.7)),
        ("transitions", np.full((2, 2, 2), 0.5 - 1e-6)),  # exact answers and samples would differ
        ("transitions", np.full((2, 2, 2), np.nan)),
        ("transitions", [[[1.5, -0.5]] * 2] * 2),  # sums to 1
        ("transitions", np.ones((2, 2, 1))),
        ("transitions", "abc"),
        ("chances", [[[1.5, -0.5]] * 2] * 2),
        ("chances", [[[0.5]] * 2] * 2),
        ("successors", [[[2]] * 2] * 2),
        ("successors", [[[-1]] * 2] * 2),
        ("successors", [[[0.5]] * 2] * 2),
        ("successors and chances", np.zeros((2, 2, 3))),
        ("successors and chances", np.zeros((3, 2, 1))),
        ("rewards", [0.0, 1.0]),
        ("rewards", None),
        ("rewards", [[0, np.nan], [0, 0]]),
        ("start", [0.5, 0.4]),
        ("start", [0.0, 1.0]),  # the second state is terminal
        ("start", [1.5, -0.5]),
        ("start", 1.0),
        ("terminal", [True]),
        ("terminal", [0, 2]),  # neither flags nor, for all that is known, the states that are meant
        ("terminal", None),
        ("observation", [0, -1]),
        ("observation", [0]),
        ("observation", [0.7, 1.2]),
        ("gamma", 1.5),
        ("gamma", float("nan")),
        ("horizon", 0),
        ("horizon", 2.5),
        ("horizon", 2.0),
        ("horizon", np.inf),
        ("policy_rewards", 3),
        ("reward_noise", -1.0),
    ],
)
def test_what_does_not_fit_is_named(name, value):
    with pytest.raises(ValueError, match=f"^{name} .*; got"):
        replace(pg.stay_or_stop(), **{name.split()[0]: value})


@pytest.mark.parametrize("values", [3, "abc", [], None, [1, np.nan]])
def test_a_bandit_has_a_value_for_each_arm(values):
    with pytest.raises(ValueError, match="^values must be "):
        pg.bandit(values)


@pytest.mark.parametrize("settings", [dict(states=0), dict(states=2.5), dict(actions=0), dict(actions="2")])
def test_a_random_world_has_whole_numbers_of_states_and_actions(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"^{name} must be a whole number of 1 or more"):
        pg.random_mdp(np.random.default_rng(0), **settings)


def test_a_cliff_needs_room():
    with pytest.raises(ValueError, match="^rows must be a whole number of 2 or more; got 1"):
        pg.cliff_walk(rows=1)


def test_a_hook_may_write_into_what_it_is_given():
    reference = np.log(np.full((3, 2), 0.5))
    plain, writing = (
        replace(pg.campaign(horizon=3), policy_rewards=hook)
        for hook in (lambda log_pi: -0.3 * (log_pi - reference),
                     lambda log_pi: np.multiply(np.subtract(log_pi, reference, out=log_pi), -0.3, out=log_pi))
    )  # fmt: skip
    policy, theta = pg.Policy.softmax(pg.Table(3, 2)), np.array([0.3, -0.2, 0.1, 0.5, 0.0, 0.0])
    for a, b in zip(pg.enumerate_rollouts(plain, policy, theta, horizon=3)[0], pg.enumerate_rollouts(writing, policy, theta, horizon=3)[0]):
        assert np.array_equal(a, b)


def test_all_actions_may_be_masked_where_nobody_acts_and_nowhere_else():
    world, policy = pg.campaign(horizon=3), pg.Policy.softmax(pg.Table(3, 2))
    theta, masked = np.zeros(6), Masked(policy.approximator, np.array([[0, 0], [0, 0], [-np.inf, -np.inf]]))
    assert pg.exact_return(world, pg.Policy.softmax(masked), theta) == pg.exact_return(world, policy, theta)
    assert np.array_equal(pg.exact_gradient(world, pg.Policy.softmax(masked), theta)[:4], pg.exact_gradient(world, policy, theta)[:4])
    nowhere = Masked(policy.approximator, np.array([[0, 0], [-np.inf, -np.inf], [0, 0]]))
    for call in (lambda p: pg.exact_return(world, p, theta), lambda p: pg.enumerate_rollouts(world, p, theta, horizon=2),
                 lambda p: pg.collect(world, p, theta, episodes=2, rng=np.random.default_rng(0))):  # fmt: skip
        with pytest.raises(ValueError, match="^preferences must leave an action everywhere"):
            call(pg.Policy.softmax(nowhere))


class Masked:
    """A Table with something added to its outputs [O, A]."""

    def __init__(self, table, added):
        self.table, self.added, self.size, self.outputs = table, added, table.size, table.outputs
        self.observations = table.observations

    def init(self, rng, runs=None):
        return self.table.init(rng, runs)

    def forward(self, theta, observations):
        return self.table.forward(theta, observations) + self.added[observations]

    def prepared(self, theta):
        return lambda observations: self.forward(theta, observations)

    def trace(self, theta, observations):
        return self.forward(theta, observations), self.table.trace(theta, observations)[1]


def test_trpo_learns_with_masked_actions():
    world = pg.random_mdp(np.random.default_rng(0), states=3, actions=3)
    policy = pg.Policy.softmax(Masked(pg.Table(4, 3), np.array([[0, -np.inf, 0]] * 4)))
    training = pg.trpo(world, policy, critic=pg.LearnedValue(pg.Table(4, 1), pg.Adam(0.05)), rng=np.random.default_rng(0),
                       environments=8, steps=32, updates=6)  # fmt: skip
    records = list(training)
    assert sum(not record.details["rejected"].any() for record in records) >= 4
    J = [pg.exact_return(world, policy, record.theta[0]) for record in records]
    assert J[-1] > pg.exact_return(world, policy, np.zeros(12)) + 0.01

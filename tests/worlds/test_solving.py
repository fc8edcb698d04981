"""Solving without the dense array: a tree of 5,461 prefixes in closed form; rewards of the policy that acts; limits."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

import pgedu as pg
from pgedu.worlds import solving

WORDS, PLACES = 4, 6


def sentences(words=WORDS, places=PLACES):
    """A world whose states are prefixes, in the order of a heap: state s and word a give state s * words + a + 1.

    Each word a pays a, and full sentences are terminal.
    """
    S = sum(words**k for k in range(places + 1))
    terminal = np.arange(S) >= S - words**places
    successors = np.minimum(np.arange(S)[:, None] * words + np.arange(1, words + 1), S - 1)
    return pg.MDP(rewards=np.tile(np.arange(words), (S, 1)), start=np.eye(1, S)[0], terminal=terminal,
                  successors=successors[..., None], chances=np.ones((S, words, 1)))  # fmt: skip


@pytest.fixture
def sparse(monkeypatch):
    """Nobody makes the dense array."""
    monkeypatch.setattr(pg.MDP, "transitions", property(lambda self: pytest.fail("it was made")))


def test_five_thousand_states_are_built_sampled_and_solved_in_little_memory(sparse):
    tracemalloc.start()
    mdp = sentences()
    assert mdp.n_states == 5461  # dense: 4 * 5461^2 * 8 bytes = 0.95 GB
    policy = pg.Policy.softmax(pg.Table(mdp.n_states, WORDS))
    theta = np.tile(np.log([0.1, 0.2, 0.3, 0.4]), mdp.n_states)
    solution = pg.solve(mdp, policy, theta, horizon=PLACES)
    gradient = pg.exact_gradient(mdp, policy, theta, horizon=PLACES)
    rollout = pg.collect(mdp, policy, theta, rng=np.random.default_rng(0), episodes=500)
    env = mdp.vector_env(4)
    env.reset(seed=0)
    env.step(np.zeros(4, dtype=int))
    with pytest.raises(ValueError, match="at most 915 trajectories fit into arrays of 2e[+]07 numbers; got 1024 or more"):
        pg.enumerate_rollouts(mdp, policy, theta, horizon=PLACES)
    rollout_of_two, probabilities = pg.enumerate_rollouts(mdp, policy, theta, horizon=2)
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()
    # every word is drawn alike: it is worth 2 on average, whatever came before
    assert pg.exact_return(mdp, policy, theta, horizon=PLACES) == pytest.approx(2 * PLACES, rel=1e-12)
    np.testing.assert_allclose(solution.visits.sum(axis=-1), 1, rtol=1e-12)
    pi, words = np.array([0.1, 0.2, 0.3, 0.4]), np.arange(WORDS)
    depth_two = solution.visits[2, 5:21].reshape(WORDS, WORDS)
    np.testing.assert_allclose(depth_two, np.outer(pi, pi), rtol=1e-12)
    slopes = pi * (words - 2)  # pi (q - v) at the first word
    np.testing.assert_allclose(gradient[:WORDS], slopes, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(gradient[WORDS : 2 * WORDS], pi[0] * slopes, rtol=1e-9, atol=1e-15)
    assert rollout.lengths.tolist() == [PLACES] * 500
    assert abs(rollout.rewards.mean() - 2) < 4 * 1 / np.sqrt(500 * PLACES)  # the variance of a word is 1
    assert probabilities.sum() == pytest.approx(1) and rollout_of_two.rewards.shape == (2, 16, 1)


@pytest.mark.parametrize("horizon", [None, 1, 4])
@pytest.mark.parametrize("runs", [(), (2, 3)])
def test_sparse_and_dense_answers_are_the_same(horizon, runs):
    """With successors in another order, doubled, and impossible ones among them."""
    mdp = replace(pg.random_mdp(np.random.default_rng(0), states=3, actions=3), observation=[0, 1, 1, 2])
    successors = np.concatenate([mdp.successors[..., ::-1], mdp.successors, 0 * mdp.successors], axis=-1)
    chances = np.concatenate([mdp.chances[..., ::-1] / 2, mdp.chances / 2, 0 * mdp.chances], axis=-1)
    policy = pg.Policy.softmax(pg.Table(3, 3))
    theta = np.random.default_rng(1).normal(size=(*runs, 9))
    worlds = mdp, replace(mdp, successors=successors, chances=chances)
    for found, expected in zip(*(world.solve(policy, theta, horizon=horizon) for world in worlds)):
        np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)


# --- rewards that depend on the policy that acts ---

BETA = 0.3
WORLD = replace(pg.random_mdp(np.random.default_rng(5), states=3, actions=3, gamma=0.8), observation=[0, 1, 1, 2])
POLICY = pg.Policy.softmax(pg.Table(3, 3))
REFERENCE = np.log(np.random.default_rng(6).dirichlet(np.ones(3), size=4))  # [S, A]


def kl_penalty(log_pi):
    return -BETA * (log_pi - REFERENCE)


def entangled(log_pi):
    """Of no use, but its mean derivative is not 0, and an action's part depends on the others' probabilities."""
    return np.exp(log_pi) ** 2 + np.sin(np.roll(log_pi, 1, axis=-1)) * np.arange(1, 4)


def differences(mdp, theta, horizon, step=1e-5):
    columns = []
    for shift in step * np.eye(theta.shape[-1]):
        above, below = (pg.exact_return(mdp, POLICY, theta + sign * shift, horizon=horizon) for sign in (1, -1))
        columns.append((above - below) / (2 * step))
    return np.stack(columns, axis=-1)


@pytest.mark.parametrize("horizon", [None, 3])
@pytest.mark.parametrize("hook", [kl_penalty, entangled])
@pytest.mark.parametrize("runs", [(), (2,)])
def test_the_gradient_is_that_of_the_return_with_rewards_of_the_policy(horizon, hook, runs):
    mdp, theta = replace(WORLD, policy_rewards=hook), np.random.default_rng(7).normal(size=(*runs, 9))
    expected = differences(mdp, theta, horizon)
    np.testing.assert_allclose(pg.exact_gradient(mdp, POLICY, theta, horizon=horizon), expected, rtol=1e-6, atol=1e-8)
    frozen = replace(mdp, policy_rewards=lambda log_pi: hook(mdp.log_policy(POLICY, theta)))
    without_own_derivative = pg.exact_gradient(frozen, POLICY, theta, horizon=horizon)
    # E grad log pi = 0: the penalty's own derivative vanishes, and no other's does
    assert np.allclose(without_own_derivative, expected, rtol=1e-4, atol=1e-6) == (hook is kl_penalty)


def test_a_kl_penalty_takes_the_kl_from_the_return():
    """J = J without it - beta * sum_s d(s) KL(pi(s) || reference(s))."""
    theta = np.random.default_rng(8).normal(size=(2, 9))
    plain = pg.solve(WORLD, POLICY, theta)
    kl = (plain.probabilities * (np.log(plain.probabilities) - REFERENCE)).sum(axis=-1)
    expected = pg.exact_return(WORLD, POLICY, theta) - BETA * (plain.visits * kl).sum(axis=-1)
    found = pg.exact_return(replace(WORLD, policy_rewards=kl_penalty), POLICY, theta)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("hook", [kl_penalty, entangled])
def test_sampled_and_enumerated_rewards_contain_what_the_hook_adds(hook):
    horizon = 2
    mdp = replace(WORLD, policy_rewards=hook, horizon=horizon, observation=None)
    policy = pg.Policy.softmax(pg.Table(4, 3))
    theta = np.random.default_rng(9).normal(size=(2, 12))
    table = mdp.rewards + hook(mdp.log_policy(policy, theta))
    rollout, probabilities = pg.enumerate_rollouts(mdp, policy, theta, horizon=horizon)
    sampled = pg.collect(mdp, policy, theta, rng=np.random.default_rng(0), episodes=20)
    for run in range(2):
        for one in (rollout, sampled):
            expected = table[run][one.observations[:-1, run], one.actions[:, run]] * one.mask[:, run]
            np.testing.assert_allclose(one.rewards[:, run], expected, rtol=1e-12)
    returns = pg.discounted_returns(rollout.rewards, rollout.discounts)[0, ..., 0]
    np.testing.assert_allclose((probabilities * returns).sum(axis=-1), pg.exact_return(mdp, policy, theta), rtol=1e-12)
    moments = pg.exact_moments(mdp, policy, theta, pg.reward_to_go, horizon=horizon)
    assert np.allclose(moments.bias, 0, atol=1e-9) == (hook is kl_penalty)  # else the score alone misses something


def test_what_is_never_done_adds_nothing():
    """-beta * (log 0 - ...) is infinite: a sure policy is penalised for what it does."""
    mdp = replace(pg.bandit([1.0, 2.0]), policy_rewards=lambda log_pi: -log_pi)
    policy = pg.Policy.softmax(pg.Table(1, 2))
    theta = np.array([0.0, 2000.0])  # the chance of the first arm is 0 in floating point
    assert pg.exact_return(mdp, policy, theta) == 2 and np.isfinite(pg.exact_gradient(mdp, policy, theta)).all()
    log_pi = np.array([[-np.inf, 0.0], [-np.inf, 0.0]])  # a masked action
    assert (mdp.rewards_under(log_pi) == mdp.rewards).all()


@pytest.mark.parametrize("hook, said", [
    (lambda log_pi: 0.0, r"policy_rewards must be \[\*R, S, A\] = \(4, 3\); got shape \(\)"),
    (lambda log_pi: log_pi * np.nan, "policy_rewards must be finite numbers; got NaN"),
    (lambda log_pi: "much", "policy_rewards must be numbers .*; got 'much'"),
])  # fmt: skip
def test_a_hook_that_is_wrong_is_told_so(hook, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        pg.solve(replace(WORLD, policy_rewards=hook), POLICY, np.zeros(9))


# --- limits ---


@pytest.mark.parametrize("horizon", [10**7, 10**9, 100_001, 2.0, 1e7, np.inf, True, "3"])
@pytest.mark.parametrize("exact", [pg.solve, pg.exact_return, pg.exact_gradient])
def test_endless_horizons_and_those_that_are_not_whole_are_refused_at_once(monkeypatch, exact, horizon):
    monkeypatch.setattr(solving, "ahead", lambda *arguments: pytest.fail("it began to solve"))
    whole = "at most 100000 steps to be solved here" if isinstance(horizon, int) and horizon > 1 else "a whole number"
    with pytest.raises(ValueError, match=f"^horizon must be {whole}.*; got {horizon!r}"):
        exact(WORLD, POLICY, np.zeros(9), horizon=horizon)


@pytest.mark.parametrize("horizon, runs, allowed", [(10, 1, True), (11, 1, False), (5, 2, True), (6, 2, False)])
def test_the_limit_is_in_numbers(monkeypatch, horizon, runs, allowed):
    monkeypatch.setattr(solving, "MOST_NUMBERS", 120)  # 4 states and 3 actions: 10 steps of one run
    theta = np.zeros((runs, 9))
    if allowed:
        assert pg.solve(WORLD, POLICY, theta, horizon=horizon).action_values.size == 120
    else:
        with pytest.raises(ValueError, match=f"^horizon must be at most {10 // runs} steps .*; got {horizon}"):
            pg.solve(WORLD, POLICY, theta, horizon=horizon)


def test_the_limit_without_horizon_is_that_of_the_chain(monkeypatch):
    monkeypatch.setattr(solving, "MOST_NUMBERS", 40)  # two runs of 4 * 4, not three
    assert pg.solve(WORLD, POLICY, np.zeros((2, 9))).values.shape == (2, 4)
    with pytest.raises(ValueError, match="^world or the number of runs must be smaller"):
        pg.solve(WORLD, POLICY, np.zeros((3, 9)))


def test_underflow_is_no_mistake():
    theta = np.array([[0.0, 720.0]])  # a probability of 2e-313
    mdp, policy = pg.short_corridor(), pg.Policy.softmax(pg.Table(1, 2))
    calls = [lambda exact=exact, h=h: [*exact(mdp, policy, theta, horizon=h)]
             for exact in (pg.solve, pg.exact_return, pg.exact_gradient) for h in (None, 40)]  # fmt: skip
    expected = [np.concatenate([np.ravel(each) for each in call()], axis=None) for call in calls]
    with np.errstate(under="raise"):
        for call, truth in zip(calls, expected):
            np.testing.assert_array_equal(np.concatenate([np.ravel(each) for each in call()], axis=None), truth)

"""Moments of returns, and the exact variance of an estimate, against enumeration of every history."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pgedu import Policy, Table, campaign, collect, each_batch, enumerate_rollouts, episode_gradients, exact_moments
from pgedu import leave_one_out, reward_to_go, state_value
from pgedu.lessons.exact_baselines import moments_of_returns, variance_of_estimate

POLICY = Policy.softmax(Table(3, 2))
THETA = np.random.default_rng(0).normal(size=(2, 6))
VALUES = np.array([[1.0, 2.0, 3.0], [0.5, -1.0, 2.0]])


def with_income(horizon, gamma=0.7):
    """A campaign that pays 1 more every month, also for a customer who is lost, and begins with any of them."""
    world = campaign(gamma, horizon)
    return replace(world, rewards=world.rewards + 1.0, terminal=[False] * 3, start=[0.5, 0.3, 0.2])


@pytest.mark.parametrize("terminal", [True, False])
def test_moments_of_returns_are_those_of_all_histories(terminal):
    world = campaign(0.7, 3) if terminal else with_income(3)
    pi = POLICY.probabilities(THETA[0], np.arange(3))
    q, q_square = moments_of_returns(world, pi)
    assert q.shape == q_square.shape == (3, 3, 2)
    for t, s in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 1), (0, 2)):  # the last one: a lost customer
        if terminal and s == 2:
            assert not q[t, s].any() and not q_square[t, s].any()
            continue
        rollout, chances = enumerate_rollouts(replace(world, start=np.eye(3)[s]), POLICY, THETA[0], horizon=3 - t)
        returns = np.tensordot(0.7 ** np.arange(3 - t), rollout.rewards, axes=1)[:, 0]
        for a in (0, 1):
            there = rollout.actions[0, :, 0] == a
            p = chances[there] / chances[there].sum()
            np.testing.assert_allclose([q[t, s, a], q_square[t, s, a]], [p @ returns[there], p @ returns[there] ** 2])


@pytest.mark.parametrize("gamma", [0.7, 1.0])
def test_the_variance_without_and_with_a_baseline_by_state(gamma):
    world = with_income(3, gamma)
    found = variance_of_estimate(world, POLICY, THETA), variance_of_estimate(world, POLICY, THETA, values=VALUES)
    for run in (0, 1):
        estimators = reward_to_go, partial(reward_to_go, baseline=state_value(VALUES[run]))
        wanted = [exact_moments(world, POLICY, THETA[run], each, horizon=3).variance for each in estimators]
        np.testing.assert_allclose([found[0][run], found[1][run]], wanted)


@pytest.mark.parametrize("gamma", [0.7, 1.0])
def test_the_variance_of_one_of_two_episodes_that_judge_each_other(gamma):
    world = with_income(2, gamma)
    found = variance_of_estimate(world, POLICY, THETA, others=1)
    for run in (0, 1):
        rollout, chances = enumerate_rollouts(world, POLICY, THETA[run], horizon=2, batch=2)
        psi = reward_to_go(rollout, baseline=leave_one_out)
        first = episode_gradients(POLICY, each_batch(THETA[run], rollout.actions), rollout, psi)[:, 0]
        mean = chances @ first
        assert found[run] == pytest.approx(chances @ ((first - mean) ** 2).sum(axis=-1))


def test_with_nine_others_it_is_the_sampled_variance():
    world, theta = with_income(12), np.repeat(THETA[:1], 4000, axis=0)
    rollout = collect(world, POLICY, theta, episodes=10, rng=np.random.default_rng(0))
    gradients = episode_gradients(POLICY, theta, rollout, reward_to_go(rollout, baseline=leave_one_out))
    sampled = gradients.reshape(-1, 6).var(axis=0).sum()
    assert variance_of_estimate(world, POLICY, THETA[:1], others=9)[0] == pytest.approx(sampled, rel=0.03)

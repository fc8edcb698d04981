"""Enumerated trajectories against a recursion in plain Python that knows nothing of arrays."""

import itertools
import tracemalloc
from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from pgedu.experience import enumeration
from pgedu import Gaussian, Policy, Table, bandit, cliff_walk, each_batch, enumerate_rollouts
from pgedu import TabularEnv, random_mdp, short_corridor, stay_or_stop
from pgedu.worlds.mdp import MDP


def world(name):
    """Worlds with everything that can go wrong: a discount, look-alikes, two starts, a horizon, an early end."""
    if name == "random":
        return random_mdp(np.random.default_rng(0), states=2, actions=2, gamma=0.8)
    if name == "aliased":
        mdp = random_mdp(np.random.default_rng(1), states=3, actions=2, gamma=0.9)
        return replace(mdp, observation=np.array([0, 1, 0, 1]))
    return {"corridor": short_corridor, "stay_or_stop": stay_or_stop}[name]()


WORLDS = ["random", "aliased", "corridor", "stay_or_stop"]


def policy_for(mdp):
    return Policy.softmax(Table(mdp.n_observations, mdp.n_actions))


def naive_policy(mdp, theta):
    """pi[s][a] of a softmax table."""
    table = np.exp(np.reshape(theta, (mdp.n_observations, mdp.n_actions)))
    return [table[o] / table[o].sum() for o in mdp.observation]


def naive_paths(mdp, pi, steps, state=None):
    """Yield (probability, [(state, action), ...], last state) of every path of at most so many steps."""
    if state is None:
        for first in np.flatnonzero(mdp.start):
            for chance, path, last in naive_paths(mdp, pi, steps, first):
                yield mdp.start[first] * chance, path, last
    elif steps == 0 or mdp.terminal[state]:
        yield 1.0, [], state
    else:
        for action in range(mdp.n_actions):
            for following in np.flatnonzero(mdp.transitions[state, action]):
                step = pi[state][action] * mdp.transitions[state, action, following]
                for chance, path, last in naive_paths(mdp, pi, steps - 1, following):
                    yield step * chance, [(state, action), *path], last


def as_seen(mdp, path, last):
    """The path as the learner sees it: a key that tells any two apart by observations and actions."""
    return tuple((mdp.observation[s], a) for s, a in path), mdp.observation[last]


def seen_in(rollout, column):
    at = (slice(None), *column)
    length = int(rollout.mask[at].sum())
    observations, actions = rollout.observations[at], rollout.actions[at]
    return tuple(zip(observations[:length].tolist(), actions[:length].tolist())), observations[length]


def histogram(pairs):
    counter = Counter()
    for key, probability in pairs:
        counter[key] += probability
    return counter


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_every_path_is_there_with_its_probability(name, horizon):
    mdp = world(name)
    policy = policy_for(mdp)
    theta = np.random.default_rng(2).normal(size=policy.size)
    rollout, probabilities = enumerate_rollouts(mdp, policy, theta, horizon=horizon)
    naive = list(naive_paths(mdp, naive_policy(mdp, theta), horizon))
    assert rollout.rewards.shape == (horizon, len(naive), 1)
    assert probabilities.shape == (len(naive),)
    expected = histogram((as_seen(mdp, path, last), chance) for chance, path, last in naive)
    found = histogram((seen_in(rollout, (n, 0)), chance) for n, chance in enumerate(probabilities))
    assert found == pytest.approx(expected, abs=1e-14)
    other = naive_paths(mdp, naive_policy(mdp, theta + np.arange(policy.size)), horizon)
    assert found != pytest.approx(histogram((as_seen(mdp, *path), c) for c, *path in other), abs=1e-3)


@pytest.mark.parametrize("name", WORLDS)
def test_a_rollout_says_what_the_world_does(name):
    """Rewards, discounts, mask and log-probabilities of each path, step by step."""
    mdp = replace(world(name), observation=None)  # so that observations are states
    policy = policy_for(mdp)
    theta = np.random.default_rng(3).normal(size=policy.size)
    pi, horizon = naive_policy(mdp, theta), 3
    rollout, _ = enumerate_rollouts(mdp, policy, theta, horizon=horizon)
    for n in range(rollout.rewards.shape[1]):
        over = False
        for t in range(horizon):
            state, following = rollout.observations[t : t + 2, n, 0]
            action = rollout.actions[t, n, 0]
            over = over or mdp.terminal[state]
            last = mdp.terminal[following] or t == horizon - 1
            expected = (0, 0, 0, 0) if over else (
                1, mdp.rewards[state, action], 0 if last else mdp.gamma, np.log(pi[state][action]))  # fmt: skip
            found = (field[t, n, 0] for field in (rollout.mask, rollout.rewards, rollout.discounts, rollout.log_probs))
            assert tuple(found) == pytest.approx(expected, abs=1e-13)


@pytest.mark.parametrize("runs", [(), (3,), (2, 3)])
@pytest.mark.parametrize("batch", [1, 2])
def test_probabilities_sum_to_one_in_every_run(runs, batch):
    mdp = world("aliased")
    policy = policy_for(mdp)
    theta = np.random.default_rng(4).normal(size=(*runs, policy.size))
    rollout, probabilities = enumerate_rollouts(mdp, policy, theta, horizon=2, batch=batch)
    N = sum(1 for _ in naive_paths(mdp, naive_policy(mdp, np.zeros(policy.size)), 2))
    assert rollout.rewards.shape == (2, *runs, N**batch, batch)
    np.testing.assert_allclose(probabilities.sum(axis=-1), np.ones(runs), rtol=1e-12)
    for run in np.ndindex(runs):
        alone = enumerate_rollouts(mdp, policy, theta[run], horizon=2, batch=batch)
        np.testing.assert_allclose(probabilities[run], alone[1], rtol=1e-12)
        for field, lonely in zip(rollout, alone[0]):
            np.testing.assert_allclose(field[(slice(None), *run)], lonely, rtol=1e-12)


@pytest.mark.parametrize("batch", [2, 3])
def test_batches_are_all_tuples_of_paths(batch):
    mdp = world("random")
    policy = policy_for(mdp)
    theta = np.random.default_rng(5).normal(size=policy.size)
    rollout, probabilities = enumerate_rollouts(mdp, policy, theta, horizon=1, batch=batch)
    naive = [(as_seen(mdp, *path), chance) for chance, *path in naive_paths(mdp, naive_policy(mdp, theta), 1)]
    tuples = itertools.product(naive, repeat=batch)
    expected = histogram((tuple(key for key, _ in one), np.prod([chance for _, chance in one])) for one in tuples)
    found = histogram(
        (tuple(seen_in(rollout, (n, b)) for b in range(batch)), chance) for n, chance in enumerate(probabilities)
    )
    assert found == pytest.approx(expected, abs=1e-14)


def test_stay_or_stop_ends_after_n_steps_with_the_geometric_probability():
    theta, horizon = 0.7, 12
    rollout, probabilities = enumerate_rollouts(
        stay_or_stop(), Policy.softmax(Table(1, 2)), np.log([1 - theta, theta]), horizon=horizon
    )
    stays = rollout.rewards.sum(axis=0)[:, 0].astype(int)
    expected = theta**stays * np.where(stays < horizon, 1 - theta, 1)
    np.testing.assert_allclose(probabilities, expected, rtol=1e-12)
    assert sorted(stays) == list(range(horizon + 1))


def test_the_shorter_horizon_wins():
    mdp = replace(world("random"), horizon=2)
    policy = policy_for(mdp)
    theta = np.zeros(policy.size)
    for longer, shorter in ((mdp, 9), (replace(mdp, horizon=None), 2), (replace(mdp, horizon=9), 2)):
        assert enumerate_rollouts(longer, policy, theta, horizon=shorter)[0].rewards.shape[0] == 2


def test_each_batch_repeats_the_parameters_of_its_run():
    theta = np.arange(6.0).reshape(2, 3)
    repeated = each_batch(theta, np.zeros((5, 2, 4, 1)))
    assert repeated.shape == (2, 4, 3)
    for n in range(4):
        np.testing.assert_array_equal(repeated[:, n], theta)


def ring():
    """Three states, one after the other for ever, and a fourth where nobody comes and ways multiply."""
    successors = np.array([[[1, 1]], [[2, 2]], [[0, 0]], [[3, 0]]])
    chances = np.array([[[1, 0]], [[1, 0]], [[1, 0]], [[0.5, 0.5]]])
    start, terminal = [1, 0, 0, 0], [False] * 4
    return MDP(rewards=np.zeros((4, 1)), start=start, terminal=terminal, successors=successors, chances=chances)


@pytest.mark.parametrize("mdp, horizon, batch, most", [
    (bandit(np.arange(40.0)), 1, 6, 6),  # 6^6 * 6 * 40 numbers are below 20 million, 7^6 * 6 * 40 are not
    (stay_or_stop(), 9, 8, 4),
    (random_mdp(np.random.default_rng(0), 3, 2), 12, 1, 833333),
    (short_corridor(), 2000, 1, 5000), (short_corridor(), 100_000, 1, 100), (short_corridor(), 10**9, 1, 0),
    (stay_or_stop(), 10**9, 1, 0), (bandit([1.0, 2.0]), 10**9, 1, 0), (ring(), 10**9, 1, 0),
    (cliff_walk(), 9, 1, 104166),  # each with a gradient of 192 numbers
    (short_corridor(), 300, 50, 1),
])  # fmt: skip
def test_too_many_are_refused_before_much_is_held(mdp, horizon, batch, most):
    policy = policy_for(mdp)
    tracemalloc.start()
    with pytest.raises(ValueError, match=f"horizon must be shorter or batch smaller: at most {most} trajectories fit into"):
        enumerate_rollouts(mdp, policy, np.zeros(policy.size), horizon=horizon, batch=batch)
    assert tracemalloc.get_traced_memory()[1] < 100e6
    tracemalloc.stop()


@pytest.mark.parametrize("batch", [1, 2, 3])
@pytest.mark.parametrize("name", WORLDS)
def test_all_that_fit_are_enumerated_and_not_one_more(monkeypatch, name, batch):
    mdp = world(name)
    policy = policy_for(mdp)
    horizon = 4 if batch == 1 else 2
    N = sum(1 for _ in naive_paths(mdp, naive_policy(mdp, np.zeros(policy.size)), horizon))
    call = partial(enumerate_rollouts, mdp, policy, np.zeros(policy.size), horizon=horizon, batch=batch)
    needed = N**batch * batch * max(horizon * mdp.n_actions, policy.size)
    monkeypatch.setattr(enumeration, "LIMIT", needed)
    assert call()[1].shape == (N**batch,)
    monkeypatch.setattr(enumeration, "LIMIT", needed - 1)
    with pytest.raises(ValueError, match=f"at most {N - 1} trajectories fit .*; got {N} or more"):
        call()


@pytest.mark.parametrize("horizon, batch, runs, largest", [
    (3, 1, (), 8 * 3 * 2),  # 8 trajectories of 3 steps with 2 actions
    (3, 2, (), 64 * 2 * 3 * 2), (1, 3, (), 8 * 3 * 2 * 1), (3, 1, (5,), 5 * 8 * 3 * 2),
])  # fmt: skip
def test_the_limit_is_the_size_of_the_largest_array(monkeypatch, horizon, batch, runs, largest):
    """For each batch, each of its episodes, each run, each step and each action."""
    mdp = MDP(rewards=[[0, 1]], start=[1], terminal=[False], successors=[[[0], [0]]], chances=[[[1], [1]]])
    call = partial(enumerate_rollouts, mdp, policy_for(mdp), np.zeros((*runs, 2)), horizon=horizon, batch=batch)
    monkeypatch.setattr(enumeration, "LIMIT", largest)
    assert call()[0].rewards.size * mdp.n_actions == largest
    monkeypatch.setattr(enumeration, "LIMIT", largest - 1)
    with pytest.raises(ValueError, match="horizon must be shorter or batch smaller"):
        call()


def test_what_is_long_but_single_is_enumerated():
    rollout, probabilities = enumerate_rollouts(ring(), Policy.softmax(Table(4, 1)), np.zeros(4), horizon=3000)
    assert rollout.rewards.shape == (3000, 1, 1) and probabilities.tolist() == [1]
    stays, _ = enumerate_rollouts(stay_or_stop(), Policy.softmax(Table(1, 2)), np.zeros(2), horizon=1200)
    assert stays.rewards.shape == (1200, 1201, 1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mdp": bandit([1.0, 2.0], noise=1.0)}, "mdp must have reward_noise 0 .* got 1.0"),
        ({"mdp": bandit(np.ones((3, 2))), "theta": np.zeros((3, 2))}, r"mdp must have .* rewards \[S, A\]"),
        ({"mdp": TabularEnv(short_corridor())}, "mdp must be a finite world, .*; got <"),
        ({"horizon": 0}, "horizon must be a whole number of 1 or more; got 0"),
        ({"horizon": 2.5}, "horizon must be"),
        ({"horizon": None}, "horizon must be .* got None"),
        ({"batch": 0}, "batch must be .* got 0"),
        ({"theta": np.zeros(3)}, r"theta must be \[\*R, D\] with D = 2; got shape \(3,\)"),
        ({"theta": np.array([0.0, np.nan])}, "theta must be finite"),
        ({"policy": Policy.softmax(Table(1, 3)), "theta": np.zeros(3)}, "head must have actions = 2"),
        ({"policy": Policy(Table(1, 2), Gaussian(1))}, "head must have actions = 2"),
    ],
)  # fmt: skip
def test_mistakes_are_named(change, message):
    call = {"mdp": bandit([1.0, 2.0]), "policy": Policy.softmax(Table(1, 2)), "theta": np.zeros(2), "horizon": 1}
    call |= change
    with pytest.raises(ValueError, match=message):
        enumerate_rollouts(call.pop("mdp"), call.pop("policy"), call.pop("theta"), **call)


def test_a_start_in_one_of_several_states():
    transitions = np.zeros((3, 1, 3))
    transitions[:, 0, 2] = 1
    mdp = MDP(transitions, np.array([[1.0], [2.0], [0.0]]), start=[0.3, 0.7, 0], terminal=[False, False, True])
    rollout, probabilities = enumerate_rollouts(mdp, Policy.softmax(Table(3, 1)), np.zeros(3), horizon=5)
    assert dict(zip(rollout.rewards[0, :, 0], probabilities)) == pytest.approx({1.0: 0.3, 2.0: 0.7})
    assert rollout.rewards[1:].sum() == rollout.mask[1:].sum() == 0

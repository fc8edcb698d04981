"""Heads against NumPy-free formulas and sampling frequencies; the score against central differences."""

from math import exp, log
from statistics import NormalDist

import numpy as np
import pytest

import pgedu as pg

T, B = 4, 3
POLICIES = [
    pg.Policy.softmax(pg.Table(3, 4)),
    pg.Policy.softmax(pg.Linear(2, 3)),
    pg.Policy.softmax(pg.MLP(2, (4,), 3)),
    pg.Policy(pg.Table(3, 2), pg.Gaussian(1)),
    pg.Policy(pg.MLP(2, (4,), 4), pg.Gaussian(2)),
]


def case(policy, runs, seed=0):
    """theta, observations, sampled actions and weights [T, *R, B]."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(*runs, policy.size)) / 2
    tabular = isinstance(policy.approximator, pg.Table)
    observations = rng.integers(3, size=(T, *runs, B)) if tabular else rng.normal(size=(T, *runs, B, 2))
    return theta, observations, policy.sample(theta, observations, rng), rng.normal(size=(T, *runs, B))


def log_probability(head, outputs, action):
    """One number at a time, without the code under test."""
    if isinstance(head, pg.Categorical):
        return outputs[action] - log(sum(exp(h) for h in outputs))
    d = head.dimensions
    return sum(log(NormalDist(outputs[k], exp(outputs[d + k])).pdf(action[k])) for k in range(d))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("runs", [(), (2,), (2, 3)])
class TestEveryPolicy:
    def test_log_prob_is_the_formula(self, policy, runs):
        theta, observations, actions, _ = case(policy, runs)
        outputs, found = policy.outputs(theta, observations), policy.log_prob(theta, observations, actions)
        assert found.shape == (T, *runs, B)
        for index in np.ndindex(found.shape):
            expected = log_probability(policy.head, outputs[index], actions[index])
            assert found[index] == pytest.approx(expected, abs=1e-12)

    def test_score_is_the_derivative_of_weighted_log_probs(self, policy, runs):
        theta, observations, actions, weights = case(policy, runs)

        def weighted(shifted):
            return (weights * policy.log_prob(shifted, observations, actions)).sum(axis=0)

        shifts = 1e-5 * np.eye(policy.size)
        expected = np.stack([(weighted(theta + s) - weighted(theta - s)) / 2e-5 for s in shifts], axis=-1)
        assert np.allclose(policy.score(theta, observations, actions, weights), expected, atol=1e-8)
        averaged = weights.mean(axis=0) + 0 * weights  # averaged over time before weighting
        assert not np.allclose(policy.score(theta, observations, actions, averaged), expected, atol=1e-3)

    def test_wrong_shapes_are_named(self, policy, runs):
        theta, observations, actions, weights = case(policy, runs)
        with pytest.raises(ValueError, match=r"^weights must be \[T, \*R, B\] = .*; got shape"):
            policy.score(theta, observations, actions, weights[0])
        for function, rest in ((policy.score, (weights,)), (policy.log_prob, ())):
            with pytest.raises(ValueError, match=r"^actions must be .*; got shape"):
                function(theta, observations, actions[0], *rest)  # would broadcast
        with pytest.raises(ValueError, match="time first"):
            policy.score(theta, observations[0], actions[0], weights[0])


def test_gumbel_noise_samples_the_softmax():
    head, outputs = pg.Categorical(4), np.array([0.0, 1.0, -1.0, 2.0])
    expected, n = np.exp(outputs) / np.exp(outputs).sum(), 40_000
    actions = head.act(np.broadcast_to(outputs, (n, 4)), head.noise(np.random.default_rng(0), (n,)))
    sigma = np.sqrt(expected * (1 - expected) / n)
    frequencies = np.bincount(actions, minlength=4) / n
    assert (abs(frequencies - expected) < 4 * sigma).all()
    uniform = head.act(np.broadcast_to(outputs, (n, 4)), np.random.default_rng(0).random((n, 4)))  # not Gumbel's noise
    assert (abs(np.bincount(uniform, minlength=4) / n - expected) > 4 * sigma).any()


def test_gaussian_samples_have_their_mean_and_deviation():
    head, n = pg.Gaussian(2), 40_000
    mean, std = np.array([1.0, -3.0]), np.array([0.5, 2.0])
    outputs = np.broadcast_to(np.append(mean, np.log(std)), (n, 4))
    actions = head.act(outputs, head.noise(np.random.default_rng(0), (n,)))
    assert (abs(actions.mean(axis=0) - mean) < 4 * std / np.sqrt(n)).all()
    assert (abs(actions.std(axis=0) - std) < 4 * std / np.sqrt(2 * n)).all()
    assert abs(np.corrcoef(actions.T)[0, 1]) < 4 / np.sqrt(n)


def test_preferences_count_by_their_differences_however_large():
    head, outputs = pg.Categorical(3), np.array([0.3, -1.0, 2.0])
    assert np.allclose(head.log_probs(outputs + 1e4), head.log_probs(outputs), atol=1e-10)
    assert head.log_probs(np.array([-1e308, 1e308, 0.0])).tolist() == [-np.inf, 0, -1e308]


@pytest.mark.parametrize("policy", POLICIES[:3], ids=str)
def test_probabilities_are_those_of_log_prob(policy):
    theta, observations, _, _ = case(policy, (2,))
    probabilities = policy.probabilities(theta, observations)
    assert np.allclose(probabilities.sum(axis=-1), 1)
    for action in range(policy.head.actions):
        chosen = np.full((T, 2, B), action)
        assert np.allclose(probabilities[..., action], np.exp(policy.log_prob(theta, observations, chosen)))


def test_sampling_comes_from_its_generator_alone():
    policy = POLICIES[0]
    theta, observations = np.zeros(policy.size), np.zeros((50, 1), dtype=int)
    first, again, other = (policy.sample(theta, observations, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize(
    "actions, said",
    [
        ([4], r"must lie in 0 \.\. 3; got 4 \.\. 4"),
        ([-1], "must lie in .*; got -1"),
        ([0.0], "of a Categorical head must be integers; got float64"),
    ],
)
def test_impossible_actions_are_named(actions, said):
    with pytest.raises(ValueError, match=f"^actions {said}"):
        pg.Categorical(4).log_prob(np.zeros((1, 4)), np.array(actions))
    with pytest.raises(ValueError, match=f"^actions {said}"):
        pg.Categorical(4).gradient(np.zeros((1, 4)), np.array(actions))


@pytest.mark.parametrize("head", [pg.Categorical(3), pg.Gaussian(2)])
def test_an_approximator_must_feed_its_head(head):
    with pytest.raises(ValueError, match=f"^approximator must have the {head.outputs} outputs .*; got 7"):
        pg.Policy(pg.Table(1, 7), head)

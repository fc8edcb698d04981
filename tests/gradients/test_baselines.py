"""Baselines: what each is by loops, and its documented bias (or none) by enumerating whole batches."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_enumeration import policy_for, world

from pgedu import Policy, Table, batch_mean, collect, constant
from pgedu import exact_gradient, exact_moments, leave_one_out, none, optimal, random_mdp, reward_to_go, solve
from pgedu import state_value, stay_or_stop, total_return

BOTH = pytest.mark.parametrize("estimator", [total_return, reward_to_go])
MDP = replace(random_mdp(np.random.default_rng(0), states=2, actions=2, gamma=0.8), start=[1, 0, 0])
POLICY = policy_for(MDP)
THETA = np.random.default_rng(1).normal(size=POLICY.size)


def bias(estimator, baseline, *, batch=1, horizon=2, theta=THETA, mdp=MDP):
    judged = partial(estimator, baseline=baseline)
    return exact_moments(mdp, policy_for(mdp), theta, judged, horizon=horizon, batch=batch).bias


def sampled(runs=(), episodes=6, mdp=MDP, seed=2):
    theta = np.zeros((*runs, policy_for(mdp).size))
    return collect(mdp, policy_for(mdp), theta, rng=np.random.default_rng(seed), episodes=episodes)


# --- unbiased, to rounding ---


@BOTH
@pytest.mark.parametrize("horizon", [1, 3, 5])
@pytest.mark.parametrize("gamma", [0.7, 1.0])
def test_constants_and_state_values_leave_the_gradient_exact(estimator, horizon, gamma):
    mdp = random_mdp(np.random.default_rng(3), states=2, actions=2, gamma=gamma)
    values = np.random.default_rng(4).normal(size=3) * 10
    true_values = solve(mdp, POLICY, THETA, horizon=horizon).values[0]
    of_states = [state_value(v) for v in (values, true_values, lambda observations: values[observations] ** 2)]
    for baseline in (none, constant(-7.5), *of_states):
        np.testing.assert_allclose(bias(estimator, baseline, horizon=horizon, mdp=mdp), 0, atol=1e-10)


@BOTH
def test_a_baseline_that_knows_the_action_is_biased(estimator):
    assert np.abs(bias(estimator, lambda rollout, targets: rollout.actions)).max() > 0.01


@BOTH
def test_a_baseline_of_the_state_works_on_look_alikes_and_in_many_runs(estimator):
    mdp = world("aliased")
    theta = np.random.default_rng(5).normal(size=(2, 3, 4))
    for values in (np.array([3.0, -2.0]), np.random.default_rng(6).normal(size=(2, 3, 2))):
        np.testing.assert_allclose(bias(estimator, state_value(values), theta=theta, mdp=mdp), 0, atol=1e-10)


@BOTH
@pytest.mark.parametrize("batch", [2, 3])
def test_leave_one_out_is_unbiased(estimator, batch):
    np.testing.assert_allclose(bias(estimator, leave_one_out, batch=batch, horizon=3 - batch // 3), 0, atol=1e-12)


@BOTH
@pytest.mark.parametrize("gamma_power", [True, False])
@pytest.mark.parametrize("batch", [2, 3])
def test_optimal_is_unbiased_for_every_batch_size(estimator, gamma_power, batch):
    baseline = optimal(POLICY, THETA, gamma_power=gamma_power)
    np.testing.assert_allclose(bias(estimator, baseline, batch=batch, horizon=3 - batch // 3), 0, atol=1e-12)


@BOTH
def test_the_best_constant_of_the_judged_episode_itself_is_biased(estimator):
    """What `optimal` avoids: X . S / S . S of all episodes of the batch, the judged one included."""

    def in_sample(rollout, targets):
        steps = (THETA, rollout.observations[:-1], rollout.actions)
        X, S = POLICY.score(*steps, rollout.mask * targets), POLICY.score(*steps, rollout.mask)
        return (X * S).sum(axis=(-1, -2))[..., None] / (S * S).sum(axis=(-1, -2))[..., None]

    assert np.abs(bias(estimator, in_sample, batch=2)).max() > 0.01


# --- biased, by exactly so much ---


@BOTH
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_batch_mean_shrinks_the_gradient_by_one_over_b(estimator, batch):
    gradient = exact_gradient(MDP, POLICY, THETA, horizon=2)
    assert np.abs(gradient).max() > 0.05
    np.testing.assert_allclose(bias(estimator, batch_mean, batch=batch), -gradient / batch, atol=1e-12)


@BOTH
def test_leave_one_out_is_the_batch_mean_made_longer(estimator):
    """psi with leave-one-out = B / (B - 1) psi with the batch mean, in every batch."""
    rollout = sampled(runs=(2,), episodes=4)
    found = estimator(rollout, baseline=leave_one_out)
    np.testing.assert_allclose(found, 4 / 3 * estimator(rollout, baseline=batch_mean), atol=1e-12)


# --- what they are ---


def test_means_over_the_batch_by_loops():
    rollout = sampled(runs=(2,), episodes=5)
    targets = np.random.default_rng(8).normal(size=rollout.rewards.shape)
    mean, others = batch_mean(rollout, targets), leave_one_out(rollout, targets)
    for t, run, b in np.ndindex(targets.shape):
        assert mean[t, run, 0] == pytest.approx(sum(targets[t, run]) / 5)
        assert others[t, run, b] == pytest.approx(sum(targets[t, run, c] for c in range(5) if c != b) / 4)


def test_state_values_are_looked_up():
    rollout = sampled(runs=(2,), episodes=5)
    seen = rollout.observations[:-1]
    shared, own = np.array([5.0, 6.0, 7.0]), np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(state_value(shared)(rollout, rollout.rewards), shared[seen])
    np.testing.assert_array_equal(state_value(lambda o: shared[o])(rollout, rollout.rewards), shared[seen])
    found = state_value(own)(rollout, rollout.rewards)
    for run in range(2):
        np.testing.assert_array_equal(found[:, run], own[run][seen[:, run]])


def test_a_constant_may_differ_between_runs():
    rollout = sampled(runs=(2,), episodes=3)
    own = np.array([[1.0], [-2.0]])
    plain, judged = (reward_to_go(rollout, baseline=b, gamma_power=False) for b in (none, constant(own)))
    np.testing.assert_allclose(plain - judged, own * rollout.mask, atol=1e-12)


@pytest.mark.parametrize("gamma_power", [True, False])
def test_optimal_by_loops(gamma_power):
    """b_i = sum_{j != i} X_j . S_j / sum_{j != i} S_j . S_j, for a softmax table."""
    rollout, theta = sampled(episodes=4), np.random.default_rng(9).normal(size=6)
    targets = np.random.default_rng(10).normal(size=rollout.rewards.shape)
    pi = np.exp(theta.reshape(3, 2)) / np.exp(theta.reshape(3, 2)).sum(axis=1, keepdims=True)
    above, below = [], []
    for b in range(4):
        X, S = np.zeros((3, 2)), np.zeros((3, 2))
        for t in range(int(rollout.lengths[b])):
            seen, action = rollout.observations[t, b], rollout.actions[t, b]
            score = (0.8**t if gamma_power else 1) * (np.eye(2)[action] - pi[seen])
            X[seen] += targets[t, b] * score
            S[seen] += score
        above.append((X * S).sum())
        below.append((S * S).sum())
    expected = [(sum(above) - above[i]) / (sum(below) - below[i]) for i in range(4)]
    found = optimal(POLICY, theta, gamma_power=gamma_power)(rollout, targets)
    np.testing.assert_allclose(np.broadcast_to(found, targets.shape)[0], expected, rtol=1e-10)


@pytest.mark.parametrize("theta", [0.2, 0.5])
def test_optimal_comes_to_the_best_constant_of_stay_or_stop(theta):
    """(1 + 2 theta) / (1 - theta), from 100,000 episodes; 4.5 standard errors of the ratio of two means."""
    mdp, policy, B = stay_or_stop(), Policy.softmax(Table(1, 2)), 100_000
    preferences = np.log([1 - theta, theta])
    rollout = collect(mdp, policy, preferences, rng=np.random.default_rng(11), episodes=B)
    returns = rollout.rewards.sum(axis=0)
    found = optimal(policy, preferences, gamma_power=False)(rollout, np.broadcast_to(returns, rollout.rewards.shape))
    best = (1 + 2 * theta) / (1 - theta)
    score = returns * (1 - theta) - theta  # with n stays and one stop, S is (1, -1) times -(n (1 - theta) - theta)
    error = (score**2 * (returns - best)).std() / np.sqrt(B) / (score**2).mean()
    assert np.abs(found - best).max() < 4.5 * error
    assert np.abs(returns.mean() - best) > 20 * error  # the mean return is another constant


# --- mistakes ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rollout: constant(np.nan), "value must be finite numbers; got NaN"),
        (lambda rollout: constant(None), "value must be numbers; got None"),
        (lambda rollout: leave_one_out(rollout, rollout.rewards), "leave_one_out needs 2 or more episodes .* got 1"),
        (lambda rollout: optimal(POLICY, THETA)(rollout, rollout.rewards), "optimal needs 2 or more episodes .* got 1"),
        (lambda rollout: state_value([1, np.inf, 2]), "values must be finite numbers; got NaN or infinity"),
        (lambda rollout: state_value(3.0), r"values must be a function, or .* \[O\]"),
        (lambda rollout: state_value([1.0])(rollout, rollout.rewards), r"values must be .* O > 1; got shape \(1,\)"),
        (lambda rollout: state_value(np.ones((2, 3)))(rollout, rollout.rewards), r"values must be .* shape \(2, 3\)"),
        (lambda rollout: state_value("v"), r"values must be numbers \[O\] or \[\*R, O\], or a function; got 'v'"),
        (lambda rollout: reward_to_go(rollout, baseline=constant), r"such as what constant\(...\) returns; got <function"),
        (lambda rollout: reward_to_go(rollout, baseline=optimal), r"such as what optimal\(...\) returns; got <function"),
        (lambda rollout: reward_to_go(rollout, baseline=3.0), r"baseline must be a function .* constant\(2.0\); got 3.0"),
        (lambda rollout: reward_to_go(rollout, baseline=lambda rollout: 1.0), "baseline must be a function .*; got <function"),
        (lambda rollout: reward_to_go(rollout, baseline=lambda *_: "b"), "baseline's b must be numbers; got 'b'"),
        (lambda rollout: total_return(rollout, baseline=lambda *_: np.ones(7)), r"baseline's b must be .* got shape \(7,\)"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, message):
    rollout = sampled(episodes=1, seed=16)
    assert rollout.observations.max() > 0
    with pytest.raises(ValueError, match=message):
        call(rollout)

"""Enumeration and the recursion against each other, closed forms of a pure chain and a bandit, and the campaign's table."""

from dataclasses import replace

import numpy as np
import pytest

from pgedu import MDP, Policy, Table, bandit, campaign, doubly_robust, each_batch, enumerate_rollouts, exact_expectation
from pgedu import exact_return, importance_weights, off_policy_moments, per_decision_importance, random_mdp, solve, trajectory_importance
from pgedu import weighted_importance, weighted_per_decision
from test_off_policy import LOGGER, PAYS, TARGET, VALUE, mean_and_variance, offers

POLICY = offers(0)[0]


def by_enumeration(mdp, policy, theta, behaviour, estimator, **settings):
    """Exact bias and variance of an estimate, [*R]: over all logs that the behaviour may write."""
    estimate = lambda log: estimator(log, (policy, each_batch(theta, log.actions))).mean(axis=-1)  # noqa: E731
    mean, square = (exact_expectation(mdp, policy, np.broadcast_to(behaviour, theta.shape), statistic, **settings)
                    for statistic in (estimate, lambda log: estimate(log) ** 2))  # fmt: skip
    return mean - exact_return(mdp, policy, theta, horizon=settings["horizon"]), square - mean**2


@pytest.mark.parametrize("model", ["none", "right", "wrong"])
@pytest.mark.parametrize("horizon", [1, 2, 4])
def test_against_enumeration_in_two_runs(model, horizon):
    rng = np.random.default_rng(5)
    mdp = random_mdp(rng, states=2, actions=2, gamma=0.8)
    policy = Policy.softmax(Table(mdp.n_observations, 2))
    behaviour, theta = rng.normal(size=(2, 2, policy.size))
    q = solve(mdp, policy, theta, horizon=horizon).action_values
    q = {"none": np.zeros(q.shape), "right": q, "wrong": q + rng.normal(size=q.shape)}[model]
    found = off_policy_moments(mdp, policy, theta, behaviour, horizon=horizon, action_values=q)
    assert found.value == pytest.approx(exact_return(mdp, policy, theta, horizon=horizon), rel=1e-12)
    for run in range(2):
        log, chances = enumerate_rollouts(mdp, policy, behaviour[run], horizon=horizon)
        target, seen = (policy, theta[run]), log.observations[:-1]
        rows = np.where(mdp.terminal[seen][..., None], 0.0, q[np.arange(horizon)[:, None, None], run, seen])
        pi = policy.probabilities(theta[run], seen)
        estimates = trajectory_importance(log, target), doubly_robust(log, target, rows, pi)
        wanted = [mean_and_variance(each[:, 0], chances)[1] for each in estimates]
        assert [found.trajectory[run], found.robust[run]] == pytest.approx(wanted, rel=1e-9)
        weights = importance_weights(log, target)[-1, :, 0]
        assert found.squared_weight[run] == pytest.approx(chances @ weights**2, rel=1e-12)
        if model == "none":
            decision = mean_and_variance(per_decision_importance(log, target)[:, 0], chances)[1]
            assert found.robust[run] == pytest.approx(decision, rel=1e-9)


@pytest.mark.parametrize(("horizon", "trajectory", "decision"), [
    (1, 0.776, 0.776), (2, 3.46, 3.67), (3, 11.2, 10.5), (5, 67.7, 38.3), (12, 2331, 239), (30, 4.3e5, 1090),
])  # fmt: skip
def test_variances_of_the_campaign(horizon, trajectory, decision):
    found = off_policy_moments(campaign(horizon=horizon), *offers(2), np.zeros(6))
    assert found.trajectory == pytest.approx(trajectory, rel=1e-2) and found.robust == pytest.approx(decision, rel=6e-3)


def test_the_world_s_own_horizon_is_the_longest():
    world = campaign(horizon=3)
    assert off_policy_moments(world, *offers(2), np.zeros(6), horizon=9) == off_policy_moments(world, *offers(2), np.zeros(6))


def test_the_effective_share_of_a_pure_chain():
    """One state that never ends, a target with .8 of a fair coin: E w^2 = (.64 / .5 + .04 / .5)^H, 40 for H = 12."""
    chain = MDP(np.ones((1, 2, 1)), [[0.0, 1.0]], [1.0], [False], horizon=12)
    policy = Policy.softmax(Table(1, 2))
    found = off_policy_moments(chain, policy, np.log([0.2, 0.8]), np.zeros(2))
    assert found.squared_weight == pytest.approx(1.36**12, rel=1e-12) and found.value == pytest.approx(12 * 0.8)


def clicks():
    """The bandit of three arms as a world without noise, whose second step pays for a click, whatever is done there."""
    transitions = np.zeros((4, 3, 4))
    transitions[0, :, 1], transitions[0, :, 2], transitions[1:, :, 3] = PAYS, 1 - PAYS, 1
    world = MDP(transitions, np.outer([0, 1, 0, 0], np.ones(3)), np.eye(4)[0], np.eye(4)[3] == 1, horizon=2)
    theta, behaviour = (np.concatenate([np.log(chances), np.zeros(9)]) for chances in (TARGET, LOGGER))
    return world, Policy.softmax(Table(4, 3)), theta, behaviour


def test_moments_of_the_bandit():
    found = off_policy_moments(*clicks())
    assert found.value == pytest.approx(VALUE, rel=1e-12) and found.squared_weight == pytest.approx(5.05, rel=1e-12)
    assert found.trajectory == pytest.approx(2.7416, abs=5e-5)


@pytest.mark.parametrize(("batch", "bias"), [(1, -0.280), (2, -0.222), (3, -0.185)])
def test_exact_bias_of_self_normalised_weights(batch, bias):
    for estimator in (weighted_importance, weighted_per_decision):
        assert by_enumeration(*clicks(), estimator, horizon=2, batch=batch)[0] == pytest.approx(bias, abs=5e-4)


@pytest.mark.parametrize(("cap", "bias"), [(2, -0.300), (3, -0.24), (np.inf, 0)])
def test_exact_moments_of_capped_weights(cap, bias):
    found = by_enumeration(*clicks(), lambda log, target: trajectory_importance(log, target, cap=cap), horizon=2)
    capped = np.minimum(TARGET / LOGGER, cap)
    assert found[0] == pytest.approx(bias, abs=1e-12)
    assert found[1] == pytest.approx(LOGGER @ (capped**2 * PAYS) - (VALUE + bias) ** 2, rel=1e-12)


def test_nobody_acts_at_the_end_so_no_support_is_needed_there():
    world, policy, theta, behaviour = clicks()
    far = np.where(np.arange(12) == 9, 2000.0, behaviour)  # in the terminal state: never anything but the first action
    assert off_policy_moments(world, policy, theta, far) == pytest.approx(off_policy_moments(*clicks()), rel=1e-12)


def test_enumeration_in_runs_against_the_recursion():
    thetas = np.array([offers(x)[1] for x in (0.5, 1, 2)])
    for batch in (1, 2):
        bias, variance = by_enumeration(campaign(), POLICY, thetas, np.zeros(6), trajectory_importance, horizon=4, batch=batch)
        wanted = off_policy_moments(campaign(horizon=4), POLICY, thetas, np.zeros(6))
        assert bias == pytest.approx(np.zeros(3), abs=1e-12)
        assert batch * variance == pytest.approx(wanted.trajectory, rel=1e-9)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: off_policy_moments(None, *offers(1), np.zeros(6)), "mdp must be a finite world"),
    (lambda: off_policy_moments(bandit([0, 1], noise=1), Policy.softmax(Table(1, 2)), [0, 0], [0, 0]), "mdp must be one with"),
    (lambda: off_policy_moments(replace(campaign(), horizon=None), *offers(1), np.zeros(6)), "horizon must be a whole number"),
    (lambda: off_policy_moments(campaign(), *offers(1), np.zeros(6), horizon=0), "horizon must be a whole number of 1"),
    (lambda: off_policy_moments(campaign(), *offers(1), np.zeros(6), action_values=np.zeros(5)), "action_values must be"),
    (lambda: off_policy_moments(campaign(), *offers(1), np.zeros(6), action_values="none"), "action_values must be numbers"),
    (lambda: off_policy_moments(campaign(), *offers(1), 2000 * np.eye(6)[0]), "behaviour must be .* got one without that support"),
    (lambda: off_policy_moments(campaign(horizon=9000), *offers(9), np.zeros(6)), "horizon must be so short"),
])  # fmt: skip
def test_arguments_that_do_not_fit(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

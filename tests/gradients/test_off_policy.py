"""Off-policy estimates against enumeration of all logs, closed forms, and loops in plain Python."""

import itertools

import numpy as np
import pytest

from pgedu import Policy, Rollout, Table, campaign, collect, diagnose, direct_method, doubly_robust
from pgedu import effective_sample_size, enumerate_rollouts, exact_return, importance_weights, per_decision_importance
from pgedu import random_mdp, solve, standard_error, trajectory_importance, weighted_importance, weighted_per_decision

PAYS = np.array([0.1, 0.3, 0.6])  # the chance of a click for each arm
LOGGER, TARGET = np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.2, 0.7])
VALUE = 0.49
WEIGHTED = trajectory_importance, weighted_importance, per_decision_importance, weighted_per_decision
POLICY = Policy.softmax(Table(3, 2))  # of the campaign


def offers(preference):
    """The campaign's target: this preference for an offer to the curious, and for none to the loyal."""
    return POLICY, np.array([0, preference, preference, 0, 0, 0.0])


def one_step_log(arms, rewards, propensities=LOGGER):
    """A log of one-step episodes, arms and rewards [*R, B]."""
    arms, rewards = np.asarray(arms)[None], np.asarray(rewards)[None]
    seen = np.zeros((2, *arms.shape[1:]), dtype=int)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.log(propensities)[arms]
    return Rollout(seen, arms, rewards, np.zeros(arms.shape), np.ones(arms.shape), logs)


def every_log(rows, lift=0):
    """(log, target, probabilities) of all logs of so many rows there are: 6^rows, on a run axis."""
    rows = np.array(list(itertools.product(itertools.product(range(3), (0, 1)), repeat=rows)))
    arms, clicks = rows[..., 0], rows[..., 1]
    chances = LOGGER[arms] * np.where(clicks == 1, PAYS[arms], 1 - PAYS[arms])
    return one_step_log(arms, clicks + lift), np.log(TARGET)[arms][None], chances.prod(axis=-1)


def mean_and_variance(estimates, probabilities):
    mean = probabilities @ estimates
    return mean, probabilities @ (estimates - mean) ** 2


def robust(q):
    return lambda log, target, **options: doubly_robust(log, target, q, TARGET, **options)


@pytest.mark.parametrize(("estimator", "variance"), [
    (trajectory_importance, 2.7416), (per_decision_importance, 2.7416), (robust(0.2), 1.9069),
    (robust([0.1, 0.3, 0.4]), 1.3819), (robust(PAYS), 1.2055),
])  # fmt: skip
@pytest.mark.parametrize("rows", [1, 2, 3])
def test_variances_of_the_bandit(estimator, variance, rows):
    log, target, probabilities = every_log(rows)
    mean, found = mean_and_variance(estimator(log, target).mean(axis=-1), probabilities)
    assert mean == pytest.approx(VALUE, abs=1e-12) and rows * found == pytest.approx(variance, abs=5e-5)


def test_the_floor_of_doubly_robust_is_the_noise_of_the_rewards():
    log, target, probabilities = every_log(1)
    _, found = mean_and_variance(robust(PAYS)(log, target)[:, 0], probabilities)
    assert found == pytest.approx(LOGGER @ ((TARGET / LOGGER) ** 2 * PAYS * (1 - PAYS)), rel=1e-12)


@pytest.mark.parametrize("estimator", [weighted_importance, weighted_per_decision])
@pytest.mark.parametrize(("rows", "bias"), [(1, -0.280), (2, -0.222), (3, -0.185)])
def test_bias_of_self_normalised_weights(estimator, rows, bias):
    log, target, probabilities = every_log(rows)
    mean, _ = mean_and_variance(estimator(log, target).mean(axis=-1), probabilities)
    assert mean - VALUE == pytest.approx(bias, abs=5e-4)
    if rows == 1:
        assert mean == pytest.approx(LOGGER @ PAYS, rel=1e-12)  # one row says what the logger earned


def test_ten_added_to_all_rewards():
    log, target, probabilities = every_log(1, lift=10)
    _, found = mean_and_variance(trajectory_importance(log, target)[:, 0], probabilities)
    assert found == pytest.approx(457.6, abs=0.05)
    (low, *_), (high, *_) = every_log(3), every_log(3, lift=10)
    target = every_log(3)[1]
    assert weighted_importance(high, target) - 10 == pytest.approx(weighted_importance(low, target), abs=1e-12)


def test_spread_of_self_normalised_contributions():
    """The log in which each row is as frequent as it is probable has the asymptotic variance, 1.2721."""
    copies = np.rint(every_log(1)[2] * 100).astype(int)
    assert copies == pytest.approx(every_log(1)[2] * 100)
    arms, clicks = (np.repeat(column, copies) for column in (np.repeat(np.arange(3), 2), np.tile([0, 1], 3)))
    log, target = one_step_log(arms, clicks), np.log(TARGET)[arms][None]
    found = weighted_importance(log, target)
    assert found.mean() == pytest.approx(VALUE, rel=1e-12) and found.var() == pytest.approx(1.2721, abs=5e-5)
    assert standard_error(found) == pytest.approx(np.sqrt(found.var() / 99), rel=1e-12)
    assert effective_sample_size(importance_weights(log, target)[-1]) == pytest.approx(100 / 5.05, rel=1e-12)


@pytest.mark.parametrize(("cap", "bias"), [(2, -0.300), (3, 0.06 * (3 - 7)), (7, 0), (np.inf, 0)])
def test_bias_of_a_cap(cap, bias):
    log, target, probabilities = every_log(1)
    for estimator in (trajectory_importance, per_decision_importance, robust(0.0)):
        found = probabilities @ estimator(log, target, cap=cap)[:, 0]
        assert found - VALUE == pytest.approx(bias, abs=1e-12)


def test_a_wrong_propensity():
    arms, clicks = every_log(1)[0].actions[0], every_log(1)[0].rewards[0]
    log, (_, target, probabilities) = one_step_log(arms, clicks, np.full(3, 1 / 3)), every_log(1)
    found = [probabilities @ each(log, target)[:, 0] for each in (trajectory_importance, robust(PAYS))]
    assert found == pytest.approx([0.198, VALUE], abs=1e-12)  # right, whatever the propensities, if q is


@pytest.mark.parametrize(("horizon", "trajectory", "decision"), [
    (1, 0.776, 0.776), (2, 3.46, 3.67), (3, 11.2, 10.5), (5, 67.7, 38.3),
])  # fmt: skip
def test_variances_of_the_campaign_with_a_short_horizon(horizon, trajectory, decision):
    """After two months, weights by decision are worse than those of the whole episode."""
    log, probabilities = enumerate_rollouts(campaign(), POLICY, np.zeros(6), horizon=horizon)
    for estimator, variance in ((trajectory_importance, trajectory), (per_decision_importance, decision)):
        _, found = mean_and_variance(estimator(log, offers(2))[:, 0], probabilities)
        assert found == pytest.approx(variance, rel=6e-3)


@pytest.mark.parametrize(("preference", "value", "share", "trajectory", "decision", "own"), [
    (0.5, 1.492, 0.774, 23.7, 17.1, 10.6), (1, 1.649, 0.350, 117, 42.8, 12.2), (2, 1.868, 0.0346, 2331, 239, 14.4),
])  # fmt: skip
def test_table_of_the_campaign(preference, value, share, trajectory, decision, own):
    log, probabilities = enumerate_rollouts(campaign(), POLICY, np.zeros(6), horizon=12)
    target = offers(preference)
    weights = importance_weights(log, target)[-1, :, 0]
    assert probabilities @ weights == pytest.approx(1, rel=1e-12)
    assert 1 / (probabilities @ weights**2) == pytest.approx(share, rel=2e-3)
    for estimator, variance in ((trajectory_importance, trajectory), (per_decision_importance, decision)):
        mean, found = mean_and_variance(estimator(log, target)[:, 0], probabilities)
        assert (mean, found) == (pytest.approx(value, abs=5e-4), pytest.approx(variance, rel=4e-3))
        assert mean == pytest.approx(exact_return(campaign(), *target), rel=1e-12)
    log, probabilities = enumerate_rollouts(campaign(), *target, horizon=12)
    _, found = mean_and_variance(trajectory_importance(log, target)[:, 0], probabilities)
    assert found == pytest.approx(own, abs=0.05)


def random_case(batch=1, horizon=3):
    """A small world with its target, the exact return of that, every batch of logs, and q at each of their rows."""
    rng = np.random.default_rng(5)
    mdp = random_mdp(rng, states=2, actions=2, gamma=0.8)
    policy = Policy.softmax(Table(mdp.n_observations, 2))
    behaviour, theta = rng.normal(size=(2, policy.size))
    log, probabilities = enumerate_rollouts(mdp, policy, behaviour, horizon=horizon, batch=batch)
    solution = solve(mdp, policy, theta, horizon=horizon)
    steps = np.arange(horizon)[:, None, None]
    q, pi = solution.action_values[steps, log.observations[:-1]], solution.probabilities[log.observations[:-1]]
    return log, (policy, theta), probabilities, q, pi, exact_return(mdp, policy, theta, horizon=horizon)


def test_without_bias_and_exact_models():
    log, target, probabilities, q, pi, truth = random_case()
    wrong = q + np.random.default_rng(0).normal(size=q.shape[-1])
    for found in (trajectory_importance(log, target), per_decision_importance(log, target),
                  doubly_robust(log, target, wrong, pi), doubly_robust(log, target, q, pi),
                  direct_method(log, q, pi)):  # fmt: skip
        assert probabilities @ found[:, 0] == pytest.approx(truth, rel=1e-12)
    assert probabilities @ direct_method(log, wrong, pi)[:, 0] != pytest.approx(truth, rel=1e-2)
    badly = log._replace(log_probs=log.log_probs - 0.3 * log.mask)  # wrong propensities, right q
    assert probabilities @ doubly_robust(badly, target, q, pi)[:, 0] == pytest.approx(truth, rel=1e-12)
    assert probabilities @ per_decision_importance(badly, target)[:, 0] != pytest.approx(truth, rel=1e-2)


def by_loops(log, target, q, pi, cap):
    """(IS, weighted, PDIS, weighted PDIS, DR) of a log [T, B], by the book, step by step and episode by episode."""
    T, B = log.rewards.shape
    weight, returns = np.ones((T + 1, B)), np.zeros(B)
    decision, robust = np.zeros(B), np.zeros(B)
    for i in range(B):
        power, rho = 1.0, 1.0
        for t in range(T):
            if log.mask[t, i]:
                rho *= np.exp(target[t, i]) / np.exp(log.log_probs[t, i])
                before = 1.0 if t == 0 else weight[t, i]
                reward = log.rewards[t, i]
                surprise = reward - q[t, i, log.actions[t, i]]
                robust[i] += power * (min(rho, cap) * surprise + before * (pi[t, i] @ q[t, i]))
                decision[i] += power * min(rho, cap) * reward
                returns[i] += power * reward
                power *= log.discounts[t, i]
            weight[t + 1, i] = min(rho, cap)
    gamma = log.discounts.max()
    stepwise = sum(gamma**t * (weight[t + 1] @ log.rewards[t]) / weight[t + 1].sum() for t in range(T))
    last = weight[T]
    return (last * returns).mean(), last @ returns / last.sum(), decision.mean(), stepwise, robust.mean()


@pytest.mark.parametrize("cap", [None, 1.5])
def test_against_loops_on_each_of_several_runs(cap):
    mdp, rng = campaign(horizon=6), np.random.default_rng(3)
    behaviour, theta = rng.normal(size=(2, 4, 6))
    log = collect(mdp, POLICY, behaviour, rng=rng, episodes=30)
    target = POLICY.log_prob(theta, log.observations[:-1], log.actions)
    pi, q = POLICY.probabilities(theta, log.observations[:-1]), rng.normal(size=(*log.rewards.shape, 2))
    found = [each(log, (POLICY, theta), cap=cap).mean(axis=-1) for each in WEIGHTED]
    found.append(doubly_robust(log, target, q, pi, cap=cap).mean(axis=-1))
    for run in range(4):
        one = Rollout(*(field[:, run] for field in log))
        wanted = by_loops(one, target[:, run], q[:, run], pi[:, run], np.inf if cap is None else cap)
        assert [each[run] for each in found] == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("estimator", WEIGHTED)
def test_what_stands_after_the_end_is_of_no_account(estimator):
    log = collect(campaign(), POLICY, np.zeros(6), rng=np.random.default_rng(0), episodes=9)
    target = POLICY.log_prob(offers(1)[1], log.observations[:-1], log.actions)
    after = log.mask == 0
    assert after.any()
    scribbled = log._replace(log_probs=np.where(after, np.nan, log.log_probs))
    assert (estimator(scribbled, np.where(after, np.nan, target)) == estimator(log, offers(1))).all()


@pytest.mark.parametrize("estimator", WEIGHTED)
def test_segments_are_refused(estimator):
    one = np.ones((3, 2))
    log = Rollout(np.zeros((4, 2), int), np.zeros((3, 2), int), one, [[1, 0], [0, 1], [1, 1]] * one, one, -one)
    with pytest.raises(ValueError, match="rollout must hold one whole episode a column"):
        estimator(log, -one)


def test_weights_of_nothing_say_nothing():
    log = one_step_log([[0, 0], [0, 2]], [[1, 1], [1, 0]])
    target = np.log([[[1e-320, 1e-320], [0.1, 0.7]]])
    target[0, 0] = -np.inf
    assert np.isnan(weighted_importance(log, target)).all(axis=-1).tolist() == [True, False]
    assert np.isnan(weighted_per_decision(log, target)).all(axis=-1).tolist() == [True, False]
    assert trajectory_importance(log, target)[0].tolist() == [0, 0]
    assert effective_sample_size(importance_weights(log, target)[-1])[0] == 0


def test_effective_sample_size():
    assert effective_sample_size([[1, 1, 1, 1], [0, 0, 3, 0], [2, 2, 0, 0]]).tolist() == [4, 1, 2]
    assert effective_sample_size([1e300, 1e300]) == 2
    for wrong, said in (([], "must be .* an episode or more; got shape"), ([-1.0, 2.0], "must be 0 or more; got -1.0")):
        with pytest.raises(ValueError, match=f"^weights {said}"):
            effective_sample_size(wrong)


def test_standard_error():
    assert standard_error([[1, 3], [2, 2]]).tolist() == [1, 0]
    with pytest.raises(ValueError, match="contributions must be .* B of 2 or more"):
        standard_error([1.0])


ARMS, CLICKS, CHOSEN = [0, 1, 2, 0], [0, 1, 1, 0], np.log(TARGET)[[[0, 1, 2, 0]]]


@pytest.mark.parametrize(("propensities", "sentence"), [
    ([0.6, np.nan, 0.4], "the logarithms of recorded propensities; got NaN at step 0 of episode 1, 1 such"),
    ([0.0, 0.6, 0.4], "those of propensities above 0; got propensity 0 at step 0 of episode 0, 2 such"),
    ([0.6, 0.3, 1.5], r"those of propensities of at most 1; got a logarithm of 0\.405, above 0, at step 0 of episode 2"),
])  # fmt: skip
def test_a_log_that_cannot_be_used(propensities, sentence):
    log = one_step_log(ARMS, CLICKS, np.array(propensities))
    for estimator in (*WEIGHTED, robust(PAYS), diagnose):
        with pytest.raises(ValueError, match=f"log_probs must be {sentence}"):
            estimator(log, CHOSEN)
    with pytest.raises(ValueError, match=f"log_probs must be {sentence}"):
        direct_method(log, PAYS, TARGET)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda log: trajectory_importance(log, np.exp(CHOSEN)), "target must be LOG-probabilities, 0 or less; got a logarithm of"),
    (lambda log: trajectory_importance(log, CHOSEN * np.nan), "target must be log-probabilities of the logged"),
    (lambda log: trajectory_importance(log, CHOSEN[0]), r"target must be \[T, \*R, B\] = \(1, 4\); got shape \(4,\)"),
    (lambda log: trajectory_importance(log, CHOSEN, cap=0), "cap must be a number above 0; got 0"),
    (lambda log: direct_method(log, PAYS, [0.5, 0.6, 0.7]), "probabilities must be 0 or more, with a sum of 1"),
    (lambda log: direct_method(log, PAYS[:2], TARGET), "action_values and probabilities must be"),
    (lambda log: direct_method(log, PAYS[:2], [0.5, 0.5]), "actions must be .* whole numbers below 2"),
    (lambda log: doubly_robust(log, CHOSEN, PAYS, LOGGER), "probabilities must be those of the target for the logged act"),
    (lambda log: diagnose(Rollout(*(each[:, None] for each in log)), CHOSEN[:, None]), "rollout must be one log"),
    (lambda log: trajectory_importance(log._replace(log_probs=log.log_probs - 800), CHOSEN), "weights must be numbers"),
])  # fmt: skip
def test_arguments_that_do_not_fit(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(one_step_log(ARMS, CLICKS))


def test_densities_may_be_above_one():
    log = one_step_log(ARMS, CLICKS)._replace(actions=np.zeros((1, 4)), log_probs=np.full((1, 4), 0.5))
    assert importance_weights(log, np.full((1, 4), 0.7)) == pytest.approx(np.exp(0.2))


def test_diagnosis_of_a_good_log():
    arms = np.repeat([0, 1, 2], [60, 30, 10])
    found = diagnose(one_step_log(arms, arms), np.log(TARGET)[arms][None], probabilities=TARGET)
    assert found.warnings == () and found.effective == pytest.approx(100 / 5.05)
    assert found.mean_weight == pytest.approx(1) and found.heaviest == pytest.approx(0.07)


def test_diagnosis_of_a_log_without_any_weight():
    found = diagnose(one_step_log([0, 1], [1, 1]), np.full((1, 2), -np.inf), probabilities=[0, 0, 1])
    assert found[:3] == (0, 0, 0) and [each.split()[1] for each in found.warnings] == ["mean", "target"]


@pytest.mark.parametrize(("arms", "propensities", "sentence"), [
    ([0, 0, 2, 0], LOGGER, "Episode 2 alone carries 93% of the weight of all 4: the estimate is little but its reward."),
    ([0, 1] * 50, LOGGER, "The target gives 70.0% of its choices to actions that the log never shows."),
    ([0, 1] * 50, LOGGER, "The mean weight is 0.417 where 1 is expected: the log lacks what the target does"),
    ([0, 1, 2, 0], np.ones(3), "All propensities are 1: either nothing was left to chance, or they were not recorded."),
])  # fmt: skip
def test_warnings(arms, propensities, sentence):
    log = one_step_log(arms, np.ones(len(arms)), propensities)
    warnings = diagnose(log, np.log(TARGET)[arms][None], probabilities=TARGET).warnings
    assert any(each.startswith(sentence) for each in warnings)

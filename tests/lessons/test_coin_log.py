"""The coin's logs: exact numbers against the package's recursion and enumeration, sampled ones against its estimators."""

import itertools

import numpy as np
import pytest

from pgedu import campaign, collect, doubly_robust, effective_sample_size, enumerate_rollouts, exact_return, importance_weights
from pgedu import exact_expectation, off_policy_moments, per_decision_importance, solve, standard_error, trajectory_importance, weighted_importance
from pgedu.lessons import coin_log
from pgedu.lessons.coin_log import COIN, CUSTOMERS, policy, target


def coins_model(months, x):
    """What `doubly_robust` is helped with: q [H, S, A] of the coin, and pi [S, A]."""
    q = solve(campaign(), policy, COIN, horizon=months).action_values
    return q, np.exp(campaign().log_policy(policy, target(x)))


@pytest.mark.parametrize(("x", "months"), [(0.0, 4), (0.5, 12), (2.0, 1), (2.0, 2), (2.0, 12), (3.0, 12)])
def test_exact_moments_are_those_of_the_recursion(x, months):
    found = coin_log.exact(x, months)
    moments = [off_policy_moments(campaign(), policy, target(x), COIN, horizon=months, action_values=q)
               for q in (0.0, coins_model(months, x)[0])]  # fmt: skip
    wanted = {"IS": moments[0].trajectory, "PDIS": moments[0].robust, "DR": moments[1].robust}
    for name, variance in wanted.items():
        assert found[name][0] == pytest.approx(moments[0].value, rel=1e-10)
        assert CUSTOMERS * found[name][1] ** 2 == pytest.approx(variance, rel=1e-8, abs=1e-10)
    assert coin_log.effective(x, months) == pytest.approx(CUSTOMERS / moments[0].squared_weight, rel=1e-10)


def test_1000_customers_are_worth_35():
    assert [round(float(coin_log.effective(x, 12))) for x in (0.5, 1.0, 2.0)] == [774, 350, 35]
    assert coin_log.effective(np.array([0.5, 2.0]), 12) == pytest.approx([coin_log.effective(x, 12) for x in (0.5, 2.0)])


@pytest.mark.parametrize("cap", [0.5, 1.5, 3.0, np.inf])
def test_exact_moments_with_a_cap_are_those_of_all_episodes(cap):
    x, months = 2.0, 4
    log, chances = enumerate_rollouts(campaign(), policy, COIN, horizon=months)
    q, pi = coins_model(months, x)
    rows = np.minimum(np.arange(months), months - 1)[:, None, None], log.observations[:months]
    kinds = {"IS": trajectory_importance(log, (policy, target(x)), cap=cap),
             "PDIS": per_decision_importance(log, (policy, target(x)), cap=cap),
             "DR": doubly_robust(log, (policy, target(x)), q[rows], pi[log.observations[:months]], cap=cap)}  # fmt: skip
    found = coin_log.exact(x, months, cap)
    for name, values in kinds.items():
        mean = chances @ values[:, 0]
        assert found[name][0] == pytest.approx(mean, rel=1e-10)
        assert CUSTOMERS * found[name][1] ** 2 == pytest.approx(chances @ (values[:, 0] - mean) ** 2, rel=1e-8)


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_moments_of_a_ratio_are_those_of_all_logs(rows):
    """Three weights, two rewards: 6^rows logs."""
    w, chance, pays = np.array([1 / 6, 2 / 3, 7.0]), np.array([0.6, 0.3, 0.1]), np.array([0.1, 0.3, 0.6])
    estimates, probabilities = [], []
    for log in itertools.product(itertools.product(range(3), (-1.0, 2.0)), repeat=rows):
        weights, rewards = np.array([w[arm] for arm, _ in log]), np.array([reward for _, reward in log])
        estimates.append((weights * rewards).sum() / weights.sum())
        probabilities.append(np.prod([chance[arm] * (pays[arm] if r > 0 else 1 - pays[arm]) for arm, r in log]))
    mean = np.dot(probabilities, estimates)
    sd = np.sqrt(np.dot(probabilities, (np.array(estimates) - mean) ** 2))
    first, second = chance * (2 * pays - (1 - pays)), chance * (4 * pays + (1 - pays))
    assert coin_log.ratio_moments(w, chance, first, second, rows) == pytest.approx((mean, sd), rel=1e-7)


@pytest.mark.parametrize("cap", [1.2, np.inf])
def test_the_weighted_estimate_of_two_customers_is_that_of_all_pairs(cap):
    weighted = lambda log: weighted_importance(log, (policy, target(2.0)), cap=cap).mean(axis=-1)  # noqa: E731
    wanted, square = (exact_expectation(campaign(), policy, COIN, statistic, horizon=2, batch=2)
                      for statistic in (weighted, lambda log: weighted(log) ** 2))  # fmt: skip
    chance, first, second = (each.ravel() for each in coin_log.returns_under_the_coin(2))
    found = coin_log.ratio_moments(coin_log.weights(2.0, 2, cap).ravel(), chance, first, second, 2)
    assert found == pytest.approx((float(wanted), float(np.sqrt(square - wanted**2))), rel=1e-7)


def test_a_ratio_of_equal_weights_is_a_mean():
    mean, sd = coin_log.ratio_moments(np.ones(1), np.ones(1), np.array([0.3]), np.array([0.5]), 1000)
    assert (mean, sd) == pytest.approx((0.3, np.sqrt((0.5 - 0.09) / 1000)), rel=1e-6)


def rollouts(seed=3):
    """The first ten logs, as `logs` has collected them."""
    return collect(coin_log.world, policy, np.tile(COIN, (10, 1)), rng=np.random.default_rng(seed), episodes=CUSTOMERS)


def cut(log, months):
    """What is seen of a log in so many months."""
    fields = (each[: months + 1] if name == "observations" else each[:months] for name, each in log._asdict().items())
    return type(log)(*fields)


@pytest.mark.parametrize(("x", "months", "cap"), [(2.0, 12, np.inf), (1.0, 3, 2.0), (3.0, 24, np.inf)])
def test_estimates_from_counts_are_those_of_the_rollouts(x, months, cap):
    log = cut(rollouts(), months)
    aim = policy, np.tile(target(x), (10, 1))
    found = {name: each[:10] for name, each in coin_log.sampled(3, x, months, cap).items()}
    kinds = {"IS": trajectory_importance, "PDIS": per_decision_importance, "WIS": weighted_importance}
    for name, estimator in kinds.items():
        assert found[name] == pytest.approx(estimator(log, aim, cap=cap).mean(axis=-1), rel=1e-5), name
    q, pi = solve(coin_log.world, policy, COIN, horizon=months).action_values, np.exp(campaign().log_policy(policy, target(x)))
    seen = log.observations[:months]
    wanted = doubly_robust(log, aim, q[np.arange(months)[:, None, None], seen], pi[seen], cap=cap).mean(axis=-1)
    assert found["DR"] == pytest.approx(wanted, rel=1e-9)


def test_sampled_estimates_agree_with_what_is_exact():
    for x, cap in ((1.0, np.inf), (2.0, 5.0)):
        exact, sampled = coin_log.exact(x, 12, cap), coin_log.sampled(3, x, 12, cap)
        for name, (mean, sd) in exact.items():
            assert abs(sampled[name].mean() - mean) < 4 * sd / np.sqrt(coin_log.LOGS), name
            assert sampled[name].std() == pytest.approx(sd, rel=0.2), name


def test_intervals_are_those_of_the_rollouts():
    log, x = cut(rollouts(), 12), 1.0
    values = trajectory_importance(log, (policy, np.tile(target(x), (10, 1))))
    truth = exact_return(campaign(), policy, target(x))
    held = np.abs(values.mean(axis=-1) - truth) <= 1.96 * standard_error(values)
    w, ended = coin_log.weights(x, 12).ravel(), coin_log.ended(3, 12)
    assert (ended.returns @ w)[:10] / CUSTOMERS == pytest.approx(values.mean(axis=-1), rel=1e-5)
    assert (ended.squares @ w**2)[:10] == pytest.approx((values**2).sum(axis=-1), rel=1e-5)
    assert 0.85 < coin_log.covered(3, 0.5, 12, np.inf, exact_return(campaign(), policy, target(0.5))) <= 1
    assert coin_log.covered(3, 2.0, 12, np.inf, exact_return(campaign(), policy, target(2.0))) < 0.85
    assert held.mean() >= 0.5


def test_weights_are_those_of_the_rollouts():
    log = rollouts()
    w = importance_weights(log, (policy, np.tile(target(2.0), (10, 1))))
    n, k = coin_log.logs(3).n[:, :10], coin_log.logs(3).k[:, :10]
    assert coin_log.weights(2.0, 24)[n, k] == pytest.approx(w, rel=1e-9)
    assert effective_sample_size(w[-1, 0]) > 1

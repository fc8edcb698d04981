"""Preferences: against closed forms, enumeration, finite differences and the known answers of a language of 81 sentences."""

import itertools

import numpy as np
import pytest

import pgedu as pg

RNG = np.random.default_rng(0)
REFERENCE, REWARDS = np.log([0.6, 0.3, 0.1]), np.array([0.0, 1.0, 2.0])
LANGUAGE = pg.Language(("good", "fine", "bad"), 4)
LOG_REFERENCE = LANGUAGE.log_probs(np.broadcast_to(np.log([0.7, 0.1, 0.2]), (41, 3)))
N1, LAST = LANGUAGE.counts[:, 1], LANGUAGE.sentences[:, -1] == 2
TRUTH = N1 - 0.35 * N1**2 + 0.3 * LAST
ALL_PAIRS = np.indices((81, 81)).reshape(2, -1)


def population():
    """Weights of all ordered pairs: drawn from the reference, and the first preferred."""
    first, second = ALL_PAIRS
    P = np.exp(LOG_REFERENCE)
    return P[first] * P[second] / (1 + np.exp(TRUTH[second] - TRUTH[first]))


def judge(square=False):
    features = np.stack([N1, LANGUAGE.counts[:, 2], LAST, *([N1**2] if square else [])], axis=-1).astype(float)
    w = pg.fit_rewards(features, *ALL_PAIRS, population())
    return w, features @ w


def test_the_best_policy_of_three_responses():
    log_pi, value = pg.tilt(REFERENCE, REWARDS, 1.0)
    np.testing.assert_allclose(np.exp(log_pi), [0.2785, 0.3785, 0.3430], atol=5e-5)
    assert value == pytest.approx(0.76755, abs=1e-4) and pg.kl_divergence(log_pi, REFERENCE) == pytest.approx(0.2970, abs=1e-4)
    np.testing.assert_allclose(REWARDS - (log_pi - REFERENCE), value, rtol=1e-12)  # for every response the same
    rng = np.random.default_rng(0)
    for beta in (0.1, 1.0, 7.0):
        log_best, best = pg.tilt(REFERENCE, REWARDS, beta)
        others = pg.log_softmax(rng.normal(size=(50, 3)) * 2)
        reached = np.exp(others) @ REWARDS - beta * pg.kl_divergence(others, np.tile(REFERENCE, (50, 1)))
        np.testing.assert_allclose(best - reached, beta * pg.kl_divergence(others, np.tile(log_best, (50, 1))), rtol=1e-9)


def test_a_tilt_keeps_to_the_support_and_takes_runs():
    log_reference = np.array([[0.0, -np.inf], np.log([0.5, 0.5])])
    log_pi, value = pg.tilt(log_reference, np.array([0.0, 700.0]), 0.5)
    np.testing.assert_allclose(np.exp(log_pi), [[1, 0], [0, 1]], atol=1e-12)
    np.testing.assert_allclose(value, [0.0, 700 - 0.5 * np.log(2)], rtol=1e-12)


def test_no_policy_as_near_has_a_higher_reward_than_the_tilt():
    log_pi, beta = pg.tilt_at(REFERENCE, REWARDS, 0.3)
    assert pg.kl_divergence(log_pi, REFERENCE) == pytest.approx(0.3, rel=1e-9)
    np.testing.assert_allclose(log_pi, pg.tilt(REFERENCE, REWARDS, beta)[0], rtol=1e-12)
    others = pg.log_softmax(np.random.default_rng(0).normal(size=(20_000, 3)) * 2)
    near = pg.kl_divergence(others, np.tile(REFERENCE, (20_000, 1))) <= 0.3
    assert near.sum() > 1000 and (np.exp(others[near]) @ REWARDS).max() <= np.exp(log_pi) @ REWARDS
    with pytest.raises(ValueError, match="kl must be less than that of the best alternatives alone; got 3.0"):
        pg.tilt_at(REFERENCE, REWARDS, 3.0)  # -log .1 is 2.30


@pytest.mark.parametrize("scores", [[0.0, 1.0, 2.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
@pytest.mark.parametrize("n", [1, 2, 4])
def test_best_of_n_against_all_draws(scores, n):
    P, won = np.exp(REFERENCE), np.zeros(3)
    for draw in itertools.product(range(3), repeat=n):
        top = [each for each in draw if scores[each] == max(scores[other] for other in draw)]
        for each in top:
            won[each] += P[list(draw)].prod() / len(top)
    np.testing.assert_allclose(np.exp(pg.best_of_n(REFERENCE, np.array(scores), n)), won, rtol=1e-9, atol=1e-15)


def test_the_kl_of_best_of_n_has_its_bound():
    coin = np.log([0.5, 0.5])
    kl = lambda n: pg.kl_divergence(pg.best_of_n(coin, [0.0, 1.0], n), coin)  # noqa: E731
    bound = lambda n: np.log(n) - (n - 1) / n  # noqa: E731
    assert np.round([kl(4), bound(4), kl(256), bound(256)], 3).tolist() == [0.459, 0.636, 0.693, 4.549]
    fine = np.full(100_000, -np.log(100_000))  # hardly ever drawn twice
    assert pg.kl_divergence(pg.best_of_n(fine, np.arange(100_000.0), 4), fine) == pytest.approx(bound(4), abs=1e-4)


def test_the_judge_that_is_almost_perfect():
    w, proxy = judge()
    np.testing.assert_allclose(w, [0.4425, 0.0, 0.2962], atol=5e-5)
    first, second = ALL_PAIRS
    P = np.exp(LOG_REFERENCE)
    chance, met = 1 / (1 + np.exp(TRUTH[second] - TRUTH[first])), P[first] * P[second]
    says = np.where(np.isclose(proxy[first], proxy[second], atol=1e-4), 0.5, proxy[first] > proxy[second])
    assert (met * (says * chance + (1 - says) * (1 - chance))).sum() == pytest.approx(0.5786, abs=2e-4)
    assert (met * np.maximum(chance, 1 - chance)).sum() == pytest.approx(0.5815, abs=5e-5)
    true = lambda log_pi: np.exp(log_pi) @ TRUTH  # noqa: E731
    assert true(LOG_REFERENCE) == pytest.approx(0.278, abs=1e-12)
    assert true(pg.tilt(LOG_REFERENCE, proxy, 0.289)[0]) == pytest.approx(0.500, abs=1e-3)
    assert true(pg.tilt(LOG_REFERENCE, proxy, 0.05)[0]) == pytest.approx(-1.42, abs=5e-3)
    eight = pg.best_of_n(LOG_REFERENCE, proxy, 8)
    kl = pg.kl_divergence(eight, LOG_REFERENCE)
    found = [true(eight), kl, true(pg.tilt_at(LOG_REFERENCE, proxy, kl)[0]), true(pg.tilt_at(LOG_REFERENCE, TRUTH, kl)[0])]
    np.testing.assert_allclose(found, [0.676, 1.19, 0.489, 0.769], atol=1e-3)
    found = [true(pg.best_of_n(LOG_REFERENCE, proxy, n)) for n in (64, 1024, 10**6)]
    np.testing.assert_allclose(found, [0.517, -0.217, -1.6], atol=2e-3)


def test_with_the_square_as_a_feature_the_truth_is_found():
    w, _ = judge(square=True)
    np.testing.assert_allclose(w, [1.0, 0.0, 0.3, -0.35], atol=1e-9)


def test_the_best_policy_word_by_word_is_an_optimum_of_the_mdp():
    for beta in (0.2, 1.0):
        reference = LANGUAGE.log_policy(LOG_REFERENCE)
        world = LANGUAGE.world(TRUTH, policy_rewards=lambda log_pi: -beta * (log_pi - reference))
        log_pi, value = pg.tilt(LOG_REFERENCE, TRUTH, beta)
        policy, theta = pg.Policy.softmax(pg.Table(41, 3)), LANGUAGE.log_policy(log_pi).ravel()
        assert pg.exact_return(world, policy, theta) == pytest.approx(value, rel=1e-12)
        assert np.abs(pg.exact_gradient(world, policy, theta)).max() < 1e-10


def test_drawn_preferences_have_their_chances_and_give_the_rewards_back():
    rng = np.random.default_rng(0)
    rewards = np.array([0.0, 0.5, -1.0])
    first, second = rng.integers(3, size=(2, 200_000))
    wins = pg.prefer(rewards, first, second, rng)
    for i, j in ((0, 1), (1, 2), (2, 0)):
        met = (first == i) & (second == j)
        p = 1 / (1 + np.exp(rewards[j] - rewards[i]))
        assert abs(wins[met].mean() - p) < 4 * np.sqrt(p * (1 - p) / met.sum())
    winners, losers = np.where(wins, first, second), np.where(wins, second, first)
    w = pg.fit_rewards(np.eye(3), winners, losers)
    assert abs(w.sum()) < 1e-9  # the shortest of all that differ by a constant
    np.testing.assert_allclose(w - w[0], rewards - rewards[0], atol=0.03)


def test_a_circle_of_preferences_is_fitted_by_equal_rewards():
    """Each of three beats the next in nine of ten."""
    winners, losers, weights = [0, 1, 1, 2, 2, 0], [1, 0, 2, 1, 0, 2], [0.9, 0.1] * 3
    np.testing.assert_allclose(pg.fit_rewards(np.eye(3), winners, losers, weights), np.zeros(3), atol=1e-12)


def test_preferences_without_a_fault_have_no_finite_fit():
    with pytest.raises(ValueError, match="winners and losers must be such that no w explains them all"):
        pg.fit_rewards(np.eye(2), [0, 0], [1, 1])


@pytest.mark.parametrize("n", [1, 10**9, 10**18, 10**400])
def test_however_many_are_drawn_one_of_them_is_the_best(n):
    won = pg.best_of_n(REFERENCE, REWARDS, n)
    assert np.exp(won).sum() == pytest.approx(1, rel=1e-12)
    assert pg.kl_divergence(won, REFERENCE) == pytest.approx(0 if n == 1 else np.log(10), rel=1e-9, abs=1e-12)
    if n == 10**9:  # log(.9^n - .6^n): too small for a chance, not for its logarithm
        assert won[1] == pytest.approx(n * np.log(0.9), rel=1e-12)


def test_what_is_hardly_ever_drawn_wins_n_times_as_often():
    rare = np.log([1 - 1e-20, 1e-20, 0.0], where=[True, True, False], out=np.full(3, -np.inf))
    assert pg.best_of_n(rare, [0.0, 1.0, 2.0], 10**6)[1:] == pytest.approx([np.log(1e-14), -np.inf], rel=1e-12)


@pytest.mark.parametrize("beta, value", [(5e-324, 2.0), (1e-300, 2.0), (1e9, 0.5), (1e300, 0.5)])
def test_no_beta_is_too_small_or_too_large(beta, value):
    """The best alone, or the reference alone; near it E r + Var r / (2 beta)."""
    log_pi, reached = pg.tilt(REFERENCE, REWARDS, beta)
    assert reached == pytest.approx(value + 0.45 / (2 * max(beta, 1e8)) * (beta > 1), rel=1e-12)
    assert np.exp(log_pi) @ REWARDS == pytest.approx(value, rel=1e-8)


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_a_tilt_is_found_whatever_the_unit_of_the_rewards(scale):
    log_pi, beta = pg.tilt_at(REFERENCE, scale * REWARDS, 0.3)
    np.testing.assert_allclose(log_pi, pg.tilt_at(REFERENCE, REWARDS, 0.3)[0], rtol=1e-9)
    assert beta / scale == pytest.approx(pg.tilt_at(REFERENCE, REWARDS, 0.3)[1], rel=1e-9)


def test_each_pair_is_decided_by_a_draw_of_its_own():
    wins = pg.prefer([0.0, 0.0], np.zeros(1000, int), np.ones(1000, int), np.random.default_rng(0))
    assert 400 < wins.sum() < 600  # one draw for all would give 0 or 1000


LOG_PI = np.log([0.2, 0.5, 0.3])


@pytest.mark.parametrize("kind, biased", [("k1", False), ("k2", True), ("k3", False)])
def test_estimates_of_kl_by_enumeration(kind, biased):
    mean = np.exp(LOG_PI) @ pg.kl_estimate(LOG_PI - REFERENCE, kind)
    assert (abs(mean - pg.kl_divergence(LOG_PI, REFERENCE)) > 0.001) == biased


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_what_an_estimate_of_kl_becomes_as_a_loss(kind):
    """With the draws held fixed, by finite differences of the estimate in the logits; and what its mean is."""
    logits, h = LOG_PI, 1e-6
    ratio = lambda logits: pg.log_softmax(logits) - REFERENCE  # noqa: E731
    P, score = np.exp(LOG_PI), np.eye(3) - np.exp(LOG_PI)  # [action, logit]
    for action in range(3):
        slopes = [(pg.kl_estimate(ratio(logits + h * e), kind) - pg.kl_estimate(ratio(logits - h * e), kind))[action] / (2 * h)
                  for e in np.eye(3)]  # fmt: skip
        ours = pg.kl_loss_weights(ratio(logits), kind)[action] * score[action]
        np.testing.assert_allclose(ours, slopes, atol=1e-8)
    mean = (P * pg.kl_loss_weights(ratio(logits), kind)) @ score
    forward = [(pg.kl_divergence(pg.log_softmax(logits + h * e), REFERENCE)
                - pg.kl_divergence(pg.log_softmax(logits - h * e), REFERENCE)) / (2 * h) for e in np.eye(3)]  # fmt: skip
    expected = {"k1": np.zeros(3), "k2": forward, "k3": P - np.exp(REFERENCE)}[kind]
    np.testing.assert_allclose(mean, expected, atol=1e-8)


@pytest.mark.parametrize("call, sentence", [
    (lambda: pg.tilt(REFERENCE, REWARDS, 0.0), "beta must be a number above 0; got 0.0"),
    (lambda: pg.tilt_at(REFERENCE, REWARDS, 0.0), "kl must be a number above 0; got 0.0"),
    (lambda: pg.best_of_n(REFERENCE, REWARDS, 0), "n must be a whole number of 1 or more; got 0"),
    (lambda: pg.best_of_n(REFERENCE, REWARDS[:2], 2), r"scores must be \[N\] = \(3,\); got shape \(2,\)"),
    (lambda: pg.kl_divergence(REFERENCE, [0.0, -np.inf, -np.inf]), "log_p must be 0 in probability wherever log_q is"),
    (lambda: pg.kl_estimate(REFERENCE, "k4"), "kind must be 'k1', 'k2' or 'k3'; got 'k4'"),
    (lambda: pg.fit_rewards(np.eye(2), [0], [1], [1.0, 2.0]), r"weights must be \[P\] = \(1,\); got shape \(2,\)"),
    (lambda: pg.prefer(REWARDS, [0], [1], 0), "rng must be a generator"),
    (lambda: pg.prefer(REWARDS, [-1], [1], RNG), r"first must be numbers of alternatives, whole and from 0 to 2; got \[-1\]"),
    (lambda: pg.prefer(REWARDS, [0], [True], RNG), r"second must be numbers of alternatives, .* from 0 to 2; got \[True\]"),
    (lambda: pg.prefer(REWARDS, [0], [1, 2], RNG), r"second must be as many as first, shape \(1,\); got shape \(2,\)"),
    (lambda: pg.prefer(np.eye(2), [0], [1], RNG), r"rewards must be \[N\]; got shape \(2, 2\)"),
    (lambda: pg.fit_rewards(np.eye(2), [2], [0]), "winners must be numbers of alternatives, whole and from 0 to 1"),
    (lambda: pg.fit_rewards(np.eye(2), [0, 1], [1]), r"losers must be as many as winners, shape \(2,\); got shape \(1,\)"),
    (lambda: pg.fit_rewards(np.eye(2), [0, 1], [1, 0], [1, -2]), r"features and weights must be \[N, F\], and 0 or more"),
    (lambda: pg.fit_rewards([[0, 0], [1e7, 0], [0, 1], [1e7, 1]], [0, 1, 1, 2, 3, 3, 0], [1, 0, 0, 0, 1, 1, 3]),
     "features must be columns of about one scale"),
    (lambda: pg.tilt([-np.inf, -np.inf], [0, 1], 1.0), "log_reference must be .* logarithms of chances that sum to 1; got"),
    (lambda: pg.tilt([np.nan, 0.0], [0, 1], 1.0), "log_reference must be .* chances that sum to 1; got 'a sum of nan'"),
    (lambda: pg.tilt(REFERENCE, REWARDS[:2], 1.0), r"rewards must be \[..., N\] with N = 3 alternatives; got shape \(2,\)"),
    (lambda: pg.tilt_at(REFERENCE, REWARDS, np.log(10.0) + 1e-9), "kl must be less than that of the best alternatives alone"),
    (lambda: pg.tilt_at(REFERENCE, [1.0, 1.0, 1.0], 0.1), "kl must be less than that of the best alternatives alone"),
    (lambda: pg.best_of_n([0.0, 0.0], [0, 1], 2), "log_probs must be .* logarithms of chances that sum to 1; got 'a sum of 2'"),
    (lambda: pg.best_of_n([REFERENCE, REFERENCE], REWARDS, 2), r"log_probs must be \[N\]; got shape \(2, 3\)"),
    (lambda: pg.kl_divergence([np.nan, 0.0], np.log([0.5, 0.5])), "log_p must be .* logarithms of chances that sum to 1"),
    (lambda: pg.kl_divergence(REWARDS, REFERENCE), "log_p must be .* logarithms of chances that sum to 1"),  # logits
    (lambda: pg.kl_divergence(REFERENCE, [0.0]), r"log_q must be \[..., N\] with N = 3 alternatives; got shape \(1,\)"),
    (lambda: pg.kl_divergence([0.0, -800.0], [0.0, -np.inf]), "log_p must be 0 in probability wherever log_q is"),  # e^-800
    (lambda: pg.kl_estimate([0.0, np.inf]), "log_ratio must be finite: what is drawn must have a chance under the .*; got inf"),
    (lambda: pg.kl_estimate([-np.inf], "k3"), "log_ratio must be finite; got NaN or infinity"),
    (lambda: pg.kl_loss_weights([0.0, np.inf], "k1"), "log_ratio must be finite: what is drawn must have a chance"),
    (lambda: pg.kl_estimate([0.0], ["k1"]), r"kind must be 'k1', 'k2' or 'k3'; got \['k1'\]"),
])  # fmt: skip
def test_what_does_not_fit_is_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

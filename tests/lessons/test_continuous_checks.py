"""Checks of notebook 08: each passes references written another way, and names every listed mistake."""

import math

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu import LinearQuadratic, Policy, Table
from pgedu.lessons import continuous_checks as checks
from pgedu.lessons.continuous_checks import (
    check_gain_gradient, check_normal_estimates, check_squashed_log_prob, check_variance_with_baseline,
)  # fmt: skip
from pgedu.lessons.hills import QuadraticHill


def by_the_policy(rewards, actions, mu, sigma, baseline):
    policy, n = Policy.gaussian(Table(1, 1)), len(rewards)
    theta = np.array([mu, np.log(sigma)])
    return policy.score(theta, np.zeros((1, n), dtype=int), np.reshape(actions, (1, n, 1)), np.reshape(rewards - baseline, (1, n)))


def by_differences(rewards, actions, mu, sigma, baseline, h=1e-6):
    log = lambda mu, s: -(((actions - mu) / math.exp(s)) ** 2) / 2 - s  # noqa: E731
    s = math.log(sigma)
    slopes = [log(mu + h, s) - log(mu - h, s), log(mu, s + h) - log(mu, s - h)]
    return np.transpose(slopes) / (2 * h) * (rewards - baseline)[:, None]


def by_the_hill(c, M, sigma, d):
    hill, mu = QuadraticHill(d, c), np.full(d, np.sqrt(M / d))
    return hill.score_variance(mu, sigma, hill.expected(mu, sigma))


def by_hand(c, M, sigma, d):
    """Component i: f - E f = -c/2 (2 sigma m z + sigma^2 (z^2 - 1)), summed; E of its square times z_i^2 / sigma^2."""
    return c**2 / 4 * (sum(4 * M + 2 * sigma**2 * d for _ in range(d)) + 8 * M + 8 * sigma**2 * d) - c**2 * M


def numerically(u, mean, std, limit, h=1e-5):
    """From the share of actions in a small piece about a, as the piece of u that it comes from."""
    found = []
    for each in u:
        ends = [math.erf((x - mean) / std / math.sqrt(2)) / 2 for x in (each - h, each + h)]
        wide = 2 * h * np.exp(-2 * abs(each)) * 4 / (1 + np.exp(-2 * abs(each))) ** 2 if abs(each) > 5 else np.tanh(each + h) - np.tanh(each - h)
        found.append(math.log((ends[1] - ends[0]) / (limit * wide)))
    return np.array(found)


def squashed(u, mean, std, limit):
    softplus = np.logaddexp(0, -2 * u)
    return -(((u - mean) / std) ** 2) / 2 - np.log(std * limit) - np.log(2 * np.pi) / 2 - 2 * (np.log(2) - u - softplus)


def by_the_world(K, a, b, q, r, gamma, start):
    return LinearQuadratic(a, b, q, r, start_covariance=start, gamma=gamma).gain_gradient([K])[0]


def by_quotient_rule(K, a, b, q, r, gamma, start):
    top, bottom = q + r * K * K, 1 - gamma * (a - b * K) ** 2
    return -start * (2 * r * K * bottom - top * 2 * gamma * b * (a - b * K)) / bottom**2


RIGHT = {
    check_normal_estimates: [by_the_policy, by_differences],
    check_variance_with_baseline: [by_the_hill, by_hand],
    check_squashed_log_prob: [squashed, numerically],
    check_gain_gradient: [by_the_world, by_quotient_rule],
}
MISTAKES = {
    check_normal_estimates: checks.ESTIMATE_MISTAKES, check_variance_with_baseline: checks.VARIANCE_MISTAKES,
    check_squashed_log_prob: checks.TANH_MISTAKES, check_gain_gradient: checks.GAIN_MISTAKES,
}  # fmt: skip


@pytest.mark.parametrize("check, i", each_with_its_number(RIGHT))
def test_right_answers_pass(check, i):
    passes(check, RIGHT[check][i])


@pytest.mark.parametrize("check", MISTAKES)
def test_each_mistake_is_named(check):
    named_alone(check, MISTAKES[check])


@pytest.mark.parametrize("check", MISTAKES)
def test_untouched_and_other_answers(check):
    def dots(*given):
        """..."""
        ...

    assert not check(dots).attempted
    assert "exactly -1 times" in check(lambda *given: -np.asarray(RIGHT[check][0](*given))).message


def test_a_correction_that_breaks_far_out_is_told_so():
    def naive(u, mean, std, limit):
        return -(((u - mean) / std) ** 2) / 2 - np.log(std * limit) - np.log(2 * np.pi) / 2 - np.log(1 - np.tanh(u) ** 2)

    refuses(check_squashed_log_prob, naive, "NaN or infinity")
    floored = lambda u, m, s, limit: naive(u, m, s, limit) if np.abs(u).max() < 5 else squashed(u, m, s, limit) - 1  # noqa: E731
    refuses(check_squashed_log_prob, floored, "the right one")
    little = lambda u, m, s, L: squashed(u, m, s, L) + 2 * (np.log(2) - u - np.logaddexp(0, -2 * u)) - np.log(1 - np.tanh(u) ** 2 + 1e-6)  # noqa: E731
    refuses(check_squashed_log_prob, little, "The small number")

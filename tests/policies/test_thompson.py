"""The probabilities of Thompson sampling against exact integrals, sums in closed form, and draws."""

import itertools
from fractions import Fraction
from math import comb, exp, lgamma
from statistics import NormalDist

import numpy as np
import pytest

from pgedu import open_bandit_prior, thompson_sampling


def times(p, q):
    """The product of two polynomials, whose coefficients are exact fractions."""
    product = [Fraction(0)] * (len(p) + len(q) - 1)
    for (i, a), (j, b) in itertools.product(enumerate(p), enumerate(q)):
        product[i + j] += a * b
    return product


def plus(p, q):
    return [a + b for a, b in itertools.zip_longest(p, q, fillvalue=Fraction(0))]


def integral(p):
    return [Fraction(0)] + [a / (power + 1) for power, a in enumerate(p)]


def by_fractions(alpha, beta, places):
    """Exact for small whole numbers: densities, distribution functions and their products are polynomials in x."""
    densities = [times([Fraction(0)] * (a - 1) + [1], [Fraction((-1) ** k * comb(b - 1, k)) for k in range(b)]) for a, b in zip(alpha, beta)]
    densities = [[a / sum(integral(f)) for a in f] for f in densities]
    chances = np.zeros((len(alpha), places))
    for arm, density in enumerate(densities):
        exactly = [[Fraction(1)]] + [[Fraction(0)]] * (len(alpha) - 1)  # so many others above x
        for below in (integral(f) for j, f in enumerate(densities) if j != arm):
            above = plus([Fraction(1)], [-a for a in below])
            exactly = [plus(times(p, below), times(q, above)) for p, q in zip(exactly, [[Fraction(0)], *exactly])]
        chances[arm] = [float(sum(integral(times(density, p)))) for p in exactly[:places]]
    return chances


def chance_of_being_better(a, b, c, d):
    """P(Beta(a, b) > Beta(c, d)) for a whole number a: a sum of a terms."""
    log_beta = lambda p, q: lgamma(p) + lgamma(q) - lgamma(p + q)  # noqa: E731
    return sum(exp(log_beta(c + i, b + d) - np.log(b + i) - log_beta(1 + i, b) - log_beta(c, d)) for i in range(a))


@pytest.mark.parametrize("places", [1, 2, 3, 4])
def test_against_exact_integrals(places):
    alpha, beta = [1, 2, 4, 1], [1, 3, 2, 5]
    assert thompson_sampling(alpha, beta, places=places) == pytest.approx(by_fractions(alpha, beta, places), abs=1e-10)


@pytest.mark.parametrize("pair", [
    (857, 181745, 100, 24665), (3, 2, 5, 9), (1, 0.5, 0.5, 1), (2, 0.3, 400, 1e6), (1, 1, 0.5, 0.1), (20000, 30000, 1, 1),
    (1, 0.05, 0.05, 0.05), (1, 0.05, 0.05, 40),
])  # fmt: skip
def test_two_arms_in_closed_form(pair):
    a, b, c, d = pair
    better = chance_of_being_better(*pair)
    wanted = [[better, 1 - better], [1 - better, better]]
    assert thompson_sampling([a, c], [b, d], places=2) == pytest.approx(np.array(wanted), abs=1e-8)


def test_equal_arms_and_a_single_one():
    assert thompson_sampling([7] * 5, [90] * 5, places=5) == pytest.approx(np.full((5, 5), 0.2), abs=1e-10)
    assert thompson_sampling([3], [4]) == pytest.approx(np.ones((1, 1)), abs=1e-12)


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_the_shop(campaign):
    alpha, beta = open_bandit_prior(campaign)
    found = thompson_sampling(alpha, beta, places=3)
    assert found.sum(axis=0) == pytest.approx(np.ones(3), abs=1e-8) and found.min() > 0
    draws = 20_000
    ranked = np.argsort(-np.random.default_rng(0).beta(alpha, beta, (draws, len(alpha))), axis=1)[:, :3]
    counted = np.array([np.bincount(column, minlength=len(alpha)) for column in ranked.T]).T / draws
    assert (np.abs(counted - found) < 5 * np.sqrt(found / draws) + 1 / draws).all()


@pytest.mark.parametrize("count", [1e9, 1e12, 1e14])
def test_many_successes_are_as_good_as_normal(count):
    """So many that the posterior of each arm is normal to 1e-9; they lie a standard deviation apart."""
    apart = np.sqrt(1 / (8 * count))
    found = thompson_sampling(count * np.array([1 + 2 * apart, 1]), count * np.array([1 - 2 * apart, 1]))
    assert found[0] == pytest.approx(NormalDist().cdf(0.5**0.5), abs=1e-9)


def test_all_places_are_taken_by_all_arms():
    found = thompson_sampling([3, 40, 500, 2], [30, 300, 6000, 9], places=4)
    assert found.sum(axis=0) == pytest.approx(np.ones(4), abs=1e-10) and found.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-10)


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: thompson_sampling([1, 0], [1, 1]), r"alpha must be \[A\], numbers of 0.05 or more; got \[1, 0\]"),
    (lambda: thompson_sampling([1, 1], [1, -1]), "beta must be"), (lambda: thompson_sampling([], []), "alpha must be"),
    (lambda: thompson_sampling([1, 1], [1]), r"beta must be \[A\] = \(2,\); got shape \(1,\)"),
    (lambda: thompson_sampling([1, np.nan], [1, 1]), "alpha must be finite"), (lambda: thompson_sampling(1, 1), "alpha must be"),
    (lambda: thompson_sampling([1, 1], [1, 1], places=3), "places must be a whole number between 1 and 2; got 3"),
])  # fmt: skip
def test_arguments_that_do_not_fit(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

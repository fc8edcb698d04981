"""Customers per arm, a guardrail's price, how long to test: checks pass their references, and name each listed mistake."""

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu.lessons import pilot_checks
from pgedu.lessons.guardrail import PROFITS, SHARES, best_price
from pgedu.lessons.pilot_checks import check_arm_size, check_price, check_roll_size

z = NormalDist().inv_cdf


def sigma(x):
    return 1 / (1 + np.exp(-x))


def size(before, after, alpha, power):
    return (z(1 - alpha / 2) + z(power)) ** 2 * (before * (1 - before) + after * (1 - after)) / (after - before) ** 2


def price(shares, profits, tau, limit):
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        if (shares * sigma((profits - middle) / tau)).sum() > limit:
            low = middle
        else:
            high = middle
    return middle


def price_by_newton(shares, profits, tau, limit):
    found = 0.0
    for _ in range(200):
        pi = sigma((profits - found) / tau)
        found = max(0.0, found + 0.5 * (shares @ pi - limit) * tau / max(shares @ (pi * (1 - pi)), 1e-9))
    return found


def roll(customers, noise, prior):
    k = noise**2 / prior**2
    return sqrt(customers * k / 4 + (3 * k / 4) ** 2) - 3 * k / 4


def coarse(shares, profits, tau, limit):
    """Good enough: 25 halvings, and 0 only nearly."""
    low, high = 0.0, 10.0
    for _ in range(25):
        middle = (low + high) / 2
        low, high = (middle, high) if shares @ sigma((profits - middle) / tau) > limit else (low, middle)
    return middle


def at(shares, profits, tau, limit, used, clip=True):
    """The price at which used(price) is the limit; 0 where it is below it at no price, if `clip`."""
    low, high = -30.0, 30.0
    if clip and used(0.0) <= limit:
        return 0.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if used(middle) > limit else (low, middle)
    return high


RIGHT = {
    check_arm_size: [size, lambda p, q, a, w: np.float64(size(q, p, a, w))],
    check_price: [price, price_by_newton, coarse],
    check_roll_size: [roll, lambda N, s, p: np.array([roll(N, s, p)])],
}
WRONG = {
    check_arm_size: [
        (lambda p, q, a, w: 16 * (p + q) / 2 * (1 - (p + q) / 2) / (p - q) ** 2, "rule of thumb"),
        (lambda *each: 2 * size(*each), "total of both arms"),
        (lambda p, q, a, w: size(p, q, 2 * a, w), "one-sided"),
        (lambda p, q, a, w: (z(1 - a / 2) + z(w)) ** 2 * (p + q) * (1 - (p + q) / 2) / (q - p) ** 2, "pooled variance"),
        (lambda p, q, a, w: (z(1 - a / 2) + z(w)) ** 2 * 2 * p * (1 - p) / (q - p) ** 2, "variance twice"),
        (lambda p, q, a, w: (z(1 - a / 2) + z(w)) ** 2 * p * (1 - p) / (q - p) ** 2, "one arm alone"),
        (lambda p, q, a, w: size(p, q, a, w) / (z(1 - a / 2) + z(w)), "not squared"),
        (lambda p, q, a, w: size(p, q, a, w) * abs(q - p), "difference of the rates is not squared"),
        (lambda p, q, a, w: size(p, q, a, 1 - w), "taken off"), (lambda p, q, a, w: size(p, q, a, 0.5), "one case of two"),
        (lambda p, q, a, w: (z(1 - a / 2) + z(w)) ** 2 * (sqrt(p * (1 - p)) + sqrt(q * (1 - q))) / (q - p) ** 2, "Standard deviations"),
        (lambda *each: 0.5 * size(*each), "1/2 times"),
    ],
    check_price: [
        (lambda *each: -price(*each), "sign"),
        (lambda w, r, tau, c: at(w, r, tau, c, lambda x: sigma((r - x) / tau).mean()), "weighted with the shares"),
        (lambda w, r, tau, c: at(w, r, tau, c, lambda x: w @ sigma(r - x)), "tau is missing"),
        (lambda w, r, tau, c: at(w, r, tau, c, lambda x: w @ sigma((r - x) * tau)), "multiply by tau"),
        (lambda w, r, tau, c: at(w, r, tau, c, lambda x: w @ sigma((r - x) / tau), clip=False), "price is 0, not below"),
        (lambda w, r, tau, c: sigma((r - price(w, r, tau, c)) / tau), "One number is asked for"),
    ],
    check_roll_size: [
        (lambda N, s, p: sqrt(N) * s / p / 2, "audiences without end"),
        (lambda N, s, p: roll(N, p, s), "upside down"), (lambda N, s, p: roll(N, sqrt(s), sqrt(p)), "k holds variances"),
        (lambda N, s, p: roll(4 * N, s, p), "N k stands"), (lambda *each: 2 * roll(*each), "total of both arms"),
        (lambda N, s, p: roll(N, s, p) + 1.5 * s**2 / p**2, "added at the end"),
        (lambda N, s, p: roll(N, s, p) + 0.75 * s**2 / p**2, "not taken off at the end"),
        (lambda N, s, p: sqrt(N * (s / p) ** 2 / 4 + 0.75 * (s / p) ** 2) - 0.75 * (s / p) ** 2, "must be squared"),
        (lambda N, s, p: sqrt(N) * s / p / 2 - 0.75 * (s / p) ** 2, "squared is missing"),
    ],
}  # fmt: skip


def test_the_price_is_the_lessons():
    assert price(SHARES, PROFITS, 0.2, 0.35) == pytest.approx(best_price(0.2))


@pytest.mark.parametrize(("check", "i"), each_with_its_number(RIGHT), ids=lambda each: getattr(each, "__name__", each))
def test_right_answers_pass(check, i):
    passes(check, RIGHT[check][i])


@pytest.mark.parametrize(("check", "i"), each_with_its_number(WRONG), ids=lambda each: getattr(each, "__name__", each))
def test_wrong_answers_are_named(check, i):
    refuses(check, *WRONG[check][i])


@pytest.mark.parametrize(("check", "mistakes"), [
    (check_arm_size, pilot_checks.SIZE_MISTAKES), (check_price, pilot_checks.PRICE_MISTAKES), (check_roll_size, pilot_checks.ROLL_MISTAKES),
], ids=lambda each: getattr(each, "__name__", ""))  # fmt: skip
def test_each_mistake_has_a_sentence_of_its_own(check, mistakes):
    named_alone(check, mistakes)


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_untouched(check):
    def untouched(*_):
        """Nothing yet."""
        ...

    assert not check(untouched).attempted

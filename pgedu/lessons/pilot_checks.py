"""Exact checks of the exercises of notebook 14: customers per arm, the price of a guardrail, how long to test."""

from functools import wraps

import numpy as np

from pgedu.lessons.experiment_arithmetic import NORMAL, arm_size, roll_size
from pgedu.lessons.verdicts import compare, judged

z = NORMAL.inv_cdf


def _size(two_sided=True, variance=lambda p, q: p * (1 - p) + q * (1 - q), squares=(2, 2), sign=1):
    """n per arm, with one of its parts changed."""

    def size(before, after, alpha, power):
        zs = z(1 - alpha / (2 if two_sided else 1)) + sign * z(power)
        return zs ** squares[0] * variance(before, after) / abs(after - before) ** squares[1]

    return size


def _pooled(p, q):
    return 2 * (p + q) / 2 * (1 - (p + q) / 2)


def right_size(before, after, alpha, power):
    """`arm_size`, by place."""
    return arm_size(before, after, power=power, alpha=alpha)


SIZE_MISTAKES = [
    ("This is the total of both arms: n is for each of them.", lambda *each: 2 * right_size(*each)),
    ("Your z is that of a one-sided test: two sides share alpha, so take 1 - alpha / 2.", _size(two_sided=False)),
    ("You use one pooled variance for both arms: each has its own, p (1 - p).", _size(variance=_pooled)),
    ("You use the old arm's variance twice: the new arm has its own.", _size(variance=lambda p, q: 2 * p * (1 - p))),
    ("The variance of one arm alone: a difference of two means has the variances of both.", _size(variance=lambda p, q: p * (1 - p))),
    ("16 p (1 - p) over the difference squared is a rule of thumb, for a level of 5 % and a power of 80 % alone: use both z.",
     lambda p, q, alpha, power: 8 * _pooled(p, q) / (q - p) ** 2),
    ("The z are not squared.", _size(squares=(1, 2))), ("The difference of the rates is not squared.", _size(squares=(2, 1))),
    ("z of the power is taken off: both z add up, since both kinds of error must be kept small.", _size(sign=-1)),
    ("z of the power is missing: so large a test finds the change in one case of two.", _size(sign=0)),
    ("Standard deviations were added instead of variances.",
     _size(variance=lambda p, q: np.sqrt(p * (1 - p)) + np.sqrt(q * (1 - q)))),
]  # fmt: skip


@judged
def check_arm_size(student):
    """f(before, after, alpha, power) -> customers per arm, a number (not rounded)."""
    cases = [{"before": p, "after": q, "alpha": a, "power": w}
             for p, q, a, w in ((0.02, 0.022, 0.05, 0.8), (0.3, 0.2, 0.01, 0.9), (0.004, 0.006, 0.1, 0.7))]  # fmt: skip
    return compare(student, right_size, cases, "Right: for each arm, and as 1 over the square of what you look for.", SIZE_MISTAKES)


def _price(used, clip=True):
    """The price at which used(price, ...) falls to the limit, by bisection; 0 where it is below it already, if `clip`."""

    def price(shares, profits, tau, limit):
        low, high = -60.0, 60.0
        if clip and used(0.0, shares, profits, tau) <= limit:
            return 0.0
        for _ in range(100):
            middle = (low + high) / 2
            low, high = (middle, high) if used(middle, shares, profits, tau) > limit else (low, middle)
        return high

    return price


def _sigma(x):
    return 1 / (1 + np.exp(-np.clip(x, -700, 700)))


RIGHT_PRICE = _price(lambda price, w, r, tau: w @ _sigma((r - price) / tau))
PRICE_MISTAKES = [
    ("The sign is turned round: a price is taken off the profit, r - price.", lambda *each: -RIGHT_PRICE(*each)),
    ("All segments count alike: contacts a head are the mean weighted with the shares.",
     _price(lambda price, w, r, tau: _sigma((r - price) / tau).mean())),
    ("tau is missing: (r - price) / tau.", _price(lambda price, w, r, tau: w @ _sigma(r - price))),
    ("You multiply by tau: (r - price) / tau.", _price(lambda price, w, r, tau: w @ _sigma((r - price) * tau))),
    ("Where the limit is kept anyway the price is 0, not below: nobody is paid for a contact.",
     _price(lambda price, w, r, tau: w @ _sigma((r - price) / tau), clip=False)),
]  # fmt: skip


@judged
def check_price(student):
    """f(shares [S], profits [S], tau, limit) -> the lowest price >= 0 at which contacts a head keep the limit."""
    w, r = np.array([0.1, 0.2, 0.3, 0.4]), np.array([3.0, 1.0, 0.5, -0.2])
    cases = [{"shares": w, "profits": r, "tau": 0.2, "limit": 0.35}, {"shares": w[::-1].copy(), "profits": r, "tau": 0.5, "limit": 0.5},
             {"shares": w, "profits": r, "tau": 0.2, "limit": 0.9}]  # fmt: skip
    praise = "Right: one more contact a head is worth this much, and 0 where nobody wants it."
    return compare(_zero_if_nearly(student), RIGHT_PRICE, cases, praise, PRICE_MISTAKES)


def _zero_if_nearly(student):
    """Halving an interval comes near to 0 only, which is as good."""

    @wraps(student)
    def answer(*given):
        found = student(*given)
        return 0.0 if isinstance(found, float) and abs(found) < 1e-6 else found

    return answer


def _roll(k=lambda noise, prior: (noise / prior) ** 2, quarter=0.25, last=-0.75, times=1.0, inner=0.75):
    def size(customers, noise, prior):
        ratio = k(noise, prior)
        return times * (np.sqrt(customers * ratio * quarter + (inner * ratio) ** 2) + last * ratio)

    return size


ROLL_MISTAKES = [
    ("k is upside down: noise squared over prior squared.", _roll(k=lambda noise, prior: (prior / noise) ** 2)),
    ("k holds variances: (noise / prior) squared.", _roll(k=lambda noise, prior: noise / prior)),
    ("N k stands under the root where N k / 4 belongs.", _roll(quarter=1.0)),
    ("This is the total of both arms: n is for each of them.", _roll(times=2.0)),
    ("3 k / 4 is added at the end: it is taken off.", _roll(last=0.75)),
    ("3 k / 4 is not taken off at the end.", _roll(last=0.0)),
    ("Under the root, 3 k / 4 must be squared.",
     lambda N, noise, prior: np.sqrt(N * (noise / prior) ** 2 / 4 + 0.75 * (noise / prior) ** 2) - 0.75 * (noise / prior) ** 2),
    ("The root of N k / 4 alone is for audiences without end: add (3 k / 4) squared under it, and take 3 k / 4 off.",
     _roll(inner=0.0, last=0.0)),
    ("Under the root, (3 k / 4) squared is missing.", _roll(inner=0.0)),
]  # fmt: skip


@judged
def check_roll_size(student):
    """f(customers, noise, prior) -> customers per arm of the test that brings in most."""
    cases = [{"customers": N, "noise": noise, "prior": prior}
             for N, noise, prior in ((1e6, 0.14, 0.002), (5e4, 0.3, 0.02), (2e3, 1.0, 0.5))]  # fmt: skip
    praise = "Right: it grows as the root of the audience, so large audiences deserve a smaller share of testing."
    return compare(student, roll_size, cases, praise, ROLL_MISTAKES)

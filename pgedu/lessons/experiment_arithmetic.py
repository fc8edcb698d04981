"""The arithmetic of a pilot: how many customers a test needs, what looking early does to it, when to stop testing."""

from functools import lru_cache
from math import ceil, erfc, sqrt
from statistics import NormalDist

import numpy as np

from pgedu.arguments import number, numbers, refuse

NORMAL = NormalDist()
FAR = 9.0  # standard deviations: beyond is nothing
nodes = lru_cache(np.polynomial.legendre.leggauss)  # and their weights, on -1 .. 1; for the density between two bounds


def arm_size(before, after, *, power=0.8, alpha=0.05):
    """Customers per arm, so that a two-sided test at level alpha finds the change of a rate with this chance.

    n = (z_(1 - alpha/2) + z_power)^2 (p1 (1 - p1) + p2 (1 - p2)) / (p2 - p1)^2, for EACH arm.
    Raises:
        ValueError: rates that are equal or not between 0 and 1, a power or an alpha that is not.
    """
    before, after = _chance("before", before), _chance("after", after)
    if before == after:
        raise refuse("after", "another rate than before", after)
    if not _chance("alpha", alpha) / 2 < _chance("power", power):
        raise refuse("power", f"above alpha / 2 = {alpha / 2}, which luck alone has", power)
    z = NORMAL.inv_cdf(1 - alpha / 2) + NORMAL.inv_cdf(power)
    return z**2 * (before * (1 - before) + after * (1 - after)) / (after - before) ** 2


def power_of(before, after, size, *, alpha=0.05):
    """The chance that the test of `arm_size` finds the change with `size` customers per arm, the sign included."""
    before, after = _chance("before", before), _chance("after", after)
    deviation = sqrt((before * (1 - before) + after * (1 - after)) / number("size", size, above=0))
    return NORMAL.cdf(abs(after - before) / deviation - NORMAL.inv_cdf(1 - _chance("alpha", alpha) / 2))


def alarm_rates(bounds, shift=0.0):
    """The chance, [K], that |z| has exceeded its bound at one of the first 1 .. K looks, which are evenly spaced.

    Exact up to quadrature (about 1e-9): the density of the sum so far, between the bounds, is passed on from look to look.

    Args:
        bounds: [K], of |z| at each look.
        shift: the expectation of z at the last look; 0 where there is no difference (an A/A test).
    Source: Armitage, McPherson & Rowe (1969), Repeated significance tests on accumulating data.
    """
    bounds = numbers("bounds", bounds, "[K]")
    if bounds.ndim != 1 or not bounds.size or (bounds <= 0).any():
        raise refuse("bounds", "[K], above 0", bounds.tolist())
    step = number("shift", shift) / sqrt(bounds.size)  # of the sum of one look's worth of customers, whose variance is 1
    sums, mass, kept = np.zeros(1), np.ones(1), []
    for look, bound in enumerate(bounds, start=1):
        half = min(bound, FAR + abs(shift)) * sqrt(look)
        places, weights = nodes(160 * ceil(half / 40))
        following = half * places
        density = np.exp(-((following[:, None] - sums - step) ** 2) / 2) @ mass / sqrt(2 * np.pi)
        sums, mass = following, density * half * weights
        kept.append(mass.sum())
    return 1 - np.array(kept)


def pocock(looks, *, alpha=0.05):
    """The bound, the same at each look, [K], that is ever exceeded with chance alpha where there is no difference. Pocock (1977)."""
    return _bounds(np.ones(number("looks", looks, 1, whole=True)), alpha)


def obrien_fleming(looks, *, alpha=0.05):
    """Bounds that fall as 1 / sqrt(look), [K], with the same promise: hardly ever an early stop. O'Brien & Fleming (1979)."""
    return _bounds(1 / np.sqrt(np.arange(1, number("looks", looks, 1, whole=True) + 1)), alpha)


def _bounds(shape, alpha):
    _chance("alpha", alpha)
    low, high = 0.01, 40.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if alarm_rates(middle * shape)[-1] > alpha else (low, middle)
    return middle * shape


def exaggeration(power, *, alpha=0.05):
    """E[|estimate| / truth, given that the test finds something]: by how much those that won exaggerate.

    Raises:
        ValueError: a power that is not above alpha.
    """
    if not _chance("alpha", alpha) < _chance("power", power):
        raise refuse("power", f"above alpha = {alpha}, which luck alone has", power)
    z = NORMAL.inv_cdf(1 - alpha / 2)
    low, high = 0.0, 2 * z + 10
    for _ in range(80):  # the true difference in standard errors, at which both tails together have that power
        truth = (low + high) / 2
        low, high = (truth, high) if NORMAL.cdf(truth - z) + NORMAL.cdf(-truth - z) < power else (low, truth)
    above = NORMAL.pdf(z - truth) + truth * NORMAL.cdf(truth - z)  # E of the estimate, where it exceeds z
    below = NORMAL.pdf(z + truth) - truth * NORMAL.cdf(-truth - z)
    return (above + below) / (truth * power)


def roll_size(customers, noise, prior):
    """Customers per arm that a test of two arms deserves if the better one then gets all others: n* = sqrt(N k / 4 + (3 k / 4)^2) - 3 k / 4.

    k = noise^2 / prior^2, where `noise` is the standard deviation of one customer's result and `prior` that of an arm's true
    mean. Maximises what N customers bring in all. Source: Feit & Berman (2019), eq. 10.
    """
    k = (number("noise", noise, above=0) / number("prior", prior, above=0)) ** 2
    share = number("customers", customers, above=0) * k / 4
    return share / (sqrt(share + (0.75 * k) ** 2) + 0.75 * k)  # the same, without a difference of two large numbers


def ratio_alarm(first, second, share=0.5):
    """p of the sample ratio: the chance of counts at least so far from `share` : 1 - share, if that is how they were assigned.

    By the normal approximation, a chi-square test with one degree of freedom. Below .001 look for the fault before you look at
    the results.
    """
    for name, value in (("first", first), ("second", second)):
        number(name, value, 0, whole=True)
    total = number("first + second", first + second, 1, whole=True)
    expected = _chance("share", share) * total
    return erfc(abs(first - expected) / sqrt(2 * expected * (1 - share)))


def _chance(name, value):
    if not 0 < number(name, value, 0, 1) < 1:
        raise refuse(name, "between 0 and 1", value)
    return value

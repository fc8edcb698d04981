"""Thousands of pilots of notebook 14 at once: two arms, a share of the customers for each day, and what comes of it.

Measured in days' worth of customers and in the standard deviation of one customer's result, all pilots with the same

    delta = (difference of the two rates) * sqrt(customers a day) / sqrt(p (1 - p))

are alike, whatever their rates and their traffic, as long as a day brings many conversions: a day that gives an arm the
share q adds a normal number to its sum, with mean q * (delta or 0) and variance q. So one grid of deltas holds them all.
"""

from functools import cache
from typing import NamedTuple

import numpy as np

from pgedu.lessons.experiment_arithmetic import NORMAL

DAYS, TEST_DAYS = 56, 8
RUNS, QUIET_RUNS = 4000, 12_000  # for each delta above 0, and of A/A tests
DELTAS = np.linspace(0, 3.1, 25) ** 2
BASE = 0.02  # the old rate
Z = NORMAL.inv_cdf(0.975)
STEP = 256  # of the table below: places for one standard deviation
NORMAL_TABLE = np.array([NORMAL.cdf(i / STEP) for i in range(-8 * STEP, 8 * STEP + 1)])
HARDLY = 1e-9  # a share of 0 would leave a mean of nothing


def chance_below(z):
    """The normal distribution function of an array, to .001, in little time."""
    return NORMAL_TABLE.take(np.rint(np.clip(z, -8, 8) * STEP).astype(np.int32) + 8 * STEP)


def fixed():
    """One half, always."""
    return lambda day, z, share, sums, sizes: share


def test_and_roll(last=TEST_DAYS):
    """One half for so many days; then all customers to the arm that is ahead, and no more questions."""
    return lambda day, z, share, sums, sizes: np.where(z > 0, 1 - HARDLY, HARDLY) if day == last else share


def thompson(floor=0.0):
    """Tomorrow's share is today's chance that the new arm is the better one, but never less than `floor` for either."""
    least = max(floor, HARDLY)
    return lambda day, z, share, sums, sizes: np.clip(chance_below(z), least, 1 - least)


def gradient(rate=0.4534):
    """A softmax of two preferences that follows the sampled policy gradient, with the mean so far as its baseline.

    In units of a day; at 2 % and 4,000 customers a day it is a learning rate of .05 for each customer.
    """
    state = {"difference": 0.0, "sum": 0.0}

    def rule(day, z, share, sums, sizes):
        baseline = state["sum"] / (day - 1) if day > 1 else sums.sum(axis=0)
        old, new = sums - baseline * sizes
        state["difference"] = state["difference"] + 2 * rate * ((1 - share) * new - share * old)
        state["sum"] = state["sum"] + sums.sum(axis=0)
        return (1 / (1 + np.exp(-np.clip(state["difference"], -20, 20)))).clip(HARDLY, 1 - HARDLY)

    return rule


METHODS = {"fixed": fixed, "test and roll": test_and_roll, "Thompson": thompson,
           "Thompson, floor 10 %": lambda: thompson(0.1), "gradient bandit": gradient}  # fmt: skip


class Pilots(NamedTuple):
    """Many pilots, day by day: [T, R] both; and at the end [2, R], the old arm and the new one."""

    shares: np.ndarray  # of the new arm
    z: np.ndarray  # of the comparison after that day
    means: np.ndarray  # over an arm's own customers
    weighted: np.ndarray  # over all customers, each result divided by its logged propensity


def luck(seed, runs):
    """What chance brings to so many pilots, [T, 2, R]."""
    return np.random.default_rng(seed).standard_normal((DAYS, 2, runs))


def pilots(rule, delta, noise):
    """As many pilots as `noise` [T, 2, R] holds, under one rule."""
    totals, customers, weighted = np.zeros((3, *noise.shape[1:]))
    share, shares, scores = np.full(noise.shape[2], 0.5), [], []
    for day, draws in enumerate(noise, start=1):
        sizes = np.stack([1 - share, share])
        sums = np.sqrt(sizes) * draws
        sums[1] += share * delta
        totals += sums
        customers += sizes
        weighted += sums / sizes
        z = (totals[1] / customers[1] - totals[0] / customers[0]) / np.sqrt((1 / customers).sum(axis=0))
        shares.append(share)
        scores.append(z)
        share = rule(day, z, share, sums, sizes)
    return Pilots(np.array(shares), np.array(scores), totals / customers, weighted / len(noise))


class Table(NamedTuple):
    """One method on the grid of deltas, day by day: [G, T] all, but for z, of A/A tests, [T, R]."""

    wasted: np.ndarray  # days' worth of customers who had the worse arm so far
    right: np.ndarray  # chance that the better arm is ahead
    share: np.ndarray  # mean share of the better arm
    low: np.ndarray  # and what 8 of 10 pilots lie between
    high: np.ndarray
    z: np.ndarray


@cache
def table_of(method):
    """The `Table` of a method, by its name in METHODS. All deltas share their luck, so that curves over them are smooth."""
    noise, rows = luck(14, RUNS), []
    for delta in DELTAS:
        found = pilots(METHODS[method](), delta, noise)
        low, high = np.percentile(found.shares[:, :1000], (10, 90), axis=1)
        share = found.shares.mean(axis=1)
        rows.append(((1 - share).cumsum(), (found.z > 0).mean(axis=1), share, low, high))
    return Table(*map(np.array, zip(*rows)), quiet_scores(METHODS[method]))


def quiet_scores(start):
    """z of QUIET_RUNS A/A tests, [T, R]; `start` makes a rule. The same luck for every rule."""
    return np.concatenate([pilots(start(), 0.0, luck(seed, RUNS)).z for seed in range(QUIET_RUNS // RUNS)], axis=1)


def at(values, delta):
    """A row of values [G, T] for any delta: the cubic in its root through the four nearest of the grid."""
    place = np.interp(np.sqrt(delta), np.sqrt(DELTAS), np.arange(len(DELTAS)))
    first = int(np.clip(np.floor(place) - 1, 0, len(DELTAS) - 4))
    nodes = np.arange(first, first + 4)
    others = [np.delete(nodes, i) for i in range(4)]
    weights = [np.prod(place - other) / np.prod(node - other) for node, other in zip(nodes, others)]
    return weights @ values[nodes]


def delta_of(traffic, effect, base=BASE):
    """The only number that counts: what a day's customers tell about a difference of rates."""
    p = base + effect / 2
    return effect * np.sqrt(traffic / (p * (1 - p)))


def look_days(days, looks):
    """The days, counted from 1, after which somebody looks: evenly spaced, the last one at the end."""
    return np.rint(days * np.arange(1, looks + 1) / looks).astype(int)


def alarms(method, bounds, days=DAYS):
    """The chance that an A/A test is ever beyond its bounds at one of the looks: by QUIET_RUNS simulated ones."""
    z = table_of(method).z[look_days(days, len(bounds)) - 1]
    return (np.abs(z) > np.asarray(bounds)[:, None]).any(axis=0).mean()


def counted_pilots(floor, rates, rng, runs=6000, traffic=4000, days=DAYS):
    """Thompson sampling customer by customer, without the approximation above: (shares [T, R], n, conversions [2, R]).

    Each customer's arm and each conversion is drawn; the posterior of a rate is Beta(1 + conversions, 1 + others), of which
    mean and variance are used.
    """
    n, won = np.zeros((2, runs), int), np.zeros((2, runs), int)
    share, shares = np.full(runs, 0.5), []
    for _ in range(days):
        shares.append(share)
        new = rng.binomial(traffic, share)
        sizes = np.stack([traffic - new, new])
        n, won = n + sizes, won + rng.binomial(sizes, np.reshape(rates, (2, 1)))
        mean = (1 + won) / (2 + n)
        z = (mean[1] - mean[0]) / np.sqrt((mean * (1 - mean) / (3 + n)).sum(axis=0))
        share = np.clip(chance_below(z), floor, 1 - floor)
    return np.array(shares), n, won


def scores_of(n, won):
    """z of the difference of two rates, [R], from counts [2, R]: (each arm's own variance, that of both together)."""
    rate, pooled = won / n, won.sum(axis=0) / n.sum(axis=0)
    difference = rate[1] - rate[0]
    own = np.sqrt((rate * (1 - rate) / n).sum(axis=0))
    return difference / own, difference / np.sqrt(pooled * (1 - pooled) * (1 / n).sum(axis=0))

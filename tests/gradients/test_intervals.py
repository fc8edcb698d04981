"""Intervals against their defining equations, and their coverage against all logs of a bandit, counted."""

import itertools
from math import lgamma, sqrt

import numpy as np
import pytest

from pgedu import normal_interval, open_bandit, open_bandit_prior, rollout_from_table, standard_error
from pgedu import thompson_sampling, trajectory_importance, weighted_importance, wilson_interval
from test_off_policy import LOGGER, PAYS, TARGET, VALUE, one_step_log

Z = 1.959963984540054


def counts(total, kinds):
    """Every way in which `total` rows can be of so many kinds, [N, kinds]."""
    bars = np.array(list(itertools.combinations(range(total + kinds - 1), kinds - 1)))
    ends = np.full((len(bars), 1), -1), np.full((len(bars), 1), total + kinds - 1)
    return np.diff(np.concatenate([ends[0], bars, ends[1]], axis=1), axis=1) - 1


def probability(counts, chances):
    log_factorials = np.array([lgamma(k + 1) for k in range(counts[0].sum() + 1)])
    return np.exp(log_factorials[-1] - log_factorials[counts].sum(axis=1) + counts @ np.log(chances))


KINDS = list(itertools.product(range(3), (0, 1)))  # of rows: arm, click
CHANCES = np.array([LOGGER[arm] * (PAYS[arm] if click else 1 - PAYS[arm]) for arm, click in KINDS])
WEIGHTS, CLICKS = np.array([(TARGET[arm] / LOGGER[arm], click) for arm, click in KINDS]).T


def logs(counts):
    """The logs [N, B] that have these counts [N, 6], and what a target makes of them."""
    rows = np.array([np.repeat(np.arange(6), each) for each in counts])
    arms, clicks = np.array(KINDS)[rows].transpose(2, 0, 1)
    return one_step_log(arms, clicks), np.log(TARGET)[arms][None]


def exact_coverage(rows):
    """Of the normal interval of IPS, from sums over counts alone: rows are worth 0, 1/6, 2/3 or 7."""
    worth, chances = np.append(0, WEIGHTS[1::2]), np.append(CHANCES[::2].sum(), CHANCES[1::2])
    ways = counts(rows, 4)
    mean = ways @ worth / rows
    variance = np.maximum(ways @ worth**2 - rows * mean**2, 0) / (rows - 1)
    return probability(ways, chances) @ (np.abs(mean - VALUE) <= Z * np.sqrt(variance / rows))


@pytest.mark.parametrize(("rows", "coverage"), [(10, 0.46), (30, 0.84), (100, 0.93)])
def test_coverage_of_the_normal_interval(rows, coverage):
    exact = exact_coverage(rows)
    assert exact == pytest.approx(coverage, abs=5e-3)
    trials = 4000
    drawn = np.random.default_rng(0).multinomial(rows, CHANCES, size=trials)
    low, high = normal_interval(trajectory_importance(*logs(drawn)))
    held = ((low <= VALUE) & (high >= VALUE)).mean()
    assert abs(held - exact) < 4 * sqrt(exact * (1 - exact) / trials)


def test_coverage_of_the_interval_of_self_normalised_weights():
    """All 3,003 logs of 10 rows. The interval by hand: V +- z sqrt(sum w^2 (r - V)^2 n / (n - 1)) / sum w."""
    ways = counts(10, 6)
    chances = probability(ways, CHANCES)
    assert chances.sum() == pytest.approx(1, rel=1e-12) and len(ways) == 3003
    total = ways @ WEIGHTS
    value = ways @ (WEIGHTS * CLICKS) / total
    squares = (ways * (WEIGHTS * (CLICKS - value[:, None])) ** 2).sum(axis=1)
    low, high = normal_interval(weighted_importance(*logs(ways)))
    assert (low + high) / 2 == pytest.approx(value, rel=1e-12)
    assert high - low == pytest.approx(2 * Z * np.sqrt(squares * 10 / 9) / total, rel=1e-9, abs=1e-12)
    assert chances @ ((low <= VALUE) & (high >= VALUE)) == pytest.approx(0.54, abs=6e-3)


def test_normal_interval_on_runs_and_other_confidences():
    values = np.random.default_rng(0).normal(size=(3, 2, 50))
    low, high = normal_interval(values, confidence=0.6826894921370859)  # one standard error on either side
    assert low.shape == (3, 2) and high - low == pytest.approx(2 * standard_error(values), rel=1e-12)
    assert (low + high) / 2 == pytest.approx(values.mean(axis=-1), abs=1e-12)


def test_the_normal_interval_of_the_open_bandit_log():
    """Published for this estimate: .0015 to .0093, with draws and a policy of their own; a bootstrap is skewed, as clicks are."""
    log, pi = open_bandit("all"), thompson_sampling(*open_bandit_prior("all"), places=3)
    rollout = rollout_from_table(**log.table())
    terms = trajectory_importance(rollout, np.log(pi)[rollout.actions, rollout.observations[:-1]])
    draws = np.random.default_rng(0).multinomial(terms.size, np.full(terms.size, 1 / terms.size), size=1000) @ terms / terms.size
    assert np.quantile(draws, [0.025, 0.975]) == pytest.approx([0.0015, 0.0093], rel=0.1)
    assert normal_interval(terms) == (pytest.approx(0.00046, abs=1e-5), pytest.approx(0.00866, abs=1e-5))


@pytest.mark.parametrize(("campaign", "policy", "percent"), [
    ("all", "random", (0.28, 0.52)), ("all", "bts", (0.31, 0.57)), ("men", "random", (0.35, 0.61)), ("men", "bts", (0.55, 0.87)),
])  # fmt: skip
def test_wilson_intervals_of_the_open_bandit_logs(campaign, policy, percent):
    log = open_bandit(campaign, policy)
    low, high = wilson_interval(log.clicks.sum(), log.n_rows)
    assert (100 * low, 100 * high) == pytest.approx(percent, abs=5e-3)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.999])
def test_wilson_solves_its_equation(confidence):
    """Each end p lies exactly z deviations sqrt(p (1 - p) / n) from the share."""
    k, n = np.array([1, 5, 9, 300]), np.array([10, 10, 10, 70_000])
    z = {0.5: 0.674489750196, 0.9: 1.644853626951, 0.95: Z, 0.999: 3.290526731492}[confidence]
    for end in wilson_interval(k, n, confidence=confidence):
        assert np.abs(k / n - end) / np.sqrt(end * (1 - end) / n) == pytest.approx(np.full(4, z), rel=1e-9)
    assert wilson_interval(0, 100) == pytest.approx((0, Z**2 / (100 + Z**2)), abs=1e-15)
    assert wilson_interval(100, 100) == pytest.approx((100 / (100 + Z**2), 1), abs=1e-15)
    n = np.arange(1, 2000)
    assert (wilson_interval(n, n)[1] <= 1).all() and (wilson_interval(0 * n, n)[0] >= 0).all()  # rounding included


@pytest.mark.parametrize("rows", [300, 1000, 10_000])
def test_for_clicks_wilson_keeps_its_promise_where_the_normal_interval_does_not(rows, rate=0.0046):
    """Exactly, over all numbers of clicks. As Brown, Cai & DasGupta (2001) have it: near 95 %, against far less."""
    k = np.arange(200)  # more clicks than that do not happen
    binomial = [lgamma(rows + 1) - lgamma(j + 1) - lgamma(rows - j + 1) for j in k]
    chances = np.exp(binomial + k * np.log(rate) + (rows - k) * np.log1p(-rate))
    assert chances.sum() == pytest.approx(1, abs=1e-9)
    low, high = wilson_interval(k, rows)
    assert chances @ ((low <= rate) & (rate <= high)) == pytest.approx(0.95, abs=0.015)
    if rows == 300:  # where one log in four has no click at all
        low, high = normal_interval(np.arange(rows) < k[:, None])
        assert chances @ ((low <= rate) & (rate <= high)) < 0.8


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: normal_interval([1.0]), "contributions must be .* B of 2 or more"),
    (lambda: normal_interval([1, 2], confidence=1), "confidence must be below 1; got 1"),
    (lambda: normal_interval([1, 2], confidence=95), "confidence must be a number above 0 and up to 1; got 95"),
    (lambda: wilson_interval([1, 2, 3], [10, 20]), r"successes must be of a shape that fits that of trials, \(2,\); got shape \(3,\)"),
    (lambda: wilson_interval(3, 2), "successes must be whole numbers from 0 to the number of trials; got 3"),
    (lambda: wilson_interval("few", 2), "successes must be numbers"), (lambda: wilson_interval(1, "many"), "trials must be numbers"),
    (lambda: wilson_interval(0.5, 2), "successes must be"), (lambda: wilson_interval(-1, 2), "successes must be"),
    (lambda: wilson_interval(0, 0), "trials must be whole numbers above 0; got 0"), (lambda: wilson_interval(0, 2.5), "trials must be"),
])  # fmt: skip
def test_arguments_that_do_not_fit(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

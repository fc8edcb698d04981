"""Pilots by the thousand: against closed forms, and against pilots in which every customer is counted."""

import numpy as np
import pytest

from pgedu import thompson_sampling

from pgedu.lessons.experiment_arithmetic import NORMAL, alarm_rates
from pgedu.lessons.pilot_runs import (
    BASE, DAYS, DELTAS, QUIET_RUNS, RUNS, Z, alarms, at, chance_below, counted_pilots, delta_of, fixed, gradient, look_days,
    luck, pilots, quiet_scores, scores_of, table_of, thompson,
)  # fmt: skip

HERE = delta_of(4000, 0.002)


def test_the_table_of_the_normal_distribution():
    z = np.linspace(-9, 9, 1001)
    assert chance_below(z) == pytest.approx([NORMAL.cdf(each) for each in z], abs=1e-3)


def test_delta_is_the_shift_of_a_day():
    assert HERE == pytest.approx(0.002 * np.sqrt(4000) / np.sqrt(0.021 * 0.979))


@pytest.mark.parametrize("looks", [1, 5])
def test_a_fixed_split_is_what_the_recursion_says(looks):
    exact = alarm_rates(np.full(looks, Z))[-1]
    assert alarms("fixed", np.full(looks, Z)) == pytest.approx(exact, abs=4 * np.sqrt(exact / QUIET_RUNS))
    table = table_of("fixed")
    assert at(table.wasted, HERE)[-1] == pytest.approx(DAYS / 2)
    rights = [NORMAL.cdf(delta * np.sqrt(DAYS) / 2) for delta in DELTAS]
    assert np.abs(table.right[:, -1] - rights).max() < 4 * 0.5 / np.sqrt(RUNS)


def test_means_of_a_fixed_split():
    found = pilots(fixed(), HERE, luck(3, RUNS))
    assert found.means.mean(axis=1) == pytest.approx([0, HERE], abs=4 * np.sqrt(2 / DAYS / RUNS))
    assert found.means == pytest.approx(found.weighted) and found.z.shape == (DAYS, RUNS)
    assert found.means.std(axis=1) == pytest.approx(np.sqrt(2 / DAYS), rel=0.05)


def test_test_and_roll_wastes_what_its_first_test_gets_wrong():
    wrong = NORMAL.cdf(-HERE * np.sqrt(8) / 2)
    assert at(table_of("test and roll").wasted, HERE)[-1] == pytest.approx(4 + 48 * wrong, abs=4 * 48 * 0.31 / np.sqrt(RUNS))


@pytest.mark.parametrize("method, floor", [("Thompson", 0.0), ("Thompson, floor 10 %", 0.1)])
def test_against_pilots_whose_customers_are_counted(method, floor):
    rng, table = np.random.default_rng(0), table_of(method)
    shares, n, won = counted_pilots(floor, (BASE, 0.022), rng)
    assert (1 - shares).sum(axis=0).mean() == pytest.approx(at(table.wasted, HERE)[-1], rel=0.06)
    assert (won[1] / n[1] > won[0] / n[0]).mean() == pytest.approx(at(table.right, HERE)[-1], abs=0.004)
    shares, n, won = counted_pilots(floor, (BASE, BASE), rng)
    own, pooled = (np.mean(np.abs(z) > Z) for z in scores_of(n, won))
    error = np.sqrt(0.12 * 0.88 * (1 / 6000 + 1 / QUIET_RUNS))
    assert pooled == pytest.approx(alarms(method, [Z]), abs=3 * error) and own > pooled
    assert np.quantile(shares[-1], [0.1, 0.9]) == pytest.approx([table.low[0, -1], table.high[0, -1]], abs=0.06)


def test_what_is_known_of_counted_pilots():
    """Thompson: 50 conversions lost, 13.7 % alarms with each arm's own variance, worse arm's mean 4.2 % too low."""
    rng = np.random.default_rng(1)
    shares, n, won = counted_pilots(0.0, (BASE, 0.022), rng)
    assert 8 * (1 - shares).sum(axis=0).mean() == pytest.approx(50, abs=3)
    assert (won[0] / n[0]).mean() / BASE - 1 == pytest.approx(-0.042, abs=0.007)
    _, n, won = counted_pilots(0.0, (BASE, BASE), rng)
    assert (np.abs(scores_of(n, won)[0]) > Z).mean() == pytest.approx(0.137, abs=0.013)


def test_scores_by_hand():
    own, pooled = scores_of(np.array([[1000], [500]]), np.array([[100], [60]]))
    assert own == pytest.approx((0.12 - 0.1) / np.sqrt(0.09 / 1000 + 0.1056 / 500))
    p = 160 / 1500
    assert pooled == pytest.approx((0.12 - 0.1) / np.sqrt(p * (1 - p) * (1 / 1000 + 1 / 500)))


def test_thompsons_share_is_the_chance_to_be_better():
    a, b = np.array([81, 93]), np.array([3921, 3909])
    mean = a / (a + b)
    z = (mean[1] - mean[0]) / np.sqrt((mean * (1 - mean) / (a + b + 1)).sum())
    share = thompson()(1, np.array([z]), None, None, None)
    assert share == pytest.approx(thompson_sampling(a, b)[1], abs=0.003)
    assert thompson(0.3)(1, np.array([-9.0, 9.0]), None, None, None) == pytest.approx([0.3, 0.7])


def test_the_gradient_bandit_is_the_one_of_notebook_01():
    """The sum over a day of learning_rate (R - b) (1[a] - pi), with the preference of the new arm less that of the old one."""
    rule, share = gradient(rate=0.1), np.array([0.5])
    sums, sizes = np.array([[0.3], [0.9]]), np.array([[0.5], [0.5]])
    share = rule(1, None, share, sums, sizes)
    b = 1.2  # the first day has no mean before it: its own
    step = lambda q, old, new, n_old, n_new, b: 0.2 * ((1 - q) * (new - b * n_new) - q * (old - b * n_old))  # noqa: E731
    h = step(0.5, 0.3, 0.9, 0.5, 0.5, b)
    assert share == pytest.approx(1 / (1 + np.exp(-h)))
    q = share[0]
    following = rule(2, None, share, np.array([[0.1], [0.4]]), np.array([[1 - q], [q]]))
    assert following == pytest.approx(1 / (1 + np.exp(-(h + step(q, 0.1, 0.4, 1 - q, q, 1.2)))))


def test_weighting_by_logged_propensities_has_no_bias():
    found = pilots(thompson(0.1), HERE, luck(5, 20_000))
    off = found.weighted[0].mean() / (found.weighted[0].std() / np.sqrt(20_000))
    plain = found.means[0].mean() / (found.means[0].std() / np.sqrt(20_000))
    assert abs(off) < 4 and plain < -8


@pytest.mark.parametrize("delta", [0.05, 0.7, 4.4])
def test_between_the_points_of_the_grid(delta):
    found, table = pilots(thompson(), delta, luck(14, RUNS)), table_of("Thompson")
    assert at(table.wasted, delta)[-1] == pytest.approx((1 - found.shares).sum(axis=0).mean(), abs=0.1)
    assert at(table.right, delta)[-1] == pytest.approx((found.z[-1] > 0).mean(), abs=0.01)


def test_looks_are_evenly_spaced_and_the_last_is_at_the_end():
    assert look_days(56, 4).tolist() == [14, 28, 42, 56] and look_days(14, 1).tolist() == [14]
    days = [14, 28, 42, 56]
    z = quiet_scores(thompson)
    assert alarms("Thompson", np.full(4, 2.0)) == np.mean([any(abs(z[day - 1, run]) > 2 for day in days) for run in range(QUIET_RUNS)])



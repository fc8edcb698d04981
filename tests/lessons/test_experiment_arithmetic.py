"""The arithmetic of a pilot: against known values, simulation within its error, and sums over all outcomes."""

from math import comb

import numpy as np
import pytest

from pgedu.lessons.experiment_arithmetic import (
    NORMAL, alarm_rates, arm_size, exaggeration, obrien_fleming, pocock, power_of, ratio_alarm, roll_size,
)  # fmt: skip


def test_customers_per_arm():
    assert round(arm_size(0.02, 0.022)) == 80_679 and round(arm_size(0.02, 0.022, power=0.9)) == 108_006
    assert round(arm_size(0.0038, 0.0042)) == 390_870
    for power in (0.5, 0.8, 0.95):
        assert power_of(0.02, 0.022, arm_size(0.02, 0.022, power=power)) == pytest.approx(power, rel=1e-12)


def test_power_against_simulated_tests():
    n, rng = 2000, np.random.default_rng(0)
    a, b = rng.binomial(n, 0.10, 200_000) / n, rng.binomial(n, 0.13, 200_000) / n
    found = ((b - a) / np.sqrt((a * (1 - a) + b * (1 - b)) / n) > 1.959964).mean()
    assert found == pytest.approx(power_of(0.10, 0.13, n), abs=0.006)  # the normal approximation


def test_looks_at_one_point_nine_six():
    z = NORMAL.inv_cdf(0.975)
    rates = [100 * alarm_rates(np.full(looks, z))[-1] for looks in (1, 2, 3, 5, 10, 20, 50)]
    np.testing.assert_allclose(rates, [5.0, 8.3, 10.7, 14.2, 19.3, 24.8, 32.0], atol=0.06)


@pytest.mark.parametrize("shift", [0.0, 2.8])
def test_alarms_against_simulated_walks(shift):
    bounds, rng = np.array([3.0, 2.5, 2.2, 2.1]), np.random.default_rng(1)
    walks = (rng.normal(size=(400_000, 4)) + shift / 2).cumsum(axis=1) / np.sqrt(np.arange(1, 5))
    over = np.maximum.accumulate(np.abs(walks) > bounds, axis=1).mean(axis=0)
    np.testing.assert_allclose(alarm_rates(bounds, shift), over, atol=4 * 0.5 / np.sqrt(400_000))


def test_bounds_that_keep_their_promise():
    np.testing.assert_allclose(pocock(5), np.full(5, 2.413), atol=5e-4)
    np.testing.assert_allclose(obrien_fleming(5), [4.56, 3.23, 2.63, 2.28, 2.04], atol=6e-3)
    for bounds in (pocock(7), obrien_fleming(7), pocock(1)):
        assert alarm_rates(bounds)[-1] == pytest.approx(0.05, abs=1e-9)
    assert pocock(1)[0] == pytest.approx(NORMAL.inv_cdf(0.975), abs=1e-9)


def test_winners_exaggerate():
    np.testing.assert_allclose([exaggeration(power) for power in (0.1, 0.3, 0.5, 0.8)], [3.71, 1.81, 1.41, 1.12], atol=6e-3)
    estimates = np.random.default_rng(0).normal(1.9535, size=1_000_000)  # where the power is one half
    found = np.abs(estimates) > NORMAL.inv_cdf(0.975)
    assert exaggeration(found.mean()) == pytest.approx(np.abs(estimates[found]).mean() / 1.9535, rel=3e-3)


def test_how_long_to_test_before_rolling_out():
    noise, prior = np.sqrt(0.02 * 0.98), 0.002
    np.testing.assert_allclose([roll_size(N, noise, prior) for N in (1e5, 1e6, 1e7)], [7_987, 31_517, 107_065], atol=1)
    for N in (1e5, 1e7):  # it maximises what is gained, (N - 2n) E[max - mean of the two posteriors]
        gain = lambda n: (N - 2 * n) * np.sqrt(prior**4 / (prior**2 + noise**2 / n) / np.pi)  # noqa: E731
        best = roll_size(N, noise, prior)
        assert gain(best) > max(gain(0.99 * best), gain(1.01 * best))


@pytest.mark.parametrize("first", [[12.0], [200.0], [1e6], [40.0] * 10])
def test_looks_that_never_stop_change_nothing(first):
    rates = alarm_rates([*first, 1.959963985])
    assert np.abs(rates[:-1]).max() < 1e-11 and rates[-1] == pytest.approx(0.05, abs=1e-9)
    shifted = alarm_rates([*first, 1.959963985], 30.0)
    assert shifted[-1] == pytest.approx(1, abs=1e-9)


def test_a_thousand_looks():
    """Nested bounds, by more places of the quadrature than there were once: .5299, not .5298."""
    rates = alarm_rates(np.full(1000, 1.96))
    assert rates[-1] == pytest.approx(0.52988465, abs=1e-8) and (np.diff(rates) > 0).all()


def test_customers_that_deserve_a_test_where_nothing_can_be_known_of_the_arms():
    """N / 6: the limit of large k."""
    assert roll_size(1e5, 1e9, 1e-3) == pytest.approx(1e5 / 6, rel=1e-9)


def test_an_alarm_of_the_sample_ratio():
    assert ratio_alarm(50_500, 49_500) == pytest.approx(0.0016, abs=5e-5)
    assert ratio_alarm(50_200, 49_800) == pytest.approx(0.21, abs=5e-3)
    assert ratio_alarm(1_900, 100, share=0.95) == 1.0
    exact = sum(comb(400, k) for k in range(401) if abs(k - 200) >= 25) / 2**400
    assert ratio_alarm(225, 175) == pytest.approx(exact, rel=0.15)


@pytest.mark.parametrize("call, sentence", [
    (lambda: arm_size(0.02, 0.02), "after must be another rate than before; got 0.02"),
    (lambda: arm_size(0.0, 0.02), "before must be between 0 and 1; got 0.0"),
    (lambda: arm_size(0.01, 0.02, power=1), "power must be between 0 and 1; got 1"),
    (lambda: arm_size(0.02, 0.022, power=0.02), "power must be above alpha / 2 = 0.025, which luck alone has; got 0.02"),
    (lambda: exaggeration(0.04), "power must be above alpha = 0.05, which luck alone has; got 0.04"),
    (lambda: power_of(2, 0.02, 100), "before must be a number between 0 and 1; got 2"),
    (lambda: power_of(0.0, 1.0, 100), "before must be between 0 and 1; got 0.0"),
    (lambda: alarm_rates([1.96], np.nan), "shift must be a number; got nan"),
    (lambda: alarm_rates([]), r"bounds must be \[K\], above 0"),
    (lambda: pocock(0), "looks must be a whole number of 1 or more; got 0"),
    (lambda: roll_size(0, 1, 1), "customers must be a number above 0; got 0"),
    (lambda: ratio_alarm(1.5, 2), "first must be a whole number of 0 or more; got 1.5"),
])  # fmt: skip
def test_what_does_not_fit_is_named(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

"""How long to test, and stages that are pooled: against simulation and counts, and both pictures."""

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons.experiment_arithmetic import roll_size
from pgedu.lessons.roll_out import FIRSTS, NOISE, SIZES, gained, how_long, pooled, stages


def test_what_a_test_brings_in_by_simulation():
    rng, N, n, prior, noise = np.random.default_rng(0), 5000, 300, 0.05, 0.8
    rates = prior * rng.standard_normal((2, 400_000))
    seen = rates + noise / np.sqrt(n) * rng.standard_normal(rates.shape)
    better = np.where(seen[1] > seen[0], rates[1], rates[0])
    brought = (N - 2 * n) * (better - rates.mean(axis=0))
    assert gained(n, N, prior, noise) == pytest.approx(brought.mean(), abs=4 * brought.std() / np.sqrt(400_000))


def test_the_best_size_is_the_best():
    for N in (1e5, 1e6, 1e7):
        best = roll_size(N, NOISE, 0.002)
        assert gained(best, N, 0.002) > max(gained(best * 0.98, N, 0.002), gained(best * 1.02, N, 0.002))
    sizes = [gained(n, 1e6, 0.002) / (1e6 * 0.002 / np.sqrt(np.pi)) for n in (31_517 / 2, 31_517)]
    assert sizes == pytest.approx([0.85, 0.87], abs=0.005)


def test_how_long_at_the_ends():
    for sentence, figure in corners(how_long, n=(100.0, 1e6), customers=(1e5, 1e7), points=(0.05, 0.5)):
        assert "conversions more than a coin" in sentence
        curve, dot = figure.axes[0].lines[:2]
        assert dot.get_gid() == "n" and curve.get_xdata()[-1] <= SIZES[-1] and (curve.get_ydata() >= 0).all()


def test_pooled_by_counting_customers():
    """A million customers a day."""
    for first in (0.01, 0.3, 0.5):
        new = np.array([first, 0.5]) * 1e6
        won = new * [0.023, 0.012], (1e6 - new) * [0.02, 0.01]
        assert pooled(first) == pytest.approx([won[1].sum() / (2e6 - new.sum()), won[0].sum() / new.sum()])
    old, new = pooled(0.01)
    assert new / old - 1 == pytest.approx(-0.266, abs=5e-4)


def test_with_equal_shares_on_both_days_nothing_turns_round():
    old, new = pooled(0.2, second=0.2)
    assert 0.15 < new / old - 1 < 0.2


def test_stages_at_the_ends():
    for sentence, figure in corners(stages, first=(0.01, 0.27, 0.5)):
        (dot,) = [line for line in figure.axes[1].lines if line.get_gid() == "first"]
        off = dot.get_ydata()[0]
        assert f"{abs(off):.1f} % {'better' if off > 0 else 'worse'}" in sentence
    assert FIRSTS[0] == 0.01 and FIRSTS[-1] == 0.5

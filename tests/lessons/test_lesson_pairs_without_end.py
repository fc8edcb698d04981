"""DPO and IPO on two answers: against small steps of the package's own weights, and closed forms."""

import numpy as np
import pytest
from lesson import corners

from pgedu import preference_weights
from pgedu.lessons import rlhf_predictions
from pgedu.lessons.pairs_without_end import chosen, log_odds, speed, stops_at, without_end


@pytest.mark.parametrize("kind", ["DPO", "IPO"])
@pytest.mark.parametrize("steps", [200, 5000])
@pytest.mark.parametrize("share, beta", [(0.5, 1.0), (0.7, 0.5), (0.9, 2.0), (1.0, 0.5), (1.0, 4.0)])
def test_the_flow_is_that_of_small_steps(kind, share, beta, steps):
    rate, h = 1e-3, 0.0
    for _ in range(steps):
        first = preference_weights(h, beta=beta, kind=kind.lower())  # of pairs in which the first answer is preferred
        second = preference_weights(-h, beta=beta, kind=kind.lower())
        h += rate * 2 * float(share * first - (1 - share) * second)  # one logit rises, the other falls
    assert log_odds(np.array([rate * steps]), share, beta, kind)[0] == pytest.approx(h, abs=2e-3)


def test_closed_forms():
    times = np.array([1.0, 1e3, 1e6])
    for beta in (0.01, 0.5, 10.0):
        h = log_odds(times, 1.0, beta, "DPO")
        np.testing.assert_allclose(h + np.expm1(beta * h) / beta, 2 * beta * times, rtol=2e-3)
    assert [log_odds(np.array([1e6]), 1.0, beta, "DPO")[0] for beta in (0.01, 10.0)] == pytest.approx([528, 1.9], rel=0.01)
    assert np.isinf(stops_at(1.0, 10.0, "DPO")) and stops_at(1.0, 0.5, "IPO") == pytest.approx(1.0)
    assert rlhf_predictions.never_enough[2].startswith("Nowhere")


@pytest.mark.parametrize("share", [0.5, 0.6, 0.9, 0.995])
def test_where_they_stop(share):
    for beta in (0.1, 1.0, 5.0):
        assert speed(stops_at(share, beta, "DPO"), share, beta) == pytest.approx(0, abs=1e-12)
        assert log_odds(np.array([1e6]), share, beta, "IPO")[0] == pytest.approx((2 * share - 1) / (2 * beta))


def test_nine_in_ten():
    ends = [chosen(stops_at(0.9, beta, "DPO")) for beta in (1.0, 0.5, 0.1)]
    assert ends[:2] == pytest.approx([0.9, 0.988], abs=5e-4) and 1 - ends[2] == pytest.approx(1 / 3.5e9, rel=0.01)


def test_pictures_at_both_ends():
    for sentence, _ in corners(without_end, share=(0.5, 0.9, 1.0), beta=(0.01, 1.0, 10.0), time=(0.01, 1e6)):
        assert "prefer the first answer" in sentence and ("for ever" in sentence) == sentence.startswith("100.0 %")
        assert "and 100 %" not in sentence and "in 100 and" not in sentence  # no log odds are infinite

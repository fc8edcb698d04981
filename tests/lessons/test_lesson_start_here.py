"""Notebook 00: what its shops earn, month by month; their view; and the view that the student reads."""

import numpy as np
import pytest
from lesson import from_notebook, picture

from pgedu.lessons.start_here import J, on_the_hill, policy, probability_of_an_offer, twenty_shops, world
from pgedu.panels.views import COLORS, tidy


def by_hand(p):
    """Twelve months of a customer: how probably curious or loyal, and what is brought meanwhile."""
    curious, loyal, total = 1.0, 0.0, 0.0
    for _ in range(12):
        total += loyal * 2 - (curious + loyal) * p
        stay = (1 - p) * 0.5 + p * 0.3
        curious, loyal = curious * stay, curious * ((1 - p) * 0.1 + p * 0.4) + loyal * ((1 - p) * 0.8 + p * 0.9)
    return total


def test_expected_return_is_what_twelve_months_add_up_to():
    p = np.linspace(0.01, 0.99, 99)
    np.testing.assert_allclose(J(p), [by_hand(each) for each in p], rtol=1e-12)
    assert J(0.3) == pytest.approx(by_hand(0.3), rel=1e-12)


def test_probability_of_an_offer_is_that_of_the_policy():
    theta = np.random.default_rng(0).normal(size=(7, 2))
    expected = [policy.probabilities(each, np.array([0]))[0, 1] for each in theta]
    np.testing.assert_allclose(probability_of_an_offer(theta), expected, rtol=1e-12)


def test_twenty_shops_begin_with_few_offers():
    training = twenty_shops(np.random.default_rng(0))
    np.testing.assert_allclose(probability_of_an_offer(training.theta), np.full(20, 1 / (1 + np.exp(3))))
    assert next(training).returns.shape == (20, 100)


@pytest.mark.parametrize("learning_rate", [0.001, 30.0])
def test_shops_are_drawn_on_the_hill(learning_rate):
    figure, draw = picture(on_the_hill)
    training = twenty_shops(np.random.default_rng(0))
    training.learning_rate = learning_rate
    new = [next(training) for _ in range(5)]
    sentence = draw(new)
    assert "After 5 updates of 20 runs" in sentence
    shops = figure.axes[0].lines[-1]
    np.testing.assert_allclose(shops.get_xdata(), probability_of_an_offer(training.theta))
    inside = (0.001 < shops.get_xdata()) & (shops.get_xdata() < 0.999)
    np.testing.assert_allclose(shops.get_ydata()[inside], J(shops.get_xdata()[inside]), rtol=1e-9)
    assert f"exact value {np.mean([by_hand(p) for p in shops.get_xdata()]):.1f}" in sentence


@pytest.mark.parametrize("p", [0.01, 0.99])
def test_the_panel_that_a_student_reads_draws_mean_and_truth(p):
    _, view = from_notebook("00_start_here", "p", "view", world=world, policy=policy, J=J, COLORS=COLORS, tidy=tidy)
    figure, draw = picture(view)
    sentence = draw(p=p, rng=np.random.default_rng(0))
    curve, here, (low, mean, high) = (line.get_xydata() for line in figure.axes[0].lines)
    np.testing.assert_allclose(curve[:, 1], by_hand(curve[:, 0]))
    np.testing.assert_allclose(here, [[p, by_hand(p)]])
    assert figure.axes[0].lines[1].get_gid() == "p" and low[0] == mean[0] == high[0] == p
    assert abs(mean[1] - by_hand(p)) < 5 * 5.5 / 1000**0.5  # a customer's standard deviation is below 5.5
    assert mean[1] - low[1] == pytest.approx(high[1] - mean[1]) and 0 < high[1] - mean[1] < 2 * 5.5 / 1000**0.5
    assert sentence.endswith(f"the mean of 1,000 customers is {mean[1]:.2f}; the exact J is {by_hand(p):.2f}.")

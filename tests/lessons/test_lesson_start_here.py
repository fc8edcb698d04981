"""Notebook 00: what its shops earn, month by month; their view; and the view that the student reads."""

import numpy as np
import pytest
from lesson import definitions, from_notebook, picture
from matplotlib.figure import Figure

from pgedu import SGD, reinforce
from pgedu.experience.rollouts import Moment
from pgedu.learning.training import pieces
from pgedu.lessons.start_here import J, on_the_hill, piled_up, policy, probability_of_an_offer, twenty_shops, world
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


@pytest.mark.parametrize("learning_rate", [0.01, 10.0])
def test_shops_are_drawn_on_the_hill(learning_rate):
    figure, draw = picture(on_the_hill)
    training = twenty_shops(np.random.default_rng(0))
    training.learning_rate = learning_rate
    thetas = [training.theta, *(next(training).theta for _ in range(5))]
    training = twenty_shops(np.random.default_rng(0))
    training.learning_rate = learning_rate
    sentence = draw([next(training) for _ in range(5)])
    before, p = probability_of_an_offer(thetas[-2]), probability_of_an_offer(thetas[-1])
    _, leaps, dots = figure.axes[0].lines
    np.testing.assert_allclose(dots.get_xdata(), p)
    np.testing.assert_allclose(leaps.get_xdata().reshape(20, 3)[:, :2], np.stack([before, p], axis=1))
    exact = np.array([by_hand(each) for each in p])
    assert (dots.get_ydata() > exact - 1e-9).all() and np.isclose(dots.get_ydata(), exact).any()
    never, always = (p < 0.01).sum(), (p > 0.99).sum()
    assert f"After 5 updates, {never} of 20 shops are at never, {always} at always, {20 - never - always} in" in sentence
    assert f"bring {exact.mean():.2f} each" in sentence and "the best is 2.61" in sentence
    assert [text.get_text() for text in figure.axes[0].texts if text.get_text()] == [
        f"{name}: {count}" for name, count in (("never", never), ("always", always)) if count
    ]


def test_before_the_first_update_all_shops_are_in_one_pile():
    figure = Figure()
    draw = on_the_hill(figure)
    assert draw([]).startswith("After 0 updates, 0 of 20 shops are at never, 0 at always, 20 in between.")
    x, y = figure.axes[0].lines[2].get_data()
    np.testing.assert_allclose(x, 1 / (1 + np.exp(3)))
    assert np.diff(np.sort(y)).min() > 0.05 and y.min() == pytest.approx(by_hand(x[0])) and y.max() < figure.axes[0].get_ylim()[1]
    (_, exact, _) = figure.axes[1].lines
    np.testing.assert_allclose(exact.get_xydata(), [[0, by_hand(x[0])]])


def test_between_two_updates_shops_are_underway_from_the_one_to_the_other():
    found = [piece for piece, _ in zip(pieces(twenty_shops(np.random.default_rng(0))), range(70))]
    found = [piece for piece in found if piece is not None]
    records = [n for n, piece in enumerate(found) if not isinstance(piece, Moment)][:2]
    first, second = (found[n].theta for n in records)
    moments = np.array([piece.observations for piece in found[records[0] + 1 : records[1]]])
    np.testing.assert_allclose(moments[-1], second)
    np.testing.assert_allclose(np.diff(moments, axis=0), np.broadcast_to((second - first) / 20, (19, 20, 2)), atol=1e-15)

    figure, draw = picture(on_the_hill)
    at_rest = draw([found[records[0]]], now=first)
    _, leaps, dots = figure.axes[0].lines
    assert draw([], now=moments[9]) == at_rest, "words are those of the last update"
    np.testing.assert_allclose(dots.get_xdata(), probability_of_an_offer((first + second) / 2))
    np.testing.assert_allclose(leaps.get_xdata()[::3], probability_of_an_offer(first))
    assert "After 2 updates" in draw([found[records[1]]], now=second)
    np.testing.assert_allclose(dots.get_xdata(), probability_of_an_offer(second))
    np.testing.assert_allclose(leaps.get_xdata()[::3], probability_of_an_offer(first))


def test_gliding_learns_what_reinforce_learns():
    shops = twenty_shops(np.random.default_rng(0))
    same = {"optimizer": SGD(0.1), "runs": 20, "episodes": 100, "theta": np.tile([0.0, -3.0], (20, 1))}
    plain = reinforce(world, policy, rng=np.random.default_rng(0), **same)
    for _ in range(3):
        np.testing.assert_array_equal(next(shops).theta, next(plain).theta)


def test_dots_that_would_cover_one_another_lie_in_piles():
    heights = piled_up(np.array([0.0, 0.001, 0.5, 0.002, 1.0]), np.zeros(5))
    assert heights[0] == heights[2] == heights[4] == 0 and 0 < heights[1] < heights[3] == 2 * heights[1]


def test_at_the_left_foot_shops_do_not_stay_and_at_the_right_one_most_do():
    start = np.tile([0.0, -3.0], (200, 1))
    rng = np.random.default_rng(0)
    training = reinforce(world, policy, optimizer=SGD(3.0), rng=rng, runs=200, episodes=100, theta=start)
    p = [probability_of_an_offer(next(training).theta) for _ in range(400)]
    never, always = p[9] < 0.01, p[9] > 0.99
    assert never.sum() > 40 and always.sum() > 40
    assert 0.3 < (p[-1][never] > 0.99).mean() < 0.8, "of those at never, many are at always in the end"
    assert (p[-1][always] > 0.99).mean() > 0.8


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


def test_even_all_shops_in_one_pile_stay_in_the_picture():
    for p in (0.0, 0.69, 1.0):
        assert piled_up(np.full(20, p), np.full(20, by_hand(p))).max() < 4.0


def test_one_update_in_the_notebook_is_an_estimate_of_the_exact_gradient():
    made = definitions("00_start_here.ipynb", "imports", "cell-04", "cell-06")
    slope = (by_hand(0.5 + 1e-6) - by_hand(0.5 - 1e-6)) / 2e-6 * 0.25  # dJ/dp dp/dtheta, of "offer"
    errors = made["estimates"].std(axis=0) / 10
    assert made["estimates"].shape == (100, 2)
    np.testing.assert_allclose(made["exact_gradient"](world, policy, np.zeros(2)), [-slope, slope], rtol=1e-6)
    np.testing.assert_allclose(made["estimates"].mean(axis=0), [-slope, slope], atol=3 * errors[0])
    np.testing.assert_allclose(made["theta"], 0.1 * made["estimates"].mean(axis=0))
    assert (errors > 3 * abs(slope)).all()
    np.testing.assert_allclose([made["never"], made["always"]], [by_hand(0.0), by_hand(1.0)])
    assert made["best"] == max(made["p"], key=by_hand) and round(20 * made["best"]) == 14


def test_what_it_is_worth_to_tell_customers_apart():
    made = definitions("00_start_here.ipynb", "imports", "only-the-curious")
    curious, loyal, total = 1.0, 0.0, 0.0
    for _ in range(12):
        total += 2 * loyal - curious
        curious, loyal = 0.3 * curious, 0.4 * curious + 0.8 * loyal
    assert made["exact_return"](made["kinds"], made["see"], made["only_the_curious"]) == pytest.approx(total)

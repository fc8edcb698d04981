"""Notebook 11's campaign: the ascent in plain numbers against the package's, what is known of it, and its picture."""

from dataclasses import replace

import numpy as np
import pytest
from lesson import corners

from pgedu import exact_gradient, exact_return
from pgedu.lessons import wrong_reward_predictions as predictions
from pgedu.lessons.wrong_reward import (
    LEAST, MOST, OFFERS, RATE, START, UPDATES, climb, heights, hidden_cost, policy, proxy, shop, theta_of,
)  # fmt: skip
from pgedu.panels.canvas import Canvas


@pytest.mark.parametrize(("curious", "loyal", "share"), [(START, START, 1.0), (0.5, 0.9, 0.3), (MOST, LEAST, 0.0)])
def test_the_ascent_is_that_of_the_softmax_policy(curious, loyal, share):
    theta, way, world = theta_of(curious, loyal), climb(curious, loyal, share), proxy(share)
    for update in range(25):
        chances = policy.probabilities(theta, np.arange(2))[:, 1]
        assert way.offers[update] == pytest.approx(chances, rel=1e-9)
        assert way.proxy[update] == pytest.approx(exact_return(world, policy, theta), rel=1e-10)
        assert way.J[update] == pytest.approx(exact_return(shop, policy, theta), rel=1e-10)
        theta = theta + RATE * exact_gradient(world, policy, theta)


def test_true_J_rises_passes_its_summit_and_ends_below_its_start():
    way = climb(START, START, 1.0)
    assert way.summit == 14 and (np.diff(way.proxy) > 0).all()
    assert [way.J[0], way.J[14], way.J[-1]] == pytest.approx([1.220, 1.763, 0.947], abs=5e-4)
    assert [way.proxy[0], way.proxy[-1]] == pytest.approx([1.52, 4.63], abs=5e-3)
    assert predictions.hidden_end[2] == "Below the start" and way.J[-1] < way.J[0]


def test_the_harm_comes_between_two_shares():
    ends = [climb(START, START, share).J[-1] for share in (0.4, 0.45, 0.5, 0.6)]
    assert ends == pytest.approx([2.03, 1.93, 1.09, 0.96], abs=6e-3)
    assert predictions.forty_percent[2].endswith("2.04") and ends[3] < climb(START, START, 0.6).J[0]


@pytest.mark.parametrize("start", [(START, START), (LEAST, LEAST), (LEAST, MOST), (MOST, LEAST), (MOST, MOST)])
def test_where_the_best_policy_stays_the_best_no_harm_is_done_on_the_way(start):
    for share in (0.3, 0.43):
        assert (np.diff(climb(*start, share).J) > 0).all()
    between = climb(START, START, 0.45)
    assert between.summit == 254 and 0 < between.J[254] - between.J[-1] < 0.01


def test_from_which_share_on_offers_to_the_loyal_pay():
    """By the best policy of the proxy, on a grid of offers to the loyal: none, a part, all."""
    loyal = np.linspace(0.001, 0.999, 400)
    curious = 1 - 1e-9
    theta, shares = theta_of(curious, loyal), (0.44, 0.45, 0.47, 0.495, 0.503)
    best = {share: loyal[exact_return(proxy(share), policy, theta).argmax()] for share in shares}
    assert best[0.44] == 0.001 and best[0.503] == 0.999
    assert 0.1 < best[0.45] < 0.2 and 0.45 < best[0.47] < 0.55 and 0.88 < best[0.495] < 0.93
    for offers, known in ((0.001, 0.442), (0.5, 0.470), (0.999, 0.501)):
        true, seen = (exact_gradient(world, policy, theta_of(0.999, offers))[3] for world in (shop, proxy(1.0)))
        assert true / (true - seen) == pytest.approx(known, abs=6e-4)
    theta, worlds = theta_of(0.9999, np.array([0.001, 0.5, 0.999])), (shop, proxy(1.0))
    endless = [exact_gradient(replace(world, horizon=None), policy, theta)[:, 3] for world in worlds]
    assert endless[0] / (endless[0] - endless[1]) == pytest.approx([5 / 14] * 3, abs=1e-9)
    all_or_none = exact_return(shop, policy, theta_of(curious, np.array([1e-9, 1 - 1e-9])))
    with_costs = exact_return(proxy(0.47328), policy, theta_of(curious, np.array([1e-9, 1 - 1e-9])))
    assert all_or_none == pytest.approx([2.0417, 0.9458], abs=1e-4) and with_costs[0] == pytest.approx(with_costs[1], abs=1e-5)


def test_a_shop_whose_offers_are_free_has_the_same_curve():
    free = replace(shop, rewards=shop.rewards + OFFERS)
    way = climb(START, START, 1.0)
    assert way.proxy[::100] == pytest.approx(exact_return(free, policy, theta_of(*way.offers[::100].T)), rel=1e-9)


def test_the_hill():
    chances, J = heights()
    assert J[7, 31] == pytest.approx(exact_return(shop, policy, theta_of(chances[31], chances[7])))
    assert np.unravel_index(J.argmax(), J.shape) == (0, len(chances) - 1)


def test_the_picture_hides_the_truth_until_it_is_asked_for():
    ends = {"curious": (LEAST, MOST), "loyal": (LEAST, MOST), "forgotten": (0.0, 1.0)}
    ends |= {"stop": (1.0, float(UPDATES)), "truth": (False, True)}
    for sentence, figure in corners(hidden_cost, **ends):
        (meant,) = [line for line in figure.axes[1].lines if line.get_label() == "true J"]
        assert meant.get_visible() == ("In truth" in sentence) == figure.axes[0].collections[0].get_visible()


def test_the_ascent_is_seen_as_far_as_it_was_let_run_and_the_rest_with_the_truth():
    canvas, way = Canvas(hidden_cost, (9.6, 4.2)), climb(START, START, 1.0)
    at = {"curious": START, "loyal": START, "forgotten": 1.0, "stop": 20.0}
    for truth in (False, True):
        canvas.draw(**at, truth=truth)
        for axes, known in zip(canvas.figure.axes, (way.offers, np.stack([np.arange(UPDATES + 1), way.proxy], axis=-1))):
            seen, rest = axes.lines[:2]
            assert seen.get_xydata()[-1] == pytest.approx(known[20]) and len(seen.get_xydata()) <= 21
            assert rest.get_visible() == truth and rest.get_xydata() == pytest.approx(known[20:])


def test_the_picture_shows_where_one_stops():
    canvas = Canvas(hidden_cost, (9.6, 4.2))
    said = canvas.draw(curious=START, loyal=START, forgotten=1.0, stop=13.6, truth=True)
    way = climb(START, START, 1.0)
    square = [line for line in canvas.figure.axes[0].lines if line.get_marker() == "s"][0]
    assert square.get_xydata()[0] == pytest.approx(way.offers[14])
    assert "after 14 updates" in said and "In truth J is 1.76." in said

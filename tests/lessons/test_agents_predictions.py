"""The predictions of notebook 13 hold, by exact values where there are any."""

import itertools

import numpy as np
import pytest

from pgedu import exact_gradient, exact_return, leave_one_out
from pgedu.lessons import agents_predictions as predictions
from pgedu.lessons.agents_museum import EXHIBITS, SHARES, climbed
from pgedu.lessons.best_ticket_bots import best_bots
from pgedu.lessons.credit_over_turns import METHODS, NONE, TURN, variances
from pgedu.lessons.resolved import shares
from pgedu.lessons.ticket_desk import ANSWER, HAND_OVER, bot, rule, shop, sure
from pgedu.lessons.ticket_learning import BOTS, best_return, best_under
from pgedu.lessons.tool_masks import three_masks


def right(name):
    """The option that holds."""
    return getattr(predictions, name)[2]


def test_last_turn():
    answers, hands_over = (exact_return(shop, bot, sure(rule(2, late))) for late in (ANSWER, HAND_OVER))
    assert (answers, hands_over) == pytest.approx((0.738, 0.706), abs=5e-4) and right("last_turn") == "To answer all the same"
    one, none = 3 * 0.7 * 0.3**2, 0.3**3  # facts after three searches
    assert none < one and "with nothing known, which is rarer" in predictions.last_turn[3]


def test_no_clock():
    world, policy = BOTS["does not see it"]
    theta = np.random.default_rng(0).normal(size=(30, policy.size))
    for _ in range(1500):
        theta = theta + 2 * exact_gradient(world, policy, theta)
    best = exact_return(world, policy, theta).max()
    assert best == pytest.approx(0.608, abs=1e-3) and best_return() - best > 0.1
    assert best_return() == pytest.approx(0.74, abs=5e-3) and right("no_clock") == "By more than 0.1"


def test_dearer():
    first, second = (0.7 * (b - a) for a, b in ((0.2, 0.6), (0.6, 0.95)))
    assert (first, second) == pytest.approx((0.28, 0.245))
    for cost, wanted in ((0.24, [1, 1]), (0.25, [1, 0]), (0.285, [0, 0])):
        assert best_bots(cost, 0.0, 4, 0.0)[0][0, :2].tolist() == wanted
    assert right("dearer") == "The second, with one fact known"


def test_small_bonus():
    _, true, paid = best_bots(0.05, [0.0, 0.1, 1.01], 4, 0.0)
    assert true == pytest.approx([0.7381, 0.7136, -0.2])
    assert paid[1] == pytest.approx(1.0136) and right("small_bonus") == "It falls"


def test_credit():
    at = lambda baseline: [variances(0.0, method, baseline)[5] for method in METHODS]  # noqa: E731
    assert at(NONE) == pytest.approx([0.214, 0.245], abs=6e-4) and right("which_varies") == "Those of reward to go"
    assert at(TURN) == pytest.approx([0.0865] * 2, abs=5e-5) and right("per_turn") == "They are the same"


def test_all_words():
    *_, (own, every, _) = itertools.islice(three_masks(0.7, leave_one_out, np.random.default_rng(0)), 300)
    assert np.array_equal(own.theta, every.theta) and (every.details["belief"] > 0.99).all()
    assert own.details["belief"] == pytest.approx(np.full(20, 0.7)) and "same, the belief goes to 1" in right("all_words")


def test_resolved():
    before, over, gone = shares(0.4, 0, 0.5), shares(0.4, 1, 0.5), shares(0.4, 0, 0.8)
    assert [100 * each.quiet for each in (before, over, gone)] == pytest.approx([83, 95, 93.2])
    assert right("hand_over_hard") == "It rises"
    assert [100 * each.solved for each in (before, over)] == pytest.approx([66, 54])
    assert [100 * each.helped for each in (before, gone)] == pytest.approx([80.5, 71.8], abs=0.06)
    names = ("closed", "quiet", "judged", "solved", "helped", "work")
    grown = {name for name in names if getattr(gone, name) > getattr(before, name) + 1e-9}
    assert grown == {"quiet"} and right("give_up") == "The share that does not ask again"


def test_scarcer():
    assert [best_under(limit)[1] for limit in (0.2, 0.05)] == pytest.approx([0.15, 0.22], abs=2e-3)
    assert right("scarcer") == "It rises"


def test_leak():
    leak = EXHIBITS[1]
    tops = [SHARES[each.argmax()] for each in climbed(leak, SHARES, 0.3, 0.99)]
    assert tops[1] > tops[0] + 0.1 and right("leak") == "More"

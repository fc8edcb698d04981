"""Credit over turns: the sum over turns against the enumeration of gradients, baselines by hand, and the picture."""

import numpy as np
import pytest
from lesson import corners

from pgedu import constant, exact_moments, exact_return, reward_to_go, solve, state_value, tickets, total_return
from pgedu.lessons.credit_over_turns import (
    BASELINES, COSTS, METHODS, NONE, NUMBER, STATE, TURN, by_turn, credit, policy, preferences, variances, weights, world,
)  # fmt: skip

ESTIMATORS = {"whole ticket": total_return, "reward to go": reward_to_go}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("x", "place"), [(0.0, 5), (0.7, 20), (-2.0, 60)])
def test_against_the_enumeration_of_gradients(method, x, place):
    shop, theta = tickets(COSTS[place]), preferences(x)
    J = constant(float(exact_return(shop, policy, theta)))
    for name, given in ((NONE, {}), (NUMBER, {"baseline": J})):
        wanted = exact_moments(shop, policy, theta, lambda rollout: ESTIMATORS[method](rollout, **given), horizon=4)
        assert variances(x, method, name)[place] == pytest.approx(wanted.variance, rel=1e-9)


def test_a_baseline_for_each_state_is_the_value_function():
    shop, theta = tickets(0.05), preferences(0.5)
    v = solve(shop, policy, theta).values
    wanted = exact_moments(shop, policy, theta, lambda rollout: reward_to_go(rollout, baseline=state_value(v)), horizon=4)
    for method in METHODS:
        assert variances(0.5, method, STATE)[5] == pytest.approx(wanted.variance, rel=1e-9)


def test_a_baseline_for_each_turn_makes_the_two_one():
    a, b = (weights(0.3, 0.2, method, TURN) for method in METHODS)
    assert a == pytest.approx(b, abs=1e-12) and np.abs(a).max() > 0.1


def test_what_is_known():
    at = lambda method, name: variances(0.0, method, name)[5]  # noqa: E731
    assert [at(each, NONE) for each in METHODS] == pytest.approx([0.2143, 0.2445], abs=5e-5)
    assert [at(each, TURN) for each in METHODS] == pytest.approx([0.0865, 0.0865], abs=5e-5)
    whole, to_go = (variances(0.0, each, NONE) for each in METHODS)
    assert whole[0] == pytest.approx(to_go[0]) and (whole[1:32] < to_go[1:32]).all() and (whole[32:] > to_go[32:]).all()


def test_turns_add_up():
    for name in BASELINES:
        parts = by_turn(0.0, 0.05, "reward to go", name)
        assert parts.shape == (4,) and (parts > 0).all() and parts.sum() > variances(0.0, "reward to go", name)[5]
    assert world.n_actions == 2


def test_the_picture_at_all_ends():
    for sentence, _ in corners(credit, cost=[0.0, 0.6], baseline=list(BASELINES), x=[-2.0, 2.0]):
        assert "whole ticket" in sentence and "J is" in sentence

"""Where GRPO climbs towards a loss: against all groups of a world of two steps, closed forms and finite differences."""

import itertools

import numpy as np
import pytest
from lesson import corners

import pgedu as pg
from pgedu.lessons import rlhf_predictions
from pgedu.lessons.group_coin import GROUPS, LOSSES, coin, factor, outcomes, push, pushes, truth, turned_at, two_prompts, where_it_ends


def by_all_groups(loss, G, divide):
    """Every group there is: each answer is A, a B that pays or a B that costs."""
    chances, paid, score, total = (0.5, 0.45, 0.05), (0.0, 1.0, -loss), (-0.5, 0.5, 0.5), 0.0
    for group in itertools.product(range(3), repeat=G):
        r = np.array([paid[each] for each in group])
        advantages = r - r.mean()
        if divide and r.std() > 0:
            advantages = advantages / r.std()
        total += np.prod([chances[each] for each in group]) * np.mean(advantages * [score[each] for each in group])
    return total


@pytest.mark.parametrize("divide", [True, False])
@pytest.mark.parametrize("loss, G", [(20.0, 2), (20.0, 5), (1.0, 3), (300.0, 4)])
def test_the_push_of_all_groups(loss, G, divide):
    assert push(loss, G, divide) == pytest.approx(by_all_groups(loss, G, divide), rel=1e-12)


def test_the_push_is_that_of_the_package():
    """A world of two steps: B leads to a lottery, whose outcome is an action with fixed chances."""
    transitions = np.zeros((3, 2, 3))
    transitions[0, 0, 2], transitions[0, 1, 1], transitions[1:, :, 2] = 1, 1, 1
    world = pg.MDP(transitions, [[0, 0], [1, -20], [0, 0]], start=[1, 0, 0], terminal=[False, False, True])
    policy, theta = pg.Policy.softmax(pg.Table(3, 2)), np.array([0.0, 0.0, np.log(0.9), np.log(0.1), 0.0, 0.0])
    assert pg.exact_gradient(world, policy, theta)[1] == pytest.approx(truth(20.0), rel=1e-12) == pytest.approx(-0.275)
    for G in (2, 3):
        assert pg.exact_moments(world, policy, theta, pg.group_advantage, horizon=2, batch=G).mean[1] == pytest.approx(push(20.0, G), rel=1e-9)


@pytest.mark.parametrize("G", [2, 16, 64])
def test_without_the_division_the_truth_is_short_by_one_in_g(G):
    np.testing.assert_allclose(push(LOSSES, G, divide=False), (1 - 1 / G) * truth(LOSSES), rtol=1e-9)
    assert outcomes(G)[1].sum() == pytest.approx(1, rel=1e-12)


def test_where_groups_turn_round():
    assert push(20.0, 2) == pytest.approx(0.2, rel=1e-12) and push(20.0, 64) == pytest.approx(-0.035, abs=5e-4)
    assert [turned_at(G) for G in GROUPS if G <= 24] == [None] * 8 and (push([1e5, 1e6], 16) > 0).all()
    assert push(247.0, 32) > 0 > push(248.0, 32)
    assert turned_at(32) == pytest.approx(247, abs=1)
    end = turned_at(64)
    assert push(0.97 * end, 64) > 0 > push(1.03 * end, 64) and end == pytest.approx(12, abs=0.5)
    assert (pushes(16) > 0).all() and rlhf_predictions.sixteen_in_a_group[2].startswith("No loss")
    assert rlhf_predictions.two_in_a_group[2] == "Towards B"


@pytest.mark.parametrize("p, G", [(0.5, 2), (0.1, 5), (0.3, 12)])
def test_the_factor_of_binary_rewards(p, G):
    world, policy, theta = pg.bandit([0.0, 1.0]), pg.Policy.softmax(pg.Table(1, 2)), np.array([0.0, np.log(p / (1 - p))])
    mean = pg.exact_moments(world, policy, theta, pg.group_advantage, horizon=1, batch=G).mean[1]
    assert factor(p, G) == pytest.approx(mean / pg.exact_gradient(world, policy, theta)[1], rel=1e-9)


def test_factors_that_are_told():
    assert factor(0.1, 2) == pytest.approx(1, rel=1e-12) and factor(0.5, 400) == pytest.approx(2, abs=0.01)
    assert factor(0.1, 4000) == pytest.approx(1 / np.sqrt(0.09), rel=1e-3)
    assert 0.01**8 + 0.99**8 == pytest.approx(0.92, abs=0.005)


def test_two_questions():
    h, theta = 1e-6, np.array([-1.0, 0.3, 2.0])
    J = lambda x: two_prompts(x)[0]  # noqa: E731
    arcs = lambda x: np.mean([2 * np.arcsin(np.sqrt(1 / (1 + np.exp(-z)))) for z in (x + 3, -0.3 * x)], axis=0)  # noqa: E731
    np.testing.assert_allclose(two_prompts(theta)[1], (J(theta + h) - J(theta - h)) / (2 * h), atol=1e-9)
    np.testing.assert_allclose(two_prompts(theta)[2], (arcs(theta + h) - arcs(theta - h)) / (2 * h), atol=1e-9)
    ends = [where_it_ends(lambda x: two_prompts(x)[i]) for i in (1, 2)]  # noqa: B023
    assert ends == pytest.approx([-0.571, 0.761], abs=5e-4) and [float(J(each)) for each in ends] == pytest.approx([0.7309, 0.7102], abs=5e-5)


def test_pictures_at_both_ends():
    for sentence, figure in corners(coin, loss=(1.0, 9.0001, 20.0, 1e4), group=(2, 17, 64)):
        assert "the true slope is" in sentence and "-0.00 on" not in sentence and "-0.000" not in sentence
        dots = [each for each in figure.axes[0].lines if each.get_gid() == "loss"]
        assert len(dots) == 1 and -0.3 < dots[0].get_ydata()[0] < 0.42
    for G in range(2, 65):  # nothing of the curves is outside of the picture
        assert pushes(G).max() < 0.42 and pushes(G).min() > -0.3

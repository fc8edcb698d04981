"""The bonus that loops: its threshold against value iteration and by hand, potentials that change nothing, the picture."""

import itertools

import numpy as np
import pytest
from lesson import definitions, picture

from pgedu import exact_gradient, exact_return, optimal_action_values
from pgedu.lessons import wrong_reward_predictions as predictions
from pgedu.lessons.careless_bonus import (
    KINDS, MOST, TILES, arrives, best_policy, careless, corridor, each_step, gain, potential, threshold, without_gamma,
)  # fmt: skip
from pgedu.lessons.worlds import walk

NOTEBOOK = "11_the_wrong_reward.ipynb"


@pytest.mark.parametrize(("discount", "known"), [(0.9, 0.26761), (0.95, 0.11437), (0.7, 2.684)])
def test_the_threshold(discount, known):
    b = threshold(discount)
    assert b == pytest.approx(known, rel=1e-4) and threshold(discount, 3.0) == pytest.approx(3 * b)
    assert arrives(best_policy(each_step, 0.999 * b, discount)) and not arrives(best_policy(each_step, 1.001 * b, discount))
    assert gain(each_step, b, discount) == pytest.approx(0, abs=1e-9)


def test_below_one_over_the_golden_ratio_no_bonus_loops():
    golden = (np.sqrt(5) - 1) / 2
    assert threshold(golden - 1e-6) == np.inf and np.isfinite(threshold(golden + 1e-6))
    assert arrives(best_policy(each_step, MOST, 0.61)) and not arrives(best_policy(each_step, MOST, 0.63))


def by_hand(b, discount, steps=3000):
    """On the last tile: left, right, left, ... for ever, and one step to the goal, with b for each step right."""
    turning = sum(discount**t * b for t in range(1, steps, 2))
    return turning, 1 + b


def test_turning_back_by_hand():
    for b in (0.1, 0.3, 20.0):
        turning, straight = by_hand(b, 0.9)
        assert (turning > straight) == (not arrives(best_policy(each_step, b, 0.9)))
        assert gain(each_step, b, 0.9) == pytest.approx(0.9 ** (TILES - 1) * (turning - straight))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("discount", [0.5, 0.62, 0.9, 0.95])
def test_the_best_policy_arrives_where_the_curve_is_below_zero(kind, discount):
    for b in np.geomspace(0.011, MOST, 9):
        assert arrives(best_policy(kind, float(b), discount)) == (gain(kind, float(b), discount) < 0)
        none, one = gain(kind, 0.0, discount), gain(kind, 1.0, discount)
        assert gain(kind, float(b), discount) == pytest.approx(none + b * (one - none), abs=1e-8)


def test_a_potential_moves_values_and_nothing_else():
    plain, added = (optimal_action_values(world) for world in (corridor(), potential(corridor(), 50.0)))
    Phi = 50.0 * np.arange(TILES)
    assert added[:TILES] == pytest.approx(plain[:TILES] - Phi[:, None])
    assert arrives(best_policy(potential, 50.0, 0.9)) and predictions.potential_of_50[2].startswith("To go to the goal")


def test_gamma_forgotten_does_harm():
    world = without_gamma(corridor(), 2.0)
    assert world.gamma == 0.9 and world.rewards[1].tolist() == [-2, 2] and world.rewards[TILES - 1].tolist() == [-2, -7]
    assert not arrives(best_policy(without_gamma, 1.0, 0.9)) and arrives(best_policy(without_gamma, 0.28, 0.9))
    assert not arrives(best_policy(without_gamma, 0.3, 0.9))


def test_where_the_prediction_says():
    assert threshold(0.9) == pytest.approx(0.268, abs=5e-4) and predictions.smallest_bonus[2] == "From about 0.27 on"
    assert by_hand(1.0, 0.9)[0] == pytest.approx(4.7, abs=0.05)


def test_what_the_cells_print():
    names = definitions(NOTEBOOK, "imports", "shaped-by-number", "no-exploration")
    months, theta, Phi = names["months"], names["theta"], names["Phi"]
    assert np.abs(names["plain"] - names["added"]).max() < 1e-14 and months.horizon is None and Phi[0] == 5
    paid, walker = names["paid"], names["walker"]
    sure = np.tile([0, 12.0], 6)
    assert 0 < exact_gradient(paid, walker, sure)[8] < 1e-5
    assert exact_return(paid, walker, sure) < optimal_action_values(paid)[0].max() - 1
    assert np.isfinite(theta).all()


def walked(kind, moments):
    walker = walk(corridor(), best_policy, np.random.default_rng(0), runs=1, kind=kind, b=1.0, discount=0.9)
    return list(itertools.islice(walker, moments))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.__name__)
def test_the_picture_at_both_ends(kind):
    figure, draw = picture(careless)
    moments = walked(kind, 60)
    for b in (0.01, MOST):
        for discount in (0.5, 0.95):
            said = draw(new=moments, kind=kind, b=b, discount=discount)
            curve, dot = figure.axes[1].lines[1:3]
            assert ("never arrives" in said) == (dot.get_ydata()[0] > 0) and curve.get_xdata()[-1] == b
            more = gain(kind, b, discount)
            assert dot.get_ydata()[0] == pytest.approx(more, rel=1e-6, abs=1e-9)
            assert abs(more) < figure.axes[1].get_ylim()[1]  # a dot outside could not be taken hold of
            assert f"worth {abs(more):.3g} {'more' if more > 0 else 'less'} than" in said
    assert draw(new=[], kind=kind, b=0.01, discount=0.9)


def test_the_walker_goes_where_the_policy_leads():
    looping = walked(each_step, 800)
    assert max(each.following[0] for each in looping) == TILES - 1 and looping[-1].steps[0] == 100

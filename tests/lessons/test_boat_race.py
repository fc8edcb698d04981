"""The boat race: what a race brings, by walking the ring; where the gradient is 0; where the exact ascent ends; the picture."""

import itertools

import numpy as np
import pytest
from lesson import picture
from matplotlib.figure import Figure

from pgedu import exact_gradient, exact_return
from pgedu.lessons import wrong_reward_predictions as predictions
from pgedu.lessons.boat_race import BACK, BEGINS, MOMENTS, ON, PAYS, STEPS, TILES, policy, race, racing, ring


def by_hand(moves, first=0):
    """(arrows, tiles) of a race, tile by tile."""
    place, arrows, tiles = first, 0, 0
    for _ in range(STEPS):
        way = 1 if moves[place % TILES] == ON else -1
        place, tiles = place + way, tiles + way
        arrows += way == 1 and place % 2 == 1
    return arrows, tiles


@pytest.mark.parametrize(("moves", "known"), [([ON] * 8, (50, 100)), ([ON, BACK] * 4, (50, 0)), ([BACK] * 8, (0, -100))])
def test_what_a_race_brings(moves, known):
    assert by_hand(moves) == known
    theta = np.eye(2)[moves].ravel() * 60
    worlds = ring(arrow=1.0, begins="always on the same"), ring(tile=1.0, begins="always on the same")
    assert [exact_return(world, policy, theta) for world in worlds] == pytest.approx(known)
    assert exact_return(ring(tile=1.5), policy, theta) == pytest.approx(1.5 * known[1])


def test_on_an_arrow_the_gradient_is_zero():
    theta = np.tile([0.0, 0.7, 0.0, 0.0], TILES // 2)  # all plain tiles alike, and all arrows
    slopes = exact_gradient(ring(arrow=1.0), policy, theta).reshape(TILES, 2)[:, ON]
    assert np.abs(slopes[1::2]).max() < 1e-12 and slopes[::2].min() > 0.1


def after(updates, **settings):
    return next(itertools.islice(racing(np.random.default_rng(0), **settings), MOMENTS * updates, None))


def test_half_a_cheat_and_its_repair():
    paid, meant = PAYS
    half = after(300, pays=paid)
    assert (half.arrows, half.tiles) == pytest.approx((49.978, 49.956), abs=2e-3) and predictions.half_hack[2] == "About 50"
    same = after(300, pays=paid, begins="always on the same")
    assert (same.arrows, same.tiles) == pytest.approx((49.978, 46.85), abs=0.02)
    repaired = after(300, pays=meant)
    assert (repaired.arrows, repaired.tiles) == pytest.approx((49.993, 99.972), abs=2e-3)


def test_boats_go_from_tile_to_tile_and_the_policy_moves_once_a_step():
    moments = list(itertools.islice(racing(np.random.default_rng(0)), 20 * MOMENTS))
    assert [each.update for each in moments] == list(np.repeat(np.arange(20), MOMENTS))
    for step, following in zip(moments[MOMENTS - 1 :: MOMENTS], moments[MOMENTS::MOMENTS]):
        assert (np.abs((step.following - step.states + 4) % 8 - 4) == 1).all() and step.share == 1
        assert (following.states == step.following).all()


def test_a_learning_rate_acts_at_once_and_must_be_one():
    training = racing(np.random.default_rng(0))
    moments = iter(training)
    next(moments)
    training.learning_rate = 2.0
    theta = next(itertools.islice(moments, MOMENTS - 1, None)).theta
    assert theta == pytest.approx(2 * exact_gradient(training.world, policy, np.zeros(16)))
    with pytest.raises(ValueError, match="learning_rate"):
        training.learning_rate = 0


@pytest.mark.parametrize("pays", PAYS)
@pytest.mark.parametrize("begins", BEGINS)
@pytest.mark.parametrize("rate", [0.01, 3.0])
def test_the_picture_says_what_is_exact(pays, begins, rate):
    figure, draw = picture(race)
    training = racing(np.random.default_rng(0), pays, begins)
    training.learning_rate = rate
    assert race(Figure())([]) == "Nothing yet."
    moments = list(itertools.islice(training, 30 * MOMENTS))
    said = draw(moments)
    assert said.startswith(f"After 29 updates a race brings {moments[-1].arrows:.2f} arrows and {moments[-1].tiles:.2f} tiles.")
    arrows, tiles = figure.axes[1].lines[:2]
    assert tiles.get_ydata()[::-1] == pytest.approx([each.tiles for each in moments[::MOMENTS]])
    assert arrows.get_ydata()[::-1] == pytest.approx([each.arrows for each in moments[::MOMENTS]])
    assert tiles.get_xdata()[::-1].tolist() == list(range(30)) and draw([]) == said

"""Carts are where the observations say, and move while the curves beside them stand still."""

import gymnasium
import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from pgedu import SGD, Linear, Policy, leave_one_out, reinforce
from pgedu.experience.rollouts import Moment
from pgedu.learning.training import pieces
from pgedu.panels.canvas import Canvas
from pgedu.panels.carts import CartPole, CartPoleLearning, Carts
from pgedu.panels.look import COLORS


def test_cart_pole_shows_the_latest_moments():
    scene = CartPole(Figure().subplots(), moments=3)
    scene.show(np.array([[9.0, 0, 9, 0], [0, 0, 0, 0], [0.5, 0, np.pi / 6, 0], [1, 0, np.pi / 2, 0]]))
    tips = [pole.get_xy()[1] for pole in scene.poles]
    np.testing.assert_allclose(tips, [[0, 1], [1, np.sqrt(0.75)], [2, 0]], atol=1e-12)
    np.testing.assert_allclose(scene.cart.get_xy()[:4].mean(axis=0), [1, -0.1])
    assert [pole.get_alpha() for pole in scene.poles] == sorted(pole.get_alpha() for pole in scene.poles)


def test_cart_pole_of_a_single_moment():
    scene = CartPole(Figure().subplots())
    scene.show(np.zeros((1, 4)))
    np.testing.assert_array_equal([pole.get_xy() for pole in scene.poles], [[[0, 0], [0, 1]]] * 4)


@pytest.mark.parametrize("shape", [(3, 4), (3, 1, 4)])
def test_carts_stand_each_on_a_track_of_its_own(shape):
    carts = Carts(Figure().subplots(), rows=2, columns=2)
    carts.show(np.array([[0, 9.0, 0, 9], [1, 9, np.pi / 2, 9], [-1, 9, -np.pi / 6, 9]]).reshape(shape))
    feet, tips = np.moveaxis([path.vertices for path in carts.poles.get_paths()], 1, 0)
    places = carts.places[:3, 0]
    assert len({tuple(place) for place in carts.places[:, 0]}) == 4
    np.testing.assert_allclose(feet - places, [[0, 0], [1, 0], [-1, 0]], atol=1e-12)
    np.testing.assert_allclose(tips - places, [[0, 1], [2, 0], [-1.5, np.sqrt(0.75)]], atol=1e-12)
    middles = [path.vertices[:4].mean(axis=0) for path in carts.carts.get_paths()]
    np.testing.assert_allclose(middles - places, [[0, -0.1], [1, -0.1], [-1, -0.1]], atol=1e-12)


def test_carts_without_a_track_are_left_out():
    carts = Carts(Figure().subplots(), rows=2)
    carts.show(np.zeros((7, 4)))
    assert len(carts.poles.get_paths()) == len(carts.carts.get_paths()) == 2


def test_carts_move_within_an_update_and_curves_do_not():
    env, policy = gymnasium.make_vec("CartPole-v1", num_envs=6), Policy.softmax(Linear(4, 2))
    training = reinforce(env, policy, optimizer=SGD(0.1), rng=np.random.default_rng(0), runs=2, episodes=3, updates=3)
    kept = []
    canvas = Canvas(lambda figure: kept.append(CartPoleLearning(figure, limits=(0, 500))) or kept[0].draw)
    learning, records, pictures = kept[0], [], set()
    assert canvas.draw(new=[], now=None) == "No update yet." and canvas.png()
    for piece in pieces(training):
        if not isinstance(piece, Moment):
            records.append(piece)
            canvas.draw(new=[piece], now=None)
            continue
        said = canvas.draw(new=[], now=piece.observations)
        feet = [path.vertices[0, 0] for path in learning.carts.poles.get_paths()]
        np.testing.assert_allclose(feet, piece.observations[0, :, 0])
        assert said.startswith(f"After {len(records)} updates" if records else "No update yet.")
        assert len(learning.sampled.band.line.get_xdata()) == len(records)
        pictures.add(canvas.png())
    assert len(records) == 3 and len(pictures) == sum(len(record.rollout.mask) for record in records)


def test_carts_have_the_colour_of_the_method():
    learning = CartPoleLearning(Figure(), limits=(0, 500))
    learning.draw([], np.zeros((2, 3, 4)), baseline=leave_one_out)
    assert learning.carts.poles.get_colors()[0].tolist() == pytest.approx(to_rgba(COLORS["leave one out"]))

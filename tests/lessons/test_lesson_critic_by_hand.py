"""The critic under the hand: its square through six points against direct evaluation, its bars at the ends of its controls."""

import itertools

import numpy as np
import pytest
from lesson import corners, definitions

from pgedu.lessons.critic_by_hand import TOP, critic_by_hand, square_through


@pytest.fixture(scope="module")
def cells():
    return definitions("05_actor_critic.ipynb", "cell-02", "cell-04", "cell-20", "cell-20-exactly", "critic-moments")


def test_six_points_tell_a_square():
    square = lambda x, y: np.array([1 + 2 * x - y + 3 * x * x - 0.5 * y * y + 4 * x * y, x * y])  # noqa: E731
    np.testing.assert_allclose(square_through(square)(1.7, -2.3), square(1.7, -2.3))


def test_bias_and_variance_are_squares_in_both_errors(cells):
    for name in cells["by_name"]:
        square = square_through(lambda x, y, name=name: cells["moments_of"](name, x, y))
        np.testing.assert_allclose(square(2.5, -4.0), cells["moments_of"](name, 2.5, -4.0), atol=1e-10)


def test_the_moments_are_those_of_the_lambda_panel(cells):
    for name, lam in (("λ = 0", 0.0), ("λ = 0.5", 0.5), ("λ = 1", 1.0)):
        wanted = cells["exactly"](lam, np.full((7, 3), 5.0) * [1, 1, 0], 1.0)
        np.testing.assert_allclose(cells["moments_of"](name, 5.0, 5.0), wanted, atol=1e-12)


def test_bars_are_shares_of_the_last_error(cells):
    values, names = cells["right"][0, :2], list(cells["by_name"])
    ends = {"v_curious": (-6.0, 12.0), "v_loyal": (-6.0, 12.0), "B": (1.0, 1e4)}
    settings = list(itertools.product(*ends.values()))
    drawn = corners(critic_by_hand(values, names, cells["moments_of"]), **ends)
    for (curious, loyal, B), (sentence, figure) in zip(settings, drawn, strict=True):
        moments = [cells["moments_of"](name, curious - values[0], loyal - values[1]) for name in names]
        bias, variance = (np.array(part) for part in zip(*[((m[:-1] ** 2).sum(), m[-1] / B) for m in moments]))
        error, (left, right) = bias + variance, figure.axes
        assert [bar.get_height() for bar in left.patches] == [curious, loyal]
        low, high = right.patches[: len(names)], right.patches[len(names) :]
        np.testing.assert_allclose([bar.get_height() for bar in low], np.minimum(bias / error[-1], TOP), atol=1e-9)
        tops = [bar.get_y() + bar.get_height() for bar in high]
        np.testing.assert_allclose(tops, np.minimum(error / error[-1], TOP))
        assert [text.get_text() for text in right.texts] == [f"{each:.2f}" for each in error / error[-1]]
        best = error.argmin()
        assert f"{names[best]} has the least squared error, {error[best]:.2g}, {bias[best] / error[best]:.0%}" in sentence

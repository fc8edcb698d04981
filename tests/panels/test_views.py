"""Pictures show what their arrays say: curves, bands, ellipses and the sentences below them."""

from types import SimpleNamespace

import numpy as np
import pytest
from matplotlib.figure import Figure

from pgedu import SGD, LearnedValue, Table, leave_one_out, total_return
from pgedu.panels.look import key
from pgedu.panels.views import COLORS, Band, Cloud, Learning, LearningCurve, angle_between, color_of, ellipse, means_of


def record(update, returns, diverged=False):
    """Of runs whose two episodes return the same, with gradients -1 and 1: a variance of 2."""
    R = len(returns)
    gradients = np.tile([[-1.0], [1.0]], (R, 1, 1))
    return SimpleNamespace(update=update, theta=np.zeros((R, 1)), returns=np.repeat(np.array(returns)[:, None], 2, 1),
                           gradients=gradients, diverged=np.full(R, diverged))  # fmt: skip


def test_curve_is_mean_and_middle_eight_of_ten():
    curve = LearningCurve(Figure().subplots())
    samples = np.random.default_rng(0).permuted(np.tile(np.arange(101.0), (3, 1)), axis=1)
    curve.add([1, 2, 3], samples + [[0], [10], [20]])
    assert curve.show() == 70.0
    np.testing.assert_allclose(curve.band.line.get_ydata(), [50, 60, 70])
    outline = curve.band.area.get_xy()
    assert {tuple(point) for point in outline} == {(x, y) for x in (1, 2, 3) for y in (10 * x, 80 + 10 * x)}


def test_curve_axis_grows_in_steps_and_thins_out():
    axes = Figure().subplots()
    curve = LearningCurve(axes)
    for n in range(1, 3001):
        curve.add([n], [[float(n)]])
    assert curve.show() == 3000 and axes.get_xlim() == (0, 5000)
    assert len(curve.band.line.get_xdata()) <= 2 * LearningCurve.POINTS
    assert np.isnan(LearningCurve(axes).show())


@pytest.mark.parametrize("together", [1, 7, 2500])
def test_points_of_a_long_history_are_means_of_equally_many_updates(together):
    curve, values = LearningCurve(Figure().subplots()), np.random.default_rng(0).normal(size=5000)
    for chunk in np.split(np.arange(5000), range(together, 5000, together)):
        curve.add(chunk, values[chunk, None])
    assert curve.show() == values[-1]
    x, y = curve.band.line.get_data()
    widths = np.diff(np.concatenate([[-0.5], x[:-1]]))  # equally wide, but the last, which still waits
    every = 2 * (x[0] + 0.5)
    np.testing.assert_allclose(widths[1:], every)
    whole = 5000 // int(every)
    np.testing.assert_allclose(y[:whole], values[: whole * int(every)].reshape(whole, -1).mean(axis=1))
    assert len(x) <= 2 * LearningCurve.POINTS and np.abs(y).max() < 3.0 < np.abs(values).max()


def test_means_of_what_is_there():
    rows = np.array([[1.0, np.nan], [3.0, np.nan], [5.0, 2.0], [7.0, np.nan]])
    np.testing.assert_array_equal(means_of(rows, 2), [[2.0, np.nan], [6.0, 2.0]])


def test_learning_says_what_the_numbers_are():
    learning = Learning(Figure(), limits=(0, 100), exact=lambda theta: theta[..., 0] + 40.0, best=100)
    assert learning.draw([]) == "No update yet."
    sentence = learning.draw([record(1, [10, 20]), record(2, [30, 50])])
    assert "After 2 updates of 2 runs" in sentence and "mean return is 40.0" in sentence
    assert "exact value 40.0" in sentence and "estimate 2." in sentence and "LOST" not in sentence


@pytest.mark.parametrize(("returns", "said"), [([1, 50], "1 of 2 LOST"), ([50, 50], ""), ([-1e15, 1], "all are lost")])
def test_learning_says_who_has_fallen_to_the_bottom(returns, said):
    exact = lambda theta: np.broadcast_to(returns, theta.shape[:2])  # noqa: E731
    sentence = Learning(Figure(), limits=(0, 100), exact=exact).draw([record(1, returns)])
    assert said in sentence and ("LOST" in sentence) == bool(said) and "nan" not in sentence
    assert "LOST" not in Learning(Figure(), limits=(0, 100)).draw([record(1, returns)])  # sampled: it may be luck


def test_one_lost_run_does_not_hide_the_others():
    exact = lambda theta: np.broadcast_to([-7e14, 50, 60, 70], theta.shape[:2])  # noqa: E731
    learning = Learning(Figure(), limits=(0, 100), exact=exact)
    sentence = learning.draw([record(1, [0, 52, 62, 72])])
    assert "mean return is 62.0, its exact value 60.0" in sentence and "1 of 4 LOST" in sentence
    assert learning.exact.band.line.get_ydata() == [60.0] and learning.sampled.band.line.get_ydata() == [62.0]


def test_learning_says_who_overflowed():
    assert "2 stand still" in Learning(Figure(), limits=(0, 100)).draw([record(1, [50, 50], diverged=True)])


def test_methods_have_their_colours():
    learning = Learning(Figure(), limits=(0, 100))
    learning.draw([record(1, [10, 20])], baseline=leave_one_out)
    assert learning.sampled.band.line.get_color() == COLORS["leave one out"]
    assert color_of(LearnedValue(Table(1, 1), SGD(0.1))) == COLORS["learned value"]
    assert color_of(total_return) == COLORS["total return"] and color_of(lambda: None) == "0.4"


def test_a_band_and_its_entry_in_the_legend_change_colour_together():
    axes = Figure().subplots()
    band, _ = Band(axes, "sampled"), Band(axes, "exact")
    legend = key(axes)
    band.recolour("#C45100")
    colors = {words.get_text(): line.get_color() for words, line in zip(legend.get_texts(), legend.get_lines())}
    assert colors == {"sampled": "#C45100", "exact": "black"} and band.line.get_color() == "#C45100"


def test_ellipse_is_two_standard_deviations_away():
    covariance = np.array([[2.0, 0.7], [0.7, 1.0]])
    offsets = ellipse(np.array([3.0, -1.0]), covariance) - [[3.0], [-1.0]]
    distances = np.sqrt(np.einsum("in,ij,jn->n", offsets, np.linalg.inv(covariance), offsets))
    np.testing.assert_allclose(distances, 2.0)


def test_cloud_shows_points_mean_and_truth():
    cloud, rng = Cloud(Figure().subplots(), "x", "y"), np.random.default_rng(0)
    points = rng.normal(size=(50, 2))
    cloud.show(points, np.array([0.5, 0.2]))
    np.testing.assert_array_equal(np.transpose(cloud.dots.get_data()), points)
    np.testing.assert_allclose(np.transpose(cloud.mean.get_data())[1], points.mean(axis=0))
    np.testing.assert_array_equal(np.transpose(cloud.exact.get_data())[1], [0.5, 0.2])


@pytest.mark.parametrize(("a", "b", "degrees"), [([1, 0], [0, 2], 90), ([1, 1], [2, 2], 0), ([1, 0], [-3, 0], 180)])
def test_angle(a, b, degrees):
    assert angle_between(np.array(a), np.array(b)) == pytest.approx(degrees, abs=1e-5)


def test_angle_of_nothing_is_nan():
    assert np.isnan(angle_between(np.zeros(2), np.ones(2)))


def test_curves_to_which_nothing_was_added_are_not_drawn_anew():
    curve = LearningCurve(Figure().subplots())
    curve.add([1, 2], [[1.0], [3.0]])
    assert curve.show() == 3 and len(curve.band.line.get_xdata()) == 2
    curve.band.line.set_data([], [])
    assert curve.show() == 3 and len(curve.band.line.get_xdata()) == 0
    curve.add([3], [[4.0]])
    assert curve.show() == 4 and len(curve.band.line.get_xdata()) == 3

"""Notebook 08, second lesson: the triangle of stable gains, paths in it, and who learns there."""

import numpy as np
import pytest
from cells_of_notebook import drawn

from pgedu import collect, exact_return, moments, pathwise_gradients
from pgedu.lessons import learning_gains, stable_triangle
from pgedu.lessons.learning_gains import cost_of_rides, drive, driver, ride
from pgedu.lessons.stable_triangle import BEST, CORNERS, LEAST, arrives, cart, cost, improved, is_stable, paths, solved


def test_the_triangle_is_where_the_gains_are_stable():
    gains = np.random.default_rng(0).uniform((-2, -2), (18, 10), size=(20_000, 2))
    assert (is_stable(gains) == cart.stable(gains)).all()
    centre = CORNERS.mean(axis=0)
    assert is_stable(centre + 0.999 * (CORNERS - centre)).all() and not is_stable(centre + 1.001 * (CORNERS - centre)).any()


def test_solved_is_what_the_world_says():
    gains = np.array([[0.1, 0.2], [3.0, 3.0], [10.0, 5.8], [0.65, 1.48]])
    J, E, Sigma = solved(gains)
    solution = cart.solve_gain(gains)
    assert J == pytest.approx(cost(gains), rel=1e-9)
    assert E == pytest.approx(solution.errors[:, 0], rel=1e-6, abs=1e-9) and Sigma == pytest.approx(solution.visits, rel=1e-9)


def test_known_paths():
    assert BEST == pytest.approx([0.64863, 1.48287], abs=1e-5) and cost([0.1, 0.2]) == pytest.approx(84.65, abs=0.01)
    found = paths(0.1, 0.2, 0.0072)
    assert [arrives(costs) for _, costs in found.values()] == [136, 102, 3]
    K = np.array([0.1, 0.2])
    for expected in found["gradient"][0][:5]:  # by the world's own gradient
        assert K == pytest.approx(expected)
        K = K + 0.0072 * cart.gain_gradient(K)
    assert np.isfinite(paths(0.1, 0.2, 0.00798)["gradient"][1][-1]) and np.isinf(paths(0.1, 0.2, 0.008)["gradient"][1][-1])
    gone, costs = paths(0.1, 0.2, 0.1)["natural gradient"]
    assert len(gone) == 2 and gone[1] == pytest.approx(np.array([0.1, 0.2]) - 0.2 * cart.solve_gain(gone[0]).errors.ravel())
    assert np.isinf(costs[1])


def test_policy_iteration_arrives_from_everywhere():
    for K in CORNERS.mean(axis=0) + 0.9 * (CORNERS - CORNERS.mean(axis=0)):
        gains, costs = improved(K)
        assert (np.diff(costs) < 0).all() and costs[-1] <= LEAST + 1e-5 and is_stable(gains).all()


def test_outside_nothing_is_walked_and_nothing_is_nan():
    for gains, costs in paths(4.0, 8.0, 0.01).values():
        assert len(gains) == 1 and np.isinf(costs).all()


def test_the_panel():
    _, draw = drawn(stable_triangle.triangle, empty=True)
    assert draw(k1=0.1, k2=0.2, alpha=0.0072).endswith(
        "Gradient: there after 136 updates. Natural gradient: there after 102 updates. Policy iteration: there after 3 updates."
    )
    assert "Gradient: not stable after 1 update." in draw(k1=0.1, k2=0.2, alpha=0.1)
    assert "Gradient: 0.81 above it after 300 updates." in draw(k1=0.1, k2=0.2, alpha=0.0002)
    for k1, k2 in ((-0.5, -0.5), (16.0, 8.5), (-0.5, 8.5), (16.0, -0.5), (0.0, 0.0), (16.0, 8.0)):
        assert "is not stable: the cart swings ever wider" in draw(k1=k1, k2=k2, alpha=0.1)


def test_the_learners_cost_is_exact_and_always_a_number():
    assert cost_of_rides(np.array([0.3, 0.6])) == pytest.approx(-exact_return(ride, driver, np.array([0.3, 0.6])))
    assert np.isfinite(cost_of_rides(np.array([[1e300, -1e300], [0.0, 50.0]]))).all()
    rollout = collect(ride, driver, np.array([0.3, 0.6]), rng=np.random.default_rng(0), episodes=20_000)
    assert -rollout.rewards.sum(axis=0).mean() == pytest.approx(cost_of_rides(np.array([0.3, 0.6])), rel=0.03)
    gradients = pathwise_gradients(ride, driver, np.array([0.3, 0.6]), rollout)
    error = np.sqrt(np.diag(moments(gradients).covariance) / 20_000)
    truth = ride.exact_gradient(driver, np.array([0.3, 0.6]))
    assert (np.abs(gradients.mean(axis=0) - truth) < 4 * error).all()


def test_learners_and_their_picture():
    for pathwise, rate in ((False, 0.0001), (False, 0.03), (True, 0.03)):
        records = list(drive(np.random.default_rng(0), pathwise, runs=50, learning_rate=rate, updates=25))
        figure, draw = drawn(learning_gains.driving)
        said = draw(new=records, pathwise=pathwise)
        lost = int((~is_stable(records[-1].theta)).sum())
        assert (f" {lost} hold a gain that is not stable" in said) == (0 < lost < 50) and ("all are lost" in said) == (lost == 50)
    assert learning_gains.driving(figure.__class__())(new=[], pathwise=False) == "No update yet."


def test_a_ride_is_powers_of_the_loop():
    loop = np.array([[1, 0.5], [-0.3, 0.4]])  # A - BK of the gain (0.6, 1.2)
    assert stable_triangle.places(0.6, 1.2) == pytest.approx([(np.linalg.matrix_power(loop, t) @ [1, 0])[0] for t in range(41)])
    assert np.abs(stable_triangle.places(0.6, 1.2)[-1]) < 1e-3 and np.abs(stable_triangle.places(16.0, -0.5)).max() == 20

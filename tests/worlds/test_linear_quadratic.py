"""Linear-quadratic worlds against scalar closed forms, known gains, sums over time, finite differences and bad input."""

from dataclasses import replace

import numpy as np
import pytest

import pgedu as pg

PHI = (1 + 5**0.5) / 2
GOLDEN = pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0)
TWO = pg.LinearQuadratic(A=[[1, 0.5], [0, 1]], B=[[0], [0.5]], Q=np.eye(2), R=np.eye(1))


def some_world(rng, N=3, M=2, gamma=0.9):
    """Dense, with correlated start and noise; about as often stable as not without a gain."""
    half = lambda n: rng.normal(size=(n, n))  # noqa: E731
    square = lambda n: (lambda h: h @ h.T + 0.1 * np.eye(n))(half(n))  # noqa: E731
    return pg.LinearQuadratic(0.5 * half(N), rng.normal(size=(N, M)), square(N), square(M), square(N), square(N), gamma)


def summed(world, theta, sigma, steps=4000):
    """(J, Sigma) of one theta by following E[x x'] through time: no Lyapunov equation, no doubling."""
    K = np.reshape(theta, world.B.shape[::-1])
    loop, covariance = world.A - world.B @ K, world.start_covariance
    pushed = world.noise_covariance + sigma**2 * world.B @ world.B.T
    J, visits = 0.0, np.zeros_like(world.A)
    for t in range(steps):
        cost = np.trace((world.Q + K.T @ world.R @ K) @ covariance) + sigma**2 * np.trace(world.R)
        J, visits = J - world.gamma**t * cost, visits + world.gamma**t * covariance
        covariance = loop @ covariance @ loop.T + pushed
    return J, visits


def test_one_state_in_closed_form():
    a, b, q, r, X0, w2, gamma, sigma = 1.2, 0.7, 0.8, 0.3, 1.7, 0.4, 0.95, 0.6
    world = pg.LinearQuadratic(a, b, q, r, X0, w2, gamma)
    K = np.linspace(0.4, 3, 7)[:, None]
    shrink = 1 - gamma * (a - b * K) ** 2
    P = (q + r * K**2) / shrink
    Sigma = (X0 + gamma * (b**2 * sigma**2 + w2) / (1 - gamma)) / shrink
    J = -(P * X0 + (r * sigma**2 + gamma * P * (b**2 * sigma**2 + w2)) / (1 - gamma))
    gradient = -2 * (r * K - gamma * b * P * (a - b * K)) * Sigma
    assert (shrink > 0).all()
    np.testing.assert_allclose(world.gain_return(K, sigma=sigma), J[:, 0], rtol=1e-9)
    np.testing.assert_allclose(world.gain_gradient(K, sigma=sigma), gradient, rtol=1e-9, atol=1e-9)
    solution = world.solve_gain(K, sigma=sigma)
    np.testing.assert_allclose(solution.values[..., 0], P, rtol=1e-9)
    np.testing.assert_allclose(solution.visits[..., 0], Sigma, rtol=1e-9)


def test_the_golden_ratio():
    best = GOLDEN.optimal_gain()
    np.testing.assert_allclose(best, [1 / PHI], rtol=1e-12)
    assert GOLDEN.gain_return(best) == pytest.approx(-PHI, rel=1e-12)
    Sigma = GOLDEN.solve_gain(best).visits.item()
    assert Sigma == pytest.approx(1 / (1 - PHI**-4), rel=1e-12)  # a - bK* = 1 / phi^2
    h = 1e-5
    curvature = -(GOLDEN.gain_gradient(best + h) - GOLDEN.gain_gradient(best - h)).item() / (2 * h)
    assert curvature == pytest.approx(2 * (1 + PHI) * Sigma, rel=1e-8) and round(curvature, 4) == 6.1305
    assert GOLDEN.stable([[0.0], [1e-9], [2 - 1e-9], [2.0]]).tolist() == [False, True, True, False]
    gradient = GOLDEN.gain_gradient([0.05])
    assert round(gradient.item()) == 199 and round(0.05 + 0.01 * gradient.item(), 3) == 2.043


def test_policy_iteration_is_the_map_of_the_golden_ratio():
    theta, errors = np.array([0.05]), []
    for _ in range(6):
        P = (1 + theta**2) / (1 - (1 - theta) ** 2)
        errors.append(abs(theta.item() - 1 / PHI))
        np.testing.assert_allclose(GOLDEN.improve_gain(theta), P / (1 + P), rtol=1e-12)
        theta = GOLDEN.improve_gain(theta)
    np.testing.assert_allclose(errors, [0.57, 0.29, 0.030, 4e-4, 7e-8, 2e-15], rtol=0.15, atol=1e-14)


def test_stable_gains_of_two_states_are_a_triangle():
    rng = np.random.default_rng(0)
    theta = rng.uniform([-2, -2], [18, 10], size=(20_000, 2))
    k1, k2 = theta.T
    inside = (k1 > 0) & (k2 > k1 / 2) & (k2 < 4 + k1 / 4)
    assert 1000 < inside.sum() < 19_000
    np.testing.assert_array_equal(TWO.stable(theta), inside)
    np.testing.assert_array_equal(np.isfinite(TWO.gain_return(theta)), inside)


def updates(step, most=3000):
    """Updates of TWO's gain from (.1, .2) until J is within .001 of the best, or None once it is unstable."""
    theta, best = np.array([0.1, 0.2]), TWO.gain_return(TWO.optimal_gain())
    for count in range(most):
        if not TWO.stable(theta):
            return None
        if best - TWO.gain_return(theta) < 0.001:
            return count
        theta = step(theta)
    raise AssertionError("it never arrives")


def test_known_gains_and_steps_of_two_states():
    np.testing.assert_allclose(TWO.optimal_gain(), [0.64863, 1.48287], atol=5e-6)
    start = np.array([0.1, 0.2])
    assert round(-TWO.gain_return(start), 2) == 84.65
    assert round(np.linalg.norm(TWO.gain_gradient(start))) == 667
    assert updates(lambda theta: theta + 7.2e-3 * TWO.gain_gradient(theta)) == 136
    assert updates(lambda theta: theta + 8.0e-3 * TWO.gain_gradient(theta)) is None
    assert updates(TWO.improve_gain) == 3


@pytest.mark.parametrize("gamma", [0.5, 0.9, 0.99])
def test_return_visits_and_gradient_against_sums_and_differences(gamma):
    rng = np.random.default_rng(1)
    world, sigma = some_world(rng, gamma=gamma), 0.7
    theta = world.optimal_gain() + 0.05 * rng.normal(size=(2, 4, 6))
    assert world.stable(theta).all() and world.stable(theta).shape == (2, 4)
    J, gradient, solution = (f(theta, sigma=sigma) for f in (world.gain_return, world.gain_gradient, world.solve_gain))
    assert J.shape == (2, 4) and gradient.shape == theta.shape and solution.values.shape == (2, 4, 3, 3)
    for run in np.ndindex(2, 4):
        known_J, known_visits = summed(world, theta[run], sigma)
        assert J[run] == pytest.approx(known_J, rel=1e-9)
        np.testing.assert_allclose(solution.visits[run], known_visits, rtol=1e-9, atol=1e-9 * known_visits.max())
        assert world.gain_return(theta[run], sigma=sigma) == pytest.approx(J[run], rel=1e-12)
    h = 1e-5
    slopes = [world.gain_return(theta + h * e, sigma=sigma) - world.gain_return(theta - h * e, sigma=sigma) for e in np.eye(6)]
    np.testing.assert_allclose(gradient, np.moveaxis(slopes, 0, -1) / (2 * h), rtol=1e-6, atol=1e-7 * np.abs(J).max())


def test_equations_of_lyapunov_fazel_and_bellman():
    rng = np.random.default_rng(2)
    world = some_world(rng)
    best = world.optimal_gain()
    theta = best + 0.05 * rng.normal(size=(50, 6))
    assert world.stable(theta).all()
    (A, B, Q, R, X, W, gamma, _), K = (getattr(world, name) for name in world.__dataclass_fields__), world.matrix(theta)
    P, Sigma, E = world.solve_gain(theta)
    L = A - B @ K
    T = lambda matrices: np.swapaxes(matrices, -1, -2)  # noqa: E731
    np.testing.assert_allclose(P, Q + T(K) @ R @ K + gamma * T(L) @ P @ L, rtol=1e-9)
    np.testing.assert_allclose(Sigma - gamma * L @ Sigma @ T(L), np.tile(X + gamma * W / (1 - gamma), (50, 1, 1)), rtol=1e-9)
    metric = R + gamma * T(B) @ P @ B
    np.testing.assert_allclose(E, metric @ K - gamma * T(B) @ P @ A, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(world.gain_gradient(theta), (-2 * E @ Sigma).reshape(50, 6), rtol=1e-12)
    improved = world.improve_gain(theta)
    np.testing.assert_allclose(improved, (K - np.linalg.solve(metric, E)).reshape(50, 6), rtol=1e-9, atol=1e-12)
    J, J_best = world.gain_return(theta), world.gain_return(best)
    assert (world.gain_return(improved) > J).all()
    # gradient domination, the heart of Fazel et al.: how far from the best, bounded by E
    best_visits = world.solve_gain(best).visits
    bound = np.linalg.norm(best_visits, 2) * np.trace(T(E) @ np.linalg.solve(metric, E), axis1=-2, axis2=-1)
    assert (J < J_best).all() and (J_best - J <= bound).all()


@pytest.mark.parametrize("sigma", [0.0, 2.0])
def test_the_optimum_is_where_nothing_can_be_gained_whatever_the_noise(sigma):
    for seed in range(10):
        world = some_world(np.random.default_rng(seed), N=4, M=2)
        best = world.optimal_gain()
        scale = np.abs(world.gain_return(best, sigma=sigma))
        np.testing.assert_allclose(world.gain_gradient(best, sigma=sigma), 0, atol=1e-9 * scale)
        np.testing.assert_allclose(world.improve_gain(best), best, rtol=1e-9, atol=1e-12)


def test_stable_gains_are_not_a_convex_set():
    world = pg.LinearQuadratic(np.zeros((2, 2)), np.eye(2), np.eye(2), np.eye(2))
    one, other = np.array([0.0, 4, 0, 0]), np.array([0.0, 0, 4, 0])
    assert world.stable([one, other, (one + other) / 2]).tolist() == [True, True, False]
    # L = -K and K^2 = 0: two terms of the sum are all of it. Q + K'K = diag(1, 17), and K' diag(1, 17) K = diag(0, 16).
    assert world.gain_return(one) == pytest.approx(-(1 + 17 + 16), rel=1e-12)


def test_unstable_gains_are_marked_and_leave_the_other_runs_alone():
    theta = np.array([[0.5], [-1.0], [2.0], [1e200], [1.7e308], [-1e-300]])
    huge = replace(GOLDEN, B=[[1e3]])  # whose B K overflows
    with np.errstate(all="raise"):
        for world in (GOLDEN, huge):
            J, gradient, solution = world.gain_return(theta), world.gain_gradient(theta), world.solve_gain(theta)
            good = world.stable(theta)
            assert np.isneginf(J[~good]).all() and np.isneginf(gradient[~good]).all() and np.isfinite(J[good]).all()
            assert all(np.isposinf(part[~good]).all() and np.isfinite(part[good]).all() for part in solution)
            np.testing.assert_array_equal(world.improve_gain(theta)[~good], theta[~good])
        assert GOLDEN.stable(theta).tolist() == [True] + 5 * [False]
        assert GOLDEN.gain_return(theta)[0] == GOLDEN.gain_return(theta[0])
    assert not np.isfinite(GOLDEN.gain_return([-1.0]))  # also where there is no axis of runs


def test_on_the_edge_there_is_no_nan_and_no_positive_return():
    offsets = np.concatenate([[0.0], 10.0 ** -np.arange(1, 18)])
    edge = np.concatenate([offsets, 2 - offsets])[:, None]
    J = GOLDEN.gain_return(edge)
    assert not np.isnan(J).any() and (J <= -PHI + 1e-12).all() and not np.isnan(GOLDEN.gain_gradient(edge)).any()
    near = np.array([1e-6])  # P = (1 + K^2) / (2K - K^2)
    assert GOLDEN.gain_return(near) == pytest.approx(-(1 + 1e-12) / (2e-6 - 1e-12), rel=1e-9)
    defective = TWO.gain_return([[0.0, 0.0], [0.0, 4.0], [16.0, 8.0]])  # the corners
    assert np.isneginf(defective).all()


def test_what_is_too_large_for_a_number_is_marked_too():
    one, other = np.array([[1, 0.9], [0.9, 1]]), np.array([[1, -0.9], [-0.9, 1]])  # whose product's trace is .38
    world = pg.LinearQuadratic(0.5 * np.eye(2), np.eye(2), 1e200 * one, np.eye(2), 1e200 * other)
    with np.errstate(all="raise"):
        assert world.stable(np.zeros(4)) and np.isneginf(world.gain_return(np.zeros(4)))
        assert np.isneginf(world.gain_gradient(np.zeros(4))).all()
        steep = pg.LinearQuadratic(1e150, 1.0, 1e200, 1.0)
        assert steep.stable([1e150]) and steep.improve_gain([1e150]).tolist() == [1e150]


def test_the_optimum_of_three_states_in_closed_form_where_they_grow_at_different_speeds():
    turn = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
    world = pg.LinearQuadratic(turn @ np.diag([6, 1.05, 1.02]) @ turn.T, np.eye(3), np.eye(3), 1e4 * np.eye(3))
    gains = []
    for a in (6, 1.05, 1.02):  # each of the turned states is a world of its own: P^2 - P (1 + (a^2 - 1) r) - r = 0
        half = (1 + (a**2 - 1) * 1e4) / 2
        P = half + np.sqrt(half**2 + 1e4)
        gains.append(P * a / (1e4 + P))
    np.testing.assert_allclose(world.optimal_gain().reshape(3, 3), turn @ np.diag(gains) @ turn.T, rtol=1e-9, atol=1e-9)


def test_covariances_of_rank_one_are_covariances():
    rng = np.random.default_rng(4)
    for _ in range(20):  # about half of them have an eigenvalue a rounding error below 0
        v = rng.normal(size=2)
        assert replace(TWO, start_covariance=np.outer(v, v)).gain_return([0.5, 1.0]) < 0


def test_discount_makes_a_growing_state_stable():
    world = pg.LinearQuadratic(1.2, 1.0, 1.0, 1.0, gamma=0.5)
    assert world.stable([0.0]) and not replace(world, gamma=1.0).stable([0.0])
    assert world.gain_return([0.0]) == pytest.approx(-1 / (1 - 0.5 * 1.44), rel=1e-12)


def test_arrays_are_copies_that_nobody_can_write_into():
    A = np.eye(2)
    world = replace(TWO, A=A)
    A[0, 0] = 5
    assert world.A[0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        world.Q[0, 0] = 5


@pytest.mark.parametrize("change, sentence", [
    ({"A": np.ones((2, 3))}, r"A must be \[N, N\] = \(2, 2\); got shape \(2, 3\)"),
    ({"B": np.ones(2)}, r"B must be a matrix \[N, M\]; got shape \(2,\)"),
    ({"B": np.ones((2, 0))}, r"B must be a matrix \[N, M\]; got shape \(2, 0\)"),
    ({"B": np.ones((3, 1))}, r"A must be \[N, N\] = \(3, 3\)"),
    ({"Q": [[1, 2], [0, 1]]}, "Q must be symmetric and positive semidefinite"),
    ({"Q": -np.eye(2)}, "Q must be symmetric and positive semidefinite"),
    ({"R": [[0.0]]}, "R must be symmetric and positive definite"),
    ({"R": np.eye(2)}, r"R must be \[M, M\] = \(1, 1\)"),
    ({"start_covariance": -np.eye(2)}, "start_covariance must be symmetric"),
    ({"noise_covariance": np.eye(2)}, "gamma must be below 1 where there is noise and no horizon: it costs without end; got 1.0"),
    ({"gamma": 0.0}, "gamma must be a number above 0 and up to 1; got 0.0"),
    ({"A": np.full((2, 2), np.nan)}, "A must be finite numbers; got NaN or infinity"),
])  # fmt: skip
def test_worlds_that_are_none(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(TWO, **change)


def test_arguments_that_do_not_fit():
    with pytest.raises(ValueError, match=r"theta must be \[\*R, D\] with D = 2; got shape \(3,\)"):
        TWO.gain_return(np.zeros(3))
    with pytest.raises(ValueError, match="theta must be finite numbers; got NaN or infinity"):
        TWO.gain_gradient([np.nan, 1.0])
    with pytest.raises(ValueError, match="sigma must be 0 where gamma is 1"):
        TWO.gain_return([0.5, 1.0], sigma=0.1)
    with pytest.raises(ValueError, match="sigma must be a number of 0 or more; got -1"):
        TWO.gain_return([0.5, 1.0], sigma=-1)


@pytest.mark.parametrize("change", [{"A": [[2, 0], [0, 1]], "B": [[0], [1]]}, {"A": 2 * np.eye(2), "Q": np.zeros((2, 2))}])
def test_a_world_without_a_best_stable_gain_says_so(change):
    with pytest.raises(ValueError, match="such that a stable gain is the best one"):
        replace(TWO, **change).optimal_gain()


def test_costs_may_be_of_any_size():
    with np.errstate(all="raise"):
        for scale in (1e-310, 1e-200, 1e120, 1e200):  # a common factor of all costs changes no gain
            world = pg.LinearQuadratic(1.0, 1.0, scale, scale)
            assert world.optimal_gain() == pytest.approx([1 / PHI], rel=1e-9 if scale > 1e-300 else 1e-6)


def test_an_action_whose_cost_is_lost_in_rounding():
    world = pg.LinearQuadratic(0.5, [[1.0, 2.0, 3.0]], 1.0, 1e-20 * np.eye(3), gamma=0.9)
    theta = [[0.1, 0.0, 0.0], [0.0, 0.1, 0.0]]
    np.testing.assert_array_equal(world.improve_gain(theta), theta)
    with pytest.raises(ValueError, match="such that a stable gain is the best one"):
        world.optimal_gain()


def test_more_steps_of_more_runs_than_memory_holds_are_refused():
    for answer in (TWO.gain_return, TWO.gain_gradient):
        with pytest.raises(ValueError, match="horizon must be at most 25000 steps for so many runs; got 30000"):
            answer(np.zeros((1000, 2)), horizon=30_000)

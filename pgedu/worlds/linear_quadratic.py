"""A linear-quadratic world: states and actions are vectors, and everything about a gain K is known exactly."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pgedu.arguments import number, numbers, refuse

MOST_DOUBLINGS = 60  # a sum of 2^60 terms: beyond that a gain is as good as unstable
MOST_SWEEPS = 100_000  # of the Riccati iteration
MOST_COST = 1e100  # a P that grows so much in one sweep of it grows for ever


def _marked(function):
    """The function, in which what overflows becomes infinite without a warning: it is found and marked as unstable."""
    return np.errstate(under="ignore", over="ignore", invalid="ignore")(function)


class QuadraticSolution(NamedTuple):
    """What is known of a gain K in a linear-quadratic world. Infinite in every entry where the gain is not stable."""

    values: np.ndarray  # [*R, N, N]; P: without noise, -x'Px is the value of state x
    visits: np.ndarray  # [*R, N, N]; Sigma = sum_t gamma^t E[x_t x_t']
    errors: np.ndarray  # [*R, M, N]; E = RK - gamma B'P(A - BK), which is 0 at the optimum; grad J = -2 E Sigma


@dataclass(frozen=True, eq=False)
class LinearQuadratic:
    """x' = A x + B u + noise, reward -(x'Qx + u'Ru), for ever; N states and M actions, which are all numbers.

    The policy is u = -K x + sigma eps, with independent standard normal eps. Its theta [*R, D] is the gain K [M, N]
    row by row, D = M N, for any number of runs.

    A gain is stable where gamma^t E[x_t x_t'] dies away. Where it is not, J is -inf and so is every entry of its
    gradient: a mark, not a direction. Nothing here is ever NaN. (A world that happens not to start, nor to be pushed,
    in the direction that grows, or that does not charge for it, would have a finite J; it is marked all the same.)

    Args and attributes:
        A: [N, N], B: [N, M]; what the state and the action do to the next state. Plain numbers where N = M = 1.
        Q: [N, N], positive semidefinite, and R: [M, M], positive definite: the costs. All four symmetric.
        start_covariance: [N, N], E[x_0 x_0']; default the identity. (If the mean is not 0, give the second moment.)
        noise_covariance: [N, N], of the noise of each step; default 0.
        gamma: discount, above 0 and up to 1. At 1 there may be no noise and no sigma: they would cost without end.
    Raises:
        ValueError: matrices whose shapes do not fit or that are no costs or covariances; noise without discount.
    Source: Fazel, Ge, Kakade & Mesbahi (2018), Global convergence of policy gradient methods for the LQR, section 3.
    """

    A: np.ndarray
    B: np.ndarray
    Q: np.ndarray
    R: np.ndarray
    start_covariance: np.ndarray | None = None
    noise_covariance: np.ndarray | None = None
    gamma: float = 1.0

    def __post_init__(self):
        A, B = _matrix("A", self.A, "[N, N]"), _matrix("B", self.B, "[N, M]")
        N, M = B.shape
        start = np.eye(N) if self.start_covariance is None else self.start_covariance
        noise = np.zeros((N, N)) if self.noise_covariance is None else self.noise_covariance
        fields = {
            "A": numbers("A", A, "[N, N]", (N, N)),
            "B": B,
            "Q": _semidefinite("Q", self.Q, "[N, N]", N),
            "R": _semidefinite("R", self.R, "[M, M]", M, definite=True),
            "start_covariance": _semidefinite("start_covariance", start, "[N, N]", N),
            "noise_covariance": _semidefinite("noise_covariance", noise, "[N, N]", N),
        }
        for name, value in fields.items():  # copies that nobody can write into
            value = np.array(value)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        number("gamma", self.gamma, most=1, above=0)
        if self.gamma == 1 and self.noise_covariance.any():
            raise refuse("gamma", "below 1 where there is noise, which costs without end", self.gamma)

    def matrix(self, theta):
        """The gains K [*R, M, N] of theta [*R, D]; ValueError where theta does not fit or is not finite."""
        theta = numbers("theta", theta, "[*R, D]", finite=False)
        N, M = self.B.shape
        if theta.shape[-1:] != (M * N,):
            raise refuse("theta", f"[*R, D] with D = {M * N}", f"shape {theta.shape}")
        return numbers("theta", theta).reshape(*theta.shape[:-1], M, N)

    @_marked
    def stable(self, theta):
        """Whether the spectral radius of sqrt(gamma) (A - BK) is below 1, [*R] bool."""
        loop = self._loop(self.matrix(theta))
        finite = np.isfinite(loop).all(axis=(-1, -2))
        radius = np.abs(np.linalg.eigvals(np.where(finite[..., None, None], loop, 0.0))).max(axis=-1)
        return finite & (radius < 1)

    @_marked
    def solve_gain(self, theta, *, sigma=0.0):
        """The `QuadraticSolution` of theta [*R, D]: P = Q + K'RK + gamma L'PL and Sigma = X + gamma L Sigma L', L = A - BK.

        X is the start's covariance and what noise adds to it, gamma / (1 - gamma) (noise + sigma^2 BB'). Both equations
        (of Lyapunov) are sums over time; they are doubled, 1, 2, 4, ... steps, which cannot make a cost negative.
        """
        K, loop = self.matrix(theta), self._loop(self.matrix(theta))
        stable = self.stable(theta)[..., None, None]
        loop = np.where(stable, loop, 0.0)
        transposed = np.swapaxes(loop, -1, -2)
        P = _sum_over_time(loop, self.Q + np.swapaxes(K, -1, -2) @ self.R @ K)
        Sigma = _sum_over_time(transposed, self.start_covariance + self.gamma * self._unrest(sigma))
        E = self.R @ K - self.gamma * self.B.T @ P @ (self.A - self.B @ K)
        sound = stable & np.logical_and.reduce([np.isfinite(part).all((-1, -2), keepdims=True) for part in (P, Sigma, E)])
        return QuadraticSolution(*(np.where(sound, part, np.inf) for part in (P, Sigma, E)))

    @_marked
    def gain_return(self, theta, *, sigma=0.0):
        """J = -tr(P X_0) - (sigma^2 tr R + gamma tr(P (noise + sigma^2 BB'))) / (1 - gamma), [*R]; -inf where unstable."""
        P = self.solve_gain(theta, sigma=sigma).values
        weights = self.start_covariance + self.gamma * self._unrest(sigma)
        dither = sigma**2 * np.trace(self.R) / (1 - self.gamma) if sigma else 0.0
        J = -(P * weights).sum(axis=(-1, -2)) - dither
        return np.where(np.isfinite(P).all((-1, -2)) & np.isfinite(J), J, -np.inf)[()]

    @_marked
    def gain_gradient(self, theta, *, sigma=0.0):
        """dJ/dK = -2 E Sigma, flat as theta is, [*R, D]; -inf in every entry where the gain is unstable.

        Source: Fazel et al. (2018), lemma 1, with the discount and the noise put in.
        """
        solution = self.solve_gain(theta, sigma=sigma)
        gradient = -2 * solution.errors @ solution.visits
        sound = np.isfinite(gradient).all((-1, -2), keepdims=True) & np.isfinite(solution.values).all((-1, -2), keepdims=True)
        return np.where(sound, gradient, -np.inf).reshape(np.shape(theta))

    @_marked
    def improve_gain(self, theta):
        """One step of policy iteration, [*R, D]: the gain that is best if the present one is followed ever after.

        K' = K - (R + gamma B'PB)^-1 E, a Gauss-Newton step of a half. It is the same for every start, noise and sigma.
        An unstable gain has no values to improve on and stays as it is.
        Source: Hewer (1971); Fazel et al. (2018), section 3.
        """
        K, P = self.matrix(theta), self.solve_gain(theta).values
        sound = np.isfinite(P).all((-1, -2), keepdims=True)
        better = self._best_gain(np.where(sound, P, 0.0))
        return np.where(sound & np.isfinite(better), better, K).reshape(np.shape(theta))

    @_marked
    def optimal_gain(self):
        """The best theta [D] of all, by the Riccati iteration P <- Q + gamma A'P(A - BK), K being the best gain for P.

        Raises:
            ValueError: the iteration does not end, or ends with a gain that is not stable: nothing keeps this world
                in check, or nothing in Q asks for it.
        """
        P = self.Q
        for _ in range(MOST_SWEEPS):
            K = self._best_gain(P)
            new = self.Q + self.gamma * self.A.T @ P @ (self.A - self.B @ K)
            change, P = np.abs(new - P).max(), new
            settled = change <= 1e-14 * np.abs(P).max()
            if settled or not change < MOST_COST:
                break
        theta = self._best_gain(P).ravel() if settled else None
        if not (settled and self.stable(theta)):
            raise refuse("A, B, Q", "such that a stable gain is the best one", "none that the Riccati iteration finds")
        return theta

    def _loop(self, K):
        """sqrt(gamma) (A - BK), [*R, N, N]."""
        return np.sqrt(self.gamma) * (self.A - self.B @ K)

    def _unrest(self, sigma):
        """What all steps to come add to the state's covariance, discounted: (noise + sigma^2 BB') / (1 - gamma)."""
        number("sigma", sigma, 0)
        if self.gamma == 1 and sigma > 0:
            raise refuse("sigma", "0 where gamma is 1: noise would cost without end", sigma)
        pushed = self.noise_covariance + sigma**2 * self.B @ self.B.T
        return pushed / (1 - self.gamma) if self.gamma < 1 else pushed

    def _best_gain(self, P):
        right = self.gamma * self.B.T @ P
        return np.linalg.solve(self.R + right @ self.B, right @ self.A)


def _sum_over_time(loop, source):
    """sum_t loop'^t source loop^t, [*R, N, N], which solves P = source + loop' P loop."""
    total = np.broadcast_to(source, loop.shape)
    for _ in range(MOST_DOUBLINGS):
        total = total + np.swapaxes(loop, -1, -2) @ total @ loop
        loop = loop @ loop
        if np.abs(loop).max(initial=0.0) < 1e-12:  # squared in the next term
            break
    return total


def _matrix(name, value, axes):
    matrix = numbers(name, value, axes)
    matrix = matrix.reshape(1, 1) if matrix.ndim == 0 else matrix
    if matrix.ndim != 2 or not matrix.size:
        raise refuse(name, f"a matrix {axes}", f"shape {matrix.shape}")
    return matrix


def _semidefinite(name, value, axes, size, *, definite=False):
    matrix = numbers(name, _matrix(name, value, axes), axes, (size, size))
    least, little = np.linalg.eigvalsh(matrix).min(), 1e-9 * np.abs(matrix).max()
    if np.abs(matrix - matrix.T).max() > little or (least <= 0 if definite else least < -little):
        raise refuse(name, f"symmetric and positive {'' if definite else 'semi'}definite", value)
    return matrix

"""A linear-quadratic world: states and actions are vectors, and everything about a gain K is known exactly."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pgedu.arguments import number, numbers, refuse
from pgedu.worlds import linear_policies, quadratic_envs
from pgedu.worlds.matrices import backward, forward, marked, matrix_of, semidefinite, sum_over_time
from pgedu.worlds.solving import MOST_STEPS, shorter

MOST_SWEEPS = 100_000  # of the Riccati iteration


def _marked(function):
    """The function, in which what overflows becomes infinite without a warning: it is found and marked as unstable."""
    return np.errstate(under="ignore", over="ignore", invalid="ignore")(function)


class QuadraticSolution(NamedTuple):
    """What is known of a gain K in a linear-quadratic world. Infinite in every entry where the gain is not stable.

    With a horizon there is an axis of time H in front of all three, as in an MDP's `Solution`: row t is time t.
    """

    values: np.ndarray  # [*R, N, N]; P: without noise, -x'Px is the value of state x
    visits: np.ndarray  # [*R, N, N]; Sigma = sum_t gamma^t E[x_t x_t'], or its term at t
    errors: np.ndarray  # [*R, M, N]; E = RK - gamma B'P(A - BK), which is 0 at the optimum; grad J = -2 E Sigma


@dataclass(frozen=True, eq=False)
class LinearQuadratic:
    """x' = A x + B u + noise, reward -(x'Qx + u'Ru), for ever; N states and M actions, which are all numbers.

    The policy is u = -K x + sigma eps, with independent standard normal eps. The `gain_...` methods take the gain
    itself: theta [*R, D] is K [M, N] row by row, D = M N, for any number of runs; sigma is one number, or one for each
    action, [*R, M]. `solve`, `exact_return` and `exact_gradient` take such a `Policy(Gain(N, M, sigma), Gaussian(M))`,
    whose theta is K, too. (Any policy with normal actions can act here.)

    A gain is stable where gamma^t E[x_t x_t'] dies away. Where it is not, J is -inf and so is every entry of its
    gradient: a mark, not a direction. Nothing here is ever NaN. (A world that happens not to start, nor to be pushed,
    in the direction that grows, or that does not charge for it, would have a finite J; it is marked all the same.)

    Args and attributes:
        A: [N, N], B: [N, M]; what the state and the action do to the next state. Plain numbers where N = M = 1.
        Q: [N, N], positive semidefinite, and R: [M, M], positive definite: the costs. All four symmetric.
        start_covariance: [N, N], E[x_0 x_0'], the mean being 0; default the identity.
        noise_covariance: [N, N], of the noise of each step; default 0.
        gamma: discount, above 0 and up to 1. At 1 without a horizon there may be no noise and no sigma: they would
            cost without end.
        horizon: None, or the number of steps after which every episode ends; J is then finite whatever the gain.
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
    horizon: int | None = None

    def __post_init__(self):
        A, B = matrix_of("A", self.A, "[N, N]"), matrix_of("B", self.B, "[N, M]")
        N, M = B.shape
        start = np.eye(N) if self.start_covariance is None else self.start_covariance
        noise = np.zeros((N, N)) if self.noise_covariance is None else self.noise_covariance
        fields = {
            "A": numbers("A", A, "[N, N]", (N, N)),
            "B": B,
            "Q": semidefinite("Q", self.Q, "[N, N]", N),
            "R": semidefinite("R", self.R, "[M, M]", M, definite=True),
            "start_covariance": semidefinite("start_covariance", start, "[N, N]", N),
            "noise_covariance": semidefinite("noise_covariance", noise, "[N, N]", N),
        }
        for name, value in fields.items():  # copies that nobody can write into
            value = np.array(value)
            value.setflags(write=False)
            object.__setattr__(self, name, value)
        number("gamma", self.gamma, most=1, above=0)
        number("horizon", self.horizon, 1, MOST_STEPS, whole=True, none=True)
        if self.horizon is None and self.gamma == 1 and self.noise_covariance.any():
            raise refuse("gamma", "below 1 where there is noise and no horizon: it costs without end", self.gamma)

    def matrix(self, theta):
        """The gains K [*R, M, N] of theta [*R, D]; ValueError where theta does not fit or is not finite."""
        theta, (N, M) = numbers("theta", theta, "[*R, D]"), self.B.shape
        if theta.shape[-1:] != (M * N,):
            raise refuse("theta", f"[*R, D] with D = {M * N}", f"shape {theta.shape}")
        return theta.reshape(*theta.shape[:-1], M, N)

    @_marked
    def stable(self, theta):
        """Whether the spectral radius of sqrt(gamma) (A - BK) is below 1, [*R] bool."""
        loop = self._loop(self.matrix(theta))
        finite = np.isfinite(loop).all(axis=(-1, -2))
        radius = np.abs(np.linalg.eigvals(np.where(finite[..., None, None], loop, 0.0))).max(axis=-1)
        return finite & (radius < 1)

    @_marked
    def solve_gain(self, theta, *, sigma=0.0, horizon=None):
        """The `QuadraticSolution` of theta [*R, D]: P = Q + K'RK + gamma L'PL and Sigma = X + gamma L Sigma L', L = A - BK.

        X is the start's covariance and what noise adds to it, gamma / (1 - gamma) (noise + sigma^2 BB'). With a horizon
        (default the world's own) both equations (of Lyapunov) become recursions over time, and every gain has numbers.
        """
        K, horizon = self.matrix(theta), shorter(horizon, self.horizon, MOST_STEPS)
        loop, squares = self._loop(K), self._squares(theta, sigma, horizon)
        cost, pushed = self._cost(K), self.noise_covariance + (self.B * squares[..., None, :]) @ self.B.T
        if horizon is None:
            start = self.start_covariance + pushed * (self.gamma * self._weights(None).sum())
            P = ahead = self._values_for_ever(theta)
            loop = np.where(np.isfinite(P), loop, 0.0)
            Sigma = sum_over_time(np.swapaxes(loop, -1, -2), start)
        else:
            P = backward(loop, cost, horizon)
            Sigma = forward(loop, self.start_covariance, pushed, self.gamma, horizon)
            ahead = np.concatenate([P[1:], np.zeros_like(P[:1])])
        E = self.R @ K - self.gamma * self.B.T @ ahead @ (self.A - self.B @ K)
        return _sound(P, Sigma, E, time=horizon is not None)

    @_marked
    def gain_return(self, theta, *, sigma=0.0, horizon=None):
        """J = -tr((Q + K'RK) Sigma) - sum_t gamma^t sigma^2 tr R, [*R]; -inf where there is no end to it."""
        horizon = shorter(horizon, self.horizon, MOST_STEPS)
        squares = self._squares(theta, sigma, horizon)
        Sigma = self.solve_gain(theta, sigma=sigma, horizon=horizon).visits
        Sigma = Sigma if horizon is None else Sigma.sum(axis=0)
        dither = (squares * np.diagonal(self.R)).sum(axis=-1) * self._weights(horizon).sum()
        J = -(self._cost(self.matrix(theta)) * Sigma).sum(axis=(-1, -2)) - dither
        return np.where(np.isfinite(J), J, -np.inf)[()]

    @_marked
    def gain_gradient(self, theta, *, sigma=0.0, horizon=None):
        """dJ/dK = -2 sum_t E_t Sigma_t, flat as theta is, [*R, D]; -inf in every entry where the gain is unstable.

        Source: Fazel et al. (2018), lemma 1, with the discount and the noise put in.
        """
        solution = self.solve_gain(theta, sigma=sigma, horizon=horizon)
        gradient = -2 * solution.errors @ solution.visits
        gradient = gradient if shorter(horizon, self.horizon, MOST_STEPS) is None else gradient.sum(axis=0)
        return marked(gradient, axes=2).reshape(np.shape(theta))

    @_marked
    def improve_gain(self, theta):
        """One step of policy iteration, [*R, D]: the gain that is best if the present one is followed for ever after.

        K' = K - (R + gamma B'PB)^-1 E, a Gauss-Newton step of a half. It is the same for every start, noise and sigma.
        An unstable gain has no values to improve on and stays as it is.
        Source: Hewer (1971); Fazel et al. (2018), section 3.
        """
        K, P = self.matrix(theta), self._values_for_ever(theta)
        sound = np.isfinite(P).all((-1, -2), keepdims=True)
        better = self._best_gain(np.where(sound, P, 0.0))
        return np.where(sound & np.isfinite(better), better, K).reshape(np.shape(theta))

    @_marked
    def optimal_gain(self):
        """The theta [D] that is best without a horizon: P <- Q + gamma A'P(A - BK), with the best gain K for P (Riccati).

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
            if settled or not np.isfinite(change):
                break
        theta = self._best_gain(P).ravel()
        if not (settled and np.isfinite(theta).all() and self.stable(theta)):
            raise refuse("A, B, Q", "such that a stable gain is the best one", "none that the Riccati iteration finds")
        return theta

    def _loop(self, K):
        """sqrt(gamma) (A - BK), [*R, N, N]."""
        return np.sqrt(self.gamma) * (self.A - self.B @ K)

    def _values_for_ever(self, theta):
        """P without a horizon, [*R, N, N]; infinite in every entry where the gain is unstable, or P overflows."""
        K, stable = self.matrix(theta), self.stable(theta)[..., None, None]
        P = sum_over_time(np.where(stable, self._loop(K), 0.0), self._cost(K))
        return np.where(stable & np.isfinite(P).all((-1, -2), keepdims=True), P, np.inf)

    def _cost(self, K):
        """Q + K'RK: what a step in state x costs is x' times this times x."""
        return self.Q + np.swapaxes(K, -1, -2) @ self.R @ K

    def _weights(self, horizon):
        """gamma^t of each step; without a horizon, their sum."""
        if horizon is None:
            return np.array([1 / (1 - self.gamma) if self.gamma < 1 else 0.0])
        return self.gamma ** np.arange(horizon)

    def _squares(self, theta, sigma, horizon):
        """sigma^2 of each action of each run, [*R, M]."""
        runs, M = np.shape(theta)[:-1], self.B.shape[1]
        if np.ndim(sigma) == 0:
            number("sigma", sigma, 0)
        sigma = numbers("sigma", sigma)
        if sigma.ndim and sigma.shape != (*runs, M) or (sigma < 0).any():
            raise refuse("sigma", f"0 or more, one number or [*R, M] = {(*runs, M)}", sigma.tolist())
        if self.gamma == 1 and horizon is None and sigma.any():
            raise refuse("sigma", "0 where gamma is 1 and no horizon: noise would cost without end", sigma.tolist())
        return np.broadcast_to(sigma**2, (*runs, M))

    def _best_gain(self, P):
        right = self.gamma * self.B.T @ P
        try:
            return np.linalg.solve(self.R + right @ self.B, right @ self.A)
        except np.linalg.LinAlgError:  # an R that is lost beside the other number: no best gain can be told
            return np.full_like(right, np.nan)

    # What a world answers (see pgedu.worlds); each is a function of this one.
    require_fit = linear_policies.require_fit
    solve = linear_policies.solve
    exact_return = linear_policies.exact_return
    exact_gradient = linear_policies.exact_gradient
    pathwise_gradients = linear_policies.pathwise_gradients
    vector_env = quadratic_envs.vector_env


def _sound(P, Sigma, E, *, time):
    """The solution, infinite in every entry of those runs of which any number is not finite."""
    axes = (0, -1, -2) if time else (-1, -2)
    fine = np.logical_and.reduce([np.isfinite(part).all(axis=axes, keepdims=True) for part in (P, Sigma, E)])
    return QuadraticSolution(*(np.where(fine, part, np.inf) for part in (P, Sigma, E)))

"""What a linear-quadratic world answers of a `Policy` whose mean is linear in the state: its theta is read as a gain."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from pgedu.arguments import no_underflow, parameters, refuse
from pgedu.worlds.matrices import marked

FAR = np.array([3.0, -2.0])  # how far out a mean that may be linear is looked at once more


class _Read(NamedTuple):
    """u = W x + b + sigma eps, as the policy's outputs at a few states tell it."""

    W: np.ndarray  # [*R, M, N]
    b: np.ndarray  # [*R, M]
    sigma: np.ndarray  # [*R, M]
    back: object  # (dJ/dW, dJ/db, dJ/dlog sigma) -> dJ/dtheta [*R, D]


def require_fit(world, policy, theta):
    """theta [*R, D] as an array; ValueError if it or the policy does not fit this world."""
    theta, M = parameters(policy, theta), world.B.shape[1]
    if getattr(policy.head, "dimensions", None) != M:
        raise ValueError(f"head must have dimensions = {M} to act in this linear-quadratic world; got {policy.head}")
    return theta


def solve(world, policy, theta, *, horizon=None):
    """The `QuadraticSolution` of theta [*R, D]: of its gain, or, where it has a constant push b too, in states (x, 1).

    Raises:
        ValueError: a policy whose mean is not linear in the state, or whose standard deviation is not the same in
            every state: of those nothing is known exactly; a sigma without end of costs (gamma 1, no horizon).
    """
    larger, gain, read = _as_gain(world, policy, theta)
    return larger.solve_gain(gain, sigma=read.sigma, horizon=horizon)


def exact_return(world, policy, theta, *, horizon=None):
    """J(theta), [*R]; -inf where the gain is not stable. Raises: as `solve`."""
    larger, gain, read = _as_gain(world, policy, theta)
    return larger.gain_return(gain, sigma=read.sigma, horizon=horizon)


@no_underflow
def exact_gradient(world, policy, theta, *, horizon=None):
    """grad J(theta), [*R, D]: that of gain and sigma, taken back through the policy; -inf where unstable. Raises: as `solve`."""
    larger, gain, read = _as_gain(world, policy, theta)
    slopes = larger.gain_gradient(gain, sigma=read.sigma, horizon=horizon)
    of_sigma = larger.sigma_gradient(gain, sigma=read.sigma, horizon=horizon)
    sound = np.isfinite(slopes).all(axis=-1) & np.isfinite(of_sigma).all(axis=-1)
    slopes, of_sigma = np.where(sound[..., None], slopes, 0.0), np.where(sound[..., None], of_sigma, 0.0)
    slopes = -slopes.reshape(*slopes.shape[:-1], len(larger.R), -1)  # K = -(W, b)
    W, b = np.split(slopes, [len(world.A)], axis=-1)
    gradient = read.back(W, b.sum(axis=-1), of_sigma)  # without a push the start and the noise favour no direction: 0
    return np.where(sound[..., None], gradient, -np.inf)


@np.errstate(under="ignore", over="ignore", invalid="ignore")
def pathwise_gradients(world, policy, theta, rollout):
    """d(sum_t gamma^t r_t) / dtheta of each episode, [*R, B, D], the chance in it (x_0, eps, noise) held fixed.

    Unbiased for the return of the rollout's length, as it differentiates what was sampled: back along the path,
    dR/du_t = -2 R u_t + gamma B' dR/dx_t+1 and dR/dx_t = -2 Q x_t + gamma A' dR/dx_t+1 + W' dR/du_t.
    -inf in every entry of an episode in which that is too large for a number.
    Raises:
        ValueError: as `solve`; a column that goes on after an end: segments.
    Source: Heess et al. (2015), Learning continuous control policies by stochastic value gradients, eq. 9 and 10.
    """
    read = _read(world, policy, theta)
    if (np.diff(rollout.mask, axis=0) > 0).any():
        raise refuse("rollout", "one whole episode a column", "one that goes on after an end")
    outputs, backward = policy.approximator.trace(theta, rollout.observations[:-1])
    mean, W = outputs[..., : len(world.R)], read.W[..., None, :, :]
    of_actions, ahead = [], np.zeros_like(rollout.observations[-1])
    for state, action, gamma, mask in list(zip(*rollout[:2], rollout.discounts, rollout.mask))[::-1]:
        later = gamma[..., None] * ahead
        slope = mask[..., None] * (later @ world.B - 2 * action @ world.R)
        ahead = mask[..., None] * (later @ world.A - 2 * state @ world.Q + (slope[..., None, :] @ W)[..., 0, :])
        of_actions.append(slope)
    weights = np.cumprod(np.concatenate([np.ones_like(rollout.mask[:1]), rollout.discounts[:-1]]), axis=0)
    slopes = weights[..., None] * np.array(of_actions[::-1])
    return marked(backward(np.concatenate([slopes, slopes * (rollout.actions - mean)], axis=-1)), axes=1)


def _as_gain(world, policy, theta):
    """(the world, the policy's gain in it, what was read): with a state more where the policy pushes by a constant."""
    read = _read(world, policy, theta)
    if not read.b.any():
        return world, -read.W.reshape(*read.W.shape[:-2], -1), read
    gain = -np.concatenate([read.W, read.b[..., None]], axis=-1)
    return _with_constant(world), gain.reshape(*gain.shape[:-2], -1), read


def _with_constant(world):
    """The same world with a state more, which is always 1: a gain in it is a gain and a constant push."""
    larger = lambda matrix, corner: np.pad(matrix, (0, 1)) + np.diag([0.0] * len(matrix) + [corner])  # noqa: E731
    return replace(
        world, A=larger(world.A, 1.0), B=np.pad(world.B, ((0, 1), (0, 0))), Q=larger(world.Q, 0.0),
        start_covariance=larger(world.start_covariance, 1.0), noise_covariance=larger(world.noise_covariance, 0.0),
    )  # fmt: skip


@no_underflow
def _read(world, policy, theta):
    theta = require_fit(world, policy, theta)
    N, M = world.B.shape
    if hasattr(policy.head, "play"):
        raise refuse("head", "Gaussian for there to be exact answers: what it draws must be what is played", policy.head)
    places = np.concatenate([np.zeros((1, N)), np.eye(N), FAR[:, None] * np.arange(1.0, N + 1)])
    seen = np.broadcast_to(places, (1, *theta.shape[:-1], *places.shape))
    outputs, backward = policy.approximator.trace(theta, seen)
    # Also at a theta beside this one: a network whose last layer is 0 is linear by accident, and its gradient is not.
    beside = policy.approximator.forward(theta + 0.1 * np.cos(np.arange(policy.size)), seen)
    if not (_linear(outputs[0], places) and _linear(beside[0], places)):
        wanted = "linear in the state, with a standard deviation that is the same in every state, to be solved exactly"
        raise refuse("policy", wanted, policy.approximator)
    mean, log_sigma = np.split(outputs[0], 2, axis=-1)
    b = mean[..., 0, :]
    W = mean[..., 1 : N + 1, :] - b[..., None, :]  # [*R, N, M]

    def back(of_W, of_b, of_log_sigma):
        slopes = np.zeros_like(outputs[0])
        slopes[..., 1 : N + 1, :M] = np.swapaxes(of_W, -1, -2)
        slopes[..., 0, :M] = of_b - of_W.sum(axis=-1)
        slopes[..., 0, M:] = of_log_sigma
        return backward(slopes[None]).sum(axis=-2)

    return _Read(np.swapaxes(W, -1, -2), b, np.exp(log_sigma[..., 0, :]), back)


def _linear(outputs, places):
    """Whether the means at these places, of which the first is 0 and then the units, are linear, and the deviations all one."""
    mean, log_sigma = np.split(outputs, 2, axis=-1)
    from_zero = mean - mean[..., :1, :]
    scale = 1e-9 * (1 + np.abs(mean).max(axis=(-1, -2), keepdims=True))
    linear = np.abs(from_zero - places @ from_zero[..., 1 : places.shape[1] + 1, :]) <= scale
    return linear.all() and (np.abs(log_sigma - log_sigma[..., :1, :]) <= 1e-12).all()

"""What a linear-quadratic world answers of a `Policy`: exactly, where its theta is a gain."""

import numpy as np

from pgedu.arguments import parameters, refuse
from pgedu.worlds.matrices import marked


def require_fit(world, policy, theta):
    """theta [*R, D] as an array; ValueError if it or the policy does not fit this world."""
    theta, M = parameters(policy, theta), world.B.shape[1]
    if getattr(policy.head, "dimensions", None) != M:
        raise ValueError(f"head must have dimensions = {M} to act in this linear-quadratic world; got {policy.head}")
    return theta


def solve(world, policy, theta, *, horizon=None):
    """The `QuadraticSolution` of theta [*R, D].

    Raises:
        ValueError: a policy other than u = -K x + sigma eps, a `Gain` with normal actions: of those nothing is known
            exactly; a sigma without end of costs (gamma 1, no horizon).
    """
    theta, sigma = _gain_and_sigma(world, policy, theta)
    return world.solve_gain(theta, sigma=sigma, horizon=horizon)


def exact_return(world, policy, theta, *, horizon=None):
    """J(theta), [*R]; -inf where the gain is not stable. Raises: as `solve`."""
    theta, sigma = _gain_and_sigma(world, policy, theta)
    return world.gain_return(theta, sigma=sigma, horizon=horizon)


def exact_gradient(world, policy, theta, *, horizon=None):
    """grad J(theta), [*R, D]; -inf where the gain is not stable. Raises: as `solve`."""
    theta, sigma = _gain_and_sigma(world, policy, theta)
    return world.gain_gradient(theta, sigma=sigma, horizon=horizon)


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
    theta, _ = _gain_and_sigma(world, policy, theta)
    if (np.diff(rollout.mask, axis=0) > 0).any():
        raise refuse("rollout", "one whole episode a column", "one that goes on after an end")
    W = -world.matrix(theta)[..., None, :, :]
    of_actions, ahead = [], np.zeros_like(rollout.observations[-1])
    for state, action, gamma, mask in list(zip(*rollout[:2], rollout.discounts, rollout.mask))[::-1]:
        later = gamma[..., None] * ahead
        slope = mask[..., None] * (later @ world.B - 2 * action @ world.R)
        ahead = mask[..., None] * (later @ world.A - 2 * state @ world.Q + (slope[..., None, :] @ W)[..., 0, :])
        of_actions.append(slope)
    weights = np.cumprod(np.concatenate([np.ones_like(rollout.mask[:1]), rollout.discounts[:-1]]), axis=0)
    slopes = weights[..., None] * np.array(of_actions[::-1])
    of_gains = -np.einsum("t...m,t...n->...mn", slopes, rollout.observations[:-1])  # u = -K x + sigma eps
    return marked(of_gains.reshape(*of_gains.shape[:-2], -1), axes=1)


def _gain_and_sigma(world, policy, theta):
    """(theta [*R, D] as an array, sigma [*R, M]); ValueError unless theta is a gain and what is drawn is played."""
    theta, std = require_fit(world, policy, theta), getattr(policy.approximator, "std", None)
    if std is None or hasattr(policy.head, "play"):
        N, M = world.B.shape
        raise refuse("policy", f"Policy(Gain({N}, {M}, std), Gaussian({M})) for there to be exact answers", policy)
    return theta, np.broadcast_to(std, (*theta.shape[:-1], world.B.shape[1]))

"""The truth: values, return and gradient of a policy in a finite world, and exact moments of any estimator."""

from typing import NamedTuple

import numpy as np

from pgedu.experience.enumeration import each_batch, enumerate_rollouts
from pgedu.gradients.estimators import episode_gradients, moments
from pgedu.experience.rollouts import require_fit

# A policy that never ends an episode has no finite undiscounted return. A discount this close to 1 turns
# that into a huge finite number instead of a singular matrix, and costs other policies about 1e-15 a step.
ALMOST_ONE = 1 - 1e-15


class Solution(NamedTuple):
    """What is known of a policy in a world. Without a horizon there is no time axis H; with one, row t is time t."""

    values: np.ndarray  # [*R, S] or [H, *R, S]; v(s), expected discounted return from s
    action_values: np.ndarray  # [*R, S, A] or [H, *R, S, A]; q(s, a)
    visits: np.ndarray  # [*R, S] or [H, *R, S]; sum_t gamma^t P(s_t = s), or its term at t; 0 for terminal states
    probabilities: np.ndarray  # [*R, S, A]; pi(a | s)


def solve(mdp, policy, theta, *, horizon=None):
    """Return the `Solution` of theta [*R, D]: linear systems, or recursions over time where there is a horizon.

    Without horizon: (I - gamma P) v = r and (I - gamma P)^T d = start, over the states that are not terminal.

    Args:
        horizon: number of steps; default the world's own, if it has one.
    Raises:
        ValueError: arguments that do not fit one another, or a theta that is not finite.
    Source: Sutton & Barto (2018), eq. 3.14 and section 13.2; Sutton et al. (1999), theorem 1.
    """
    theta = require_fit(mdp, policy, theta, **({} if horizon is None else {"horizon": horizon}))
    horizon = mdp.horizon if horizon is None else min(horizon, mdp.horizon or horizon)
    probabilities = policy.probabilities(theta, np.broadcast_to(mdp.observation, (*theta.shape[:-1], mdp.n_states)))
    rewards = np.where(mdp.terminal[:, None], 0.0, mdp.rewards)
    gamma = min(mdp.gamma, ALMOST_ONE) if horizon is None else mdp.gamma
    # gamma P(s' | s, a), with no way out of or into a terminal state: what lies beyond the end counts for nothing.
    onward = gamma * mdp.transitions * ~mdp.terminal[:, None, None] * ~mdp.terminal
    if horizon is None:
        return _solve_linear(probabilities, rewards, onward, mdp.start)
    return _solve_backward(probabilities, rewards, onward, mdp.start, horizon)


def _solve_linear(probabilities, rewards, onward, start):
    chain = np.einsum("...sa,sat->...st", probabilities, onward)
    system = np.eye(len(start)) - chain
    expected = (probabilities * rewards).sum(axis=-1)
    values = np.linalg.solve(system, expected[..., None])[..., 0]
    right = np.broadcast_to(start[:, None], (*chain.shape[:-1], 1))
    visits = np.linalg.solve(np.swapaxes(system, -1, -2), right)[..., 0]
    return Solution(values, rewards + np.einsum("sat,...t->...sa", onward, values), visits, probabilities)


def _solve_backward(probabilities, rewards, onward, start, horizon):
    value = np.zeros(probabilities.shape[:-1])
    values, action_values = [], []
    for _ in range(horizon):
        action_values.append(rewards + np.einsum("sat,...t->...sa", onward, value))
        value = (probabilities * action_values[-1]).sum(axis=-1)
        values.append(value)
    chain = np.einsum("...sa,sat->...st", probabilities, onward)
    visits = [np.broadcast_to(start, value.shape)]
    for _ in range(horizon - 1):
        visits.append(np.einsum("...s,...st->...t", visits[-1], chain))
    return Solution(np.array(values[::-1]), np.array(action_values[::-1]), np.array(visits), probabilities)


def exact_return(mdp, policy, theta, *, horizon=None):
    """J(theta) = sum_s start(s) v(s), [*R]. Undiscounted and never ending, it is huge (about 1e15), not infinite."""
    values = solve(mdp, policy, theta, horizon=horizon).values
    has_time = values.ndim > np.ndim(theta)
    return ((values[0] if has_time else values) * mdp.start).sum(axis=-1)


def exact_gradient(mdp, policy, theta, *, horizon=None):
    """grad J(theta) = sum_s d(s) sum_a pi(a | s) q(s, a) grad log pi(a | s), [*R, D], with discounted visits d.

    Source: the policy gradient theorem, Sutton et al. (1999), theorem 1.
    """
    theta = np.asarray(theta, dtype=float)
    solution = solve(mdp, policy, theta, horizon=horizon)
    advantages = solution.action_values - solution.values[..., None]  # the same gradient, less cancellation
    weights = solution.visits[..., None] * solution.probabilities * advantages
    if weights.ndim > theta.ndim + 1:
        weights = weights.sum(axis=0)  # [*R, S, A]: what time it was makes no difference to the score
    A = mdp.n_actions
    weights = np.moveaxis(weights.reshape(*theta.shape[:-1], -1), -1, 0)[..., None]  # [S*A, *R, 1]
    lead = (-1, *[1] * theta.ndim)
    observations = np.broadcast_to(np.repeat(mdp.observation, A).reshape(lead), weights.shape)
    actions = np.broadcast_to(np.tile(np.arange(A), mdp.n_states).reshape(lead), weights.shape)
    return policy.score(theta, observations, actions, weights)[..., 0, :]


class ExactMoments(NamedTuple):
    """Exact moments of a gradient estimate (the mean over a batch)."""

    mean: np.ndarray  # [*R, D]
    bias: np.ndarray  # [*R, D], mean - grad J
    covariance: np.ndarray  # [*R, D, D]

    @property
    def variance(self):
        """Total variance E |g - E g|^2, the trace of the covariance, [*R]."""
        return np.trace(self.covariance, axis1=-2, axis2=-1)


def exact_moments(mdp, policy, theta, estimator, *, horizon, batch=1):
    """Exact mean, bias and covariance of an estimator, by enumerating every batch of trajectories.

    Args:
        theta: [*R, D].
        estimator: Rollout -> psi [T, ..., B]; any function, also one of your own.
        horizon: the return of which the gradient is estimated ends there; bias is measured against its grad J.
        batch: episodes in a batch. The estimate is the mean of their gradients.
    Raises:
        ValueError: an enumeration that would be too large, or a psi that is not finite or has not
            the shape of the rewards.
    """
    theta = np.asarray(theta, dtype=float)
    rollout, probabilities = enumerate_rollouts(mdp, policy, theta, horizon=horizon, batch=batch)
    psi = np.asarray(estimator(rollout), dtype=float)
    if psi.shape != rollout.rewards.shape:
        raise ValueError(f"psi must have the shape of the rewards, {rollout.rewards.shape}; got {psi.shape}")
    if not np.isfinite(psi).all():
        raise ValueError("psi must be finite; got NaN or infinity from the estimator")
    gradients = episode_gradients(policy, each_batch(theta, rollout.actions), rollout, psi).mean(axis=-2)
    mean, covariance = moments(gradients, probabilities)
    return ExactMoments(mean, mean - exact_gradient(mdp, policy, theta, horizon=horizon), covariance)

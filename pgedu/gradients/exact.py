"""The truth: what a world answers of a policy, and exact expectations of any statistic and any estimator."""

from typing import NamedTuple

import numpy as np

from pgedu.arguments import able, numbers, refuse
from pgedu.experience.enumeration import each_batch, enumerate_rollouts
from pgedu.gradients.estimators import require_answer, require_estimator, weights_of
from pgedu.gradients.moments import episode_gradients, moments
from pgedu.worlds.solving import Solution

SOLVED = "one that can be solved exactly, such as an MDP"


def solve(mdp, policy, theta, *, horizon=None):
    """The world's own `Solution` for theta [*R, D]: values, action values and visits; see `MDP.solve`.

    Args:
        mdp: a world that can be solved exactly (see `pgedu.worlds`), such as an `MDP`.
        horizon: number of steps; default the world's own, if it has one.
    Raises:
        ValueError: arguments that do not fit one another, a theta that is not finite, a horizon far too long.
    """
    return able("world", mdp, "solve", SOLVED).solve(policy, theta, horizon=horizon)


def exact_return(mdp, policy, theta, *, horizon=None):
    """J(theta) of a world that can be solved exactly, [*R]; see `MDP.exact_return`. Arguments as for `solve`."""
    return able("world", mdp, "exact_return", SOLVED).exact_return(policy, theta, horizon=horizon)


def exact_gradient(mdp, policy, theta, *, horizon=None):
    """grad J(theta) of a world that can be solved exactly, [*R, D]; see `MDP.exact_gradient`."""
    return able("world", mdp, "exact_gradient", SOLVED).exact_gradient(policy, theta, horizon=horizon)


@np.errstate(under="ignore")
def exact_expectation(world, policy, theta, statistic, *, horizon, batch=1):
    """E[statistic], exactly: the mean over every batch of trajectories there is, weighted with its probability.

    Args:
        theta: [*R, D].
        statistic: Rollout -> [*R, N, ...] with a value for each of the N enumerated batches (arrays of the rollout
            are [T, *R, N, batch]); `lambda rollout: rollout.lengths.mean(axis=-1)` gives the expected length, and, with
            `theta` that of a behaviour, `lambda log: weighted_importance(log, (policy, target)).mean(axis=-1)` that of an
            off-policy estimate (of several runs: `each_batch(target, log.actions)`).
        horizon, batch: as in `enumerate_rollouts`.
    Returns:
        [*R, ...].
    Raises:
        ValueError: an enumeration that would be too large, or a statistic of another shape.
    """
    rollout, probabilities = enumerate_rollouts(world, policy, theta, horizon=horizon, batch=batch)
    values, axes = numbers("statistic", statistic(rollout), "[*R, N, ...]", finite=False), probabilities.ndim
    if values.shape[:axes] != probabilities.shape:
        raise refuse("statistic", f"[*R, N, ...] with [*R, N] = {probabilities.shape}", f"shape {values.shape}")
    weights = probabilities.reshape(*probabilities.shape, *[1] * (values.ndim - axes))
    return (weights * values).sum(axis=axes - 1)


class ExactMoments(NamedTuple):
    """Exact moments of a gradient estimate (the mean over a batch)."""

    mean: np.ndarray  # [*R, D]
    bias: np.ndarray  # [*R, D], mean - grad J
    covariance: np.ndarray  # [*R, D, D]

    @property
    def variance(self):
        """Total variance E |g - E g|^2, the trace of the covariance, [*R]."""
        return np.trace(self.covariance, axis1=-2, axis2=-1)


@np.errstate(under="ignore")
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
    require_answer(require_estimator("estimator", estimator))
    rollout, probabilities = enumerate_rollouts(mdp, policy, theta, horizon=horizon, batch=batch)
    psi = numbers("psi", weights_of(estimator, rollout))
    gradients = episode_gradients(policy, each_batch(theta, rollout.actions), rollout, psi).mean(axis=-2)
    mean, covariance = moments(gradients, probabilities)
    return ExactMoments(mean, mean - exact_gradient(mdp, policy, theta, horizon=horizon), covariance)

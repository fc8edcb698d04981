"""From weights psi to gradient estimates, and their mean and covariance."""

from typing import NamedTuple

import numpy as np

from pgedu.arguments import no_underflow, numbers, refuse


@no_underflow
def episode_gradients(policy, theta, rollout, psi):
    """The gradient estimate of each episode, sum_t psi_t grad log pi(a_t | s_t): [*R, B, D]."""
    return policy.score(theta, rollout.observations[:-1], rollout.actions, psi)


class Moments(NamedTuple):
    """Mean [*R, D] and covariance [*R, D, D] of gradient estimates; `variance` is the trace of the covariance."""

    mean: np.ndarray
    covariance: np.ndarray

    @property
    def variance(self):
        """Total variance E |g - E g|^2, [*R]."""
        return np.trace(self.covariance, axis1=-2, axis2=-1)


@no_underflow
def moments(gradients, probabilities=None):
    """Moments of gradients [*R, B, D]: of a sample (unbiased, B >= 2), or exact ones from probabilities [*R, B].

    Raises:
        ValueError: fewer than two samples, which have no variance, or shapes that do not fit.
    """
    gradients = np.asarray(gradients)
    B = gradients.shape[-2] if gradients.ndim > 1 else 0
    if B < (2 if probabilities is None else 1):
        raise ValueError(f"gradients must be [*R, B, D] with B of 2 or more for a variance; got {gradients.shape}")
    weights = np.full(B, 1 / B) if probabilities is None else np.asarray(probabilities)
    if probabilities is not None:
        numbers("probabilities", weights, "[*R, B]", gradients.shape[:-1])
        if (weights < 0).any() or not np.allclose(weights.sum(axis=-1), 1, rtol=0, atol=1e-9):
            raise refuse("probabilities", "0 or more, with a sum of 1 over the last axis", weights.sum(axis=-1))
    mean = (weights[..., None] * gradients).sum(axis=-2)
    centred = gradients - mean[..., None, :]
    covariance = np.swapaxes(weights[..., None] * centred, -1, -2) @ centred
    return Moments(mean, covariance * (B / (B - 1) if probabilities is None else 1))

"""Heads: the outputs of an approximator as a distribution over actions.

A head has `outputs` (K) and these functions of the outputs [..., K]:
    noise(rng, shape)           -> what chance adds, [*shape, ...], independent of the outputs
    act(outputs, noise)         -> actions: sampling as a deterministic function of outputs and noise
    log_prob(outputs, actions)  -> [...]
    gradient(outputs, actions)  -> d log_prob / d outputs, [..., K]
    entropy(outputs)            -> -E log_prob, [...], in nats
    entropy_gradient(outputs)   -> d entropy / d outputs, [..., K]
    kl(outputs, others)         -> KL(pi of outputs || pi of others), [...], in nats
    fisher(outputs, tangent)    -> the Fisher matrix of the distribution in its outputs, times tangent [..., K]
"""

from dataclasses import dataclass

import numpy as np

# A run that diverges may overflow. `reinforce` finds and reports it; a warning at every step would bury the report.
overflowing = np.errstate(over="ignore", invalid="ignore")


@dataclass(frozen=True)
class Categorical:
    """Softmax over A actions: P(a) = exp(h_a) / sum_b exp(h_b), with the outputs as preferences h."""

    actions: int

    @property
    def outputs(self):
        return self.actions

    def noise(self, rng, shape):
        """Standard Gumbel: minus the logarithm of an exponential variate, which NumPy draws faster than its own."""
        return -np.log(rng.standard_exponential((*shape, self.actions)))

    def act(self, outputs, noise):
        """argmax(h + Gumbel noise) is distributed as softmax(h) (Gumbel 1954; Maddison et al. 2014)."""
        return (outputs + noise).argmax(axis=-1)

    @overflowing
    def log_probs(self, outputs):
        """log P of every action, [..., A]."""
        shifted = outputs - _over_actions(np.maximum, outputs)
        return shifted - np.log(_over_actions(np.add, np.exp(shifted)))

    def log_prob(self, outputs, actions):
        self._check_shape(outputs, actions)
        return np.take_along_axis(self.log_probs(outputs), actions[..., None], axis=-1)[..., 0]

    def gradient(self, outputs, actions):
        """d log P(a) / d h = onehot(a) - P."""
        self._check_shape(outputs, actions)
        gradient = -np.exp(self.log_probs(outputs))
        gradient += actions[..., None] == np.arange(self.actions)
        return gradient

    @overflowing
    def entropy(self, outputs):
        log_probs = self.log_probs(outputs)
        return -(np.exp(log_probs) * log_probs).sum(axis=-1)

    @overflowing
    def entropy_gradient(self, outputs):
        """d H / d h = -P (log P + H)."""
        log_probs = self.log_probs(outputs)
        weighted = np.exp(log_probs) * log_probs
        return np.exp(log_probs) * weighted.sum(axis=-1, keepdims=True) - weighted

    @overflowing
    def kl(self, outputs, others):
        log_probs = self.log_probs(outputs)
        return (np.exp(log_probs) * (log_probs - self.log_probs(others))).sum(axis=-1)

    def fisher(self, outputs, tangent):
        """(diag P - P P^T) tangent."""
        weighted = np.exp(self.log_probs(outputs)) * tangent
        return weighted - np.exp(self.log_probs(outputs)) * weighted.sum(axis=-1, keepdims=True)

    def check(self, actions):
        """Raise ValueError unless these are actions."""
        if not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(f"actions of a Categorical head must be integers; got {actions.dtype}")
        if actions.size and not 0 <= actions.min() <= actions.max() < self.actions:
            raise ValueError(f"actions must lie in 0 .. {self.actions - 1}; got {actions.min()} .. {actions.max()}")

    def _check_shape(self, outputs, actions):
        if actions.shape != outputs.shape[:-1]:
            raise ValueError(f"actions must be [..., *R, B] = {outputs.shape[:-1]}; got shape {actions.shape}")
        self.check(actions)


def _over_actions(ufunc, outputs):
    """ufunc.reduce over the last axis, kept; for the few actions there are, NumPy is far faster over a first axis."""
    return ufunc.reduce(np.ascontiguousarray(np.moveaxis(outputs, -1, 0)))[..., None]


@dataclass(frozen=True)
class Gaussian:
    """Independent normal actions [..., d]; the outputs are d means followed by d logarithms of standard deviations."""

    dimensions: int

    @property
    def outputs(self):
        return 2 * self.dimensions

    def noise(self, rng, shape):
        return rng.normal(size=(*shape, self.dimensions))

    @overflowing
    def act(self, outputs, noise):
        mean, log_std = np.split(outputs, 2, axis=-1)
        return mean + np.exp(log_std) * noise

    @overflowing
    def log_prob(self, outputs, actions):
        standard, log_std = self._standardise(outputs, actions)
        return (-0.5 * standard**2 - log_std - 0.5 * np.log(2 * np.pi)).sum(axis=-1)

    @overflowing
    def gradient(self, outputs, actions):
        """d log p / d mean = z / std and d log p / d log_std = z^2 - 1, with z = (a - mean) / std."""
        standard, log_std = self._standardise(outputs, actions)
        return np.concatenate([standard / np.exp(log_std), standard**2 - 1], axis=-1)

    def entropy(self, outputs):
        return (np.split(outputs, 2, axis=-1)[1] + 0.5 * np.log(2 * np.pi * np.e)).sum(axis=-1)

    def entropy_gradient(self, outputs):
        return np.concatenate(np.broadcast_arrays(0.0, np.ones_like(np.split(outputs, 2, axis=-1)[0])), axis=-1)

    @overflowing
    def kl(self, outputs, others):
        (mean, log_std), (other_mean, other_log_std) = (np.split(each, 2, axis=-1) for each in (outputs, others))
        squares = np.exp(2 * (log_std - other_log_std)) + ((mean - other_mean) / np.exp(other_log_std)) ** 2
        return (other_log_std - log_std + 0.5 * (squares - 1)).sum(axis=-1)

    @overflowing
    def fisher(self, outputs, tangent):
        """1 / std^2 for a mean, 2 for a log_std."""
        log_std = np.split(outputs, 2, axis=-1)[1]
        return np.concatenate([np.exp(-2 * log_std), np.full_like(log_std, 2)], axis=-1) * tangent

    def _standardise(self, outputs, actions):
        expected = (*outputs.shape[:-1], self.dimensions)
        if actions.shape != expected:
            raise ValueError(f"actions must be [..., *R, B, {self.dimensions}] = {expected}; got shape {actions.shape}")
        mean, log_std = np.split(outputs, 2, axis=-1)
        return (actions - mean) / np.exp(log_std), log_std

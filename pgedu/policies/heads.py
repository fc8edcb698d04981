"""Heads: the outputs of an approximator as a distribution over actions.

A head has `outputs` (K) and these functions of the outputs [..., K]:
    noise(rng, shape)           -> what chance adds, [*shape, ...], independent of the outputs
    act(outputs, noise)         -> actions: sampling as a deterministic function of outputs and noise
    log_prob(outputs, actions)  -> [...]
    entropy(outputs)            -> -E log_prob, [...], in nats
    trace(outputs, actions)     -> log_prob, and a function of (weights, entropy=0.0), each [...] or a number:
                                   weights * d log_prob / d outputs + entropy * d entropy / d outputs, [..., K]
    kl(outputs, others)         -> KL(pi of outputs || pi of others), [...], in nats
    fisher(outputs, tangent)    -> the Fisher matrix of the distribution in its outputs, times tangent [..., K]
One whose actions are not what an environment gets also has
    play(actions)               -> what it gets, within the head's `low` and `high`
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from pgedu.arguments import generator, number, numbers, refuse
from pgedu.policies.layers import quiet

LOWEST = -1000.0  # a log probability whose exponential is 0, but which 0 times is 0, where minus infinity's is NaN
TINY = 1e-300


def log_softmax(preferences, axis=-1):
    """log P with P = exp(h) / sum exp(h) along `axis`, for preferences h of any shape.

    Preferences of minus infinity (masked actions) have P = 0; where all are, there is no distribution, and P is NaN.
    """
    return _log_softmax(numbers("preferences", preferences, finite=False), axis)


def softmax(preferences, axis=-1):
    """P = exp(h) / sum exp(h) along `axis`, for preferences h of any shape; masked actions as in `log_softmax`."""
    return _exp(log_softmax(preferences, axis))


def _to_front(array, axis=-1):
    """np.moveaxis(array, axis, 0): at the usual places without its checks, which take longer than the arithmetic on few samples."""
    if axis == -1:
        return array.transpose(-1, *range(array.ndim - 1))
    return np.moveaxis(array, axis, 0) if axis else array


def _from_front(array, axis=-1):
    """The way back."""
    if axis == -1:
        return array.transpose(*range(1, array.ndim), 0)
    return np.moveaxis(array, 0, axis) if axis else array


@quiet
def _log_softmax(preferences, axis=-1):
    # For the few actions that there are, NumPy is far faster over an axis that is not the innermost one in memory.
    rows = _to_front(np.asarray(preferences, dtype=float), axis)
    rows = np.ascontiguousarray(rows) if rows.strides[0] == rows.itemsize else rows
    shifted = rows - np.maximum.reduce(rows)
    shifted -= np.log(np.add.reduce(np.exp(shifted)))
    return _from_front(shifted, axis)


_exp = quiet(np.exp)


@quiet
def _weighted(score, entropy_gradient, weights, entropy):
    rows = _to_front(score)  # a view: weights belong to steps, and are the same for all outputs
    rows *= np.asarray(weights)
    if np.any(entropy):
        rows += _to_front(entropy_gradient()) * np.asarray(entropy)
    return score


@dataclass(frozen=True)
class Categorical:
    """Softmax over A actions: P(a) = exp(h_a) / sum_b exp(h_b), with the outputs as preferences h.

    Minus infinity is the preference of an action that cannot be taken (a mask): its probability is 0, it is never
    sampled, and counts for nothing in entropy and KL. Where all actions are masked, all is NaN.

    Raises:
        ValueError: actions that are no whole number of 1 or more.
    """

    actions: int

    def __post_init__(self):
        number("actions", self.actions, 1, whole=True)

    @property
    def outputs(self):
        return self.actions

    def noise(self, rng, shape):
        """Standard Gumbel: minus the logarithm of an exponential variate, which NumPy draws faster than its own."""
        exponential = generator("rng", rng).standard_exponential((*shape, self.actions))
        return -np.log(np.maximum(exponential, TINY, out=exponential))  # finite: a masked action stays masked

    def act(self, outputs, noise):
        """argmax(h + Gumbel noise) is distributed as softmax(h) (Gumbel 1954; Maddison et al. 2014)."""
        return (outputs + noise).argmax(axis=-1)

    def log_probs(self, outputs):
        """log P of every action, [..., A]."""
        return _log_softmax(outputs)

    def log_prob(self, outputs, actions):
        self._require_fit(outputs, actions)
        return _of_actions(_log_softmax(outputs), actions)

    def entropy(self, outputs):
        return -_negative_entropies(_log_softmax(outputs))[1].sum(axis=-1)

    def trace(self, outputs, actions):
        """d log P(a) / d h = onehot(a) - P, and d H / d h = -P (log P + H)."""
        self._require_fit(outputs, actions)
        log_probs = _log_softmax(outputs)
        labels = np.arange(self.actions).reshape(-1, *[1] * actions.ndim)

        def gradient(weights, entropy=0.0):
            score = _exp(log_probs)
            rows = _to_front(score)  # a view: P itself becomes the difference
            np.subtract(actions == labels, rows, out=rows)
            return _weighted(score, partial(_entropy_gradient, log_probs), weights, entropy)

        return _of_actions(log_probs, actions), gradient

    @quiet
    def kl(self, outputs, others):
        log_probs = _log_softmax(outputs)
        P = np.exp(log_probs)
        return np.where(P == 0, 0.0, P * (log_probs - _log_softmax(others))).sum(axis=-1)

    @quiet
    def fisher(self, outputs, tangent):
        """(diag P - P P^T) tangent."""
        P = np.exp(_log_softmax(outputs))
        weighted = P * tangent
        return weighted - P * weighted.sum(axis=-1, keepdims=True)

    def require_actions(self, actions):
        """Raise ValueError unless these are actions."""
        if not np.issubdtype(actions.dtype, np.integer):
            raise ValueError(f"actions of a Categorical head must be integers; got {actions.dtype}")
        if actions.size and not 0 <= actions.min() <= actions.max() < self.actions:
            raise ValueError(f"actions must lie in 0 .. {self.actions - 1}; got {actions.min()} .. {actions.max()}")

    def require_choice(self, outputs):
        """Raise ValueError where all actions are masked."""
        if (outputs == -np.inf).all(axis=-1).any():
            raise ValueError("preferences must leave an action everywhere; got minus infinity for all actions")

    def _require_fit(self, outputs, actions):
        if actions.shape != outputs.shape[:-1]:
            raise refuse("actions", f"[..., *R, B] = {outputs.shape[:-1]}", f"shape {actions.shape}")
        self.require_actions(actions)


def _of_actions(log_probs, actions):
    return np.take_along_axis(log_probs, actions[..., None], axis=-1)[..., 0]


@quiet
def _negative_entropies(log_probs):
    """P and P log P, with 0 log 0 = 0."""
    P = np.exp(log_probs)
    return P, P * np.maximum(log_probs, LOWEST)


@quiet
def _entropy_gradient(log_probs):
    P, weighted = (_to_front(each) for each in _negative_entropies(log_probs))
    return _from_front(P * weighted.sum(axis=0) - weighted)


@dataclass(frozen=True)
class Gaussian:
    """Independent normal actions [..., d]; the outputs are d means followed by d logarithms of standard deviations.

    Raises:
        ValueError: dimensions that are no whole number of 1 or more.
    """

    dimensions: int

    def __post_init__(self):
        number("dimensions", self.dimensions, 1, whole=True)

    @property
    def outputs(self):
        return 2 * self.dimensions

    def noise(self, rng, shape):
        return generator("rng", rng).normal(size=(*shape, self.dimensions))

    @quiet
    def act(self, outputs, noise):
        mean, log_std = np.split(outputs, 2, axis=-1)
        return mean + np.exp(log_std) * noise

    @quiet
    def log_prob(self, outputs, actions):
        standard, log_std = self._standardise(outputs, actions)
        return (-0.5 * standard**2 - log_std - 0.5 * np.log(2 * np.pi)).sum(axis=-1)

    def entropy(self, outputs):
        return (np.split(outputs, 2, axis=-1)[1] + 0.5 * np.log(2 * np.pi * np.e)).sum(axis=-1)

    def _entropy_gradient(self, outputs):
        return np.concatenate(np.broadcast_arrays(0.0, np.ones_like(np.split(outputs, 2, axis=-1)[0])), axis=-1)

    def trace(self, outputs, actions):
        """d log p / d mean = z / std and d log p / d log_std = z^2 - 1, with z = (a - mean) / std."""

        @quiet
        def gradient(weights, entropy=0.0):
            standard, log_std = self._standardise(outputs, actions)
            score = np.concatenate([standard / np.exp(log_std), standard**2 - 1], axis=-1)
            return _weighted(score, partial(self._entropy_gradient, outputs), weights, entropy)

        return self.log_prob(outputs, actions), gradient

    @quiet
    def kl(self, outputs, others):
        (mean, log_std), (other_mean, other_log_std) = (np.split(each, 2, axis=-1) for each in (outputs, others))
        squares = np.exp(2 * (log_std - other_log_std)) + ((mean - other_mean) / np.exp(other_log_std)) ** 2
        return (other_log_std - log_std + 0.5 * (squares - 1)).sum(axis=-1)

    @quiet
    def fisher(self, outputs, tangent):
        """1 / std^2 for a mean, 2 for a log_std."""
        log_std = np.split(outputs, 2, axis=-1)[1]
        return np.concatenate([np.exp(-2 * log_std), np.full_like(log_std, 2)], axis=-1) * tangent

    def _standardise(self, outputs, actions):
        expected = (*outputs.shape[:-1], self.dimensions)
        if actions.shape != expected:
            raise refuse("actions", f"[..., *R, B, {self.dimensions}] = {expected}", f"shape {actions.shape}")
        mean, log_std = np.split(outputs, 2, axis=-1)
        return (actions - mean) / np.exp(log_std), log_std

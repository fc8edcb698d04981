"""Optimisers: gradient ASCENT on arrays theta [*R, D]; `learning_rate` may be changed between two steps."""

import numpy as np


class SGD:
    """theta <- theta + learning_rate * gradient.

    Args:
        learning_rate: a number of 0 or more, or an array [*R] with one for each run.
    Raises:
        ValueError: a learning rate that is negative or not finite.
    """

    def __init__(self, learning_rate):
        self.learning_rate = learning_rate

    @property
    def learning_rate(self):
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
            raise ValueError(f"learning_rate must be a finite number of 0 or more; got {value}")
        self._learning_rate = value

    def step(self, theta, gradient, where=None):
        """Return the new theta; the old one is left as it was. `where` [*R] bool: the runs that step (all)."""
        rate = np.asarray(self.learning_rate)
        if rate.ndim and rate.shape != theta.shape[:-1]:
            raise ValueError(f"learning_rate must be a number or [*R] = {theta.shape[:-1]}; got shape {rate.shape}")
        if gradient.shape != theta.shape:
            raise ValueError(f"gradient must have the shape of theta, {theta.shape}; got shape {gradient.shape}")
        where = None if where is None or np.all(where) else np.asarray(where)[..., None]
        moved = theta + rate[..., None] * self._direction(gradient, where)
        return moved if where is None else np.where(where, moved, theta)

    def _direction(self, gradient, where):
        return gradient


class Adam(SGD):
    """theta <- theta + learning_rate * m / (sqrt(v) + epsilon), with bias-corrected moments m and v of the gradient.

    Args:
        learning_rate: as for `SGD`; about the size of one step of each parameter.
        beta1, beta2: decay of the first and second moment, in [0, 1).
    Source: Kingma & Ba (2015), algorithm 1.
    """

    def __init__(self, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        for name, value in (("beta1", beta1), ("beta2", beta2)):
            if not 0 <= value < 1:
                raise ValueError(f"{name} must be in [0, 1); got {value}")
        self.beta1, self.beta2, self.epsilon = beta1, beta2, epsilon
        self._mean = self._square = 0.0
        self._steps = 0

    def _direction(self, gradient, where):
        mean = self.beta1 * self._mean + (1 - self.beta1) * gradient
        square = self.beta2 * self._square + (1 - self.beta2) * gradient**2
        if where is not None:  # a run that rests keeps its moments, and its own count of steps
            mean, square = np.where(where, mean, self._mean), np.where(where, square, self._square)
        self._mean, self._square = mean, square
        self._steps = self._steps + (1 if where is None else where)
        steps = np.maximum(self._steps, 1)
        mean = self._mean / (1 - self.beta1**steps)
        square = self._square / (1 - self.beta2**steps)
        return mean / (np.sqrt(square) + self.epsilon)


def clip_norm(gradient, limit):
    """gradient [*R, D], those longer than `limit` shortened to it (Pascanu et al. 2013)."""
    if not limit >= 0:
        raise ValueError(f"limit must be a number of 0 or more; got {limit}")
    length = np.linalg.norm(gradient, axis=-1, keepdims=True)
    return gradient * np.divide(limit, length, out=np.ones_like(length), where=~(length <= limit))

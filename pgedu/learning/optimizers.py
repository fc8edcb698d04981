"""Optimisers: gradient ASCENT on arrays theta [*R, D]; `learning_rate` may be changed between two steps."""

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse

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
        rates = numbers("learning_rate", value, least=0)
        self._learning_rate = rates if rates.ndim else value

    @no_underflow
    def step(self, theta, gradient, where=None):
        """Return the new theta; the old one is left as it was. `where` [*R] bool: the runs that step (all)."""
        theta = numbers("theta", theta, "[*R, D]", finite=False)
        gradient = numbers("gradient", gradient, "of the shape of theta", theta.shape, finite=False)
        rate = np.asarray(self.learning_rate)
        if rate.ndim and rate.shape != theta.shape[:-1]:
            raise refuse("learning_rate", f"a number or [*R] = {theta.shape[:-1]}", f"shape {rate.shape}")
        where = None if where is None or np.all(where) else np.asarray(where, dtype=bool)
        moved = self._change(gradient, rate[..., None], where)
        moved += theta
        return moved if where is None else np.where(where[..., None], moved, theta)

    def _change(self, gradient, rate, where):
        """A new array, of which the caller makes the new theta."""
        return rate * gradient


class Adam(SGD):
    """theta <- theta + learning_rate * m / (sqrt(v) + epsilon), with bias-corrected moments m and v of the gradient.

    It remembers the moments, so that each theta needs an Adam of its own (a training makes a copy).

    Args:
        learning_rate: as for `SGD`; about the size of one step of each parameter.
        beta1, beta2: decay of the first and second moment, in [0, 1).
        epsilon: above 0.
    Raises:
        ValueError: settings out of their range; a gradient of another shape than the one before.
    Source: Kingma & Ba (2015), algorithm 1.
    """

    def __init__(self, learning_rate, beta1=0.9, beta2=0.999, epsilon=1e-8):
        super().__init__(learning_rate)
        for name, value in (("beta1", beta1), ("beta2", beta2)):
            if number(name, value, 0, 1) == 1:
                raise refuse(name, "below 1", value)
        self.beta1, self.beta2, self.epsilon = beta1, beta2, number("epsilon", epsilon, above=0)
        self._mean = self._square = None
        self._steps = 0

    def _change(self, gradient, rate, where):
        if self._mean is None:
            self._mean, self._square = np.zeros_like(gradient), np.zeros_like(gradient)
        if self._mean.shape != gradient.shape:
            wanted = f"of shape {self._mean.shape}, that of this Adam's moments (each theta needs an Adam of its own)"
            raise refuse("gradient", wanted, f"shape {gradient.shape}")
        self._remember(gradient, where)
        steps = np.maximum(self._steps, 1)
        correction = np.sqrt(1 - self.beta2**steps)
        work = np.sqrt(self._square)  # m' / (sqrt(v') + epsilon), with both corrections in the factors
        work += self.epsilon * correction
        np.divide(self._mean, work, out=work)
        work *= rate * (correction / (1 - self.beta1**steps))
        return work

    def _remember(self, gradient, where):
        """Moments in place, since for many runs of a large network memory is what takes the time."""
        resting = None if where is None else ~where  # they keep their moments, and their own count of steps
        kept = None if where is None else (self._mean[resting], self._square[resting])
        work = (1 - self.beta1) * gradient
        self._mean *= self.beta1
        self._mean += work
        np.multiply(gradient, gradient, out=work)
        work *= 1 - self.beta2
        self._square *= self.beta2
        self._square += work
        if where is not None:
            self._mean[resting], self._square[resting] = kept
        self._steps = self._steps + (1 if where is None else where[..., None])


@no_underflow
def clip_norm(gradient, limit):
    """gradient [*R, D], those longer than `limit` shortened to it (Pascanu et al. 2013)."""
    gradient = numbers("gradient", gradient, "[*R, D]", finite=False)
    number("limit", limit, 0, finite=False)
    length = np.sqrt(np.einsum("...d,...d->...", gradient, gradient))[..., None]
    if np.isinf(length).any():  # squares that overflow, of numbers that need not
        largest = np.maximum(np.abs(gradient).max(axis=-1, keepdims=True), 1.0)
        length = largest * np.linalg.norm(gradient / largest, axis=-1, keepdims=True)
    return gradient * np.divide(limit, length, out=np.ones_like(length), where=~(length <= limit))

"""Function approximators: flat parameters theta and observations in, outputs out, and the way back.

Each has `size` (D, the number of parameters), `outputs` (K) and these pure functions:
    init(rng, runs=None)           -> theta [*R, D]
    forward(theta, observations)   -> outputs [..., *R, B, K]
    prepared(theta)                -> forward(theta, .), for whoever asks again and again
    trace(theta, observations)     -> the same outputs, and a function `backward`: a gradient [T, *R, B, K] with
                                      respect to them -> [*R, B, D], sum over time of (d outputs / d theta)^T gradient
Leading axes of observations (time, in `trace`) are free; the run axes *R are those of theta.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from pgedu.arguments import number, numbers, refuse
from pgedu.policies.fitting import Approximator, require_counts, require_features, require_rows, require_theta
from pgedu.policies.layers import Perceptron


@dataclass(frozen=True)
class Table(Approximator):
    """One row of outputs for each of O discrete observations: theta is [O, K], flattened; starts at 0.

    Raises:
        ValueError: observations or outputs that are no whole numbers of 1 or more.
    """

    observations: int
    outputs: int

    def __post_init__(self):
        require_counts(self, "observations", "outputs")

    @property
    def size(self):
        return self.observations * self.outputs

    def forward(self, theta, observations):
        theta = require_theta(self, theta)
        return self._look_up(theta, require_rows(self, theta, observations))

    def trace(self, theta, observations):
        theta = require_theta(self, theta)
        observations = require_rows(self, theta, observations, time=True)
        outputs = self._look_up(theta, observations)

        def backward(gradient):
            gradient = numbers("gradient", gradient, "[T, *R, B, K]", outputs.shape, finite=False)
            count = math.prod(observations.shape[1:]) * self.observations  # rows of all episodes' tables
            rows = (np.arange(0, count, self.observations).reshape(observations.shape[1:]) + observations).ravel()
            parts = [np.bincount(rows, gradient[..., k].ravel(), count) for k in range(self.outputs)]
            return np.stack(parts, axis=-1).reshape(*observations.shape[1:], self.size)

        return outputs, backward

    def sums(self, theta, observations, columns, weights):
        """Sum over time of the weights [T, *R, B] in each cell (observation, column) of the table: [*R, B, O, K]."""
        observations = require_rows(self, require_theta(self, theta), observations, time=True)
        episodes = observations.shape[1:]
        count = math.prod(episodes) * self.size
        # Each cell of each episode's table is one bin; np.bincount adds up a run of time without a loop.
        cells = np.arange(0, count, self.size).reshape(episodes) + observations * self.outputs + columns
        return np.bincount(cells.ravel(), weights.ravel(), count).reshape(*episodes, self.observations, self.outputs)

    def _look_up(self, theta, observations):
        """From the tables of all runs, stacked."""
        runs = theta.shape[:-1]
        rows = observations + self.observations * np.arange(math.prod(runs)).reshape(*runs, 1)
        return theta.reshape(-1, self.outputs)[rows]


class _Layers(Approximator):
    """Affine layers with tanh between them; theta holds (W [inputs, outputs], bias [outputs]) layer after layer."""

    @property
    def _shapes(self):
        """(inputs, outputs) of each layer."""
        widths = (self.features, *self.hidden, self.outputs)
        return list(zip(widths[:-1], widths[1:]))

    @property
    def size(self):
        return sum((inputs + 1) * outputs for inputs, outputs in self._shapes)

    def forward(self, theta, observations):
        return self.prepared(theta)(observations)

    def prepared(self, theta):
        theta = require_theta(self, theta)
        perceptron = Perceptron(self._shapes, theta, self.dtype)
        return lambda observations: perceptron.forward(require_features(self, theta, observations))

    def trace(self, theta, observations):
        theta = require_theta(self, theta)
        observations = require_features(self, theta, observations, time=True)
        perceptron = Perceptron(self._shapes, theta, self.dtype)
        return perceptron.forward(observations, keep=True), perceptron.backward


@dataclass(frozen=True)
class Linear(_Layers):
    """outputs = features @ W + bias, with theta = (W [F, K], bias [K]), flattened; starts at 0.

    Raises:
        ValueError: features or outputs that are no whole numbers of 1 or more.
    """

    features: int
    outputs: int
    hidden, dtype = (), np.float64  # of no layer between, and no choice: an MLP has one

    def __post_init__(self):
        require_counts(self, "features", "outputs")


@dataclass(frozen=True)
class MLP(_Layers):
    """A multilayer perceptron with tanh between its layers; theta holds (W, bias) layer after layer.

    `hidden` are the widths of the hidden layers. Weights start normal with variance 1 / fan-in, or, with
    `orthogonal`, as orthogonal matrices times sqrt(2) (Saxe et al. 2014); those of the last layer a hundred times
    smaller than that, so that a fresh policy is close to uniform, and a fresh critic close to 0.

    With `dtype=np.float32` the network computes in single precision, about twice as fast where layers are wide: what
    goes in and out, theta too, stays float64, but outputs and gradients have errors of about 1e-6 of the largest
    (more where large terms cancel). No choice for identities, nor for differences of outputs (Fisher-vector products).

    Raises:
        ValueError: features, hidden or outputs that are no whole numbers of 1 or more, or another dtype.
    """

    features: int
    hidden: tuple
    outputs: int
    orthogonal: bool = False
    dtype: type = field(default=np.float64, repr=False)

    def __post_init__(self):
        require_counts(self, "features", "outputs")
        if not isinstance(self.hidden, tuple | list):
            raise refuse("hidden", "the widths of the hidden layers, such as (32, 32)", self.hidden)
        object.__setattr__(self, "hidden", tuple(number("hidden", width, 1, whole=True) for width in self.hidden))
        if self.dtype not in (np.float32, np.float64):
            raise refuse("dtype", "np.float32 or np.float64", self.dtype)

    def init(self, rng, runs=None):
        theta = super().init(rng, runs)
        end = 0
        for inputs, outputs in self._shapes:
            start, end = end, end + (inputs + 1) * outputs
            weights = rng.normal(size=(*theta.shape[:-1], inputs, outputs)) / np.sqrt(inputs)
            if self.orthogonal:
                weights = np.sqrt(2) * _orthogonal(weights)
            theta[..., start : end - outputs] = weights.reshape(*theta.shape[:-1], -1)
        theta[..., start:] /= 100
        return theta


def _orthogonal(matrices):
    """Orthonormal rows or columns [..., n, m] from normal ones, uniformly distributed (Mezzadri 2007)."""
    wide = matrices.shape[-2] < matrices.shape[-1]
    q, r = np.linalg.qr(np.swapaxes(matrices, -1, -2) if wide else matrices)
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return np.swapaxes(q, -1, -2) if wide else q

"""Function approximators: flat parameters theta and observations in, outputs out, and the way back.

Each has `size` (D, the number of parameters), `outputs` (K) and three pure functions:
    init(rng, runs=None)                     -> theta [*R, D]
    forward(theta, observations)             -> outputs [..., *R, B, K]
    backward(theta, observations, gradient)  -> [*R, B, D], sum over time of (d outputs / d theta)^T gradient
Leading axes of observations (time, in `backward`) are free; the run axes *R are those of theta.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Table:
    """One row of outputs for each of O discrete observations: theta is [O, K], flattened; starts at 0."""

    observations: int
    outputs: int

    @property
    def size(self):
        return self.observations * self.outputs

    def init(self, rng, runs=None):
        return np.zeros(_run_shape(runs) + (self.size,))

    def forward(self, theta, observations):
        _check_rows(self, theta, observations)
        return theta.reshape(-1, self.outputs)[self._rows(theta, observations)]

    def backward(self, theta, observations, gradient):
        parts = [self.sums(theta, observations, k, gradient[..., k])[..., k] for k in range(self.outputs)]
        return np.stack(parts, axis=-1).reshape(*observations.shape[1:], self.size)

    def sums(self, theta, observations, columns, weights):
        """Sum over time of the weights [T, *R, B] in each cell (observation, column) of the table: [*R, B, O, K]."""
        _check_time(theta, observations, ())
        _check_rows(self, theta, observations)
        episodes = observations.shape[1:]
        count = np.prod(episodes, dtype=int) * self.size
        # Each cell of each episode's table is one bin; np.bincount adds up a run of time without a loop.
        cells = np.arange(0, count, self.size).reshape(episodes) + observations * self.outputs + columns
        return np.bincount(cells.ravel(), weights.ravel(), count).reshape(*episodes, self.observations, self.outputs)

    def _rows(self, theta, observations):
        """Row of every observation in the tables of all runs, stacked."""
        runs = theta.shape[:-1]
        return observations + self.observations * np.arange(np.prod(runs, dtype=int)).reshape(*runs, 1)


@dataclass(frozen=True)
class Linear:
    """outputs = features @ W + bias, with theta = (W [F, K], bias [K]), flattened; starts at 0."""

    features: int
    outputs: int

    @property
    def size(self):
        return (self.features + 1) * self.outputs

    def init(self, rng, runs=None):
        return np.zeros(_run_shape(runs) + (self.size,))

    def forward(self, theta, observations):
        _check(self, theta, observations, (self.features,))
        return _affine(theta, observations, self.outputs)

    def backward(self, theta, observations, gradient):
        _check_time(theta, observations, (self.features,))
        _check(self, theta, observations, (self.features,))
        return _affine_gradient(observations, gradient)


@dataclass(frozen=True)
class MLP:
    """A multilayer perceptron with tanh between its layers; theta holds (W, bias) layer after layer.

    `hidden` are the widths of the hidden layers. Weights start normal with variance 1 / fan-in, those of
    the last layer a hundred times smaller, so that a fresh policy is close to uniform.
    """

    features: int
    hidden: tuple
    outputs: int

    def __post_init__(self):
        if not isinstance(self.hidden, tuple | list):
            raise ValueError(f"hidden must be the widths of the hidden layers, such as (32, 32); got {self.hidden!r}")

    @property
    def _layers(self):
        """(inputs, outputs) of each layer."""
        widths = (self.features, *self.hidden, self.outputs)
        return list(zip(widths[:-1], widths[1:]))

    @property
    def size(self):
        return sum((inputs + 1) * outputs for inputs, outputs in self._layers)

    def init(self, rng, runs=None):
        parts = []
        for inputs, outputs in self._layers:
            weights = rng.normal(size=_run_shape(runs) + (inputs * outputs,)) / np.sqrt(inputs)
            parts += [weights, np.zeros(_run_shape(runs) + (outputs,))]
        parts[-2] /= 100
        return np.concatenate(parts, axis=-1)

    def forward(self, theta, observations):
        return self._activations(theta, observations)[-1]

    def backward(self, theta, observations, gradient):
        _check_time(theta, observations, (self.features,))
        parameters, activations = self._split(theta), self._activations(theta, observations)
        parts = []
        for layer in reversed(range(len(parameters))):
            inputs, outputs = self._layers[layer]
            parts.append(_affine_gradient(activations[layer], gradient))
            weights = parameters[layer][..., :-outputs].reshape(*theta.shape[:-1], inputs, outputs)
            if layer:  # through the tanh below; the observations themselves need no gradient
                gradient = (gradient @ np.swapaxes(weights, -1, -2)) * (1 - activations[layer] ** 2)
        return np.concatenate(parts[::-1], axis=-1)

    def _split(self, theta):
        ends = np.cumsum([(inputs + 1) * outputs for inputs, outputs in self._layers])
        return np.split(theta, ends[:-1], axis=-1)

    def _activations(self, theta, observations):
        """The input of every layer, and the outputs."""
        _check(self, theta, observations, (self.features,))
        activations = [observations]
        for (_, outputs), part in zip(self._layers, self._split(theta)):
            hidden = _affine(part, activations[-1], outputs)
            activations.append(hidden if len(activations) == len(self._layers) else np.tanh(hidden))
        return activations


def _run_shape(runs):
    return () if runs is None else (runs,)


def _affine(theta, inputs, outputs):
    """inputs [..., *R, B, F] times the weights of each run, plus its bias: [..., *R, B, K]."""
    weights = theta[..., :-outputs].reshape(*theta.shape[:-1], -1, outputs)
    return inputs @ weights + theta[..., None, -outputs:]


def _affine_gradient(inputs, gradient):
    """Sum over time of the gradient with respect to (W, bias), for each episode: [*R, B, (F + 1) K]."""
    weights = np.moveaxis(inputs, 0, -1) @ np.moveaxis(gradient, 0, -2)  # [*R, B, F, T] @ [*R, B, T, K]
    return np.concatenate([weights.reshape(*weights.shape[:-2], -1), gradient.sum(axis=0)], axis=-1)


def _check(approximator, theta, observations, event):
    """Bad shapes are named here, before broadcasting can make something plausible of them."""
    if theta.shape[-1] != approximator.size:
        raise ValueError(f"theta must be [*R, D] with D = {approximator.size}; got shape {theta.shape}")
    runs, event_axes = theta.shape[:-1], len(event)
    batch = observations.shape[: observations.ndim - event_axes]
    fits = len(batch) > len(runs) and batch[-1 - len(runs) : -1] == runs
    if not fits or observations.shape[observations.ndim - event_axes :] != event:
        wanted = ", ".join(["...", *map(str, runs), "B", *map(str, event)])
        raise ValueError(f"observations must be [{wanted}] to fit theta {theta.shape}; got shape {observations.shape}")


def _check_time(theta, observations, event):
    if observations.ndim < 1 + theta.ndim + len(event):  # the sum over time would be one over episodes or runs
        wanted = ", ".join(["T", *map(str, theta.shape[:-1]), "B", *map(str, event)])
        raise ValueError(f"observations must be [{wanted}], time first; got shape {observations.shape}")


def _check_rows(table, theta, observations):
    _check(table, theta, observations, ())
    if not np.issubdtype(observations.dtype, np.integer):
        raise ValueError(f"observations of a Table must be integers; got {observations.dtype}")
    if observations.size and not 0 <= observations.min() <= observations.max() < table.observations:
        low, high = observations.min(), observations.max()
        raise ValueError(f"observations must lie in 0 .. {table.observations - 1}; got {low} .. {high}")

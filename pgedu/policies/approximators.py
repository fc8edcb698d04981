"""Function approximators: flat parameters theta and observations in, outputs out, and the way back.

Each has `size` (D, the number of parameters), `outputs` (K) and three pure functions:
    init(rng, runs=None)           -> theta [*R, D]
    forward(theta, observations)   -> outputs [..., *R, B, K]
    trace(theta, observations)     -> the same outputs, and a function `backward`: a gradient [T, *R, B, K] with
                                      respect to them -> [*R, B, D], sum over time of (d outputs / d theta)^T gradient
Leading axes of observations (time, in `trace`) are free; the run axes *R are those of theta.
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

    def trace(self, theta, observations):
        def backward(gradient):
            parts = [self.sums(theta, observations, k, gradient[..., k])[..., k] for k in range(self.outputs)]
            return np.stack(parts, axis=-1).reshape(*observations.shape[1:], self.size)

        _check_time(theta, observations, ())
        return self.forward(theta, observations), backward

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


class _Layers:
    """Affine layers with tanh between them; theta holds (W [inputs, outputs], bias [outputs]) layer after layer."""

    @property
    def _layers(self):
        """(inputs, outputs) of each layer."""
        widths = (self.features, *getattr(self, "hidden", ()), self.outputs)
        return list(zip(widths[:-1], widths[1:]))

    @property
    def size(self):
        return sum((inputs + 1) * outputs for inputs, outputs in self._layers)

    def forward(self, theta, observations):
        _check(self, theta, observations, (self.features,))
        return _time_first(self._activations(theta, _time_inside(theta, observations))[-1], theta, observations)

    def trace(self, theta, observations):
        _check_time(theta, observations, (self.features,))
        _check(self, theta, observations, (self.features,))
        activations = self._activations(theta, _time_inside(theta, observations))

        def backward(gradient):
            return self._backward(theta, activations, _time_inside(theta, gradient), observations.shape[-2])

        return _time_first(activations[-1], theta, observations), backward

    def _weights(self, theta):
        """(W, bias) of each layer, [*R, inputs, outputs] and [*R, outputs]."""
        start = 0
        for inputs, outputs in self._layers:
            middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
            yield theta[..., start:middle].reshape(*theta.shape[:-1], inputs, outputs), theta[..., middle:end]
            start = end

    def _activations(self, theta, inputs):
        """The input [*R, N, features] of every layer, and the outputs."""
        activations = [inputs]
        for weights, bias in self._weights(theta):
            if len(activations) > 1:
                np.tanh(activations[-1], out=activations[-1])
            hidden = activations[-1] @ weights
            hidden += bias[..., None, :]
            activations.append(hidden)
        return activations

    def _backward(self, theta, activations, gradient, episodes):
        parts, weights = [], list(self._weights(theta))
        by_episode = (*theta.shape[:-1], episodes, -1)
        for layer in reversed(range(len(weights))):
            inputs = activations[layer]
            steps, errors = (each.reshape(*by_episode, each.shape[-1]) for each in (inputs, gradient))
            parts += [errors.sum(axis=-2), np.swapaxes(steps, -1, -2) @ errors]  # [*R, B, F, T] @ [*R, B, T, K]
            if layer:  # through the tanh below; the observations themselves need no gradient
                gradient = (gradient @ np.swapaxes(weights[layer][0], -1, -2)) * (1 - inputs**2)
        lead = (*theta.shape[:-1], episodes, -1)
        return np.concatenate([part.reshape(lead) for part in parts[::-1]], axis=-1)


@dataclass(frozen=True)
class Linear(_Layers):
    """outputs = features @ W + bias, with theta = (W [F, K], bias [K]), flattened; starts at 0."""

    features: int
    outputs: int

    def init(self, rng, runs=None):
        return np.zeros(_run_shape(runs) + (self.size,))


@dataclass(frozen=True)
class MLP(_Layers):
    """A multilayer perceptron with tanh between its layers; theta holds (W, bias) layer after layer.

    `hidden` are the widths of the hidden layers. Weights start normal with variance 1 / fan-in, or, with
    `orthogonal`, as orthogonal matrices times sqrt(2) (Saxe et al. 2014); those of the last layer a hundred times
    smaller than that, so that a fresh policy is close to uniform, and a fresh critic close to 0.
    """

    features: int
    hidden: tuple
    outputs: int
    orthogonal: bool = False

    def __post_init__(self):
        if not isinstance(self.hidden, tuple | list):
            raise ValueError(f"hidden must be the widths of the hidden layers, such as (32, 32); got {self.hidden!r}")

    def init(self, rng, runs=None):
        theta = np.zeros(_run_shape(runs) + (self.size,))
        for (inputs, outputs), (weights, _) in zip(self._layers, self._weights(theta)):
            weights[...] = rng.normal(size=weights.shape) / np.sqrt(inputs)
            if self.orthogonal:
                weights[...] = np.sqrt(2) * _orthogonal(weights)
        weights /= 100
        return theta


def _orthogonal(matrices):
    """Orthonormal rows or columns [..., n, m] from normal ones, uniformly distributed (Mezzadri 2007)."""
    wide = matrices.shape[-2] < matrices.shape[-1]
    q, r = np.linalg.qr(np.swapaxes(matrices, -1, -2) if wide else matrices)
    q = q * np.sign(np.diagonal(r, axis1=-2, axis2=-1))[..., None, :]
    return np.swapaxes(q, -1, -2) if wide else q


def _run_shape(runs):
    return () if runs is None else (runs,)


def _time_inside(theta, array):
    """[..., *R, B, F] -> [*R, B * ..., F]: one large matrix product for each run instead of one for each step."""
    lead = array.ndim - theta.ndim - 1
    if lead:
        array = np.moveaxis(array, range(lead), range(-1 - lead, -1))
    return array.reshape(*theta.shape[:-1], -1, array.shape[-1])


def _time_first(array, theta, observations):
    """The way back: [*R, B * ..., K] -> [..., *R, B, K], with the axes of observations."""
    lead = observations.ndim - theta.ndim - 1
    batch = observations.shape[lead:-1]
    array = array.reshape(*batch, *observations.shape[:lead], array.shape[-1])
    return np.moveaxis(array, range(-1 - lead, -1), range(lead)) if lead else array


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

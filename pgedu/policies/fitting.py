"""What approximators have in common: first parameters of 0, and whether parameters and observations fit them."""

from functools import partial

import numpy as np

from pgedu.arguments import generator, number, numbers, refuse


def require_approximator(approximator):
    """`approximator`; ValueError unless it is one."""
    parts = ("size", "outputs", "forward", "trace")
    if isinstance(approximator, type) or not all(hasattr(approximator, part) for part in parts):
        raise refuse("approximator", "one such as Table(3, 2), Linear(4, 2) or MLP(4, (16,), 2)", approximator)
    return approximator


def require_counts(approximator, *names):
    """ValueError unless its fields of these names are whole numbers of 1 or more."""
    for name in names:
        number(name, getattr(approximator, name), 1, whole=True)


def number_or_each(name, value, axes, count):
    """A number, or a tuple of numbers, one for each of so many, from whatever holds them: dataclasses can be compared then."""
    if np.ndim(value) == 0:
        return float(number(name, value))
    return tuple(numbers(name, value, axes, (count,)).tolist())


class Approximator:
    """What one has that says nothing else: parameters that start at 0, and nothing to prepare."""

    def init(self, rng, runs=None):
        generator("rng", rng)
        return np.zeros((*(() if runs is None else (number("runs", runs, 1, whole=True),)), self.size))

    def prepared(self, theta):
        return partial(self.forward, require_theta(self, theta))


def require_theta(approximator, theta):
    """theta as an array; ValueError unless it is [*R, D]."""
    theta = numbers("theta", theta, "[*R, D]", finite=False)
    if theta.shape[-1:] != (approximator.size,):
        raise refuse("theta", f"[*R, D] with D = {approximator.size}", f"shape {theta.shape}")
    return theta


def require_features(approximator, theta, observations, time=False):
    """Observations [..., *R, B, F] as an array, with an axis of time if `time`; ValueError unless they are that."""
    observations = numbers("observations", observations, finite=False)
    _require_axes(theta, observations, (approximator.features,), time)
    return observations


def require_rows(table, theta, observations, time=False):
    """Observations [..., *R, B] as an array, likewise; ValueError unless they are rows of the table."""
    observations = np.asarray(observations)
    _require_axes(theta, observations, (), time)
    if not np.issubdtype(observations.dtype, np.integer):
        raise ValueError(f"observations of a Table must be integers; got {observations.dtype}")
    if observations.size and not 0 <= observations.min() <= observations.max() < table.observations:
        low, high = observations.min(), observations.max()
        raise ValueError(f"observations must lie in 0 .. {table.observations - 1}; got {low} .. {high}")
    return observations


def _require_axes(theta, observations, event, time):
    """Bad shapes are named here, before broadcasting can make something plausible of them."""
    runs, shape = theta.shape[:-1], observations.shape
    batch = shape[: observations.ndim - len(event)]
    fits = len(batch) > len(runs) and batch[-1 - len(runs) : -1] == runs
    if time and len(batch) < len(runs) + 2:  # the sum over time would be one over episodes or runs
        wanted = ", ".join(["T", *map(str, runs), "B", *map(str, event)])
        raise refuse("observations", f"[{wanted}], time first", f"shape {shape}")
    if not fits or shape[observations.ndim - len(event) :] != event:
        wanted = ", ".join(["...", *map(str, runs), "B", *map(str, event)])
        raise refuse("observations", f"[{wanted}] to fit theta {theta.shape}", f"shape {shape}")

"""Outputs that do not depend on the observation: parameters themselves."""

from dataclasses import dataclass

import numpy as np

from pgedu.policies.fitting import number_or_each, require_approximator, require_counts, require_theta


@dataclass(frozen=True)
class WithConstants:
    """An approximator whose outputs are followed by `constants` more, the same at every observation.

    They are parameters themselves: theta = (parameters of the approximator, the constants), which start at `start`.
    With d constants, a `Gaussian` head has log standard deviations that do not depend on the observation, as in
    Schulman et al. (2015), appendix D.

    Args:
        approximator: Table, Linear, MLP, ...
        constants: how many.
        start: a number, or one for each constant.
    Raises:
        ValueError: constants that are no whole number of 1 or more, starts that are not finite or too many or too few.
    """

    approximator: object
    constants: int
    start: float | tuple = 0.0

    def __post_init__(self):
        require_approximator(self.approximator)
        require_counts(self, "constants")
        object.__setattr__(self, "start", number_or_each("start", self.start, "[constants]", self.constants))

    def __getattr__(self, name):
        """`features` or `observations`, whichever the approximator within has."""
        if name in ("features", "observations"):
            return getattr(self.approximator, name)
        raise AttributeError(f"WithConstants has no {name}")

    @property
    def size(self):
        return self.approximator.size + self.constants

    @property
    def outputs(self):
        return self.approximator.outputs + self.constants

    def init(self, rng, runs=None):
        within = self.approximator.init(rng, runs)
        constants = np.broadcast_to(np.asarray(self.start, dtype=float), (*within.shape[:-1], self.constants))
        return np.concatenate([within, constants], axis=-1)

    def forward(self, theta, observations):
        theta = require_theta(self, theta)
        return self._append(theta, self.approximator.forward(theta[..., : -self.constants], observations))

    def prepared(self, theta):
        theta = require_theta(self, theta)
        within = self.approximator.prepared(theta[..., : -self.constants])
        return lambda observations: self._append(theta, within(observations))

    def trace(self, theta, observations):
        theta = require_theta(self, theta)
        outputs, within = self.approximator.trace(theta[..., : -self.constants], observations)

        def backward(gradient):
            time = tuple(range(outputs.ndim - theta.ndim - 1))
            parts = np.split(np.asarray(gradient), [self.approximator.outputs], axis=-1)
            return np.concatenate([within(parts[0]), parts[1].sum(axis=time)], axis=-1)

        return self._append(theta, outputs), backward

    def _append(self, theta, outputs):
        constants = np.broadcast_to(theta[..., None, -self.constants :], (*outputs.shape[:-1], self.constants))
        return np.concatenate([outputs, constants], axis=-1)

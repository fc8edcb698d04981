"""A linear controller as an approximator: the outputs of a `Gaussian` head whose mean is -K x."""

from dataclasses import dataclass

import numpy as np

from pgedu.arguments import refuse
from pgedu.policies.fitting import Approximator, number_or_each, require_counts, require_features, require_theta
from pgedu.policies.layers import quiet


@dataclass(frozen=True)
class Gain(Approximator):
    """Means -K x and logarithms of fixed standard deviations, for N features and M actions: theta is K [M, N], row by row.

    `Policy(Gain(2, 1, std=0.3), Gaussian(1))` is the policy u = -K x + 0.3 eps of control theory. Starts at K = 0.
    (A policy that also learns a constant and its standard deviation: `Policy.gaussian(Linear(2, 1))`.)

    Args:
        features, actions: N and M.
        std: standard deviation, a number above 0 or one for each action.
    Raises:
        ValueError: counts that are no whole numbers of 1 or more; a std that is not above 0.
    """

    features: int
    actions: int
    std: float | tuple = 1.0

    def __post_init__(self):
        require_counts(self, "features", "actions")
        object.__setattr__(self, "std", number_or_each("std", self.std, "[M]", self.actions))
        if np.min(self.std) <= 0:
            raise refuse("std", "above 0", self.std)

    @property
    def size(self):
        return self.features * self.actions

    @property
    def outputs(self):
        return 2 * self.actions

    def forward(self, theta, observations):
        return self.trace(theta, observations, time=False)[0]

    @quiet
    def trace(self, theta, observations, time=True):
        theta = require_theta(self, theta)
        observations = require_features(self, theta, observations, time=time)
        K = theta.reshape(*theta.shape[:-1], self.actions, self.features)
        means = -(observations @ np.swapaxes(K, -1, -2))
        log_stds = np.broadcast_to(np.log(self.std), means.shape)

        @quiet
        def backward(gradient):
            slopes = np.asarray(gradient)[..., : self.actions]
            return -np.einsum("t...m,t...n->...mn", slopes, observations).reshape(*means.shape[1:-1], self.size)

        return np.concatenate([means, log_stds], axis=-1), backward

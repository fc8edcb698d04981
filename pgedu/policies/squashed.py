"""A Gaussian squashed into bounds by tanh: what is drawn may be any number, what is played cannot leave the bounds."""

from dataclasses import dataclass

import numpy as np

from pgedu.arguments import refuse
from pgedu.policies.fitting import number_or_each
from pgedu.policies.heads import Gaussian
from pgedu.policies.layers import quiet

NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(64)
WEIGHTS = WEIGHTS / np.sqrt(2 * np.pi)  # sum_i WEIGHTS_i f(NODES_i) is E f(z) of a standard normal z


@dataclass(frozen=True)
class SquashedGaussian(Gaussian):
    """Actions low .. high: a = centre + half * tanh(u), u normal as in `Gaussian`; centre, half of the bounds.

    The action on record is u, as it was drawn, and `play(u)` is what an environment gets: nobody ever needs atanh, which
    is infinite at the bounds, and far off near them. log_prob is that of the action played:

        log pi(a) = log N(u; mean, std) - sum over d of log(da/du),
        log(da/du) = log half + log(1 - tanh^2 u) = log half + 2 (log 2 - |u| - log(1 + exp(-2|u|)))

    which holds at any u: 1 - tanh^2 u itself is 0 from u = 19 on. The correction does not contain the parameters, so that
    gradient (the score), `kl` and `fisher` are those of the Gaussian: no one-to-one map of the actions changes them.
    There is no formula for the entropy. It is a Gauss-Hermite sum of 64 nodes: right to 1e-9 where the standard deviation
    of u is 1 or less, to 1e-5 at 2, to .05 at 8 and to 2 at 100 (of about -150); its gradient is that of the sum.

    Args:
        low, high: bounds of the actions, numbers or one for each of the d dimensions.
    Raises:
        ValueError: dimensions that are no whole number of 1 or more; bounds that are not finite, or not low < high.
    Source: Haarnoja et al. (2018), Soft actor-critic, appendix C.
    """

    low: float | tuple = -1.0
    high: float | tuple = 1.0

    def __post_init__(self):
        super().__post_init__()
        for name in ("low", "high"):
            object.__setattr__(self, name, number_or_each(name, getattr(self, name), "[d]", self.dimensions))
        if not (np.subtract(self.high, self.low) > 0).all():
            raise refuse("high", f"above low = {self.low}", self.high)

    def play(self, actions):
        """What the environment gets, [..., d], for actions u [..., d] on record."""
        low, high = np.asarray(self.low), np.asarray(self.high)
        return np.clip((low + high) / 2 + (high - low) / 2 * np.tanh(actions), low, high)  # rounding, too, stays within

    def log_prob(self, outputs, actions):
        return super().log_prob(outputs, actions) - self._log_stretch(actions).sum(axis=-1)

    def entropy(self, outputs):
        """H of the Gaussian + E log(da/du), in nats; below 0 where actions are more certain than uniform ones of width 1."""
        return super().entropy(outputs) + self._mean(lambda u, change: self._log_stretch(u), outputs).sum(axis=-1)

    def _entropy_gradient(self, outputs):
        """With d log(da/du) / du = -2 tanh u: its mean, and 1 plus the mean of it times (u - mean)."""
        of_mean = self._mean(lambda u, change: -2 * np.tanh(u), outputs)
        of_log_std = 1 + self._mean(lambda u, change: -2 * np.tanh(u) * change, outputs)
        return np.concatenate([of_mean, of_log_std], axis=-1)

    @quiet
    def _log_stretch(self, actions):
        """log(da/du), [..., d]."""
        far = np.abs(actions)
        return np.log(np.subtract(self.high, self.low)) + np.log(2) - 2 * far - 2 * np.log1p(np.exp(-2 * far))

    @quiet
    def _mean(self, function, outputs):
        """E function(u, u - mean), [..., d]."""
        mean, log_std = np.split(outputs, 2, axis=-1)
        total = 0.0
        for node, weight in zip(NODES, WEIGHTS):
            change = np.exp(log_std) * node
            total = total + weight * function(mean + change, change)
        return total

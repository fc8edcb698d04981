"""A policy under a constraint: REINFORCE on reward minus a price on what is limited, and the price moves until it fits."""

from functools import partial

import numpy as np

from pgedu.arguments import function, number, numbers, refuse
from pgedu.gradients.estimators import discount_powers
from pgedu.learning.reinforce import reinforce
from pgedu.learning.settings import Setting


def _multiplier(name, value):
    value = np.array(numbers(name, value, "a number or [R]"))
    if value.ndim > 1 or (value < 0).any():
        raise refuse(name, "0 or more, a number or [R]", value.tolist())
    return value


class guarded(reinforce):  # noqa: N801 - lower case as `reinforce`
    """max J subject to E[cost of an episode] <= limit, by gradient ascent in theta and in the multiplier, for R runs at once:

        theta      <- theta + learning rate * mean over episodes of sum_t psi_t score_t,  rewards less multiplier * costs
        multiplier <- max(0, multiplier + price_rate * (mean cost of an episode - limit))

    The multiplier is what one unit of the limit is worth at the end. Where several policies are best for one multiplier, as
    in linear problems without entropy, both circle for ever and only their means settle. Costs are discounted as rewards are.

    Args:
        cost: function of a rollout -> [T, R, B], what each step uses up.
        limit: of the mean over episodes of its sum.
        price_rate: learning rate of the multiplier; 0 leaves it where it is.
        multiplier: first one, 0 or more.
        settings: those of `reinforce`.
    Source: Altman (1999), Constrained Markov decision processes; Tessler et al. (2018).
    """

    cost = Setting(partial(function, wanted="a function of a rollout", places=1))
    limit = Setting(number)
    price_rate = Setting(partial(number, least=0), 0.1)
    multiplier = Setting(_multiplier, 0.0)

    def learn(self, rollout):
        costs = numbers("cost", self.cost(rollout), "[T, R, B]", rollout.rewards.shape) * rollout.mask
        price = np.broadcast_to(self.multiplier, (self.runs,))
        record = super().learn(rollout._replace(rewards=rollout.rewards - price[:, None] * costs))
        used = (discount_powers(rollout) * costs).sum(axis=0).mean(axis=-1)
        vars(self)["multiplier"] = np.maximum(0.0, price + self.price_rate * (used - self.limit))
        return record | {"details": {"cost": used, "multiplier": self.multiplier}}

"""Notebook 00: a shop that cannot tell its customers apart, and twenty such shops as they learn."""

from dataclasses import replace

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.learning.optimizers import SGD
from pgedu.learning.reinforce import reinforce
from pgedu.panels.views import Learning
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import campaign

# Twelve months of wait or offer. All customers look alike, so a policy is one number, the probability of an offer.
world = replace(campaign(gamma=1.0), observation=[0, 0, 0])
policy = Policy.softmax(Table(observations=1, outputs=2))  # theta [2]: preferences for (wait, offer)


def J(p):  # noqa: N802 - the symbol of the expected return
    """Expected return: what a customer brings in a year, if offers are made with probability p (a number or [n])."""
    return exact_return(world, policy, np.log(np.stack([1 - p, p], axis=-1)))


def probability_of_an_offer(theta):
    """p [...] of preferences theta [..., 2]: the way back."""
    return 1 / (1 + np.exp(theta[..., 0] - theta[..., 1]))


def twenty_shops(rng):
    """Twenty shops that begin with few offers (p = 0.05), meet 100 customers, adjust, and meet the next 100."""
    theta = np.tile([0.0, -3.0], (20, 1))
    return reinforce(world, policy, optimizer=SGD(0.1), rng=rng, runs=20, episodes=100, theta=theta)


def on_the_hill(figure):
    """The view of shops that learn: where they stand on the hill J, their returns, the noise of their estimates."""
    p = np.linspace(0.01, 0.99, 99)
    hill = (p, J(p), probability_of_an_offer, "p, probability of an offer")
    exact = lambda theta: exact_return(world, policy, theta)  # noqa: E731
    return Learning(figure, limits=(1, 3.5), variances=(0.1, 1e3), best=J(p).max(), exact=exact, hill=hill).draw

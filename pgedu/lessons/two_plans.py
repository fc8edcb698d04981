"""The world of notebook 07, customers on two plans, and what is exact about a policy of two preferences (x, y).

The policy is a softmax in each plan; x and y are the preferences for keeping on basic and on premium, those for
switching are 0. `start` is the (x, y) of the old policy.
"""

from functools import cache

import numpy as np

from pgedu.gradients.estimators import clipped_surrogate
from pgedu.gradients.exact import exact_gradient, exact_return, solve
from pgedu.learning.trust_regions import fisher_matrix, mean_kl
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.mdp import MDP

TRANSITIONS = [[[0, 1], [1, 0]], [[1, 0], [0, 1]]]  # [plan, action, next plan]; plans basic, premium; 0 switch, 1 keep
plans = MDP(TRANSITIONS, [[0, 1], [0, 2]], start=[0.8, 0.2], terminal=[False, False], gamma=0.9)
policy = Policy.softmax(Table(observations=2, outputs=2))
BOTH = np.array([[0, 1]])  # every plan once, [T, B] = [1, 2]; how much each counts is a matter of weights
KEEP = [1, 3]  # where theta holds x and y


def at(x, y):
    """theta [..., 4] with the preferences x and y for keeping, each [...]."""
    zero, x, y = np.broadcast_arrays(0.0, x, y)
    return np.stack([zero, x, zero, y], axis=-1)


def return_at(x, y):
    """The exact J at x and y, each [...]."""
    return exact_return(plans, policy, at(x, y))


def gradient_at(x, y):
    """The exact slopes of J along x and y, [2]."""
    return exact_gradient(plans, policy, at(x, y))[KEEP]


def policy_at(x, y):
    """Probabilities [..., plan, action]."""
    keep = 1 / (1 + np.exp(-np.stack(np.broadcast_arrays(np.asarray(x, dtype=float), y), axis=-1)))
    return np.stack([1 - keep, keep], axis=-1)


@cache
def old_data(start):
    """What the old policy has seen: probabilities, advantages and visits d(s) pi(a|s), each [plan, action]."""
    old = solve(plans, policy, at(*start))
    A = old.action_values - old.values[:, None]
    return old.probabilities, A, old.visits[:, None] * old.probabilities


def promised(start, x, y, clip=np.inf):
    """J(old) + the surrogate of the policies at x and y, [...], or the clipped surrogate."""
    probabilities, A, weight = old_data(start)
    ratio = policy_at(x, y) / probabilities
    gain = weight * clipped_surrogate(ratio, np.broadcast_to(A, ratio.shape), clip)
    return return_at(*start) + gain.sum(axis=(-2, -1))


def kl_from(start, x, y):
    """KL from the old policy to those at x and y, [...], in nats, averaged over the old policy's visits."""
    x, y = np.broadcast_arrays(x, y)
    new, share = at(x.ravel(), y.ravel()), old_data(start)[2].sum(axis=1)
    runs = np.ones((1, x.size, 1))
    kl = mean_kl(policy, np.broadcast_to(at(*start), new.shape), new, BOTH[:, None] * runs.astype(int), share * runs)
    return kl.reshape(x.shape)


@cache
def fisher_at(start):
    """The Fisher matrix by (x, y), [2, 2], weighted with the visits."""
    return fisher_matrix(policy, at(*start), BOTH, old_data(start)[2].sum(axis=1)[None])[np.ix_(KEEP, KEEP)]


@cache
def edge_of_region(start, radius, points=121):
    """Where KL = radius: [2, points], around the old policy. By halving, on rays; the KL is convex in (x, y)."""
    angle = np.linspace(0, 2 * np.pi, points)
    ray = np.stack([np.cos(angle), np.sin(angle)])
    low, high = np.zeros(points), np.full(points, 1e3)
    for _ in range(50):
        middle = (low + high) / 2
        inside = kl_from(start, *(np.array(start)[:, None] + middle * ray)) < radius
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    return np.array(start)[:, None] + low * ray


def silent_from(start, clip):
    """Beyond which x, and which y, the clip has silenced both actions of that plan, (x*, y*): infinite if it never does.

    Together with the ways, +1 or -1, in which the surrogate rises.
    """
    probabilities, A, _ = old_data(start)
    p = np.where(A[:, 1] > 0, probabilities[:, 1], probabilities[:, 0])  # of the better action
    edge = p + clip * np.maximum(p, 1 - p)  # both ratios, p' / p and (1 - p') / (1 - p), are then beyond
    way = np.where(A[:, 1] > 0, 1, -1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(edge < 1, way * np.log(edge / (1 - edge)), way * np.inf), way


def paths(x, y, alpha, stretch, steps=30):
    """Positions [steps + 1, 2, (x, y)] of the gradient (0) and of the natural gradient (1, learning rate 0.02), step by exact step.

    The parameter that they see is u = y / stretch.
    """
    scale, position = np.array([1.0, stretch]), np.tile([x, y], (2, 1))
    way = [position]
    for _ in range(steps):
        now = solve(plans, policy, at(*position.T))
        slack, difference = now.probabilities.prod(axis=-1), now.action_values @ [-1, 1]  # p (1 - p), and keep - switch
        gradient = scale * now.visits * slack * difference  # by (x, u)
        fisher = scale**2 * now.visits / now.visits.sum(axis=-1, keepdims=True) * slack  # the diagonal; the rest is 0
        natural = gradient / np.maximum(fisher, 1e-300)
        position = position + scale * np.stack([alpha * gradient[0], 0.02 * natural[1]])
        way.append(position)
    return np.array(way)

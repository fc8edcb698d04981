"""The logs of notebook 10: a coin has decided on offers in the campaign, and another policy is judged by what it has left.

The target has preference x for the right action, an offer to the curious and none to the loyal. Its weight after n
decisions, k of them right, is (2 p)^k (2 (1 - p))^(n - k) with p = sigmoid(x): a table [n, k], and all that is exact here
is a sum over that table. Sampled logs are kept as counts, so that another target is a product of arrays.
"""

from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.exact import solve
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import campaign

LOGS, CUSTOMERS, MONTHS = 200, 1000, 24
world, policy, COIN = campaign(horizon=MONTHS), Policy.softmax(Table(3, 2)), np.zeros(6)
RIGHT = np.array([[0, 1], [1, 0]])  # [curious or loyal, wait or offer]
REWARDS = world.rewards[:2]


def target(x):
    """theta of the policy that has the preference x for what is right."""
    return np.asarray(x)[..., None] * np.array([0, 1, 1, 0, 0, 0.0])


def weights(x, months, cap=np.inf):
    """min(w, cap) after n decisions, k of them right: [..., n, k] for x [...], 0 where k > n; before all decisions 1."""
    n, k = np.ogrid[: months + 1, : months + 1]
    right = -np.logaddexp(0, -np.asarray(x, dtype=float))[..., None, None] + np.log(2)
    wrong = right - np.asarray(x)[..., None, None]
    w = np.minimum(np.exp(k * right + np.maximum(n - k, 0) * wrong), cap)
    return np.where(k <= n, np.where(n == 0, 1.0, w), 0.0)


def _powers(months):
    return world.gamma ** np.arange(months)[:, None, None, None]


def plain(months):
    """gamma^t R, the parts of a return: [T, state, k before, action]."""
    return np.broadcast_to(_powers(months) * REWARDS[:, None, :], (months, 2, months + 1, 2))


def per_decision(w):
    """gamma^t w_t R, the parts of a contribution to `per_decision_importance`: [T, state, k before, action]."""
    return plain(len(w) - 1) * _after(w)


def robust(w, q, v):
    """gamma^t (w_t (R - q) + w_{t-1} v), those of `doubly_robust`, with a model q [T, state, action], v [T, state]."""
    months = len(w) - 1
    before = w[:months, None, :, None] * v[:, :, None, None]
    return _powers(months) * (_after(w) * (REWARDS - q)[:, :, None, :] + before)


def _after(w):
    """w after the decision, by what came before it: [T, state, k before, action]."""
    following = np.concatenate([w, w[:, -1:]], axis=1)[1:]  # [T, K + 1]
    k = np.arange(len(w))[:, None] + RIGHT[:, None, :]
    return following[:, k]


def moments_of(parts):
    """E[X^m 1{n decisions, k right}] under the coin for m = 0, 1, 2, with X the sum of an episode's parts: [3, *, n, k].

    The parts are [T, state, k before, action], or [T, *, state, k before, action] for several sums at once.
    """
    months, several = len(parts), parts.shape[1:-3]
    ended = np.zeros((3, *several, months + 1, months + 1))
    alive = np.zeros((3, *several, 2, months + 1))
    alive[0, ..., 0, 0] = 1.0
    for t, part in enumerate(parts):
        after = np.zeros_like(alive)
        for s, a in ((0, 0), (0, 1), (1, 0), (1, 1)):
            moved = 0.5 * _raised(alive[..., s, :], part[..., s, :, a])
            if RIGHT[s, a]:
                moved = np.roll(moved, 1, axis=-1)
            ended[..., t + 1, :] += world.transitions[s, a, 2] * moved
            after += world.transitions[s, a, :2, None] * moved[..., None, :]
        alive = after
    ended[..., months, :] += alive.sum(axis=-2)
    return ended


def _raised(moments, by):
    """The moments [3, *, K] of X + by, from those of X."""
    zero, one, two = moments
    return np.array([zero, one + by * zero, two + 2 * by * one + by**2 * zero])


def ratio_moments(w, chance, first, second, rows):
    """Mean and standard deviation of sum w G / sum w over independent rows, exactly.

    A row has weight w [N] with that chance [N]; first and second are E[G 1{w}] and E[G^2 1{w}]. As 1 / B is the integral of
    exp(-s B), and 1 / B^2 that of s exp(-s B), both are integrals over s of powers of sums over N; here along u = log s.
    """
    near = (w @ first) / (w @ chance)  # G is measured from there: no small difference of large numbers
    second = second - 2 * near * first + near**2 * chance
    first = first - near * chance
    u = np.linspace(-30, 9, 391) - np.log(rows)
    s = np.exp(u)
    damped = np.exp(-s[:, None] * w)
    one, up, square = damped @ chance, damped @ (w * first), damped @ (w**2 * second)
    with np.errstate(under="ignore"):
        mean = (s * up * one ** (rows - 1)).sum() * rows * (u[1] - u[0])
        pairs = (rows - 1) * up**2 * one ** max(rows - 2, 0)
        both = (s**2 * (square * one ** (rows - 1) + pairs)).sum() * rows * (u[1] - u[0])
    return near + mean, np.sqrt(max(both - mean**2, 0.0))


@cache
def returns_under_the_coin(months):
    """`moments_of` the discounted return: [3, n, k]."""
    return moments_of(plain(months))


@cache
def model(months):
    """q and v with which `doubly_robust` is helped: what customers bring under the coin, as the log itself would tell."""
    return solve(world, policy, COIN, horizon=months).action_values[:, :2]


def modelled(x, months):
    """The model's q [T, state, action], and its v [T, state] under the target."""
    right, q = 1 / (1 + np.exp(-x)), model(months)
    return q, (q * np.where(RIGHT, right, 1 - right)).sum(axis=-1)


def exact(x, months, cap=np.inf):
    """{estimator: (mean, standard deviation)} of its estimates from one log of CUSTOMERS."""
    w = weights(x, months, cap)
    chance, first, second = (each.ravel() for each in returns_under_the_coin(months))
    flat = w.ravel()
    found = {"IS": _of_a_mean(flat @ first, flat**2 @ second)}
    _, firsts, seconds = moments_of(_summed(w, x)).sum(axis=(-2, -1))
    found |= {name: _of_a_mean(*each) for name, each in zip(("PDIS", "DR"), zip(firsts, seconds))}
    found["WIS"] = ratio_moments(flat, chance, first, second, CUSTOMERS)
    return found


def _summed(w, x):
    """The parts of what PDIS and DR are the mean of: [T, 2, state, k before, action]."""
    return np.stack([per_decision(w), robust(w, *modelled(x, len(w) - 1))], axis=1)


def _of_a_mean(first, second):
    return first, np.sqrt(max(second - first**2, 0.0) / CUSTOMERS)


def effective(x, months, cap=np.inf):
    """CUSTOMERS (E w)^2 / E w^2, for x [...]: what the effective sample size of a log comes to, in the mean."""
    w, chance = weights(x, months, cap), returns_under_the_coin(months)[0]
    return CUSTOMERS * (w * chance).sum(axis=(-2, -1)) ** 2 / (w**2 * chance).sum(axis=(-2, -1))


class Logs(NamedTuple):
    """LOGS logs of CUSTOMERS each, watched for MONTHS: n, k, and the return after each month [T, LOGS, B]; counts."""

    n: np.ndarray
    k: np.ndarray
    returns: np.ndarray
    counts: np.ndarray  # of decisions, [LOGS, T, state, k before, action]


@lru_cache(maxsize=2)
def logs(seed):
    """The `Logs` of this seed, a few at a time, since rollouts of all of them at once would fill a small memory."""
    rng = np.random.default_rng(seed)
    parts = [_counted(collect(world, policy, np.tile(COIN, (10, 1)), rng=rng, episodes=CUSTOMERS)) for _ in range(LOGS // 10)]
    n, k, returns, counts = zip(*parts)
    return Logs(*(np.concatenate(each, axis=1) for each in (n, k, returns)), np.concatenate(counts))


def _counted(rollout):
    real, (T, R, B) = rollout.mask == 1, rollout.mask.shape
    states, actions = np.minimum(rollout.observations[:T], 1), rollout.actions
    right = RIGHT[states, actions] * real
    n, k = real.cumsum(axis=0).astype(np.int8), right.cumsum(axis=0).astype(np.int8)
    powers = world.gamma ** np.arange(T)[:, None, None]
    returns = (powers * rollout.rewards * real).cumsum(axis=0).astype(np.float32)
    t, run = np.arange(T)[:, None, None], np.arange(R)[:, None]
    shape = R, T, 2, T + 1, 2
    place = np.ravel_multi_index((run + 0 * right, t + 0 * right, states, k - right, actions), shape)
    counts = np.bincount(place[real], minlength=np.prod(shape)).reshape(shape)
    return n, k, returns, counts.astype(np.int32)


class Ended(NamedTuple):
    """What is left of LOGS logs after so many months; the first three by n and k, [LOGS, n k]."""

    customers: np.ndarray
    returns: np.ndarray  # their sum
    squares: np.ndarray  # and the sum of their squares
    decisions: np.ndarray  # how many, [LOGS, T state k action]


@lru_cache(maxsize=4)
def ended(seed, months):
    """The `Ended` of these logs."""
    found, shape = logs(seed), (LOGS, months + 1, months + 1)
    n, k = found.n[months - 1].astype(int), found.k[months - 1].astype(int)
    place = np.ravel_multi_index((np.arange(LOGS)[:, None] + 0 * n, n, k), shape).ravel()
    returns = found.returns[months - 1].ravel().astype(float)
    sums = [np.bincount(place, returns**m, np.prod(shape)).reshape(LOGS, -1) for m in range(3)]
    return Ended(*sums, found.counts[:, :months, :, : months + 1].reshape(LOGS, -1).astype(float))


def sampled(seed, x, months, cap=np.inf):
    """{estimator: its estimates [LOGS]}, one from each log."""
    w, found = weights(x, months, cap), ended(seed, months)
    weighted = found.returns @ w.ravel()
    by_parts = found.decisions @ np.moveaxis(_summed(w, x), 1, -1).reshape(-1, 2) / CUSTOMERS
    estimates = {"IS": weighted / CUSTOMERS, "WIS": weighted / (found.customers @ w.ravel())}
    return estimates | dict(zip(("PDIS", "DR"), by_parts.T))


def covered(seed, x, months, cap, truth):
    """The share of logs whose IS +- 1.96 standard errors, as the log itself tells them, holds the truth."""
    w, found = weights(x, months, cap).ravel(), ended(seed, months)
    mean = found.returns @ w / CUSTOMERS
    variance = found.squares @ w**2 / CUSTOMERS - mean**2
    return (np.abs(mean - truth) <= 1.96 * np.sqrt(variance / (CUSTOMERS - 1))).mean()

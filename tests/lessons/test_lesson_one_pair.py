"""The actor and the critic of notebook 05 that are written by hand, against exact visits, rewards, values."""

from dataclasses import replace

import numpy as np
from lesson import definitions

from pgedu import Policy, Table, campaign, solve

forever, see, coin = replace(campaign(), horizon=None), Policy.softmax(Table(3, 2)), np.zeros(6)
one_pair = definitions("05_actor_critic.ipynb", "cell-02", "cell-04", "one-pair")["one_pair"]


def moves_of_one_pair(alpha, alpha_v, times=3000):
    """Mean preferences [3, 2] and values [3] after one customer, and their standard errors."""
    rng = np.random.default_rng(0)
    found = zip(*[one_pair(rng, 1, alpha, alpha_v) for _ in range(times)])
    return [(np.mean(each, axis=0), np.std(each, axis=0) / np.sqrt(times)) for each in found]


def test_the_pair_by_hand_moves_by_residual_times_score_and_by_the_residual():
    """From v = 0, with one rate 0 and the other small, each visit moves by the reward: exact by visits and rewards."""
    visits, small = solve(replace(forever, gamma=1.0), see, coin).visits, 1e-5
    (theta, off), (v, _) = moves_of_one_pair(small, 0.0)
    slopes = visits[:, None] * (forever.rewards - forever.rewards.mean(axis=1, keepdims=True)) / 2
    assert (v == 0).all() and (np.abs(theta - small * slopes) <= 4 * off + 0.02 * small).all()
    (theta, _), (v, off) = moves_of_one_pair(0.0, small)
    assert (theta == 0).all() and (np.abs(v - small * visits * forever.rewards.mean(axis=1)) <= 4 * off + 0.02 * small).all()


def test_the_pair_by_hand_finds_the_values_and_the_policy():
    found = [one_pair(np.random.default_rng(seed), 1000, alpha=0.0, alpha_v=0.02)[1] for seed in range(8)]
    np.testing.assert_allclose(np.mean(found, axis=0), solve(forever, see, coin).values, atol=0.4)
    theta, _ = one_pair(np.random.default_rng(0), 2000, alpha=0.03, alpha_v=0.1)
    offers = see.probabilities(theta.ravel(), np.array([0, 1]))[:, 1]
    assert offers[0] > 0.95 and offers[1] < 0.05

"""An answer to each exercise with a check, for teachers; `python tests/lessons/solved.py FOLDER` puts them into notebooks.

Students get neither this file nor its folder. The names are those that the notebooks ask for, in the order of the notebooks.
"""

from statistics import NormalDist

import numpy as np


# 00_start_here
def softmax(preferences):
    e = np.exp(preferences - np.max(preferences))
    return e / e.sum()


# 01_bandits
def my_score(preferences, action):
    pi = np.exp(preferences) / np.exp(preferences).sum()
    return np.eye(len(pi))[action] - pi


def my_gradient(preferences, values):
    pi = np.exp(preferences) / np.exp(preferences).sum()
    return pi * (values - pi @ values)


# 02_policy_gradient_theorem
def slope(p):
    return (2 * p**2 - 8 * p + 4) / (p * (1 - p)) ** 2


def policy_gradient(visits, probabilities, action_values):
    v = (probabilities * action_values).sum(axis=1, keepdims=True)
    return visits[:, None] * probabilities * (action_values - v)


# 03_reinforce
def my_returns(rewards, discounts):
    returns, following = np.zeros_like(rewards, dtype=float), 0.0
    for t in reversed(range(len(rewards))):
        returns[t] = following = rewards[t] + discounts[t] * following
    return returns


def my_estimator(rollout):
    psi, following = np.zeros(rollout.rewards.shape), 0.0
    for t in reversed(range(len(psi))):
        psi[t] = following = rollout.rewards[t] + rollout.discounts[t] * following
    first = np.ones((1, *psi.shape[1:]))  # gamma^0
    return np.cumprod(np.concatenate([first, rollout.discounts[:-1]]), axis=0) * psi * rollout.mask


# 04_baselines_and_variance
def my_baseline(rollout, targets):
    B = targets.shape[-1]
    return (targets.sum(axis=-1, keepdims=True) - targets) / (B - 1)


def my_best_constant(theta):
    return (1 + 2 * theta) / (1 - theta)


# 05_actor_critic
def my_gae(rewards, discounts, values, mask, lam):
    advantages, following = np.zeros_like(rewards, dtype=float), 0.0
    for t in reversed(range(len(rewards))):
        delta = rewards[t] + discounts[t] * values[t + 1] - values[t]
        advantages[t] = following = mask[t] * (delta + discounts[t] * lam * following)
    return advantages


def my_targets(rewards, terminated, truncated, next_values, gamma):
    return rewards + gamma * np.where(terminated, 0, next_values)


# 06_a2c_and_a3c
def my_entropy_gradient(preferences):
    pi = np.exp(preferences) / np.exp(preferences).sum()
    entropy = -(pi * np.log(pi)).sum()
    return -pi * (np.log(pi) + entropy)


def my_staleness(order):
    fetched, late = {}, []
    for k, worker in enumerate(order):
        late.append(k - fetched.get(worker, 0))
        fetched[worker] = k + 1
    return late


# 07_trust_regions_and_ppo
def my_kl(p, q):
    taken = p > 0
    return (p[taken] * np.log(p[taken] / q[taken])).sum()


def my_natural_step(fisher, gradient, delta):
    direction = np.linalg.solve(fisher, gradient)
    return np.sqrt(2 * delta / (gradient @ direction)) * direction


def my_weights(ratio, advantages, clip):
    silent = ((advantages > 0) & (ratio > 1 + clip)) | ((advantages < 0) & (ratio < 1 - clip))
    return np.where(silent, 0, ratio * advantages)


# 08_continuous_actions
def my_estimates(rewards, actions, mu, sigma, baseline):
    z = (actions - mu) / sigma
    return (rewards - baseline)[:, None] * np.stack([z / sigma, z**2 - 1], axis=1)


def my_variance(c, M, sigma, d):
    return c**2 * ((d + 1) * M + sigma**2 * d * (d + 4) / 2)


def my_log_prob(u, mean, std, limit):
    normal = -(((u - mean) / std) ** 2) / 2 - np.log(std) - np.log(2 * np.pi) / 2
    return normal - np.log(limit) - 2 * (np.log(2) - u - np.logaddexp(0, -2 * u))


def my_gain_gradient(K, a, b, q, r, gamma, start):
    top, bottom = q + r * K**2, 1 - gamma * (a - b * K) ** 2
    return -start * (2 * r * K * bottom - top * 2 * gamma * b * (a - b * K)) / bottom**2


# 09_policy_gradient_vs_q_learning
def my_q_target(reward, gamma, q_now, q_next, next_action, terminated):
    return reward if terminated else reward + gamma * np.max(q_next)


def my_expected_target(reward, gamma, q_next, epsilon, terminated):
    following = (1 - epsilon) * np.max(q_next) + epsilon * np.mean(q_next)
    return reward if terminated else reward + gamma * following


def my_largest_of_two(sigma, n):
    return sigma / np.sqrt(np.pi * n)


# 10_off_policy_evaluation
def my_self_normalised(weights, returns):
    return (weights * returns).sum() / weights.sum()


def my_per_decision(ratios, rewards, gamma):
    powers = gamma ** np.arange(len(rewards))[:, None]
    return (powers * np.cumprod(ratios, axis=0) * rewards).sum(axis=0)


def my_doubly_robust(weights, actions, rewards, q, pi):
    return pi @ q + weights * (rewards - q[actions])


# 11_the_wrong_reward
def my_first_fall(estimates):
    for k in range(1, len(estimates)):
        if estimates[k] < estimates[k - 1]:
            return k - 1
    return len(estimates) - 1


def my_shaped_rewards(rewards, potentials, gamma):
    following = np.append(potentials[1:-1], 0)  # the end's potential counts as 0
    return rewards + gamma * following - potentials[:-1]


def my_smallest_bonus(R, gamma):
    return R * (1 - gamma**2) / (gamma - 1 + gamma**2)


def my_kl(p, scores, n):  # noqa: F811
    kl = 0.0
    for score in np.unique(scores):
        equal, below = p[scores == score].sum(), p[scores < score].sum()
        chance = (below + equal) ** n - below**n
        kl += chance * np.log(chance / equal)
    return kl


# 12_rlhf
def my_best_policy(reference, rewards, beta):
    tilted = reference * np.exp(rewards / beta)
    return tilted / tilted.sum()


def my_kl_gradient(pi, reference):
    log_ratio = np.log(pi / reference)
    return pi * (log_ratio - pi @ log_ratio)


def my_rloo(rewards):
    return rewards - (rewards.sum() - rewards) / (len(rewards) - 1)


def my_dpo_weight(winner, loser, ref_winner, ref_loser, beta):
    margin = beta * (winner - ref_winner - loser + ref_loser)
    return beta / (1 + np.exp(margin))


# 13_agents_with_tools
def my_best_value(cost, found, right, turns):
    v = np.zeros(len(right))  # with no turn left
    for _ in range(turns):
        more = np.append(v[1:], v[-1])
        v = np.maximum(right, found * more + (1 - found) * v - cost)
    return v[0]


def my_weights_by_turn(rewards, mask):
    to_go = np.cumsum(rewards[::-1], axis=0)[::-1]
    others = mask.sum(axis=1, keepdims=True) - mask
    total = (to_go * mask).sum(axis=1, keepdims=True) - to_go * mask
    return mask * (to_go - total / np.maximum(others, 1))


def my_token_weights(psi, turn, own):
    return (psi[turn] * own)[1:]


def my_share_helped(hard, right, handed, gives_up, human):
    easy, difficult = right[0], right[1]
    kept = lambda chance: chance + (1 - chance) * (1 - gives_up) * human  # noqa: E731
    return (1 - hard) * kept(easy) + hard * (handed * human + (1 - handed) * kept(difficult))


# 14_campaign_pilot
def my_arm_size(before, after, alpha, power):
    z = NormalDist().inv_cdf
    spread = before * (1 - before) + after * (1 - after)
    return (z(1 - alpha / 2) + z(power)) ** 2 * spread / (after - before) ** 2


def my_roll_size(customers, noise, prior):
    k = (noise / prior) ** 2
    return np.sqrt(customers * k / 4 + (3 * k / 4) ** 2) - 3 * k / 4


def my_price(shares, profits, tau, limit):
    low, high = 0.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        used = (shares / (1 + np.exp(-(profits - middle) / tau))).sum()
        low, high = (middle, high) if used > limit else (low, middle)
    return high

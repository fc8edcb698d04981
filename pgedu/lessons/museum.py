"""The bug museum: mistakes that were made in public, as estimators to run, measure and learn with.

Each takes a `Rollout` and gives weights psi as `reward_to_go` does, and is that estimator but for one mistake.
"""

from typing import NamedTuple

import numpy as np

from pgedu.gradients.baselines import none
from pgedu.gradients.estimators import lambda_advantage, reward_to_go, td_advantage, total_return
from pgedu.gradients.exact import exact_gradient, exact_moments, exact_return
from pgedu.worlds.mdp import MDP
from pgedu.learning.optimizers import SGD
from pgedu.learning.proximal import ppo
from pgedu.gradients.returns import discount_powers, discounted_returns
from pgedu.learning.reinforce import reinforce
from pgedu.panels.views import angle_between


class Exhibit(NamedTuple):
    """A mistake: what happened (one sentence), where it was discussed in public, and how to make it again."""

    name: str
    story: str
    threads: tuple  # of "owner/repo#number" on GitHub
    estimator: object  # Rollout -> psi
    world: object = lambda world: world  # what collecting makes of a world


def gamma_power_missing(rollout, *, baseline=none):
    """psi_t = G_t - b_t, without gamma^t."""
    return reward_to_go(rollout, baseline=baseline, gamma_power=False)


def gamma_power_twice(rollout, *, baseline=none):
    """psi_t = gamma^t gamma^t (G_t - b_t)."""
    return discount_powers(rollout) * reward_to_go(rollout, baseline=baseline)


def averaged_log_probs(rollout, *, baseline=none):
    """mean(log pi) * sum(weights): every action of an episode gets the mean of the episode's weights."""
    return reward_to_go(rollout, baseline=baseline).sum(axis=0) / rollout.lengths * rollout.mask


def shifted_rewards(rollout, *, baseline=none):
    """The reward of the step before stands beside each action: psi_t = gamma^t (R_t + gamma (G_t - b_t)), R_0 = 0."""
    earlier = np.concatenate([0 * rollout.rewards[:1], rollout.rewards[:-1]]) * discount_powers(rollout) * rollout.mask
    return earlier + rollout.discounts.max() * reward_to_go(rollout, baseline=baseline)


def standardised(rollout, *, baseline=none):
    """psi_t = gamma^t (G_t - mean) / standard deviation, both over the steps of the same episode."""
    returns = reward_to_go(rollout, baseline=baseline, gamma_power=False)
    centred = (returns - returns.sum(axis=0) / rollout.lengths) * rollout.mask
    deviation = np.sqrt((centred**2).sum(axis=0) / rollout.lengths)
    return discount_powers(rollout) * centred / (deviation + 1e-7)


def fitted_on_itself(rollout, *, baseline=none):
    """psi_t = G_0 - b, with b = sum(G_0 S.S) / sum(S.S) over its own episode alone: G_0. `baseline` is not used."""
    return total_return(rollout, baseline=lambda rollout, targets: targets)


def gae_across_ends(rollout, *, values, lam=0.95):
    """psi_t = delta_t + gamma lam psi_{t+1}, carried on from the next episode's first step into this one's last."""
    deltas = td_advantage(rollout, values=values)
    return rollout.mask * discounted_returns(deltas, np.full_like(deltas, lam * rollout.discounts.max()))


def truncation_as_termination(rollout, *, values, lam=0.95):
    """`lambda_advantage` of a rollout in which a cut-off episode counts as one that has come to its end: v = 0 there.

    (In the last row of a segment nobody can tell that an episode was cut off there.)
    """
    following = np.concatenate([rollout.mask[1:], np.ones_like(rollout.mask[:1])])
    discounts = np.where((rollout.mask == 1) & (following == 0), 0.0, rollout.discounts)
    return lambda_advantage(rollout._replace(discounts=discounts), values=values, lam=lam)


class flipped_ppo(ppo):  # noqa: N801
    """`ppo` that climbs down: what is written as a loss, without the minus sign, is what should be maximised."""

    def surrogate_weights(self, ratio, advantages):
        return -super().surrogate_weights(ratio, advantages)


def same_luck(world, seed=42):
    """`world` reset with the same seed at every episode: states are (t, s), each action has one next state."""
    H, S, A = world.horizon, world.n_states, world.n_actions
    luck = np.random.default_rng(seed).random((H, 1, 1, 1))
    following = np.minimum((world.transitions.cumsum(axis=-1) <= luck).sum(axis=-1), S - 1)  # [H, S, A]
    following += S * np.minimum(np.arange(H) + 1, H - 1)[:, None, None]
    start, transitions = np.append(world.start, np.zeros((H - 1) * S)), np.eye(H * S)[following.reshape(H * S, A)]
    terminal, observation = np.tile(world.terminal, H), np.tile(world.observation, H)
    return MDP(transitions, np.tile(world.rewards, (H, 1)), start, terminal, observation, world.gamma, H)


RIGHT = Exhibit("the right one", "Reward-to-go with gamma^t, and no mistake in it.", (), reward_to_go)
EXHIBITS = [
    Exhibit("full return", "Every action was weighted with the whole episode's return, where reward-to-go was meant.",
            ("udacity/deep-reinforcement-learning#42", "huggingface/deep-rl-class#70"), total_return),
    Exhibit("averaged log-probs", "An episode's log-probabilities were averaged over time before they were weighted.",
            ("Farama-Foundation/Gymnasium#1336",), averaged_log_probs),
    Exhibit("same seed at every reset", "Every episode began with reset(seed=42): its luck was always the same.",
            ("Farama-Foundation/Gymnasium#1468",), reward_to_go, same_luck),
    Exhibit("rewards shifted by one", "Beside each action stood the reward that had been paid before it.",
            ("openai/spinningup#50",), shifted_rewards),
    Exhibit("γᵗ missing", "Late steps weigh as if they were not discounted: most programs do this, some on purpose.",
            ("dennybritz/reinforcement-learning#185", "facebookresearch/Pearl#46"), gamma_power_missing),
    Exhibit("γᵗ doubled", "A reader took γᵗ in the update for a second discount; it is not, but here is one.",
            ("datawhalechina/easy-rl#181",), gamma_power_twice),
    Exhibit("baseline fitted on its own episode", "The optimal baseline was fitted on the one episode that it judges.",
            ("MushroomRL/mushroom-rl#89",), fitted_on_itself),
    Exhibit("returns standardised per episode", "Each episode's returns were scaled by their own spread.",
            ("keon/policy-gradient#5",), standardised),
]  # fmt: skip

CRITIC_EXHIBITS = [
    Exhibit("GAE across an episode's end", "The sum over later TD residuals went on into the next episode.",
            ("vietnh1009/Super-mario-bros-PPO-pytorch#21",), gae_across_ends),
    Exhibit("truncation as termination", "Where a time limit cut an episode off, what would have followed was 0.",
            ("jsboige/CoursIA#7825",), truncation_as_termination),
]  # fmt: skip


class Cost(NamedTuple):
    """Exact moments of one episode's estimate, beside the gradient of the world as it really is."""

    truth: np.ndarray  # [D]
    mean: np.ndarray  # [D]
    covariance: np.ndarray  # [D, D]
    angle: float  # degrees between mean and truth; NaN where the mean is 0
    bias = property(lambda self: self.mean - self.truth)
    variance = property(lambda self: np.trace(self.covariance))


def exact_cost(exhibit, world, policy, theta):
    """What a mistake costs at theta [D], by going through every episode of a world with a short horizon."""
    truth = exact_gradient(world, policy, theta)
    found = exact_moments(exhibit.world(world), policy, theta, exhibit.estimator, horizon=world.horizon)
    return Cost(truth, found.mean, found.covariance, angle_between(found.mean, truth))


def learning_curve(exhibit, world, policy, *, learning_rate, updates, runs=20, episodes=4, seed=0):
    """Exact J of each run in the true world after 0, 1, ... updates with this mistake: [updates + 1, runs]."""
    training = reinforce(exhibit.world(world), policy, optimizer=SGD(learning_rate), rng=np.random.default_rng(seed),
                         runs=runs, episodes=episodes, estimator=exhibit.estimator, updates=updates)  # fmt: skip
    thetas = [training.theta] + [progress.theta for progress in training]
    return exact_return(world, policy, np.array(thetas))

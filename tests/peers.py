"""Against other programs: `make peers` (it installs PyTorch and Stable-Baselines3, which pgedu itself never needs).

The tests compare advantages, losses, their gradients and Fisher-vector products with Stable-Baselines3's code and with
PyTorch's automatic differentiation, in double precision. `python tests/peers.py` then compares learning curves at equal
steps, the time until CartPole is solved, PPO on Pendulum, and the time for equal PPO with rejax's. Nothing there fails:
it prints medians and intervals over seeds.
"""

import sys
import time
from functools import partial
from types import SimpleNamespace

import gymnasium
import numpy as np
import peers_jax
import peers_pendulum
import pytest
import torch
from gymnasium.wrappers.vector import NormalizeObservation, TransformReward
from stable_baselines3 import A2C, PPO
from stable_baselines3.common.buffers import RolloutBuffer
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.vec_env import VecNormalize

from pgedu import (
    MLP, Adam, LearnedValue, Linear, Policy, a2c, clipped_weights, collect, gae, ppo,
)  # fmt: skip
from pgedu.learning.trust_regions import fisher_vector_product, mean_kl

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)
RNG = np.random.default_rng(0)
CLOSE = {"rtol": 0, "atol": 1e-6}


# --- agreement: run with pytest -----------------------------------------------------------------------------------


def their_advantages(rewards, values, last_values, starts, dones, gamma, lam):
    """Stable-Baselines3's own recursion, on double precision arrays [T, N]."""
    T, N = rewards.shape
    box = gymnasium.spaces.Box(-1, 1, (1,))
    buffer = RolloutBuffer(T, box, gymnasium.spaces.Discrete(2), gae_lambda=lam, gamma=gamma, n_envs=N)
    buffer.rewards, buffer.values, buffer.episode_starts = rewards, values, starts
    buffer.advantages = np.zeros((T, N))
    buffer.compute_returns_and_advantage(torch.tensor(last_values), dones)
    return buffer.advantages


@pytest.mark.parametrize("gamma, lam", [(0.99, 0.95), (0.9, 0.0), (1.0, 1.0)])
def test_advantages_with_ends_in_the_middle(gamma, lam):
    T, N = 30, 5
    rewards, values = RNG.normal(size=(T, N)), RNG.normal(size=(T + 1, N))
    ended = RNG.random((T, N)) < 0.2
    starts = np.concatenate([np.ones((1, N)), ended[:-1]])
    theirs = their_advantages(rewards, values[:-1], values[-1], starts, ended[-1].astype(float), gamma, lam)
    ours = gae(rewards, gamma * ~ended, values, np.ones((T, N)), lam)
    assert np.allclose(ours, theirs, **CLOSE)
    assert not np.allclose(gae(rewards, np.full((T, N), gamma), values, np.ones((T, N)), lam), theirs, **CLOSE)


@pytest.mark.parametrize("lam", [0.0, 0.7, 1.0])
def test_advantages_where_an_episode_is_cut_off(lam):
    """They add gamma v(last observation) to the reward and end the episode; we keep a row for that observation."""
    gamma, rewards, values, last = 0.9, RNG.normal(size=7), RNG.normal(size=8), RNG.normal()
    padded = rewards + gamma * last * np.eye(7)[3]  # step 3 is the one after which the episode was cut off
    starts, dones = np.eye(7)[0] + np.eye(7)[4], np.zeros(1)
    theirs = their_advantages(padded[:, None], values[:7, None], values[7:], starts[:, None], dones, gamma, lam)[:, 0]
    mask = np.ones(8)
    mask[4] = 0
    ours = gae(np.insert(rewards, 4, 0.0), gamma * mask, np.insert(values, 4, last), mask, lam)
    assert np.allclose(ours[mask == 1], theirs, **CLOSE)


def their_network(network, theta):
    """The same perceptron in PyTorch, with the parameters theta [D]."""
    widths, layers = (network.features, *getattr(network, "hidden", ()), network.outputs), []
    for inputs, outputs in zip(widths, widths[1:]):
        layer = torch.nn.Linear(inputs, outputs)
        weights, bias, theta = np.split(theta, [inputs * outputs, (inputs + 1) * outputs])
        layer.weight.data, layer.bias.data = torch.tensor(weights.reshape(inputs, outputs).T), torch.tensor(bias)
        layers += [layer, torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def their_gradient(module):
    """Gradients of its parameters in our order, [D]."""
    return np.concatenate([p.grad.numpy().T.ravel() for p in module.parameters()])


@pytest.mark.parametrize("approximator", [Linear(4, 3), MLP(4, (8,), 3), MLP(4, (64, 64), 3, orthogonal=True)], ids=str)
class TestOfNetworks:
    def case(self, approximator, N=50):
        policy = Policy.softmax(approximator)
        theta = approximator.init(RNG) + 0.3 * RNG.normal(size=approximator.size)
        observations, actions = RNG.normal(size=(N, 1, 4)), RNG.integers(3, size=(N, 1))
        return policy, theta, observations, actions

    def test_clipped_loss_and_its_gradient(self, approximator):
        policy, theta, observations, actions = self.case(approximator)
        old = policy.log_prob(theta + 0.1 * RNG.normal(size=theta.shape), observations, actions)
        advantages, clip, entropy, N = RNG.normal(size=old.shape), 0.2, 0.01, len(old)
        module = their_network(approximator, theta)
        distribution = torch.distributions.Categorical(logits=module(torch.tensor(observations[:, 0])))
        ratio = torch.exp(distribution.log_prob(torch.tensor(actions[:, 0])) - torch.tensor(old[:, 0]))
        A = torch.tensor(advantages[:, 0])
        surrogate = torch.min(ratio * A, torch.clamp(ratio, 1 - clip, 1 + clip) * A).mean()
        (-surrogate - entropy * distribution.entropy().mean()).backward()

        log_prob, score = policy.trace(theta, observations, actions)
        psi = clipped_weights(np.exp(log_prob - old), advantages, clip)
        ours = score(psi / N, entropy / N)[0]
        assert np.allclose(-ours, their_gradient(module), **CLOSE)
        assert np.abs(np.exp(log_prob - old)[:, 0] - ratio.detach().numpy()).max() < 1e-6
        assert (psi == 0).any() and not np.allclose(-score(advantages / N)[0], their_gradient(module), **CLOSE)

    def test_fisher_vector_product(self, approximator):
        """The second derivative of the mean KL, by differentiating twice."""
        policy, theta, observations, _ = self.case(approximator)
        vector, module = RNG.normal(size=theta.shape), their_network(approximator, theta)
        logits = torch.log_softmax(module(torch.tensor(observations[:, 0])), dim=-1)
        fixed = logits.detach()
        kl = (fixed.exp() * (fixed - logits)).sum(dim=-1).mean()
        parameters = list(module.parameters())
        first = torch.autograd.grad(kl, parameters, create_graph=True)
        parts = their_network(approximator, vector).parameters()  # the vector, cut up as the parameters are
        torch.stack([(a * b.detach()).sum() for a, b in zip(first, parts)]).sum().backward()
        mask = np.ones((len(observations), 1))
        ours = fisher_vector_product(policy, theta, observations, mask, vector)
        assert np.allclose(ours, their_gradient(module), **CLOSE)
        assert mean_kl(policy, theta, theta, observations, mask) == pytest.approx(0, abs=1e-12)

    def test_clipped_value_loss_and_its_gradient(self, approximator):
        critic = LearnedValue(MLP(4, getattr(approximator, "hidden", ()), 1), Adam(0.1)).start(RNG)
        w = critic.w + 0.5 * RNG.normal(size=critic.w.shape)
        observations = RNG.normal(size=(40, 1, 4))
        targets, old = RNG.normal(size=(2, 40, 1))
        module = their_network(critic.approximator, w)
        v, t, o = module(torch.tensor(observations[:, 0]))[:, 0], torch.tensor(targets[:, 0]), torch.tensor(old[:, 0])
        clipped = o + torch.clamp(v - o, -0.2, 0.2)
        (0.5 * torch.max((v - t) ** 2, (clipped - t) ** 2).mean()).backward()
        samples, shares = SimpleNamespace(values=old, targets=targets), np.full((40, 1), 1 / 40)
        weights = partial(ppo.critic_weights, SimpleNamespace(clip_values=0.2), samples, shares)
        assert np.allclose(-critic.gradient(w, observations, targets, weights), their_gradient(module), **CLOSE)
        assert not np.allclose(-critic.gradient(w, observations, targets, shares), their_gradient(module), **CLOSE)


# --- learning curves and speed: run as a program -----------------------------------------------------------------

CHECKPOINTS = 10
OURS = {  # the same environments, network size, steps and evaluation as theirs; settings and learning rates are our own
    ("PPO", "CartPole-v1"): (ppo, {"environments": 8, "steps": 32, "epochs": 20, "minibatches": 1, "lam": 0.8, "gamma": 0.98,
                                   "anneal": True}, 1e-3, 1e-2, False),
    ("A2C", "CartPole-v1"): (a2c, {"environments": 8, "steps": 5, "entropy": 0.0, "gamma": 0.99}, 1e-3, 1e-2, False),
    ("PPO", "Acrobot-v1"): (ppo, {"environments": 16, "steps": 128, "epochs": 4, "minibatches": 8, "lam": 0.94, "gamma": 0.99},
                            2e-3, 3e-3, True),
    ("A2C", "Acrobot-v1"): (a2c, {"environments": 16, "steps": 8, "entropy": 0.0, "lam": 0.95, "gamma": 0.99, "normalize": True},
                            2e-3, 3e-3, True),
}  # fmt: skip
THEIRS = {  # the tuned settings that come with Stable-Baselines3 (its "zoo")
    ("PPO", "CartPole-v1"): (PPO, {"n_steps": 32, "batch_size": 256, "gae_lambda": 0.8, "gamma": 0.98, "n_epochs": 20,
                                   "learning_rate": lambda left: 1e-3 * left, "clip_range": lambda left: 0.2 * left}, 8, False),
    ("A2C", "CartPole-v1"): (A2C, {}, 8, False),
    ("PPO", "Acrobot-v1"): (PPO, {"n_steps": 256, "gae_lambda": 0.94, "n_epochs": 4}, 16, True),
    ("A2C", "Acrobot-v1"): (A2C, {}, 16, True),
}  # fmt: skip


def our_environments(name, columns, trials, normalize):
    """For learning, and for trials; normalised as theirs are, with statistics that all learners share."""
    learning, trial = (gymnasium.make_vec(name, num_envs=count) for count in (columns, trials))
    if normalize:
        learning, trial = NormalizeObservation(learning), NormalizeObservation(trial)
        trial.obs_rms, trial.update_running_mean = learning.obs_rms, False
        learning = TransformReward(learning, lambda rewards: rewards / 20)
    return learning, trial


def our_curves(case, total, learners, seed=0):
    """Mean return of 20 episodes of each learner, acting at random as its policy says, at each checkpoint: [C, R]."""
    algorithm, settings, rate, critic_rate, normalize = OURS[case]
    rng, columns = np.random.default_rng(seed), settings["environments"]
    env, trial = our_environments(case[1], learners * columns, learners * 20, normalize)
    width, actions = env.single_observation_space.shape[0], int(env.single_action_space.n)
    policy = Policy.softmax(MLP(width, (64, 64), actions, orthogonal=True))
    critic = LearnedValue(MLP(width, (64, 64), 1, orthogonal=True), Adam(critic_rate))
    updates, curve = total // (columns * settings["steps"]), []
    training = algorithm(env, policy, critic=critic, optimizer=Adam(rate), rng=rng, runs=learners, updates=updates,
                         max_gradient_norm=0.5, **settings)  # fmt: skip
    for progress in training:
        if progress.update * CHECKPOINTS // updates > len(curve):
            rollout = collect(trial, policy, progress.theta, rng=rng)
            curve.append(rollout.rewards.sum(axis=0).mean(axis=-1))
    return np.array(curve)


class Curve(BaseCallback):
    """The same evaluation of one of their models, at the same steps."""

    def __init__(self, name, total, seed):
        super().__init__()
        self.trial, self.total, self.curve = make_vec_env(name, 20, seed=1000 + seed), total, []

    def _on_step(self):
        if self.num_timesteps * CHECKPOINTS // self.total > len(self.curve):
            returns, alive, running = np.zeros(20), np.ones(20, dtype=bool), self.trial.reset()
            normalizer = self.model.get_vec_normalize_env()
            while alive.any():
                seen = normalizer.normalize_obs(running) if normalizer else running
                running, rewards, dones, _ = self.trial.step(self.model.predict(seen)[0])
                returns += rewards * alive
                alive &= ~dones
            self.curve.append(returns.mean())
        return True


def their_curve(case, total, seed):
    algorithm, settings, columns, normalize = THEIRS[case]
    environment = make_vec_env(case[1], columns, seed=seed)
    environment = VecNormalize(environment) if normalize else environment
    torch.set_default_dtype(torch.float32)
    callback = Curve(case[1], total, seed)
    algorithm("MlpPolicy", environment, seed=seed, device="cpu", **settings).learn(total, callback)
    return callback.curve[:CHECKPOINTS]


def interval(samples):
    low, middle, high = np.quantile(samples, [0.1, 0.5, 0.9])
    return f"{middle:7.0f} ({low:.0f} to {high:.0f})"


def compare(case, total, learners, seeds):
    ours = our_curves(case, total, learners)
    theirs = np.array([their_curve(case, total, seed) for seed in range(seeds)]).T
    print(f"\n{case[0]} on {case[1]}: median return (8 of 10 seeds); {learners} learners here, {seeds} there", flush=True)
    for k in range(min(len(ours), len(theirs))):
        print(f"  {total * (k + 1) // CHECKPOINTS:8,} steps   pgedu {interval(ours[k]):24}   SB3 {interval(theirs[k])}", flush=True)


class Solved(BaseCallback):
    """Stop when the mean return of the last 20 episodes is 475 or more."""

    def _on_step(self):
        last = [episode["r"] for episode in list(self.model.ep_info_buffer)[-20:]]
        return len(last) < 20 or np.mean(last) < 475


def their_time(seed):
    algorithm, settings, columns, _ = THEIRS["PPO", "CartPole-v1"]
    torch.set_default_dtype(torch.float32)
    model = algorithm("MlpPolicy", make_vec_env("CartPole-v1", columns, seed=seed), seed=seed, device="cpu", **settings)
    began = time.perf_counter()
    model.learn(100_000, Solved())
    return time.perf_counter() - began, model.num_timesteps


def speed(seeds=5):
    from bench import solve_cartpole

    ours, theirs = (np.median([one(seed) for seed in range(seeds)], axis=0) for one in (solve_cartpole, their_time))
    print(f"\nCartPole-v1 until the mean of the last 20 episodes is 475 (medians of {seeds} seeds):")
    print(f"  pgedu, 20 learners, each of them: {ours[0]:.2f} s for all, {ours[1]:,.0f} steps each")
    print(f"  SB3, one learner: {theirs[0]:.2f} s, {theirs[1]:,.0f} steps")
    print(f"  a learner here is {theirs[0] / (ours[0] / 20):.0f} times as fast (target: 60)", flush=True)


if __name__ == "__main__":
    which = sys.argv[1:] or ["rejax", "speed", "pendulum", "PPO", "A2C"]
    if "rejax" in which:
        peers_jax.compare()
    if "speed" in which:
        speed()
    if "pendulum" in which:
        peers_pendulum.compare()
    for case in OURS:
        if case[0] in which:
            compare(case, 100_000, learners=20, seeds=10)

"""PPO on Pendulum beside Stable-Baselines3's with its tuned settings, in one run: part of `make peers`.

Both are asked at the same numbers of steps: 50 episodes of each learner, acting at random as its policy says, and acting
as the mean of its policy says. The clock of both stops meanwhile.
"""

import time

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.env_util import make_vec_env

from pgedu import PendulumVectorEnv, collect
from pgedu.lessons.pendulum_live import CEILING, pendulum_ppo

TOTAL, CHECKPOINTS, EPISODES = 200_000, 4, 50
THEIRS = {  # the tuned settings that come with Stable-Baselines3 (its "zoo"), which stop after 100,000 steps
    "n_steps": 1024, "gamma": 0.9, "gae_lambda": 0.95, "n_epochs": 10, "ent_coef": 0.0, "learning_rate": 1e-3,
    "clip_range": 0.2, "use_sde": True, "sde_sample_freq": 4,
}  # fmt: skip


def our_returns(policy, theta):
    """Mean return of each learner, as it acts and as its mean acts: [2, R]."""
    certain = theta.copy()
    certain[:, -1] = -20.0  # the log std
    trial = PendulumVectorEnv(len(theta) * EPISODES)
    rollouts = [collect(trial, policy, each, rng=np.random.default_rng(1)) for each in (theta, certain)]
    return np.array([rollout.rewards.sum(axis=0).mean(axis=-1) for rollout in rollouts])


def ours(learners, seed=0):
    """(returns [C, 2, R], seconds for all of them)."""
    training, returns, seconds, began = pendulum_ppo(np.random.default_rng(seed), runs=learners), [], 0.0, time.perf_counter()
    for progress in training:
        if progress.update * CHECKPOINTS // len(training) > len(returns):
            seconds += time.perf_counter() - began
            returns.append(our_returns(training.policy, progress.theta))
            began = time.perf_counter()
    return np.array(returns), seconds


class Checkpoints(BaseCallback):
    """The same of one of their models."""

    def __init__(self, seed):
        super().__init__()
        self.trial, self.returns, self.seconds = make_vec_env("Pendulum-v1", EPISODES, seed=1000 + seed), [], 0.0

    def _on_step(self):
        if self.num_timesteps * CHECKPOINTS // TOTAL > len(self.returns):
            began = time.perf_counter()
            self.returns.append([self.mean_return(certain) for certain in (False, True)])
            self.model.policy.reset_noise(self.training_env.num_envs)
            self.seconds += time.perf_counter() - began
        return True

    def mean_return(self, certain):
        """Every episode of Pendulum takes 200 steps."""
        seen, total = self.trial.reset(), 0.0
        for step in range(200):
            if step % THEIRS["sde_sample_freq"] == 0:
                self.model.policy.reset_noise(EPISODES)
            seen, rewards, _, _ = self.trial.step(self.model.predict(seen, deterministic=certain)[0])
            total += rewards.mean()
        return total


def theirs(seed):
    """(returns [C, 2], seconds) of one learner, in single precision as they come."""
    torch.set_default_dtype(torch.float32)
    callback = Checkpoints(seed)
    model = PPO("MlpPolicy", make_vec_env("Pendulum-v1", 4, seed=seed), seed=seed, device="cpu", **THEIRS)
    began = time.perf_counter()
    model.learn(TOTAL, callback)
    return np.array(callback.returns[:CHECKPOINTS]), time.perf_counter() - began - callback.seconds


def compare(learners=20, seeds=5, seed=0):
    our_curve, our_seconds = ours(learners, seed)
    their_curves, their_seconds = zip(*[theirs(seed) for seed in range(seeds)])
    their_curve = np.stack(their_curves, axis=-1)
    print(f"\nPPO on Pendulum: median return (8 of 10) of {EPISODES} episodes; {learners} learners here, {seeds} there; "
          f"best possible: about {CEILING:.0f}")  # fmt: skip
    for k in range(CHECKPOINTS):
        for way, name in enumerate(("as they act", "their mean action")):
            here, there = (_interval(curve[k, way]) for curve in (our_curve, their_curve))
            print(f"  {TOTAL * (k + 1) // CHECKPOINTS:8,} steps, {name:18} pgedu {here:24} SB3 {there}")
    here, there = our_seconds / learners, np.median(their_seconds)
    print(f"  seconds for {TOTAL:,} steps of a learner: pgedu {here:.1f}, SB3 {there:.1f}: {there / here:.1f} times as fast", flush=True)


def _interval(samples):
    low, middle, high = np.quantile(samples, [0.1, 0.5, 0.9])
    return f"{middle:6.0f} ({low:.0f} to {high:.0f})"

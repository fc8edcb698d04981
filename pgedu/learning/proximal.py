"""Proximal policy optimisation: many small steps on the same data, held back by a clip."""

from typing import NamedTuple

import numpy as np

from pgedu.learning.actor_critics import a2c
from pgedu.gradients.estimators import clipped_weights
from pgedu.learning.optimizers import clip_norm


class Samples(NamedTuple):
    """What PPO goes through again and again, each [R, N, ...] with N = B T; a minibatch is [M, R, 1, ...]."""

    observations: np.ndarray
    actions: np.ndarray
    log_probs: np.ndarray  # of the policy that acted
    advantages: np.ndarray
    targets: np.ndarray  # of the critic
    mask: np.ndarray
    values: np.ndarray  # of the critic, before this update


class ppo(a2c):  # noqa: N801
    """PPO with the clipped surrogate, for R runs at once.

    `epochs` times through the samples of all segments, in `minibatches` parts of random order, each a step
    theta <- theta + learning rate * mean of (psi grad log pi + entropy grad H), with psi = `clipped_weights` of the
    ratio pi / pi_old and the advantage. (The order is the same for all runs, whose samples differ.) The data are
    those of the old policy: after the first step the gradient is biased, and the clip bounds what that can do.
    A record's `gradients` are those of the last minibatch. Its `details`: "kl" and "clipped" (the share of ratios
    beyond the clip), both means over the last epoch, and "resting".

    Args:
        clip: epsilon; ratios are not driven beyond 1 +- clip. Infinite: no clip.
        epochs, minibatches: whole numbers of 1 or more.
        Switches, each a detail of the well-known programs (Engstrom et al. 2020; Huang et al. 2022):
        normalize: advantages have mean 0 and scale 1 in each minibatch.
        max_gradient_norm: longer gradients of the policy are shortened.
        clip_values: how far a value may move from where it was when advantages were worked out (see
            `LearnedValue.gradient`); infinite: freely.
        anneal: the learning rates, the critic's too, fall linearly, to 0 after `updates` updates.
        target_kl: once the mean KL of a minibatch exceeds it, that run's policy rests until the next update (its critic
            does not); infinite: never.
        recompute: advantages and targets are worked out anew, with the present critic, before every epoch.
        critic_steps: steps of the critic on each minibatch.
        steps, episodes: length of a segment, environments of each run.
        settings: those of `actor_critic` and `Training`.
    Raises:
        ValueError: settings out of their range; anneal without `updates`.
    Source: Schulman et al. (2017), algorithm 1 and eq. 9.
    """

    ranges = a2c.ranges | {name: {} for name in ("clip", "clip_values", "target_kl")}
    ranges |= {name: {"least": 1, "whole": True} for name in ("epochs", "minibatches")}

    def __init__(self, world, policy, *, critic, clip=0.2, epochs=4, minibatches=4, normalize=True,
                 max_gradient_norm=0.5, clip_values=np.inf, anneal=False, target_kl=np.inf, recompute=False, steps=128,
                 lam=0.95, entropy=0.0, **settings):  # fmt: skip
        super().__init__(world, policy, critic=critic, steps=steps, lam=lam, entropy=entropy, normalize=normalize,
                         max_gradient_norm=max_gradient_norm, **settings)  # fmt: skip
        self.clip, self.epochs, self.minibatches = clip, epochs, minibatches
        self.clip_values, self.anneal, self.target_kl, self.recompute = clip_values, anneal, target_kl, recompute

    def __setattr__(self, name, value):
        if name == "anneal" and value and self.updates is None:
            raise ValueError("updates must be given for anneal=True, since the learning rate falls to 0; got None")
        super().__setattr__(name, value)

    def _learn(self, rollout):
        rates = self.learning_rate, self.critic.optimizer.learning_rate
        left = 1 - self.update / self.updates if self.anneal else 1.0
        self.learning_rate, self.critic.optimizer.learning_rate = rates[0] * left, rates[1] * left
        try:
            return self._epochs(rollout)
        finally:
            self.learning_rate, self.critic.optimizer.learning_rate = rates

    def _epochs(self, rollout):
        resting = np.zeros(self.runs, dtype=bool)
        for epoch in range(self.epochs):
            if epoch == 0 or self.recompute:
                samples = self._samples(rollout)
            order = self.rng.permutation(samples.mask.shape[1])
            reports = []
            for part in np.array_split(order, min(self.minibatches, len(order))):
                # Time first, one column: a minibatch is one long episode to whoever sums over time.
                batch = Samples(*(np.moveaxis(each[:, part], 1, 0)[:, :, None] for each in samples))
                gradient, report = self._minibatch(batch, resting)
                reports.append(report)
                resting = resting | (report["kl"] > self.target_kl)
        details = {name: np.mean([report[name] for report in reports], axis=0) for name in reports[0]}
        return gradient, details | {"resting": resting}

    def _samples(self, rollout):
        v = self.critic.values(rollout.observations)
        advantages = self._advantages(rollout, v)
        fields = Samples(rollout.observations[:-1], rollout.actions, rollout.log_probs, advantages,
                         advantages + v[:-1], rollout.mask, v[:-1])  # fmt: skip
        return Samples(*(np.moveaxis(each, 0, 1).reshape(self.runs, -1, *each.shape[3:]) for each in fields))

    def _minibatch(self, batch, resting):
        """One step of policy and critic. Returns the gradient [R, 1, D] and a report {name: [R]}."""
        mask, steps = batch.mask, np.maximum(batch.mask.sum(axis=(0, -1)), 1)
        log_prob, score = self.policy.trace(self.theta, batch.observations, batch.actions)
        change = np.where(mask, log_prob - batch.log_probs, 0.0)
        ratio = np.exp(change)
        psi = self._psi(ratio, self._weights(batch.advantages, mask)) * mask
        gradient = score(psi, self.entropy * mask) / steps[:, None, None]
        theta = self.optimizer.step(self.theta, clip_norm(gradient[:, 0], self.max_gradient_norm))
        for _ in range(self.critic_steps):
            self.critic.learn(batch.observations, batch.targets, mask, near=batch.values, clip=self.clip_values)
        self._move(np.where(resting[:, None], self.theta, theta))
        clipped = (np.abs(ratio - 1) > self.clip) * mask
        report = {"kl": ratio - 1 - change, "clipped": clipped}  # the former's mean is the KL (Schulman 2020)
        return gradient, {name: (each * mask).sum(axis=(0, -1)) / steps for name, each in report.items()}

    def _psi(self, ratio, advantages):
        return clipped_weights(ratio, advantages, self.clip)

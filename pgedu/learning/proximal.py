"""Proximal policy optimisation: many small steps on the same data, held back by a clip."""

from functools import partial
from typing import NamedTuple

import numpy as np

from pgedu.arguments import number, switch
from pgedu.experience.rollouts import masked_mean, shares
from pgedu.learning.actor_critics import a2c
from pgedu.gradients.estimators import clipped_weights
from pgedu.learning.concurrency import both
from pgedu.learning.optimizers import clip_norm
from pgedu.learning.settings import Setting, optional, share, whole


LARGE = 2**22  # samples times parameters, from which policy and critic learn at the same time


class Samples(NamedTuple):
    """What PPO goes through again and again, each [N, R, 1, ...] with N = B T; a minibatch is [M, R, 1, ...].

    Time first, one column: a minibatch is one long episode to whoever sums over time.
    """

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
        clip_values: how far a value may move from where it was when advantages were worked out: beyond, a
            sample has no say where that makes its squared error larger; infinite: freely.
        anneal: the learning rates, the critic's too, fall linearly, to 0 after `updates` updates.
        target_kl: once the mean KL of a minibatch exceeds it, that run's policy rests until the next update (its critic
            does not); infinite: never.
        recompute: advantages and targets are worked out anew, with the present critic, before every epoch.
        critic_steps: steps of the critic on each minibatch.
        steps, environments: length of a segment, environments of each run.
        settings: those of `a2c`.
    Raises:
        ValueError: settings out of their range; anneal without `updates`.
    Source: Schulman et al. (2017), algorithm 1 and eq. 9.
    """

    clip = Setting(partial(number, least=0, finite=False), 0.2)
    epochs = Setting(whole, 4)
    minibatches = Setting(whole, 4)
    normalize = Setting(switch, True)
    max_gradient_norm = Setting(partial(number, least=0, finite=False), 0.5)
    clip_values = Setting(partial(number, least=0, finite=False), np.inf)
    anneal = Setting(switch, False)
    target_kl = Setting(partial(number, least=0, finite=False), np.inf)
    recompute = Setting(switch, False)
    steps = Setting(optional(whole), 128)
    lam = Setting(share, 0.95)
    entropy = Setting(partial(number, least=0), 0.0)

    def require_agreement(self):
        super().require_agreement()
        if self.anneal and self.updates is None:
            raise ValueError("updates must be given for anneal=True, since the learning rate falls to 0; got None")

    def learn(self, rollout):
        rates = self.learning_rate, self.critic.optimizer.learning_rate
        left = max(0.0, 1 - self.update / self.updates) if self.anneal else 1.0
        self.learning_rate, self.critic.optimizer.learning_rate = rates[0] * left, rates[1] * left
        try:
            return self.learn_in_epochs(rollout)
        finally:
            self.learning_rate, self.critic.optimizer.learning_rate = rates

    def learn_in_epochs(self, rollout):
        resting = np.zeros(self.runs, dtype=bool)
        for epoch in range(self.epochs):
            if epoch == 0 or self.recompute:
                samples = self.samples(rollout)
            order = self.rng.permutation(len(samples.mask))
            reports = []
            for part in np.array_split(order, min(self.minibatches, len(order))):
                everything = len(part) == len(order)  # in any order
                batch = samples if everything else Samples(*(each[part] for each in samples))
                gradient, report = self.learn_minibatch(batch, resting)
                reports.append(report)
                resting = resting | (report["kl"] > self.target_kl)
        details = {name: np.mean([report[name] for report in reports], axis=0) for name in reports[0]}
        return {"gradients": gradient[:, None], "details": details | {"resting": resting}}

    def samples(self, rollout):
        v = self.critic.values(rollout.observations)
        advantages, targets = self.judge(rollout, v)
        fields = Samples(rollout.observations[:-1], rollout.actions, rollout.log_probs, advantages,
                         targets, rollout.mask, v[:-1])  # fmt: skip
        return Samples(*(np.moveaxis(each, 1, 2).reshape(-1, self.runs, 1, *each.shape[3:]) for each in fields))

    def learn_minibatch(self, batch, resting):
        """One step of policy and critic, which have nothing to do with each other."""
        weights = shares(batch.mask)
        size = batch.mask.size * min(self.policy.size, self.critic.approximator.size)
        learnings = partial(self.learn_policy, batch, weights, resting), partial(self.learn_values, batch, weights)
        (theta, *report), _ = both(*learnings, large=size > LARGE)
        self.move(theta)
        return report

    def learn_policy(self, batch, weights, resting):
        """The next theta, the gradient [R, D] and a report {name: [R]}."""
        mask = batch.mask
        log_prob, score = self.policy.trace(self.theta, batch.observations, batch.actions)
        change = np.where(mask, log_prob - batch.log_probs, 0.0)
        ratio = np.exp(change)
        psi = self.surrogate_weights(ratio, self.scaled(batch.advantages, mask))
        gradient = score(psi * weights, self.entropy * weights)[:, 0]
        shortened = clip_norm(gradient, self.max_gradient_norm)
        going = {"where": ~resting} if resting.any() else {}
        theta = self.optimizer.step(self.theta, shortened, **going)
        clipped = np.abs(ratio - 1) > self.clip
        report = {"kl": ratio - 1 - change, "clipped": clipped}  # the former's mean is the KL (Schulman 2020)
        return theta, gradient, {name: masked_mean(each, mask) for name, each in report.items()}

    def learn_values(self, batch, weights):
        with np.errstate(all="ignore"):  # perhaps in a thread of its own, which does not know the loop's
            for _ in range(self.critic_steps):
                self.critic.learn(batch.observations, batch.targets, partial(self.critic_weights, batch, weights))

    def surrogate_weights(self, ratio, advantages):
        return clipped_weights(ratio, advantages, self.clip)

    def critic_weights(self, batch, weights, values):
        """The mean, without the samples that value clipping keeps out (the program of Schulman et al. 2017)."""
        if np.isinf(self.clip_values):
            return weights
        clipped = np.clip(values, batch.values - self.clip_values, batch.values + self.clip_values)
        return weights * ((batch.targets - clipped) ** 2 <= (batch.targets - values) ** 2)

"""Actor-critic methods: REINFORCE whose weights come from a critic, so that it need not wait for an episode's end."""

from functools import partial

import numpy as np
from gymnasium.vector import VectorEnv

from pgedu.worlds.envs import TabularVectorEnv
from pgedu.gradients.estimators import lambda_advantage
from pgedu.worlds.mdp import MDP
from pgedu.learning.optimizers import clip_norm
from pgedu.experience.rollouts import Rollout, check_fit, collecting
from pgedu.experience.streams import Stream
from pgedu.learning.training import Training


class actor_critic(Training):  # noqa: N801 - lower case as `reinforce`
    """An actor (the policy) and a critic (a learned value), for R runs at once.

    theta <- theta + learning rate * mean over episodes of sum_t (psi_t grad log pi + entropy grad H), where
    psi = estimator(rollout, values=critic). The critic moves towards its own lambda-return, psi + v.
    Biased where the critic is wrong, unless psi needs no critic (lam = 1 on whole episodes). There is no gamma^t, and
    segments show states as often as they are met: in a world without ends, hardly ever those near the start.

    Args:
        critic: a `LearnedValue`, one for all environments of a run, on the observations that the policy takes.
        steps: length of a segment: learn after every `steps` steps of each environment, in the midst of episodes too.
            None: after whole episodes, as `reinforce`.
        lam: of `lambda_advantage`, and of the critic's target.
        entropy: weight of the entropy bonus, in reward per nat.
        critic_steps: steps of the critic in each update, all towards the same targets.
        estimator: function (rollout, values=...) -> psi, an advantage (the critic's target is psi + v); None for
            `lambda_advantage` with the present `lam`.
        settings: those of `Training`.
    Raises:
        ValueError: arguments that do not fit, such as a critic on other observations than the policy's.
    Source: Sutton & Barto (2018), section 13.5; Schulman et al. (2016), section 6.
    """

    functions = {"estimator": True}
    ranges = {"entropy": {"finite": True}, "critic_steps": {"least": 1, "whole": True}}

    def __init__(self, world, policy, *, critic, steps=None, lam=0.95, entropy=0.0, critic_steps=1, estimator=None,
                 **settings):  # fmt: skip
        super().__init__(world, policy, **settings)
        _check_critic(critic, policy)
        self.critic, self.lam, self.entropy, self.steps, self.estimator = critic, lam, entropy, steps, estimator
        self.critic_steps = critic_steps
        if steps is not None:
            check_fit(world, policy, self.theta, steps=steps, max_steps=self.max_steps)
            self._start_stream()

    def _start_stream(self):
        world, columns = self.world, self.runs * self.episodes
        if isinstance(world, MDP):
            self.gamma = world.gamma if self.gamma is None else self.gamma
            world = TabularVectorEnv(world, columns, self.max_steps)
        if not isinstance(world, VectorEnv):
            raise ValueError(f"world must be an MDP or a Gymnasium vector environment; got {world!r:.80}")
        self.stream = Stream(world, self.rng)
        self.stream.check(self.policy, self.theta, self.episodes)

    def _collect(self):
        if self.steps is None:
            return super()._collect()
        settings = {"rng": self.rng, "steps": self.steps, "gamma": self.gamma}
        return collecting(self.stream, self.policy, self.theta, **settings)

    def _returns(self, rollout):
        if self.steps is None:
            return super()._returns(rollout)
        return self.stream.returns.reshape(self.runs, -1).copy()

    def _learn(self, rollout):
        observations, v = rollout.observations[:-1], self.critic.values(rollout.observations)
        psi = self._advantages(rollout, v)
        weights = self._weights(psi, rollout.mask)
        gradients = self.policy.score(self.theta, observations, rollout.actions, weights, self.entropy * rollout.mask)
        for _ in range(self.critic_steps):
            self.critic.learn(observations, psi + v[:-1], rollout.mask, whole=self.steps is None)
        return gradients, self._ascend(self._mean(gradients, rollout.mask), rollout, weights)

    def _advantages(self, rollout, v):
        """psi, given the critic's values v [T+1, R, B]."""
        estimator = self.estimator or partial(lambda_advantage, lam=self.lam)
        return estimator(rollout, values=lambda observations: v)

    def _ascend(self, gradient, rollout, weights):
        """Move theta; the weights are for those who need more than the gradient. Returns what is to be reported."""
        self._move(self.optimizer.step(self.theta, gradient))
        return {}

    def _weights(self, psi, mask):
        return psi

    def _mean(self, gradients, mask):
        """Over episodes, as `reinforce` takes it."""
        return gradients.mean(axis=-2)

    def _move(self, theta):
        """A run whose critic is lost is named in the same record: the critic has learned by now."""
        super()._move(theta)
        self.diverged = self.diverged | ~np.isfinite(self.critic.w).all(axis=-1)


class a2c(actor_critic):  # noqa: N801
    """Advantage actor-critic: `actor_critic` on short segments of many environments at once, one critic for all.

    theta <- theta + learning rate * mean over STEPS of (psi_t grad log pi + entropy grad H): one learning rate fits
    segments of any length. With lam = 1 psi is the return to the segment's end, the critic's value there included.

    Args:
        steps, episodes: length of a segment, environments of each run.
        normalize: subtract the mean of psi over each batch and divide by its standard deviation.
        max_gradient_norm: longer gradients of the policy are shortened to this.
        settings: those of `actor_critic` and `Training`.
    Source: Mnih et al. (2016), algorithm S3, with all workers in step.
    """

    ranges = actor_critic.ranges | {"max_gradient_norm": {}}

    def __init__(self, world, policy, *, critic, steps=5, episodes=8, lam=1.0, entropy=0.01, normalize=False,
                 max_gradient_norm=np.inf, **settings):  # fmt: skip
        super().__init__(world, policy, critic=critic, steps=steps, episodes=episodes, lam=lam, entropy=entropy,
                         **settings)  # fmt: skip
        self.normalize, self.max_gradient_norm = normalize, max_gradient_norm

    def _weights(self, psi, mask):
        return normalized(psi, mask) if self.normalize else psi

    def _mean(self, gradients, mask):
        mean = gradients.sum(axis=-2) / np.maximum(mask.sum(axis=(0, -1)), 1)[..., None]
        return clip_norm(mean, self.max_gradient_norm)


def normalized(psi, mask):
    """(psi - mean) / standard deviation, both over the real steps of each run's batch: mean 0, scale 1."""
    count = np.maximum(mask.sum(axis=(0, -1), keepdims=True), 1)
    centred = (psi - (psi * mask).sum(axis=(0, -1), keepdims=True) / count) * mask
    return centred / (np.sqrt((centred**2).sum(axis=(0, -1), keepdims=True) / count) + 1e-8)


class a3c(a2c, settles=("episodes", "critic_steps")):  # noqa: N801
    """Asynchronous advantage actor-critic, simulated: each worker's gradient is applied as soon as it is there.

    Workers run at the same speed and finish one after another. Each acts for `steps` steps, works out a gradient with
    the parameters it acted with, applies it to the shared ones, and only then fetches the new ones. So the gradient
    that is the n-th to be applied was computed from the parameters after n - workers - delay others: it is
    workers - 1 + delay updates late. One record (one `update`) is a round: one gradient from every worker.
    Biased where the gradient has changed in the meantime. No thread is involved: the same seed gives the same numbers.

    Args:
        workers: W; each has one environment (a vector environment needs runs * workers).
        delay: additional updates by which what a worker fetches is out of date, 0 or more; may change at any time.
        settings: those of `a2c`, except episodes and critic_steps.
    Source: Mnih et al. (2016), algorithm S3.
    """

    ranges = a2c.ranges | {"delay": {"whole": True}}

    def __init__(self, world, policy, *, workers=8, delay=0, **settings):
        super().__init__(world, policy, episodes=workers, **settings)
        if self.steps is None:
            raise ValueError("steps must be given, the length of a worker's segment; got None")
        self.delay = delay
        self._history = [(self.theta, self.critic.w)]  # shared parameters after the latest updates, oldest first

    def _collect(self):
        W = self.episodes
        latest = len(self._history) - 1
        # Worker j fetched right after its own last update, which is W - 1 - j updates ago.
        fetched = [self._history[max(0, latest - (W - 1 - j) - self.delay)] for j in range(W)]
        self._stale = [np.stack(parts, axis=1) for parts in zip(*fetched)]  # theta [R, W, D], w [R, W, D_w]
        settings = {"rng": self.rng, "steps": self.steps, "gamma": self.gamma}
        rollout = yield from collecting(self.stream, self.policy, self._stale[0], **settings)
        return Rollout(*(field.reshape(*field.shape[:2], W, *field.shape[4:]) for field in rollout))

    def _learn(self, rollout):
        theta, w = self._stale
        one = Rollout(*(field[:, :, :, None] for field in rollout))  # [T, R, W, 1]: each worker by itself
        observations, v = one.observations[:-1], self.critic.approximator.forward(w, one.observations)[..., 0]
        psi = self._advantages(one, v)
        gradients = self.policy.score(theta, observations, one.actions, self._weights(psi, one.mask),
                                      self.entropy * one.mask)  # fmt: skip
        means = self._mean(gradients, one.mask)
        for_critic = self.critic.gradient(w, observations, psi + v[:-1], one.mask)
        for j in range(self.episodes):
            self.critic.w = self.critic.optimizer.step(self.critic.w, for_critic[:, j])
            self._move(self.optimizer.step(self.theta, means[:, j]))
            self._history.append((self.theta, self.critic.w))
        del self._history[: -self.episodes - self.delay]
        return gradients[:, :, 0], {}


def _check_critic(critic, policy):
    if not hasattr(critic, "approximator"):
        raise ValueError(f"critic must be a LearnedValue; got {critic!r:.80}")
    for name in ("features", "observations"):
        theirs, ours = (getattr(each.approximator, name, None) for each in (policy, critic))
        if theirs != ours:
            wanted = f"take the same observations as the policy, {policy.approximator}"
            raise ValueError(f"critic must {wanted}; got {critic.approximator}")

"""Actor-critic methods: REINFORCE whose weights come from a critic, so that it need not wait for an episode's end."""

from functools import partial

import numpy as np

from pgedu.arguments import number, refuse, switch
from pgedu.experience.rollouts import Rollout, collecting, is_world, masked_mean, shares
from pgedu.experience.streams import Stream
from pgedu.gradients.estimators import lambda_advantage, require_answer, require_estimator, takes, weights_of
from pgedu.learning.learned_value import LearnedValue, require_same_observations
from pgedu.learning.optimizers import clip_norm
from pgedu.learning.settings import Setting, optional, share, whole
from pgedu.learning.training import PolicyGradient


def _critic(name, value):
    if not isinstance(value, LearnedValue):
        raise refuse(name, "a LearnedValue, such as LearnedValue(Table(observations=3, outputs=1), SGD(0.1))", value)
    return value


class actor_critic(PolicyGradient):  # noqa: N801 - lower case as `reinforce`
    """An actor (the policy) and a critic (a learned value), for R runs at once.

    theta <- theta + learning rate * mean over environments of sum_t (psi_t grad log pi + entropy grad H), where
    psi = estimator(rollout, values=critic). The critic moves towards its own lambda-return, psi + v.
    Biased where the critic is wrong, unless psi needs no critic (lam = 1 on whole episodes). There is no gamma^t, and
    segments show states as often as they are met: in a world without ends, hardly ever those near the start.

    Args:
        world, policy, optimizer, rng, runs, updates, gamma, theta, max_steps: see `PolicyGradient` and `Training`.
        critic: a `LearnedValue`, one for all environments of a run, on the observations that the policy takes.
        environments: B, of each run, side by side.
        steps: length of a segment: learn after every `steps` steps of each environment, in the midst of episodes too.
            None: after a whole episode in each, as `reinforce`.
        lam: of `lambda_advantage`, and of the critic's target.
        entropy: weight of the entropy bonus, in reward per nat.
        critic_steps: steps of the critic in each update, all towards the same targets.
        estimator: function (rollout, values=...) -> psi, an advantage (the critic's target is psi + v); or a plain
            function of the rollout (the critic's target is its lambda-return). None: `lambda_advantage` with the
            present `lam`.
    Raises:
        ValueError: arguments that do not fit, such as a critic on other observations than the policy's.
    Source: Sutton & Barto (2018), section 13.5; Schulman et al. (2016), section 6.
    """

    critic = Setting(_critic, live=False)
    environments = Setting(whole, 1, live=False)
    steps = Setting(optional(whole), None)
    max_steps = Setting(whole, 10_000, live=False)  # in segments, the environments know it from the start
    lam = Setting(share, 0.95)
    entropy = Setting(partial(number, least=0), 0.0)
    critic_steps = Setting(whole, 1)
    estimator = Setting(optional(require_estimator), None)
    state = (*PolicyGradient.state, "stream")

    def require_agreement(self):
        super().require_agreement()
        if self.estimator is not None:
            require_answer(self.estimator, values=None)
        require_same_observations("critic", self.critic, self.policy)
        if hasattr(self, "stream") and (self.stream is None) != (self.steps is None):
            raise ValueError("steps cannot change between None (whole episodes) and a number once a training is made")

    def begin(self):
        super().begin()
        self.started("critic")
        self.stream = None
        if self.steps is not None:
            columns, ours = self.runs * self.columns, is_world(self.world)
            self.stream = Stream(self.world.vector_env(columns, self.max_steps) if ours else self.world, self.rng)

    @property
    def columns(self):
        return self.environments

    def collect(self):
        if self.steps is None:
            return self.whole_episodes()
        return self.segments(self.theta)

    def segments(self, theta):
        """`collecting` the next one of each environment."""
        gamma = getattr(self.world, "gamma", 1.0) if self.gamma is None else self.gamma
        return collecting(self.stream, self.policy, theta, rng=self.rng, steps=self.steps, gamma=gamma)

    def returns(self, rollout):
        if self.steps is None:
            return super().returns(rollout)
        return self.stream.returns.reshape(self.runs, -1).copy()

    def learn(self, rollout):
        observations, v = rollout.observations[:-1], self.critic.values(rollout.observations)
        psi, targets = self.judge(rollout, v)
        weights = self.scaled(psi, rollout.mask)
        gradients = self.policy.score(self.theta, observations, rollout.actions, weights, self.entropy * rollout.mask)
        for _ in range(self.critic_steps):
            self.critic.learn(observations, targets, self.critic_shares(rollout.mask))
        details = self.ascend(self.mean_gradient(gradients, rollout.mask), rollout, weights)
        return {"gradients": gradients, "details": details}

    def judge(self, rollout, v):
        """psi, and the critic's targets, given its values v [T+1, R, B]."""
        v.setflags(write=False)  # an estimator that wrote into them would move the critic's targets
        values = lambda observations: v  # noqa: E731
        advantages = lambda_advantage(rollout, values=values, lam=self.lam)
        if self.estimator is None:
            return advantages, advantages + v[:-1]
        psi = weights_of(self.estimator, rollout, values=values)
        return psi, (psi if takes(self.estimator, "values") else advantages) + v[:-1]

    def critic_shares(self, mask):
        """What say each step has in the critic's learning."""
        return shares(mask) if self.steps is not None else self.critic.usual_shares(mask)

    def scaled(self, psi, mask):
        """The weights that are really used."""
        return psi

    def mean_gradient(self, gradients, mask):
        """Over episodes, as `reinforce` takes it."""
        return gradients.mean(axis=-2)

    def ascend(self, gradient, rollout, psi):
        """Move theta; psi, as it was used, is for those who need more than the gradient. Returns what is to be reported."""
        self.move(self.optimizer.step(self.theta, gradient))
        return {}

    def move(self, theta):
        """A run whose critic is lost is named in the same record: the critic has learned by now."""
        super().move(theta)
        self.diverged = self.diverged | ~np.isfinite(self.critic.w).all(axis=-1)


class a2c(actor_critic):  # noqa: N801
    """Advantage actor-critic: `actor_critic` on short segments of many environments at once, one critic for all.

    theta <- theta + learning rate * mean over STEPS of (psi_t grad log pi + entropy grad H): one learning rate fits
    segments of any length. With lam = 1 psi is the return to the segment's end, the critic's value there included.

    Args:
        steps, environments: length of a segment, environments of each run.
        normalize: subtract the mean of psi over each batch and divide by its standard deviation.
        max_gradient_norm: longer gradients of the policy are shortened to this.
        settings: those of `actor_critic`.
    Source: Mnih et al. (2016), algorithm S3, with all workers in step.
    """

    environments = Setting(whole, 8, live=False)
    steps = Setting(optional(whole), 5)
    lam = Setting(share, 1.0)
    entropy = Setting(partial(number, least=0), 0.01)
    normalize = Setting(switch, False)
    max_gradient_norm = Setting(partial(number, least=0, finite=False), np.inf)

    def scaled(self, psi, mask):
        return normalized(psi, mask) if self.normalize else psi

    def mean_gradient(self, gradients, mask):
        mean = gradients.sum(axis=-2) / np.maximum(mask.sum(axis=(0, -1)), 1)[..., None]
        return clip_norm(mean, self.max_gradient_norm)


def normalized(psi, mask):
    """(psi - mean) / standard deviation, both over the real steps of each run's batch: mean 0, scale 1."""
    centred = (psi - masked_mean(psi, mask)[..., None]) * mask
    return centred / (np.sqrt(masked_mean(centred**2, mask))[..., None] + 1e-8)


class a3c(a2c):  # noqa: N801
    """Asynchronous advantage actor-critic, simulated: each worker's gradient is applied as soon as it is there.

    Workers run at the same speed and finish one after another. Each acts for `steps` steps, works out a gradient with
    the parameters it acted with, applies it to the shared ones, and only then fetches the new ones. So the gradient
    that is the n-th to be applied was computed from the parameters after n - workers - delay others: it is
    workers - 1 + delay updates late. One record (one `update`) is a round: one gradient from every worker.
    Biased where the gradient has changed in the meantime. No thread is involved: the same seed gives the same numbers.

    Args:
        workers: W; each has one environment (a vector environment needs runs * workers).
        delay: additional updates by which what a worker fetches is out of date, 0 or more; may change at any time.
        settings: those of `a2c`, except environments (each worker has one) and critic_steps (each takes one).
    Source: Mnih et al. (2016), algorithm S3.
    """

    workers = Setting(whole, 8, live=False)
    delay = Setting(partial(number, least=0, whole=True), 0)
    steps = Setting(whole, 5)
    environments = critic_steps = None

    @property
    def columns(self):
        return self.workers

    def begin(self):
        super().begin()
        self._history = [(self.theta, self.critic.w)]  # shared parameters after the latest updates, oldest first

    def collect(self):
        W = self.workers
        latest = len(self._history) - 1
        # Worker j fetched right after its own last update, which is W - 1 - j updates ago.
        fetched = [self._history[max(0, latest - (W - 1 - j) - self.delay)] for j in range(W)]
        self._stale = [np.stack(parts, axis=1) for parts in zip(*fetched)]  # theta [R, W, D], w [R, W, D_w]
        rollout = yield from self.segments(self._stale[0])  # its moments are [R, W, 1, ...], each worker by itself
        return Rollout(*(field.reshape(*field.shape[:2], W, *field.shape[4:]) for field in rollout))

    def learn(self, rollout):
        theta, w = self._stale
        one = Rollout(*(field[:, :, :, None] for field in rollout))  # [T, R, W, 1]: each worker by itself
        observations, v = one.observations[:-1], self.critic.approximator.forward(w, one.observations)[..., 0]
        psi, targets = self.judge(one, v)
        weights, entropy = self.scaled(psi, one.mask), self.entropy * one.mask
        gradients = self.policy.score(theta, observations, one.actions, weights, entropy)
        means = self.mean_gradient(gradients, one.mask)
        for_critic = self.critic.gradient(w, observations, targets, shares(one.mask))
        for j in range(self.workers):
            self.critic.w = self.critic.optimizer.step(self.critic.w, for_critic[:, j])
            self.move(self.optimizer.step(self.theta, means[:, j]))
            self._history.append((self.theta, self.critic.w))
        del self._history[: -self.workers - self.delay]
        return {"gradients": gradients[:, :, 0]}

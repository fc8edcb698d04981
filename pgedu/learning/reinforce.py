"""REINFORCE: whole episodes, weights that need no critic, and a baseline that may learn."""

from pgedu.gradients.baselines import none, require_baseline
from pgedu.gradients.estimators import require_answer, require_estimator, reward_to_go, takes, weights_of
from pgedu.gradients.moments import episode_gradients
from pgedu.learning.learned_value import require_same_observations
from pgedu.learning.settings import Setting, whole
from pgedu.learning.training import PolicyGradient


class reinforce(PolicyGradient):  # noqa: N801 - lower case as `range` and `enumerate` are: to its users it is a function
    """REINFORCE for R runs at once: theta <- theta + learning rate * mean over episodes of sum_t psi_t score_t.

    An iterator of `Progress`: `for progress in reinforce(...)`. Biased only as its estimator and baseline are.

    Args:
        world, policy, optimizer, rng, runs, updates, gamma, theta, max_steps: see `PolicyGradient` and `Training`.
        episodes: B, whole episodes of each run in an update.
        estimator: a function Rollout -> psi. With a baseline: psi = estimator(rollout, baseline=baseline).
        baseline: a function (rollout, targets) -> b. One that learns, such as `LearnedValue`, has `start(rng, runs)`,
            which gives a fresh copy, and `learn_from(rollout)`, called after it was used on a batch.
    Source: Williams (1992); Sutton & Barto (2018), sections 13.3 and 13.4.
    """

    episodes = Setting(whole, 1)
    estimator = Setting(require_estimator, reward_to_go)
    baseline = Setting(require_baseline, none)

    def begin(self):
        super().begin()
        self.started("baseline")

    def require_agreement(self):
        super().require_agreement()
        if hasattr(self.baseline, "approximator"):
            require_same_observations("baseline", self.baseline, self.policy)
        require_answer(self.estimator, baseline=self.baseline)
        if self.baseline is not none and not takes(self.estimator, "baseline"):
            wanted = "take a baseline, as f(rollout, *, baseline) does, to be used with one"
            raise ValueError(f"estimator must {wanted}; got {self.estimator!r:.80}")

    @property
    def columns(self):
        return self.episodes

    def collect(self):
        return self.whole_episodes()

    def learn(self, rollout):
        """Estimate, step, let the baseline learn."""
        baseline = self.started("baseline")
        psi = weights_of(self.estimator, rollout, **({} if baseline is none else {"baseline": baseline}))
        gradients = episode_gradients(self.policy, self.theta, rollout, psi)
        theta = self.optimizer.step(self.theta, gradients.mean(axis=-2))
        if hasattr(baseline, "learn_from"):
            baseline.learn_from(rollout)
        self.move(theta)
        return {"gradients": gradients}

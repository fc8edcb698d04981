"""REINFORCE, Williams' algorithm and its descendants with a baseline."""

from pgedu.gradients.baselines import none
from pgedu.gradients.estimators import episode_gradients, reward_to_go
from pgedu.learning.training import Training


class reinforce(Training):  # noqa: N801 - lower case as `range` and `enumerate` are: to its users it is a function
    """REINFORCE for R runs at once: theta <- theta + learning rate * mean over episodes of sum_t psi_t score_t.

    An iterator of `Progress`: `for progress in reinforce(...)`. Biased only as its estimator and baseline are.

    Args:
        estimator, baseline: psi = estimator(rollout, baseline=baseline). A baseline that learns, such as
            `LearnedValue`, has `start(rng, runs)` and `update(rollout)`, called after it was used on a batch.
        settings: those of `Training`.
    Source: Williams (1992); Sutton & Barto (2018), sections 13.3 and 13.4.
    """

    functions = {"estimator": False, "baseline": False}

    def __init__(self, world, policy, *, estimator=reward_to_go, baseline=none, **settings):
        super().__init__(world, policy, **settings)
        self.estimator, self.baseline = estimator, baseline

    def _learn(self, rollout):
        """Estimate, step, let the baseline learn."""
        psi = self.estimator(rollout, baseline=self.baseline)
        gradients = episode_gradients(self.policy, self.theta, rollout, psi)
        theta = self.optimizer.step(self.theta, gradients.mean(axis=-2))
        if hasattr(self.baseline, "update"):
            self.baseline.update(rollout)
        self._move(theta)
        return gradients, {}

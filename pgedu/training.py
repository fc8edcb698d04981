"""Training: algorithms as iterators of `Progress`, built from the parts in the other modules.

Settings are plain attributes: a slider, a schedule or a student may change them between two updates.
"""

from typing import NamedTuple

import numpy as np

from pgedu.baselines import none
from pgedu.estimators import episode_gradients, reward_to_go
from pgedu.rollouts import Rollout, collecting


class Progress(NamedTuple):
    """One update of R learners."""

    update: int  # 1, 2, ...
    theta: np.ndarray  # [R, D] after the update
    gradients: np.ndarray  # [R, B, D], the estimate of each episode; their mean made the update
    rollout: Rollout  # the episodes, sampled before the update
    steps: float  # environment steps so far, the mean over runs
    diverged: np.ndarray  # [R] bool; runs stopped at their last finite theta, since the next was not finite

    @property
    def returns(self):
        """Undiscounted return of each episode, [R, B]: what a learning curve shows."""
        return self.rollout.rewards.sum(axis=0)


def pieces(training):
    """All records of a training, with None in between after every small piece of work, if it has `pulses`."""
    if not hasattr(training, "pulses"):
        yield from training
        return
    while True:
        progress = None
        for progress in training.pulses():
            yield progress
        if progress is None:
            return  # no update came: the training has ended


class reinforce:  # noqa: N801 - lower case as `range` and `enumerate` are: to its users it is a function
    """REINFORCE for R runs at once: theta <- theta + learning rate * mean over episodes of sum_t psi_t score_t.

    An iterator of `Progress`: `for progress in reinforce(...)`. It has a length when `updates` is given, so that
    a progress bar knows where it stands. Biased only as its estimator and baseline are.

    Args:
        world: an MDP, or a Gymnasium vector environment with runs * episodes sub-environments.
        policy, optimizer, rng: as elsewhere; `optimizer.learning_rate` may change at any time.
        runs: R, the number of independent learners.
        episodes: B, episodes of each run in an update.
        estimator, baseline: psi = estimator(rollout, baseline=baseline). A baseline that learns, such as
            `LearnedValue`, has `start(rng, runs)` and `update(rollout)`, called after it was used on a batch.
        updates: stop after so many; None goes on for ever.
        theta: first parameters [R, D]; default policy.init.
        max_steps: longer episodes are cut off.
    Raises:
        ValueError: arguments that do not fit.
    Source: Williams (1992); Sutton & Barto (2018), sections 13.3 and 13.4.
    """

    def __init__(self, world, policy, *, optimizer, rng, runs=1, episodes=1, estimator=reward_to_go, baseline=none,
                 gamma=None, updates=None, theta=None, max_steps=10_000):  # fmt: skip
        for name, value in (("runs", runs), ("episodes", episodes), ("updates", updates or 1)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")
        self.world, self.policy, self.optimizer, self.rng = world, policy, optimizer, rng
        self.runs, self.episodes, self.updates = runs, episodes, updates
        self.estimator, self.baseline = estimator, baseline
        self.gamma, self.max_steps = gamma, max_steps
        self.theta = policy.init(rng, runs) if theta is None else np.array(theta, dtype=float)
        if self.theta.shape != (runs, policy.size):
            raise ValueError(f"theta must be [R, D] = {(runs, policy.size)}; got shape {self.theta.shape}")
        self.update, self.steps = 0, 0.0
        self.diverged = np.zeros(runs, dtype=bool)

    @property
    def learning_rate(self):
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.optimizer.learning_rate = value

    @property
    def estimator(self):
        return self._estimator

    @estimator.setter
    def estimator(self, function):
        self._estimator = _function("estimator", function)

    @property
    def baseline(self):
        return self._baseline

    @baseline.setter
    def baseline(self, function):
        self._baseline = _function("baseline", function)
        if hasattr(function, "start"):  # one that learns begins with nothing
            function.start(self.rng, self.runs)

    def __len__(self):
        if self.updates is None:
            raise TypeError("reinforce without updates=... has no length: it goes on for ever")
        return self.updates

    def __iter__(self):
        return self

    def __next__(self):
        for progress in self.pulses():
            if progress is not None:
                return progress
        raise StopIteration

    def pulses(self):
        """One update, in small pieces: yields None after each environment step, then the `Progress`."""
        if self.updates is not None and self.update >= self.updates:
            return
        rollout = yield from collecting(
            self.world, self.policy, self.theta, rng=self.rng,
            episodes=self.episodes, gamma=self.gamma, max_steps=self.max_steps,
        )  # fmt: skip
        gradients = self._learn(rollout)
        self.update += 1
        self.steps += rollout.mask.sum() / self.runs
        yield Progress(self.update, self.theta, gradients, rollout, self.steps, self.diverged)

    def _learn(self, rollout):
        """Estimate, step, let the baseline learn. Returns the gradient of each episode, [R, B, D]."""
        # A run whose numbers overflow is stopped and reported below; the others go on.
        with np.errstate(over="ignore", invalid="ignore"):
            psi = self.estimator(rollout, baseline=self.baseline)
            gradients = episode_gradients(self.policy, self.theta, rollout, psi)
            theta = self.optimizer.step(self.theta, gradients.mean(axis=-2))
            if hasattr(self.baseline, "update"):
                self.baseline.update(rollout)
        self.diverged = self.diverged | ~np.isfinite(theta).all(axis=-1)
        self.theta = np.where(self.diverged[:, None], self.theta, theta)
        self.theta.setflags(write=False)  # a record's theta is the training's own: nobody may write into it
        return gradients


def _function(name, value):
    if not callable(value):
        raise ValueError(f"{name} must be a function, as those in pgedu.{name}s; got {value!r}")
    return value

"""Training: algorithms as iterators of `Progress`, built from the parts in the other modules.

Settings are plain attributes: a slider, a schedule or a student may change them between two updates.
"""

import copy
import inspect
from typing import NamedTuple

import numpy as np

from pgedu.experience.rollouts import Rollout, collecting


class Progress(NamedTuple):
    """One update of R learners."""

    update: int  # 1, 2, ...
    theta: np.ndarray  # [R, D] after the update
    gradients: np.ndarray  # [R, B, D], the estimate of each episode or segment, or [R, 1, D], of all of them at once
    rollout: Rollout  # the episodes or segments, sampled before the update
    steps: float  # environment steps so far, the mean over runs
    diverged: np.ndarray  # [R] bool; runs stopped at their last finite theta, since the next was not finite
    returns: np.ndarray  # [R, B] undiscounted, of each episode; of the last one that ended, NaN before the first
    details: dict = {}  # name -> [R], what an algorithm reports of itself, such as "kl"


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


def check_number(name, value, least=0, whole=False, finite=False):
    """Raise ValueError unless `value` is a number of `least` or more, and a whole or finite one if it has to be."""
    kind = int | np.integer if whole else int | float | np.number
    infinite = finite and isinstance(value, kind) and value == np.inf
    if infinite or not isinstance(value, kind) or not value >= least:
        wanted = f"{'whole ' * whole}number of {least} or more{', and finite' * infinite}"
        raise ValueError(f"{name} must be a {wanted}; got {value!r}")


class Training:
    """What all algorithms share: R runs of a policy in a world, as an iterator of `Progress`.

    It has a length when `updates` is given, so that a progress bar knows where it stands. A subclass says how
    experience is collected (`_collect`, a generator as `collecting` is) and what is learned from it (`_learn`).

    Args:
        world: an MDP, or a Gymnasium vector environment with runs * episodes sub-environments.
        policy, optimizer, rng: as elsewhere; `learning_rate`, of its copy of the optimizer, may change at any time.
        runs: R, the number of independent learners.
        episodes: B, of each run in an update (environments, where learning is in segments).
        gamma: discount; default that of the MDP, or 1.
        updates: stop after so many; None goes on for ever.
        theta: first parameters [R, D]; default policy.init.
        max_steps: longer episodes are cut off. (In segments of a vector environment its own time limit counts.)
    Raises:
        ValueError: arguments that do not fit.
    """

    functions = {}  # settings that must be functions: name -> may it be None?
    ranges = {}  # settings that must be numbers: name -> further arguments of `check_number`

    def __init__(self, world, policy, *, optimizer, rng, runs=1, episodes=1, gamma=None, updates=None, theta=None,
                 max_steps=10_000):  # fmt: skip
        for name, value in (("runs", runs), ("episodes", episodes), ("updates", updates or 1)):
            if value < 1:
                raise ValueError(f"{name} must be at least 1; got {value}")
        if not isinstance(rng, np.random.Generator):
            raise ValueError(f"rng must be a generator such as numpy.random.default_rng(0); got {rng!r:.80}")
        # An optimizer may be given to several trainings: each has moments and a learning rate of its own.
        self.world, self.policy, self.optimizer, self.rng = world, policy, copy.deepcopy(optimizer), rng
        self.runs, self.episodes, self.updates = runs, episodes, updates
        self.gamma, self.max_steps = gamma, max_steps
        self.theta = policy.init(rng, runs) if theta is None else np.array(theta, dtype=float)
        if self.theta.shape != (runs, policy.size):
            raise ValueError(f"theta must be [R, D] = {(runs, policy.size)}; got shape {self.theta.shape}")
        self.update, self.steps_taken = 0, 0.0
        self.diverged = np.zeros(runs, dtype=bool)

    def __init_subclass__(cls, settles=()):
        """Let the signature name what `**settings` hands on: for help, for editors and for panels, which look there.

        `settles` are arguments that the subclass decides itself.
        """
        own = inspect.signature(cls.__init__).parameters
        own = {name: each for name, each in own.items() if name != "self" and each.kind != each.VAR_KEYWORD}
        base = inspect.signature(cls.__base__).parameters
        inherited = [each for name, each in base.items() if name not in (*own, *settles)]
        cls.__signature__ = inspect.Signature([*own.values(), *inherited])

    def __setattr__(self, name, value):
        if name in self.ranges:
            check_number(name, value, **self.ranges[name])
        if name in self.functions and not callable(value) and not (value is None and self.functions[name]):
            raise ValueError(f"{name} must be a function, as those in pgedu.gradients.{name}s; got {value!r}")
        if name in ("baseline", "critic") and hasattr(value, "start"):
            value = copy.copy(value)  # one that learns begins with nothing, and belongs to this training alone
            value.start(self.rng, self.runs)
        super().__setattr__(name, value)

    @property
    def learning_rate(self):
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.optimizer.learning_rate = value

    def __len__(self):
        if self.updates is None:
            raise TypeError(f"{type(self).__name__} without updates=... has no length: it goes on for ever")
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
        rollout = yield from self._collect()
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # what overflows is reported: `diverged`
            gradients, details = self._learn(rollout)
        self.update += 1
        self.steps_taken += rollout.mask.sum() / self.runs
        returns = self._returns(rollout)
        yield Progress(self.update, self.theta, gradients, rollout, self.steps_taken, self.diverged, returns, details)

    def _collect(self):
        """Whole episodes."""
        return collecting(
            self.world, self.policy, self.theta, rng=self.rng,
            episodes=self.episodes, gamma=self.gamma, max_steps=self.max_steps,
        )  # fmt: skip

    def _returns(self, rollout):
        return rollout.rewards.sum(axis=0)

    def _move(self, theta):
        """Make theta [R, D] the present one. A run whose numbers overflowed stays where it was; the others go on."""
        self.diverged = self.diverged | ~np.isfinite(theta).all(axis=-1)
        self.theta = np.where(self.diverged[:, None], self.theta, theta)
        self.theta.setflags(write=False)  # a record's theta is the training's own: nobody may write into it

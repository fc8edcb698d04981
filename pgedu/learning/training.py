"""The loop that all algorithms share: a training is an iterator of `Progress`.

An algorithm is a class with two methods: `collect()`, a generator that yields a pulse after every small piece of work
and returns experience, and `learn(experience)`. Its settings are declared in the class (see `settings`).
A pulse is a `Moment`, the observations of the environments as they stand, or None where nothing can be shown.
"""

import copy
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from pgedu.arguments import generator, numbers, refuse
from pgedu.experience.rollouts import Moment, Rollout, collecting, require_fit, require_world  # noqa: F401 - of `pieces`
from pgedu.learning.settings import Setting, Settings, optional, share, whole
from pgedu.policies.policy import Policy


class Progress(NamedTuple):
    """One update of R learners."""

    update: int  # 1, 2, ...
    theta: np.ndarray  # [R, D] after the update
    diverged: np.ndarray  # [R] bool; runs stopped at their last finite theta, since the next was not finite
    gradients: np.ndarray = None  # [R, B, D], the estimate of each episode or segment, or [R, 1, D], of all at once
    rollout: Rollout = None  # the episodes or segments, sampled before the update
    environment_steps: float = 0.0  # so far, the mean over runs
    returns: np.ndarray = None  # [R, B] undiscounted, of each episode; of the last that ended, NaN before the first
    details: dict = {}  # name -> [R], what an algorithm reports of itself, such as "kl"


def pieces(training):
    """All of a training in small pieces: each is a pulse (a `Moment` or None) or, after each update, its record.

    An iterator that has no `pulses` is all records.
    """
    if not hasattr(training, "pulses"):
        yield from training
        return
    while True:
        progress = None
        for progress in training.pulses():
            yield progress
        if progress is None:
            return  # no update came: the training has ended


class Training(Settings, Iterator):
    """R runs (independent learners) of an algorithm, as an iterator of `Progress`.

    It has a length when `updates` is given, so that a progress bar knows where it stands. A subclass has `collect`
    and `learn`, which moves theta by `move` and returns what is to stand on record, {field of Progress: value}.

    Args:
        rng: numpy.random.Generator, the only source of chance.
        runs: R, the number of independent learners.
        updates: stop after so many; None goes on for ever.
    """

    rng = Setting(generator)
    runs = Setting(whole, 1, live=False)
    updates = Setting(optional(whole), None)
    state = ("update", "diverged")

    def begin(self):
        self.update, self.diverged = 0, np.zeros(self.runs, dtype=bool)
        self._own = {}  # name -> the copy that belongs to this training, of a setting that learns

    def collect(self):
        """A generator: yields a pulse after every small piece of work; returns the experience to learn from."""
        raise NotImplementedError

    def learn(self, experience):
        """Learn from it, and return what is to stand on record."""
        raise NotImplementedError

    def describe(self, experience):
        """What the experience itself adds to the record."""
        return {}

    def pulses(self):
        """One update, in small pieces: yields a pulse after each environment step, then the `Progress`."""
        if self.updates is not None and self.update >= self.updates:
            return
        experience = yield from self.collect()
        with np.errstate(all="ignore"):  # what overflows is reported: `diverged`
            record = self.learn(experience)
        self.update += 1
        record = {"details": {}} | record | self.describe(experience)
        yield Progress(self.update, self.theta, self.diverged.copy(), **record)

    def __next__(self):
        for piece in self.pulses():
            if isinstance(piece, Progress):
                return piece
        raise StopIteration

    def __len__(self):
        if self.updates is None:
            raise TypeError(f"{type(self).__name__} without updates=... has no length: it goes on for ever")
        return self.updates

    def move(self, theta):
        """Make theta [R, D] the present one. A run whose numbers overflowed stays where it was; the others go on."""
        self.diverged = self.diverged | ~np.isfinite(theta).all(axis=-1)
        if self.diverged.any():
            theta = np.where(self.diverged[:, None], self.theta, theta)
        theta.setflags(write=False)  # a record's theta is the training's own: nobody may write into it
        vars(self)["theta"] = theta

    def started(self, name):
        """The setting `name`; if it is one that learns, this training's own copy, begun anew when another was given."""
        value = getattr(self, name)
        if hasattr(value, "start") and self._own.get(name) is not value:
            value = self._own[name] = vars(self)[name] = value.start(self.rng, self.runs)
        return value


def _policy(name, value):
    if not isinstance(value, Policy):
        raise refuse(name, "a Policy, such as Policy.softmax(Table(observations=3, outputs=2))", value)
    return value


def require_optimizer(name, value):
    """A kind of setting: something that steps, such as SGD(0.1)."""
    if isinstance(value, type) or not (callable(getattr(value, "step", None)) and hasattr(value, "learning_rate")):
        raise refuse(name, "an optimizer, such as SGD(0.1) or Adam(0.01)", value)
    return value


class PolicyTraining(Training):
    """What all share that train a policy: its parameters theta, and an optimizer that moves them.

    Args:
        policy: a `Policy`.
        theta: first parameters [R, D]; default policy.init.
        optimizer: gradient ascent; the training has a copy of its own, whose `learning_rate` may change at any time.
        settings: those of `Training`.
    """

    policy = Setting(_policy, live=False, first=2)
    optimizer = Setting(require_optimizer, live=False)
    theta = Setting(optional(lambda name, value: numbers(name, value).copy()), None)

    def begin(self):
        super().begin()
        vars(self)["theta"] = self.policy.init(self.rng, self.runs) if self.theta is None else self.theta
        vars(self)["optimizer"] = copy.deepcopy(self.optimizer)  # one may be given to several trainings

    def has_changed(self, name):
        if name == "theta":
            self.diverged = np.zeros(self.runs, dtype=bool)  # runs that had come to a stop go on from there

    def require_agreement(self):
        super().require_agreement()
        if self.theta is not None or hasattr(self, "update"):
            numbers("theta", self.theta, "[R, D]", (self.runs, self.policy.size))
        rates = np.shape(getattr(self.optimizer, "learning_rate", 0.0))
        if rates not in ((), (self.runs,)):
            raise refuse("learning_rate", f"a number, or one for each of {self.runs} runs", f"shape {rates}")

    @property
    def learning_rate(self):
        return self.optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        self.optimizer.learning_rate = value


class PolicyGradient(PolicyTraining):
    """What all policy gradient methods share: a policy in a world, parameters theta, and rollouts to learn from.

    Args:
        world: an MDP, or a Gymnasium vector environment with as many sub-environments as all runs need together.
        policy: a `Policy` that fits the world.
        gamma: discount; default that of the MDP, or 1.
        max_steps: longer episodes are cut off. (In segments of a vector environment its own time limit counts.)
        settings: those of `PolicyTraining`.
    """

    world = Setting(require_world, live=False, first=1)
    gamma = Setting(optional(share), None)
    max_steps = Setting(whole, 10_000)
    state = (*Training.state, "environment_steps")

    def begin(self):
        super().begin()
        require_fit(self.world, self.policy, self.theta, self.columns)
        self.environment_steps = 0.0

    def require_agreement(self):
        super().require_agreement()
        if hasattr(self, "update"):
            require_fit(self.world, self.policy, self.theta, self.columns)

    @property
    def columns(self):
        """B, the number of episodes or environments of each run."""
        raise NotImplementedError

    def whole_episodes(self, theta=None):
        """`collecting` them, `columns` for each run, with the present parameters or with others [R, D]."""
        settings = {"rng": self.rng, "gamma": self.gamma, "max_steps": self.max_steps, "episodes": self.columns}
        return collecting(self.world, self.policy, self.theta if theta is None else theta, **settings)

    def returns(self, rollout):
        """[R, B], of each episode."""
        return rollout.rewards.sum(axis=0)

    def describe(self, rollout):
        self.environment_steps += rollout.mask.sum() / self.runs
        return {"rollout": rollout, "environment_steps": self.environment_steps, "returns": self.returns(rollout)}

"""The gradient bandit: softmax preferences that learn from one reward at a time, in many runs at once."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from pgedu.arguments import function, generator, no_underflow, numbers, refuse
from pgedu.learning.settings import Setting, Settings, optional, whole
from pgedu.policies.heads import softmax


class Pull(NamedTuple):
    """One step of every run."""

    step: int  # 1, 2, ...
    actions: np.ndarray  # [*R]
    rewards: np.ndarray  # [*R], offset included
    probabilities: np.ndarray  # [*R, A], of the policy that acted
    baseline: np.ndarray  # [*R], b


def _shape(name, value):
    return tuple(whole(name, each) for each in (value if isinstance(value, tuple | list) else (value,)))


def _flags(name, value):
    if not np.isin(numbers(name, value), (0, 1)).all():
        raise refuse(name, "True or False, or an array of them", value)
    return numbers(name, value)


def _fits(value, runs):
    sizes = np.shape(value)[::-1]  # broadcasts to the runs?
    return len(sizes) <= len(runs) and all(n in (1, m) for n, m in zip(sizes, runs[::-1]))


def normal(rng, means):
    """Rewards with unit normal noise, those of the book's ten-armed testbed."""
    return means + rng.standard_normal(means.shape)


def clicks(rng, means):
    """Rewards of 1 with probability `means`, otherwise 0."""
    return (rng.random(means.shape) < means).astype(float)


class gradient_bandit(Settings, Iterator):  # noqa: N801 - lower case as `reinforce`: an iterator of `Pull`
    """H(a) <- H(a) + learning_rate * (R - b) * (1[a = A] - pi(a)) with pi = softmax(H), for all runs *R at once.

    The baseline b is the average of the rewards BEFORE this one (at the first step R itself, which so changes
    nothing). From the second step on the expected update is learning_rate times the exact gradient of the expected
    reward, with or without baseline. `including` puts R into the average, which multiplies that by 1 - 1/t.
    `learning_rate`, `baseline` (False: b = 0), `including` and `offset` (added to every reward) are numbers or
    arrays that broadcast to *R, as [4, 1] does for four settings of 2,000 runs; they may change between two steps.

    Args:
        values: [A] or [*R, A], the expected reward of each action.
        runs: *R, a number or a tuple to which values broadcast; default their own.
        reward: function (rng, means [*R]) -> rewards [*R], such as `normal` or `clicks`.
        updates: stop after so many steps; None goes on for ever.
    Raises:
        ValueError: values or settings that are not finite or do not fit the runs, a negative learning rate.
    Source: Sutton & Barto (2018), section 2.8, eq. 2.12; figure 2.5 was made with `including` (their footnote).
    """

    values = Setting(numbers, live=False, first=1)
    learning_rate = Setting(partial(numbers, least=0))
    rng = Setting(generator)
    runs = Setting(optional(_shape), None, live=False)
    baseline = Setting(_flags, True)
    including = Setting(_flags, False)
    offset = Setting(numbers, 0.0)
    reward = Setting(partial(function, places=2), normal)
    updates = Setting(optional(whole), None)
    state = ("preferences", "average", "step")

    def require_agreement(self):
        runs = self.values.shape[:-1] if self.runs is None else self.runs
        if not self.values.ndim or not _fits(self.values[..., 0], runs):
            raise refuse("values", f"[A] or [*R, A] with runs {runs}", self.values)
        for name in ("learning_rate", "baseline", "including", "offset"):
            if not _fits(getattr(self, name), runs):
                raise refuse(name, f"a number, or an array that fits the runs, {runs}", getattr(self, name))

    def begin(self):
        runs = self.values.shape[:-1] if self.runs is None else self.runs
        values = np.broadcast_to(self.values, (*runs, self.values.shape[-1]))
        self._values = np.moveaxis(values, -1, 0).copy()  # [A, *R] is fast
        self._places = np.arange(self._values[0].size).reshape(runs)
        self.preferences, self.average, self.step = np.zeros(self._values.shape), np.zeros(runs), 0

    def __next__(self):
        if self.updates is not None and self.step >= self.updates:
            raise StopIteration
        pi = self.probabilities()
        actions = self._act(pi)
        means = self._values.take(actions * self._places.size + self._places)
        rewards = numbers("rewards", self.reward(self.rng, means), "[*R]", means.shape)
        return self.learn(pi, actions, rewards + self.offset)

    def _act(self, pi):
        """An action for each run, [*R]: how many of the sums pi(0) + .. + pi(a) a uniform number has passed."""
        chance, passed, actions = self.rng.random(pi.shape[1:]), np.zeros(pi.shape[1:]), np.zeros(pi.shape[1:], dtype=int)
        for share in pi[:-1]:  # one action after the other: whole arrays of sums would leave the processor's cache
            passed += share
            actions += passed <= chance
        return actions

    def probabilities(self):
        """pi [A, *R]."""
        return softmax(self.preferences, axis=0)

    @no_underflow
    def learn(self, pi, actions, rewards):
        """The update itself, for actions and rewards [*R] of policies pi [A, *R]. Returns the `Pull`."""
        self.step += 1
        before = self.average if self.step > 1 else rewards
        self.average = before + (rewards - before) / self.step
        b = np.where(self.baseline, np.where(self.including, self.average, before), 0.0)
        chosen = np.arange(len(pi)).reshape(-1, *[1] * actions.ndim) == actions  # 1[a = A]
        self.preferences = self.preferences + self.learning_rate * (rewards - b) * (chosen - pi)
        return Pull(self.step, actions, rewards, np.moveaxis(pi, 0, -1), b)

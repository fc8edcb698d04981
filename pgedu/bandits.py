"""The gradient bandit: softmax preferences that learn from one reward at a time, in many runs at once."""

from typing import NamedTuple

import numpy as np


class Pull(NamedTuple):
    """One step of every run."""

    step: int  # 1, 2, ...
    actions: np.ndarray  # [*R]
    rewards: np.ndarray  # [*R], offset included
    probabilities: np.ndarray  # [*R, A], pi before the step


def normal(rng, means):
    """Rewards with unit normal noise, as in the book's testbed."""
    return means + rng.standard_normal(means.shape)


def clicks(rng, means):
    """Rewards of 1 with probability `means`, else 0."""
    return (rng.random(means.shape) < means).astype(float)


class gradient_bandit:  # noqa: N801 - lower case as `reinforce`: an iterator of `Pull`
    """H(a) <- H(a) + learning_rate * (R - average) * (1[a = A] - pi(a)), with pi = softmax(H), for all runs *R at once.

    `average` is that of the rewards BEFORE this one (and R itself at the first step, which so changes nothing). So
    from the second step on the expected update is learning_rate times the exact gradient of the expected reward.
    An average that includes R would multiply it by 1 - 1/t, which is all the bias it costs. Without baseline: 0.
    `learning_rate`, `baseline`, `offset`: numbers, or arrays that broadcast to [*R]; they may change between two steps.

    Args:
        values: [A] or [*R, A], the expected reward of each action.
        rng: numpy.random.Generator, the only source of chance.
        runs: the shape *R, a number or a tuple; default that of values. (4, 2000) with settings [4, 1] stacks
            four settings of 2,000 runs.
        offset: added to every reward.
        reward: function (rng, means [*R]) -> rewards [*R], such as `normal` or `clicks`.
        steps: stop after so many; None goes on for ever.
    Raises:
        ValueError: values or settings that do not fit the runs or are not finite, a negative learning rate.
    Source: Sutton & Barto (2018), section 2.8, eq. 2.12; the expected update: their box on page 38.
    """

    def __init__(self, values, *, learning_rate, rng, runs=None, baseline=True, offset=0.0, reward=normal, steps=None):
        values = np.asarray(values, dtype=float)
        runs = values.shape[:-1] if runs is None else (runs,) if isinstance(runs, int) else tuple(runs)
        self.values = np.broadcast_to(values, (*runs, values.shape[-1]))
        self.learning_rate, self.baseline, self.offset = learning_rate, baseline, offset
        self.rng, self.reward, self.steps = rng, reward, steps
        self.step, self.average = 0, np.zeros(runs)
        self.preferences = np.zeros(self.values.shape)

    def __setattr__(self, name, value):
        if name in ("learning_rate", "baseline", "offset", "values"):
            setting = np.asarray(value, dtype=float)
            low = 0 if name == "learning_rate" else -np.inf
            shape = setting.shape if name == "values" else np.broadcast_shapes(setting.shape, self.values.shape[:-1])
            if not np.isfinite(setting).all() or (setting < low).any() or shape != ...:
                pass
        super().__setattr__(name, value)

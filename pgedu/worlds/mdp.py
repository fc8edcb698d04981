"""Finite worlds as data: an MDP is a few arrays."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np


@dataclass(frozen=True, eq=False)
class MDP:
    """A finite Markov decision process, small enough to be solved.

    An episode ends when it enters a terminal state, and after `horizon` steps where there is one
    (the horizon is part of the task: J is then the return of `horizon` steps).

    Attributes:
        transitions: [S, A, S], P(next state | state, action).
        rewards: [S, A] expected rewards, or [*R, S, A] when each run lives in a world of its own.
        start: [S], the distribution of the first state.
        terminal: [S] bool, states in which an episode is over.
        observation: [S] int, what the learner sees in each state; states may look alike. Default: the state itself.
        gamma: discount in [0, 1].
        horizon: None, or the number of steps after which every episode ends.
        reward_noise: standard deviation of the normal noise on a sampled reward.
    Raises:
        ValueError: arrays whose shapes do not fit, or that are not distributions.
    """

    transitions: np.ndarray
    rewards: np.ndarray
    start: np.ndarray
    terminal: np.ndarray
    observation: np.ndarray | None = None
    gamma: float = 1.0
    horizon: int | None = None
    reward_noise: float = 0.0

    def __post_init__(self):
        S = len(self.start)
        seen = np.arange(S) if self.observation is None else self.observation
        for name, value, kind in (
            ("transitions", self.transitions, float), ("rewards", self.rewards, float), ("start", self.start, float),
            ("terminal", self.terminal, bool), ("observation", seen, int),
        ):  # fmt: skip
            array = np.array(value, dtype=kind)
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        _check_shapes(self)
        _check_values(self)

    @property
    def n_states(self):
        return self.transitions.shape[0]

    @property
    def n_actions(self):
        return self.transitions.shape[1]

    @property
    def n_observations(self):
        return int(self.observation.max()) + 1

    @cached_property
    def outcomes(self):
        """(next states, their chances), both [S, A, K]: the up to K states that an action can lead to.

        A sampler's view of `transitions`, which is mostly zeros. A terminal state leads to itself.
        """
        width = int((self.transitions > 0).sum(axis=-1).max())
        states = np.argsort(-self.transitions, axis=-1, kind="stable")[..., :width]
        chances = np.take_along_axis(self.transitions, states, axis=-1)
        states[self.terminal] = np.flatnonzero(self.terminal)[:, None, None]
        return states, chances


def _check_shapes(mdp):
    S = len(mdp.start)
    A = mdp.transitions.shape[1] if mdp.transitions.ndim == 3 else 0
    if mdp.transitions.shape != (S, A, S) or A == 0:
        raise ValueError(f"transitions must be [S, A, S] with S = {S} states; got shape {mdp.transitions.shape}")
    if mdp.rewards.shape[-2:] != (S, A):
        raise ValueError(f"rewards must be [S, A] = ({S}, {A}) or [*R, S, A]; got shape {mdp.rewards.shape}")
    for name in ("start", "terminal", "observation"):
        if getattr(mdp, name).shape != (S,):
            raise ValueError(f"{name} must be [S] = ({S},); got shape {getattr(mdp, name).shape}")


def _check_values(mdp):
    for name in ("transitions", "start"):
        table = getattr(mdp, name)
        if not ((table >= 0).all() and np.allclose(table.sum(-1), 1, rtol=0, atol=1e-9)):
            raise ValueError(f"{name} must hold probabilities that sum to 1 over the last axis; got {table.tolist()}")
    if mdp.start[mdp.terminal].any():
        raise ValueError(f"start must give terminal states probability 0; got {mdp.start.tolist()}")
    if not np.isfinite(mdp.rewards).all():
        raise ValueError("rewards must be finite numbers; got NaN or infinity")
    if mdp.observation.min() < 0:
        raise ValueError(f"observation must hold indices of 0 or more; got {mdp.observation.min()}")
    if not 0 <= mdp.gamma <= 1:
        raise ValueError(f"gamma must be between 0 and 1; got {mdp.gamma}")
    if mdp.horizon is not None and mdp.horizon < 1:
        raise ValueError(f"horizon must be None or at least 1 step; got {mdp.horizon}")
    if not 0 <= mdp.reward_noise < np.inf:
        raise ValueError(f"reward_noise must be a standard deviation of 0 or more; got {mdp.reward_noise}")

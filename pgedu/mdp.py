"""Finite worlds as data: an MDP is a few arrays, and the named worlds of the lessons are functions that fill them."""

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


def bandit(values, noise=0.0):
    """A bandit: one state, one step. Arm a pays values[a], plus normal noise of that standard deviation.

    `values` is [A], or [*R, A] to give each run a bandit of its own (Sutton & Barto 2018, section 2.8).
    """
    values = np.asarray(values, dtype=float)
    rewards = np.stack([values, np.zeros_like(values)], axis=-2)
    transitions = np.zeros((2, values.shape[-1], 2))
    transitions[:, :, 1] = 1
    return MDP(transitions, rewards, start=[1, 0], terminal=[False, True], observation=[0, 0], reward_noise=noise)


def stay_or_stop():
    """One state: action 1 "stay" pays 1 and stays, action 0 "stop" pays 0 and ends the episode.

    With theta the probability of "stay", J = theta / (1 - theta) and dJ/dtheta = 1 / (1 - theta)^2.
    """
    transitions = np.zeros((2, 2, 2))
    transitions[0] = [[0, 1], [1, 0]]
    transitions[1, :, 1] = 1
    return MDP(transitions, [[0, 1], [0, 0]], start=[1, 0], terminal=[False, True], observation=[0, 0])


def short_corridor():
    """Three states that look alike, -1 a step; action 0 is left, 1 is right, and the second state swaps them.

    With p the probability of "right", J(p) = (2p - 4) / (p (1 - p)): best at p = 2 - sqrt(2), where
    J = -(6 + 4 sqrt(2)) (Sutton & Barto 2018, example 13.1).
    """
    transitions = np.zeros((4, 2, 4))
    for state, (left, right) in enumerate([(0, 1), (2, 0), (1, 3), (3, 3)]):
        transitions[state, 0, left] = transitions[state, 1, right] = 1
    rewards = -np.ones((4, 2))
    rewards[3] = 0
    return MDP(transitions, rewards, start=[1, 0, 0, 0], terminal=[False, False, False, True], observation=[0] * 4)


def cliff_walk(rows=4, columns=12):
    """A grid whose last row is a cliff between the start (left) and the goal (right).

    Actions: 0 up, 1 right, 2 down, 3 left. Each step pays -1; a step into the cliff pays -100 and leads
    back to the start; the goal ends the episode (Sutton & Barto 2018, example 6.6).
    """
    if rows < 2 or columns < 3:
        raise ValueError(f"rows and columns must be at least 2 and 3; got {rows} and {columns}")
    S = rows * columns
    start, goal = S - columns, S - 1
    row, column = np.divmod(np.arange(S)[:, None], columns)
    row = np.clip(row + [-1, 0, 1, 0], 0, rows - 1)
    column = np.clip(column + [0, 1, 0, -1], 0, columns - 1)
    reached = row * columns + column  # [S, A]
    fell = (start < reached) & (reached < goal)
    rewards = np.where(fell, -100.0, -1.0)
    reached = np.where(fell, start, reached)
    reached[goal], rewards[goal] = goal, 0
    return MDP(np.eye(S)[reached], rewards, start=np.eye(S)[start], terminal=np.arange(S) == goal)


def random_mdp(rng, states=4, actions=2, gamma=0.9, horizon=None):
    """A world with nothing special about it, drawn from `rng`: tests and demonstrations that must hold anywhere.

    Transition rows are uniform on the simplex, rewards standard normal; the last state is terminal.
    """
    transitions = rng.dirichlet(np.ones(states + 1), size=(states + 1, actions))
    transitions[-1] = np.eye(states + 1)[-1]
    rewards = rng.normal(size=(states + 1, actions))
    rewards[-1] = 0
    start = np.append(rng.dirichlet(np.ones(states)), 0.0)
    return MDP(transitions, rewards, start, np.arange(states + 1) == states, gamma=gamma, horizon=horizon)


def campaign(gamma=0.9, horizon=12):
    """A customer of a marketing campaign, month by month: curious (0) or loyal (1), until lost (2).

    Actions: 0 wait, 1 make an offer, which costs 1. An offer wins four in ten curious customers over, and keeps
    more of the loyal ones, who are worth 2 a month. The two preferences for "offer" span a plane, which makes
    this the world of the gradient cloud. Best: an offer to the curious only.
    """
    transitions = [
        [[0.5, 0.1, 0.4], [0.3, 0.4, 0.3]],
        [[0.0, 0.8, 0.2], [0.0, 0.9, 0.1]],
        [[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]],
    ]
    rewards = [[0, -1], [2, 1], [0, 0]]
    return MDP(transitions, rewards, start=[1, 0, 0], terminal=[False, False, True], gamma=gamma, horizon=horizon)

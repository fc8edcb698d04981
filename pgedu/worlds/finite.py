"""The named worlds of the lessons: functions that fill an `MDP`."""

import numpy as np

from pgedu.arguments import generator, number, numbers, refuse
from pgedu.worlds.mdp import MDP


def bandit(values, noise=0.0):
    """A bandit: one state, one step. Arm a pays values[a], plus normal noise of that standard deviation.

    `values` is [A], or [*R, A] to give each run a bandit of its own (Sutton & Barto 2018, section 2.8).
    """
    values = numbers("values", values, "[A] or [*R, A]")
    if values.ndim == 0 or values.shape[-1] == 0:
        raise refuse("values", "[A] or [*R, A], a number for each arm", values.tolist())
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
    S = number("rows", rows, 2, whole=True) * number("columns", columns, 3, whole=True)
    start, goal = S - columns, S - 1
    row, column = np.divmod(np.arange(S)[:, None], columns)
    row = np.clip(row + [-1, 0, 1, 0], 0, rows - 1)
    column = np.clip(column + [0, 1, 0, -1], 0, columns - 1)
    reached = row * columns + column  # [S, A]
    fell = (start < reached) & (reached < goal)
    rewards = np.where(fell, -100.0, -1.0)
    reached = np.where(fell, start, reached)
    reached[goal], rewards[goal] = goal, 0
    certain = {"successors": reached[..., None], "chances": np.ones((S, 4, 1))}
    return MDP(rewards=rewards, start=np.eye(S)[start], terminal=np.arange(S) == goal, **certain)


def random_mdp(rng, states=4, actions=2, gamma=0.9, horizon=None):
    """A world with nothing special about it, drawn from `rng`: tests and demonstrations that must hold anywhere.

    Transition rows are uniform on the simplex, rewards standard normal; the last state is terminal.
    """
    number("states", states, 1, whole=True), number("actions", actions, 1, whole=True)
    transitions = generator("rng", rng).dirichlet(np.ones(states + 1), size=(states + 1, actions))
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

"""Finite worlds as data: an MDP is a few arrays, and what they answer."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from pgedu.arguments import function, number, numbers, parameters, refuse
from pgedu.worlds import envs, sampling, solving


@dataclass(frozen=True, eq=False, init=False)
class MDP:
    """A finite Markov decision process, small enough to be solved.

    An episode ends when it enters a terminal state, and after `horizon` steps where there is one
    (the horizon is part of the task: J is then the return of `horizon` steps).

    What an action can lead to is kept as up to K successors and their chances, since nearly all transitions are
    impossible. Give either those or the dense `transitions`, which are made of them where somebody asks for them.
    Make changed copies with `dataclasses.replace(mdp, gamma=0.5)`, also with new `transitions`.

    Args and attributes:
        transitions: [S, A, S], P(next state | state, action).
        successors: [S, A, K] int, states that an action can lead to. What stands at a chance of 0 is of no account.
        chances: [S, A, K], their probabilities.
        rewards: [S, A] expected rewards, or [*R, S, A] when each run lives in a world of its own.
        start: [S], the distribution of the first state.
        terminal: [S] bool, states in which an episode is over. Their rows of transitions and rewards count for nothing.
        observation: [S] int, what the learner sees in each state; states may look alike. Default: the state itself.
        gamma: discount in [0, 1].
        horizon: None, or the number of steps after which every episode ends.
        reward_noise: standard deviation of the normal noise on a sampled reward.
        policy_rewards: None, or a function of log pi(a | s) [*R, S, A] that gives what is added to the rewards,
            [*R, S, A], because of the policy that acts; -beta * (log_pi - log_reference) penalises KL(pi || reference).
            A state's part must depend on that state's log pi alone. Where pi = 0 it is taken as 0.
    Raises:
        ValueError: arrays whose shapes do not fit, or that are not distributions.
    """

    successors: np.ndarray
    chances: np.ndarray
    rewards: np.ndarray
    start: np.ndarray
    terminal: np.ndarray
    observation: np.ndarray
    gamma: float
    horizon: int | None
    reward_noise: float
    policy_rewards: object

    def __init__(self, transitions=None, rewards=None, start=None, terminal=None, observation=None, gamma=1.0,
                 horizon=None, reward_noise=0.0, *, successors=None, chances=None, policy_rewards=None):  # fmt: skip
        start = _distribution("start", start, "[S]")
        if transitions is not None:  # also where `replace` hands on the successors of the old ones
            successors, chances = _sparse(transitions, start.size)
        _set(
            self,
            successors=_indices("successors", successors, "[S, A, K]", most=start.size - 1),
            chances=_distribution("chances", chances, "[S, A, K]"),
            rewards=numbers("rewards", rewards, "[*R, S, A]"),
            start=start,
            terminal=_flags(terminal, start.size),
            observation=np.arange(start.size) if observation is None else _indices("observation", observation, "[S]"),
            gamma=number("gamma", gamma, 0, 1),
            horizon=number("horizon", horizon, 1, whole=True, none=True),
            reward_noise=number("reward_noise", reward_noise, 0),
            policy_rewards=function("policy_rewards", policy_rewards, "a function of log pi, or None", places=1, none=True),
        )
        _require_shapes(self)

    @property
    def n_states(self):
        return self.start.size

    @property
    def n_actions(self):
        return self.successors.shape[1]

    @property
    def n_observations(self):
        return int(self.observation.max()) + 1

    @cached_property
    def transitions(self):
        """[S, A, S], P(next state | state, action): for reading; everything here works without it."""
        dense = np.zeros((self.n_states, self.n_actions, self.n_states))
        states, actions = np.ogrid[: self.n_states, : self.n_actions]
        np.add.at(dense, (states[..., None], actions[..., None], self.successors), self.chances)
        dense.setflags(write=False)
        return dense

    @cached_property
    def outcomes(self):
        """(successors, chances), both [S, A, K], as an episode meets them: a terminal state leads to itself."""
        own = np.arange(self.n_states)[:, None, None]
        return np.where(self.terminal[:, None, None], own, self.successors), self.chances

    def log_policy(self, policy, theta):
        """log pi(a | s) in every state, [*R, S, A]."""
        seen = np.broadcast_to(self.observation, (*theta.shape[:-1], self.n_states))
        outputs = policy.outputs(theta, seen)
        policy.head.require_choice(outputs[..., ~self.terminal, :])
        log_policy = policy.head.log_probs(outputs)
        nobody_acts = self.terminal[:, None] & np.isnan(log_policy)  # there all actions may be masked
        return np.where(nobody_acts, -np.log(self.n_actions), log_policy)

    def rewards_under(self, log_policy):
        """What is expected of each action of the policy that acts: [S, A] or [*R, S, A], `policy_rewards` included."""
        if self.policy_rewards is None:
            return self.rewards
        with np.errstate(invalid="ignore"):
            added = self.policy_rewards(log_policy.copy())  # which a hook may well write into
        added = numbers("policy_rewards", added, "[*R, S, A]", log_policy.shape, finite=False)
        return self.rewards + numbers("policy_rewards", np.where(np.isneginf(log_policy), 0.0, added))

    def require_fit(self, policy, theta):
        """theta [*R, D] as an array; ValueError if it or the policy does not fit this world."""
        theta = parameters(policy, theta)
        if getattr(policy.head, "actions", None) != self.n_actions:
            raise ValueError(f"head must have actions = {self.n_actions} to act in this MDP; got {policy.head}")
        runs = self.rewards.shape[:-2]
        if runs and runs != theta.shape[:-1]:
            raise ValueError(f"theta must be [*R, D] with *R = {runs}, the runs of the rewards; got {theta.shape}")
        return theta

    # What a world answers (see pgedu.worlds); each is a function of the MDP.
    solve = solving.solve
    exact_return = solving.exact_return
    exact_gradient = solving.exact_gradient
    sample = sampling.sample
    record = sampling.record
    vector_env = envs.vector_env


def _set(mdp, **fields):
    """Fill the fields of a frozen MDP; arrays are copies that nobody can write into."""
    for name, value in fields.items():
        if isinstance(value, np.ndarray):
            value = np.array(value)
            value.setflags(write=False)
        object.__setattr__(mdp, name, value)


def _distribution(name, value, axes):
    table = numbers(name, value, axes)
    if table.ndim != axes.count(",") + 1:
        raise refuse(name, axes, f"shape {table.shape}")
    if not ((table >= 0).all() and np.allclose(table.sum(-1), 1, rtol=0, atol=1e-9)):
        raise refuse(name, "probabilities that sum to 1 over the last axis", table.tolist())
    return table


def _indices(name, value, axes, most=np.inf):
    array = numbers(name, value, axes)
    if array.size and not (0 <= array.min() and array.max() <= most and (array == array.astype(int)).all()):
        wanted = f"whole numbers {axes} of 0 or more" if most == np.inf else f"whole numbers {axes} in 0 .. {most}"
        raise refuse(name, wanted, array.tolist())
    return array.astype(int)


def _flags(terminal, S):
    array = np.asarray(terminal)
    if array.shape != (S,) or array.dtype.kind not in "bif" or not np.isin(array, (0, 1)).all():
        raise refuse("terminal", f"True or False for each of {S} states, [S]", terminal)
    return array.astype(bool)


def _sparse(transitions, S):
    """(successors, chances), both [S, A, K]: the likeliest first, as many as any action can lead to."""
    dense = _distribution("transitions", transitions, "[S, A, S]")
    if dense.shape[::2] != (S, S):
        raise refuse("transitions", f"[S, A, S] with S = {S} states", f"shape {dense.shape}")
    width = int((dense > 0).sum(axis=-1).max(initial=0))
    successors = np.argsort(-dense, axis=-1, kind="stable")[..., :width]
    return successors, np.take_along_axis(dense, successors, axis=-1)


def _require_shapes(mdp):
    S, A = mdp.n_states, mdp.n_actions
    if mdp.successors.shape[0] != S or A == 0 or mdp.chances.shape != mdp.successors.shape:
        shapes = f"shape {mdp.successors.shape} and {mdp.chances.shape}"
        raise refuse("successors and chances", f"[S, A, K] with S = {S} states", shapes)
    if mdp.rewards.shape[-2:] != (S, A):
        raise refuse("rewards", f"[S, A] = ({S}, {A}) or [*R, S, A]", f"shape {mdp.rewards.shape}")
    if mdp.observation.shape != (S,):
        raise refuse("observation", f"[S] = ({S},)", f"shape {mdp.observation.shape}")
    if mdp.start[mdp.terminal].any():
        raise refuse("start", "0 in terminal states", mdp.start.tolist())

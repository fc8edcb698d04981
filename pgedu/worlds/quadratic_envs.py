"""A linear-quadratic world as a Gymnasium environment, single and vectorised. Nothing in it ends, save by its horizon."""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pgedu.arguments import no_underflow, number, numbers

FARTHEST = 1e100  # of a state in each direction: what is driven further stays there, so that rewards remain numbers


class LinearQuadraticEnv(gymnasium.Env):
    """One copy. Observations are the state x [N], actions u [M], both unbounded and in double precision.

    A state that an unstable policy drives beyond 1e100 stays there: its reward is about -1e200, and a number.
    A horizon terminates; a time limit is Gymnasium's own wrapper, and truncates.
    """

    metadata = {"render_modes": []}

    def __init__(self, world, render_mode=None):
        self._copies = _Copies(world, 1)
        self.observation_space, self.action_space = _spaces(world)
        self.render_mode = render_mode

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._copies.restart(np.array([True]), self.np_random)
        return self._copies.states[0].copy(), {}

    def step(self, action):
        action = numbers("action", action, "[M]", self.action_space.shape)
        rewards, terminated = self._copies.move(action[None], self.np_random)
        return self._copies.states[0].copy(), float(rewards[0]), bool(terminated[0]), False, {}


class LinearQuadraticVectorEnv(VectorEnv):
    """N copies, autoreset on the step after an end (`AutoresetMode.NEXT_STEP`); otherwise as `LinearQuadraticEnv`."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, world, num_envs=1, max_episode_steps=None, render_mode=None):
        number("num_envs", num_envs, 1, whole=True)
        if max_episode_steps is not None:
            number("max_episode_steps", max_episode_steps, 1, whole=True)
        self._copies = _Copies(world, num_envs)
        self.num_envs, self.max_episode_steps, self.render_mode = num_envs, max_episode_steps, render_mode
        self.single_observation_space, self.single_action_space = _spaces(world)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._copies.restart(np.ones(self.num_envs, dtype=bool), self.np_random)
        self._ended = np.zeros(self.num_envs, dtype=bool)
        return self._copies.states.copy(), {}

    def step(self, actions):
        actions = numbers("actions", actions, "[N, M]", self.action_space.shape)
        resetting = self._ended
        rewards, terminated = self._copies.move(actions, self.np_random)
        truncated = np.zeros(self.num_envs, dtype=bool)
        if self.max_episode_steps is not None:
            truncated = self._copies.elapsed >= self.max_episode_steps
        if resetting.any():  # their step was a reset: no reward, and no end
            self._copies.restart(resetting, self.np_random)
            rewards[resetting], terminated[resetting], truncated[resetting] = 0, False, False
        self._ended = terminated | truncated
        return self._copies.states.copy(), rewards, terminated, truncated, {}


class _Copies:
    """The states [count, N] of some copies of a world, and how they move."""

    def __init__(self, world, count):
        self.world, self.states = world, None
        self.elapsed, self._count = np.zeros(count, dtype=int), count
        self._start, self._noise = _root(world.start_covariance), _root(world.noise_covariance)

    def restart(self, which, rng):
        if self.states is None:
            self.states = np.zeros((self._count, len(self.world.A)))
        self.states[which] = rng.normal(size=(which.sum(), len(self.world.A))) @ self._start
        self.elapsed[which] = 0

    @no_underflow
    def move(self, actions, rng):
        """(rewards, terminated), each [count]."""
        if self.states is None:
            raise ValueError("the environment must be reset before its first step; got step() without reset()")
        world, states, actions = self.world, self.states, np.clip(actions, -FARTHEST, FARTHEST)
        rewards = -((states @ world.Q * states).sum(axis=-1) + (actions @ world.R * actions).sum(axis=-1))
        states = states @ world.A.T + actions @ world.B.T
        if self._noise.any():
            states += rng.normal(size=states.shape) @ self._noise
        self.states = np.clip(states, -FARTHEST, FARTHEST)
        self.elapsed += 1
        over = np.zeros(self._count, dtype=bool) if world.horizon is None else self.elapsed >= world.horizon
        return rewards, over


def _root(covariance):
    """The symmetric square root, also of a covariance that is singular."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T


def _spaces(world):
    N, M = world.B.shape
    return (spaces.Box(-np.inf, np.inf, (size,), np.float64) for size in (N, M))


def vector_env(world, num_envs, max_episode_steps=None):
    """The world as a Gymnasium vector environment of `num_envs` copies, episodes truncated after `max_episode_steps`."""
    return LinearQuadraticVectorEnv(world, num_envs, max_episode_steps)

"""What all our Gymnasium environments share: N copies that step at once by indexing arrays, and one copy by itself."""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pgedu.arguments import number


class Copies(VectorEnv):
    """N copies of a world, autoreset on the step after an end (`AutoresetMode.NEXT_STEP`).

    A subclass knows the world. It has

        legal(actions)                 -> the actions of all copies as an array; ValueError where they are none
        restart(which, rng, options)   begins an episode in the copies `which` [N] bool
        move(actions, rng)             -> (rewards, terminated), each [N]; all copies take a step
        seen()                         -> what is observed now, [N, ...], an array of its own

    and finds in `elapsed` [N] the steps since each episode began, the present one included while it moves.
    Episodes are truncated after `max_episode_steps`; None: never.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, observation_space, action_space, num_envs=1, max_episode_steps=None):
        self.num_envs = number("num_envs", num_envs, 1, whole=True)
        self.max_episode_steps = number("max_episode_steps", max_episode_steps, 1, whole=True, none=True)
        self.single_observation_space, self.single_action_space = observation_space, action_space
        self.observation_space = batch_space(observation_space, num_envs)
        self.action_space = batch_space(action_space, num_envs)
        self.elapsed = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.elapsed, self._ended = np.zeros(self.num_envs, dtype=int), np.zeros(self.num_envs, dtype=bool)
        self.restart(np.ones(self.num_envs, dtype=bool), self.np_random, options or {})
        return self.seen(), {}

    def step(self, actions):
        actions = self.legal(actions)
        if self.elapsed is None:
            raise ValueError("the environment must be reset before its first step; got step() without reset()")
        self.elapsed += 1
        rewards, terminated = self.move(actions, self.np_random)
        truncated = self.elapsed >= (self.max_episode_steps or np.inf)
        resetting = self._ended
        if resetting.any():  # their step was a reset: no reward, and no end
            self.elapsed[resetting] = 0
            self.restart(resetting, self.np_random, {})
            rewards[resetting], terminated[resetting], truncated[resetting] = 0, False, False
        self._ended = terminated | truncated
        return self.seen(), rewards, terminated, truncated, {}


class OneCopy(gymnasium.Env):
    """A single environment: `Copies` of which there is one. A time limit is Gymnasium's own wrapper, and truncates."""

    metadata = {"render_modes": []}

    def __init__(self, copies):
        self._copies = copies
        self.observation_space, self.action_space = copies.single_observation_space, copies.single_action_space

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._copies.np_random = self.np_random
        observations, info = self._copies.reset(options=options)
        return self._first(observations), info

    def step(self, action):
        if not self.action_space.contains(np.asarray(action)):
            raise ValueError(f"action must be in {self.action_space}; got {action!r}")
        observations, rewards, terminated, _, info = self._copies.step(np.asarray(action)[None])
        return self._first(observations), float(rewards[0]), bool(terminated[0]), False, info

    def _first(self, observations):
        return int(observations[0]) if isinstance(self.observation_space, spaces.Discrete) else observations[0]

"""The finite worlds as Gymnasium environments, registered as pgedu/Bandit-v0 and so on.

`gymnasium.make("pgedu/ShortCorridor-v0")` gives one, `gymnasium.make_vec(...)` the vectorised one: N copies
that step by indexing arrays.
"""

from functools import partial

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pgedu.worlds import finite as worlds

WORLDS = {
    "Bandit": partial(worlds.bandit, np.linspace(-1, 1, 10), noise=1.0),
    "StayOrStop": worlds.stay_or_stop,
    "ShortCorridor": worlds.short_corridor,
    "CliffWalk": worlds.cliff_walk,
}


class TabularEnv(gymnasium.Env):
    """One copy of an MDP. A horizon terminates; a time limit is Gymnasium's own wrapper, and truncates."""

    metadata = {"render_modes": []}

    def __init__(self, mdp, render_mode=None):
        self.observation_space = spaces.Discrete(mdp.n_observations)
        self.action_space = spaces.Discrete(mdp.n_actions)
        self.render_mode = render_mode
        self._columns = _Columns(mdp, 1)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._columns.restart(np.array([True]), self.np_random)
        return int(self._columns.observations()[0]), {}

    def step(self, action):
        if not self.action_space.contains(action):
            raise ValueError(f"action must be in {self.action_space}; got {action!r}")
        rewards, terminated = self._columns.move(np.array([action]), self.np_random)
        return int(self._columns.observations()[0]), float(rewards[0]), bool(terminated[0]), False, {}


class TabularVectorEnv(VectorEnv):
    """N copies of an MDP, autoreset on the step after an end (`AutoresetMode.NEXT_STEP`)."""

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, mdp, num_envs=1, max_episode_steps=None, render_mode=None):
        self.num_envs, self.max_episode_steps, self.render_mode = num_envs, max_episode_steps, render_mode
        self.single_observation_space = spaces.Discrete(mdp.n_observations)
        self.single_action_space = spaces.Discrete(mdp.n_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._columns = _Columns(mdp, num_envs)
        self._ended = np.zeros(num_envs, dtype=bool)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self._columns.restart(np.ones(self.num_envs, dtype=bool), self.np_random)
        self._ended = np.zeros(self.num_envs, dtype=bool)
        return self._columns.observations(), {}

    def step(self, actions):
        actions = np.asarray(actions)
        whole = actions.shape == (self.num_envs,) and np.issubdtype(actions.dtype, np.integer)
        if not whole or actions.min() < 0 or actions.max() >= self.single_action_space.n:
            wanted = f"{self.num_envs} integers in 0 .. {self.single_action_space.n - 1}"
            raise ValueError(f"actions must be {wanted}; got {actions}")
        resetting = self._ended
        rewards, terminated = self._columns.move(actions, self.np_random)
        truncated = np.zeros(self.num_envs, dtype=bool)
        if self.max_episode_steps is not None:
            truncated = self._columns.elapsed >= self.max_episode_steps
        if resetting.any():  # their step was a reset: no reward, and no end
            self._columns.restart(resetting, self.np_random)
            rewards[resetting], terminated[resetting], truncated[resetting] = 0, False, False
        self._ended = terminated | truncated
        return self._columns.observations(), rewards, terminated, truncated, {}


class _Columns:
    """The states of N copies of an MDP, and how they move."""

    def __init__(self, mdp, count):
        if mdp.rewards.ndim != 2:
            raise ValueError(f"rewards of an environment must be [S, A]; got shape {mdp.rewards.shape}")
        self.mdp = mdp
        self.states = np.zeros(count, dtype=int)
        self.elapsed = np.zeros(count, dtype=int)
        self._next_states, chances = mdp.outcomes
        self._cumulative = chances.cumsum(axis=-1)[..., :-1]  # the last outcome takes what is left

    def observations(self):
        return self.mdp.observation[self.states]

    def restart(self, which, rng):
        self.states[which] = np.searchsorted(self.mdp.start.cumsum()[:-1], rng.random(which.sum()), side="right")
        self.elapsed[which] = 0

    def move(self, actions, rng):
        """(rewards, terminated), each [N]."""
        mdp, states = self.mdp, self.states
        rewards = mdp.rewards[states, actions]
        if mdp.reward_noise:
            rewards = rewards + rng.normal(scale=mdp.reward_noise, size=len(states))
        uniforms = rng.random((len(states), 1))
        outcome = (self._cumulative[states, actions] <= uniforms).sum(axis=-1)
        self.states = self._next_states[states, actions, outcome]
        self.elapsed += 1
        terminated = mdp.terminal[self.states]
        return rewards, terminated if mdp.horizon is None else terminated | (self.elapsed >= mdp.horizon)


def make_env(world, render_mode=None, **settings):
    """Entry point of one environment: a world of `WORLDS`, by name; settings are passed to its function."""
    return TabularEnv(WORLDS[world](**settings), render_mode)


def make_vector_env(world, num_envs=1, max_episode_steps=None, render_mode=None, **settings):
    """Entry point of the vectorised environment."""
    return TabularVectorEnv(WORLDS[world](**settings), num_envs, max_episode_steps, render_mode)


def register_worlds():
    """Register every world of `WORLDS`; done once, when pgedu is imported."""
    for name in WORLDS:
        gymnasium.register(
            f"pgedu/{name}-v0", "pgedu.worlds.envs:make_env", vector_entry_point="pgedu.worlds.envs:make_vector_env",
            max_episode_steps=1000, kwargs={"world": name},
        )  # fmt: skip

"""A finite world as a Gymnasium environment, and as a vectorised one: N copies that step by indexing arrays."""

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pgedu.arguments import able, number, refuse
from pgedu.worlds.sampling import Choices, first_states, uniform


class TabularEnv(gymnasium.Env):
    """One copy of an MDP. A horizon terminates; a time limit is Gymnasium's own wrapper, and truncates."""

    metadata = {"render_modes": []}

    def __init__(self, mdp, render_mode=None):
        self._columns = _Columns(mdp, 1)
        self.observation_space = spaces.Discrete(mdp.n_observations)
        self.action_space = spaces.Discrete(mdp.n_actions)
        self.render_mode = render_mode

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
        number("num_envs", num_envs, 1, whole=True)
        if max_episode_steps is not None:
            number("max_episode_steps", max_episode_steps, 1, whole=True)
        self._columns = _Columns(mdp, num_envs)
        self.num_envs, self.max_episode_steps, self.render_mode = num_envs, max_episode_steps, render_mode
        self.single_observation_space = spaces.Discrete(mdp.n_observations)
        self.single_action_space = spaces.Discrete(mdp.n_actions)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
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
        able("mdp", mdp, "log_policy", "a finite world such as an MDP")
        if mdp.rewards.ndim != 2:
            raise ValueError(f"rewards of an environment must be [S, A]; got shape {mdp.rewards.shape}")
        if mdp.policy_rewards is not None:  # an environment knows what is done, not how likely it was
            raise refuse("policy_rewards of an environment", "None", mdp.policy_rewards)
        self.mdp = mdp
        self.states = self.elapsed = None
        successors, chances = mdp.outcomes
        self._choices = Choices(chances)  # row: state * A + action
        self._next_states = successors.ravel()
        self.count = count

    def observations(self):
        return self.mdp.observation[self.states]

    def restart(self, which, rng):
        if self.states is None:
            self.states, self.elapsed = np.zeros(self.count, dtype=int), np.zeros(self.count, dtype=int)
        self.states[which] = first_states(self.mdp, rng, which.sum())
        self.elapsed[which] = 0

    def move(self, actions, rng):
        """(rewards, terminated), each [N]."""
        mdp, states = self.mdp, self.states
        if states is None:
            raise ValueError("the environment must be reset before its first step; got step() without reset()")
        rewards = mdp.rewards[states, actions]
        if mdp.reward_noise:
            rewards = rewards + rng.normal(scale=mdp.reward_noise, size=len(states))
        choice = self._choices.draw(states * mdp.n_actions + actions, uniform(rng, len(states)))
        self.states = self._next_states.take(choice)
        self.elapsed += 1
        terminated = mdp.terminal[self.states]
        return rewards, terminated if mdp.horizon is None else terminated | (self.elapsed >= mdp.horizon)


def vector_env(mdp, num_envs, max_episode_steps=None):
    """The MDP as a Gymnasium vector environment of `num_envs` copies, episodes truncated after `max_episode_steps`."""
    return TabularVectorEnv(mdp, num_envs, max_episode_steps)

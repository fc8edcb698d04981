"""A finite world as a Gymnasium environment, and as a vectorised one: N copies that step by indexing arrays."""

import numpy as np
from gymnasium import spaces

from pgedu.arguments import able, refuse
from pgedu.worlds.copies import Copies, OneCopy
from pgedu.worlds.sampling import Choices, first_states, uniform


class TabularVectorEnv(Copies):
    """N copies of an MDP, autoreset on the step after an end (`AutoresetMode.NEXT_STEP`). A horizon terminates."""

    def __init__(self, mdp, num_envs=1, max_episode_steps=None):
        able("mdp", mdp, "log_policy", "a finite world such as an MDP")
        if mdp.rewards.ndim != 2:
            raise ValueError(f"rewards of an environment must be [S, A]; got shape {mdp.rewards.shape}")
        if mdp.policy_rewards is not None:  # an environment knows what is done, not how likely it was
            raise refuse("policy_rewards of an environment", "None", mdp.policy_rewards)
        both = spaces.Discrete(mdp.n_observations), spaces.Discrete(mdp.n_actions)
        super().__init__(*both, num_envs, max_episode_steps)
        self.mdp, self.states = mdp, np.zeros(num_envs, dtype=int)
        successors, chances = mdp.outcomes
        self._choices = Choices(chances)  # row: state * A + action
        self._next_states = successors.ravel()

    def legal(self, actions):
        actions, A = np.asarray(actions), self.mdp.n_actions
        whole = actions.shape == (self.num_envs,) and np.issubdtype(actions.dtype, np.integer)
        if not whole or actions.min() < 0 or actions.max() >= A:
            raise ValueError(f"actions must be {self.num_envs} integers in 0 .. {A - 1}; got {actions}")
        return actions

    def restart(self, which, rng, options):
        self.states[which] = first_states(self.mdp, rng, which.sum())

    def move(self, actions, rng):
        mdp, states = self.mdp, self.states
        rewards = mdp.rewards[states, actions]
        if mdp.reward_noise:
            rewards = rewards + rng.normal(scale=mdp.reward_noise, size=len(states))
        choice = self._choices.draw(states * mdp.n_actions + actions, uniform(rng, len(states)))
        self.states = self._next_states.take(choice)
        terminated = mdp.terminal[self.states]
        return rewards, terminated if mdp.horizon is None else terminated | (self.elapsed >= mdp.horizon)

    def seen(self):
        return self.mdp.observation[self.states]


class TabularEnv(OneCopy):
    """One copy of an MDP. A horizon terminates; a time limit is Gymnasium's own wrapper, and truncates."""

    def __init__(self, mdp):
        super().__init__(TabularVectorEnv(mdp))


def vector_env(mdp, num_envs, max_episode_steps=None):
    """The MDP as a Gymnasium vector environment of `num_envs` copies, episodes truncated after `max_episode_steps`."""
    return TabularVectorEnv(mdp, num_envs, max_episode_steps)

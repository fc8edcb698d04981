"""A linear-quadratic world as a Gymnasium environment, single and vectorised. Nothing in it ends, save by its horizon."""

import numpy as np
from gymnasium import spaces

from pgedu.arguments import no_underflow, numbers
from pgedu.worlds.copies import Copies

FARTHEST = 1e100  # of a state in each direction: what is driven further stays there, so that rewards remain numbers


class LinearQuadraticVectorEnv(Copies):
    """N copies, autoreset on the step after an end (`AutoresetMode.NEXT_STEP`). A horizon terminates.

    Observations are the states x [N, n], actions u [N, m], both unbounded and in double precision. A state that an
    unstable policy drives beyond 1e100 stays there: its reward is about -1e200, and a number.
    """

    def __init__(self, world, num_envs=1, max_episode_steps=None):
        both = (spaces.Box(-np.inf, np.inf, (size,), np.float64) for size in world.B.shape)
        super().__init__(*both, num_envs, max_episode_steps)
        self.world, self.states = world, np.zeros((num_envs, len(world.A)))
        self._start, self._noise = _root(world.start_covariance), _root(world.noise_covariance)

    def legal(self, actions):
        return numbers("actions", actions, "[N, M]", self.action_space.shape)

    def restart(self, which, rng, options):
        self.states[which] = rng.normal(size=(which.sum(), len(self.world.A))) @ self._start

    @no_underflow
    def move(self, actions, rng):
        world, states, actions = self.world, self.states, np.clip(actions, -FARTHEST, FARTHEST)
        rewards = -((states @ world.Q * states).sum(axis=-1) + (actions @ world.R * actions).sum(axis=-1))
        states = states @ world.A.T + actions @ world.B.T
        if self._noise.any():
            states += rng.normal(size=states.shape) @ self._noise
        self.states = np.clip(states, -FARTHEST, FARTHEST)
        over = np.zeros(self.num_envs, dtype=bool) if world.horizon is None else self.elapsed >= world.horizon
        return rewards, over

    def seen(self):
        return self.states.copy()


def _root(covariance):
    """The symmetric square root, also of a covariance that is singular."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0)) @ vectors.T


def vector_env(world, num_envs, max_episode_steps=None):
    """The world as a Gymnasium vector environment of `num_envs` copies, episodes truncated after `max_episode_steps`."""
    return LinearQuadraticVectorEnv(world, num_envs, max_episode_steps)

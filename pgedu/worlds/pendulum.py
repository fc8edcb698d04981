"""Gymnasium's Pendulum, many at once: it ships a single one only."""

import numpy as np
from gymnasium.envs.classic_control.pendulum import PendulumEnv
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from pgedu.arguments import no_underflow, number, numbers

MAX_SPEED, MAX_TORQUE, DT = 8.0, 2.0, 0.05  # and a rod of mass 1 and length 1


class PendulumVectorEnv(VectorEnv):
    """N copies of Gymnasium's Pendulum-v1, autoreset on the step after an end (`AutoresetMode.NEXT_STEP`).

    A rod of angle theta (0 is upright) and speed w is turned by a torque u, which is clipped to -2 .. 2:

        w     <- w + (3/2 g sin(theta) + 3 u) dt, clipped to -8 .. 8, with dt = 0.05
        theta <- theta + w dt, with this new w
        reward = -(theta^2 + 0.1 w^2 + 0.001 u^2), of the state before the step, theta taken from -pi to pi

    so that a reward lies between -16.28 and 0. Observations are [N, 3]: cos(theta), sin(theta), w, in single precision.
    Nothing terminates: episodes are truncated after `max_episode_steps` (None: never). One starts with theta uniform in
    -pi .. pi and w in -1 .. 1, drawn from `np_random`. `reset` takes Gymnasium's options x_init and y_init, which stand
    for this pi and this 1. The state is in `state` [2, N], theta and w, and may be set.

    Args:
        num_envs: N.
        g: acceleration of gravity.
    Raises:
        ValueError: settings that are out of their range; actions that are not [N, 1] or not finite; a step before the
            first reset.
    Source: Gymnasium, Pendulum-v1.
    """

    metadata = {"render_modes": [], "autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs=1, max_episode_steps=200, g=10.0, render_mode=None):
        number("num_envs", num_envs, 1, whole=True)
        if max_episode_steps is not None:
            number("max_episode_steps", max_episode_steps, 1, whole=True)
        self.num_envs, self.max_episode_steps, self.render_mode = num_envs, max_episode_steps, render_mode
        self.g = number("g", g)
        single = PendulumEnv()
        self.single_observation_space, self.single_action_space = single.observation_space, single.action_space
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.state = None

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        options = options or {}
        widest = [number(name, options.get(name, usual)) for name, usual in (("x_init", np.pi), ("y_init", 1.0))]
        self.state = self._first_states(self.num_envs, widest)
        self._elapsed, self._ended = np.zeros(self.num_envs, dtype=int), np.zeros(self.num_envs, dtype=bool)
        return self._observations(), {}

    @no_underflow
    def step(self, actions):
        numbers("actions", actions, "[N, 1]", (self.num_envs, 1))
        if self.state is None:
            raise ValueError("the environment must be reset before its first step; got step() without reset()")
        rewards = self._move(np.clip(actions, -MAX_TORQUE, MAX_TORQUE)[:, 0])
        self._elapsed += 1
        resetting = self._ended
        if resetting.any():  # their step was a reset: no reward, and no end
            self.state[:, resetting] = self._first_states(resetting.sum())
            self._elapsed[resetting], rewards[resetting] = 0, 0
        self._ended = self._elapsed >= (np.inf if self.max_episode_steps is None else self.max_episode_steps)
        return self._observations(), rewards, np.zeros(self.num_envs, dtype=bool), self._ended.copy(), {}

    def _first_states(self, count, widest=(np.pi, 1.0)):
        """[2, count], drawn column by column: as `count` resets of a single environment draw them."""
        widest = np.array(widest)
        return self.np_random.uniform(-widest, widest, size=(count, 2)).T

    def _move(self, torques):
        """Rewards [N]. Torques keep their precision: Gymnasium's single environment computes with float32 where given it."""
        angles, speeds = self.state
        from_upright = (angles + np.pi) % (2 * np.pi) - np.pi
        rewards = -(from_upright**2 + 0.1 * speeds**2 + 0.001 * torques**2)
        speeds = speeds + (1.5 * self.g * np.sin(angles) + 3.0 * torques) * DT
        speeds = np.clip(speeds, -MAX_SPEED, MAX_SPEED)
        self.state = np.array([angles + speeds * DT, speeds])
        return rewards

    def _observations(self):
        angles, speeds = self.state
        return np.stack([np.cos(angles), np.sin(angles), speeds], axis=-1).astype(np.float32)

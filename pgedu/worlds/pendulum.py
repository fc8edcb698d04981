"""Gymnasium's Pendulum, many at once: it ships a single one only."""

import numpy as np
from gymnasium.envs.classic_control.pendulum import PendulumEnv

from pgedu.arguments import no_underflow, number, numbers
from pgedu.worlds.copies import Copies

MAX_SPEED, MAX_TORQUE, DT = 8.0, 2.0, 0.05  # and a rod of mass 1 and length 1


class PendulumVectorEnv(Copies):
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

    def __init__(self, num_envs=1, max_episode_steps=200, g=10.0, render_mode=None):
        single = PendulumEnv()
        super().__init__(single.observation_space, single.action_space, num_envs, max_episode_steps)
        self.g, self.state, self.render_mode = number("g", g), np.zeros((2, num_envs)), render_mode

    def legal(self, actions):
        numbers("actions", actions, "[N, 1]", (self.num_envs, 1))
        return np.clip(actions, -MAX_TORQUE, MAX_TORQUE)  # in their own precision, with which Gymnasium's one computes

    def restart(self, which, rng, options):
        """Drawn column by column: as so many resets of a single environment draw them."""
        widest = [number(name, options.get(name, usual)) for name, usual in (("x_init", np.pi), ("y_init", 1.0))]
        self.state[:, which] = rng.uniform(np.negative(widest), widest, size=(which.sum(), 2)).T

    @no_underflow
    def move(self, actions, rng):
        (angles, speeds), torques = self.state, actions[:, 0]
        from_upright = (angles + np.pi) % (2 * np.pi) - np.pi
        rewards = -(from_upright**2 + 0.1 * speeds**2 + 0.001 * torques**2)
        speeds = speeds + (1.5 * self.g * np.sin(angles) + 3.0 * torques) * DT
        speeds = np.clip(speeds, -MAX_SPEED, MAX_SPEED)
        self.state = np.array([angles + speeds * DT, speeds])
        return rewards, np.zeros(self.num_envs, dtype=bool)

    @no_underflow
    def seen(self):
        angles, speeds = self.state
        return np.stack([np.cos(angles), np.sin(angles), speeds], axis=-1).astype(np.float32)

"""The named worlds as Gymnasium environments, registered as pgedu/Bandit-v0 and so on.

`gymnasium.make("pgedu/ShortCorridor-v0")` gives one, `gymnasium.make_vec(...)` the vectorised one.
"""

from functools import partial

import gymnasium
import numpy as np

from pgedu.worlds import finite
from pgedu.worlds.copies import OneCopy
from pgedu.worlds.linear_quadratic import LinearQuadratic

# Place and speed of a cart that is pushed, half a second a step: the double integrator.
CART = {"A": [[1, 0.5], [0, 1]], "B": [[0], [0.5]], "Q": np.eye(2), "R": np.eye(1)}
WORLDS = {
    "Bandit": partial(finite.bandit, np.linspace(-1, 1, 10), noise=1.0),
    "StayOrStop": finite.stay_or_stop,
    "ShortCorridor": finite.short_corridor,
    "CliffWalk": finite.cliff_walk,
    "LinearQuadratic": partial(LinearQuadratic, **CART),
}


def make_env(world, render_mode=None, **settings):
    """Entry point of one environment: a world of `WORLDS`, by name; settings are passed to its function."""
    env = OneCopy(make_vector_env(world, **settings))
    env.render_mode = render_mode
    return env


def make_vector_env(world, num_envs=1, max_episode_steps=None, render_mode=None, **settings):
    """Entry point of the vectorised environment."""
    env = WORLDS[world](**settings).vector_env(num_envs, max_episode_steps)
    env.render_mode = render_mode
    return env


def register_worlds():
    """Register every world of `WORLDS`, and Pendulum; done once, when pgedu is imported."""
    for name in WORLDS:
        gymnasium.register(
            f"pgedu/{name}-v0", "pgedu.worlds.registry:make_env",
            vector_entry_point="pgedu.worlds.registry:make_vector_env",
            max_episode_steps=200 if name == "LinearQuadratic" else 1000, kwargs={"world": name},
        )  # fmt: skip
    gymnasium.register(
        "pgedu/Pendulum-v0", "gymnasium.envs.classic_control.pendulum:PendulumEnv",
        vector_entry_point="pgedu.worlds.pendulum:PendulumVectorEnv", max_episode_steps=200,
    )  # fmt: skip

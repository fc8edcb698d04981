"""Experience: `Rollout`, and `collect`, which samples one from an MDP or from any Gymnasium vector environment."""

from typing import NamedTuple

import numpy as np
from gymnasium import spaces
from gymnasium.vector import VectorEnv

from pgedu.arguments import generator, number, numbers, parameters, refuse
from pgedu.experience.streams import Stream, require_columns, require_spaces
from pgedu.worlds.sampling import BLOCK


class Rollout(NamedTuple):
    """Steps of B episodes (or segments) of each of the runs *R, time first. There is no `done`.

    Those of `collect` and `enumerate_rollouts` hold read-only arrays: make a changed copy with `_replace`.
    """

    observations: np.ndarray  # [T+1, *R, B, ...]
    actions: np.ndarray  # [T, *R, B] or [T, *R, B, d]; as drawn, before an environment's clip or a head's `play`
    rewards: np.ndarray  # [T, *R, B]; 0 where mask is 0
    discounts: np.ndarray  # [T, *R, B]; gamma, and 0 where the episode TERMINATED or mask is 0; truncation keeps gamma
    mask: np.ndarray  # [T, *R, B]; 1 on real steps, 0 after an episode's end and on an autoreset's step
    log_probs: np.ndarray  # [T, *R, B] of the policy that acted; 0 where mask is 0

    @property
    def lengths(self):
        """Real steps in each column, [*R, B]."""
        return self.mask.sum(axis=0)


class Moment(NamedTuple):
    """What there is to be seen while a rollout is being collected: where the environments stand after a step."""

    observations: np.ndarray  # [*R, B, ...], read-only, as the rollout will hold them


def shares(weights):
    """weights [T, *R, B], such as a mask, over their sum in each run; 0 in a run that has none."""
    return weights / np.maximum(weights.sum(axis=(0, -1), keepdims=True), 1e-300)


def masked_mean(values, weights):
    """Weighted mean of values [T, *R, B] over the steps of each run, [*R]; 0 in a run without any weight."""
    return (values * weights).sum(axis=(0, -1)) / np.maximum(weights.sum(axis=(0, -1)), 1e-300)


def share_clipped(env, policy, rollout):
    """The share of steps, [*R], whose action lay outside the environment's Box: it got the nearest one within instead.

    The rollout keeps the action as it was drawn, whose score is the right one: where many are clipped nothing is wrong,
    but the environment is another than it seems, and what is changed beyond the Box changes nothing. 0 for a squashed
    head, whose actions cannot leave the Box.
    Raises:
        ValueError: no Box of actions, or actions that do not fit it.
    """
    space = getattr(env, "single_action_space", None)
    if not isinstance(space, spaces.Box):
        raise refuse("env", "a vector environment with a Box of actions", env)
    actions = numbers("actions", rollout.actions, "[T, *R, B, d]", (*rollout.mask.shape, *space.shape), finite=False)
    played = policy.head.play(actions) if hasattr(policy.head, "play") else actions
    with np.errstate(over="ignore"):
        played = played.astype(space.dtype)  # as the environment gets it: a bound that was rounded is no bound passed
    return masked_mean(~((space.low <= played) & (played <= space.high)).all(axis=-1), rollout.mask)


def collect(world, policy, theta, *, rng, episodes=None, steps=None, gamma=None, max_steps=10_000):
    """Let `policy` act in `world` and return the `Rollout`.

    Whole episodes, one a column, masked after its end: `episodes` per run. A fixed segment: `steps`.

    Args:
        world: an `MDP`, or another world of `pgedu.worlds`; a Gymnasium vector environment, whose sub-environments
            are shared out over the runs (num_envs = R * B), reset here with a fresh seed from `rng`; or a `Stream`
            over one, which is not reset, so that segments continue one another.
        theta: [*R, D].
        rng: numpy.random.Generator, the only source of chance: the same state gives the same rollout.
        episodes: B. May be left out for a vector environment: one episode for each column.
        steps: T, instead of episodes; vector environments only, and always for a `Stream`.
        gamma: discount; default that of the world, or 1.
        max_steps: longer episodes are cut off there (truncated: they keep gamma, as at a time limit).
    Raises:
        ValueError: arguments that do not fit one another, unsupported spaces, rewards that are not finite.
    """
    pulses = collecting(
        world, policy, theta, rng=rng, episodes=episodes, steps=steps, gamma=gamma, max_steps=max_steps
    )
    while True:
        try:
            next(pulses)
        except StopIteration as finished:
            return finished.value


def collecting(world, policy, theta, *, rng, episodes=None, steps=None, gamma=None, max_steps=10_000):
    """`collect` as a generator, so that a live panel can draw in between.

    After every step it yields a pulse: the `Moment`, in a vector environment; None where nothing can be shown.
    """
    generator("rng", rng)
    _require_call(world, episodes, steps, gamma)
    number("max_steps", max_steps, 1, whole=True)
    theta = require_fit(world, policy, theta, episodes, steps)
    if hasattr(world, "sample"):
        settings = {"episodes": episodes, "rng": rng, "gamma": gamma, "max_steps": max_steps}
        return rollout_of((yield from world.sample(policy, theta, **settings)))
    gamma = getattr(world, "gamma", 1.0) if gamma is None else gamma
    if is_world(world):
        world = world.vector_env(episodes * int(np.prod(theta.shape[:-1])))
    stream = world if isinstance(world, Stream) else Stream(world, rng)
    return rollout_of((yield from _act(stream, policy, theta, steps, gamma, rng, max_steps)))


def is_world(world):
    """Is this one of our own worlds (see `pgedu.worlds`), which starts episodes itself, and not an environment?"""
    return all(hasattr(world, name) for name in ("require_fit", "vector_env")) and not isinstance(world, type)


def _require_call(world, episodes, steps, gamma):
    if not isinstance(world, Stream):
        require_world("world", world)
    if (episodes is not None and steps is not None) or (is_world(world) and episodes is None):
        raise ValueError(f"give episodes or (vector environments only) steps; got episodes={episodes}, steps={steps}")
    if isinstance(world, Stream) and steps is None:
        raise ValueError("steps must be given for a Stream, which may stand in the midst of an episode; got None")
    number("gamma", gamma, 0, 1, none=True)


def require_world(name, value):
    """`value`, if it is one of our worlds or a Gymnasium vector environment; else a ValueError."""
    if not (is_world(value) or isinstance(value, VectorEnv)):
        raise refuse(name, "an MDP or a Gymnasium vector environment", value)
    return value


def require_fit(world, policy, theta, episodes=None, steps=None):
    """Return theta [*R, D] as an array; ValueError if it, the policy or the counts do not fit the world."""
    for name, value in (("episodes", episodes), ("steps", steps)):
        number(name, value, 1, whole=True, none=True)
    theta = parameters(policy, theta)
    if is_world(world):
        return world.require_fit(policy, theta)
    env = world.env if isinstance(world, Stream) else world
    require_spaces(env)
    require_columns(env, policy, theta, episodes)
    return theta


def rollout_of(fields):
    """A `Rollout` whose arrays nobody can write into: an estimator that did would change what others see."""
    for field in fields:
        field.setflags(write=False)
    return Rollout(*fields)


def _act(stream, policy, theta, steps, gamma, rng, max_steps):
    """Step through the environment: `steps` steps, or until every column has finished an episode."""
    runs, columns = theta.shape[:-1], stream.env.num_envs
    batch = (*runs, columns // int(np.prod(runs)))
    shape = (*batch, *stream.recorded.shape[1:])
    observations, rows, actions, outputs = [stream.recorded], [], [], []
    alive = np.ones(columns, dtype=bool)
    outputs_at, play = policy.prepared(theta), getattr(policy.head, "play", np.asarray)
    for t in range(steps or max_steps):
        if t % BLOCK == 0:
            noise = policy.head.noise(rng, (BLOCK, *batch))
        with np.errstate(under="ignore"):  # not across the yield, beyond which it is the caller's business
            outputs.append(outputs_at(stream.acting_on.reshape(shape)))
            action = policy.head.act(outputs[-1], noise[t % BLOCK])
        rewards, terminated, truncated, mask = stream.step(play(action).reshape(columns, *action.shape[len(batch) :]))
        rows.append((rewards, terminated, mask & alive))
        observations.append(stream.recorded)
        actions.append(action)
        yield _moment(stream, shape)
        if steps is None:
            alive = alive & ~(terminated | truncated)
            if not alive.any():
                break
    observations = np.array(observations).reshape(len(rows) + 1, *shape)
    with np.errstate(under="ignore"):
        log_probs = policy.head.log_prob(np.array(outputs), np.array(actions))
    return _fields_of_rows(stream.env, observations, np.array(actions), rows, log_probs, gamma)


def _moment(stream, shape):
    observations = stream.recorded.reshape(shape)
    observations.setflags(write=False)  # a view of what goes on record
    return Moment(observations)


def _fields_of_rows(env, observations, actions, rows, log_probs, gamma):
    rewards, terminated, mask = (np.array(row).reshape(log_probs.shape) for row in zip(*rows))
    for name, array in (("rewards", rewards), ("observations", observations)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} of {env} must be finite numbers; got NaN or infinity")
    discounts, log_probs = gamma * (mask & ~terminated), np.where(mask, log_probs, 0.0)
    return observations, actions, rewards * mask, discounts, mask.astype(float), log_probs

"""Gymnasium vector environments made alike: whatever their autoreset mode, a `Stream` steps them the same way."""

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

from pgedu.arguments import generator, refuse

KINDS = float, bool, bool  # of rewards, terminated, truncated


class Stream:
    """A vector environment that remembers where it is, so that fixed segments continue one another.

    It also makes the three autoreset modes look alike. In a segment an episode's last observation and the
    next episode's first would need the same row; after a truncation the last one is kept, since it
    bootstraps, and the step that follows gets mask 0. In NEXT_STEP mode that step is the environment's own
    reset step, after any end; in SAME_STEP and DISABLED mode it is a real one whose record is given up.
    All that an environment hands over is copied: it may write into the same arrays at its next step.

    Args:
        env: Discrete or 1-d Box observations, Discrete or 1-d Box actions (of floats: they are clipped to the Box;
            `share_clipped` says how many).
        rng: draws the seed of the one reset.
    Raises:
        ValueError: other spaces; an environment that does not say its autoreset mode; what it hands over has not
            one number for each column; no `final_obs` of a truncated episode in SAME_STEP mode.
    """

    def __init__(self, env, rng):
        if not isinstance(env, VectorEnv):
            raise refuse("env", "a Gymnasium vector environment", env)
        self.env = env
        self.mode = autoreset_mode(env)
        require_spaces(env)
        self._bounds = self._bounds_of_actions()
        first, _ = env.reset(seed=int(generator("rng", rng).integers(2**31)))
        self.recorded = self.acting_on = self._as_numbers(first)
        self.idle = np.zeros(env.num_envs, dtype=bool)  # columns whose next step belongs to no episode
        self.returns = np.full(env.num_envs, np.nan)  # undiscounted, of the last episode that ended in each column
        self._returns_so_far = np.zeros(env.num_envs)

    def step(self, actions):
        """One step of all columns: (rewards, terminated, truncated, mask), each [N]; then see `recorded`."""
        mask = ~self.idle
        following, *outcome, info = self.env.step(self._legal(actions))
        self.recorded = self.acting_on = following = self._as_numbers(following)
        rewards, terminated, truncated = map(self._each, ("rewards", "terminated", "truncated"), outcome, KINDS)
        ended = terminated | truncated
        self._returns_so_far += rewards
        if ended.any():
            self.returns[ended] = self._returns_so_far[ended]
            self._returns_so_far[ended] = 0
        if self.mode == AutoresetMode.NEXT_STEP:
            self.idle = ended & mask
        else:
            self.idle = truncated & ~terminated & mask
            if ended.any():
                self._reset(ended, following, info)
        return rewards, terminated & mask, truncated & mask, mask

    def _bounds_of_actions(self):
        """(low, high) of a Box as its dtype can hold them; None for Discrete actions."""
        space = self.env.single_action_space
        if isinstance(space, spaces.Discrete):
            return None
        return np.maximum(space.low, np.finfo(space.dtype).min), np.minimum(space.high, np.finfo(space.dtype).max)

    def _legal(self, actions):
        """A copy that the space contains: the environment may keep it, and write into it."""
        if self._bounds is not None:
            # A policy that diverged may act with NaN: the environment, and the other runs in it, must live on.
            actions = np.clip(np.nan_to_num(actions), *self._bounds)
        return np.array(actions, dtype=self.env.single_action_space.dtype)

    def _each(self, name, values, kind):
        """A copy [N]: rewards as floats, flags as bools."""
        values = np.array(values, dtype=kind)
        if values.shape != self.returns.shape:
            raise refuse(f"{name} of {self.env}", f"[N] = {self.returns.shape}", f"shape {values.shape}")
        return values

    def _reset(self, ended, following, info):
        """Keep the last observation of truncated episodes on record, and act on the first of the next."""
        if self.mode == AutoresetMode.SAME_STEP:
            following = self._with_final(following, info)
        else:
            self.acting_on = self._as_numbers(self.env.reset(options={"reset_mask": ended})[0])
        kept = self.idle.reshape(-1, *[1] * (following.ndim - 1))
        self.recorded = np.where(kept, following, self.acting_on)

    def _with_final(self, following, info):
        """With the last observations of truncated episodes; of terminated ones nobody bootstraps."""
        if not self.idle.any():
            return following
        final = info.get("final_obs")
        last = [None] if final is None else [final[column] for column in np.flatnonzero(self.idle)]
        if any(each is None for each in last):
            wanted = "the last observations of truncated episodes, as the autoreset mode SAME_STEP promises"
            raise refuse(f"info['final_obs'] of {self.env}", wanted, final)
        following = following.copy()
        following[self.idle] = self._as_numbers(np.stack(last))
        return following

    def _as_numbers(self, observations):
        """A copy in float64, or integers for a Table."""
        if not isinstance(self.env.single_observation_space, spaces.Discrete):
            return np.array(observations, dtype=float)
        whole = np.asarray(observations)
        if whole.dtype.kind not in "iu" and not (whole == np.floor(whole)).all():
            raise refuse(f"observations of {self.env}", "whole numbers", whole.tolist())
        return np.array(whole, dtype=int)


def require_spaces(env):
    """ValueError unless a policy can see and act in this environment."""
    for name in ("observation", "action"):
        space = getattr(env, f"single_{name}_space")
        discrete = isinstance(space, spaces.Discrete) and space.start == 0
        if not discrete and not (isinstance(space, spaces.Box) and len(space.shape) == 1):
            raise ValueError(f"{name} space must be Discrete (from 0) or a Box with one axis; got {space}")
    if isinstance(space, spaces.Box) and not np.issubdtype(space.dtype, np.floating):
        raise ValueError(f"action space must be Discrete, or a Box of floats with one axis; got {space}")


def require_columns(env, policy, theta, episodes=None):
    """ValueError unless the policy fits, and there is one sub-environment for each episode of each run."""
    runs, columns = int(np.prod(theta.shape[:-1])), env.num_envs
    if columns % runs or (episodes is not None and episodes * runs != columns):
        wanted = f"{runs} runs of {episodes or 'equally many'} episodes"
        raise ValueError(f"num_envs must be one sub-environment for each of {wanted}; got {columns}")
    space = env.single_action_space
    wanted = ("actions", space.n) if isinstance(space, spaces.Discrete) else ("dimensions", space.shape[0])
    if getattr(policy.head, wanted[0], None) != wanted[1]:
        raise ValueError(f"head must have {wanted[0]} = {wanted[1]} to act in {space}; got {policy.head}")
    if hasattr(policy.head, "play"):  # it need not use all of the Box, but what reached beyond would be clipped unseen
        low, high = (np.asarray(bound, dtype=space.dtype) for bound in (policy.head.low, policy.head.high))
        if (low < space.low).any() or (high > space.high).any():
            raise refuse("head", f"one that plays within {space}", policy.head)


def autoreset_mode(env):
    """The `AutoresetMode` of a vector environment, which may give it as a string ("NextStep", "NEXT_STEP").

    What an environment, or one that it wraps, says of itself goes before what its class says of all.
    Raises:
        ValueError: an environment that says nothing (who guessed would bootstrap from the next episode), or no mode.
    """
    layers = [env]
    while hasattr(layers[-1], "env"):
        layers.append(layers[-1].env)
    # An attribute goes before metadata, a dictionary that vectors over the same class may share (Gymnasium#1227).
    of_itself = [{**vars(layer).get("metadata", {}), **vars(layer)} for layer in layers]
    of_all = [{**layer.metadata, **vars(type(layer))} for layer in layers]
    said = next((each["autoreset_mode"] for each in [*of_itself, *of_all] if each.get("autoreset_mode")), None)
    for mode in AutoresetMode:
        if said in (mode, mode.value, mode.name):
            return mode
    wanted = "NEXT_STEP, SAME_STEP or DISABLED, of gymnasium.vector.AutoresetMode, in its metadata"
    raise refuse(f"autoreset_mode of {env}", wanted, said)

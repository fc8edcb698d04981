"""Gymnasium vector environments made alike: whatever their autoreset mode, a `Stream` steps them the same way."""

import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode


class Stream:
    """A vector environment that remembers where it is, so that fixed segments continue one another.

    It also makes the three autoreset modes look alike. In a segment an episode's last observation and the
    next episode's first would need the same row; after a truncation the last one is kept, since it
    bootstraps, and the step that follows gets mask 0. In NEXT_STEP mode that step is the environment's own
    reset step, after any end; in SAME_STEP and DISABLED mode it is a real one whose record is given up.

    Args:
        env: Discrete or 1-d Box observations, Discrete or 1-d Box actions.
        rng: draws the seed of the one reset.
    """

    def __init__(self, env, rng):
        self.env = env
        self.mode = env.metadata.get("autoreset_mode", AutoresetMode.NEXT_STEP)
        self._check_spaces()
        first, _ = env.reset(seed=int(rng.integers(2**31)))
        self.recorded = self.acting_on = self._as_numbers(first)
        self.idle = np.zeros(env.num_envs, dtype=bool)  # columns whose next step belongs to no episode
        self.returns = np.full(env.num_envs, np.nan)  # undiscounted, of the last episode that ended in each column
        self._returns_so_far = np.zeros(env.num_envs)

    def step(self, actions):
        """One step of all columns: (rewards, terminated, truncated, mask), each [N]; then see `recorded`."""
        mask = ~self.idle
        space = self.env.single_action_space
        # A policy that diverged may act with NaN: the environment, and the other runs in it, must live on.
        discrete = isinstance(space, spaces.Discrete)
        legal = actions if discrete else np.clip(np.nan_to_num(actions), space.low, space.high)
        following, rewards, terminated, truncated, info = self.env.step(legal)
        self.recorded = self.acting_on = following = self._as_numbers(following)
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

    def _reset(self, ended, following, info):
        """Keep the last observation of truncated episodes on record, and act on the first of the next."""
        last = following
        if self.mode == AutoresetMode.SAME_STEP:
            last = following.copy()
            last[ended] = self._as_numbers(np.stack(list(info["final_obs"][ended])))
        else:
            self.acting_on = self._as_numbers(self.env.reset(options={"reset_mask": ended})[0])
        kept = self.idle.reshape(-1, *[1] * (following.ndim - 1))
        self.recorded = np.where(kept, last, self.acting_on)

    def _as_numbers(self, observations):
        """A copy (environments may reuse their buffer) in float64, or integers for a Table."""
        discrete = isinstance(self.env.single_observation_space, spaces.Discrete)
        return np.array(observations, dtype=int if discrete else float)

    def _check_spaces(self):
        for name in ("observation", "action"):
            space = getattr(self.env, f"single_{name}_space")
            discrete = isinstance(space, spaces.Discrete) and space.start == 0
            if not discrete and not (isinstance(space, spaces.Box) and len(space.shape) == 1):
                raise ValueError(f"{name} space must be Discrete (from 0) or a Box with one axis; got {space}")

    def check(self, policy, theta, episodes):
        """Do the policy and its runs fit this environment? Raises ValueError if not."""
        runs, columns = int(np.prod(theta.shape[:-1])), self.env.num_envs
        if columns % runs or (episodes is not None and episodes * runs != columns):
            wanted = f"{runs} runs of {episodes or 'equally many'} episodes"
            raise ValueError(f"num_envs must be one sub-environment for each of {wanted}; got {columns}")
        space = self.env.single_action_space
        wanted = ("actions", space.n) if isinstance(space, spaces.Discrete) else ("dimensions", space.shape[0])
        if getattr(policy.head, wanted[0], None) != wanted[1]:
            raise ValueError(f"head must have {wanted[0]} = {wanted[1]} to act in {space}; got {policy.head}")

"""Returns and advantages: pure recursions over arrays whose first axis is time.

Shapes: rewards, discounts, mask are [T, ...]; values are [T+1, ...] (the last row bootstraps).
Row t holds what follows the action at time t, so `rewards[t]` is R_{t+1} of Sutton & Barto.
`discounts[t]` is gamma, and 0 where the episode terminated: that zero is all that cuts a recursion.
"""

import numpy as np

from pgedu.arguments import number, numbers, refuse


@np.errstate(under="ignore")  # what fades to 0 is no mistake, also where NumPy is told to raise
def discounted_returns(rewards, discounts):
    """Return G_t = rewards_t + discounts_t * G_{t+1}, with G_T = 0 (reward-to-go).

    Args:
        rewards: [T, ...], finite. Integers are fine: the result is float.
        discounts: [T, ...], gamma on ordinary steps and 0 where the episode terminated.
    Returns:
        [T, ...] float.
    Raises:
        ValueError: shapes that differ, no time axis, rewards that are not finite, discounts outside [0, 1].
    Source: Sutton & Barto (2018), eq. 3.9.
    """
    return _discounted_sums(*_steps(rewards, discounts))


def _discounted_sums(rewards, discounts):
    returns = np.empty_like(rewards)
    following = np.zeros_like(rewards[0]) if len(rewards) else None
    for t in reversed(range(len(rewards))):
        returns[t] = following = rewards[t] + discounts[t] * following
    return returns


@np.errstate(under="ignore")
def td_residuals(rewards, discounts, values):
    """Return delta_t = rewards_t + discounts_t * values_{t+1} - values_t.

    Args:
        rewards, discounts: [T, ...], as in `discounted_returns`.
        values: [T+1, ...], v(s_0) ... v(s_T).
    Returns:
        [T, ...] float. With the true values, an unbiased estimate of the advantage.
    Raises:
        ValueError: shapes that do not fit, rewards that are not finite, discounts outside [0, 1]. (Values may
            be infinite or NaN, as those of a learner that diverged are; so is the result then.)
    Source: Sutton & Barto (2018), eq. 6.5.
    """
    rewards, discounts = _steps(rewards, discounts)
    values = numbers("values", values, "[T+1, ...]", (len(rewards) + 1, *rewards.shape[1:]), finite=False)
    return rewards + discounts * values[1:] - values[:-1]


@np.errstate(under="ignore")
def gae(rewards, discounts, values, mask, lam):
    """Return generalised advantage estimates A_t = mask_t (delta_t + lam * discounts_t * A_{t+1}).

    lam = 0 gives the TD residual (little variance, biased by the errors of `values`);
    lam = 1 gives the return minus the value (no bias from `values`, the most variance).

    Args:
        rewards, discounts, mask: [T, ...]; mask is 1 on real steps and 0 elsewhere, which also
            cuts the sum where an episode was truncated and another begins.
        values: [T+1, ...].
        lam: in [0, 1].
    Returns:
        [T, ...] float.
    Raises:
        ValueError: shapes that do not fit, rewards that are not finite, discounts or lam outside [0, 1], a mask of
            other numbers than 0 and 1.
    Source: Schulman et al. (2016), eq. 16.
    """
    number("lam", lam, 0, 1)
    rewards, discounts, mask = _steps(rewards, discounts, mask=mask)
    deltas = td_residuals(rewards, discounts, values)
    return _discounted_sums(mask * deltas, lam * mask * discounts)


@np.errstate(under="ignore")
def n_step_advantages(rewards, discounts, values, mask, n):
    """Return A_t = sum_{k < n} gamma^k delta_{t+k}: the n-step return minus the value.

    n = 1 gives the TD residual; n of T or more is `gae` with lam = 1. Between them, n counts what lam fades out.

    Args:
        rewards, discounts, values, mask: as in `gae`; an episode's end, and the last row, end the sum earlier.
        n: whole number of 1 or more.
    Returns:
        [T, ...] float.
    Raises:
        ValueError: as `gae`, or n below 1.
    Source: Sutton & Barto (2018), eq. 7.1; Mnih et al. (2016), algorithm S3.
    """
    number("n", n, 1, whole=True)
    rewards, discounts, mask = _steps(rewards, discounts, mask=mask)
    deltas = mask * td_residuals(rewards, discounts, values)
    advantages = deltas.copy()
    for _ in range(min(n, len(rewards)) - 1):
        advantages[:-1] = deltas[:-1] + (mask * discounts)[:-1] * advantages[1:]
    return advantages


@np.errstate(under="ignore")
def discount_powers(rollout):
    """gamma^t for each step of whole episodes, [T, *R, B]; 0 after a termination.

    Raises:
        ValueError: where a column goes on after an end, since the time within that episode is then unknown.
    """
    ended = (rollout.discounts[:-1] == 0) | (rollout.mask[:-1] == 0)
    # With gamma = 0 every step looks like an end; only the first one then counts, which is right.
    if np.any(ended & (rollout.mask[1:] == 1)) and np.any(rollout.discounts > 0):
        fitting = "reward_to_go(..., gamma_power=False)"
        raise ValueError(f"rollout must hold one whole episode a column; got segments, which only {fitting} takes")
    powers = np.ones_like(rollout.discounts)
    np.cumprod(rollout.discounts[:-1], axis=0, out=powers[1:])
    return powers


def _steps(rewards, discounts, mask=None):
    """Arrays of one common shape [T, ...] as floats (integer rewards must not give integer returns)."""
    rewards = numbers("rewards", rewards, "[T, ...]")
    if rewards.ndim == 0:
        raise refuse("rewards", "[T, ...]", "shape ()")
    discounts = numbers("discounts", discounts, "[T, ...]", rewards.shape, least=0, most=1)
    if mask is None:
        return rewards, discounts
    mask = numbers("mask", mask, "[T, ...]", rewards.shape)
    if not np.isin(mask, (0, 1)).all():
        raise refuse("mask", "1 on real steps and 0 elsewhere", mask.tolist())
    return rewards, discounts, mask

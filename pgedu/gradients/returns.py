"""Returns and advantages: pure recursions over arrays whose first axis is time.

Shapes: rewards, discounts, mask are [T, ...]; values are [T+1, ...] (the last row bootstraps).
Row t holds what follows the action at time t, so `rewards[t]` is R_{t+1} of Sutton & Barto.
`discounts[t]` is gamma, and 0 where the episode terminated: that zero is all that cuts a recursion.
"""

import numpy as np


def discounted_returns(rewards, discounts):
    """Return G_t = rewards_t + discounts_t * G_{t+1}, with G_T = 0 (reward-to-go).

    Args:
        rewards: [T, ...], finite. Integers are fine: the result is float.
        discounts: [T, ...], gamma on ordinary steps and 0 where the episode terminated.
    Returns:
        [T, ...] float.
    Raises:
        ValueError: shapes that differ, no time axis, rewards or discounts that are not finite.
    Source: Sutton & Barto (2018), eq. 3.9.
    """
    return _discounted_sums(*_steps(rewards=rewards, discounts=discounts))


def _discounted_sums(rewards, discounts):
    returns = np.empty_like(rewards)
    following = np.zeros_like(rewards[0]) if len(rewards) else None
    for t in reversed(range(len(rewards))):
        returns[t] = following = rewards[t] + discounts[t] * following
    return returns


def td_residuals(rewards, discounts, values):
    """Return delta_t = rewards_t + discounts_t * values_{t+1} - values_t.

    Args:
        rewards, discounts: [T, ...], as in `discounted_returns`.
        values: [T+1, ...], v(s_0) ... v(s_T).
    Returns:
        [T, ...] float. With the true values, an unbiased estimate of the advantage.
    Raises:
        ValueError: shapes that do not fit, rewards or discounts that are not finite. (Values may be infinite or
            NaN, as those of a learner that diverged are; so is the result then.)
    Source: Sutton & Barto (2018), eq. 6.5.
    """
    rewards, discounts = _steps(rewards=rewards, discounts=discounts)
    values = np.asarray(values, dtype=float)
    expected = (len(rewards) + 1, *rewards.shape[1:])
    if values.shape != expected:
        raise ValueError(f"values must be [T+1, ...] = {expected} to fit rewards {rewards.shape}; got {values.shape}")
    return rewards + discounts * values[1:] - values[:-1]


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
        ValueError: shapes that do not fit, rewards, discounts or mask that are not finite, lam outside [0, 1].
    Source: Schulman et al. (2016), eq. 16.
    """
    if not 0 <= lam <= 1:
        raise ValueError(f"lam must be between 0 and 1; got {lam}")
    rewards, discounts, mask = _steps(rewards=rewards, discounts=discounts, mask=mask)
    deltas = td_residuals(rewards, discounts, values)
    return _discounted_sums(mask * deltas, lam * mask * discounts)


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
    if not isinstance(n, int | np.integer) or n < 1:
        raise ValueError(f"n must be a whole number of 1 or more; got {n!r}")
    rewards, discounts, mask = _steps(rewards=rewards, discounts=discounts, mask=mask)
    deltas = mask * td_residuals(rewards, discounts, values)
    advantages = deltas.copy()
    for _ in range(min(n, len(rewards)) - 1):
        advantages[:-1] = deltas[:-1] + (mask * discounts)[:-1] * advantages[1:]
    return advantages


def _steps(**arrays):
    """Arrays of one common shape [T, ...] as floats (integer rewards must not give integer returns)."""
    arrays = {name: np.asarray(array, dtype=float) for name, array in arrays.items()}
    shape = arrays["rewards"].shape
    for name, array in arrays.items():
        if array.ndim == 0 or array.shape != shape:
            raise ValueError(f"{name} must be [T, ...] with the shape of rewards, {shape}; got shape {array.shape}")
        if not np.isfinite(array).all():
            raise ValueError(f"{name} must be finite numbers; got NaN or infinity")
    return arrays.values()

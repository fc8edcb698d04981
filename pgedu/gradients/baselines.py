"""Baselines: what is subtracted from a return before it weights a score.

A baseline is a function (rollout, targets) -> array that broadcasts to targets [T, *R, B], the returns that it is
subtracted from. It leaves the gradient unbiased as long as it does not depend on the action it judges.
"""

import numpy as np

from pgedu.arguments import function, no_underflow, numbers, refuse
from pgedu.gradients.returns import discount_powers


def none(rollout, targets):
    """b = 0."""
    return 0.0


def constant(value):
    """b = value, a number or [*R, 1]. Unbiased."""
    b = numbers("value", value)
    return lambda rollout, targets: b


def batch_mean(rollout, targets):
    """b_t = mean over the B episodes of the batch, the judged one included (a reward-to-go is 0 after an end).

    Biased: E[g] is (1 - 1/B) times the gradient, so with one episode it is always 0.
    """
    return targets.mean(axis=-1, keepdims=True)


def leave_one_out(rollout, targets):
    """b_t = mean over the B - 1 other episodes of the batch (a reward-to-go is 0 after an end). Unbiased.

    Source: Kool et al. (2019); with one episode there is no other.
    Raises:
        ValueError: B = 1.
    """
    B = targets.shape[-1]
    if B < 2:
        raise ValueError(f"leave_one_out needs 2 or more episodes in a batch; got {B}")
    return (targets.sum(axis=-1, keepdims=True) - targets) / (B - 1)


def state_value(values):
    """b_t = v(o_t), from a function of observations, or from an array [O] or [*R, O]. Unbiased.

    Any function of the observation will do; with the true values, the weights are advantages. (Mind states that
    look alike: `values` are by observation, not by state.)
    Raises:
        ValueError: numbers that are not finite, or that do not fit the rollout.
    """
    if callable(values):
        return lambda rollout, targets: values(rollout.observations)[:-1]
    values = numbers("values", values, "[O] or [*R, O], or a function")
    if values.ndim == 0:
        raise refuse("values", "a function, or numbers [O] or [*R, O]", values)
    runs, O = values.shape[:-1], values.shape[-1]

    def baseline(rollout, targets):
        observations, batch = rollout.observations[:-1], targets.shape[1:]
        if batch[:-1][: len(runs)] != runs or observations.max(initial=0) >= O:
            wanted = f"[O] or [*R, O] with runs {batch[:-1]} and O > {observations.max(initial=0)}"
            raise ValueError(f"values must be {wanted}; got shape {values.shape}")
        run = np.arange(int(np.prod(runs))).reshape(*runs, *[1] * (len(batch) - len(runs)))
        return values.reshape(-1, O)[run, observations]

    return baseline


def optimal(policy, theta, *, gamma_power=True):
    """The constant that minimises the variance of the gradient, estimated from the OTHER episodes of the batch.

    Weights c_t (targets_t - b) give g = X - b S with X = sum c_t targets_t score_t and S = sum c_t score_t, so the
    best constant is b = E[X . S] / E[S . S] (Greensmith et al. 2004, section 4). Fitting it on the judged episode
    itself would bias the gradient; with the others it is unbiased.

    Args:
        gamma_power: as in the estimator it is used with (False for `total_return`, whose weights carry no gamma^t).
    Raises:
        ValueError: B = 1.
    """

    @no_underflow
    def baseline(rollout, targets):
        B = targets.shape[-1]
        if B < 2:
            raise ValueError(f"optimal needs 2 or more episodes in a batch; got {B}")
        weights = rollout.mask * discount_powers(rollout) if gamma_power else rollout.mask
        steps = (theta, rollout.observations[:-1], rollout.actions)
        X, S = policy.score(*steps, weights * targets), policy.score(*steps, weights)
        above, below = (X * S).sum(axis=-1), (S * S).sum(axis=-1)
        others = below.sum(axis=-1, keepdims=True) - below
        best = above.sum(axis=-1, keepdims=True) - above
        return np.divide(best, others, out=np.zeros_like(best), where=others > 0)

    return baseline


def require_baseline(name, value):
    """`value`, if it is a function (rollout, targets) -> b; else a ValueError, also where a call was forgotten."""
    if any(value is each for each in (constant, state_value, optimal)) or isinstance(value, type):
        raise refuse(name, f"a function (rollout, targets) -> b, such as what {value.__name__}(...) returns", value)
    return function(name, value, "a function (rollout, targets) -> b, such as leave_one_out or constant(2.0)", places=2)

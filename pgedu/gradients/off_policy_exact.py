"""Exact bias and variances of off-policy estimates in a finite world, by a recursion over steps."""

from typing import NamedTuple

import numpy as np

from pgedu.arguments import able, no_underflow, number, numbers, refuse

LARGEST = 700.0  # a logarithm beyond which there are no numbers


class OffPolicyMoments(NamedTuple):
    """What one episode of the behaviour says of the target, each [*R]. The variance of a mean of B episodes is a B-th."""

    value: np.ndarray  # J of the target
    squared_weight: np.ndarray  # E w^2; of B episodes about B / E w^2 are effective
    trajectory: np.ndarray  # variance of `trajectory_importance`
    robust: np.ndarray  # variance of `doubly_robust`; with action values of 0, of `per_decision_importance`


@no_underflow
def off_policy_moments(mdp, policy, theta, behaviour, *, horizon=None, action_values=0.0):
    """The `OffPolicyMoments` of one episode under parameters `behaviour` [*R, D], for the target theta [*R, D].

    From a state, D = v'^2 + 2 v' (v - v') + E rho^2 (e^2 + 2 gamma e v_next + gamma^2 D_next) is the second moment of the
    doubly robust contribution, with q' the action values, v' = sum_a pi q' and e = r - q'. Those of w G and w are alike.
    Caps and self-normalised weights have no such recursion: `exact_expectation` enumerates logs.

    Args:
        horizon: number of steps; default the world's own. Time is linear in it, where an enumeration's is exponential.
        action_values: q' [H, *R, S, A], such as those of `solve`, or what broadcasts to that.
    Raises:
        ValueError: noisy rewards, no horizon, a behaviour that never does what the target does, arrays that do not fit.
    Source: Jiang & Li (2016), theorem 1.
    """
    pi, squares = _chances_and_squares(mdp, policy, theta, behaviour)
    steps = number("horizon", mdp.horizon if horizon is None else horizon, 1, whole=True)
    steps = min(steps, mdp.horizon or steps)
    q, shape = numbers("action_values", action_values), (steps, *pi.shape)
    try:
        q = np.broadcast_to(q, shape)
    except ValueError:
        raise refuse("action_values", f"[H, *R, S, A] = {shape}", f"shape {q.shape}") from None
    over = np.zeros((5, *pi.shape[:-1]))  # v, E w^2, E w^2 G, E w^2 G^2 and D where no step is left
    over[1] = 1
    left = over
    for model in q[::-1]:
        with np.errstate(over="ignore", invalid="ignore"):
            left = np.where(mdp.terminal, over, _longer(mdp, pi, squares, model, left))
    if not np.isfinite(left).all():
        raise refuse("horizon", "so short that all variances are numbers", steps)
    value, weight, _, second, robust = left @ mdp.start
    return OffPolicyMoments(value, weight, second - value**2, robust - value**2)


def _chances_and_squares(mdp, policy, theta, behaviour):
    """pi(a | s) of the target, and its square over the behaviour's chance, both [*R, S, A]."""
    able("mdp", mdp, "log_policy", "a finite world, such as an MDP")
    if mdp.reward_noise or mdp.policy_rewards is not None or mdp.rewards.ndim != 2:
        raise refuse("mdp", "one with rewards [S, A] and no noise", f"shape {mdp.rewards.shape}, noise {mdp.reward_noise}")
    logs = [mdp.log_policy(policy, mdp.require_fit(policy, each)) for each in (theta, behaviour)]
    log_target, log_behaviour = np.broadcast_arrays(*logs)
    with np.errstate(invalid="ignore"):
        squares = np.where(np.isneginf(log_target), -np.inf, 2 * log_target - log_behaviour)
    squares = np.where(mdp.terminal[:, None], 0.0, squares)
    if (squares > LARGEST).any():
        raise ValueError("behaviour must be a policy that may do all that the target does; got one without that support")
    return np.exp(log_target), np.exp(squares)


def _longer(mdp, pi, squares, q, left):
    """The five quantities of one step more, [5, *R, S]."""
    ahead = (mdp.chances * left[..., mdp.successors]).sum(axis=-1)  # [5, *R, S, A]
    value, weight, first, second, robust = ahead
    r, gamma = mdp.rewards, mdp.gamma
    e, modelled = r - q, (pi * q).sum(axis=-1)
    summed = [
        (each * of).sum(axis=-1) for each, of in (
            (pi, r + gamma * value), (squares, weight), (squares, r * weight + gamma * first),
            (squares, r**2 * weight + 2 * r * gamma * first + gamma**2 * second),
            (squares, e**2 + 2 * e * gamma * value + gamma**2 * robust),
        )
    ]  # fmt: skip
    summed[4] = summed[4] + modelled**2 + 2 * modelled * (summed[0] - modelled)
    return np.array(summed)

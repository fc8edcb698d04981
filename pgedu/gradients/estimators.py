"""Estimators: a `Rollout` goes in, weights psi [T, *R, B] come out.

Every policy gradient estimator is g = sum_t psi_t * grad log pi(a_t | s_t) (Schulman et al. 2016, eq. 1), so an
estimator is no more than a choice of psi; `episode_gradients` (in `moments`) does the rest. Set options with
`functools.partial(reward_to_go, baseline=leave_one_out)`. A plain function of the rollout works everywhere that these do.
"""

import functools
import inspect

import numpy as np

from pgedu.arguments import function, no_underflow, number, numbers, refuse
from pgedu.gradients.baselines import none, require_baseline
from pgedu.gradients.returns import discount_powers, discounted_returns, gae, n_step_advantages, td_residuals


def takes(estimator, name):
    """Can this function be given the argument `name`? A plain function of the rollout takes nothing else.

    What is bound already, by functools.partial, is kept: it cannot be given again.
    """
    if isinstance(estimator, functools.partial) and name in estimator.keywords:
        return False
    try:
        parameters = inspect.signature(estimator).parameters
    except ValueError:  # a compiled function that does not tell
        return False
    return name in parameters or any(each.kind is each.VAR_KEYWORD for each in parameters.values())


def require_answer(estimator, **offered):
    """Raise ValueError unless the estimator can be called with a rollout and what is offered beside it."""
    offered = {name: value for name, value in offered.items() if takes(estimator, name)}
    try:
        inspect.signature(estimator).bind(None, **offered)
    except ValueError:
        return  # a compiled function, which does not tell
    except TypeError as missing:
        raise refuse("estimator", f"one that needs no more than is offered here ({missing})", estimator) from None


def weights_of(estimator, rollout, **offered):
    """psi = estimator(rollout), float [T, *R, B], with what is offered beside it where the estimator takes that.

    Raises:
        ValueError: a psi of another shape than the rewards.
    """
    offered = {name: value for name, value in offered.items() if takes(estimator, name)}
    psi = numbers("psi", estimator(rollout, **offered), finite=False)
    if psi.shape != rollout.rewards.shape:
        raise refuse("psi", f"of the shape of the rewards, {rollout.rewards.shape}", f"shape {psi.shape}")
    return psi


def require_estimator(name, value):
    """`value`, if it is a function of a rollout; else a ValueError."""
    return function(name, value, "a function of a rollout, such as those in pgedu.gradients.estimators", places=1)


@no_underflow
def total_return(rollout, *, baseline=none, gamma_power=True):
    """psi_t = G_0 - b: every action is weighted with the return of the whole episode.

    Unbiased for grad J (whole episodes, a baseline that does not depend on the episode's own actions), with
    the variance of rewards that came before the action. Source: Williams (1992).

    Args:
        gamma_power: True (default) for grad J itself. False weights step t with sum_k gamma^(k-t) R_{k+1} - b,
            G_0 seen from time t: the same expectation as `reward_to_go` without gamma^t, which is not grad J.
    Raises:
        ValueError: a rollout in which a column holds more than one episode.
    """
    powers = discount_powers(rollout)
    targets = np.broadcast_to((powers * rollout.rewards).sum(axis=0), powers.shape)
    if not gamma_power:
        _require_short(rollout, powers)
        targets = np.divide(targets, powers, out=np.zeros_like(powers), where=powers > 0)
    return _minus_baseline(rollout, targets, baseline)


def _require_short(rollout, powers):
    underflow = (powers == 0) & (rollout.mask == 1) & (rollout.discounts.max(initial=0) > 0)
    if underflow.any():
        wanted = "short enough for gamma^t, which G_0 is divided by, to be a number above 0"
        raise refuse("rollout", wanted, f"{len(powers)} steps")


@no_underflow
def reward_to_go(rollout, *, baseline=none, gamma_power=True):
    """psi_t = gamma^t (G_t - b_t): an action is weighted with what followed it.

    Unbiased for grad J under the conditions of `total_return`, with less variance as a rule.
    Source: Sutton & Barto (2018), section 13.3; Sutton et al. (1999).

    Args:
        gamma_power: True (default) keeps gamma^t, which grad J asks for. False drops it, as most programs do:
            it weights late states as if they were not discounted, and is the gradient of no return at all
            (Nota & Thomas 2020). Without discount, gamma = 1, both are the same.
    Raises:
        ValueError: gamma_power=True with a rollout in which a column holds more than one episode.
    """
    targets = discounted_returns(rollout.rewards, rollout.discounts)
    psi = _minus_baseline(rollout, targets, baseline)
    return discount_powers(rollout) * psi if gamma_power else psi


def _minus_baseline(rollout, targets, baseline):
    targets = targets.view()
    targets.setflags(write=False)  # a baseline that wrote into them would be subtracted from other returns
    try:
        b = numbers("baseline's b", baseline(rollout, targets), finite=False)
    except (TypeError, ValueError):
        require_baseline("baseline", baseline)  # says more, where it is no baseline at all
        raise
    try:
        return (targets - np.broadcast_to(b, targets.shape)) * rollout.mask
    except ValueError:
        raise refuse("baseline's b", f"an array that fits {targets.shape}", f"shape {b.shape}") from None


@no_underflow
def td_advantage(rollout, *, values, gamma_power=False):
    """psi_t = delta_t = R_{t+1} + gamma v(s_{t+1}) - v(s_t): one reward, and the critic's word for the rest.

    The least variance; biased unless `values` are those of the policy. Source: Sutton & Barto (2018), section 13.5.

    Args:
        values: the critic, a function of observations [T+1, *R, B, ...] -> [T+1, *R, B], or an array [O].
        gamma_power: True multiplies by gamma^t, which grad J asks for and nearly all programs leave out; see
            `reward_to_go`. Whole episodes only.
    """
    v = _critic(values, rollout)
    return _advantages(rollout, td_residuals(rollout.rewards, rollout.discounts, v), gamma_power)


@no_underflow
def n_step_advantage(rollout, *, values, n=5, gamma_power=False):
    """psi_t = the n-step return - v(s_t): n rewards, then the critic's word. Arguments as for `td_advantage`.

    The bias shrinks and the variance grows with n. Source: Sutton & Barto (2018), section 7.1.
    """
    steps = rollout.rewards, rollout.discounts, _critic(values, rollout), rollout.mask
    return _advantages(rollout, n_step_advantages(*steps, n), gamma_power)


@no_underflow
def lambda_advantage(rollout, *, values, lam=0.95, gamma_power=False):
    """psi_t = sum_k (gamma lam)^k delta_{t+k}: all n-step advantages at once, with weights (1 - lam) lam^(n-1).

    lam = 0 is `td_advantage`. lam = 1 is the return minus v(s_t): on whole episodes unbiased, whatever the critic.
    Arguments as for `td_advantage`. Source: Schulman et al. (2016), eq. 16.
    """
    steps = rollout.rewards, rollout.discounts, _critic(values, rollout), rollout.mask
    return _advantages(rollout, gae(*steps, lam), gamma_power)


def _critic(values, rollout):
    if callable(values):
        return getattr(values, "values", values)(rollout.observations)  # of a LearnedValue, too
    try:
        table = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        table = np.empty(())
    discrete = np.issubdtype(rollout.observations.dtype, np.integer)
    if table.ndim != 1 or not discrete or rollout.observations.max(initial=0) >= len(table):
        wanted = "a function of observations, or [O], one for each of O discrete observations"
        raise ValueError(f"values must be {wanted}; got {values!r:.60}")
    return table[rollout.observations]


def _advantages(rollout, advantages, gamma_power):
    return advantages * (rollout.mask * discount_powers(rollout) if gamma_power else rollout.mask)


@no_underflow
def clipped_surrogate(ratio, advantages, clip):
    """min(r A, clip(r, 1 - clip, 1 + clip) A), elementwise; r = pi(a|s; theta) / pi(a|s; theta_old).

    Its gradient is that of grad J in the old policy's data, but gives no reason to move r beyond 1 +- clip.
    Source: Schulman et al. (2017), eq. 7.
    """
    ratio, advantages = _ratio_and_advantages(ratio, advantages, clip)
    return np.minimum(ratio * advantages, np.clip(ratio, 1 - clip, 1 + clip) * advantages)


@no_underflow
def clipped_weights(ratio, advantages, clip):
    """psi = r A, and 0 where r is already beyond the clip on the side that A drives it to.

    d/d theta of `clipped_surrogate` is psi grad log pi: PPO, too, is a choice of weights.
    """
    ratio, advantages = _ratio_and_advantages(ratio, advantages, clip)
    beyond = np.where(advantages > 0, ratio > 1 + clip, ratio < 1 - clip)
    return np.where(beyond, 0.0, ratio * advantages)


def _ratio_and_advantages(ratio, advantages, clip):
    ratio, advantages = numbers("ratio", ratio, least=0, finite=False), numbers("advantages", advantages, finite=False)
    if ratio.ndim and advantages.ndim and ratio.shape != advantages.shape:
        raise ValueError(f"advantages must have the shape of ratio, {ratio.shape}; got {advantages.shape}")
    number("clip", clip, least=0, finite=False)
    return ratio, advantages

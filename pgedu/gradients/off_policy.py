"""What a target policy would have earned, from a `Rollout` that another policy, the behaviour, has written.

Every estimator gives contributions [*R, B]: their mean over the episodes is the estimate of J, and `standard_error` of
them is its standard error (to first order, for the weighted ones). The rollout's `log_probs` are the logarithms of
the propensities; rho_t = pi(a_t | s_t) / propensity_t, and w_t = rho_0 ... rho_t. The `target` is either
log pi(a_t | s_t) of the logged actions, [T, *R, B], or a pair (policy, theta).

All raise ValueError for a log that cannot be used: log_probs that were not recorded (NaN), a propensity of 0 or above 1,
episodes that are not whole, arrays that do not fit. Time and memory are linear in rows.
"""

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse
from pgedu.gradients.logged import of_actions, require_agreement, require_log, tables, target_of
from pgedu.gradients.returns import discount_powers


@no_underflow
def importance_weights(rollout, target, *, cap=None):
    """w_t = prod_{k <= t} pi(a_k | s_k) / propensity_k, [T, *R, B]; after its end an episode keeps its last weight.

    Their expectation is 1 at every t, if the behaviour can do all that the target does.

    Args:
        target: log pi(a_t | s_t), [T, *R, B], or (policy, theta).
        cap: None, or the most that a weight may be: min(w_t, cap), less variance for a bias.
    Raises:
        ValueError: as the module says; weights too large for a number.
    """
    real = require_log(rollout)
    ratios = np.where(real, target_of(rollout, target, real), 0.0)
    ratios -= np.where(real, rollout.log_probs, 0.0)
    np.cumsum(ratios, axis=0, out=ratios)
    if cap is not None:
        np.minimum(ratios, np.log(number("cap", cap, above=0, finite=False)), out=ratios)
    with np.errstate(over="ignore"):
        weights = np.exp(ratios, out=ratios)
    if np.isinf(weights).any():
        raise refuse("weights", "numbers, for which the episodes are too long; take a cap", np.inf)
    return weights


@no_underflow
def trajectory_importance(rollout, target, *, cap=None):
    """w_{T-1} G_0 of each episode, [*R, B]: the whole return times the weight of the whole episode.

    Unbiased without a cap; the variance grows exponentially with the length of the episodes, and with whatever is
    added to all rewards. For one-step logs: inverse propensity scoring.
    Args: as for `importance_weights`. Source: Precup, Sutton & Singh (2000); Sutton & Barto (2018), eq. 5.5.
    """
    return importance_weights(rollout, target, cap=cap)[-1] * _returns(rollout)


@no_underflow
def weighted_importance(rollout, target, *, cap=None):
    """V + w (G_0 - V) / mean w, with V = sum w G_0 / sum w, which is also the mean: self-normalised, [*R, B].

    Biased (with one episode it is the behaviour's return), consistent, indifferent to what is added to all returns.
    NaN in a run whose weights are all 0: there the log says nothing about the target.
    Args: as for `importance_weights`. Source: Sutton & Barto (2018), eq. 5.6; Swaminathan & Joachims (2015).
    """
    return _self_normalized(importance_weights(rollout, target, cap=cap)[-1], _returns(rollout))


@no_underflow
def per_decision_importance(rollout, target, *, cap=None):
    """sum_t gamma^t w_t R_{t+1}, [*R, B]: a reward is weighted with the actions before it, not with those after it.

    Unbiased without a cap; as a rule, not always, with less variance than `trajectory_importance`.
    Args: as for `importance_weights`. Source: Precup, Sutton & Singh (2000).
    """
    weights = importance_weights(rollout, target, cap=cap)
    weights *= discount_powers(rollout)
    weights *= rollout.rewards
    return weights.sum(axis=0)


@no_underflow
def weighted_per_decision(rollout, target, *, cap=None):
    """The same with each step's weights self-normalised: the mean is sum_t gamma^t sum w_t R_{t+1} / sum w_t, [*R, B].

    Biased and consistent, as is `weighted_importance`; an episode that is over counts with its last weight and reward 0.
    NaN in a run where all weights of a step are 0.
    Args: as for `importance_weights`. Source: Thomas (2015), section 3.7.
    """
    weights = importance_weights(rollout, target, cap=cap)
    return _self_normalized(weights, discount_powers(rollout) * rollout.rewards).sum(axis=0)


def _self_normalized(weights, values):
    """V + w (x - V) / mean w over the last axis: mean V, and the spread that V has to first order."""
    totals = weights.sum(axis=-1, keepdims=True)
    known = np.where(totals > 0, totals, np.nan)
    estimate = (weights * values).sum(axis=-1, keepdims=True) / known
    return estimate + weights * (values - estimate) * (weights.shape[-1] / known)


def _returns(rollout):
    return (discount_powers(rollout) * rollout.rewards).sum(axis=0)


@no_underflow
def direct_method(rollout, action_values, probabilities):
    """sum_a pi(a | s_0) q(s_0, a) of each episode, [*R, B]: a model's word for all rewards, and no weights.

    As biased as the model, with no variance but that of the first states.

    Args:
        action_values: q at each row, [T, *R, B, A], or what broadcasts to that, such as [A].
        probabilities: pi(. | s_t) of the target, likewise.
    Raises:
        ValueError: as the module says; probabilities that are none.
    """
    q, pi = tables(rollout, action_values, probabilities)
    return np.einsum("...a,...a->...", pi[0], q[0])


@no_underflow
def doubly_robust(rollout, target, action_values, probabilities, *, cap=None):
    """sum_t gamma^t (w_t (R_{t+1} - q(s_t, a_t)) + w_{t-1} v(s_t)), v = sum_a pi(a | s) q(s, a), w_{-1} = 1: [*R, B].

    Unbiased if the propensities are right (and there is no cap), and also if q is, whatever the propensities.

    Args:
        target, cap: as for `importance_weights`.
        action_values, probabilities: as for `direct_method`.
    Raises:
        ValueError: as in `direct_method`; probabilities that do not agree with the target.
    Source: Jiang & Li (2016); Dudik, Langford & Li (2011) for one step.
    """
    weights = importance_weights(rollout, target, cap=cap)
    q, pi = tables(rollout, action_values, probabilities)
    require_agreement(rollout, target, pi)
    residuals = weights * (rollout.rewards - of_actions(q, rollout.actions))
    residuals[1:] += weights[:-1] * np.einsum("...a,...a->...", pi[1:], q[1:])
    residuals[0] += np.einsum("...a,...a->...", pi[0], q[0])
    return (residuals * discount_powers(rollout) * rollout.mask).sum(axis=0)


def effective_sample_size(weights):
    """(sum w)^2 / sum w^2 over the last axis of weights [..., B]: so many episodes of equal weight say as much, [...].

    0 where all weights are 0. Source: Kong (1992).
    """
    weights = numbers("weights", weights, "[..., B]", least=0)
    if not weights.size:
        raise refuse("weights", "[..., B] with an episode or more", f"shape {weights.shape}")
    weights = weights / np.maximum(weights.max(axis=-1, keepdims=True), 1e-300)  # so that no square overflows
    with np.errstate(under="ignore"):
        return weights.sum(axis=-1) ** 2 / np.maximum((weights**2).sum(axis=-1), 1e-300)


@no_underflow
def standard_error(contributions):
    """Standard error of the mean of contributions [*R, B], [*R]. ValueError for fewer than two of them.

    It is itself an estimate: where the episodes that matter are rare and the log has none of them, it is far too small.
    """
    contributions = numbers("contributions", contributions, "[*R, B]", finite=False)
    if contributions.ndim == 0 or contributions.shape[-1] < 2:
        raise refuse("contributions", "[*R, B] with B of 2 or more", f"shape {contributions.shape}")
    return contributions.std(axis=-1, ddof=1) / np.sqrt(contributions.shape[-1])

"""What off-policy estimators ask of a log and of a target, and how they read both."""

import numpy as np

from pgedu.arguments import numbers, refuse

ROUNDING = 1e-9  # by which the logarithm of a probability of 1 may stand above 0
AGREE = 1e-6  # probabilities that are closer are the same


def require_log(rollout):
    """Where the log's rows are real, [T, *R, B] bool; ValueError for a log that cannot be used."""
    rewards = numbers("rewards", rollout.rewards)
    if rewards.ndim < 2 or not rewards.size:
        raise refuse("rewards", "[T, *R, B] with a row or more", f"shape {rewards.shape}")
    real = numbers("mask", rollout.mask, "[T, *R, B]", rewards.shape) == 1
    numbers("discounts", rollout.discounts, "[T, *R, B]", rewards.shape)
    logs = numbers("log_probs", rollout.log_probs, "[T, *R, B]", rewards.shape, finite=False)
    _refuse_where(real & np.isnan(logs), "log_probs", "the logarithms of recorded propensities", "NaN")
    _refuse_where(real & np.isneginf(logs), "log_probs", "those of propensities above 0", "propensity 0")
    _require_at_most_one(rollout, logs, real, "log_probs", "those of propensities of at most 1")
    return real


def _require_at_most_one(rollout, logs, real, name, wanted):
    if np.issubdtype(np.asarray(rollout.actions).dtype, np.integer):  # a density may well be above 1
        above = real & (logs > ROUNDING)
        _refuse_where(above, name, wanted, f"a logarithm of {logs[above].max(initial=0):.3g}, above 0,")
    _refuse_where(real & np.isposinf(logs), name, wanted, "infinity")


def _refuse_where(wrong, name, wanted, got):
    if wrong.any():
        step, *column = (int(each) for each in np.unravel_index(wrong.argmax(), wrong.shape))
        place = f"step {step} of episode {', '.join(map(str, column))}, {wrong.sum()} such rows in all"
        raise ValueError(f"{name} must be {wanted}; got {got} at {place}")


def target_of(rollout, target, real):
    """log pi(a_t | s_t) of the target, [T, *R, B]; what stands in rows that are not real is of no account."""
    if isinstance(target, tuple) and len(target) == 2 and hasattr(target[0], "log_prob"):
        target = target[0].log_prob(target[1], rollout.observations[:-1], rollout.actions)
    logs = numbers("target", target, "[T, *R, B]", real.shape, finite=False)
    _refuse_where(real & np.isnan(logs), "target", "log-probabilities of the logged actions", "NaN")
    _require_at_most_one(rollout, logs, real, "target", "LOG-probabilities, 0 or less")
    return logs


def tables(rollout, action_values, probabilities):
    """q and pi as [T, *R, B, A], without copies."""
    shape = require_log(rollout).shape
    q, pi = numbers("action_values", action_values), numbers("probabilities", probabilities)
    if (pi < 0).any() or not np.allclose(pi.sum(axis=-1), 1, rtol=0, atol=AGREE):
        raise refuse("probabilities", "0 or more, with a sum of 1 over the last axis", pi.ravel()[:8].tolist())
    full = (*shape, pi.shape[-1])
    try:
        q, pi = np.broadcast_to(q, full), np.broadcast_to(pi, full)
    except ValueError:
        got = f"shape {q.shape} and {pi.shape}"
        raise refuse("action_values and probabilities", f"[T, *R, B, A] = {full}", got) from None
    actions = np.asarray(rollout.actions)
    if actions.shape != shape or actions.dtype.kind not in "iu" or actions.min() < 0 or actions.max() >= full[-1]:
        raise refuse("actions", f"[T, *R, B] = {shape}, whole numbers below {full[-1]}", actions)
    return q, pi


def of_actions(table, actions):
    """What a table [T, *R, B, A] holds for the actions [T, *R, B] that were taken."""
    return np.take_along_axis(table, actions[..., None], axis=-1)[..., 0]


def require_agreement(rollout, target, pi):
    """Raise ValueError unless the target's probabilities pi [T, *R, B, A] are those of its log-probabilities."""
    real = rollout.mask == 1
    chances = np.exp(np.where(real, target_of(rollout, target, real), 0.0))
    apart = real & (np.abs(chances - of_actions(pi, rollout.actions)) > AGREE)
    _refuse_where(apart, "probabilities", "those of the target for the logged actions", "others")

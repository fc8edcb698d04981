"""How far a log can be trusted to speak for another policy: `diagnose`, in numbers and in words."""

from typing import NamedTuple

import numpy as np

from pgedu.arguments import refuse
from pgedu.gradients.logged import ROUNDING, tables
from pgedu.gradients.off_policy import effective_sample_size, importance_weights, standard_error

DOMINANT = 0.5  # a share of all weight that no single episode should have
FAR = 4.0  # standard errors between the mean weight and 1, which chance alone hardly makes


class Diagnosis(NamedTuple):
    """What a log's weights say about how far it can be trusted."""

    effective: float  # effective sample size
    mean_weight: float  # 1 is expected
    heaviest: float  # the largest share of all weight in one episode
    warnings: tuple  # sentences; empty where nothing was found


def diagnose(rollout, target, *, probabilities=None):
    """The `Diagnosis` of one log [T, B] for a target. A log that cannot be used at all is a ValueError, as everywhere.

    Warnings: an episode with more than half of the weight; a mean weight that is far from 1; propensities that are
    all 1; and, given `probabilities` (as for `direct_method`), actions of the target that the log never shows.
    """
    if rollout.rewards.ndim != 2:
        raise refuse("rollout", "one log, [T, B], without run axes", f"shape {rollout.rewards.shape}")
    weights = importance_weights(rollout, target)[-1]
    size, mean, heaviest = weights.size, float(weights.mean()), float(weights.max() / max(weights.sum(), 1e-300))
    warnings = []
    if heaviest > DOMINANT and size > 1:
        rest = f"{heaviest:.0%} of the weight of all {size}"
        warnings.append(f"Episode {weights.argmax()} alone carries {rest}: the estimate is little but its reward.")
    if size > 1 and abs(mean - 1) > FAR * max(standard_error(weights), ROUNDING):
        cause = "the log lacks what the target does, or its propensities are wrong"
        warnings.append(f"The mean weight is {mean:.3g} where 1 is expected: {cause}.")
    counted = np.issubdtype(rollout.actions.dtype, np.integer)  # a density may well be 1
    if counted and (np.abs(rollout.log_probs[rollout.mask == 1]) <= ROUNDING).all():
        warnings.append("All propensities are 1: either nothing was left to chance, or they were not recorded.")
    unseen = 0.0 if probabilities is None else _never_shown(rollout, probabilities)
    if unseen > ROUNDING:
        warnings.append(f"The target gives {unseen:.1%} of its choices to actions that the log never shows.")
    return Diagnosis(float(effective_sample_size(weights)), mean, heaviest, tuple(warnings))


def _never_shown(rollout, probabilities):
    """The share of the target's choices that are actions without a row in the log."""
    pi, real = tables(rollout, 0.0, probabilities)[1], rollout.mask == 1
    shown = np.bincount(rollout.actions[real], minlength=pi.shape[-1]) > 0
    return (pi.sum(axis=-1, where=~shown) * real).sum() / real.sum()

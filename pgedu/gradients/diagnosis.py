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
    heaviest = float(weights.max() / max(weights.sum(), 1e-300))
    found = [_dominated(weights, heaviest), _off_balance(weights), _all_certain(rollout)]
    if probabilities is not None:
        found.append(_never_shown(rollout, tables(rollout, 0.0, probabilities)[1]))
    effective = float(effective_sample_size(weights))
    return Diagnosis(effective, float(weights.mean()), heaviest, tuple(each for each in found if each))


def _dominated(weights, share):
    if share > DOMINANT and weights.size > 1:
        rest = f"{share:.0%} of the weight of all {weights.size}"
        return f"Episode {weights.argmax()} alone carries {rest}: the estimate is little but its reward."
    return ""


def _off_balance(weights):
    mean, size = weights.mean(), weights.size
    if size > 1 and abs(mean - 1) > FAR * max(standard_error(weights), ROUNDING):
        cause = "the log lacks what the target does, or its propensities are wrong"
        return f"The mean weight is {mean:.3g} where 1 is expected: {cause}."
    return ""


def _all_certain(rollout):
    real = rollout.mask == 1
    if np.issubdtype(rollout.actions.dtype, np.integer) and (np.abs(rollout.log_probs[real]) <= ROUNDING).all():
        return "All propensities are 1: either nothing was left to chance, or they were not recorded."
    return ""


def _never_shown(rollout, pi):
    real = rollout.mask == 1
    shown = np.bincount(rollout.actions[real], minlength=pi.shape[-1]) > 0
    share = (pi.sum(axis=-1, where=~shown) * real).sum() / real.sum()
    return f"The target gives {share:.1%} of its choices to actions that the log never shows." if share > ROUNDING else ""

"""A log made from a plain table: columns of what was done, what came of it, and how probable it had been."""

import numpy as np

from pgedu.arguments import numbers, refuse
from pgedu.experience.rollouts import rollout_of

MOST_ACTIONS = 2**31  # larger numbers are no codes but names, and from 2^53 floats do not tell them apart


def rollout_from_table(actions, rewards, propensities, observations=None):
    """The `Rollout` of B one-step episodes, a row each: `rollout_from_table(table["item"], table["click"], table["chance"])`.

    log_probs are the logarithms of the propensities; every episode ends with its step (discounts 0, mask 1), and what
    would be observed afterwards, which nobody asks for, is what was observed before.

    Args:
        actions: [*R, B], whole numbers from 0, the codes of what was done. For labels:
            `labels, actions = numpy.unique(column, return_inverse=True)`, and labels[0] is what code 0 means.
        rewards: [*R, B], what came of it. Whole numbers and bools become floats.
        propensities: [*R, B], or one number for all rows: the chance that the policy that acted gave to THIS action, recorded
            when it was chosen. They cannot be left out: without them the log cannot speak for another policy.
        observations: [*R, B, ...], what the policy saw, numbers; default 0 everywhere, where nothing was seen.
    Raises:
        ValueError: columns that do not fit one another; actions that are no codes; rewards or observations that are no finite
            numbers; propensities that are missing, 0 or less, or above 1.
    """
    rewards = numbers("rewards", rewards, "[*R, B]")
    if not rewards.size or not rewards.ndim:
        raise refuse("rewards", "[*R, B] with a row or more", f"shape {rewards.shape}")
    actions = _codes(actions, rewards.shape)
    log_probs = np.log(_chances(propensities, rewards.shape))
    seen = np.zeros(rewards.shape, dtype=int) if observations is None else _seen(observations, rewards.shape)
    observations = np.broadcast_to(seen, (2, *seen.shape))
    discounts, mask = np.zeros((1, *rewards.shape)), np.ones((1, *rewards.shape))
    return rollout_of([observations, actions[None], np.array(rewards)[None], discounts, mask, log_probs[None]])


def _codes(actions, shape):
    codes = np.asarray(actions)
    if codes.dtype.kind not in "biuf":
        wanted = "codes 0, 1, ... (of labels, numpy.unique(labels, return_inverse=True)[1] makes such)"
        raise refuse("actions", wanted, actions)
    codes = numbers("actions", actions, "[*R, B]", shape)
    wrong = (codes < 0) | (codes >= MOST_ACTIONS) | (codes != np.floor(codes))
    _refuse_rows(wrong, codes, "actions", f"whole numbers from 0 to {MOST_ACTIONS - 1}")
    return codes.astype(int)


def _chances(propensities, shape):
    if propensities is None:
        recorded = "the recorded chance of each action that was taken, without which no other policy can be judged"
        raise refuse("propensities", recorded, None)
    chances = numbers("propensities", propensities, finite=False)
    chances = numbers("propensities", chances if chances.ndim else np.full(shape, chances), "[*R, B]", shape, finite=False)
    _refuse_rows(np.isnan(chances), chances, "propensities", "recorded in every row")
    _refuse_rows((chances <= 0) | (chances > 1), chances, "propensities", "above 0 and at most 1")
    return chances


def _seen(observations, shape):
    kept = np.array(observations)  # a copy, and whole numbers stay whole: they are the rows of tables
    found = numbers("observations", observations, "[*R, B, ...]")
    if found.shape[: len(shape)] != shape:
        raise refuse("observations", f"[*R, B, ...] with [*R, B] = {shape}", f"shape {found.shape}")
    return kept


def _refuse_rows(wrong, column, name, wanted):
    if wrong.any():
        row = np.unravel_index(wrong.argmax(), wrong.shape)
        place = ", ".join(str(int(index)) for index in row)
        raise ValueError(f"{name} must be {wanted}; got {column[row]:g} in row {place}, {wrong.sum()} such rows in all")

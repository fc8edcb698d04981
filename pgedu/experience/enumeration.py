"""Every trajectory of a small world, with its exact probability: expectations without sampling."""

from dataclasses import replace

import numpy as np

from pgedu.experience.rollouts import require_fit, rollout_of_states

LIMIT = 20_000_000  # numbers in one array of an enumeration, beyond which it is refused


def enumerate_rollouts(mdp, policy, theta, *, horizon, batch=1):
    """Return (rollout, probabilities): every batch of trajectories there is, with its exact probability.

    The N trajectories of at most `horizon` steps make N^batch batches, which stand on one more run axis:
    arrays [T, *R, N^batch, batch], probabilities [*R, N^batch]. An estimator runs on them unchanged, and
    sees each batch by itself; `each_batch(theta, rollout.actions)` are the parameters that go with it.

    Args:
        theta: [*R, D].
        horizon: the world ends there: J is the return of `horizon` steps (or of the world's own, if shorter).
        batch: number of episodes that an estimator sees together.
    Raises:
        ValueError: noisy rewards (there is no end of trajectories), more than can be held, with the count, or
            arguments that do not fit one another.
    """
    if mdp.reward_noise or mdp.rewards.ndim != 2:
        got = f"{mdp.reward_noise} and {mdp.rewards.shape}"
        raise ValueError(f"mdp must have reward_noise 0 and rewards [S, A] to be enumerated; got {got}")
    theta = require_fit(mdp, policy, theta, horizon=horizon, batch=batch)
    mdp = replace(mdp, horizon=min(horizon, mdp.horizon or horizon))
    _require_few(mdp, batch, theta)
    states, actions, chances = _paths(mdp)
    members = np.indices((len(chances),) * batch).reshape(batch, -1).T  # [N^batch, batch]
    runs = theta.shape[:-1]
    states, actions = (_for_all_runs(array[:, members], runs) for array in (states, actions))
    rollout = rollout_of_states(mdp, policy, each_batch(theta, actions), states, actions)
    return rollout, (chances[members] * np.exp(rollout.log_probs.sum(axis=0))).prod(axis=-1)


def each_batch(theta, actions):
    """theta [*R, D], repeated for each batch of enumerated actions [T, *R, N, batch]: [*R, N, D]."""
    return np.broadcast_to(theta[..., None, :], (*actions.shape[1:-1], theta.shape[-1]))


def _for_all_runs(array, runs):
    """[T, N, batch] -> [T, *R, N, batch]: the trajectories are the same for all runs, their probabilities are not."""
    lead, rest = array.shape[:1], array.shape[1:]
    return np.broadcast_to(array.reshape(*lead, *[1] * len(runs), *rest), (*lead, *runs, *rest))


def _require_few(mdp, batch, theta):
    possible = (mdp.transitions > 0).sum(axis=1)  # [S, S]: actions that may lead from one state to another
    paths = np.ones(mdp.n_states)
    for _ in range(mdp.horizon):
        paths = np.where(mdp.terminal, 1.0, np.minimum(possible @ paths, 1e100))  # 0 * inf would be NaN
    count = paths[mdp.start > 0].sum()
    with np.errstate(over="ignore"):
        batches = count**batch
        # The largest arrays: d log pi / d outputs [T, *R, N^batch, batch, A], and gradients [*R, N^batch, batch, D].
        numbers = batches * batch * np.prod(theta.shape[:-1]) * max(mdp.horizon * mdp.n_actions, theta.shape[-1])
    if numbers > LIMIT:
        raise ValueError(
            f"horizon must be shorter or batch smaller: {mdp.horizon} steps allow {count:.9g} trajectories and "
            f"{batches:.3g} batches of {batch}, {numbers:.2g} numbers in one array (limit {LIMIT:.0e})"
        )


def _paths(mdp):
    """(states [T+1, N], actions [T, N], chances [N]): all paths, and the world's part in their probability."""
    state = np.flatnonzero(mdp.start)
    states, actions, chances = state[None], np.empty((0, len(state)), dtype=int), mdp.start[state]
    for _ in range(mdp.horizon):
        here = states[-1]
        over = mdp.terminal[here]
        possible = mdp.transitions[here] > 0  # [N, A, S]
        possible[over] = False
        possible[over, 0, here[over]] = True  # an ended path goes on in one way, so that all are equally long
        parent, action, following = np.nonzero(possible)
        step = np.where(over[parent], 1.0, mdp.transitions[here[parent], action, following])
        states = np.vstack([states[:, parent], following])
        actions = np.vstack([actions[:, parent], action])
        chances = chances[parent] * step
    return states, actions, chances

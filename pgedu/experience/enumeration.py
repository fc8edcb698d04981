"""Every trajectory of a small world, with its exact probability: expectations without sampling."""

import numpy as np

from pgedu.arguments import able, number
from pgedu.experience.rollouts import rollout_of

LIMIT = 20_000_000  # numbers in one array of an enumeration, beyond which it is refused


@np.errstate(under="ignore")
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
        ValueError: noisy rewards (there is no end of trajectories), more than can be held, or arguments that
            do not fit one another.
    """
    able("mdp", mdp, "record", "a finite world, such as an MDP, to be enumerated")
    if mdp.reward_noise or mdp.rewards.ndim != 2:
        got = f"{mdp.reward_noise} and {mdp.rewards.shape}"
        raise ValueError(f"mdp must have reward_noise 0 and rewards [S, A] to be enumerated; got {got}")
    number("horizon", horizon, 1, whole=True), number("batch", batch, 1, whole=True)
    theta, horizon = mdp.require_fit(policy, theta), min(horizon, mdp.horizon or horizon)
    # The largest arrays: d log pi / d outputs [T, *R, N^batch, batch, A], and gradients [*R, N^batch, batch, D].
    for_each = batch * int(np.prod(theta.shape[:-1])) * max(horizon * mdp.n_actions, policy.size)
    most = int((LIMIT / for_each) ** (1 / batch) + 1e-9)  # a root of 64 may be 3.9999999999999996
    states, actions, chances = _paths(mdp, horizon, most)
    members = np.indices((len(chances),) * batch).reshape(batch, -1).T  # [N^batch, batch]
    states, actions = (_for_all_runs(array[:, members], theta.shape[:-1]) for array in (states, actions))
    rollout = rollout_of(mdp.record(mdp.log_policy(policy, theta), states, actions, horizon=horizon))
    return rollout, (chances[members] * np.exp(rollout.log_probs.sum(axis=0))).prod(axis=-1)


def each_batch(theta, actions):
    """theta [*R, D], repeated for each batch of enumerated actions [T, *R, N, batch]: [*R, N, D]."""
    return np.broadcast_to(theta[..., None, :], (*actions.shape[1:-1], theta.shape[-1]))


def _for_all_runs(array, runs):
    """[T, N, batch] -> [T, *R, N, batch]: the trajectories are the same for all runs, their probabilities are not."""
    lead, rest = array.shape[:1], array.shape[1:]
    return np.broadcast_to(array.reshape(*lead, *[1] * len(runs), *rest), (*lead, *runs, *rest))


def _require_few(count, most):
    if count > most:
        raise ValueError(
            f"horizon must be shorter or batch smaller: at most {most} trajectories fit into arrays of {LIMIT:.0e} numbers; "
            f"got {count} or more"
        )


def _paths(mdp, horizon, most):
    """(states [T+1, N], actions [T, N], chances [N]): all paths, and the world's part in their probability.

    They become more with each step, or stay as many as they are: as soon as there are too many, they are refused.
    """
    successors, known = mdp.outcomes
    order = np.argsort(np.where(known > 0, successors, mdp.n_states), axis=-1, kind="stable")  # by next state
    successors, known = (np.take_along_axis(array, order, axis=-1) for array in (successors, known))
    here = first = np.flatnonzero(mdp.start)
    _require_few(len(first), most)
    chances, links = mdp.start[first], []
    for _ in range(horizon):
        over = mdp.terminal[here]
        possible = known[here] > 0  # [N, A, K]
        possible[over] = False
        possible[over, 0, 0] = True  # an ended path goes on in one way, to itself, so that all are equally long
        _require_few(np.count_nonzero(possible), most)
        parent, action, choice = np.nonzero(possible)
        cell = here[parent], action, choice
        chances = chances[parent] * np.where(over[parent], 1.0, known[cell])
        here = successors[cell]
        links.append((parent, action, here))
    states, actions = (np.empty((steps, len(here)), dtype=int) for steps in (horizon + 1, horizon))
    path = np.arange(len(here))
    for t in reversed(range(horizon)):  # back from each path's end to where it came from
        parent, action, here = links[t]
        states[t + 1], actions[t], path = here[path], action[path], parent[path]
    states[0] = first[path]
    return states, actions, chances

"""Every trajectory of a small world, with its exact probability: expectations without sampling."""

import numpy as np

from pgedu.arguments import able
from pgedu.experience.rollouts import require_fit, rollout_of

LIMIT = 20_000_000  # numbers in one array of an enumeration, beyond which it is refused
COUNTED = 1000  # steps for which trajectories are counted in full before they are refused; beyond them "more than"


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
        ValueError: noisy rewards (there is no end of trajectories), more than can be held, with the count, or
            arguments that do not fit one another.
    """
    able("mdp", mdp, "record", "a finite world, such as an MDP, to be enumerated")
    if mdp.reward_noise or mdp.rewards.ndim != 2:
        got = f"{mdp.reward_noise} and {mdp.rewards.shape}"
        raise ValueError(f"mdp must have reward_noise 0 and rewards [S, A] to be enumerated; got {got}")
    theta = require_fit(mdp, policy, theta, horizon=horizon, batch=batch)
    horizon = min(horizon, mdp.horizon or horizon)
    _require_few(mdp, horizon, batch, theta)
    states, actions, chances = _paths(mdp, horizon)
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


def _require_few(mdp, horizon, batch, theta):
    # The largest arrays: d log pi / d outputs [T, *R, N^batch, batch, A], and gradients [*R, N^batch, batch, D].
    for_each = batch * int(np.prod(theta.shape[:-1])) * max(horizon * mdp.n_actions, theta.shape[-1])
    count, at_least = _count(mdp, horizon, most=(LIMIT / for_each) ** (1 / batch))
    with np.errstate(over="ignore"):
        batches = count**batch
        numbers = batches * for_each
    if at_least or numbers > LIMIT:
        more = "more than " * at_least
        raise ValueError(
            f"horizon must be shorter or batch smaller: {horizon} steps allow {more}{count:.9g} trajectories and "
            f"{more}{batches:.3g} batches of {batch}, {more}{numbers:.2g} numbers in one array (limit {LIMIT:.0e})"
        )


def _count(mdp, horizon, most):
    """(number of trajectories of `horizon` steps, False), or (those of fewer steps, True) if they are too many already.

    With each step they become more or stay for ever what they are, so that even endless horizons are soon judged.
    """
    ways, counted = mdp.chances > 0, _reachable(mdp) & ~mdp.terminal
    paths = np.ones(mdp.n_states)  # from each state
    for steps in range(horizon):
        if steps >= COUNTED and paths[mdp.start > 0].sum() > most:
            return paths[mdp.start > 0].sum(), True
        longer = np.minimum((ways * paths[mdp.successors]).sum(axis=(-2, -1)), 1e100)  # 0 * inf would be NaN
        longer = np.where(counted, longer, 1.0)
        if (longer == paths).all():
            break
        paths = longer
    return paths[mdp.start > 0].sum(), False


def _reachable(mdp):
    """[S] bool: states in which an episode may come."""
    reached, before = mdp.start > 0, -1
    while reached.sum() > before:
        before = reached.sum()
        leaving = reached & ~mdp.terminal
        reached = reached.copy()
        reached[mdp.successors[leaving][mdp.chances[leaving] > 0]] = True
    return reached


def _paths(mdp, horizon):
    """(states [T+1, N], actions [T, N], chances [N]): all paths, and the world's part in their probability."""
    successors, known = mdp.outcomes
    order = np.argsort(np.where(known > 0, successors, mdp.n_states), axis=-1, kind="stable")  # by next state
    successors, known = (np.take_along_axis(array, order, axis=-1) for array in (successors, known))
    here = first = np.flatnonzero(mdp.start)
    chances, links = mdp.start[first], []
    for _ in range(horizon):
        over = mdp.terminal[here]
        possible = known[here] > 0  # [N, A, K]
        possible[over] = False
        possible[over, 0, 0] = True  # an ended path goes on in one way, to itself, so that all are equally long
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

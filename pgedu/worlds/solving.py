"""What a finite world knows of a policy: values, visits, its return and its gradient, without the dense [S, A, S]."""

from typing import NamedTuple

import numpy as np

from pgedu.arguments import number, refuse

# A policy that never ends an episode has no finite undiscounted return. A discount this close to 1 turns
# that into a huge finite number instead of a singular matrix, and costs other policies about 1e-15 a step.
ALMOST_ONE = 1 - 1e-15
MOST_STEPS = 100_000  # a longer horizon is refused: it would take minutes
MOST_NUMBERS = 100_000_000  # in one array: action values [H, *R, S, A], or without horizon the chain [*R, S, S]


class Solution(NamedTuple):
    """What is known of a policy in a world. Without a horizon there is no time axis H; with one, row t is time t."""

    values: np.ndarray  # [*R, S] or [H, *R, S]; v(s), expected discounted return from s
    action_values: np.ndarray  # [*R, S, A] or [H, *R, S, A]; q(s, a)
    visits: np.ndarray  # [*R, S] or [H, *R, S]; sum_t gamma^t P(s_t = s), or its term at t; 0 for terminal states
    probabilities: np.ndarray  # [*R, S, A]; pi(a | s)


@np.errstate(under="ignore")
def solve(mdp, policy, theta, *, horizon=None):
    """Return the `Solution` of theta [*R, D]: linear systems, or recursions over time where there is a horizon.

    Without horizon: (I - gamma P) v = r and (I - gamma P)^T d = start, over the states that are not terminal.

    Args:
        horizon: number of steps; default the world's own, if it has one.
    Raises:
        ValueError: arguments that do not fit one another, a theta that is not finite, or more steps than
            `MOST_STEPS`, or more numbers than `MOST_NUMBERS`, to be worked out.
    Source: Sutton & Barto (2018), eq. 3.14 and section 13.2; Sutton et al. (1999), theorem 1.
    """
    theta, horizon = mdp.require_fit(policy, theta), shorter(horizon, mdp.horizon)
    _require_little(mdp, theta, horizon)
    log_policy = mdp.log_policy(policy, theta)
    probabilities = np.exp(log_policy)
    rewards = np.where(mdp.terminal[:, None], 0.0, mdp.rewards_under(log_policy))
    gamma = min(mdp.gamma, ALMOST_ONE) if horizon is None else mdp.gamma
    if horizon is None:
        return _solve_linear(mdp, probabilities, rewards, onward(mdp, gamma))
    return _solve_backward(mdp, probabilities, rewards, onward(mdp, gamma), horizon)


def onward(mdp, gamma):
    """gamma P(s' | s, a), [S, A, K], no way out of or into a terminal state: what lies beyond the end counts for nothing."""
    return gamma * mdp.chances * ~mdp.terminal[:, None, None] * ~mdp.terminal[mdp.successors]


def ahead(mdp, onward, values):
    """sum_s' gamma P(s' | s, a) v(s'), [*R, S, A], for values [*R, S]."""
    return np.einsum("sak,...sak->...sa", onward, values[..., mdp.successors])


def shorter(horizon, own, most=np.inf):
    """The horizon that was asked for or the world's own, whichever ends first; None where there is neither."""
    number("horizon", horizon, 1, most, whole=True, none=True)
    return min((each for each in (horizon, own) if each is not None), default=None)


def _require_little(mdp, theta, horizon):
    one_step = int(np.prod(theta.shape[:-1])) * mdp.n_states * (mdp.n_states if horizon is None else mdp.n_actions)
    if one_step * (horizon or 1) > MOST_NUMBERS or (horizon or 1) > MOST_STEPS:
        most = min(MOST_STEPS, MOST_NUMBERS // one_step)
        wanted = f"at most {most} steps to be solved here ({one_step} numbers for each of them)"
        raise refuse("horizon" if most else "world or the number of runs", wanted if most else "smaller", horizon)


def _solve_linear(mdp, probabilities, rewards, onward):
    chain = _chain(mdp, probabilities, onward)
    system = np.eye(mdp.n_states) - chain
    expected = (probabilities * rewards).sum(axis=-1)
    values = np.linalg.solve(system, expected[..., None])[..., 0]
    right = np.broadcast_to(mdp.start[:, None], (*chain.shape[:-1], 1))
    visits = np.linalg.solve(np.swapaxes(system, -1, -2), right)[..., 0]
    return Solution(values, rewards + ahead(mdp, onward, values), visits, probabilities)


def _solve_backward(mdp, probabilities, rewards, onward, horizon):
    value = np.zeros(probabilities.shape[:-1])
    values, action_values = [], []
    for _ in range(horizon):
        action_values.append(rewards + ahead(mdp, onward, value))
        value = (probabilities * action_values[-1]).sum(axis=-1)
        values.append(value)
    visits, flows = [np.broadcast_to(mdp.start, value.shape)], probabilities[..., None] * onward
    places = _places(mdp.successors, value.shape[:-1], mdp.n_states)
    for _ in range(horizon - 1):
        visits.append(_sums(places, visits[-1][..., None, None] * flows, value.shape))
    return Solution(np.array(values[::-1]), np.array(action_values[::-1]), np.array(visits), probabilities)


def _chain(mdp, probabilities, onward):
    """gamma P(s' | s) of every run, [*R, S, S]."""
    S, runs = mdp.n_states, probabilities.shape[:-2]
    cells = np.arange(S)[:, None, None] * S + mdp.successors  # (s, s') in a flattened matrix
    return _sums(_places(cells, runs, S * S), probabilities[..., None] * onward, (*runs, S, S))


def _places(places, runs, count):
    """Indices [S, A, K] below `count`, for every run a part of its own: flat [*R * S * A * K]."""
    own = count * np.arange(int(np.prod(runs))).reshape(-1, 1, 1, 1)
    return (own + places).ravel()


def _sums(places, amounts, shape):
    """An array of that shape with the amounts [*R, S, A, K] added up at their places."""
    return np.bincount(places, amounts.ravel(), int(np.prod(shape))).reshape(shape)


@np.errstate(under="ignore")
def exact_return(mdp, policy, theta, *, horizon=None):
    """J(theta) = sum_s start(s) v(s), [*R]. Undiscounted and never ending, it is huge (about 1e15), not infinite."""
    values = mdp.solve(policy, theta, horizon=horizon).values
    has_time = values.ndim > np.ndim(theta)
    return ((values[0] if has_time else values) * mdp.start).sum(axis=-1)


@np.errstate(under="ignore")
def exact_gradient(mdp, policy, theta, *, horizon=None):
    """grad J(theta) = sum_s d(s) sum_a pi(a | s) q(s, a) grad log pi(a | s), [*R, D], with discounted visits d.

    Where rewards depend on the policy (`policy_rewards`) their own derivative is part of it.
    Source: the policy gradient theorem, Sutton et al. (1999), theorem 1.
    """
    theta = np.asarray(theta, dtype=float)
    solution = mdp.solve(policy, theta, horizon=horizon)
    advantages = solution.action_values - solution.values[..., None]  # the same gradient, less cancellation
    weights = solution.visits[..., None] * solution.probabilities * advantages
    visits = solution.visits
    if weights.ndim > theta.ndim + 1:  # [*R, S, A]: what time it was makes no difference to the score
        weights, visits = weights.sum(axis=0), visits.sum(axis=0)
    if mdp.policy_rewards is not None:
        weights = weights + visits[..., None] * _reward_slopes(mdp, mdp.log_policy(policy, theta))
    A = mdp.n_actions
    weights = np.moveaxis(weights.reshape(*theta.shape[:-1], -1), -1, 0)[..., None]  # [S*A, *R, 1]
    lead = (-1, *[1] * theta.ndim)
    observations = np.broadcast_to(np.repeat(mdp.observation, A).reshape(lead), weights.shape)
    actions = np.broadcast_to(np.tile(np.arange(A), mdp.n_states).reshape(lead), weights.shape)
    return policy.score(theta, observations, actions, weights)[..., 0, :]


def _reward_slopes(mdp, log_policy, step=1e-5):
    """sum_a pi(a | s) d reward(s, a) / d log pi(b | s) for every b, [*R, S, A], by central differences.

    A state's part depends on that state alone, so that all states are moved at once.
    """
    probabilities, slopes = np.exp(log_policy), np.zeros_like(log_policy)
    for b in range(mdp.n_actions):
        shift = step * (np.arange(mdp.n_actions) == b)
        change = mdp.rewards_under(log_policy + shift) - mdp.rewards_under(log_policy - shift)
        slopes[..., b] = (probabilities * change).sum(axis=-1) / (2 * step)
    return np.where(mdp.terminal[:, None], 0.0, slopes)

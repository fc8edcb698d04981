"""What notebook 04 knows of a world with a horizon: two moments of its returns, and the variance of an estimate.

All by going back from the last step to the first, as values are found, and without a single sample.
"""

import numpy as np


def moments_of_returns(world, pi):
    """E[G | s, a] and E[G^2 | s, a] with t steps gone, each [T, *R, S, A], in a world of T steps.

    Args:
        world: an `MDP` with a horizon and rewards [S, A].
        pi: [*R, S, A], the probabilities of the actions.
    """
    goes_on = ~world.terminal[:, None]
    rewards, transitions = world.rewards * goes_on, world.transitions * goes_on[..., None]
    first = second = np.zeros(np.shape(pi)[:-1])  # of what is still to come, in each state: nothing after the last step
    found = []
    for _ in range(world.horizon):
        onward = world.gamma * _onward(transitions, first)
        q = rewards + onward
        q_square = rewards**2 + 2 * rewards * onward + world.gamma**2 * _onward(transitions, second)
        first, second = (pi * q).sum(axis=-1), (pi * q_square).sum(axis=-1)
        found.append((q, q_square))
    q, q_square = zip(*reversed(found))
    return np.array(q), np.array(q_square)


def _onward(transitions, following):
    """E[f(next state) | s, a], [*R, S, A], of f [*R, S]."""
    return np.tensordot(following, transitions, axes=(-1, -1))


def variance_of_estimate(world, policy, theta, *, values=None, others=None):
    """Exact variance E |g - E g|^2 of one episode's g = sum_t gamma^t (G_t - b_t) grad log pi(a_t | s_t), [R].

    Args:
        world: an `MDP` with a horizon, rewards [S, A], no terminal state, and states that do not look alike.
        policy, theta: a softmax policy of a `Table`, and [R, S * A].
        values: [R, S], a baseline by state; default none.
        others: so many other episodes of the same policy, whose mean return from the same step on is the baseline.
    """
    R, S, T = len(theta), world.n_states, world.horizon
    pi = policy.probabilities(theta, np.broadcast_to(np.arange(S), (R, S)))  # [R, S, A]
    moments = moments_of_returns(world, pi)
    if not others:
        return _variance(world, pi, moments, np.zeros((T, R, S)) if values is None else np.array([values] * T))
    visits = [np.broadcast_to(world.start, (R, S))]
    for _ in range(T - 1):
        visits.append(np.einsum("rs,rsa,san->rn", visits[-1], pi, world.transitions))
    visits = np.array(visits)
    mean, square = ((visits * (pi * each).sum(axis=-1)).sum(axis=-1) for each in moments)  # of G_t, [T, R]
    length = (visits * (1 - (pi**2).sum(axis=-1))).sum(axis=-1)  # E |grad log pi|^2 at t, [T, R]
    noise = world.gamma ** (2 * np.arange(T)) @ ((square - mean**2) / others * length)
    return noise + _variance(world, pi, moments, np.repeat(mean[..., None], S, axis=-1))


def _variance(world, pi, moments, b):
    """Of X_t = (G_t - b_t) score_t + gamma X_{t+1}, at t = 0, for a baseline b [T, R, S] that is no matter of luck.

    From X_{t+1} on, E[X], E[G X] and E |X|^2 in each state are carried back. Preferences for actions of a state have
    scores in that state alone, so that X is [S, A]: [R, S, S, A] for each state in which one stands.
    """
    gamma, rewards, P, (R, S, A) = world.gamma, world.rewards, world.transitions, pi.shape
    score = np.eye(S)[:, None, :, None] * (np.eye(A) - pi[..., None, :])[:, :, :, None]  # [R, S, A, S, A]
    length = (score**2).sum(axis=(-2, -1))
    mean, with_return, square = np.zeros((R, S, S, A)), np.zeros((R, S, S, A)), np.zeros((R, S))
    for q, q_square, b_t in reversed(list(zip(*moments, b[..., None]))):
        later, later_with = (np.einsum("san,rnzb->rsazb", P, each) for each in (mean, with_return))
        r = rewards[..., None, None]
        product = (r - b_t[..., None, None]) * later + gamma * later_with  # E[(G - b) X', given s and a]
        squares = (q_square - 2 * b_t * q + b_t**2) * length
        squares += 2 * gamma * (score * product).sum(axis=(-2, -1)) + gamma**2 * np.einsum("san,rn->rsa", P, square)
        with_return = (q_square - b_t * q)[..., None, None] * score + gamma * (r * later + gamma * later_with)
        with_return = np.einsum("rsa,rsazb->rszb", pi, with_return)
        mean = np.einsum("rsa,rsazb->rszb", pi, (q - b_t)[..., None, None] * score + gamma * later)
        square = (pi * squares).sum(axis=-1)
    expected = np.einsum("s,rszb->rzb", world.start, mean)
    return square @ world.start - (expected**2).sum(axis=(-2, -1))

"""Checks of targets of action values, Q-learning's and expected SARSA's, and of the largest of two noisy means."""

import itertools

import numpy as np

from pgedu.lessons.verdicts import compare, judged

NOW = [np.array(q) for q in ([4.0, 9.5, -2.0, 1.5], [8.0, -6.0, -2.5, -1.0])]
NEXT = [np.array(q) for q in ([1.0, 0.5, 5.0, -3.0], [-7.0, -2.0, -4.0, -9.0])]
END = "After the end nothing follows: where `terminated`, the target is the reward alone."


def _target(ahead):
    """r + gamma * ahead, and r alone at the end."""
    return lambda r, gamma, now, following, action, end: r + gamma * (not end) * ahead(now, following, action)


def _never_ending(ahead):
    return lambda r, gamma, now, following, action, end: r + gamma * ahead(now, following, action)


def _maximum(now, following, action):
    return following.max()


def _taken(now, following, action):
    return following[action]


def _here(now, following, action):
    return now.max()


Q_MISTAKES = [
    (END, _never_ending(_maximum)),
    ("This is SARSA's target: Q-learning takes the best action's value, whatever is done next.", _target(_taken)),
    ("This is SARSA's target, and it goes on after the end: take the best value, and nothing where `terminated`.",
     _never_ending(_taken)),
    ("You take the maximum in the state that was left: it is q_next, of the state that was reached, that counts.",
     _target(_here)),
    ("You take the maximum in the state that was left, and go on after the end: q_next counts, and nothing at the end.",
     _never_ending(_here)),
    ("You look up the action that was best in the state that was left: take the largest entry of q_next itself.",
     _target(lambda now, following, action: following[now.argmax()])),
    ("The maximum is of q_next alone, all of it, even where it is negative: 0 is no action's value.",
     _target(lambda now, following, action: max(following.max(), 0.0))),
    ("gamma is missing: what follows is discounted by one step.",
     lambda r, gamma, now, following, action, end: r + (not end) * following.max()),
    ("The reward is missing.", lambda r, gamma, now, following, action, end: gamma * (not end) * following.max()),
    ("The reward is missing, and you go on after the end.",
     lambda r, gamma, now, following, action, end: gamma * following.max()),
    ("gamma discounts what follows, not the reward.",
     lambda r, gamma, now, following, action, end: gamma * (r + (not end) * following.max())),
    ("gamma discounts what follows, not the reward; and after the end nothing follows.",
     lambda r, gamma, now, following, action, end: gamma * (r + following.max())),
    ("At the end the target is 0 with you: the last reward still counts.",
     lambda r, gamma, now, following, action, end: (not end) * (r + gamma * following.max())),
    ("The wrong way round: you go on at the end, and stop everywhere else.",
     lambda r, gamma, now, following, action, end: r + gamma * bool(end) * following.max()),
    ("This is the number of the best action: its value is asked for, max and not argmax.",
     lambda r, gamma, now, following, action, end: r + gamma * (not end) * following.argmax()),
    ("This is the mean of q_next: Q-learning takes the largest.", _target(lambda now, following, action: following.mean())),
    ("This is the smallest of q_next: Q-learning takes the largest.", _target(lambda now, following, action: following.min())),
    ("You subtract a value of the state that was left: the target itself is asked for, not its difference from q.",
     lambda r, gamma, now, following, action, end: r + gamma * (not end) * following.max() - now.max()),
]  # fmt: skip


@judged
def check_q_target(student):
    """f(reward, gamma, q_now [A], q_next [A], next_action, terminated) -> Q-learning's target, a number."""
    names = "reward", "gamma", "q_now", "q_next", "next_action", "terminated"
    parts = [(-1.0, 0.9, NOW[0], NEXT[0], 0), (2.0, 0.5, NOW[1], NEXT[1], 2)]
    cases = [dict(zip(names, (*part, end))) for part, end in itertools.product(parts, (False, True))]
    praise = "Right: the best value of the next state, whatever is done there, and nothing after the end."
    return compare(student, _target(_maximum), cases, praise, Q_MISTAKES)


def _expected(weights, goes_on=lambda end: not end):
    """r + gamma * sum of weights(q, epsilon) q."""
    return lambda r, gamma, q, epsilon, end: r + gamma * goes_on(end) * (weights(q, epsilon) * q).sum()


def _best(q):
    return np.eye(len(q))[q.argmax()]


def _soft(q, epsilon):
    return (1 - epsilon) * _best(q) + epsilon / len(q)


def _always(end):
    return True


EXPECTED_MISTAKES = [
    (END, _expected(_soft, _always)),
    ("The random steps are missing: beside (1 - epsilon) for the best, each action has epsilon / A.",
     _expected(lambda q, e: (1 - e) * _best(q))),
    ("This is Q-learning's target: the policy also acts at random in a share epsilon of its steps.",
     _expected(lambda q, e: _best(q))),
    ("This is Q-learning's target, and it goes on after the end.", _expected(lambda q, e: _best(q), _always)),
    ("A random step may be the best action, too: each of the A actions has epsilon / A, and the best has it on top.",
     _expected(lambda q, e: np.where(_best(q) > 0, 1 - e, e / (len(q) - 1)))),
    ("The best action's share is 1 - epsilon + epsilon / A: yours lacks its part of the random steps.",
     _expected(lambda q, e: np.where(_best(q) > 0, 1 - e, e / len(q)))),
    ("Each action has epsilon / A, not epsilon: the shares must sum to 1.",
     _expected(lambda q, e: (1 - e) * _best(q) + e)),
    ("The shares are the wrong way round: 1 - epsilon belongs to the best action, epsilon to all.",
     _expected(lambda q, e: e * _best(q) + (1 - e) / len(q))),
    ("This is the mean over all actions: the policy prefers the best one.", _expected(lambda q, e: 1 / len(q) + 0 * q)),
    ("The best action is missing: only the random steps are in it.", _expected(lambda q, e: e / len(q) + 0 * q)),
    ("gamma is missing.", lambda r, gamma, q, e, end: r + (not end) * (_soft(q, e) * q).sum()),
    ("gamma is missing, and you go on after the end.", lambda r, gamma, q, e, end: r + (_soft(q, e) * q).sum()),
    ("The reward is missing.", lambda r, gamma, q, e, end: gamma * (not end) * (_soft(q, e) * q).sum()),
    ("gamma discounts what follows, not the reward.",
     lambda r, gamma, q, e, end: gamma * (r + (not end) * (_soft(q, e) * q).sum())),
    ("At the end the target is 0 with you: the last reward still counts.",
     lambda r, gamma, q, e, end: (not end) * (r + gamma * (_soft(q, e) * q).sum())),
]  # fmt: skip


@judged
def check_expected_target(student):
    """f(reward, gamma, q_next [A], epsilon, terminated) -> expected SARSA's target, a number."""
    names = "reward", "gamma", "q_next", "epsilon", "terminated"
    parts = [(-1.0, 0.9, NEXT[0], 0.1), (2.0, 0.5, NEXT[1], 0.3)]
    cases = [dict(zip(names, (*part, end))) for part, end in itertools.product(parts, (False, True))]
    praise = "Right: the mean over what the policy would do next, its random steps included."
    return compare(student, _expected(_soft), cases, praise, EXPECTED_MISTAKES)


def _largest_of_two(sigma, n):
    return sigma / np.sqrt(n * np.pi)


LARGEST_MISTAKES = [
    ("It is not 0: of two means that are 0 on average, the larger one is more often above 0 than below.",
     lambda sigma, n: 0.0),
    ("You have forgotten n: a mean of n draws has the standard deviation sigma / sqrt(n).",
     lambda sigma, n: sigma / np.sqrt(np.pi)),
    ("A mean of n draws has the standard deviation sigma / sqrt(n), not sigma / n.",
     lambda sigma, n: sigma / (n * np.sqrt(np.pi))),
    ("This is the standard deviation of one mean: the larger of two is 1 / sqrt(pi) of it above 0.",
     lambda sigma, n: sigma / np.sqrt(n)),
    ("The square root of pi is missing: it is 1 / sqrt(pi), 0.564.", lambda sigma, n: sigma / (np.pi * np.sqrt(n))),
    ("This is E|X| of one mean: max(X, Y) is (X + Y) / 2 + |X - Y| / 2, and X - Y has twice the variance.",
     lambda sigma, n: sigma * np.sqrt(2 / (np.pi * n))),
    ("This is E|X - Y|: max(X, Y) is (X + Y) / 2 + |X - Y| / 2, so half of it.",
     lambda sigma, n: 2 * sigma / np.sqrt(n * np.pi)),
    ("X - Y has twice the variance of X: its standard deviation is sqrt(2) times that of X.",
     lambda sigma, n: sigma / np.sqrt(2 * np.pi * n)),
    ("sigma is a standard deviation, not a variance: it stands outside the root.",
     lambda sigma, n: np.sqrt(sigma / (n * np.pi))),
    ("sigma is a standard deviation: it is not squared.", lambda sigma, n: sigma**2 / np.sqrt(n * np.pi)),
    ("sigma is missing: noise of twice the size errs by twice as much.", lambda sigma, n: 1 / np.sqrt(n * np.pi)),
]  # fmt: skip


@judged
def check_largest_of_two(student):
    """f(sigma, n) -> E max of two independent means of n draws each, normal with mean 0 and deviation sigma."""
    cases = [{"sigma": sigma, "n": n} for sigma, n in ((1.0, 4), (2.5, 10), (0.3, 100))]
    praise = "Right: sigma / sqrt(n pi), too high by more than half a standard deviation of a mean."
    return compare(student, _largest_of_two, cases, praise, LARGEST_MISTAKES)

"""For the tests of notebook 07: its two plans by following the shares of customers month by month, nothing of pgedu."""

import numpy as np


def customers(x, y, months=400):
    """J and discounted visits (basic, premium)."""
    keep = 1 / (1 + np.exp(-np.array([x, y])))
    shares, discount, J, visits = np.array([0.8, 0.2]), 1.0, 0.0, np.zeros(2)
    for _ in range(months):
        J += discount * shares @ (keep * [1, 2])
        visits += discount * shares
        shares = shares * keep + (shares * (1 - keep))[::-1]
        discount *= 0.9
    return J, visits


def slopes(x, y, step=1e-5):
    """Of J along x and y, [2]."""
    along_x = customers(x + step, y)[0] - customers(x - step, y)[0]
    along_y = customers(x, y + step)[0] - customers(x, y - step)[0]
    return np.array([along_x, along_y]) / (2 * step)


def keeping(x, y):
    """Probabilities [plan, (switch, keep)]."""
    return np.array([[1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))] for z in (x, y)])


def advantages(x, y):
    """[plan, (switch, keep)], from the values of the plans, which solve V = p (r + 0.9 V) + (1 - p) 0.9 V(other)."""
    old, other = keeping(x, y), np.eye(2)[::-1]
    V = np.linalg.solve(np.eye(2) - 0.9 * (old[:, 1:] * np.eye(2) + old[:, :1] * other), old[:, 1] * [1, 2])
    return np.stack([0.9 * V[::-1], [1, 2] + 0.9 * V], axis=-1) - V[:, None]


def divergence(start, x, y):
    """Mean KL from the old policy at `start` to the one at (x, y), over the old one's visits."""
    p, q, visits = keeping(*start), keeping(x, y), customers(*start)[1]
    return visits / visits.sum() @ (p * np.log(p / q)).sum(axis=1)


def surrogate(start, x, y, clip=np.inf):
    """J of the old policy and the clipped surrogate of the one at (x, y)."""
    J, visits = customers(*start)
    A, r = advantages(*start), keeping(x, y) / keeping(*start)
    gain = np.minimum(r * A, np.clip(r, 1 - clip, 1 + clip) * A)
    return J + (visits[:, None] * keeping(*start) * gain).sum()

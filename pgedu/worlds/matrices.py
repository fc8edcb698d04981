"""Matrices of a linear-quadratic world: what they must be, and the sums over time that they are in.

`loop` is sqrt(gamma) (A - BK), [*R, N, N], throughout, so that the discount is in it.
"""

import numpy as np

from pgedu.arguments import numbers, refuse
from pgedu.worlds.solving import MOST_NUMBERS

MOST_DOUBLINGS = 60  # a sum of 2^60 terms: beyond that a gain is as good as unstable


def sum_over_time(loop, source):
    """sum_t loop'^t source loop^t, [*R, N, N], which solves P = source + loop' P loop.

    The sum is doubled, 1, 2, 4, ... steps, which cannot make a cost negative.
    """
    total = np.broadcast_to(source, loop.shape)
    for _ in range(MOST_DOUBLINGS):
        total = total + np.swapaxes(loop, -1, -2) @ total @ loop
        loop = loop @ loop
        if np.abs(loop).max(initial=0.0) < 1e-12:  # squared in the next term
            break
    return total


def backward(loop, source, horizon):
    """P_t = source + loop' P_t+1 loop, with P = 0 at the horizon: [H, *R, N, N]. ValueError if that is too much."""
    if loop.size * horizon > MOST_NUMBERS:
        raise refuse("horizon", f"at most {MOST_NUMBERS // loop.size} steps for so many runs", horizon)
    transposed, P = np.swapaxes(loop, -1, -2), [np.broadcast_to(source, loop.shape)]
    for _ in range(horizon - 1):
        P.append(source + transposed @ P[-1] @ loop)
    return np.array(P[::-1])


def forward(loop, start, pushed, gamma, horizon):
    """gamma^t E[x_t x_t'] = loop (the one before) loop' + gamma^t pushed, from `start`: [H, *R, N, N]."""
    transposed, X = np.swapaxes(loop, -1, -2), [np.broadcast_to(start, loop.shape)]
    for t in range(1, horizon):
        X.append(loop @ X[-1] @ transposed + gamma**t * pushed)
    return np.array(X)


def matrix_of(name, value, axes):
    """A matrix of finite numbers; a plain number is one of one row and one column."""
    matrix = numbers(name, value, axes)
    matrix = matrix.reshape(1, 1) if matrix.ndim == 0 else matrix
    if matrix.ndim != 2 or not matrix.size:
        raise refuse(name, f"a matrix {axes}", f"shape {matrix.shape}")
    return matrix


@np.errstate(under="ignore", over="ignore")
def semidefinite(name, value, axes, size, *, definite=False):
    """The matrix, if it is [size, size], symmetric and positive (semi)definite."""
    matrix = numbers(name, matrix_of(name, value, axes), axes, (size, size))
    least, little = np.linalg.eigvalsh(matrix).min(), 1e-9 * np.abs(matrix).max()
    if np.abs(matrix - matrix.T).max() > little or (least <= 0 if definite else least < -little):
        raise refuse(name, f"symmetric and positive {'' if definite else 'semi'}definite", value)
    return matrix


def marked(values, axes):
    """The values, -inf in all entries of the last `axes` axes where one of them is not finite."""
    fine = np.isfinite(values).all(axis=tuple(range(-axes, 0)), keepdims=True)
    return np.where(fine, values, -np.inf)

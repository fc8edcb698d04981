"""Thompson sampling as a policy whose probabilities are known, not counted."""

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse

LEAST = 0.05  # below it, a Beta distribution has weight beyond the last border
NODES = 8  # Gauss-Legendre nodes in a panel
BLOCK = 512  # nodes at once, so that the polynomials of all arms stay in the cache
BORDERS = np.sinh(np.linspace(-5.2, 5.2, 21))  # of panels, in standard deviations of an arm's logit from its mode


@no_underflow
def thompson_sampling(alpha, beta, *, places=1):
    """P(arm a has the k-th largest draw), [A, places], when each arm draws from Beta(alpha_a, beta_a), independently.

    A list of `places` items shown by Thompson sampling: column k is the policy in place k, and sums to 1. With f, F the
    density and distribution function, it is the integral of f_a(x) times the chance that exactly k others are above x,
    which is the coefficient of z^k in prod_{j != a} (F_j(x) + (1 - F_j(x)) z). By quadrature, to 1e-9 or better;
    time and memory are of the order of A^2 places.

    Args:
        alpha, beta: [A], 0.05 or more: successes and failures so far, plus those of the prior.
        places: 1 .. A.
    Raises:
        ValueError: alpha or beta that are no such numbers, more places than arms.
    Source: Thompson (1933); Russo et al. (2018), "A tutorial on Thompson sampling".
    """
    alpha = _shapes("alpha", alpha)
    beta = _shapes("beta", beta, alpha.shape)
    number("places", places, 1, alpha.size, whole=True)
    below, mass = _distributions(alpha, beta)
    chances = np.zeros((alpha.size, places))
    for first in range(0, below.shape[1], BLOCK):
        block = slice(first, first + BLOCK)
        chances += np.einsum("ax,axk->ak", mass[:, block], _products_of_others(below[:, block], places))
    return chances


def _shapes(name, value, shape=None):
    array = numbers(name, value, "[A]", shape)
    if array.ndim != 1 or not array.size or (array < LEAST).any():
        raise refuse(name, f"[A], numbers of {LEAST} or more", value)
    return array


def _distributions(alpha, beta):
    """(F, mass), both [A, X]: distribution functions at common nodes, and density times the nodes' weights.

    Nodes lie on the logit u of x, in panels around every arm's mode: there the density is smooth, and falls off on both sides
    like an exponential.
    """
    modes, spreads = np.log(alpha / beta), np.sqrt(1 / alpha + 1 / beta)
    borders = np.unique(modes[:, None] + spreads[:, None] * BORDERS)
    at, weights, integrals = _panel()
    half = np.diff(borders)[:, None] / 2
    nodes = borders[:-1, None] + half * (at + 1)  # [panels, NODES]
    density = np.exp(_log_density(nodes, modes, alpha, beta)) * half  # [A, panels, NODES]
    parts = density @ weights
    total = parts.sum(axis=-1, keepdims=True)
    before = np.cumsum(parts, axis=-1) - parts
    below = (before[..., None] + density @ integrals.T) / total[..., None]
    mass = density * weights / total[..., None]
    return below.clip(0, 1).reshape(len(alpha), -1), mass.reshape(len(alpha), -1)


def _log_density(u, modes, alpha, beta):
    """Of the logit u, alpha log x + beta log(1 - x), less the same at each arm's mode."""
    modes, alpha, beta = (each[:, None, None] for each in (modes, alpha, beta))
    return -alpha * _growth(-modes, modes - u) - beta * _growth(modes, u - modes)


def _growth(start, by):
    """log(1 + e^(start + by)) - log(1 + e^start); for a small step not as a difference, which alpha or beta would magnify."""
    near = np.log1p(np.exp(-np.logaddexp(0, -start)) * np.expm1(by.clip(-1, 1)))
    return np.where(np.abs(by) < 1, near, np.logaddexp(0, start + by) - np.logaddexp(0, start))


def _panel():
    """On [-1, 1]: nodes, their weights, and the matrix that integrates a polynomial from -1 to each node."""
    at, weights = np.polynomial.legendre.leggauss(NODES)
    powers = np.arange(NODES)
    integrals = (at[:, None] ** (powers + 1) - (-1.0) ** (powers + 1)) / (powers + 1)
    return at, weights, integrals @ np.linalg.inv(at[:, None] ** powers)


def _products_of_others(below, places):
    """[A, X, places]: for each arm the product of all others' F + (1 - F) z, cut off at that many powers of z."""
    factors = np.zeros((*below.shape, places))
    factors[..., 0] = below
    factors[..., 1:2] = 1 - below[..., None]
    before, after = [np.eye(places)[:1]], [np.eye(places)[:1]]  # the polynomial 1
    for left, right in zip(factors[:-1], factors[:0:-1]):
        before.append(_product(before[-1], left))
        after.append(_product(right, after[-1]))
    return np.array([_product(left, right) for left, right in zip(before, reversed(after))])


def _product(left, right):
    """Of polynomials whose coefficients stand on the last axis, [X, places]."""
    places = left.shape[1]
    product = np.zeros(np.broadcast_shapes(left.shape, right.shape))
    for power in range(places):
        product[:, power:] += left[:, power : power + 1] * right[:, : places - power]
    return product

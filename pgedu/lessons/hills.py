"""Notebook 08: hills, worlds of one step in four shapes. What is exact about them stands in `one_step.Hill`."""

import math
from dataclasses import dataclass

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse
from pgedu.lessons.one_step import Hill

_erf = np.frompyfunc(math.erf, 1, 1)


def cumulative(x):
    """Phi(x), of the standard normal distribution."""
    return (1 + np.asarray(_erf(np.asarray(x) / math.sqrt(2)), dtype=float)) / 2


@no_underflow
def density(x):
    """phi(x), of the standard normal distribution."""
    return np.exp(-np.minimum(np.abs(x), 1e6) ** 2 / 2) / math.sqrt(2 * math.pi)


@dataclass(frozen=True, eq=False)
class QuadraticHill(Hill):
    """h(a) = -c/2 (a - t)^2: one top. With d dimensions, a budget over d channels, each of which has a best amount t_i.

    Args:
        dimensions: d.
        curvature: c, above 0.
        top: t, a number or [d].
    """

    dimensions: int = 1
    curvature: float = 1.0
    top: float | np.ndarray = 0.0

    def __post_init__(self):
        number("dimensions", self.dimensions, 1, whole=True)
        number("curvature", self.curvature, above=0, most=1e30)
        if np.ndim(numbers("top", self.top)):
            numbers("top", self.top, "[d]", (self.dimensions,))

    def terms(self, a):
        return -self.curvature / 2 * (a - np.asarray(self.top)) ** 2

    def slope(self, a):
        return -self.curvature * (a - np.asarray(self.top))

    def mean(self, mu, sigma):
        m = mu - np.asarray(self.top)
        return -self.curvature / 2 * (m**2 + sigma**2), -self.curvature * m, np.full_like(m, -self.curvature)

    def square(self, mu, sigma):
        m, quarter = mu - np.asarray(self.top), self.curvature**2 / 4
        return quarter * (m**4 + 6 * m**2 * sigma**2 + 3 * sigma**4), quarter * 12 * (m**2 + sigma**2)

    def slope_square(self, mu, sigma):
        return self.curvature**2 * ((mu - np.asarray(self.top)) ** 2 + sigma**2)

    def mirror(self, mu, sigma):
        m, quarter = mu - np.asarray(self.top), self.curvature**2 / 4
        plain = m**4 - 2 * m**2 * sigma**2 + 3 * sigma**4
        return quarter * plain, quarter * (m**4 - 6 * m**2 * sigma**2 + 15 * sigma**4)


@dataclass(frozen=True, eq=False)
class CosineHill(Hill):
    """h(a) = cos(k a): many tops, k / 2 pi of them to a unit of length."""

    frequency: float = 1.0
    dimensions: int = 1

    def __post_init__(self):
        number("dimensions", self.dimensions, 1, whole=True)
        number("frequency", self.frequency, above=0, most=1e30)

    def terms(self, a):
        return np.cos(self.frequency * a)

    def slope(self, a):
        return -self.frequency * np.sin(self.frequency * a)

    def mean(self, mu, sigma):
        k, shrunk = self.frequency, _shrunk(self.frequency * sigma)
        mean = np.cos(k * mu) * shrunk
        return mean, -k * np.sin(k * mu) * shrunk, -(k**2) * mean

    def square(self, mu, sigma):
        k = self.frequency
        wave = np.cos(2 * k * mu) * _shrunk(2 * k * sigma)
        return (1 + wave) / 2, -2 * k**2 * wave

    def slope_square(self, mu, sigma):
        k = self.frequency
        return k**2 / 2 * (1 - np.cos(2 * k * mu) * _shrunk(2 * k * sigma))

    def mirror(self, mu, sigma):
        k, shrunk = self.frequency, _shrunk(2 * self.frequency * sigma)
        wave = np.cos(2 * k * mu)
        return (wave + shrunk) / 2, (wave + (1 - np.minimum(2 * k * sigma, 1e6) ** 2) * shrunk) / 2


@no_underflow
def _shrunk(x):
    """E cos(x z) = exp(-x^2 / 2) of a standard normal z."""
    return np.exp(-np.minimum(x, 1e6) ** 2 / 2)


@dataclass(frozen=True, eq=False)
class StepHill(Hill):
    """h(a) = 1 where a > c, else 0: a sale or none. Its slope is 0 wherever it has one, so pathwise estimates are 0."""

    edge: float = 0.0
    dimensions: int = 1

    def __post_init__(self):
        number("dimensions", self.dimensions, 1, whole=True)
        number("edge", self.edge, -1e30, 1e30)

    def terms(self, a):
        return (a > self.edge).astype(float)

    def slope(self, a):
        return np.zeros_like(a)

    def mean_slope(self, mu, sigma):
        return np.zeros_like(self._normal(mu, sigma)[0])

    def mean(self, mu, sigma):
        above = (mu - self.edge) / sigma
        height = density(above)
        return cumulative(above), height / sigma, -np.clip(above, -1e6, 1e6) * height / sigma**2

    def square(self, mu, sigma):
        mean, _, curvature = self.mean(mu, sigma)
        return mean, curvature

    def slope_square(self, mu, sigma):
        return np.zeros_like(mu)

    def mirror(self, mu, sigma):
        above = np.maximum((mu - self.edge) / sigma, 0)  # both are above the edge where |z| < above
        both = 2 * cumulative(above) - 1
        return both, both - 2 * np.minimum(above, 1e6) * density(above)


@dataclass(frozen=True, eq=False)
class BumpyHill(Hill):
    """h(a) = sum_k H_k exp(-(a - c_k)^2 / (2 w_k^2)): bumps of height H, centre c and width w, in three lists."""

    heights: tuple = (1.0, 2.0)
    centres: tuple = (-2.0, 2.0)
    widths: tuple = (1.5, 0.25)
    dimensions: int = 1

    def __post_init__(self):
        number("dimensions", self.dimensions, 1, whole=True)
        heights = numbers("heights", self.heights, "[K]")
        if heights.ndim != 1 or not heights.size:
            raise refuse("heights", "[K], one for each bump", f"shape {heights.shape}")
        numbers("centres", self.centres, "[K]", heights.shape)
        if (numbers("widths", self.widths, "[K]", heights.shape) <= 0).any():
            raise refuse("widths", "above 0", self.widths)

    def terms(self, a):
        return sum(H * _bump(a, c, w) for H, c, w in self._bumps)

    def slope(self, a):
        return sum(-H * (a - c) / w**2 * _bump(a, c, w) for H, c, w in self._bumps)

    def mean(self, mu, sigma):
        return _smoothed(self._bumps, mu, sigma)

    def square(self, mu, sigma):
        mean, _, curvature = _smoothed([_product(one, other) for one, other in self._pairs], mu, sigma)
        return mean, curvature

    def slope_square(self, mu, sigma):
        total = 0.0
        for one, other in self._pairs:
            mass, centre, spread = _tilted(_product(one, other), mu, sigma)
            slopes = (centre - one[1]) * (centre - other[1]) + spread
            total = total + mass * slopes / (one[2] * other[2]) ** 2
        return total

    def mirror(self, mu, sigma):
        plain = weighted = 0.0
        for (H, c, w), (I, e, v) in self._pairs:  # as functions of x = a - mu, with a' - mu = -x
            mass, centre, spread = _tilted(_product((H, c - mu, w), (I, mu - e, v)), 0.0, sigma)
            plain, weighted = plain + mass, weighted + mass * (centre**2 + spread) / sigma**2
        return plain, weighted

    @property
    def _bumps(self):
        return list(zip(self.heights, self.centres, self.widths))

    @property
    def _pairs(self):
        return [(one, other) for one in self._bumps for other in self._bumps]


@no_underflow
def _bump(a, centre, width):
    return np.exp(-np.minimum(np.abs((a - centre) / width), 1e6) ** 2 / 2)


def _product(one, other):
    """The product of two bumps (height, centre, width), which is a bump."""
    (H, c, w), (I, e, v) = one, other
    width = w * v / np.hypot(w, v)
    return H * I * _bump(c, e, np.hypot(w, v)), (c * v**2 + e * w**2) / (w**2 + v**2), width


@no_underflow
def _smoothed(bumps, mu, sigma):
    """E of a sum of bumps under N(mu, sigma^2), with its first and second derivative in mu."""
    mean = slope = curvature = 0.0
    for H, c, w in bumps:
        spread = np.hypot(w, sigma)
        x = np.clip((mu - c) / spread, -1e6, 1e6)
        mass = H * w / spread * _bump(x, 0.0, 1.0)
        mean, slope, curvature = mean + mass, slope - mass * x / spread, curvature + mass * (x**2 - 1) / spread**2
    return mean, slope, curvature


def _tilted(bump, mu, sigma):
    """(E of a bump under N(mu, sigma^2), mean and variance of the normal density tilted by it)."""
    H, c, w = bump
    mass = _smoothed([bump], mu, sigma)[0]
    total = w**2 + sigma**2
    return mass, (mu * w**2 + c * sigma**2) / total, w**2 * sigma**2 / total

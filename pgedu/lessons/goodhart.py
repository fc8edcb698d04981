"""Best of n in notebook 11, by a proxy that is the truth plus an error: what is expected of the winner, and its picture."""

from functools import cache
from itertools import product
from math import gamma, pi, sqrt

import numpy as np

from pgedu.panels.look import COLORS, in_decades, key, label, see_through
from pgedu.panels.views import tidy

MOST = 2**16  # candidates
SHOWN = 2_000  # of them as dots
COUNTS = np.unique(np.round(2.0 ** np.arange(0, 16.01, 0.5)).astype(int))


def _student(x, nu=3):
    return gamma((nu + 1) / 2) / (sqrt(nu * pi) * gamma(nu / 2)) * (1 + x**2 / nu) ** (-(nu + 1) / 2)


ERRORS = {  # density, and how it is drawn
    "normal": (lambda x: np.exp(-(x**2) / 2) / sqrt(2 * pi), lambda rng, n: rng.normal(size=n)),
    "Laplace": (lambda x: np.exp(-np.abs(x)) / 2, lambda rng, n: rng.laplace(size=n)),
    "Student's t with 3": (_student, lambda rng, n: rng.standard_t(3, size=n)),
}


@cache
def of_proxy(error):
    """(x [m], F [m], mean [m]): places of the proxy, the chance that it is lower, and E[true | proxy = x].

    True value N(0, 1). Sums over a grid of true values; far out the places lie further apart.
    """
    density = ERRORS[error][0]
    x = 0.01 * np.sinh(np.linspace(-np.arcsinh(5e4), np.arcsinh(5e4), 3001))  # -500 to 500
    true = np.linspace(-9, 9, 901)
    weight = np.exp(-(true**2) / 2) / sqrt(2 * pi) * (true[1] - true[0])
    joint = density(x[:, None] - true) * weight
    f = joint.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(f > 1e-300, joint @ true / f, np.sign(x) * 9)
    steps = (f[1:] + f[:-1]) / 2 * np.diff(x)
    steps = steps / steps.sum()
    above = np.append(np.cumsum(steps[::-1])[::-1], 0.0)  # summed from the far end: there it is small
    return x, np.where(x > 0, 1 - above, np.append(0.0, np.cumsum(steps))), mean


@cache
def expected(error, n):
    """(E true, E proxy) of the best of n by the proxy."""
    x, F, mean = of_proxy(error)
    won = np.diff(F**n)  # the chance that the best lies between two places
    middle = lambda values: won @ (values[1:] + values[:-1]) / 2 / won.sum()  # noqa: E731
    return tuple(float(np.round(middle(values), 12)) + 0.0 for values in (mean, x))  # of one candidate 0, and not -0


def divergence(n):
    """KL(best of n || one of them), in nats: ln n - (n - 1) / n, since no two of these have the same score."""
    return np.log(n) - (n - 1) / n


@cache
def candidates(error, seed):
    """(true [MOST], proxy [MOST]) of candidates, one after the other."""
    rng = np.random.default_rng(seed)
    true = rng.normal(size=MOST)
    return true, true + ERRORS[error][1](rng, MOST)


def best_of_many(figure):
    """Candidates by truth and proxy, the best by the proxy ringed; what is expected of it, over the number of candidates."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.2])
    show_candidates, show_expected = _cloud(left), _curves(right)
    for error, count in product(ERRORS, COUNTS.tolist()):  # now, since later a hand would wait
        expected(error, count)

    def draw(error, n, rng):
        count = round(n)
        true, proxy = (each[:count] for each in candidates(error, int(rng.integers(2**31))))
        show_candidates(error, true, proxy)
        truly, promised = expected(error, count)
        show_expected(error, n, truly)
        best = proxy.argmax()
        return (
            f"{count:,} candidate{'s' if count > 1 else ''}, {divergence(count):.2f} nats from taking any: the best by "
            f"the proxy has {promised:.2f} by the proxy "
            f"and is worth {truly:.2f}, in the mean. This time it is {proxy[best]:.2f} and {true[best]:.2f}."
        )

    return draw


def _cloud(axes):
    """A function that shows candidates in the plane of proxy and truth, and what a proxy means on average."""
    tidy(axes, "", "proxy = true value + error", "true value").set(xlim=(-5, 15), ylim=(-4, 5.2), xticks=range(-5, 16, 5))
    (dots,) = axes.plot([], [], "o", markersize=4, label="candidates", **see_through(COLORS["proxy"], 0.35))
    (mean,) = axes.plot([], [], color=COLORS["exact"], label="E[true | proxy]")
    (ring,) = axes.plot([], [], "o", color="black", markersize=13, fillstyle="none", markeredgewidth=2, label="taken")
    beyond = label(axes, 14.8, 0, "", ha="right", va="top")
    key(axes, dots, mean, ring)

    def show(error, true, proxy):
        dots.set_data(proxy[:SHOWN], true[:SHOWN])
        best = proxy.argmax()
        outside = proxy[best] > 14
        ring.set_data([min(proxy[best], 14)], [true[best]])
        beyond.set(text=f"at {proxy[best]:.0f} →" if outside else "", y=true[best] - 0.45)
        x, _, expectation = of_proxy(error)
        far = min(max(proxy[best], 0.5), 15.0)
        seen = (x > -5) & (x < far)
        mean.set_data(x[seen], expectation[seen])

    return show


def _curves(axes):
    """A function that shows what is expected of the best of n, as far as the student has gone."""
    tidy(axes, "", "number of candidates n", "expected of the one that is taken").set(ylim=(-0.2, 6.4))
    in_decades(axes.xaxis).set(xlim=(0.85, 1.3 * MOST))
    (promised,) = axes.plot([], [], color=COLORS["proxy"], label="by the proxy")
    (truly,) = axes.plot([], [], color=COLORS["exact"], label="in truth")
    (handle,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="n")
    key(axes, promised, truly)

    def show(error, n, now):
        counts = np.append(COUNTS[COUNTS < n], round(n))
        found = np.array([expected(error, int(each)) for each in counts])
        truly.set_data(counts, found[:, 0])
        inside = found[:, 1] < axes.get_ylim()[1]  # further on it has left the picture
        promised.set_data(counts[inside], found[inside, 1])
        handle.set_data([n], [now])

    return show

"""Notebook 08: the gains of a cart that is pushed, which are stable in a triangle, and three ways downhill in it."""

from functools import cache

import numpy as np

from pgedu.panels.look import COLORS, key, tidy
from pgedu.worlds.linear_quadratic import LinearQuadratic

# Place and speed of a cart, half a second a step; u = -k1 place - k2 speed. Both of them, and the push, cost their squares.
cart = LinearQuadratic(A=[[1, 0.5], [0, 1]], B=[[0], [0.5]], Q=np.eye(2), R=np.eye(1))
CORNERS = np.array([(0.0, 0.0), (0.0, 4.0), (16.0, 8.0)])
BEST = cart.optimal_gain()
LEAST = -float(cart.gain_return(BEST))  # the least cost there is
METHODS = {"gradient": "reinforce", "natural gradient": "natural gradient", "policy iteration": "policy iteration"}
UPDATES, CLOSE = 300, 1e-3  # drawn; how near to the least cost counts as there
FAR = (-1.5, 17.0), (-1.0, 9.0)  # of the map


def step(method, K, alpha):
    """One update of the gain K [D] by a method: alpha is the step size of both gradients, policy iteration has none.

    grad J = -2 E Sigma; the natural gradient, for noise of any size about u = -Kx, leaves Sigma out: -2 E.
    """
    if method == "policy iteration":
        return cart.improve_gain(K)
    if method == "gradient":
        return K + alpha * cart.gain_gradient(K)
    return K - 2 * alpha * cart.solve_gain(K).errors.reshape(K.shape)


@cache
def path(method, k1, k2, alpha):
    """(gains [n + 1, 2], costs [n + 1]) from (k1, k2): up to 300 updates, ending early where it arrives, or is not stable."""
    gains = [np.array([k1, k2])]
    while len(gains) <= UPDATES and cost(gains[-1]) < np.inf and cost(gains[-1]) > LEAST + 1e-12:
        gains.append(step(method, gains[-1], alpha))
    return np.array(gains), np.array([cost(each) for each in gains])


def cost(K):
    """-J, infinite where the gain K [..., 2] is not stable."""
    return -cart.gain_return(K)


def arrives(costs):
    """The first update whose cost is within 0.001 of the least, or None."""
    there = np.flatnonzero(costs <= LEAST + CLOSE)
    return int(there[0]) if there.size else None


def triangle(figure):
    """The plane of gains: contours of the cost, three paths from the point that is dragged; on the right their costs."""
    plane, curve = figure.subplots(1, 2, width_ratios=[1.5, 1])
    _map(plane)
    tidy(curve, "", "update", "cost above the least").set(xlim=(0, UPDATES), yscale="log", ylim=(1e-6, 1e5), xscale="symlog")
    curve.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    curve.set_yticks([1e-6, 1e-3, 1, 1e3], ["0.000001", "0.001", "1", "1000"])
    colors = [COLORS[name] for name in METHODS.values()]
    ways = [plane.plot([], [], "-o", color=color, markersize=4)[0] for color in colors]
    outs = [plane.plot([], [], "x", color=color, markersize=10, markeredgewidth=3)[0] for color in colors]
    lines = [curve.plot([], [], "-o", color=color, markersize=4, label=name)[0] for color, name in zip(colors, METHODS)]
    (here,) = plane.plot([], [], "o", color=COLORS["exact"], markersize=10, gid="k1")
    plane.legend(handles=lines, loc="lower right", borderaxespad=0.2)

    def draw(k1, k2, alpha):
        here.set_data([k1], [k2])
        said = []
        for name, way, out, line in zip(METHODS, ways, outs, lines):
            gains, costs = path(name, k1, k2, alpha)
            stable = np.isfinite(costs)
            inside = gains[stable]
            way.set_data(*_within(inside).T if len(inside) else ([], []))
            out.set_data(*_within(gains[~stable][:1]).T if len(inside) else ([], []))
            line.set_data(np.arange(stable.sum()), np.maximum(costs[stable] - LEAST, 1e-6))
            said.append(_in_words(name, costs))
        if not np.isfinite(cost([k1, k2])):
            return f"k₁ = {k1:.1f}, k₂ = {k2:.1f} is not stable: the cart swings ever wider, its cost is infinite, and nothing has a slope."
        return f"The cost is {cost([k1, k2]):.2f}, the least {LEAST:.2f}. " + " ".join(said)

    return draw


def _in_words(name, costs):
    name = name.capitalize()
    if not np.isfinite(costs[-1]):
        return f"{name}: not stable after {_updates(len(costs) - 1)}."
    there = arrives(costs)
    if there is not None:
        return f"{name}: there after {_updates(there)}."
    return f"{name}: {costs[-1] - LEAST:.2g} above it after {_updates(len(costs) - 1)}."


def _updates(n):
    return "1 update" if n == 1 else f"{n} updates"


def _within(points):
    """Points [n, 2], those outside of the map at its edge: a step may be long."""
    return np.clip(points, [FAR[0][0], FAR[1][0]], [FAR[0][1], FAR[1][1]])


def _map(axes):
    tidy(axes, "", "k₁, on the place", "k₂, on the speed").set(xlim=FAR[0], ylim=FAR[1])
    axes.grid(False)
    outline = np.concatenate([CORNERS, CORNERS[:1]])
    axes.plot(*outline.T, color="0.35")
    k1, k2 = np.linspace(0, 16, 161), np.linspace(0, 8, 161)
    costs = cost(np.stack(np.meshgrid(k1, k2), axis=-1))
    heights = np.ma.masked_invalid(np.log10(np.where(np.isfinite(costs), costs, np.nan) - LEAST + 1e-9))
    axes.contour(k1, k2, heights, levels=[0, 0.5, 1, 1.5, 2, 2.5, 3], colors="0.75", linewidths=1.5)
    axes.plot(*BEST, "*", color=COLORS["exact"], markersize=13)

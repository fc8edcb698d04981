"""Notebook 08: the gains of a cart that is pushed, which are stable in a triangle, and three ways downhill in it."""

from functools import cache

import numpy as np

from pgedu.panels.look import COLORS, tidy
from pgedu.worlds.linear_quadratic import LinearQuadratic

# Place and speed of a cart, half a second a step; u = -k1 place - k2 speed. Both of them, and the push, cost their squares.
cart = LinearQuadratic(A=[[1, 0.5], [0, 1]], B=[[0], [0.5]], Q=np.eye(2), R=np.eye(1))
CORNERS = np.array([(0.0, 0.0), (0.0, 4.0), (16.0, 8.0)])
BEST = cart.optimal_gain()
LEAST = -float(cart.gain_return(BEST))  # the least cost there is
METHODS = {"gradient": "reinforce", "natural gradient": "natural gradient", "policy iteration": "policy iteration"}
UPDATES, CLOSE, FLOOR = 300, 1e-3, 1e-5  # at most; how near to the least cost counts as there, and where a path ends
FAR = (-1.0, 17.0), (-1.0, 9.0)  # of the map


def cost(K):
    """-J, infinite where the gain K [..., 2] is not stable."""
    return -cart.gain_return(K)


def is_stable(K):
    """Whether K [..., 2] lies within the triangle."""
    k1, k2 = np.moveaxis(np.asarray(K), -1, 0)
    return (k1 > 0) & (k2 > k1 / 2) & (k2 < 4 + k1 / 4)


def solved(K):
    """(cost, E, Sigma) of stable gains K [n, 2], as `LinearQuadratic` has them, by linear systems."""
    loop = cart.A - cart.B * K[:, None]
    system = np.einsum("nki,nlj->nijkl", loop, loop).reshape(-1, 4, 4)  # of P = cost + loop' P loop
    once = cart.Q + K[:, :, None] * K[:, None]
    P = np.linalg.solve(np.eye(4) - system, once.reshape(-1, 4, 1)).reshape(-1, 2, 2)
    Sigma = np.linalg.solve(np.eye(4) - system.swapaxes(1, 2), np.eye(2).reshape(4, 1)).reshape(-1, 2, 2)
    return np.trace(P, axis1=1, axis2=2), K - (cart.B.T @ P @ loop)[:, 0], Sigma


@cache
def paths(k1, k2, alpha):
    """{method: (gains [n, 2], costs [n])} from (k1, k2): up to 300 updates; the last gain may not be stable, or is there.

    grad J = -2 E Sigma. The natural gradient, for noise of any size about u = -Kx, leaves Sigma out: -2 E.
    """
    K, found = np.array([[k1, k2], [k1, k2]]), [[], []]
    going = np.array([True, True])
    for _ in range(UPDATES + 1):
        going &= is_stable(K)
        J, E, Sigma = solved(np.where(going[:, None], K, BEST))
        for k in np.flatnonzero(going):
            found[k].append((*K[k], J[k]))
        going &= J > LEAST + FLOOR
        if not going.any():
            break
        K = np.where(going[:, None], K - 2 * alpha * np.stack([E[0] @ Sigma[0], E[1]]), K)
    found = {name: _ended(rows, K[k]) for k, (name, rows) in enumerate(zip(METHODS, found))}
    return found | {"policy iteration": improved(np.array([k1, k2]))}


def _ended(rows, last):
    """(gains, costs) of a path, which ends with the gain that is not stable, if it came to one."""
    if not is_stable(last):
        rows = [*rows, (*last, np.inf)]
    return np.array(rows)[:, :2], np.array(rows)[:, 2]


def improved(K):
    """(gains, costs) of policy iteration from K [2]."""
    gains = [K]
    while is_stable(gains[-1]) and cost(gains[-1]) > LEAST + FLOOR:
        gains.append(cart.improve_gain(gains[-1]))
    return np.array(gains), np.array([cost(each) for each in gains])


def arrives(costs):
    """The first update whose cost is within 0.001 of the least, or None."""
    there = np.flatnonzero(costs <= LEAST + CLOSE)
    return int(there[0]) if there.size else None


def triangle(figure):
    """The plane of gains and three paths from the point that is dragged; a ride with that gain, and the paths' costs."""
    plane, seconds, curve = figure.subplot_mosaic("MR;MC", width_ratios=[1.5, 1], height_ratios=[1, 1.5]).values()
    map_of_gains(plane)
    place = _axes_of_rides(seconds)
    _axes_of_costs(curve)
    colors = [COLORS[name] for name in METHODS.values()]
    ways = [plane.plot([], [], "-o", color=color, markersize=4)[0] for color in colors]
    outs = [plane.plot([], [], "x", color=color, markersize=10, markeredgewidth=3)[0] for color in colors]
    lines = [curve.plot([], [], "-o", color=color, markersize=4, label=name)[0] for color, name in zip(colors, METHODS)]
    (here,) = plane.plot([], [], "o", color=COLORS["exact"], markersize=10, gid="k1")
    figure.legend(handles=lines, loc="outside lower left", ncols=3, borderpad=0)

    def draw(k1, k2, alpha):
        here.set_data([k1], [k2])
        place.set_ydata(places(k1, k2))
        said, found = [], paths(k1, k2, alpha)
        for name, way, out, line in zip(METHODS, ways, outs, lines):
            gains, costs = found[name]
            shown, stable = within(gains), np.isfinite(costs)
            way.set_data(*shown.T)
            out.set_data(*shown[1:][~stable[1:]].T)
            line.set_data(np.arange(stable.sum()), np.maximum(costs[stable] - LEAST, FLOOR))
            said.append(_in_words(name, costs))
        if not is_stable([k1, k2]):
            return f"({k1:.1f}, {k2:.1f}) is not stable: the cart swings ever wider, and its infinite cost has no slope."
        return f"The cost is {cost([k1, k2]):.2f}, the least {LEAST:.2f}. " + " ".join(said)

    return draw


def places(k1, k2):
    """Where the cart is for twenty seconds, [41], from place 1 at rest; as numbers that can be drawn, however far it swings."""
    x, found = np.array([1.0, 0.0]), [1.0]
    for _ in range(40):
        x = np.clip((cart.A - cart.B * (k1, k2)) @ x, -1e9, 1e9)
        found.append(x[0])
    return np.clip(found, -20, 20)


def _axes_of_rides(axes):
    tidy(axes, "a ride with this gain", "seconds", "place").set(xlim=(0, 20), ylim=(-3, 3), yticks=[-2, 0, 2])
    return axes.plot(np.arange(41) / 2, np.zeros(41), color=COLORS["exact"])[0]


def _axes_of_costs(axes):
    tidy(axes, "", "update", "cost above the least")
    axes.set(xlim=(0, UPDATES), xscale="symlog", ylim=(FLOOR, 1e5), yscale="log")
    axes.set_xticks([0, 1, 10, 100], ["0", "1", "10", "100"])
    axes.set_yticks([1e-5, 1e-3, 1e-1, 10, 1e3, 1e5], ["0.00001", "0.001", "0.1", "10", "1000", "100k"])


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


def within(points):
    """Points [n, 2], those outside of the map at its edge: a step may be long."""
    low, high = np.transpose(FAR)
    return np.clip(points, low + 0.2, high - 0.2)


@cache
def heights():
    """k1 [161], k2 [161], and the logarithm of the cost above the least, [161, 161]; masked where it is infinite."""
    k1, k2 = np.linspace(0, 16, 161), np.linspace(0, 8, 161)
    K = np.stack(np.meshgrid(k1, k2), axis=-1)
    stable, costs = is_stable(K), np.full(K.shape[:2], np.nan)
    costs[stable] = solved(K[stable])[0]
    return k1, k2, np.ma.masked_invalid(np.log10(costs - LEAST + 1e-9))


def map_of_gains(axes):
    """The triangle, contours of the cost in it, and the best gain."""
    tidy(axes, "", "k₁, on the place", "k₂, on the speed").grid(False)
    axes.set(xlim=FAR[0], ylim=FAR[1], xticks=range(0, 17, 4), yticks=range(0, 9, 2))
    outline = np.concatenate([CORNERS, CORNERS[:1]])
    axes.plot(*outline.T, color="0.35")
    axes.contour(*heights(), levels=[0, 0.5, 1, 1.5, 2, 2.5, 3], colors="0.55", linewidths=1.5)
    axes.plot(*BEST, "*", color=COLORS["exact"], markersize=13)

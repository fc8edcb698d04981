"""The pictures of notebook 07 that are exact: one step along the gradient, the natural gradient's race, PPO's clip."""

import numpy as np

from pgedu.gradients.estimators import clipped_surrogate, clipped_weights
from pgedu.gradients.exact import solve
from pgedu.lessons.two_plans import at, gradient_at, paths, plans, policy, policy_at, return_at
from pgedu.panels.look import best_line, key, label
from pgedu.panels.views import COLORS, World, tidy

ALPHAS = np.linspace(0, 4, 201)


def one_step(figure):
    """What a step along the gradient does: the policy and its visits, J along the way, and what the slope promised."""
    left, right = figure.subplots(1, 2, width_ratios=[1.2, 1])
    world = World(tidy(left, "the new policy, and d(s)"), plans, ("basic", "premium"), ("switch", "keep"))
    tidy(right, "", "learning rate α").set(xlim=(-0.1, 4.1), ylim=(0, 20), yticks=range(0, 21, 5))
    (curve,) = right.plot([], [], color=COLORS["exact"], label="J(θ + α g), exact")
    (tangent,) = right.plot([], [], ":", color=COLORS["none"], label="the slope at α = 0")
    (here,) = right.plot([], [], "o", color=COLORS["exact"], markersize=8, gid="alpha")
    key(right)

    def draw(start, alpha):
        g = gradient_at(*start)
        J = return_at(*(start[k] + ALPHAS * g[k] for k in (0, 1)))
        x, y = start + alpha * g
        now = float(return_at(x, y))
        world.show(policy_at(x, y), colour=solve(plans, policy, at(x, y)).visits)
        so_far = ALPHAS <= alpha + 1e-9  # further on it would answer what the student has been asked
        curve.set_data(ALPHAS[so_far], J[so_far])
        tangent.set_data([0, 4], [J[0], J[0] + 4 * (g @ g)])
        here.set_data([alpha], [now])
        promise = J[0] + alpha * (g @ g)
        return f"With α = {alpha:.2f} the step takes J from {J[0]:.2f} to {now:.2f}; the slope promised {promise:.2f}."

    return draw


def _contours(axes):
    """The hill J from above, over x and y."""
    grid = np.linspace(*FRAME, 57)
    J = return_at(grid[None, :], grid[:, None])
    lines = axes.contour(grid, grid, J, levels=[2, 4, 6, 8, 10, 12, 14, 16, 17, 18], colors="0.55", linewidths=1)
    axes.clabel(lines, [4, 8, 12, 18], fontsize=12, colors="0.35")
    tidy(axes, "J from above", "x, preference for keeping on basic", "y, for keeping on premium")


def race(figure):
    """The gradient and the natural gradient on their way, thirty exact steps each."""
    ways, heights, exits = _two_ways(figure)

    def draw(x, y, alpha, stretch):
        way = paths(x, y, alpha, stretch)
        J = return_at(way[..., 0], way[..., 1])
        gone = [_leaving(way[:, k]) for k in range(2)]
        for k in range(2):
            ways[k].set_data(*way[:, k].T)
            heights[k].set_data(np.arange(len(J)), J[:, k])
            exits[k].set(xdata=gone[k][1][:1], ydata=gone[k][1][1:], marker=">" if gone[k][1][0] > FRAME[1] - 1e-9 else "^")
        plain, natural = J[[10, 30]].T
        return (
            f"After 10 and 30 updates J is {plain[0]:.1f} and {plain[1]:.1f} along the gradient, "
            f"{natural[0]:.1f} and {natural[1]:.1f} along the natural gradient.{_departures(gone)}"
        )

    return draw


FRAME = np.array([-6.0, 8.0])  # of the race's map, both ways


def _leaving(way):
    """Of a path [n, 2]: (the last update within the frame, where it crosses the edge), or (None, NaN)."""
    outside = ((way < FRAME[0]) | (way > FRAME[1])).any(axis=1)
    if not outside.any():
        return None, np.full(2, np.nan)
    k = outside.argmax() - 1
    step = way[k + 1] - way[k]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(step > 0, (FRAME[1] - way[k]) / step, np.where(step < 0, (FRAME[0] - way[k]) / step, np.inf))
    return k, way[k] + shares.min() * step


def _departures(gone):
    names = "gradient", "natural gradient"
    said = [f" The {name} leaves the map after update {k} and goes on." for name, (k, _) in zip(names, gone) if k is not None]
    return "".join(said)


def _two_ways(figure):
    plane, curve = figure.subplots(1, 2)
    _contours(plane)
    plane.set(xlim=FRAME, ylim=FRAME)
    tidy(curve, "J, exact", "update").set(xlim=(0, 30), ylim=(0, 20), yticks=range(0, 21, 5))
    best_line(curve, 18.4)
    kinds = {"gradient": COLORS["reinforce"], "natural gradient": COLORS["natural gradient"]}
    ways = [plane.plot([], [], "-o", color=color, markersize=3.5)[0] for color in kinds.values()]
    ways[0].set_gid("x")  # whose first point is the start
    exits = [plane.plot([], [], "^", color=color, markersize=11, clip_on=False)[0] for color in kinds.values()]
    heights = [curve.plot([], [], color=color, label=name)[0] for name, color in kinds.items()]
    key(curve)
    return ways, heights, exits


def brakes(figure):
    """The clipped surrogate and its weight over the ratio, for a good and for a bad action. The axes hold r - 1."""
    axes = figure.subplots(2, 2, sharex=True)
    curves = [_brake(column, A) for column, A in zip(axes.T, SIGNS)]
    edges = [each.axvline(1, color="0.55", linestyle=":") for each in axes.T.ravel()[1:]]  # the first has the handle
    (handle,) = axes[0, 0].plot([], [], "o", color=COLORS["trpo"], markersize=9, gid="clip")
    label(axes[0, 0], -0.97, 2.35, "black: where every update starts")
    label(axes[0, 0], -0.97, 1.9, "green: the clip, to be dragged", COLORS["trpo"])

    def draw(clip):
        for A, lines in zip(SIGNS, curves):
            for line, function in zip(lines, (clipped_surrogate, clipped_weights)):
                line.set_data(CHANGES, function(1 + CHANGES, np.full_like(CHANGES, A), clip))
        for A, edge in zip((1.0, -1.0, -1.0), edges):
            edge.set_xdata([A * clip, A * clip])
        handle.set_data([clip], [1 + clip])
        low = f"down until it is {1 - clip:.2f}" if clip < 1 else "down without end"
        return (
            f"With a clip of {clip:.2f} a good action is pushed up until its ratio is {1 + clip:.2f}, "
            f"a bad one {low}; on the other side both keep their weight."
        )

    return draw


SIGNS = 1.0, -1.0
CHANGES = np.linspace(-1, 1.5, 501)


def _brake(column, A):
    above, below = column
    tidy(above, "a good action: A = 1" if A > 0 else "a bad action: A = −1", "", "clipped surrogate")
    tidy(below, "", "ratio r = π′ / π", "weight ψ")
    for axes in column:
        axes.set(xlim=(-1, 1.5), ylim=(-0.2, 2.7) if A > 0 else (-2.7, 0.2), xticks=np.arange(-1, 1.6, 0.5))
        axes.xaxis.set_major_formatter(lambda value, _: f"{1 + value:g}")
        axes.plot([0], [A], "o", color=COLORS["exact"])
    return [axes.plot([], [], color=COLORS[name])[0] for axes, name in zip(column, ("trpo", "ppo"))]

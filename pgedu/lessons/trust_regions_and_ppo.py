"""The pictures of notebook 07 that are exact: one step, its surrogates, the natural gradient's race, PPO's clip."""

import numpy as np

from pgedu.panels.look import best_line, key, label
from pgedu.panels.views import COLORS, tidy


def one_step(return_at, gradient_at):
    """J along its gradient from a start (x, y), and the straight line that the slope promises."""
    alphas = np.linspace(0, 4, 201)

    def view(figure):
        arrow, curve, tangent, here = _plane_and_line(figure, return_at)

        def draw(start, alpha):
            x, y = start
            g = gradient_at(x, y)
            J = return_at(x + alphas * g[0], y + alphas * g[1])
            now = return_at(x + alpha * g[0], y + alpha * g[1])
            arrow.set_data([x, x + alpha * g[0]], [y, y + alpha * g[1]])
            curve.set_data(alphas, J)
            tangent.set_data([0, 4], [J[0], J[0] + 4 * (g @ g)])
            here.set_data([alpha], [now])
            return (
                f"With α = {alpha:.2f} the step takes J from {J[0]:.2f} to {now:.2f}; "
                f"the slope promised {J[0] + alpha * (g @ g):.2f}. "
                f"On this line J is largest at α = {alphas[J.argmax()]:.2f}: {J.max():.2f}."
            )

        return draw

    return view


def _plane_and_line(figure, return_at):
    plane, line = figure.subplots(1, 2)
    _contours(plane, return_at)
    tidy(line, "J along the gradient, exact", "learning rate α")
    line.set(xlim=(-0.1, 4.1), ylim=(0, 20), yticks=range(0, 21, 5))
    (arrow,) = plane.plot([], [], "-o", color=COLORS["exact"], markevery=[1], markersize=8)
    (curve,) = line.plot([], [], color=COLORS["exact"], label="J(θ + α g)")
    (tangent,) = line.plot([], [], ":", color=COLORS["none"], label="the slope at α = 0")
    (here,) = line.plot([], [], "o", color=COLORS["exact"], markersize=8, gid="alpha")
    line.legend(loc="lower right")
    return arrow, curve, tangent, here


def _contours(axes, return_at):
    """The hill J from above, over x and y."""
    grid = np.linspace(-6, 8, 57)
    J = return_at(grid[None, :], grid[:, None])
    lines = axes.contour(grid, grid, J, levels=[2, 4, 6, 8, 10, 12, 14, 16, 17, 18], colors="0.65", linewidths=1)
    axes.clabel(lines, [4, 8, 12, 18], fontsize=12)
    tidy(axes, "J from above", "x, preference for keeping on basic", "y, for keeping on premium")


def microscope(lengths, measures):
    """What a step along the gradient does, over its length, and what it is said to do.

    measures(start, clip): J, the surrogate, the clipped surrogate, the mean KL and the share beyond the clip, each
    [length], and which pairs are beyond the clip, [length, state, action].
    """

    def view(figure):
        curves, dots, marks = _lens(figure)

        def draw(start, clip, step):
            *values, beyond = measures(start, clip)
            i = np.abs(lengths - step).argmin()
            _move(curves, dots, lengths, values, i)
            _mark_passes(*marks, first_passes(lengths, beyond))
            J, surrogate, clipped, kl, share = (value[i] for value in values)
            return (
                f"After a step of length {step:.1f}: J = {J:.2f}; the surrogate says {surrogate:.2f}, the clipped "
                f"surrogate {clipped:.2f}. KL = {kl:.3f}; {100 * share:.0f} % of samples are beyond the clip."
            )

        return draw

    return view


def _lens(figure):
    axes = figure.subplot_mosaic("LLK;LLS")
    tidy(axes["L"], "along the gradient", "length of the step").set(xlim=(-0.2, 16.2), ylim=(6, 21))
    tidy(axes["K"], "mean KL, in nats").set(xlim=(-0.4, 16.4), ylim=(0, 3))
    tidy(axes["S"], "share beyond the clip", "length of the step").set(xlim=(-0.4, 16.4), ylim=(-0.05, 1.05))
    kinds = [("L", "exact", "J"), ("L", "trpo", "surrogate"), ("L", "ppo", "clipped surrogate"), ("K", "trpo", None)]
    kinds += [("S", "ppo", None)]
    curves = [axes[place].plot([], [], color=COLORS[name], label=words)[0] for place, name, words in kinds]
    (passes,) = axes["L"].plot([], [], ":", color=COLORS["ppo"])
    dots = [curve.axes.plot([], [], "o", color=curve.get_color())[0] for curve in curves]
    dots[0].set_gid("step")
    pairs = "basic, switch", "basic, keep", "premium, switch", "premium, keep"
    names = [label(axes["L"], 0, 0, pair, COLORS["ppo"]) for pair in pairs]
    key(axes["L"])
    return curves, dots, (passes, names)


def _move(curves, dots, lengths, values, i):
    for curve, dot, value in zip(curves, dots, values):
        curve.set_data(lengths, value)
        dot.set_data([lengths[i]], [value[i]])


def first_passes(lengths, beyond):
    """Where each pair of state and action is first beyond the clip; NaN for one that never is."""
    return np.array([lengths[each.argmax()] if each.any() else np.nan for each in beyond.reshape(len(lengths), -1).T])


def _mark_passes(line, names, passes):
    tops = 20.6 - 0.75 * np.argsort(np.argsort(passes))  # the earliest on top, so that no line crosses a name
    line.set_data(np.repeat(passes, 3), np.stack([0 * tops, tops, np.nan * tops], axis=-1).ravel())
    for name, where, top in zip(names, passes, tops):
        name.set_position((where + 0.1, top))


def race(paths, return_at):
    """The gradient and the natural gradient on their way: paths(x, y, alpha, stretch) is [step, 2, (x, y)]."""

    def view(figure):
        ways, heights = _two_ways(figure, return_at)

        def draw(x, y, alpha, stretch):
            way = paths(x, y, alpha, stretch)
            J = return_at(way[..., 0], way[..., 1])
            for k in range(2):
                ways[k].set_data(*way[:, k].T)
                heights[k].set_data(np.arange(len(J)), J[:, k])
            plain, natural = J[[10, 30]].T
            return (
                f"After 10 and 30 updates J is {plain[0]:.1f} and {plain[1]:.1f} along the gradient, "
                f"{natural[0]:.1f} and {natural[1]:.1f} along the natural gradient."
            )

        return draw

    return view


def _two_ways(figure, return_at):
    plane, curve = figure.subplots(1, 2)
    _contours(plane, return_at)
    plane.set(xlim=(-6, 8), ylim=(-6, 8))
    tidy(curve, "J, exact", "update").set(xlim=(0, 30), ylim=(0, 20), yticks=range(0, 21, 5))
    best_line(curve, 18.4)
    kinds = {"gradient": COLORS["reinforce"], "natural gradient": COLORS["natural gradient"]}
    ways = [plane.plot([], [], "-o", color=color, markersize=3.5)[0] for color in kinds.values()]
    ways[0].set_gid("x")  # whose first point is the start
    heights = [curve.plot([], [], color=color, label=name)[0] for name, color in kinds.items()]
    key(curve)
    return ways, heights


def brakes(surrogate, weights):
    """The clipped surrogate and its weight over the ratio, for a good and for a bad action."""
    r = np.linspace(0, 2.5, 501)

    def view(figure):
        pairs = [_brake(axes, A) for axes, A in zip(figure.subplots(1, 2), (1.0, -1.0))]
        figure.axes[0].legend(loc="lower left")  # a good action has no weight below 0

        def draw(clip):
            for A, (value, weight) in zip((1.0, -1.0), pairs):
                value.set_data(r, surrogate(r, A, clip))
                weight.set_data(r, weights(r, np.full_like(r, A), clip))
            low = f"down until it is {1 - clip:.2f}" if clip < 1 else "down without end"
            return (
                f"With a clip of {clip:.2f} a good action is pushed up until its ratio is {1 + clip:.2f}, "
                f"a bad one {low}; on the other side both keep their weight."
            )

        return draw

    return view


def _brake(axes, A):
    title = "a good action: A = 1" if A > 0 else "a bad action: A = −1"
    tidy(axes, title, "ratio r = π′ / π").set(xlim=(0, 2.5), ylim=(-2.6, 2.6))
    (value,) = axes.plot([], [], color=COLORS["trpo"], linewidth=5, label="clipped surrogate, min(r A, clip(r) A)")
    (weight,) = axes.plot([], [], color=COLORS["ppo"], label="weight ψ")
    axes.plot([1], [A], "o", color=COLORS["exact"], label="where every update starts")
    return value, weight

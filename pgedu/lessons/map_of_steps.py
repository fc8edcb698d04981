"""Notebook 07's map: the new policy under the finger on the hill J, and how far the old policy's data carry it."""

from functools import cache

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import Polygon

from pgedu.lessons.two_plans import (
    edge_of_region, fisher_at, gradient_at, kl_from, old_data, policy_at, promised, return_at, silent_from,
)  # fmt: skip
from pgedu.panels.look import key
from pgedu.panels.views import COLORS, tidy

EDGE = 5.5  # the map goes from -EDGE to EDGE
KLS = {0.03: "-", 0.3: "--", 1.0: ":"}  # drawn on the map of the clip
SHARES = np.linspace(0, 1.5, 61)  # of the way from the old policy to the new one


def region(figure):
    """The trust region: mean KL at most delta from the old policy, and the steps of both gradients to its ellipse."""
    places, line, axes = _map_and_line(figure, "trpo", "surrogate")
    (edge,) = axes.plot([], [], color=COLORS["trpo"], label="KL = δ")
    (ellipse,) = axes.plot([], [], "--", color=COLORS["trpo"], label="½ ΔθᵀF Δθ = δ")
    colors = {"gradient": COLORS["reinforce"], "natural": COLORS["natural gradient"]}
    steps = [axes.plot([], [], "-o", color=color, markevery=[1], label=name)[0] for name, color in colors.items()]
    _key_below(figure, edge, ellipse, *steps)

    def draw(start, x, y, delta):
        said = _show(places, line, start, x, y, np.inf)
        edge.set_data(*edge_of_region(start, delta))
        ellipse.set_data(*_ellipse(start, delta))
        for artist, step in zip(steps, steps_to(start, delta)):
            artist.set_data(*np.transpose([start, np.add(start, step)]))
        kl = kl_from(start, x, y)
        where = "inside" if kl <= delta else "outside"
        return f"{said} The mean KL is {_in_words(kl)}: {where} the region of {delta:.2g}."

    return draw


@cache
def steps_to(start, delta):
    """The steps [2, (x, y)] of the gradient and of the natural gradient that end on the ellipse of delta."""
    F, g = fisher_at(start), gradient_at(*start)
    return [np.sqrt(2 * delta / (n @ F @ n)) * n for n in (g, np.linalg.solve(F, g))]


def _ellipse(start, delta):
    """Outline [2, n] of 1/2 d^T F d = delta around the start."""
    angle = np.linspace(0, 2 * np.pi, 121)
    L = np.linalg.cholesky(np.linalg.inv(fisher_at(start)))
    return np.array(start)[:, None] + np.sqrt(2 * delta) * L @ np.stack([np.cos(angle), np.sin(angle)])


def silence(figure):
    """What PPO's clip leaves: beyond the lines the samples of a plan are silent; and how large the KL is there."""
    places, line, axes = _map_and_line(figure, "ppo", "clipped surrogate")
    edges = [axes.plot([], [], style, color=COLORS["trpo"], label=f"KL {kl:g}")[0] for kl, style in KLS.items()]
    silent = [axes.add_patch(_nowhere(hatch, name)) for hatch, name in (("|", "basic: silent (|)"), ("-", "premium: silent (–)"))]
    _key_below(figure, *silent, *edges)

    def draw(start, x, y, clip):
        said = _show(places, line, start, x, y, clip)
        for artist, kl in zip(edges, KLS):
            artist.set_data(*edge_of_region(start, kl))
        for patch, corners in zip(silent, _sides(*silent_from(start, clip))):
            patch.set_xy(corners)
        share = 100 * share_silent(start, x, y, clip)
        return f"{said} {share:.0f} % of the old samples are silent. The mean KL is {_in_words(kl_from(start, x, y))}."

    return draw


def share_silent(start, x, y, clip):
    """The share of the old policy's samples whose weight is 0 at (x, y)."""
    probabilities, A, weight = old_data(start)
    ratio = policy_at(x, y) / probabilities
    silent = np.where(A > 0, ratio > 1 + clip, ratio < 1 - clip)
    return (weight * silent).sum() / weight.sum()


def _in_words(kl):
    return "less than 0.0001" if kl < 1e-4 else f"{kl:.2g}"


def _nowhere(hatch, name):
    color = to_rgba(COLORS["ppo"], 0.5)
    return Polygon(np.zeros((4, 2)), facecolor="none", edgecolor=color, hatch=hatch, linewidth=1.5, label=name)


def _sides(where, way):
    """Corners [4, 2] of what lies beyond x*, and of what lies beyond y*; an area outside of the map if there is none."""
    far = 1.1 * EDGE
    spans = [np.clip([edge, side * far], -far, far) for edge, side in zip(where, way)]
    everything = [-far, far]
    for (x0, x1), (y0, y1) in ((spans[0], everything), (everything, spans[1])):
        yield np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])


def _key_below(figure, *lines):
    figure.legend(handles=lines, loc="outside lower left", ncols=5, borderpad=0, columnspacing=1.2, handlelength=2, handleheight=1)


def _map_and_line(figure, method, name):
    axes, line = figure.subplots(1, 2, width_ratios=[1.3, 1])
    grid = np.linspace(-EDGE, EDGE, 56)
    white_to = LinearSegmentedColormap.from_list("shade", ["white", COLORS[method]])
    frame = {"extent": (-EDGE, EDGE, -EDGE, EDGE), "origin": "lower", "cmap": white_to, "alpha": 0.35}
    shade = axes.imshow(np.zeros((56, 56)), interpolation="nearest", aspect="auto", **frame)
    J = return_at(grid[None, :], grid[:, None])
    hill = axes.contour(grid, grid, J, levels=range(2, 19, 2), colors="0.3", linewidths=1)
    axes.clabel(hill, [4, 8, 12, 16], fontsize=12)
    tidy(axes, f"grey: J; shaded: {name}", "x, for keeping on basic", "y, for keeping on premium").grid(False)
    (old,) = axes.plot([], [], "s", color="black", markersize=8, markerfacecolor="white")
    (new,) = axes.plot([], [], "o", color="black", markersize=9, gid="x")
    tidy(line, "", "share of the way from old to new").set(xlim=(0, 1.5), ylim=(-5, 20), yticks=range(-5, 21, 5))
    styles = {"J": COLORS["exact"], name: COLORS[method]}
    curves = [line.plot([], [], color=color, label=words)[0] for words, color in styles.items()]
    dots = [line.plot([], [], "o", color=color)[0] for color in styles.values()]
    key(line, *curves)
    return (grid, shade, old, new), (curves, dots), axes


def _show(places, line, start, x, y, clip):
    """Move what both maps have in common; the first half of the sentence."""
    grid, shade, old, new = places
    if shade.get_label() != f"{start} {clip}":  # dragging the new policy does not change it
        values = promised(start, grid[None, :], grid[:, None], clip)
        shade.set(data=values, clim=(values.min(), values.max()), label=f"{start} {clip}")
    old.set_data(*np.reshape(start, (2, 1)))
    new.set_data([x], [y])
    way = np.array(start)[:, None] + SHARES * np.subtract((x, y), start)[:, None]
    heights = return_at(*way), promised(start, *way, clip)
    ends = float(return_at(x, y)), float(promised(start, x, y, clip))
    for curve, dot, height, end in zip(*line, heights, ends):
        curve.set_data(SHARES, height)
        dot.set_data([1], [end])
    kind = "surrogate" if np.isinf(clip) else "clipped surrogate"
    return f"At the new policy J is {ends[0]:.2f}, and the {kind} says {ends[1]:.2f}."

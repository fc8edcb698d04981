"""Pictures of notebook 02. Each function takes what the lesson computed and returns a view."""

import numpy as np

from pgedu.gradients.exact import exact_gradient, exact_return
from pgedu.panels.look import key
from pgedu.panels.views import COLORS, tidy

BLUE, BLACK = COLORS["reward to go"], COLORS["exact"]  # estimates, and the truth


def hill(world, policy, estimates):
    """The hill J(h) of a policy with theta = [0, h], and its slope: exact, and as `estimates(h, episodes, rng)` [n]."""
    thetas = lambda h: np.stack([0 * h, h], axis=-1)  # noqa: E731
    height = lambda h: exact_return(world, policy, thetas(h))  # noqa: E731
    slope = lambda h: exact_gradient(world, policy, thetas(h))[..., 1]  # noqa: E731

    def view(figure):
        grid = np.linspace(-3, 3, 200)
        left, right = figure.subplots(1, 2)
        ways, slopes = WaysUp(left, grid, height(grid)), Slopes(right, grid, slope(grid))

        def draw(h, episodes, rng):
            h = np.float64(h)
            found = estimates(h, episodes, rng)
            ways.show(h, height(h), slope(h), found)
            slopes.show(h, slope(h), found)
            return _words_of_hill(h, height(h), slope(h), found, episodes)

        return draw

    return view


class WaysUp:
    """A hill, the tangent where we stand, and an arrow for each estimate of the way up."""

    def __init__(self, axes, x, height):
        tidy(axes, "the hill J", "h, preference for right").set(xlim=(-3, 3), ylim=(-50, 0))
        axes.plot(x, height, color=BLACK)
        (self.shafts,) = axes.plot([], [], color=BLUE, linewidth=1.5, alpha=0.7, label="estimates")
        (self.tips,) = axes.plot([], [], "^", color=BLUE, markersize=6, alpha=0.7)
        (self.tangent,) = axes.plot([], [], "--", color=BLACK, label="exact tangent")
        (self.star,) = axes.plot([], [], "*", color=BLACK, markersize=10, gid="h")
        key(axes)

    def show(self, h, height, slope, found):
        """Standing at (h, height) with that exact slope and those found [n]."""
        run = np.sign(found) * side_step(found)
        x = np.stack([0 * run, run, np.nan * run], axis=-1)  # from here to the tip, and a gap to the next arrow
        self.shafts.set_data((h + x).ravel(), (height + found[:, None] * x).ravel())
        self.tips.set_data(h + run, height + found * run)
        x = side_step(slope) * np.array([-1, 1])
        self.tangent.set_data(h + x, height + slope * x)
        self.star.set_data([h], [height])


class Slopes:
    """The slope as a curve, its estimates as dots where we stand, and their mean and spread beside them."""

    def __init__(self, axes, x, slope):
        tidy(axes, "the slope dJ/dh", "h, preference for right")
        axes.set(xlim=(-3, 3), ylim=(-80, 140), yticks=(-50, 0, 50, 100))
        axes.plot(x, slope, color=BLACK)
        axes.axhline(0, color="0.6", linewidth=1)
        dots = {"markersize": 5, "alpha": 0.6, "markeredgewidth": 0}
        (self.dots,) = axes.plot([], [], "o", color=BLUE, label="estimates", **dots)
        (self.spread,) = axes.plot([], [], color=BLUE, linewidth=3, label="mean ± standard deviation")
        (self.star,) = axes.plot([], [], "*", color=BLACK, markersize=10)
        axes.legend(loc="upper right")

    def show(self, h, slope, found):
        """At h, with the exact slope and those found [n]; dots beyond the edge stand on it."""
        self.dots.set_data(h + np.linspace(-0.15, 0.15, len(found)), np.clip(found, -79, 139))
        self.spread.set_data([h + 0.3, h + 0.3], found.mean() + found.std(ddof=1) * np.array([-1, 1]))
        self.star.set_data([h], [slope])


def side_step(slope):
    """How far to the side a line of this slope goes, so that all lines are equally long in the picture."""
    return 1 / np.hypot(1, slope / 10)


def _words_of_hill(h, height, slope, found, episodes):
    way = "practically flat" if abs(slope) < 0.1 else "uphill to the right" if slope > 0 else "uphill to the left"
    wrong = int((np.sign(found) != np.sign(slope)).sum())
    return (f"At h = {h:.2f} the policy goes right with probability {1 / (1 + np.exp(-h)):.2f}, J = {height:.2f}, "
            f"and the exact slope is {slope:.2f}: {way}. The {len(found)} estimates, from {episodes} episodes each, "
            f"have mean {found.mean():.1f} and standard deviation {found.std(ddof=1):.1f}; "
            f"pointing the wrong way: {wrong}.")  # fmt: skip


def bars_of_the_theorem(terms):
    """The plane of theta, where it can be dragged, and, for the curious and the loyal, what the gradient is made of:
    visits, action values, its two terms end to end, and their sum, which is also the arrow in the plane.

    `terms(curious, loyal)` gives, for these preferences for an offer, the terms [S, A] and the `Solution` behind them.
    """
    titles = ["visits d(s)", "action values q(s, a)", "the terms of ∂J/∂θ, end to end", "their sum, enlarged"]
    limits = [(0, 3), (0, 8), (-4, 1), (-0.4, 0.4)]

    def view(figure):
        axes = figure.subplot_mosaic("PdQ;PsT", width_ratios=(5, 2.4, 3.6))
        plane = Plane(axes["P"], lambda curious, loyal: terms(curious, loyal)[1].values[0])
        places = [axes[name] for name in "dQTs"]
        visits, values, ends, total = map(Bars, places, titles, limits, ["0.5", None, None, "black"])

        def draw(curious, loyal):
            both, solution = terms(curious, loyal)
            (wait, offer), zero = both[:2].T, np.zeros(2)  # without the lost, on whom nobody acts
            visits.show(zero, solution.visits[:2])
            values.show(np.zeros(4), solution.action_values[:2].T.ravel())
            ends.show(np.append(zero, wait), np.append(wait, wait + offer))
            total.show(zero, wait + offer)
            plane.show(np.array([curious, loyal]), wait + offer)
            return _words_of_theorem(solution, wait + offer)

        return draw

    return view


class Plane:
    """The hill J from above, over two components of theta, with theta as a point and the gradient as an arrow."""

    def __init__(self, axes, J):
        grid = np.linspace(-4.4, 4.4, 23)
        height = np.array([[J(x, y) for x in grid] for y in grid])
        axes.contour(grid, grid, height, levels=12, colors="0.7", linewidths=1)
        tidy(axes, "J from above", "θ, offer to the curious", "θ, offer to the loyal")
        axes.set(xlim=(-4.4, 4.4), ylim=(-4.4, 4.4))
        (self.arrow,) = axes.plot([], [], color=BLACK, linewidth=3)
        (self.here,) = axes.plot([], [], "o", color=BLACK, gid="curious")

    def show(self, theta, gradient):
        """Both [2]. The arrow is ten times as long as the gradient."""
        self.here.set_data(theta[:1], theta[1:])
        self.arrow.set_data(*np.stack([theta, theta + 10 * gradient], axis=-1))


class Bars:
    """A bar for the curious and one for the loyal; or, without a shade, a pair for each: wait is light, offer dark."""

    def __init__(self, axes, title, limits, shade):
        tidy(axes, title).set(xlim=(-0.5, 1.5), ylim=limits)
        axes.axhline(0, color="0.3", linewidth=1)
        axes.tick_params(axis="x", length=0, which="both")
        axes.tick_params(axis="x", pad=22, which="minor")  # a second row of names
        self.x = [0, 1] if shade else [-0.23, 0.77, 0.23, 1.23]
        names = [] if shade else ["wait", "wait", "offer", "offer"]
        axes.set_xticks(self.x[: len(names)], names)
        axes.set_xticks([0, 1], ["curious", "loyal"], minor=True)
        self.bars = axes.bar(self.x, 0, 0.36, color=shade or ["0.8", "0.8", "0.5", "0.5"])
        (self.tops,) = axes.plot([], [], color="black")

    def show(self, feet, heads):
        """Arrays [2], or [4] for wait (curious, loyal) and offer (curious, loyal): where each bar begins and ends."""
        for bar, foot, head in zip(self.bars, feet, heads):
            bar.set(y=foot, height=head - foot)
        self.tops.set_data(np.add.outer(self.x, [-0.2, 0.2, np.nan]).ravel(), np.repeat(heads, 3))


def _words_of_theorem(solution, total):
    values, q, visits, pi = (table[:2] for table in solution)
    undecided, gain = pi[:, 0] * pi[:, 1], q[:, 1] - q[:, 0]
    words = [f"{name}: {visits[s]:.2f} visits × {undecided[s]:.3f} undecided × {gain[s]:+.2f} gain = {total[s]:+.3f}."
             for s, name in enumerate(["Curious", "Loyal"])]  # fmt: skip
    return (f"Offers go to the curious with probability {pi[0, 1]:.2f}, to the loyal with {pi[1, 1]:.2f}, "
            f"and J = {values[0]:.2f}. {' '.join(words)}")  # fmt: skip

"""Pictures of notebook 02: functions of what the lesson computed that return a view; and how it compares two sides."""

import numpy as np
from matplotlib.lines import Line2D

from pgedu.gradients.exact import exact_gradient, exact_return
from pgedu.panels.look import key, see_through
from pgedu.panels.views import COLORS, tidy

MOST = 40  # arrows, with 5 of 200 episodes for each
BLUE, BLACK = COLORS["reward to go"], COLORS["exact"]  # estimates, and the truth


def compare(left, right):
    """Print both sides of an equation, the first four numbers of the first state, and whether all numbers of all agree.

    Args:
        left, right: [S, ...], or [D].
    """
    for name, side in (("left ", left), ("right", right)):
        shown = side[0] if side.ndim > 1 else side
        print(name, "side:", shown.ravel()[:4].round(3) + 0.0, "...")  # 0 is added so that no 0 is negative
    agree = np.allclose(left, right, atol=1e-4 * np.abs(left).max(), rtol=0)
    print("THE TWO SIDES AGREE everywhere" if agree else "THE TWO SIDES DIFFER")


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


def arrows(axes, count, **look):
    """So many arrows in the units of the axes, each as long as it is and pointing where it points; yet without length."""
    nowhere = np.zeros(count)
    units = {"angles": "xy", "scale_units": "xy", "scale": 1, "units": "inches", "minlength": 0}
    shape = {"width": 1.8 / 72, "headwidth": 4.5, "headlength": 6, "headaxislength": 5.5, "zorder": 2.5}
    return axes.quiver(nowhere, nowhere, nowhere, nowhere, **units, **(shape | look))


class WaysUp:
    """A hill, the tangent where we stand, and an arrow for each estimate of the way up."""

    def __init__(self, axes, x, height):
        tidy(axes, "the hill J", "h, preference for right").set(xlim=(-3, 3), ylim=(-50, 0))
        axes.plot(x, height, color=BLACK)
        self.arrows = arrows(axes, MOST, color=BLUE, alpha=0.7)
        (self.tangent,) = axes.plot([], [], "--", color=BLACK, label="exact tangent")
        (self.star,) = axes.plot([], [], "*", color=BLACK, markersize=10, gid="h")
        key(axes, Line2D([], [], color=BLUE, label="estimates"), self.tangent)

    def show(self, h, height, slope, found):
        """Standing at (h, height) with that exact slope and those found [n]."""
        run = np.sign(found) * side_step(found)
        self.arrows.set_offsets(np.tile([h, height], (MOST, 1)))
        unused = np.full(MOST - len(found), np.nan)
        self.arrows.set_UVC(*(np.ma.masked_invalid(np.append(way, unused)) for way in (run, found * run)))
        x = side_step(slope) * np.array([-1, 1])
        self.tangent.set_data(h + x, height + slope * x)
        self.star.set_data([h], [height])


class Slopes:
    """The slope as a curve, its estimates as dots where we stand, and their mean and spread beside them."""

    def __init__(self, axes, x, slope):
        tidy(axes, "the slope dJ/dh", "h, preference for right")
        axes.set(xlim=(-3, 3), ylim=(-80, 140), yticks=(-50, 0, 50, 100))
        axes.plot(x, slope, color=BLACK)
        axes.axhline(0, color="0.55", linewidth=1)
        (self.dots,) = axes.plot([], [], "o", markersize=5, label="estimates", **see_through(BLUE, 0.6))
        (self.spread,) = axes.plot([], [], color=BLUE, linewidth=3)
        look = {"color": BLUE, "linewidth": 3, "markeredgecolor": BLACK, "markersize": 7}
        (self.mean,) = axes.plot([], [], "D-", label="mean ± standard deviation", **look)
        (self.star,) = axes.plot([], [], "*", color=BLACK, markersize=10)
        axes.legend(loc="upper right")

    def show(self, h, slope, found):
        """At h, with the exact slope and those found [n]; dots beyond the edge stand on it."""
        self.dots.set_data(h + np.linspace(-0.15, 0.15, len(found)), np.clip(found, -79, 139))
        self.spread.set_data([h + 0.3, h + 0.3], found.mean() + found.std(ddof=1) * np.array([-1, 1]))
        self.mean.set_data([h + 0.3], [found.mean()])
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


def bars_of_the_theorem(factors):
    """The plane of theta, where it can be dragged, and, for the curious and the loyal, what the gradient is made of:
    visits, how undecided the policy is, action values, and the product, which is also the arrow in the plane.

    `factors(curious, loyal)` gives, for these preferences for an offer, J, visits [2], π(wait) π(offer) [2], q [2, 2].
    """
    titles = ["visits d(s)", "undecided: π(wait) π(offer)", "action values q(s, a)", "∂J/∂θ: visits × undecided × gain"]
    limits = [(0, 3), (0, 0.3), (0, 8), (-0.4, 0.4)]

    def view(figure):
        axes = figure.subplot_mosaic("PdQ;PuT", width_ratios=(4.6, 2.8, 3.6))
        plane = Plane(axes["P"], lambda curious, loyal: factors(curious, loyal)[0])
        places = [axes[name] for name in "duQT"]
        visits, undecided, values, product = map(Bars, places, titles, limits, ["0.5", "0.5", None, "black"])

        def draw(curious, loyal):
            J, d, u, q = factors(curious, loyal)
            gradient, zero = d * u * (q[:, 1] - q[:, 0]), np.zeros(2)
            visits.show(zero, d)
            undecided.show(zero, u)
            values.show(np.zeros(4), q.T.ravel())
            product.show(zero, gradient)
            plane.show(np.array([curious, loyal]), gradient)
            return _words_of_theorem(np.array([curious, loyal]), J, d, u, q[:, 1] - q[:, 0])

        return draw

    return view


class Plane:
    """The hill J from above, over two components of theta, with theta as a point and the gradient as an arrow."""

    def __init__(self, axes, J):
        grid = np.linspace(-4.4, 4.4, 23)
        height = np.array([[J(x, y) for x in grid] for y in grid])
        axes.contour(grid, grid, height, levels=12, colors="0.55", linewidths=1)
        tidy(axes, "J from above", "θ, offer to the curious", "θ, offer to the loyal")
        axes.set(xlim=(-4.4, 4.4), ylim=(-4.4, 4.4))
        (self.arrow,) = axes.plot([], [], color=BLACK, linewidth=3)  # is pinned with the rest
        self.head = arrows(axes, 1, color=BLACK, width=2.2 / 72)
        (self.here,) = axes.plot([], [], "o", color=BLACK, gid="curious")

    def show(self, theta, gradient):
        """Both [2]. The arrow is ten times as long as the gradient."""
        self.here.set_data(theta[:1], theta[1:])
        self.arrow.set_data(*np.stack([theta, theta + 10 * gradient], axis=-1))
        self.head.set_offsets(theta)
        self.head.set_UVC(*10 * gradient[:, None])


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
        self.bars = axes.bar(self.x, 0, 0.36, color=shade or ["0.57", "0.57", "0.3", "0.3"])
        (self.tops,) = axes.plot([], [], color="black")

    def show(self, feet, heads):
        """Arrays [2], or [4] for wait (curious, loyal) and offer (curious, loyal): where each bar begins and ends."""
        for bar, foot, head in zip(self.bars, feet, heads):
            bar.set(y=foot, height=head - foot)
        self.tops.set_data(np.add.outer(self.x, [-0.2, 0.2, np.nan]).ravel(), np.repeat(heads, 3))


def _words_of_theorem(theta, J, visits, undecided, gain):
    offer, product = 1 / (1 + np.exp(-theta)), visits * undecided * gain
    words = [f"{name}: {visits[s]:.2f} visits × {undecided[s]:.3f} undecided × {gain[s]:+.2f} gain = {product[s]:+.3f}."
             for s, name in enumerate(["Curious", "Loyal"])]  # fmt: skip
    return (f"Offers go to the curious with probability {offer[0]:.2f}, to the loyal with {offer[1]:.2f}, "
            f"and J = {J:.2f}. {' '.join(words)}")  # fmt: skip

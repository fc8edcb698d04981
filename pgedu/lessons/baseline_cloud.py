"""A picture of notebook 04: the estimates of one decision as a cloud, and the baseline that moves it."""

import numpy as np

from pgedu.panels.look import COLORS, tidy

COLOR = COLORS["constant"]


def cloud_of_a_decision(q, truth, moments, estimates):
    """One decision among three actions worth q [3]: a baseline b(a), to be dragged, and the cloud of the estimates.

    b(a) = (1 - follows) b + follows q(a): for 0 a plain number, for 1 it follows the action entirely.

    Args:
        truth: [3], the exact gradient by the three preferences.
        moments: function b [3] -> exact mean [3] and covariance [3, 3] of an estimate.
        estimates: function (rng, b [3]) -> [n, 3].
    """
    without = np.trace(moments(np.zeros(3))[1])

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[2, 3])
        weights, plane = Weights(left, q), Plane(right, truth)

        def draw(rng, b, follows):
            each = (1 - follows) * b + follows * q
            mean, covariance = moments(each)
            share = round(mean @ truth / (truth @ truth), 2) + 0.0  # no "-0.00"
            weights.show(b, each)
            plane.show(estimates(rng, each), mean)
            return (f"The baseline is {', '.join(f'{value:.1f} for {name}' for value, name in zip(each, 'ABC'))}. The variance "
                    f"of one estimate is {np.trace(covariance):.1f} (without baseline {without:.1f}), and the expected "
                    f"estimate is {share:.2f} times the gradient.")  # fmt: skip

        return draw

    return view


class Weights:
    """What each action returns on average, and a baseline: what lies between them weights the score."""

    def __init__(self, axes, q):
        tidy(axes, "returns (black), and b").set(xlim=(-0.6, 2.9), ylim=(-1.5, 16.5))
        axes.set_xticks(range(3), ["A", "B", "C"])
        axes.axhline(0, color="0.55", linewidth=1)
        axes.hlines(q, np.arange(3) - 0.3, np.arange(3) + 0.3, color=COLORS["exact"], linewidth=3)
        (self.between,) = axes.plot([], [], color="0.55", linewidth=5, solid_capstyle="butt")
        (self.steps,) = axes.plot([], [], color=COLOR, linewidth=3)
        (self.handle,) = axes.plot([], [], "o", color=COLOR, markersize=9, gid="b")
        self.q = q

    def show(self, b, each):
        """b is a number, and each [3] the baseline of each action."""
        x, gap = np.arange(3.0), np.full(3, np.nan)
        self.between.set_data(np.stack([x, x, gap], axis=-1).ravel(), np.stack([each, self.q, gap], axis=-1).ravel())
        self.steps.set_data(np.stack([x - 0.4, x + 0.4, gap], axis=-1).ravel(), np.stack([each, each, gap], axis=-1).ravel())
        self.handle.set_data([2.65], [b])


class Plane:
    """Estimates as dots, the expected one as an arrow from 0, and the exact gradient as a star: two components of each."""

    SHOWN = [0, 2]

    def __init__(self, axes, truth):
        tidy(axes, "estimates of the gradient", "∂J / ∂ preference for A", "∂J / ∂ preference for C")
        axes.set(xlim=(-8.5, 5.5), ylim=(-4.5, 9.5), aspect="equal")
        axes.axhline(0, color="0.55", linewidth=1)
        axes.axvline(0, color="0.55", linewidth=1)
        (self.dots,) = axes.plot([], [], "o", color=COLOR, alpha=0.35, markersize=5, markeredgewidth=0, label="estimates")
        (self.arrow,) = axes.plot([], [], "-o", color=COLORS["exact"], markevery=[1], label="what they are on average")
        axes.plot(*truth[self.SHOWN], "*", color=COLORS["exact"], markersize=13, label="exact gradient")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))

    def show(self, points, mean):
        """points [n, 3] and their exact mean [3]."""
        self.dots.set_data(*points[:, self.SHOWN].T)
        self.arrow.set_data(*np.stack([np.zeros(2), mean[self.SHOWN]], axis=-1))

"""Pictures of the bug museums of notebooks 04 and 05: what a mistake makes of the gradient, and of learning."""

import numpy as np

from pgedu.lessons.museum import RIGHT
from pgedu.panels.views import COLORS, Band, ellipse, tidy

OFFERS = [1, 3]  # where theta of the campaign holds the preference for an offer, to the curious and to the loyal


class ExpectedEstimate:
    """The expected estimate of the gradient for offers as an arrow, and 2 standard deviations of a batch around it."""

    BATCH = 400

    def __init__(self, axes, label, color, width):
        (self.outline,) = axes.plot([], [], color=color)
        (self.arrow,) = axes.plot([], [], "-o", color=color, linewidth=width, markevery=[1], label=label)

    def show(self, mean, covariance):
        """Moments of the estimate from one episode: mean [D], covariance [D, D]."""
        mean, covariance = mean[OFFERS], covariance[np.ix_(OFFERS, OFFERS)]
        self.arrow.set_data([0, mean[0]], [0, mean[1]])
        self.outline.set_data(*ellipse(mean, covariance / self.BATCH))


def right_and_mistaken(axes, truth, star, legend, **settings):
    """The plane of the museums: two `ExpectedEstimate`s, the right one and the mistaken one, and the truth [D]."""
    tidy(axes, "expected estimate, 2σ of a batch of 400", "∂J / ∂ offers to the curious")
    axes.set(ylabel="∂J / ∂ offers to the loyal", aspect="equal", **settings)
    both = [ExpectedEstimate(axes, "right", COLORS["reward to go"], 5),
            ExpectedEstimate(axes, "mistaken", COLORS["total return"], 2.5)]  # fmt: skip
    axes.plot(*truth[OFFERS], "*", color=COLORS["exact"], markersize=11, label=star)
    axes.legend(**legend)
    return both


def museum(measured):
    """The bug museum: measured(exhibit) -> (its `Cost`, exact J [updates + 1, runs] while it learns)."""
    right, J_right = measured(RIGHT)

    def view(figure):
        plane, curves = figure.subplots(1, 2)
        legend = {"loc": "lower left", "borderaxespad": 0.2}
        limits = {"xlim": (-0.35, 0.35), "ylim": (-0.5, 0.25)}
        arrows = right_and_mistaken(plane, right.truth, "exact gradient", legend, **limits)
        tidy(curves, "exact J while it learns: mean, 8 of 10 runs", "update").set(xlim=(0, 40), ylim=(0.5, 1.25))
        bands = [Band(curves, None, COLORS[name]) for name in ("reward to go", "total return")]

        def draw(exhibit):
            for arrow, band, (cost, J) in zip(arrows, bands, (measured(RIGHT), measured(exhibit))):
                arrow.show(cost.mean, cost.covariance)
                band.show(np.arange(len(J)), J.mean(axis=1), *np.quantile(J, [0.1, 0.9], axis=1))
            return _cost_in_words(exhibit, cost, J, right, J_right)

        return draw

    return view


def _cost_in_words(exhibit, cost, J, right, J_right):
    angle = "has no direction" if np.isnan(cost.angle) else f"points {cost.angle:.0f}° away from the gradient"
    length = np.linalg.norm(cost.mean) / np.linalg.norm(right.truth)
    return (f"{exhibit.story} The expected estimate {angle} and is {length:.2f} times as long; its variance is "
            f"{cost.variance:.2f} (right: {right.variance:.2f}); after {len(J) - 1} updates J = {J[-1].mean():.2f} "
            f"(right: {J_right[-1].mean():.2f}). Seen in {' and '.join(exhibit.threads)}.")  # fmt: skip

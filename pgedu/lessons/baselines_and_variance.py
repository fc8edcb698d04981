"""Pictures and the table of notebook 04. Its live panels show the views of `pgedu.lessons.reinforce`."""

import numpy as np

from pgedu.gradients.baselines import constant
from pgedu.gradients.estimators import reward_to_go, total_return
from pgedu.lessons.museum import RIGHT
from pgedu.panels.look import in_decades, key, label
from pgedu.panels.views import COLORS, Band, ellipse, tidy

OFFERS = [1, 3]  # where theta of the campaign holds the preference for an offer, to the curious and to the loyal


def constant_baseline(stay, exact_variance):
    """What a constant baseline does to the variance of the total return: over stay [n], the probability theta, and, at
    the theta in the middle, over b, where it can be dragged.

    exact_variance(estimator, baseline) -> [n]. The best constant for each theta leaves 4 / (1 - theta)^4.
    """
    without, to_go = exact_variance(total_return), exact_variance(reward_to_go)
    middle, few = len(stay) // 2, np.linspace(0, 10, 11)
    over_b = np.array([exact_variance(total_return, constant(b))[middle] for b in few])

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[3, 2])
        moving = _variances_that_stay(left, stay, without, to_go)
        here = _parabola(right, few, over_b, stay[middle])

        def draw(b):
            variance = exact_variance(total_return, constant(b))
            moving.show(stay, variance)
            here.set_data([b], [variance[middle]])
            return _where_lower(b, stay, variance < without)

        return draw

    return view


def _parabola(axes, few, variances, theta):
    """The variance at this theta, a square in b: through what is known for a few b. Returns the dot that moves on it."""
    b = np.linspace(few[0], few[-1], 101)
    tidy(axes, f"the same at θ = {theta:.2f}, over b", "b").set(xlim=(-0.3, 10.3), ylim=(0, 1.1 * variances.max()))
    axes.plot(b, np.polynomial.Polynomial.fit(few, variances, 2)(b), color=COLORS["exact"])
    return axes.plot([], [], "o", color=COLORS["constant"], markersize=9, gid="b")[0]


def _variances_that_stay(axes, stay, without, to_go):
    """Draw them, with their names; returns the band of the one that moves."""
    tidy(axes, "exact variance", "θ, the probability of staying")
    in_decades(axes.yaxis)
    axes.set_ylim(1, 3000)
    for name, values, width in (("total return", without, 4), ("reward to go", to_go, 2)):
        axes.plot(stay, values, color=COLORS[name], linewidth=width, label=name)
        label(axes, stay[-1] + 0.01, values[-1], name, COLORS[name])
    (best,) = axes.plot(stay, 4 / (1 - stay) ** 4, "k:", label="total return − the best constant for each θ")
    label(axes, 0.17, 2.6, best.get_label())
    moving = Band(axes, "total return − b", COLORS["constant"], "--")
    key(axes, moving.line)
    return moving


def _where_lower(b, stay, lower):
    if not lower.any():
        return f"With b = {b:.1f} there is no θ at which the variance is lower than without a baseline."
    if lower.all():
        return f"With b = {b:.1f} the variance is lower than without at every θ shown."
    return f"With b = {b:.1f} the variance is lower than without for θ from {stay[lower].min():.2f}, and higher below."


def baseline_table(bias_and_variance, baselines):
    """A row for each baseline: bias_and_variance(estimator, baseline) of the total return, then of the reward-to-go."""
    rows = ["                total return          reward to go"]
    rows += ["                bias     variance     bias     variance"]
    for name, baseline in baselines.items():
        row = f"{name:14}"
        for estimator in (total_return, reward_to_go):
            bias, variance = bias_and_variance(estimator, baseline)
            row += f"{round(bias, 6) + 0.0:6.1f} % {variance:9.4f}    "  # + 0.0: no "-0.0"
        rows.append(row.rstrip())
    return "\n".join(rows)


def variance_by_source(split_variance, values):
    """Both baselines b(s) beside the values [2] of the states, to be dragged, and a bar for each source of variance.

    split_variance(b [2]) -> [3], from start state, action and what follows.
    """
    without = split_variance(np.zeros(2))

    def view(figure):
        left, axes = figure.subplots(1, 2, width_ratios=[2, 5])
        bars, tops = _baselines(left, values)
        tidy(axes, "variance by source")
        axes.barh(["start state", "action", "what follows"], without, color="0.85", label="without")
        color = COLORS["state value"]
        now = axes.barh(range(3), np.zeros(3), height=0.5, color=color, label="with b(s)")
        key(axes)
        _, end = axes.set_xlim(0, 40)

        def draw(b_curious, b_loyal):
            start, action, follows = parts = split_variance(np.array([b_curious, b_loyal]))
            for bar, part in zip(now, parts):
                bar.set_width(min(part, end))
            for x, (bar, top, b) in enumerate(zip(bars, tops, (b_curious, b_loyal))):
                bar.set_height(b)
                top.set_data([x], [b])
            return (f"A variance of {parts.sum():.2f}: {start:.2f} from the start state, {action:.2f} from the action, "
                    f"{follows:.2f} from what follows. Without baseline it is {without.sum():.2f}.")  # fmt: skip

        return draw

    return view


def _baselines(axes, values):
    """A bar for b of each state, with a marker on its top that carries the handle, beside the state's value in black."""
    tidy(axes, "b(s), and v(s) in black").set(xlim=(-0.6, 1.6), ylim=(-1.5, 9.5))
    axes.set_xticks([0, 1], ["curious", "loyal"])
    axes.hlines(values, [-0.45, 0.55], [0.45, 1.45], color=COLORS["exact"], linewidth=2.5)
    axes.axhline(0, color="0.6", linewidth=1)
    bars = axes.bar([0, 1], [0, 0], 0.5, color=COLORS["state value"], alpha=0.6)
    names = ["b_curious", "b_loyal"]
    return bars, [axes.plot([], [], "o", color=COLORS["state value"], gid=name)[0] for name in names]


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

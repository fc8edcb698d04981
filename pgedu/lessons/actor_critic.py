"""Pictures of notebook 05's first lesson: what critics learn, and what lambda trades against what."""

import numpy as np

from pgedu.panels.look import in_decades, key, label
from pgedu.panels.views import COLORS, Band, LearningCurve, tidy

BATCHES = np.logspace(0, 4, 81)


def critics(exact):
    """What many critics believe of curious and loyal customers, beside the exact values [S]. For `watch`.

    Its training yields (customers seen so far, believed values [R, S]).
    """

    def view(figure):
        loyal, curious, off = _critic_axes(figure, exact)

        def draw(new):
            if new:
                customers, believed = (np.array(column) for column in zip(*new))
                curious.add(customers, believed[:, :, 0])
                loyal.add(customers, believed[:, :, 1])
                off.add(customers, np.sqrt(np.mean((believed - exact)[:, :, :2] ** 2, axis=(1, 2)))[:, None])
            return (f"On average the critics believe that a curious customer is worth {curious.show():.2f} "
                    f"(exact: {exact[0]:.2f}) and a loyal one {loyal.show():.2f} (exact: {exact[1]:.2f}); "
                    f"one critic is typically {off.show():.2f} off.")  # fmt: skip

        return draw

    return view


def _critic_axes(figure, exact):
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    tidy(left, "believed value v", "customers seen").set_ylim(-2, 12)
    tidy(right, "typical error of a critic", "customers seen").set_ylim(0, 5)
    loyal = LearningCurve(left, "loyal", COLORS["learned value"])
    curious = LearningCurve(left, "curious", COLORS["constant"])
    for name, value in zip(("curious", "loyal"), exact):
        left.axhline(value, color=COLORS["exact"], linestyle="--", linewidth=1.5)
        label(left, 1.01, value, f"{name},\nexact", transform=left.get_yaxis_transform())
    key(left)
    return loyal, curious, LearningCurve(right, None, COLORS["learned value"])


def n_step_shares(shares):
    """The share of each n-step advantage in the lambda advantage: shares(lam) -> [n]; the last one reaches the end."""
    n = np.arange(1, len(shares(0.0)) + 1)

    def view(figure):
        title = f"share of each n-step advantage, with {len(n)} months left"
        axes = tidy(figure.subplots(), title, "n, months before the critic is asked")
        axes.set(ylim=(0, 1), xticks=n)
        bars = axes.bar(n, 0 * n, color=COLORS["actor critic"])

        def draw(lam):
            heights = shares(lam)
            for bar, height in zip(bars, heights):
                bar.set_height(height)
            return (f"With λ = {lam:.2f} the critic is asked after {heights @ n:.1f} months on average, and "
                    f"{heights[-1]:.2%} of the weight is on the estimate that waits for the end.")  # fmt: skip

        return draw

    return view


def lambda_curves(lams, squared_error):
    """Over lams [n]: squared_error(critic, e) -> (bias^2 [n], variance [n] of one episode), with e from 0 to 1.

    Beside it the best lambda over the batch size, and over the error of the critic.
    """
    errors = np.linspace(0, 1, 41)

    def view(figure):
        curves, best, dots = _lambda_axes(figure)

        def draw(critic, e, B):
            bias, variance = squared_error(critic, e)
            error = bias + variance / B
            for curve, part in zip(curves, (bias, variance / B, error)):
                curve.show(lams, part / error[-1])
            k = error.argmin()
            best[0].show(BATCHES, lams[(bias + variance / BATCHES[:, None]).argmin(axis=1)])
            best[1].show(errors, lams[best_over_errors(squared_error, critic, errors, B)])
            for dot, x, y in zip(dots, (lams[k], B, e), (error[k] / error[-1], lams[k], lams[k])):
                dot.set_data([x], [y])
            return (f"With batches of {B:.0f} and e = {e:.2f} the best λ is {lams[k]:.2f}: a squared error of "
                    f"{error[k]:.2g}, {bias[k] / error[k]:.0%} of it bias². "
                    f"λ = 0 gives {error[0]:.2g}, λ = 1 {error[-1]:.2g}.")  # fmt: skip

        return draw

    return view


def best_over_errors(squared_error, critic, errors, B):
    """Number of the best lambda for each of the errors [n], with batches of B: [n]."""
    parts = [squared_error(critic, e) for e in errors]
    return np.array([(bias + variance / B).argmin() for bias, variance in parts])


def _lambda_axes(figure):
    axes = figure.subplot_mosaic("AAB;AAC")
    left, over_batch, over_error = axes["A"], axes["B"], axes["C"]
    tidy(left, "squared error", "λ (the error at λ = 1 counts as 1)")
    left.set(ylim=(0, 2), xlim=(-0.02, 1.02), yticks=(0, 0.5, 1, 1.5, 2))
    tidy(over_batch, "the best λ", "B, episodes")
    in_decades(over_batch.xaxis).set(xlim=(0.7, 1.4e4), xticks=(1, 10, 100, 1000, 10_000))
    tidy(over_error, "the best λ", "e, error of the critic").set(xlim=(-0.03, 1.03))
    for each in (over_batch, over_error):
        each.set(ylim=(-0.08, 1.08), yticks=(0, 0.5, 1))
    black = COLORS["exact"]
    # Where variance is all there is, two curves are one: the thin dashed sum lies on top of the wide variance.
    widths = {"bias²": ("total return", 2, "-"), "variance / B": ("reward to go", 5, "-"), "their sum": ("exact", 2, "--")}
    curves = [_curve(left, name, *look) for name, look in widths.items()]
    places = ((left, None), (over_batch, "B"), (over_error, "e"))
    dots = [each.plot([], [], "o", color=black, gid=gid, zorder=3)[0] for each, gid in places]
    key(left)
    return curves, [Band(each, None, black) for each in (over_batch, over_error)], dots


def _curve(axes, name, color, width, style):
    curve = Band(axes, name, COLORS[color], style)
    curve.line.set_linewidth(width)
    return curve

"""Exact pictures and the table of notebook 04; see `baseline_cloud`, `baseline_race` and `museum_pictures`, too."""

from functools import partial

import numpy as np

from pgedu.gradients.baselines import constant
from pgedu.gradients.estimators import reward_to_go, total_return
from pgedu.panels.look import COLORS, in_decades, key, label, tidy

def constant_baseline(stay, exact_variance):
    """What a constant baseline does to the variance: over stay [n], the probability theta, and over b, at one theta.

    Both can be dragged. The curve over b, and the best b for each theta, are uncovered as far as b has been dragged.

    Args:
        exact_variance: function (estimator, baseline) -> [n], of an estimate on the chain. It is a parabola in b.
    """
    parabolas = {psi: _in_b(partial(exact_variance, psi)) for psi in (total_return, reward_to_go)}
    value = stay / (1 - stay)  # of the one state there is

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[3, 2], sharey=True)
        over_theta = OverTheta(left, stay, parabolas, parabolas[reward_to_go](value))
        over_b = OverB(right)

        def draw(b, theta, psi):
            here, variance = np.abs(stay - theta).argmin(), parabolas[psi]
            passed = variance.best <= b
            over_theta.show(variance(b), here, np.where(passed, variance.least, np.nan))
            over_b.show(b, lambda each: variance(each)[here], value[here], theta)
            now, without, at_value = (variance(each)[here] for each in (b, 0.0, value[here]))
            return (f"{psi.__name__.replace('_', ' ').capitalize()}, θ = {theta:.2f}: with b = {b:.1f} the variance is {now:,.1f}; "
                    f"without baseline it is {without:,.1f}, and with b = v = {value[here]:.2f} it is {at_value:,.1f}.")  # fmt: skip

        return draw

    return view


class _in_b:  # noqa: N801 - a function, which also knows its least value
    """A variance that is a square in the constant b, from three exact values: of b, a number or [n], for each theta."""

    def __init__(self, exact_variance):
        at = [exact_variance(constant(b)) for b in (0.0, 1.0, 2.0)]
        self.square, self.without = (at[0] - 2 * at[1] + at[2]) / 2, at[0]
        self.slope = at[1] - at[0] - self.square
        self.best = -self.slope / (2 * self.square)
        self.least = self(self.best)

    def __call__(self, b):
        return self.without + self.slope * b + self.square * b**2


class OverTheta:
    """Variances over theta, with their names; one of them moves, and a dot marks a theta on it."""

    def __init__(self, axes, stay, parabolas, with_value):
        tidy(axes, "exact variance", "θ, the probability of staying")
        in_decades(axes.yaxis)
        axes.set(ylim=(1, 10000), xlim=(0, 0.74))
        lines = [(psi.__name__.replace("_", " "), parabolas[psi].without) for psi in parabolas] + [("state value", with_value)]
        for (name, values), shown in zip(lines, ("total return", "reward to go", "reward to go − v")):
            axes.plot(stay, values, color=COLORS[name], linewidth=4 if name == "total return" else 2, label=shown)
            label(axes, stay[-1] + 0.02, values[-1], shown, COLORS[name])
        (self.best,) = axes.plot([], [], "k:", label="best b for each θ")
        self.name_of_best = label(axes, 0.27, 1.6, "dotted: the best b for each θ")
        (self.moving,) = axes.plot([], [], "--", color=COLORS["constant"], label="with b")
        (self.dot,) = axes.plot([], [], "o", color=COLORS["constant"], markersize=9, gid="theta")
        key(axes, self.moving)
        self.stay = stay

    def show(self, variance, here, least):
        """Both [n]: with b, and with the best b where that is known by now, else NaN; `here` is the number of a theta."""
        known = np.isfinite(least)
        self.moving.set_data(self.stay, variance)
        self.best.set_data(self.stay[known], least[known])
        self.name_of_best.set_visible(known.any())
        self.dot.set_data(self.stay[[here]], variance[[here]])


class OverB:
    """The variance at one theta over b, from 0 to where b stands, and the state's value as a mark."""

    def __init__(self, axes):
        self.axes = tidy(axes, xlabel="b")
        axes.set(xlim=(-0.3, 10.3))
        (self.curve,) = axes.plot([], [], color=COLORS["exact"])
        (self.mark,) = axes.plot([], [], color=COLORS["state value"])
        self.name = label(axes, 0, 1.4, "v", COLORS["state value"])
        (self.dot,) = axes.plot([], [], "o", color=COLORS["constant"], markersize=9, gid="b")

    def show(self, b, variance, value, theta):
        """`variance` is a function of b."""
        passed = np.linspace(0, b, 60)
        self.axes.set_title(f"the same at θ = {theta:.2f}", loc="left")
        self.curve.set_data(passed, [variance(each) for each in passed])
        self.mark.set_data([value, value], [1, 10000])
        self.name.set_x(value + 0.15)
        self.dot.set_data([b], [variance(b)])


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
        tidy(left, "b(s), and v(s) in black").set(ylim=(-1.5, 9.5))
        bars, tops = bars_to_drag(left, values, ["b_curious", "b_loyal"], COLORS["state value"])
        tidy(axes, "variance by source")
        axes.barh(["start state", "action", "what follows"], without, color="0.55", label="without")
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


def bars_to_drag(axes, values, names, color):
    """A bar for the curious and one for the loyal, each with a marker that carries its handle, beside the values in black."""
    axes.set(xlim=(-0.6, 1.6))
    axes.set_xticks([0, 1], ["curious", "loyal"])
    axes.hlines(values, [-0.45, 0.55], [0.45, 1.45], color=COLORS["exact"], linewidth=2.5)
    axes.axhline(0, color="0.55", linewidth=1)
    bars = axes.bar([0, 1], [0, 0], 0.5, facecolor=(color, 0.6), edgecolor=color, linewidth=1.5)
    return bars, [axes.plot([], [], "o", color=color, gid=name)[0] for name in names]

"""A panel of notebook 05: the critic's two values under the hand, and what each estimator makes of them, exactly."""

import numpy as np

from pgedu.lessons.baselines_and_variance import bars_to_drag
from pgedu.panels.look import key, label
from pgedu.panels.views import COLORS, tidy

TOP = 2.4  # of the picture, in errors of the last estimator
POINTS = ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1), (1, 1))  # six tell a square in two variables


def square_through(function):
    """function(x, y) -> [K], each of them a polynomial of degree 2 in x and y. Returns it, from its values at six points."""

    def terms(x, y):
        return np.array([1.0, x, y, x * x, y * y, x * y])

    coefficients = np.linalg.solve([terms(*point) for point in POINTS], [function(*point) for point in POINTS])
    return lambda x, y: terms(x, y) @ coefficients


def critic_by_hand(values, estimators, moments_of):
    """Bars for what the critic believes of both kinds of customers, to be dragged, and each estimator's squared error.

    The squared error from B episodes is drawn as a share of that of the last estimator.

    Args:
        values: [2], exact, of the curious and of the loyal.
        estimators: a list of names.
        moments_of: function (name, error of the curious's value, of the loyal's) -> bias [D] and variance [1] of the
            estimate from one episode, in one array [D + 1].
    """
    exact = {name: square_through(lambda x, y, name=name: moments_of(name, x, y)) for name in estimators}

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[2, 5])
        tidy(left, "critic's v, exact in black").set(ylim=(-6.5, 12.5))
        bars, tops = bars_to_drag(left, values, ["v_curious", "v_loyal"], COLORS["actor critic"])
        stacks = _stacks(right, estimators)

        def draw(v_curious, v_loyal, B):
            believed = np.array([v_curious, v_loyal])
            for x, (bar, top) in enumerate(zip(bars, tops)):
                bar.set_height(believed[x])
                top.set_data([x], [believed[x]])
            parts = np.array([exact[name](*(believed - values)) for name in estimators])
            bias, variance = (parts[:, :-1] ** 2).sum(axis=1), parts[:, -1] / B
            error = bias + variance
            _stack(stacks, bias / error[-1], variance / error[-1])
            best, whole = error.argmin(), error[-1]
            return (f"With batches of {B:,.0f}, {estimators[best]} has the least squared error, {error[best]:.2g}, "
                    f"{bias[best] / error[best]:.0%} of it bias². {estimators[-1]} has {whole:.2g}.")  # fmt: skip

        return draw

    return view


def _stacks(axes, names):
    tidy(axes, "squared error", f"(that of {names[-1]} counts as 1)").set_ylim(0, TOP)
    axes.set_xticks(range(len(names)), names)
    low = axes.bar(range(len(names)), 0.0, 0.6, color=COLORS["total return"], label="bias²")
    high = axes.bar(range(len(names)), 0.0, 0.6, color=COLORS["reward to go"], label="variance / B")
    key(axes)
    ground = {"facecolor": "white", "edgecolor": "none", "alpha": 0.85, "pad": 1}  # at the top words lie on a bar
    return low, high, [label(axes, x, 0.0, "", ha="center", va="bottom", bbox=ground) for x in range(len(names))]


def _stack(stacks, bias, variance):
    """Bars of these heights [n], one on the other, and the sum in numbers: at the top where it is too large to show."""
    for low, high, words, first, second in zip(*stacks, bias, variance):
        low.set_height(min(first, TOP))
        high.set(y=min(first, TOP), height=max(0.0, min(second, TOP - first)))
        words.set(text=f"{first + second:.2f}", y=min(first + second, 0.91 * TOP) + 0.01)

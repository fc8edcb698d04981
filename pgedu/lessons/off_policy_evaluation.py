"""The pictures of notebook 10 that stand on the coin's logs: the drift of weights, and variances month by month."""

from functools import cache

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.lessons import coin_log
from pgedu.lessons.coin_log import CUSTOMERS, LOGS, policy, target, world
from pgedu.panels.look import in_decades, label
from pgedu.panels.views import COLORS, tidy

NAMES = "IS", "PDIS", "WIS", "DR"
DRIFTS = np.round(np.arange(0, 3.01, 0.1), 1)
NO_CAP = 1e5  # the end of the slider
EDGES = np.linspace(-4, 5, 28)  # of the bars over the weights, in decades
FRAME = -3.0, 7.0  # of the estimates; what lies beyond is a triangle on the edge


@cache
def value(x, months):
    """J of the target after so many months, exactly."""
    return float(exact_return(world, policy, target(x), horizon=months))


def drift(figure):
    """Where customers and their weight are; the estimates of 200 logs beside what is exact; the effective sample size."""
    axes = figure.subplot_mosaic("WE;SE", width_ratios=[1, 1.25], height_ratios=[1.15, 1])
    bars, size, columns = _Bars(axes["W"]), _Size(axes["S"]), _Columns(axes["E"])

    def draw(x, months, cap, rng):
        seed, cap = int(rng.integers(2**31)), np.inf if cap >= NO_CAP else cap
        w, truth = coin_log.weights(x, months, cap), value(x, months)
        exact, sampled = coin_log.exact(x, months, cap), coin_log.sampled(seed, x, months, cap)
        covered = coin_log.covered(seed, x, months, cap, truth)
        customers = coin_log.ended(seed, months)[0][0]
        bars.show(w, customers, cap)
        size.show(x, months, cap)
        columns.show(exact, sampled, truth)
        alone = w[customers > 0].max() / (w * customers).sum()
        return (
            f"{CUSTOMERS:,} customers are worth {in_customers(coin_log.effective(x, months, cap))}. The truth is {truth:.2f}; "
            f"the standard deviation of an estimate is {_listed(exact)}. In the first log one customer has {alone:.0%} of all "
            f"weight. {covered:.0%} of the 95 % intervals of IS hold the truth."
        )

    return draw


def in_customers(number):
    """An effective sample size in words."""
    return "less than 1" if number < 1 else f"{number:,.0f}"


def _listed(exact):
    parts = [f"{exact[name][1]:.2f} with {name}" for name in NAMES]
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


class _Bars:
    """Shares of customers and shares of weight over the weight, of one log, and the cap as a line that can be dragged."""

    def __init__(self, axes):
        tidy(axes, "", "weight w of a customer", "share of the log").set(ylim=(0, 0.62))
        in_decades(axes.xaxis).set(xlim=(1e-4, 10 * NO_CAP / 5), xticks=[1e-4, 0.01, 1, 100, 1e4])
        kinds = {"customers": "0.6", "weight": COLORS["IS"]}
        self.bars = [axes.stairs(0 * EDGES[1:], 10**EDGES, fill=True, color=color, alpha=0.55, label=name) for name, color in kinds.items()]
        (self.cap,) = axes.plot([], [], "v", color="black", markersize=9, gid="cap", clip_on=False)
        self.line = axes.axvline(1, color="black", linestyle=":")
        axes.legend(handles=self.bars, loc="lower right", bbox_to_anchor=(1.02, 1.0), ncols=2, borderpad=0, borderaxespad=0.3)

    def show(self, w, customers, cap):
        with np.errstate(divide="ignore"):
            places = np.clip(np.log10(w), EDGES[0] + 1e-6, EDGES[-1] - 1e-6)
        for bar, amount in zip(self.bars, (customers, customers * w)):
            heights, _ = np.histogram(places, EDGES, weights=amount)
            bar.set_data(heights / amount.sum())
        at = min(cap, NO_CAP)
        self.cap.set_data([at], [0.6])
        self.line.set_xdata([at, at])


class _Size:
    """The effective sample size over the drift, as far as the student has gone."""

    def __init__(self, axes):
        tidy(axes, "effective sample size, exact", "drift x").set(xlim=(-0.05, 3.05))
        in_decades(axes.yaxis).set(ylim=(0.7, 1500), yticks=[1, 10, 100, 1000])
        (self.curve,) = axes.plot([], [], color=COLORS["exact"])
        (self.here,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="x")

    def show(self, x, months, cap):
        xs = np.append(DRIFTS[DRIFTS < x - 1e-9], x)
        sizes = np.maximum(coin_log.effective(xs, months, cap), 0.8)
        self.curve.set_data(xs, sizes)
        self.here.set_data([x], [sizes[-1]])


class _Columns:
    """A column for each estimator: a dot for each log, and its exact mean with two arms of one standard deviation."""

    def __init__(self, axes):
        tidy(axes, f"estimates of J from {LOGS} logs; exact mean ± sd").set(ylim=FRAME, xlim=(-0.6, 3.6))
        axes.set(xticks=range(4), xticklabels=NAMES)
        jitter = np.linspace(-0.32, 0.32, LOGS)
        self.x = [i + np.random.default_rng(i).permutation(jitter) for i in range(4)]
        self.truth = axes.axhline(0, color=COLORS["exact"], linestyle="--", linewidth=1.5)
        self.dots = [axes.plot([], [], ".", color=COLORS[name], alpha=0.5, markersize=5)[0] for name in NAMES]
        self.out = [axes.plot([], [], "d", color=COLORS[name], markersize=6, clip_on=False)[0] for name in NAMES]
        self.bars = [axes.plot([], [], "-", color="black", linewidth=2)[0] for _ in NAMES]
        self.means = [axes.plot([], [], "_", color="black", markersize=18, markeredgewidth=2.5)[0] for _ in NAMES]
        self.words = label(axes, -0.55, 0, "truth", va="bottom")

    def show(self, exact, sampled, truth):
        self.truth.set_ydata([truth, truth])
        self.words.set_y(truth + 0.05)
        for i, name in enumerate(NAMES):
            mean, sd = exact[name]
            inside = np.clip(sampled[name], *FRAME)
            out = inside != sampled[name]
            self.dots[i].set_data(self.x[i][~out], inside[~out])
            self.out[i].set_data(self.x[i][out], inside[out])
            self.bars[i].set_data([i, i], np.clip([mean - sd, mean + sd], *FRAME))
            self.means[i].set_data([i], [mean])

"""The pictures of notebook 10 that stand on the coin's logs: the drift of weights, and variances month by month."""

from functools import cache

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.gradients.off_policy_exact import off_policy_moments
from pgedu.lessons import coin_log
from pgedu.lessons.coin_log import COIN, CUSTOMERS, LOGS, MONTHS, policy, target, world
from pgedu.panels.look import in_decades, key, label, see_through
from pgedu.panels.views import COLORS, tidy

NAMES = "IS", "PDIS", "WIS", "DR"
DRIFTS = np.round(np.arange(0, 3.01, 0.1), 1)
NO_CAP = 1e4  # the end of the slider
EDGES = np.linspace(-3, 4, 29)  # of the bars over the weights, in decades
FRAME = -3.0, 7.0  # of the estimates; what lies beyond is a diamond on the edge


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
        customers = coin_log.ended(seed, months).customers[0].reshape(w.shape)
        bars.show(w, customers, cap)
        size.show(x, months, cap)
        columns.show(exact, sampled, truth)
        alone = w[customers > 0].max() / (w * customers).sum()
        return (
            f"{CUSTOMERS:,} customers are worth {in_customers(coin_log.effective(x, months, cap))}. The truth is {truth:.2f}; "
            f"the standard deviation of an estimate is {_listed(exact)}. In the first log one customer has {100 * alone:.1f} % of all "
            f"weight. {100 * covered:.0f} % of the 95 % intervals of IS hold the truth."
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
        tidy(axes, "one log, by weight", "weight w of a customer", "share").set(ylim=(0, 1.05))
        in_decades(axes.xaxis).set(xlim=(1e-3, 1.3 * NO_CAP), xticks=[1e-3, 0.1, 10, 1e3])
        looks = [{"facecolor": (color, 0.55), "edgecolor": color, "linewidth": 1.5} for color in ("0.5", COLORS["IS"])]
        self.bars = [axes.stairs(0 * EDGES[1:], 10**EDGES, fill=True, **look) for look in looks]
        label(axes, 1.5e-3, 0.92, "customers", "0.4")
        label(axes, 1.5e-3, 0.78, "their weight", COLORS["IS"])
        (self.cap,) = axes.plot([], [], "v", color="black", markersize=9, gid="cap")
        self.line = axes.axvline(1, color="black", linestyle=":")

    def show(self, w, customers, cap):
        with np.errstate(divide="ignore"):
            places = np.clip(np.log10(w) - 1e-9, EDGES[0] + 1e-9, EDGES[-1])  # a weight at the cap is left of its line
        for bar, amount in zip(self.bars, (customers, customers * w)):
            heights, _ = np.histogram(places, EDGES, weights=amount)
            bar.set_data(heights / amount.sum())
        at = min(cap, NO_CAP)
        self.cap.set_data([at], [1.0])
        self.line.set_xdata([at, at])


class _Size:
    """The effective sample size over the drift, as far as the student has gone."""

    def __init__(self, axes):
        tidy(axes, "effective sample size, exact", "drift x").set(xlim=(-0.05, 3.05))
        in_decades(axes.yaxis).set(ylim=(0.05, 1500), yticks=[0.1, 1, 10, 100, 1000])
        (self.curve,) = axes.plot([], [], color=COLORS["exact"])
        (self.here,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="x")

    def show(self, x, months, cap):
        xs = np.append(DRIFTS[DRIFTS < x - 1e-9], x)
        sizes = coin_log.effective(xs, months, cap)
        self.curve.set_data(xs, sizes)
        self.here.set_data([x], [sizes[-1]])


class _Columns:
    """A column for each estimator: a dot for each log, and its exact mean with two arms of one standard deviation."""

    def __init__(self, axes):
        tidy(axes, f"estimates of J from {LOGS} logs; exact mean ± sd").set(ylim=FRAME, xlim=(-1.0, 3.5))
        axes.set(xticks=range(4), xticklabels=NAMES)
        jitter = np.linspace(-0.32, 0.32, LOGS)
        self.x = [i + np.random.default_rng(i).permutation(jitter) for i in range(4)]
        self.truth = axes.axhline(0, color=COLORS["exact"], linestyle="--", linewidth=1.5)
        self.dots = [axes.plot([], [], ".", markersize=5, **see_through(COLORS[name]))[0] for name in NAMES]
        self.out = [axes.plot([], [], "d", color=COLORS[name], markersize=6)[0] for name in NAMES]
        self.bars = [axes.plot([], [], "-", color="black", linewidth=2)[0] for _ in NAMES]
        self.means = [axes.plot([], [], "_", color="black", markersize=18, markeredgewidth=2.5)[0] for _ in NAMES]
        self.words = label(axes, -0.97, 0, "truth", va="bottom")

    def show(self, exact, sampled, truth):
        self.truth.set_ydata([truth, truth])
        self.words.set_y(truth + 0.05)
        for i, name in enumerate(NAMES):
            mean, sd = exact[name]
            inside = np.clip(sampled[name], *FRAME)
            out = inside != sampled[name]
            self.dots[i].set_data(self.x[i][~out], inside[~out])
            self.out[i].set_data(self.x[i][out], inside[out] - 0.12 * np.sign(inside[out]))
            self.bars[i].set_data([i, i], np.clip([mean - sd, mean + sd], *FRAME))
            self.means[i].set_data([i], [mean])


HORIZONS = np.arange(1, MONTHS + 1)
KINDS = {"IS": "trajectory", "PDIS": "robust", "DR": "robust", "on-policy": "trajectory"}


@cache
def variances(kind):
    """Exact variance of one customer's contribution, for each of DRIFTS and HORIZONS: [months, x]."""
    found = []
    for months in HORIZONS:
        q = coin_log.solve(world, policy, COIN, horizon=int(months)).action_values[:, None] if kind == "DR" else 0.0
        behaviour = target(DRIFTS) if kind == "on-policy" else np.tile(COIN, (len(DRIFTS), 1))
        moments = off_policy_moments(world, policy, target(DRIFTS), behaviour, horizon=int(months), action_values=q)
        found.append(getattr(moments, KINDS[kind]))
    return np.array(found)


def month_by_month(figure):
    """Exact variances of one customer over the months that are watched, from the student's on; that of PDIS over that of IS."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    in_decades(tidy(left, "", "months watched", "variance of one customer").yaxis).set(ylim=(0.01, 1e7), xlim=(0.5, MONTHS + 0.5), yticks=10.0 ** np.arange(-2, 8, 2))
    tidy(right, "variance of PDIS / that of IS", "months watched").set(ylim=(0, 1.19), xlim=(0.5, MONTHS + 0.5))
    right.axhline(1, color="0.5", linestyle="--", linewidth=1.5)
    colors = {name: COLORS.get(name, "0.5") for name in KINDS}
    lines = {name: left.plot([], [], color=color, label=name)[0] for name, color in colors.items()}
    (ratio,) = right.plot([], [], ".-", color=COLORS["exact"])
    (here,) = left.plot([], [], "o", color=COLORS["IS"], markersize=9, gid="months")
    (there,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9)
    key(left, *lines.values())
    hint = label(left, 10.8, 1e-1, "← drag the dot", COLORS["IS"], ha="right")

    def draw(x, months):
        column = int(np.abs(DRIFTS - x).argmin())
        found = {name: variances(name)[:, column] for name in KINDS}
        for name, curve in lines.items():
            shown = (HORIZONS >= months) & (found[name] > 0.01)  # DR knows the first month's rewards: a variance of 0
            curve.set_data(HORIZONS[shown], found[name][shown])
        shares = found["PDIS"] / found["IS"]
        ratio.set_data(HORIZONS[months - 1 :], shares[months - 1 :])
        hint.set_visible(months >= 12)
        here.set_data([months], [found["IS"][months - 1]])
        there.set_data([months], [shares[months - 1]])
        return _variances_in_words(months, {name: values[months - 1] for name, values in found.items()})

    return draw


def _variances_in_words(months, found):
    said = {name: in_figures(variance) for name, variance in found.items()}
    return (
        f"Months watched: {months}. The variance of one customer is {said['IS']} with IS, {said['PDIS']} with PDIS, {said['DR']} with DR, "
        f"and {said['on-policy']} if the target itself is tried. That of PDIS is {found['PDIS'] / found['IS']:.2f} times that of IS."
    )


def in_figures(number):
    """A variance, with about three figures."""
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"

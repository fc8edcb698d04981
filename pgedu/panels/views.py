"""Pictures: arrays in, Matplotlib artists out. Each class sets up its artists once, and `show` moves them."""

import warnings

import numpy as np
from matplotlib.patches import Polygon

from pgedu.panels.look import COLORS, best_line, color_of, in_decades, key, see_through, tidy
from pgedu.panels.world import World  # noqa: F401 - a view like the others

ROUND = np.outer(10.0 ** np.arange(12), [1, 2, 5]).ravel()  # 1, 2, 5, 10, 20, ...: where a growing axis ends


class Band:
    """A line with an area around it."""

    def __init__(self, axes, label=None, color="black", style="-"):
        (self.line,) = axes.plot([], [], style, color=color, label=label)
        self.area = axes.add_artist(Polygon(np.empty((0, 2)), facecolor=color, alpha=0.18, linewidth=0))

    def show(self, x, middle, low=None, high=None):
        """Arrays [n]. Values that are not finite leave a gap."""
        self.line.set_data(x, middle)
        if low is not None:
            edge = np.concatenate([np.column_stack([x, low]), np.column_stack([x, high])[::-1]])
            self.area.set_xy(edge[np.isfinite(edge).all(axis=-1)])

    def recolour(self, color):
        """Line, area and the entry in the legend of its axes, if there is one."""
        self.line.set_color(color)
        self.area.set_facecolor(color)
        legend = self.line.axes.get_legend()
        for name, handle in zip(legend.get_texts(), legend.get_lines()) if legend else ():
            if name.get_text() == self.line.get_label():
                handle.set_color(color)


def mean_of_what_is_there(samples):
    """Mean over the last axis of what is there (not NaN); NaN where nothing is there yet."""
    there = ~np.isnan(samples)
    total, count = np.where(there, samples, 0.0).sum(axis=-1), there.sum(axis=-1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


class LearningCurve:
    """A curve that grows with training: the mean over runs, and the area that holds 8 of 10 runs.

    The horizontal axis is lengthened in large steps, so that the rest of the picture stands still. Of a long history
    each point drawn is the mean of as many updates as it takes for the curve to stay readable, and small in memory.
    """

    POINTS = 600  # drawn at most twice as many

    def __init__(self, axes, label=None, color="black", style="-"):
        self.axes, self.band = axes, Band(axes, label, color, style)
        # Columns: x, mean, low, high. Points as drawn, each the mean of `every` updates; updates that wait to be one.
        self._points, self._waiting, self._every, self._last = np.empty((0, 4)), np.empty((0, 4)), 1, np.nan
        self._news = False
        axes.set_xlim(0, 50)

    def add(self, x, samples, lost=False):
        """x [n], samples [n, R]: one value of each run at each x; NaN for a run that has none yet.

        Runs that are `lost` [n, R] do not enter the mean, which one of them alone would drag out of sight.
        """
        if len(x):
            samples = np.asarray(samples, dtype=float)
            quantile = np.nanquantile if np.isnan(samples).any() else np.quantile  # the former is far slower
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # no run has a value yet: NaN, a gap
                low, high = quantile(samples, [0.1, 0.9], axis=-1)
            mean = mean_of_what_is_there(np.where(lost, np.nan, samples))
            self._last, self._news = mean[-1], True
            self._waiting = np.concatenate([self._waiting, np.column_stack([x, mean, low, high])])
            self._merge()

    def _merge(self):
        ready = len(self._waiting) // self._every * self._every
        self._points = np.concatenate([self._points, means_of(self._waiting[:ready], self._every)])
        self._waiting = self._waiting[ready:]
        while len(self._points) >= 2 * self.POINTS:
            even = len(self._points) // 2 * 2
            odd = np.repeat(self._points[even:], self._every, axis=0)  # the last, if it has no partner yet
            self._waiting = np.concatenate([odd, self._waiting])
            self._points, self._every = means_of(self._points[:even], 2), 2 * self._every

    def show(self):
        """Draw what was added so far. Returns the latest mean (NaN before the first)."""
        if self._news:
            points = np.concatenate([self._points, means_of(self._waiting, max(1, len(self._waiting)))])
            self.band.show(*points.T)
            end = ROUND[np.searchsorted(ROUND, points[-1, 0])]
            self.axes.set_xlim(0, max(end, self.axes.get_xlim()[1]))
            self._news = False
        return self._last


def means_of(rows, many):
    """Means of each `many` rows [n, K] that follow one another, of what is there (not NaN): [n / many, K]."""
    return mean_of_what_is_there(rows.reshape(-1, many, rows.shape[-1]).swapaxes(1, 2))


class Learning:
    """R runs as they learn: where they stand on the hill J, their returns, the variance of their gradient estimates.

    `learning = Learning(figure, ...)` sets the picture up; `learning.draw(new)` adds the `Progress` records of new
    updates and returns a sentence.

    Args:
        limits, variances: (low, high) of the returns and variances shown.
        best: the highest return there is.
        exact: function theta [n, R, D] -> exact returns [n, R], where they can be known. A run whose exact return is at
            the bottom of the picture or below is lost: it is counted, and left out of the mean returns.
        hill: (x [m], J [m], function theta [R, D] -> x [R], label) draws J and the runs on it.
    """

    def __init__(self, figure, *, limits, variances=(1e-1, 1e5), best=None, exact=None, hill=None):
        color = COLORS["reward to go"]
        *first, returns, variance = figure.subplots(1, 3 if hill else 2)
        tidy(returns, "return", "update").set_ylim(*limits)
        in_decades(tidy(variance, "variance of one estimate", "update").yaxis).set_ylim(variances)
        if best is not None:
            best_line(returns, best)
        self.sampled = LearningCurve(returns, "sampled", color)
        self.exact = LearningCurve(returns, "exact", COLORS["exact"]) if exact else None
        self.variance = LearningCurve(variance, None, color)
        key(returns)
        self._exact_return, self._position, self._last, self._lost = exact, None, None, np.zeros((1, 0), dtype=bool)
        # An exact return below this is the bottom of the picture. (A low sampled one may be bad luck.)
        self._worst, self._bottom = limits[0], limits[0] + 0.02 * (limits[1] - limits[0])
        if hill:
            x, height, self._position, label = hill
            tidy(first[0], "the hill J and the runs", label).set_ylim(*limits)
            first[0].plot(x, height, color=COLORS["exact"])
            (self._runs,) = first[0].plot([], [], "o", markersize=5, **see_through(color))

    def draw(self, new, baseline=None, estimator=None):
        """Add the records `new` (there may be none), draw, and say how things stand.

        `baseline` and `estimator`, where a panel has such controls, give the curves the colour of the method.
        """
        for method in filter(None, (estimator, baseline)):
            self._recolour(color_of(method))
        if new:
            updates = [record.update for record in new]
            self._last = new[-1]
            self._add_exact(updates, np.array([record.theta for record in new]))
            returns = np.array([mean_of_what_is_there(record.returns) for record in new])
            self.sampled.add(updates, returns, self._lost if self.exact else False)
            with np.errstate(invalid="ignore", over="ignore"):  # runs that have diverged
                noise = self.noise(new)
            if noise is not None:
                self.variance.add(updates, noise)
        return self._sentence(self.sampled.show(), self.variance.show())

    def noise(self, new):
        """Variance of one gradient estimate, summed over its components, [n, R]; None where it cannot be told."""
        gradients = np.array([record.gradients for record in new])
        return np.var(gradients, axis=-2, ddof=1).sum(axis=-1) if gradients.shape[-2] > 1 else None

    def _recolour(self, color):
        for curve in (self.sampled, self.variance):
            curve.band.recolour(color)
        if self._position:
            self._runs.set(**see_through(color))

    def _add_exact(self, updates, theta):
        if self.exact:
            returns = self._exact_return(theta)
            self._lost = returns < self._bottom
            self.exact.add(updates, returns, self._lost)
            if self._position:
                self._runs.set_data(self._position(theta[-1]), np.maximum(returns[-1], self._worst))

    def _sentence(self, sampled, variance):
        if self._last is None:
            return "No update yet."
        runs, lost, stopped = len(self._last.theta), int(self._lost[-1].sum()), int(self._last.diverged.sum())
        exact = self.exact.show() if self.exact else np.nan
        known = f"the mean return is {sampled:.1f}" if np.isfinite(sampled) else "no episode has ended yet"
        words = [f"After {self._last.update:,} updates of {runs} runs {'all are lost' if lost == runs else known}"]
        if np.isfinite(exact):
            words.append(f"its exact value {exact:.1f}")
        if np.isfinite(variance):
            number = f"{variance:,.0f}" if variance >= 10 else f"{variance:.2g}"
            words.append(f"the variance of one gradient estimate {number}")
        left_out = f" {lost} of {runs} LOST (an exact return below {self._bottom:.0f}), and left out of the means."
        overflow = f" {stopped} stand still, since their numbers overflowed."
        return ", ".join(words) + "." + left_out * (lost > 0) + overflow * (stopped > 0)


class Cloud:
    """Gradient estimates as points of a plane: their mean and the exact gradient as arrows from 0."""

    def __init__(self, axes, xlabel, ylabel, color=COLORS["reward to go"], reach=3.0):
        self.axes = tidy(axes, "estimates of the gradient", xlabel, ylabel)
        axes.axhline(0, color="0.55", linewidth=1)
        axes.axvline(0, color="0.55", linewidth=1)
        (self.dots,) = axes.plot([], [], "o", markersize=5, label="estimates", **see_through(color, 0.45))
        (self.spread,) = axes.plot([], [], color=color, label="2 standard deviations")
        (self.mean,) = axes.plot([], [], color=color, linewidth=4, label="their mean")
        (self.exact,) = axes.plot([], [], color=COLORS["exact"], label="exact gradient")
        (self.tip,) = axes.plot([], [], "*", color=COLORS["exact"], markersize=10)
        axes.set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axes.legend(loc="upper left", bbox_to_anchor=(1.02, 1))

    def show(self, gradients, exact, color=None):
        """gradients [M, 2], exact [2]."""
        if color:
            entries = self.axes.get_legend().get_lines()
            for dots in (self.dots, entries[0]):
                dots.set(**see_through(color, 0.45))
            for line in (self.spread, self.mean, *entries[1:3]):
                line.set_color(color)
        mean, covariance = gradients.mean(axis=0), np.cov(gradients.T)
        self.dots.set_data(*gradients.T)
        self.spread.set_data(*ellipse(mean, covariance))
        self.mean.set_data([0, mean[0]], [0, mean[1]])
        self.exact.set_data([0, exact[0]], [0, exact[1]])
        self.tip.set_data(exact[:1], exact[1:])


def ellipse(mean, covariance, radius=2.0, points=61):
    """Outline [2, points] of the points `radius` standard deviations away from mean [2], given covariance [2, 2]."""
    values, vectors = np.linalg.eigh(covariance)
    angle = np.linspace(0, 2 * np.pi, points)
    axes = radius * np.sqrt(np.maximum(values, 0))[:, None] * np.stack([np.cos(angle), np.sin(angle)])
    return mean[:, None] + vectors @ axes


def angle_between(a, b):
    """Degrees between two vectors; NaN if one is zero."""
    length = np.linalg.norm(a) * np.linalg.norm(b)
    return float(np.degrees(np.arccos(np.clip(a @ b / length, -1, 1)))) if length else float("nan")

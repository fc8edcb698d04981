"""The pictures of notebook 06 about stale gradients: where they come from, and what they cost."""

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.panels.look import best_line, in_decades, key
from pgedu.panels.views import COLORS, LearningCurve, tidy


def timetable(figure):
    """Workers of equal speed that finish one after another, and one gradient on its way from theta to theta."""
    axes = tidy(figure.subplots(), "one gradient on its way", "time, counted in updates of the shared parameters")
    axes.set(xlim=(-0.5, 24.5), ylim=(9, -1.6))
    axes.set_yticks(range(9), ["shared θ", *(f"worker {j}" for j in range(1, 9))])
    axes.grid(False)
    axes.plot(range(25), np.zeros(25), "o", color=COLORS["exact"], markersize=4)
    thick = {"linewidth": 9, "solid_capstyle": "butt"}
    (bars,) = axes.plot([], [], color="0.75", **thick)
    traced = _traced_gradient(axes, thick)

    def draw(workers, delay):
        update, fetched = 20, 20 - workers - delay
        bars.set_data(*segments(workers))
        _trace(*traced, update, fetched, workers)
        return (
            f"The gradient that turns θ{update - 1} into θ{update} was worked out from θ{fetched}: it is "
            f"{update - 1 - fetched} updates late (workers − 1 + delay = {workers} − 1 + {delay})."
        )

    return draw


def segments(workers):
    """Bars (x, row), a gap of NaN after each: update n ends a segment of worker (n - 1) % workers + 1."""
    ends = np.arange(1, 25 + workers)
    row, gap = (ends - 1) % workers + 1, np.full(len(ends), np.nan)
    x = np.stack([ends - workers + 0.12, ends - 0.12, gap], axis=1)  # a segment takes as long as `workers` updates
    return np.clip(x, -0.5, 24.5).ravel(), np.stack([row, row, gap], axis=1).ravel()


def _traced_gradient(axes, thick):
    (bar,) = axes.plot([], [], color=COLORS["a3c"], **thick)
    (wires,) = axes.plot([], [], color=COLORS["a3c"], linewidth=2)
    (gap,) = axes.plot([], [], "|-", color=COLORS["a3c"], linewidth=3, markersize=9)
    words = axes.text(0, -1, "staleness", color=COLORS["a3c"], ha="right", va="center")
    return bar, wires, gap, words


def _trace(bar, wires, gap, words, update, fetched, workers):
    row, began, ended = (update - 1) % workers + 1, update - workers + 0.12, update - 0.12
    bar.set_data([began, ended], [row, row])
    wires.set_data([fetched, began, np.nan, ended, update], [0, row, np.nan, row, 0])
    gap.set_data([fetched, update - 1], [-0.8, -0.8])
    words.set_position((fetched - 0.4, -0.8))


class SideBySide:
    """A2C and A3C, a round of each at a time: an iterator of pairs of their records.

    `learning_rate` and `delay` are those of A3C, and may change at any time. A2C moves by as much in a round: one step,
    `workers` times as long.
    """

    def __init__(self, together, one_by_one, workers):
        self.together, self.one_by_one, self.workers = together, one_by_one, workers
        self.learning_rate, self.delay = 0.01, 0

    def __iter__(self):
        return self

    def __next__(self):
        self.one_by_one.learning_rate, self.one_by_one.delay = self.learning_rate, self.delay
        self.together.learning_rate = self.workers * self.learning_rate
        return next(self.together), next(self.one_by_one)


def race_view(corridor, policy, largest):
    """Learners of A2C and A3C on the hill J of the short corridor; largest(staleness) is the largest learning rate."""

    def view(figure):
        dots, curves = _hill_and_returns(figure)

        def draw(new, workers, delay, learning_rate):
            for k, records in enumerate(zip(*new)):  # of A2C, and of A3C; nothing where nothing is new
                J = exact_return(corridor, policy, np.array([record.theta for record in records])).clip(-40)
                curves[k].add([record.update for record in records], J)
                dots[k].set_data(1 / (1 + np.exp(records[-1].theta @ [1, -1])), J[-1])
            a2c_now, a3c_now = (curve.show() for curve in curves)
            late = workers - 1 + delay
            lost = [int((dot.get_ydata() <= -25).sum()) for dot in dots]
            return (
                f"A gradient of A3C is {late} updates late; without noise a learning rate of up to {largest(late):.2g} "
                f"would be stable, and this is {learning_rate:.2g}. "
                f"Mean J {a2c_now:.1f} (A2C) and {a3c_now:.1f} (A3C); "
                f"below −25 are {lost[0]} and {lost[1]} of 40 learners."
            )

        return draw

    return view


def _hill_and_returns(figure):
    hill, returns = figure.subplots(1, 2, width_ratios=[1, 1.3])
    tidy(hill, "the hill J and the learners", "p, probability of right").set(ylim=(-42, -8), xlim=(0, 1))
    p = np.linspace(0.03, 0.97, 200)
    hill.plot(p, (2 * p - 4) / (p * (1 - p)), color=COLORS["exact"])
    tidy(returns, "exact J (at least −40)", "round").set(ylim=(-42, -8))
    best_line(returns, -6 - 32**0.5)
    dots, curves = [], []
    for name, size, label, style in (("a2c", 9, "A2C, rate Wα", "-"), ("a3c", 5, "A3C, rate α", "--")):
        dots += hill.plot([], [], "o", color=COLORS[name], alpha=0.5, markersize=size)
        curves.append(LearningCurve(returns, label, COLORS[name], style))
    key(returns)
    return dots, curves


def swing(climb, g, largest):
    """The path z = climb(learning rate, staleness), the slopes g(z) present and used, and where learning settles."""

    def view(figure):
        lines = _stale_paths(figure, largest)

        def draw(learning_rate, staleness):
            fresh, z = climb(learning_rate, 0), climb(learning_rate, staleness)
            k = np.arange(len(z))
            present, applied = g(z), g(z[np.maximum(0, k - staleness)])
            for line, y in zip(lines, (1 / (1 + np.exp(-fresh)), 1 / (1 + np.exp(-z)), present, applied)):
                line.set_data(k, y)
            lines[4].set_data([staleness], [learning_rate])
            error, limit = abs(applied - present).sum() / abs(present).sum(), largest(staleness)
            return (
                f"The gradients used were wrong by {100 * error:.0f} % of their length, "
                f"on average over {k[-1]} updates. The largest learning rate at this staleness is {limit:.2g}: "
                f"here p {'settles in the end' if learning_rate < limit else 'SWINGS for ever'}."
            )

        return draw

    return view


def _stale_paths(figure, largest, updates=250):
    path, used, plane = figure.subplots(1, 3)
    tidy(path, "p", "update").set(xlim=(0, updates), ylim=(0, 1))
    path.axhline(2 - 2**0.5, color="0.6", linestyle="--", linewidth=1.5)
    tidy(used, "gradient", "update").set(xlim=(0, updates), ylim=(-1, 1), yticks=(-1, -0.5, 0, 0.5, 1))
    tidy(plane, "α that settle: below the curve", "staleness, in updates")
    in_decades(plane.yaxis).set(ylim=(7e-4, 4.5), xlim=(-3, 84))
    plane.plot(range(81), [largest(tau) for tau in range(81)], color=COLORS["exact"])
    kinds = [(path, "exact", "fresh"), (path, "a3c", "stale"), (used, "exact", "present"), (used, "a3c", "used")]
    lines = [axes.plot([], [], color=COLORS[name], label=words)[0] for axes, name, words in kinds]
    lines += plane.plot([], [], "o", color=COLORS["a3c"], markersize=9, gid="staleness")
    key(path)
    key(used)
    return lines

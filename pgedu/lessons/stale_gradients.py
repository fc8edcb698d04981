"""The pictures of notebook 06 about what stale gradients cost. (Where they come from, `workers` shows.)"""

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.lessons.verdicts import compare, judged
from pgedu.panels.look import best_line, in_decades, key, see_through
from pgedu.panels.views import COLORS, LearningCurve, tidy

LEARNERS, LOST = 40, -25  # of each method; a learner with less than this J has fallen off the hill


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
        (dots, curves), lost = _hill_and_returns(figure), [0, 0]

        def draw(new, workers, delay, learning_rate):
            for k, records in enumerate(zip(*new)):  # of A2C, and of A3C; nothing where nothing is new
                J = exact_return(corridor, policy, np.array([record.theta for record in records]))
                curves[k].add([record.update for record in records], J, J < LOST)
                dots[k].set_data(1 / (1 + np.exp(records[-1].theta @ [1, -1])), np.maximum(J[-1], -40))
                lost[k] = int((J[-1] < LOST).sum())
            late = workers - 1 + delay
            return (
                f"A gradient of A3C is {late} updates late; without noise a learning rate of up to {largest(late):.2g} "
                f"would be stable, and this is {learning_rate:.2g}. {_standing('A2C', curves[0].show(), lost[0])} "
                f"{_standing('A3C', curves[1].show(), lost[1])}"
            )

        return draw

    return view


def _standing(name, mean, lost):
    """How learners stand: those that are lost are counted, and left out of the mean that one alone could spoil."""
    if lost == LEARNERS:
        return f"{name}: all are lost."
    without = f", without {lost} of {LEARNERS} that are LOST (J below {LOST})" if lost else ""
    return f"{name}: mean J {mean:.1f}{without}."


def _hill_and_returns(figure):
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.3])
    hills, returns = left.subplots(2, 1, sharex=True), right.subplots()
    tidy(returns, "exact J", "round").set(ylim=(-42, -8))
    best_line(returns, -6 - 32**0.5)
    p = np.linspace(0.03, 0.97, 200)
    dots, curves = [], []
    for hill, name, label, style in zip(hills, ("a2c", "a3c"), ("A2C, rate Wα", "A3C, rate α"), "-:"):
        tidy(hill, f"learners of {name.upper()} on the hill J").set(ylim=(-42, -6), xlim=(0, 1), yticks=(-40, -25, -10))
        hill.plot(p, (2 * p - 4) / (p * (1 - p)), color=COLORS["exact"])
        dots += hill.plot([], [], "o", markersize=7, **see_through(COLORS[name]))
        curves.append(LearningCurve(returns, label, COLORS[name], style))
    hills[1].set_xlabel("p, probability of right")
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
    path.axhline(2 - 2**0.5, color="0.55", linestyle="--", linewidth=1.5)
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


def staleness(order):
    """How many updates late each gradient of a log is: those since the last push of its own worker, [K] from [K]."""
    fetched, late = {}, []
    for k, worker in enumerate(order):
        late.append(k - fetched.get(worker, 0))
        fetched[worker] = k + 1
    return np.array(late)


def _seen_before(order):
    """Has the worker pushed before? [K]."""
    return np.array([worker in list(order[:k]) for k, worker in enumerate(order)])


MISTAKES = [
    ("One too many: a worker fetches right after its own push, so that push does not make it late.",
     lambda order: staleness(order) + 1),
    ("One too many, but for the first of each worker: it fetches right after its own push, so that push does not make it late.",
     lambda order: staleness(order) + _seen_before(order)),
    ("You count all updates since θ0: a worker fetches anew after each of its pushes.", lambda order: np.arange(len(order))),
    ("The first gradient of a worker is late, too: it comes from θ0.", lambda order: staleness(order) * _seen_before(order)),
    ("All are W - 1 late only if all take turns: look for the last push of the same worker.",
     lambda order: np.full(len(order), len(set(order)) - 1)),
    ("These are the versions that were fetched: how many updates ago was that?",
     lambda order: np.arange(len(order)) - staleness(order)),
]  # fmt: skip


@judged
def check_staleness(student):
    """f(order [K], the worker of each push) -> how many updates late each gradient was, [K]; there is no delay."""
    praise = "Right: the updates since its own last push, and who pushes seldom is late. With equal turns it is W - 1."
    cases = [{"order": np.array(order)} for order in ([0, 1, 2, 0, 1, 2], [2, 1, 1, 0, 1, 1, 2, 0, 0], [3, 3, 1])]
    return compare(student, staleness, cases, praise, MISTAKES)

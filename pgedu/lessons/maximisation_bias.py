"""Notebook 09's left or right: what a maximum of noisy estimates does (Sutton and Barto 2018, example 6.7)."""

from math import erf
from typing import NamedTuple

import numpy as np

from pgedu.panels.look import COLORS, tidy
from pgedu.panels.views import LearningCurve

LEFT, RUNS = 0, 500


class Method(NamedTuple):
    """How the target of an action that leads on is made."""

    name: str
    double: bool  # two tables, of which one, drawn by chance, learns; else one
    judge_names_the_best: bool = False  # the mistake of the museum: the other table names the best action, too
    color: str = COLORS["q learning"]


Q = Method("Q-learning", False)
DOUBLE = Method("double Q-learning", True, color=COLORS["double q learning"])
NAMED_BY_THE_JUDGE = Method("mistaken double", True, True, COLORS["batch mean"])


class Record(NamedTuple):
    """An episode of all runs of all methods."""

    episode: int
    left: np.ndarray  # [methods], share of runs that went left
    believed: np.ndarray  # [methods], what the targets took B to be worth, the mean over runs


class left_or_right:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Episodes of learners in A: right ends and pays 0; left leads to B, where each action ends and pays N(mean, 1).

    An endless iterator of `Record`. All learners act epsilon-greedily (0.1) and step by alpha = 0.1; every method has `runs`.

    Args:
        methods: of `Method`.
        mean: of the rewards in B.
        actions: how many there are in B.
        first: equals are settled by taking the first (in A: left), and not by chance.
    """

    alpha, epsilon = 0.1, 0.1

    def __init__(self, methods, rng, *, mean=-0.1, actions=10, first=False, runs=RUNS):
        self.rng, self.mean, self.first, self.episode = rng, mean, first, 0
        self._double, self._judge = (np.repeat([each[k] for each in methods], runs) for k in (1, 2))
        self._run, self._groups = np.arange(len(self._double)), (len(methods), runs)
        self.a, self.b = (np.zeros((2, len(self._run), n)) for n in (2, actions))  # [table, run, action]

    def __iter__(self):
        return self

    def __next__(self):
        self.episode += 1
        table = self._table()
        action = self._act(self.a)
        left, believed = action == LEFT, self._ahead(table)
        self._learn(self.a, table, action, np.where(left, believed, 0.0), everywhere=True)
        reply = self._act(self.b)
        self._learn(self.b, self._table(), reply, self.rng.normal(self.mean, 1, len(left)), everywhere=left)
        return Record(self.episode, *(each.reshape(self._groups).mean(axis=1) for each in (left, believed)))

    def _table(self):
        """The table that learns, [N]: the first, or one of two by chance."""
        return self.rng.integers(2, size=len(self._run)) * self._double

    def _ahead(self, table):
        """What each run takes B to be worth: one table names the best action, one judges it."""
        names, judges = table ^ self._judge, table ^ self._double
        return self.b[judges, self._run, self._best(self.b[names, self._run])]

    def _act(self, tables):
        """Epsilon-greedy in the sum of the tables (the second is 0 where there is only one)."""
        values = tables.sum(axis=0)
        chance = self.rng.integers(values.shape[1], size=len(values))
        return np.where(self.rng.random(len(values)) < self.epsilon, chance, self._best(values))

    def _best(self, values):
        """The best action of each row [N, A]; equals by chance, or the first."""
        if self.first:
            return values.argmax(axis=1)
        return np.where(values == values.max(axis=1, keepdims=True), self.rng.random(values.shape), -1.0).argmax(axis=1)

    def _learn(self, tables, table, action, target, everywhere):
        entry = table, self._run, action
        tables[entry] += self.alpha * everywhere * (target - tables[entry])


def left_and_believed(methods):
    """How many go left, and what they take B to be worth, over episodes: the view of `left_or_right`, for `watch`."""

    def view(figure):
        axes = figure.subplot_mosaic("WW;SB", height_ratios=[0.22, 1])
        pays, share, worth = _the_world(axes["W"]), axes["S"], axes["B"]
        tidy(share, f"share of {RUNS:,} learners that go left", "episode").set_ylim(0, 1)
        tidy(worth, "what targets take B to be worth, on average", "episode").set_ylim(-0.45, 0.75)
        curves = [[LearningCurve(axes, each.name, each.color) for each in methods] for axes in (share, worth)]
        aim = share.axhline(0, linestyle="--", color=COLORS["exact"], linewidth=1.5, label="best share, exploring")
        truth = worth.axhline(0, color=COLORS["exact"], label="exact: what B is worth")
        lines = [*(curve.band.line for curve in curves[0]), aim, truth]
        figure.legend(handles=lines, loc="outside lower left", ncols=5 if len(methods) < 3 else 3, borderpad=0)
        last = None

        def draw(new, mean=-0.1):
            nonlocal last
            last = new[-1] if new else last
            for row, field in zip(curves, ("left", "believed")):
                for k, curve in enumerate(row):
                    curve.add([record.episode for record in new], np.array([[getattr(record, field)[k]] for record in new]))
                    curve.show()
            best = 0.05 if mean < 0 else 0.95
            aim.set(ydata=[best, best], visible=bool(mean))  # at 0 all shares are equally good
            truth.set_ydata([mean, mean])
            pays.set_text(f"each pays N({mean:.2f}, 1)".replace("-", "−"))
            return _told(methods, last, mean)

        return draw

    return view


def _the_world(axes):
    """A picture of the world: the end, A, B, many ways to the end. Returns the words on what B's actions pay."""
    axes.set(xlim=(0, 10), ylim=(-0.8, 1.4), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
    for x, name, box in ((9.5, "end", "square"), (6.6, "A", "circle"), (3.4, "B", "circle"), (0.4, "end", "square")):
        axes.text(x, 0, name, ha="center", va="center", bbox={"boxstyle": box, "facecolor": "#DDEEE8", "edgecolor": "0.5"})
    arrow = {"arrowstyle": "-|>", "color": "0.3", "linewidth": 1.5, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (9.1, 0), (6.95, 0), arrowprops=arrow)
    axes.annotate("", (3.75, 0), (6.25, 0), arrowprops=arrow)
    for bend in (-0.12, -0.06, 0, 0.06, 0.12):
        axes.annotate("", (0.8, 2 * bend), (3.05, 2 * bend), arrowprops=arrow | {"connectionstyle": f"arc3,rad={bend}"})
    settings = {"ha": "center", "va": "bottom"}
    axes.text(8.0, 0.2, "right pays 0", **settings)
    axes.text(5.0, 0.2, "left pays 0", **settings)
    return axes.text(1.92, 0.62, "", **settings)


def _told(methods, last, mean):
    if last is None:
        return "No episode yet."
    parts = [f"{each.name}: {100 * left:.0f} % go left, and B is taken to be worth {believed:+.2f}"
             for each, left, believed in zip(methods, *last[1:])]  # fmt: skip
    return f"Episode {last.episode:,}. {'; '.join(parts)}. In truth it is worth {mean:+.2f}."


def largest_of(many):
    """The expected value of the largest of so many independent standard normal numbers, by integration.

    E max = integral of x d(Phi(x)^n).
    """
    x = np.linspace(-9, 9, 20_001)
    cumulative = np.array([(1 + erf(each / np.sqrt(2))) / 2 for each in x]) ** many
    return float(((x[1:] + x[:-1]) / 2 * np.diff(cumulative)).sum())

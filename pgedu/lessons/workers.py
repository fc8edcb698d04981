"""Workers that share parameters, and when each of them fetches, works and pushes: where stale gradients come from."""

from typing import NamedTuple

import numpy as np

from pgedu.panels.views import COLORS, tidy

TICK = 1 / 32  # of the time that an ordinary segment takes: from one picture to the next
PAST = 6.0  # what is shown: the last six ordinary segments
MOST = 6  # workers


class Segment(NamedTuple):
    """A segment that is over. Its gradient was worked out from θ[fetched], and turned θ[replaced] into the next."""

    worker: int
    began: float
    ended: float
    fetched: int
    replaced: int

    @property
    def staleness(self):
        """Updates that its gradient came late."""
        return self.replaced - self.fetched


class Tick(NamedTuple):
    """A moment: the segments that have ended since the last one, and when those under way began and will end, [W]."""

    now: float
    over: list
    began: np.ndarray
    ends: np.ndarray


def long_run_staleness(times, delay=0):
    """How late the gradients of each worker are on average: t_j * sum over the others of 1 / t_i, and the delay, [W].

    While worker j is busy for a time t_j, worker i pushes t_j / t_i times. Workers of equal speed: W - 1 + delay.
    """
    times = np.asarray(times, dtype=float)
    return times * ((1 / times).sum() - 1 / times) + delay


class Workers:
    """An iterator that lets time run by one `TICK` each.

    Args:
        times: how long a segment of each worker takes, [W].
        delay: updates by which what a worker fetches is old already.
        together: everybody waits for the slowest, and all gradients are one update (A2C).
    """

    def __init__(self, times, delay=0, together=False):
        self.times, self.delay, self.together = np.asarray(times, dtype=float), delay, together
        self.now, self.version = 0.0, 0
        workers = len(self.times)
        # Not all start at once: equal workers then finish one after another, at equal distances.
        spread = np.ones(workers) if together else np.arange(1, workers + 1) / workers
        self.began, self.fetched = np.zeros(workers), np.zeros(workers, dtype=int)
        self.ends = spread * self.times

    def __iter__(self):
        return self

    def __next__(self):
        self.now += TICK
        over = []
        while (self.ends.max() if self.together else self.ends.min()) <= self.now + 1e-9:
            over += self._round() if self.together else [self._push(int(self.ends.argmin()))]
        return Tick(self.now, over, self.began.copy(), self.ends.copy())

    def _push(self, j):
        """The worker that is ready pushes, fetches and begins anew."""
        ended = self.ends[j]
        segment = Segment(j, self.began[j], ended, self.fetched[j], self.version)
        self.version += 1
        self.began[j], self.ends[j] = ended, ended + self.times[j]
        self.fetched[j] = max(0, self.version - self.delay)
        return segment

    def _round(self):
        """All push, and the next round begins when the slowest has done so."""
        ended = self.ends.max()
        order = np.argsort(self.ends, kind="stable")
        over = [Segment(j, self.began[j], self.ends[j], self.version, self.version) for j in order]
        self.version += 1
        self.began[:], self.ends = ended, ended + self.times
        return over


def timetable(figure):
    """What each worker does in the last while, how long its segments take, and how late its gradients are. A view."""
    table, times, late = figure.subplots(1, 3, width_ratios=[3, 1.1, 1.3], sharey=True)
    bars, traced, versions = _timetable(table)
    handles = _times(times)
    law, dots = _lateness(late)
    memory = Memory()

    def draw(new, workers, worker_1, worker_2, delay, together):
        memory.add(new)
        rows, takes = np.arange(1, workers + 1), times_of(workers, worker_1, worker_2)
        exact = np.zeros(workers) if together else long_run_staleness(takes, delay)
        bars.set_data(*_bars(memory.over, memory.tick))
        versions.set_data(*_versions(memory.over, memory.tick.now))
        _trace(traced, memory.over, memory.tick.now)
        for line, x, row in zip(handles, (worker_1, worker_2), (1, 2)):
            line.set_data([x], [row])
        handles[2].set_data(*_joined(np.zeros(workers), takes, rows))
        law.set_data(exact, rows)
        dots.set_data(memory.mean_staleness()[:workers], rows)
        return _sentence(memory, exact, takes, together)

    return draw


def times_of(workers, worker_1, worker_2):
    """How long a segment takes, [W]: of all but the first two workers, one ordinary segment."""
    return np.array([worker_1, worker_2, *np.ones(MOST)])[:workers]


class Memory:
    """What a timetable still needs of the past: the last segments, and how late all gradients have been."""

    KEPT = 400  # segments: more than are seen, and than the latest of them is late

    def __init__(self):
        self.over, self.tick, self.count = [], None, 0
        self._sum, self._number = np.zeros(MOST), -np.ones(MOST)  # first segments are left out: all began at once

    def add(self, ticks):
        for self.tick in ticks:
            for segment in self.tick.over:
                self._sum[segment.worker] += segment.staleness * (self._number[segment.worker] >= 0)
                self._number[segment.worker] += 1
                self.count += 1
            self.over = (self.over + self.tick.over)[-self.KEPT :]

    def mean_staleness(self):
        """Of each worker so far, [MOST]: NaN before there is anything to tell."""
        return np.where(self._number > 0, self._sum / np.maximum(self._number, 1), np.nan)


def _sentence(memory, exact, takes, together):
    if not memory.over:
        return "No segment is over yet."
    last, waits = memory.over[-1], 100 * (1 - takes.mean() / takes.max())
    pace = memory.count / memory.tick.now
    if together:
        return (f"All wait for the slowest, so no gradient is late, and the workers wait for {waits:.0f} % of their "
                f"time: {pace:.1f} gradients in the time of an ordinary segment.")  # fmt: skip
    return (
        f"The gradient that turned θ{last.replaced} into θ{last.replaced + 1} was worked out by worker {last.worker + 1} "
        f"from θ{last.fetched}: {last.staleness} updates late. In the long run those of worker 1 are {exact[0]:.3g} "
        f"late, and those of the last worker {exact[-1]:.3g}. Nobody waits: {pace:.1f} gradients in the time "
        "of an ordinary segment."
    )


def _joined(began, ended, row):
    """x and y of bars with a gap (NaN) after each."""
    gap = np.full(len(row), np.nan)
    return np.stack([began, ended, gap], axis=1).ravel(), np.stack([row, row, gap], axis=1).ravel()


def _bars(over, tick):
    """Segments that are over, and those that are under way, in time before now; a hair apart."""
    rows = [s.worker + 1 for s in over] + list(range(1, len(tick.began) + 1))
    starts = np.array([s.began for s in over] + list(tick.began)) - tick.now
    ends = np.array([s.ended for s in over] + list(np.minimum(tick.now, tick.ends))) - tick.now
    seen = ends > -PAST
    x, y = _joined(np.maximum(starts, -PAST) + 0.03, ends - 0.03, np.array(rows))
    return x[np.repeat(seen, 3)], y[np.repeat(seen, 3)]


def _pushed(over):
    """When each version of the parameters came into being: of a round, at its end."""
    return {segment.replaced + 1: segment.ended for segment in over}


def _versions(over, now):
    """When the shared parameters changed, in time before now."""
    x = np.array([ended - now for ended in _pushed(over).values() if ended > now - PAST])
    return x, np.zeros(len(x))


def _trace(lines, over, now):
    """The last gradient on its way: from where it was fetched, through its segment, to where it was pushed."""
    bar, wires = lines
    if not over:
        return
    last = over[-1]
    pushed = _pushed(over)
    came = pushed.get(last.fetched, 0.0) - now
    x, row = np.array([last.began, last.ended]) - now, last.worker + 1
    bar.set_data(np.maximum(x + [0.03, -0.03], -PAST), [row, row])
    wires.set_data([came, x[0], np.nan, x[1], pushed[last.replaced + 1] - now], [0, row, np.nan, row, 0])


def _timetable(axes):
    tidy(axes, "who works when (the newest gradient in colour)", "time before now, in ordinary segments")
    axes.set(xlim=(-PAST - 0.1, 0.25), ylim=(MOST + 0.6, -0.6))
    axes.set_yticks(range(MOST + 1), ["shared θ", *(f"worker {j}" for j in range(1, MOST + 1))])
    axes.grid(False)
    thick = {"linewidth": 9, "solid_capstyle": "butt"}
    (bars,) = axes.plot([], [], color="0.55", **thick)
    (bar,) = axes.plot([], [], color=COLORS["a3c"], **thick)
    (wires,) = axes.plot([], [], color=COLORS["a3c"], linewidth=2)
    (versions,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=4)
    return bars, (bar, wires), versions


def _times(axes):
    tidy(axes, "a segment takes", "ordinary segments").set(xlim=(0, 5.4), xticks=range(6))
    (bars,) = axes.plot([], [], color="0.55", linewidth=4, solid_capstyle="butt")
    return [axes.plot([], [], "o", color="0.4", gid=f"worker_{j}")[0] for j in (1, 2)] + [bars]


def _lateness(axes):
    tidy(axes, "updates late, on average", "(line: in the long run)").set(xlim=(-1.5, 38))
    (law,) = axes.plot([], [], "|", color=COLORS["exact"], markersize=16, markeredgewidth=2.5)
    (dots,) = axes.plot([], [], "o", color=COLORS["a3c"], markersize=8)
    return law, dots

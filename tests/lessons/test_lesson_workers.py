"""Workers that share parameters: their clock against another one, how late their gradients are, and the picture."""

import heapq

import numpy as np
import pytest
from cells_of_notebook import corners, drawn, run

from pgedu.lessons.workers import PAST, Memory, Workers, long_run_staleness, times_of, timetable

NAME = "06_a2c_and_a3c"


def simulated(times, delay, pushes):
    """(worker, version used, version replaced) of each push, from a queue of events."""
    W = len(times)
    waiting = [((j + 1) / W * times[j], j) for j in range(W)]
    heapq.heapify(waiting)
    fetched, version, log = [0] * W, 0, []
    for _ in range(pushes):
        now, j = heapq.heappop(waiting)
        log.append((j, fetched[j], version))
        version += 1
        fetched[j] = max(0, version - delay)
        heapq.heappush(waiting, (now + times[j], j))
    return log


def segments(workers, ticks):
    return [segment for _ in range(ticks) for segment in next(workers).over]


@pytest.mark.parametrize("times", [[1.0], [1.0, 1.0, 1.0], [4.0, 1.1, 1.0, 1.0], [0.5, 5.0, 1.0, 1.0, 1.0, 1.0]])
@pytest.mark.parametrize("delay", [0, 6])
def test_pushes_are_those_of_a_queue_of_events(times, delay):
    found = [(s.worker, s.fetched, s.replaced) for s in segments(Workers(times, delay), 700)]
    assert len(found) > 18 and sorted(found) == sorted(simulated(times, delay, len(found)))


@pytest.mark.parametrize("workers", [1, 3, 6])
@pytest.mark.parametrize("delay", [0, 6])
def test_workers_of_equal_speed_are_late_by_all_the_others(workers, delay):
    over = segments(Workers(np.ones(workers), delay), 32 * 20)
    assert {s.staleness for s in over[workers * (2 + delay) :]} == {workers - 1 + delay}
    assert long_run_staleness(np.ones(workers), delay) == pytest.approx(workers - 1 + delay)


@pytest.mark.parametrize("times", [[4.0, 1.0, 1.0, 1.0], [0.5, 3.25, 1.0, 1.0, 1.0], [np.e, np.sqrt(2), 1.0]])
def test_long_run_is_what_a_long_run_shows(times):
    memory, clock = Memory(), Workers(times, delay=2)
    memory.add([next(clock) for _ in range(32 * 800)])
    np.testing.assert_allclose(memory.mean_staleness()[: len(times)], long_run_staleness(times, 2), rtol=0.01)


def test_a_round_waits_for_the_slowest_and_nobody_is_late():
    over = segments(Workers([3.0, 1.0, 1.0], delay=0, together=True), 32 * 10)
    assert len(over) == 9 and {s.staleness for s in over} == {0} and [s.replaced for s in over] == [0] * 3 + [1] * 3 + [2] * 3
    assert [(s.worker, s.began, s.ended) for s in over[3:6]] == [(1, 3.0, 4.0), (2, 3.0, 4.0), (0, 3.0, 6.0)]


def panel():
    _, [(start, view, controls)] = run(NAME, "workers", "cell-26")
    return start, view, controls


def test_picture_at_both_ends():
    start, view, controls = panel()
    for values in corners(controls):
        figure, draw = drawn(view, empty=True)
        training = start(**values)
        sentence = draw(new=[next(training) for _ in range(300)], **values)
        assert sentence == draw(new=[], **values)
        table, times, late = figure.axes
        bars, _, wires, versions = table.lines
        assert np.nanmin(bars.get_xdata()) >= -PAST and np.nanmax(bars.get_xdata()) <= 0.0
        assert set(bars.get_ydata()[::3]) == set(range(1, values["workers"] + 1))
        takes = times_of(values["workers"], values["worker_1"], values["worker_2"])
        exact = np.zeros(values["workers"]) if values["together"] else long_run_staleness(takes, values["delay"])
        np.testing.assert_allclose(late.lines[0].get_xdata(), exact)
        assert [line.get_gid() for line in times.lines[1:]] == ["worker_1", "worker_2"]
        assert late.get_xlim()[1] > exact.max() and not (late.lines[1].get_xdata() > late.get_xlim()[1]).any()
        assert (np.diff(versions.get_xdata()) > 0).all() or not values["together"]
        assert ("Nobody waits" in sentence) != values["together"] and np.nanmax(wires.get_xdata()) <= 0


def test_the_traced_gradient_goes_from_its_version_to_the_next():
    figure, draw = drawn(timetable)
    clock = Workers(times_of(4, 1.0, 1.0), delay=1)
    ticks = [next(clock) for _ in range(32 * 6)]
    sentence = draw(new=ticks, workers=4, worker_1=1.0, worker_2=1.0, delay=1, together=False)
    over = [segment for tick in ticks for segment in tick.over]
    last, pushed = over[-1], [s.ended for s in over]
    _, bar, wires, _ = figure.axes[0].lines
    assert np.array(wires.get_xdata())[[0, -1]] == pytest.approx(np.array([pushed[last.fetched - 1], last.ended]) - ticks[-1].now)
    assert set(bar.get_ydata()) == {last.worker + 1} and f"from θ{last.fetched}: 4 updates late" in sentence


def test_the_past_is_forgotten_but_for_its_count():
    memory, clock = Memory(), Workers(np.ones(6))
    memory.add([next(clock) for _ in range(32 * 100)])
    assert len(memory.over) == Memory.KEPT and memory.count == 600

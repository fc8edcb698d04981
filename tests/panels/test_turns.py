"""One loop owns a panel: whatever thread a control's message comes on, it is acted on in turn, and nothing is lost."""

import asyncio
import random
import threading
import time

import ipywidgets
import numpy as np
import pytest

from pgedu import SGD, Policy, Table, reinforce, short_corridor
from pgedu.panels import explore, slider, watch
from pgedu.panels.turns import Turns

POLICY = Policy.softmax(Table(1, 2))


@pytest.fixture(autouse=True)
def close_panels():
    yield
    ipywidgets.Widget.close_all()


class Counting:
    """A training that counts and notes who advances it; two at a time would be "generator already executing"."""

    def __init__(self, rng, runs):
        self.runs, self.rate, self.count, self.threads = runs, 0, 0, set()

    def pulses(self):
        yield None
        self.threads.add(threading.get_ident())
        time.sleep(0.0005)  # lets other threads in
        self.count += 1
        yield (self.count, self.runs, self.rate)

    def __iter__(self):
        while True:
            yield from self.pulses()


def counting_view(drawn):
    def view(figure):
        def draw(new, runs, rate):
            assert all(record[1:] == (runs, rate) for record in new)  # what a picture is told is what was computed
            drawn.append((threading.get_ident(), new, runs, rate))
            return f"{len(drawn)} pictures."

        return draw

    return view


def a_panel(drawn, **more):
    controls = {"runs": slider(1, 9, 3), "rate": slider(0, 1000, 0)}
    return watch(Counting, counting_view(drawn), first=2, size=(3, 2), **controls, **more)


async def on_another_thread(act):
    """Run `act` there while this loop goes on; returns what it raised."""
    raised = []

    def run():
        try:
            act()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.001)
    await asyncio.sleep(0)
    return raised


def while_the_owner_is_busy(act):
    """Run `act` on another thread while this one, which owns the panel, does not listen."""
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_hundreds_of_events_from_another_thread_while_it_plays(seed):
    drawn, luck = [], random.Random(seed)

    def storm(panel):
        acts = [
            panel._step.click, panel._reset.click,
            lambda: setattr(panel.controls["runs"], "value", luck.randint(1, 9)),
            lambda: setattr(panel.controls["rate"], "value", luck.randint(0, 1000)),
            lambda: setattr(panel._seed, "value", luck.randint(0, 99)),
            lambda: setattr(panel._pin, "value", luck.random() < 0.5),
            lambda: setattr(panel._play, "value", luck.random() < 0.8),
        ]  # fmt: skip
        for _ in range(300):
            luck.choice(acts)()
            time.sleep(luck.choice([0, 0, 0.001, 0.003]))
        panel._play.value = True

    async def main():
        panel = a_panel(drawn)
        panel._play.value = True
        assert await on_another_thread(lambda: storm(panel)) == []
        await asyncio.sleep(0.05)
        assert panel.error is None and not panel._picture.alert and not panel.task.done()
        assert panel.training.runs == panel.controls["runs"].value
        assert panel.training.rate == panel.controls["rate"].value
        before = panel.training.count
        await asyncio.sleep(0.2)
        assert panel.training.count > before and panel.training.threads == {threading.get_ident()}
        panel.close()

    asyncio.run(main())
    assert {thread for thread, *_ in drawn} == {threading.get_ident()}


def test_a_real_training_survives_reset_step_and_a_change_of_shape_while_it_plays():
    def start(rng, runs):
        return reinforce(short_corridor(), POLICY, optimizer=SGD(0.01), rng=rng, runs=runs, episodes=2, max_steps=50)

    def view(figure):
        figure.subplots()
        return lambda new, runs: f"{[len(record.theta) for record in new]} of {runs}."

    def storm(panel, luck=random.Random(0)):
        runs = panel.controls["runs"]
        acts = [panel._step.click, panel._reset.click, lambda: setattr(runs, "value", luck.randint(1, 9))]
        for _ in range(60):
            luck.choice(acts)()
            time.sleep(luck.choice([0, 0.002]))

    async def main():
        panel = watch(start, view, first=2, runs=slider(1, 9, 3))
        panel._play.value = True
        assert await on_another_thread(lambda: storm(panel)) == []
        await asyncio.sleep(0.1)
        assert panel.error is None and not panel.task.done()
        assert len(panel.training.theta) == panel.controls["runs"].value
        panel.close()

    asyncio.run(main())


def test_every_click_counts_and_the_newest_position_wins():
    async def main():
        drawn = []
        panel = a_panel(drawn)

        def act():
            for rate in range(1, 101):
                panel.controls["rate"].value = rate
            for _ in range(400):  # more than Python would let call each other
                panel._step.click()

        before = len(drawn)
        while_the_owner_is_busy(act)
        assert len(drawn) == before and panel.training.count == 2
        await asyncio.sleep(0)
        assert panel.training.count == 402 and panel.training.rate == 100
        assert len(drawn) == before + 401 and drawn[before][2:] == (3, 100)

    asyncio.run(main())


def test_order_is_kept_and_a_click_is_not_overtaken():
    async def main():
        turns, seen = Turns(), []
        note = lambda what: lambda: seen.append(what)  # noqa: E731

        def act():
            turns.change("a", note("a1"))
            turns.change("b", note("b1"))
            turns.change("a", note("a2"))  # in place of a1
            turns.click(note("click 1"))
            turns.change("b", note("b2"))
            turns.change("a", note("a3"))
            turns.click(note("click 2"))
            turns.click(note("click 3"))
            turns.change("a", note("a4"))
            turns.change("a", note("a5"))

        while_the_owner_is_busy(act)
        assert seen == []
        turns.change("b", note("b3"))  # on the owner's own thread: at once, but after what came before
        assert seen == ["b1", "a2", "click 1", "b2", "a3", "click 2", "click 3", "a5", "b3"]
        await asyncio.sleep(0)
        assert len(seen) == 9

    asyncio.run(main())


def test_what_is_caused_in_the_middle_of_a_turn_comes_after_it():
    def view(figure):
        figure.subplots()

        def draw(a, b):
            began.append((a, b))
            if panels and b != a:
                panels[0].controls["b"].value = a
            ended.append((a, b))

        return draw

    began, ended, panels = [], [], []
    panels.append(explore(view, a=slider(0, 9, 1), b=slider(0, 9, 1)))
    panels[0].controls["a"].value = 5
    assert began == ended == [(1, 1), (5, 1), (5, 5)]


def test_an_exception_in_what_was_handed_over_is_shown_kept_and_logged(caplog):
    def view(figure):
        figure.subplots()

        def draw(height):
            if height > 5:
                raise ValueError("<b>too high</b>")

        return draw

    async def main():
        panel = explore(view, height=slider(0, 9, 1), size=(3, 2))
        assert await on_another_thread(lambda: setattr(panel.controls["height"], "value", 7)) == []
        assert isinstance(panel.error, ValueError)
        assert panel._picture.alert == "ValueError: <b>too high</b>"
        assert any(record.exc_info and record.exc_info[1] is panel.error for record in caplog.records)
        await on_another_thread(lambda: setattr(panel.controls["height"], "value", 3))
        assert panel.error is None and not panel._picture.alert

    asyncio.run(main())


def test_an_exception_while_it_plays_pauses_so_that_it_can_be_read():
    class Refusing(Counting):
        def __setattr__(self, name, value):
            if name == "rate" and value > 500:
                raise ValueError("rate must be a number up to 500")
            super().__setattr__(name, value)

    async def main():
        panel = watch(Refusing, counting_view([]), first=2, runs=slider(1, 9, 3), rate=slider(0, 1000, 0))
        panel._play.value = True
        await on_another_thread(lambda: setattr(panel.controls["rate"], "value", 501))
        await asyncio.sleep(0.1)
        assert panel.task.done() and not panel._play.value and "rate must be" in panel._picture.alert
        panel.controls["rate"].value = 400
        panel._play.value = True
        await asyncio.sleep(0.1)
        assert panel.error is None and panel.training.rate == 400 and not panel.task.done()
        panel.close()

    asyncio.run(main())


@pytest.mark.parametrize("elsewhere", [False, True])
def test_play_and_pause_in_a_hurry(elsewhere):
    async def main():
        panel = a_panel([])

        def hurry(last):
            for value in [True, False] * 20 + [True] * last:
                panel._play.value = value

        for last in (1, 0, 1):
            await on_another_thread(lambda: hurry(last)) if elsewhere else hurry(last)
            await asyncio.sleep(0.1)
            assert panel.task.done() != bool(last) and panel._play.value == bool(last)
            assert panel._play.description == ("pause" if last else "play")
        tasks = [task for task in asyncio.all_tasks() if "_playing" in repr(task.get_coro())]
        assert len(tasks) == 1
        panel.close()

    asyncio.run(main())


def test_without_a_loop_everything_is_acted_on_at_once_on_any_thread():
    drawn = []
    panel = a_panel(drawn)
    while_the_owner_is_busy(lambda: (setattr(panel.controls["rate"], "value", 7), panel._step.click()))
    assert panel.training.rate == 7 and panel.training.count == 3 and drawn[-1][0] != threading.get_ident()


def test_when_its_loop_is_gone_a_panel_still_acts():
    panels = []

    async def main():
        panels.append(a_panel([]))

    asyncio.run(main())
    while_the_owner_is_busy(panels[0]._step.click)
    panels[0]._step.click()
    assert panels[0].training.count == 4

    async def play():
        panels[0]._play.value = True
        await asyncio.sleep(0.1)
        assert await on_another_thread(lambda: setattr(panels[0].controls["rate"], "value", 5)) == []
        assert panels[0].training.rate == 5
        panels[0].close()

    asyncio.run(play())


@pytest.mark.parametrize("elsewhere", [False, True])
def test_close_cancels_the_task_and_leaves_nothing(elsewhere):
    async def main():
        instances = ipywidgets.widgets.widget._instances
        count = len(instances)
        panel = a_panel([])
        panel._play.value = True
        await asyncio.sleep(0.05)
        step, rate, training = panel._step, panel.controls["rate"], panel.training
        await on_another_thread(panel.close) if elsewhere else panel.close()
        await asyncio.sleep(0.05)
        assert panel.task.cancelled() and len(instances) == count
        seen = training.count
        step.click(), setattr(rate, "value", 9)
        await on_another_thread(lambda: (step.click(), setattr(rate, "value", 10)))
        await asyncio.sleep(0.05)
        assert training.count == seen and training.rate == 0 and len(instances) == count
        panel.close()

    asyncio.run(main())


def test_close_drops_what_waits():
    async def main():
        panel = a_panel([])
        training = panel.training
        while_the_owner_is_busy(lambda: [panel._step.click() for _ in range(5)])
        panel.close()
        await asyncio.sleep(0)
        assert training.count == 2

    asyncio.run(main())


def test_a_panel_may_be_closed_in_the_middle_of_a_turn():
    def view(figure):
        (line,) = figure.subplots().plot([], [])

        def draw(new):
            if new[-1][0] > 4:
                panels[0].close()
                assert panels[0]._picture in instances.values()  # not before this turn is over
            return f"{new}"

        return draw

    instances = ipywidgets.widgets.widget._instances
    count, panels = len(instances), []

    async def main():
        panels.append(watch(lambda rng: Counting(rng, 1), view, first=2))
        panels[0]._play.value = True
        await asyncio.gather(panels[0].task, return_exceptions=True)
        assert panels[0].task.cancelled() and panels[0].error is None and len(instances) == count

    asyncio.run(main())


def test_a_panel_that_could_not_be_made_leaves_nothing():
    instances = ipywidgets.widgets.widget._instances
    count = len(instances)
    with pytest.raises(ZeroDivisionError):
        watch(Counting, lambda figure: lambda new, rate: 1 / 0, runs=slider(1, 9, 3), rate=slider(0, 9, 1))
    assert len(instances) == count


def test_pictures_are_the_same_whatever_thread_asked_for_them():
    def view(figure):
        (line,) = figure.subplots().plot([], [])
        return lambda height: line.set_data([0, 1], [height, np.sqrt(height)])

    async def main():
        one, other = (explore(view, height=slider(0, 9, 1), size=(3, 2)) for _ in range(2))
        one.controls["height"].value = 4
        await on_another_thread(lambda: setattr(other.controls["height"], "value", 4))
        assert one._picture.png == other._picture.png

    asyncio.run(main())

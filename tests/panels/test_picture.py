"""The picture of a panel and its page, of which a test plays the part: what a hand wants, who looks, on what screen."""

import asyncio
import io
import itertools
import time

import ipywidgets
import matplotlib.image
import numpy as np
import pytest

from pgedu.panels import explore, live, picture, slider, switch, watch


@pytest.fixture(autouse=True)
def close_panels():
    yield
    ipywidgets.Widget.close_all()


class Page:
    """What picture.js does, without a screen."""

    def __init__(self, panel, view="a page"):
        self.panel, self.view, self.count = panel, view, 0
        self.say("hello")
        self.say("seen", seen=True)

    def say(self, event, **more):
        self.panel._picture._handle_custom_msg({"event": event, "view": self.view, **more}, [])

    def move(self, **wish):
        self.count += 1
        self.say("move", count=self.count, **wish)

    @property
    def answered(self):
        return self.panel._picture.answered.get(self.view) == self.count

    def paint(self):
        self.say("painted", number=self.panel._picture.number)


DRAWN = []  # what the view was drawn with


def plane(figure):
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    (dot,) = axes.plot([], [], "o")

    def draw(u, v, strict=False):
        if strict and u > 0.9:
            raise ValueError("too far to the right")
        DRAWN.append((u, v))
        dot.set_data([u], [v])
        return f"At {u:.2f} and {v:.2f}."

    return draw


def a_plane(**more):
    panel = explore(plane, u=slider(0.0, 1.0, 0.5, along="x"), v=slider(0.0, 1.0, 0.5, along="y"), size=(4, 3), **more)
    DRAWN.clear()
    return panel


def test_a_hand_moves_both_controls_and_the_view_is_drawn_once():
    panel = a_plane()
    page = Page(panel)
    left, top, right, bottom = panel._picture.handles[0]["box"]
    page.move(handle=0, at=[left + 0.25 * (right - left), bottom - 0.75 * (bottom - top)])
    assert DRAWN == [(0.25, 0.75)]
    assert (panel.controls["u"].value, panel.controls["v"].value) == (0.25, 0.75)
    assert page.answered and panel._picture.text == panel.readout == "At 0.25 and 0.75."
    np.testing.assert_allclose(panel._picture.handles[0]["at"], [left + 0.25 * (right - left), bottom - 0.75 * (bottom - top)])


def test_the_slider_and_the_hand_move_the_same_value():
    panel = a_plane()
    page = Page(panel)
    panel.controls["u"].value = 0.8
    page.move(handle=0, steps=[1, -2])
    assert DRAWN == [(0.8, 0.5), (0.81, 0.48)]
    panel.controls["v"].value = 0.1
    assert DRAWN[-1] == (0.81, 0.1)


def test_coming_back_to_the_same_place_is_answered_with_a_picture():
    panel = a_plane()
    page = Page(panel)
    at = panel._picture.handles[0]["at"]
    for _ in range(3):
        before = panel._picture.number
        page.move(handle=0, at=at)
        assert page.answered and panel._picture.number == before + 1
    assert DRAWN == []  # nothing had to be drawn for that


def test_two_pages_are_both_answered():
    panel = a_plane()
    one, other = Page(panel), Page(panel, "another page")
    one.move(handle=0, steps=[1, 0])
    other.move(handle=0, steps=[1, 0])
    assert one.answered and other.answered
    one.say("gone")
    other.move(handle=0, steps=[1, 0])
    assert list(panel._picture.answered) == ["another page"]


def test_a_hand_that_makes_the_view_fail_is_answered_with_an_alert_and_can_go_back():
    panel = a_plane(strict=switch(True))
    page = Page(panel)
    page.move(handle=0, steps=[1e9, 0])
    assert page.answered and "too far to the right" in panel._picture.alert and isinstance(panel.error, ValueError)
    assert panel.controls["u"].value == 1.0
    page.move(handle=0, steps=[-50, 0])
    assert page.answered and not panel._picture.alert and panel.error is None


def test_the_picture_is_as_wide_as_the_screen_shows_it():
    panel = a_plane()
    page = Page(panel)
    for pixels in (400, 800, 613, 800):
        page.say("size", pixels=pixels)
        assert matplotlib.image.imread(io.BytesIO(panel._picture.png)).shape[1] == pixels
    before = panel._picture.number
    page.say("size", pixels=800)
    assert panel._picture.number == before  # nothing new to show
    left, *_ = panel._picture.handles[0]["box"]
    page.move(handle=0, at=[left, 0.5])
    assert panel.controls["u"].value == 0.0  # places are shares of the picture, whatever its size


def test_a_larger_picture_shows_the_same():
    """Twice as dense, then averaged over 2 x 2 pixels: the same picture but for the edges of lines and letters."""
    panel = a_plane()
    page = Page(panel)
    small = matplotlib.image.imread(io.BytesIO(panel._picture.png))[..., :3]
    page.say("size", pixels=800)
    large = matplotlib.image.imread(io.BytesIO(panel._picture.png))[..., :3]
    averaged = large.reshape(300, 2, 400, 2, 3).mean(axis=(1, 3))
    assert np.abs(averaged - small).mean() < 0.02 < np.abs(averaged - averaged[::-1]).mean()


class Counting:
    """A training that counts."""

    def __init__(self):
        self.count = 0

    def __iter__(self):
        return self

    def __next__(self):
        self.count += 1
        return self.count


def counter(figure):
    (dot,) = figure.subplots().plot([0], [0], "o")

    def draw(new):
        dot.set_data([len(new)], [0])
        return f"The last one was {new[-1] if new else 0}."

    return draw


def a_player():
    return watch(Counting, counter, first=1, speed=1, size=(3, 2))


async def turns(seconds):
    await asyncio.sleep(seconds)


def test_no_more_pictures_are_sent_than_a_page_paints():
    async def main():
        panel = a_player()
        page = Page(panel)
        page.paint()
        sent = panel._picture.number
        panel._play.value = True
        await asyncio.sleep(0.4)  # time for ten
        assert panel._picture.number == sent + picture.AHEAD
        counted = panel.training.count
        await asyncio.sleep(0.2)
        assert panel.training.count == counted  # and what nobody can see is not learned
        page.paint()
        await asyncio.sleep(0.2)
        assert panel._picture.number == sent + 2 * picture.AHEAD and panel.training.count > counted
        panel._play.value = False

    asyncio.run(main())


def test_a_player_rests_while_its_page_is_hidden_and_goes_on_when_it_is_seen_again():
    async def main():
        panel = a_player()
        page = Page(panel)
        panel._play.value = True
        page.say("seen", seen=False)
        await asyncio.sleep(0.1)
        counted = panel.training.count
        await asyncio.sleep(0.3)
        assert panel.training.count == counted and panel._play.value
        page.say("seen", seen=True)
        page.paint()
        await asyncio.sleep(0.3)
        assert panel.training.count > counted
        panel._play.value = False

    asyncio.run(main())


def test_a_player_stops_when_its_page_has_gone_without_a_word_and_says_so(monkeypatch):
    monkeypatch.setattr(picture, "ALONE", 0.3)

    async def main():
        panel = a_player()
        Page(panel).paint()
        panel._play.value = True
        await asyncio.sleep(1.0)
        assert not panel._play.value and panel.task.done() and "stopped by itself" in panel.readout
        again = Page(panel, "the page, opened again")
        again.paint()
        counted = panel.training.count
        panel._play.value = True
        await asyncio.sleep(0.2)
        assert panel.training.count > counted
        panel._play.value = False

    asyncio.run(main())


def test_a_page_that_had_nothing_to_say_for_long_is_not_taken_for_one_that_has_gone(monkeypatch):
    """A panel that was paused for minutes plays on a slow page, which needs a moment for its first pictures."""
    monkeypatch.setattr(picture, "ALONE", 0.5)

    async def main():
        panel = a_player()
        page = Page(panel)
        page.paint()
        await asyncio.sleep(1.0)
        panel._play.value = True
        await asyncio.sleep(0.4)
        assert panel._play.value and panel._picture.behind
        page.paint()
        await asyncio.sleep(0.4)
        assert panel._play.value
        panel._play.value = False

    asyncio.run(main())


def test_a_long_computation_is_not_taken_for_a_page_that_has_gone(monkeypatch):
    """The page's words have to wait while the kernel computes."""
    monkeypatch.setattr(picture, "ALONE", 0.1)
    panel = a_player()
    page = Page(panel)
    time.sleep(0.2)
    assert not panel._picture.alone()
    page.paint()
    assert not panel._picture.alone()


def test_one_page_that_sees_it_is_enough_and_all_that_close_are_none():
    panel = a_player()
    assert panel._picture.seen  # nobody has ever spoken: a script
    one, other = Page(panel), Page(panel, "another page")
    one.say("seen", seen=False)
    assert panel._picture.seen
    other.say("gone")
    assert not panel._picture.seen
    one.say("seen", seen=True)
    assert panel._picture.seen


def test_sentences_are_not_read_aloud_while_it_plays():
    async def main():
        panel = a_player()
        panel._play.value = True
        assert panel._picture.playing
        panel._play.value = False
        assert not panel._picture.playing

    asyncio.run(main())


def test_a_frame_waits_for_other_programs_when_the_processor_is_not_its_own(monkeypatch):
    """Its own work took 1 ms of the processor, but 20 ms by the clock: that long it rests, too."""

    async def main():
        panel = a_player()
        monkeypatch.setattr(live.time, "process_time", iter([0.0, 0.001, 0.0, 10.0]).__next__)
        monkeypatch.setattr(panel, "_frame", lambda: time.sleep(0.02) or [1])
        assert 0.015 < panel._play_on() <= live.POLITE
        monkeypatch.setattr(live, "FRAME", 0.0)
        assert panel._play_on() == live.REST

    asyncio.run(main())


def test_on_a_crowded_machine_a_picture_has_one_update(monkeypatch):
    """It learns more slowly then, and everybody's pictures come sooner."""

    def learned():
        before = panel.training.count
        panel._play_on()
        panel._picture.painted = panel._picture.number
        panel._next = 0.0
        return panel.training.count - before

    async def main():
        nonlocal panel
        panel = a_player()
        panel._speed.value = 10
        monkeypatch.setattr(live.time, "process_time", lambda: 0.0)  # all its time is waiting
        assert [learned(), learned()] == [10, 1]
        monkeypatch.setattr(live.time, "process_time", itertools.count(0.0, 10.0).__next__)  # none is
        assert [learned(), learned()] == [1, 10]

    panel = None
    asyncio.run(main())


def test_the_picture_of_a_control_that_moves_while_it_plays_is_a_frame():
    class Adjustable(Counting):
        pace = 1

    async def main():
        panel = watch(Adjustable, counter, first=1, speed=1, size=(3, 2), pace=slider(1, 9, 1))
        panel._play.value = True
        number, count = panel._picture.number, panel.training.count
        panel.controls["pace"].value = 2
        assert panel.training.pace == 2
        assert panel._picture.number == number + 1 and panel.training.count > count  # it has gone on learning
        count = panel.training.count
        assert 0 < panel._play_on() <= live.FRAME and panel.training.count == count  # and the next one waits
        panel._play.value = False

    asyncio.run(main())

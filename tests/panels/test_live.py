"""Panels, driven in Python: what a control does, what is shown when it fails, and that nothing is left behind."""

import asyncio
import base64
import io
import re
import signal
import sys
import warnings

import ipywidgets
import matplotlib.image
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from pgedu import SGD, Policy, Table, leave_one_out, none, reinforce, short_corridor
from pgedu.panels import choice, explore, slider, switch, watch
from pgedu.panels import live
from pgedu.panels.still import PICTURE, VIEW
from pgedu.panels.views import Learning

POLICY = Policy.softmax(Table(1, 2))


def line_view(figure):
    axes = figure.subplots()
    axes.set(xlim=(0, 1), ylim=(0, 10))
    (line,) = axes.plot([], [])

    def draw(height, rng):
        if height > 9:
            raise ValueError("height is too much for this view")
        line.set_data([0, 1], [height, height])
        return f"The height is {height} and the luck {rng.integers(100)}."

    return draw


def start(rng, runs=3):
    return reinforce(short_corridor(), POLICY, optimizer=SGD(0.01), rng=rng, runs=runs, episodes=2, max_steps=50)


def learning_view(figure):
    return Learning(figure, limits=(-60, 0)).draw


def a_watch(**controls):
    return watch(start, learning_view, first=2, **controls)


@pytest.fixture(autouse=True)
def close_panels():
    yield
    ipywidgets.Widget.close_all()


def pixels(panel):
    return matplotlib.image.imread(io.BytesIO(panel._picture.png))


def test_a_control_moves_picture_and_readout():
    panel = explore(line_view, height=slider(0, 10, 2))
    before = pixels(panel)
    panel.controls["height"].value = 5
    assert "height is 5" in panel.readout and "height is 5" in panel._picture.text
    assert not np.array_equal(before, pixels(panel))
    panel.controls["height"].value = 2
    np.testing.assert_array_equal(pixels(panel), before)  # blitting leaves no trace of where the line has been


def test_the_seed_is_the_only_luck():
    panel = explore(line_view, height=slider(0, 10, 2))
    first = panel.readout
    panel._seed.value = 1
    second = panel.readout
    panel._seed.value = 0
    assert first != second and panel.readout == first


def test_pin_keeps_a_ghost_until_it_is_let_go():
    panel = explore(line_view, height=slider(0, 10, 2))
    panel._pin.value = True
    panel.controls["height"].value = 8
    with_ghost = pixels(panel)
    panel._pin.value = False
    without = pixels(panel)
    assert np.abs(with_ghost - without).sum() > 0
    untouched = explore(line_view, height=slider(0, 10, 8))
    np.testing.assert_array_equal(without, pixels(untouched))


def test_an_exception_is_shown_and_raised_and_the_panel_lives_on():
    panel = explore(line_view, height=slider(0, 10, 2))
    with pytest.raises(ValueError, match="too much"):
        panel.controls["height"].value = 10
    assert isinstance(panel.error, ValueError) and "too much" in panel._picture.alert
    panel.controls["height"].value = 3
    assert panel.error is None and "height is 3" in panel._picture.text and not panel._picture.alert


def test_a_view_that_fails_at_once_fails_its_cell():
    with pytest.raises(ValueError, match="too much"):
        explore(line_view, height=slider(0, 10, 10))


def test_readouts_cannot_smuggle_html_in():
    panel = explore(lambda figure: lambda power: f"<b>{power}</b> is bold.", power=slider(1, 3, 2))
    still = displayed(panel)[1]["data"]["text/html"]
    assert "<b>" not in still and "&lt;b&gt;2&lt;/b&gt; is bold" in still


def displayed(shown, cell_id="some-cell"):
    """What a cell that ends with `shown` leaves: its outputs, as a front end gets them."""
    shell = InteractiveShell.instance()
    shell.get_parent = lambda: {"metadata": {"cellId": cell_id}}
    try:
        with capture_output() as captured:
            shell.display_formatter.format(shown)
    finally:
        InteractiveShell.clear_instance()
    return [{"data": output.data, "metadata": output.metadata} for output in captured.outputs]


def test_what_stays_is_picture_and_sentence_above_the_live_panel():
    panel = explore(line_view, height=slider(0, 10, 2))
    picture, words, alive = displayed(panel)
    assert base64.b64decode(picture["data"]["image/png"]) == panel._picture.png
    assert picture["metadata"]["image/png"]["alt"] == panel.readout and picture["data"]["text/plain"] == PICTURE
    assert panel.readout in words["data"]["text/html"] and panel.readout == words["data"]["text/plain"]
    assert alive["data"] == {VIEW: {"model_id": panel.model_id, "version_major": 2, "version_minor": 0}}


def test_front_ends_that_are_no_page_of_jupyter_get_all_in_one_output(monkeypatch):
    panel = explore(line_view, height=slider(0, 10, 2))
    (output,) = displayed(panel, "vscode-notebook-cell:/a.ipynb#W0sZmlsZQ==")
    assert set(output["data"]) == {VIEW, "image/png", "text/plain"}
    monkeypatch.setitem(sys.modules, "google.colab", object())
    assert len(displayed(panel)) == 1


@pytest.mark.parametrize("wrong", [5, "slider", (0, 1)])
def test_a_control_must_be_a_control(wrong):
    with pytest.raises(ValueError, match="height must be a control"):
        explore(line_view, height=wrong)


@pytest.mark.parametrize("arguments, sentence", [
    ((0, 1, 2), "value must be a number between 0 and 1; got 2"),
    ((0, 1, -1), "value must be a number between 0 and 1; got -1"),
    ((0.0, 1.0, np.nan), "value must be a number between 0.0 and 1.0; got nan"),
    ((1, 1, 1), "high must be a number above 1; got 1"),
    ((3, 1, 2), "high must be a number above 3; got 1"),
    ((0, np.inf, 1), "high must be a number above 0, and finite; got inf"),
    ((-np.inf, 0, -1), "low must be a number, and finite; got -inf"),
    (("0", "9", "1"), "low must be a number; got '0'"),
    ((0, 9, None), "value must be a number between 0 and 9; got None"),
])  # fmt: skip
def test_slider_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        slider(*arguments)


def test_slider_on_a_logarithmic_scale_and_steps():
    with pytest.raises(ValueError, match="low must be a number above 0; got 0.0"):
        slider(0.0, 1.0, 0.0, log=True)
    for step in (0, -1, "1", np.nan):
        with pytest.raises(ValueError, match="step must be a number above 0"):
            slider(0, 9, 1, step=step)


@pytest.mark.parametrize("arguments, sentence", [
    (([],), "options must be a list or a dict of at least one option; got []"),
    (({},), "options must be a list or a dict of at least one option; got {}"),
    (("abc",), "options must be a list or a dict; got 'abc'"),
    ((3,), "options must be a list or a dict; got 3"),
    ((["a", "b"], "c"), "value must be one of the options a, b; got 'c'"),
    (({"no": none}, leave_one_out), "value must be one of the options no; got <function leave_one_out"),
])  # fmt: skip
def test_choice_arguments(arguments, sentence):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        choice(*arguments)


def test_choice_takes_whatever_gives_options():
    assert choice(range(3), 0).value == 0 and choice(iter("ab")).value == "a" and choice(np.array([2, 3]), 3).value == 3


def test_switch_is_on_or_off():
    with pytest.raises(ValueError, match="value must be True or False; got 'yes'"):
        switch("yes")


def test_controls_give_what_they_were_given():
    assert slider(1e-3, 1.0, 0.1, log=True).value == pytest.approx(0.1)
    for low, value in ((1e-3, 0.03), (1, 30), (1e-3, 1e-3), (0.0003, 0.02)):  # off its grid a slider would show another
        control = slider(low, 100.0, value, log=True)
        steps = (np.log10(value) - control.min) / control.step
        assert steps == pytest.approx(round(steps), abs=1e-9) and 0.03 < control.step < 0.08
    assert isinstance(slider(1, 10, 2).value, int) and slider(0.0, 1.0, 0.5).value == 0.5
    box = choice({"no": none, "others": leave_one_out}, leave_one_out)
    assert box.value is leave_one_out and choice(["a", "b"]).value == "a" and switch(True).value is True


OTHERWISE = "a control must be named otherwise than"


@pytest.mark.parametrize("make, sentence", [
    *[(lambda name=name: explore(line_view, **{name: slider(0, 9, 0)}), f"{OTHERWISE} view, size, rng; got '{name}'")
      for name in ("view", "size", "rng")],
    *[(lambda name=name: watch(start, learning_view, **{name: slider(0, 9, 0)}), f"{OTHERWISE} .*; got '{name}'")
      for name in ("view", "size", "new", "rng", "first", "speed", "start")],
    (lambda: explore(None), "view must be a function of a figure that returns its function draw; got None"),
    (lambda: explore(view=slider(0, 1, 0)), "view must be a function .* draw; got IntSlider"),
    (lambda: explore(lambda figure: None), "what view returns must be its function draw .*; got None"),
    (lambda: watch(start, lambda figure: 3), "what view returns must be its function draw .*; got 3"),
    (lambda: watch(start, None), "view must be a function of a figure"),
    (lambda: watch(3, learning_view), "start must be a function that returns a training; got 3"),
    (lambda: watch(lambda: 3, learning_view), "what start returns must be a training or another iterator; got 3"),
    (lambda: watch(lambda: Paced, learning_view), "what start returns must be a training or another iterator; got <class"),
    (lambda: watch(lambda: None, learning_view), "what start returns must be a training or another iterator; got None"),
    (lambda: watch(start, learning_view, first=1.5), "first must be a whole number of 0 or more; got 1.5"),
    (lambda: watch(start, learning_view, speed=0), "speed must be a number between 0.01 and 1000; got 0"),
    (lambda: watch(start, learning_view, speed=0.5), "speed of a view that does not name `now` must be a number of 1 or more"),
    (lambda: explore(line_view, size=3, height=slider(0, 9, 1)), r"size must be \(width, height\) .*; got 3"),
    (lambda: explore(line_view, size=(3, 0), height=slider(0, 9, 1)), "width and height of size must be a number above 0"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_view_and_start_may_be_given_by_their_names():
    assert explore(view=line_view, height=slider(0, 9, 1)).readout
    assert watch(start=start, view=learning_view, first=2).readout.startswith("After 2 updates")


def test_a_view_of_what_is_now_may_start_in_slow_motion():
    def view(figure):
        return lambda new, now=None: f"There are {len(new)} new records."

    panel = watch(start, view, first=1, speed=0.03)
    assert panel._speed.value == pytest.approx(0.03) and panel._speed.min == pytest.approx(-2)


class Paced:
    """A training with settings: `pace` may change, `limit` is read only; `rest` is a method."""

    def __init__(self):
        self.pace = 1

    @property
    def limit(self):
        return 9

    def rest(self):
        return None

    def __iter__(self):
        count = 0
        while True:
            count += self.pace
            yield count


@pytest.mark.parametrize("name", ["pase", "limit", "rest"])
def test_a_control_that_nothing_reads_is_refused(name):
    sentence = r"a control that nothing reads must be named as what is read \({}\), or left out; got '{}'"
    with pytest.raises(ValueError, match=sentence.format("pace", name)):
        watch(Paced, lambda figure: lambda new: f"{new}", first=2, **{name: slider(1, 5, 1)})
    with pytest.raises(ValueError, match=sentence.format("height", name)):
        explore(line_view, height=slider(0, 9, 1), **{name: slider(0, 9, 1)})
    with pytest.raises(ValueError, match=rf"a control that nothing reads .*baseline.*learning_rate.*; got '{name}'"):
        a_watch(**{name: slider(1, 5, 1)})


@pytest.mark.parametrize("name", ["runs", "update", "diverged"])
def test_what_is_fixed_or_state_of_a_training_is_no_setting(name):
    with pytest.raises(ValueError, match=f"nothing reads must be named as what is read .*; got '{name}'") as caught:
        watch(lambda rng: start(rng), learning_view, first=2, **{name: slider(1, 5, 3)})
    names = re.search(r"read \((.*?)\)", str(caught.value))[1].split(", ")
    assert {"baseline", "estimator", "learning_rate", "episodes"} <= set(names)
    assert not {"runs", "update", "pulses", "new"} & set(names)


def test_what_the_view_names_is_its_own():
    def view(figure):
        return lambda new, runs: f"{runs}"

    panel = watch(lambda rng: start(rng), view, first=2, runs=slider(1, 5, 4))
    panel.controls["runs"].value = 5
    assert panel.readout == "5" and panel.training.runs == 3  # fixed there


def test_a_training_that_refuses_a_setting_says_so_itself():
    class Fixed(Paced):
        def __setattr__(self, name, value):
            if name == "pace" and hasattr(self, "pace"):
                raise ValueError("pace is fixed")
            super().__setattr__(name, value)

    with pytest.raises(ValueError, match="pace is fixed"):
        watch(Fixed, lambda figure: lambda new: f"{new}", first=2, pace=slider(1, 5, 1))


def test_a_control_that_only_the_view_names_is_not_set_on_the_training():
    panel = watch(Paced, lambda figure: lambda new, shade: f"{new} in {shade}.", first=2, shade=choice(["grey", "black"]))
    panel.controls["shade"].value = "black"
    assert panel.readout == "[] in black." and not hasattr(panel.training, "shade")


def growing_view(figure):
    """A line through all that was counted, thicker with `pace`."""
    axes = figure.subplots()
    axes.set(xlim=(0, 9), ylim=(0, 9))
    (line,) = axes.plot([], [])
    counts = []

    def draw(new, pace):
        counts.extend(new)
        line.set(data=(range(len(counts)), counts), linewidth=pace)
        return f"{counts} by {pace}."

    return draw


def test_reset_starts_with_a_new_picture():
    panel = watch(Paced, growing_view, first=2, pace=slider(1, 5, 1))
    first = pixels(panel)
    panel._step.click()
    assert panel.readout == "[1, 2, 3] by 1." and not np.array_equal(first, pixels(panel))
    panel._reset.click()
    assert panel.readout == "[1, 2] by 1."  # and not [1, 2, 3, 1, 2]
    np.testing.assert_array_equal(first, pixels(panel))


def test_a_setting_that_moves_is_seen_at_once_though_nothing_new_was_learned():
    panel = watch(Paced, growing_view, first=2, pace=slider(1, 5, 1))
    first = pixels(panel)
    panel.controls["pace"].value = 5
    assert panel.readout == "[1, 2] by 5." and not np.array_equal(first, pixels(panel))


def test_errors_cannot_smuggle_html_in():
    def view(figure):
        def draw(power):
            if power > 2:
                raise ValueError("<img src=x onerror=alert(1)>")

        return draw

    panel = explore(view, power=slider(1, 3, 2))
    with pytest.raises(ValueError):
        panel.controls["power"].value = 3
    assert panel._picture.alert == "ValueError: <img src=x onerror=alert(1)>"  # the page shows it as text


class Endless:
    """A training whose third update never comes, until it is let go."""

    def __init__(self, ends=2):
        self.ends, self.update, self.pace = ends, 0, 1

    def pulses(self):
        while self.update >= self.ends:
            yield None
        self.update += 1
        yield self.update

    def __iter__(self):
        while True:
            yield from self.pulses()


def last_record_view(figure):
    return lambda new, pace: f"The last is {new[-1] if new else 'as before'}."


def test_a_first_stretch_that_does_not_end_is_shown_as_it_stands(monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.05)
    panel = watch(Endless, last_record_view, first=5, size=(3, 2), pace=slider(1, 5, 1))
    assert panel.readout == "The last is 2. After 0.05 seconds this is not done yet: play goes on from here."
    panel._step.click()
    assert panel.readout == "The last is as before. After 0.05 seconds this is not done yet: play goes on from here."
    panel._reset.click()
    assert panel.readout.startswith("The last is 2. After")
    panel.training.ends = 10**9
    play(panel)
    assert panel.training.update > 3 and panel.readout == f"The last is {panel.training.update}."
    panel.controls["pace"].value = 2
    assert panel.readout == "The last is as before."  # it is not late any more


def test_a_first_stretch_without_any_update_does_not_ask_the_view(monkeypatch):
    monkeypatch.setattr(live, "PATIENCE", 0.05)
    stretch = "After 0.05 seconds this is not done yet: play goes on from here."

    def needs_a_record(figure):
        return lambda new, pace: f"The last is {new[-1]} by {pace}."

    panel = watch(lambda: Endless(0), needs_a_record, first=5, size=(3, 2), pace=slider(1, 5, 1))
    assert panel.readout == stretch and pixels(panel).size
    panel.controls["pace"].value = 2
    panel._step.click()
    assert panel.readout == stretch and panel.error is None and panel.training.pace == 2
    panel.training.ends = 10**9
    play(panel)
    assert panel.training.update > 0 and panel.readout == f"The last is {panel.training.update} by 2."


@pytest.mark.parametrize("first, told", [(1, [[1]]), (2, [[1, 2]]), (5, [[1, 2], [3, 4], [5]]), (6, [[1, 2], [3, 4], [5, 6]])])
def test_a_long_first_stretch_is_told_in_parts_and_shown_once(monkeypatch, first, told):
    """Records hold what was sampled: hundreds of them at once would fill the memory."""
    monkeypatch.setattr(live, "MANY", 2)
    heard = []

    def view(figure):
        def draw(new, pace):
            heard.append(new)
            return f"The last is {new[-1] if new else 'as before'}."

        return draw

    panel = watch(Paced, view, first=first, size=(3, 2), pace=slider(1, 5, 1))
    assert heard == told and panel._picture.number == 1 and panel.readout == f"The last is {first}."
    panel.controls["pace"].value = 2
    assert heard == [*told, []]


def test_watch_computes_its_first_stretch_and_steps():
    panel = a_watch()
    assert panel.readout.startswith("After 2 updates")
    panel._step.click()
    assert panel.readout.startswith("After 3 updates")
    panel._reset.click()
    assert panel.readout.startswith("After 2 updates")


def test_controls_of_a_training_act_at_once_and_others_start_afresh():
    panel = a_watch(learning_rate=slider(1e-4, 1.0, 0.01, log=True), baseline=choice([none, leave_one_out]), runs=slider(1, 9, 3))
    panel._step.click()
    training = panel.training
    panel.controls["learning_rate"].value = 0.1
    panel.controls["baseline"].value = leave_one_out
    assert panel.training is training and training.update == 3
    assert training.learning_rate == pytest.approx(0.1) and training.baseline is leave_one_out
    panel.controls["runs"].value = 5
    assert panel.training is not training and panel.training.theta.shape == (5, 2)
    assert panel.training.learning_rate == pytest.approx(0.1) and panel.training.baseline is leave_one_out
    panel._seed.value = 7
    assert panel.training.update == 2


def test_same_seed_same_curves():
    one, two = a_watch(), a_watch()
    one._step.click(), two._step.click()
    np.testing.assert_array_equal(one.training.theta, two.training.theta)
    np.testing.assert_array_equal(pixels(one), pixels(two))


def play(panel, seconds=0.3, during=lambda: None):
    async def main():
        panel._play.value = True
        task = panel.task
        await asyncio.sleep(seconds / 2)
        during()
        await asyncio.sleep(seconds / 2)
        panel.pause()
        await task

    asyncio.run(main())


def test_playing_trains_and_listens():
    panel = a_watch(learning_rate=slider(1e-4, 1.0, 0.01, log=True))
    play(panel, during=lambda: setattr(panel.controls["learning_rate"], "value", 0.1))
    assert panel.training.update > 4 and panel.training.learning_rate == pytest.approx(0.1)
    assert panel._play.description == "play" and panel.task.done()
    seen = panel.training.update
    play(panel)  # goes on where it stopped
    assert panel.training.update > seen


def test_play_twice_is_one_task():
    panel = a_watch()

    async def main():
        panel._play.value = True
        first = panel.task
        await asyncio.sleep(0.05)
        panel._play.value = False
        panel._play.value = True
        assert panel.task is first
        panel.pause()
        await first

    asyncio.run(main())


def test_a_training_that_ends_stops_playing():
    def short(rng):
        return reinforce(short_corridor(), POLICY, optimizer=SGD(0.01), rng=rng, runs=2, episodes=2, updates=5)

    panel = watch(short, learning_view, first=2)
    play(panel)
    assert panel.finished and panel.training.update == 5 and not panel._play.value
    panel._step.click()
    assert panel.training.update == 5


def test_any_iterator_can_be_watched():
    class Counter:
        def __init__(self):
            self.pace = 1

        def __iter__(self):
            count = 0
            while True:
                count += self.pace
                yield count

    panel = watch(Counter, lambda figure: lambda new, pace: f"It counts {new} by {pace}.", first=2, pace=slider(1, 5, 1))
    assert panel.readout == "It counts [1, 2] by 1."
    panel.controls["pace"].value = 5
    panel._step.click()
    assert panel.readout == "It counts [7] by 5."


def test_an_error_while_playing_is_shown_and_raised():
    panel = a_watch()
    vars(panel.training)["policy"] = None
    with pytest.raises(ValueError, match="policy must be a Policy"):
        play(panel)
    assert isinstance(panel.error, ValueError) and panel._picture.alert and not panel._play.value


def test_an_interrupt_pauses_and_everything_goes_on():
    panel = a_watch()
    before = signal.getsignal(signal.SIGINT)
    play(panel, during=lambda: signal.raise_signal(signal.SIGINT))
    assert panel.error is None and not panel._play.value
    assert signal.getsignal(signal.SIGINT) is before
    seen = panel.training.update
    panel._step.click()
    assert panel.training.update == seen + 1


def test_an_interrupt_in_the_middle_of_an_update_loses_nothing():
    panel = a_watch()
    def interrupted():
        yield None
        raise KeyboardInterrupt

    panel._stream = interrupted()
    with pytest.raises(KeyboardInterrupt):
        panel._step.click()
    panel._step.click()
    assert panel.training.update == 3


@pytest.mark.parametrize("rate", [1e-5, 1e6])
def test_both_ends_of_the_learning_rate_are_safe(rate):
    panel = a_watch(learning_rate=slider(1e-5, 1e6, rate, log=True))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(10):
            panel._step.click()
    assert panel.error is None and np.isfinite(panel.training.theta).all()


def test_close_leaves_no_widget_behind():
    instances = ipywidgets.widgets.widget._instances
    count = len(instances)
    panels = [a_watch(learning_rate=slider(1e-4, 1.0, 0.01, log=True)),
              explore(lambda figure: lambda power: "No seed here.", power=slider(1, 3, 2))]  # fmt: skip
    assert len(instances) > count
    for panel in panels:
        panel.close()
    assert len(instances) == count


def test_a_control_that_two_panels_show_outlives_the_first():
    """As when a cell is run again whose slider was made in another cell."""
    shared = slider(0, 10, 2)
    one, two = explore(line_view, height=shared), explore(line_view, height=shared)
    one.close()
    assert shared.comm is not None
    shared.value = 5
    assert two.readout.startswith("The height is 5")
    two.close()
    assert shared.comm is None

    kept = slider(0, 10, 10)
    with pytest.raises(ValueError, match="too much"):
        explore(line_view, height=kept)
    assert kept.comm is None  # nobody shows it


def test_panels_that_play_at_overlapping_times_leave_the_interrupt_as_it_was():
    one, two = a_watch(), a_watch()
    before = signal.getsignal(signal.SIGINT)

    async def main():
        one._play.value = two._play.value = True
        await asyncio.sleep(0.1)
        one.pause()
        await one.task
        signal.raise_signal(signal.SIGINT)  # for the one that still plays
        await two.task

    asyncio.run(main())
    assert signal.getsignal(signal.SIGINT) is before and not two._play.value and two.error is None


def test_a_start_that_fails_leaves_the_picture_of_the_training_there_is():
    def sometimes(rng, runs=3):
        if runs == 5:
            raise ValueError("five are too many")
        return start(rng, runs)

    panel = watch(sometimes, learning_view, first=2, runs=slider(1, 9, 3))
    before = pixels(panel)
    with pytest.raises(ValueError, match="five are too many"):
        panel.controls["runs"].value = 5
    panel._pin.value = False
    panel._paint()
    np.testing.assert_array_equal(pixels(panel), before)
    panel.controls["runs"].value = 4
    assert panel.error is None and panel.training.theta.shape == (4, 2)


def test_steps_and_whole_numbers_of_sliders():
    assert slider(1, np.int64(20), 5).value == 5 and isinstance(slider(1, np.int64(20), 5).value, int)
    with pytest.raises(ValueError, match="step must be a whole number of 1 or more; got 0.5"):
        slider(0, 10, 5, step=0.5)

"""Handles: where a control's value lies in the picture, and which value a place in the picture means."""

import ipywidgets
import numpy as np
import pytest

from pgedu.panels import explore, slider
from pgedu.panels.canvas import Canvas
from pgedu.panels.controls import clipped, stepped
from pgedu.panels.handles import Handles


@pytest.fixture(autouse=True)
def close_widgets():
    yield
    ipywidgets.Widget.close_all()


def two_plots(figure):
    left, right = figure.subplots(1, 2)
    left.set(xlim=(0, 1), ylim=(0, 10))
    right.set(xlim=(0.01, 100), ylim=(-1, 1), xscale="log")
    (dot,) = left.plot([], [], "o", gid="p")

    def draw(p=0.5, **others):
        dot.set_data([p], [10 * p])
        return "Two plots."

    return draw


def handles(**controls):
    canvas = Canvas(two_plots, (6, 3))
    canvas.draw()
    canvas.png()
    return Handles(controls, canvas), {name: control.value for name, control in controls.items()}


def test_a_handle_sits_where_its_value_is():
    """Against the pixels that Matplotlib says."""
    found, positions = handles(rate=slider(0.01, 100.0, 1.0, log=True, along=(1, "x"), label="a rate"))
    (handle,) = found.now(positions)
    left, top, right, bottom = handle["box"]
    assert handle["at"][0] == pytest.approx((left + right) / 2)  # 1 is in the middle of 0.01 to 100
    assert handle["at"][1] == pytest.approx(bottom)  # on the axis
    assert handle["along"] == "x" and handle["inside"] and not handle["on_marker"]
    assert handle["label"] == "a rate" and handle["value"] == "a rate = 1"
    assert handle["range"] == pytest.approx([0.01, 1.0, 100])


def test_a_marker_with_the_name_of_the_control_carries_the_handle():
    found, positions = handles(p=slider(0.0, 1.0, 0.5, along="x"))
    (handle,) = found.now(positions)
    left, top, right, bottom = handle["box"]
    assert handle["at"] == pytest.approx([(left + right) / 2, (top + bottom) / 2])
    assert handle["on_marker"]


def test_two_controls_of_one_plot_are_a_point_and_two_along_the_same_axis_are_two():
    pair = {"u": slider(0.0, 1.0, 0.2, along="x"), "v": slider(0.0, 10.0, 5.0, along="y")}
    found, positions = handles(**pair, w=slider(-1.0, 1.0, 0.0, along=(1, "y")))
    point, alone = found.now(positions)
    assert point["along"] == "xy" and point["value"] == "u = 0.2, v = 5" and alone["along"] == "y"
    found, positions = handles(**pair, w=slider(0.0, 1.0, 0.7, along="x"))
    assert [handle["along"] for handle in found.now(positions)] == ["x", "x", "y"]


@pytest.mark.parametrize("name, control, values", [
    ("p", lambda: slider(0.0, 1.0, 0.5, step=0.01, along="x"), [0.0, 0.01, 0.3, 0.99, 1.0]),
    ("n", lambda: slider(0, 10, 5, along="y"), [0, 1, 7, 10]),
    ("rate", lambda: slider(0.01, 100.0, 1.0, log=True, along=(1, "x")), [0.01, 0.1, 10**0.5, 100]),
    ("v", lambda: slider(-1.0, 1.0, 0.0, step=0.05, along=(1, "y")), [-1, -0.35, 0, 1]),
])  # fmt: skip
def test_there_and_back(name, control, values):
    """The place of a value, and the value of that place."""
    found, _ = handles(**{name: control()})
    for value in values:
        (handle,) = found.now({name: value})
        assert found.wanted(0, at=found.now({name: value})[0]["at"])[name] == pytest.approx(value, rel=1e-3, abs=1e-9)
        beyond = found.wanted(0, at=[5 if "x" in handle["along"] else 0.5, -5])[name]
        before = found.wanted(0, at=[-5 if "x" in handle["along"] else 0.5, 5])[name]
        assert (before, beyond) == pytest.approx((values[0], values[-1]))  # clipped at the control's ends


def test_a_control_that_reaches_beyond_the_plot_is_clipped_at_the_edge_and_its_handle_hidden():
    found, _ = handles(p=slider(-1.0, 3.0, 0.5, along=(0, "y")))
    assert found.wanted(0, at=[0.5, -9])["p"] == pytest.approx(3.0)  # 10 is the plot's edge
    found, _ = handles(far=slider(0.0, 20.0, 15.0, along="x"))
    (handle,) = found.now({"far": 15.0})
    assert not handle["inside"] and np.isfinite(handle["at"]).all()


def test_keys_go_by_the_steps_of_the_slider():
    whole, real, log = slider(0, 10, 5), slider(0.0, 1.0, 0.5, step=0.1), slider(0.01, 1.0, 0.1, log=True)
    assert stepped(whole, 2) == 7 and stepped(whole, -1e9) == 0 and isinstance(stepped(whole, 1), int)
    assert stepped(real, -3) == 0.2 and stepped(real, 1e9) == 1.0
    assert stepped(log, 1) == pytest.approx(0.1 * 10**log.step) and stepped(log, 1e9) == pytest.approx(1.0)


def test_what_lies_between_two_steps_becomes_the_nearer_one():
    assert clipped(slider(0, 10, 5, step=2), 4.9) == 4
    assert clipped(slider(0.0, 1.0, 0.5, step=0.1), 0.3456) == 0.3
    assert clipped(slider(0.0, 1.0, 0.5, step=0.3), 7) == 1.0 and clipped(slider(1.0, 100.0, 10.0, log=True), 0) == 1.0


@pytest.mark.parametrize("along", ["z", 1, (1,), ("x", 0), (-1, "x"), (0.5, "y"), (0, "x", 1), True])
def test_along_must_be_an_axis(along):
    with pytest.raises(ValueError, match="along"):
        slider(0, 1, 0, along=along)


def test_the_plot_must_be_there():
    with pytest.raises(ValueError, match="along which p goes must be 0 to 1, a plot of this panel; got 2"):
        explore(two_plots, p=slider(0.0, 1.0, 0.5, along=(2, "x")))

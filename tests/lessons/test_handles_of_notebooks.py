"""Controls that are places in the pictures of the notebooks: each handle is where its value is, at every position."""

import ipywidgets
import numpy as np
import pytest
from cells_of_notebook import NOTEBOOKS, ends
from panels_of_notebook import draw, panels_of

from pgedu.panels import slider, switch
from pgedu.panels.canvas import Canvas
from pgedu.panels.controls import clipped
from pgedu.panels.handles import Handles

PATHS = sorted(NOTEBOOKS.glob("*.ipynb"))
WITH_HANDLES = ["00", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "14"]


@pytest.fixture(autouse=True)
def close_widgets():
    yield
    ipywidgets.Widget.close_all()


def scale(control, values):
    """Values in the units in which the steps of a control are equal."""
    logarithmic = isinstance(control, ipywidgets.FloatLogSlider)
    return np.log(values) / np.log(control.base) if logarithmic else np.asarray(values, dtype=float)


def positions_of(control):
    """Both ends of a control; of one that is a place in the picture, some between them as well."""
    if not getattr(control, "along", None):
        return ends(control)
    low, high = scale(control, ends(control))
    between = low + np.array([0.25, 0.6]) * (high - low)
    return [*ends(control), *(clipped(control, each) for each in between_values(control, between))]


def between_values(control, units):
    return control.base**units if isinstance(control, ipywidgets.FloatLogSlider) else units


def settings_of(controls):
    """All controls at their first positions, and then each one at its other positions."""
    first = {name: control.value for name, control in controls.items()}
    return [first] + [first | {name: value} for name in controls for value in positions_of(controls[name])]


def faults(controls, canvas, values):
    """What is wrong with the handles of a picture that was drawn with these values: a list of sentences."""
    handles, found = Handles(controls, canvas), []
    for number, handle in enumerate(handles.now(values)):
        wanted = handles.wanted(number, at=handle["at"])
        if not handle["inside"]:
            found.append(f"outside of the picture: {', '.join(wanted)}")
        for name, value in wanted.items():
            off = abs(scale(controls[name], value) - scale(controls[name], values[name]))
            if not off <= 0.51 * controls[name].step:
                found.append(f"its place means another value: {name}")
        found += faults_of_markers({name: controls[name].along for name in wanted}, canvas, values)
    return found


def handles_in(controls):
    return [name for name, control in controls.items() if getattr(control, "along", None)]


def faults_of_markers(along, canvas, values):
    """Of what has the name of a control of a handle, {name: (number of the axes, "x" or "y")}: its first point counts."""
    found = []
    for number, axes in enumerate(canvas.figure.axes):
        for marker in (line for line in axes.lines if line.get_gid() in along):
            place = dict(zip("xy", marker.get_xydata()[0]))
            for name, (wanted, way) in along.items():
                if number != wanted:
                    found.append(f"its marker is in other axes: {name}")
                elif place[way] != pytest.approx(values[name]):
                    found.append(f"its marker is elsewhere: {name}")
            if not marker.get_visible() or not is_inside(canvas, axes, place):
                found.append(f"its marker cannot be seen: {', '.join(along)}")
    return found


def is_inside(canvas, axes, place):
    at, (left, top, right, bottom) = canvas.fractions(axes, place["x"], place["y"])
    return left - 1e-9 <= at[0] <= right + 1e-9 and top - 1e-9 <= at[1] <= bottom + 1e-9


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_every_handle_is_where_its_value_is(path):
    found, seen = {}, set()
    for number, (start, canvas, controls, view) in enumerate(panels_of(path)):
        if not handles_in(controls):
            continue
        seen |= set(handles_in(controls))
        for values in settings_of(controls):
            draw(start, canvas, view, values)
            for fault in faults(controls, canvas, values):
                found.setdefault((number, fault), values)
    assert found == {}
    assert seen or path.stem[:2] not in WITH_HANDLES


def test_no_notebook_with_handles_is_missing():
    assert [path.stem[:2] for path in PATHS if path.stem[:2] in WITH_HANDLES] == WITH_HANDLES


def a_view(off=0.0, high=10.0, axes=0, scale="linear", up=0.0, **marker):
    """A point of a plane, whose marker is off by so much, or in other axes, or not to be seen."""

    def view(figure):
        plots = figure.subplots(1, 2)
        for each in plots:
            each.set(xlim=(1, high), ylim=(0, 1), xscale=scale)
        (dot,) = plots[axes].plot([], [], "o", gid="x", **marker)

        def draw(x, y, shifted=False):
            dot.set_data([x + off * shifted], [y + up * shifted])
            return "A point."

        return draw

    return view


@pytest.mark.parametrize("fault, changes", [
    ("its marker is elsewhere: x", {"off": 0.01}), ("its marker is elsewhere: y", {"up": 0.01}),
    ("its marker cannot be seen: x, y", {"up": 2.0}), ("outside of the picture: x, y", {"high": 2.0}),
    ("its place means another value: x", {"high": 7.0}), ("its marker is in other axes: x", {"axes": 1}),
    ("its marker cannot be seen: x, y", {"visible": False}),
])  # fmt: skip
@pytest.mark.parametrize("log", [False, True])
def test_a_fault_is_found(fault, changes, log):
    controls = {"x": slider(1.0, 10.0, 5.0, log=log, along="x"), "shifted": switch()}
    controls["y"] = slider(0.0, 1.0, 0.5, along="y")
    found = []
    for given in ({}, changes):
        canvas = Canvas(a_view(scale="log" if log else "linear", **given), (6, 3))
        for values in settings_of(controls):
            draw(None, canvas, None, values)
            found.append(faults(controls, canvas, values))
    half = len(found) // 2
    assert not any(found[:half]) and any(fault in each for each in found[half:])


@pytest.mark.parametrize("control, wanted", [
    (lambda: slider(0, 10, 5, along="x"), [0, 10, 2, 6]), (lambda: slider(0.01, 1.0, 0.1, log=True, along="x"), None),
    (lambda: slider(0, 10, 5), [0, 10]), (lambda: switch(), [False, True]),
])  # fmt: skip
def test_positions_go_from_end_to_end(control, wanted):
    found = positions_of(control())
    assert found == pytest.approx(wanted or [0.01, 1.0, 10**-1.5, 10**-0.8])

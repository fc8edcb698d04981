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
        if not handle["inside"]:
            found.append(f"outside of the picture: {handle['label']}")
            continue
        for name, wanted in handles.wanted(number, at=handle["at"]).items():
            off = abs(scale(controls[name], wanted) - scale(controls[name], values[name]))
            if not off <= 0.51 * controls[name].step:
                found.append(f"its place means another value: {name}")
    return found + [fault for name in handles_in(controls) for fault in faults_of_marker(controls, name, canvas, values)]


def handles_in(controls):
    return [name for name, control in controls.items() if getattr(control, "along", None)]


def faults_of_marker(controls, name, canvas, values):
    """Of the markers that have the name of a control: in other axes than the control, or not at its value."""
    axes, along = controls[name].along
    found = []
    for number, each in enumerate(canvas.figure.axes):
        for marker in (line for line in each.lines if line.get_gid() == name):
            coordinates = np.ravel(getattr(marker, f"get_{along}data")())
            if number != axes:
                found.append(f"its marker is in other axes: {name}")
            elif not len(coordinates) or not np.allclose(coordinates, values[name], rtol=1e-9, atol=1e-9):
                found.append(f"its marker is elsewhere: {name}")
            elif not marker.get_visible() or not shares_are_inside(canvas, each, marker):
                found.append(f"its marker cannot be seen: {name}")
    return found


def shares_are_inside(canvas, axes, marker):
    at, (left, top, right, bottom) = canvas.fractions(axes, marker.get_xdata()[0], marker.get_ydata()[0])
    return left - 1e-9 <= at[0] <= right + 1e-9 and top - 1e-9 <= at[1] <= bottom + 1e-9


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
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
    assert found == {} and seen


def a_view(off=0.0, high=10.0, axes=0, scale="linear", **marker):
    """A point on a curve, whose marker is off by so much, or in other axes, or not to be seen."""

    def view(figure):
        plots = figure.subplots(1, 2)
        for each in plots:
            each.set(xlim=(1, high), ylim=(0, 1), xscale=scale)
        (dot,) = plots[axes].plot([], [], "o", gid="x", **marker)

        def draw(x, shifted=False):
            dot.set_data([x + off * shifted], [0.5])
            return "A point."

        return draw

    return view


@pytest.mark.parametrize("fault, changes", [
    ("its marker is elsewhere: x", {"off": 0.01}), ("outside of the picture: x", {"high": 2.0}),
    ("its place means another value: x", {"high": 7.0}), ("its marker is in other axes: x", {"axes": 1}),
    ("its marker cannot be seen: x", {"visible": False}),
])  # fmt: skip
@pytest.mark.parametrize("log", [False, True])
def test_a_fault_is_found(fault, changes, log):
    controls = {"x": slider(1.0, 10.0, 5.0, log=log, along="x"), "shifted": switch()}
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

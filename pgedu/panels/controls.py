"""Controls of a panel: sliders, lists and switches."""

from collections.abc import Iterable

import ipywidgets as widgets
import numpy as np

from pgedu.arguments import number, refuse
from pgedu.arguments import switch as true_or_false


def slider(low, high, value, *, step=None, label=None, log=False, along=None):
    """A slider; of integers, if all three are. `log`: on a logarithmic scale; they still are the values themselves.

    `along` makes its value a place in the picture that can be dragged: "x" or "y" along that axis of the first plot,
    (1, "y") along that of the second. Two that go along x and y of the same plot make a point in its plane. The handle
    sits on the axis, or on the marker that the view has given the control's name as its `gid`.
    """
    control = _slider(low, high, value, step, label, log)
    control.along = _axis("along", along)
    return control


def _axis(name, along):
    """(number of the axes, "x" or "y"), or None."""
    where = (0, along) if isinstance(along, str) else along
    if along is not None:
        if not isinstance(where, tuple | list) or len(where) != 2 or where[1] not in ("x", "y"):
            raise refuse(name, '"x", "y", or (number of the axes, "x" or "y")', along)
        number(f"the number of the axes in {name}", where[0], 0, whole=True)
    return where and tuple(where)


def _slider(low, high, value, step, label, log):
    number("low", low, above=0 if log else None)
    number("high", high, above=low)
    number("value", value, low, high)
    step is None or number("step", step, above=0)
    if log:
        up = np.log10(value / low) or 0.05
        step = step or up / max(1, round(up / 0.05))  # about 20 for a factor of 10, and the first value is on the grid
        ends = {"min": np.log10(low), "max": np.log10(high), "step": step, "base": 10}
        return widgets.FloatLogSlider(value, readout_format=".2r", **ends, **wide(label))
    if all(isinstance(each, int | np.integer) for each in (low, high, value)):
        step is None or number("step", step, 1, whole=True)
        low, high, value = int(low), int(high), int(value)
        return widgets.IntSlider(value, low, high, step or 1, **wide(label))
    step = step or 10.0 ** np.floor(np.log10((high - low) / 50))  # round, so that round values are on its grid
    return widgets.FloatSlider(value, min=low, max=high, step=step, **wide(label))


def choice(options, value=None, *, label=None):
    """A drop-down list; `options` is a list, or a dict from what is shown to what the view is given."""
    if isinstance(options, str) or not isinstance(options, Iterable):
        raise refuse("options", "a list or a dict", options)
    pairs = list(options.items()) if isinstance(options, dict) else [(str(option), option) for option in options]
    if not pairs:
        raise refuse("options", "a list or a dict of at least one option", options)
    if value is not None and not any(option is value or np.all(option == value) for _, option in pairs):
        raise refuse("value", f"one of the options {', '.join(str(shown) for shown, _ in pairs)}", value)
    return widgets.Dropdown(options=pairs, value=pairs[0][1] if value is None else value, **style(label))


def switch(value=False, *, label=None):
    """A check box."""
    return widgets.Checkbox(true_or_false("value", value), indent=False, description=label or "")


def clipped(control, value):
    """The position of a slider that is nearest to a value: between its ends, and on the grid of its steps."""
    if isinstance(control, widgets.FloatLogSlider):
        with np.errstate(divide="ignore"):
            exponent = np.log(max(value, 0.0)) / np.log(control.base)
        return float(control.base ** _on_grid(control, exponent))
    on_grid = _on_grid(control, value)
    return int(round(on_grid)) if isinstance(control, widgets.IntSlider) else float(round(on_grid, 12))


def _on_grid(control, value):
    if value >= control.max:
        return control.max  # it can be reached, whatever the step
    steps = np.round((max(value, control.min) - control.min) / control.step)
    return min(control.min + steps * control.step, control.max)


def stepped(control, steps):
    """The position of a slider so many steps further; its ends for infinitely many."""
    now = control.value
    if isinstance(control, widgets.FloatLogSlider):
        now = np.log(now) / np.log(control.base)
        return float(control.base ** np.clip(now + steps * control.step, control.min, control.max))
    moved = np.clip(now + steps * control.step, control.min, control.max)
    return int(moved) if isinstance(control, widgets.IntSlider) else float(np.round(moved, 12))


def style(label, width="330px"):
    """What all controls look like: their label in full, and no wider than the page."""
    layout = {"width": width, "max_width": "100%"}
    return {"description": label or "", "style": {"description_width": "initial"}, "layout": layout}


def wide(label):
    """What sliders look like: they share the width of their picture, so that each value has room on the track."""
    return style(label) | {"layout": {"flex": "1 1 380px", "min_width": "0", "max_width": "100%"}}

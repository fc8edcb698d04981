"""Controls of a panel: sliders, lists and switches."""

from collections.abc import Iterable

import ipywidgets as widgets
import numpy as np

from pgedu.arguments import number, refuse
from pgedu.arguments import switch as true_or_false


def slider(low, high, value, *, step=None, label=None, log=False):
    """A slider; of integers, if all three are. `log`: on a logarithmic scale; they still are the values themselves."""
    number("low", low, above=0 if log else None)
    number("high", high, above=low)
    number("value", value, low, high)
    step is None or number("step", step, above=0)
    if log:
        up = np.log10(value / low) or 0.05
        step = step or up / max(1, round(up / 0.05))  # about 20 for a factor of 10, and the first value is on the grid
        ends = {"min": np.log10(low), "max": np.log10(high), "step": step, "base": 10}
        return widgets.FloatLogSlider(value, readout_format=".2g", **ends, **style(label))
    if all(isinstance(each, int | np.integer) for each in (low, high, value)):
        step is None or number("step", step, 1, whole=True)
        low, high, value = int(low), int(high), int(value)
        return widgets.IntSlider(value, low, high, step or 1, **style(label))
    step = step or 10.0 ** np.floor(np.log10((high - low) / 50))  # round, so that round values are on its grid
    return widgets.FloatSlider(value, min=low, max=high, step=step, **style(label))


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


def style(label, width="330px"):
    """What all controls look like: their label in full, and no wider than the page."""
    layout = {"width": width, "max_width": "100%"}
    return {"description": label or "", "style": {"description_width": "initial"}, "layout": layout}

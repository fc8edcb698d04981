"""How pictures look: one colour for each method, type that is read from a beamer, and settings that nobody else changes."""

import contextlib
import functools
import re

import matplotlib
import numpy as np
from matplotlib.colors import to_rgb

# One colour for each method in the whole suite; exact: black. It is Okabe & Ito's palette, for colour-blind readers too, but
# orange and sky blue are as dark as a line on white has to be (3 to 1: WCAG 2.2, 1.4.11), and vermillion and green keep their
# distance from them.
COLORS = {
    "exact": "#000000",
    "none": "#C45100",
    "constant": "#D08300",
    "batch mean": "#CC79A7",
    "leave one out": "#0072B2",
    "learned value": "#009265",
    "state value": "#009265",
    "optimal": "#219ED6",
    "total return": "#C45100",
    "reward to go": "#0072B2",
    "reinforce": "#0072B2",
    "actor critic": "#009265",
    "a2c": "#D08300",
    "a3c": "#CC79A7",
    "natural gradient": "#D08300",
    "trpo": "#009265",
    "ppo": "#C45100",
    "IS": "#C45100",
    "WIS": "#CC79A7",
    "PDIS": "#0072B2",
    "DR": "#009265",
    "DM": "#D08300",
    "pathwise": "#009265",
    "antithetic": "#CC79A7",
    "policy iteration": "#009265",
    "q learning": "#C45100",
    "sarsa": "#D08300",
    "expected sarsa": "#CC79A7",
    "double q learning": "#219ED6",
    "proxy": "#C45100",
    "held back": "#0072B2",
    "fixed": "#0072B2",
    "test and roll": "#D08300",
    "Thompson": "#C45100",
    "Thompson, floor 10 %": "#009265",
    "gradient bandit": "#CC79A7",
}

# Matplotlib's own defaults and a few of ours: what a notebook has set for its own pictures (a dark style, LaTeX, a huge
# font) must not reach a panel. The backend is not a matter of looks.
_SETTINGS = dict.copy(matplotlib.rcParamsDefault) | {
    "font.size": 12.0,
    "axes.titlesize": 12.0,
    "axes.formatter.min_exponent": 6,  # 0.001 and 1000 in full: an exponent would be small type
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "lines.linewidth": 2.0,
}
del _SETTINGS["backend"]


@contextlib.contextmanager
def our_settings():
    """Within it, Matplotlib draws with the settings of this package; afterwards those of the notebook are back.

    As a plain dict, since Matplotlib would check each of its 300 settings at every picture.
    """
    theirs = dict.copy(matplotlib.rcParams)
    dict.update(matplotlib.rcParams, _SETTINGS)
    try:
        yield
    finally:
        dict.update(matplotlib.rcParams, theirs)


def color_of(method):
    """The colour of an estimator or a baseline, by the name of its function or class; grey for one of your own."""
    name = getattr(method, "__name__", type(method).__name__)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|_", " ", name).lower()  # leave_one_out, LearnedValue -> words
    return COLORS.get(words, "0.4")


def tidy(axes, title="", xlabel="", ylabel=""):
    """Labels, a light grid and no box: the look of every plot in the suite. Returns the axes."""
    axes.set(xlabel=xlabel, ylabel=ylabel, axisbelow=True)
    axes.set_title(title, loc="left")
    axes.grid(color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def key(axes, *lines):
    """A legend of these lines (of all that have a label) beside the title, where no data are: for what moves."""
    place = {"loc": "lower right", "bbox_to_anchor": (1.02, 1.0), "ncols": 9, "borderpad": 0, "borderaxespad": 0.3}
    return axes.legend(handles=lines or None, **place, columnspacing=1.0, handletextpad=0.4)


def dark(color):
    """The colour, or the lightest shade of it that can be read as type on white: 4.5 to 1 (WCAG 2.2, 1.4.3)."""
    return _dark(to_rgb(color))


@functools.lru_cache(1000)  # it is called while a panel is drawn
def _dark(rgb):
    shades = np.linspace(1, 0, 201)[:, None] * rgb  # the first is the colour itself
    linear = np.where(shades <= 0.04045, shades / 12.92, ((shades + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    return tuple(shades[(1.05 / (luminance + 0.05) >= 4.55).argmax()])  # a hair more: pixels are rounded


def see_through(color, alpha=0.5):
    """How `plot` draws dots that may lie on each other: they let some light through, and have an edge that does not."""
    return {"color": color, "markerfacecolor": (color, alpha), "markeredgecolor": color, "markeredgewidth": 0.8}


def label(axes, x, y, words, color="black", **settings):
    """Words beside a line, in a shade of its colour that can be read, from (x, y) to the right. Returns the text."""
    return axes.text(x, y, words, color=dark(color), **{"va": "center"} | settings)


def best_line(axes, best):
    """The best value there is: a dashed line across the axes, with its name where curves that climb come last."""
    axes.axhline(best, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    low, high = axes.get_ylim()
    above = high - best > 0.07 * (high - low)
    place = {"transform": axes.get_yaxis_transform(), "va": "bottom" if above else "top"}
    return label(axes, 0.015, best, "best possible", **place)


def in_decades(axis):
    """A logarithmic axis with its numbers in short: 0.1, 1, 10, 100, 1k, 10k, 100k, 1M. Returns the axes."""
    axis.axes.set(**{f"{axis.axis_name}scale": "log"})
    axis.set_major_formatter(lambda value, _: _in_short(value))
    return axis.axes


def _in_short(value):
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:.9f}".rstrip("0").rstrip(".")

"""How pictures look: one colour for each method, type that is read from a beamer, and settings that nobody else changes."""

import contextlib
import re

import matplotlib

# One colour for each method in the whole suite (Okabe & Ito's palette, for colour-blind readers too); exact: black.
COLORS = {
    "exact": "#000000",
    "none": "#D55E00",
    "constant": "#E69F00",
    "batch mean": "#CC79A7",
    "leave one out": "#0072B2",
    "learned value": "#009E73",
    "state value": "#009E73",
    "optimal": "#56B4E9",
    "total return": "#D55E00",
    "reward to go": "#0072B2",
    "reinforce": "#0072B2",
    "actor critic": "#009E73",
    "a2c": "#E69F00",
    "a3c": "#CC79A7",
    "natural gradient": "#E69F00",
    "trpo": "#009E73",
    "ppo": "#D55E00",
}

# Matplotlib's own defaults and a few of ours: what a notebook has set for its own pictures (a dark style, LaTeX, a huge
# font) must not reach a panel. The backend is not a matter of looks.
_SETTINGS = dict.copy(matplotlib.rcParamsDefault) | {
    "font.size": 12.0,
    "axes.titlesize": 12.0,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
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
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel, axisbelow=True)
    axes.grid(color="0.92")
    axes.spines[["top", "right"]].set_visible(False)
    return axes

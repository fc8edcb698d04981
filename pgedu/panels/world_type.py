"""Colours and lettering of worlds, for `World`."""

from functools import lru_cache

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath, text_to_path

ACTIONS = ("#0072B2", "#C45100", "#009265", "#CC79A7", "#219ED6", "#D08300")  # of Okabe and Ito's palette, for all eyes
DARK, GREY, LINE, TINT = "#222222", "0.35", "0.45", "#EFEDE4"
LOW_TO_HIGH = LinearSegmentedColormap.from_list("low to high", ["#F6FAF8", "#DFF0EA", "#8CC9B8"])  # it is written on


def written(text, size=12.0, weight="normal"):
    """(width, height) of a text in points."""
    width, height, _ = text_to_path.get_text_width_height_descent(text, FontProperties(size=size, weight=weight), False)
    return width, height


def write(axes, text, color=DARK, still=False, **more):
    """A text of 12 points, in the middle of its place. One that stands still is drawn below all that moves, once."""
    settings = {"ha": "center", "va": "center", "fontsize": 12.0, "zorder": 4, "parse_math": False} | more
    if still:  # a text of the figure is part of the background
        return axes.figure.text(0, 0, text, color=color, transform=axes.transData, **settings)
    return axes.text(0, 0, text, color=color, **settings)


@lru_cache(1000)
def outline(text, size=12.0):
    """The outline of a text in points, its left upper corner at (0, 0), y upwards: (vertices [V, 2], codes [V])."""
    path = TextPath((0, 0), text, size=size)
    return path.vertices - [0, 0.73 * size], path.codes


def short(value):
    """A number in four characters or so, with a true minus: 0.37, −9.7, 12, −2e5; −∞ of a return that has no bound."""
    size = abs(value)
    if size > 1e12:
        return "∞" if value > 0 else "−∞"
    kind = ".0e" if size >= 99_999.5 else ".0f" if size >= 9.95 else ".2g"
    text = f"{value:{kind}}" if size > 5e-3 else "0"
    return text.replace("e+0", "e").replace("e+", "e").replace("-", "−")


def signed(value):
    """A reward: +1, −100, 0."""
    text = f"{round(value, 2):.4g}" if abs(value) >= 0.005 else f"{value:.1g}"
    text = text.replace("-", "−")
    return text if value <= 0 else f"+{text}"


def shades(values, counted, terminal):
    """Colours [S, 4] from light to dark between the lowest and the highest value that counts; terminal states are grey."""
    among = values[counted]
    low, high = among.min(initial=np.inf), among.max(initial=-np.inf)
    share = (values - low) / (high - low) if high > low else np.zeros(values.shape)
    return np.where(terminal[:, None], (0.89, 0.89, 0.89, 1.0), LOW_TO_HIGH(np.clip(share, 0, 1)))

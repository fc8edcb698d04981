"""For tests: what of a picture stands out too little from what lies behind it (WCAG 2.2, 1.4.3 and 1.4.11)."""

from unittest import mock

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_rgb, to_rgba

WORDS, LINES = 4.5, 3.0  # smallest ratios


def luminance(color):
    """WCAG's relative luminance of a colour, without its opacity."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(color, ground="white"):
    """WCAG's ratio between two colours, from 1 to 21."""
    low, high = sorted([luminance(color), luminance(ground)])
    return (high + 0.05) / (low + 0.05)


def laid_over(color, ground, alpha=None):
    """What is seen of a colour that lets some of the ground shine through."""
    *color, opacity = to_rgba(color, alpha)
    return opacity * np.array(color) + (1 - opacity) * np.array(to_rgb(ground))


def without_letters(canvas):
    """The pixels [height, width, 3] of a canvas that is drawn without a single letter, from 0 to 1."""
    canvas._seen = None  # so that what stands still is drawn anew, too
    with mock.patch.object(RendererAgg, "draw_text", lambda *_, **__: None):
        canvas.png()
    pixels = np.array(canvas._agg.buffer_rgba())[..., :3] / 255
    canvas._seen = None
    return pixels


def faint_words(texts, pixels):
    """Of texts with their boxes those with a ratio below 4.5 to the median pixel of their box: a list of sentences."""
    found = []
    for text, box in texts:
        rows, columns = (np.clip(ends, 0, None).astype(int) for ends in ([len(pixels) - box.y1, len(pixels) - box.y0], [box.x0, box.x1]))
        behind = pixels[slice(*rows), slice(*columns)].reshape(-1, 3)
        if len(behind):
            ground = np.median(behind, axis=0)
            ratio = contrast(laid_over(text.get_color(), ground, text.get_alpha()), ground)
            if ratio < WORDS:
                found.append(f"pale words ({ratio:.2f}): {text.get_text()}")
    return found


def faint_lines(axes):
    """Of the lines and dots of some axes, without the grid and pinned ones, those with a ratio below 3 to the axes."""
    ground, found = axes.get_facecolor(), []
    for line in axes.lines:
        dots, drawn = line.get_marker() not in ("None", "", None), line.get_linestyle() != "None"
        colors = [line.get_color()] * drawn + [line.get_markerfacecolor() if line.get_fillstyle() != "none" else line.get_markeredgecolor()] * dots
        ratio = max((contrast(laid_over(color, ground, line.get_alpha()), ground) for color in colors if color != "none"), default=21)
        if line.get_gid() != "ghost" and line.get_visible() and ratio < LINES and len(line.get_xydata()):
            found.append(f"pale line ({ratio:.2f}): {line.get_label()} {line.get_color()} {line.get_alpha()} {line.get_linewidth()}")
    for group in axes.collections:
        if isinstance(group, LineCollection) or type(group).__name__ == "QuadContourSet":
            for color in group.get_edgecolor():
                ratio = contrast(laid_over(color, ground), ground)
                if ratio < LINES:
                    found.append(f"pale lines ({ratio:.2f}): {type(group).__name__} {group.get_label()} {color[:3].round(2)} {color[3]:.2f}")
                    break
    for patch in axes.patches:
        if type(patch).__name__ in ("Rectangle", "StepPatch") and patch.get_visible():
            edge = patch.get_edgecolor() if patch.get_linewidth() else patch.get_facecolor()
            ratio = max(contrast(laid_over(color, ground), ground) for color in (patch.get_facecolor(), edge))
            if ratio < LINES:
                found.append(f"pale area ({ratio:.2f}): {type(patch).__name__} {np.round(patch.get_facecolor(),2)}")
    return found

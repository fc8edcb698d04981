"""For tests: what of a picture stands out too little from what lies behind it (WCAG 2.2, 1.4.3 and 1.4.11)."""

from unittest import mock

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import same_color, to_rgb, to_rgba
from matplotlib.contour import QuadContourSet
from matplotlib.patches import Rectangle, StepPatch

WORDS, LINES = 4.5, 3.0  # the smallest ratios
CLOUD = 100  # dots: of so many none is read alone, and where they are dense they are dark
BROAD = 5  # points: a line as wide as this that lets light through is an area with another line in it


def contrast(color, ground="white"):
    """WCAG's ratio between two colours, from 1 to 21."""
    light = []
    for each in (color, ground):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(each)]
        light.append(np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(light) / min(light)


def seen(color, ground, alpha=None):
    """The ratio between a colour, which may let the ground shine through, and that ground; 1 for no colour at all."""
    *color, opacity = to_rgba(color, alpha if opaque(color) else None)
    return contrast(opacity * np.array(color) + (1 - opacity) * np.array(to_rgb(ground)), ground)


def opaque(color):
    return to_rgba(color)[3] == 1


def faint(canvas, texts):
    """What is too pale, a list of sentences: of these texts of a canvas, of its lines, dots and bars."""
    renderer, pixels = canvas.figure.canvas.get_renderer(), without_letters(canvas)
    found = [_faint_words(text, text.get_window_extent(renderer), pixels) for text in texts]
    for axes in canvas.figure.axes:
        ground = axes.get_facecolor() if axes.axison else "white"
        bars = [bar for group in axes.containers for bar in group.patches]
        bars += [patch for patch in axes.patches if isinstance(patch, StepPatch)]
        found += [_faint(_of_line(line, ground), "line", line) for line in axes.lines if is_judged(line)]
        found += [_faint(_of_area(bar, ground), "bar", bar) for bar in bars if bar.get_visible() and not is_flat(bar)]
        hills = [each for each in axes.collections if isinstance(each, QuadContourSet) and not each.filled]
        found += [_faint(min(seen(color, ground) for color in hill.get_edgecolor()), "contour", hill) for hill in hills]
    return [each for each in found if each]


def without_letters(canvas):
    """The pixels [height, width, 3], from 0 to 1, of a canvas that is drawn without a single letter."""
    canvas._seen = None  # so that what stands still is drawn anew, too
    with mock.patch.object(RendererAgg, "draw_text", lambda *_, **__: None):
        canvas.png()
    pixels = np.array(canvas.figure.canvas.buffer_rgba())[..., :3] / 255
    canvas._seen = None
    return pixels


def _faint_words(text, box, pixels):
    height, width, _ = pixels.shape
    up, across = np.clip([box.y0, box.y1], 0, height).astype(int), np.clip([box.x0, box.x1], 0, width).astype(int)
    behind = pixels[height - up[1] : height - up[0], slice(*across)].reshape(-1, 3)
    ratio = seen(text.get_color(), np.median(behind, axis=0), text.get_alpha()) if len(behind) else WORDS
    return f"pale words: {text.get_text()} ({ratio:.2f})" if ratio < WORDS else None


def is_judged(line):
    """Whether a line has to be seen by itself: no cloud of dots or broad stroke that lets light through."""
    if not line.get_visible() or not np.isfinite(line.get_xydata().astype(float)).all(axis=1).any():
        return False
    lucid = line.get_alpha() is not None and line.get_alpha() < 1
    cloud = line.get_linestyle() == "None" and len(line.get_xydata()) >= CLOUD
    return not (lucid and (cloud or line.get_linewidth() >= BROAD))


def _of_line(line, ground):
    """The smaller ratio of the line and of its dots, of which face or edge is enough."""
    ratios = [seen(line.get_color(), ground, line.get_alpha())] if line.get_linestyle() != "None" else []
    if line.get_marker() not in ("None", "", " ", None):
        colors = [line.get_markerfacecolor()] + [line.get_markeredgecolor()] * (line.get_markeredgewidth() > 0)
        ratios.append(max(seen(color, ground, line.get_alpha()) for color in colors if not same_color(color, "none")))
    return min(ratios, default=LINES)


def is_flat(patch):
    """Whether a bar is one of height or length 0, which shows nothing."""
    return isinstance(patch, Rectangle) and not patch.get_width() * patch.get_height()


def _of_area(patch, ground):
    colors = [patch.get_facecolor()] + [patch.get_edgecolor()] * (patch.get_linewidth() > 0)
    return max(seen(color, ground) for color in colors)


def _faint(ratio, kind, artist):
    return f"pale {kind}: {artist.get_label()} ({ratio:.2f})" if ratio < LINES else None

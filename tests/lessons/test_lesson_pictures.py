"""Every picture of every notebook can be read from the back of a room, wherever its controls stand."""

import itertools

import numpy as np
import pytest
from cells_of_notebook import NOTEBOOKS, ends
from contrast import faint
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from panels_of_notebook import draw, panels_of

from pgedu.panels.canvas import Canvas
from pgedu.panels.look import best_line, in_decades, our_settings, tidy

SMALLEST, THINNEST, TOUCH = 12.0, 1.5, 2.0  # points; points; dots that two boxes may share


def written(figure):
    """All texts that are seen there."""
    found = [*figure.texts]  # there World writes what stands still
    for axes in figure.axes:
        texts = [axes.title, axes._left_title, axes._right_title, axes.xaxis.label, axes.yaxis.label, *axes.texts]
        texts += axes.get_legend().get_texts() if axes.get_legend() else []
        for axis in (axes.xaxis, axes.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = [tick for tick in axis.get_major_ticks() + axis.get_minor_ticks() if low <= tick.get_loc() <= high]
            texts += [axis.get_offset_text(), *(tick.label1 for tick in ticks)]
        found += texts
    placed = [text for text in found if np.isfinite(text.get_position()).all()]
    return [text for text in placed if text.get_visible() and text.get_text()]


def faults(canvas):
    """What a reader at the back could not read, or would take for something else: a list of sentences."""
    figure, renderer = canvas.figure, canvas.figure.canvas.get_renderer()
    with our_settings():  # how many ticks there are depends on the size of type
        shown = written(figure)
        texts = [(text.get_text(), text.get_size(), text.get_window_extent(renderer)) for text in shown]
        pale = faint(canvas, shown)
    lines = [line for axes in figure.axes for line in axes.lines]
    found = pale + [f"small: {words}" for words, size, _ in texts if size < SMALLEST or "^" in words]
    for words, _, box in texts:
        if box.x0 < -1 or box.y0 < -1 or box.x1 > figure.bbox.x1 + 1 or box.y1 > figure.bbox.y1 + 1:
            found.append(f"cut off: {words}")
    for (one, _, box), (other, _, another) in itertools.combinations(texts, 2):
        shared = Bbox.intersection(box, another)
        if shared is not None and min(shared.width, shared.height) > TOUCH:
            found.append(f"on top of each other: {one} and {other}")
    for line in lines:
        name = str(line.get_label())
        if ("exact" in name or "by formula" in name) and to_rgb(line.get_color()) != (0, 0, 0):
            found.append(f"exact, but not black: {name}")
        drawn = line.get_linestyle() != "None" and line.get_transform() == line.axes.transData
        if drawn and line.get_linewidth() < THINNEST:
            found.append(f"thin: {name}")
    return found + [f"hidden by a legend: {line.get_label()}" for line in lines if is_hidden(line)]


def is_hidden(line):
    """Whether a line runs through the legend of its axes."""
    legend = line.axes.get_legend()
    if not legend or line.get_transform() != line.axes.transData:
        return False
    x, y = line.axes.transData.transform(line.get_xydata()).T
    box = Bbox.intersection(line.axes.bbox, legend.get_window_extent()) or Bbox.null()
    return bool(((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)).any())


@pytest.mark.parametrize("path", sorted(NOTEBOOKS.glob("*.ipynb")), ids=lambda path: path.stem)
def test_every_picture_can_be_read_from_the_back_of_a_room(path):
    found = {}
    for number, (start, canvas, controls, view) in enumerate(panels_of(path)):
        first = {name: control.value for name, control in controls.items()}
        for name, value in [(None, None), *((name, end) for name in controls for end in ends(controls[name]))]:
            draw(start, canvas, view, first | ({name: value} if name else {}))
            for fault in faults(canvas):
                found.setdefault((number, fault), f"{name} = {value}")
    assert found == {}


def a_picture(**changes):
    """A sound picture, and the same with a fault."""

    def view(figure):
        axes = tidy(figure.subplots(), changes.get("title", "a title"), "x")
        axes.plot([0, 1], [0, 1], changes.get("color", "black"), linewidth=changes.get("width", 2), label="exact")
        axes.text(0.1, 0.9, "a word", fontsize=changes.get("size", 12), color=changes.get("ink", "#767676"))
        axes.barh([1.0], [changes.get("bar", 0)], 0.3, color=changes.get("shade", "0.3"))
        axes.plot([0, 0.1], [0.2, 0.2], color=changes.get("grey", "#949494"))
        axes.text(*changes.get("place", (0.6, 0.2)), "another word")
        figure.text(*changes.get("below", (0.6, 0.4)), "a still word", transform=axes.transData)
        axes.set_yscale(changes.get("scale", "linear"))
        axes.set_ylim(1e-9 if "scale" in changes else -0.1, 1.1)
        axes.legend(loc=changes.get("loc", "center left"))
        return lambda: "A picture."

    canvas = Canvas(view, (6, 3))
    canvas.draw()
    canvas.png()
    return canvas


@pytest.mark.parametrize("fault, changes", [
    ("small: a word", {"size": "small"}), ("cut off: ", {"title": "a title " * 20}), ("thin: exact", {"width": 1}),
    ("on top of each other: a word and another word", {"place": (0.12, 0.88)}),
    ("on top of each other: a still word and a word", {"below": (0.12, 0.92)}), ("cut off: a still", {"below": (1, 0.4)}),
    ("small: $", {"scale": "log"}), ("pale words: a word (4.48)", {"ink": "#777777"}), ("pale words: a word (", {"bar": 0.9}),
    ("pale line: ", {"grey": "#969696"}), ("pale bar: ", {"bar": 0.5, "shade": "0.6"}),
    ("exact, but not black: exact", {"color": "tab:blue"}), ("hidden by a legend: exact", {"loc": "upper right"}),
])  # fmt: skip
def test_a_fault_is_found(fault, changes):
    assert faults(a_picture()) == []
    assert any(each.startswith(fault) for each in faults(a_picture(**changes)))


def test_decades_are_written_out():
    axes = Figure().subplots()
    in_decades(axes.yaxis)
    words = [axes.yaxis.get_major_formatter()(value) for value in (1e-5, 0.01, 1, 100, 1e3, 1e5, 1e6, 1e8)]
    assert axes.get_yscale() == "log"
    assert words == ["0.00001", "0.01", "1", "100", "1k", "100k", "1M", "100M"]


@pytest.mark.parametrize("best, side", [(500, "top"), (460, "bottom")])
def test_the_name_of_the_best_stays_in_the_picture(best, side):
    axes = Figure().subplots()
    axes.set_ylim(0, 500)
    assert best_line(axes, best).get_va() == side
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), best)

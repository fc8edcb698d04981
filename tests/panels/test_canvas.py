"""The fast picture is the full picture: blitting against a plain Matplotlib draw, and the PNG against its pixels."""

import io

import matplotlib.image
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from pgedu.panels.canvas import Canvas
from pgedu.panels.look import our_settings


def view(figure):
    left, right = figure.subplots(1, 2)
    for axes in (left, right):
        axes.set(xlim=(0, 1), ylim=(0, 1))
    (line,) = left.plot([], [], label="a line")
    (dots,) = right.plot([], [], "o")
    left.legend(loc="upper right")

    def draw(height):
        line.set_data([0, 1], [height, 0.5])
        dots.set_data([0.2, height], [0.3, 0.4])

    return draw


def pixels(canvas):
    return (matplotlib.image.imread(io.BytesIO(canvas.png()))[..., :3] * 255).round().astype(int)


def in_full(height):
    """The same figure, drawn by Matplotlib from scratch, with the same settings."""
    with our_settings():
        return _in_full(height)


def _in_full(height):
    figure = Figure(figsize=(6, 3), dpi=100)
    figure.set_layout_engine("constrained", rect=(0, 0, 0.985, 1))
    agg = FigureCanvasAgg(figure)
    view(figure)(height)
    agg.draw()
    figure.set_layout_engine("none")
    agg.draw()
    return np.asarray(agg.buffer_rgba())[..., :3].astype(int)


@pytest.mark.parametrize("heights", [[0.5], [0.1, 0.9], [0.9, 0.1, 0.5, 0.7]])
def test_frames_look_like_full_drawings(heights):
    canvas = Canvas(view, (6, 3))
    for height in heights:
        canvas.draw(height)
        quick = pixels(canvas)
    # The frame and the legend are under moving lines here and over them there, so a few pixels may differ.
    assert (np.abs(quick - in_full(heights[-1])).max(axis=-1) > 30).mean() < 0.002
    assert (np.abs(quick - in_full(0.31)).max(axis=-1) > 30).mean() > 0.003  # and it would notice another picture


def test_the_first_frame_is_drawn_in_full_once(monkeypatch):
    drawn, draw = [], FigureCanvasAgg.draw
    monkeypatch.setattr(FigureCanvasAgg, "draw", lambda agg: (drawn.append(agg), draw(agg)))
    canvas = Canvas(view, (6, 3))
    for height in (0.5, 0.6):
        canvas.draw(height)
        canvas.png()
    assert len(drawn) == 1


def test_after_a_fresh_start_a_layout_is_looked_for_only_if_the_old_one_will_not_do(monkeypatch):
    """Twice the same, then with numbers that need more room, a label that was not there, and one axes less."""
    found, look = [], ConstrainedLayoutEngine.execute
    monkeypatch.setattr(ConstrainedLayoutEngine, "execute", lambda *arguments: (found.append(1), look(*arguments)))

    def wide(figure):
        draw = view(figure)
        figure.axes[0].set_yticks([0, 1], ["0", "a million"])
        return draw

    def labelled(figure):
        draw = wide(figure)
        figure.axes[1].set_xlabel("new")
        return draw

    def alone(figure):
        draw = labelled(figure)
        figure.axes[1].remove()
        return draw

    canvas, pictures, counts = Canvas(view, (6, 3)), [], []
    for setup in (None, view, wide, labelled, alone, alone):
        setup and canvas.setup(setup)
        canvas.draw(0.4)
        pictures.append(canvas.png())
        counts.append(len(found))
        if setup:
            fresh = Canvas(setup, (6, 3))
            fresh.draw(0.4)
            assert fresh.png() == pictures[-1]
            found.pop()  # that of the fresh one
    assert counts == [1, 1, 2, 3, 4, 4]


def test_png_holds_the_pixels_of_the_buffer():
    canvas = Canvas(view, (6, 3))
    canvas.draw(0.4)
    decoded = pixels(canvas)
    np.testing.assert_array_equal(decoded, np.asarray(canvas._agg.buffer_rgba())[..., :3])


def test_a_changed_axis_is_drawn_anew():
    canvas = Canvas(view, (6, 3))
    canvas.draw(0.5)
    before = pixels(canvas)
    canvas.figure.axes[0].set_xlim(0, 2)
    changed = pixels(canvas)
    ticks = slice(before.shape[0] - 25, None)  # the numbers below the axis
    assert np.abs(before[ticks] - changed[ticks]).sum() > 0


def test_setup_again_starts_clean_but_keeps_the_ghost():
    canvas = Canvas(view, (6, 3))
    canvas.draw(0.9)
    canvas.pin(True)
    canvas.setup(view)
    canvas.draw(0.1)
    ghosts = [line for axes in canvas.figure.axes for line in axes.lines if line.get_gid() == "ghost"]
    np.testing.assert_array_equal(ghosts[0].get_ydata(), [0.9, 0.5])
    canvas.pin(False)
    canvas.draw(0.1)
    fresh = Canvas(view, (6, 3))
    fresh.draw(0.1)
    np.testing.assert_array_equal(pixels(canvas), pixels(fresh))


def test_what_stands_still_is_drawn_once_until_it_moves():
    """A line that has not moved is in the background; when it moves, later than the others, the picture follows."""

    def two_lines(figure):
        first, second = figure.subplots().plot([0, 1], [0, 0], "r", [0, 1], [1, 1], "b", linewidth=5)

        def draw(one, other=None):
            first.set_ydata([one, 0])
            if other is not None:
                second.set_ydata([other, 1])

        return draw

    quick, slow = Canvas(two_lines, (4, 3)), Canvas(two_lines, (4, 3))
    for one, other in ((0.2, None), (0.3, None), (0.3, 0.5), (0.1, 0.6), (0.2, None)):
        quick.draw(one, other)
        found = pixels(quick)
        slow.draw(one, other)
        slow._seen = None  # everything anew
        np.testing.assert_array_equal(found, pixels(slow))
    still = [len(list(canvas._moving)) for canvas in (quick, Canvas(two_lines, (4, 3)))]
    assert still == [2, 0]


def test_a_ghost_covers_nothing_that_stands_still():
    def hill(figure):
        axes = figure.subplots()
        axes.plot([0, 1], [0.5, 0.5], "k", linewidth=6)
        (line,) = axes.plot([0, 1], [0, 0], "r", linewidth=6)
        axes.set(xlim=(0, 1), ylim=(0, 1))
        return lambda height: line.set_ydata([height, height])

    canvas = Canvas(hill, (4, 3))
    canvas.draw(0.5)
    canvas.png()
    canvas.pin(True)
    canvas.draw(0.9)
    middle = pixels(canvas)[:, 200]
    assert (middle.sum(axis=1) < 60).any(), "the black line has gone below the grey one"
    assert sum(line.get_gid() == "ghost" for line in canvas.figure.axes[0].lines) == 1  # of what moves alone

"""The look of panels is their own: what a notebook has set for its own pictures does not reach them, nor the other way."""

import matplotlib
import matplotlib.style
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from pgedu.panels.canvas import Canvas
from pgedu.panels.look import COLORS, our_settings, tidy
from pgedu.panels.world_type import ACTIONS

THEIRS = [
    matplotlib.style.library["dark_background"],
    {"text.usetex": True},  # without LaTeX an exception
    {"font.size": 24.0, "axes.titlesize": "xx-large"},
    {"lines.linewidth": 9.0, "lines.marker": "o", "axes.grid": True, "axes.facecolor": "red", "figure.dpi": 30},
]


def view(figure):
    axes = tidy(figure.subplots(), "a title", "x", "y")
    (line,) = axes.plot([], [], color=COLORS["exact"], label="a line")
    axes.legend()

    def draw(height):
        line.set_data([0, 1], [0, height])
        axes.set_title(f"height {height}")
        return "A line."

    return draw


def picture():
    """Set up, drawn, pinned and drawn again, as a panel does it."""
    canvas = Canvas(view, (4, 3))
    with our_settings():
        canvas.draw(1)
    canvas.pin(True)
    with our_settings():
        canvas.draw(2)
    return canvas.png()


@pytest.mark.parametrize("theirs", THEIRS, ids=lambda theirs: next(iter(theirs)))
def test_settings_of_the_notebook_do_not_reach_a_panel(theirs):
    plain = picture()
    with matplotlib.rc_context(theirs):
        assert picture() == plain


def test_settings_of_the_notebook_are_back_afterwards_even_after_an_exception():
    with matplotlib.rc_context({"font.size": 7.0}):
        before = dict.copy(matplotlib.rcParams)
        with pytest.raises(ZeroDivisionError), our_settings():
            assert matplotlib.rcParams["font.size"] == 12
            matplotlib.rcParams["font.size"] = 99
            1 / 0
        assert dict.copy(matplotlib.rcParams) == before


def test_without_them_they_would_reach_it():
    """That the test above can fail."""
    with matplotlib.rc_context(THEIRS[2]):
        canvas = Canvas(view, (4, 3))
        canvas.draw(1)
        assert {text.get_fontsize() for text in canvas.figure.axes[0].get_xticklabels()} == {12.0}
        loud = matplotlib.figure.Figure().subplots()
        assert {text.get_fontsize() for text in loud.get_xticklabels()} == {24.0}


def test_colours_can_be_told_from_white():
    for color in COLORS.values():
        red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
        linear = np.array([c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (red, green, blue)])
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) > 2


def contrast(color, ground="white"):
    """WCAG's ratio between two colours, from 1 to 21."""
    light = []
    for each in (color, ground):
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(each)]
        light.append(np.dot(linear, [0.2126, 0.7152, 0.0722]) + 0.05)
    return max(light) / min(light)


def test_contrast_is_that_of_wcag():
    assert contrast("black") == pytest.approx(21) and contrast("white") == 1
    assert contrast("#767676") > 4.5 > contrast("#777777")  # the well-known lightest grey for type on white


def test_lines_stand_out_from_white_with_two_exceptions():
    """WCAG 1.4.11 asks 3 for what is needed to understand. Okabe and Ito's orange and sky blue have less: they are told apart
    by eyes that see no red or green, are drawn two points wide or more, and the sentence below says what their lines show."""
    pale = {color: round(contrast(color), 2) for color in {*COLORS.values(), *ACTIONS} if contrast(color) < 3}
    assert pale == {"#E69F00": 2.25, "#56B4E9": 2.31}

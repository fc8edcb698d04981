"""The look of panels is their own: what a notebook has set for its own pictures does not reach them, nor the other way."""

import itertools

import matplotlib
import matplotlib.style
import numpy as np
import pytest
from contrast import contrast
from matplotlib.colors import to_rgb

from pgedu.panels.canvas import Canvas
from pgedu.panels.look import COLORS, dark, our_settings, tidy
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


def test_contrast_is_that_of_wcag():
    assert contrast("black") == pytest.approx(21) and contrast("white") == 1
    assert contrast("#767676") > 4.5 > contrast("#777777")  # the well-known lightest grey for type on white
    assert contrast("#949494") > 3 > contrast("#959595")


def test_lines_stand_out_from_white():
    """WCAG 2.2, 1.4.11, asks 3 for what is needed to understand."""
    assert {color: contrast(color) for color in {*COLORS.values(), *ACTIONS} if contrast(color) < 3} == {}


@pytest.mark.parametrize("color", [*sorted({*COLORS.values(), *ACTIONS}), "0.95", "white", "yellow", (0.5, 0.6, 0.7)])
def test_words_are_a_shade_of_their_colour_that_can_be_read(color):
    """WCAG 2.2, 1.4.3, asks 4.5; what has it is left as it is, and what has not is not darkened further than it takes."""
    shade = np.array(dark(color))
    assert 4.5 < contrast(shade) and (contrast(shade) < 4.7 or contrast(color) > 4.5)
    np.testing.assert_allclose(np.outer(shade, to_rgb(color)), np.outer(to_rgb(color), shade), atol=1e-12)  # the same hue


# Machado, Oliveira and Fernandes (2009), "A physiologically-based model for simulation of color vision deficiency", severity 1.
EYES = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "all cones": np.eye(3),
}
SRGB_TO_XYZ = [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
OKABE_ITO = ["#000000", "#D55E00", "#CC79A7", "#0072B2", "#009E73", "#E69F00", "#56B4E9"]


def lab(color, eyes):
    """CIE L*a*b* (white D65) of a colour as these eyes see it."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = SRGB_TO_XYZ @ np.clip(np.array(EYES[eyes]) @ linear, 0, 1) / [0.95047, 1.0, 1.08883]
    x, y, z = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def closest(palette, eyes):
    """The smallest distance between two colours as these eyes see them (2 or so is just seen side by side)."""
    return min(np.linalg.norm(lab(a, eyes) - lab(b, eyes)) for a, b in itertools.combinations(palette, 2))


@pytest.mark.parametrize(("eyes", "theirs", "ours"), [
    ("deuteranopia", 17.9, 13.9), ("protanopia", 20.7, 16.3), ("tritanopia", 16.1, 13.9), ("all cones", 26.4, 18.9),
])  # fmt: skip
def test_colours_are_told_apart_by_eyes_that_see_less(eyes, theirs, ours):
    """That pale lines are darker has a price: colours lie closer together, at the least 13.9 instead of Okabe and Ito's 16.1."""
    assert closest(OKABE_ITO, eyes) == pytest.approx(theirs, abs=0.05)
    assert closest({*COLORS.values(), *ACTIONS}, eyes) == pytest.approx(ours, abs=0.05)


def test_two_colours_darkened_alone_would_be_too_close():
    """Why vermillion and green have changed, too."""
    assert closest([*OKABE_ITO[:5], "#C58800", "#3D9BD0"], "deuteranopia") < 6

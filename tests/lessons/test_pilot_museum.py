"""Checks of the sample ratio: chances against counted draws, what was said in public recomputed, and the picture."""

import numpy as np
import pytest
from lesson import corners, line

from pgedu.lessons.experiment_arithmetic import ratio_alarm
from pgedu.lessons.pilot_museum import MISTAKES, chance_of_alarm, museum
from pgedu.panels.canvas import Canvas

HALVES, FIFTH = MISTAKES


@pytest.mark.parametrize("n, true, checked", [(2000, 0.2, 0.2), (400, 1 / 3, 0.2), (2000, 0.45, 0.5), (60, 0.95, 0.5)])
def test_chances_against_draws(n, true, checked):
    drawn = np.random.default_rng(0).binomial(n, true, 20_000)
    counts, times = np.unique(drawn, return_counts=True)
    alarms = sum(t for x, t in zip(counts, times) if ratio_alarm(int(x), int(n - x), checked) < 0.001)
    assert chance_of_alarm(np.array([n]), true, checked) == pytest.approx([alarms / 20_000], abs=0.02)


def test_the_level_where_nothing_is_wrong():
    assert chance_of_alarm(np.array([50.0, 1e6]), 0.95, 0.95) == pytest.approx(0.001, rel=1e-9)


def test_numbers_of_the_threads():
    assert ratio_alarm(2035, 4072, 0.2) == pytest.approx(2.40e-149, rel=0.003)
    assert chance_of_alarm(np.array([30.0]), HALVES.true, HALVES.checked)[0] > 0.99
    assert chance_of_alarm(np.array([300.0]), FIFTH.true, FIFTH.planned)[0] == pytest.approx(0.98, abs=0.005)
    assert FIFTH.checked is None and 2035 / 6107 == pytest.approx(FIFTH.true, abs=0.001)  # the check that was there was right


def test_the_picture_at_the_ends():
    for sentence, figure in corners(museum, mistake=MISTAKES, customers=(10.0, 300.0, 1e6)):
        assert "Seen in " in sentence and "#" in sentence
        (dot,) = [line for line in figure.axes[0].lines if line.get_gid() == "customers"]
        assert f"a chance of {dot.get_ydata()[0]:.1f} %" in sentence


@pytest.mark.parametrize("mistake, right, was", [(HALVES, 0.1, 100.0), (FIFTH, 98.2, None)])
def test_the_picture_compares_the_right_check_with_the_one_that_was_there(mistake, right, was):
    canvas = Canvas(museum)
    sentence = canvas.draw(mistake=mistake, customers=300.0)
    ends = {label: line(canvas.figure.axes[0], label)[-1:].ravel() for label in ("right expectation", "as it was")}
    assert ends["right expectation"] == pytest.approx([300, right], abs=0.1) and ends["as it was"] == pytest.approx([] if was is None else [300, was], abs=0.1)
    assert ("that was there" in sentence) == (mistake.checked is not None)

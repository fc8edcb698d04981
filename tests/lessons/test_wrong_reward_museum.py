"""The museum of potentials: each exhibit's values in closed form, what is chosen, and the picture."""

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons import wrong_reward_predictions as predictions
from pgedu.lessons.wrong_reward_museum import FIRST, MISTAKES, SECOND, WAIT, museum, room, values

KEPT, STANDS, TWICE = MISTAKES


def chosen(mistake, size):
    return int(values(mistake, size).round(9)[[FIRST, SECOND, WAIT]].argmax())


def test_the_end_that_keeps_its_potential_flips_at_two_ninths():
    for size in (0.0, 0.1, 0.3):
        exits = 1.0, 0.8 + 0.9 * size
        assert values(KEPT, size) == pytest.approx([0.9 * max(exits), *exits], abs=1e-8)
    assert chosen(KEPT, 0.2221) == 0 and chosen(KEPT, 0.2223) == 1


def test_a_potential_that_is_paid_as_it_stands_keeps_everybody_in():
    for size in (0.05, 0.2, 0.3):
        assert values(STANDS, size) == pytest.approx([max(size + 0.9, 10 * size), 1, 0.8], abs=1e-8)
    assert chosen(STANDS, 0.0999) == 0 and chosen(STANDS, 0.1001) == 2
    assert chosen(STANDS, 0.2) == 2 and predictions.paid_as_it_stands[2] == "To wait, for ever"


def test_gamma_once_too_often_is_another_potential():
    for size in (0.0, 0.3):
        assert values(TWICE, size) == pytest.approx(np.array([0.9, 1, 0.8]) - 0.9 * size, abs=1e-8)
        assert chosen(TWICE, size) == 0
    assert room.gamma == 0.9


def test_the_picture_at_both_ends():
    said = [sentence for sentence, _ in corners(museum, mistake=MISTAKES, potential=(0.0, 0.3))]
    assert all("exit 1, as it should be" in sentence for sentence in said[::2] + said[5:])
    assert "exit 2" in said[1] and "to wait, for ever" in said[3]

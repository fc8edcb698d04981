"""Resolved: shares against customers one by one, and the picture."""

import numpy as np
import pytest
from lesson import corners, picture

from pgedu.lessons.resolved import HUMAN, RIGHT, resolved, shares


def one_by_one(hard, handed, gives_up, n=200_000):
    """The same by letting n customers come."""
    rng = np.random.default_rng(0)
    is_hard = rng.random(n) < hard
    over = is_hard & (rng.random(n) < handed)
    right = ~over & (rng.random(n) < np.where(is_hard, RIGHT[1], RIGHT[0]))
    wrong = ~over & ~right
    gone = wrong & (rng.random(n) < gives_up)
    again = wrong & ~gone
    by_human = (over | again) & (rng.random(n) < HUMAN)
    kept = ~over
    return (kept.mean(), (right | gone)[kept].mean(), right[kept].mean(), right.mean(), (right | by_human).mean(),
            (over | again).mean())  # fmt: skip


@pytest.mark.parametrize("given", [(0.4, 0.0, 0.5), (0.4, 1.0, 0.5), (0.8, 0.5, 0.2)])
def test_against_customers_one_by_one(given):
    assert shares(*given)[:6] == pytest.approx(one_by_one(*given), abs=0.006)
    assert sum(shares(*given).fates) == pytest.approx(1)


def test_what_the_text_says():
    before, over, gone = shares(0.4, 0, 0.5), shares(0.4, 1, 0.5), shares(0.4, 0, 0.8)
    assert [before.quiet, over.quiet, gone.quiet] == pytest.approx([0.83, 0.95, 0.932])
    assert [before.solved, over.solved] == pytest.approx([0.66, 0.54])
    assert [before.helped, over.helped, gone.helped] == pytest.approx([0.8045, 0.9055, 0.7178])
    assert [before.work, over.work] == pytest.approx([0.17, 0.43])


def test_the_picture_at_all_ends():
    for sentence, figure in corners(resolved, hard=[0.0, 0.8], handed=[0.0, 1.0], gives_up=[0.0, 1.0]):
        assert "comparison group" in sentence
        _, hard, *fates = figure.axes[0].patches[:6]
        assert sum(bar.get_width() for bar in fates) == pytest.approx(1)
        assert hard.get_width() == figure.axes[0].lines[-1].get_xdata()[0]


def test_words_are_no_nearer_to_the_mark_than_to_their_bar():
    figure, draw = picture(resolved)
    for hard, handed, gives_up, work, helped in ((0.4, 0, 0.5, 0.17, 0.85), (0.4, 1, 0.5, 0.43, 0.9055), (0.8, 1, 0.5, 0.81, 0.869)):
        draw(hard, handed, gives_up)
        *_, in_the_end, for_humans = figure.axes[0].texts
        assert for_humans.get_position()[0] == pytest.approx(work + 0.015, abs=1e-3)
        assert in_the_end.get_position()[0] == pytest.approx(helped + 0.015, abs=1e-3)

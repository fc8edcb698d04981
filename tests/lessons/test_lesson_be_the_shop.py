"""Notebook 00, the student as the shop: what a year brings, by a recursion of its own, and what the view says of it."""

import numpy as np
import pytest
from lesson import picture

from pgedu.lessons.be_the_shop import CURIOUS, LOST, LOYAL, a_year, be_the_shop

CHANCES = {False: [[0.5, 0.1, 0.4], [0.0, 0.8, 0.2], [0, 0, 1]], True: [[0.3, 0.4, 0.3], [0.0, 0.9, 0.1], [0, 0, 1]]}


def years(offers, number=400):
    """(kinds, offered, money), each [12, number * 20]."""
    rng = np.random.default_rng(1)
    return [np.concatenate(each, axis=1) for each in zip(*(a_year(offers, rng) for _ in range(number)))]


@pytest.mark.parametrize("offers", [0, 7, 20])
def test_customers_change_with_the_chances_of_the_table(offers):
    kinds, offered, money = years(offers)
    chances = np.array(CHANCES[False]) * (1 - offers / 20) + np.array(CHANCES[True]) * offers / 20
    expected = np.array([np.linalg.matrix_power(chances, month)[CURIOUS] for month in range(12)])
    shares = np.stack([(kinds == kind).mean(axis=1) for kind in range(3)], axis=1)
    np.testing.assert_allclose(shares, expected, atol=5 * np.sqrt(0.25 / kinds.shape[1]))
    there = kinds != LOST
    assert abs(offered[there].mean() - offers / 20) <= 5 * np.sqrt(0.25 / there.sum()) * (0 < offers < 20)


@pytest.mark.parametrize("offers", [0, 7, 20])
def test_loyal_customers_pay_2_and_offers_cost_1(offers):
    kinds, offered, money = years(offers, number=5)
    np.testing.assert_array_equal(money, 2.0 * (kinds == LOYAL) - offered)
    assert not offered[kinds == LOST].any() and (kinds[0] == CURIOUS).all()
    assert (np.diff(kinds, axis=0) >= 0).all(), "nobody comes back"


def test_a_year_has_twelve_months_even_if_all_are_lost_before():
    lengths = [[len(each) for each in a_year(0, np.random.default_rng(seed))] for seed in range(40)]
    ends = [next(a_year(0, np.random.default_rng(seed)))[-1] for seed in range(40)]
    assert lengths == [[12, 12, 12]] * 40 and any((kinds == LOST).all() for kinds in ends)


@pytest.mark.parametrize("offers", [0, 5, 20])
def test_the_picture_shows_every_customer_and_every_offer(offers):
    figure, draw = picture(be_the_shop)
    sentence = draw(offers=offers, rng=np.random.default_rng(3))
    kinds, offered, money = a_year(offers, np.random.default_rng(3))
    _, calendar, tried = figure.axes
    (cells,), (marks,) = calendar.images, calendar.collections
    drawn = np.asarray(cells.get_array())[::6]
    faces = np.unique(drawn.reshape(-1, 3), axis=0)
    white = (drawn == 1).all(axis=-1)
    assert len(faces) == 3 and white.sum() == (kinds == LOST).sum()
    lives = (~white).sum(axis=1)
    assert (np.diff(lives) <= 0).all() and sorted(lives) == sorted((kinds != LOST).sum(axis=0))
    places = np.array(marks.get_offsets())
    assert np.isfinite(places).all(axis=1).sum() == offered.sum()
    for month, row in places[np.isfinite(places).all(axis=1)].astype(int):
        assert not white[row - 1, month - 1]
    assert f"{offered.sum()} offers cost {offered.sum()}" in sentence and f"The year brought {money.sum():.0f}," in sentence


def test_years_are_kept_beside_the_present_one():
    figure, draw = picture(be_the_shop)
    brought = []
    for seed, offers in enumerate([3, 20, 0]):
        draw(offers=offers, rng=np.random.default_rng(seed))
        brought.append((offers, list(a_year(offers, np.random.default_rng(seed)))[2].sum()))
    tried, now = figure.axes[2].lines
    np.testing.assert_array_equal(tried.get_xydata(), brought)
    np.testing.assert_array_equal(now.get_xydata(), brought[-1:])
    assert now.get_gid() == "offers"


@pytest.mark.parametrize("offers", [0, 8, 14, 20])
def test_years_are_inside_of_the_picture(offers):
    figure, _ = picture(be_the_shop)
    low, high = figure.axes[2].get_ylim()
    brought = [list(a_year(offers, np.random.default_rng(seed)))[2].sum() for seed in range(100)]
    assert low < min(brought) and max(brought) < high

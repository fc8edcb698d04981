"""Early stopping by a held-back truth: rules against loops, chances against a closed form and against draws, the picture."""

from math import erf, sqrt

import numpy as np
import pytest
from lesson import picture

from pgedu import collect, exact_return
from pgedu.lessons import held_back as module
from pgedu.lessons import wrong_reward_predictions as predictions
from pgedu.lessons.held_back import LOOKS, MOST, RULES, best_of_all, chances, expected, first_fall, held_back, looks, sums
from pgedu.lessons.wrong_reward import START, climb, policy, shop, theta_of
from pgedu.panels.canvas import Canvas


def by_loop(estimates):
    for k in range(1, len(estimates)):
        if estimates[k] < estimates[k - 1]:
            return k - 1
    return len(estimates) - 1


def test_the_rules():
    drawn = np.random.default_rng(0).normal(size=(300, 4))
    drawn[0] = [1, 2, 3, 4]
    assert first_fall(drawn).tolist() == [by_loop(each) for each in drawn]
    assert best_of_all(drawn).tolist() == [list(each).index(max(each)) for each in drawn]


def test_what_is_looked_at():
    way = climb(START, START, 1.0)
    updates, J, deviations = looks(10)
    assert updates.tolist() == list(range(0, 101, 10)) and J == pytest.approx(way.J[:101:10])
    theta = theta_of(*way.offers[[20]].T)
    log = collect(shop, policy, theta, rng=np.random.default_rng(3), episodes=40_000)
    powers = shop.gamma ** np.arange(len(log.rewards))[:, None, None]
    returns = (powers * log.rewards * log.mask).sum(axis=0)[0]
    assert deviations[2] == pytest.approx(returns.std(), rel=0.02)
    assert returns.mean() == pytest.approx(exact_return(shop, policy, theta[0]), abs=4 * returns.std() / 200)


def test_sums_are_of_true_outcomes():
    found = sums(5)
    _, J, deviations = looks(5)
    assert found.shape == (len(LOOKS), MOST)
    assert (np.abs(found[:, -1] / MOST - J) < 4.5 * deviations / np.sqrt(MOST)).all()


def test_customers_come_from_a_stock_whose_mean_is_exact():
    _, J, deviations = looks(5)
    stock = module._stock()
    assert stock.mean(axis=-1) == pytest.approx(J, abs=1e-12) and stock.std(axis=-1) == pytest.approx(deviations, rel=0.05)
    assert np.isin(np.diff(sums(5)[3])[:50].round(9), stock[3].round(9)).all()
    assert sums(5)[3, 9] != sums(6)[3, 9]


def test_products_of_the_others():
    values = np.random.default_rng(0).random((5, 7))
    values[2, 3] = 0.0
    wanted = [np.delete(values, k, axis=0).prod(axis=0) for k in range(5)]
    assert module._of_others(values) == pytest.approx(np.array(wanted))


def test_a_move_of_the_hand_works_out_one_new_place_only():
    _, draw = picture(held_back)
    for number_of, rule in enumerate(RULES.values()):
        before = expected.cache_info().misses
        draw(rule=rule, every=5, customers=2000.4 + number_of, rng=np.random.default_rng(0))
        assert expected.cache_info().misses == before + 1


def test_two_looks_in_closed_form(monkeypatch):
    monkeypatch.setattr(module, "looks", lambda every: (np.array([0, 5]), np.array([1.0, 1.3]), np.array([3.0, 4.0])))
    rises = (1 + erf(0.3 / (5 / sqrt(50)) / sqrt(2))) / 2  # the difference has the standard deviation 5 / sqrt(50)
    for rule in RULES.values():
        assert chances.__wrapped__(rule, 5, 50) == pytest.approx([1 - rises, rises], abs=2e-5)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.__name__)
@pytest.mark.parametrize(("every", "customers"), [(5, 10), (5, 1000), (20, 100)])
def test_chances_are_those_of_draws(rule, every, customers):
    _, J, deviations = looks(every)
    drawn = J + deviations / np.sqrt(customers) * np.random.default_rng(0).normal(size=(100_000, len(J)))
    kept = rule(drawn)
    found = chances(rule, every, customers)
    assert found.sum() == pytest.approx(1, abs=2e-5)
    assert np.bincount(kept, minlength=len(J)) / 100_000 == pytest.approx(found, abs=0.007)
    worth, asked = expected(rule, every, customers)
    assert J[kept].mean() == pytest.approx(worth, abs=0.005)
    assert drawn[np.arange(len(kept)), kept].mean() > worth + 0.05  # it was chosen for being high
    seen = np.minimum(kept + 2, len(J)) if rule is first_fall else np.full(len(kept), len(J))
    assert customers * seen.mean() == pytest.approx(asked, rel=0.01)


def test_with_real_customers_the_normal_is_good_enough():
    """Of 100 each from 3,000 real draws, thirty times, and six seeds."""
    kept = np.concatenate([first_fall(np.diff(sums(seed)[:, ::100] / 100, axis=-1, prepend=0).T) for seed in range(6)])
    found = np.bincount(kept, minlength=len(LOOKS)) / len(kept)
    assert found == pytest.approx(chances(first_fall, 5, 100), abs=0.12)


def test_more_looks_are_worse_for_the_first_fall_and_better_for_the_best_of_all():
    assert expected(first_fall, 5, 100)[0] == pytest.approx(1.478, abs=1e-3)
    assert expected(first_fall, 5, 100)[1] == pytest.approx(332, abs=0.5)
    seldom, all_seen = expected(first_fall, 10, 100), expected(best_of_all, 5, 100)
    assert seldom[0] == pytest.approx(1.615, abs=1e-3) and seldom[1] == pytest.approx(323, abs=0.5)
    assert all_seen[0] == pytest.approx(1.655, abs=1e-3) and all_seen[1] == pytest.approx(2100, rel=1e-4)
    assert chances(first_fall, 5, 100)[0] == pytest.approx(0.34, abs=0.005)
    ten = [expected(first_fall, every, 10)[0] - expected(best_of_all, every, 10)[0] for every in (5, 10, 20)]
    assert ten[0] < 0 < min(ten[1:]) and predictions.more_looks[2].startswith("worse")


def test_what_was_seen_of_it_promises_more():
    _, J, deviations = looks(10)
    drawn = J + deviations / 10 * np.random.default_rng(0).normal(size=(100_000, len(J)))
    assert drawn[np.arange(len(drawn)), first_fall(drawn)].mean() == pytest.approx(1.86, abs=0.01)


def test_the_picture_at_both_ends():
    figure, draw = picture(held_back)
    for rule in RULES.values():
        for every in (5, 20):
            for customers in (10.0, float(MOST)):
                said = draw(rule=rule, every=every, customers=customers, rng=np.random.default_rng(0))
                bars = [bar.get_height() for bar in figure.axes[1].patches]
                assert sum(bars) == pytest.approx(100, abs=0.01) and "of 1.76 at the summit" in said


def test_the_picture_shows_the_looks_up_to_the_stop():
    canvas = Canvas(held_back, (9.6, 4.8))
    canvas.draw(rule=first_fall, every=10, customers=100.0, rng=np.random.default_rng(1))
    estimates = sums(int(np.random.default_rng(1).integers(2**31)))[::2, 99] / 100
    kept = by_loop(estimates)
    dots, ring = canvas.figure.axes[0].lines[2:4]
    assert dots.get_xdata().tolist() == [10 * k for k in range(kept + 2)] and ring.get_xdata()[0] == 10 * kept
    assert dots.get_ydata() == pytest.approx(estimates[: kept + 2])

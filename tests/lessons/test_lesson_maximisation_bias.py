"""Left or right: against plain loops in the book's words, and the expected largest number against sampling and formulas."""

import itertools
import random

import numpy as np
import pytest
from lesson import picture

from pgedu.lessons.maximisation_bias import DOUBLE, NAMED_BY_THE_JUDGE, Q, largest_of, left_and_believed, left_or_right


def first_of(many, *arguments, **settings):
    """The records of the first episodes."""
    return list(itertools.islice(left_or_right(*arguments, **settings), many))


def by_loops(double, mistaken, mean, actions, episodes, runs, first=False):
    """Share that goes left in each episode: example 6.7 as the book tells it, one learner after the other."""
    dice, left = random.Random(1), np.zeros(episodes)

    def best(row):
        ties = [a for a, value in enumerate(row) if value == max(row)]
        return ties[0] if first else dice.choice(ties)

    def act(one, two):
        return dice.randrange(len(one)) if dice.random() < 0.1 else best([x + y for x, y in zip(one, two)])

    for _ in range(runs):
        a, b = ([[0.0] * n, [0.0] * n] for n in (2, actions))
        for episode in range(episodes):
            action, i = act(*a), dice.randrange(2) if double else 0
            j = 1 - i if double else i
            if action == 0:
                named = best(b[j] if mistaken else b[i])
                a[i][0] += 0.1 * (b[j][named] - a[i][0])
                reply, k = act(*b), dice.randrange(2) if double else 0
                b[k][reply] += 0.1 * (dice.gauss(mean, 1) - b[k][reply])
                left[episode] += 1 / runs
            else:
                a[i][1] += 0.1 * (0 - a[i][1])
    return left


@pytest.mark.parametrize("method, settings", [
    (Q, {}), (DOUBLE, {}), (NAMED_BY_THE_JUDGE, {}), (Q, {"first": True}), (DOUBLE, {"mean": 0.3, "actions": 3}),
])  # fmt: skip
def test_as_the_book_tells_it(method, settings):
    settings = {"mean": -0.1, "actions": 10} | settings
    loops = by_loops(method.double, method.judge_names_the_best, episodes=60, runs=400, **settings)
    records = first_of(60, [method], np.random.default_rng(0), runs=4000, **settings)
    ours = np.array([record.left[0] for record in records])
    error = np.sqrt(0.25 / 400 + 0.25 / 4000)
    assert np.abs(ours[0] - loops[0]) < 5 * error
    for part in np.split(np.arange(60), 6):
        assert ours[part].mean() == pytest.approx(loops[part].mean(), abs=3.5 * error)


def test_shares_of_the_published_figure():
    records = first_of(300, [Q, DOUBLE], np.random.default_rng(0), runs=4000)
    shares = np.array([record.left for record in records])
    assert [record.episode for record in records] == list(range(1, 301))
    for episode, wanted in ((1, (0.5, 0.5)), (20, (0.94, 0.29)), (100, (0.46, 0.09)), (300, (0.123, 0.069))):
        assert shares[episode - 1] == pytest.approx(wanted, abs=0.04)


def test_what_is_believed_at_the_start_and_with_one_action():
    first = next(left_or_right([Q, DOUBLE], np.random.default_rng(0)))
    np.testing.assert_array_equal(first.believed, 0)  # nobody has seen anything
    one = first_of(300, [Q], np.random.default_rng(0), mean=0.3, actions=1, runs=4000)
    assert one[-1].believed[0] <= 0.3 + 0.02  # without a choice nothing is too high


@pytest.mark.parametrize("many, wanted", [(1, 0.0), (2, 1 / np.sqrt(np.pi)), (3, 1.5 / np.sqrt(np.pi)), (100, 2.50759)])
def test_expected_largest(many, wanted):
    assert largest_of(many) == pytest.approx(wanted, abs=1e-5)
    sampled = np.random.default_rng(0).normal(size=(20_000, many)).max(axis=1)
    assert largest_of(many) == pytest.approx(sampled.mean(), abs=4 / np.sqrt(20_000))


@pytest.mark.parametrize("methods", [[Q, DOUBLE], [Q, DOUBLE, NAMED_BY_THE_JUDGE]])
def test_the_picture(methods):
    figure, draw = picture(left_and_believed(methods))
    records = first_of(30, methods, np.random.default_rng(0), runs=50, mean=0.2)
    draw(new=records[:10], mean=0.2)
    sentence = draw(new=records[10:], mean=0.2)
    for axes, field in zip(figure.axes[1:], ("left", "believed")):
        for k, line in enumerate(axes.lines[: len(methods)]):
            np.testing.assert_array_equal(line.get_ydata(), [getattr(record, field)[k] for record in records])
    assert sentence.startswith("Episode 30. Q-learning: ") and sentence.endswith("In truth it is worth +0.20.")
    assert set(figure.axes[1].lines[-1].get_ydata()) == {0.95} and set(figure.axes[2].lines[-1].get_ydata()) == {0.2}
    draw(new=[], mean=-0.1)
    assert "each pays N(−0.10, 1)" in [text.get_text() for text in figure.axes[0].texts]
    assert set(figure.axes[1].lines[-1].get_ydata()) == {0.05} and figure.axes[1].lines[-1].get_visible()
    draw(new=[], mean=0.0)
    assert not figure.axes[1].lines[-1].get_visible()

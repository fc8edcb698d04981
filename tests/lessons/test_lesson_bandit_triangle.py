"""Notebook 01's triangle: its policies, its kicks, its learners, and the table of offsets beside it."""

import itertools

import numpy as np
import pytest
from cells_of_notebook import run
from lesson import picture

from pgedu import Policy, Table, bandit, exact_gradient
from pgedu.lessons.bandit_triangle import CORNERS, kicks, policy_at, settled, triangle
from pgedu.lessons.gradient_bandit import gradient_bandit

VALUES = np.array([1.0, 0.0, -1.0])


@pytest.mark.parametrize("shares", [(0.2, 0.3, 0.5), (0.9, 0.05, 0.05), (0.01, 0.01, 0.98)])
def test_a_place_in_the_triangle_is_the_policy_whose_mean_of_corners_it_is(shares):
    np.testing.assert_allclose(policy_at(*(np.array(shares) @ CORNERS)), shares, atol=1e-12)


@pytest.mark.parametrize("x, y", [(0.0, 0.0), (1.0, 0.0), (0.5, 0.87), (0.0, 0.87), (1.0, 0.87), (0.5, 0.0)])
def test_outside_and_on_the_edges_there_is_a_policy_too(x, y):
    pi = policy_at(x, y)
    assert pi.sum() == pytest.approx(1) and pi.min() > 0.005


@pytest.mark.parametrize("offset, baseline", list(itertools.product([-10.0, 0.0, 4.0], [False, True])))
def test_kicks_are_updates_of_the_bandit_and_their_mean_is_the_exact_gradient(offset, baseline):
    pi = np.array([0.2, 0.3, 0.5])
    found = kicks(pi, VALUES, offset, baseline)
    for action in range(3):
        learner = gradient_bandit(VALUES, learning_rate=1.0, baseline=baseline, rng=np.random.default_rng(0))
        learner.preferences, learner.step, learner.average = np.log(pi), 10**12, pi @ VALUES + offset
        learner.learn(pi, np.array(action), VALUES[action] + offset)
        np.testing.assert_allclose(found[action], learner.preferences - np.log(pi), atol=1e-9)
    exact = exact_gradient(bandit(VALUES), Policy.softmax(Table(observations=1, outputs=3)), np.log(pi))
    np.testing.assert_allclose(pi @ found, exact, atol=1e-12)


def test_settled_counts_each_learner_once():
    probabilities = np.array([[0.95, 0.03, 0.02], [0.3, 0.3, 0.4], [0.01, 0.01, 0.98], [0.92, 0.04, 0.04], [0.05, 0.89, 0.06]])
    assert settled(probabilities).tolist() == [2, 0, 1, 2]


@pytest.mark.parametrize("offset, baseline", [(-10.0, False), (0.0, False), (10.0, False), (10.0, True)])
def test_triangle_shows_where_updates_lead_and_where_learners_are(offset, baseline):
    settings = {"runs": 50, "learning_rate": 0.1, "offset": offset, "baseline": baseline}
    new = list(gradient_bandit(VALUES, rng=np.random.default_rng(0), updates=100, **settings))
    figure, draw = picture(triangle(VALUES))
    sentence = draw(new=new, x=0.4, y=0.3, offset=offset, baseline=baseline)
    left, right = figure.axes
    pi = policy_at(0.4, 0.3)
    _, dust, hand, point = left.lines
    np.testing.assert_allclose([hand.get_xydata()[0], point.get_xydata()[0]], [[0.4, 0.3], [0.4, 0.3]])
    np.testing.assert_allclose(dust.get_xydata(), [sum(p * c for p, c in zip(row, CORNERS)) for row in new[-1].probabilities])
    for arrow, kick in zip(left.patches, [*kicks(pi, VALUES, offset, baseline), pi * (VALUES - pi @ VALUES)]):
        powers = pi * np.exp(2 * kick)
        start, tip = arrow._posA_posB
        np.testing.assert_allclose([start, tip], [[0.4, 0.3], powers / powers.sum() @ CORNERS], atol=1e-12)
    counts = [bar.get_width() for bar in right.patches]
    assert sum(counts) == 50 and counts[0] == (new[-1].probabilities[:, 0] > 0.9).sum()
    assert f"settled on A, {counts[1]:.0f} on B" in sentence


@pytest.mark.parametrize("offset", [-10.0, 4.0])
def test_with_the_baseline_an_offset_changes_nothing(offset):
    ends = [list(gradient_bandit(VALUES, runs=50, learning_rate=0.1, offset=each, rng=np.random.default_rng(0), updates=100))[-1]
            for each in (0.0, offset)]  # fmt: skip
    np.testing.assert_allclose(ends[0].probabilities, ends[1].probabilities, atol=1e-12)


def test_the_table_of_offsets_tells_what_the_text_says():
    scope, _ = run("01_bandits", "cell-22")
    settled_at, wrong = scope["settled"], scope["wrong"]
    best = scope["values"].argmax(axis=1)
    for step, pi in scope["kept"].items():
        for row, column in itertools.product(range(2), range(4)):
            each = [(p.max() > 0.9, p.argmax() != b) for p, b in zip(pi[row, column], best)]
            assert settled_at[step][row, column].sum() == sum(done for done, _ in each)
            assert wrong[step][row, column].sum() == sum(done and off for done, off in each)
    shares = wrong[1000].mean(axis=-1)
    np.testing.assert_allclose(shares, [[0.13] * 4, [0.7, 0.3, 0.13, 0.48]], atol=0.05)
    assert settled_at[1000].mean(axis=-1).min() > 0.95
    assert 0.6 < settled_at[100][1, 0].mean() < 0.75

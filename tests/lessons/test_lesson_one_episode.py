"""The strip of notebook 03: which rewards count for a month, its move in the plane, and the sum of all moves."""

from functools import partial

import numpy as np
import pytest
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from pgedu import Policy, Table, campaign, collect, episode_gradients, reward_to_go, total_return
from pgedu.lessons.one_episode import OFFER, counted, meander, moves, one_who_stays, strip

WORLD, POLICY, THETA = campaign(), Policy.softmax(Table(3, 2)), np.array([0.2, -0.4, 0, 0.7, 0, 0])
NO_POWER = partial(reward_to_go, gamma_power=False)
WEIGHTS = [total_return, reward_to_go, NO_POWER]


def customers(rng):
    return collect(WORLD, POLICY, THETA, episodes=200, rng=rng)


@pytest.fixture(scope="module")
def one():
    return one_who_stays(customers(np.random.default_rng(3)))


def test_one_who_stays_is_the_first_of_them():
    many = customers(np.random.default_rng(3))
    n = [int(length) >= 8 for length in many.lengths].index(True)
    found, T = one_who_stays(many), int(many.lengths[n])
    assert T >= 8 and found.observations.shape == (T + 1, 1) and found.rewards.shape == (T, 1)
    np.testing.assert_array_equal(found.actions[:, 0], many.actions[:T, n])
    np.testing.assert_array_equal(found.observations[:, 0], many.observations[: T + 1, n])
    assert found.mask.all()


def test_where_nobody_stays_it_is_the_one_who_stays_longest():
    short = collect(WORLD, POLICY, THETA, episodes=3, rng=np.random.default_rng(0), max_steps=2)
    assert one_who_stays(short).rewards.shape == (short.lengths.max(), 1)


def test_what_counts_by_its_formulas(one):
    k, t = np.indices((len(one.rewards),) * 2)  # reward, month
    for psi, factor in zip(WEIGHTS, (0.9**k, 0.9**k * (k >= t), 0.9 ** np.maximum(k - t, 0) * (k >= t))):
        np.testing.assert_allclose(counted(psi, one), factor * one.rewards, atol=1e-12)


@pytest.mark.parametrize("psi", WEIGHTS)
def test_moves_are_weight_times_score_and_sum_to_the_estimate(one, psi):
    weights, found = psi(one), moves(POLICY, THETA, one, psi(one))
    for t, (state, action) in enumerate(zip(one.observations[:-1, 0], one.actions[:, 0])):
        score = np.zeros(2)
        score[state] = action - POLICY.probabilities(THETA, np.array([state]))[0, 1]
        np.testing.assert_allclose(found[t], weights[t, 0] * score, atol=1e-12)
    np.testing.assert_allclose(found.sum(axis=0), episode_gradients(POLICY, THETA, one, weights)[0, OFFER])


def test_a_meander_moves_aside_only():
    path = meander(np.array([[2.0, 0], [0, -3], [0, 1]]), np.array([0.1, 0.2]))
    np.testing.assert_allclose(path, [[[0, 0], [2, 0]], [[2.1, 0], [2.1, -3]], [[2.2, -3], [2.2, -2]]])


@pytest.mark.parametrize("psi", WEIGHTS)
@pytest.mark.parametrize("month", [1, 4, 12])
def test_the_picture_lights_what_counts_and_lands_on_the_sum(psi, month):
    figure = Figure()
    sentence = strip(POLICY, THETA, customers)(figure)(np.random.default_rng(5), month, psi)
    one = one_who_stays(customers(np.random.default_rng(5)))
    T, (lanes, rewards, weights, plane) = len(one.rewards), (figure.axes[0], *sorted_by_row(figure))
    paid, lit = (np.array([bar.get_height() for bar in bars]) for bars in rewards.containers)
    np.testing.assert_allclose(paid, np.append(one.rewards[:, 0], np.zeros(12 - T)))
    chosen = counted(psi, one)[:, month - 1] if month <= T else np.zeros(T)
    np.testing.assert_allclose(lit[:T], chosen)
    every, single = (np.array([bar.get_height() for bar in bars]) for bars in weights.containers)
    np.testing.assert_allclose(every[:T], psi(one)[:, 0])
    assert single.sum() == pytest.approx(chosen.sum()) and rewards.containers[1][0].get_facecolor()[3] == 1
    lines = {each.get_label(): each.get_xydata() for each in plane.lines}
    estimate = moves(POLICY, THETA, one, psi(one)).sum(axis=0)
    np.testing.assert_allclose(lines["the sum"], [estimate])
    assert lanes.lines[1].get_gid() == "month" and lanes.lines[1].get_xdata()[0] == month
    assert "is ({:.2f}, {:.2f}).".format(*estimate) in sentence
    assert ("is lost" in sentence) == (month > T) and (month > T or f"ψ is {chosen.sum():.2f}," in sentence)


def sorted_by_row(figure):
    """Axes of rewards, weights and the plane, told by what they say."""
    named = {axes.get_title(loc="left").split(";")[0].split(" ")[0]: axes for axes in figure.axes}
    return named["rewards"], named["the"], named["ψ"]


def test_a_customer_who_is_lost_early_leaves_the_rest_of_the_year_empty():
    figure, short = Figure(), partial(collect, WORLD, POLICY, THETA, episodes=5, max_steps=2)
    sentence = strip(POLICY, THETA, short)(figure)(np.random.default_rng(0), 9, reward_to_go)
    assert sentence.startswith("In month 9 the customer is lost: nothing is done")
    assert to_rgba(figure.axes[0].lines[1].get_color()) == to_rgba("0.2")


def test_the_months_that_count_are_told():
    one = one_who_stays(customers(np.random.default_rng(5)))
    told = strip(POLICY, THETA, customers)(Figure())
    last = int(np.flatnonzero(one.rewards[:, 0])[-1]) + 1  # the last month that paid something
    assert f"from what month {last} paid." in told(np.random.default_rng(5), last, reward_to_go)
    assert f" to {last} paid." in told(np.random.default_rng(5), last, total_return)

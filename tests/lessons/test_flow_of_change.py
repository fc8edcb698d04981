"""Notebook 02: the change that flows back to the start, against closed forms and the exact gradient."""

from dataclasses import replace

import numpy as np
import pytest
from lesson import picture

from pgedu import Policy, Table, campaign, exact_gradient, random_mdp, short_corridor, solve
from pgedu.lessons.flow_of_change import DOTS, flow_back, in_sixteenths, steps_back

CORRIDOR, COIN = short_corridor(), Policy.softmax(Table(observations=1, outputs=2))
ROOMS, WAYS = ["room 1", "room 2", "room 3", "goal"], ["left", "right"]


def by_hand(h, most):
    """In the corridor: where one is after k steps, and x(s) = p (1 - p) (q(s, right) - q(s, left)), in closed form."""
    p = 1 / (1 + np.exp(-h))
    onward = np.array([[1 - p, p, 0, 0], [p, 0, 1 - p, 0], [0, 1 - p, 0, p], [0, 0, 0, 1]])
    chance = np.array([np.linalg.matrix_power(onward, k)[0] for k in range(most + 1)])
    return chance, chance * [1 - p, -(1 + p), 3 - p, 0]


@pytest.mark.parametrize("h", [-1.5, 0.0, 0.7])
def test_steps_back_in_the_corridor_are_those_found_by_hand(h):
    for found, expected in zip(steps_back(CORRIDOR, COIN, np.array([0.0, h]), 1, 30), by_hand(h, 30), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("world", [replace(campaign(), horizon=None), random_mdp(np.random.default_rng(5), 4, 3)])
def test_they_add_up_to_the_visits_and_to_the_exact_gradient(world):
    world = replace(world, horizon=None, gamma=0.9)
    policy = Policy.softmax(Table(world.n_observations, world.n_actions))
    theta = np.random.default_rng(0).normal(size=policy.size)
    exact = exact_gradient(world, policy, theta)
    for parameter in range(policy.size):
        chance, added = steps_back(world, policy, theta, parameter, 400)
        np.testing.assert_allclose(added.sum(), exact[parameter], atol=1e-10)
        np.testing.assert_allclose(chance.sum(axis=1), 1)
    visits = (0.9 ** np.arange(401)[:, None] * chance).sum(axis=0)
    live = ~world.terminal
    np.testing.assert_allclose(visits[live], solve(world, policy, theta).visits[live])


def test_sixteen_dots_share_the_chances():
    assert in_sixteenths(np.array([0.5, 0.0, 0.25, 0.25])).tolist() == [0] * 8 + [2] * 4 + [3] * 4
    for seed in range(20):
        chance = np.random.default_rng(seed).dirichlet(np.ones(5))
        count = np.bincount(in_sixteenths(chance), minlength=5)
        assert count.sum() == DOTS and np.all(np.abs(count - DOTS * chance) < 1)


@pytest.mark.parametrize("k, h", [(0, -1.5), (0, 1.5), (7, -1.0), (60, -1.5), (60, 1.5)])
def test_rooms_are_laid_end_to_end_and_their_sum_is_a_point_of_the_curve(k, h):
    figure, draw = picture(flow_back(CORRIDOR, COIN, [0.0, 0.0], parameter=1, names=ROOMS, actions=WAYS))
    sentence = draw(k=k, h=h)
    chance, added = by_hand(h, 60)
    rooms, exact = added[: k + 1].sum(axis=0)[:3], exact_gradient(CORRIDOR, COIN, np.array([0.0, h]))[1]
    world, stack, curve = figure.axes
    feet = np.append(rooms.cumsum() - rooms, 0)
    np.testing.assert_allclose([bar.get_y() for bar in stack.patches], feet, atol=1e-12)
    np.testing.assert_allclose([bar.get_height() for bar in stack.patches], [*rooms, rooms.sum()], atol=1e-12)
    _, level, past, here = curve.lines
    np.testing.assert_allclose(level.get_ydata(), exact)
    np.testing.assert_allclose(past.get_xydata()[:, 1], added.sum(axis=1).cumsum()[: k + 1], atol=1e-12)
    np.testing.assert_allclose(here.get_xydata(), [[k, rooms.sum()]], atol=1e-12)
    low, high = stack.get_ylim()
    assert here.get_gid() == "k" and low < min(*rooms.cumsum(), exact) and high > max(*rooms.cumsum(), exact)
    assert f"room 2 {rooms[1]:+.3f}" in sentence and f"The exact slope is {exact:+.3f}" in sentence
    dots = world.collections[-1].get_offsets()
    assert len(dots) == DOTS and len(np.unique(dots.round(3), axis=0)) == DOTS


def test_no_share_is_told_of_a_slope_that_is_nothing():
    top = np.log((2 - 2**0.5) / (2**0.5 - 1))
    _, draw = picture(flow_back(CORRIDOR, COIN, [0.0, 0.0], parameter=1, names=ROOMS, actions=WAYS))
    assert "%" not in draw(k=5, h=top) and "%" in draw(k=5, h=-1.0)


def test_in_the_campaign_an_offer_to_the_loyal_begins_to_count_when_somebody_is_loyal():
    months, rule = replace(campaign(), horizon=None), Policy.softmax(Table(3, 2))
    _, added = steps_back(months, rule, np.zeros(6), 3, 30)
    assert added[0].sum() == 0 and np.all(added[1:, 1] < 0) and not added[:, [0, 2]].any()
    _, draw = picture(flow_back(months, rule, np.zeros(6), 3, most=30))  # without names
    assert "s1 +0.000; together +0.000" in draw(k=0, h=0.0) and "100 % of it." in draw(k=30, h=0.0)

"""The support bot: against the backward recursion by hand, thresholds that are known, and samples."""

import numpy as np
import pytest

import pgedu as pg

RIGHT = (0.2, 0.6, 0.95)


def by_hand(cost, turns=4, found=0.7, handover=-np.inf):
    """(value at the start, what is best [turns, K]) by looking ahead turn by turn, without an MDP."""
    ahead, best = np.zeros(3), []
    for _ in range(turns):
        more = np.minimum(np.arange(3) + 1, 2)
        search = -cost + found * ahead[more] + (1 - found) * ahead
        choices = np.stack([RIGHT, search, np.full(3, handover)])
        best.append(choices.argmax(axis=0))
        ahead = choices.max(axis=0)
    return ahead[0], np.array(best[::-1])


def deterministic(actions, A=2):
    theta = np.full((len(actions), A), -60.0)
    theta[np.arange(len(actions)), actions] = 60
    return pg.Policy.softmax(pg.Table(len(actions), A)), theta.ravel()


@pytest.mark.parametrize("cost", [0.0, 0.05, 0.2, 0.244, 0.246, 0.279, 0.281, 0.5])
@pytest.mark.parametrize("handover", [None, 0.5])
def test_the_best_bot_is_that_of_the_recursion(cost, handover):
    q = pg.optimal_action_values(pg.tickets(cost, handover=handover))
    value, best = by_hand(cost, handover=-np.inf if handover is None else handover)
    assert q[0].max() == pytest.approx(value, rel=1e-12)
    assert np.array_equal(q[:-1].argmax(axis=-1).reshape(4, 3), best)


def test_thresholds_of_the_cost():
    searches = lambda cost: by_hand(cost)[1][0].tolist()  # noqa: E731
    assert searches(0.244) == [1, 1, 0] and searches(0.246) == [1, 0, 0]
    assert searches(0.279) == [1, 0, 0] and searches(0.281) == [0, 0, 0]
    assert pg.optimal_action_values(pg.tickets())[0].max() == pytest.approx(0.7381, abs=5e-5)


@pytest.mark.parametrize("bonus, true", [(0.1, 0.7136), (0.7, 0.584), (0.99, 0.584), (1.01, -0.2)])
def test_what_a_bonus_per_search_does_to_the_bot_that_is_best_for_it(bonus, true):
    best = pg.optimal_action_values(pg.tickets(bonus=bonus)).argmax(axis=-1)
    assert pg.exact_return(pg.tickets(), *deterministic(best)) == pytest.approx(true, abs=5e-5)
    if bonus > 1:
        assert (best[:9].reshape(3, 3)[:, :] == 1).all()  # it never answers


def test_who_does_not_see_the_turn_does_worse():
    blind = pg.tickets(sees_turn=False)
    assert blind.n_observations == 4
    returns = []
    for code in range(8):
        actions = np.array([code >> k & 1 for k in range(3)] + [0])
        returns.append(pg.exact_return(blind, *deterministic(actions)))
    both_in_time = 0.7**2 + 2 * 0.3 * 0.7**2  # two facts found in three searches: then there is a turn to answer
    cost = 0.05 * (1 + 1 + (1 - 0.7**2) + (1 - both_in_time))
    assert max(returns) == pytest.approx(0.95 * both_in_time - cost, rel=1e-12)
    policy, theta = pg.Policy.softmax(pg.Table(4, 2)), np.random.default_rng(0).normal(size=8)
    for _ in range(300):
        theta = theta + pg.exact_gradient(blind, policy, theta)
    assert pg.exact_return(blind, policy, theta) < 0.7381


def test_samples_agree():
    world, policy = pg.tickets(0.1, handover=0.4), pg.Policy.softmax(pg.Table(13, 3))
    rollout = pg.collect(world, policy, np.zeros(39), episodes=50_000, rng=np.random.default_rng(0))
    returns = rollout.rewards.sum(axis=0)
    assert len(rollout.rewards) == 4
    assert abs(returns.mean() - pg.exact_return(world, policy, np.zeros(39))) < 4 * returns.std() / np.sqrt(50_000)


@pytest.mark.parametrize("settings, sentence", [
    ({"turns": 0}, "turns must be a whole number of 1 or more; got 0"),
    ({"found": 1.5}, "found must be a number between 0 and 1; got 1.5"),
    ({"right": (0.2, 1.2)}, r"right must be \[K\] chances, for 0 .. K - 1 facts"),
    ({"sees_turn": "no"}, "sees_turn must be True or False; got 'no'"),
    ({"cost": np.nan}, "cost must be a number; got nan"),
])  # fmt: skip
def test_tickets_that_are_none(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        pg.tickets(**settings)

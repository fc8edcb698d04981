"""A policy under a constraint, against the closed form: contacts of four segments of customers, at most .35 a head."""

import numpy as np
import pytest

import pgedu as pg

SHARES, PROFITS, LIMIT, TAU = np.array([0.1, 0.2, 0.3, 0.4]), np.array([3.0, 1.0, 0.5, -0.2]), 0.35, 0.2
POLICY = pg.Policy.softmax(pg.Table(5, 2))


def segments(tau=TAU):
    """Who comes is chance; action 1 is a contact. Entropy counts tau a nat."""
    rewards = np.zeros((5, 2))
    rewards[:4, 1] = PROFITS
    return pg.MDP(rewards=rewards, start=np.append(SHARES, 0), terminal=np.arange(5) == 4, successors=np.full((5, 2, 1), 4),
                  chances=np.ones((5, 2, 1)), policy_rewards=lambda log_pi: -tau * log_pi)  # fmt: skip


def contacts(rollout):
    return (rollout.actions == 1).astype(float)


def start(runs=20, **settings):
    settings = {"price_rate": 0.05, "episodes": 200, "limit": LIMIT, "cost": contacts} | settings
    return pg.guarded(segments(), POLICY, optimizer=pg.SGD(1.0), rng=np.random.default_rng(0), runs=runs,
                      baseline=pg.leave_one_out, **settings)  # fmt: skip


def closed_form():
    """pi = sigma((profit - lambda) / tau), and the lambda at which its contacts are just the limit, by bisection."""
    chance = lambda price: 1 / (1 + np.exp(-(PROFITS - price) / TAU))  # noqa: E731
    low, high = 0.0, 3.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if SHARES @ chance(middle) > LIMIT else (low, middle)
    return middle, chance(middle)


def test_the_closed_form_is_the_one_that_is_known():
    price, chances = closed_form()
    assert price == pytest.approx(0.69698, abs=5e-6)
    np.testing.assert_allclose(chances, [1, 0.82, 0.272, 0.011], atol=5e-4)
    assert SHARES @ (PROFITS * chances) == pytest.approx(0.504, abs=5e-4)


def test_multiplier_and_policy_settle_at_the_closed_form():
    price, chances = closed_form()
    records = [(each.details["multiplier"], each.details["cost"], each.theta) for each in start(updates=1500)]
    multipliers, used, thetas = (np.array(part[-400:]) for part in zip(*records))
    assert multipliers.mean() == pytest.approx(price, abs=0.02) and used.mean() == pytest.approx(LIMIT, abs=0.005)
    found = POLICY.probabilities(thetas[-1], np.tile(np.arange(5), (20, 1)))[:, :4, 1].mean(axis=0)
    np.testing.assert_allclose(found, chances, atol=0.05)


def test_a_limit_that_nobody_reaches_has_no_price():
    *_, progress = start(limit=1.0, updates=50)
    assert (progress.details["multiplier"] == 0).all()


def test_one_update_by_hand():
    training = start(runs=2, multiplier=0.3, updates=1)
    theta = training.theta
    progress = next(training)
    used = contacts(progress.rollout).sum(axis=0).mean(axis=-1)
    np.testing.assert_allclose(progress.details["multiplier"], np.maximum(0, 0.3 + 0.05 * (used - LIMIT)), rtol=1e-12)
    priced = progress.rollout._replace(rewards=progress.rollout.rewards - 0.3 * contacts(progress.rollout))
    gradients = pg.episode_gradients(POLICY, theta, priced, pg.reward_to_go(priced, baseline=pg.leave_one_out))
    np.testing.assert_allclose(progress.theta, theta + gradients.mean(axis=-2), rtol=1e-12)
    assert (progress.rollout.rewards != priced.rewards).any()  # on record stand the rewards, not what was priced in


def test_costs_are_discounted_as_rewards_are():
    """Two steps that each cost 1, gamma .5: 1.5, in the multiplier's step as in the policy's."""
    world = pg.MDP(rewards=np.zeros((3, 2)), start=[1, 0, 0], terminal=[False, False, True], gamma=0.5,
                   successors=[[[1], [1]], [[2], [2]], [[2], [2]]], chances=np.ones((3, 2, 1)))  # fmt: skip
    training = pg.guarded(world, pg.Policy.softmax(pg.Table(3, 2)), optimizer=pg.SGD(1.0), rng=np.random.default_rng(0),
                          cost=lambda rollout: np.ones_like(rollout.rewards), limit=1.0, price_rate=1.0, episodes=3)  # fmt: skip
    details = next(training).details
    assert details["cost"] == pytest.approx(1.5, rel=1e-12) and details["multiplier"] == pytest.approx(0.5, rel=1e-12)


@pytest.mark.parametrize("settings, sentence", [
    ({"multiplier": -1.0}, "multiplier must be 0 or more, a number or .R.; got -1.0"),
    ({"price_rate": -1}, "price_rate must be a number of 0 or more; got -1"),
    ({"cost": 1.0}, "cost must be a function of a rollout; got 1.0"),
    ({"limit": "low"}, "limit must be a number; got 'low'"),
])  # fmt: skip
def test_what_does_not_fit_is_named(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        start(**settings)


def test_costs_of_another_shape_are_named():
    with pytest.raises(ValueError, match=r"cost must be \[T, R, B\] = \(1, 20, 200\); got shape \(20, 200\)"):
        next(start(cost=lambda rollout: contacts(rollout)[0]))

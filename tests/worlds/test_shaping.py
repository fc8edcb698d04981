"""Shaping: what a potential shifts and what it leaves alone, exactly; and where a careless bonus turns the agent round."""

from dataclasses import replace

import numpy as np
import pytest

import pgedu as pg

RNG = np.random.default_rng(0)
POLICY = pg.Policy.softmax(pg.Table(5, 2))


@pytest.mark.parametrize("gamma", [0.5, 0.9, 1.0])
def test_a_potential_shifts_values_and_leaves_the_gradient_alone(gamma):
    mdp = replace(pg.random_mdp(RNG), gamma=gamma)
    Phi, theta = RNG.normal(size=5), RNG.normal(size=(3, 10))
    Phi[4] = 77.0  # a potential of the end is not looked at
    plain, helped = (pg.solve(world, POLICY, theta) for world in (mdp, pg.shaped(mdp, Phi)))
    np.testing.assert_allclose(helped.values[:, :4], plain.values[:, :4] - Phi[:4], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(helped.action_values[:, :4], plain.action_values[:, :4] - Phi[:4, None], rtol=1e-9, atol=1e-9)
    J, shifted = (pg.exact_return(world, POLICY, theta) for world in (mdp, pg.shaped(mdp, Phi)))
    np.testing.assert_allclose(shifted, J - mdp.start[:4] @ Phi[:4], rtol=1e-9)
    gradients = [pg.exact_gradient(world, POLICY, theta) for world in (mdp, pg.shaped(mdp, Phi))]
    np.testing.assert_allclose(*gradients, atol=1e-12)


@pytest.mark.parametrize("gamma", [0.9, 1.0])
def test_with_a_horizon_the_potential_of_the_last_state_is_left_over(gamma):
    """gamma^T E Phi(s_T), which depends on the policy: the gradient is another one."""
    mdp = replace(pg.random_mdp(np.random.default_rng(1)), gamma=gamma, horizon=3)
    Phi, theta = np.random.default_rng(2).normal(size=5), np.random.default_rng(3).normal(size=10)
    Phi[4], pi, state = 0.0, POLICY.probabilities(theta, np.arange(5)), mdp.start
    for _ in range(3):
        state = np.bincount(mdp.successors.ravel(), (state[:, None, None] * pi[..., None] * mdp.chances).ravel(), minlength=5)
    J, shifted = (pg.exact_return(world, POLICY, theta) for world in (mdp, pg.shaped(mdp, Phi)))
    assert shifted - J == pytest.approx(gamma**3 * state @ Phi - mdp.start @ Phi, rel=1e-9)
    gradients = [pg.exact_gradient(world, POLICY, theta) for world in (mdp, pg.shaped(mdp, Phi))]
    assert np.abs(np.subtract(*gradients)).max() > 0.01


def two_exits():
    """Exit 1 pays 1, exit 2 pays .8; which one, is the only decision."""
    return pg.MDP(rewards=[[1.0, 0.8], [0, 0], [0, 0]], start=[1, 0, 0], terminal=[False, True, True], gamma=0.9,
                  successors=[[[1], [2]], [[1], [1]], [[2], [2]]], chances=np.ones((3, 2, 1)))  # fmt: skip


@pytest.mark.parametrize("Phi, best", [(0.22, 0), (0.223, 1)])
def test_a_potential_at_the_end_may_turn_the_choice(Phi, best):
    """From .2 / .9 = .2222 on."""
    for at_end, expected in ((None, 0), ([0, 0, Phi], best)):
        q = pg.optimal_action_values(pg.shaped(two_exits(), [5.0, 1.0, Phi], at_end=at_end))
        assert q[0].argmax() == expected


def corridor(bonus, gamma, n=5):
    """States 0 .. n - 1 and the goal; actions left, right; 1 at the goal; a bonus for each step right that is not the last."""
    successors = np.stack([np.maximum(np.arange(n + 1) - 1, 0), np.minimum(np.arange(n + 1) + 1, n)], axis=-1)
    rewards = np.zeros((n + 1, 2))
    rewards[: n - 1, 1], rewards[n - 1, 1] = bonus, 1 + bonus
    return pg.MDP(rewards=rewards, start=np.eye(n + 1)[0], terminal=np.arange(n + 1) == n, gamma=gamma,
                  successors=successors[..., None], chances=np.ones((n + 1, 2, 1)))  # fmt: skip


@pytest.mark.parametrize("gamma, threshold", [(0.9, 0.26761), (0.95, 0.11437), (0.7, 2.684)])
@pytest.mark.parametrize("n", [3, 6])
def test_from_which_bonus_on_the_agent_turns_back_before_the_goal(gamma, threshold, n):
    """b > R / (gamma / (1 - gamma^2) - 1), whatever the length."""
    assert 1 / (gamma / (1 - gamma**2) - 1) == pytest.approx(threshold, rel=1e-3)
    for bonus, turns in ((0.999 * threshold, False), (1.002 * threshold, True)):
        q = pg.optimal_action_values(corridor(bonus, gamma, n))
        assert (q[n - 1, 0] > q[n - 1, 1]) == turns
    q = pg.optimal_action_values(pg.shaped(corridor(0.0, gamma, n), 50.0 * np.arange(n + 1)))
    assert (q[:n].argmax(axis=-1) == 1).all()  # fifty for each step right, as a potential, does no harm


def test_below_the_golden_ratio_no_bonus_makes_it_turn():
    assert 0.618 / (1 - 0.618**2) < 1 < 0.6181 / (1 - 0.6181**2)
    q = pg.optimal_action_values(corridor(1e6, 0.61))
    assert q[4, 1] > q[4, 0]


def test_what_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"potential must be \[S\] = \(3,\); got shape \(2,\)"):
        pg.shaped(two_exits(), [0.0, 1.0])
    with pytest.raises(ValueError, match="mdp must be a finite world such as an MDP; got None"):
        pg.shaped(None, [0.0])
    with pytest.raises(ValueError, match="potential must be finite numbers"):
        pg.shaped(two_exits(), [0.0, np.nan, 0.0])

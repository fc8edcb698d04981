"""Weights for groups and pairs: against enumeration, closed forms and finite differences."""

import numpy as np
import pytest

import pgedu as pg

COIN = pg.Policy.softmax(pg.Table(1, 2))


def direction(values, p, G, **settings):
    """The exact mean of the gradient in logit(p) of the second arm, over all groups of G."""
    theta = np.array([0.0, np.log(p / (1 - p))])
    estimator = lambda rollout: pg.group_advantage(rollout, **settings)  # noqa: E731
    world = pg.bandit(values)
    return pg.exact_moments(world, COIN, theta, estimator, horizon=1, batch=G).mean[1], pg.exact_gradient(world, COIN, theta)[1]


@pytest.mark.parametrize("G", [2, 3, 8])
def test_with_its_own_mean_subtracted_a_group_is_short_by_one_in_g(G):
    mean, truth = direction([0.3, 1.7], 0.2, G, divide=False)
    assert mean == pytest.approx((1 - 1 / G) * truth, rel=1e-12)


def test_divided_by_the_deviation_binary_rewards_have_the_right_direction_and_a_factor_of_their_own():
    p = 0.1
    for G, expected in ((2, 1.0), (12, None)):
        mean, truth = direction([0.0, 1.0], p, G)
        factor = mean / truth
        if expected is not None:
            assert factor == pytest.approx(expected, rel=1e-12)
    k, chance = np.arange(13), np.array([1.0])
    for _ in range(12):
        chance = np.convolve(chance, [1 - p, p])  # of k right answers among 12
    share = k / 12
    deviation = np.sqrt(share * (1 - share))
    score_times_advantage = np.where(deviation > 0, (share * (1 - share)) / np.maximum(deviation, 1e-9), 0)
    assert mean == pytest.approx(chance @ score_times_advantage, rel=1e-9)  # a formula of its own: no rollouts


def test_where_it_climbs_towards_a_loss():
    """A pays 0; B pays 1 with .9, else -20, and -1.1 in the mean. As a world of two steps: B leads to a lottery."""
    transitions = np.zeros((3, 2, 3))
    transitions[0, 0, 2], transitions[0, 1, 1], transitions[1:, :, 2] = 1, 1, 1
    # The lottery's outcome is a second "action", taken with fixed chances: its logits are theta too, but not looked at.
    world = pg.MDP(transitions, [[0, 0], [1, -20], [0, 0]], start=[1, 0, 0], terminal=[False, False, True])
    policy, theta = pg.Policy.softmax(pg.Table(3, 2)), np.array([0.0, 0.0, np.log(0.9), np.log(0.1), 0.0, 0.0])
    truth = pg.exact_gradient(world, policy, theta)[1]
    assert truth == pytest.approx(-0.275, rel=1e-12)
    moments = pg.exact_moments(world, policy, theta, pg.group_advantage, horizon=2, batch=2)
    assert moments.mean[1] == pytest.approx(0.200, abs=5e-4)


def test_groups_that_are_paid_alike_say_nothing():
    rollout = pg.collect(pg.bandit([0.1, 0.1]), COIN, np.zeros((3, 2)), episodes=7, rng=np.random.default_rng(0))
    for divide in (True, False):
        assert np.abs(pg.group_advantage(rollout, divide=divide)).max() < 1e-15
    assert not pg.group_advantage(rollout).any()


def test_rounding_is_no_difference_in_pay():
    """.1 + .2 is not .3; divided by its own size, that would be an advantage of 1.7."""
    rollout = pg.collect(pg.bandit([0.0, 0.0]), COIN, np.zeros(2), episodes=4, rng=np.random.default_rng(0))
    assert not pg.group_advantage(rollout._replace(rewards=np.array([[0.1 + 0.2, 0.3, 0.3, 0.3]]))).any()
    assert pg.group_advantage(rollout._replace(rewards=np.array([[0.3 + 1e-9, 0.3, 0.3, 0.3]]))).any()


def test_rloo_judges_whole_answers():
    """The baseline of an answer is what the others are paid in all, also where they have ended before."""
    language = pg.Language(("a", "."), 2, stop=1)
    policy = pg.Policy.softmax(pg.Table(language.n_states, 2))
    rollout, chances = pg.enumerate_rollouts(language.world([1.0, 2.0, 4.0]), policy, np.zeros(6), horizon=2)
    G = rollout.rewards.sum(axis=0).ravel()
    flat = rollout._replace(**{name: getattr(rollout, name).reshape(len(rollout.rewards) + (name == "observations"), -1)
                               for name in ("observations", "actions", "rewards", "discounts", "mask", "log_probs")})  # fmt: skip
    psi = pg.total_return(flat, baseline=pg.leave_one_out)
    np.testing.assert_allclose(psi, (G - (G.sum() - G) / 2) * flat.mask, rtol=1e-12)
    short = flat.mask[1] == 0
    assert not np.allclose(pg.reward_to_go(flat, baseline=pg.leave_one_out)[1, ~short], psi[1, ~short])


def test_shares_by_length():
    language = pg.Language(("a", "b", "."), 3, stop=2)
    rewards = np.random.default_rng(0).normal(size=15)
    policy = pg.Policy.softmax(pg.Table(language.n_states, 3))
    rollout = pg.collect(language.world(rewards), policy, np.zeros(24), episodes=50, rng=np.random.default_rng(1))
    plain, shared = pg.group_advantage(rollout), pg.group_advantage(rollout, per_length=True)
    lengths = rollout.mask.sum(axis=0)
    assert set(lengths) == {1, 2, 3} and (plain[rollout.mask == 0] == 0).all()
    np.testing.assert_allclose(shared * lengths, plain, rtol=1e-12)
    G = rollout.rewards.sum(axis=0)
    np.testing.assert_allclose(shared.sum(axis=0), (G - G.mean()) / G.std(), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(pg.group_advantage(rollout, epsilon=1.0)[0], (G - G.mean()) / (G.std() + 1), rtol=1e-12)


@pytest.mark.parametrize("kind", ["dpo", "ipo"])
@pytest.mark.parametrize("beta", [0.1, 2.0])
def test_weights_of_pairs_are_slopes_of_their_losses(kind, beta):
    h, step = np.linspace(-3, 3, 13), 1e-6
    loss = {"dpo": lambda h: np.log1p(np.exp(-beta * h)), "ipo": lambda h: (h - 1 / (2 * beta)) ** 2}[kind]
    slopes = (loss(h + step) - loss(h - step)) / (2 * step)
    np.testing.assert_allclose(pg.preference_weights(h, beta=beta, kind=kind), -slopes, rtol=1e-6, atol=1e-7)


def test_what_does_not_fit_is_named():
    rollout = pg.collect(pg.bandit([0.0, 1.0]), COIN, np.zeros(2), episodes=2, rng=np.random.default_rng(0))
    for settings, sentence in (({"divide": 1}, "divide must be True or False; got 1"),
                               ({"epsilon": -1}, "epsilon must be a number of 0 or more; got -1")):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            pg.group_advantage(rollout, **settings)
    with pytest.raises(ValueError, match="rewards must be finite numbers; got NaN or infinity"):
        pg.group_advantage(rollout._replace(rewards=rollout.rewards * np.nan))
    with pytest.raises(ValueError, match=r"rollout must be a Rollout \[T, \*R, B\] of whole episodes; got None"):
        pg.group_advantage(None)
    with pytest.raises(ValueError, match="beta must be a number above 0; got 0"):
        pg.preference_weights([0.0], beta=0)
    with pytest.raises(ValueError, match="kind must be 'dpo' or 'ipo'; got 'kto'"):
        pg.preference_weights([0.0], beta=1.0, kind="kto")

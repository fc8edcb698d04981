"""Weights psi against loops, expectations against enumeration, variances against the stay-or-stop chain's table."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_enumeration import naive_paths, naive_policy, policy_for, world
from test_returns import faded_in_full, told_in_full

import pgedu as pg
from pgedu.gradients.estimators import weights_of
from pgedu import Policy, Rollout, Stream, Table, TabularVectorEnv, batch_mean, clipped_surrogate, clipped_weights
from pgedu import collect, constant, enumerate_rollouts, episode_gradients
from pgedu import lambda_advantage, n_step_advantage, solve, td_advantage
from pgedu import exact_gradient, exact_moments, random_mdp, reward_to_go, state_value, stay_or_stop
from pgedu import total_return

BOTH = pytest.mark.parametrize("estimator", [total_return, reward_to_go])


def variance_of_slope(theta, estimator, horizon=None):
    """Exact mean and variance of the estimate of dJ/dtheta in the stay-or-stop chain, theta the chance to stay.

    The policy has preferences h: d/dtheta = d/dh / (theta (1 - theta)). Longer episodes than 40 / -log(theta)
    have a chance of e^-40.
    """
    horizon = horizon or int(40 / -np.log(theta))
    policy = Policy.softmax(Table(1, 2))
    found = exact_moments(stay_or_stop(), policy, np.log([1 - theta, theta]), estimator, horizon=horizon)
    chain = theta * (1 - theta)
    return found.mean[1] / chain, found.covariance[1, 1] / chain**2


TABLE = {
    "full return": (lambda x: total_return, lambda x: (4 * x**2 + 8 * x + 1) / (x * (1 - x) ** 4)),
    "reward-to-go": (lambda x: reward_to_go, lambda x: (x**2 + 3 * x + 1) / (x * (1 - x) ** 4)),
    "reward-to-go minus V": (
        lambda x: partial(reward_to_go, baseline=state_value([x / (1 - x)])), lambda x: (x + 1) / (x * (1 - x) ** 4)),
    "full return minus the best constant": (
        lambda x: partial(total_return, baseline=constant((1 + 2 * x) / (1 - x))), lambda x: 4 / (1 - x) ** 4),
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE)
@pytest.mark.parametrize("theta", [0.1, 0.3, 0.5, 0.7])
def test_variance_table_of_stay_or_stop(row, theta):
    estimator, variance = TABLE[row]
    found = variance_of_slope(theta, estimator(theta))
    assert found == pytest.approx((1 / (1 - theta) ** 2, variance(theta)), rel=1e-9)
    others = [other(theta) for name, (_, other) in TABLE.items() if name != row]
    assert all(found[1] != pytest.approx(other, rel=1e-2) for other in others)


def test_variances_at_one_half():
    found = [variance_of_slope(0.5, estimator(0.5))[1] for estimator, _ in TABLE.values()]
    assert found == pytest.approx([192, 88, 48, 64])


@pytest.mark.parametrize(("theta", "constant_wins"), [(0.1, True), (0.32, True), (0.35, False), (0.7, False)])
def test_below_one_third_the_best_constant_on_the_full_return_beats_v_on_the_reward_to_go(theta, constant_wins):
    best_constant, value = (variance_of_slope(theta, TABLE[row][0](theta))[1] for row in list(TABLE)[:1:-1])
    assert (best_constant < value) == constant_wins


@pytest.mark.parametrize("theta", [0.2, 0.6])
def test_the_best_constant_is_best(theta):
    """The variance is a parabola in b: its vertex, from three values of b, is (1 + 2 theta) / (1 - theta)."""
    left, middle, right = (variance_of_slope(theta, partial(total_return, baseline=constant(b)))[1] for b in (-1, 0, 1))
    assert (left - right) / (2 * (left - 2 * middle + right)) == pytest.approx((1 + 2 * theta) / (1 - theta), rel=1e-9)


# --- weights ---


def naive_psi(name, gamma_power, rewards, gamma):
    """psi of one episode from its list of rewards."""
    steps = range(len(rewards))
    since_start = [sum(gamma**k * rewards[k] for k in steps)] * len(rewards)
    to_go = [sum(gamma**k * rewards[k] for k in steps if k >= t) for t in steps]
    psi = since_start if name == "total_return" else to_go
    return psi if gamma_power else [weight / gamma**t for t, weight in enumerate(psi)]


@BOTH
@pytest.mark.parametrize("gamma_power", [True, False])
def test_weights_of_every_episode(estimator, gamma_power):
    """Episodes of many lengths in two runs; after an end the weights are 0."""
    mdp, gamma = world("random"), 0.8
    policy = policy_for(mdp)
    rollout = collect(mdp, policy, np.zeros((2, policy.size)), rng=np.random.default_rng(0), episodes=20)
    psi = estimator(rollout, gamma_power=gamma_power)
    lengths = rollout.lengths.astype(int)
    assert len(set(lengths.ravel())) > 3
    for run, b in np.ndindex(2, 20):
        length = lengths[run, b]
        weights = naive_psi(estimator.__name__, gamma_power, rollout.rewards[:length, run, b].tolist(), gamma)
        np.testing.assert_allclose(psi[:length, run, b], weights, atol=1e-12)
        assert not psi[length:, run, b].any()


@BOTH
def test_without_discount_gamma_to_the_t_is_one(estimator):
    mdp = replace(world("random"), gamma=1.0)
    rollout = collect(mdp, policy_for(mdp), np.zeros(6), rng=np.random.default_rng(1), episodes=9)
    np.testing.assert_array_equal(estimator(rollout), estimator(rollout, gamma_power=False))


@BOTH
def test_with_gamma_zero_only_the_first_reward_counts(estimator):
    mdp = replace(world("random"), gamma=0.0)
    rollout = collect(mdp, policy_for(mdp), np.zeros(6), rng=np.random.default_rng(2), episodes=50)
    psi = estimator(rollout)
    np.testing.assert_array_equal(psi[0], rollout.rewards[0])
    if estimator is reward_to_go:
        assert not psi[1:].any()
    found = exact_moments(mdp, policy_for(mdp), np.zeros(6), estimator, horizon=3)
    np.testing.assert_allclose(found.bias, 0, atol=1e-14)


# --- expectations ---


@BOTH
@pytest.mark.parametrize("name", ["random", "aliased"])
@pytest.mark.parametrize("runs", [(), (2, 2)])
def test_unbiased_for_the_gradient_of_j(estimator, name, runs):
    mdp = world(name)
    policy = policy_for(mdp)
    theta = np.random.default_rng(3).normal(size=(*runs, policy.size))
    found = exact_moments(mdp, policy, theta, estimator, horizon=4)
    np.testing.assert_allclose(found.bias, 0, atol=1e-12)
    np.testing.assert_allclose(found.mean, exact_gradient(mdp, policy, theta, horizon=4), atol=1e-12)
    half = exact_moments(mdp, policy, theta, lambda rollout: estimator(rollout) * 0.99, horizon=4)
    assert np.abs(half.bias).max() > 1e-4  # a hundredth of bias is seen


def test_without_gamma_to_the_t_both_have_one_expectation_which_is_not_the_gradient():
    """Nor by chance: it is sum_t E[grad log pi(a_t | s_t) G_t], here from loops over paths."""
    mdp, horizon = world("random"), 4
    policy, theta = policy_for(mdp), np.random.default_rng(4).normal(size=6)
    pi, expected = naive_policy(mdp, theta), np.zeros((3, 2))
    for chance, path, _ in naive_paths(mdp, pi, horizon):
        psi = naive_psi("reward_to_go", False, [mdp.rewards[step] for step in path], mdp.gamma)
        for (state, action), weight in zip(path, psi):
            expected[state] += chance * weight * (np.eye(2)[action] - pi[state])
    for estimator in (total_return, reward_to_go):
        found = exact_moments(mdp, policy, theta, partial(estimator, gamma_power=False), horizon=horizon)
        np.testing.assert_allclose(found.mean, expected.ravel(), atol=1e-12)
        assert np.abs(found.bias).max() > 0.01
    kept = exact_moments(mdp, policy, theta, reward_to_go, horizon=horizon)
    assert not np.allclose(kept.mean, expected.ravel(), atol=0.01)


def test_what_came_before_an_action_adds_noise_but_no_bias():
    """The difference of the two estimators has mean 0 and is not 0."""
    mdp = world("aliased")
    policy, theta = policy_for(mdp), np.random.default_rng(5).normal(size=4)
    past = exact_moments(mdp, policy, theta, lambda rollout: total_return(rollout) - reward_to_go(rollout), horizon=4)
    np.testing.assert_allclose(past.mean, 0, atol=1e-12)
    assert past.variance > 0.01


def test_episode_gradients_are_sums_over_steps():
    mdp = world("aliased")
    policy, theta = policy_for(mdp), np.random.default_rng(6).normal(size=(2, 4))
    rollout = collect(mdp, policy, theta, rng=np.random.default_rng(7), episodes=5)
    psi = np.random.default_rng(8).normal(size=rollout.rewards.shape)
    found = episode_gradients(policy, theta, rollout, psi)
    for run, b in np.ndindex(2, 5):
        pi, gradient = np.exp(theta[run].reshape(2, 2)), np.zeros((2, 2))
        pi /= pi.sum(axis=1, keepdims=True)
        for t, weight in enumerate(psi[:, run, b]):
            seen, action = rollout.observations[t, run, b], rollout.actions[t, run, b]
            gradient[seen] += weight * (np.eye(2)[action] - pi[seen])
        np.testing.assert_allclose(found[run, b], gradient.ravel(), atol=1e-12)


# --- weights from a critic ---

CRITICS = {
    "td": (td_advantage, lambda *steps: told_in_full(*steps, 1)),
    "2 steps": (partial(n_step_advantage, n=2), lambda *steps: told_in_full(*steps, 2)),
    "5 steps": (n_step_advantage, lambda *steps: told_in_full(*steps, 5)),
    "lambda": (lambda_advantage, lambda *steps: faded_in_full(*steps, 0.95)),
    "lambda 0.3": (partial(lambda_advantage, lam=0.3), lambda *steps: faded_in_full(*steps, 0.3)),
}  # fmt: skip
ALL_CRITICS = pytest.mark.parametrize("name", CRITICS)
HORIZON, LAMBDAS = 4, [0.0, 0.3, 0.95, 1.0]


def segments(gamma=0.8):
    """Two runs of three columns, with terminations and truncations in the midst."""
    mdp = world("random")
    env, rng = TabularVectorEnv(mdp, 6, max_episode_steps=4), np.random.default_rng(0)
    rollout = collect(Stream(env, rng), policy_for(mdp), np.zeros((2, 6)), rng=rng, steps=40, gamma=gamma)
    assert (rollout.discounts[rollout.mask == 1] == 0).any() and (
        rollout.mask[1:][rollout.discounts[:-1] > 0] == 0
    ).any()
    return rollout


@ALL_CRITICS
def test_critics_weights_column_by_column(name):
    estimator, told = CRITICS[name]
    rollout, v = segments(), np.array([3.0, -2.0, 5.0])
    psi = estimator(rollout, values=v)
    for at in np.ndindex(2, 3):
        column = [field[(slice(None), *at)] for field in (rollout.rewards, rollout.discounts)]
        seen, mask = rollout.observations[(slice(None), *at)], rollout.mask[(slice(None), *at)]
        np.testing.assert_allclose(psi[(slice(None), *at)], told(*column, v[seen], mask), atol=1e-12)
        others = [other(*column, v[seen], mask) for key, (_, other) in CRITICS.items() if key != name]
        assert not any(np.allclose(psi[(slice(None), *at)], other, atol=1e-3) for other in others)
    np.testing.assert_array_equal(psi, estimator(rollout, values=lambda observations: v[observations]))
    assert not psi[rollout.mask == 0].any()


@ALL_CRITICS
def test_gamma_to_the_t_is_an_option(name):
    mdp, v = world("random"), np.array([3.0, -2.0, 5.0])
    rollout = collect(mdp, policy_for(mdp), np.zeros(6), rng=np.random.default_rng(1), episodes=20)
    with_it, without = (CRITICS[name][0](rollout, values=v, gamma_power=power) for power in (True, False))
    powers = 0.8 ** np.arange(len(with_it))[:, None]
    np.testing.assert_allclose(with_it, powers * without, atol=1e-12)
    assert not np.allclose(with_it, without, atol=1e-3)
    env, rng = TabularVectorEnv(mdp, 20, max_episode_steps=3), np.random.default_rng(1)
    cut_off = collect(env, policy_for(mdp), np.zeros(6), rng=rng, episodes=20, gamma=0.8)
    short = cut_off._replace(mask=np.where(np.arange(len(cut_off.mask))[:, None] < 2, cut_off.mask, 0))
    assert short.mask.any() and not CRITICS[name][0](short, values=v, gamma_power=True)[short.mask == 0].any()
    with pytest.raises(ValueError, match="whole episode"):
        CRITICS[name][0](segments(), values=v, gamma_power=True)


@pytest.mark.parametrize("lam", LAMBDAS)
def test_lambda_is_the_weighted_mean_of_n_step_advantages(lam):
    rollout, v = segments(), np.array([3.0, -2.0, 5.0])
    T = len(rollout.mask)
    by_n = [n_step_advantage(rollout, values=v, n=n) for n in range(1, T + 1)]
    mean = sum((1 - lam) * lam ** (n - 1) * psi for n, psi in enumerate(by_n[:-1], start=1)) + lam ** (T - 1) * by_n[-1]
    np.testing.assert_allclose(lambda_advantage(rollout, values=v, lam=lam), mean, atol=1e-12)


def over_time(values):
    """A critic that knows what time it is: values [H, S] at times 0 .. H-1, and 0 after the horizon."""
    values = np.concatenate([values, np.zeros((1, values.shape[-1]))])
    return lambda observations: values[
        np.arange(len(observations)).reshape(-1, *[1] * (observations.ndim - 1)), observations
    ]


def expectation(mdp, theta, critic, lam):
    """E[sum_t gamma^t A^lam_t grad log pi(a_t | s_t)] for a critic [H + 1, S], from solve()'s visits and a recursion
    over expected lambda-returns, q(s, a) = r + gamma E[(1 - lam) v(s') + lam sum_a' pi q(s', a')]: no path is taken."""
    solution, pi = solve(mdp, policy_for(mdp), theta, horizon=HORIZON), np.array(naive_policy(mdp, theta))
    following, total = np.zeros(mdp.n_states), np.zeros((mdp.n_states, 2))
    for t in reversed(range(HORIZON)):
        later = (1 - lam) * critic[t + 1] + lam * following
        later = np.where(mdp.terminal, 0.0, later) * (t + 1 < HORIZON)
        q = mdp.rewards + mdp.gamma * mdp.transitions @ later
        following = (pi * q).sum(axis=1)
        advantage = q - critic[t][:, None]
        weight = solution.visits[t][:, None] * pi * advantage
        total += weight - pi * weight.sum(axis=1, keepdims=True)
    return total.ravel()


@pytest.mark.parametrize("estimator", [td_advantage, partial(n_step_advantage, n=2), n_step_advantage,
                                       *(partial(lambda_advantage, lam=lam) for lam in LAMBDAS)])  # fmt: skip
def test_with_the_true_values_every_advantage_is_unbiased(estimator):
    mdp, theta = world("random"), np.random.default_rng(11).normal(size=6)
    true = solve(mdp, policy_for(mdp), theta, horizon=HORIZON).values
    weights = partial(estimator, values=over_time(true), gamma_power=True)
    found = exact_moments(mdp, policy_for(mdp), theta, weights, horizon=HORIZON)
    np.testing.assert_allclose(found.bias, 0, atol=1e-12)
    np.testing.assert_allclose(found.mean, exact_gradient(mdp, policy_for(mdp), theta, horizon=HORIZON), atol=1e-12)
    without = exact_moments(mdp, policy_for(mdp), theta, partial(weights, gamma_power=False), horizon=HORIZON)
    assert np.abs(without.bias).max() > 1e-3


@pytest.mark.parametrize("lam", LAMBDAS)
def test_with_a_wrong_critic_the_bias_is_what_the_recursion_says(lam):
    """None at all with lam = 1; otherwise that of expected lambda-returns, from visits, without any path."""
    rng = np.random.default_rng(12)
    mdp, theta = world("random"), rng.normal(size=6)
    critic = np.concatenate([3 * rng.normal(size=(HORIZON, 3)), np.zeros((1, 3))])
    weights = partial(lambda_advantage, values=over_time(critic[:-1]), lam=lam, gamma_power=True)
    found = exact_moments(mdp, policy_for(mdp), theta, weights, horizon=HORIZON)
    np.testing.assert_allclose(found.mean, expectation(mdp, theta, critic, lam), atol=1e-12)
    if lam == 1:
        np.testing.assert_allclose(found.bias, 0, atol=1e-12)
    else:
        assert np.abs(found.bias).max() > 1e-3
        assert not np.allclose(found.mean, expectation(mdp, theta, critic, lam + 0.05), atol=1e-3)
    if lam == 0:
        td = exact_moments(mdp, policy_for(mdp), theta, partial(td_advantage, values=over_time(critic[:-1]),
                                                                gamma_power=True), horizon=HORIZON)  # fmt: skip
        np.testing.assert_allclose(td.mean, found.mean, atol=1e-14)


# --- PPO's weights ---

RATIO, ADVANTAGES = (
    each.ravel() for each in np.meshgrid([0.3, 0.75, 0.85, 0.97, 1.06, 1.15, 1.3, 4.0], [-2.0, 0.0, 1.5])
)


@pytest.mark.parametrize("clip", [0.0, 0.1, 0.2, 0.9, 1.5, np.inf])
def test_clipped_surrogate_by_cases(clip):
    found = clipped_surrogate(RATIO, ADVANTAGES, clip)
    for r, A, each in zip(RATIO, ADVANTAGES, found):
        limited = min(max(r, 1 - clip), 1 + clip)
        assert each == pytest.approx(min(r * A, limited * A))
    assert (found <= RATIO * ADVANTAGES).all()


@pytest.mark.parametrize("clip", [0.0, 0.1, 0.2, 0.9, 1.5, np.inf])
def test_clipped_weights_are_the_derivative_of_the_surrogate_by_log_pi(clip):
    """d r / d log pi = r; by central differences, away from the kinks."""
    h = 1e-6
    ahead, behind = (clipped_surrogate(RATIO * np.exp(shift), ADVANTAGES, clip) for shift in (h, -h))
    slope, found = (ahead - behind) / (2 * h), clipped_weights(RATIO, ADVANTAGES, clip)
    np.testing.assert_allclose(found, slope, atol=1e-8)
    wrongs = [np.where(ADVANTAGES > 0, RATIO < 1 - clip, RATIO > 1 + clip), abs(RATIO - 1) > clip, np.zeros(24, bool)]
    for beyond in wrongs if clip < 1 else ():
        assert not np.allclose(np.where(beyond, 0, RATIO * ADVANTAGES), slope, atol=0.1)
    assert not np.allclose(np.where(found == 0, 0, ADVANTAGES), slope, atol=0.1)  # without the ratio


def test_a_ratio_of_one_has_its_whole_say_and_a_number_goes_with_any_array():
    for clip in (0, 0.2, np.inf):
        np.testing.assert_array_equal(clipped_weights(np.ones(3), [2.0, 0.0, -1.0], clip), [2.0, 0.0, -1.0])
    np.testing.assert_array_equal(clipped_surrogate([0.5, 1.5], 2, 0.25), [1.0, 2.5])
    np.testing.assert_array_equal(clipped_weights([0.5, 1.5], 2, 0.25), [1.0, 0.0])


# --- mistakes ---


def segment(**fields):
    """One column with two episodes in it: the second step terminates."""
    ones = np.ones((4, 1))
    discounts = np.array([[0.9], [0.0], [0.9], [0.9]])
    zeros = np.zeros((5, 1), dtype=int)
    return Rollout(zeros, zeros[1:], ones, discounts, ones, 0 * ones)._replace(**fields)


@pytest.mark.parametrize(
    "rollout",
    [segment(), segment(discounts=np.full((4, 1), 0.9), mask=np.array([[1.0], [0.0], [1.0], [1.0]]))],
    ids=["terminated", "truncated"],
)
@pytest.mark.parametrize("estimator", [total_return, reward_to_go, partial(total_return, gamma_power=False)])
def test_gamma_to_the_t_needs_whole_episodes(rollout, estimator):
    with pytest.raises(ValueError, match="rollout must hold one whole episode a column; got segments"):
        estimator(rollout)


def test_segments_are_fine_without_gamma_to_the_t():
    np.testing.assert_allclose(reward_to_go(segment(), gamma_power=False)[:, 0], [1.9, 1, 1.9, 1])


@BOTH
@pytest.mark.parametrize("baseline", [None, 0.5, "batch_mean"])
def test_a_baseline_is_a_function(estimator, baseline):
    with pytest.raises(ValueError, match=f"baseline must be a function .* got {baseline!r}"):
        estimator(segment(discounts=np.full((4, 1), 0.9)), baseline=baseline)


@ALL_CRITICS
@pytest.mark.parametrize("values, said", [
    ([0.0, 1.0], r"must be a function of observations, or \[O\], .*; got \[0.0, 1.0\]"),
    (None, "must be a function of observations, .*; got None"),
    (np.ones((2, 3)), "must be a function of observations"),
    (lambda observations: np.ones(3), r"must be \[T\+1, ...\] = \(41, 2, 3\); got shape \(3,\)"),
    (lambda observations: np.ones(observations.shape)[:-1], r"must be \[T\+1, ...\]"),
])  # fmt: skip
def test_a_critic_that_does_not_fit_is_named(name, values, said):
    with pytest.raises(ValueError, match=f"^values {said}"):
        CRITICS[name][0](segments(), values=values)


def test_a_table_of_values_needs_discrete_observations():
    rollout = segments()
    with pytest.raises(ValueError, match="^values must be a function of observations"):
        td_advantage(rollout._replace(observations=rollout.observations * 0.5), values=np.ones(5))


@pytest.mark.parametrize("function", [clipped_surrogate, clipped_weights])
@pytest.mark.parametrize("arguments, said", [
    ((np.ones(3), np.ones((3, 1)), 0.2), r"advantages must have the shape of ratio, \(3,\); got \(3, 1\)"),
    ((np.ones(3), np.ones(3), -0.1), "clip must be a number of 0 or more; got -0.1"),
    ((np.ones(3), np.ones(3), np.nan), "clip must be a number of 0 or more; got nan"),
])  # fmt: skip
def test_clips_that_do_not_fit_are_named(function, arguments, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        function(*arguments)


def test_weights_that_do_not_fit_are_refused():
    mdp = random_mdp(np.random.default_rng(0))
    policy = policy_for(mdp)
    rollout, _ = enumerate_rollouts(mdp, policy, np.zeros(policy.size), horizon=2)
    with pytest.raises(ValueError, match="weights must be"):
        episode_gradients(policy, np.zeros(policy.size), rollout, batch_mean(rollout, rollout.rewards)[0])


# --- arguments that would give silent nonsense ---


@pytest.mark.parametrize("call, said", [
    (lambda: pg.moments(np.ones((3, 2)), [0.2, 0.2, 0.2]), "probabilities must be 0 or more, with a sum of 1 .*; got 0[.]6"),
    (lambda: pg.moments(np.ones((3, 2)), [0.8, 0.8, -0.6]), "probabilities must be 0 or more, with a sum of 1"),
    (lambda: pg.moments(np.ones((3, 2)), [np.nan, 0.5, 0.5]), "probabilities must be finite numbers"),
    (lambda: pg.clipped_weights([-0.1, 1.0], [1.0, 1.0], 0.2), r"ratio must be 0 or more; got -0.1"),
    (lambda: pg.clipped_surrogate(["a"], [1.0], 0.2), "ratio must be numbers; got"),
    (lambda: pg.clipped_surrogate([1.0], [1.0], np.nan), "clip must be a number of 0 or more; got nan"),
])  # fmt: skip
def test_arguments_that_would_give_silent_nonsense_are_named(call, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        call()


def test_weights_of_a_plain_function_and_of_one_that_takes_more():
    rollout = pg.collect(pg.stay_or_stop(), pg.Policy.softmax(pg.Table(1, 2)), np.zeros(2), episodes=4, rng=np.random.default_rng(0))
    plain = weights_of(lambda rollout: rollout.rewards, rollout, baseline=pg.constant(3.0))
    assert np.array_equal(plain, rollout.rewards) and plain.dtype == float
    assert np.array_equal(weights_of(pg.reward_to_go, rollout, baseline=pg.constant(3.0)),
                          pg.reward_to_go(rollout, baseline=pg.constant(3.0)))  # fmt: skip
    everything = weights_of(lambda rollout, **offered: rollout.rewards * offered["baseline"], rollout, baseline=2)
    assert np.array_equal(everything, 2 * rollout.rewards)
    with pytest.raises(ValueError, match=r"^psi must be of the shape of the rewards, \(\d, 4\); got shape \(4,\)"):
        weights_of(lambda rollout: rollout.rewards[0], rollout)


def test_the_total_return_seen_from_late_in_a_long_episode():
    """sum_k gamma^(k-t) R_{k+1} by loops, for 80 steps; where gamma^t is no longer a number, a sentence."""
    chain, policy, always = stay_or_stop(), Policy.softmax(Table(1, 2)), np.array([-40.0, 0.0])
    rollout = collect(chain, policy, always, episodes=2, rng=np.random.default_rng(0), gamma=0.7, max_steps=80)
    found = total_return(rollout, gamma_power=False)
    for t in (0, 1, 40, 79):
        assert np.allclose(found[t], sum(0.7 ** (k - t) for k in range(80)), rtol=1e-10)
    too_long = collect(chain, policy, always, episodes=1, rng=np.random.default_rng(0), gamma=0.3, max_steps=700)
    with pytest.raises(ValueError, match="^rollout must be short enough for gamma.t, .*; got '?700 steps"):
        total_return(too_long, gamma_power=False)
    assert np.isfinite(total_return(too_long)).all()

"""What each exhibit claims, exactly: bias, variance, angle; and that each differs from the right estimator."""


import numpy as np
import pytest

from pgedu import SGD, LearnedValue, Policy, Stream, Table, TabularVectorEnv, campaign, collect, enumerate_rollouts
from pgedu import exact_gradient, lambda_advantage, leave_one_out, ppo, reward_to_go
from pgedu.lessons.museum import CRITIC_EXHIBITS, EXHIBITS, RIGHT, Exhibit, exact_cost, flipped_ppo, gae_across_ends
from pgedu.lessons.museum import learning_curve, same_luck, truncation_as_termination

GAMMA = 0.6
world = campaign(GAMMA, horizon=4)
policy = Policy.softmax(Table(3, 2))
THETAS = [np.zeros(6), np.array([0.3, -0.2, -0.4, 0.5, 0.0, 0.0])]
NAMES = {exhibit.name: exhibit for exhibit in EXHIBITS}
BIASED = [name for name in NAMES if "full" not in name and "shifted" not in name and "fitted" not in name]
everywhere = pytest.mark.parametrize("theta", THETAS, ids=["uniform", "other"])


def costs(name, theta):
    return exact_cost(NAMES[name], world, policy, theta), exact_cost(RIGHT, world, policy, theta)


@everywhere
def test_the_right_one_has_no_bias(theta):
    cost = exact_cost(RIGHT, world, policy, theta)
    np.testing.assert_allclose(cost.mean, exact_gradient(world, policy, theta), atol=1e-12)
    assert cost.angle == pytest.approx(0, abs=1e-4)


@everywhere
def test_the_full_return_costs_variance_alone(theta):
    cost, right = costs("full return", theta)
    np.testing.assert_allclose(cost.bias, 0, atol=1e-12)
    assert cost.variance > 1.1 * right.variance


@everywhere
def test_shifted_rewards_lose_a_factor_gamma_and_add_the_noise_of_a_past_reward(theta):
    cost, right = costs("rewards shifted by one", theta)
    np.testing.assert_allclose(cost.mean, GAMMA * right.truth, atol=1e-12)
    assert cost.angle == pytest.approx(0, abs=1e-4)
    assert cost.variance > GAMMA**2 * right.variance * 1.01  # more than the shorter step alone would have


@everywhere
def test_the_baseline_fitted_on_its_own_episode_leaves_nothing(theta):
    cost, right = costs("baseline fitted on its own episode", theta)
    np.testing.assert_array_equal(cost.mean, 0)
    np.testing.assert_array_equal(cost.covariance, 0)
    np.testing.assert_array_equal(cost.bias, -right.truth)
    assert np.isnan(cost.angle)


def test_that_baseline_is_what_fitting_the_optimal_one_on_one_episode_gives():
    rollout, _ = enumerate_rollouts(world, policy, THETAS[1], horizon=4)
    weights = np.broadcast_to(NAMES["full return"].estimator(rollout)[:1], rollout.rewards.shape) * rollout.mask
    thetas = np.broadcast_to(THETAS[1], (rollout.rewards.shape[1], 6))
    S = policy.score(thetas, rollout.observations[:-1], rollout.actions, rollout.mask)[:, 0]
    X = policy.score(thetas, rollout.observations[:-1], rollout.actions, weights)[:, 0]
    np.testing.assert_allclose((X * S).sum(-1) / (S * S).sum(-1), weights[0, :, 0])


@everywhere
@pytest.mark.parametrize("name", BIASED)
def test_these_are_biased_in_direction_too(name, theta):
    cost, right = costs(name, theta)
    assert np.linalg.norm(cost.bias) > 0.1 * np.linalg.norm(right.truth)
    assert cost.angle > 2


@everywhere
@pytest.mark.parametrize("name", ["γᵗ missing", "γᵗ doubled"])
def test_without_discount_the_power_of_gamma_makes_no_difference(name, theta):
    whole = campaign(1.0, horizon=4)
    cost, right = (exact_cost(exhibit, whole, policy, theta) for exhibit in (NAMES[name], RIGHT))
    np.testing.assert_allclose(cost.covariance, right.covariance)
    np.testing.assert_allclose(cost.bias, 0, atol=1e-12)


def test_averaged_log_probs_are_what_the_name_says():
    """mean_t log pi times sum_t weights, as the tutorial had it: the same gradient for each episode."""
    rollout = collect(world, policy, THETAS[1], episodes=50, rng=np.random.default_rng(0))
    observations, actions, mask = rollout.observations[:-1], rollout.actions, rollout.mask
    found = policy.score(THETAS[1], observations, actions, NAMES["averaged log-probs"].estimator(rollout))
    mean_score = policy.score(THETAS[1], observations, actions, mask / rollout.lengths)
    np.testing.assert_allclose(found, mean_score * reward_to_go(rollout).sum(axis=0)[:, None])


def test_standardised_returns_have_mean_0_and_deviation_1_in_each_episode():
    whole = campaign(1.0, horizon=6)
    rollout = collect(whole, policy, THETAS[0], episodes=50, rng=np.random.default_rng(0))
    psi = NAMES["returns standardised per episode"].estimator(rollout)
    np.testing.assert_allclose(psi.sum(axis=0), 0, atol=1e-9)
    spread = (psi**2).sum(axis=0) / rollout.lengths
    assert np.all((np.abs(spread - 1) < 1e-5) | (spread < 1e-9))  # 0 where all returns of the episode are alike


def test_one_seed_is_one_fate_and_all_seeds_together_are_the_world():
    cost = costs("same seed at every reset", THETAS[0])[0]
    fated = same_luck(world, seed=42)
    assert np.all(np.isin(fated.transitions, [0, 1]))
    rollout, chances = enumerate_rollouts(fated, policy, THETAS[0], horizon=4)
    for actions in {tuple(column) for column in rollout.actions[:, :, 0].T}:
        assert (rollout.actions[:, :, 0].T == actions).all(axis=1).sum() == 1  # what one does decides everything
    means = [exact_gradient(same_luck(world, seed), policy, THETAS[0]) for seed in range(3000)]
    error = np.std(means, axis=0) / np.sqrt(len(means))
    assert np.all(np.abs(np.mean(means, axis=0) - cost.truth) <= 4 * error + 1e-12)
    assert np.linalg.norm(means[0] - means[1]) > 0


@pytest.mark.parametrize("exhibit", EXHIBITS, ids=NAMES)
def test_each_has_a_story_and_threads_and_is_called_like_any_estimator(exhibit):
    assert isinstance(exhibit, Exhibit) and exhibit.story.endswith(".") and exhibit.threads
    assert all(thread.count("#") == 1 and thread.count("/") == 1 for thread in exhibit.threads)
    rollout = collect(world, policy, np.zeros((2, 6)), episodes=3, rng=np.random.default_rng(0))
    before = [field.copy() for field in rollout]
    psi = exhibit.estimator(rollout, baseline=leave_one_out)
    assert psi.shape == rollout.rewards.shape and np.isfinite(psi).all()
    assert np.all(psi[rollout.mask == 0] == 0)
    assert all(np.array_equal(a, b) for a, b in zip(before, rollout))
    wrong, right = (exact_cost(each, world, policy, np.zeros(6)) for each in (exhibit, RIGHT))
    assert not (np.allclose(wrong.mean, right.mean) and np.allclose(wrong.covariance, right.covariance))


# --- mistakes with a critic ---

CRITIC = np.array([3.0, -2.0, 5.0])
LAM = 0.7


def segments(max_episode_steps=4, steps=40):
    """Columns of several episodes; the time limit is shorter than the world's horizon, so that some are truncated."""
    env, rng = TabularVectorEnv(campaign(GAMMA, horizon=6), 5, max_episode_steps), np.random.default_rng(0)
    return collect(Stream(env, rng), policy, np.zeros(6), rng=rng, steps=steps, gamma=GAMMA)


def ends(rollout):
    """(terminated, truncated), [T, B]; a truncation shows in the mask of the row that follows."""
    real, following = rollout.mask == 1, np.concatenate([rollout.mask[1:] == 0, np.zeros_like(rollout.mask[:1]) == 1])
    return real & (rollout.discounts == 0), real & (rollout.discounts > 0) & following


def test_gae_across_ends_by_a_loop_that_knows_no_ends():
    rollout = segments()
    values, psi = CRITIC[rollout.observations], np.zeros((41, 5))
    for t in reversed(range(40)):
        delta = rollout.rewards[t] + rollout.discounts[t] * values[t + 1] - values[t]
        psi[t] = delta * rollout.mask[t] + GAMMA * LAM * psi[t + 1]
    found = gae_across_ends(rollout, values=CRITIC, lam=LAM)
    np.testing.assert_allclose(found, psi[:-1] * rollout.mask, atol=1e-12)
    right = lambda_advantage(rollout, values=CRITIC, lam=LAM)
    over = np.logical_or(*ends(rollout))
    assert over[:30].sum() > 10 and (np.abs(found - right)[:30][over[:30]] > 1e-6).all()
    after = over[::-1].cumsum(axis=0)[::-1]
    np.testing.assert_allclose(found[after == 0], right[after == 0], atol=1e-12)  # no end ahead, no mistake


def test_truncation_as_termination_takes_the_value_from_truncated_steps_alone():
    rollout = segments()
    found = truncation_as_termination(rollout, values=CRITIC, lam=0.0)
    right = lambda_advantage(rollout, values=CRITIC, lam=0.0)
    _, truncated = ends(rollout)
    lost = GAMMA * CRITIC[rollout.observations[1:]] * truncated
    assert truncated[:-1].any() and np.abs(lost[truncated]).min() > 0.1
    np.testing.assert_allclose(found, right - lost, atol=1e-12)
    longer = truncation_as_termination(rollout, values=CRITIC, lam=LAM)  # earlier steps of the episode lose a share
    right, lost_share = lambda_advantage(rollout, values=CRITIC, lam=LAM), np.zeros(5)
    for t in reversed(range(40)):
        going_on = (rollout.discounts[t] > 0) & ~truncated[t] & (rollout.mask[t] == 1)
        lost_share = lost[t] + GAMMA * LAM * going_on * lost_share
        np.testing.assert_allclose(longer[t], right[t] - lost_share * rollout.mask[t], atol=1e-12)


@pytest.mark.parametrize("exhibit", CRITIC_EXHIBITS, ids=lambda exhibit: exhibit.name)
def test_those_with_a_critic_have_a_story_and_are_called_like_lambda_advantage(exhibit):
    assert exhibit.story.endswith(".") and all(thread.count("#") == 1 for thread in exhibit.threads)
    rollout = segments()
    before = [field.copy() for field in rollout]
    psi = exhibit.estimator(rollout, values=lambda observations: CRITIC[observations])
    assert psi.shape == rollout.rewards.shape and np.isfinite(psi).all() and not psi[rollout.mask == 0].any()
    assert not np.allclose(psi, lambda_advantage(rollout, values=CRITIC), atol=1e-3)
    assert all(np.array_equal(a, b) for a, b in zip(before, rollout))
    no_end_at_all = collect(world, policy, np.zeros((2, 6)), episodes=3, rng=np.random.default_rng(0), max_steps=1)
    right = lambda_advantage(no_end_at_all, values=CRITIC)
    np.testing.assert_allclose(exhibit.estimator(no_end_at_all, values=CRITIC), right, atol=1e-12)


def test_flipped_ppo_goes_as_far_down_as_the_right_one_goes_up():
    def step(make, **settings):
        critic, rng = LearnedValue(Table(3, 1), SGD(0.1)), np.random.default_rng(0)
        training = make(campaign(GAMMA), policy, critic=critic, optimizer=SGD(0.1), runs=2, environments=4, steps=16,
                        rng=rng, theta=np.full((2, 6), 0.3), **settings)  # fmt: skip
        return next(training).theta - 0.3

    one_step = {"epochs": 1, "minibatches": 1}
    down, up = step(flipped_ppo, **one_step), step(ppo, **one_step)
    np.testing.assert_allclose(down, -up, rtol=1e-9, atol=1e-15)
    assert np.abs(up).max() > 1e-3
    down, up = step(flipped_ppo), step(ppo)
    assert (down * up).sum() < 0


def test_learning_curves_start_alike_and_the_right_one_climbs():
    options = {"learning_rate": 0.5, "updates": 30, "runs": 10, "episodes": 10}
    right = learning_curve(RIGHT, world, policy, **options)
    assert right.shape == (31, 10) and right[-1].mean() > right[0].mean() + 0.2
    stuck = learning_curve(NAMES["baseline fitted on its own episode"], world, policy, **options)
    np.testing.assert_array_equal(stuck, right[0, 0])
    fated = learning_curve(NAMES["same seed at every reset"], world, policy, **options)
    assert fated[-1].mean() < right[-1].mean()  # judged in the true world
    np.testing.assert_array_equal(right, learning_curve(RIGHT, world, policy, **options))

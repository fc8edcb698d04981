"""Baselines: what each is by loops, and its documented bias (or none) by enumerating whole batches."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_enumeration import policy_for, world

from pgedu import MLP, SGD, Adam, LearnedValue, Linear, Policy, Table, batch_mean, collect, constant, discounted_returns
from pgedu import exact_gradient, exact_moments, leave_one_out, none, optimal, random_mdp, reward_to_go, solve
from pgedu import state_value, stay_or_stop, total_return

BOTH = pytest.mark.parametrize("estimator", [total_return, reward_to_go])
MDP = replace(random_mdp(np.random.default_rng(0), states=2, actions=2, gamma=0.8), start=[1, 0, 0])
POLICY = policy_for(MDP)
THETA = np.random.default_rng(1).normal(size=POLICY.size)


def bias(estimator, baseline, *, batch=1, horizon=2, theta=THETA, mdp=MDP):
    judged = partial(estimator, baseline=baseline)
    return exact_moments(mdp, policy_for(mdp), theta, judged, horizon=horizon, batch=batch).bias


def sampled(runs=(), episodes=6, mdp=MDP, seed=2):
    theta = np.zeros((*runs, policy_for(mdp).size))
    return collect(mdp, policy_for(mdp), theta, rng=np.random.default_rng(seed), episodes=episodes)


def learned(observations, learning_rate, seed, runs=None):
    baseline = LearnedValue(Table(observations, 1), SGD(learning_rate))
    baseline.start(np.random.default_rng(seed), runs)
    return baseline


# --- unbiased, to rounding ---


@BOTH
@pytest.mark.parametrize("horizon", [1, 3, 5])
@pytest.mark.parametrize("gamma", [0.7, 1.0])
def test_constants_and_state_values_leave_the_gradient_exact(estimator, horizon, gamma):
    mdp = random_mdp(np.random.default_rng(3), states=2, actions=2, gamma=gamma)
    values = np.random.default_rng(4).normal(size=3) * 10
    true_values = solve(mdp, POLICY, THETA, horizon=horizon).values[0]
    of_states = [state_value(v) for v in (values, true_values, lambda observations: values[observations] ** 2)]
    for baseline in (none, constant(-7.5), *of_states):
        np.testing.assert_allclose(bias(estimator, baseline, horizon=horizon, mdp=mdp), 0, atol=1e-10)


@BOTH
def test_a_baseline_that_knows_the_action_is_biased(estimator):
    assert np.abs(bias(estimator, lambda rollout, targets: rollout.actions)).max() > 0.01


@BOTH
def test_a_baseline_of_the_state_works_on_look_alikes_and_in_many_runs(estimator):
    mdp = world("aliased")
    theta = np.random.default_rng(5).normal(size=(2, 3, 4))
    for values in (np.array([3.0, -2.0]), np.random.default_rng(6).normal(size=(2, 3, 2))):
        np.testing.assert_allclose(bias(estimator, state_value(values), theta=theta, mdp=mdp), 0, atol=1e-10)


@BOTH
@pytest.mark.parametrize("batch", [2, 3])
def test_leave_one_out_is_unbiased(estimator, batch):
    np.testing.assert_allclose(bias(estimator, leave_one_out, batch=batch, horizon=3 - batch // 3), 0, atol=1e-12)


@BOTH
@pytest.mark.parametrize("gamma_power", [True, False])
@pytest.mark.parametrize("batch", [2, 3])
def test_optimal_is_unbiased_for_every_batch_size(estimator, gamma_power, batch):
    baseline = optimal(POLICY, THETA, gamma_power=gamma_power)
    np.testing.assert_allclose(bias(estimator, baseline, batch=batch, horizon=3 - batch // 3), 0, atol=1e-12)


@BOTH
def test_the_best_constant_of_the_judged_episode_itself_is_biased(estimator):
    """What `optimal` avoids: X . S / S . S of all episodes of the batch, the judged one included."""

    def in_sample(rollout, targets):
        steps = (THETA, rollout.observations[:-1], rollout.actions)
        X, S = POLICY.score(*steps, rollout.mask * targets), POLICY.score(*steps, rollout.mask)
        return (X * S).sum(axis=(-1, -2))[..., None] / (S * S).sum(axis=(-1, -2))[..., None]

    assert np.abs(bias(estimator, in_sample, batch=2)).max() > 0.01


def test_a_learned_value_is_unbiased_whatever_it_has_learned():
    baseline = learned(3, 0.5, seed=7)
    for _ in range(3):
        baseline.update(sampled())
    assert np.abs(baseline.w[:2]).min() > 0.01
    np.testing.assert_allclose(bias(reward_to_go, baseline, horizon=4), 0, atol=1e-10)


# --- biased, by exactly so much ---


@BOTH
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_batch_mean_shrinks_the_gradient_by_one_over_b(estimator, batch):
    gradient = exact_gradient(MDP, POLICY, THETA, horizon=2)
    assert np.abs(gradient).max() > 0.05
    np.testing.assert_allclose(bias(estimator, batch_mean, batch=batch), -gradient / batch, atol=1e-12)


@BOTH
def test_leave_one_out_is_the_batch_mean_made_longer(estimator):
    """psi with leave-one-out = B / (B - 1) psi with the batch mean, in every batch."""
    rollout = sampled(runs=(2,), episodes=4)
    found = estimator(rollout, baseline=leave_one_out)
    np.testing.assert_allclose(found, 4 / 3 * estimator(rollout, baseline=batch_mean), atol=1e-12)


# --- what they are ---


def test_means_over_the_batch_by_loops():
    rollout = sampled(runs=(2,), episodes=5)
    targets = np.random.default_rng(8).normal(size=rollout.rewards.shape)
    mean, others = batch_mean(rollout, targets), leave_one_out(rollout, targets)
    for t, run, b in np.ndindex(targets.shape):
        assert mean[t, run, 0] == pytest.approx(sum(targets[t, run]) / 5)
        assert others[t, run, b] == pytest.approx(sum(targets[t, run, c] for c in range(5) if c != b) / 4)


def test_state_values_are_looked_up():
    rollout = sampled(runs=(2,), episodes=5)
    seen = rollout.observations[:-1]
    shared, own = np.array([5.0, 6.0, 7.0]), np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(state_value(shared)(rollout, rollout.rewards), shared[seen])
    np.testing.assert_array_equal(state_value(lambda o: shared[o])(rollout, rollout.rewards), shared[seen])
    found = state_value(own)(rollout, rollout.rewards)
    for run in range(2):
        np.testing.assert_array_equal(found[:, run], own[run][seen[:, run]])


def test_a_constant_may_differ_between_runs():
    rollout = sampled(runs=(2,), episodes=3)
    own = np.array([[1.0], [-2.0]])
    plain, judged = (reward_to_go(rollout, baseline=b, gamma_power=False) for b in (none, constant(own)))
    np.testing.assert_allclose(plain - judged, own * rollout.mask, atol=1e-12)


@pytest.mark.parametrize("gamma_power", [True, False])
def test_optimal_by_loops(gamma_power):
    """b_i = sum_{j != i} X_j . S_j / sum_{j != i} S_j . S_j, for a softmax table."""
    rollout, theta = sampled(episodes=4), np.random.default_rng(9).normal(size=6)
    targets = np.random.default_rng(10).normal(size=rollout.rewards.shape)
    pi = np.exp(theta.reshape(3, 2)) / np.exp(theta.reshape(3, 2)).sum(axis=1, keepdims=True)
    above, below = [], []
    for b in range(4):
        X, S = np.zeros((3, 2)), np.zeros((3, 2))
        for t in range(int(rollout.lengths[b])):
            seen, action = rollout.observations[t, b], rollout.actions[t, b]
            score = (0.8**t if gamma_power else 1) * (np.eye(2)[action] - pi[seen])
            X[seen] += targets[t, b] * score
            S[seen] += score
        above.append((X * S).sum())
        below.append((S * S).sum())
    expected = [(sum(above) - above[i]) / (sum(below) - below[i]) for i in range(4)]
    found = optimal(POLICY, theta, gamma_power=gamma_power)(rollout, targets)
    np.testing.assert_allclose(np.broadcast_to(found, targets.shape)[0], expected, rtol=1e-10)


@pytest.mark.parametrize("theta", [0.2, 0.5])
def test_optimal_comes_to_the_best_constant_of_stay_or_stop(theta):
    """(1 + 2 theta) / (1 - theta), from 100,000 episodes; 4.5 standard errors of the ratio of two means."""
    mdp, policy, B = stay_or_stop(), Policy.softmax(Table(1, 2)), 100_000
    preferences = np.log([1 - theta, theta])
    rollout = collect(mdp, policy, preferences, rng=np.random.default_rng(11), episodes=B)
    returns = rollout.rewards.sum(axis=0)
    found = optimal(policy, preferences, gamma_power=False)(rollout, np.broadcast_to(returns, rollout.rewards.shape))
    best = (1 + 2 * theta) / (1 - theta)
    score = returns * (1 - theta) - theta  # with n stays and one stop, S is (1, -1) times -(n (1 - theta) - theta)
    error = (score**2 * (returns - best)).std() / np.sqrt(B) / (score**2).mean()
    assert np.abs(found - best).max() < 4.5 * error
    assert np.abs(returns.mean() - best) > 20 * error  # the mean return is another constant


# --- a value that learns ---


def test_a_learned_value_starts_afresh():
    """What an earlier training taught it, and its optimiser, is gone: the second time goes as the first."""
    baseline, rollout = LearnedValue(Table(3, 1), Adam(0.1)), sampled()
    runs = []
    for _ in range(2):
        baseline.start(np.random.default_rng(0))
        for _ in range(3):
            baseline.update(rollout)
        runs.append(baseline.w)
    np.testing.assert_array_equal(*runs)
    baseline.update(rollout)
    assert not np.array_equal(baseline.w, runs[0])


def test_a_learned_value_moves_by_the_mean_error():
    """w_s + learning rate / steps * sum over visits of (G - w_s), the same for every run by itself."""
    rollout = sampled(runs=(3,), episodes=4)
    baseline = learned(3, 0.5, seed=12, runs=3)
    baseline.w = before = np.random.default_rng(13).normal(size=(3, 3))
    baseline.update(rollout)
    returns = discounted_returns(rollout.rewards, rollout.discounts)
    for run in range(3):
        move = np.zeros(3)
        for t, b in np.argwhere(rollout.mask[:, run]):
            seen = rollout.observations[t, run, b]
            move[seen] += returns[t, run, b] - before[run, seen]
        np.testing.assert_allclose(baseline.w[run], before[run] + 0.5 * move / rollout.mask[:, run].sum(), atol=1e-13)


def test_a_learned_value_of_one_state_goes_to_the_mean_return_in_one_step():
    baseline = learned(1, 1.0, seed=14)
    rollout = sampled(episodes=50, mdp=stay_or_stop(), seed=15)
    baseline.update(rollout)
    returns = discounted_returns(rollout.rewards, rollout.discounts)
    assert baseline.w == pytest.approx(returns[rollout.mask == 1].mean())
    np.testing.assert_allclose(baseline(rollout, returns), baseline.w[0])


# --- the same, as a critic ---


def trial(approximator, runs=(2,), seed=20):
    """w, observations, targets, mask and values from which to go no further."""
    rng = np.random.default_rng(seed)
    w, shape = rng.normal(size=(*runs, approximator.size)), (6, *runs, 3)
    table = isinstance(approximator, Table)
    observations = rng.integers(3, size=shape) if table else rng.normal(size=(*shape, 2))
    targets, mask = rng.normal(size=shape), (rng.random(shape) > 0.3).astype(float)
    near = approximator.forward(w, observations)[..., 0] + rng.normal(size=shape) / 2
    return w, observations, targets, mask, near


CRITICS = pytest.mark.parametrize("approximator", [Table(3, 1), Linear(2, 1), MLP(2, (4,), 1)], ids=str)


def derivative(loss, w, h=1e-6):
    shifts = h * np.eye(w.shape[-1])
    return np.stack([(loss(w + s) - loss(w - s)) / (2 * h) for s in shifts], axis=-1)


@CRITICS
def test_values_are_the_outputs_without_their_axis(approximator):
    critic = LearnedValue(approximator, SGD(0.1))
    w, observations, *_ = trial(approximator)
    critic.start(np.random.default_rng(0), 2)
    critic.w = w
    found = critic.values(observations)
    assert found.shape == (6, 2, 3)
    np.testing.assert_array_equal(found, approximator.forward(w, observations)[..., 0])


@CRITICS
@pytest.mark.parametrize("runs", [(), (2,), (2, 2)])
def test_its_gradient_is_that_of_minus_half_the_mean_squared_error(approximator, runs):
    w, observations, targets, mask, _ = trial(approximator, runs)

    def loss(w):
        errors = targets - approximator.forward(w, observations)[..., 0]
        return -0.5 * (errors**2 * mask).sum(axis=(0, -1)) / mask.sum(axis=(0, -1))

    found = LearnedValue(approximator, SGD(0.1)).gradient(w, observations, targets, mask)
    assert found.shape == w.shape
    np.testing.assert_allclose(found, derivative(loss, w), atol=1e-7)
    assert not np.allclose(found * mask.sum() / mask.size, derivative(loss, w), atol=1e-3)  # a mean over masked steps


@CRITICS
@pytest.mark.parametrize("clip", [0.0, 0.3, 2.0])
def test_clipped_its_gradient_is_that_of_the_larger_of_two_errors(approximator, clip):
    """max((target - v)^2, (target - v clipped to near +- clip)^2), as in the program of Schulman et al. (2017)."""
    w, observations, targets, mask, near = trial(approximator)

    def loss(w):
        v = approximator.forward(w, observations)[..., 0]
        clipped = near + np.clip(v - near, -clip, clip)
        return (
            -0.5
            * (np.maximum((targets - v) ** 2, (targets - clipped) ** 2) * mask).sum(axis=(0, -1))
            / mask.sum(axis=(0, -1))
        )

    critic = LearnedValue(approximator, SGD(0.1))
    found = critic.gradient(w, observations, targets, mask, near=near, clip=clip)
    np.testing.assert_allclose(found, derivative(loss, w), atol=1e-7)
    if clip < 1:
        assert not np.allclose(critic.gradient(w, observations, targets, mask), found, atol=1e-3)


@CRITICS
def test_values_within_the_clip_all_have_their_say(approximator):
    """Rounding must not decide: near + (v - near) is not always v."""
    w, observations, targets, mask, near = trial(approximator)
    critic = LearnedValue(approximator, SGD(0.1))
    without = critic.gradient(w, observations, targets, mask)
    for clip in (100.0, np.inf):
        np.testing.assert_array_equal(critic.gradient(w, observations, targets, mask, near=near, clip=clip), without)


@CRITICS
def test_learning_is_one_step_of_the_optimiser_and_masked_steps_have_no_say(approximator):
    w, observations, targets, mask, near = trial(approximator)
    learned = []
    for junk in (targets, np.where(mask == 1, targets, 1e9)):
        critic = LearnedValue(approximator, SGD(0.3))
        critic.start(np.random.default_rng(0), 2)
        critic.w = w
        critic.learn(observations, junk, mask, near=near, clip=0.3)
        learned.append(critic.w)
    gradient = critic.gradient(w, observations, targets, mask, near=near, clip=0.3)
    np.testing.assert_allclose(learned[0], w + 0.3 * gradient, rtol=1e-13)
    np.testing.assert_array_equal(*learned)


def test_a_run_without_any_step_learns_nothing():
    w, observations, targets, mask, _ = trial(Table(3, 1))
    mask[:, 1] = 0
    found = LearnedValue(Table(3, 1), SGD(0.1)).gradient(w, observations, targets, mask)
    assert not found[1].any() and found[0].any()


def test_before_it_was_started_it_says_so():
    with pytest.raises(ValueError, match=r"a LearnedValue must be started before it is used: start\(rng, runs\)"):
        LearnedValue(Table(3, 1), SGD(0.1)).values(np.zeros((2, 1), dtype=int))


# --- mistakes ---


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda rollout: constant(np.nan), "value must be finite; got nan"),
        (lambda rollout: constant(None), "value must be finite; got None"),
        (lambda rollout: leave_one_out(rollout, rollout.rewards), "leave_one_out needs 2 or more episodes .* got 1"),
        (lambda rollout: optimal(POLICY, THETA)(rollout, rollout.rewards), "optimal needs 2 or more episodes .* got 1"),
        (lambda rollout: state_value([1, np.inf, 2]), "values must be a function, or finite numbers"),
        (lambda rollout: state_value(3.0), r"values must be a function, or .* \[O\]"),
        (lambda rollout: state_value([1.0])(rollout, rollout.rewards), r"values must be .* O > 1; got shape \(1,\)"),
        (lambda rollout: state_value(np.ones((2, 3)))(rollout, rollout.rewards), r"values must be .* shape \(2, 3\)"),
        (lambda rollout: LearnedValue(Table(3, 2), SGD(0.1)), "approximator must have 1 output, the value; got 2"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, message):
    rollout = sampled(episodes=1, seed=16)
    assert rollout.observations.max() > 0
    with pytest.raises(ValueError, match=message):
        call(rollout)


def test_short_episodes_have_no_more_say_than_long_ones():
    """The mean of many updates of whole episodes is 0 at the true value; divided by its own steps each would be biased."""
    world, policy, B = stay_or_stop(), Policy.softmax(Table(1, 2)), 4
    theta = np.tile(np.log([0.4, 0.6]), (20_000, 1))
    baseline, rng = LearnedValue(Table(1, 1), SGD(1.0)), np.random.default_rng(0)
    baseline.start(rng, len(theta))
    moves, own = [], []
    for batch in range(2):
        rollout = collect(world, policy, theta, episodes=B, rng=rng)
        baseline.w = np.full((len(theta), 1), 1.5)  # theta / (1 - theta), the true value, before each batch
        baseline.update(rollout)
        moves.append(baseline.w - 1.5)
        errors = (discounted_returns(rollout.rewards, rollout.discounts) - 1.5) * rollout.mask
        own.append(errors.sum(axis=(0, -1)) / rollout.mask.sum(axis=(0, -1)))
    assert np.allclose(moves[0][:, 0], own[0])  # nothing is known of other batches yet
    assert own[1].mean() < -0.25  # what dividing by a batch's own steps would do
    assert abs(moves[1].mean()) < 0.1 and moves[1].std() < 2  # the rest is the limit on unusually long batches


def test_a_batch_that_is_far_longer_than_usual_moves_a_table_twice_its_rate_at_most():
    baseline = LearnedValue(Table(1, 1), SGD(1.0))
    baseline.start(np.random.default_rng(0))
    observations, mask = np.zeros((100, 1), dtype=int), np.zeros((100, 1))
    mask[:2] = 1
    baseline.learn(observations, np.ones((100, 1)), mask, whole=True)
    assert baseline.w == pytest.approx([1.0])
    baseline.learn(observations, np.zeros((100, 1)), np.ones((100, 1)), whole=True)
    assert baseline.w == pytest.approx([-1.0])  # twice the error, not fifty times

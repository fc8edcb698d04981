"""A learned value against means by loops, derivatives by central differences, and laws of many batches."""

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from test_baselines import bias, sampled

from pgedu import MLP, SGD, Adam, LearnedValue, Linear, Policy, Table, collect, discounted_returns, ppo, reward_to_go
from pgedu import stay_or_stop
from pgedu.experience.rollouts import shares


def learned(observations, learning_rate, seed, runs=None):
    return LearnedValue(Table(observations, 1), SGD(learning_rate)).start(np.random.default_rng(seed), runs)


def test_a_learned_value_is_unbiased_whatever_it_has_learned():
    baseline = learned(3, 0.5, seed=7)
    for _ in range(3):
        baseline.learn_from(sampled())
    assert np.abs(baseline.w[:2]).min() > 0.01
    np.testing.assert_allclose(bias(reward_to_go, baseline, horizon=4), 0, atol=1e-10)


# --- a value that learns ---


def test_a_learned_value_starts_afresh():
    """What an earlier training taught it, and its optimiser, is gone: the second time goes as the first."""
    given, rollout = LearnedValue(Table(3, 1), Adam(0.1)), sampled()
    runs, baseline = [], given
    for _ in range(2):
        baseline = baseline.start(np.random.default_rng(0))
        for _ in range(3):
            baseline.learn_from(rollout)
        runs.append(baseline.w)
    np.testing.assert_array_equal(*runs)
    baseline.learn_from(rollout)
    assert not np.array_equal(baseline.w, runs[0]) and given.w is None


def test_a_learned_value_moves_by_the_mean_error():
    """w_s + learning rate / steps * sum over visits of (G - w_s), the same for every run by itself."""
    rollout = sampled(runs=(3,), episodes=4)
    baseline = learned(3, 0.5, seed=12, runs=3)
    baseline.w = before = np.random.default_rng(13).normal(size=(3, 3))
    baseline.learn_from(rollout)
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
    baseline.learn_from(rollout)
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


def clipping(targets, mask, near, clip):
    """The weights that ppo's value clipping gives, by its own method."""
    batch = SimpleNamespace(values=near, targets=targets)
    return partial(ppo.critic_weights, SimpleNamespace(clip_values=clip), batch, shares(mask))


CRITICS = pytest.mark.parametrize("approximator", [Table(3, 1), Linear(2, 1), MLP(2, (4,), 1)], ids=str)


def derivative(loss, w, h=1e-6):
    shifts = h * np.eye(w.shape[-1])
    return np.stack([(loss(w + s) - loss(w - s)) / (2 * h) for s in shifts], axis=-1)


@CRITICS
def test_values_are_the_outputs_without_their_axis(approximator):
    w, observations, *_ = trial(approximator)
    critic = LearnedValue(approximator, SGD(0.1)).start(np.random.default_rng(0), 2)
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

    found = LearnedValue(approximator, SGD(0.1)).gradient(w, observations, targets, shares(mask))
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
    found = critic.gradient(w, observations, targets, clipping(targets, mask, near, clip))
    np.testing.assert_allclose(found, derivative(loss, w), atol=1e-7)
    if clip < 1:
        assert not np.allclose(critic.gradient(w, observations, targets, shares(mask)), found, atol=1e-3)


@CRITICS
def test_values_within_the_clip_all_have_their_say(approximator):
    """Rounding must not decide: near + (v - near) is not always v."""
    w, observations, targets, mask, near = trial(approximator)
    critic = LearnedValue(approximator, SGD(0.1))
    without = critic.gradient(w, observations, targets, shares(mask))
    for clip in (100.0, np.inf):
        np.testing.assert_array_equal(critic.gradient(w, observations, targets, clipping(targets, mask, near, clip)), without)


@CRITICS
def test_learning_is_one_step_of_the_optimiser_and_masked_steps_have_no_say(approximator):
    w, observations, targets, mask, near = trial(approximator)
    learned = []
    for junk in (targets, np.where(mask == 1, targets, 1e9)):
        critic = LearnedValue(approximator, SGD(0.3)).start(np.random.default_rng(0), 2)
        critic.w = w
        critic.learn(observations, junk, clipping(junk, mask, near, 0.3))
        learned.append(critic.w)
    gradient = critic.gradient(w, observations, targets, clipping(targets, mask, near, 0.3))
    np.testing.assert_allclose(learned[0], w + 0.3 * gradient, rtol=1e-13)
    np.testing.assert_array_equal(*learned)


def test_a_run_without_any_step_learns_nothing():
    w, observations, targets, mask, _ = trial(Table(3, 1))
    mask[:, 1] = 0
    found = LearnedValue(Table(3, 1), SGD(0.1)).gradient(w, observations, targets, shares(mask))
    assert not found[1].any() and found[0].any()


def test_before_it_was_started_it_says_so():
    with pytest.raises(ValueError, match=r"a LearnedValue must be started before it is used: start\(rng, runs\)"):
        LearnedValue(Table(3, 1), SGD(0.1)).values(np.zeros((2, 1), dtype=int))



def test_short_episodes_have_no_more_say_than_long_ones():
    """The mean of many updates of whole episodes is 0 at the true value; divided by its own steps each would be biased."""
    world, policy, B = stay_or_stop(), Policy.softmax(Table(1, 2)), 4
    theta = np.tile(np.log([0.4, 0.6]), (20_000, 1))
    rng = np.random.default_rng(0)
    baseline = LearnedValue(Table(1, 1), SGD(1.0)).start(rng, len(theta))
    moves, own = [], []
    for batch in range(2):
        rollout = collect(world, policy, theta, episodes=B, rng=rng)
        baseline.w = np.full((len(theta), 1), 1.5)  # theta / (1 - theta), the true value, before each batch
        baseline.learn_from(rollout)
        moves.append(baseline.w - 1.5)
        errors = (discounted_returns(rollout.rewards, rollout.discounts) - 1.5) * rollout.mask
        own.append(errors.sum(axis=(0, -1)) / rollout.mask.sum(axis=(0, -1)))
    assert np.allclose(moves[0][:, 0], own[0])  # nothing is known of other batches yet
    assert own[1].mean() < -0.25  # what dividing by a batch's own steps would do
    assert abs(moves[1].mean()) < 0.1 and moves[1].std() < 2  # the rest is the limit on unusually long batches


def test_a_batch_that_is_far_longer_than_usual_moves_a_table_twice_its_rate_at_most():
    baseline = LearnedValue(Table(1, 1), SGD(1.0)).start(np.random.default_rng(0))
    observations, mask = np.zeros((100, 1), dtype=int), np.zeros((100, 1))
    mask[:2] = 1
    baseline.learn(observations, np.ones((100, 1)), baseline.usual_shares(mask))
    assert baseline.w == pytest.approx([1.0])
    baseline.learn(observations, np.zeros((100, 1)), baseline.usual_shares(np.ones((100, 1))))
    assert baseline.w == pytest.approx([-1.0])  # twice the error, not fifty times


# --- mistakes ---


@pytest.mark.parametrize("make, message", [
    (lambda: LearnedValue(Table(3, 2), SGD(0.1)), "approximator must be one with 1 output, the value, such as .*; got Table"),
    (lambda: LearnedValue(None, SGD(0.1)), "approximator must be one with 1 output, the value, .*; got None"),
    (lambda: LearnedValue(Table(3, 1), 0.1), "optimizer must be an optimizer, such as .*; got 0.1"),
    (lambda: LearnedValue(Table(3, 1), SGD), "optimizer must be an optimizer, such as .*; got <class"),
    (lambda: learned(3, 0.1, 0).learn(np.zeros((4, 2), dtype=int), np.zeros(2), np.ones((4, 2))),
     r"targets must be \[T, \*R, B\] = \(4, 2\); got shape \(2,\)"),
])  # fmt: skip
def test_mistakes_with_a_learned_value_are_named(make, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        make()


def test_two_of_one_optimizer_learn_as_each_would_alone():
    optimizer, rollout = Adam(0.1), sampled()
    alone = LearnedValue(Table(3, 1), Adam(0.1)).start(np.random.default_rng(0))
    one, other = (LearnedValue(Table(3, 1), optimizer).start(np.random.default_rng(0)) for _ in range(2))
    for _ in range(3):
        for value in (alone, one, other):
            value.learn_from(rollout)
        assert np.array_equal(one.w, alone.w) and np.array_equal(other.w, alone.w)


def test_the_usual_number_of_steps_is_a_running_mean_that_moves_a_tenth_of_the_way():
    value = LearnedValue(Table(3, 1), SGD(0.1)).start(np.random.default_rng(0), 1)
    usual = None
    for steps in (10, 20, 6, 40):
        mask = np.zeros((40, 1, 1))
        mask[:steps] = 1
        usual = steps if usual is None else usual
        found = value.usual_shares(mask)
        assert np.allclose(found[:steps], 1 / max(usual, steps / 2)) and not found[steps:].any()
        usual += 0.1 * (steps - usual)

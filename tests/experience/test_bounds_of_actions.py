"""What an environment gets, and what stays on record, where actions have bounds: clipped ones, and squashed ones."""

from statistics import NormalDist

import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

import pgedu as pg

N = 40_000
NORMAL = NormalDist()


class Bet(VectorEnv):
    """One step: the reward is the action that was played, in a Box low .. high. It remembers what it got."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, num_envs=N, low=-1.0, high=1.0, d=1, dtype=np.float64):
        self.num_envs = num_envs
        self.single_observation_space, self.single_action_space = spaces.Discrete(1), spaces.Box(low, high, (d,), dtype)

    def reset(self, *, seed=None, options=None):
        return np.zeros(self.num_envs, dtype=int), {}

    def step(self, actions):
        self.got, none = actions, np.zeros(self.num_envs, dtype=bool)
        return np.zeros(self.num_envs, dtype=int), actions[:, 0].astype(float), ~none, none, {}


def played_once(policy, outputs, env, seed=0):
    """(theta, rollout of one step): the outputs are the parameters."""
    theta = np.asarray(outputs, dtype=float)
    return theta, pg.collect(env, policy, theta, rng=np.random.default_rng(seed), episodes=env.num_envs)


def is_mean(samples, mean):
    return abs(samples.mean() - mean) < 4 * samples.std() / np.sqrt(len(samples))


PLAIN = pg.Policy(pg.Table(1, 2), pg.Gaussian(1))


def truth_and_wrong(mean):
    """E[played * score] with the score of the action drawn, and with that of the action clipped: fine sums, sigma 1."""
    z = np.linspace(-12, 12, 400_001)
    chances = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    played = np.clip(mean + z, -1, 1)
    return (chances * played * z).sum(), (chances * played * (played - mean)).sum()


def test_the_closed_forms_of_the_clipped_bet():
    truth, wrong = truth_and_wrong(0.0)
    assert truth == pytest.approx(2 * NORMAL.cdf(1) - 1, abs=1e-8) and truth == pytest.approx(0.6827, abs=5e-5)
    assert wrong == pytest.approx(1 - 2 * NORMAL.pdf(1), abs=1e-8) and wrong == pytest.approx(0.5161, abs=5e-5)
    assert truth_and_wrong(1.5) == pytest.approx((0.302, -0.397), abs=1e-3)  # the wrong one has the wrong sign


@pytest.mark.parametrize("mean", [0.0, 1.5])
def test_a_clipped_action_keeps_the_score_of_what_was_drawn(mean):
    theta, rollout = played_once(PLAIN, [mean, 0.0], env := Bet())
    assert (env.got == np.clip(rollout.actions[0], -1, 1)).all() and abs(rollout.actions).max() > 3
    gradients = PLAIN.score(theta, rollout.observations[:-1], rollout.actions, rollout.rewards)[:, 0]
    truth, wrong = truth_and_wrong(mean)
    assert is_mean(gradients, truth) and not is_mean(gradients, wrong)
    clipped = PLAIN.score(theta, rollout.observations[:-1], np.clip(rollout.actions, -1, 1), rollout.rewards)[:, 0]
    assert is_mean(clipped, wrong) and not is_mean(clipped, truth)


def test_score_of_the_log_std_at_clipped_actions_is_not_0_in_the_mean():
    theta, rollout = played_once(PLAIN, [0.0, 0.0], Bet())
    ones = np.ones_like(rollout.rewards)
    drawn, clipped = (PLAIN.score(theta, rollout.observations[:-1], actions, ones)[:, 1]
                      for actions in (rollout.actions, np.clip(rollout.actions, -1, 1)))  # fmt: skip
    second_moment = 2 * NORMAL.cdf(1) - 1 - 2 * NORMAL.pdf(1) + 2 * (1 - NORMAL.cdf(1))  # of z clipped to -1 .. 1
    assert second_moment - 1 == pytest.approx(-0.484, abs=5e-4)
    assert is_mean(drawn, 0.0) and is_mean(clipped, second_moment - 1) and not is_mean(clipped, 0.0)


class TestShareClipped:
    def test_is_the_chance_of_a_draw_beyond(self):
        _, rollout = played_once(PLAIN, [0.0, 0.0], env := Bet())
        beyond = (abs(rollout.actions[..., 0]) > 1).mean()
        assert pg.share_clipped(env, PLAIN, rollout) == pytest.approx(beyond, abs=1e-12)
        assert is_mean(abs(rollout.actions[0, :, 0]) > 1, 2 * NORMAL.cdf(-1))

    def test_is_of_real_steps_of_each_run_and_of_any_dimension(self):
        env, policy = Bet(8, d=2), pg.Policy(pg.Table(1, 4), pg.Gaussian(2))
        actions = np.zeros((3, 2, 4, 2))
        actions[0, 0, 1], actions[1, 0, 2, 1], actions[2, 1, 3, 0] = 5.0, -1.5, np.inf
        mask = np.ones((3, 2, 4))
        mask[2, 1, 3] = mask[0, 1] = 0
        rollout = pg.Rollout(None, actions, None, None, mask, None)
        assert pg.share_clipped(env, policy, rollout).tolist() == pytest.approx([2 / 12, 0.0])
        assert pg.share_clipped(env, policy, rollout._replace(mask=np.ones_like(mask)))[1] == pytest.approx(1 / 12)

    def test_is_0_for_what_is_squashed_and_for_a_bound_that_is_rounded(self):
        env = Bet(100, 0.1, 0.7, dtype=np.float32)
        policy = pg.Policy(pg.Table(1, 2), pg.SquashedGaussian(1, 0.1, 0.7))
        _, rollout = played_once(policy, [0.0, 5.0], env)
        assert pg.share_clipped(env, policy, rollout) == 0 and abs(rollout.actions).max() > 50
        plain = rollout._replace(actions=np.full((1, 100, 1), 1e300))
        assert pg.share_clipped(env, PLAIN, plain) == 1

    def test_what_does_not_fit_is_named(self):
        _, rollout = played_once(PLAIN, [0.0, 0.0], Bet(4))
        with pytest.raises(ValueError, match="^env must be a vector environment with a Box of actions; got"):
            pg.share_clipped(pg.TabularVectorEnv(pg.short_corridor(), 4), PLAIN, rollout)
        with pytest.raises(ValueError, match=r"^actions must be \[T, \*R, B, d\] = \(1, 4, 2\); got shape \(1, 4, 1\)"):
            pg.share_clipped(Bet(4, d=2), PLAIN, rollout)


GLOBAL = pg.Policy.squashed(pg.Table(1, 1), -1.0, 0.5)
OF_THE_STATE = pg.Policy(pg.Table(1, 2), pg.SquashedGaussian(1, -1.0, 0.5))


@pytest.mark.parametrize("policy", [GLOBAL, OF_THE_STATE], ids=["global log std", "log std of the state"])
class TestSquashed:
    outputs = np.array([0.4, -0.3])

    def test_the_environment_gets_what_is_played_and_the_record_keeps_what_was_drawn(self, policy):
        theta, rollout = played_once(policy, self.outputs, env := Bet())
        u = rollout.actions[0, :, 0]
        assert is_mean(u, 0.4) and is_mean((u - 0.4) ** 2, np.exp(-0.6))
        np.testing.assert_allclose(env.got[:, 0], -0.25 + 0.75 * np.tanh(u), rtol=1e-14, atol=1e-14)
        assert env.got.min() > -1 and env.got.max() < 0.5
        expected = [np.log(NormalDist(0.4, np.exp(-0.3)).pdf(x) / (0.75 * (1 - np.tanh(x) ** 2))) for x in u[:50]]
        np.testing.assert_allclose(rollout.log_probs[0, :50], expected, rtol=1e-9)

    def test_its_score_is_the_gradient_of_the_mean_reward(self, policy):
        theta, rollout = played_once(policy, self.outputs, Bet())
        gradients = policy.score(theta, rollout.observations[:-1], rollout.actions, rollout.rewards)
        z = np.linspace(-12, 12, 100_001)
        chances = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
        J = lambda m, l: (chances * (-0.25 + 0.75 * np.tanh(m + np.exp(l) * z))).sum()  # noqa: E731, E741
        for k, step in enumerate(1e-5 * np.eye(2)):
            slope = (J(*(self.outputs + step)) - J(*(self.outputs - step))) / 2e-5
            assert is_mean(gradients[:, k], slope) and not is_mean(gradients[:, k], slope + 0.05)

    def test_segments_of_several_runs_are_alike(self, policy):
        stream = pg.Stream(Bet(6), np.random.default_rng(0))
        theta = np.tile(self.outputs, (2, 1))
        rollout = pg.collect(stream, policy, theta, rng=np.random.default_rng(1), steps=5)
        assert rollout.actions.shape == (5, 2, 3, 1) and (rollout.mask[1::2] == 0).all()
        np.testing.assert_allclose(rollout.rewards, (-0.25 + 0.75 * np.tanh(rollout.actions[..., 0])) * rollout.mask)

    def test_it_must_play_within_the_box(self, policy):
        for env in (Bet(4, -0.9, 1.0), Bet(4, -1.0, 0.4), Bet(4, -1.0, 0.4, dtype=np.float32)):
            with pytest.raises(ValueError, match=r"^head must be one that plays within Box\(.*; got Squashed"):
                pg.collect(env, policy, self.outputs, rng=np.random.default_rng(0), steps=1)
        with pytest.raises(ValueError, match="^head must have dimensions = 2 to act in Box"):
            pg.collect(Bet(4, d=2), policy, self.outputs, rng=np.random.default_rng(0), steps=1)


def test_a_bound_that_its_box_rounds_is_no_bound_passed():
    """0.1 and 0.7 in single precision lie above and below themselves."""
    policy = pg.Policy.squashed(pg.Table(1, 1), 0.1, 0.7)
    theta, rollout = played_once(policy, [0.0, 3.0], env := Bet(1000, 0.1, 0.7, dtype=np.float32))
    assert env.got.dtype == np.float32 and all(env.single_action_space.contains(row) for row in env.got)


@pytest.mark.parametrize("algorithm", ["reinforce", "ppo"])
def test_trainings_drive_a_squashed_policy(algorithm):
    """They climb to the upper bound, which the reward is."""
    policy, rng, settings = pg.Policy.squashed(pg.Table(1, 1), -1.0, 0.5), np.random.default_rng(0), {"episodes": 20}
    if algorithm == "ppo":
        critic = pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.5))
        settings = {"critic": critic, "environments": 20, "steps": 4, "gamma": 0.9}
    training = getattr(pg, algorithm)(Bet(60), policy, optimizer=pg.Adam(0.05), rng=rng, runs=3, updates=60, **settings)
    *_, last = training
    assert (last.rollout.rewards[0].mean(axis=-1) > 0.3).all() and (last.theta[:, 0] > 1).all()
    assert not last.diverged.any() and (last.rollout.rewards <= 0.5).all()

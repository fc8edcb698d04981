"""Linear-quadratic environments: against Gymnasium's checker, the equations by hand, and each other."""

import warnings

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import pgedu as pg

NAME = "pgedu/LinearQuadratic-v0"


def test_it_passes_the_checker_of_gymnasium():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.filterwarnings("ignore", ".*(bounds|infinity|normalized|Box).*")  # it is unbounded, and means it
        check_env(gymnasium.make(NAME).unwrapped)


@pytest.mark.parametrize("seed", [0, 1])
def test_steps_are_the_equations(seed):
    A, B, Q, R = np.array([[1, 0.5], [0, 1]]), np.array([[0], [0.5]]), np.diag([1.0, 0.3]), np.array([[2.0]])
    env = gymnasium.make(NAME, Q=Q, R=R)
    (x, _), rng = env.reset(seed=seed), np.random.default_rng(seed)
    for _ in range(5):
        u = rng.normal(size=1)
        following, reward, terminated, truncated, _ = env.step(u)
        assert reward == pytest.approx(-(x @ Q @ x + u @ R @ u), rel=1e-12) and not (terminated or truncated)
        np.testing.assert_allclose(following, A @ x + B @ u, rtol=1e-12)
        x = following


def test_one_copy_of_many_is_the_single_one():
    settings = {"noise_covariance": [[0.2, 0.1], [0.1, 0.3]], "gamma": 0.9, "horizon": 4}
    single, many = gymnasium.make(NAME, **settings), gymnasium.make_vec(NAME, 1, vectorization_mode="vector_entry_point", **settings)
    (x, _), (y, _) = single.reset(seed=3), many.reset(seed=3)
    for t in range(4):
        np.testing.assert_array_equal(x, y[0])
        x, reward, terminated, *_ = single.step([0.7])
        y, rewards, ends, *_ = many.step([[0.7]])
        assert reward == rewards[0] and terminated == ends[0] == (t == 3)


def test_starts_and_noise_have_the_covariances_they_were_given():
    X, W = np.array([[2.0, 0.6], [0.6, 0.5]]), np.array([[1.0, 1.0], [1.0, 1.0]])  # the second of rank one
    world = pg.LinearQuadratic(np.zeros((2, 2)), np.ones((2, 1)), np.eye(2), np.eye(1), X, W, 0.9)
    env = world.vector_env(100_000)
    x, _ = env.reset(seed=0)
    y, *_ = env.step(np.zeros((100_000, 1)))
    for sample, covariance in ((x, X), (y, W)):
        np.testing.assert_allclose(np.cov(sample.T), covariance, atol=4 * 2 / np.sqrt(50_000))
    np.testing.assert_allclose(y[:, 0], y[:, 1], atol=1e-7)


def test_the_step_after_an_end_is_a_reset():
    env = pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0).vector_env(3, max_episode_steps=2)
    env.reset(seed=0)
    env.step(np.ones((3, 1)))
    _, rewards, terminated, truncated, _ = env.step(np.ones((3, 1)))
    assert truncated.all() and not terminated.any() and (rewards < 0).all()
    _, rewards, terminated, truncated, _ = env.step(np.ones((3, 1)))
    assert (rewards == 0).all() and not truncated.any() and not terminated.any()


def test_an_unstable_run_stays_a_number_and_leaves_the_others_alone():
    world = pg.LinearQuadratic(3.0, 1.0, 1.0, 1.0, gamma=0.99)
    policy = pg.Policy(pg.Gain(1, 1, std=0.1), pg.Gaussian(1))
    rollout = pg.collect(world, policy, [[-20.0], [2.5]], episodes=4, rng=np.random.default_rng(0), max_steps=500)
    assert np.isfinite(rollout.rewards).all() and np.isfinite(rollout.observations).all()
    assert rollout.rewards[-1, 0].max() < -1e199 and np.abs(rollout.observations[:, 1]).max() < 10
    training = pg.reinforce(world, policy, optimizer=pg.SGD(0.001), rng=np.random.default_rng(0), runs=2, episodes=4,
                            max_steps=500, theta=[[-20.0], [2.5]], updates=3)  # fmt: skip
    *_, progress = training
    assert progress.diverged.tolist() == [True, False] and np.isfinite(progress.theta).all()


@pytest.mark.parametrize("action", [[0.5], np.array([0.5], np.float32), np.array([2])])
def test_actions_of_any_precision_are_taken_as_they_are(action):
    single, many = gymnasium.make(NAME), gymnasium.make_vec(NAME, 1, vectorization_mode="vector_entry_point")
    single.reset(seed=0), many.reset(seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, reward, *_ = single.step(action)
    y, rewards, *_ = many.step(np.array([action], float))
    assert reward == rewards[0] and (x == y[0]).all() and x.dtype == np.float64


def test_bad_input():
    single = gymnasium.make(NAME)
    single.reset(seed=0)
    with pytest.raises(ValueError, match="actions must be finite numbers; got NaN or infinity"):
        single.step(np.array([np.inf]))
    env = pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0).vector_env(2)
    with pytest.raises(ValueError, match="must be reset before its first step"):
        env.step(np.ones((2, 1)))
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"actions must be \[N, M\] = \(2, 1\); got shape \(2,\)"):
        env.step(np.ones(2))
    with pytest.raises(ValueError, match="actions must be finite numbers; got NaN or infinity"):
        env.step(np.full((2, 1), np.nan))
    with pytest.raises(ValueError, match="num_envs must be a whole number of 1 or more; got 0"):
        pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0).vector_env(0)

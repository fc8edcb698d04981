"""The vectorised Pendulum against Gymnasium's single one: the same numbers from the same states and torques."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

import pgedu as pg

NAME = "pgedu/Pendulum-v0"
WORST = -(np.pi**2 + 0.1 * 8**2 + 0.001 * 2**2)  # hanging, at full speed, under full torque
SCALARS = pytest.mark.skipif(np.__version__.startswith("1."), reason="with NumPy 1 Gymnasium's scalars are doubles")
DTYPES = [np.float64, pytest.param(np.float32, marks=SCALARS)]


def states(slow):
    return np.array([env.unwrapped.state for env in slow.envs]).T


def both(copies, **settings):
    """Ours, and Gymnasium's single ones stepped one after the other; reset, and in the same states."""
    fast = gymnasium.make_vec(NAME, num_envs=copies, **settings)
    slow = gymnasium.make_vec("Pendulum-v1", num_envs=copies, vectorization_mode="sync", **settings)
    fast.reset(seed=0), slow.reset(seed=0)
    fast.unwrapped.state = states(slow)
    return fast.unwrapped, slow


def equal(ours, theirs):
    """Observations are of single precision, whose last digit may differ."""
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=2e-6)
    np.testing.assert_allclose(ours[1], theirs[1], rtol=0, atol=1e-9)
    assert np.array_equal(ours[2], theirs[2]) and np.array_equal(ours[3], theirs[3])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("settings", [{}, {"g": 9.81}])
def test_every_step_is_gymnasium_s(dtype, settings):
    """From any state, also after many turns, at the limits of speed, and with torques beyond their bounds."""
    fast, slow = both(40, **settings)
    rng, fastest, clipped = np.random.default_rng(0), 0, 0
    for _ in range(50):
        fast.state = rng.uniform([[-30.0], [-8.0]], [[30.0], [8.0]], size=(2, 40))
        for env, state in zip(slow.envs, fast.state.T):
            env.unwrapped.state = state.copy()
        torques = rng.uniform(-4, 4, size=(40, 1)).astype(dtype)
        equal(fast.step(torques), slow.step(torques))
        np.testing.assert_allclose(fast.state, states(slow), rtol=0, atol=1e-9)
        fastest, clipped = fastest + (abs(fast.state[1]) == 8).sum(), clipped + (abs(torques) > 2).sum()
    assert fastest > 50 and clipped > 500


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("limit", [None, 7])
def test_whole_episodes_are_gymnasium_s(dtype, limit):
    """With time limits (200 where none is asked for) and autoresets, after which both get the same first states."""
    fast, slow = both(20, **{} if limit is None else {"max_episode_steps": limit})
    assert fast.metadata["autoreset_mode"] == slow.metadata["autoreset_mode"] == AutoresetMode.NEXT_STEP
    rng, over, ends = np.random.default_rng(1), False, []
    for t in range(1, 206):
        torques = rng.uniform(-3, 3, size=(20, 1)).astype(dtype)
        ours, theirs = fast.step(torques), slow.step(torques)
        if over:  # this step was a reset
            assert (abs(fast.state) <= [[np.pi], [1]]).all() and (ours[1] == 0).all()
            fast.state = states(slow)
            ours = theirs[0], *ours[1:]
        equal(ours, theirs)
        np.testing.assert_allclose(fast.state, states(slow), rtol=0, atol=1e-9)
        over = ours[3].all()
        assert over == ours[3].any()
        ends += [t] if over else []
    assert ends == ([200] if limit is None else list(range(7, 206, 8)))


def test_only_the_copies_that_ended_start_anew():
    env = pg.PendulumVectorEnv(3, max_episode_steps=4)
    env.reset(seed=0)
    env.elapsed[1] = 2  # as if it had been started two steps later than the others
    still, ends = np.zeros((3, 1)), []
    for _ in range(10):
        before = env.state
        _, rewards, terminated, truncated, _ = env.step(still)
        moved = env.state[0] - before[0] - 0.05 * env.state[1]
        ends.append(truncated)
        assert np.array_equal(rewards == 0, abs(moved) > 1e-9) and not terminated.any()
        assert np.array_equal(rewards == 0, ends[-2] if len(ends) > 1 else [False] * 3)
    ends = np.array(ends)
    assert np.flatnonzero(ends[:, 0]).tolist() == np.flatnonzero(ends[:, 2]).tolist() == [3, 8]
    assert np.flatnonzero(ends[:, 1]).tolist() == [1, 6]


def test_a_reset_starts_all_anew_and_what_was_handed_over_is_the_caller_s():
    still = np.zeros((2, 1))
    for steps in (2, 3):  # in the midst of an episode, and right after its end
        env = pg.PendulumVectorEnv(2, max_episode_steps=3)
        env.reset(seed=0)
        assert [env.step(still)[3].all() for _ in range(steps)] == [False, False, True][:steps]
        env.reset(seed=1)
        assert [env.step(still)[3].all() for _ in range(3)] == [False, False, True]
    assert (env.step(still)[1] == 0).all()
    truncated = env.step(still)[3]
    truncated[:] = True
    assert (env.step(still)[1] < 0).all()  # no reset, whatever was written there


def test_its_own_limit_is_that_of_pendulum_v1():
    assert pg.PendulumVectorEnv(2).max_episode_steps == gymnasium.spec("Pendulum-v1").max_episode_steps


def test_without_a_limit_nothing_ends():
    env = pg.PendulumVectorEnv(2, max_episode_steps=None)
    env.reset(seed=0)
    assert not any(env.step(np.ones((2, 1)))[3].any() for _ in range(300))


@pytest.mark.parametrize("options", [None, {"x_init": 0.3}, {"x_init": 0.1, "y_init": 0.2}])
def test_first_states_are_those_of_so_many_resets_of_a_single_environment(options):
    env, single = pg.PendulumVectorEnv(6), gymnasium.make(NAME)
    theirs = [single.reset(seed=5, options=options)[0], *(single.reset(options=options)[0] for _ in range(5))]
    observations, _ = env.reset(seed=5, options=options)
    np.testing.assert_allclose(observations, theirs, rtol=0, atol=1e-6)


def test_seeds_reproduce_also_what_autoresets_draw():
    env = pg.PendulumVectorEnv(4, max_episode_steps=3)
    torques = np.random.default_rng(0).uniform(-2, 2, size=(9, 4, 1))

    def play(seed):
        return np.array([env.reset(seed=seed)[0], *(env.step(each)[0] for each in torques)])

    first = play(1)
    assert np.array_equal(first, play(1)) and not (first == play(2))[:, :, 2].any()


def test_what_underflows_is_0():
    env = pg.PendulumVectorEnv(1)
    env.reset(seed=0)
    env.state = np.array([[0.0], [1e-300]])
    with np.errstate(all="raise"):
        assert env.step(np.full((1, 1), 1e-200))[1] == 0


def test_spaces_are_gymnasium_s_and_hold_what_comes():
    fast, slow = both(3)
    for name in ("observation_space", "action_space", "single_observation_space", "single_action_space"):
        assert getattr(fast, name) == getattr(slow, name)
    observations, rewards, *ends, _ = fast.step(fast.action_space.sample())
    assert observations in fast.observation_space and rewards.shape == (3,) and rewards.dtype == float
    assert all(each.shape == (3,) and each.dtype == bool for each in ends)


def test_gymnasium_s_checker_passes():
    with pytest.warns(UserWarning, match="recommend using a symmetric and normalized space"):  # -2 .. 2 is its own choice
        check_env(gymnasium.make(NAME).unwrapped, skip_render_check=True)
    assert gymnasium.make(NAME, g=1.0).unwrapped.g == gymnasium.make_vec(NAME, num_envs=2, g=1.0).unwrapped.g == 1
    assert gymnasium.spec(NAME).max_episode_steps == gymnasium.spec("Pendulum-v1").max_episode_steps


def costs(rollout):
    """Gymnasium's documentation of Pendulum, from what the policy saw and did."""
    cos, sin, speed = np.moveaxis(rollout.observations[:-1], -1, 0)
    torque = np.clip(rollout.actions[..., 0], -2, 2)
    return (np.arctan2(sin, cos) ** 2 + 0.1 * speed**2 + 0.001 * torque**2) * rollout.mask


def test_collect_gives_whole_episodes():
    policy = pg.Policy.gaussian(pg.Linear(3, 1), log_std=1.0)
    theta = policy.init(np.random.default_rng(0), 2)
    rollout = pg.collect(pg.PendulumVectorEnv(6, max_episode_steps=30), policy, theta, rng=np.random.default_rng(0))
    assert rollout.observations.shape == (31, 2, 3, 3) and rollout.actions.shape == (30, 2, 3, 1)
    assert (rollout.lengths == 30).all() and (rollout.discounts == 1).all()  # cut off, not ended
    assert abs(rollout.actions).max() > 2
    np.testing.assert_allclose(rollout.rewards, -costs(rollout), rtol=0, atol=1e-4)


def test_ppo_learns_from_it():
    policy = pg.Policy.gaussian(pg.Linear(3, 1))
    training = pg.ppo(
        pg.PendulumVectorEnv(6, max_episode_steps=10), policy, critic=pg.LearnedValue(pg.Linear(3, 1), pg.SGD(0.01)),
        optimizer=pg.Adam(0.01), rng=np.random.default_rng(0), runs=2, environments=3, steps=22, gamma=0.9, updates=3,
    )  # fmt: skip
    first, *_, last = training
    assert last.theta.shape == (2, policy.size) and not last.diverged.any() and (first.theta != last.theta).all()
    assert last.rollout.rewards.shape == (22, 2, 3) and last.returns.shape == (2, 3)
    np.testing.assert_allclose(last.rollout.rewards, -costs(last.rollout), rtol=0, atol=1e-4)
    assert (first.rollout.mask[10::11] == 0).all() and first.rollout.mask.sum() == 20 * 6
    np.testing.assert_allclose(first.returns, first.rollout.rewards[11:21].sum(axis=0), rtol=0, atol=1e-9)
    assert (10 * WORST < last.returns).all() and (last.returns < 0).all()


@pytest.mark.parametrize("torques, said", [
    (np.zeros(2), r"actions must be \[N, 1\] = \(2, 1\); got shape \(2,\)"),
    (np.zeros((3, 1)), r"actions must be \[N, 1\] = \(2, 1\); got shape \(3, 1\)"),
    ([[0.0], [np.nan]], "actions must be finite numbers; got NaN or infinity"),
    ([["left"], ["right"]], r"actions must be numbers \[N, 1\]; got"),
])  # fmt: skip
def test_wrong_actions_are_named(torques, said):
    env = pg.PendulumVectorEnv(2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=f"^{said}"):
        env.step(torques)


def test_a_step_before_the_first_reset_is_named():
    with pytest.raises(ValueError, match="^the environment must be reset before its first step; got"):
        pg.PendulumVectorEnv(2).step(np.zeros((2, 1)))


@pytest.mark.parametrize("settings, said", [
    (dict(num_envs=0), "num_envs must be a whole number of 1 or more; got 0"),
    (dict(max_episode_steps=0), "max_episode_steps must be a whole number of 1 or more; got 0"),
    (dict(g="down"), "g must be a number; got 'down'"),
])  # fmt: skip
def test_what_does_not_fit_is_named(settings, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        pg.PendulumVectorEnv(**settings)
    with pytest.raises(ValueError, match="^y_init must be a number; got 'fast'"):
        pg.PendulumVectorEnv(2).reset(options={"y_init": "fast"})

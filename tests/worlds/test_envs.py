"""The Gymnasium environments against Gymnasium's own checker, and against the arrays that they come from."""

from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import pgedu as pg

NAMES = [f"pgedu/{world}-v0" for world in ("Bandit", "StayOrStop", "ShortCorridor", "CliffWalk")]


def fits(counts, probabilities):
    """Pearson's chi-square test at four standard deviations (Wilson & Hilferty), and nothing impossible seen."""
    possible = probabilities > 0
    expected = counts.sum() * probabilities[possible]
    statistic, freedom = ((counts[possible] - expected) ** 2 / expected).sum(), possible.sum() - 1
    bound = freedom * (1 - 2 / (9 * freedom) + 4 * np.sqrt(2 / (9 * freedom))) ** 3
    return counts[~possible].sum() == 0 and statistic < bound


def single_steps(env, steps, rng):
    """(first states, list of (state, action, reward, next state)) of a single environment."""
    starts, records = [env.reset(seed=3)[0]], []
    state = starts[0]
    for _ in range(steps):
        action = int(rng.integers(env.action_space.n))
        following, reward, terminated, truncated, _ = env.step(action)
        records.append((state, action, reward, following))
        state = env.reset()[0] if terminated or truncated else following
        starts += [state] if terminated or truncated else []
    return np.array(starts), np.array(records)


def vector_steps(env, steps, rng):
    """The same of a vector environment in NEXT_STEP mode."""
    state, _ = env.reset(seed=3)
    starts, records, over = [*state], [], np.zeros(env.num_envs, dtype=bool)
    for _ in range(steps):
        actions = rng.integers(env.single_action_space.n, size=env.num_envs)
        following, rewards, terminated, truncated, _ = env.step(actions)
        assert (rewards[over] == 0).all() and not (terminated | truncated)[over].any()
        starts += [*following[over]]
        records += [*zip(state[~over], actions[~over], rewards[~over], following[~over])]
        state, over = following, terminated | truncated
    return np.array(starts), np.array(records)


@pytest.mark.parametrize("name", NAMES)
def test_gymnasium_s_checker_passes(name):
    check_env(gymnasium.make(name).unwrapped)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("mode", ["vector_entry_point", "sync"])
def test_reset_seeds_reproduce(name, mode):
    env = gymnasium.make_vec(name, num_envs=5, vectorization_mode=mode)
    actions = np.random.default_rng(0).integers(env.single_action_space.n, size=(60, 5))

    def play(seed):
        return np.array([env.reset(seed=seed)[0], *(np.array(env.step(a)[:4]) for a in actions)], dtype=object)

    first = play(1)
    assert all(np.array_equal(a, b) for a, b in zip(first, play(1)))
    if "Bandit" in name:  # the others are deterministic worlds
        assert not all(np.array_equal(a, b) for a, b in zip(first, play(2)))


@pytest.mark.parametrize("name", NAMES[1:])
@pytest.mark.parametrize("limit", [3, 7])
def test_the_fast_vector_environment_steps_as_gymnasium_s_own_does(name, limit):
    """Deterministic worlds: observations, rewards, ends, time limits and autoresets must agree number for number."""
    make = dict(num_envs=4, max_episode_steps=limit)
    fast, slow = (gymnasium.make_vec(name, vectorization_mode=m, **make) for m in ("vector_entry_point", "sync"))
    assert fast.metadata["autoreset_mode"] == slow.metadata["autoreset_mode"]
    assert np.array_equal(fast.reset(seed=0)[0], slow.reset(seed=0)[0])
    truncations, rng = 0, np.random.default_rng(0)
    for _ in range(80):
        actions = rng.integers(fast.single_action_space.n, size=4)
        ours, theirs = fast.step(actions), slow.step(actions)
        assert all(np.array_equal(a, b) for a, b in zip(ours[:4], theirs[:4]))
        truncations += ours[3].sum()
    assert truncations > 0


@pytest.mark.parametrize("steps, make", [(single_steps, lambda m: pg.TabularEnv(m)),
                                         (vector_steps, lambda m: pg.TabularVectorEnv(m, 50))])  # fmt: skip
def test_transitions_and_rewards_have_the_law_of_the_arrays(steps, make):
    mdp = pg.random_mdp(np.random.default_rng(1), states=3)
    starts, records = steps(make(mdp), 12_000 if steps is single_steps else 300, np.random.default_rng(0))
    states, actions, following = records[:, [0, 1, 3]].astype(int).T
    assert (records[:, 2] == mdp.rewards[states, actions]).all()
    assert fits(np.bincount(starts, minlength=4), mdp.start)
    counts = np.zeros_like(mdp.transitions)
    np.add.at(counts, (states, actions, following), 1)
    rows = [(s, a) for s in range(3) for a in range(2)]
    assert all(fits(counts[row], mdp.transitions[row]) for row in rows)
    assert not any(fits(counts[row], mdp.transitions[row][::-1]) for row in rows)  # the test can fail


@pytest.mark.parametrize("steps, make", [(single_steps, lambda m: pg.TabularEnv(m)),
                                         (vector_steps, lambda m: pg.TabularVectorEnv(m, 50))])  # fmt: skip
def test_noisy_rewards_have_their_mean_and_deviation(steps, make):
    mdp = pg.bandit([1.0, -1.0], noise=0.5)
    _, records = steps(make(mdp), 8000 if steps is single_steps else 320, np.random.default_rng(0))
    for arm, mean in enumerate([1.0, -1.0]):
        rewards = records[records[:, 1] == arm, 2]
        n = len(rewards)
        assert n > 3000
        assert abs(rewards.mean() - mean) < 4 * 0.5 / np.sqrt(n)
        assert abs(rewards.std() - 0.5) < 4 * 0.5 / np.sqrt(2 * n)


def test_a_horizon_terminates_and_a_limit_truncates():
    world = replace(pg.short_corridor(), horizon=5)
    for limit, ends in ((None, (True, False)), (3, (False, True)), (5, (True, True))):
        env = pg.TabularVectorEnv(world, 2, max_episode_steps=limit)
        env.reset(seed=0)
        for t in range(1, 6):
            *_, terminated, truncated, _ = env.step(np.zeros(2, dtype=int))
            if t == (limit or 5):
                assert (terminated == ends[0]).all() and (truncated == ends[1]).all()
                break
            assert not (terminated | truncated).any()


def test_settings_of_a_world_pass_through():
    assert gymnasium.make("pgedu/CliffWalk-v0", rows=3, columns=5).observation_space.n == 15
    assert gymnasium.make_vec("pgedu/CliffWalk-v0", num_envs=2, columns=5).single_observation_space.n == 20


@pytest.mark.parametrize("action", [2, -1, 0.5, "left", np.nan])
def test_a_wrong_action_is_named(action):
    env = pg.TabularEnv(pg.short_corridor())
    env.reset(seed=0)
    with pytest.raises(ValueError, match="^action must be in Discrete.*; got"):
        env.step(action)


@pytest.mark.parametrize("actions", [[0, 2], [-1, 0], [0], [[0, 1]], [0.0, 1.0], 0])
def test_wrong_actions_are_named(actions):
    env = pg.TabularVectorEnv(pg.short_corridor(), 2)
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"^actions must be 2 integers in 0 \.\. 1; got"):
        env.step(np.array(actions))


def test_an_environment_is_one_world():
    with pytest.raises(ValueError, match=r"^rewards of an environment must be \[S, A\]; got shape \(3, 2, 2\)"):
        pg.TabularEnv(pg.bandit(np.zeros((3, 2))))


@pytest.mark.parametrize("make", [pg.TabularEnv, lambda mdp: pg.TabularVectorEnv(mdp, 2)])
def test_a_step_before_the_first_reset_is_named(make):
    env = make(pg.short_corridor())
    action = env.action_space.sample()
    with pytest.raises(ValueError, match="^the environment must be reset before its first step; got"):
        env.step(action)
    env.reset(seed=0)
    env.step(action)


@pytest.mark.parametrize("settings, said", [
    (dict(num_envs=0), "num_envs must be a whole number of 1 or more; got 0"),
    (dict(num_envs=2.0), "num_envs must be a whole number of 1 or more; got 2.0"),
    (dict(max_episode_steps=0), "max_episode_steps must be a whole number of 1 or more; got 0"),
    (dict(max_episode_steps=3.5), "max_episode_steps must be a whole number of 1 or more; got 3.5"),
    (dict(mdp=pg.TabularEnv(pg.campaign())), "mdp must be a finite world such as an MDP; got <"),
    (dict(mdp=pg.MDP), "mdp must be a finite world such as an MDP; got <class"),
    (dict(mdp=None), "mdp must be a finite world such as an MDP; got None"),
    (dict(mdp=replace(pg.campaign(), policy_rewards=np.exp)), "policy_rewards of an environment must be None; got <uf"),
])  # fmt: skip
def test_what_does_not_fit_is_named(settings, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        pg.TabularVectorEnv(**{"mdp": pg.short_corridor()} | settings)


def test_an_mdp_gives_itself_as_an_environment():
    env = replace(pg.campaign(), horizon=None).vector_env(3, max_episode_steps=4)
    assert isinstance(env, pg.TabularVectorEnv) and env.num_envs == 3 and env.max_episode_steps == 4
    assert env.single_observation_space.n == 3 and env.single_action_space.n == 2
    assert pg.campaign().vector_env(1).max_episode_steps is None


def test_the_registered_bandit_has_ten_arms_from_minus_1_to_1_and_unit_noise():
    env = gymnasium.make_vec("pgedu/Bandit-v0", num_envs=40_000)
    env.reset(seed=0)
    for arm, value in ((0, -1.0), (3, -1 / 3), (9, 1.0)):
        rewards = env.step(np.full(40_000, arm))[1]
        assert abs(rewards.mean() - value) < 0.03 and abs(rewards.std() - 1) < 0.03
        env.step(np.zeros(40_000, dtype=int))  # the reset after each end
    assert env.single_action_space.n == 10

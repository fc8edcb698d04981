"""Segments and whole episodes from a counting environment whose every step is known, in every autoreset mode."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

import pgedu as pg

MODES = list(AutoresetMode)
GAMMA = 0.9
T = 40
# (length, terminated, truncated) of one episode after another: long and short ones, both kinds of end, both at once
SCHEDULES = [
    [(3, True, False), (2, False, True), (1, False, True), (1, True, False), (4, False, True)],
    [(1, False, True), (1, True, False), (5, False, True), (2, True, True)],
    [(7, True, False), (6, False, True)],
]
COIN = pg.Policy.softmax(pg.Linear(2, 2))  # at theta = 0


def reward_of(episode, step, action):
    return 100 * episode + 10 * step + action + 1


class Counting(gymnasium.Env):
    """Observes (episode, step); ends as its schedule says; remembers the seeds that it was given."""

    observation_space = spaces.Box(0, np.inf, (2,))
    action_space = spaces.Discrete(2)

    def __init__(self, schedule, seeds=None):
        self.schedule, self.seeds, self.episode, self.acts = schedule, [] if seeds is None else seeds, -1, []

    def observe(self):
        return np.array([self.episode, self.count], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.episode, self.count = 0 if seed is not None else self.episode + 1, 0
        return self.observe(), {}

    def step(self, action):
        reward = reward_of(self.episode, self.count, action)
        self.acts.append((self.episode, self.count, int(action)))
        self.count += 1
        length, terminated, truncated = self.schedule[self.episode % len(self.schedule)]
        over = self.count == length
        return self.observe(), reward, over and terminated, over and truncated, {}


def counting(mode, seeds=None):
    return SyncVectorEnv([lambda s=s: Counting(s, seeds) for s in SCHEDULES], autoreset_mode=mode)


def expected_segment(schedule, mode, steps):
    """For each row: (mask, episode, step, terminated, truncated), told step by step from the documented rules."""
    rows, episode, count, skip = [], 0, 0, False
    while len(rows) < steps:
        if skip and mode == AutoresetMode.NEXT_STEP:  # the environment's own reset step
            rows.append((0, episode, count, False, False))
            skip = False
            continue
        length, terminated, truncated = schedule[episode % len(schedule)]
        over = count + 1 == length
        rows.append((int(not skip), episode, count, over and terminated, over and truncated))
        bootstraps = over and truncated and not terminated and not skip
        skip = over if mode == AutoresetMode.NEXT_STEP else bootstraps
        episode, count = (episode + 1, 0) if over else (episode, count + 1)
    return rows


def is_true(rollout, mode, steps=T):
    """Is every recorded step a true one, with the documented mask and discount?"""
    for column, schedule in enumerate(SCHEDULES):
        for t, (mask, episode, step, terminated, truncated) in enumerate(expected_segment(schedule, mode, steps)):
            here = {name: getattr(rollout, name)[t, column] for name in ("mask", "rewards", "discounts", "log_probs")}
            good = here["mask"] == mask
            if mask:
                good &= tuple(rollout.observations[t, column]) == (episode, step)
                good &= here["rewards"] == reward_of(episode, step, rollout.actions[t, column])
                good &= here["discounts"] == (0 if terminated else GAMMA)
                good &= here["log_probs"] == pytest.approx(np.log(0.5))
                if not terminated:  # what follows a step, also a truncated one, is its own true successor
                    good &= tuple(rollout.observations[t + 1, column]) == (episode, step + 1)
            else:
                good &= here["rewards"] == here["discounts"] == here["log_probs"] == 0
            if not good:
                return False
    return True


def collect(world, policy=COIN, theta=None, seed=0, **settings):
    theta = np.zeros(policy.size) if theta is None else theta
    return pg.collect(world, policy, theta, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize("mode", MODES)
def test_segments_hold_true_steps_in_every_autoreset_mode(mode):
    rollout = collect(counting(mode), steps=T, gamma=GAMMA)
    assert rollout.observations.shape == (T + 1, 3, 2) and rollout.actions.shape == (T, 3)
    assert is_true(rollout, mode)
    # the check can fail
    assert not is_true(rollout._replace(mask=np.ones_like(rollout.mask)), mode)
    assert not is_true(rollout._replace(discounts=GAMMA * rollout.mask), mode)  # terminations that bootstrap
    assert not is_true(rollout._replace(actions=1 - rollout.actions), mode)
    assert not is_true(rollout._replace(observations=np.roll(rollout.observations, 1, axis=0)), mode)
    others = [other for other in MODES if AutoresetMode.NEXT_STEP in (mode, other) and other != mode]
    assert not any(is_true(rollout, other) for other in others)


@pytest.mark.parametrize("mode", MODES)
def test_the_policy_acts_on_what_the_environment_shows_now(mode):
    """Also on the steps that are not recorded, where the record still shows the last of a truncated episode."""
    waits_first = np.array([0, 0, 0, 1e3, 0, -500.0])  # W [2, 2], bias: action 0 on an episode's first step only
    env = counting(mode)
    collect(env, theta=waits_first, steps=T)
    acts = [act for one in env.envs for act in one.acts]
    assert len(acts) > 2 * T and {action for *_, action in acts} == {0, 1}
    assert all(action == (step > 0) for _, step, action in acts)
    collect(env, theta=-waits_first, steps=T)
    assert not all(action == (step > 0) for one in env.envs for _, step, action in one.acts)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("lengths", [(1,) * T, (3, 30, 7)])
def test_segments_of_a_stream_continue_one_another(mode, lengths):
    """Cut anywhere, also between an end and its reset step, the segments together are the long one."""
    stream, rng = pg.Stream(counting(mode), np.random.default_rng(0)), np.random.default_rng(0)
    parts = [pg.collect(stream, COIN, np.zeros(COIN.size), rng=rng, steps=n, gamma=GAMMA) for n in lengths]
    assert all((a.observations[-1] == b.observations[0]).all() for a, b in zip(parts, parts[1:]))
    joined = [np.concatenate([getattr(p, name) for p in parts]) for name in pg.Rollout._fields[1:]]
    observations = np.concatenate([*(p.observations[:-1] for p in parts), parts[-1].observations[-1:]])
    assert is_true(pg.Rollout(observations, *joined), mode)


@pytest.mark.parametrize("name, policy", [("CartPole-v1", pg.Policy.softmax(pg.Linear(4, 2))),
                                          ("pgedu/ShortCorridor-v0", pg.Policy.softmax(pg.Table(1, 2)))])  # fmt: skip
@pytest.mark.parametrize("mode", ["sync", "vector_entry_point"])
def test_two_segments_are_one_long_one(name, policy, mode):
    def play(*lengths):
        rng = np.random.default_rng(5)
        stream = pg.Stream(gymnasium.make_vec(name, num_envs=4, vectorization_mode=mode, max_episode_steps=30), rng)
        return [pg.collect(stream, policy, np.zeros((2, policy.size)), rng=rng, steps=n) for n in lengths]

    (long,), (first, second) = play(128), play(64, 64)
    assert long.mask.min() == 0  # episodes ended on the way
    assert np.array_equal(long.observations, np.concatenate([first.observations[:-1], second.observations]))
    for field in pg.Rollout._fields[1:]:
        assert np.array_equal(getattr(long, field), np.concatenate([getattr(first, field), getattr(second, field)]))


@pytest.mark.parametrize("mode", MODES)
def test_returns_are_those_of_the_last_episode_that_ended_in_each_column(mode):
    """Summed over what each environment did, recorded or not; NaN before the first end."""
    env, rng = counting(mode), np.random.default_rng(0)
    stream = pg.Stream(env, rng)
    seen_nan = False
    for _ in range(T):
        pg.collect(stream, COIN, np.zeros(COIN.size), rng=rng, steps=1)
        for one, found in zip(env.envs, stream.returns):
            over = [
                episode for episode, count, _ in one.acts if count + 1 == one.schedule[episode % len(one.schedule)][0]
            ]
            rewards = [reward_of(*act) for act in one.acts if over and act[0] == over[-1]]
            assert found == sum(rewards) if over else np.isnan(found)
            seen_nan |= not over
    assert seen_nan and np.isfinite(stream.returns).all()


@pytest.mark.parametrize("mode", MODES)
def test_whole_episodes_end_once(mode):
    rollout = collect(counting(mode), episodes=3, gamma=GAMMA)
    lengths = [schedule[0][0] for schedule in SCHEDULES]
    assert rollout.lengths.tolist() == lengths and len(rollout.mask) == max(lengths)
    for column, schedule in enumerate(SCHEDULES):
        length, terminated, _ = schedule[0]
        assert rollout.mask[:, column].tolist() == [1] * length + [0] * (7 - length)
        assert rollout.discounts[:length, column].tolist() == [GAMMA] * (length - 1) + [0 if terminated else GAMMA]
        assert rollout.observations[:length, column].tolist() == [[0, step] for step in range(length)]
        if not terminated:
            assert rollout.observations[length, column].tolist() == [0, length]
        steps = [reward_of(0, step, rollout.actions[step, column]) for step in range(length)]
        assert rollout.rewards[:, column].tolist() == steps + [0] * (7 - length)


@pytest.mark.parametrize("mode", MODES)
def test_every_reset_of_ours_has_a_fresh_seed_and_autoresets_have_none(mode):
    env, seeds, rng = counting(mode, seeds := []), seeds, np.random.default_rng(0)
    for _ in range(5):
        pg.collect(env, COIN, np.zeros(COIN.size), rng=rng)
    given = [seed for seed in seeds if seed is not None]
    assert len(given) == len(set(given)) == 15
    seeds.clear()
    stream = pg.Stream(env, rng)
    for _ in range(3):
        pg.collect(stream, COIN, np.zeros(COIN.size), rng=rng, steps=9)
    assert sum(seed is not None for seed in seeds) == 3 < len(seeds)

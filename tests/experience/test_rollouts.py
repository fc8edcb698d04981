"""Experience against trajectories enumerated by hand, closed forms, and mistakes against their sentences."""

from collections import Counter
from dataclasses import replace

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

import pgedu as pg
from pgedu.experience.rollouts import collecting, masked_mean

TABLE = pg.Policy.softmax(pg.Table(1, 2))
CORRIDOR = pg.short_corridor()


def collect(world, policy=TABLE, theta=None, seed=0, **settings):
    theta = np.zeros(policy.size) if theta is None else theta
    return pg.collect(world, policy, theta, rng=np.random.default_rng(seed), **settings)


@pytest.mark.parametrize("world", [pg.short_corridor(), "pgedu/ShortCorridor-v0", "CartPole-v1"])
def test_the_generator_alone_decides(world):
    policy = pg.Policy.softmax(pg.Linear(4, 2) if world == "CartPole-v1" else pg.Table(1, 2))
    env = gymnasium.make_vec(world, num_envs=6) if isinstance(world, str) else world
    first, again, other = (collect(env, policy, seed=seed, episodes=6) for seed in (0, 0, 1))
    assert all(np.array_equal(a, b) for a, b in zip(first, again))
    assert first.actions.shape != other.actions.shape or (first.actions != other.actions).any()


# --- the law of an MDP ---


def paths(mdp, chances, horizon):
    """Every trajectory, by recursion: Counter of (observed states, actions, rewards) -> probability."""
    found = Counter()

    def grow(probability, states, actions):
        if probability == 0:
            return
        if mdp.terminal[states[-1]] or len(actions) == horizon:
            rewards = tuple(mdp.rewards[s, a] for s, a in zip(states, actions))
            found[tuple(mdp.observation[list(states)]), actions, rewards] += probability
            return
        s = states[-1]
        for a, following in np.ndindex(mdp.n_actions, mdp.n_states):
            grow(probability * chances[s, a] * mdp.transitions[s, a, following], (*states, following), (*actions, a))

    for s, probability in enumerate(mdp.start):
        grow(probability, (s,), ())
    return found


def as_paths(rollout, run):
    """Counter of the same keys in a rollout with one run axis."""
    seen = Counter()
    for b, length in enumerate(rollout.lengths[run].astype(int)):
        pick = [np.array(rollout[k])[: length + (k == 0), run, b].tolist() for k in range(3)]
        seen[tuple(map(tuple, pick))] += 1
    return seen


def same_law(seen, expected):
    """Chi-square at four standard deviations, rare trajectories in one bin; nothing impossible seen."""
    n = seen.total()
    common = [key for key, p in expected.items() if n * p >= 5]
    p = np.array([expected[key] for key in common])
    counts = np.array([seen[key] for key in common])
    p, counts = np.append(p, max(1 - p.sum(), 1e-12)), np.append(counts, n - counts.sum())
    f = len(common)
    statistic = ((counts - n * p) ** 2 / (n * p)).sum()
    return not set(seen) - set(expected) and statistic < f * (1 - 2 / (9 * f) + 4 * np.sqrt(2 / (9 * f))) ** 3


@pytest.mark.parametrize("seen_as", [None, [0, 0, 1, 2]])
@pytest.mark.parametrize("horizon", [1, 3])
def test_collected_trajectories_have_the_law_of_enumeration(seen_as, horizon):
    world = replace(pg.random_mdp(np.random.default_rng(2), states=3, horizon=horizon), observation=seen_as)
    policy = pg.Policy.softmax(pg.Table(world.n_observations, 2))
    theta = np.array([[1.0], [-1.0]]) * np.random.default_rng(0).normal(size=policy.size)
    rollout = collect(world, policy, theta, episodes=6000)
    laws = []
    for table in theta.reshape(2, -1, 2):
        preferences = np.exp(table[world.observation])
        laws.append(paths(world, preferences / preferences.sum(axis=-1, keepdims=True), horizon))
        assert sum(laws[-1].values()) == pytest.approx(1)
    assert all(same_law(as_paths(rollout, run), laws[run]) for run in range(2))
    assert not any(same_law(as_paths(rollout, run), laws[1 - run]) for run in range(2))  # the other run's theta


def test_mean_returns_are_the_closed_form_in_every_run():
    p = np.array([[0.1, 0.5, 0.7]]).T
    policy, n = pg.Policy.softmax(pg.Table(1, 2)), 4000
    rollout = collect(pg.short_corridor(), policy, np.log(np.hstack([1 - p, p])), episodes=n)
    returns, p = rollout.rewards.sum(axis=0), p[:, 0]
    truth = (2 * p - 4) / (p * (1 - p))
    z = (returns.mean(axis=-1) - truth) / (returns.std(axis=-1) / np.sqrt(n))
    assert (abs(z) < 4).all() and (abs(z[:, None] - z) < 8).all()
    assert (abs(returns.mean(axis=-1)[::-1] - truth)[[0, 2]] > 1).all()  # runs in the wrong order would be seen


@pytest.mark.parametrize("gamma", [None, 0.5])
def test_discounted_returns_of_a_random_world_are_the_exact_ones(gamma):
    world = pg.random_mdp(np.random.default_rng(3), gamma=0.8)
    policy, n = pg.Policy.softmax(pg.Table(world.n_observations, 2)), 6000
    theta = np.random.default_rng(1).normal(size=(3, policy.size))
    rollout = collect(world, policy, theta, episodes=n, gamma=gamma)
    returns = pg.discounted_returns(rollout.rewards, rollout.discounts)[0]
    judged = replace(world, gamma=0.8 if gamma is None else gamma)
    z = (returns.mean(axis=-1) - pg.exact_return(judged, policy, theta)) / (returns.std(axis=-1) / np.sqrt(n))
    assert (abs(z) < 4).all()


def test_each_run_has_a_bandit_of_its_own_and_its_noise():
    values, noise, n = np.random.default_rng(0).normal(size=(4, 3)), 0.7, 9000
    policy = pg.Policy.softmax(pg.Table(1, 3))
    rollout = collect(pg.bandit(values, noise), policy, np.zeros((4, 3)), episodes=n)
    assert rollout.rewards.shape == (1, 4, n) and (rollout.discounts == 0).all() and (rollout.mask == 1).all()
    for run, arm in np.ndindex(4, 3):
        rewards = rollout.rewards[0, run, rollout.actions[0, run] == arm]
        assert abs(rewards.mean() - values[run, arm]) < 4 * noise / np.sqrt(len(rewards))
        assert abs(rewards.std() - noise) < 4 * noise / np.sqrt(2 * len(rewards))


def test_noise_does_not_reach_beyond_the_end():
    rollout = collect(replace(pg.stay_or_stop(), reward_noise=1.0), pg.Policy.softmax(pg.Table(1, 2)), episodes=200)
    assert (rollout.rewards[rollout.mask == 0] == 0).all() and (rollout.rewards[rollout.mask == 1] != 0).all()


@pytest.mark.parametrize(
    "limit, last",
    [
        (dict(horizon=5), 0.0),
        (dict(max_steps=5), 0.9),
        (dict(horizon=5, max_steps=5), 0.0),
        (dict(horizon=9, max_steps=5), 0.9),
    ],
)
def test_a_horizon_ends_and_max_steps_truncates(limit, last):
    world = replace(pg.short_corridor(), horizon=limit.pop("horizon", None), gamma=0.9)
    rollout = collect(world, pg.Policy.softmax(pg.Table(1, 2)), np.array([0.5, 0.0]), episodes=300, **limit)
    assert len(rollout.mask) == 5
    still_on_the_way = rollout.mask.sum(axis=0) == 5
    arrived = rollout.discounts[:-1].min(axis=0) == 0
    assert (arrived | still_on_the_way).all() and 0 < arrived.sum() < 300
    finals = rollout.discounts[-1, still_on_the_way & ~arrived]
    assert set(finals) <= {0.0, last} and last in finals


@pytest.mark.parametrize("make", [lambda: pg.short_corridor(), lambda: pg.TabularVectorEnv(pg.short_corridor(), 3000)])
def test_an_mdp_and_its_environment_have_one_law(make):
    """Lengths of episodes against powers of the transition matrix."""
    p, policy, T = 0.4, pg.Policy.softmax(pg.Table(1, 2)), 60
    rollout = collect(make(), policy, np.log([1 - p, p]), episodes=3000, max_steps=10_000)
    chain = np.einsum("sat,a->st", pg.short_corridor().transitions, [1 - p, p])
    arrived = [np.linalg.matrix_power(chain, t)[0, 3] for t in range(T + 1)]
    law = {length: arrived[length] - arrived[length - 1] for length in range(1, T + 1)} | {"longer": 1 - arrived[T]}
    seen = Counter(int(n) if n <= T else "longer" for n in rollout.lengths)
    assert same_law(seen, {length: p for length, p in law.items() if p > 1e-15})
    assert not same_law(Counter({n if n == "longer" or n > 4 else 4: c for n, c in seen.items()}), law)
    assert (rollout.rewards.sum(axis=0) == -rollout.lengths).all()


def test_log_probs_are_those_of_the_actions():
    p, policy = 0.3, pg.Policy.softmax(pg.Table(1, 2))
    for world in (pg.short_corridor(), pg.TabularVectorEnv(pg.short_corridor(), 20)):
        rollout = collect(world, policy, np.log([1 - p, p]), episodes=20)
        assert np.allclose(rollout.log_probs, np.where(rollout.actions == 1, np.log(p), np.log(1 - p)) * rollout.mask)


def test_gaussian_actions_are_clipped_for_the_environment_only():
    policy = pg.Policy(pg.Linear(3, 2), pg.Gaussian(1))
    theta = np.zeros(policy.size)
    theta[-1] = 2.0  # log_std: far wider than Pendulum's [-2, 2]
    rollout = collect(gymnasium.make_vec("Pendulum-v1", num_envs=4), policy, theta, steps=50)
    assert abs(rollout.actions).max() > 10
    cos, sin, speed = np.moveaxis(rollout.observations[:-1], -1, 0)
    torque = np.clip(rollout.actions[..., 0], -2, 2)
    costs = np.arctan2(sin, cos) ** 2 + 0.1 * speed**2 + 0.001 * torque**2  # Gymnasium's documentation of Pendulum
    assert np.allclose(rollout.rewards, -costs, atol=1e-4)
    unclipped = 0.001 * rollout.actions[..., 0] ** 2
    assert not np.allclose(rollout.rewards, -costs + 0.001 * torque**2 - unclipped, atol=1e-4)


# --- mistakes ---


class Stub(VectorEnv):
    """A vector environment with any spaces, and any rewards."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, observation=spaces.Discrete(1), action=spaces.Discrete(2), reward=0.0, seen=0):
        self.num_envs, self.reward, self.seen = 2, reward, np.array([seen] * 2)
        self.single_observation_space, self.single_action_space = observation, action

    def reset(self, *, seed=None, options=None):
        return self.seen, {}

    def step(self, actions):
        return self.seen, np.full(2, self.reward), np.ones(2, dtype=bool), np.zeros(2, dtype=bool), {}


NORMAL = pg.Policy(pg.Table(1, 2), pg.Gaussian(1))
THREE = pg.Policy.softmax(pg.Table(1, 3))
LINEAR = pg.Policy.softmax(pg.Linear(1, 2))
PAIRS = pg.bandit(np.zeros((3, 2)))


@pytest.mark.parametrize(
    "said, world, policy, settings",
    [
        ("world must be an MDP or a Gymnasium vector environment; got 'CartPole-v1'", "CartPole-v1", TABLE, dict(episodes=1)),
        (r"theta must be \[\*R, D\] with D = 2; got .*3", CORRIDOR, TABLE, dict(theta=np.zeros(3), episodes=1)),
        (r"theta must be .* D = 2; got shape \(1, 3\)", CORRIDOR, TABLE, dict(theta=np.zeros((1, 3)), episodes=1)),
        (r"theta must be .* D = 2; got shape \(3,\)", Stub(), TABLE, dict(theta=np.zeros(3))),
        ("theta must be finite; got NaN or inf", CORRIDOR, TABLE, dict(theta=[0, np.inf], episodes=1)),
        ("theta must be finite; got NaN or inf", Stub(), TABLE, dict(theta=[-np.inf, 0])),
        (r"theta must be numbers .*; got \[None\]", CORRIDOR, TABLE, dict(theta=[None], episodes=1)),
        (r"theta must be .*; got shape \(\)", CORRIDOR, TABLE, dict(theta=0.0, episodes=1)),
        ("theta must be finite; got NaN", CORRIDOR, TABLE, dict(theta=[0, np.nan], episodes=1)),
        ("give episodes or .* steps; got episodes=2, steps=5", Stub(), TABLE, dict(episodes=2, steps=5)),
        ("give episodes or .* steps; got episodes=None, steps=None", CORRIDOR, TABLE, {}),
        ("give episodes or .* steps; got episodes=None, steps=5", CORRIDOR, TABLE, dict(steps=5)),
        ("episodes must be a whole number of 1 or more; got 0", CORRIDOR, TABLE, dict(episodes=0)),
        ("steps must be a whole number of 1 or more; got 0", Stub(), TABLE, dict(steps=0)),
        ("max_steps must be a whole number of 1 or more; got 0", CORRIDOR, TABLE, dict(episodes=1, max_steps=0)),
        ("episodes must be a whole number .*; got 2.0", CORRIDOR, TABLE, dict(episodes=2.0)),
        ("episodes must be a whole number .*; got True", CORRIDOR, TABLE, dict(episodes=True)),
        ("world must be an MDP or a Gymnasium vector environment; got <", pg.TabularEnv(CORRIDOR), TABLE, dict(episodes=1)),
        ("world must be an MDP or a Gymnasium vector environment; got <class", pg.MDP, TABLE, dict(episodes=1)),
        ("world must be an MDP or a Gymnasium vector environment; got None", None, TABLE, dict(episodes=1)),
        ("gamma must be a number between 0 and 1; got 1.1", CORRIDOR, TABLE, dict(episodes=1, gamma=1.1)),
        ("gamma must be a number between 0 and 1; got nan", Stub(), TABLE, dict(gamma=float("nan"))),
        ("head must have actions = 2 .*; got Gaussian", CORRIDOR, NORMAL, dict(episodes=1)),
        ("head must have actions = 2 .*; got Cat", CORRIDOR, THREE, dict(episodes=1)),
        ("head must have actions = 2 .*; got Cat", Stub(), THREE, {}),
        ("head must have dimensions = 2 .*; got Cat", Stub(action=spaces.Box(-1, 1, (2,))), TABLE, {}),
        ("num_envs must be .* 3 runs of equally many episodes; got 2", Stub(), TABLE, dict(theta=np.zeros((3, 2)))),
        ("num_envs must be .* 1 runs of 4 episodes; got 2", Stub(), TABLE, dict(episodes=4)),
        ("action space must be Discrete .* Box .*; got MultiD", Stub(action=spaces.MultiDiscrete([2, 2])), TABLE, {}),
        (r"action space must be .*; got Discrete\(2, start=1\)", Stub(action=spaces.Discrete(2, start=1)), TABLE, {}),
        ("observation space must be .*; got Box", Stub(spaces.Box(0, 1, (2, 2))), TABLE, {}),
        ("observation space must be .*; got Dict", Stub(spaces.Dict(a=spaces.Discrete(2))), TABLE, {}),
        ("rewards of .* must be finite numbers; got NaN", Stub(reward=np.nan), TABLE, {}),
        ("observations of .* must be finite", Stub(spaces.Box(0, 1, (1,)), seen=[np.nan]), LINEAR, {}),
        (r"observations must lie in 0 \.\. 0; got 5", Stub(seen=5), TABLE, {}),
        (r"observations must be \[.*4\] to fit", Stub(), pg.Policy.softmax(pg.Linear(4, 2)), {}),
        (r"theta must be .* with \*R = \(3,\), the runs", PAIRS, TABLE, dict(theta=np.zeros((2, 2)), episodes=1)),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(said, world, policy, settings):
    with pytest.raises(ValueError, match=f"^{said}"):
        collect(world, policy, **settings)


def test_chance_comes_from_a_generator():
    with pytest.raises(ValueError, match="^rng must be a generator .*; got 0"):
        pg.collect(CORRIDOR, TABLE, np.zeros(2), rng=0, episodes=1)


def test_a_stream_has_no_whole_episodes():
    stream = pg.Stream(Stub(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="^steps must be given for a Stream.*; got None"):
        collect(stream, TABLE)


# --- what a rollout is ---


@pytest.mark.parametrize("make", [
    lambda: collect(CORRIDOR, episodes=3), lambda: collect(pg.TabularVectorEnv(CORRIDOR, 3), steps=5),
    lambda: pg.enumerate_rollouts(CORRIDOR, TABLE, np.zeros((2, 2)), horizon=2, batch=2)[0],
])  # fmt: skip
def test_nobody_writes_into_a_rollout(make):
    rollout = make()
    for name, field in rollout._asdict().items():
        with pytest.raises(ValueError, match="read-only"):
            field *= 2
        assert getattr(rollout._replace(**{name: field + 1}), name).flags.writeable


def test_an_estimator_that_writes_is_stopped():
    """It would double the returns that a training reports."""

    def doubling(rollout):
        rewards = rollout.rewards
        rewards *= 2
        return rewards

    with pytest.raises(ValueError, match="read-only"):
        pg.exact_moments(CORRIDOR, TABLE, np.zeros(2), doubling, horizon=2)


@pytest.mark.parametrize("runs", [(), (3,), (2, 3)])
def test_masked_means_are_means_over_real_steps(runs):
    rng = np.random.default_rng(0)
    values, mask = rng.normal(size=(5, *runs, 4)), (rng.random((5, *runs, 4)) < 0.5).astype(float)
    mask[(slice(None), *[0] * len(runs))] = 0  # a run that did nothing
    found = masked_mean(values, mask)
    assert found.shape == runs
    for run in np.ndindex(runs):
        real = values[(slice(None), *run)][mask[(slice(None), *run)] == 1]
        assert found[run] == pytest.approx(real.mean() if real.size else 0.0)


class Another:
    """A world that answers as an MDP does, but cannot sample by itself: `collect` steps its environment."""

    gamma, horizon = 0.5, None

    def __init__(self, mdp):
        self.mdp = mdp

    def require_fit(self, policy, theta):
        return self.mdp.require_fit(policy, theta)

    def vector_env(self, num_envs, max_episode_steps=None):
        return self.mdp.vector_env(num_envs, max_episode_steps)

    def solve(self, policy, theta, horizon=None):
        return self.mdp.solve(policy, theta, horizon=horizon)


def test_a_world_is_what_answers():
    theta, world = np.zeros((2, 2)), Another(CORRIDOR)
    rollout = collect(world, theta=theta, episodes=4)
    assert rollout.mask.shape[1:] == (2, 4) and set(rollout.discounts.ravel()) == {0, 0.5}
    stepped = collect(pg.TabularVectorEnv(CORRIDOR, 8), theta=theta, gamma=0.5)
    assert all(np.array_equal(a, b) for a, b in zip(rollout, stepped))
    assert set(collect(world, theta=theta, episodes=4, gamma=0.25).discounts.ravel()) == {0, 0.25}
    assert (pg.solve(world, TABLE, theta).values == pg.solve(CORRIDOR, TABLE, theta).values).all()
    with pytest.raises(ValueError, match="^head must have actions = 2 .*; got Cat"):
        collect(world, THREE, episodes=4)
    with pytest.raises(ValueError, match="^give episodes or .* steps"):
        collect(world, steps=4)


@pytest.mark.parametrize("gamma, expected", [(None, 0.9), (0.25, 0.25)])
def test_segments_on_an_mdp_have_its_discount_or_the_one_that_is_given(gamma, expected):
    world = replace(CORRIDOR, gamma=0.9)
    critic, settings = pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.1)), dict(steps=20, optimizer=pg.SGD(0.1))
    training = pg.actor_critic(world, TABLE, critic=critic, gamma=gamma, rng=np.random.default_rng(0), **settings)
    assert set(next(training).rollout.discounts.ravel()) == {0, expected}


@pytest.mark.parametrize("world", [CORRIDOR, pg.TabularVectorEnv(CORRIDOR, 4)])
def test_underflow_is_no_mistake(world):
    """A probability of 2e-313, after np.seterr(all="raise"). The caller's own settings are back between the steps."""
    theta = np.array([0.0, 720.0])
    settings = dict(episodes=4, max_steps=5)
    expected = collect(world, theta=theta, **settings)
    with np.errstate(under="raise"):
        with pytest.raises(FloatingPointError):
            np.exp(np.float64(-720))
        pulses = collecting(world, TABLE, theta, rng=np.random.default_rng(0), **settings)
        for _ in pulses:
            assert np.geterr()["under"] == "raise"
        assert all(np.array_equal(a, b) for a, b in zip(expected, collect(world, theta=theta, **settings)))


# --- what is to be seen meanwhile ---


@pytest.mark.parametrize("mode", list(AutoresetMode))
@pytest.mark.parametrize("settings", [{"episodes": 3}, {"steps": 40}])
def test_each_moment_is_what_goes_on_record_after_that_step(mode, settings):
    env = gymnasium.make_vec("CartPole-v1", num_envs=6, vectorization_mode="sync", vector_kwargs={"autoreset_mode": mode})
    policy = pg.Policy.softmax(pg.Linear(4, 2))
    pulses, moments = collecting(env, policy, np.zeros((2, policy.size)), rng=np.random.default_rng(0), **settings), []
    while True:
        try:
            moments.append(next(pulses))
        except StopIteration as finished:
            rollout = finished.value
            break
    assert moments[0].observations.shape == (2, 3, 4)
    np.testing.assert_array_equal([moment.observations for moment in moments], rollout.observations[1:])


def test_nobody_writes_into_what_goes_on_record():
    env = gymnasium.make_vec("CartPole-v1", num_envs=2)
    policy = pg.Policy.softmax(pg.Linear(4, 2))
    moment = next(collecting(env, policy, np.zeros(policy.size), rng=np.random.default_rng(0), steps=2))
    with pytest.raises(ValueError, match="read-only"):
        moment.observations[0] = 0


def test_a_world_of_ours_has_nothing_to_show():
    rollout_of = collecting(CORRIDOR, TABLE, np.zeros(2), rng=np.random.default_rng(0), episodes=4)
    assert set(rollout_of) == {None}

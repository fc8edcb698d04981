"""What environments hand over, and what they say of themselves: reused buffers, autoreset modes, missing parts."""

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv, VectorEnv, VectorWrapper

import pgedu as pg
from pgedu.experience.streams import autoreset_mode

COIN = pg.Policy.softmax(pg.Table(9, 2))
NORMAL = pg.Policy(pg.Table(9, 2), pg.Gaussian(1))
LENGTH = 3


class Scripted(VectorEnv):
    """Two columns: step t of an episode observes t and pays t + 1; it ends after 3 steps. All buffers are reused."""

    def __init__(self, mode=AutoresetMode.NEXT_STEP, truncates=(False, True), final="last", action=spaces.Discrete(2)):
        self.num_envs, self.truncates, self.final = 2, np.array(truncates), final
        self.single_observation_space, self.single_action_space = spaces.Discrete(9), action
        if mode is not None:
            self.metadata = {"autoreset_mode": mode}
        self.mode = autoreset_mode(self) if mode is not None else AutoresetMode.NEXT_STEP
        self.seen, self.rewards = np.zeros(2, dtype=int), np.zeros(2, dtype=np.float32)
        self.terminated, self.truncated = np.zeros(2, dtype=bool), np.zeros(2, dtype=bool)
        self.acted = []

    def reset(self, *, seed=None, options=None):
        which = (options or {}).get("reset_mask", slice(None))
        self.seen[which] = 0
        self.terminated[which] = self.truncated[which] = False
        return self.seen, {}

    def step(self, actions):
        assert all(self.single_action_space.contains(action) for action in actions)
        self.acted.append(actions.copy())
        actions[:] = 0  # an environment may write into what it is given
        resetting = (self.terminated | self.truncated) & (self.mode == AutoresetMode.NEXT_STEP)
        self.seen[:] = np.where(resetting, 0, self.seen + 1)
        self.rewards[:] = self.seen
        over = self.seen == LENGTH
        self.terminated[:], self.truncated[:] = over & ~self.truncates, over & self.truncates
        info = {}
        if self.mode == AutoresetMode.SAME_STEP and over.any():
            if self.final:
                info["final_obs"] = np.where(over, self.seen, None) if self.final == "last" else [None, None]
            self.seen[over] = 0
        return self.seen, self.rewards, self.terminated, self.truncated, info


def collect(env, policy=COIN, steps=10, **settings):
    rng = np.random.default_rng(0)
    return pg.collect(env, policy, np.zeros(policy.size), rng=rng, steps=steps, gamma=0.9, **settings)


# per column: observation, reward, discount, mask of each step
NEXT = ([0, 1, 2, 3] * 2, [1, 2, 3, 0] * 2, [1, 1, 1, 0] * 2)
SAME = ([0, 1, 2] * 3, [1, 2, 3] * 3, [1, 1, 1] * 3)
KEPT = ([0, 1, 2, 3, 1, 2, 3, 1, 2], [1, 2, 3, 0, 2, 3, 0, 2, 3], [1, 1, 1, 0, 1, 1, 0, 1, 1])  # truncated


@pytest.mark.parametrize("mode, expected", [
    (AutoresetMode.NEXT_STEP, (NEXT, NEXT)), ("NextStep", (NEXT, NEXT)), ("NEXT_STEP", (NEXT, NEXT)),
    (AutoresetMode.SAME_STEP, (SAME, KEPT)), ("SameStep", (SAME, KEPT)), ("SAME_STEP", (SAME, KEPT)),
    (AutoresetMode.DISABLED, (SAME, KEPT)), ("Disabled", (SAME, KEPT)),
])  # fmt: skip
def test_what_is_written_into_later_is_copied_in_every_mode(mode, expected):
    """Observations, rewards and flags are those of their own step, and what is said as a string is understood."""
    env = Scripted(mode)
    rollout = collect(env, steps=(steps := len(expected[0][0])))
    for column, (observations, rewards, mask) in enumerate(expected):
        assert rollout.observations[:steps, column].tolist() == observations
        assert rollout.rewards[:, column].tolist() == rewards
        assert rollout.mask[:, column].tolist() == mask
        terminated = [column == 0 and reward == LENGTH for reward in rewards]
        discounts = [0.9 * (real and not over) for real, over in zip(mask, terminated)]
        assert rollout.discounts[:, column].tolist() == discounts
    assert rollout.actions.tolist() == np.array(env.acted).tolist() and rollout.actions.any()


def test_rewards_of_whole_episodes_are_copied_too():
    rollout = pg.collect(Scripted(), COIN, np.zeros(COIN.size), rng=np.random.default_rng(0))
    assert rollout.rewards.T.tolist() == [[1, 2, 3]] * 2 and rollout.observations.T.tolist() == [[0, 1, 2, 3]] * 2


def test_a_stream_s_returns_are_summed_from_copies():
    stream = pg.Stream(Scripted(), np.random.default_rng(0))
    collect(stream, steps=7)
    assert stream.returns.tolist() == [6, 6]


class Plain(gymnasium.Env):
    """What Gymnasium's SyncVectorEnv makes vectors of."""

    metadata = {}
    observation_space, action_space = spaces.Discrete(9), spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return 0, {}

    def step(self, action):
        return 0, 0.0, True, False, {}


class Silent(VectorWrapper):
    """A wrapper whose class says something of all that it wraps."""

    metadata = {"autoreset_mode": AutoresetMode.DISABLED}


@pytest.mark.parametrize("wrap", [lambda env: env, VectorWrapper, Silent, lambda env: Silent(VectorWrapper(env))])
def test_what_an_environment_says_of_itself_goes_before_what_is_said_of_its_class(wrap):
    """Where vectors share one dictionary (Gymnasium#1227), the last one's mode stands there."""
    envs = {mode: wrap(SyncVectorEnv([Plain] * 2, autoreset_mode=mode)) for mode in AutoresetMode}
    for env in envs.values():
        env.unwrapped.metadata = {"autoreset_mode": AutoresetMode.DISABLED}
    assert all(pg.Stream(env, np.random.default_rng(0)).mode == mode for mode, env in envs.items())


def test_the_metadata_of_an_instance_goes_before_those_of_its_class():
    class Same(Scripted):
        metadata = {"autoreset_mode": AutoresetMode.SAME_STEP}

    assert autoreset_mode(Same(None)) == AutoresetMode.SAME_STEP
    assert autoreset_mode(VectorWrapper(Same("Disabled"))) == AutoresetMode.DISABLED


@pytest.mark.parametrize("said, got", [(None, "None"), ("next", "'next'"), (3, "3")])
def test_an_environment_that_does_not_say_its_mode_is_refused(said, got):
    env = Scripted(None)
    if said:
        env.metadata = {"autoreset_mode": said}
    said = f"^autoreset_mode of .*Scripted.* must be NEXT_STEP, .* in its metadata; got {got}$"
    with pytest.raises(ValueError, match=said):
        collect(env)


@pytest.mark.parametrize("final", [None, "nothing in it"])
def test_final_observations_are_needed_where_a_column_was_truncated(final):
    terminations = collect(Scripted(AutoresetMode.SAME_STEP, truncates=(False, False), final=final))
    assert (terminations.mask == 1).all() and terminations.discounts[2].tolist() == [0, 0]
    with pytest.raises(ValueError, match=r"^info\['final_obs'\] of .* must be the last observations .*; got .*None"):
        collect(Scripted(AutoresetMode.SAME_STEP, final=final))


def box(low, high, dtype=np.float32):
    return spaces.Box(low, high, (1,), dtype=dtype)


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
@pytest.mark.parametrize("low, high", [(-0.1, 0.3), (-np.inf, 0.1), (-np.inf, np.inf)])
@pytest.mark.parametrize("mean", [0.0, 1e300, np.nan])
def test_actions_are_clipped_to_the_box_and_cast_to_its_dtype(dtype, low, high, mean):
    """The environment asserts that its space contains them; the record keeps what was drawn."""
    env = Scripted(action=box(low, high, dtype))
    stream = pg.Stream(env, np.random.default_rng(0))
    drawn = np.random.default_rng(1).normal(size=(50, 2, 1)) + mean
    for actions in drawn:
        before = actions.copy()
        stream.step(actions)
        assert np.array_equal(actions, before, equal_nan=True)
    acted = np.array(env.acted)
    assert acted.dtype == dtype and np.isfinite(acted).all()
    limits = np.finfo(dtype)
    low, high = max(env.single_action_space.low[0], limits.min), min(env.single_action_space.high[0], limits.max)
    assert np.array_equal(acted, np.clip(np.nan_to_num(drawn), low, high).astype(dtype))


def test_a_deviation_that_fades_to_nothing_is_no_mistake():
    """exp(-740) is 4e-322, also after np.seterr(under="raise")."""
    theta = np.tile([0.5, -740.0], 9)
    with np.errstate(under="raise"):
        rollout = pg.collect(Scripted(action=box(-1, 1)), NORMAL, theta, rng=np.random.default_rng(0), steps=5)
    assert (rollout.actions == 0.5).all()


def test_a_box_of_integers_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"^action space must be .* a Box of floats .*; got Box\(0, 5, .*int64\)"):
        collect(Scripted(action=box(0, 5, np.int64)), NORMAL)


@pytest.mark.parametrize("name", ["rewards", "terminated", "truncated"])
def test_one_number_for_each_column(name):
    env = Scripted()
    setattr(env, name, np.zeros((2, 1)))  # environments for JAX and torch give rewards such a shape
    env.step = lambda actions: (env.seen, env.rewards, env.terminated, env.truncated, {})
    with pytest.raises(ValueError, match=rf"^{name} of .* must be \[N\] = \(2,\); got shape \(2, 1\)"):
        collect(env)


@pytest.mark.parametrize("rng", [np.random.RandomState(0), 0, None, np.random, np.random.default_rng])
def test_chance_comes_from_a_generator_alone(rng):
    for call in (
        lambda: pg.Stream(Scripted(), rng), lambda: pg.random_mdp(rng),
        lambda: pg.collect(Scripted(), COIN, np.zeros(COIN.size), rng=rng),
        lambda: pg.collect(pg.short_corridor(), pg.Policy.softmax(pg.Table(1, 2)), np.zeros(2), rng=rng, episodes=1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="^rng must be a generator such as .*; got "):
            call()

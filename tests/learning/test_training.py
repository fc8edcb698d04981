"""REINFORCE against updates computed by hand, laws of single runs, and the book's figure by exact returns."""

import inspect
from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, VectorEnv

import pgedu as pg
from pgedu.arguments import number, numbers
from pgedu.experience.rollouts import Moment
from pgedu.learning.settings import Setting
from pgedu.learning.training import Progress, Training, pieces

CORRIDOR, TABLE = pg.short_corridor(), pg.Policy.softmax(pg.Table(1, 2))
NORMAL = pg.Policy(pg.Table(1, 2), pg.Gaussian(1))
BEST = -(6 + 4 * np.sqrt(2))


def train(world=CORRIDOR, policy=TABLE, *, rate=0.01, seed=0, **settings):
    optimizer = settings.pop("optimizer", None) or pg.SGD(rate)
    return pg.reinforce(world, policy, optimizer=optimizer, rng=np.random.default_rng(seed), **settings)


def gradient_by_hand(theta, rollout, run, gamma=1.0):
    """Mean over episodes of sum_t gamma^t G_t (onehot(a_t) - pi), in loops, for a policy with one observation."""
    pi = np.exp(theta) / np.exp(theta).sum()
    gradients = []
    for b, length in enumerate(rollout.lengths[run].astype(int)):
        rewards, total = rollout.rewards[:length, run, b], np.zeros(len(theta))
        for t in range(length):
            G = sum(gamma ** (k - t) * rewards[k] for k in range(t, length))
            total += gamma**t * G * (np.eye(len(theta))[rollout.actions[t, run, b]] - pi)
        gradients.append(total)
    return np.mean(gradients, axis=0)


@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_an_update_is_the_mean_gradient_of_the_rollout_that_the_same_generator_gives(gamma):
    theta = np.array([[0.3, -0.2], [0.0, 1.0], [-1.0, 0.0]])
    rates = np.array([0.1, 0.01, 0.0])
    training = train(rate=rates, runs=3, episodes=4, gamma=gamma, theta=theta, updates=2)
    rng = np.random.default_rng(0)
    for update in (1, 2):
        rollout = pg.collect(CORRIDOR, TABLE, theta, rng=rng, episodes=4, gamma=gamma)
        by_hand = np.array([gradient_by_hand(theta[run], rollout, run, gamma) for run in range(3)])
        progress = next(training)
        assert np.allclose(progress.theta, theta + rates[:, None] * by_hand, rtol=1e-12)
        assert not np.allclose(progress.theta[0], theta[0] - rates[0] * by_hand[0])  # down instead of up
        assert np.allclose(progress.gradients.mean(axis=1), by_hand) and progress.gradients.shape == (3, 4, 2)
        assert all(np.array_equal(a, b) for a, b in zip(progress.rollout, rollout))
        assert np.array_equal(progress.returns, rollout.rewards.sum(axis=0))
        assert progress.update == update
        theta = progress.theta


def test_steps_are_counted_in_the_mean_over_runs():
    training = train(runs=3, episodes=2, updates=4, rate=0.0)
    real = np.cumsum([progress.rollout.mask.sum() / 3 for progress in training])
    assert training.environment_steps == real[-1] > 4 * 2 * 3


@pytest.mark.parametrize("baseline", [pg.none, pg.leave_one_out])
def test_many_runs_at_once_have_the_law_of_single_ones(baseline):
    """Mean and spread of theta after three updates: 300 runs in one array against 300 trainings."""
    settings = dict(rate=0.02, episodes=2, updates=3, baseline=baseline, max_steps=200)
    *_, together = train(runs=300, **settings)
    alone = []
    for seed in range(1, 301):
        *_, last = train(seed=seed, **settings)
        alone.append(last.theta[0, 1])
    together, alone = together.theta[:, 1], np.array(alone)
    standard_error = np.sqrt((together.var() + alone.var()) / 300)
    assert abs(together.mean() - alone.mean()) < 4 * standard_error
    assert 0.6 < together.std() / alone.std() < 1.6
    assert np.unique(together).size > 250 and abs(np.corrcoef(together[:-1], together[1:])[0, 1]) < 4 / np.sqrt(300)


def test_a_first_update_has_the_exact_gradient_as_its_mean():
    theta = np.tile([0.2, -0.3], (3000, 1))
    progress = next(train(rate=1.0, runs=3000, theta=theta, baseline=pg.constant(-10.0)))
    change = progress.theta - theta
    exact = pg.exact_gradient(CORRIDOR, TABLE, theta[0])
    z = (change.mean(axis=0) - exact) / (change.std(axis=0) / np.sqrt(3000))
    assert (abs(z) < 4).all() and (abs(exact) > 0.5).all()


@pytest.mark.parametrize(
    "name, value", [("learning_rate", 0.0), ("learning_rate", 0.5), ("gamma", 0.5), ("episodes", 7), ("max_steps", 2),
                    ("baseline", pg.constant(3.0)), ("estimator", pg.total_return)]
)  # fmt: skip
def test_a_setting_changed_acts_on_the_next_update(name, value):
    """As if it had been so from the start, from the same theta and the same chance."""
    changed, as_before = train(updates=3), train(updates=3)
    first = next(changed)
    next(as_before)
    setattr(changed, name, value)
    fresh = train(theta=first.theta, **{"rate" if name == "learning_rate" else name: value})
    fresh.rng = np.random.default_rng()
    fresh.rng.bit_generator.state = changed.rng.bit_generator.state
    second = next(changed)
    assert np.array_equal(second.theta, next(fresh).theta)
    assert not np.array_equal(second.theta, next(as_before).theta)


def test_a_training_has_a_length_and_ends():
    training = train(updates=5)
    assert len(training) == 5 and iter(training) is training
    assert [progress.update for progress in training] == [1, 2, 3, 4, 5]
    assert list(training) == [] and list(training.pulses()) == []
    with pytest.raises(StopIteration):
        next(training)
    endless = train()
    assert next(endless).update == 1
    with pytest.raises(TypeError, match="no length: it goes on for ever"):
        len(endless)


@pytest.mark.parametrize("world", ["mdp", "gym"])
def test_pulses_are_one_update_in_small_pieces(world):
    def make():
        env = CORRIDOR if world == "mdp" else pg.TabularVectorEnv(CORRIDOR, 6)
        return train(env, runs=2, episodes=3, updates=3)

    whole, pieces = make(), make()
    for progress in whole:
        *pauses, last = pieces.pulses()
        following = progress.rollout.observations[1:]
        assert len(pauses) == len(following)
        if world == "mdp":
            assert pauses == [None] * len(following)
        else:
            assert all(np.array_equal(pause.observations, seen) for pause, seen in zip(pauses, following))
        assert np.array_equal(last.theta, progress.theta) and last.update == progress.update


def test_an_update_given_up_half_way_leaves_nothing_behind():
    training = train(updates=2)
    before, pulses = training.theta.copy(), training.pulses()
    next(pulses)
    pulses.close()
    assert np.array_equal(training.theta, before) and training.update == 0 and training.environment_steps == 0
    assert len(list(training)) == 2


class Lever(VectorEnv):
    """One step: the reward is the action. The number of columns is all there is to know."""

    metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}

    def __init__(self, columns, reward=lambda actions: actions[:, 0], bound=np.inf):
        self.num_envs, self.reward = columns, reward
        self.single_observation_space, self.single_action_space = spaces.Discrete(1), spaces.Box(-bound, bound, (1,))

    def reset(self, *, seed=None, options=None):
        return np.zeros(self.num_envs, dtype=int), {}

    def step(self, actions):
        over = np.ones(self.num_envs, dtype=bool)
        return np.zeros(self.num_envs, dtype=int), self.reward(actions), over, ~over, {}


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
@pytest.mark.parametrize("case", ["softmax", "gaussian"])
def test_a_diverging_run_is_reported_stopped_and_alone(make, case):
    """The other run learns as it does beside one that does not; no warning, before or after."""

    def play(wild):
        policy = NORMAL if case == "gaussian" else pg.Policy.softmax(pg.Linear(4, 2))
        env = Lever(8, bound=5) if case == "gaussian" else gymnasium.make_vec("CartPole-v1", num_envs=8)
        training = train(env, policy, optimizer=make(np.array([1e-3, wild])), runs=2, episodes=4, updates=8)
        records = [(progress.theta, progress.diverged) for progress in training]
        training.learning_rate, training.updates = 0.0, 9  # too late: a run that is lost stays where it is
        return records + [(progress.theta, progress.diverged) for progress in training]

    wild, tame = play(1e308), play(0.0)
    assert wild[-1][1].tolist() == [False, True] and not any(diverged.any() for _, diverged in tame)
    assert all(np.isfinite(theta).all() for theta, _ in wild)
    since = [diverged[1] for _, diverged in wild].index(True)
    assert all(np.array_equal(theta[1], wild[since][0][1]) for theta, _ in wild[since:])
    if case == "gaussian":  # in CartPole the wild run decides how long the batch takes, and so what chance comes next
        assert all(np.array_equal(theta[0], beside[0]) for (theta, _), (beside, _) in zip(wild, tame))


def test_gaussian_reinforce_has_the_mean_of_its_closed_form():
    """J = mean, so grad J = (1, 0) with respect to (mean, log std)."""
    progress = next(train(Lever(20_000), NORMAL, rate=1.0, runs=2, episodes=10_000, theta=[[0.5, 0.1], [-1.0, -0.5]]))
    error = progress.gradients.std(axis=1) / np.sqrt(10_000)
    assert (abs(progress.gradients.mean(axis=1) - [1, 0]) < 4 * error).all()


# --- a learned baseline ---


def test_a_learned_value_converges_to_the_exact_values():
    world = pg.random_mdp(np.random.default_rng(0), states=3, gamma=0.8)
    policy = pg.Policy.softmax(pg.Table(world.n_observations, 2))
    rng, theta = np.random.default_rng(1), np.random.default_rng(2).normal(size=(2, policy.size))
    baseline = pg.LearnedValue(pg.Table(world.n_observations, 1), pg.SGD(0.5))
    baseline = baseline.start(rng, runs=2)
    for rate in [0.5] * 40 + [0.05] * 60:
        baseline.optimizer.learning_rate = rate
        baseline.learn_from(pg.collect(world, policy, theta, rng=rng, episodes=500))
    exact = pg.solve(world, policy, theta).values[:, :3]
    assert np.allclose(baseline.w[:, :3], exact, atol=0.05)
    assert not np.allclose(baseline.w[::-1, :3], exact, atol=0.1)  # of the other run


def test_a_learned_value_learns_after_it_was_used():
    """The first update is that of its first w, all zero; then w is a step on the mean squared error of the batch."""
    baseline = pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.3))
    with_it = train(runs=2, episodes=3, baseline=baseline, updates=2)
    without = train(runs=2, episodes=3, updates=2)
    first = next(with_it)
    assert np.array_equal(first.theta, next(without).theta)
    for run in range(2):
        lengths = first.rollout.lengths[run]
        returns = [-k for n in lengths for k in range(1, int(n) + 1)]  # -1 a step: G_t is minus the steps to go
        assert with_it.baseline.w[run, 0] == pytest.approx(0.3 * np.mean(returns), rel=1e-12)
    assert baseline.w is None  # each training has a copy: the same baseline may be given to several
    assert not np.array_equal(next(with_it).theta, next(without).theta)


def test_a_learned_value_leaves_the_gradient_unbiased_and_one_that_learns_first_does_not():
    """One episode a run: fitted to the very episode that it judges, the baseline takes part of the signal away."""
    R, theta = 4000, np.tile([0.0, -1.5], (4000, 1))
    exact = pg.exact_gradient(CORRIDOR, TABLE, theta[0])

    def z(learn_first):
        value = pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.9)).start(np.random.default_rng(0), runs=R)

        def judged_late(rollout, targets):
            value.learn_from(rollout)
            return value(rollout, targets)

        training = train(runs=R, theta=theta, rate=0.0, baseline=judged_late if learn_first else value, updates=2)
        gradients = [progress.gradients[:, 0] for progress in training][-1]
        return abs((gradients.mean(axis=0) - exact) / (gradients.std(axis=0) / np.sqrt(R))).max()

    assert z(learn_first=False) < 4 < z(learn_first=True)


@pytest.mark.parametrize(
    "runs, p, plain_rate, helped_rate",
    [(100, 0.1, 2.0**-13, 2.0**-9), (400, 0.5, 2.0**-8, 2.0**-8)],
    ids=["the book's steps", "equal steps, too large for one of them"],
)
def test_figure_13_2_a_learned_baseline_does_better_after_the_same_episodes(runs, p, plain_rate, helped_rate):
    """Judged by the exact J of each run; a run that lost its way counts as -40, in favour of the plain ones."""

    def play(rate, baseline):
        start = np.tile(np.log([1 - p, p]), (runs, 1))
        *_, last = train(rate=rate, runs=runs, theta=start, baseline=baseline, updates=150, max_steps=300)
        return pg.exact_return(CORRIDOR, TABLE, last.theta)

    plain, helped = play(plain_rate, pg.none), play(helped_rate, pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.5)))
    assert max(plain.max(), helped.max()) <= BEST + 1e-9
    plain, helped = np.maximum(plain, -40), np.maximum(helped, -40)
    assert helped.mean() - plain.mean() > 4 * np.sqrt((plain.var() + helped.var()) / runs)
    assert helped.mean() > BEST - 1.5


# --- mistakes ---


@pytest.mark.parametrize(
    "said, settings",
    [
        ("runs must be a whole number of 1 or more; got 0", dict(runs=0)),
        ("episodes must be a whole number of 1 or more; got 0", dict(episodes=0)),
        ("updates must be a whole number of 1 or more; got -1", dict(updates=-1)),
        ("estimator must be a function of a rollout, such as those in pgedu.gradients.estimators; got 'gae'", dict(estimator="gae")),
        (r"baseline must be a function \(rollout, targets\) -> b, such as .*; got 'mean'", dict(baseline="mean")),
        (r"theta must be \[R, D\] = \(2, 2\); got shape \(2,\)", dict(runs=2, theta=np.zeros(2))),
        ("learning_rate must be 0 or more; got -1", dict(rate=-1)),
        ("gamma must be a number between 0 and 1; got 2", dict(gamma=2)),
        (r"learning_rate must be a number, or one for each of 2 runs; got shape \(3,\)", dict(rate=np.ones(3), runs=2)),
        (r"baseline must be one that takes the same observations as the policy, Table\(observations=1.*; got Table",
         dict(baseline=pg.LearnedValue(pg.Table(2, 1), pg.SGD(0.1)))),
        ("num_envs must be .* 2 runs of 3 episodes; got 5", dict(world=Lever(5), policy=NORMAL, runs=2, episodes=3)),
        ("head must have dimensions = 1 .*; got Categorical", dict(world=Lever(1))),
        ("max_steps must be a whole number of 1 or more; got 0", dict(max_steps=0)),
        ("world must be an MDP or a Gymnasium vector environment; got <", dict(world=pg.TabularEnv(CORRIDOR))),
        ("updates must be a whole number of 1 or more; got nan", dict(updates=np.nan)),
        ("updates must be a whole number of 1 or more; got 1.5", dict(updates=1.5)),
        ("policy must be a Policy, such as Policy.softmax.*; got Table", dict(policy=pg.Table(1, 2))),
        ("policy must be a Policy, .*; got None", dict(policy=None)),
        ("optimizer must be an optimizer, such as SGD.*; got 'sgd'", dict(optimizer="sgd")),
        ("optimizer must be an optimizer, .*; got 0.1", dict(optimizer=0.1)),
        ("optimizer must be an optimizer, .*; got <class", dict(optimizer=pg.SGD)),
        (r"baseline must be a function .*, such as what constant\(...\) returns", dict(baseline=pg.constant)),
        (r"baseline must be a function .*, such as what optimal\(...\) returns", dict(baseline=pg.optimal)),
        (r"baseline must be a function .*, such as what state_value\(...\) returns", dict(baseline=pg.state_value)),
        (r"baseline must be a function .*, such as what LearnedValue\(...\) returns", dict(baseline=pg.LearnedValue)),
        ("estimator must be a function of a rollout, .*; got <class", dict(estimator=pg.Policy)),
        ("estimator must be one that needs no more than is offered here .*'values'.*; got", dict(estimator=pg.td_advantage)),
        ("estimator must take a baseline", dict(estimator=lambda rollout: rollout.rewards, baseline=pg.leave_one_out)),
    ],
)
def test_what_does_not_fit_is_named(said, settings):
    with pytest.raises(ValueError, match=f"^{said}"):
        train(**settings)


@pytest.mark.parametrize(
    "said, settings",
    [
        ("rewards of .* must be finite", dict(world=Lever(1, lambda a: a[:, 0] * np.nan), policy=NORMAL)),
        ("leave_one_out needs 2 or more episodes", dict(baseline=pg.leave_one_out)),
        ("optimal needs 2 or more", dict(baseline=pg.optimal(TABLE, np.zeros((1, 2))))),
    ],
)
def test_what_does_not_fit_is_named_at_the_first_update(said, settings):
    training = train(**settings)
    with pytest.raises(ValueError, match=f"^{said}"):
        next(training)
    assert training.update == 0


ALL = [pg.reinforce, pg.actor_critic, pg.a2c, pg.a3c, pg.natural_gradient, pg.trpo, pg.ppo]


def some(algorithm, **settings):
    """One of the algorithms on the corridor, with what it needs."""
    names = inspect.signature(algorithm).parameters
    offered = {"optimizer": pg.SGD(0.1), "critic": pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.1)), "steps": 5,
               "environments": 2, "episodes": 2}  # fmt: skip
    given = {name: value for name, value in offered.items() if name in names} | {"rng": np.random.default_rng(0)}
    return algorithm(CORRIDOR, TABLE, **given | settings)


@pytest.mark.parametrize("algorithm", ALL)
def test_signatures_name_every_setting(algorithm):
    """What is shown, also through functools.partial, is what is accepted: each name can be given, and no other."""
    shown = inspect.signature(partial(algorithm, CORRIDOR)).parameters
    assert set(shown) == set(algorithm.settings()) - {"world"} and "settings" not in shown
    assert ("optimizer" in shown) == (algorithm is not pg.trpo) and ("critic" in shown) == (algorithm is not pg.reinforce)
    assert ("environments" in shown) == (algorithm not in (pg.reinforce, pg.a3c)) and ("workers" in shown) == (algorithm is pg.a3c)
    assert ("critic_steps" in shown) == (algorithm not in (pg.reinforce, pg.a3c))
    defaults = {each.name: each.default for each in shown.values() if each.default is not each.empty}
    assert np.isfinite(next(some(algorithm, **{name: each for name, each in defaults.items() if name != "steps"})).theta).all()
    with pytest.raises(ValueError, match=f"^{algorithm.__name__} has no setting unheard_of; it has .*updates"):
        some(algorithm, unheard_of=1)
    with pytest.raises(TypeError, match="missing a required argument: 'rng'"):
        algorithm(CORRIDOR, TABLE, **{name: None for name in shown if name not in ("rng", "policy", *defaults)})


@pytest.mark.parametrize("algorithm", ALL)
def test_what_is_unknown_or_fixed_is_refused_with_the_names_there_are(algorithm):
    training = some(algorithm)
    next(training)
    with pytest.raises(ValueError, match=f"^{algorithm.__name__} has no setting baselin; what may change is .*gamma"):
        training.baselin = pg.none
    for name, setting in algorithm.settings().items():
        value = getattr(training, name)
        if setting.live:
            setattr(training, name, value)
            assert name in algorithm.may_change()
            continue
        with pytest.raises(ValueError, match=f"^{name} is fixed once a training is made; what may change is .*gamma"):
            setattr(training, name, value)
        assert getattr(training, name) is value
    assert next(training).update == 2


def test_a_learning_rate_is_for_those_who_have_an_optimizer():
    training = some(pg.reinforce)
    training.learning_rate = 0.5
    assert training.optimizer.learning_rate == 0.5 and "learning_rate" in pg.reinforce.may_change()
    with pytest.raises(ValueError, match="^trpo has no setting learning_rate; what may"):
        some(pg.trpo).learning_rate = 0.5
    assert "learning_rate" not in pg.trpo.may_change()


@pytest.mark.parametrize("algorithm", ALL)
def test_a_plain_function_of_the_rollout_works_everywhere(algorithm):
    """psi is what it returns, whatever else the algorithm would offer to an estimator."""
    kept = []

    def plain(rollout):
        kept.append(rollout.rewards * np.cumsum(rollout.mask, axis=0) * rollout.actions)
        return kept[-1]

    training = some(algorithm, estimator=plain)
    theta, record = training.theta, next(training)
    if algorithm is pg.reinforce:
        rollout = record.rollout
        wanted = pg.episode_gradients(TABLE, theta, rollout, kept[0])
        assert np.allclose(record.gradients, wanted)
    assert kept and (algorithm in (pg.trpo, pg.ppo) or not np.array_equal(record.theta, theta))


def test_of_a_plain_function_the_critic_learns_its_own_lambda_return():
    """A psi that is no advantage must not drive the critic off: its targets are what they are without an estimator."""
    plain = some(pg.a2c, estimator=partial(pg.reward_to_go, gamma_power=False), lam=0.7)
    usual = some(pg.a2c, lam=0.7)
    next(plain), next(usual)
    assert np.array_equal(plain.critic.w, usual.critic.w) and not np.array_equal(plain.theta, usual.theta)
    shifted = some(pg.a2c, lam=0.7, estimator=lambda rollout, *, values: pg.td_advantage(rollout, values=values))
    next(shifted)
    assert not np.array_equal(shifted.critic.w, usual.critic.w)


def test_a_baseline_bound_to_the_estimator_is_kept():
    bound = train(estimator=partial(pg.reward_to_go, baseline=pg.leave_one_out), episodes=4)
    given, without = train(baseline=pg.leave_one_out, episodes=4), train(episodes=4)
    theta = next(bound).theta
    assert np.array_equal(theta, next(given).theta) and not np.array_equal(theta, next(without).theta)


def test_a_learned_baseline_that_was_given_later_begins_at_the_next_update():
    """Nothing happens on assignment: chance goes on as before; then a copy of its own is begun."""
    training, value = train(episodes=3, updates=3), pg.LearnedValue(pg.Table(1, 1), pg.SGD(0.3))
    next(training)
    before = training.rng.bit_generator.state
    training.baseline = value
    assert training.rng.bit_generator.state == before and value.w is None
    next(training)
    assert training.baseline is not value and training.baseline.w.any() and value.w is None
    learned = training.baseline
    training.baseline = learned  # its own: it goes on where it was
    next(training)
    assert training.baseline is learned


def test_settings_that_do_not_fit_one_another_are_refused_and_nothing_changes():
    training = some(pg.ppo)
    with pytest.raises(ValueError, match="^updates must be given for anneal=True"):
        training.anneal = True
    assert training.anneal is False and next(training).update == 1
    annealed = some(pg.ppo, updates=2, anneal=True)
    with pytest.raises(ValueError, match="^updates must be given for anneal=True"):
        annealed.updates = None
    assert annealed.updates == 2
    with pytest.raises(ValueError, match="^steps cannot change between None"):
        some(pg.a2c).steps = None
    for wrong in (1, "yes", None):
        with pytest.raises(ValueError, match="^normalize must be True or False"):
            some(pg.a2c, normalize=wrong)


# --- the loop, for an algorithm that is no policy gradient ---


class climb(Training):  # noqa: N801
    """theta <- theta + step towards `goal`, in small pieces: no policy, no world, no rollout."""

    goal = Setting(numbers, first=True)
    step = Setting(partial(number, least=0, most=1), 0.5)
    state = (*Training.state, "theta")

    def begin(self):
        super().begin()
        self.theta = np.zeros((self.runs, 1))

    def collect(self):
        yield None
        return self.goal

    def learn(self, experience):
        left = experience - self.theta
        self.move(self.theta + self.step * left)
        return {"details": {"left": left[:, 0]}}


def test_any_algorithm_drops_into_the_loop():
    training = climb(8.0, rng=np.random.default_rng(0), runs=2, updates=3)
    assert [record.theta.tolist() for record in training] == [[[4.0]] * 2, [[6.0]] * 2, [[7.0]] * 2]
    training.updates, training.goal = 4, [[np.float64(1e308)], [0.0]]
    *pauses, record = training.pulses()
    assert pauses == [None] and record.rollout is None and record.gradients is None and record.details["left"][1] == -7
    with pytest.raises(ValueError, match="^step must be a number between 0 and 1; got 2"):
        training.step = 2
    assert str(inspect.signature(climb)) == "(goal, *, rng, runs=1, updates=None, step=0.5)"


def test_a_run_of_any_algorithm_that_overflows_stays_where_it_was():
    training = climb([[np.float64(1.7e308)], [1.0]], rng=np.random.default_rng(0), runs=2, step=1.0)
    next(training)
    training.goal = np.array([[-1.7e308], [2.0]])  # the difference overflows
    record = next(training)
    assert record.diverged.tolist() == [True, False] and record.theta.tolist() == [[1.7e308], [2.0]]


def test_the_caller_s_theta_is_never_the_training_s():
    given, later = np.full((2, 2), 0.25), np.full((2, 2), -0.5)
    training = train(runs=2, theta=given, rate=0.0)
    given[:] = 99
    assert (next(training).theta == 0.25).all()
    training.theta = later
    later[:] = 99
    assert (next(training).theta == -0.5).all()
    with pytest.raises(ValueError, match=r"^theta must be \[R, D\] = \(2, 2\); got shape \(2, 3\)"):
        training.theta = np.zeros((2, 3))
    assert (next(training).theta == -0.5).all()


# --- what others found by trying to break it ---


def test_what_is_fixed_and_what_a_number_is_by_default():
    """Told one by one, since the test above asks each setting itself."""
    fixed = {name for algorithm in ALL for name, each in algorithm.settings().items() if not each.live}
    assert fixed == {"runs", "world", "policy", "optimizer", "critic", "environments", "workers", "max_steps"}
    for algorithm in ALL:
        live = {name for name, each in algorithm.settings().items() if each.live}
        assert not live & (fixed - {"max_steps"}) and ("max_steps" in live) == (algorithm is pg.reinforce)
    defaults = {name: algorithm.settings()[name].default for algorithm, name in [
        (pg.a3c, "workers"), (pg.a2c, "environments"), (pg.a2c, "steps"), (pg.ppo, "epochs"), (pg.trpo, "max_kl")]}  # fmt: skip
    assert defaults == {"workers": 8, "environments": 8, "steps": 5, "epochs": 4, "max_kl": 0.01}


@pytest.mark.parametrize(("episodes", "kind"), [(None, type(None)), (1, Moment)])
def test_pieces_are_those_of_one_update_after_the_other(episodes, kind):
    world = CORRIDOR if episodes is None else pg.TabularVectorEnv(CORRIDOR, episodes)
    whole = list(train(world, updates=3))
    parts = list(pieces(train(world, updates=3)))
    records = [each for each in parts if isinstance(each, Progress)]
    pulses = [each for each in parts if not isinstance(each, Progress)]
    assert {type(each) for each in pulses} == {kind}
    assert len(pulses) == sum(len(record.rollout.mask) for record in whole)
    assert [record.update for record in records] == [1, 2, 3] and np.array_equal(records[-1].theta, whole[-1].theta)
    assert list(pieces(iter("abc"))) == ["a", "b", "c"]  # any iterator


def test_no_discount_of_its_own_is_the_world_s_in_segments_too():
    training = some(pg.a2c, gamma=0.5)
    assert next(training).rollout.discounts.max() == 0.5
    training.gamma = None
    assert next(training).rollout.discounts.max() == 1.0
    training = pg.a2c(pg.campaign(0.7), pg.Policy.softmax(pg.Table(3, 2)), optimizer=pg.SGD(0.1), rng=np.random.default_rng(0),
                      critic=pg.LearnedValue(pg.Table(3, 1), pg.SGD(0.1)))  # fmt: skip
    assert next(training).rollout.discounts.max() == 0.7
    training.gamma = None
    assert next(training).rollout.discounts.max() == 0.7


def test_what_is_bound_to_an_estimator_is_kept():
    values = np.array([5.0])
    bound = some(pg.a2c, estimator=partial(pg.td_advantage, values=values))
    plain = some(pg.a2c, estimator=lambda rollout: pg.td_advantage(rollout, values=values))
    critic_s = some(pg.a2c, estimator=pg.td_advantage)
    theta = next(bound).theta
    assert np.array_equal(theta, next(plain).theta) and not np.array_equal(theta, next(critic_s).theta)
    with pytest.raises(ValueError, match="^estimator must take a baseline"):
        train(estimator=partial(pg.reward_to_go, baseline=pg.none), baseline=pg.batch_mean)


def test_nobody_can_write_into_what_others_use():
    def estimator(rollout, *, values):
        v = values(rollout.observations)
        v -= v.mean()
        return v[:-1]

    with pytest.raises(ValueError, match="read-only"):
        next(some(pg.a2c, estimator=estimator))

    def baseline(rollout, targets):
        targets -= targets.mean()
        return 0.0

    with pytest.raises(ValueError, match="read-only"):
        next(train(baseline=baseline))
    training = train(runs=2)
    record = next(training)
    record.diverged[:], record.details["x"] = True, 1
    assert not training.diverged.any() and next(training).details == {} and next(train()).details == {}


def test_a_subclass_declares_its_settings():
    with pytest.raises(ValueError, match="^epochs of careless must be a Setting, as it is in its base, .*; got 0"):
        type("careless", (pg.ppo,), {"epochs": 0})
    twice = type("twice", (pg.ppo,), {"epochs": Setting(partial(number, least=1, whole=True), 2)})
    assert some(twice).epochs == 2 and some(pg.ppo).epochs == 4
    with pytest.raises(ValueError, match="^theta must be numbers .*; got None"):
        some(pg.reinforce).theta = None


def test_an_optimizer_of_one_s_own_needs_no_more_than_step_and_a_learning_rate():
    class Plain:
        learning_rate = 0.1

        def step(self, theta, gradient):
            return theta + self.learning_rate * gradient

    for algorithm in (pg.reinforce, pg.a2c, pg.ppo):
        assert np.array_equal(next(some(algorithm, optimizer=Plain())).theta, next(some(algorithm)).theta)


def test_underflow_stops_no_training():
    with np.errstate(all="raise"):
        rollout = pg.collect(pg.stay_or_stop(), TABLE, np.array([-40.0, 0.0]), rng=np.random.default_rng(0), episodes=2,
                             gamma=0.5, max_steps=1500)  # fmt: skip
        assert np.isfinite(pg.reward_to_go(rollout)).all()
        for algorithm in ALL:
            assert np.isfinite(next(some(algorithm, theta=[[-744.0, 0.0]])).theta).all()


def test_a_run_that_was_lost_goes_on_from_a_new_theta():
    training = train(runs=2, baseline=lambda rollout, targets: np.nan)
    assert next(training).diverged.all()
    training.baseline, training.theta = pg.none, np.ones((2, 2))
    record = next(training)
    assert not record.diverged.any() and not (record.theta == 1).any()

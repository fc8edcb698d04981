"""Actor-critics against updates worked out in loops from the same experience; staleness against full histories."""

from functools import partial

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode
from test_returns import column_by_column, faded_in_full, told_in_full
from test_streams import COIN, counting

import pgedu as pg
from pgedu.experience.rollouts import Moment
from pgedu.learning.actor_critics import normalized

GAMMA, R, B = 0.8, 2, 3
WORLD = pg.random_mdp(np.random.default_rng(0), states=2, gamma=GAMMA)  # and a terminal state
POLICY, CRITIC = pg.Policy.softmax(pg.Table(3, 2)), pg.Table(3, 1)
CARTPOLE, LINEAR = "CartPole-v1", pg.Policy.softmax(pg.Linear(4, 2))
RATES, CRITIC_RATES = np.array([0.3, 0.05]), np.array([0.5, 0.1])
THETA = np.random.default_rng(1).normal(size=(R, 6)) / 2


def environment(columns=R * B):
    """Episodes are cut off after four steps; many terminate before."""
    return pg.TabularVectorEnv(WORLD, columns, max_episode_steps=4)


def learned(approximator=CRITIC, rate=CRITIC_RATES):
    return pg.LearnedValue(approximator, pg.SGD(rate))


def train(make=pg.a2c, world=None, policy=POLICY, *, seed=0, environments=B, **settings):
    count = {} if make is pg.a3c else {"environments": environments}
    own = {} if make is pg.trpo else {"optimizer": pg.SGD(RATES)}
    defaults = dict(critic=learned(), runs=R, gamma=GAMMA, theta=THETA, rng=np.random.default_rng(seed)) | count | own
    if world is None:
        world = environment(settings.get("runs", R) * settings.get("workers", environments))
    return make(world, policy, **defaults | settings)


def pi_of(theta, seen):
    preferences = np.exp(theta.reshape(3, 2)[seen])
    return preferences / preferences.sum()


def gradient_in_loops(theta, observations, actions, weights, bonus):
    """sum over steps [T, B] of weight * (onehot - pi) + bonus * dH/dh, for a softmax table theta [6]."""
    total = np.zeros((3, 2))
    for at in np.ndindex(actions.shape):
        pi = pi_of(theta, observations[at])
        H = -(pi * np.log(pi)).sum()
        score = np.eye(2)[actions[at]] - pi
        total[observations[at]] += weights[at] * score + bonus[at] * -pi * (np.log(pi) + H)
    return total.ravel()


def critic_in_loops(w, observations, targets, mask):
    """Mean over real steps of (target - v) in the row that was seen."""
    total = np.zeros(3)
    for at in np.argwhere(mask):
        total[observations[tuple(at)]] += targets[tuple(at)] - w[observations[tuple(at)]]
    return total / max(mask.sum(), 1)


def one_run(rollout, run):
    return pg.Rollout(*(field[:, run] for field in rollout))


def update_in_loops(theta, w, rollout, *, lam=1.0, entropy=0.01, normalize=False, max_gradient_norm=np.inf,
                    over="steps", advantages=None):  # fmt: skip
    """The step that theta [6] takes for a learning rate of 1, and that of w, from one run's rollout [T, B]."""
    v, mask, seen = w[rollout.observations], rollout.mask, rollout.observations[:-1]
    told = advantages or partial(column_by_column, faded_in_full)
    psi = told(rollout.rewards, rollout.discounts, v, mask, lam)
    weights = psi
    if normalize:
        real = psi[mask == 1]
        weights = np.where(mask == 1, (psi - real.mean()) / (real.std() + 1e-8), 0)
    gradient = gradient_in_loops(theta, seen, rollout.actions, weights, entropy * mask)
    gradient = gradient / (mask.sum() if over == "steps" else mask.shape[1])
    length = np.sqrt((gradient**2).sum())
    gradient = gradient * min(1, max_gradient_norm / length) if length else gradient
    return gradient, critic_in_loops(w, seen, psi + v[:-1], mask)


def has_both_ends(rollout):
    truncated = (rollout.mask[:-1] == 1) & (rollout.discounts[:-1] > 0) & (rollout.mask[1:] == 0)
    return truncated.any() and ((rollout.mask == 1) & (rollout.discounts == 0)).any()


SETTINGS = [
    {}, {"lam": 0.0}, {"lam": 0.9, "entropy": 0.3}, {"normalize": True, "lam": 0.5}, {"max_gradient_norm": 0.05},
    {"normalize": True, "max_gradient_norm": 0.02, "entropy": 0.0},
]  # fmt: skip


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a2c_by_hand(settings):
    """Three updates of two runs on segments with ends of both kinds in the midst, actor and critic."""
    training = train(steps=12, **settings)
    rng = np.random.default_rng(0)  # tables start at 0 and draw nothing; the stream's seed comes first
    stream, theta, w = pg.Stream(environment(), rng), THETA, np.zeros((R, 3))
    for update in (1, 2, 3):
        rollout = pg.collect(stream, POLICY, theta, rng=rng, steps=12, gamma=GAMMA)
        progress = next(training)
        assert all(np.array_equal(a, b) for a, b in zip(progress.rollout, rollout)) and has_both_ends(rollout)
        steps, others = zip(
            *(update_in_loops(theta[run], w[run], one_run(rollout, run), **settings) for run in range(R))
        )
        np.testing.assert_allclose(progress.theta, theta + RATES[:, None] * steps, rtol=1e-10)
        np.testing.assert_allclose(training.critic.w, w + CRITIC_RATES[:, None] * others, rtol=1e-10)
        plain = [update_in_loops(theta[run], w[run], one_run(rollout, run))[0] for run in range(R)]
        if settings:
            assert not np.allclose(progress.theta, theta + RATES[:, None] * plain, rtol=1e-3)
        theta, w = progress.theta, training.critic.w
        assert progress.update == update and progress.gradients.shape == (R, B, 6) and progress.details == {}
    assert progress.environment_steps == pytest.approx(training.environment_steps) and not progress.diverged.any()


@pytest.mark.parametrize("lam", [0.0, 0.95])
def test_actor_critic_by_hand_on_whole_episodes(lam):
    """The mean is one over episodes, as that of reinforce; the world's own gamma."""
    training = train(pg.actor_critic, WORLD, gamma=None, lam=lam, entropy=0.2)
    rng, theta, w = np.random.default_rng(0), THETA, np.zeros((R, 3))
    for update in (1, 2):
        rollout = pg.collect(WORLD, POLICY, theta, rng=rng, episodes=B)
        progress, means = next(training), {"steps": [], "episodes": []}
        assert all(np.array_equal(a, b) for a, b in zip(progress.rollout, rollout))
        for over, found in means.items():
            for run in range(R):
                settings = dict(lam=lam, entropy=0.2, over=over)
                found.append(update_in_loops(theta[run], w[run], one_run(rollout, run), **settings))
        wanted, others = zip(*means["episodes"])
        np.testing.assert_allclose(progress.theta, theta + RATES[:, None] * wanted, rtol=1e-10)
        assert not np.allclose(progress.theta, theta + RATES[:, None] * [step for step, _ in means["steps"]], rtol=1e-3)
        lengths = rollout.mask.sum(axis=(0, -1))
        usual = lengths if update == 1 else usual  # of the batch before this second one: the running mean so far
        others = np.array(others) * (lengths / np.maximum(usual, lengths / 2))[:, None]
        np.testing.assert_allclose(training.critic.w, w + CRITIC_RATES[:, None] * others, rtol=1e-10)
        np.testing.assert_array_equal(progress.returns, rollout.rewards.sum(axis=0))
        theta, w = progress.theta, training.critic.w


@pytest.mark.parametrize("make", [pg.a2c, pg.actor_critic])
def test_an_estimator_of_ones_own(make):
    """It gets the critic as a function of observations; the critic's target is psi + v; None is the default again."""
    training = train(make, steps=12, estimator=partial(pg.n_step_advantage, n=2), entropy=0.0)
    rng = np.random.default_rng(0)
    rollout = pg.collect(pg.Stream(environment(), rng), POLICY, THETA, rng=rng, steps=12, gamma=GAMMA)
    told = lambda *steps: column_by_column(told_in_full, *steps[:-1], 2)  # noqa: E731
    over = "steps" if make is pg.a2c else "episodes"
    by_hand = [update_in_loops(THETA[run], np.zeros(3), one_run(rollout, run), entropy=0, advantages=told, over=over)
               for run in range(R)]  # fmt: skip
    progress = next(training)
    np.testing.assert_allclose(progress.theta, THETA + RATES[:, None] * [step for step, _ in by_hand], rtol=1e-10)
    np.testing.assert_allclose(training.critic.w, CRITIC_RATES[:, None] * [step for _, step in by_hand], rtol=1e-10)
    training.estimator = None
    training.lam = 0.25
    v = np.random.default_rng(1).normal(size=rollout.observations.shape[:3])  # any values, to tell lams apart
    wanted, other = (pg.lambda_advantage(rollout, values=lambda observations: v, lam=lam) for lam in (0.25, 0.95))
    found = training.judge(rollout, v)[0]
    assert np.array_equal(found, wanted) and not np.allclose(found, other)


CHANGES = dict(lam=0.2, entropy=0.5, normalize=True, max_gradient_norm=0.01, learning_rate=0.0, gamma=0.3)


@pytest.mark.parametrize("name, value", CHANGES.items())
def test_a_setting_changed_acts_on_the_next_update(name, value):
    changed, as_before = train(steps=12), train(steps=12)
    first = next(changed)
    next(as_before)
    w = changed.critic.w
    setattr(changed, name, value)
    second = next(changed)
    settings = {} if name in ("learning_rate", "gamma") else {name: value}
    rates = 0 * RATES if name == "learning_rate" else RATES
    steps = [update_in_loops(first.theta[run], w[run], one_run(second.rollout, run), **settings)[0] for run in range(R)]
    np.testing.assert_allclose(second.theta, first.theta + rates[:, None] * steps, rtol=1e-10)
    assert not np.allclose(second.theta, next(as_before).theta, rtol=1e-6)
    if name == "gamma":
        assert second.rollout.discounts.max() == value


def test_normalized_has_mean_0_and_deviation_1_over_the_real_steps_of_each_run():
    rng = np.random.default_rng(0)
    mask = (rng.random((9, R, B)) > 0.3).astype(float)
    psi = rng.normal(3, 5, size=mask.shape) * mask
    found = normalized(psi, mask)
    for run in range(R):
        real = found[:, run][mask[:, run] == 1]
        assert real.mean() == pytest.approx(0, abs=1e-12) and real.std() == pytest.approx(1, rel=1e-6)
    assert not found[mask == 0].any()
    junk = np.where(mask == 1, psi, 1e6)
    assert np.array_equal(normalized(junk, mask), found)
    together = (psi - psi[mask == 1].mean()) / psi[mask == 1].std()
    assert not np.allclose(found[mask == 1], together[mask == 1], atol=1e-2)
    alike, none = np.full(mask.shape, 7.0) * mask, np.zeros(mask.shape)
    assert np.allclose(normalized(alike, mask), 0) and not normalized(none, none).any()


# --- segments ---


@pytest.mark.parametrize("world", ["mdp", "tabular", CARTPOLE])
def test_segments_continue_one_another_and_truncations_bootstrap(world):
    if world == CARTPOLE:
        env, policy, critic = gymnasium.make_vec(CARTPOLE, 6, max_episode_steps=9), LINEAR, pg.Linear(4, 1)
    else:
        env, policy, critic = environment() if world == "tabular" else WORLD, POLICY, CRITIC
    seen = []

    def estimator(rollout, *, values):
        seen.append((pg.lambda_advantage(rollout, values=values, lam=0.0), values(rollout.observations)))
        return seen[-1][0]

    training = train(pg.a2c, env, policy, critic=learned(critic), theta=None, steps=5, estimator=estimator)
    rollouts = [next(training).rollout for _ in range(12)]
    for before, after in zip(rollouts, rollouts[1:]):
        assert np.array_equal(before.observations[-1], after.observations[0])
    real, truncated = 0, 0
    for rollout, (psi, v) in zip(rollouts, seen):
        for t, *at in np.argwhere(rollout.mask[:-1] == 1):
            at = tuple(at)
            going_on = rollout.discounts[t][at] > 0
            delta = rollout.rewards[t][at] + (GAMMA * v[t + 1][at] if going_on else 0) - v[t][at]
            assert psi[t][at] == pytest.approx(delta, abs=1e-12)
            truncated += going_on and rollout.mask[t + 1][at] == 0
            real += 1
    assert real > 100 and (truncated > 5) == (world != "mdp")
    assert training.environment_steps == sum(rollout.mask.sum() for rollout in rollouts) / R


@pytest.mark.parametrize("name", ["a2c", "a3c", "ppo"])
def test_returns_are_those_of_the_last_episodes_that_ended(name):
    """In CartPole they are lengths, to be counted in the masks of all segments together; NaN before the first end."""
    env = gymnasium.make_vec(CARTPOLE, 6, max_episode_steps=15)
    training = any_of_them(name, env, LINEAR, learned(pg.Linear(4, 1), 1e-3), steps=5)
    records = [next(training) for _ in range(16)]
    mask, discounts = (np.concatenate([getattr(r.rollout, each) for r in records]) for each in ("mask", "discounts"))
    for n, record in enumerate(records[:-1], start=1):
        for at in np.ndindex(R, B):
            real, going_on = mask[(slice(None), *at)], discounts[(slice(None), *at)] > 0
            ends = [t for t in range(5 * n) if real[t] and (not going_on[t] or not real[t + 1])]
            before = [t for t in range(ends[-1] if ends else 0) if not real[t] or not going_on[t]]
            lengths = real[before[-1] + 1 if before else 0 : ends[-1] + 1].sum() if ends else np.nan
            assert np.array_equal(record.returns[at], lengths, equal_nan=True)
    assert np.isnan(records[0].returns).all() and len(np.unique([each.returns for each in records[5:]])) > 2


def test_max_steps_cuts_episodes_of_a_finite_world_in_segments_too():
    training = train(world=WORLD, max_steps=3, steps=200)
    rollout = next(training).rollout
    for at in np.ndindex(R, B):
        ends = np.flatnonzero(rollout.mask[(slice(None), *at)] == 0)
        assert max(np.diff(np.concatenate([[-1], ends]))) == 4  # three steps and a reset
    assert has_both_ends(rollout)
    with pytest.raises(ValueError, match="^max_steps must be a whole number of 1 or more; got 0"):
        train(world=WORLD, max_steps=0)


# --- asynchronous workers ---


def replay(training, rounds, workers, late, settings=None):
    """A3C in a loop, gradient by gradient, with every parameter vector there ever was: the histories of theta and w.

    The n-th gradient (n = 1, 2, ...) is worked out at parameters after n - 1 - late others, and applied to the latest.
    """
    thetas, ws = [THETA], [np.zeros((R, 3))]
    for progress in (next(training) for _ in range(rounds)):
        first = len(thetas)
        for j in range(workers):
            n = first + j
            then = max(0, n - 1 - late)
            steps = []
            for run in range(R):
                own = pg.Rollout(*(field[:, run, j : j + 1] for field in progress.rollout))
                steps.append(update_in_loops(thetas[then][run], ws[then][run], own, **settings or {}))
            step, other = map(np.array, zip(*steps))
            thetas.append(thetas[-1] + RATES[:, None] * step)
            ws.append(ws[-1] + CRITIC_RATES[:, None] * other)
        yield progress, thetas, ws


@pytest.mark.parametrize("workers, delay", [(1, 0), (3, 0), (1, 2), (2, 3), (4, 1)])
def test_the_n_th_gradient_is_workers_minus_1_plus_delay_updates_late(workers, delay):
    def play():
        return train(pg.a3c, steps=6, workers=workers, delay=delay, entropy=0.1)

    training = play()
    for progress, thetas, ws in replay(training, 5, workers, workers - 1 + delay, {"entropy": 0.1}):
        np.testing.assert_allclose(progress.theta, thetas[-1], rtol=1e-9)
        np.testing.assert_allclose(training.critic.w, ws[-1], rtol=1e-9)
    assert progress.gradients.shape == (R, workers, 6) and progress.returns.shape == (R, workers)
    for wrong in {workers + delay, max(0, workers - 2 + delay)} - {workers - 1 + delay}:
        *_, (progress, thetas, _) = replay(play(), 5, workers, wrong, {"entropy": 0.1})
        assert not np.allclose(progress.theta, thetas[-1], rtol=1e-4)


def test_every_switch_of_a2c_works_on_each_worker_s_own_segment():
    settings = dict(normalize=True, max_gradient_norm=0.03, lam=0.6)
    training = train(pg.a3c, steps=6, workers=3, **settings)
    for progress, thetas, _ in replay(training, 4, 3, 2, settings):
        np.testing.assert_allclose(progress.theta, thetas[-1], rtol=1e-9)


def who_acted(rollout, thetas):
    """For each worker the number of the only parameters in the history that give its recorded log-probabilities."""
    found = []
    for j in range(rollout.rewards.shape[2]):
        own = pg.Rollout(*(field[:, :, j : j + 1] for field in rollout))
        found_by = [POLICY.log_prob(theta, own.observations[:-1], own.actions) * own.mask for theta in thetas]
        fits = [np.allclose(log_probs, own.log_probs, atol=1e-13) for log_probs in found_by]
        assert sum(fits) == 1
        found.append(fits.index(True))
    return found


def test_workers_act_with_the_parameters_that_they_fetched_also_when_the_delay_changes():
    """Live from 0 to 4 to 1: what was thrown away cannot be fetched, so that the delay grows into its new value."""
    training, W, thetas, wanted = train(pg.a3c, steps=6, workers=3, entropy=0.3), 3, [THETA], []
    for delay, rounds in ((0, 3), (4, 4), (1, 2)):
        training.delay = delay
        for k in range(rounds):
            latest, before = len(thetas) - 1, training.theta
            first = THETA if latest == 0 else thetas[-1]
            assert np.array_equal(before, first)
            progress = next(training)
            acted = who_acted(progress.rollout, thetas)
            wanted = [max(0, latest - (W - 1 - j) - delay) for j in range(W)]
            if delay == 4 and k < 2:  # it grows by what is learned in a round
                wanted = [max(each, latest - (W - 1) - 3 * k) for each in wanted]
            assert acted == wanted, (delay, k)
            moved = thetas[-1]
            for j, then in enumerate(acted):  # the updates in between, which a record does not show
                own = [pg.Rollout(*(field[:, run, j : j + 1] for field in progress.rollout)) for run in range(R)]
                w = training._stale[1][:, j]
                moved = moved + RATES[:, None] * [update_in_loops(thetas[then][run], w[run], own[run], entropy=0.3)[0]
                                                  for run in range(R)]  # fmt: skip
                thetas.append(moved)
            np.testing.assert_allclose(progress.theta, moved, rtol=1e-9)
            thetas[-1] = progress.theta


def test_one_worker_without_delay_is_a2c_with_one_environment():
    alone, a2c = train(pg.a3c, workers=1, steps=6), train(pg.a2c, environments=1, steps=6)
    for _ in range(4):
        one, other = next(alone), next(a2c)
        assert all(np.array_equal(a, b) for a, b in zip(one.rollout, other.rollout))
        np.testing.assert_allclose(one.theta, other.theta, rtol=1e-13)
        np.testing.assert_allclose(alone.critic.w, a2c.critic.w, rtol=1e-13)
        np.testing.assert_allclose(one.gradients, other.gradients, rtol=1e-12, atol=1e-15)


def test_a_huge_delay_fetches_the_first_parameters_for_ever_and_freezes_nothing():
    training = train(pg.a3c, workers=2, steps=6, delay=10**12)
    for update in range(1, 9):
        progress = next(training)
        assert who_acted(progress.rollout, [THETA, progress.theta]) == [0, 0]
        assert progress.update == update and np.isfinite(progress.theta).all() and not progress.diverged.any()
    training.delay, latest = 0, training.theta
    acted = next(training).rollout
    own = [field[:, :, 1:] for field in (acted.observations[:-1], acted.actions, acted.log_probs, acted.mask)]
    np.testing.assert_allclose(POLICY.log_prob(latest, *own[:2]) * own[3], own[2], atol=1e-13)


# --- every algorithm, the later ones too ---

ALGORITHMS = {
    "actor_critic": pg.actor_critic, "a2c": pg.a2c, "a3c": partial(pg.a3c, workers=B, delay=1),
    "natural_gradient": pg.natural_gradient, "trpo": pg.trpo, "ppo": partial(pg.ppo, epochs=2, minibatches=2),
}  # fmt: skip
EVERY = pytest.mark.parametrize("name", ALGORITHMS)


def any_of_them(name, world=None, policy=POLICY, critic=None, **settings):
    make = ALGORITHMS[name]
    rate = settings.pop("rate", RATES)
    own = {} if name == "trpo" else {"optimizer": pg.SGD(rate)}
    count = {} if name == "a3c" else {"environments": settings.pop("environments", B)}
    defaults = (
        dict(critic=critic or learned(), runs=R, gamma=GAMMA, steps=10, rng=np.random.default_rng(0)) | own | count
    )
    return make(environment() if world is None else world, policy, **defaults | settings)


@EVERY
def test_the_same_generator_gives_the_same_numbers(name):
    first, again = (any_of_them(name) for _ in range(2))
    other = any_of_them(name, rng=np.random.default_rng(1))
    for _ in range(3):
        a, b, c = next(first), next(again), next(other)
        assert np.array_equal(a.theta, b.theta) and np.array_equal(a.gradients, b.gradients)
        assert np.array_equal(first.critic.w, again.critic.w)
        assert not np.array_equal(a.rollout.actions, c.rollout.actions)


@EVERY
def test_a_training_s_critic_is_its_own(name):
    """Two trainings given the same LearnedValue go as each would alone; the one that was given stays as it was."""
    given = pg.LearnedValue(CRITIC, pg.Adam(0.1))
    alone = [next(any_of_them(name, critic=pg.LearnedValue(CRITIC, pg.Adam(0.1)))).theta]
    training = any_of_them(name, critic=pg.LearnedValue(CRITIC, pg.Adam(0.1)))
    alone = [next(training).theta for _ in range(3)]
    one, two = any_of_them(name, critic=given), any_of_them(name, critic=given)
    for wanted in alone:
        assert np.array_equal(next(one).theta, wanted) and np.array_equal(next(two).theta, wanted)
    assert given.w is None and one.critic is not two.critic and one.critic.optimizer is not two.critic.optimizer


@pytest.mark.parametrize("name", ["reinforce", *sorted(set(ALGORITHMS) - {"trpo"})])
def test_a_training_s_optimizer_is_its_own(name):
    """Adam has moments: two trainings given the same go as each would alone, each with a learning rate of its own."""

    def make(optimizer):
        if name == "reinforce":
            return pg.reinforce(WORLD, POLICY, optimizer=optimizer, rng=np.random.default_rng(0), runs=R, episodes=B)
        return any_of_them(name, optimizer=optimizer)

    given, training = pg.Adam(0.1), make(pg.Adam(0.1))
    alone = [next(training).theta for _ in range(3)]
    one, two = make(given), make(given)
    for wanted in alone:
        assert np.array_equal(next(one).theta, wanted) and np.array_equal(next(two).theta, wanted)
    one.learning_rate = 0.7
    assert two.learning_rate == given.learning_rate == 0.1


@EVERY
@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf, 1e308])
def test_a_critic_that_is_lost_stops_its_run_and_no_other(name, poison):
    """Run 0 learns bit by bit as beside a run that stands still; run 1 stays at its last finite theta, and is named."""
    sick, healthy = (any_of_them(name, rate=np.array([0.1, 0.0])) for _ in range(2))
    next(sick), next(healthy)
    if name == "trpo":  # there is no learning rate; a run whose advantages are all 0 stands still
        healthy.estimator = lambda rollout, *, values: pg.lambda_advantage(rollout, values=values) * [[1.0], [0.0]]
    poisoned = sick.critic.w.copy()
    poisoned[1] = poison
    sick.critic.w = poisoned
    if name == "a3c":
        sick._history = [(theta, poisoned) for theta, _ in sick._history]
        healthy._history = [(theta, healthy.critic.w) for theta, _ in healthy._history]
    first, still = sick.theta[1].copy(), True
    for _ in range(4):
        a, b = next(sick), next(healthy)
        still &= np.array_equal(a.theta[1], first)
        assert a.diverged[1] or np.isfinite(sick.critic.w).all()  # in the same record
        assert still or np.isfinite(poison)
        if still:  # a run that moves changes what chance is left for the others
            assert np.array_equal(a.theta[0], b.theta[0]) and np.array_equal(sick.critic.w[0], healthy.critic.w[0])
        assert np.isfinite(a.theta).all() and np.isfinite(sick.critic.w[0]).all() and not a.diverged[0]
    assert a.diverged[1] if not np.isfinite(sick.critic.w[1]).all() else np.isfinite(poison)
    assert not b.diverged.any() and not np.array_equal(a.theta[0], THETA[0])


@EVERY
def test_a_critic_that_overflows_is_named_in_the_same_record(name):
    env = gymnasium.make_vec(CARTPOLE, 6)
    training, lost = any_of_them(name, env, LINEAR, learned(pg.Linear(4, 1), np.array([1e-3, 1e200])), rate=1e-3), []
    for _ in range(4):
        progress = next(training)
        assert np.array_equal(progress.diverged, ~np.isfinite(training.critic.w).all(axis=-1))
        lost.append(progress.diverged.tolist())
    assert lost[-1] == [False, True]


@EVERY
def test_pulses_are_one_update_in_small_pieces(name):
    whole, pieces = any_of_them(name, updates=2), any_of_them(name, updates=2)
    for progress in whole:
        *pauses, last = pieces.pulses()
        following = progress.rollout.observations[1:]
        assert len(pauses) == 10 and np.array_equal(last.theta, progress.theta)
        assert all(np.array_equal(pause.observations.reshape(seen.shape), seen) for pause, seen in zip(pauses, following))
    assert list(pieces.pulses()) == [] and len(whole) == 2


@EVERY
@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_updates_given_up_half_way_leave_theta_alone_and_segments_true(name, mode):
    """Dropped after any number of steps, also between an end and its reset; what follows is true experience."""
    critic = pg.Linear(2, 1)
    training = any_of_them(name, counting(mode), COIN, learned(critic, 1e-4), runs=1, rate=1e-4, steps=6)
    for given_up in range(1, 12):
        before, w, steps = training.theta, training.critic.w, training.environment_steps
        pulses = training.pulses()
        for _ in range(given_up % 6 or 1):
            assert isinstance(next(pulses), Moment)
        pulses.close()
        assert training.theta is before and training.critic.w is w and training.environment_steps == steps
        rollout = next(training).rollout
        for t, *at in np.argwhere((rollout.mask == 1) & (rollout.discounts > 0)):
            (episode, count), following = rollout.observations[t][tuple(at)], rollout.observations[t + 1][tuple(at)]
            assert following.tolist() == [episode, count + 1]
            reward = 100 * episode + 10 * count + rollout.actions[t][tuple(at)] + 1
            assert rollout.rewards[t][tuple(at)] == reward
        assert rollout.mask.sum() > 9
    assert training.update == 11 and np.isfinite(training.theta).all()


@EVERY
def test_it_is_a_training_like_any_other(name):
    training = any_of_them(name, updates=2, theta=THETA)
    records = list(training)
    assert [record.update for record in records] == [1, 2]
    for record in records:
        assert record.theta.shape == (R, 6) and record.gradients.shape[0] == R and record.returns.shape == (R, B)
        assert not record.theta.flags.writeable
        assert all(np.shape(each) == (R,) for each in record.details.values())
    assert not np.array_equal(records[1].theta, THETA)


@pytest.mark.parametrize("name", ["a2c", "a3c", "ppo", "trpo"])
def test_acrobot_in_separate_environments_works(name):
    env = gymnasium.make_vec("Acrobot-v1", 6, vectorization_mode="sync", max_episode_steps=7)
    policy = pg.Policy.softmax(pg.MLP(6, (8,), 3))
    training = any_of_them(name, env, policy, learned(pg.MLP(6, (8,), 1)), steps=20)
    progress = [next(training) for _ in range(3)][-1]
    lengths = progress.rollout.mask.sum(axis=0)
    assert (progress.returns == -7).all()  # each step costs 1, and nobody gets there so soon
    assert (
        (lengths < 20).all()
        and (lengths > 15).all()
        and (progress.rollout.discounts[progress.rollout.mask == 1] == GAMMA).all()
    )
    assert progress.rollout.observations.shape == (21, R, B, 6) and progress.environment_steps > 40


def test_acrobot_s_update_is_the_derivative_of_the_mean_of_psi_times_log_pi():
    """By central differences of log-probabilities, for an MLP in an environment with three actions."""
    env = gymnasium.make_vec("Acrobot-v1", 6, vectorization_mode="sync", max_episode_steps=7)
    policy, kept = pg.Policy.softmax(pg.MLP(6, (3,), 3)), []

    def estimator(rollout, *, values):
        kept.append(pg.lambda_advantage(rollout, values=values, lam=0.9))
        return kept[-1]

    training = any_of_them("a2c", env, policy, learned(pg.MLP(6, (3,), 1)), estimator=estimator, entropy=0.0)
    theta = training.theta
    rollout = (progress := next(training)).rollout

    def objective(theta):
        log_probs = policy.log_prob(theta, rollout.observations[:-1], rollout.actions)
        return (kept[0] * log_probs).sum(axis=(0, -1)) / rollout.mask.sum(axis=(0, -1))

    slope = np.stack(
        [(objective(theta + s) - objective(theta - s)) / 2e-5 for s in 1e-5 * np.eye(policy.size)], axis=-1
    )
    np.testing.assert_allclose(progress.theta - theta, RATES[:, None] * slope, atol=1e-8)
    assert np.abs(slope).max() > 0.1


@pytest.mark.parametrize("name", ALGORITHMS)
def test_continuous_actions_are_for_a_gaussian_head(name):
    env = gymnasium.make_vec("Pendulum-v1", 6, vectorization_mode="sync")
    settings = dict(critic=learned(pg.Linear(3, 1), 1e-3), rate=1e-3)
    with pytest.raises(
        ValueError, match=r"^head must have dimensions = 1 to act in Box.*; got Categorical\(actions=2\)"
    ):
        any_of_them(name, env, pg.Policy.softmax(pg.Linear(3, 2)), **settings)
    training = any_of_them(name, env, pg.Policy(pg.Linear(3, 2), pg.Gaussian(1)), **settings)
    progress = [next(training) for _ in range(2)][-1]
    assert progress.rollout.actions.shape == (10, R, B, 1) and np.isfinite(progress.theta).all()
    with pytest.raises(ValueError, match=r"^head must have actions = 2 to act in Discrete\(2\); got Gaussian"):
        any_of_them(name, None, pg.Policy(pg.Table(3, 2), pg.Gaussian(1)))


def test_mountain_car_s_throttle_is_not_for_a_softmax():
    env = gymnasium.make_vec("MountainCarContinuous-v0", 6, vectorization_mode="sync")
    with pytest.raises(
        ValueError, match=r"^head must have dimensions = 1 to act in Box.*; got Categorical\(actions=3\)"
    ):
        any_of_them("ppo", env, pg.Policy.softmax(pg.Linear(2, 3)), learned(pg.Linear(2, 1)))


@EVERY
@pytest.mark.parametrize(
    "said, settings",
    [
        ("num_envs must be one sub-environment for each of 2 runs of 3 episodes; got 5", dict(world=environment(5))),
        ("num_envs must be .* 2 runs of 3 episodes; got 12", dict(world=environment(12))),
        (r"critic must be one that takes the same observations as the policy, Table\(observations=3, .*; got Table\(observations=4",
         dict(critic=learned(pg.Table(4, 1)))),
        (r"critic must be one that takes the same observations as the policy, Table.*; got Linear",
         dict(critic=learned(pg.Linear(3, 1)))),
        ("critic must be a LearnedValue, .*; got 'v'", dict(critic="v")),
        ("world must be an MDP or a Gymnasium vector environment; got <", dict(world=pg.TabularEnv(WORLD))),
        ("world must be an MDP or a Gymnasium vector environment; got 'CartPole-v1'", dict(world=CARTPOLE)),
        ("head must have actions = 2 to act in", dict(policy=pg.Policy.softmax(pg.Table(3, 3)))),
        ("head must have actions = 2 to act in this MDP", dict(world=WORLD, policy=pg.Policy.softmax(pg.Table(3, 3)))),
        ("steps must be a whole number of 1 or more; got 0", dict(steps=0)),
        ("steps must be a whole number of 1 or more; got 2.5", dict(steps=2.5)),
        ("entropy must be a number of 0 or more; got nan", dict(entropy=np.nan)),
        ("entropy must be a number of 0 or more; got 'much'", dict(entropy="much")),
        ("estimator must be a function of a rollout, such as those in pgedu.gradients.estimators; got 'gae'", dict(estimator="gae")),
        ("rng must be a generator such as .*; got 0", dict(rng=0)),
        (r"theta must be \[R, D\] = \(2, 6\); got shape \(6,\)", dict(theta=np.zeros(6))),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_named(name, said, settings):
    with pytest.raises(ValueError, match=f"^{said}"):
        any_of_them(name, **settings)


@EVERY
@pytest.mark.parametrize("setting", [dict(lam=1.5), dict(lam=np.nan), dict(gamma=2)], ids=str)
def test_shares_are_between_0_and_1_at_once_and_later(name, setting):
    ((argument, value),) = setting.items()
    for attempt in (lambda: any_of_them(name, **setting), lambda: setattr(any_of_them(name), argument, value)):
        with pytest.raises(ValueError, match=f"^{argument} must be a number between 0 and 1; got {value}"):
            attempt()


@pytest.mark.parametrize("make, name, value, least", [
    (pg.a2c, "max_gradient_norm", -1, "number of 0"), (pg.a2c, "max_gradient_norm", None, "number of 0"),
    (pg.a3c, "delay", -1, "whole number of 0"), (pg.a3c, "delay", 1.5, "whole number of 0"),
    (pg.a3c, "delay", np.inf, "whole number of 0"), (pg.a3c, "delay", np.nan, "whole number of 0"),
    (pg.a3c, "delay", "2", "whole number of 0"),
])  # fmt: skip
def test_numbers_out_of_range_are_named_at_once_and_later(make, name, value, least):
    with pytest.raises(ValueError, match=f"^{name} must be a {least} or more; got {value!r}"):
        train(make, workers=B, **{name: value}) if make is pg.a3c else train(make, **{name: value})
    training = train(make, workers=B) if make is pg.a3c else train(make)
    before = getattr(training, name)
    with pytest.raises(ValueError, match=f"^{name} must be a {least} or more; got {value!r}"):
        setattr(training, name, value)
    assert getattr(training, name) == before


def test_an_asynchronous_worker_needs_a_segment():
    with pytest.raises(ValueError, match="^steps must be a whole number of 1 or more; got None"):
        train(pg.a3c, WORLD, workers=B, steps=None)


@pytest.mark.parametrize("make", [pg.actor_critic, pg.a2c])
def test_many_runs_at_once_have_the_law_of_single_ones(make):
    """Mean and spread of a preference after three updates: 120 runs in one array against 120 trainings."""
    settings = dict(world=WORLD, gamma=None, environments=2, optimizer=pg.SGD(0.5))

    def play(runs, seed):
        training = train(
            make, critic=learned(rate=0.3), runs=runs, theta=np.zeros((runs, 6)), updates=3, seed=seed, **settings
        )
        *_, last = training
        return last.theta[:, 1]

    together, alone = play(120, 0), np.concatenate([play(1, seed) for seed in range(1, 121)])
    error = np.sqrt((together.var() + alone.var()) / 120)
    assert abs(together.mean() - alone.mean()) < 4 * error and 0.7 < together.std() / alone.std() < 1.4
    assert np.unique(together).size > 100 and abs(np.corrcoef(together[:-1], together[1:])[0, 1]) < 4 / np.sqrt(120)


def test_more_steps_of_the_critic_go_to_the_same_targets():
    """With a Table, one segment and SGD, k steps at rate r are one step of 1 - (1 - r n / N)^k of the way, state by state."""
    one, many = (train(pg.a2c, critic_steps=steps, updates=1) for steps in (1, 3))
    rollout = next(one).rollout
    assert all(np.array_equal(a, b) for a, b in zip(rollout, next(many).rollout))
    seen = np.eye(3)[rollout.observations[:-1]] * rollout.mask[..., None]
    share = seen.sum(axis=(0, 2)) / rollout.mask.sum(axis=(0, -1))[:, None]  # n / N, [R, states]
    move = CRITIC_RATES[:, None] * share
    way = np.divide(one.critic.w, move, out=np.zeros_like(move), where=move > 0)  # the distance to the mean target
    assert np.allclose(many.critic.w, way * (1 - (1 - move) ** 3), rtol=1e-10) and not np.allclose(many.critic.w, one.critic.w)


def test_a_segment_may_change_its_length_between_two_updates():
    training = train(pg.a2c, steps=7)
    lengths = []
    for training.steps in (7, 3, 11):
        lengths.append(len(next(training).rollout.rewards))
    assert lengths == [7, 3, 11]

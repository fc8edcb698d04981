"""The gradient bandit against hand computation, enumeration, `reinforce`, and Sutton & Barto's figure 2.5."""

import numpy as np
import pytest

import pgedu as pg
from pgedu.lessons.gradient_bandit import clicks, gradient_bandit, normal

SETTINGS = [(0.1, True), (0.4, True), (0.1, False), (0.4, False)]  # figure 2.5, from its best curve to its worst


def make(values, seed=0, **settings):
    return gradient_bandit(values, **{"rng": np.random.default_rng(seed), "learning_rate": 0.1, **settings})


def softmax(h):
    return np.exp(h) / np.exp(h).sum()


def by_hand(actions, rewards, alpha, baseline, including, A):
    """Preferences after these steps of one run, in loops, straight from eq. 2.12."""
    H = [0.0] * A
    for t in range(len(rewards)):
        pi = softmax(np.array(H))
        average = np.mean(rewards[: t + 1]) if including or t == 0 else np.mean(rewards[:t])
        weight = alpha * (rewards[t] - (average if baseline else 0.0))
        H = [H[a] + weight * ((1 - pi[a]) if a == actions[t] else -pi[a]) for a in range(A)]
    return H


@pytest.mark.parametrize("including", [False, True])
@pytest.mark.parametrize("alpha, baseline", SETTINGS)
def test_the_preferences_are_those_computed_by_hand(alpha, baseline, including):
    learner = make([0.3, -1.0, 2.0], runs=4, learning_rate=alpha, baseline=baseline, including=including, updates=30)
    pulls = list(learner)
    actions, rewards = np.array([pull.actions for pull in pulls]), np.array([pull.rewards for pull in pulls])
    for run in range(4):
        expected = by_hand(actions[:, run], rewards[:, run], alpha, baseline, including, 3)
        assert np.allclose(learner.preferences[:, run], expected, rtol=1e-12)
    assert [pull.step for pull in pulls] == list(range(1, 31)) and len(np.unique(actions)) == 3


@pytest.mark.parametrize("baseline, including, t, factor", [
    (False, False, 1, 1), (False, False, 5, 1), (True, False, 1, 0), (True, False, 5, 1), (True, False, 40, 1),
    (True, True, 1, 0), (True, True, 5, 1 - 1 / 5), (True, True, 40, 1 - 1 / 40),
])  # fmt: skip
def test_expected_update_is_alpha_times_the_exact_gradient_times_the_documented_factor(baseline, including, t, factor):
    """Every action stands on the run axis once, after the same past; rewards without noise make it exact."""
    values, H = np.array([1.0, -0.5, 3.0, 2.0]), np.array([0.2, 1.0, -0.7, 0.0])
    learner = make(values, runs=4, learning_rate=0.3, baseline=baseline, including=including, offset=7.0)
    learner.step, learner.average = t - 1, np.full(4, 6.5)  # a past with any average
    learner.preferences = np.tile(H[:, None], 4)
    pi = learner.probabilities()
    learner.learn(pi, np.arange(4), values + learner.offset)
    expected = (learner.preferences - H[:, None]) @ pi[:, 0]
    gradient = pg.exact_gradient(pg.bandit(values), pg.Policy.softmax(pg.Table(1, 4)), H)
    assert np.allclose(gradient, pi[:, 0] * (values - pi[:, 0] @ values))
    assert np.allclose(expected, 0.3 * factor * gradient, atol=1e-12)


def test_without_baseline_a_step_is_that_of_reinforce_on_the_bandit_world():
    values, theta = np.array([1.0, 4.0, 2.0]), np.array([[0.5, 0.0, -0.5]] * 6)
    training = pg.reinforce(pg.bandit(values, noise=1.0), pg.Policy.softmax(pg.Table(1, 3)), optimizer=pg.SGD(0.2),
                            rng=np.random.default_rng(3), runs=6, theta=theta)  # fmt: skip
    progress = next(training)
    learner = make(values, runs=6, learning_rate=0.2, baseline=False)
    learner.preferences = theta.T.copy()
    learner.learn(learner.probabilities(), progress.rollout.actions[0, :, 0], progress.rollout.rewards[0, :, 0])
    assert np.allclose(learner.preferences.T, progress.theta, rtol=1e-12)


def test_actions_and_rewards_have_the_law_they_should():
    values, H, n = np.array([0.2, 0.5, 0.9]), np.log([0.2, 0.3, 0.5]), 20_000
    for reward in (normal, clicks):
        learner = make(values, runs=(1, n), reward=reward, offset=2.0)
        learner.preferences = np.broadcast_to(H[:, None, None], (3, 1, n))
        pull = next(learner)
        share = (pull.actions[..., None] == np.arange(3)).mean(axis=(0, 1))
        assert np.allclose(share, [0.2, 0.3, 0.5], atol=5 * np.sqrt(0.25 / n))
        assert np.allclose(pull.probabilities, [0.2, 0.3, 0.5]) and pull.probabilities.shape == (1, n, 3)
        means = np.array([pull.rewards[pull.actions == a].mean() for a in range(3)]) - 2
        assert np.allclose(means, values, atol=5 / np.sqrt(0.2 * n))
        assert set(np.unique(pull.rewards)) == {2.0, 3.0} or reward is normal


def test_certain_actions_are_taken_and_huge_preferences_are_safe():
    learner = make(np.zeros(4), runs=5, learning_rate=1e6, offset=-1e6, baseline=False, updates=50)
    assert all(np.isfinite(pull.probabilities).all() for pull in learner) and np.isfinite(learner.preferences).all()
    learner = make(np.zeros(3), runs=1000)
    learner.preferences = np.tile([[-1e4], [0.0], [-1e4]], 1000)
    assert (next(learner).actions == 1).all()


def test_stacked_settings_do_what_each_of_them_does_alone():
    """The final chance of the best action, in law: paired differences within 4 standard errors of 0."""
    values = np.random.default_rng(1).normal(4, 1, (150, 5))
    best = values.argmax(axis=-1)
    alpha, baseline = (np.array(column)[:, None] for column in zip(*SETTINGS))
    stacked = list(make(values, runs=(4, 150), learning_rate=alpha, baseline=baseline, updates=150, seed=2))[-1]
    for i, (alpha, baseline) in enumerate(SETTINGS):
        alone = list(make(values, learning_rate=alpha, baseline=baseline, updates=150, seed=3 + i))[-1]
        difference = stacked.probabilities[i, range(150), best] - alone.probabilities[range(150), best]
        assert abs(difference.mean()) < 4 * difference.std() / np.sqrt(150)


def test_figure_2_5_has_the_order_of_the_book():
    """The share of the best action over the last 100 of 700 steps; each gap is beyond 4 standard errors."""
    values = np.random.default_rng(4).normal(4, 1, (800, 10))
    best = values.argmax(axis=-1)
    alpha, baseline = (np.array(column)[:, None] for column in zip(*SETTINGS))
    learner = make(values, runs=(4, 800), learning_rate=alpha, baseline=baseline, including=True, updates=700, seed=5)
    last = np.mean([pull.actions == best for pull in list(learner)[-100:]], axis=0)  # [4, 800]
    for better, worse in zip(last[:-1], last[1:]):
        gap = better - worse
        assert gap.mean() > 4 * gap.std() / np.sqrt(800)


def test_settings_act_between_two_steps_and_only_then():
    learner = make([1.0, 2.0], runs=3, learning_rate=0.0, baseline=False)
    assert np.array_equal(next(learner).rewards.shape, (3,)) and not learner.preferences.any()
    learner.learning_rate = np.array([0.0, 0.5, 1.0])
    next(learner)
    assert list(learner.preferences.any(axis=0)) == [False, True, True]
    learner.offset = 100.0
    assert (next(learner).rewards > 90).all()
    learner.baseline = np.array([False, True, True])
    learner.learning_rate = 0.1
    learner.preferences = np.zeros((2, 3))
    next(learner)
    moved = np.abs(learner.preferences).max(axis=0)
    assert moved[0] > 4 and (moved[1:] < 4).all()  # 0.1 * 100 / 2, and 0.1 * (100 - about 34) / 2


def test_the_same_generator_gives_the_same_run_and_records_are_not_overwritten():
    pulls, again = (list(make([1.0, 2.0, 3.0], runs=7, updates=20)) for _ in range(2))
    assert all(np.array_equal(a, b) for x, y in zip(pulls, again) for a, b in zip(x, y))
    assert np.allclose(pulls[0].probabilities, 1 / 3) and not np.allclose(pulls[9].probabilities, 1 / 3)
    assert np.array_equal(next(make([1.0, 2.0])).actions.shape, ())  # a single run has no run axis


@pytest.mark.parametrize("settings, message", [
    ({"learning_rate": -0.1}, "learning_rate must be 0 or more; got -0.1"),
    ({"runs": 0}, "runs must be a whole number of 1 or more; got 0"),
    ({"runs": (2, 1.5)}, "runs must be a whole number of 1 or more; got 1.5"),
    ({"rng": 0}, "rng must be a generator"),
    ({"reward": lambda rng: 1.0}, "reward must be a function"),
    ({"updates": 0}, "updates must be a whole number of 1 or more; got 0"),
    ({"steps": 3}, "gradient_bandit has no setting steps; it has values, .*updates"),
    ({"learning_rate": np.nan}, "learning_rate must be finite"),
    ({"learning_rate": np.ones((4, 1))}, "learning_rate must be .* fits the runs"),
    ({"learning_rate": np.ones(2)}, "learning_rate must be .* fits the runs"),
    ({"offset": np.inf}, "offset must be finite"),
    ({"baseline": np.ones(4)}, "baseline must be .* fits the runs"),
    ({"values": [1.0, np.nan]}, "values must be finite"),
    ({"values": 3.0}, "values must be .A. or"),
    ({"values": np.ones((4, 2))}, r"values must be .* runs \(3,\)"),
])  # fmt: skip
def test_bad_arguments_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        make(**{"values": [1.0, 2.0], "runs": 3} | settings)


def test_it_ends_also_when_updates_is_set_later_and_says_what_rewards_are_not():
    learner = make([1.0, 2.0])
    for _ in range(10):
        next(learner)
    learner.updates = 5
    assert list(learner) == []
    for reward, said in [(lambda rng, means: means * np.nan, "finite numbers"), (lambda rng, means: 1.0, r"\[\*R\] = \(2,\)")]:
        with pytest.raises(ValueError, match=f"^rewards must be {said}"):
            next(make([1.0, 2.0], runs=2, reward=reward))
    with pytest.raises(ValueError, match="^baseline must be True or False"):
        make([1.0, 2.0], baseline=2.5)

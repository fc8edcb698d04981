"""Action values in tables against plain loops, enumeration, exact returns, and closed forms of maximisation bias."""

from dataclasses import replace
from math import comb, pi, sqrt

import numpy as np
import pytest

import pgedu as pg

ALL = [pg.q_learning, pg.sarsa, pg.expected_sarsa, pg.double_q_learning]
SMALL = pg.cliff_walk(3, 4)


def make(kind, world, seed=0, **settings):
    return kind(world, rng=np.random.default_rng(seed), **settings)


def by_hand(kind, world, q, steps, alpha, half_after, gamma, max_steps):
    """One greedy learner without ties in a world without chance: loops in the order of Sutton & Barto's boxes."""
    q, visits = q.copy(), np.zeros(q.shape)
    state, age, returns, total, ends = int(world.start.argmax()), 0, np.nan, 0.0, set()
    action = int(q[state].argmax())
    for _ in range(steps):
        following, reward = world.successors[state, action, 0], world.rewards[state, action]
        age, total = age + 1, total + reward
        over = bool(world.terminal[following]) or age == world.horizon
        next_action = int(q[following].argmax())  # for SARSA: chosen before q changes
        target = reward + (0.0 if over else gamma * q[following, next_action])
        q[state, action] += alpha / (1 + visits[state, action] / half_after) * (target - q[state, action])
        visits[state, action] += 1
        if over or age == max_steps:
            ends.add("over" if over else "cut off")
            state, age, returns, total = int(world.start.argmax()), 0, total, 0.0
            action = int(q[state].argmax())
        else:
            state = following
            action = next_action if kind is pg.sarsa else int(q[state].argmax())
    return q, returns, ends


@pytest.mark.parametrize("kind", ALL[:3])
@pytest.mark.parametrize("horizon, max_steps, expected_ends", [(None, 6, {"over", "cut off"}), (7, 100, {"over"})])
def test_greedy_learners_are_those_of_a_plain_loop(kind, horizon, max_steps, expected_ends):
    world, first = replace(SMALL, horizon=horizon), np.random.default_rng(1).normal(size=(3, 12, 4))
    settings = {"alpha": 0.4, "half_after": 5.0, "gamma": 0.9, "max_steps": max_steps}
    learner = make(kind, world, runs=3, epsilon=0.0, theta=first.reshape(3, -1), updates=500, **settings)
    progress, ends = list(learner)[-1], set()
    for run in range(3):
        q, returns, how = by_hand(kind, world, first[run], 500, **settings)
        assert np.allclose(progress.theta[run], q.ravel(), rtol=1e-12, atol=1e-12)
        assert progress.returns[run, 0] == returns
        ends |= how
    assert ends == expected_ends and progress.environment_steps == 500


def changes(kind, first, steps, **settings):
    """(tables before, tables after, (table, observation, action) of the one entry that changed) of each step of a run."""
    before, found = first, []
    for progress in make(kind, SMALL, theta=first.reshape(1, -1), updates=steps, **settings):
        after = progress.theta.reshape(first.shape)
        changed = np.argwhere(after != before)
        assert len(changed) == 1
        found.append((before, after, tuple(changed[0])))
        before = after
    return found


def wanted(kind, q, following, table, next_action, epsilon):
    """What the definitions expect of the next state, for tables q without ties."""
    row = q[table, following]
    if kind is pg.double_q_learning:
        return q[1 - table, following, row.argmax()]
    return {pg.q_learning: max(row), pg.sarsa: row[next_action],
            pg.expected_sarsa: np.dot(chances_by_hand(row, epsilon), row)}[kind]  # fmt: skip


@pytest.mark.parametrize("kind", ALL)
def test_every_update_of_an_exploring_learner_has_the_target_of_its_definition(kind):
    first = np.random.default_rng(2).normal(size=(kind.tables, 12, 4))
    steps = changes(kind, first, 600, epsilon=0.3, alpha=0.4, max_steps=8)
    age, ends = 0, {"over": 0, "cut off": 0}
    for (q, after, (table, seen, action)), (_, _, (_, next_seen, next_action)) in zip(steps, steps[1:]):
        following, age = SMALL.successors[seen, action, 0], age + 1
        over = SMALL.terminal[following]
        ended = over or age == 8
        assert next_seen == (SMALL.start.argmax() if ended else following)
        if not (kind is pg.sarsa and ended and not over):  # whose last action nobody sees: any of four
            ahead = 0 if over else wanted(kind, q, following, table, next_action, 0.3)
            target = SMALL.rewards[seen, action] + ahead
            entry = table, seen, action
            assert after[entry] == pytest.approx(q[entry] + 0.4 * (target - q[entry]), abs=1e-9)
        if ended:
            ends["over" if over else "cut off"] += 1
            age = 0
    assert min(ends.values()) > 5


def chances_by_hand(values, epsilon):
    best = [a for a in range(len(values)) if values[a] == max(values)]
    return [epsilon / len(values) + ((1 - epsilon) / len(best) if a in best else 0.0) for a in range(len(values))]


TIES = np.array([[1.0, 3.0, 3.0, -2.0], [0.0, 0.0, 0.0, 0.0], [5.0, 1.0, 2.0, 3.0]])


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
def test_target_of_expected_sarsa_is_the_mean_over_actions(epsilon):
    learner = make(pg.expected_sarsa, SMALL, runs=3, epsilon=epsilon)
    expected = [np.dot(chances_by_hand(row, epsilon), row) for row in TIES]
    assert np.allclose(learner.ahead(TIES[:, None], np.zeros(3, int)), expected, rtol=1e-14)
    assert np.allclose(pg.epsilon_greedy(TIES, epsilon), [chances_by_hand(row, epsilon) for row in TIES])


@pytest.mark.parametrize("row", TIES)
def test_actions_and_sarsas_target_have_those_chances(row):
    runs = 40_000
    learner = make(pg.sarsa, SMALL, runs=runs, epsilon=0.3)
    values = np.tile(row, (runs, 1))
    shares, expected = np.bincount(learner.choose(values), minlength=4) / runs, np.array(chances_by_hand(row, 0.3))
    assert (np.abs(shares - expected) < 5 * np.sqrt(expected / runs)).all()
    targets = learner.ahead(values[:, None], np.zeros(runs, int))
    assert abs(targets.mean() - expected @ row) <= 5 * targets.std() / sqrt(runs)


def test_epsilon_may_be_one_for_each_run():
    q = np.random.default_rng(0).normal(size=(2, 5, 3))
    both = pg.epsilon_greedy(q, [0.1, 0.6])
    assert np.allclose(both, [pg.epsilon_greedy(q[0], 0.1), pg.epsilon_greedy(q[1], 0.6)], rtol=1e-15)


@pytest.mark.parametrize("kind", ALL)
@pytest.mark.parametrize("horizon, max_steps, beyond", [(None, 1, 1), (1, 1, 0), (None, 9, 1)])
def test_an_episode_cut_off_bootstraps_and_one_that_terminates_does_not(kind, horizon, max_steps, beyond):
    """Staying pays 1 and promises 10 more, unless the horizon ends the task."""
    world, tables = replace(pg.stay_or_stop(), horizon=horizon), kind.tables
    theta = np.tile([[0.0, 10.0]], (4, tables))
    learner = make(kind, world, runs=4, alpha=1.0, epsilon=0.0, theta=theta, max_steps=max_steps)
    assert world.n_observations == 1
    moved = next(learner).theta.reshape(4, tables, 2)
    assert (np.sort(moved[..., 1], axis=1)[:, -1 if beyond else 0] == 1 + 10 * beyond).all()
    assert (moved[..., 0] == 0).all() and ((moved[..., 1] != 10).sum(axis=1) == 1).all()  # one table alone learned


def two_steps():
    """Whatever is done first leads to two arms that pay 0 on average, with noise of 1."""
    moves = np.zeros((3, 2, 3))
    moves[0, :, 1] = moves[1:, :, 2] = 1
    return pg.MDP(moves, np.zeros((3, 2)), [1, 0, 0], [False, False, True], reward_noise=1.0)


def test_q_learning_expects_too_much_of_noisy_arms_and_double_q_learning_does_not():
    """E max of two independent normals of mean 0 is sqrt((v1 + v2) / (2 pi)); with alpha / (1 + n), q are sample means."""
    runs, pulls = 20_000, 10
    settings = {"runs": runs, "alpha": 1.0, "half_after": 1, "epsilon": 1.0, "steps": 2 * pulls, "updates": 1}

    def variance(n):
        return 1 / n if n else 0.0

    bias = sum(
        comb(pulls, k) / 2**pulls * sqrt((variance(k) + variance(pulls - k)) / (2 * pi)) for k in range(pulls + 1)
    )
    for kind, expected in ((pg.q_learning, bias), (pg.double_q_learning, 0.0)):
        learner = make(kind, two_steps(), **settings)
        theta = next(learner).theta.reshape(runs, kind.tables, 3, 2)
        ahead = learner.ahead(theta[:, :, 1], np.zeros(runs, int))
        assert abs(ahead.mean() - expected) < 4 * ahead.std() / sqrt(runs)
    assert bias > 0.2


def test_the_tables_of_double_q_learning_choose_and_judge():
    learner = make(pg.double_q_learning, SMALL, runs=2)
    tables = np.array([[[1.0, 2.0, 0.0, 0.0], [7.0, 5.0, 6.0, 4.0]]] * 2)
    assert learner.ahead(tables, np.array([0, 1])).tolist() == [5.0, 1.0]


def route(row):
    """A table whose greedy policy goes along a row of the cliff; 3 is the row of start and goal."""
    q = np.zeros((48, 4))
    q[:, 1] = 1
    q[11:48:12] = [0, 0, 1, 0]
    q[36], q[12 * (row + 1) : 36 : 12] = [1, 0, 0, 0], [1, 0, 0, 0]
    return q


@pytest.mark.parametrize("row, expected", [(2, -13), (1, -15), (0, -17)])
def test_exact_returns_of_routes_along_the_cliff(row, expected):
    assert pg.table_return(pg.cliff_walk(), route(row)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("epsilon, expected", [(0.001, -13.30), (0.01, -16.07), (0.05, -28.81), (0.1, -45.80), (0.2, -83.48)])
def test_exact_returns_of_the_best_route_with_exploration(epsilon, expected):
    assert pg.table_return(pg.cliff_walk(), route(2), epsilon) == pytest.approx(expected, abs=5e-3)


def test_exact_returns_where_states_look_alike():
    """J(p) = (2p - 4) / (p (1 - p)) of the corridor."""
    p = np.array([0.05, 0.95, 2 - sqrt(2)])
    returns = pg.table_return(pg.short_corridor(), [[[1, 0]], [[0, 1]], [[0, 1]]], [0.1, 0.1, 2 * sqrt(2) - 2])
    assert np.allclose(returns, (2 * p - 4) / (p * (1 - p)), rtol=1e-9)
    assert returns[2] == pytest.approx(-(6 + 4 * sqrt(2)), rel=1e-9)  # the best there is, at epsilon .8284


def test_learners_on_the_cliff_learn_what_they_are_known_to_learn():
    settings = {"runs": 20, "steps": 12_000, "updates": 1}
    q, expected = (make(kind, pg.cliff_walk(), **settings) for kind in (pg.q_learning, pg.expected_sarsa))
    next(q), next(expected)
    assert np.median(pg.table_return(pg.cliff_walk(), q.q)) == pytest.approx(-13)
    assert np.median(pg.table_return(pg.cliff_walk(), expected.q)) == pytest.approx(-15)
    acted = np.median(pg.table_return(pg.cliff_walk(), expected.q, 0.1))
    assert -21.2 < acted <= -20.7076  # no epsilon-soft policy is better


@pytest.mark.parametrize("kind", ALL)
def test_learned_values_come_to_the_truth(kind):
    """Acting at random: off-policy methods learn q*, on-policy methods the action values of the random policy."""
    world = replace(pg.random_mdp(np.random.default_rng(5), states=3), gamma=0.7)
    learner = make(kind, world, runs=50, epsilon=1.0, half_after=100.0, steps=5000, updates=1)
    next(learner)
    random = pg.solve(world, pg.Policy.softmax(pg.Table(4, 2)), np.zeros(8)).action_values
    best = pg.optimal_action_values(world)
    assert np.abs(best - random)[:3].max() > 0.3
    truth = random if kind in (pg.sarsa, pg.expected_sarsa) else best
    assert np.abs(learner.q.mean(axis=0) - truth)[:3].max() < 0.1


def test_settings_change_while_it_runs_and_are_checked():
    learner = make(pg.q_learning, SMALL, runs=3)
    learner.alpha, learner.epsilon = [0.0, 0.5, 1.0], 0.2
    changed = (next(learner).theta != 0).any(axis=1)
    assert changed.tolist() == [False, True, True]
    for name, value in [("alpha", -1), ("alpha", [0.1, 0.2]), ("epsilon", 1.5), ("half_after", 0), ("max_steps", 0),
                        ("theta", np.zeros((2, 48))), ("world", SMALL), ("runs", 2), ("learning_rate", 1)]:  # fmt: skip
        with pytest.raises(ValueError, match=name):
            setattr(learner, name, value)


@pytest.mark.parametrize("world, settings, words", [
    ("cliff", {}, "an MDP"), (replace(pg.campaign(), policy_rewards=lambda log_pi: -log_pi), {}, "policy_rewards"),
    (pg.bandit(np.ones((3, 2))), {"runs": 2}, "runs must be"),
])  # fmt: skip
def test_worlds_that_do_not_fit_are_refused(world, settings, words):
    with pytest.raises(ValueError, match=words):
        make(pg.q_learning, world, **settings)


def test_a_table_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"\(12, 4\)"):
        pg.table_return(SMALL, np.zeros((12, 3)))


def test_runs_that_overflow_stop_and_the_others_go_on():
    learner = make(pg.q_learning, pg.bandit([1.0, 1.0]), runs=2, alpha=[1e200, 0.5], updates=9)
    progress = list(learner)[-1]
    assert progress.diverged.tolist() == [True, False] and np.isfinite(progress.theta).all()


def test_each_run_may_live_in_a_world_of_its_own():
    world = pg.bandit([[1.0, 2.0], [5.0, -3.0]])
    learner = make(pg.q_learning, world, runs=2, epsilon=1.0, alpha=1.0, steps=50)
    assert np.array_equal(next(learner).theta.reshape(2, -1), [[1, 2], [5, -3]])

"""Notebook 05: its recursions against enumeration and simulation, its pictures at the ends of their controls."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from lesson import corners, definitions, line

from pgedu import Moments, Policy, Table, campaign, enumerate_rollouts, exact_moments, lambda_advantage
from pgedu import n_step_advantages, solve, td_advantage
from pgedu.lessons.actor_critic import critics, lambda_curves, n_step_shares
from pgedu.lessons.cut_off import cut_off, every_column, expected_over_errors, museum
from pgedu.lessons.museum import CRITIC_EXHIBITS, RIGHT

NOTEBOOK = "05_actor_critic.ipynb"
forever, see, coin = replace(campaign(), horizon=None), Policy.softmax(Table(3, 2)), np.zeros(6)
truth = solve(forever, see, coin)


def defined(*ids):
    return definitions(NOTEBOOK, "cell-02", "cell-04", *ids)


@pytest.fixture(scope="module")
def lambda_cells():
    return defined("cell-20", "cell-20-exactly", "cell-22", "squared-error")


def first_moves(v, lam, times=40):
    """Mean move of 50 critics that begin at v [3] and watch five customers, and its standard error, both [3]."""
    start, found = defined("cell-08")["watch_customers"], []
    for seed in range(times):
        critic = start(np.random.default_rng(seed))
        critic.v, critic.lam = np.tile(v, (50, 1)), lam
        customers, moved = next(iter(critic))
        assert customers == 5
        found.append((moved - v) / critic.learning_rate)
    return np.mean(found, axis=(0, 1)), np.std(found, axis=(0, 1)) / np.sqrt(50 * times)


def test_critics_move_towards_the_next_reward_or_the_whole_return_as_often_as_a_state_is_visited():
    visits = solve(replace(forever, gamma=1.0), see, coin).visits  # expected number of months in each state
    for lam, target in ((0.0, forever.rewards.mean(axis=1)), (1.0, truth.values)):
        mean, error = first_moves(np.zeros(3), lam)
        assert (np.abs(mean - visits * target) <= 4 * error).all()


@pytest.mark.parametrize("lam", [0.0, 0.5, 1.0])
def test_critics_that_are_right_stay_where_they_are_on_average(lam):
    mean, error = first_moves(truth.values, lam)
    assert (np.abs(mean) <= 4 * error).all() and (error[:2] > 0).all()


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0])
def test_shares_add_up_and_fade_by_lambda(lam):
    shares = defined("cell-17")["shares"](lam)
    assert len(shares) == 12 and shares.sum() == pytest.approx(1)
    np.testing.assert_allclose(shares[1:-1], lam * shares[:-2])
    rng = np.random.default_rng(0)
    rewards, values, mask = rng.normal(size=(12, 1)), rng.normal(size=(13, 1)), np.ones((12, 1))
    steps = rewards, np.full((12, 1), 0.9), values, mask
    mixed = sum(share * n_step_advantages(*steps, n)[0, 0] for n, share in enumerate(shares, start=1))
    deltas = rewards[:, 0] + 0.9 * values[1:, 0] - values[:-1, 0]
    assert mixed == pytest.approx(sum((0.9 * lam) ** k * delta for k, delta in enumerate(deltas)))


def test_exact_bias_and_variance_of_critics_with_an_error(lambda_cells):
    exactly, wrong, world = (lambda_cells[name] for name in ("exactly", "wrong", "world"))
    for error in wrong.values():
        np.testing.assert_allclose(exactly(1.0, error, 0.7)[:-1], 0, atol=1e-12)  # lambda = 1: a baseline
        np.testing.assert_allclose(exactly(0.0, error, 0.0)[:-1], 0, atol=1e-12)  # a perfect critic
    ignorant = exactly(0.0, wrong["has learned nothing yet: v = 0"], 1.0)  # weighs each action with the next reward
    next_reward = lambda rollout: 0.9 ** np.arange(6)[:, None, None] * rollout.rewards
    wanted = exact_moments(world, see, coin, next_reward, horizon=6)
    np.testing.assert_allclose(ignorant, [*wanted.bias, wanted.variance])


def test_three_evaluations_give_every_other(lambda_cells):
    exactly, lams = (lambda_cells[name] for name in ("exactly", "lams"))
    for name, error in lambda_cells["wrong"].items():
        bias, variance = lambda_cells["squared_error"](name, 0.37)
        assert bias[30] == pytest.approx((exactly(lams[30], error, 0.37)[:-1] ** 2).sum(), abs=1e-12)
        assert variance[30] == pytest.approx(exactly(lams[30], error, 0.37)[-1])


def test_with_true_values_every_lambda_expects_the_advantage_and_only_the_next_value_can_bias(lambda_cells):
    """By going through all histories: E[A_0 | a] is q - v, and what is added to v(s_0) alone moves it by no bias."""
    world, right = lambda_cells["world"], lambda_cells["right"]
    rollout, chance = enumerate_rollouts(world, see, coin, horizon=6)
    gains = solve(world, see, coin).action_values[0, 0] - right[0, 0]
    months = np.arange(7)[:, None, None]
    for lam in (0.0, 0.4, 0.9, 1.0):
        weights = lambda_advantage(rollout, values=lambda seen: right[months, seen], lam=lam)[0, :, 0]
        for action in (0, 1):
            taken = rollout.actions[0, :, 0] == action
            assert chance[taken] @ weights[taken] / chance[taken].sum() == pytest.approx(gains[action])
        for month in range(7):  # an error of one month's v biases by its successors' part alone: month 0 has none before
            error = np.zeros((7, 3))
            error[month, 0] = 2.0
            bias = lambda_cells["exactly"](lam, error, 1.0)[:-1]
            assert (np.abs(bias).max() < 1e-12) == (month in (0, 6) or lam == 1.0)


@pytest.mark.parametrize("months", [2, 5])
@pytest.mark.parametrize("mistaken", [False, True])
def test_believed_values_are_where_td_stops_on_average(months, mistaken):
    """Over all recordings of so many months, the TD residuals in each state have mean zero."""
    value, gain = defined("cell-42")["believed"](months, mistaken)
    rollout, chance = enumerate_rollouts(forever, see, coin, horizon=months)
    discounts = 0.9 * (rollout.observations[1:] < 2)
    if mistaken:
        discounts[-1] = 0.0
    visited = rollout.observations[:-1]
    residuals = (rollout.rewards + discounts * value[rollout.observations[1:]] - value[visited]) * rollout.mask
    for state in (0, 1):
        assert chance @ (residuals * (visited == state)).sum(axis=(0, 2)) == pytest.approx(0, abs=1e-12)
    if not mistaken:
        np.testing.assert_allclose(value, truth.values, atol=1e-12)
        np.testing.assert_allclose(gain, truth.action_values @ [-1, 1], atol=1e-12)


def all_columns(rows=6):
    """Every column by recursion, as Counter {(observations, actions, rewards, discounts, mask): probability}."""
    found = Counter()

    def go(column, chance, kind, month):
        if len(column) == rows:
            seen, *rest = zip(*column)
            found[(*seen, kind), *rest] += chance
            return
        for action in (0, 1):
            if month == 2 or kind == 2:  # the row in which the environment resets
                go([*column, (kind, action, 0.0, 0.0, 0.0)], chance / 2, 0, 0)
                continue
            for following, p in enumerate(campaign().transitions[kind, action]):
                step = (kind, action, campaign().rewards[kind, action], 0.9 * (following < 2), 1.0)
                if p:
                    go([*column, step], chance / 2 * p, following, month + 1)

    go([], 1.0, 0, 0)
    return found


def test_every_column_is_there_with_its_probability():
    rollout, chances = every_column(forever)
    fields = rollout.observations, rollout.actions, rollout.rewards, rollout.discounts, rollout.mask
    found = Counter()
    for n, chance in enumerate(chances):
        found[tuple(tuple(field[:, n, 0].tolist()) for field in fields)] += chance
    wanted = all_columns()
    assert found.keys() == wanted.keys() and chances.sum() == pytest.approx(1)
    assert all(found[key] == pytest.approx(chance) for key, chance in wanted.items())


def test_what_the_museum_measures_against_are_true_advantages_times_scores():
    cells = defined("cell-51", "cell-52")
    columns, chances, wanted = cells["columns"], cells["chances"], cells["wanted"]
    far = cells["measure"](td_advantage, 3.0).mean
    gains = truth.action_values @ [-1, 1]
    kept = (1 - forever.transitions[:, :, 2]) @ [-1, 1]  # how much less likely a customer is lost after an offer
    for state in (0, 1):  # sum over actions of pi x grad log pi = pi (1 - pi) (x(offer) - x(wait)), for the offer
        months = chances @ (columns.mask * (columns.observations[:-1] == state)).sum(axis=(0, 2))
        assert wanted[2 * state + 1] == pytest.approx(months * gains[state] / 4)
        assert (far - wanted)[2 * state + 1] == pytest.approx(months * 0.9 * 3 * kept[state] / 4)


def test_critics_are_drawn_as_they_believe():
    rng = np.random.default_rng(0)
    records = [(5 * n, rng.normal(size=(50, 3))) for n in range(1, 4)]
    last = records[-1][1]
    for sentence, figure in corners(critics(truth.values), new=(records, [])):
        for name, state in (("loyal", 1), ("curious", 0)):
            wanted = [[seen, values[:, state].mean()] for seen, values in records]
            np.testing.assert_allclose(line(figure.axes[0], name), wanted)
            assert f"{last[:, state].mean():.2f} (exact: {truth.values[state]:.2f})" in sentence
        off = np.sqrt(np.mean((last[:, :2] - truth.values[:2]) ** 2))
        assert f"typically {off:.2f} off" in sentence
        assert figure.axes[1].lines[0].get_ydata()[-1] == pytest.approx(off)


def test_shares_are_bars():
    shares = defined("cell-17")["shares"]
    for lam, (sentence, figure) in zip((0.0, 1.0), corners(n_step_shares(shares), lam=(0.0, 1.0)), strict=True):
        assert [bar.get_height() for bar in figure.axes[0].patches] == list(shares(lam))
        assert f"after {1 if lam == 0 else 12:.1f} months on average, and {lam:.2%} of the weight" in sentence


def test_lambda_curves_are_shares_of_the_error_at_1(lambda_cells):
    lams, squared_error = lambda_cells["lams"], lambda_cells["squared_error"]
    view = lambda_curves(lams, squared_error)
    ends = [(critic, e, B) for critic in lambda_cells["wrong"] for e in (0.0, 1.0) for B in (1.0, 1e4)]
    found = corners(view, critic=list(lambda_cells["wrong"]), e=(0.0, 1.0), B=(1.0, 1e4))
    for (critic, e, B), (sentence, figure) in zip(ends, found, strict=True):
        bias, variance = squared_error(critic, e)
        error = bias + variance / B
        left, right, below = figure.axes
        for label, part in (("bias²", bias), ("variance / B", variance / B), ("their sum", error)):
            np.testing.assert_allclose(line(left, label)[:, 1], part / error[-1])
        best = lams[error.argmin()]
        assert line(left, "their sum")[-1, 1] == 1 and f"the best λ is {best:.2f}" in sentence
        (dot, curve) = right.lines
        assert dot.get_xydata().tolist() == [[B, best]] and curve.get_ydata()[0 if B == 1 else -1] == best
        (dot, curve) = below.lines
        assert dot.get_xydata().tolist() == [[e, best]] and curve.get_ydata()[0 if e == 0 else -1] == best


def test_the_cut_off_s_bars_and_dots_are_what_is_believed():
    believed = defined("cell-42")["believed"]
    view = cut_off(believed, truth.values, range(2, 25))
    for months, (sentence, figure) in zip((2, 24), corners(view, months=(2, 24)), strict=True):
        left, right = figure.axes
        for number, mistaken in enumerate((False, True)):
            value, gain = believed(months, mistaken)
            assert [bar.get_height() for bar in left.patches[2 * number :][:2]] == list(value[:2])
            assert right.lines[2 + 2 * number].get_xydata().tolist() == [[months, gain[0]]]
        assert f"worth {value[1]:.2f} instead of {truth.values[1]:.2f}" in sentence
        assert f"to gain {gain[0]:.2f} instead" in sentence
        assert ("seems to pay" if gain[0] > 0 else "seems to be a loss") in sentence


def test_the_museum_compares_with_the_right_one_under_the_same_critic():
    right, rng = RIGHT._replace(estimator=lambda_advantage), np.random.default_rng(0)
    exhibits, errors, wanted = (right, *CRITIC_EXHIBITS), np.linspace(-6, 6, 5), np.ones(6)
    lines = {each.estimator: rng.normal(size=(2, 6)) for each in exhibits}  # the mean is linear in the error
    measure = lambda estimator, error: Moments([1, error] @ lines[estimator], (1 + error**2) * np.eye(6))  # noqa: E731
    ends = [(exhibit, error) for exhibit in exhibits for error in (-6.0, 6.0)]
    drawn = corners(museum(measure, wanted, exhibits, errors), exhibit=exhibits, error=(-6.0, 6.0))
    for (exhibit, error), (sentence, figure) in zip(ends, drawn, strict=True):
        good, bad = measure(lambda_advantage, error), measure(exhibit.estimator, error)
        plane, over = figure.axes
        np.testing.assert_array_equal(line(plane, "right")[1], good.mean[[1, 3]])
        np.testing.assert_array_equal(line(plane, "mistaken")[1], bad.mean[[1, 3]])
        off = [np.linalg.norm(measure(exhibit.estimator, e).mean - wanted) for e in errors]
        np.testing.assert_allclose(over.lines[1].get_xydata(), np.column_stack([errors, off]))
        np.testing.assert_allclose(over.lines[3].get_xydata(), [[error, np.linalg.norm(bad.mean - wanted)]])
        assert f"by {np.linalg.norm(bad.mean - good.mean):.3f} " in sentence
        assert f"variance by {bad.variance / good.variance - 1:+.0%}" in sentence
        assert ("Seen in" in sentence) == bool(exhibit.threads)


def test_the_expected_estimate_is_linear_in_the_critic_s_error():
    cells = defined("cell-51", "cell-52")
    for exhibit in cells["exhibits"]:
        found = expected_over_errors(cells["measure"], exhibit.estimator, np.array([-4.0, 2.5]))
        wanted = [cells["measure"](exhibit.estimator, error).mean for error in (-4.0, 2.5)]
        np.testing.assert_allclose(found, wanted, atol=1e-12)

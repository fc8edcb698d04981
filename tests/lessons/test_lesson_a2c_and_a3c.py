"""Notebook 06: its formulas against enumeration, simulation and differences, and its pictures at both ends of every control."""

import inspect
import itertools
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from cells_of_notebook import corners, drawn, run
from matplotlib.figure import Figure

from pgedu import MDP, Policy, Table, collect, discounted_returns, exact_gradient, exact_return
from pgedu.lessons.a2c_and_a3c import COUNTS, FromUpdateToUpdate, measured_variances, rounds, seasons_met, shop_samples
from pgedu.lessons.a2c_and_a3c import top_with_bonus
from pgedu.panels.views import angle_between

NAME = "06_a2c_and_a3c"
SOFTMAX = Policy.softmax(Table(observations=1, outputs=2))


@pytest.fixture(scope="module")
def shop():
    return run(NAME, "cell-04", "exact-variance", "cell-10")


@pytest.mark.parametrize("season", [2, 5, 100])
def test_exact_variance_is_that_of_every_way_that_days_can_go(shop, season):
    scope, _ = shop
    for B in (16, 32, 64):
        n = 64 // B
        mean = square = 0.0
        for high, advert in itertools.product(itertools.product([0, 1], repeat=n), itertools.product([0, 1], repeat=n)):
            changes = sum(a != b for a, b in zip(high, high[1:]))
            chance = 0.5 * (1 / season) ** changes * (1 - 1 / season) ** (n - 1 - changes) * 0.5**n
            x = sum((2 if up else -1) * shown * (shown - 0.5) for up, shown in zip(high, advert)) / n
            mean, square = mean + chance * x, square + chance * x**2
        assert scope["exact_variance"](B, season) == pytest.approx((square - mean**2) / B, rel=1e-12)


@pytest.mark.parametrize("season", [2, 20])
def test_measured_variances_are_the_exact_ones(shop, season):
    scope, _ = shop
    rng = np.random.default_rng(0)
    x = shop_samples(scope["shop"](season), SOFTMAX, rng, shops=2**14)
    found = measured_variances(x, rng) / np.array([scope["exact_variance"](B, season) for B in COUNTS])
    estimates = 2**14
    assert np.all(abs(found - 1) < 4 * np.sqrt(2 / estimates)), found


def test_samples_of_the_shop_are_reward_times_score():
    """Seen with a world whose reward names its action: rewards 3 and 5, scores -1/2 and 1/2."""
    world = MDP(np.ones((1, 2, 1)), [[3, 5]], start=[1.0], terminal=[False], gamma=0.0)
    x = shop_samples(world, SOFTMAX, np.random.default_rng(0), shops=10)
    score = SOFTMAX.score(np.zeros(2), np.zeros((1, 2), dtype=int), np.array([[0, 1]]), np.array([[3.0, 5.0]]))[:, 1]
    assert x.shape == (64, 10) and set(np.unique(x)) == set(score)


@pytest.mark.parametrize("season", [2, 4, 50])
def test_seasons_change_as_often_as_they_should_within_a_shop(season):
    rng = np.random.default_rng(0)
    high = np.array([seasons_met(season, rng) for _ in range(2000)])  # [try, way, day]
    assert abs(high.mean() - 0.5) < 0.02
    changed = (high[..., 1:] != high[..., :-1]).mean(axis=0)  # [way, day - 1]
    in_one, new_shop = [changed[0], changed[1, np.arange(63) % 16 != 15]], [changed[1, 15::16], changed[2]]
    assert all(np.all(abs(each - 1 / season) < 5 * 0.5 / 2000**0.5) for each in in_one)
    assert all(np.all(abs(each - 0.5) < 5 * 0.5 / 2000**0.5) for each in new_shop)


def test_picture_of_many_environments(shop):
    _, [(view, controls)] = shop
    figure, draw = drawn(view)
    for values in corners(controls):
        sentence = draw(rng=np.random.default_rng(0), **values)
    exact, dots = figure.axes[1].lines[1:]
    np.testing.assert_allclose(exact.get_ydata()[-1], (5 / 16 - 1 / 64) / 64)
    np.testing.assert_allclose(np.log(dots.get_ydata()), np.log(exact.get_ydata()), atol=0.4)
    assert "With seasons of 100 days, 64 days in one shop are worth 3 days" in sentence
    (seasons,) = figure.axes[0].images
    one, _, many = seasons.get_array()
    assert (np.diff(one) != 0).sum() < 5 < (np.diff(many) != 0).sum()


def test_noise_in_a_row_of_gradients_that_are_independent_alike_or_opposed():
    noise = run(NAME, "cell-53", "cell-12", "cell-13")[0]["noise_in_a_row"]
    x = np.random.default_rng(0).normal(size=(6, 64, 200, 2))
    assert noise(x) == pytest.approx(1, abs=0.15)
    assert noise(np.repeat(x[:, :1], 64, axis=1)) == pytest.approx(64, rel=0.01)
    signs = (-1.0) ** np.arange(64)[:, None, None]
    assert noise(x[:, :1] * signs) == pytest.approx(0, abs=1e-9)


def test_gradients_of_steps_are_those_of_one_step_at_a_time():
    scope, _ = run(NAME, "cell-53", "cell-12", "cell-13")
    kept = {}
    scope["collect"] = lambda *arguments, **settings: kept.setdefault("rollout", collect(*arguments, **settings))
    found = scope["gradients_of_steps"](scope["skilled"])
    rollout, linear = kept["rollout"], scope["linear"]
    targets = discounted_returns(rollout.rewards, rollout.discounts)  # no segment is cut: each runs on to its end
    centre = targets[200:584][rollout.mask[200:584] == 1].sum() / targets[200:584].size
    for stretch, step, column in [(0, 0, 0), (5, 63, 199), (2, 17, 4)]:
        t = 200 + 64 * stretch + step
        (probabilities,) = linear.probabilities(scope["skilled"], rollout.observations[t, [column]])
        features = np.append(rollout.observations[t, column], 1.0)
        score = np.outer(features, np.eye(2)[rollout.actions[t, column]] - probabilities).ravel()
        psi = rollout.mask[t, column] * (targets[t, column] - centre)
        np.testing.assert_allclose(found[stretch, step, column], psi * score, rtol=1e-6, atol=1e-9)


def test_bonus_is_return_plus_entropy_and_its_slope_the_derivative():
    with_bonus = run(NAME, "with-bonus", "cell-20")[0]["with_bonus"]
    h, step = np.linspace(-6, 6, 25), 1e-5
    pi = lambda h: np.array([1 / (1 + np.exp(-h)), 1 / (1 + np.exp(h))])  # noqa: E731
    total = lambda h, beta: pi(h)[0] - beta * (pi(h) * np.log(pi(h))).sum(axis=0)  # noqa: E731
    for beta in (0.0, 0.3, 1.5):
        height, slope = with_bonus(pi(h)[0], beta)
        np.testing.assert_allclose(height, total(h, beta), rtol=1e-9)
        np.testing.assert_allclose(slope, (total(h + step, beta) - total(h - step, beta)) / (2 * step), atol=1e-9)


@pytest.mark.parametrize("beta", [0.0, 0.01, 0.3, 1.5])
def test_top_with_bonus_is_the_highest_place(beta):
    p = np.linspace(1e-6, 1 - 1e-6, 200_001)
    height = p - beta * (p * np.log(p) + (1 - p) * np.log(1 - p))
    best, highest = top_with_bonus(beta)
    assert best == pytest.approx(p[height.argmax()], abs=1e-5) and highest == pytest.approx(height.max(), abs=1e-5)


def test_picture_of_the_bonus():
    _, [(view, controls)] = run(NAME, "with-bonus", "cell-20")
    figure, draw = drawn(view)
    for values in corners(controls):
        sentence = draw(**values)
    assert sentence.startswith("With β = 1.50 the best p is 0.661, which costs 0.339 of reward")
    curve, top = figure.axes[0].lines[1:]
    assert top.get_ydata()[0] == pytest.approx(curve.get_ydata().max(), abs=1e-5)
    p, rise = figure.axes[1].lines[-1].get_data()
    np.testing.assert_allclose(rise[1:-1], (p * (1 - p) * np.gradient(curve.get_ydata(), p))[1:-1], atol=2e-3)


@pytest.mark.parametrize("c", [0.0, 0.3, 1.0])
def test_speed_of_a2c_is_that_of_rounds_that_wait_for_the_slowest(c):
    scope, _ = run(NAME, "segment-times", "cell-51")
    rng = np.random.default_rng(0)
    times = np.concatenate([scope["segment_times"](c, rng) for _ in range(200)])
    assert times.mean() == pytest.approx(1, abs=0.01) and times.std() == pytest.approx(c, abs=0.01)
    for W in (1, 2, 16, 64):
        x = np.linspace(0, 40, 400_001)
        mean_of_largest = ((1 - (1 - np.exp(-x)) ** W) * (x[1] - x[0])).sum()  # the integral of P(largest > x)
        assert scope["a2c_speed"](c)[W - 1] == pytest.approx(W / (1 - c + c * mean_of_largest), rel=1e-3)
        assert scope["a2c_speed"](c)[W - 1] == pytest.approx(W / times[:, :W].max(axis=1).mean(), rel=0.02)


def test_rounds_begin_when_the_slowest_has_finished():
    (x, rows), (work, same_rows) = rounds(np.array([[1.0, 3.0], [2.0, 0.5]]))
    bars = x.reshape(2, 2, 3)  # [round, worker, (from, to, gap)]
    np.testing.assert_allclose(bars[..., 0], [[0, 0], [3, 3]])
    np.testing.assert_allclose(bars[..., 1] + 0.05, [[3, 3], [5, 5]])
    np.testing.assert_allclose(work.reshape(2, 2, 3)[..., 1] + 0.05, [[1, 3], [5, 3.5]])
    np.testing.assert_allclose(rows.reshape(2, 2, 3)[..., :2], np.tile([[[0.25], [0.75]]], (2, 1, 2)))
    np.testing.assert_array_equal(same_rows, rows)


def test_picture_of_the_clocks():
    _, [(view, controls)] = run(NAME, "segment-times", "cell-51")
    figure, draw = drawn(view)
    said = {}
    for values in corners(controls):
        said[tuple(values.values())] = draw(rng=np.random.default_rng(0), **values)
        exact, dots, here = figure.axes[1].lines[1:]
        (x, speed), workers = here.get_xydata()[0], values["workers"]
        assert x == workers and speed == exact.get_ydata()[workers - 1] and here.get_gid() == "workers"
        assert speed == pytest.approx(workers / (1 - values["chance"] * (1 - (1 / np.arange(1, workers + 1)).sum())))
    assert "A2C finishes 64.0 segments" in said[64, 0.0] and "wait for 0 %" in said[1, 1.0]
    assert "wait for 79 %" in said[64, 1.0]  # 1 - 1 / H_64
    at = exact.get_ydata()[dots.get_xdata() - 1]
    assert np.all(abs(dots.get_ydata() / at - 1) < 0.2)


def test_picture_of_a2c_on_cartpole():
    _, [(start, view, controls)] = run(NAME, "cell-53", "cell-54")
    assert set(inspect.signature(start).parameters) == {"rng", "environments", "steps"}
    for values in corners(controls):
        training = start(np.random.default_rng(0), values["environments"], values["steps"])
        training.entropy, training.learning_rate = values["entropy"], values["learning_rate"]
        figure, draw = drawn(view, empty=True)  # in a few steps of one environment no episode may end
        sentence = draw(new=[next(training) for _ in range(5)])
        assert sentence.startswith("After 5 updates of 20 runs") and sentence == draw(new=[])
        now = next(training.pulses()).observations
        assert sentence == draw(new=[], now=now)
        poles = figure.axes[-1].collections[1].get_paths()
        assert [path.vertices[0, 0] for path in poles] == pytest.approx(now[0, :4, 0])


def segments_of(environments, rng):
    """A record with gradients of variance 4 in each of three components, of two runs' segments of 5 steps, one of them masked."""
    mask = np.ones((5, 2, environments))
    mask[3] = 0
    gradients = 7.0 + 2.0 * rng.normal(size=(2, environments, 3))
    return SimpleNamespace(gradients=gradients, rollout=SimpleNamespace(mask=mask))


@pytest.mark.parametrize("environments", [1, 8])
def test_noise_from_update_to_update_is_the_variance_of_independent_updates(environments):
    rng = np.random.default_rng(0)
    records = [segments_of(environments, rng) for _ in range(4000)]
    view = FromUpdateToUpdate(Figure(), limits=(0, 500))
    found = np.concatenate([view.noise(records[:7]), view.noise(records[7:])])
    assert np.isnan(found[0]).all() and np.isfinite(found[1:]).all()
    wanted = 3 * 4.0 * environments / (4 * environments) ** 2  # of a sum over environments, divided by all real steps
    assert found[1:].mean() == pytest.approx(wanted, rel=0.03)


@pytest.mark.parametrize("environments", [2, 8])
def test_noise_from_update_to_update_is_about_that_among_the_environments_of_one(environments):
    scope, _ = run(NAME, "cell-53")
    training = scope["start"](np.random.default_rng(0), environments, 16)
    records = [next(training) for _ in range(60)]
    found = FromUpdateToUpdate(Figure(), limits=(0, 500)).noise(records)[1:].mean()
    among = [r.gradients.var(axis=-2, ddof=1).sum(axis=-1) * environments / r.rollout.mask.sum(axis=(0, -1)) ** 2 for r in records]
    assert found == pytest.approx(np.mean(among[1:]), rel=0.3)


def test_the_bonus_of_a2c_leaves_out_where_one_is_led():
    """What the cell calls the whole gradient, against finite differences of return plus entropy."""
    scope, _ = run(NAME, "gradient-of-nothing", "angles-of-the-bonus")
    market, see, theta, beta = scope["market"], scope["see"], scope["pushy"], 0.3

    def goal(theta):
        pi = see.probabilities(theta, np.arange(3))
        H = -(pi * np.log(pi)).sum(axis=-1) * [1, 1, 0]
        return exact_return(replace(market, rewards=market.rewards + beta * H[:, None]), see, theta)

    wanted = [(goal(theta + step) - goal(theta - step)) / 2e-5 for step in 1e-5 * np.eye(6)]
    paid = replace(market, rewards=market.rewards + beta * scope["H"][:, None])
    np.testing.assert_allclose(exact_gradient(paid, see, theta) + beta * scope["own"], wanted, atol=1e-8)
    followed = exact_gradient(market, see, theta) + beta * scope["own"]
    assert angle_between(followed, np.array(wanted)) == pytest.approx(6.6, abs=0.05)


def test_the_bonus_is_the_gradient_of_nothing():
    """Round a small square, the work that a gradient does is 0. That of the bonus is not, and is what its slopes say."""
    scope, _ = run(NAME, "gradient-of-nothing", "angles-of-the-bonus", "no-symmetry")
    theta, slopes, side = scope["pushy"], scope["slopes"], 1e-3

    def work(field, i, j):
        x, y = side * np.eye(6)[[i, j]]
        along = [(theta + x / 2, x), (theta + x + y / 2, y), (theta + x / 2 + y, -x), (theta + y / 2, -y)]
        return sum(field(place) @ step for place, step in along) / side**2

    apart = slopes - slopes.T
    i, j = np.unravel_index(apart.argmax(), apart.shape)
    assert apart[i, j] > 0.04
    assert work(lambda theta: scope["own_entropy"](theta)[0], i, j) == pytest.approx(apart[i, j], rel=1e-3)
    assert work(lambda theta: exact_gradient(scope["market"], scope["see"], theta), i, j) == pytest.approx(0, abs=1e-4)


def return_on_cartpole(environments, updates, entropy=0.01, seed=0):
    scope, [(start, _, _)] = run(NAME, "cell-04", "cell-53", "cell-54")
    training = start(np.random.default_rng(seed), environments, 16)
    training.entropy = entropy
    return np.nanmean([next(training) for _ in range(updates)][-1].returns)


def test_many_environments_save_updates_but_not_experience():
    one, eight = return_on_cartpole(1, 800), return_on_cartpole(8, 100)
    assert 300 < one < 430 and 150 < eight < 250  # of 20 learners each; the text says about 330 to 400, and about 200


def test_a_large_entropy_weight_holds_back_later():
    early, later = ([return_on_cartpole(8, updates, entropy) for entropy in (0.01, 1.0)] for updates in (100, 200))
    assert early[1] == pytest.approx(early[0], rel=0.1) and later[1] < 0.85 * later[0]

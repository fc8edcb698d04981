"""Notebook 03: its estimates and variances against series and identities, its pictures at the ends of controls."""

import itertools
from functools import partial

import gymnasium
import numpy as np
import pytest
from lesson import corners, definitions, line
from matplotlib.figure import Figure

from pgedu import (
    SGD, Linear, Policy, Table, campaign, collect, episode_gradients, exact_gradient, exact_moments, exact_return,
    reinforce, reward_to_go, short_corridor, stay_or_stop, total_return,
)  # fmt: skip
from pgedu.lessons.one_episode import OFFER
from pgedu.lessons.reinforce import (
    at, cartpole_curves, cloud, corridor_hill, corridor_return, expected_estimate, offers, variance_dots,
)  # fmt: skip
from pgedu.panels.views import angle_between

NOTEBOOK = "03_reinforce.ipynb"
coin, campaign_policy = Policy.softmax(Table(1, 2)), Policy.softmax(Table(3, 2))


@pytest.fixture(scope="module")
def campaign_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-04", "one-customer", "cell-10")


@pytest.fixture(scope="module")
def chain_cells():
    return definitions(NOTEBOOK, "cell-02", "corridor-start", "cell-15", "stays")


@pytest.mark.parametrize("curious, loyal", [(0.0, 0.0), (-1.5, 2.0)])
@pytest.mark.parametrize("psi", [total_return, reward_to_go])
def test_estimates_are_means_of_batches_around_the_exact_gradient(campaign_cells, psi, curious, loyal):
    theta, estimates = at(curious, loyal), campaign_cells["estimates"]
    truth = exact_gradient(campaign(), campaign_policy, theta)[OFFER]
    one, fifty = (estimates(np.random.default_rng(0), theta, batch, psi, True) for batch in (1, 50))
    np.testing.assert_allclose(fifty, [one[n : n + 50].mean(axis=0) for n in range(0, 2000, 50)])
    assert (np.abs(one.mean(axis=0) - truth) < 4 * one.std(axis=0) / np.sqrt(2000)).all()


def test_one_customer_by_hand_is_right_on_average_and_as_wild_as_the_others(campaign_cells):
    rng = np.random.default_rng(0)
    by_hand = np.array([campaign_cells["one_customer"](rng) for _ in range(4000)])
    others = collect(campaign(), campaign_policy, np.zeros(6), episodes=4000, rng=rng)
    others = episode_gradients(campaign_policy, np.zeros(6), others, total_return(others))
    truth, error = exact_gradient(campaign(), campaign_policy, np.zeros(6)), by_hand.std(axis=0) / np.sqrt(4000)
    assert (np.abs(by_hand.mean(axis=0) - truth) <= 4 * error).all() and error[OFFER].min() > 0.01
    np.testing.assert_allclose(by_hand[:, OFFER].std(axis=0), others[:, OFFER].std(axis=0), rtol=0.1)


@pytest.mark.parametrize("psi", [total_return, reward_to_go])
@pytest.mark.parametrize("gamma_power", [True, False])
@pytest.mark.parametrize("gamma", [0.9, 0.4])
def test_the_expected_estimate_is_the_mean_over_all_episodes(psi, gamma_power, gamma):
    short, theta = campaign(gamma, horizon=5), np.array([0.3, -0.7, 0.2, 1.1, 0, 0])
    wanted = exact_moments(short, campaign_policy, theta, partial(psi, gamma_power=gamma_power), horizon=5).mean
    np.testing.assert_allclose(expected_estimate(short, campaign_policy, theta, gamma_power), wanted, atol=1e-12)


def test_what_the_missing_power_turns():
    """12.2 degrees in the year of the cloud, 1.5 in five months."""
    for months, wanted in ((12, 12.2), (5, 1.5)):
        world = campaign(horizon=months)
        found = expected_estimate(world, campaign_policy, np.zeros(6), gamma_power=False)
        assert angle_between(found, exact_gradient(world, campaign_policy, np.zeros(6))) == pytest.approx(wanted, abs=0.05)


def test_offers_are_probabilities_and_theta_their_preferences():
    np.testing.assert_allclose(np.sum(offers(0.3, 0.9), axis=-1), 1)
    assert offers(0.3, 0.9)[0][1] == 0.3 and offers(0.3, 0.9)[1][1] == 0.9
    found = campaign_policy.probabilities(at(np.log(3), -np.log(3)), np.array([0, 1]))
    np.testing.assert_allclose(found, offers(0.75, 0.25)[:2])


def series(stay, steps=4000):
    """Variances of both estimates on the chain, summed over the number k of times that it stays: P(k) = p^k (1 - p)."""
    k = np.arange(steps)
    chance = stay**k * (1 - stay)
    for estimate in (k * (k / stay - 1 / (1 - stay)), k * (k + 1) / 2 / stay):
        yield chance @ estimate**2 - (chance @ estimate) ** 2


@pytest.mark.parametrize("stay", [0.05, 0.5, 0.9])
def test_formulas_are_the_sums_over_all_episodes(chain_cells, stay):
    np.testing.assert_allclose(chain_cells["formulas"](stay), list(series(stay)))


def test_measured_variances_come_near_the_formulas(chain_cells):
    few = chain_cells["stay"] < 0.4  # where single long episodes do not decide
    found = chain_cells["measured"](np.random.default_rng(0), 200_000)
    np.testing.assert_allclose(found[:, few], chain_cells["formulas"](chain_cells["stay"])[:, few], rtol=0.1)


@pytest.mark.parametrize("stay", [0.2, 0.6])
def test_how_often_an_episode_stays_tells_its_estimates(chain_cells, stay):
    theta = np.array([0.0, np.log(stay / (1 - stay))])
    rollout = collect(stay_or_stop(), coin, theta, episodes=50, rng=np.random.default_rng(0))
    wanted = [episode_gradients(coin, theta, rollout, psi(rollout))[:, 1] for psi in (total_return, reward_to_go)]
    found = chain_cells["both_estimates"](rollout.rewards.sum(axis=0), stay)
    np.testing.assert_allclose(np.array(found) * stay * (1 - stay), wanted, atol=1e-12)


def test_where_the_past_cancels_noise():
    scope = definitions(NOTEBOOK, "cell-02", "corridor-start", "cell-15", "undone")
    of = lambda psi: exact_moments(scope["undone"], scope["four"], np.zeros(8), psi, horizon=2)  # noqa: E731
    full, to_go = of(total_return), of(reward_to_go)
    assert full.variance == pytest.approx(0) and to_go.variance == pytest.approx(0.5)
    np.testing.assert_allclose([full.mean, to_go.mean], 0, atol=1e-12)


def test_the_cloud_shows_the_estimates_and_what_they_are_expected_to_be(campaign_cells):
    world, estimates = campaign(), campaign_cells["estimates"]
    ends = {"curious": (-3.0, 3.0), "loyal": (-3.0, 1.0), "batch": (1, 50), "psi": (total_return, reward_to_go)}
    ends["gamma_power"] = (True, False)
    view = cloud(world, campaign_policy, estimates)
    found = corners(lambda figure: seeded(view(figure)), **ends)
    for values, (sentence, figure) in zip(itertools.product(*ends.values()), found, strict=True):
        *theta, batch, psi, power = values
        truth = exact_gradient(world, campaign_policy, at(*theta))[OFFER]
        points = estimates(np.random.default_rng(0), at(*theta), batch, psi, power)
        plane, middle, zoom = figure.axes
        np.testing.assert_array_equal(line(middle, "estimates"), points)
        arrow, here = plane.lines
        np.testing.assert_array_equal(here.get_xydata(), [theta])
        np.testing.assert_allclose(arrow.get_xydata(), [theta, theta + 10 * truth], atol=1e-12)
        np.testing.assert_allclose(line(zoom, "exact gradient"), [[0, 0], truth], atol=1e-12)
        expected = line(zoom, "expected estimate")[1]
        assert (np.abs(expected - truth).max() < 1e-12) == power
        assert np.abs(expected).max() < zoom.get_xlim()[1] and ("is the exact gradient itself." in sentence) == power
        assert power or f"points {angle_between(expected, truth):.1f}° away from it." in sentence
        np.testing.assert_allclose(line(zoom, "mean of the estimates"), [points.mean(axis=0)])
        assert f"(the gradient's length is {np.hypot(*truth):.2f})" in sentence
        assert f"{2000 // batch:,} estimates from batches of {batch}, " in sentence
        assert f"weighted with the {psi.__name__.replace('_', ' ')}" in sentence
        assert f"standard deviation is {np.sqrt(np.trace(np.cov(points.T, bias=True))):.2f} " in sentence


def test_two_standard_errors_are_what_the_cloud_s_middle_has_around_its_mean(campaign_cells):
    figure = Figure()
    draw = cloud(campaign(), campaign_policy, lambda *_: np.array([[-0.2, 0], [0.2, 0], [0, -0.1], [0, 0.1]]))(figure)
    draw(None, 0.0, 0.0, 1, reward_to_go, True)
    outline = line(figure.axes[2], "2 standard errors around it")
    errors = np.sqrt(np.array([0.08, 0.02]) / 3 / 4)  # the sum of squares / (n - 1) / n
    np.testing.assert_allclose(np.abs(outline).max(axis=0), 2 * errors, rtol=0.01)


def seeded(draw):
    return lambda **values: draw(np.random.default_rng(0), **values)


def test_a_psi_without_a_name_is_drawn_too(campaign_cells):
    class Own:
        def __call__(self, rollout, gamma_power):
            return rollout.rewards

    draw = cloud(campaign(), campaign_policy, campaign_cells["estimates"])(Figure())
    assert "weighted with the estimator:" in draw(np.random.default_rng(0), 0.5, -0.5, 10, Own(), True)


def test_dots_stand_where_they_were_measured_and_lines_where_the_formula_is(chain_cells):
    stay, formulas, measured = (chain_cells[name] for name in ("stay", "formulas", "measured"))
    view = variance_dots(stay, formulas(stay), measured)
    found = corners(lambda figure: seeded(view(figure)), episodes=(10.0, 50_000.0))
    for episodes, (sentence, figure) in zip((10, 50_000), found, strict=True):
        wanted = measured(np.random.default_rng(0), episodes)
        for row, name in enumerate(("total return", "reward to go")):
            np.testing.assert_array_equal(line(figure.axes[0], f"{name}, measured"), np.transpose([stay, wanted[row]]))
            np.testing.assert_array_equal(line(figure.axes[0], f"{name}, by formula")[:, 1], formulas(stay)[row])
        off = np.abs(wanted / formulas(stay) - 1)
        assert f"of {episodes:,} episodes" in sentence and f"off by {100 * off.max():.0f} %," in sentence
    assert off.max() < 0.15


def test_the_corridor_s_formula_is_the_exact_return():
    p = np.array([0.02, 0.3, 2 - np.sqrt(2), 0.98])
    theta = np.stack([0 * p, np.log(p / (1 - p))], axis=-1)
    np.testing.assert_allclose(corridor_return(p), exact_return(short_corridor(), coin, theta))
    assert corridor_return(p[2]) == pytest.approx(-11.66, abs=0.005)


def test_learners_stand_on_the_corridor_s_hill():
    start = {"theta": np.tile([0.0, -1.0], (3, 1)), "runs": 3, "episodes": 4, "max_steps": 300, "updates": 5}
    records = list(reinforce(short_corridor(), coin, optimizer=SGD(0.001), rng=np.random.default_rng(0), **start))
    for sentence, figure in corners(corridor_hill(short_corridor(), coin), new=(records, [])):
        x, y = figure.axes[0].lines[1].get_data()
        np.testing.assert_allclose(y, corridor_return(x))
        odds = np.exp(records[-1].theta @ [-1, 1])
        np.testing.assert_allclose(x, odds / (1 + odds))
        assert "After 5 updates of 3 runs" in sentence and f"its exact value {y.mean():.1f}" in sentence


def test_cartpole_s_view_takes_records():
    env = gymnasium.make_vec("CartPole-v1", num_envs=4)
    settings = {"optimizer": SGD(0.1), "rng": np.random.default_rng(0), "runs": 2, "episodes": 2, "updates": 2}
    records = list(reinforce(env, Policy.softmax(Linear(4, 2)), **settings))
    for sentence, figure in corners(cartpole_curves, new=(records, []), now=(None, records[-1].rollout.observations[-1])):
        assert line(figure.axes[0], "sampled")[-1, 1] == pytest.approx(records[-1].returns.mean())
        assert "After 2 updates of 2 runs" in sentence

"""Notebook 03: its estimates and variances against series and identities, its pictures at the ends of controls."""

import itertools

import gymnasium
import numpy as np
import pytest
from lesson import corners, definitions, line
from matplotlib.figure import Figure

from pgedu import SGD, Linear, Policy, Table, campaign, exact_return, reinforce, reward_to_go, short_corridor
from pgedu import total_return
from pgedu.lessons.reinforce import cartpole_curves, cloud, corridor_hill, corridor_return, variance_dots

NOTEBOOK = "03_reinforce.ipynb"
coin, campaign_policy = Policy.softmax(Table(1, 2)), Policy.softmax(Table(3, 2))


@pytest.fixture(scope="module")
def campaign_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-04", "cell-10")


@pytest.fixture(scope="module")
def chain_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-15", "cell-18")


@pytest.mark.parametrize("curious, loyal", [(0.0, 0.0), (-1.5, 2.0)])
@pytest.mark.parametrize("psi", [total_return, reward_to_go])
def test_estimates_are_means_of_batches_around_the_exact_gradient(campaign_cells, psi, curious, loyal):
    estimates, (_, truth) = campaign_cells["estimates"], campaign_cells["truth_at"](curious, loyal)
    one, fifty = (estimates(np.random.default_rng(0), curious, loyal, batch, psi, True) for batch in (1, 50))
    np.testing.assert_allclose(fifty, [one[n : n + 50].mean(axis=0) for n in range(0, 2000, 50)])
    assert (np.abs(one.mean(axis=0) - truth) < 4 * one.std(axis=0) / np.sqrt(2000)).all()


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
    found = chain_cells["measured"](np.random.default_rng(0), 4000)
    np.testing.assert_allclose(found[:, few], chain_cells["formulas"](chain_cells["stay"])[:, few], rtol=0.25)


@pytest.mark.parametrize("curious, loyal", [(0.0, 0.0), (-3.0, 3.0), (1.2, -0.7)])
def test_truth_is_the_return_and_its_slopes(campaign_cells, curious, loyal):
    truth_at = campaign_cells["truth_at"]
    J, gradient = truth_at(curious, loyal)
    assert J == pytest.approx(exact_return(campaign(), campaign_policy, np.array([0, curious, 0, loyal, 0, 0])))
    ahead = truth_at(curious + 1e-5, loyal)[0], truth_at(curious, loyal + 1e-5)[0]
    behind = truth_at(curious - 1e-5, loyal)[0], truth_at(curious, loyal - 1e-5)[0]
    np.testing.assert_allclose(gradient, np.subtract(ahead, behind) / 2e-5, atol=1e-8)


def test_the_cloud_shows_the_estimates_and_tells_their_width(campaign_cells):
    view = cloud(campaign_cells["estimates"], campaign_cells["truth_at"])
    ends = {"curious": (-3.0, 3.0), "loyal": (-3.0, 1.0), "batch": (1, 50), "psi": (total_return, reward_to_go)}
    ends["gamma_power"] = (True, False)
    found = corners(lambda figure: seeded(view(figure)), **ends)
    for values, (sentence, figure) in zip(itertools.product(*ends.values()), found, strict=True):
        *theta, batch, psi, power = values
        _, truth = campaign_cells["truth_at"](*theta)
        points = campaign_cells["estimates"](np.random.default_rng(0), *theta, batch, psi, power)
        plane, right = figure.axes
        np.testing.assert_array_equal(line(right, "estimates"), points)
        arrow, here = plane.lines
        np.testing.assert_array_equal(here.get_xydata(), [theta])
        np.testing.assert_allclose(arrow.get_xydata(), [theta, theta + 10 * truth], atol=1e-12)
        assert f"(the gradient's length is {np.hypot(*truth):.2f})" in sentence
        assert f"{2000 // batch:,} estimates from {batch} episodes each" in sentence
        assert f"weighted with the {psi.__name__.replace('_', ' ')}" in sentence
        assert f"standard deviation is {np.sqrt(np.trace(np.cov(points.T, bias=True))):.2f} " in sentence


def seeded(draw):
    return lambda **values: draw(np.random.default_rng(0), **values)


def test_a_psi_without_a_name_is_drawn_too(campaign_cells):
    class Own:
        def __call__(self, rollout, gamma_power):
            return rollout.rewards

    draw = cloud(campaign_cells["estimates"], campaign_cells["truth_at"])(Figure())
    assert "weighted with the estimator:" in draw(np.random.default_rng(0), 0.5, -0.5, 10, Own(), True)


def test_dots_stand_where_they_were_measured_and_lines_where_the_formula_is(chain_cells):
    stay, formulas, measured = (chain_cells[name] for name in ("stay", "formulas", "measured"))
    view = variance_dots(stay, formulas(stay), measured)
    found = corners(lambda figure: seeded(view(figure)), episodes=(10, 500))
    for episodes, (sentence, figure) in zip((10, 500), found, strict=True):
        wanted = measured(np.random.default_rng(0), episodes)
        for row, name in enumerate(("total return", "reward to go")):
            np.testing.assert_array_equal(line(figure.axes[0], f"{name}, measured"), np.transpose([stay, wanted[row]]))
            np.testing.assert_array_equal(line(figure.axes[0], f"{name}, by formula")[:, 1], formulas(stay)[row])
        assert f"of {episodes} episodes" in sentence and sentence.endswith(f"it is {wanted[1, -1]:,.0f}.")


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

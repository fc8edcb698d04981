"""Notebook 03: its estimates and variances against series and identities, its pictures at the ends of controls."""

import gymnasium
import numpy as np
import pytest
from lesson import corners, definitions, line
from matplotlib.figure import Figure

from pgedu import SGD, Linear, Policy, Table, exact_return, reinforce, reward_to_go, short_corridor, total_return
from pgedu.lessons.reinforce import cartpole_curves, cloud, corridor_hill, corridor_return, variance_dots

NOTEBOOK = "03_reinforce.ipynb"
coin = Policy.softmax(Table(1, 2))


@pytest.fixture(scope="module")
def campaign_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-04", "cell-10")


@pytest.fixture(scope="module")
def chain_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-15", "cell-18")


@pytest.mark.parametrize("psi", [total_return, reward_to_go])
def test_estimates_are_means_of_batches_around_the_exact_gradient(campaign_cells, psi):
    estimates, truth = campaign_cells["estimates"], campaign_cells["truth"]
    one, fifty = (estimates(np.random.default_rng(0), batch, psi, True) for batch in (1, 50))
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


def test_the_cloud_shows_the_estimates_and_tells_their_width(campaign_cells):
    view = cloud(campaign_cells["estimates"], campaign_cells["truth"])
    ends = {"batch": (1, 50), "psi": (total_return, reward_to_go), "gamma_power": (True, False)}
    for number, (sentence, figure) in enumerate(corners(lambda figure: seeded(view(figure)), **ends)):
        batch, psi, power = (1, 50)[number // 4], (total_return, reward_to_go)[number // 2 % 2], number % 2 == 0
        points = campaign_cells["estimates"](np.random.default_rng(0), batch, psi, power)
        np.testing.assert_array_equal(line(figure.axes[0], "estimates"), points)
        assert f"{2000 // batch:,} estimates from {batch} episodes each" in sentence
        assert f"weighted with the {psi.__name__.replace('_', ' ')}" in sentence
        assert f"standard deviation is {np.sqrt(np.trace(np.cov(points.T, bias=True))):.2f} " in sentence


def seeded(draw):
    return lambda **values: draw(np.random.default_rng(0), **values)


def test_a_psi_without_a_name_is_drawn_too(campaign_cells):
    class Own:
        def __call__(self, rollout, gamma_power):
            return rollout.rewards

    draw = cloud(campaign_cells["estimates"], campaign_cells["truth"])(Figure())
    assert "weighted with the estimator:" in draw(np.random.default_rng(0), 10, Own(), True)


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

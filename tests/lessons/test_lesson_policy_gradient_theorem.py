"""Notebook 02: the tools of its proof, its estimates of a slope, the terms of the theorem, and its pictures."""

import itertools
import json
import re
from dataclasses import replace

import numpy as np
import pytest
from lesson import NOTEBOOKS, from_notebook, picture
from matplotlib.figure import Figure

from pgedu import Policy, Table, campaign, exact_gradient, exact_moments, exact_return, reward_to_go, short_corridor, solve
from pgedu.lessons.policy_gradient_theorem import Plane, bars_of_the_theorem, compare, hill

NOTEBOOK = "02_policy_gradient_theorem"
CORRIDOR, COIN = short_corridor(), Policy.softmax(Table(observations=1, outputs=2))
MONTHS, RULE = replace(campaign(), horizon=None), Policy.softmax(Table(observations=3, outputs=2))


def J(h):
    p = 1 / (1 + np.exp(-h))
    return (2 * p - 4) / (p * (1 - p))


def slope(h):
    """dJ/dh = dJ/dp dp/dh, by hand."""
    p = 1 / (1 + np.exp(-h))
    return 2 - (2 * p - 4) * (1 - 2 * p) / (p * (1 - p))


def test_slopes_are_derivatives():
    (slopes,) = from_notebook(NOTEBOOK, "slopes")
    theta = np.array([0.3, -1.2, 2.0])
    function = lambda x: np.array([[x[0] * x[1], np.sin(x[2])], [x[1] ** 3, 5.0]])  # noqa: E731
    x, y, z = theta
    expected = [[[y, x, 0], [0, 0, np.cos(z)]], [[0, 3 * y**2, 0], [0, 0, 0]]]
    np.testing.assert_allclose(slopes(function, theta), expected, atol=1e-8)


@pytest.mark.parametrize("change, verdict", [(0.0, "AGREE everywhere"), (0.001, "DIFFER")])
def test_compare_prints_the_first_state_and_looks_at_every_number(change, verdict, capsys):
    left, right = np.arange(10.0).reshape(2, 5) / 9, np.arange(10.0).reshape(2, 5) / 9
    right[1, 4] += change  # a number that is not printed
    compare(left, right)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "left  side: [0.    0.111 0.222 0.333] ..." and printed[2] == f"THE TWO SIDES {verdict}"


def printed(capsys, world, *cells, more=lambda source: source):
    """What these cells of the notebook print when `world` stands in its cell of your own world."""
    saved = json.loads((NOTEBOOKS / f"{NOTEBOOK}.ipynb").read_text(encoding="utf-8"))["cells"]
    sources = {cell["id"]: "".join(cell["source"]) for cell in saved}
    scope = {}
    for cell in ("cell-02", "cell-18", *cells):
        exec(more(sources[cell].replace("world = campaign()", f"world = {world}", 1)), scope)
    return capsys.readouterr().out


PROOF = ["cell-20", "cell-23", "cell-25", "cell-27", "cell-31", "cell-33", "cell-42"]


@pytest.mark.parametrize("world", ["campaign()", "short_corridor()", "stay_or_stop()", "bandit([1.0, 2.0, 3.0])",
                                   "random_mdp(np.random.default_rng(5), states=4, actions=3)"])  # fmt: skip
def test_the_proof_holds_in_any_world(world, capsys):
    said = printed(capsys, world, *PROOF)
    assert said.count("AGREE everywhere") == 7 and "DIFFER" not in said
    assert ("nothing at all is left" in said) == (world == "short_corridor()")


def test_a_broken_proof_is_noticed(capsys):
    said = printed(capsys, "campaign()", *PROOF[:4], more=lambda source: source.replace(
        'np.einsum("sa,sat->st", pi, world.transitions)', 'np.einsum("sa,sat->st", pi, world.transitions[:, ::-1])'))  # fmt: skip
    assert said.count("DIFFER") == 1


@pytest.mark.parametrize("world, cut", [("campaign()", False), ("short_corridor()", False), ("cliff_walk()", True)])
def test_episodes_that_were_cut_off_are_told(world, cut, capsys):
    """Where none was, the sampled mean is the exact J; on the cliff it is far from it."""
    said = printed(capsys, world, "sampled-return")
    exact, sampled = (float(each) for each in re.findall(r"-?[\d.]+(?=,? (?:solved|on average))", said))
    error = float(re.search(r"standard error ([\d.]+)", said)[1])
    assert (abs(sampled - exact) < 4 * error + 0.01) != cut
    if cut:  # "nine of ten are cut off, the sampled mean is about -1,000, and the exact J about -7,270"
        share = int(re.search(r"([\d,]+) of them were CUT OFF", said)[1].replace(",", "")) / 4000
        assert round(share, 1) == 0.9 and round(sampled, -2) == -1000 and round(exact, -1) == -7270
    else:
        assert "none was cut off" in said


@pytest.mark.parametrize("h, episodes", [(-1.5, 5), (1.0, 20), (0.0, 50)])
def test_estimates_have_the_exact_slope_as_their_mean(h, episodes):
    (estimates,) = from_notebook(NOTEBOOK, "estimates", corridor=CORRIDOR, coin=COIN)
    found = [estimates(h, episodes, np.random.default_rng(seed)) for seed in range(40)]
    assert np.shape(found) == (40, 200 // episodes)
    error = np.std(found) / np.sqrt(np.size(found))
    assert abs(np.mean(found) - slope(h)) < 4 * error


def test_scatter_of_estimates_is_that_of_a_mean_over_episodes():
    """Where episodes are short enough to enumerate them: stop after four steps, and compare the variances."""
    short = replace(CORRIDOR, horizon=4)
    (estimates,) = from_notebook(NOTEBOOK, "estimates", corridor=short, coin=COIN)
    found = np.concatenate([estimates(0.5, 5, np.random.default_rng(seed)) for seed in range(100)])
    exact = exact_moments(short, COIN, np.array([0.0, 0.5]), reward_to_go, horizon=4, batch=1)
    assert found.var() == pytest.approx(exact.covariance[1, 1] / 5, rel=0.1)


@pytest.mark.parametrize("h", [-2.2, 0.0, 2.2])
@pytest.mark.parametrize("episodes", [5, 20, 50])
def test_hill_shows_exact_and_estimated_slopes(h, episodes):
    given = np.random.default_rng(0).normal(slope(h), 30, size=200 // episodes)
    figure, draw = picture(hill(CORRIDOR, COIN, lambda h, episodes, rng: given))
    sentence = draw(h=h, episodes=episodes, rng=None)
    curve, tangent, star = (line.get_xydata() for line in figure.axes[0].lines)
    np.testing.assert_allclose(curve[:, 1], J(curve[:, 0]), rtol=1e-9)
    np.testing.assert_allclose(star, [[h, J(h)]])
    assert figure.axes[0].lines[2].get_gid() == "h"
    np.testing.assert_allclose(np.diff(tangent[:, 1]) / np.diff(tangent[:, 0]), slope(h))
    (arrows,) = figure.axes[0].collections
    ways, hidden = np.stack([arrows.U, arrows.V], axis=-1), np.broadcast_to(arrows.Umask, 40)
    np.testing.assert_allclose(arrows.get_offsets(), np.tile([h, J(h)], (len(ways), 1)))
    assert np.flatnonzero(~hidden).tolist() == list(range(len(given)))  # no more arrows than estimates
    ways = ways[: len(given)]
    np.testing.assert_allclose(ways[:, 1] / ways[:, 0], given)
    assert np.all(ways[:, 1] > 0) and np.allclose(np.hypot(*(ways / [1, 10]).T), 1)  # a tenth as much upwards
    assert f"J = {J(h):.2f}" in sentence and f"the exact slope is {slope(h):.2f}" in sentence
    wrong = (given < 0).sum() if slope(h) > 0 else (given > 0).sum()
    assert f"mean {given.mean():.1f}" in sentence and sentence.endswith(f"pointing the wrong way: {wrong}.")


def test_beside_the_hill_stand_the_slopes():
    given = np.array([-200.0, 10.0, 30.0, 400.0])
    figure, draw = picture(hill(CORRIDOR, COIN, lambda h, episodes, rng: given))
    draw(h=-1.0, episodes=50, rng=None)
    curve, _, dots, spread, mean, star = (line.get_xydata() for line in figure.axes[1].lines)
    np.testing.assert_allclose(curve[:, 1], slope(curve[:, 0]), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(dots[:, 1], [-79, 10, 30, 139])  # beyond the edge: on it
    np.testing.assert_allclose(spread[:, 1].mean(), 60)
    np.testing.assert_allclose(mean, [[-0.7, 60]])  # the mean of what was found, not of what is drawn
    np.testing.assert_allclose(np.diff(spread[:, 1]), 2 * given.std(ddof=1))
    np.testing.assert_allclose(star, [[-1.0, slope(-1.0)]])


def factors():
    return from_notebook(NOTEBOOK, "factors", months=MONTHS, rule=RULE)[0]


@pytest.mark.parametrize("curious, loyal", [(0.0, 0.0), (1.3, -0.4), *itertools.product([-4.0, 4.0], repeat=2)])
def test_the_product_of_the_factors_is_the_slope_that_is_tried_out(curious, loyal):
    J, visits, undecided, q = factors()(curious, loyal)
    worth = lambda a, b: exact_return(MONTHS, RULE, np.array([0, a, 0, b, 0, 0]))  # noqa: E731
    tried = [worth(curious + 1e-5, loyal) - worth(curious - 1e-5, loyal),
             worth(curious, loyal + 1e-5) - worth(curious, loyal - 1e-5)]  # fmt: skip
    assert J == pytest.approx(worth(curious, loyal))
    np.testing.assert_allclose(visits * undecided * (q[:, 1] - q[:, 0]), np.array(tried) / 2e-5, atol=1e-8)


@pytest.mark.parametrize("curious, loyal", list(itertools.product([-4.0, 4.0], repeat=2)))
def test_bars_of_the_theorem(curious, loyal):
    figure, draw = picture(bars_of_the_theorem(factors()))
    sentence = draw(curious=curious, loyal=loyal)
    theta = np.array([0, curious, 0, loyal, 0, 0])
    gradient, solution = exact_gradient(MONTHS, RULE, theta)[[1, 3]], solve(MONTHS, RULE, theta)
    plane, *others = figure.axes
    bars = {axes.get_title("left"): [(bar.get_y(), bar.get_height()) for bar in axes.patches] for axes in others}
    np.testing.assert_allclose(bars["visits d(s)"], [(0, d) for d in solution.visits[:2]])
    offer = 1 / (1 + np.exp(-np.array([curious, loyal])))
    np.testing.assert_allclose(bars["undecided: π(wait) π(offer)"], [(0, p * (1 - p)) for p in offer])
    wait_and_offer = solution.action_values[:2].T.ravel()
    np.testing.assert_allclose(bars["action values q(s, a)"], [(0, q) for q in wait_and_offer])
    np.testing.assert_allclose(bars["∂J/∂θ: visits × undecided × gain"], [(0, each) for each in gradient], atol=1e-12)
    (below,) = [axes for axes in others if axes.get_title("left").startswith("∂J/∂θ")]
    tops = below.lines[-1].get_ydata()
    np.testing.assert_allclose(tops.reshape(2, 3), np.tile(gradient[:, None], 3), atol=1e-12)
    assert f"curious with probability {offer[0]:.2f}, to the loyal with {offer[1]:.2f}" in sentence
    assert f"J = {exact_return(MONTHS, RULE, theta):.2f}" in sentence
    assert f"gain = {gradient[0]:+.3f}" in sentence and sentence.endswith(f"gain = {gradient[1]:+.3f}.")
    arrow, here = plane.lines
    np.testing.assert_allclose(here.get_xydata(), [[curious, loyal]])
    np.testing.assert_allclose(arrow.get_xydata(), [[curious, loyal], [curious, loyal] + 10 * gradient], atol=1e-12)


def test_the_plane_shows_the_exact_return_from_above():
    axes = Figure().subplots()
    exact = lambda x, y: exact_return(MONTHS, RULE, np.array([0, x, 0, y, 0, 0]))  # noqa: E731
    plane = Plane(axes, exact)
    contours, head = axes.collections
    seen = 0
    for level, path in zip(contours.levels, contours.get_paths(), strict=True):
        J = np.array([exact(x, y) for x, y in path.vertices])
        np.testing.assert_allclose(J, level, atol=0.02 * np.diff(contours.levels)[0])
        seen += len(J)
    assert seen > 200
    plane.show(np.array([1.0, -2.0]), np.array([0.1, 0.2]))
    np.testing.assert_allclose(plane.here.get_xydata(), [[1, -2]])
    np.testing.assert_allclose(plane.arrow.get_xydata(), [[1, -2], [2, 0]], atol=1e-12)
    assert plane.here.get_gid() == "curious"
    np.testing.assert_allclose([*head.get_offsets()[0], *head.U, *head.V], [1, -2, 1, 2])  # its head is at its end

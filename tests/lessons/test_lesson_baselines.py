"""Notebook 04: its exact variances against series and enumeration, its pictures at the ends of their controls."""

from dataclasses import replace

import numpy as np
import pytest
from lesson import corners, definitions, line
from matplotlib.figure import Figure

from pgedu import Policy, Table, batch_mean, campaign, constant, enumerate_rollouts, episode_gradients, none
from pgedu import total_return
from pgedu.lessons.baselines_and_variance import ExpectedEstimate, baseline_table, constant_baseline, museum
from pgedu.lessons.baselines_and_variance import variance_by_source
from pgedu.lessons.museum import EXHIBITS, RIGHT, Cost

NOTEBOOK = "04_baselines_and_variance.ipynb"
MONTHS = 4


@pytest.fixture(scope="module")
def chain_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-11", "cell-13", "cell-13-table")


@pytest.fixture(scope="module")
def split_cells():
    """The split of the variance, in a campaign of four months: few enough histories to go through."""
    return definitions(NOTEBOOK, "cell-02", "cell-15", "cell-16", campaign=lambda: campaign(horizon=MONTHS))


@pytest.mark.parametrize("b", [0.0, 4.0])
def test_exact_variance_is_the_sum_over_the_number_of_times_that_the_chain_stays(chain_cells, b):
    stay = chain_cells["stay"][:, None]
    k = np.arange(31)
    chance = np.where(k < 30, stay**k * (1 - stay), stay**k)  # after 30 steps it is cut off
    estimate = (k - b) * (k / stay - (k < 30) / (1 - stay))
    wanted = (chance * estimate**2).sum(axis=1) - (chance * estimate).sum(axis=1) ** 2
    np.testing.assert_allclose(chain_cells["exact_variance"](total_return, constant(b)), wanted)


@pytest.mark.parametrize("theta", [0.1, 1 / 3, 0.6])
def test_the_best_constant_leaves_what_the_dotted_line_shows(theta):
    k = np.arange(4000)
    chance, score = theta**k * (1 - theta), k / theta - 1 / (1 - theta)
    variance = lambda b: chance @ ((k - b) * score) ** 2 - (chance @ ((k - b) * score)) ** 2
    best = (1 + 2 * theta) / (1 - theta)
    assert variance(best) == pytest.approx(4 / (1 - theta) ** 4)
    assert variance(best) < min(variance(best - 0.1), variance(best + 0.1))


def test_the_batch_mean_costs_a_third_of_the_gradient_for_three_episodes(chain_cells):
    cost = chain_cells["bias_and_variance"]
    assert cost(total_return, batch_mean)[0] == pytest.approx(-100 / 3)
    assert cost(total_return, none)[0] == pytest.approx(0, abs=1e-9)


def split_by_enumeration(b):
    """The three parts, from every history that begins curious and every one that begins loyal."""
    policy, theta = Policy.softmax(Table(3, 2)), np.zeros(6)
    groups = []  # of (probability, mean, total variance) for each (start state, first action)
    for state in (0, 1):
        world = replace(campaign(horizon=MONTHS), start=np.eye(3)[state])
        rollout, chance = enumerate_rollouts(world, policy, theta, horizon=MONTHS)  # [T, histories, 1]
        psi = np.zeros_like(rollout.rewards)
        psi[0] = np.tensordot(0.9 ** np.arange(MONTHS), rollout.rewards, axes=1) - b[state]
        X = episode_gradients(policy, np.tile(theta, (len(chance), 1)), rollout, psi)[:, 0]
        for action in (0, 1):
            there = rollout.actions[0, :, 0] == action
            p, X_there = chance[there] / chance[there].sum(), X[there]
            mean = p @ X_there
            groups.append((0.5 * chance[there].sum(), mean, p @ ((X_there - mean) ** 2).sum(axis=1)))
    p, means, inside = (np.array(column) for column in zip(*groups))
    of_state = np.array([(p[i : i + 2] @ means[i : i + 2]) / p[i : i + 2].sum() for i in (0, 2)])
    start = 0.5 * ((of_state - of_state.mean(axis=0)) ** 2).sum()
    action = p @ ((means - np.repeat(of_state, 2, axis=0)) ** 2).sum(axis=1)
    return [start, action, p @ inside]


@pytest.mark.parametrize("b", [(0.0, 0.0), (9.0, -1.0), (-1.0, 9.0), (1.5, 4.0)])
def test_the_split_of_the_variance_is_that_of_all_histories(split_cells, b):
    np.testing.assert_allclose(split_cells["split_variance"](np.array(b)), split_by_enumeration(b), atol=1e-12)


def test_only_the_action_s_part_moves_and_the_values_make_it_least(split_cells):
    split, value = split_cells["split_variance"], split_cells["value"][:2]
    least = split(value)
    for step in ([1, 0], [-1, 0], [0, 1], [0, -1]):
        start, action, follows = split(value + step)
        assert action > least[1] and [start, follows] == pytest.approx(least[[0, 2]])


def test_the_constant_s_curve_and_what_is_said_of_it(chain_cells):
    stay, exact_variance = chain_cells["stay"], chain_cells["exact_variance"]
    view = constant_baseline(stay, exact_variance)
    said = []
    for b, (sentence, figure) in zip((0.0, 2.0, 10.0), corners(view, b=(0.0, 2.0, 10.0)), strict=True):
        (axes, _), wanted = figure.axes, exact_variance(total_return, constant(b))
        np.testing.assert_array_equal(line(axes, "total return − b"), np.transpose([stay, wanted]))
        np.testing.assert_array_equal(line(axes, "total return")[:, 1], exact_variance(total_return))
        dotted = line(axes, "total return − the best constant for each θ")[:, 1]
        assert dotted[:4] == pytest.approx([exact_variance(total_return, constant((1 + 2 * p) / (1 - p)))[n]
                                            for n, p in enumerate(stay[:4])], rel=1e-6)  # fmt: skip
        said.append(sentence)
    assert "no θ" in said[0] and "every θ shown" in said[1]
    lower = stay[exact_variance(total_return, constant(10.0)) < exact_variance(total_return)]
    assert f"for θ from {lower.min():.2f}, and higher below" in said[2] and stay[0] < lower.min()


def test_over_b_the_variance_is_the_parabola_through_every_constant(chain_cells):
    stay, exact_variance = chain_cells["stay"], chain_cells["exact_variance"]
    middle = len(stay) // 2
    for b, (_, figure) in zip((0.0, 3.3, 10.0), corners(constant_baseline(stay, exact_variance), b=(0.0, 3.3, 10.0))):
        curve, dot = figure.axes[1].lines
        assert dot.get_gid() == "b" and f"θ = {stay[middle]:.2f}" in figure.axes[1].get_title("left")
        np.testing.assert_array_equal(dot.get_xydata(), [[b, exact_variance(total_return, constant(b))[middle]]])
    x, y = curve.get_data()
    for n in range(3, len(x), 14):  # most of them lie between the whole numbers
        assert y[n] == pytest.approx(exact_variance(total_return, constant(x[n]))[middle], rel=1e-9)
    best = (1 + 2 * stay[middle]) / (1 - stay[middle])  # but for the episodes that are cut off after 30 steps
    assert abs(x[y.argmin()] - best) <= x[1] and y.min() == pytest.approx(4 / (1 - stay[middle]) ** 4, rel=1e-3)


def test_the_table_has_a_row_for_each_baseline_and_two_numbers_for_each_estimator():
    cost = lambda estimator, baseline: (-1e-9 if baseline is none else 12.34, 1.0 if estimator is total_return else 2.0)
    head, below, first, second = baseline_table(cost, {"none": none, "mean": batch_mean}).split("\n")
    assert head.split("   ")[-1].strip() == "reward to go" and below.split() == ["bias", "variance"] * 2
    assert first.split() == "none 0.0 % 1.0000 0.0 % 2.0000".split()
    assert second.split() == "mean 12.3 % 1.0000 12.3 % 2.0000".split()


def test_bars_are_the_parts_and_end_where_the_picture_does(split_cells):
    view = variance_by_source(split_cells["split_variance"], split_cells["value"][:2])
    ends = {"b_curious": (-1.0, 9.0), "b_loyal": (-1.0, 9.0)}
    for b, (sentence, figure) in zip([(-1, -1), (-1, 9), (9, -1), (9, 9)], corners(view, **ends), strict=True):
        parts = split_cells["split_variance"](np.array(b))
        left, right = figure.axes
        assert [bar.get_height() for bar in left.patches] == list(b)
        markers = {marker.get_gid(): marker.get_xydata().tolist() for marker in left.lines if marker.get_gid()}
        assert markers == {"b_curious": [[0, b[0]]], "b_loyal": [[1, b[1]]]}
        values = [segment[:, 1].tolist() for segment in left.collections[0].get_segments()]
        assert values == [[value, value] for value in split_cells["value"][:2]]
        assert (left.collections[0].get_colors() == [[0, 0, 0, 1]]).all()
        widths = [bar.get_width() for bar in right.patches[3:]]
        assert [bar.get_width() for bar in right.patches[:3]] == pytest.approx(split_cells["split_variance"](np.zeros(2)))
        assert widths == pytest.approx(np.minimum(parts, 40)) and f"A variance of {parts.sum():.2f}:" in sentence
        words = "{:.2f} from the start state, {:.2f} from the action, {:.2f} from what follows"
        assert words.format(*parts) in sentence
    draw = variance_by_source(lambda b: np.array([1.0, 2.0, 1e9]), np.zeros(2))(figure := Figure())
    assert "1000000003.00" in draw(0.0, 0.0) and figure.axes[1].patches[-1].get_width() == 40


def test_an_expected_estimate_is_an_arrow_to_the_mean_and_two_standard_deviations_around_it():
    rng, axes = np.random.default_rng(0), Figure().subplots()
    mean, root = rng.normal(size=6), rng.normal(size=(6, 6))
    estimate = ExpectedEstimate(axes, "right", "k", 1)
    estimate.show(mean, root @ root.T)
    np.testing.assert_array_equal(line(axes, "right"), [[0, 0], mean[[1, 3]]])
    off = estimate.outline.get_xydata() - mean[[1, 3]]
    inverse = np.linalg.inv((root @ root.T)[np.ix_([1, 3], [1, 3])] / 400)
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", off, inverse, off), 4.0)


def test_the_museum_shows_the_right_one_and_the_exhibit():
    rng = np.random.default_rng(0)
    costs = {}

    def measured(exhibit):
        if exhibit.name not in costs:
            angle = np.nan if exhibit is EXHIBITS[1] else 12.0
            costs[exhibit.name] = Cost(np.ones(6), rng.normal(size=6), np.eye(6), angle), rng.random((41, 10))
        return costs[exhibit.name]

    for exhibit, (sentence, figure) in zip(EXHIBITS[:2], corners(museum(measured), exhibit=EXHIBITS[:2]), strict=True):
        plane, curves = figure.axes
        for label, which, band in zip(("right", "mistaken"), (RIGHT, exhibit), curves.lines):
            cost, J = measured(which)
            np.testing.assert_array_equal(line(plane, label)[1], cost.mean[[1, 3]])
            np.testing.assert_allclose(band.get_ydata(), J.mean(axis=1))
        assert sentence.startswith(exhibit.story) and f"after 40 updates J = {J[-1].mean():.2f} (right: " in sentence
        assert ("has no direction" if exhibit is EXHIBITS[1] else "points 12° away") in sentence

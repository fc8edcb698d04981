"""Notebook 04: its exact variances against series and enumeration, its exact pictures at the ends of their controls."""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from lesson import corners, definitions, line
from matplotlib.figure import Figure

from pgedu import (
    Policy, Table, batch_mean, campaign, constant, enumerate_rollouts, episode_gradients, exact_moments, none, reward_to_go,
    stay_or_stop, total_return,
)  # fmt: skip
from pgedu.lessons.baseline_cloud import cloud_of_a_decision
from pgedu.lessons.baselines_and_variance import baseline_table, constant_baseline, variance_by_source
from pgedu.panels.canvas import Canvas

NOTEBOOK = "04_baselines_and_variance.ipynb"
MONTHS = 4


@pytest.fixture(scope="module")
def chain_cells():
    return definitions(NOTEBOOK, "cell-02", "cell-11", "cell-13")


@pytest.fixture(scope="module")
def split_cells():
    """The split of the variance, in a campaign of four months: few enough histories to go through."""
    return definitions(NOTEBOOK, "cell-02", "cell-15", campaign=lambda: campaign(horizon=MONTHS))


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


def test_four_is_the_best_constant_of_the_table_s_theta_but_for_the_horizon(chain_cells):
    half = np.array([0.0, 0.0])
    variance = lambda b: exact_moments(stay_or_stop(), chain_cells["softmax"], half, partial(total_return, baseline=constant(b)),
                                       horizon=25).variance  # fmt: skip
    assert variance(4.0) < min(variance(3.9), variance(4.1))


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
    split, value = split_cells["split_variance"], split_cells["q"].mean(axis=1)
    least = split(value)
    for step in ([1, 0], [-1, 0], [0, 1], [0, -1]):
        start, action, follows = split(value + step)
        assert action > least[1] and [start, follows] == pytest.approx(least[[0, 2]])


@pytest.fixture(scope="module")
def chain_view(chain_cells):
    return constant_baseline(chain_cells["stay"], chain_cells["exact_variance"])


PSI = {"b": (0.0, 3.3, 10.0), "theta": (0.05, 0.4, 0.7), "psi": (reward_to_go, total_return)}


def test_every_curve_of_the_chain_is_an_exact_variance(chain_cells, chain_view):
    stay, exact_variance = chain_cells["stay"], chain_cells["exact_variance"]
    for (b, theta, psi), (sentence, figure) in zip(itertools.product(*PSI.values()), corners(chain_view, **PSI), strict=True):
        (left, right), wanted, here = figure.axes, exact_variance(psi, constant(b)), np.abs(stay - theta).argmin()
        np.testing.assert_allclose(line(left, "with b"), np.transpose([stay, wanted]), rtol=1e-9)
        for name, estimator in (("total return", total_return), ("reward to go", reward_to_go)):
            np.testing.assert_allclose(line(left, name)[:, 1], exact_variance(estimator))
        at = {each.get_gid(): each.get_xydata()[0] for axes in (left, right) for each in axes.lines if each.get_gid()}
        np.testing.assert_allclose(at["theta"], [stay[here], wanted[here]])
        np.testing.assert_allclose(at["b"], [b, wanted[here]])
        curve, mark, _ = right.lines
        np.testing.assert_allclose(curve.get_xydata()[-1], [b, wanted[here]])
        np.testing.assert_allclose(mark.get_xdata(), theta / (1 - theta))
        assert f"with b = {b:.1f} the variance is {wanted[here]:,.1f};" in sentence


def test_the_uncovered_curve_is_the_variance_for_every_b_on_the_way(chain_cells, chain_view):
    ((_, figure),) = corners(chain_view, b=(10.0,), theta=(0.4,), psi=(reward_to_go,))
    x, y = figure.axes[1].lines[0].get_data()
    for n in range(0, len(x), 7):
        assert y[n] == pytest.approx(chain_cells["exact_variance"](reward_to_go, constant(x[n]))[7], rel=1e-9)


def test_the_best_constant_is_told_only_where_b_has_passed_it(chain_cells, chain_view):
    stay = chain_cells["stay"]
    for b in (0.0, 2.0, 10.0):
        ((_, figure),) = corners(chain_view, b=(b,), theta=(0.4,), psi=(reward_to_go,))
        shown = line(figure.axes[0], "best b for each θ")[:, 0]
        np.testing.assert_array_equal(shown, stay[(1 + stay) / (1 - stay) <= b])


def test_the_dotted_lines_are_the_closed_forms_of_the_text(chain_cells, chain_view):
    """The text: reward-to-go minus (1 + theta)/(1 - theta) leaves 1/(1 - theta)^4; v leaves (1 + theta)/theta times as much."""
    stay, few = chain_cells["stay"], chain_cells["stay"] < 0.5  # where episodes of 30 steps are as good as all
    for psi, least, best in ((reward_to_go, 1, (1 + stay) / (1 - stay)), (total_return, 4, (1 + 2 * stay) / (1 - stay))):
        ((_, figure),) = corners(chain_view, b=(10.0,), theta=(0.4,), psi=(psi,))
        found = line(figure.axes[0], "best b for each θ")[:, 1]
        np.testing.assert_allclose(found[few], (least / (1 - stay) ** 4)[few], rtol=1e-3)
        at_best = [chain_cells["exact_variance"](psi, constant(b))[n] for n, b in enumerate(best)]
        np.testing.assert_allclose(found[few], np.array(at_best)[few], rtol=1e-3)
        minus_v = line(figure.axes[0], "reward to go − v")[:, 1]
        np.testing.assert_allclose(minus_v[few], ((1 + stay) / stay / (1 - stay) ** 4)[few], rtol=1e-3)
    assert ((minus_v > found) == (stay < 1 / 3)).all(), "the total return's best constant wins where theta < 1/3"


def test_the_table_has_a_row_for_each_baseline_and_two_numbers_for_each_estimator():
    cost = lambda estimator, baseline: (-1e-9 if baseline is none else 12.34, 1.0 if estimator is total_return else 2.0)
    head, below, first, second = baseline_table(cost, {"none": none, "mean": batch_mean}).split("\n")
    assert head.split("   ")[-1].strip() == "reward to go" and below.split() == ["bias", "variance"] * 2
    assert first.split() == "none 0.0 % 1.0000 0.0 % 2.0000".split()
    assert second.split() == "mean 12.3 % 1.0000 12.3 % 2.0000".split()


def test_bars_are_the_parts_and_end_where_the_picture_does(split_cells):
    view = variance_by_source(split_cells["split_variance"], split_cells["q"].mean(axis=1))
    ends = {"b_curious": (-1.0, 9.0), "b_loyal": (-1.0, 9.0)}
    for b, (sentence, figure) in zip([(-1, -1), (-1, 9), (9, -1), (9, 9)], corners(view, **ends), strict=True):
        parts = split_cells["split_variance"](np.array(b))
        left, right = figure.axes
        assert [bar.get_height() for bar in left.patches] == list(b)
        markers = {marker.get_gid(): marker.get_xydata().tolist() for marker in left.lines if marker.get_gid()}
        assert markers == {"b_curious": [[0, b[0]]], "b_loyal": [[1, b[1]]]}
        values = [segment[:, 1].tolist() for segment in left.collections[0].get_segments()]
        assert values == [[value, value] for value in split_cells["q"].mean(axis=1)]
        assert (left.collections[0].get_colors() == [[0, 0, 0, 1]]).all()
        widths = [bar.get_width() for bar in right.patches[3:]]
        assert [bar.get_width() for bar in right.patches[:3]] == pytest.approx(split_cells["split_variance"](np.zeros(2)))
        assert widths == pytest.approx(np.minimum(parts, 40)) and f"A variance of {parts.sum():.2f}:" in sentence
        words = "{:.2f} from the start state, {:.2f} from the action, {:.2f} from what follows"
        assert words.format(*parts) in sentence
    draw = variance_by_source(lambda b: np.array([1.0, 2.0, 1e9]), np.zeros(2))(figure := Figure())
    assert "1000000003.00" in draw(0.0, 0.0) and figure.axes[1].patches[-1].get_width() == 40


@pytest.fixture(scope="module")
def decision_cells():
    return definitions(NOTEBOOK, "cell-02", "decision")


def six_estimates(b):
    """Each action with a return one above or one below its mean: the same two moments as any noise of that spread."""
    probabilities = np.full(3, 1 / 3)
    for action, mean in enumerate([4.0, 6.0, 11.0]):
        for noise in (-1, 1):
            yield (mean + noise - b[action]) * (np.eye(3)[action] - probabilities)


@pytest.mark.parametrize("b", [(0.0, 0.0, 0.0), (7.0, 7.0, 7.0), (4.0, 6.0, 11.0), (1.0, 12.0, -3.0)])
def test_moments_of_one_decision_are_those_of_all_its_outcomes(decision_cells, b):
    mean, covariance = decision_cells["moments_of_estimate"](np.array(b))
    every = np.array(list(six_estimates(b)))
    np.testing.assert_allclose(mean, every.mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(covariance, np.cov(every.T, bias=True), atol=1e-12)
    points = np.concatenate([decision_cells["estimates"](np.random.default_rng(n), np.array(b)) for n in range(40)])
    np.testing.assert_allclose(points.mean(axis=0), mean, atol=4 * np.sqrt(np.trace(covariance) / len(points)))
    np.testing.assert_allclose(np.cov(points.T), covariance, atol=0.06 * np.trace(covariance))


def test_the_cloud_slides_off_its_star_as_far_as_b_follows_the_action(decision_cells):
    pi, q = decision_cells["chances"], decision_cells["worth"]
    truth = pi * (q - pi @ q)
    view = cloud_of_a_decision(q, truth, decision_cells["moments_of_estimate"], decision_cells["estimates"])
    canvas = Canvas(view)
    for b, follows in itertools.product((0.0, 7.0, 15.0), (0.0, 0.25, 1.0)):
        sentence = canvas.draw(rng=np.random.default_rng(0), b=b, follows=follows)
        left, right = canvas.figure.axes
        np.testing.assert_allclose(line(right, "what they are on average"), [[0, 0], (1 - follows) * truth[[0, 2]]], atol=1e-12)
        np.testing.assert_array_equal(line(right, "exact gradient"), [truth[[0, 2]]])
        points = decision_cells["estimates"](np.random.default_rng(0), (1 - follows) * b + follows * q)
        np.testing.assert_allclose(line(right, "estimates"), points[:, [0, 2]])
        variance = np.array(list(six_estimates((1 - follows) * b + follows * q))).var(axis=0).sum()
        assert f"is {variance:.1f} (without" in sentence and f"is {1 - follows:.2f} times the gradient." in sentence
        handle = next(each for each in left.lines if each.get_gid() == "b")
        assert handle.get_ydata() == [b]

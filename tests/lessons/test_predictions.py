"""Predictions: each is sound, is asked once, and holds what it says; by exact means where there are any."""

import ast
import importlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from lesson import definitions, from_notebook

import pgedu.lessons
from pgedu import (
    SGD, LearnedValue, Policy, Table, campaign, collect, episode_gradients, exact_gradient, exact_moments, exact_return,
    leave_one_out, none, reinforce, reward_to_go, short_corridor, solve, stay_or_stop, total_return,
)  # fmt: skip
from pgedu.lessons.gradient_bandit import gradient_bandit
from pgedu.lessons.museum import EXHIBITS, exact_cost
from pgedu.lessons.reinforce import expected_estimate
from pgedu.lessons.start_here import J, policy, probability_of_an_offer, twenty_shops, world
from pgedu.panels.views import angle_between

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
LESSONS = Path(pgedu.lessons.__file__).parent
EACH = [  # (name, prediction) of every module of predictions
    (name, value)
    for path in sorted(LESSONS.glob("*predictions.py"))
    for name, value in vars(importlib.import_module(f"pgedu.lessons.{path.stem}")).items()
    if not name.startswith("_")
]
ALL = dict(EACH)
COIN = Policy.softmax(Table(observations=1, outputs=2))
KINDS = Policy.softmax(Table(observations=3, outputs=2))  # of customers


def run_statements(notebook, scope, *ids):
    """Run cells in a scope, loops and all, without their prints and panels."""
    for cell in json.loads((NOTEBOOKS[0].parent / f"{notebook}.ipynb").read_text(encoding="utf-8"))["cells"]:
        if cell["id"] in ids:
            body = [node for node in ast.parse("".join(cell["source"])).body if not isinstance(node, ast.Expr)]
            exec(compile(ast.Module(body, []), cell["id"], "exec"), scope)


def right(name):
    """The option that holds."""
    return ALL[name][2]


def test_no_two_predictions_share_a_name():
    assert len(EACH) == len(ALL) > 100


@pytest.mark.parametrize("name", ALL)
def test_a_prediction_can_be_asked(name):
    question, options, holds, why = ALL[name]
    assert question.endswith(("?", "...")) and holds in options and len(set(options)) == len(options) in (2, 3, 4)
    assert not any(option.endswith(".") or "$" in option for option in options), "the sentence goes on after it"
    assert why.endswith((".", ".)")) and "$" not in question + why, "formulas are not set here"


def test_no_two_questions_are_alike():
    assert len({question for question, *_ in ALL.values()}) == len(ALL)


def test_each_is_asked_once_before_a_panel_in_a_notebook():
    asked = []
    for path in NOTEBOOKS:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        waiting = []
        for cell in (cell for cell in notebook["cells"] if cell["cell_type"] == "code"):
            for node in ast.walk(ast.parse("".join(cell["source"]))):
                called = isinstance(node, ast.Call) and getattr(node.func, "id", "")
                waiting += [node.args[0].value.attr] if called == "predict" else []
                if called in ("explore", "watch"):
                    asked, waiting = asked + waiting, []
        assert waiting == [], f"{path.name} asks after its last panel"
    assert sorted(asked) == sorted(ALL)


def test_00_large_steps_end_at_the_feet():
    shops = twenty_shops(np.random.default_rng(0))
    shops.learning_rate = 3.0
    p = probability_of_an_offer([next(iter(shops)) for _ in range(200)][-1].theta)
    assert ((p < 0.03) | (p > 0.97)).all() and right("large_steps").endswith("feet of the hill")


def test_00_two_rules_apart():
    brought = [
        collect(world, policy, np.log(np.tile([1 - p, p], (300, 1))), episodes=1000, rng=np.random.default_rng(0))
        for p in (0.5, 0.69)
    ]
    low, high = (rollout.rewards.sum(axis=0).mean(axis=-1) for rollout in brought)
    assert 0.5 < (high > low).mean() < 0.7 and J(0.69) - J(0.5) == pytest.approx(0.06, abs=0.01)
    assert right("two_rules_apart") == "About six times in ten"


def test_01_softmax():
    three = Policy.softmax(Table(observations=1, outputs=3))
    at = lambda *H: three.probabilities(np.array(H, dtype=float), np.array([0]))[0]
    assert at(1, 0, 0.7)[0] / at(1, 0, 0.7)[1] == pytest.approx(2.72, abs=0.005) and "2.72" in right("one_more")
    np.testing.assert_allclose(at(1, 0, -1), at(3, 2, 1))
    assert right("the_same_for_all") == "Nothing"


def test_01_all_rewards_negative():
    def ends(offset):
        settings = {"runs": 200, "learning_rate": 0.1, "baseline": False, "offset": offset, "updates": 200}
        *_, last = gradient_bandit(np.array([1.0, 0, -1]), rng=np.random.default_rng(0), **settings)
        return [(last.probabilities[:, arm] > 0.9).mean() for arm in range(3)]

    best, *wrong = ends(-10.0)
    assert best + sum(wrong) > 0.85 and min(wrong) > 0.1 and 0.4 < sum(wrong) / (best + sum(wrong)) < 0.6
    assert ends(0.0)[0] > 0.95 and right("all_negative") == "Settled, about half of them on a wrong arm"


def test_01_learners_with_ten_times_the_rate():
    arms = np.random.default_rng(7).normal(size=(200, 10))
    shares = {}
    for rate in (0.1, 1.0):
        settings = {"learning_rate": rate, "offset": 4.0, "updates": 1000}
        *_, last = gradient_bandit(arms, rng=np.random.default_rng(0), **settings)
        shares[rate] = last.probabilities[np.arange(200), arms.argmax(axis=-1)].mean()
    assert 0.4 < shares[1.0] < 0.6 < 0.8 < shares[0.1] and right("ten_times_faster") == "Fewer than before"


def test_01_the_larger_rate_is_overtaken():
    values, settings = np.random.default_rng(25).normal(4, 1, size=(2000, 10)), {"including": True, "updates": 250}
    rates = {"runs": (2, 2000), "learning_rate": [[0.1], [0.4]], "baseline": True}
    learners = gradient_bandit(values, rng=np.random.default_rng(0), **rates, **settings)
    best = values.argmax(axis=-1)
    slow, fast = np.array([(pull.actions == best).mean(axis=-1) for pull in learners]).T
    assert (slow[20:150] < fast[20:150]).all() and (slow[230:] > fast[230:]).all()
    assert right("larger_rate") == "After about 200 steps"


def test_02_arrows():
    (estimates,) = from_notebook("02_policy_gradient_theorem", "estimates", corridor=short_corridor(), coin=COIN)

    def many(h, n):
        return np.concatenate([estimates(h, n, np.random.default_rng(seed)) for seed in range(60)])
    assert abs((many(np.log((2 - 2**0.5) / (2**0.5 - 1)), 20) > 0).mean() - 0.5) < 0.08  # where the slope is 0
    assert (many(-2.0, 20) < 0).mean() < 0.1 and right("wrong_way") == "Near the top"
    assert many(0.0, 50).std() / many(0.0, 5).std() == pytest.approx(10**-0.5, rel=0.15)  # "to a third"


def test_02_steps_until_the_slope():
    """By hand: the chance of each room after k steps, and x = (1 - p, -(1 + p), 3 - p) from the values in closed form."""
    p = 1 / (1 + np.exp(1.0))
    onward = np.array([[1 - p, p, 0], [p, 0, 1 - p], [0, 1 - p, 0]])
    chance, x, sums = np.array([1.0, 0, 0]), np.array([1 - p, -1 - p, 3 - p]), [0.0]
    for _ in range(200):
        sums.append(sums[-1] + chance @ x)
        chance = chance @ onward
    share = np.array(sums[1:]) / sums[-1]
    assert round((2 * p - 4) / (p * (1 - p))) == -18 and 0.68 < share[18] < 0.74 and share[3] < 0.25
    assert np.flatnonzero(share < 0.95)[-1] == 42 and right("steps_until_the_slope") == "More than 40"


def test_02_bars():
    months = replace(campaign(), horizon=None)

    def slope(curious, loyal):
        return exact_gradient(months, KINDS, np.array([0.0, curious, 0, loyal, 0, 0]))[1]
    assert slope(0, -4) > 1.2 * slope(0, 0) > 0 and right("rare_offers_to_the_loyal") == "It becomes larger"
    assert 0 < slope(4, 0) < 0.2 * slope(0, 0) and right("almost_decided") == "Nearly nothing"
    wait, offer = (solve(months, KINDS, np.array([0.0, 0, 0, loyal, 0, 0])).action_values[0] for loyal in (0, -4))
    assert offer[1] - wait[1] > offer[0] - wait[0] > 0  # the dark bar grows by more than the light one


def test_03_reward_to_go_leaves_the_centre_and_narrows_the_cloud():
    short = campaign(horizon=4)
    full, to_go = (exact_moments(short, KINDS, np.zeros(6), psi, horizon=4) for psi in (total_return, reward_to_go))
    np.testing.assert_allclose(full.mean, to_go.mean, atol=1e-12)
    assert to_go.variance < full.variance and "centre stays" in right("only_what_came_after")


def test_03_without_the_power_the_arrow_turns_and_is_no_multiple():
    exact = exact_gradient(campaign(), KINDS, np.zeros(6))
    without = expected_estimate(campaign(), KINDS, np.zeros(6), gamma_power=False)
    assert angle_between(exact, without) == pytest.approx(12, abs=0.5) and "elsewhere" in right("without_gamma_power")


def test_03_a_variance_is_hard_to_measure():
    stays = np.random.default_rng(0).geometric(0.3, size=(100, 10_000)) - 1  # of the chain, where it stays with 0.7
    found = (stays * (stays + 1) / 1.4)[:, :1000].var(axis=-1, ddof=1), (stays * (stays + 1) / 1.4).var(axis=-1, ddof=1)
    few, many = (each.std() / each.mean() for each in found)
    assert few > 0.2 and 1.7 * many > 0.1 and right("dots_on_the_lines") == "More than 10,000"


def test_03_a_hundred_times_the_rate_throws_them_off_and_ten_times_does_not():
    corridor, unlucky = short_corridor(), np.tile([0.0, -2.0], (50, 1))
    settings = {"runs": 50, "episodes": 4, "theta": unlucky, "max_steps": 300, "updates": 300}
    ends = {}
    for rate in (0.01, 0.1):
        *_, last = reinforce(corridor, COIN, optimizer=SGD(rate), rng=np.random.default_rng(0), **settings)
        ends[rate] = exact_return(corridor, COIN, last.theta)
    assert (ends[0.1] < -60).mean() > 0.95 and "fall off" in right("a_hundred_times")
    assert (ends[0.01] > -60).all() and ends[0.01].mean() == pytest.approx(-12.6, abs=0.4)


def test_04_b_follows_the_action():
    pi, q = np.full(3, 1 / 3), np.array([4.0, 6.0, 11.0])
    (moments,) = from_notebook("04_baselines_and_variance", "moments_of_estimate", chances=pi, worth=q, three_scores=np.eye(3) - pi)
    mean, covariance = moments(q)
    assert np.abs(mean).max() < 1e-12 and np.abs(pi * (q - pi @ q)).max() > 1
    least = min(np.trace(moments(np.full(3, b))[1]) for b in np.linspace(0, 15, 151))
    assert np.trace(covariance) < 0.5 * least and right("follows_the_action") == "It shrinks, and slides off the star"


def test_04_where_the_variance_is_least():
    """On the chain, from the number k of times that it stays: a step with k - t stays to come has the return k - t."""
    k, stay, v = np.arange(400), 0.4, 0.4 / 0.6
    chance = stay**k * (1 - stay)

    def variance(b):
        estimate = (k * (k + 1) / 2 - k * b) / stay + b / (1 - stay)
        return chance @ estimate**2 - (chance @ estimate) ** 2
    grid = np.linspace(0, 10, 1001)
    least = grid[np.argmin([variance(b) for b in grid])]
    assert least == pytest.approx(2.33, abs=0.01) and "2.3" in ALL["where_least"][3] and least > 3 * v
    assert right("where_least") == "For a b that is far larger than v" and f"v = {v:.2f}" in ALL["where_least"][0]


def test_04_only_the_part_of_the_action_moves():
    scope = definitions("04_baselines_and_variance.ipynb", "cell-02")
    run_statements("04_baselines_and_variance", scope, "cell-15")
    before, after = scope["split_variance"](np.zeros(2)), scope["split_variance"](np.array([5.0, -1.0]))
    assert before[[0, 2]] == pytest.approx(after[[0, 2]]) and before[1] != pytest.approx(after[1])
    assert right("what_a_baseline_reaches") == "Only that of the action"


def test_04_an_income_for_all():
    """Of 200 learners each, how many decide rightly in both states after 50 and 300 updates, with the income and without."""
    shares = {}
    for income in (0.0, 1.0):
        world = replace(campaign(), rewards=campaign().rewards + income, terminal=[False] * 3)
        learned = LearnedValue(Table(3, 1), SGD(0.2))
        for name, baseline in (("none", none), ("leave one out", leave_one_out), ("learned value", learned)):
            settings = {"runs": 200, "episodes": 10, "baseline": baseline, "updates": 300, "optimizer": SGD(0.3)}
            thetas = [each.theta for each in reinforce(world, KINDS, rng=np.random.default_rng(0), **settings)]
            for updates in (50, 300):
                curious, loyal = (thetas[updates - 1][:, [1, 3]] - thetas[updates - 1][:, [0, 2]]).T
                shares[name, income, updates] = ((curious > 0) & (loyal < 0)).mean()
    lost = {(name, updates): shares[name, 0.0, updates] - shares[name, 1.0, updates] for name, _, updates in shares}
    assert lost["leave one out", 50] == lost["leave one out", 300] == 0
    assert lost["learned value", 50] > 0.2 > 0.1 > lost["learned value", 300]
    assert lost["none", 50] > 0.3 and lost["none", 300] > 0.3  # "about four in ten": in a wrong corner
    assert 0.3 < 1 - shares["none", 1.0, 300] < 0.5 and right("income_for_all").startswith("Those without a baseline, and")


def test_04_museum():
    shop = replace(campaign(gamma=0.6, horizon=4), rewards=[[0, -1], [5, 4], [0, 0]])
    cost = {exhibit.name: exact_cost(exhibit, shop, KINDS, np.zeros(6)) for exhibit in EXHIBITS}
    free = [name for name, each in cost.items() if np.linalg.norm(each.bias) < 1e-9]
    assert free == ["full return"] and "full return" in right("costs_no_bias")
    assert cost["returns standardised per episode"].angle > 90 > cost["γᵗ doubled"].angle
    assert cost["rewards shifted by one"].angle < 90 and "standardised" in right("learns_the_opposite")

"""Notebook 10: its two panels on the coin's logs show what is exact, its predictions hold, its prose says what is so."""

import json
from pathlib import Path

import numpy as np
import pytest
from lesson import corners, line

from pgedu import campaign, enumerate_rollouts, exact_return, off_policy_moments, per_decision_importance, trajectory_importance
from pgedu.lessons import banners, coin_log, off_policy_predictions, real_log
from pgedu.lessons.coin_log import COIN, policy, target
from pgedu.lessons.deployment import promised_and_earned, values
from pgedu.lessons.off_policy_evaluation import DRIFTS, HORIZONS, drift, month_by_month, value, variances
from pgedu.lessons.off_policy_museum import MISTAKES, estimate
from pgedu.panels.canvas import Canvas

NAME = "10_off_policy_evaluation"
SEED = int(np.random.default_rng(0).integers(2**31))  # of the logs that a panel shows first


def right(name):
    """The option that holds."""
    return getattr(off_policy_predictions, name)[2]


def test_variances_of_the_months():
    for name, kind in (("IS", "trajectory"), ("PDIS", "robust")):
        for x, months in ((0.5, 1), (2.0, 2), (2.0, 12)):
            wanted = getattr(off_policy_moments(campaign(), policy, target(x), COIN, horizon=months), kind)
            assert variances(name)[months - 1, np.flatnonzero(x == DRIFTS)[0]] == pytest.approx(float(wanted))
    log, chances = enumerate_rollouts(campaign(), policy, target(1.0), horizon=3)
    returns = trajectory_importance(log, (policy, target(1.0)))[:, 0]
    own = chances @ (returns - chances @ returns) ** 2
    assert variances("on-policy")[2, 10] == pytest.approx(own) and HORIZONS[2] == 3 and DRIFTS[10] == 1


def test_drift_draws_what_is_exact():
    canvas = Canvas(drift, (9.6, 5.2))
    sentence = canvas.draw(x=2.0, months=12, cap=1e4, rng=np.random.default_rng(0))
    columns = canvas.figure.axes[1]
    exact, sampled = coin_log.exact(2.0, 12), coin_log.sampled(SEED, 2.0, 12)
    dots = [line for line in columns.lines if line.get_marker() == "."]
    for line, name in zip(dots, ("IS", "PDIS", "WIS", "DR")):
        inside = sampled[name][np.abs(sampled[name] - 2) <= 5]
        assert line.get_ydata() == pytest.approx(inside)
    means = [line.get_ydata()[0] for line in columns.lines if line.get_marker() == "_"]
    assert means == pytest.approx([exact[name][0] for name in ("IS", "PDIS", "WIS", "DR")])
    assert "1,000 customers are worth 35." in sentence and "The truth is 1.87" in sentence and "1.53 with IS" in sentence
    assert value(2.0, 12) == pytest.approx(float(exact_return(campaign(), policy, target(2.0))))


@pytest.mark.parametrize(("x", "months"), [(2.0, 2), (0.5, 12)])
def test_month_by_month_draws_from_the_months_on(x, months):
    canvas = Canvas(month_by_month)
    sentence = canvas.draw(x=x, months=months)
    left, right = canvas.figure.axes
    column = np.flatnonzero(x == DRIFTS)[0]
    for name in ("IS", "PDIS", "DR", "on-policy"):
        found = line(left, name)
        assert found[:, 0] == pytest.approx(HORIZONS[months - 1 :]) and found[:, 1] == pytest.approx(variances(name)[months - 1 :, column])
    ratio = next(each for each in right.lines if each.get_marker() == ".").get_xydata()
    assert ratio[:, 0] == pytest.approx(HORIZONS[months - 1 :])
    assert ratio[0, 1] == pytest.approx((variances("PDIS") / variances("IS"))[months - 1, column])
    assert f"That of PDIS is {ratio[0, 1]:.2f} times" in sentence


def test_the_hint_goes_with_the_first_drag():
    canvas = Canvas(month_by_month)
    hint = next(each for each in canvas.figure.axes[0].texts if "drag" in each.get_text())
    for months, shown in ((12, True), (11, False), (2, False), (24, True)):
        canvas.draw(x=2.0, months=months)
        assert hint.get_visible() == shown


def test_no_weight_is_drawn_beyond_the_cap():
    canvas = Canvas(drift, (9.6, 5.2))
    for cap in (1.0, 10.0):
        canvas.draw(x=2.0, months=12, cap=cap, rng=np.random.default_rng(0))
        for bar in canvas.figure.axes[0].patches:
            values, edges, _ = bar.get_data()
            assert values.sum() == pytest.approx(1) and not values[edges[:-1] > 0.99 * cap].any()


def test_pictures_at_both_ends():
    sentences = [sentence for sentence, _ in corners(month_by_month, x=(0.0, 3.0), months=(2, 24))]
    assert len(set(sentences)) == 4
    canvas = Canvas(drift, (9.6, 5.2))
    for x in (0.0, 3.0):
        for months in (1, 24):
            for cap in (1.0, 1e4):
                sentence = canvas.draw(x=x, months=months, cap=cap, rng=np.random.default_rng(0))
                assert sentence.endswith(".") and "nan" not in sentence and "inf" not in sentence
    assert "worth less than 1" in sentence


def test_worth_of_a_log_and_where_most_estimates_lie():
    assert round(float(coin_log.effective(2.0, 12))) == 35 and right("worth_of_a_log") == "About 35"
    assert 1 / (1 + np.exp(-2)) == pytest.approx(0.88, abs=0.005)
    for seed in (SEED, 1, 2):
        assert (coin_log.sampled(seed, 2.0, 12)["IS"] < value(2.0, 12)).mean() > 0.57
    assert right("most_estimates") == "Below the truth"


def test_two_months():
    log, chances = enumerate_rollouts(campaign(), policy, COIN, horizon=2)
    found = []
    for estimator in (trajectory_importance, per_decision_importance):
        x = estimator(log, (policy, target(2.0)))[:, 0]
        found.append(chances @ (x - chances @ x) ** 2)
    assert found == pytest.approx([3.46, 3.67], abs=0.005) and right("two_months") == "That of PDIS"
    assert found[1] / found[0] == pytest.approx(1.06, abs=0.005)


def test_ten_for_all_and_never_shown():
    sound = banners.Log(banners.LOGGER, banners.LOGGER, 0.0)
    sds = [{name: banners.estimates(sound._replace(lift=lift), banners.PAYS, 100)[name][1] for name in ("IPS", "SNIPS")} for lift in (0, 10)]
    assert [each["IPS"] for each in sds] == pytest.approx([0.166, 2.139], abs=5e-4) and sds[1]["SNIPS"] == pytest.approx(sds[0]["SNIPS"])
    assert (sds[1]["IPS"] / sds[0]["IPS"]) ** 2 == pytest.approx(167, abs=0.5)
    assert right("ten_for_all") == "Only that by IPS"
    missing = sound._replace(logger=banners.logger(0.0), recorded=np.array([2 / 3, 1 / 3, 1]))
    (_, before), (mean, after) = banners.weighed(sound), banners.weighed(missing)
    assert (round(100 * before), round(100 * after)) == (20, 67) and mean == pytest.approx(0.30)
    assert right("never_shown") == "It rises"


def test_few_rows():
    """Means and spreads from 10 rows, and the total errors .524, .331 and .290."""
    sound = banners.Log(banners.LOGGER, banners.LOGGER, 0.0)
    for cap, name, wanted in ((np.inf, "IPS", (0.49, 0.52, 0.524)), (3.0, "IPS", (0.25, 0.23, 0.331)), (np.inf, "DM", (0.2, 0, 0.29))):
        mean, sd = banners.estimates(sound, banners.MODELS["0.2 for each"], 10, cap)[name]
        assert (mean, sd) == pytest.approx(wanted[:2], abs=0.006) and np.hypot(mean - 0.49, sd) == pytest.approx(wanted[2], abs=5e-4)


def test_one_click_and_men():
    assert 100 * real_log.inverse_propensity("all", 1)[0] == pytest.approx(0.26, abs=0.001) and right("one_click") == "About 0.26 %"
    assert 100 * real_log.inverse_propensity("men")[0] == pytest.approx(0.45, abs=0.005)
    assert right("men") == "About 0.45 %, no better than random"
    clicks = [getattr(real_log.asked("women"), each) for each in ("own", "other")]
    assert 100 * real_log.inverse_propensity("women")[0] == pytest.approx(0.68, abs=0.005) and clicks == [(46, 10_000)] * 2


def test_best_of_25():
    for seed in (SEED, 5):
        promised, earned = promised_and_earned(seed, 25, 0.0)
        assert 40 <= (earned < values()[0] - 1e-9).sum() <= 60
    promised, earned = promised_and_earned(SEED, 25, 0.0)
    assert (promised.mean(), earned.mean()) == pytest.approx((2.85, 1.59), abs=0.006) and right("best_of_25") == "About 50"


def test_fresh():
    found = [estimate(MISTAKES[0].weights, share)[0] for share in (0.02, 1 / 3, 0.98)]
    assert found[1] < found[0] < found[2] and right("fresh") == "Only how decided it is"


def test_numbers_in_prose():
    """At x = 2: seven in ten intervals hold the truth, none almost with a cap of 10; two years, and x = 3."""
    assert coin_log.covered(SEED, 2.0, 12, np.inf, value(2.0, 12)) == pytest.approx(0.72, abs=0.01)
    assert coin_log.covered(SEED, 2.0, 12, 10.0, value(2.0, 12)) == pytest.approx(0.02, abs=0.005)
    assert coin_log.exact(2.0, 12, 10.0)["IS"][1] == pytest.approx(0.23, abs=0.005)
    assert coin_log.exact(3.0, 24)["IS"][1] == pytest.approx(48, abs=0.5)
    for seed in (SEED, 1, 2):
        assert (coin_log.sampled(seed, 3.0, 24)["IS"] < 4).mean() >= 0.9
    assert float(coin_log.effective(2.0, 24)) == pytest.approx(2, abs=0.05)
    assert float(coin_log.effective(2.0, 12, 10.0)) == pytest.approx(253, abs=0.5)
    w = coin_log.weights(2.0, 12)
    assert w.max() == pytest.approx(893, abs=0.5)
    p = 1 / (1 + np.exp(-2))
    assert 2 * (p**2 + (1 - p) ** 2) == pytest.approx(1.58, abs=0.005)


def test_what_the_cells_print_is_what_the_prose_says():
    cells = json.loads((Path(__file__).parents[2] / "notebooks" / f"{NAME}.ipynb").read_text(encoding="utf-8"))["cells"]
    printed = {cell["id"]: "".join("".join(each.get("text", "")) for each in cell.get("outputs", [])) for cell in cells}
    assert "IS 0.60 ± 0.38" in printed["by-hand"] and "largest 17, effective sample size 238" in printed["by-hand"]

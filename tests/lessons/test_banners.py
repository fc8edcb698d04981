"""Three banners: exact means and deviations against known numbers and against all rows there are."""

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons.banners import LOGGER, MODELS, PAYS, RECORDS, TARGET, Log, banners, estimates, logger, weighed
from pgedu.panels.canvas import Canvas

SOUND = Log(LOGGER, LOGGER, 0.0)
ONE_THIRD = Log(LOGGER, np.full(3, 1 / 3), 0.0)
NO_THIRD = Log(logger(0.0), np.where(logger(0.0) > 0, logger(0.0), 1.0), 0.0)


def test_the_loggers_shares():
    assert logger(0.1) == pytest.approx(LOGGER) and logger(0.0) == pytest.approx([2 / 3, 1 / 3, 0])
    assert TARGET @ PAYS == pytest.approx(0.49) and LOGGER @ PAYS == pytest.approx(0.21)


@pytest.mark.parametrize(("name", "model", "variance"), [
    ("IPS", "exact", 2.7416), ("DR", "0.2 for each", 1.9069), ("DR", "0.1, 0.3, 0.4", 1.3819), ("DR", "exact", 1.2055),
])  # fmt: skip
def test_variances(name, model, variance):
    mean, sd = estimates(SOUND, MODELS[model], 50)[name]
    assert mean == pytest.approx(0.49) and 50 * sd**2 == pytest.approx(variance, abs=5e-5)


def test_snips_is_biased_towards_the_logger_and_has_its_limit():
    for rows, bias in ((1, -0.280), (2, -0.222), (3, -0.185)):
        assert estimates(SOUND, PAYS, rows)["SNIPS"][0] - 0.49 == pytest.approx(bias, abs=5e-4)
    mean, sd = estimates(SOUND, PAYS, 100_000)["SNIPS"]
    assert mean == pytest.approx(0.49, abs=1e-5) and 100_000 * sd**2 == pytest.approx(1.2721, rel=1e-3)


def test_ten_for_everybody():
    lifted = estimates(SOUND._replace(lift=10.0), PAYS, 100)
    assert 100 * lifted["IPS"][1] ** 2 == pytest.approx(457.6, abs=0.05)
    plain = estimates(SOUND, PAYS, 100)
    assert lifted["SNIPS"] == pytest.approx((plain["SNIPS"][0] + 10, plain["SNIPS"][1]), rel=1e-8)
    assert lifted["DR"] == pytest.approx((plain["DR"][0] + 10, plain["DR"][1]), rel=1e-9)


def test_wrong_propensities():
    assert estimates(ONE_THIRD, PAYS, 100)["IPS"][0] == pytest.approx(0.198)
    assert estimates(ONE_THIRD, PAYS, 100)["DR"][0] == pytest.approx(0.49)
    assert estimates(ONE_THIRD, MODELS["0.1, 0.3, 0.4"], 100)["DR"][0] == pytest.approx(0.392)
    w = TARGET * 3
    assert estimates(ONE_THIRD, np.full(3, 0.2), 100)["DR"][0] == pytest.approx(0.2 + (LOGGER * w) @ (PAYS - 0.2))
    assert weighed(ONE_THIRD)[0] == pytest.approx(LOGGER @ w)


def test_no_support():
    found = estimates(NO_THIRD, PAYS, 100_000)
    assert found["IPS"][0] == pytest.approx(0.07) and found["SNIPS"][0] == pytest.approx(0.233, abs=5e-4)
    assert found["DM"][0] == found["DR"][0] == pytest.approx(0.49)
    mean, share = weighed(NO_THIRD)
    assert mean == pytest.approx(0.30) and share == pytest.approx(0.3**2 / (0.1**2 * 1.5 + 0.2**2 * 3))


def rmse(found):
    return np.hypot(found[0] - 0.49, found[1])


def test_caps_and_bias_where_rows_are_few():
    few, many = ((estimates(SOUND, MODELS["0.2 for each"], n), estimates(SOUND, MODELS["0.2 for each"], n, cap=3)) for n in (10, 1000))
    assert estimates(SOUND, PAYS, 10, cap=2)["IPS"][0] - 0.49 == pytest.approx(-0.3)
    assert [rmse(few[0]["IPS"]), rmse(few[1]["IPS"]), rmse(few[0]["DM"])] == pytest.approx([0.524, 0.331, 0.290], abs=1e-3)
    assert rmse(many[0]["IPS"]) < rmse(many[1]["IPS"]) < rmse(many[0]["DM"])


def test_the_picture_says_what_is_exact():
    ends = {"third": (0.0, 0.6), "rows": (10, 10_000), "cap": (1.0, 10.0), "lift": (0.0, 10.0), "recorded": list(RECORDS),
            "model": list(MODELS)}  # fmt: skip
    sentences = [sentence for sentence, _ in corners(banners, **ends)]
    assert len(set(sentences)) > 40


def test_the_picture_draws_what_it_says():
    canvas = Canvas(banners, (9.6, 4.0))
    canvas.draw(third=0.1, rows=100, cap=10.0, lift=2.0, recorded="as they were", model="0.2 for each")
    found = estimates(SOUND._replace(lift=2.0), MODELS["0.2 for each"], 100)
    lines = canvas.figure.axes[1].lines
    means = [line.get_ydata()[0] for line in lines if line.get_marker() == "o"]
    assert means == pytest.approx([mean - 2 for mean, _ in found.values()])
    arms = [line.get_ydata() for line in lines if line.get_linewidth() == 4]
    assert [max(arm) - min(arm) for arm in arms] == pytest.approx([2 * sd for _, sd in found.values()])

"""The pilot's pictures: what they show is what was computed, at every corner of their controls."""

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons import campaign_pilot
from pgedu.lessons.campaign_pilot import BOUNDS, FLOORS, METHODS, alarm_rate, by_floor, days_of_test, floors, outcome, pilot
from pgedu.lessons.experiment_arithmetic import NORMAL, alarm_rates, arm_size, obrien_fleming
from pgedu.lessons.pilot_runs import RUNS, counted_pilots
from pgedu.panels.canvas import Canvas
from pgedu.panels.look import COLORS

PILOT = {"method": "Thompson", "traffic": 4000.0, "points": 0.2, "looks": 1, "bounds": "1.96 each time", "weeks": 8}


def test_the_numbers_that_are_known():
    """Conversions lost and the chance that the better arm is ahead; from pilots whose customers were counted."""
    known = {"fixed": (224, 0.9995), "test and roll": (72, 0.957), "Thompson": (50, 0.9965), "Thompson, floor 10 %": (73, 0.999)}
    for name, (lost, right) in known.items():
        found = outcome(name, 4000, 0.002, 56)
        assert found == (pytest.approx(lost, abs=2), pytest.approx(right, abs=0.003))


def test_a_fixed_split_in_closed_form():
    lost, right = outcome("fixed", 1000, 0.004, 28)
    shift = 0.004 / np.sqrt(2 * 0.022 * 0.978 / 14_000)  # the mean of both rates, for both arms
    assert lost == 56 and right == pytest.approx(NORMAL.cdf(shift), rel=1e-12)


def test_test_and_roll_before_it_has_rolled():
    assert outcome("test and roll", 4000, 0.002, 7)[0] == pytest.approx(28)
    assert outcome("test and roll", 4000, 0.002, 14)[0] == pytest.approx(32 + 48 * NORMAL.cdf(-0.8823 * np.sqrt(2)), rel=1e-3)


def test_alarm_rates():
    assert alarm_rate("fixed", "1.96 each time", 5, 56) == alarm_rates(np.full(5, NORMAL.inv_cdf(0.975)))[-1]
    assert alarm_rate("fixed", "O'Brien-Fleming", 5, 56) == pytest.approx(0.05)
    thompson = {name: alarm_rate("Thompson", name, 5, 56) for name in BOUNDS}
    assert thompson["1.96 each time"] > 0.19 and 0.09 < thompson["O'Brien-Fleming"] < 0.13  # bounds for looks do not mend it
    assert BOUNDS["O'Brien-Fleming"](5).tolist() == obrien_fleming(5).tolist()


def test_how_long_a_fixed_test_takes():
    assert days_of_test(4000, 0.002) == pytest.approx(40.34, abs=0.01) == 2 * arm_size(0.02, 0.022) / 4000


def test_the_pilot_at_the_ends_of_its_controls():
    ends = {"method": METHODS, "traffic": (500.0, 20_000.0), "points": (0.05, 1.0), "looks": (1, 10), "bounds": BOUNDS, "weeks": (2, 8)}
    for sentence, _ in corners(pilot, **ends):
        assert "conversions lost" in sentence and "-" not in sentence.split(":")[1].split("and with")[0]


def bars_of(figure):
    """{column: [(width, words)] by method}."""
    return [[(bar.get_width(), text.get_text()) for bar, text in zip(axes.patches, axes.texts)] for axes in figure.axes[1:]]


def test_no_bar_tells_what_was_not_chosen():
    canvas = Canvas(pilot, (9.6, 4.2))
    canvas.draw(**PILOT | {"method": "fixed"})
    for column in bars_of(canvas.figure):
        assert [text == "?" and not width for width, text in column] == [False, True, True, True, True]
    sentence = canvas.draw(**PILOT)
    lost, right, alarm = (column[2] for column in bars_of(canvas.figure))
    assert (lost[1], right[1], alarm[1]) == ("51", "99.6", "12.3") and "51 conversions" in sentence and "12.3 %" in sentence
    assert 1.7 * 224 * lost[0] == pytest.approx(outcome("Thompson", 4000, 0.002, 56)[0])
    assert bars_of(canvas.figure)[0][0][1] == "224" and bars_of(canvas.figure)[0][1][1] == "?"


def test_a_certain_decision_is_not_rounded_to_certainty():
    assert "in 100.0 %" not in Canvas(pilot).draw(**PILOT | {"method": "fixed"})


def test_the_sentence_says_whether_it_fits():
    canvas = Canvas(pilot)
    assert "41 days: it fits into 56" in canvas.draw(**PILOT)
    assert "41 days: it does not fit into 35" in canvas.draw(**PILOT | {"weeks": 5})


def test_a_bias_of_nothing_is_not_said_to_be_high_or_low():
    canvas = Canvas(floors, (9.6, 3.6))
    assert "own mean is right; IPS is right on average, and in one pilot off by ± 2.2 %" in canvas.draw(floor=0.5)
    assert "own mean is 3.9 % too low; IPS has no use" in canvas.draw(floor=0.0)


def test_floors_against_counted_pilots():
    lost, alarm, bias, weighted, spread = by_floor()
    place = int(np.flatnonzero(FLOORS == 0.1)[0])
    shares, n, won = counted_pilots(0.1, (0.02, 0.022), np.random.default_rng(2))
    assert lost[place] == pytest.approx(8 * (1 - shares).sum(axis=0).mean(), rel=0.04)
    assert bias[place] == pytest.approx(100 * ((won[0] / n[0]).mean() / 0.02 - 1), abs=0.3)
    assert abs(weighted[place]) < 4 * spread[place] / np.sqrt(RUNS)
    assert lost[-1] == pytest.approx(224) and spread[-1] == pytest.approx(100 * np.sqrt(2 * 0.021 * 0.979 / 224_000) / 0.02, rel=0.05)
    assert alarm[0] > 2 * alarm[place] > 10


def test_floors_at_the_ends():
    for sentence, figure in corners_with_gaps(floor=FLOORS):
        assert "conversions are lost" in sentence
        assert figure.axes[0].lines[-1].get_gid() == "floor"


def corners_with_gaps(**ends):
    """As `corners`, but what IPS cannot say is not drawn."""
    canvas = Canvas(floors, (9.6, 3.6))
    for floor in ends["floor"]:
        sentence = canvas.draw(floor=float(floor))
        assert canvas.png().startswith(b"\x89PNG") and "nan" not in sentence
        (ips,) = [line for line in canvas.figure.axes[2].lines if line.get_label() == "IPS"]
        assert np.isfinite(ips.get_ydata()).all() == (floor >= 0.025)
        yield sentence, canvas.figure


def test_each_method_has_a_colour_of_its_own():
    assert len({COLORS[name] for name in METHODS}) == len(METHODS) == len(campaign_pilot.SHORT)

"""The predictions of notebook 14 hold, and so do the numbers in their sentences."""

import numpy as np
import pytest

from pgedu.lessons import pilot_predictions as predictions
from pgedu.lessons.campaign_pilot import FLOORS, alarm_rate, by_floor, outcome
from pgedu.lessons.experiment_arithmetic import alarm_rates, roll_size
from pgedu.lessons.guardrail import ascent, best_price, chances, contacts, used_by
from pgedu.lessons.pilot_museum import MISTAKES, chance_of_alarm
from pgedu.lessons.roll_out import NOISE, STAGES, pooled


def right(name):
    """(the option that holds, why)"""
    return getattr(predictions, name)[2:]


def test_thompson_alarms():
    rates = [100 * alarm_rate(name, "1.96 each time", 1, 56) for name in ("Thompson", "fixed")]
    holds, why = right("thompson_alarms")
    assert holds == "In more than twice as many" and rates[0] > 2 * rates[1] and all(f"{rate:.1f}" in why for rate in rates) and rates[0] == pytest.approx(12.3, abs=0.05)


def test_ten_looks():
    rate = 100 * alarm_rates(np.full(10, 1.959964))[-1]
    assert rate == pytest.approx(19.3, abs=0.05) and "19.3" in right("ten_looks")[1] and right("ten_looks")[0] == "In about 19 %"
    assert 100 * (1 - 0.95**10) == pytest.approx(40, abs=0.2)


def test_price_of_a_floor():
    lost, alarm, *_ = by_floor()
    place = int(np.flatnonzero(FLOORS == 0.1)[0])
    saved, given_up = 224 - lost[0], lost[place] - lost[0]
    assert round(saved) == 173 and round(given_up) == 22
    assert [round(each) for each in lost[[place, 0]]] == [74, 51] and [f"{each:.1f}" for each in alarm[[place, 0]]] == ["6.0", "12.3"]
    assert alarm[0] == pytest.approx(100 * alarm_rate("Thompson", "1.96 each time", 1, 56))  # one number in both panels
    assert lost[0] == pytest.approx(outcome("Thompson", 4000, 0.002, 56)[0], abs=0.1)
    more = int(np.flatnonzero(FLOORS == 0.2)[0])
    assert round(lost[more]) == 107 and lost[more] - lost[place] > given_up and f"{alarm[more]:.1f}" == "5.1" and alarm[more] > 5
    holds, why = right("price_of_a_floor")
    assert holds == "More conversions lost, and hardly fewer alarms" and all(each in why for each in ("107", "74", "5.1", "6.0"))


def test_who_is_dropped():
    price = best_price(0.2)
    assert contacts(0, 0.2) == pytest.approx(0.68, abs=0.005) and chances(price, 0.2) == pytest.approx([1, 0.82, 0.27, 0.01], abs=0.005)
    assert chances(0, 0.2)[0] - chances(price, 0.2)[0] < 1e-4 and right("who_is_dropped")[0].startswith("Segment A")


def test_without_entropy():
    records = list(ascent(np.random.default_rng(3), 0.0, price_rate=0.2, updates=1200))[400:]
    price = np.array([record.details["multiplier"][0] for record in records]) - 0.5
    turns = (np.diff(np.sign(price - price.mean())) != 0).sum()
    assert turns >= 4 and np.ptp(price) > 0.3 and np.abs(price).max() < 1
    assert np.mean([used_by(record.theta)[0] for record in records]) == pytest.approx(0.35, abs=0.004)
    assert right("without_entropy")[0] == "Nowhere: it circles"


def test_ten_times_the_audience():
    sizes = [roll_size(N, NOISE, 0.002) for N in (1e6, 1e7)]
    assert sizes == pytest.approx([31_517, 107_066], abs=1) and sizes[1] / sizes[0] == pytest.approx(3.4, abs=0.01)
    holds, why = right("ten_times_the_audience")
    assert holds == "About three times as large" and "3.4" in why


def test_two_good_days():
    old, new = pooled(0.01)
    assert (STAGES[:, 1] / STAGES[:, 0] - 1) == pytest.approx([0.15, 0.2]) and round(100 * (new / old - 1)) == -27
    holds, why = right("two_good_days")
    assert holds == "Worse than the old one" and "27 % worse" in why


def test_halves_assumed():
    halves = MISTAKES[0]
    few, enough = chance_of_alarm(np.array([10.0, 30.0]), halves.true, halves.checked)
    assert few < 0.2 and enough > 0.99 and right("halves_assumed")[0] == "From about 30"

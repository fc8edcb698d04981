"""Looking early: curves against the recursion and against walks, pictures at the corners."""

import numpy as np
import pytest

from pgedu.lessons.experiment_arithmetic import alarm_rates, obrien_fleming, pocock
from pgedu.lessons.looks import MOST, RULES, TESTS, Z, bounds_of, peeking, rates_of, walks
from pgedu.panels.canvas import Canvas


def test_rates():
    assert rates_of("1.96")[[0, 4, 9, 19]] == pytest.approx([0.05, 0.142, 0.193, 0.248], abs=5e-4)
    for rule in ("Pocock", "O'Brien-Fleming"):
        assert rates_of(rule) == pytest.approx(0.05, abs=1e-9)


def test_bounds():
    assert bounds_of("Pocock", 4).tolist() == pocock(4).tolist() and bounds_of("O'Brien-Fleming", 3).tolist() == obrien_fleming(3).tolist()
    assert bounds_of("1.96", 3).tolist() == [Z] * 3


def test_walks_are_a_tests():
    z = np.concatenate([walks(np.random.default_rng(seed), 6) for seed in range(2000)], axis=1)
    assert z.std(axis=1) == pytest.approx(1, abs=0.02)
    assert np.corrcoef(z[0], z[3])[0, 1] == pytest.approx(0.5, abs=0.02)  # the root of 1 look of 4
    exact = alarm_rates(bounds_of("1.96", 6))[-1]
    assert (np.abs(z) > Z).any(axis=0).mean() == pytest.approx(exact, abs=4 * np.sqrt(exact / z.shape[1]))


def test_more_looks_see_the_same_tests():
    first, more = (walks(np.random.default_rng(3), looks) for looks in (4, 9))
    assert (more[:4] == first).all()


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("looks", [1, 2, MOST])
def test_the_picture(rule, looks):
    canvas = Canvas(peeking)
    sentence = canvas.draw(looks=looks, rule=rule, rng=np.random.default_rng(0))
    assert canvas.png().startswith(b"\x89PNG")
    left, right = canvas.figure.axes
    quiet, alarmed = left.lines[:2]
    paths = [np.isnan(line.get_ydata()).sum() for line in (quiet, alarmed)]
    beyond = (np.abs(walks(np.random.default_rng(0), looks)) > bounds_of(rule, looks)[:, None]).any(axis=0).sum()
    assert f"{beyond} of these {TESTS} A/A tests alarm" in sentence and f"exactly {100 * rates_of(rule)[looks - 1]:.1f} %" in sentence
    assert paths[0] == TESTS - beyond and paths[1] == max(beyond, 1)
    (dot,) = [line for line in right.lines if line.get_gid() == "looks"]
    assert dot.get_xydata()[0] == pytest.approx([looks, 100 * rates_of(rule)[looks - 1]])

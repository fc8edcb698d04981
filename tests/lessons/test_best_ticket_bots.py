"""The best bots over cost, bonus, turns and handover: against a recursion by hand, and the picture."""

import itertools

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons.best_ticket_bots import BONUSES, COSTS, best_bots, best_ticket_bots, over_bonuses, over_costs


def by_hand(cost, bonus, turns, handover):
    """(true, paid) value at the start: a bot that takes what it is paid most for; of equals the first."""
    true = paid = np.zeros(3)
    more = np.minimum(np.arange(3) + 1, 2)
    for _ in range(turns):
        options = [[np.array([0.2, 0.6, 0.95])] * 2,
                   [gain + 0.7 * v[more] + 0.3 * v for gain, v in ((-cost, true), (bonus - cost, paid))],
                   [np.full(3, handover)] * 2]  # fmt: skip
        choice = np.argmax(np.round([option[1] for option in options], 9), axis=0)
        true, paid = (np.array([options[a][which][k] for k, a in enumerate(choice)]) for which in (0, 1))
    return true[0], paid[0]


@pytest.mark.parametrize(("turns", "handover"), [(1, 0.0), (4, 0.0), (4, 0.4), (8, 1.0)])
def test_against_a_recursion(turns, handover):
    for cost, bonus in itertools.product((0.0, 0.05, 0.245, 0.4), (0.0, 0.1, 0.7, 1.3)):
        _, true, paid = best_bots(cost, bonus, turns, handover)
        assert (true[0], paid[0]) == pytest.approx(by_hand(cost, bonus, turns, handover), abs=1e-9)
    assert over_costs(0.1, turns, handover)[0][10] == pytest.approx(by_hand(COSTS[10], 0.1, turns, handover)[0], abs=1e-9)
    assert over_bonuses(0.05, turns, handover)[1][50] == pytest.approx(by_hand(0.05, BONUSES[50], turns, handover)[1], abs=1e-9)


def test_what_is_known_of_the_bonus():
    wanted = {0.0: 0.7381, 0.1: 0.7136, 0.7: 0.584, 1.0: 0.584, 1.01: -0.2}
    found = dict(zip(wanted, best_bots(0.05, list(wanted), 4, 0.0)[1]))
    assert found == pytest.approx(wanted, abs=1e-9)


def test_a_search_is_given_up_at_known_costs():
    starts = [best_bots(cost, 0.0, 4, 0.0)[0][0, :2].tolist() for cost in (0.24, 0.25, 0.275, 0.285)]
    assert starts == [[1, 1], [1, 0], [1, 0], [0, 0]]


def test_the_picture_at_all_ends():
    ends = {"cost": [0.0, 0.4], "bonus": [0.0, 1.3], "turns": [1, 8], "handover": [0.0, 1.0]}
    for values, (sentence, figure) in zip(itertools.product(*ends.values()), corners(best_ticket_bots, **ends)):
        true, paid = by_hand(*values)
        assert f"paid {paid:.3f} a ticket and is worth {true:.3f}" in sentence.replace("-0.000", "0.000")
        cost, bonus, turns, _ = values
        never = paid == pytest.approx(turns * (bonus - cost))  # paid for searches, and for nothing else
        assert ("never answers" in sentence) == never, (values, sentence)
        marks = [line.get_xdata()[0] for axes in figure.axes for line in axes.lines if line.get_gid()]
        assert marks == list(values[:2])

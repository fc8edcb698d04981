"""The desk: rules against a recursion by hand, what is told of a ticket, the map, and the picture."""

import itertools

import numpy as np
import pytest
from lesson import corners, picture
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from pgedu import collect, exact_return
from pgedu.lessons.ticket_desk import (
    ANSWER, HAND_OVER, TALL, WIDTH, Map, bot, by_rule, desk, one_ticket, rule, shop, sure, told,
)  # fmt: skip
from pgedu.panels.world_type import ACTIONS


def by_hand(enough, late, facts=0, left=4):
    """What the rule earns from here on."""
    if facts >= enough or left == 1:
        return 0.4 if facts < enough and late == HAND_OVER else (0.2, 0.6, 0.95)[facts]
    found, not_found = (by_hand(enough, late, more, left - 1) for more in (min(facts + 1, 2), facts))
    return -0.05 + 0.7 * found + 0.3 * not_found


@pytest.mark.parametrize(("enough", "late"), list(itertools.product((0, 1, 2), (ANSWER, HAND_OVER))))
def test_what_a_rule_earns(enough, late):
    assert exact_return(shop, bot, sure(rule(enough, late))) == pytest.approx(by_hand(enough, late), rel=1e-9)


def test_certain_policies_of_several_learners():
    actions = np.array([rule(1), rule(2)])
    assert sure(actions).shape == (2, 39) and np.array_equal(sure(actions)[1], sure(rule(2)))


@pytest.mark.parametrize(("observations", "actions", "rewards", "words"), [
    ([0, 4, 7, 12, 12], [1, 1, 0, 0], [-0.05, -0.05, 0.6, 0],
     ["turn 1: searches, finds a fact", "turn 2: searches, finds nothing", "turn 3: answers with 1 fact"]),
    ([0, 12, 12], [2, 0], [0.4, 0], ["turn 1: hands over, nothing known"]),
    ([0, 12, 12], [0, 0], [0.2, 0], ["turn 1: answers with nothing known"]),
    ([0, 4, 12], [1, 2], [-0.05, 0.4], ["turn 1: searches, finds a fact", "turn 2: hands over with 1 fact"]),
    ([0, 3, 7, 11, 12], [1, 1, 1, 1], [-0.05] * 4,
     ["turn 1: searches, finds nothing", "turn 2: searches, finds a fact", "turn 3: searches, finds a fact",
      "turn 4: searches, out of turns, no answer"]),
])  # fmt: skip
def test_a_ticket_in_words(observations, actions, rewards, words):
    mask = np.arange(len(actions)) < len(words)
    ticket = told(np.array(observations), np.array(actions), np.array(rewards), mask)
    assert ticket.words == words and ticket.pays == pytest.approx(sum(rewards))
    assert ticket.facts.tolist() == [state % 3 for state in observations[: len(words)]]


def test_tickets_of_a_rollout_are_told_apart():
    rollout = collect(shop, bot, np.zeros((3, 39)), episodes=4, rng=np.random.default_rng(0))
    for run, episode in itertools.product(range(3), range(4)):
        ticket = one_ticket(rollout, (run, episode))
        assert ticket.pays == pytest.approx(rollout.rewards[:, run, episode].sum())
        assert len(ticket.words) == rollout.mask[:, run, episode].sum()


def test_the_desk_follows_its_rule_and_earns_its_value():
    tickets = desk(np.random.default_rng(0))
    tickets.enough, tickets.late = 1, HAND_OVER
    many = [next(tickets) for _ in range(3000)]
    pays = np.array([ticket.pays for ticket in many])
    assert abs(pays.mean() - by_hand(1, HAND_OVER)) < 4 * pays.std() / np.sqrt(len(pays))
    assert all((ticket.actions[ticket.facts >= 1] == ANSWER).all() for ticket in many)


def test_the_map_shows_shares_where_they_belong():
    chart = Map(Figure().subplots())
    chances = np.tile([0.5, 0.25, 0.25], (13, 1))
    chances[7] = 0, 0, 1  # turn 3, one fact
    chart.show(chances)
    image = np.asarray(chart.cells.get_array())
    cell = lambda facts, turn: image[facts * TALL, turn * WIDTH : (turn + 1) * WIDTH - 1]  # noqa: E731
    assert (cell(1, 2) == to_rgb(ACTIONS[HAND_OVER])).all()
    for action, share in enumerate((0.5, 0.25, 0.25)):
        assert (cell(0, 1) == to_rgb(ACTIONS[action])).all(axis=-1).mean() == pytest.approx(share, abs=0.04)
    assert (cell(2, 1) == 1).all() and (cell(1, 0) == 1).all() and not (cell(2, 2) == 1).all()


def test_the_picture_at_all_ends():
    new = [[next(desk(np.random.default_rng(0)))], []]
    sentences = [sentence for sentence, _ in corners(by_rule, new=new[:1], enough=[0, 1, 2], late=[ANSWER, HAND_OVER])]
    assert len(sentences) == 6 and "0.738" in sentences[4] and "0.706" in sentences[5]


def test_tickets_of_another_rule_are_forgotten():
    _, draw = picture(by_rule)
    tickets = desk(np.random.default_rng(0))
    assert draw([next(tickets) for _ in range(3)], 0, ANSWER).startswith("3 tickets")
    assert draw([], 2, ANSWER).startswith("No ticket of this rule yet")
    assert draw([next(tickets)], 2, ANSWER).startswith("1 ticket of")

"""Exercises of notebook 13: every check passes its references, and names every listed mistake."""

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu import leave_one_out, optimal_action_values, tickets
from pgedu.lessons import agents_checks
from pgedu.lessons.agents_checks import check_best_value, check_by_turn, check_helped, check_token_weights
from pgedu.lessons.resolved import HUMAN, RIGHT, shares


def recursive(cost, found, right, turns, facts=0):
    if turns == 0:
        return 0.0
    more = min(facts + 1, len(right) - 1)
    better, same = (recursive(cost, found, right, turns - 1, k) for k in (more, facts))
    search = found * better + (1 - found) * same
    return max(right[facts], search - cost)


def by_package(cost, found, right, turns):
    return optimal_action_values(tickets(cost, found=found, right=right, turns=turns))[0].max()


def by_loops(rewards, mask):
    T, B = len(rewards), len(rewards[0])
    psi = np.zeros((T, B))
    for t in range(T):
        to_go = [sum(rewards[k][b] for k in range(t, T)) for b in range(B)]
        for b in range(B):
            others = [to_go[c] for c in range(B) if c != b and mask[t][c]]
            psi[t, b] = mask[t][b] * (to_go[b] - (sum(others) / len(others) if others else 0))
    return psi


def token_by_token(psi, turn, own):
    return [psi[turn[i]] if own[i] else 0.0 for i in range(1, len(turn))]


def customer_by_customer(hard, right, handed, gives_up, human):
    easy = right[0] + (1 - right[0]) * (1 - gives_up) * human
    kept = right[1] + (1 - right[1]) * (1 - gives_up) * human
    return (1 - hard) * easy + hard * (handed * human + (1 - handed) * kept)


CHECKS = {check_best_value: agents_checks.VALUE_MISTAKES, check_by_turn: agents_checks.TURN_MISTAKES,
          check_token_weights: agents_checks.TOKEN_MISTAKES, check_helped: agents_checks.HELPED_MISTAKES}  # fmt: skip
RIGHT_ANSWERS = {
    check_best_value: [recursive, by_package], check_by_turn: [by_loops],
    check_token_weights: [token_by_token, lambda psi, turn, own: np.where(own, psi[turn], 0)[1:]],
    check_helped: [customer_by_customer],
}  # fmt: skip
to_go = agents_checks._to_go
WRONG = {
    check_best_value: [
        (lambda c, p, r, n: recursive(0, p, r, n), "cost of a search is missing"),
        (lambda c, p, r, n: recursive(c, 1.0, r, n), "always succeed"),
        (lambda c, p, r, n: recursive(c, 1 - p, r, n), "exchanged"),
        (lambda c, p, r, n: recursive(-c, p, r, n), "sign of the cost"),
        (lambda c, p, r, n: r[0], "answers always at once"), (lambda c, p, r, n: r, "Wrong shape"),
        (lambda c, p, r, n: recursive(c, p, r, n) + 0.1, "the right one"),
    ],
    check_by_turn: [
        (lambda R, m: to_go(R) * m, "No baseline"), (lambda R, m: R.sum(0) * m, "and no baseline"),
        (lambda R, m: -by_loops(R, m), "sign is turned round"),
        (lambda R, m: m * leave_one_out_of(to_go(R)), "counts tickets that are over, with a 0"),
        (lambda R, m: m * (to_go(R) - ((to_go(R) * m).sum(1) / m.sum(1))[:, None]), "contains the ticket it judges"),
        (lambda R, m: m * (to_go(R) - to_go(R).mean(1, keepdims=True)), "and the ticket that it judges"),
        (lambda R, m: by_loops(R, m).sum(axis=0), "Wrong shape"),
        (lambda R, m: by_loops(R, m) + 0.3 * (np.arange(len(R)) == 1)[:, None], "first turn that is wrong is row 1"),
    ],
    check_token_weights: [
        (lambda psi, turn, own: psi[turn[1:]] * (own[1:] == 0), "turned round"),
        (lambda psi, turn, own: psi[turn][1:], "mask is missing"),
        (lambda psi, turn, own: (psi[turn] * own)[:-1], "Off by one"), (lambda psi, turn, own: psi[turn] * own, "Wrong shape"),
        (lambda psi, turn, own: own[1:], "mask alone"), (lambda psi, turn, own: -(psi[turn] * own)[1:], "-1 times"),
    ],
    check_helped: [
        (lambda h, r, d, g, u: (1 - h) * r[0] + h * (1 - d) * r[1], "that the bot has solved"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d, 0, u), "some have given up"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d, 1, u), "ask again are missing"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d, 1 - g, u), "1 - gives_up"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d / h, g, u), "not of all"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d, g, 1), "human's chance"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d, g, u) / (1 - h * d), "all customers"),
        (lambda h, r, d, g, u: customer_by_customer(h, r, d, g, u) * 2, "exactly 2 times"),
    ],
}  # fmt: skip


def leave_one_out_of(targets):
    return targets - leave_one_out(None, targets)


def test_the_panel_and_the_exercise_mean_the_same():
    for given in ((0.4, 0.5, 0.3), (0.8, 1.0, 0.9)):
        hard, handed, gives_up = given
        assert customer_by_customer(hard, RIGHT, handed, gives_up, HUMAN) == pytest.approx(shares(*given).helped)


@pytest.mark.parametrize(("check", "i"), each_with_its_number(RIGHT_ANSWERS), ids=lambda each: getattr(each, "__name__", each))
def test_right_answers_pass(check, i):
    passes(check, RIGHT_ANSWERS[check][i])


@pytest.mark.parametrize(("check", "i"), each_with_its_number(WRONG), ids=lambda each: getattr(each, "__name__", each))
def test_wrong_answers_are_named(check, i):
    refuses(check, *WRONG[check][i])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_each_mistake_has_a_sentence_of_its_own(check):
    named_alone(check, CHECKS[check])


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_untouched(check):
    def untouched(*_):
        """Nothing yet."""
        ...

    assert not check(untouched).attempted

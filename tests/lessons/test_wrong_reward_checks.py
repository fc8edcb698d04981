"""The checks of notebook 11: every one passes its references, and names every listed mistake."""

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu import best_of_n, kl_divergence, shaped
from pgedu.lessons import wrong_reward_checks as checks
from pgedu.lessons.wrong_reward_checks import (
    check_first_fall, check_kl_of_best_of_n, check_shaped_rewards, check_smallest_bonus,
)  # fmt: skip
from pgedu.worlds.mdp import MDP


def stop_by_loop(estimates):
    for k in range(1, len(estimates)):
        if estimates[k] < estimates[k - 1]:
            return k - 1
    return len(estimates) - 1


def shaped_by_package(rewards, potentials, gamma):
    """A corridor in which the episode is the only one there is."""
    T = len(rewards)
    following = np.minimum(np.arange(T + 1) + 1, T)[:, None, None]
    world = MDP(rewards=np.append(rewards, 0)[:, None], start=np.eye(T + 1)[0], terminal=np.arange(T + 1) == T, gamma=gamma,
                successors=following, chances=np.ones((T + 1, 1, 1)))  # fmt: skip
    return shaped(world, potentials).rewards[:T, 0]


def bonus_by_halving(R, gamma):
    low, high = 0.0, 1e6
    for _ in range(200):
        b = (low + high) / 2
        low, high = (low, b) if b * gamma / (1 - gamma**2) > R + b else (b, high)
    return b


def kl_by_enumeration(p, scores, n):
    """All draws there are; equal scores share as p does."""
    won = np.zeros(len(p))
    for draw in np.ndindex(*[len(p)] * n):
        best = scores == scores[list(draw)].max()
        won[best] += p[list(draw)].prod() * p[best] / p[best].sum()
    return sum(w * np.log(w / q) for w, q in zip(won, p) if w > 0)


RIGHT = {
    check_first_fall: [stop_by_loop, lambda x: next((k for k in range(len(x) - 1) if x[k + 1] < x[k]), len(x) - 1)],
    check_shaped_rewards: [shaped_by_package, lambda r, Phi, g: r + g * np.append(Phi[1:-1], 0) - Phi[:-1]],
    check_smallest_bonus: [bonus_by_halving, lambda R, g: R * (1 - g**2) / (g - 1 + g**2)],
    check_kl_of_best_of_n: [kl_by_enumeration, lambda p, s, n: kl_divergence(best_of_n(np.log(p), s, n), np.log(p))],
}
MISTAKES = {
    check_first_fall: checks.STOP_MISTAKES, check_shaped_rewards: checks.SHAPED_MISTAKES,
    check_smallest_bonus: checks.BONUS_MISTAKES, check_kl_of_best_of_n: checks.KL_MISTAKES,
}  # fmt: skip
WRONG = {
    check_shaped_rewards: [(lambda r, Phi, g: -(r + g * np.append(Phi[1:-1], 0) - Phi[:-1]), "exactly -1 times"),
                           (lambda r, Phi, g: r[0], "Wrong shape")],
    check_smallest_bonus: [(lambda R, g: 2 * R / (g / (1 - g**2) - 1), "exactly 2 times"),
                           (lambda R, g: round(R / (g / (1 - g**2) - 1), 2), "rounded to 2 decimals")],
    check_kl_of_best_of_n: [(lambda p, s, n: kl_by_enumeration(p, s, n) / np.log(2), "times the right one"),
                            (lambda p, s, n: kl_by_enumeration(p, s, n - 1), "and the right one")],
    check_first_fall: [(lambda x: len(x) - 2, "and the right one"), (lambda x: [0, 1], "Wrong shape")],
}  # fmt: skip


@pytest.mark.parametrize(("check", "number"), each_with_its_number(RIGHT))
def test_right_answers_pass(check, number):
    passes(check, RIGHT[check][number])


@pytest.mark.parametrize(("check", "number"), each_with_its_number(WRONG))
def test_wrong_answers_are_refused(check, number):
    refuses(check, *WRONG[check][number])


@pytest.mark.parametrize("check", MISTAKES, ids=lambda check: check.__name__)
def test_each_mistake_has_a_sentence_of_its_own(check):
    named_alone(check, MISTAKES[check])
    for _, mistake in MISTAKES[check]:
        refuses(check, mistake, "")


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_untouched(check):
    def untouched(*_):
        """Nothing yet."""
        ...

    assert not check(untouched).attempted

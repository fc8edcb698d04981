"""Targets of action values, and the largest of two means: references pass, and each known mistake has its own sentence."""

import numpy as np
import pytest
from judging import named_alone, passes, refuses

from pgedu import epsilon_greedy
from pgedu.lessons import value_checks
from pgedu.lessons.checks import check_expected_target, check_largest_of_two, check_q_target


def q_target(reward, gamma, q_now, q_next, next_action, terminated):
    return reward if terminated else reward + gamma * max(q_next)


def expected_target(reward, gamma, q_next, epsilon, terminated):
    return reward + gamma * (1 - terminated) * (epsilon_greedy(q_next[None], epsilon)[0] @ q_next)


def expected_by_hand(reward, gamma, q_next, epsilon, terminated):
    if terminated:
        return reward
    return reward + gamma * ((1 - epsilon) * np.max(q_next) + epsilon * np.mean(q_next))


def largest(sigma, n):
    return sigma / np.sqrt(n * np.pi)


def largest_by_integration(sigma, n):
    x = np.linspace(0, 12, 24_001) * sigma * np.sqrt(2 / n)  # of |X - Y|, half of whose mean it is
    spread = sigma * np.sqrt(2 / n)
    density = 2 * np.exp(-((x / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    return ((x * density)[1:] + (x * density)[:-1]).sum() * (x[1] - x[0]) / 2 / 2


RIGHT = [(check_q_target, q_target), (check_expected_target, expected_target), (check_expected_target, expected_by_hand),
         (check_largest_of_two, largest), (check_largest_of_two, largest_by_integration)]  # fmt: skip


@pytest.mark.parametrize("check, answer", RIGHT)
def test_a_right_answer_passes(check, answer):
    passes(check, answer)


@pytest.mark.parametrize("check, mistakes", [
    (check_q_target, value_checks.Q_MISTAKES), (check_expected_target, value_checks.EXPECTED_MISTAKES),
    (check_largest_of_two, value_checks.LARGEST_MISTAKES),
])  # fmt: skip
def test_each_mistake_has_its_own_sentence(check, mistakes):
    named_alone(check, mistakes)
    assert len({sentence for sentence, _ in mistakes}) == len(mistakes)


@pytest.mark.parametrize("check, answer, part", [
    (check_q_target, lambda r, g, now, after, a, end: r + g * after[a] * (not end), "This is SARSA's target"),
    (check_q_target, lambda r, g, now, after, a, end: r + g * max(now) * (not end), "in the state that was left"),
    (check_q_target, lambda r, g, now, after, a, end: r + g * max(after), "After the end nothing follows"),
    (check_q_target, lambda r, g, now, after, a, end: r + g * after * (not end), "Wrong shape"),
    (check_q_target, lambda r, g, now, after, a, end: r + g * after[now.argmax()] * (not end), "best in the state that was left"),
    (check_q_target, lambda r, g, now, after, a, end: r + g * max(0, *after) * (not end), "0 is no action's value"),
    (check_expected_target, lambda r, g, q, e, end: r + g * (1 - e) * max(q) * (not end), "random steps are missing"),
    (check_expected_target, lambda r, g, q, e, end: r + g * max(q) * (not end), "This is Q-learning's target"),
    (check_expected_target, lambda r, g, q, e, end: r + g * ((1 - e) * max(q) + e * np.mean(q)), "After the end nothing"),
    (check_largest_of_two, lambda sigma, n: sigma / np.sqrt(np.pi), "forgotten n"),
    (check_largest_of_two, lambda sigma, n: 0.0, "It is not 0"),
    (check_largest_of_two, lambda sigma, n: 3 * sigma / np.sqrt(n * np.pi), "exactly 3 times"),
])  # fmt: skip
def test_what_a_student_may_write(check, answer, part):
    refuses(check, answer, part)


@pytest.mark.parametrize("check", [check_q_target, check_expected_target, check_largest_of_two])
def test_untouched(check):
    def mine(*arguments):
        """An answer to come."""
        ...

    assert not check(mine).attempted

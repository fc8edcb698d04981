"""The formulas of a single decision: every check passes its references, and names every listed mistake."""

from functools import partial

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu import Policy, Table, bandit, constant, exact_gradient, exact_moments, exact_return, short_corridor, stay_or_stop
from pgedu import reward_to_go, total_return
from pgedu.lessons import checks
from pgedu.lessons.checks import check_bandit_gradient, check_best_constant, check_entropy_gradient, check_kl
from pgedu.lessons.checks import check_score, check_slope, check_softmax
from pgedu.lessons.verdicts import as_texts


def pi(h):
    e = np.exp(np.asarray(h) - np.max(h))
    return e / e.sum()


def score(h, a):
    return np.eye(len(h))[a] - pi(h)


def gradient(h, q):
    return pi(h) * (q - pi(h) @ q)


def slope(p):
    return (2 * p**2 - 8 * p + 4) / (p * (1 - p)) ** 2


def numerical_slope(p, h=1e-6):
    high, low = ((2 * x - 4) / (x * (1 - x)) for x in (p + h, p))
    return (high - low) / h


def best(theta):
    return (1 + 2 * theta) / (1 - theta)


def entropy_gradient(h):
    H = -sum(p * np.log(p) for p in pi(h))
    return [-p * (np.log(p) + H) for p in pi(h)]


def entropy_slope(h, step=1e-5):
    H = lambda h: -(pi(h) * np.log(pi(h))).sum()  # noqa: E731
    return [(H(h + e) - H(h - e)) / (2 * step) for e in step * np.eye(len(h))]


def kl(p, q):
    return sum(a * np.log(a / b) for a, b in zip(p, q) if a > 0)


def quotient(p, square=2, sign=-1):
    u, v = 2 * p - 4, p * (1 - p)
    return (2 * v + sign * u * (1 - 2 * p)) / v**square


RIGHT = {
    check_softmax: [pi, lambda h: pi(h).tolist(), lambda h: pi(h).astype(np.float32), lambda h: np.exp(h) / np.exp(h).sum(),
                    lambda h: [1 / sum(np.exp(b - a) for b in h) for a in h], lambda h: tuple(pi(h)),
                    lambda h: pi(h).astype(object), lambda h: pi(h) + 0j],
    check_score: [score, lambda h, a: [(i == a) - p for i, p in enumerate(pi(h))], lambda h, a: score(h, a).astype("f4")],
    check_bandit_gradient: [gradient, lambda h, q: (np.diag(pi(h)) - np.outer(pi(h), pi(h))) @ q,
                            lambda h, q: [p * sum(o * (x - y) for o, y in zip(pi(h), q)) for p, x in zip(pi(h), q)],
                            lambda h, q: sum(pi(h)[a] * q[a] * score(h, a) for a in range(len(h)))],
    check_slope: [slope, lambda p: [slope(p)], lambda p: np.float32(slope(p)), numerical_slope, quotient],
    check_best_constant: [best, lambda x: np.float32(best(x)), lambda x: 1 + 3 * x / (1 - x)],
    check_entropy_gradient: [entropy_gradient, entropy_slope, lambda h: np.float32(entropy_gradient(h))],
    check_kl: [kl, lambda p, q: [kl(p, q)], lambda p, q: np.sum(p * np.log(np.where(p > 0, p, 1) / q))],
}  # fmt: skip
WRONG = [
    (check_softmax, np.exp, "divide them by their sum"),
    (check_softmax, lambda h: pi(-h), "check the sign in exp(h)"),
    (check_softmax, lambda h: 2 * pi(h), "exactly 2 times"),
    (check_softmax, lambda h: h, "Given preferences = [ 0.5, -1. ], your answer is"),
    (check_softmax, lambda h: pi(h)[:1], "Wrong shape: (2,) is needed, yours is (1,)"),
    (check_softmax, lambda h: pi(h) / 0, "NaN or infinity"),
    (check_softmax, lambda h: h[9], "stopped with IndexError: index 9"),
    (check_softmax, lambda h: "yes", "'yes', which is text"),
    (check_softmax, 0.5, "You hand over a value, 0.5: hand over the function itself, without brackets, as in check_softmax("),
    (check_softmax, lambda h: np.subtract(h, 1, out=h), "changes preferences, which"),
    (check_score, lambda h, a: -score(h, a), "-1 times the right one: check the sign"),
    (check_score, lambda h, a: np.eye(len(h))[a], "not yet subtracted"),
    (check_score, lambda h, a: pi(h)[a] * score(h, a), "gradient of pi, not of log pi"),
    (check_score, lambda h, a: np.log(pi(h)[a]), "Wrong shape: (2,) is needed, yours is ()"),
    (check_score, lambda h, a: np.round(score(h, a)), "Given "),
    (check_bandit_gradient, lambda h, q: -gradient(h, q), "check the sign"),
    (check_bandit_gradient, lambda h, q: gradient(h, q) / 2, "exactly 1/2 times"),
    (check_bandit_gradient, lambda h, q: pi(h) * q, "must be subtracted"),
    (check_bandit_gradient, lambda h, q: q - pi(h) @ q, "weighted with the probability"),
    (check_bandit_gradient, lambda h, q: 0 * q, "exactly 0 times the right one: nothing is left"),
    (check_slope, lambda p: -slope(p), "check the sign"),
    (check_slope, lambda p: (2 * p - 4) / (p * (1 - p)), "J itself"),
    (check_slope, lambda p: slope(p) * p * (1 - p), "along the preference"),
    (check_slope, lambda p: 2.0 // p, "Given p = 0.1"),
    (check_best_constant, lambda x: x / (1 - x), "This is J"),
    (check_best_constant, lambda x: 3 * best(x), "exactly 3 times"),
    (check_best_constant, lambda x: (1 + 2 * x) / (x * (1 - x) ** 3), "divide it by E[S^2]"),
    (check_best_constant, lambda x: int(best(x)), "Given "),
    (check_best_constant, lambda x: [1, 2], "Wrong shape"),
    (check_entropy_gradient, lambda h: -np.log(pi(h)) - 1, "This is the derivative by pi, not by the preferences"),
    (check_entropy_gradient, lambda h: -pi(h) * np.log(pi(h)), "The entropy itself is missing in the bracket"),
    (check_entropy_gradient, lambda h: -pi(h) * (1 + np.log(pi(h))), "The 1 of the product rule stays"),
    (check_entropy_gradient, lambda h: np.array(entropy_gradient(h)) / pi(h), "The factor pi is missing"),
    (check_entropy_gradient, lambda h: -np.array(entropy_gradient(h)), "check the sign"),
    (check_entropy_gradient, lambda h: np.array(entropy_gradient(h)) / np.log(2), "1.4427 times"),
    (check_entropy_gradient, lambda h: -sum(p * np.log(p) for p in pi(h)), "Wrong shape: (2,) is needed, yours is ()"),
    (check_kl, lambda p, q: kl(q, p), "This is KL(q || p)"),
    (check_kl, lambda p, q: -(p * np.log(q)).sum(), "This is the cross entropy"),
    (check_kl, lambda p, q: kl(p, q) / np.log(2), "In bits"),
    (check_kl, lambda p, q: np.mean([np.log(a / b) for a, b in zip(p, q)]), "not weighted with p"),
    (check_kl, lambda p, q: -kl(p, q), "check the sign"),
    (check_kl, lambda p, q: p * np.log(p / q), "Wrong shape: () is needed, yours is (2,)"),
    (check_kl, lambda p, q: ((p - q) ** 2).sum(), "Given p"),
    (check_softmax, lambda h: np.exp(h - max(h)), "Your numbers are exp(h - max h)"),
    (check_softmax, lambda h: h / sum(h), "The exp is missing"),
    (check_softmax, lambda h: np.exp(h) / sum(h), "You divide by the sum of the preferences"),
    (check_softmax, lambda h: np.exp(h) / np.exp(sum(h)), "You divide by exp of the sum"),
    (check_softmax, lambda h: np.exp(h - max(h)) / max(np.exp(h - max(h))), "Your numbers are exp(h - max h)"),
    (check_softmax, lambda h: np.exp(h) / len(h), "You divide by the number of actions"),
    (check_softmax, lambda h: np.log(pi(h)), "These are the logarithms"),
    (check_softmax, lambda h: 1 / (1 + np.exp(-h)), "through a sigmoid by itself"),
    (check_softmax, lambda h: h == max(h), "that is argmax"),
    (check_softmax, lambda h: 2**h / sum(2**h), "2**h is not exp(h)"),
    (check_score, lambda h, a: 1 - pi(h), "1 - pi is right for the chosen action alone"),
    (check_score, lambda h, a: [(1 - p) * (i == a) for i, p in enumerate(pi(h))], "the others are not 0 but -pi"),
    (check_score, lambda h, a: -pi(h), "The 1 of the chosen action is missing"),
    (check_score, lambda h, a: abs(score(h, a)), "The others have lost their minus"),
    (check_score, lambda h, a: pi(h), "These are the probabilities"),
    (check_score, lambda h, a: np.log(pi(h)), "These are the logarithms themselves"),
    (check_score, lambda h, a: [(i == a) / p for i, p in enumerate(pi(h))], "the derivative by the probability"),
    (check_score, lambda h, a: np.eye(len(h))[a] - h, "The preferences are subtracted as they are"),
    (check_score, lambda h, a: np.eye(len(h))[a] - np.mean(np.eye(len(h))[a]), "You subtract 1 / A"),
    (check_score, lambda h, a: np.eye(len(h))[a] - pi(h)[a], "the probability of the chosen action everywhere"),
    (check_score, lambda h, a: 1 - pi(h)[a], "yours is () (given preferences = [ 0.5, -1. ], action = 0). Yours is a single"),
    (check_bandit_gradient, lambda h, q: pi(h) * (q - np.mean(q)), "You subtract the plain mean of the values: "),
    (check_bandit_gradient, lambda h, q: q - np.mean(q), "the plain mean of the values, and the factor pi is missing"),
    (check_bandit_gradient, lambda h, q: pi(h) * (q - sum(q)), "You subtract the sum of the values"),
    (check_bandit_gradient, lambda h, q: pi(h) * (q - max(q)), "You subtract the largest value"),
    (check_bandit_gradient, lambda h, q: sum(q[a] * score(h, a) for a in range(len(h))), "value times score without pi"),
    (check_bandit_gradient, lambda h, q: pi(h) * (1 - pi(h)) * q, "pi (1 - pi) is only half of it"),
    (check_bandit_gradient, lambda h, q: pi(h) * gradient(h, q), "pi stands there twice"),
    (check_bandit_gradient, lambda h, q: pi(h) @ q, "Wrong shape: (2,) is needed, yours is ()"),
    (check_slope, lambda p: quotient(p, square=0), "This is the numerator alone"),
    (check_slope, lambda p: quotient(p, sign=1), "The two products are added"),
    (check_slope, lambda p: 2 / (1 - 2 * p), "(u / v)' is not u' / v'"),
    (check_best_constant, lambda x: 1 / (x * (1 - x) ** 2), "This is E[S^2]"),
    (check_best_constant, lambda x: (1 + x) / (1 - x), "the best constant of the reward-to-go"),
    (check_best_constant, lambda x: best(1 - x), "you took it for that of stopping"),
    (check_entropy_gradient, lambda h: -pi(h) * (np.log(pi(h)) + sum(pi(h) * np.log(pi(h)))), "Check the sign in the bracket"),
    (check_entropy_gradient, lambda h: -pi(h) * (np.log(pi(h)) - np.log(pi(h)).mean()), "the plain mean of log pi"),
    (check_entropy_gradient, lambda h: -pi(h) * (1 - pi(h)) * (np.log(pi(h)) + 1), "pi (1 - pi) is only half of it"),
    (check_kl, lambda p, q: -(p * np.log(p)).sum(), "This is the entropy of p"),
    (check_kl, lambda p, q: np.log(p / q).sum(), "The sum over actions is not weighted with p"),
    (check_kl, lambda p, q: np.sum(q * np.log(p / q)), "The average is taken over q"),
    (check_kl, lambda p, q: (p * np.log(p / q)).mean(), "The sum is divided by the number of actions"),
    (check_kl, lambda p, q: (kl(p, q) + kl(q, p)) / 2, "the mean of both directions"),
    (check_kl, lambda p, q: kl(p, q) + kl(q, p), "the sum of both directions"),
    (check_kl, lambda p, q: abs(p * np.log(p / q)).sum(), "no absolute values"),
    (check_softmax, lambda h: np.exp(h) / np.mean(np.exp(h)), "You divide by the mean of the exp(h)"),
    (check_softmax, lambda h: [np.exp(x) / np.exp(x).sum() for x in h], "Each exp(h) is divided by itself"),
    (check_softmax, lambda h: np.exp(h - max(h)) / sum(np.exp(h)), "subtracted above the line but not below"),
    (check_softmax, lambda h: [1 / len(h)] * len(h), "the preferences are not used"),
    (check_softmax, lambda h: abs(h) / sum(abs(h)), "the right one [0.818, 0.182]."),
    (check_softmax, lambda h: np.exp(h) / np.linalg.norm(np.exp(h)), "Components must sum to 1; yours sum to 1.194."),
    (check_score, lambda h, a: np.eye(len(h))[a] - np.exp(h), "These are exp(h), not yet probabilities"),
    (check_score, lambda h, a: pi(h) * (1 - pi(h)), "This is pi (1 - pi)"),
    (check_score, lambda h, a: score(h, a) / pi(h)[a], "You divide by pi(action) once too often"),
    (check_score, lambda h, a: score(h, 0), "The action is not used"),
    (check_score, lambda h, a: score(h, a - 1), "The 1 stands at another action"),
    (check_score, lambda h, a: h[a] + 1 - pi(h), "Components must sum to 0; yours sum to 2."),
    (check_bandit_gradient, lambda h, q: np.mean([q[a] * score(h, a) for a in range(len(h))], axis=0), "score without pi"),
    (check_bandit_gradient, lambda h, q: pi(h) * q - pi(h) @ q, "Brackets: pi times (value minus expected reward)"),
    (check_bandit_gradient, lambda h, q: h * q, "Components must sum to 0; yours sum to -2.5."),
    (check_entropy_gradient, lambda h: pi(h), "Components must sum to 0; yours sum to 1."),
    (check_kl, lambda p, q: sum(q * np.log(p)) - 1, "A KL is never below 0."),
]  # fmt: skip


@pytest.mark.parametrize(("check", "number"), each_with_its_number(RIGHT))
def test_right_answers_pass_however_they_are_written(check, number):
    passes(check, RIGHT[check][number])


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_each_wrong_answer_gets_its_own_message(number):
    refuses(*WRONG[number])


@pytest.mark.parametrize(("check", "mistakes"), [
    (check_softmax, checks.SOFTMAX_MISTAKES), (check_score, checks.SCORE_MISTAKES),
    (check_bandit_gradient, checks.BANDIT_MISTAKES), (check_slope, checks.SLOPE_MISTAKES),
    (check_best_constant, checks.CONSTANT_MISTAKES), (check_entropy_gradient, checks.ENTROPY_MISTAKES),
    (check_kl, checks.KL_MISTAKES),
])  # fmt: skip
def test_each_mistake_is_told_from_all_others(check, mistakes):
    named_alone(check, mistakes)


def test_closed_forms_of_the_checks_are_those_of_the_worlds():
    h, q = np.array([0.2, 1.5, -0.6]), np.array([2.0, -1.0, 4.0])
    three = Policy.softmax(Table(1, 3))
    assert gradient(h, q) == pytest.approx(exact_gradient(bandit(q), three, h))
    coin = Policy.softmax(Table(1, 2))
    for p in (0.2, 0.7):
        theta = np.log([1 - p, p])
        assert slope(p) * p * (1 - p) == pytest.approx(exact_gradient(short_corridor(), coin, theta)[1])
        assert (2 * p - 4) / (p * (1 - p)) == pytest.approx(exact_return(short_corridor(), coin, theta))
    variances = [exact_moments(stay_or_stop(), coin, np.log([0.6, 0.4]), partial(total_return, baseline=constant(b)),
                               horizon=60).variance for b in best(0.4) + np.array([-0.1, 0.0, 0.1])]  # fmt: skip
    assert variances[1] < min(variances[0], variances[2])
    assert variances[0] == pytest.approx(variances[2])
    targets = [exact_moments(stay_or_stop(), coin, np.log([0.6, 0.4]), partial(reward_to_go, baseline=constant(b)), horizon=60)
               for b in 1.4 / 0.6 + np.array([-0.1, 0.0, 0.1])]  # fmt: skip
    assert targets[1].variance < min(targets[0].variance, targets[2].variance)
    assert targets[0].variance == pytest.approx(targets[2].variance)


def test_zero_times_the_logarithm_of_zero_is_a_remark_and_no_fault():
    naive = check_kl(lambda p, q: (p * np.log(p / q)).sum())
    assert naive.passed and "For later: where p is 0" in naive.message
    assert "For later" not in check_kl(kl).message


def test_a_remark_on_overflow_but_no_fault():
    naive = check_softmax(lambda h: np.exp(h) / np.exp(h).sum())
    assert naive.passed and "overflow" in naive.message
    assert "overflow" not in check_softmax(pi).message


STEP = "So small a difference looks like rounding, or like a finite difference whose step is too wide."
NEARLY = [
    (check_softmax, lambda h: pi(h) + 4e-5 * np.cos(np.arange(len(h))),
     "is [0.81761, 0.18245] and the right one [0.81757, 0.18243]"),
    (check_softmax, lambda h: 1.00002 * pi(h), "is [0.81759, 0.18243] and the right one [0.81757, 0.18243]. " + STEP),
    (check_softmax, lambda h: np.round(pi(h), 3),
     "[0.818, 0.182] and the right one [0.8176, 0.1824]. Yours is the right one rounded to 3 decimals: leave"),
    (check_softmax, lambda h: np.round(pi(h), 1), "rounded to 1 decimal: leave the rounding away"),
    (check_slope, lambda p: numerical_slope(p, h=1e-3), STEP),
    (check_slope, lambda p: slope(p) + 30, "your answer is 427.531 and the right one 397.531."),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(NEARLY)))
def test_numbers_that_differ_are_shown_with_the_digits_in_which_they_do(number):
    check, wrong, part = NEARLY[number]
    verdict = check(wrong)
    assert not verdict.passed and part in verdict.message, verdict


def test_a_large_difference_is_not_taken_for_rounding():
    assert "rounding" not in check_slope(lambda p: slope(p) * (1 + 0.3 * p)).message


def test_texts_of_many_numbers_differ_too():
    a, b = np.zeros(40), np.append(np.zeros(20), np.full(20, 1e-9))
    first, second = as_texts(a, b)
    assert first != second and second.count("1.e-09") == 20

"""Checks of exercises: exact, so that there is no luck in a verdict, and with a diagnosis of what is wrong.

Answers are compared with closed forms, also with those that well-known mistakes give. Here are the formulas of a single
decision; returns, steps and estimators have modules of their own, and all checks can be had from here.
"""

import contextlib

import numpy as np

from pgedu.lessons.answers import Fault
from pgedu.lessons.estimator_checks import check_baseline, check_estimator  # noqa: F401
from pgedu.lessons.return_checks import check_gae, check_returns, check_td_targets  # noqa: F401
from pgedu.lessons.step_checks import check_clipped_weights, check_natural_step, check_policy_gradient  # noqa: F401
from pgedu.lessons.value_checks import check_expected_target, check_largest_of_two, check_q_target  # noqa: F401
from pgedu.lessons.verdicts import compare, judged, sums_to
from pgedu.policies.heads import softmax as _pi  # as the formulas of the lessons call it

PREFERENCES = [np.array(h) for h in ([0.5, -1.0], [0.2, 1.5, -0.6], [2.0, 0.0, 0.0, 1.0])]
VALUES = [np.array(q) for q in ([1.0, 3.0], [2.0, -1.0, 4.0], [5.0, 1.0, 0.0, 2.0])]


def _one(h, a):
    return np.eye(len(h))[a]


def _score(h, a):
    return _one(h, a) - _pi(h)


SOFTMAX_MISTAKES = [
    ("Your numbers are exp(h), not yet probabilities: divide them by their sum.", np.exp),
    ("Your numbers are exp(h - max h), not yet probabilities: divide them by their sum.", lambda h: np.exp(h - h.max())),
    ("The larger the preference, the smaller your probability: check the sign in exp(h).", lambda h: _pi(-h)),
    ("The exp is missing: preferences may be negative, exp(h) is not.", lambda h: h / h.sum()),
    ("You divide by the sum of the preferences: divide by the sum of the exp(h).", lambda h: np.exp(h) / h.sum()),
    ("You divide by exp of the sum: divide by the sum of the exp(h).", lambda h: np.exp(h) / np.exp(h.sum())),
    ("You divide by the number of actions: divide by the sum of the exp(h).", lambda h: np.exp(h) / len(h)),
    ("You divide by the mean of the exp(h): divide by their sum.", lambda h: np.exp(h) / np.exp(h).mean()),
    ("Each exp(h) is divided by itself: divide by the sum over all actions.", lambda h: 0 * h + 1),
    ("The largest preference is subtracted above the line but not below: subtract it in both.",
     lambda h: np.exp(h - h.max()) / np.exp(h).sum()),
    ("All actions get the same: the preferences are not used.", lambda h: 0 * h + 1 / len(h)),
    ("These are the logarithms of the probabilities.", lambda h: np.log(_pi(h))),
    ("Each preference goes through a sigmoid by itself: divide exp(h) by the sum of all exp(h).",
     lambda h: 1 / (1 + np.exp(-h))),
    ("All goes to the largest preference: that is argmax. Softmax leaves something to each action.",
     lambda h: _one(h, h.argmax())),
    ("2**h is not exp(h): use np.exp.", lambda h: 2**h / (2**h).sum()),
]  # fmt: skip


@judged
def check_softmax(student):
    """f(preferences [A]) -> probabilities [A]."""
    praise = "Right: positive numbers that sum to 1, in the proportions of exp(h)."
    compare(student, _pi, [{"preferences": h} for h in PREFERENCES], praise, SOFTMAX_MISTAKES, hint=sums_to(1))
    with contextlib.suppress(Fault):
        return compare(student, _pi, [{"preferences": np.array([1000.0, 999.0])}], praise)
    return praise + " For later: preferences of 1000 overflow. Subtract the largest first; it changes nothing else."


SCORE_MISTAKES = [
    ("The probabilities are not yet subtracted from the 1 of the chosen action.", _one),
    ("This is the gradient of pi, not of log pi: divide by pi(action).", lambda h, a: _pi(h)[a] * _score(h, a)),
    ("1 - pi is right for the chosen action alone: the others have no 1, theirs is 0 - pi.", lambda h, a: 1 - _pi(h)),
    ("Right for the chosen action; the others are not 0 but -pi: what one preference gains, the others lose.",
     lambda h, a: _one(h, a) * (1 - _pi(h))),
    ("The 1 of the chosen action is missing: it is 1 - pi for that action, -pi for the others.", lambda h, a: -_pi(h)),
    ("The others have lost their minus: it is 1 - pi for the chosen action, -pi for the others.",
     lambda h, a: np.where(_one(h, a) > 0, 1 - _pi(h), _pi(h))),
    ("These are exp(h), not yet probabilities: divide them by their sum.", lambda h, a: _one(h, a) - np.exp(h)),
    ("This is pi (1 - pi), how each probability answers to its own preference: log pi(action) is asked for.",
     lambda h, a: _pi(h) * (1 - _pi(h))),
    ("You divide by pi(action) once too often.", lambda h, a: _score(h, a) / _pi(h)[a]),
    ("The action is not used: the 1 stands at the action that was chosen.", lambda h, a: _score(h, 0)),
    ("The 1 stands at another action than the chosen one: actions count from 0.", lambda h, a: _score(h, a - 1)),
    ("These are the probabilities: the gradient of log pi at the chosen action is asked for.", lambda h, a: _pi(h)),
    ("These are the logarithms themselves: their gradient is asked for.", lambda h, a: np.log(_pi(h))),
    ("This is the derivative by the probability, 1 / pi: the one by the preferences is asked for.",
     lambda h, a: _one(h, a) / _pi(h)),
    ("The preferences are subtracted as they are: subtract their softmax, the probabilities.", lambda h, a: _one(h, a) - h),
    ("You subtract 1 / A: each action has a probability of its own, softmax(h).", lambda h, a: _one(h, a) - 1 / len(h)),
    ("You subtract the probability of the chosen action everywhere: each action has its own.",
     lambda h, a: _one(h, a) - _pi(h)[a]),
]  # fmt: skip


@judged
def check_score(student):
    """f(preferences [A], action) -> grad log softmax at that action, [A]."""
    cases = [{"preferences": h, "action": a} for h in PREFERENCES for a in range(len(h))]
    praise = "Right: 1 for the chosen action, minus the probability of each."
    return compare(student, _score, cases, praise, SCORE_MISTAKES, hint=sums_to(0))


BANDIT_MISTAKES = [
    ("The expected reward must be subtracted from each value.", lambda h, q: _pi(h) * q),
    ("Each difference must be weighted with the probability of its action.", lambda h, q: q - _pi(h) @ q),
    ("You subtract the plain mean of the values: subtract the mean weighted with pi, the expected reward.",
     lambda h, q: _pi(h) * (q - q.mean())),
    ("You subtract the plain mean of the values, and the factor pi is missing.", lambda h, q: q - q.mean()),
    ("You subtract the sum of the values: subtract the mean weighted with pi, the expected reward.",
     lambda h, q: _pi(h) * (q - q.sum())),
    ("You subtract the largest value: subtract the mean weighted with pi, the expected reward.",
     lambda h, q: _pi(h) * (q - q.max())),
    ("You sum value times score without pi: the sum over actions is an average over the policy.",
     lambda h, q: q - _pi(h) * q.sum()),
    ("pi (1 - pi) is only half of it: when one preference rises, the other actions lose what this one gains.",
     lambda h, q: _pi(h) * (1 - _pi(h)) * q),
    ("You sum value times score without pi: the sum over actions is an average over the policy.",
     lambda h, q: (q - _pi(h) * q.sum()) / len(h)),
    ("Brackets: pi times (value minus expected reward), not (pi times value) minus expected reward.",
     lambda h, q: _pi(h) * q - _pi(h) @ q),
    ("pi stands there twice: once is enough.", lambda h, q: _pi(h) ** 2 * (q - _pi(h) @ q)),
]  # fmt: skip


@judged
def check_bandit_gradient(student):
    """f(preferences [A], values [A]) -> exact gradient of the expected reward, [A]."""
    cases = [{"preferences": h, "values": q} for h, q in zip(PREFERENCES, VALUES)]
    praise = "Right: probability times (value minus expected reward); the components sum to 0."
    return compare(student, lambda h, q: _pi(h) * (q - _pi(h) @ q), cases, praise, BANDIT_MISTAKES, hint=sums_to(0))


def _slope(p):
    return (2 * p * p - 8 * p + 4) / (p * (1 - p)) ** 2


SLOPE_MISTAKES = [
    ("This is J itself, not its slope.", lambda p: (2 * p - 4) / (p * (1 - p))),
    ("This is the slope along the preference: divide by p (1 - p).", lambda p: p * (1 - p) * _slope(p)),
    ("This is the numerator alone: divide by the square of p (1 - p).", lambda p: 2 * p * p - 8 * p + 4),
    ("(u / v)' is not u' / v': it is (u' v - u v') / v^2.", lambda p: 2 / (1 - 2 * p)),
    ("The two products are added: (u / v)' = (u' v - u v') / v^2.",
     lambda p: (2 * p * (1 - p) + (2 * p - 4) * (1 - 2 * p)) / (p * (1 - p)) ** 2),
]  # fmt: skip


@judged
def check_slope(student):
    """f(p) -> dJ/dp of the short corridor, J(p) = (2p - 4) / (p (1 - p)). A fine numerical derivative is right, too."""
    cases = [{"p": p} for p in (0.1, 0.35, 0.45, 0.8)]  # not 1/2, where a wrong denominator is 0
    praise = "Right: it is 0 where 2p^2 - 8p + 4 = 0, at p = 2 - sqrt(2)."
    return compare(student, _slope, cases, praise, SLOPE_MISTAKES, 1e-4)


CONSTANT_MISTAKES = [
    ("This is J, the mean return; the best constant weights returns with squared scores.", lambda x: x / (1 - x)),
    ("This is E[G S^2]: divide it by E[S^2].", lambda x: (1 + 2 * x) / (x * (1 - x) ** 3)),
    ("This is E[S^2], what E[G S^2] is to be divided by.", lambda x: 1 / (x * (1 - x) ** 2)),
    ("This is the best constant of the reward-to-go: the one of the total return is asked for.",
     lambda x: (1 + x) / (1 - x)),
    ("theta is the probability of staying: you took it for that of stopping.", lambda x: (3 - 2 * x) / x),
]  # fmt: skip


@judged
def check_best_constant(student):
    """f(theta) -> b*, the constant that minimises the variance of the total return's estimate on stay-or-stop."""
    cases = [{"theta": x} for x in (0.1, 0.3, 0.5, 0.8)]
    praise = "Right: (1 + 2 theta) / (1 - theta). It is more than J: long episodes have large scores and weigh more."
    return compare(student, lambda x: (1 + 2 * x) / (1 - x), cases, praise, CONSTANT_MISTAKES)


def _entropy(h):
    return -_pi(h) @ np.log(_pi(h))


ENTROPY_MISTAKES = [
    ("This is the derivative by pi, not by the preferences.", lambda h: -np.log(_pi(h)) - 1),
    ("The entropy itself is missing in the bracket: the components must sum to 0.", lambda h: -_pi(h) * np.log(_pi(h))),
    ("The 1 of the product rule stays, the entropy is missing: the components must sum to 0.",
     lambda h: -_pi(h) * (np.log(_pi(h)) + 1)),
    ("The factor pi is missing: every component is weighted with the probability of its action.",
     lambda h: -(np.log(_pi(h)) + _entropy(h))),
    ("Check the sign in the bracket: H = -sum pi log pi is added to log pi there.",
     lambda h: -_pi(h) * (np.log(_pi(h)) - _entropy(h))),
    ("You subtract the plain mean of log pi: its mean under pi is -H.",
     lambda h: -_pi(h) * (np.log(_pi(h)) - np.log(_pi(h)).mean())),
    ("pi (1 - pi) is only half of it: when one preference rises, the other actions lose what this one gains.",
     lambda h: -_pi(h) * (1 - _pi(h)) * (np.log(_pi(h)) + 1)),
]  # fmt: skip


@judged
def check_entropy_gradient(student):
    """f(preferences [A]) -> dH/dh [A], of the entropy H = -sum pi log pi of a softmax policy."""
    praise = "Right: it pushes towards what is rarer than usual, and is 0 where all actions are equally likely."
    cases = [{"preferences": h} for h in PREFERENCES]
    right = lambda h: -_pi(h) * (np.log(_pi(h)) + _entropy(h))  # noqa: E731
    return compare(student, right, cases, praise, ENTROPY_MISTAKES, hint=sums_to(0))


def _kl(p, q):
    return p @ np.log(p / q)


KL_MISTAKES = [
    ("This is KL(q || p): the average is taken over p, the first.", lambda p, q: _kl(q, p)),
    ("This is the cross entropy: subtract the entropy of p.", lambda p, q: -p @ np.log(q)),
    ("This is the entropy of p: what q says is not used.", lambda p, q: -p @ np.log(p)),
    ("In bits: use the natural logarithm.", lambda p, q: _kl(p, q) / np.log(2)),
    ("The mean over actions is not weighted with p.", lambda p, q: np.log(p / q).mean()),
    ("The sum over actions is not weighted with p.", lambda p, q: np.log(p / q).sum()),
    ("The average is taken over q: it is taken over p, the first.", lambda p, q: q @ np.log(p / q)),
    ("The sum is divided by the number of actions: it is weighted with p, which sums to 1 already.",
     lambda p, q: _kl(p, q) / len(p)),
    ("This is the mean of both directions: KL(p || q) alone is asked for.", lambda p, q: (_kl(p, q) + _kl(q, p)) / 2),
    ("This is the sum of both directions: KL(p || q) alone is asked for.", lambda p, q: _kl(p, q) + _kl(q, p)),
    ("Some terms are negative, and they stay so: no absolute values.", lambda p, q: abs(p * np.log(p / q)).sum()),
]  # fmt: skip


@judged
def check_kl(student):
    """f(p [A], q [A]) -> KL(p || q) in nats, a number; 0 log 0 is 0."""
    cases = [{"p": _pi(h), "q": _pi(h[::-1] / 2)} for h in PREFERENCES]
    negative = lambda case, yours, right: " A KL is never below 0." if yours < 0 else ""  # noqa: E731
    compare(student, _kl, cases, "", KL_MISTAKES, hint=negative)
    case = [{"p": np.array([0.0, 1.0]), "q": np.array([0.5, 0.5])}]
    with contextlib.suppress(Fault):
        return compare(student, lambda p, q: np.log(2), case, "Right, and 0 log 0 is 0.")
    return "Right. For later: where p is 0 the term counts as 0, and yours gives something else there."

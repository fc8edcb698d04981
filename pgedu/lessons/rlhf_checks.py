"""Exact checks of notebook 12's exercises: the best policy, RLOO's advantages, DPO's weights, and the gradient of KL."""

import numpy as np

from pgedu.learning.preferences import tilt
from pgedu.lessons.verdicts import compare, judged, sums_to

REFERENCES = [np.array([0.6, 0.3, 0.1]), np.array([0.25, 0.15, 0.2, 0.4])]
REWARDS = [np.array([0.0, 1.0, 2.0]), np.array([1.5, -0.5, 0.3, 0.0])]


def _shared(weights):
    return weights / weights.sum()


POLICY_MISTAKES = [
    ("You multiply the rewards by beta: divide, a large beta keeps the policy near the reference.",
     lambda p, r, b: _shared(p * np.exp(b * r))),
    ("The reference is forgotten: it multiplies the exponential.", lambda p, r, b: _shared(np.exp(r / b))),
    ("The chances are not brought to a sum of 1: divide by Z, the sum of all of them.", lambda p, r, b: p * np.exp(r / b)),
    ("Beta is missing: the exponent is r / beta.", lambda p, r, b: _shared(p * np.exp(r))),
    ("The exponential is missing.", lambda p, r, b: _shared(p * r / b)),
    ("The reference is divided by beta, too (or taken to that power): it multiplies as it is.",
     lambda p, r, b: _shared((p * np.exp(r)) ** (1 / b))),
    ("The sign of the reward is turned round: the best answers gain.", lambda p, r, b: _shared(p * np.exp(-r / b))),
    ("The reference stands in the exponent without its logarithm.", lambda p, r, b: _shared(np.exp(p + r / b))),
    ("This is the reference itself.", lambda p, r, b: p),
    ("These are logarithms: chances are asked for.", lambda p, r, b: tilt(np.log(p), r, b)[0]),
]  # fmt: skip


@judged
def check_best_policy(student):
    """f(reference [N], rewards [N], beta) -> the chances [N] of the best policy for E r - beta KL."""
    cases = [{"reference": p, "rewards": r, "beta": beta} for p, r, beta in zip(REFERENCES, REWARDS, (0.8, 2.5))]
    praise = "Right: the reference, tilted by exp(r / beta) and brought to a sum of 1."
    return compare(student, lambda p, r, b: np.exp(tilt(np.log(p), r, b)[0]), cases, praise, POLICY_MISTAKES, hint=sums_to(1))


def _others(r):
    return (r.sum() - r) / (len(r) - 1)


GROUP_MISTAKES = [
    ("The judged answer is in its own mean: leave it out, or multiply by G / (G - 1).", lambda r: r - r.mean()),
    ("The factor is G / (G - 1), not (G - 1) / G: your own mean has made the advantages too short, not too long.",
     lambda r: (r - r.mean()) * (len(r) - 1) / len(r)),
    ("You divide by the deviation as GRPO does: RLOO does not.", lambda r: (r - r.mean()) / r.std()),
    ("You divide by the deviation (with G - 1 in it): RLOO does not divide.", lambda r: (r - r.mean()) / r.std(ddof=1)),
    ("You divide by the deviation, after leaving the answer out: RLOO does not divide.",
     lambda r: (r - _others(r)) / r.std()),
    ("The others' rewards are summed: subtract their mean.", lambda r: r - (r.sum() - r)),
    ("The others' sum is divided by G: there are only G - 1 of them.", lambda r: r - (r.sum() - r) / len(r)),
    ("The sum of all is divided by G - 1, with the judged answer in it.", lambda r: r - r.sum() / (len(r) - 1)),
    ("This is the baseline: subtract it from the rewards.", _others),
    ("The sign is turned round: the reward minus the baseline.", lambda r: _others(r) - r),
    ("The best of the others is no mean.", lambda r: r - np.array([np.delete(r, i).max() for i in range(len(r))])),
    ("Nothing is subtracted.", lambda r: r),
]  # fmt: skip


@judged
def check_rloo(student):
    """f(rewards [G]) -> advantages [G] of RLOO."""
    cases = [{"rewards": np.array([1.0, 0.0, 2.5, -0.5])}, {"rewards": np.array([0.0, 3.0, 1.0])}]
    praise = "Right: each answer against the mean of the others, so that nothing is judged by itself."
    return compare(student, lambda r: r - _others(r), cases, praise, GROUP_MISTAKES)


def _sigma(x):
    return 1 / (1 + np.exp(-x))


def _h(w, l, rw, rl):
    return (w - rw) - (l - rl)


REFERENCE_MISSING = "The reference is missing: compare the log ratios of both answers to it."
DPO_MISTAKES = [
    ("The sigmoid has the wrong sign: a pair that is ranked right already needs little, sigma(-beta h).",
     lambda w, l, rw, rl, b: b * _sigma(b * _h(w, l, rw, rl))),
    ("Beta stands outside only: it multiplies h within the sigmoid, too.",
     lambda w, l, rw, rl, b: b * _sigma(-_h(w, l, rw, rl))),
    ("Beta stands within only: the slope of log sigma(beta h) has it outside, too.",
     lambda w, l, rw, rl, b: _sigma(-b * _h(w, l, rw, rl))),
    (REFERENCE_MISSING, lambda w, l, rw, rl, b: b * _sigma(-b * (w - l))),
    ("Beta is nowhere.", lambda w, l, rw, rl, b: _sigma(-_h(w, l, rw, rl))),
    ("The loser's ratio is added: subtract it.", lambda w, l, rw, rl, b: b * _sigma(-b * (w - rw + l - rl))),
    ("The loser is missing: h is the winner's log ratio minus the loser's.",
     lambda w, l, rw, rl, b: b * _sigma(-b * (w - rw))),
    ("The references are added to the log-probabilities: subtract them.",
     lambda w, l, rw, rl, b: b * _sigma(-b * (w + rw - l - rl))),
    ("This is the loss: its slope is asked for.", lambda w, l, rw, rl, b: np.log1p(np.exp(-b * _h(w, l, rw, rl)))),
    ("This is the slope of sigma: DPO takes that of its logarithm.",
     lambda w, l, rw, rl, b: b * _sigma(b * _h(w, l, rw, rl)) * _sigma(-b * _h(w, l, rw, rl))),
    ("These are IPO's weights, 2 (1 / (2 beta) - h).", lambda w, l, rw, rl, b: 1 / b - 2 * _h(w, l, rw, rl)),
]  # fmt: skip


@judged
def check_dpo_weight(student):
    """f(winner, loser, ref_winner, ref_loser [P], beta) -> weight [P] of score(winner) - score(loser) in DPO."""
    names = "winner", "loser", "ref_winner", "ref_loser", "beta"
    parts = [(np.array([-1.0, -2.5, -0.7]), np.array([-1.5, -0.6, -2.0]), np.array([-1.2, -1.3, -0.9]),
              np.array([-1.1, -1.4, -0.8]), 0.5),
             (np.array([-3.0, -0.4]), np.array([-1.0, -2.2]), np.array([-2.0, -1.6]), np.array([-1.9, -0.5]), 2.0)]  # fmt: skip
    praise = "Right: beta times the chance that the policy, read as a judge, gives to the wrong answer."
    right = lambda w, l, rw, rl, b: b * _sigma(-b * _h(w, l, rw, rl))  # noqa: E731
    return compare(student, right, [dict(zip(names, part)) for part in parts], praise, DPO_MISTAKES)


def _kl(pi, p):
    return (pi * np.log(pi / p)).sum()


def _right_gradient(pi, p):
    return pi * (np.log(pi / p) - _kl(pi, p))


KL_MISTAKES = [
    ("This is the gradient of KL the other way round, as k3 in the loss gives: pi minus the reference.",
     lambda pi, p: pi - p),
    ("The reference minus pi: that is k3's gradient, and with the sign of a descent.", lambda pi, p: p - pi),
    ("All 0: that is k1 in the loss. The draws move with the logits, too: weight each score with its log ratio.",
     lambda pi, p: 0 * pi),
    ("The score is not there: a logit's rise lowers all other chances. KL is missing in the bracket.",
     lambda pi, p: pi * np.log(pi / p)),
    ("The chances are missing: it is a mean over the policy.", lambda pi, p: np.log(pi / p) - _kl(pi, p)),
    ("In the bracket stands KL, the mean of the log ratio weighted with pi, not its plain mean.",
     lambda pi, p: pi * (np.log(pi / p) - np.log(pi / p).mean())),
    ("The mean is taken over the reference: the answers are the policy's.",
     lambda pi, p: p * (np.log(pi / p) - (p * np.log(pi / p)).sum())),
    ("The logarithm of pi alone pulls towards the uniform policy: the reference is missing.",
     lambda pi, p: pi * (np.log(pi) - (pi * np.log(pi)).sum())),
    ("1 + log ratio is the slope in pi itself: in the logits, the mean must be subtracted.",
     lambda pi, p: pi * (1 + np.log(pi / p))),
    ("1 + log ratio is the slope in pi itself, not in the logits.", lambda pi, p: 1 + np.log(pi / p)),
    ("The log ratio is squared: that is the value of k2, not its slope.",
     lambda pi, p: pi * (np.log(pi / p) ** 2 / 2 - (pi * np.log(pi / p) ** 2 / 2).sum())),
]  # fmt: skip


@judged
def check_kl_gradient(student):
    """f(pi [A], reference [A]) -> the gradient [A] of KL(pi || reference) in pi's logits."""
    policies = [np.array([0.2, 0.5, 0.3]), np.array([0.1, 0.2, 0.3, 0.4])]
    cases = [{"pi": pi, "reference": p} for pi, p in zip(policies, REFERENCES)]
    praise = "Right: each score weighted with its log ratio, as if it were a reward. The components sum to 0."
    return compare(student, _right_gradient, cases, praise, KL_MISTAKES, hint=sums_to(0))

"""Checks of exercises: exact, so that there is no luck in a verdict, and with a diagnosis of what is wrong.

Answers are compared with closed forms, also with those that well-known mistakes give. (Estimators and baselines are
judged in `estimator_checks`, and their checks can be had from here too.)
"""

import contextlib

import numpy as np

from pgedu import clipped_weights, discounted_returns, gae
from pgedu.lessons.estimator_checks import DOUBLED, MEAN, SHIFTED, check_baseline, check_estimator, shift  # noqa: F401
from pgedu.lessons.step_checks import check_natural_step, check_policy_gradient, check_td_targets  # noqa: F401
from pgedu.lessons.verdicts import Fault, compare, judged
from pgedu.policies.heads import softmax as _pi  # as the formulas of the lessons call it

PREFERENCES = [np.array(h) for h in ([0.5, -1.0], [0.2, 1.5, -0.6], [2.0, 0.0, 0.0, 1.0])]
VALUES = [np.array(q) for q in ([1.0, 3.0], [2.0, -1.0, 4.0], [5.0, 1.0, 0.0, 2.0])]


def _score(h, a):
    return np.eye(len(h))[a] - _pi(h)


@judged
def check_softmax(student):
    """f(preferences [A]) -> probabilities [A]."""
    praise = "Right: positive numbers that sum to 1, in the proportions of exp(h)."
    compare(student, _pi, [{"preferences": h} for h in PREFERENCES], praise, [
        ("Your numbers are exp(h), not yet probabilities: divide them by their sum.", np.exp),
        ("The larger the preference, the smaller your probability: check the sign in exp(h).", lambda h: _pi(-h)),
    ])  # fmt: skip
    with contextlib.suppress(Fault):
        return compare(student, _pi, [{"preferences": np.array([1000.0, 999.0])}], praise)
    return praise + " For later: preferences of 1000 overflow. Subtract the largest first; it changes nothing else."


@judged
def check_score(student):
    """f(preferences [A], action) -> grad log softmax at that action, [A]."""
    cases = [{"preferences": h, "action": a} for h in PREFERENCES for a in range(len(h))]
    return compare(student, _score, cases, "Right: 1 for the chosen action, minus the probability of each.", [
        ("The probabilities are not yet subtracted from the 1 of the chosen action.", lambda h, a: np.eye(len(h))[a]),
        ("This is the gradient of pi, not of log pi: divide by pi(action).", lambda h, a: _pi(h)[a] * _score(h, a)),
    ])  # fmt: skip


@judged
def check_bandit_gradient(student):
    """f(preferences [A], values [A]) -> exact gradient of the expected reward, [A]."""
    cases = [{"preferences": h, "values": q} for h, q in zip(PREFERENCES, VALUES)]
    praise = "Right: probability times (value minus expected reward); the components sum to 0."
    return compare(student, lambda h, q: _pi(h) * (q - _pi(h) @ q), cases, praise, [
        ("The expected reward must be subtracted from each value.", lambda h, q: _pi(h) * q),
        ("Each difference must be weighted with the probability of its action.", lambda h, q: q - _pi(h) @ q),
    ])  # fmt: skip


@judged
def check_slope(student):
    """f(p) -> dJ/dp of the short corridor, J(p) = (2p - 4) / (p (1 - p)). A fine numerical derivative is right, too."""
    slope = lambda p: (2 * p * p - 8 * p + 4) / (p * (1 - p)) ** 2  # noqa: E731
    cases = [{"p": p} for p in (0.1, 0.35, 0.5, 0.8)]
    return compare(student, slope, cases, "Right: it is 0 where 2p^2 - 8p + 4 = 0, at p = 2 - sqrt(2).", [
        ("This is J itself, not its slope.", lambda p: (2 * p - 4) / (p * (1 - p))),
        ("This is the slope along the preference: divide by p (1 - p).", lambda p: p * (1 - p) * slope(p)),
    ], 1e-4)  # fmt: skip


@judged
def check_best_constant(student):
    """f(theta) -> b*, the constant that minimises the variance of the total return's estimate on stay-or-stop."""
    cases = [{"theta": x} for x in (0.1, 0.3, 0.5, 0.8)]
    praise = "Right: (1 + 2 theta) / (1 - theta). It is more than J: long episodes have large scores and weigh more."
    return compare(student, lambda x: (1 + 2 * x) / (1 - x), cases, praise, [
        ("This is J, the mean return; the best constant weights returns with squared scores.", lambda x: x / (1 - x)),
        ("This is E[G S^2]: divide it by E[S^2].", lambda x: (1 + 2 * x) / (x * (1 - x) ** 3)),
    ])  # fmt: skip


@judged
def check_returns(student):
    """f(rewards [T, ...], discounts [T, ...]) -> returns [T, ...], with the discount 0 where an episode terminated."""
    G, left = discounted_returns, lambda r: np.arange(len(r), 0, -1).reshape(-1, *[1] * (r.ndim - 1))  # noqa: E731
    R = np.array([[2.0, -1.0, 0.5, 3.0, 1.0], [1.0, 4.0, 2.0, -2.0, 3.0]]).T
    D = np.array([[0.9, 0.9, 0.9, 0.9, 0.0], [0.5, 0.0, 0.5, 0.5, 0.5]]).T  # one episode ends in the middle
    cases = [{"rewards": r, "discounts": d} for r, d in ((R[:, 0], D[:, 0]), (R[:4, 1], D[:4, 1]), (R, D))]
    compare(student, G, cases, "", [
        ("Past rewards kept: every row is the return of the whole episode.", lambda r, d: G(r, d)[:1] + 0 * r),
        ("The discounts are not used: they multiply what follows.", lambda r, d: G(r, 0 * d + 1)),
        ("You go on across an episode's end: use discounts[t], which is 0 there.", lambda r, d: G(r, 0 * d + d[0])),
        (SHIFTED, lambda r, d: shift(G(r, d), -1)), (SHIFTED, lambda r, d: G(r, d) - r),
        (SHIFTED, lambda r, d: G(r, shift(d, 1))), (SHIFTED, lambda r, d: G(r, shift(d, -1))),
        (DOUBLED, lambda r, d: G(r, d) * np.cumprod(np.concatenate([0 * d[:1] + 1, d[:-1]]), axis=0)),
        (MEAN, lambda r, d: G(r, d) / left(r)), (MEAN, lambda r, d: G(r, d) / len(r)),
    ])  # fmt: skip
    whole = [{"rewards": np.array([1, 2, 3]), "discounts": np.array([0.5, 0.5, 0.0])}]
    try:
        return compare(student, G, whole, "Right, also where an episode ends in the middle, and for whole numbers.")
    except Fault as fault:
        raise Fault(f"Right for 1.0, wrong for the integer 1: arrays of integers cut decimals off. {fault}") from None


@judged
def check_gae(student):
    """f(rewards [T, ...], discounts [T, ...], values [T+1, ...], mask [T, ...], lam) -> advantages [T, ...]."""
    R = np.array([[2.0, -1.0, 0.5, 3.0, 1.0], [1.0, 4.0, 0.0, -2.0, 3.0]]).T
    V = np.array([[1.0, -0.5, 2.0, 0.3, 1.5, 4.0], [0.5, 1.0, 2.5, -1.0, 0.8, 2.0]]).T
    D = np.array([[0.9, 0.9, 0.9, 0.9, 0.9], [0.5, 0.0, 0.0, 0.5, 0.5]]).T
    M = np.array([[1.0, 1.0, 0.0, 1.0, 1.0], [1.0, 1.0, 0.0, 1.0, 1.0]]).T  # one truncated, one terminated
    parts = [(R[:2, k], D[:2, k], V[:3, k], M[:2, k]) for k in (0, 1)] + [(R * M, D * M, V, M)]
    cases = [dict(zip(("rewards", "discounts", "values", "mask", "lam"), (*part, 0.7))) for part in parts]
    full = lambda d: 0 * d + d[0]  # noqa: E731 - the discount, at an episode's end too
    praise = "Right: TD residuals, summed with factors of gamma lambda, and cut where an episode ends."
    return compare(student, gae, cases, praise, [
        ("Lambda is not used: this is the return minus the value.", lambda r, d, v, m, lam: gae(r, d, v, m, 1)),
        ("This is the TD residual alone: later residuals are still to be added.",
         lambda r, d, v, m, lam: gae(r, d, v, m, 0)),
        ("The discount is missing beside lambda: the factor is gamma lambda, that is lam * discounts[t].",
         lambda r, d, v, m, lam: discounted_returns(m * (r + d * v[1:] - v[:-1]), lam * m * (d > 0))),
        ("Right, but not cut where an episode was truncated: multiply by mask.",
         lambda r, d, v, m, lam: gae(r, d, v, 0 * m + 1, lam)),
        ("You carry on across an episode's end: the sum must stop where discounts[t] or mask[t] is 0.",
         lambda r, d, v, m, lam: discounted_returns(m * (r + d * v[1:] - v[:-1]), lam * full(d))),
        ("Where an episode terminated, the value of what follows still counts: use discounts[t], which is 0 there.",
         lambda r, d, v, m, lam: gae(r, full(d), v, m, lam)),
        ("v(s_t) is not subtracted: these are returns, not advantages.",
         lambda r, d, v, m, lam: gae(r, d, v, m, lam) + v[:-1] * m),
        ("The TD residual lacks its last term: - values[t].",
         lambda r, d, v, m, lam: discounted_returns(m * (r + d * v[1:]), lam * m * d)),
    ])  # fmt: skip


@judged
def check_entropy_gradient(student):
    """f(preferences [A]) -> dH/dh [A], of the entropy H = -sum pi log pi of a softmax policy."""
    entropy = lambda h: -_pi(h) @ np.log(_pi(h))  # noqa: E731
    praise = "Right: it pushes towards what is rarer than usual, and is 0 where all actions are equally likely."
    cases = [{"preferences": h} for h in PREFERENCES]
    return compare(student, lambda h: -_pi(h) * (np.log(_pi(h)) + entropy(h)), cases, praise, [
        ("This is the derivative by pi, not by the preferences.", lambda h: -np.log(_pi(h)) - 1),
        ("The entropy itself is missing in the bracket: the components must sum to 0.",
         lambda h: -_pi(h) * np.log(_pi(h))),
        ("The 1 of the product rule stays, the entropy is missing: the components must sum to 0.",
         lambda h: -_pi(h) * (np.log(_pi(h)) + 1)),
        ("The factor pi is missing: every component is weighted with the probability of its action.",
         lambda h: -(np.log(_pi(h)) + entropy(h))),
    ])  # fmt: skip


@judged
def check_clipped_weights(student):
    """f(ratio [N], advantages [N], clip) -> psi [N], so that psi grad log pi is the gradient of PPO's surrogate."""
    ratio, signs = np.array([0.5, 0.9, 1.0, 1.15, 1.3, 2.0] * 2), np.repeat([2.0, -3.0], 6)  # none at a kink
    inside = lambda r, c: (1 - c <= r) & (r <= 1 + c)  # noqa: E731
    cases = [{"ratio": ratio, "advantages": signs, "clip": c} for c in (0.2, 0.12)]
    praise = "Right: no push further out, and the full push back in."
    return compare(student, clipped_weights, cases, praise, [
        ("This is the surrogate itself; its gradient is 0 where the clipped branch is the smaller one.",
         lambda r, A, c: np.minimum(r * A, np.clip(r, 1 - c, 1 + c) * A)),
        ("Clipped whatever the sign of A: a ratio that has gone the wrong way must still be pushed back.",
         lambda r, A, c: np.where(inside(r, c), r * A, 0.0)),
        ("The sides are swapped: with A > 0 it is r > 1 + clip that has no more say.",
         lambda r, A, c: np.where(np.where(A > 0, r < 1 - c, r > 1 + c), 0.0, r * A)),
        ("The ratio is missing: grad r = r grad log pi.",
         lambda r, A, c: np.where(clipped_weights(r, A, c) == 0, 0.0, A)),
        ("Nothing is clipped.", lambda r, A, c: r * A),
        ("Clipped above only: a bad action, A < 0, has no more say below 1 - clip.",
         lambda r, A, c: np.where(r > 1 + c, 0.0, r * A)),
        ("Clipping the ratio in the weight is not the gradient of the clipped surrogate, which is flat there: 0.",
         lambda r, A, c: np.clip(r, 1 - c, 1 + c) * A),
    ])  # fmt: skip


@judged
def check_kl(student):
    """f(p [A], q [A]) -> KL(p || q) in nats, a number; 0 log 0 is 0."""
    kl = lambda p, q: p @ np.log(p / q)  # noqa: E731
    cases = [{"p": _pi(h), "q": _pi(h[::-1] / 2)} for h in PREFERENCES]
    compare(student, kl, cases, "", [
        ("This is KL(q || p): the average is taken over p, the first.", lambda p, q: kl(q, p)),
        ("This is the cross entropy: subtract the entropy of p.", lambda p, q: -p @ np.log(q)),
        ("In bits: use the natural logarithm.", lambda p, q: kl(p, q) / np.log(2)),
        ("The mean over actions is not weighted with p.", lambda p, q: np.log(p / q).mean()),
    ])  # fmt: skip
    case = [{"p": np.array([0.0, 1.0]), "q": np.array([0.5, 0.5])}]
    with contextlib.suppress(Fault):
        return compare(student, lambda p, q: np.log(2), case, "Right, and 0 log 0 is 0.")
    return "Right. For later: where p is 0 the term counts as 0, and yours gives something else there."

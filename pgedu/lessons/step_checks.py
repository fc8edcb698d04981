"""Checks of what a policy moves by: the policy gradient of a table, a natural gradient's step, PPO's clipped weights."""

import numpy as np

from pgedu import clipped_weights
from pgedu.lessons.answers import as_text
from pgedu.lessons.verdicts import compare, judged, sums_to, wrong_places

VISITED = [np.array([1.0, 2.5]), np.array([0.8, 0.3, 1.9])]
CHANCES = [np.array(p) for p in ([[0.25, 0.75], [0.6, 0.4]], [[0.2, 0.5, 0.3], [0.7, 0.1, 0.2], [0.3, 0.3, 0.4]])]
WORTH = [np.array(q) for q in ([[3.0, 1.0], [-2.0, 4.0]], [[1.0, -1.0, 2.0], [0.5, 6.0, 3.0], [-3.0, -1.0, 2.5]])]


def _weighted(d, p, difference):
    return d[:, None] * p * difference


def _v(p, q):
    return (p * q).sum(axis=1, keepdims=True)


ONE_FOR_ALL = "You subtract one number in all states: each state has a v(s) of its own."
GRADIENT_MISTAKES = [
    ("The visits are missing: a state counts as often as it is visited.", lambda d, p, q: p * (q - _v(p, q))),
    ("The probability is missing: an action counts as often as it is chosen.",
     lambda d, p, q: d[:, None] * (q - _v(p, q))),
    ("v(s) is not subtracted: in each state the components must sum to 0.", lambda d, p, q: _weighted(d, p, q)),
    ("v(s) is the mean of q(s, a) weighted with pi(a|s), not the plain mean over the actions.",
     lambda d, p, q: _weighted(d, p, q - q.mean(axis=1, keepdims=True))),
    ("v(s) is the sum of pi(a|s) q(s, a), not the sum of q(s, a).",
     lambda d, p, q: _weighted(d, p, q - q.sum(axis=1, keepdims=True))),
    ("v(s) is the mean of q(s, a) weighted with pi(a|s), not the largest of them.",
     lambda d, p, q: _weighted(d, p, q - q.max(axis=1, keepdims=True))),
    ("v(s) is the sum of pi(a|s) q(s, a), not the mean of these products.",
     lambda d, p, q: _weighted(d, p, q - (p * q).mean(axis=1, keepdims=True))),
    ("v(s) is a sum over actions, along axis 1: yours runs over the states.",
     lambda d, p, q: _weighted(d, p, q - (p * q).sum(axis=0))),
    ("The visits are multiplied along the actions: visits[:, None] gives each state its own.",
     lambda d, p, q: d * p * (q - _v(p, q))),
    ("v(s) is subtracted along the actions: v[:, None], or keepdims=True in the sum, gives each state its own.",
     lambda d, p, q: _weighted(d, p, q - _v(p, q)[:, 0])),
    ("Visits and v(s) run along the actions: visits[:, None] and v[:, None] give each state its own.",
     lambda d, p, q: d * p * (q - _v(p, q)[:, 0])),
    ("Brackets: pi times (q minus v), not (pi times q) minus v.", lambda d, p, q: d[:, None] * (p * q - _v(p, q))),
    ("Neither visits nor v(s): the gradient is visits times pi times (q minus v).", lambda d, p, q: p * q),
    (ONE_FOR_ALL, lambda d, p, q: _weighted(d, p, q - d @ _v(p, q) / d.sum())),
    (ONE_FOR_ALL, lambda d, p, q: _weighted(d, p, q - d @ _v(p, q))),
    (ONE_FOR_ALL, lambda d, p, q: _weighted(d, p, q - _v(p, q).sum())),
    (ONE_FOR_ALL, lambda d, p, q: _weighted(d, p, q - _v(p, q).mean())),
    ("pi (1 - pi) is only half of it: when one preference rises, the other actions lose what this one gains.",
     lambda d, p, q: _weighted(d, p, (1 - p) * q)),
    ("You brought the visits to a sum of 1. J counts whole episodes, so a state counts as often as it is visited.",
     lambda d, p, q: _weighted(d / d.sum(), p, q - _v(p, q))),
    ("You summed q(s, b) times its score without pi(b|s): the sum over actions is an average over the policy.",
     lambda d, p, q: d[:, None] * (q - p * q.sum(axis=1, keepdims=True))),
]  # fmt: skip


@judged
def check_policy_gradient(student):
    """f(visits [S], probabilities [S, A], action_values [S, A]) -> gradient [S, A] of J, by a softmax table's preferences."""
    cases = [{"visits": d, "probabilities": p, "action_values": q} for d, p, q in zip(VISITED, CHANCES, WORTH)]
    praise = "Right: visits times probability times advantage; in each state the components sum to 0."
    right = lambda d, p, q: _weighted(d, p, q - _v(p, q))  # noqa: E731
    return compare(student, right, cases, praise, GRADIENT_MISTAKES, hint=sums_to(0))


def _along(direction, square, length=lambda d, s: np.sqrt(2 * d / s)):
    """The step of delta d along a direction, where square says what length it is taken to have."""
    return lambda F, g, d: length(d, square(F, g, direction(F, g))) * direction(F, g)


def _natural(F, g):
    return np.linalg.solve(F, g)


def _plain(F, g):
    return g


def _fisher(F, g, x):
    return x @ F @ x


def _euclid(F, g, x):
    return x @ x


def _wrong_way(F, g):
    return F @ g


def _one(F, g, x):
    return 1.0


SOLVE = "F g where F^-1 g is needed: solve F x = g for x."
PLAIN = "This is the plain gradient, scaled: the natural one goes along F^-1 g."
UNDER = "The direction is right, the length is not: under the root stands 2 delta / (g' F^-1 g)."
ROOT = "The root is missing: the KL grows with the square of the step, so the length goes with sqrt(delta)."
EACH = "1 / F inverts each number by itself: F^-1 is the inverse of the matrix, so solve F x = g for x."
STEP_MISTAKES = [
    (SOLVE, lambda F, g, d: F @ g), (SOLVE, _along(_wrong_way, _fisher)),
    (SOLVE, lambda F, g, d: np.sqrt(2 * d / (g @ F @ g)) * F @ g),
    (SOLVE, lambda F, g, d: np.sqrt(2 * d / (g @ _natural(F, g))) * F @ g),
    ("The factor 2 is missing: 1/2 step' F step is to be delta.", _along(_natural, _fisher, lambda d, s: np.sqrt(d / s))),
    (ROOT, _along(_natural, _fisher, lambda d, s: 2 * d / s)), (ROOT, _along(_natural, _fisher, lambda d, s: d / s)),
    (PLAIN, lambda F, g, d: g), (PLAIN, _along(_plain, _fisher)), (PLAIN, _along(_plain, _euclid)),
    (PLAIN, lambda F, g, d: np.sqrt(2 * d / (g @ _natural(F, g))) * g),
    ("The direction is right, but its length is not set: scale F^-1 g so that 1/2 step' F step is delta.",
     lambda F, g, d: _natural(F, g)),
    ("delta is no learning rate: scale F^-1 g so that 1/2 step' F step is delta.", lambda F, g, d: d * _natural(F, g)),
    ("sqrt(2 delta) alone is not the length: divide it by sqrt(g' F^-1 g).", _along(_natural, _one)),
    ("delta stands outside the root: the length goes with sqrt(2 delta).",
     _along(_natural, _fisher, lambda d, s: d / np.sqrt(s))),
    ("delta stands outside the root: the length goes with sqrt(2 delta).",
     _along(_natural, _fisher, lambda d, s: 2 * d / np.sqrt(s))),
    ("delta stands outside the root: the length goes with sqrt(2 delta).",
     _along(_natural, _fisher, lambda d, s: d * np.sqrt(2 / s))),
    ("You set the plain length |step|: the length that counts is measured with F, 1/2 step' F step = delta.",
     _along(_natural, _euclid)),
    ("You set the plain length |step|: the length that counts is measured with F, 1/2 step' F step = delta.",
     _along(_natural, _euclid, lambda d, s: d / np.sqrt(s))),
    (UNDER, lambda F, g, d: np.sqrt(2 * d / (g @ F @ g)) * _natural(F, g)),
    (UNDER, lambda F, g, d: np.sqrt(2 * d / (g @ g)) * _natural(F, g)),
    (UNDER, lambda F, g, d: np.sqrt((g @ _natural(F, g)) / (2 * d)) * _natural(F, g)),
    (UNDER, lambda F, g, d: np.sqrt(2 * d * (g @ _natural(F, g))) * _natural(F, g)),
    (EACH, lambda F, g, d: (1 / F) @ g), (EACH, _along(lambda F, g: (1 / F) @ g, _fisher)),
    (EACH, lambda F, g, d: np.sqrt(2 * d / abs(g @ (1 / F) @ g)) * ((1 / F) @ g)),
    ("Only the diagonal of F is used: solve F x = g for x.", _along(lambda F, g: g / np.diag(F), _fisher)),
    ("Only the diagonal of F is used: solve F x = g for x.",
     lambda F, g, d: np.sqrt(2 * d / (g @ (g / np.diag(F)))) * g / np.diag(F)),
]  # fmt: skip


@judged
def check_natural_step(student):
    """f(fisher [D, D], gradient [D], delta) -> step [D], along F^-1 g and with 1/2 step' F step = delta."""
    F = [np.array(each) for each in ([[2.0, 0.6], [0.6, 0.5]], [[1.5, 0.4, -0.3], [0.4, 0.8, 0.2], [-0.3, 0.2, 3.0]])]
    parts = [(F[0], np.array([1.0, -0.5]), 0.02), (F[1], np.array([0.5, 2.0, -1.0]), 0.3)]
    cases = [dict(zip(("fisher", "gradient", "delta"), part)) for part in parts]
    praise = "Right: along F^-1 g, and as far as a KL of delta allows, to second order."
    return compare(student, _along(_natural, _fisher), cases, praise, STEP_MISTAKES, hint=_half_right)


def _half_right(case, yours, right):
    """A hint for `compare`: is the direction right, or the length?"""
    F, g, delta = case.values()
    size = yours @ F @ yours / 2
    if np.isclose(size, delta):
        return " The length is right, 1/2 step' F step = delta; the direction is not that of F^-1 g."
    if np.isclose(yours @ right, np.sqrt(yours @ yours * (right @ right))):
        return f" The direction is right, the length is not: 1/2 step' F step is {as_text(size, 6)} where delta is {delta}."
    return ""


def _psi(zero):
    """Weights r A with 0 where `zero` says."""
    return lambda r, A, c: np.where(zero(r, A, c), 0.0, r * A)


CLIP_MISTAKES = [
    ("This is the surrogate itself; its gradient is 0 where the clipped branch is the smaller one.",
     lambda r, A, c: np.minimum(r * A, np.clip(r, 1 - c, 1 + c) * A)),
    ("Clipped whatever the sign of A: a ratio that has gone the wrong way must still be pushed back.",
     _psi(lambda r, A, c: (r < 1 - c) | (r > 1 + c))),
    ("The sides are swapped: with A > 0 it is r > 1 + clip that has no more say.",
     _psi(lambda r, A, c: np.where(A > 0, r < 1 - c, r > 1 + c))),
    ("The ratio is missing: grad r = r grad log pi.", lambda r, A, c: np.where(clipped_weights(r, A, c) == 0, 0.0, A)),
    ("Nothing is clipped.", lambda r, A, c: r * A),
    ("Neither is there a ratio nor is anything clipped: psi is r A, and 0 where the clip silences it.",
     lambda r, A, c: A),
    ("Clipped above only: a bad action, A < 0, has no more say below 1 - clip.", _psi(lambda r, A, c: r > 1 + c)),
    ("Clipped below only: a good action, A > 0, has no more say above 1 + clip.", _psi(lambda r, A, c: r < 1 - c)),
    ("Only good actions are clipped: a bad one, A < 0, has no more say below 1 - clip.",
     _psi(lambda r, A, c: (A > 0) & (r > 1 + c))),
    ("Only bad actions are clipped: a good one, A > 0, has no more say above 1 + clip.",
     _psi(lambda r, A, c: (A < 0) & (r < 1 - c))),
    ("The wrong way round: you keep what the clip silences, and silence what it keeps.",
     _psi(lambda r, A, c: clipped_weights(r, A, c) != 0)),
    ("Clipping the ratio in the weight is not the gradient of the clipped surrogate, which is flat there: 0.",
     lambda r, A, c: np.clip(r, 1 - c, 1 + c) * A),
    ("A is missing: these are the clipped ratios.", lambda r, A, c: np.clip(r, 1 - c, 1 + c)),
    ("A is missing: you return the ratio, and 0 where it is clipped.",
     lambda r, A, c: np.where(clipped_weights(r, A, c) == 0, 0.0, r)),
    ("Within the clip both branches are the same, and count: r A there, not 0.",
     _psi(lambda r, A, c: r * A >= np.clip(r, 1 - c, 1 + c) * A)),
    ("The clip is 0.2 whatever `clip` says: use the argument.", lambda r, A, c: clipped_weights(r, A, 0.2)),
]  # fmt: skip


@judged
def check_clipped_weights(student):
    """f(ratio [N], advantages [N], clip) -> psi [N], so that psi grad log pi is the gradient of PPO's surrogate."""
    ratio, signs = np.array([0.5, 0.85, 1.0, 1.15, 1.3, 2.0] * 2), np.repeat([2.0, -3.0], 6)  # none at a kink
    cases = [{"ratio": ratio, "advantages": signs, "clip": c} for c in (0.2, 0.12)]
    praise = "Right: no push further out, and the full push back in."
    return compare(student, clipped_weights, cases, praise, CLIP_MISTAKES, hint=_first_wrong)


def _first_wrong(case, yours, right):
    """A hint for `compare`: the first of many numbers that is wrong."""
    n = int(np.flatnonzero(wrong_places(yours, right))[0])
    r, A, _ = case.values()
    return f" The first that is wrong: ratio {r[n]:g} and A = {A[n]:g} give {as_text(right[n])}, not {as_text(yours[n])}."

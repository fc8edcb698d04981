"""Checks of what a learner moves by: the policy gradient of a table, one-step targets, and a natural gradient's step."""

import numpy as np

from pgedu.lessons.verdicts import compare, judged

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
    return compare(student, right, cases, praise, GRADIENT_MISTAKES)


def _whole_return(r, end, cut, v, g):
    """Targets that are made of the target one step later, as a return is."""
    found, following = np.zeros_like(r), v[-1]
    for t in reversed(range(len(r))):
        found[t] = following = r[t] + g * (1 - end[t]) * following
    return found


def _target(r, end, cut, v, g):
    return r + g * (1 - end) * v


def _moved(kind):
    """The target with next_values moved by a row: later or earlier, and with what at the row that becomes free."""
    moves = {
        "round": lambda v: np.roll(v, -1, axis=0), "0": lambda v: np.concatenate([v[1:], 0 * v[:1]]),
        "last": lambda v: np.concatenate([v[1:], v[-1:]]), "back round": lambda v: np.roll(v, 1, axis=0),
        "back 0": lambda v: np.concatenate([0 * v[:1], v[:-1]]), "first": lambda v: np.concatenate([v[:1], v[:-1]]),
    }  # fmt: skip
    return lambda r, end, cut, v, g: _target(r, end, cut, moves[kind](v), g)


ROW = "The next value is of the wrong row: next_values[t] already belongs to what follows step t."
PLACE = "gamma is in the wrong place: it discounts the value of what follows, and not the reward."
LOST = "The last reward is lost: (1 - terminated) belongs to the value of what follows alone, not to the reward."
TARGET_MISTAKES = [
    ("You cut where `terminated or truncated`: an episode that was truncated goes on unseen, and what follows counts.",
     lambda r, end, cut, v, g: r + g * (1 - (end | cut)) * v),
    ("Nothing is cut: where the episode terminated nothing follows, whatever next_values says.",
     lambda r, end, cut, v, g: r + g * v),
    ("You cut where the episode was truncated, and not where it terminated: it is the other way round.",
     lambda r, end, cut, v, g: r + g * (1 - cut) * v),
    ("gamma is missing: it discounts the value of what follows.", lambda r, end, cut, v, g: r + (1 - end) * v),
    (PLACE, lambda r, end, cut, v, g: g * (r + (1 - end) * v)), (PLACE, lambda r, end, cut, v, g: g * r + (1 - end) * v),
    (LOST, lambda r, end, cut, v, g: (1 - end) * (r + g * v)),
    (LOST, lambda r, end, cut, v, g: (1 - (end | cut)) * (r + g * v)),
    ("The reward is missing: a target is what was paid, plus what follows.", lambda r, end, cut, v, g: g * (1 - end) * v),
    ("The wrong way round: what follows is to be kept where the episode did not terminate. Take 1 - terminated.",
     lambda r, end, cut, v, g: r + g * end * v),
    ("You count what follows only where the episode was truncated: it counts on each step that did not terminate.",
     lambda r, end, cut, v, g: r + g * cut * v),
    ("Right, except where a step both terminated and was truncated: it terminated, so nothing follows.",
     lambda r, end, cut, v, g: r + g * (1 - (end & ~cut)) * v),
    ("You add up all that follows, as a return does: a one-step target is made of rewards[t] and next_values[t].",
     _whole_return),
    *((ROW, _moved(kind)) for kind in ("round", "0", "last", "back round", "back 0", "first")),
]  # fmt: skip


@judged
def check_td_targets(student):
    """f(rewards, terminated, truncated, next_values, gamma) -> one-step targets for a value; arrays [T, B].

    next_values[t] is the value of the state that step t led to; terminated and truncated are arrays of booleans.
    """
    R = np.array([[2.0, 1.0], [-1.0, 3.0], [0.5, -2.0], [1.5, 4.0]])
    V = np.array([[5.0, -2.0], [3.0, 2.5], [1.0, 7.0], [-4.0, 6.0]])
    end, cut = (np.array(each, bool) for each in ([[0, 0], [1, 0], [0, 1], [0, 0]], [[0, 0], [0, 1], [1, 0], [0, 0]]))
    both = np.array([[1, 0], [0, 0], [0, 0], [0, 0]], bool)  # where both are true, nothing follows
    parts = [(R[1:3], end[1:3], cut[1:3], V[1:3], 0.9), (R, end, cut, V, 0.5), (R, end | both, cut | both, V, 0.5)]
    cases = [dict(zip(("rewards", "terminated", "truncated", "next_values", "gamma"), part)) for part in parts]
    praise = "Right: what follows is cut off where the episode terminated, and only there."
    return compare(student, _target, cases, praise, TARGET_MISTAKES)


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
    return compare(student, _along(_natural, _fisher), cases, praise, STEP_MISTAKES)

"""Checks of what is added up over time: returns, generalised advantages, and one-step targets for a value."""

import numpy as np

from pgedu import discounted_returns, gae
from pgedu.lessons.answers import Fault
from pgedu.lessons.verdicts import compare, judged, last_wrong_row, wrong_places

MEAN = "You take the mean over time where a sum is needed."
SHIFTED = "One step off: with the action at time t goes rewards[t], which it was paid, and what follows."
DOUBLED = "gamma^t is doubled: it is in there once too often."
UNREVERSED = "Turned round in time: what you collect from the end stands in that order. Reverse it."
FORWARD = "You add up forwards: row t holds what came before. Begin at the end and go back."
TOO_OFTEN = "Each reward is discounted once too often: rewards[t] itself is not discounted, only what follows it."
POWERS = "Powers of one discount are not their product: what follows is multiplied by discounts[t], step for step."


def shift(x, steps):
    """x one step later (1) or earlier (-1) in time, with a 0 at the end that becomes free."""
    return np.concatenate([x[1:], 0 * x[:1]] if steps < 0 else [0 * x[:1], x[:-1]])


def forwards(x, factors):
    """Sums from the start: row t is x_t + factors_t times row t - 1."""
    return discounted_returns(x[::-1], factors[::-1])[::-1]


def _powers(r, d, base):
    """Sum over k of base(t, k)^(k - t) rewards_k, from k = t."""
    return np.stack([sum(base(t, k) ** (k - t) * r[k] for k in range(t, len(r))) for t in range(len(r))])


def _left(r):
    return np.arange(len(r), 0, -1).reshape(-1, *[1] * (r.ndim - 1))


G = discounted_returns
RETURN_MISTAKES = [
    ("Past rewards kept: every row is the return of the whole episode.", lambda r, d: G(r, d)[:1] + 0 * r),
    ("Past rewards kept, and nothing discounted: every row is the sum of all rewards.", lambda r, d: r.sum(axis=0) + 0 * r),
    ("The discounts are not used: they multiply what follows.", lambda r, d: G(r, 0 * d + 1)),
    ("You go on across an episode's end: use discounts[t], which is 0 there.", lambda r, d: G(r, 0 * d + d[0])),
    (TOO_OFTEN, lambda r, d: G(d * r, d)), (TOO_OFTEN, lambda r, d: G(d[0] * r, 0 * d + d[0])),
    (TOO_OFTEN, lambda r, d: d[0] * G(r, d)), (TOO_OFTEN, lambda r, d: d * G(r, d)),
    (SHIFTED, lambda r, d: shift(G(r, d), -1)), (SHIFTED, lambda r, d: G(r, d) - r),
    (SHIFTED, lambda r, d: G(r, shift(d, 1))), (SHIFTED, lambda r, d: G(r, shift(d, -1))),
    (DOUBLED, lambda r, d: G(r, d) * np.cumprod(np.concatenate([0 * d[:1] + 1, d[:-1]]), axis=0)),
    ("cumprod needs a shift: at step t it holds discounts[t] already, which belongs to what follows.",
     lambda r, d: G(r * np.cumprod(d, axis=0), 0 * d + 1)),
    ("cumprod needs a shift: at step t it holds discounts[t] already, which belongs to what follows.",
     lambda r, d: G(r, d) * np.cumprod(d, axis=0)),
    ("The powers of the discount count from the episode's start: count them from t.",
     lambda r, d: G(r * d[0] ** (_left(r)[0] - _left(r)), 0 * d + 1)),
    (MEAN, lambda r, d: G(r, d) / _left(r)), (MEAN, lambda r, d: G(r, d) / len(r)),
    (UNREVERSED, lambda r, d: G(r, d)[::-1]),
    (FORWARD, lambda r, d: forwards(r, d)), (FORWARD, lambda r, d: forwards(r, shift(d, 1))),
    (FORWARD, lambda r, d: np.cumsum(r, axis=0)), (FORWARD, lambda r, d: forwards(r, d)[::-1]),
    ("What follows is discounted once only: two steps ahead it is discounted twice, and so on.",
     lambda r, d: r + d * shift(G(r, 0 * d + 1), -1)),
    ("Only one step ahead: what follows is the whole return of the next step, not its reward alone.",
     lambda r, d: r + d * shift(r, -1)),
    (POWERS, lambda r, d: _powers(r, d, lambda t, k: d[t])), (POWERS, lambda r, d: _powers(r, d, lambda t, k: d[k])),
    (POWERS, lambda r, d: _powers(r, d, lambda t, k: d[k - 1])),
    ("The last reward of an episode is lost: discounts[t] = 0 cuts what follows, not rewards[t].",
     lambda r, d: G(r * (d > 0), d)),
    ("These are the discounted rewards, each by itself: they are still to be added up.", lambda r, d: d * r),
    ("These are the rewards: what follows is still to be added.", lambda r, d: r),
]  # fmt: skip


@judged
def check_returns(student):
    """f(rewards [T, ...], discounts [T, ...]) -> returns [T, ...], with the discount 0 where an episode terminated."""
    R = np.array([[2.0, -1.0, 0.5, 3.0, 1.0], [1.0, 4.0, 2.0, -2.0, 3.0]]).T
    D = np.array([[0.9, 0.9, 0.9, 0.9, 0.0], [0.5, 0.0, 0.5, 0.5, 0.5]]).T  # one episode ends in the middle
    cases = [{"rewards": r, "discounts": d} for r, d in ((R[:, 0], D[:, 0]), (R[:4, 1], D[:4, 1]), (R, D))]
    compare(student, G, cases, "", RETURN_MISTAKES, hint=last_wrong_row)
    whole = [{"rewards": np.array([1, 2, 3]), "discounts": np.array([0.5, 0.5, 0.0])}]
    try:
        return compare(student, G, whole, "Right, also where an episode ends in the middle, and for whole numbers.")
    except Fault as fault:
        raise Fault(f"Right for 1.0, wrong for the integer 1: arrays of integers cut decimals off. {fault}") from None


def _residual(r, d, v):
    return r + d * v[1:] - v[:-1]


def _summed(m, residual, factor):
    """What `gae` does, with parts to go wrong."""
    return G(m * residual, factor)


def _full(d):
    """The discount, at an episode's end too."""
    return 0 * d + d[0]


def _goes_on(m):
    """1 where the next row is a real step, too; so it is taken for the last."""
    return np.concatenate([m[1:], 0 * m[:1] + 1])


ALONE = "This is the return of the rewards minus the value: lambda and the value of what follows the last row are missing."
OWN_VALUE = "The value of what follows is values[t + 1]: yours is of the wrong row."
LEAK = "mask is applied to the result alone: inside the sum, residuals from behind the mask are still added."
GAE_MISTAKES = [
    ("Lambda is not used: this is the return minus the value.", lambda r, d, v, m, lam: gae(r, d, v, m, 1)),
    (ALONE, lambda r, d, v, m, lam: G(r, d) - v[:-1]), (ALONE, lambda r, d, v, m, lam: m * (G(r, d) - v[:-1])),
    ("lam does not belong into the TD residual: it only fades those that come later.",
     lambda r, d, v, m, lam: _summed(m, r + lam * d * v[1:] - v[:-1], lam * m * d)),
    ("The residuals are added up without their factor lam * discounts[t].",
     lambda r, d, v, m, lam: _summed(m, _residual(r, d, v), 0 * d + 1)),
    ("This is the TD residual alone: later residuals are still to be added.",
     lambda r, d, v, m, lam: gae(r, d, v, m, 0)),
    ("1 - lam stands where lam belongs.", lambda r, d, v, m, lam: gae(r, d, v, m, 1 - lam)),
    ("The discount is missing beside lambda: the factor is gamma lambda, that is lam * discounts[t].",
     lambda r, d, v, m, lam: _summed(m, _residual(r, d, v), lam * m * (d > 0))),
    ("Right, but not cut where an episode was truncated: multiply by mask.",
     lambda r, d, v, m, lam: gae(r, d, v, 0 * m + 1, lam)),
    (LEAK, lambda r, d, v, m, lam: m * gae(r, d, v, 0 * m + 1, lam)),
    (LEAK, lambda r, d, v, m, lam: m * G(_residual(r, d, v), lam * _full(d))),
    ("You carry on across an episode's end: the sum must stop where discounts[t] or mask[t] is 0.",
     lambda r, d, v, m, lam: _summed(m, _residual(r, d, v), lam * _full(d))),
    ("You carry on across an episode's end: the sum must stop where discounts[t] or mask[t] is 0.",
     lambda r, d, v, m, lam: _summed(m, _residual(r, d, v), lam * m * _full(d))),
    ("You treat truncated as terminated (done = terminated or truncated): where an episode was cut off, "
     "discounts[t] * values[t + 1] still counts.",
     lambda r, d, v, m, lam: _summed(m, _residual(r, d * _goes_on(m), v), lam * m * d)),
    ("The end of the rows is no end of an episode: values[T] says what follows the last step.",
     lambda r, d, v, m, lam: gae(r, d, np.concatenate([v[:-1], 0 * v[-1:]]), m, lam)),
    ("Where an episode terminated, the value of what follows still counts: use discounts[t], which is 0 there.",
     lambda r, d, v, m, lam: gae(r, _full(d), v, m, lam)),
    ("Where an episode terminated, the value of what follows still counts: use discounts[t], which is 0 there.",
     lambda r, d, v, m, lam: _summed(m, _residual(r, _full(d), v), lam * m * d)),
    ("The discount is missing before the value of what follows: discounts[t] * values[t + 1].",
     lambda r, d, v, m, lam: _summed(m, r + v[1:] - v[:-1], lam * m * d)),
    ("The discount is missing before the value of what follows: discounts[t] * values[t + 1].",
     lambda r, d, v, m, lam: _summed(m, r + (d > 0) * v[1:] - v[:-1], lam * m * d)),
    (OWN_VALUE, lambda r, d, v, m, lam: _summed(m, r + d * v[:-1] - v[:-1], lam * m * d)),
    (OWN_VALUE, lambda r, d, v, m, lam: _summed(m, r + d * v[:-1] - v[1:], lam * m * d)),
    ("The wrong sign: it is what follows, discounts[t] * values[t + 1], minus values[t].",
     lambda r, d, v, m, lam: _summed(m, r - d * v[1:] + v[:-1], lam * m * d)),
    ("The last term has the wrong sign: - values[t].",
     lambda r, d, v, m, lam: _summed(m, r + d * v[1:] + v[:-1], lam * m * d)),
    ("v(s_t) is not subtracted: these are returns, not advantages.",
     lambda r, d, v, m, lam: gae(r, d, v, m, lam) + v[:-1] * m),
    ("v(s_t) is not subtracted: these are returns, not advantages.", lambda r, d, v, m, lam: gae(r, d, v, m, lam) + v[:-1]),
    ("The TD residual lacks its last term: - values[t].", lambda r, d, v, m, lam: _summed(m, r + d * v[1:], lam * m * d)),
    ("The TD residual lacks what follows: discounts[t] * values[t + 1].",
     lambda r, d, v, m, lam: _summed(m, r - v[:-1], lam * m * d)),
    ("The reward is missing in the TD residual.", lambda r, d, v, m, lam: _summed(m, d * v[1:] - v[:-1], lam * m * d)),
    (FORWARD, lambda r, d, v, m, lam: forwards(m * _residual(r, d, v), lam * m * d)),
    (FORWARD, lambda r, d, v, m, lam: forwards(m * _residual(r, d, v), lam * shift(m * d, 1))),
    (FORWARD, lambda r, d, v, m, lam: forwards(m * _residual(r, d, v), lam * m * shift(d, 1))),
    (UNREVERSED, lambda r, d, v, m, lam: gae(r, d, v, m, lam)[::-1]),
    ("Only one step ahead: to a residual is added the whole advantage of the next step, not its residual alone.",
     lambda r, d, v, m, lam: m * (_residual(r, d, v) + lam * d * shift(m * _residual(r, d, v), -1))),
    ("The factor is of the wrong row: the advantage of t + 1 is multiplied by lam * discounts[t].",
     lambda r, d, v, m, lam: _summed(m, _residual(r, d, v), lam * m * shift(d, -1))),
]  # fmt: skip


@judged
def check_gae(student):
    """f(rewards [T, ...], discounts [T, ...], values [T+1, ...], mask [T, ...], lam) -> advantages [T, ...]."""
    R = np.array([[2.0, -1.0, 0.5, 3.0, 1.0, -2.0], [1.0, 4.0, 0.0, -2.0, 3.0, 0.5], [1.0, -1.0, 2.0, 4.0, 0.0, 1.0]]).T
    V = np.array([[1.0, -0.5, 2.0, 0.3, 1.5, 4.0, -1.0], [0.5, 1.0, 2.5, -1.0, 0.8, 2.0, 3.0],
                  [2.0, 0.5, -1.5, 1.0, 3.0, -2.0, 0.7]]).T  # fmt: skip
    D = np.array([[0.9] * 6, [0.5, 0.5, 0.0, 0.5, 0.5, 0.5], [0.8, 0.0, 0.0, 0.8, 0.8, 0.8]]).T
    M = np.array([[1.0, 1.0, 1.0, 0.0, 1.0, 1.0], [1.0] * 6, [1.0, 1.0, 0.0, 1.0, 1.0, 1.0]]).T
    # One is truncated after three steps, one terminates and the next begins at once, one terminates before a reset.
    parts = [(R[:3, k], D[:3, k], V[:4, k], M[:3, k]) for k in (0, 1)] + [(R * M, D * M, V, M)]
    cases = [dict(zip(("rewards", "discounts", "values", "mask", "lam"), (*part, 0.7))) for part in parts]
    praise = "Right: TD residuals, summed with factors of gamma lambda, and cut where an episode ends."
    return compare(student, gae, cases, praise, GAE_MISTAKES, hint=last_wrong_row)


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
    return compare(student, _target, cases, praise, TARGET_MISTAKES, hint=_kinds_of_steps)


def _kinds_of_steps(case, yours, right):
    """A hint for `compare`: the kind of steps that are wrong, if it is one kind alone."""
    end, cut, wrong = case["terminated"], case["truncated"], wrong_places(yours, right)
    kinds = {"terminated": end & ~cut, "were truncated": cut & ~end, "neither terminated nor were truncated": ~(end | cut)}
    return next((f" Only steps that {kind} are wrong." for kind, steps in kinds.items() if not (wrong & ~steps).any()), "")

"""Exact checks of a student's off-policy estimates: self-normalised, by decision, doubly robust."""

import numpy as np

from pgedu.lessons.verdicts import compare, judged, wrong_places

WEIGHTS = [np.array([0.2, 3.0, 0.5, 1.1]), np.array([0.0, 0.4, 6.0])]
RETURNS = [np.array([1.0, -2.0, 4.0, 0.5]), np.array([3.0, 1.0, -1.5])]
UPSIDE_DOWN = "Upside down: the weighted sum of returns stands above, the sum of the weights below."
SNIPS_MISTAKES = [
    ("You divide by the number of episodes: that is plain importance sampling. Divide by the sum of the weights.",
     lambda w, G: (w * G).mean()),
    ("The sum of the weights stands above the line, too: it cancels, and the plain sum of returns is left.", lambda w, G: G.sum()),
    (UPSIDE_DOWN, lambda w, G: w.sum() / (w * G).sum()), (UPSIDE_DOWN, lambda w, G: w.mean() / (w * G).mean()),
    ("Above the line stands the sum of the weights, times the mean return: each return needs its own weight.",
     lambda w, G: w.sum() * G.mean()),
    ("The weights are missing: this is what the logger earned.", lambda w, G: G.mean()),
    ("Nothing divides the weighted sum: divide by the sum of the weights.", lambda w, G: (w * G).sum()),
    ("Divided by the sum of the weights and by the number of episodes: once is enough.", lambda w, G: (w * G).mean() / w.sum()),
    ("Divide by the sum of the weights, not by their squares.", lambda w, G: (w * G).sum() / (w**2).sum()),
    ("Divide by the sum of the weights, not by the sum of the returns.", lambda w, G: (w * G).sum() / G.sum()),
    ("Divide by the sum of the weights, not by the largest of them.", lambda w, G: (w * G).sum() / w.max()),
]  # fmt: skip


@judged
def check_self_normalised(student):
    """f(weights [B], returns [B]) -> sum w G / sum w."""
    cases = [{"weights": w, "returns": G} for w, G in zip(WEIGHTS, RETURNS)]
    praise = "Right: a mean with weights, which stays among the returns and moves with them if all are raised."
    return compare(student, lambda w, G: (w * G).sum() / w.sum(), cases, praise, SNIPS_MISTAKES)


def _powers(rewards, gamma, offset=0):
    return gamma ** (np.arange(len(rewards)) + offset)[:, None]


def _summed(weights):
    """The contributions in which rewards are weighted so."""
    return lambda ratios, rewards, gamma: (_powers(rewards, gamma) * weights(ratios) * rewards).sum(axis=0)


def _so_far(ratios):
    return np.cumprod(ratios, axis=0)


def _discounted(factor):
    return lambda ratios, rewards, gamma: (factor(rewards, gamma) * _so_far(ratios) * rewards).sum(axis=0)


DECISION_MISTAKES = [
    ("The product runs over the whole episode: a reward is weighted with the decisions before it, not with later ones.",
     _summed(lambda rho: np.broadcast_to(rho.prod(axis=0), rho.shape))),
    ("The weights start one step late: R_{t+1} follows a_t, so its weight holds rho_t, too.",
     _summed(lambda rho: np.concatenate([np.ones_like(rho[:1]), _so_far(rho)[:-1]]))),
    ("The discount is doubled: gamma^t once, not gamma^2t.", _discounted(lambda R, g: _powers(R, g) ** 2)),
    ("gamma^t is missing.", _discounted(lambda R, g: 1.0)),
    ("The first reward is not discounted: gamma^t with t from 0.", _discounted(lambda R, g: _powers(R, g, 1))),
    ("Each reward has the ratio of its own step alone: multiply those of the steps before, too.", _summed(lambda rho: rho)),
    ("You multiply from the end: a reward is weighted with the decisions before it, not with those after it.",
     _summed(lambda rho: _so_far(rho[::-1])[::-1])),
    ("Ratios multiply, they do not add up: the chance of several decisions is a product.",
     _summed(lambda rho: np.cumsum(rho, axis=0))),
    ("The product runs along the episodes: along axis 0 are the steps.", _summed(lambda rho: np.cumprod(rho, axis=1))),
    ("The weights are missing: this is the logger's return.", _summed(np.ones_like)),
]  # fmt: skip


@judged
def check_per_decision(student):
    """f(ratios [T, B], rewards [T, B], gamma) -> contributions [B] to per-decision importance sampling."""
    rng = np.random.default_rng(4)
    cases = [{"ratios": rng.uniform(0.2, 3, shape).round(1), "rewards": rng.integers(-2, 5, shape) + 0.5, "gamma": g}
             for shape, g in (((3, 2), 0.9), ((4, 3), 0.5))]  # fmt: skip
    praise = "Right: each reward with the decisions that came before it, and none that came after."
    return compare(student, _summed(_so_far), cases, praise, DECISION_MISTAKES, hint=_episode)


def _episode(case, yours, right):
    """A hint for `compare`: the first episode that is wrong."""
    return f" The first episode that is wrong is column {_first(yours, right)}."


def _row(case, yours, right):
    """A hint for `compare`: the first row of a log that is wrong."""
    return f" The first row that is wrong is row {_first(yours, right)}, counted from 0."


def _first(yours, right):
    return int(np.flatnonzero(wrong_places(yours, right))[0])


def _right(w, a, r, q, pi):
    return pi @ q + w * (r - q[a])


ROBUST_MISTAKES = [
    ("The base is the model's word for the logged action: it must be that for the target, the sum of pi(a) q(a).",
     lambda w, a, r, q, pi: q[a] + w * (r - q[a])),
    ("The weight stands before the base, too: it belongs to the correction alone.",
     lambda w, a, r, q, pi: w * (pi @ q + r - q[a])),
    ("pi is missing in the base: it is the mean of q weighted with the target's chances, not the plain mean.",
     lambda w, a, r, q, pi: q.mean() + w * (r - q[a])),
    ("pi is missing in the base: it is the sum of pi(a) q(a), not the sum of q(a).",
     lambda w, a, r, q, pi: q.sum() + w * (r - q[a])),
    ("The base is q of a single action, the best or the favourite: the target's own mean, the sum of pi(a) q(a), is needed.",
     lambda w, a, r, q, pi: q.max() + w * (r - q[a])),
    ("The base holds the logged action alone: sum pi(a) q(a) over all actions.",
     lambda w, a, r, q, pi: pi[a] * q[a] + w * (r - q[a])),
    ("The correction has no weight: the logger's errors are not those that the target meets.",
     lambda w, a, r, q, pi: pi @ q + r - q[a]),
    ("This is plain importance weighting: no model is in it.", lambda w, a, r, q, pi: w * r),
    ("This is the direct method: the correction by the rewards is missing.",
     lambda w, a, r, q, pi: np.full(len(r), pi @ q)),
    ("The base is missing: this is the correction alone.", lambda w, a, r, q, pi: w * (r - q[a])),
    ("The sign of the correction is turned round: reward minus model.", lambda w, a, r, q, pi: pi @ q + w * (q[a] - r)),
    ("The correction takes the reward minus the base: it must be minus the model's word for the logged action.",
     lambda w, a, r, q, pi: pi @ q + w * (r - pi @ q)),
    ("You add the model and the weighted reward: the model's word for the logged action must be taken off again.",
     lambda w, a, r, q, pi: pi @ q + w * r),
    ("The weight stands before the reward alone: it multiplies reward minus model.",
     lambda w, a, r, q, pi: pi @ q + w * r - q[a]),
]  # fmt: skip


@judged
def check_doubly_robust(student):
    """f(weights [B], actions [B], rewards [B], q [A], pi [A]) -> contributions [B] to the doubly robust estimate."""
    parts = [(np.array([0.5, 2.0, 1.5, 0.2]), np.array([0, 2, 1, 0]), np.array([1.0, 0.0, 1.0, 0.0]),
              np.array([0.1, 0.3, 0.4]), np.array([0.2, 0.3, 0.5])),
             (np.array([3.0, 0.1, 0.7]), np.array([1, 0, 1]), np.array([2.0, -1.0, 0.5]), np.array([1.5, -0.5]),
              np.array([0.9, 0.1]))]  # fmt: skip
    cases = [dict(zip(("weights", "actions", "rewards", "q", "pi"), part)) for part in parts]
    praise = "Right: the model's word for the target, and its weighted errors on top."
    return compare(student, _right, cases, praise, ROBUST_MISTAKES, hint=_row)

"""Exact checks of notebook 11's exercises: when to stop, shaped rewards, the smallest bonus that loops, the KL of best of n."""

import numpy as np

from pgedu.learning.preferences import best_of_n, kl_divergence
from pgedu.lessons.held_back import first_fall
from pgedu.lessons.verdicts import compare, judged

ESTIMATES = [[1.2, 1.5, 1.7, 1.6, 1.8, 1.1], [0.4, 0.9, 1.3], [1.0, 0.7, 0.5, 2.0], [0.2, 0.6, 0.5, 0.9]]
STOP_MISTAKES = [
    ("You keep the look at which the estimate fell. Keep the policy before it: the fall is the sign that you have gone "
     "too far.",
     lambda x: min(first_fall(x) + 1, len(x) - 1)),
    ("You look at all estimates and take the highest. A rule that stops has not seen those after the first fall.", np.argmax),
    ("You stop at the first rise: go on while the estimates rise.", lambda x: first_fall(-x)),
    ("You keep the last fall, not the first: nobody looks on after having stopped.",
     lambda x: np.flatnonzero(np.append(np.diff(x) < 0, not (np.diff(x) < 0).any()))[-1]),
    ("You give back the estimate. Asked for is its place in the list.", lambda x: x[first_fall(x)]),
    ("You count from 1. The first look has the number 0, as in Python.", lambda x: first_fall(x) + 1),
    ("Where no estimate falls you keep the first policy. Nothing spoke against going on, so keep the last.",
     lambda x: np.argmax(np.diff(x) < 0)),
    ("You always keep the last policy.", lambda x: len(x) - 1), ("You always keep the first policy.", lambda x: 0),
]  # fmt: skip


@judged
def check_first_fall(student):
    """f(estimates [K]) -> the place of the estimate after which they fall for the first time; the last, if they never do."""
    praise = "Right: it goes on while the estimates rise, and has not seen what comes after the first fall."
    return compare(student, first_fall, [{"estimates": np.array(each)} for each in ESTIMATES], praise, STOP_MISTAKES)


def _shaped(now=1.0, ahead=None, end=0.0, rewards=1.0):
    """rewards + ahead Phi(s') - now Phi(s), with Phi of the last state times `end`; `ahead` None is gamma."""

    def answer(r, potentials, gamma):
        Phi = np.append(potentials[:-1], end * potentials[-1])
        return rewards * r + (gamma if ahead is None else ahead) * Phi[1:] - now * Phi[:-1]

    return answer


SHAPED_MISTAKES = [
    ("The potential of the last state is kept. The episode ends there, so it counts as 0, or the best exit may "
     "change.", _shaped(end=1)),
    ("gamma is missing before the potential of the next state.", _shaped(ahead=1)),
    ("gamma is missing before the potential of the next state, and that of the last state must count as "
     "0.", _shaped(ahead=1, end=1)),
    ("The signs are turned round: gamma times the potential of the next state, minus that of this one.",
     lambda r, potentials, gamma: 2 * r - _shaped()(r, potentials, gamma)),
    ("The signs are turned round, and the potential of the last state must count as 0.",
     lambda r, potentials, gamma: 2 * r - _shaped(end=1)(r, potentials, gamma)),
    ("gamma stands before the potential of this state: it belongs to the next one's.",
     lambda r, potentials, gamma: _shaped(now=gamma, ahead=1)(r, potentials, gamma)),
    ("gamma stands before both potentials: that of this state is not discounted.",
     lambda r, potentials, gamma: _shaped(now=gamma)(r, potentials, gamma)),
    ("The additions are discounted by gamma^t: who sums up the return does that to rewards and additions alike.",
     lambda r, potentials, gamma: r + gamma ** np.arange(len(r)) * (_shaped()(r, potentials, gamma) - r)),
    ("Only the potential of the next state is added: that of this state must be taken off.", _shaped(now=0)),
    ("Only the potential of the next state is added, and that of the last state, too.", _shaped(now=0, end=1)),
    ("This is what is added. The rewards themselves are missing.", _shaped(rewards=0)),
    ("You add both potentials: that of this state must be taken off.", _shaped(now=-1)),
    ("These are the rewards as they were.", lambda r, potentials, gamma: r),
]  # fmt: skip


@judged
def check_shaped_rewards(student):
    """f(rewards [T], potentials [T + 1], gamma) -> rewards [T] + gamma Phi(s') - Phi(s); the last state is the end."""
    parts = ([0.0, -1.0, 5.0], [1.0, 2.0, 4.0, 3.0], 0.9), ([2.0, 0.5], [3.0, -1.0, 2.0], 0.5)
    cases = [{"rewards": np.array(r), "potentials": np.array(Phi), "gamma": gamma} for r, Phi, gamma in parts]
    praise = "Right: over the episode the additions come to minus the first potential, whatever was done."
    return compare(student, _shaped(), cases, praise, SHAPED_MISTAKES)


BONUS_MISTAKES = [
    ("Your loop begins with a step to the right. From the last tile it begins with one back, so each bonus comes a step "
     "later: gamma / (1 - gamma^2).",
     lambda R, g: R / (1 / (1 - g**2) - 1)),
    ("There is a bonus every second step: the sum is gamma / (1 - gamma^2), not gamma / (1 - "
     "gamma).", lambda R, g: R / (g / (1 - g) - 1)),
    ("The step into the goal is one to the right, too, and is paid the bonus: R + b stands against the "
     "loop.", lambda R, g: R * (1 - g**2) / g),
    ("Two things at once: the loop begins with a step back, and the step into the goal is paid the bonus, "
     "too.", lambda R, g: R * (1 - g**2)),
    ("Nobody discounts here: each bonus of the loop is worth gamma^2 of the one before.", lambda R, g: R),
    ("Upside down: the reward stands above, what the loop gains per unit of bonus "
     "below.", lambda R, g: (g / (1 - g**2) - 1) / R),
    ("R is missing: a goal that is worth twice as much needs twice the bonus.", lambda R, g: 1 / (g / (1 - g**2) - 1)),
    ("The goal's reward comes at once, on the last tile: it is not discounted.", lambda R, g: g * R / (g / (1 - g**2) - 1)),
]  # fmt: skip


@judged
def check_smallest_bonus(student):
    """f(R, gamma) -> R / (gamma / (1 - gamma^2) - 1)."""
    cases = [{"R": R, "gamma": gamma} for R, gamma in ((1.0, 0.9), (2.0, 0.8), (10.0, 0.95))]
    praise = "Right. Where gamma / (1 - gamma²) is not above 1, no bonus is large enough."
    return compare(student, lambda R, g: R / (g / (1 - g**2) - 1), cases, praise, BONUS_MISTAKES)


def _kl(p, scores, n):
    with np.errstate(divide="ignore"):
        return kl_divergence(best_of_n(np.log(p), scores, n), np.log(p))


def _divergence(won):
    """The mistaken answer sum won log(won / p), of what somebody takes for the chances to win."""

    def answer(p, scores, n):
        w = won(p, scores, n)
        return (w * np.log(np.maximum(w, 1e-300) / p)).sum()

    return answer


def _whole_tie(p, scores, n):
    """Each is given what all of its score have together."""
    at_most, below = ((compared(scores, scores[:, None]) * p).sum(axis=1) for compared in (np.less_equal, np.less))
    return at_most**n - below**n


def _by_order(p, scores, n):
    """Equal scores as if the later one were better."""
    order = np.argsort(scores, kind="stable")
    won = np.empty(len(p))
    won[order] = np.diff(np.cumsum(p[order]) ** n, prepend=0)
    return won


def _turned(p, scores, n):
    with np.errstate(divide="ignore"):
        return kl_divergence(np.log(p), best_of_n(np.log(p), scores, n))


KL_MISTAKES = [
    ("This is the bound, log n - (n - 1) / n. It holds with equality only where nothing can be drawn twice; here it can.",
     lambda p, scores, n: np.log(n) - (n - 1) / n),
    ("This is log n, which is more than it can ever be.", lambda p, scores, n: np.log(n)),
    ("n p is not the chance to win: it is more than 1 at times, and the best is not the only one that may be drawn.",
     _divergence(lambda p, scores, n: n * p)),
    ("Equal scores share: what they win together is split as p splits it.", _divergence(_whole_tie)),
    ("Equal scores are ordered in your answer: none of them is better, so they share what they win as p "
     "does.", _divergence(_by_order)),
    ("The two stand the wrong way round: the mean is over what the best of n does, not over what p does.", _turned),
    ("F^n is the chance that the best is this or worse: take that of being worse off.",
     _divergence(lambda p, scores, n: (np.less_equal(scores, scores[:, None]) * p).sum(axis=1) ** n)),
    ("The highest score wins, not the lowest.", lambda p, scores, n: _kl(p, -scores, n)),
    ("1 - (1 - p)^n is the chance of being drawn at all, not of being the best that is drawn.",
     _divergence(lambda p, scores, n: 1 - (1 - p) ** n)),
]  # fmt: skip


@judged
def check_kl_of_best_of_n(student):
    """f(p [N], scores [N], n) -> KL(best of n || p), in nats; equal scores share as p does."""
    parts = ([0.5, 0.3, 0.2], [1.0, 2.0, 3.0], 4), ([0.4, 0.1, 0.2, 0.3], [2.0, 5.0, 2.0, 1.0], 3)
    cases = [{"p": np.array(p), "scores": np.array(scores), "n": n} for p, scores, n in parts]
    praise = "Right: below the bound, since what is drawn twice is chosen among fewer."
    return compare(student, _kl, cases, praise, KL_MISTAKES)

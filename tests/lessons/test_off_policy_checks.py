"""Self-normalised, by decision, doubly robust: every check passes its references, and names every listed mistake."""

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu import Rollout, doubly_robust, per_decision_importance, weighted_importance
from pgedu.lessons import off_policy_checks
from pgedu.lessons.off_policy_checks import check_doubly_robust, check_per_decision, check_self_normalised


def log_of(actions, rewards, propensities):
    T, B = rewards.shape
    return Rollout(np.zeros((T + 1, B), int), actions, rewards, np.full((T, B), 1.0), np.ones((T, B)), np.log(propensities))


def with_ratios(ratios, rewards, gamma):
    """A log of equal propensities, and log-probabilities of a target that is so many times as likely to do the same."""
    log = log_of(np.zeros(rewards.shape, int), rewards, 0 * ratios + 0.1)
    discounts = np.full(rewards.shape, gamma)
    discounts[-1] = 0
    return log._replace(discounts=discounts), np.log(ratios * 0.1)


def by_package(ratios, rewards, gamma):
    return per_decision_importance(*with_ratios(ratios, rewards, gamma))


def weighted_by_package(weights, returns):
    with np.errstate(divide="ignore"):
        log, target = with_ratios(weights[None], returns[None], 0.5)
    return weighted_importance(log, target).mean()


def by_loops(ratios, rewards, gamma):
    found = []
    for episode in range(len(ratios[0])):
        weight, total = 1.0, 0.0
        for t in range(len(ratios)):
            weight *= ratios[t][episode]
            total += gamma**t * weight * rewards[t][episode]
        found.append(total)
    return found


def robust_by_package(weights, actions, rewards, q, pi):
    """The target in the log is pi; its propensities are whatever makes the weights what they are, up to a factor of 20."""
    log = log_of(actions[None], rewards[None], pi[actions][None] / weights / 20)._replace(discounts=np.zeros((1, len(rewards))))
    base = pi @ q
    return base + (doubly_robust(log, np.log(pi[actions][None]), q, pi) - base) / 20


RIGHT = {
    check_self_normalised: [lambda w, G: (w * G).sum() / w.sum(), lambda w, G: np.average(G, weights=w),
                            lambda w, G: (w * G).mean() / w.mean(), weighted_by_package],
    check_per_decision: [by_loops, by_package, lambda r, R, g: np.einsum("tb,tb,t->b", np.cumprod(r, 0), R, g ** np.arange(len(r)))],
    check_doubly_robust: [lambda w, a, r, q, pi: [pi @ q + wi * (ri - q[ai]) for wi, ai, ri in zip(w, a, r)],
                          lambda w, a, r, q, pi: (pi * q).sum() + w * r - w * q[a], robust_by_package],
}  # fmt: skip

WRONG = {
    check_self_normalised: [
        (lambda w, G: np.mean(w * G), "plain importance sampling"), (lambda w, G: np.mean(G), "weights are missing"),
        (lambda w, G: w.sum() * G.sum() / w.sum(), "it cancels"), (lambda w, G: w.sum() / (w @ G), "Upside down"),
        (lambda w, G: w.mean() / (w * G).mean(), "Upside down"), (lambda w, G: w.sum() * G.mean(), "its own weight"),
        (lambda w, G: w @ G, "Nothing divides"), (lambda w, G: w @ G / w.sum() / len(w), "once is enough"),
        (lambda w, G: w @ G / (w @ w), "not by their squares"), (lambda w, G: w @ G / G.sum(), "not by the sum of the returns"),
        (lambda w, G: w / w.max() @ G, "not by the largest"), (lambda w, G: w * G / w.sum(), "Wrong shape"),
        (lambda w, G: -(w @ G) / w.sum(), "-1 times"),
    ],
    check_per_decision: [
        (lambda r, R, g: (g ** np.arange(len(R)) @ R) * r.prod(0), "over the whole episode"),
        (lambda r, R, g: by_loops(np.r_[np.ones((1, r.shape[1])), r[:-1]], R, g), "one step late"),
        (lambda r, R, g: by_loops(r, R, g**2), "doubled"), (lambda r, R, g: by_loops(r, R, 1.0), "gamma^t is missing"),
        (lambda r, R, g: by_loops(g * r, R, 1.0), "first reward is not discounted"),
        (lambda r, R, g: (g ** np.arange(len(R)))[None] @ (r * R), "Wrong shape"),
        (lambda r, R, g: ((g ** np.arange(len(R)))[:, None] * r * R).sum(0), "own step alone"),
        (lambda r, R, g: ((g ** np.arange(len(R)))[:, None] * np.cumprod(r[::-1], 0)[::-1] * R).sum(0), "from the end"),
        (lambda r, R, g: ((g ** np.arange(len(R)))[:, None] * np.cumsum(r, 0) * R).sum(0), "do not add up"),
        (lambda r, R, g: ((g ** np.arange(len(R)))[:, None] * np.cumprod(r, 1) * R).sum(0), "along the episodes"),
        (lambda r, R, g: g ** np.arange(len(R)) @ R, "logger's return"),
        (lambda r, R, g: np.mean(by_loops(r, R, g)), "Yours is a single number"),
        (lambda r, R, g: np.array(by_loops(r, R, g)) + [1, 0, 0][: r.shape[1]], "column 0"),
    ],
    check_doubly_robust: [
        (lambda w, a, r, q, pi: q[a] + w * (r - q[a]), "for the logged action"),
        (lambda w, a, r, q, pi: w * (pi @ q + r - q[a]), "before the base, too"),
        (lambda w, a, r, q, pi: q.mean() + w * (r - q[a]), "not the plain mean"),
        (lambda w, a, r, q, pi: q.sum() + w * (r - q[a]), "not the sum of q(a)"),
        (lambda w, a, r, q, pi: q.max() + w * (r - q[a]), "the best or the favourite"),
        (lambda w, a, r, q, pi: (pi * q)[a] + w * (r - q[a]), "logged action alone"),
        (lambda w, a, r, q, pi: pi @ q + r - q[a], "no weight"), (lambda w, a, r, q, pi: w * r, "no model"),
        (lambda w, a, r, q, pi: pi @ q + 0 * w, "direct method"), (lambda w, a, r, q, pi: w * (r - q[a]), "base is missing"),
        (lambda w, a, r, q, pi: pi @ q - w * (r - q[a]), "sign"), (lambda w, a, r, q, pi: pi @ q + w * (r - pi @ q), "minus the base"),
        (lambda w, a, r, q, pi: pi @ q + w * r, "taken off again"), (lambda w, a, r, q, pi: pi @ q + w * r - q[a], "before the reward alone"),
        (lambda w, a, r, q, pi: (pi @ q + w * (r - q[a])).mean(), "Yours is a single number"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check", "i"), each_with_its_number(RIGHT), ids=lambda each: getattr(each, "__name__", each))
def test_right_answers_pass(check, i):
    passes(check, RIGHT[check][i])


@pytest.mark.parametrize(("check", "i"), each_with_its_number(WRONG), ids=lambda each: getattr(each, "__name__", each))
def test_wrong_answers_are_named(check, i):
    refuses(check, *WRONG[check][i])


@pytest.mark.parametrize(("check", "mistakes"), [
    (check_self_normalised, off_policy_checks.SNIPS_MISTAKES), (check_per_decision, off_policy_checks.DECISION_MISTAKES),
    (check_doubly_robust, off_policy_checks.ROBUST_MISTAKES),
], ids=lambda each: getattr(each, "__name__", ""))  # fmt: skip
def test_each_mistake_has_a_sentence_of_its_own(check, mistakes):
    named_alone(check, mistakes)


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_untouched(check):
    def untouched(*_):
        """Nothing yet."""
        ...

    assert not check(untouched).attempted

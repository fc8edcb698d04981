"""The best policy, RLOO, DPO's weights, the gradient of KL: every check passes its references, and names each listed mistake."""

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

import pgedu as pg
from pgedu.lessons import rlhf_checks
from pgedu.lessons.rlhf_checks import check_best_policy, check_dpo_weight, check_kl_gradient, check_rloo


def shared(x):
    return x / x.sum()


def softly(p, r, b):
    return np.exp(pg.log_softmax(np.log(p) + r / b))


def by_ascent(p, r, b):
    """Plain ascent of E r - b KL in the logits."""
    logits = np.log(p)
    for _ in range(20_000):
        pi = np.exp(pg.log_softmax(logits))
        paid = r - b * (np.log(pi) - np.log(p))
        logits = logits + 0.3 * pi * (paid - pi @ paid)
    return np.exp(pg.log_softmax(logits))


def rloo_by_package(rewards):
    world = pg.bandit(rewards)
    fields = world.record(np.zeros((2, len(rewards))), np.array([np.zeros(len(rewards), int), np.ones(len(rewards), int)]),
                          np.arange(len(rewards))[None])  # fmt: skip
    return pg.total_return(pg.Rollout(*fields), baseline=pg.leave_one_out)[0]


def h(w, l, rw, rl):
    return w - rw - l + rl


def sigma(x):
    return 1 / (1 + np.exp(-x))


def by_differences(w, l, rw, rl, b, e=1e-6):
    loss = lambda w: -np.log(sigma(b * h(w, l, rw, rl)))  # noqa: E731
    return -(loss(w + e) - loss(w - e)) / (2 * e)


def kl_by_differences(pi, p, e=1e-6):
    kl = lambda logits: np.exp(pg.log_softmax(logits)) @ (pg.log_softmax(logits) - np.log(p))  # noqa: E731
    return [(kl(np.log(pi) + e * d) - kl(np.log(pi) - e * d)) / (2 * e) for d in np.eye(len(pi))]


def kl_by_scores(pi, p):
    return sum(pi[a] * np.log(pi[a] / p[a]) * (np.eye(len(pi))[a] - pi) for a in range(len(pi)))


RIGHT = {
    check_best_policy: [lambda p, r, b: shared(p * np.exp(r / b)), softly, by_ascent],
    check_rloo: [lambda r: [x - (sum(r) - x) / (len(r) - 1) for x in r], lambda r: (r - r.mean()) * len(r) / (len(r) - 1), rloo_by_package],
    check_dpo_weight: [lambda w, l, rw, rl, b: b * sigma(-b * h(w, l, rw, rl)), by_differences,
                       lambda w, l, rw, rl, b: pg.preference_weights(h(w, l, rw, rl), beta=b)],
    check_kl_gradient: [kl_by_scores, kl_by_differences, lambda pi, p: pi * (np.log(pi / p) - pi @ np.log(pi / p))],
}  # fmt: skip

WRONG = {
    check_best_policy: [
        (lambda p, r, b: shared(p * np.exp(b * r)), "divide, a large beta"), (lambda p, r, b: shared(np.exp(r / b)), "reference is forgotten"),
        (lambda p, r, b: p * np.exp(r / b), "sum of 1"), (lambda p, r, b: shared(p * np.exp(r)), "Beta is missing"),
        (lambda p, r, b: shared(p * np.exp(-r / b)), "turned round"), (lambda p, r, b: p, "the reference itself"),
        (lambda p, r, b: np.log(shared(p * np.exp(r / b))), "logarithms"), (lambda p, r, b: shared(p * (1 + r / b)), "the right one"),
        (lambda p, r, b: (p * np.exp(r / b)).sum(), "Yours is a single number"),
    ],
    check_rloo: [
        (lambda r: r - r.mean(), "in its own mean"), (lambda r: (r - r.mean()) * (1 - 1 / len(r)), "too short"), (lambda r: (r - r.mean()) / r.std(), "as GRPO does"),
        (lambda r: (r - r.mean()) / r.std(ddof=1), "G - 1 in it"), (lambda r: r - (r.sum() - r), "are summed"),
        (lambda r: r - (r.sum() - r) / len(r), "only G - 1"), (lambda r: (r.sum() - r) / (len(r) - 1), "This is the baseline"),
        (lambda r: (r.sum() - r) / (len(r) - 1) - r, "sign"), (lambda r: r, "Nothing is subtracted"), (lambda r: r.mean(), "single number"),
    ],
    check_dpo_weight: [
        (lambda w, l, rw, rl, b: b * sigma(b * h(w, l, rw, rl)), "wrong sign"), (lambda w, l, rw, rl, b: b * sigma(-h(w, l, rw, rl)), "outside only"),
        (lambda w, l, rw, rl, b: sigma(-b * h(w, l, rw, rl)), "within only"), (lambda w, l, rw, rl, b: b * sigma(-b * (w - l)), "reference is missing"),
        (lambda w, l, rw, rl, b: -np.log(sigma(b * h(w, l, rw, rl))), "This is the loss"),
        (lambda w, l, rw, rl, b: pg.preference_weights(h(w, l, rw, rl), beta=b, kind="ipo"), "IPO"),
        (lambda w, l, rw, rl, b: -b * sigma(-b * h(w, l, rw, rl)), "-1 times"),
    ],
    check_kl_gradient: [
        (lambda pi, p: pi - p, "the other way round"), (lambda pi, p: p - pi, "of a descent"), (lambda pi, p: 0 * pi, "k1 in the loss"), (lambda pi, p: pi * np.log(pi / p), "score is not there"),
        (lambda pi, p: pi * np.log(pi / p) - pi @ np.log(pi / p), "Components must sum to 0"),
        (lambda pi, p: pi * (np.log(pi) - pi @ np.log(pi)), "uniform policy"), (lambda pi, p: -kl_by_scores(pi, p), "-1 times"),
        (lambda pi, p: np.log(pi / p) + 1, "slope in pi itself"), (lambda pi, p: pi @ np.log(pi / p), "single number"),
    ],
}  # fmt: skip


@pytest.mark.parametrize(("check", "i"), each_with_its_number(RIGHT), ids=lambda each: getattr(each, "__name__", each))
def test_right_answers_pass(check, i):
    passes(check, RIGHT[check][i])


@pytest.mark.parametrize(("check", "i"), each_with_its_number(WRONG), ids=lambda each: getattr(each, "__name__", each))
def test_wrong_answers_are_named(check, i):
    refuses(check, *WRONG[check][i])


@pytest.mark.parametrize(("check", "mistakes"), [
    (check_best_policy, rlhf_checks.POLICY_MISTAKES), (check_rloo, rlhf_checks.GROUP_MISTAKES),
    (check_dpo_weight, rlhf_checks.DPO_MISTAKES), (check_kl_gradient, rlhf_checks.KL_MISTAKES),
], ids=lambda each: getattr(each, "__name__", ""))  # fmt: skip
def test_each_mistake_has_a_sentence_of_its_own(check, mistakes):
    named_alone(check, mistakes)


@pytest.mark.parametrize("check", RIGHT, ids=lambda check: check.__name__)
def test_untouched(check):
    def untouched(*_):
        """Nothing yet."""
        ...

    assert not check(untouched).attempted

"""Every check passes its reference solutions, however they are written, and names every listed mistake."""

from functools import partial

import numpy as np
import pytest
from test_returns import faded_in_full

from pgedu import Policy, Table, bandit, batch_mean, constant, discounted_returns, exact_gradient, exact_moments
from pgedu import exact_return, leave_one_out, reward_to_go, short_corridor, stay_or_stop, total_return
from pgedu.lessons import estimator_checks
from pgedu.lessons.checks import check_bandit_gradient, check_baseline, check_best_constant, check_estimator, check_returns
from pgedu.lessons.checks import check_clipped_weights, check_entropy_gradient, check_gae, check_kl
from pgedu.lessons.checks import check_score, check_slope, check_softmax
from pgedu.lessons.verdicts import as_texts
from pgedu.gradients.estimators import discount_powers


def pi(h):
    e = np.exp(np.asarray(h) - np.max(h))
    return e / e.sum()


def score(h, a):
    return np.eye(len(h))[a] - pi(h)


def gradient(h, q):
    return pi(h) * (q - pi(h) @ q)


def slope(p):
    return (2 * p**2 - 8 * p + 4) / (p * (1 - p)) ** 2


def numerical_slope(p, h=1e-6):
    high, low = ((2 * x - 4) / (x * (1 - x)) for x in (p + h, p))
    return (high - low) / h


def best(theta):
    return (1 + 2 * theta) / (1 - theta)


def looped_returns(rewards, discounts):
    """Lists and loops, for one axis or two."""
    if rewards.ndim > 1:
        columns = zip(rewards.T.tolist(), discounts.T.tolist())
        return np.array([looped_returns(np.array(r), np.array(d)) for r, d in columns]).T.tolist()
    returns, following = [], 0
    for reward, discount in reversed(list(zip(rewards, discounts))):
        following = reward + discount * following
        returns.insert(0, following)
    return returns


def looped_psi(rollout):
    """The reward-to-go by its definition, written for [T, B] with loops over everything."""
    T, B = rollout.rewards.shape
    psi = [[0] * B for _ in range(T)]
    for b in range(B):
        for t in range(int(rollout.mask[:, b].sum())):
            for k in range(t, int(rollout.mask[:, b].sum())):
                psi[t][b] += np.prod(rollout.discounts[:k, b]) * rollout.rewards[k, b]
    return psi


def with_integer_array(rewards, discounts):
    returns = np.zeros_like(rewards)
    for t in reversed(range(len(rewards))):
        returns[t] = rewards[t] + (discounts[t] * returns[t + 1] if t + 1 < len(rewards) else 0)
    return returns


def in_place(rollout):
    psi = reward_to_go(rollout)
    rollout.rewards[0] = 7
    return psi


def returns_in_place(rewards, discounts):
    for t in reversed(range(len(rewards) - 1)):
        rewards[t] += discounts[t] * rewards[t + 1]
    return rewards


def later(x):
    return np.concatenate([x[1:], 0 * x[:1]])


def earlier(x):
    return np.concatenate([0 * x[:1], x[:-1]])


def per_step(x):
    return np.arange(len(x), 0, -1).reshape(-1, *[1] * (x.ndim - 1))


def powers(d):
    return np.cumprod(np.concatenate([np.ones_like(d[:1]), d[:-1]]), axis=0)


def averaged(rollout):
    return reward_to_go(rollout) / rollout.lengths


def mean_of_the_rest(rollout):
    return reward_to_go(rollout) / np.maximum(rollout.mask[::-1].cumsum(axis=0)[::-1], 1)


def own_mean(rollout):
    return reward_to_go(rollout, baseline=batch_mean)


def beyond_the_end(rollout):
    return np.broadcast_to(total_return(rollout)[:1], rollout.rewards.shape)


def G(rollout):
    return discounted_returns(rollout.rewards, rollout.discounts)


def backwards(*, residual=lambda r, d, now, after: r + d * after - now, keep=lambda m, d, lam: lam * m * d, mask=True):
    """GAE as a loop over time from the end, with parts to go wrong."""

    def advantages(r, d, v, m, lam):
        found, following = np.zeros_like(r), np.zeros_like(r[0])
        for t in reversed(range(len(r))):
            delta = residual(r[t], d[t], v[t], v[t + 1]) * (m[t] if mask else 1)
            found[t] = following = delta + keep(m[t] if mask else 1, d[t], lam) * following
        return found

    return advantages


def across_ends(r, d, v, m, lam, **settings):
    gamma = d[0]  # of each column
    return backwards(keep=lambda m, d, lam: lam * gamma, **settings)(r, d, v, m, lam)


def by_columns(r, d, v, m, lam):
    if r.ndim == 1:
        return faded_in_full(r, d, v, m, lam)
    return np.stack([faded_in_full(*column, lam) for column in zip(r.T, d.T, v.T, m.T)], axis=1)


def entropy_gradient(h):
    H = -sum(p * np.log(p) for p in pi(h))
    return [-p * (np.log(p) + H) for p in pi(h)]


def entropy_slope(h, step=1e-5):
    H = lambda h: -(pi(h) * np.log(pi(h))).sum()  # noqa: E731
    return [(H(h + e) - H(h - e)) / (2 * step) for e in step * np.eye(len(h))]


def clipped_by_cases(r, A, c):
    return [0.0 if (a > 0 and x > 1 + c) or (a < 0 and x < 1 - c) else x * a for x, a in zip(r, A)]


def clipped_by_slope(r, A, c, step=1e-6):
    surrogate = lambda x: np.minimum(x * A, np.clip(x, 1 - c, 1 + c) * A)  # noqa: E731
    return r * (surrogate(r + step) - surrogate(r - step)) / (2 * step)


def kl(p, q):
    return sum(a * np.log(a / b) for a, b in zip(p, q) if a > 0)


def loo_by_loop(rollout, targets):
    B = targets.shape[1]
    return np.stack([np.delete(targets, b, axis=1).mean(axis=1) for b in range(B)], axis=1)


ESTIMATORS = {"of a total return": total_return, "without gamma^t": partial(reward_to_go, gamma_power=False),
              "leave one out": partial(reward_to_go, baseline=leave_one_out)}  # fmt: skip
PAST = "unbiased, but the variance is that of the total return: you kept rewards from before the action"
OWN = "biased by 1 - 1/B: your baseline contains the episode it judges"
RIGHT = {
    check_softmax: [pi, lambda h: pi(h).tolist(), lambda h: pi(h).astype(np.float32),
     lambda h: np.exp(h) / np.exp(h).sum(),
                    lambda h: [1 / sum(np.exp(b - a) for b in h) for a in h]],
    check_score: [score, lambda h, a: [(i == a) - p for i, p in enumerate(pi(h))],
     lambda h, a: score(h, a).astype("f4")],
    check_bandit_gradient: [gradient,
     lambda h, q: [p * sum(o * (x - y) for o, y in zip(pi(h), q)) for p, x in zip(pi(h), q)],
                            lambda h, q: (np.diag(pi(h)) - np.outer(pi(h), pi(h))) @ q],
    check_slope: [slope, lambda p: [slope(p)], lambda p: np.float32(slope(p)),
                  numerical_slope],
    check_best_constant: [best, lambda x: np.float32(best(x)), lambda x: 1 + 3 * x / (1 - x)],
    check_returns: [discounted_returns, looped_returns, lambda r, d: discounted_returns(r, d).astype(np.float32)],
    check_gae: [backwards(), by_columns, lambda *steps: backwards()(*steps).astype(np.float32)],
    check_entropy_gradient: [entropy_gradient, entropy_slope, lambda h: np.float32(entropy_gradient(h))],
    check_clipped_weights: [clipped_by_cases, clipped_by_slope,
                            lambda r, A, c: r * A * (np.sign(A) * (r - 1) <= c)],
    check_kl: [kl, lambda p, q: [kl(p, q)], lambda p, q: np.sum(p * np.log(np.where(p > 0, p, 1) / q))],
    check_estimator: [reward_to_go, looped_psi, lambda r: reward_to_go(r).astype(np.float32),
                      lambda r: total_return(r) - earlier(np.cumsum(powers(r.discounts) * r.rewards, axis=0)) * r.mask],
    check_baseline: [leave_one_out, loo_by_loop, constant(2.0), lambda rollout, targets: 1,
     lambda rollout, targets: [3] * targets.shape[1]],
}  # fmt: skip
WRONG = [
    (check_softmax, np.exp, "divide them by their sum"), (check_softmax, lambda h: pi(-h), "check the sign in exp(h)"),
    (check_softmax, lambda h: 2 * pi(h), "exactly 2 times"), (check_softmax, lambda h: h,
     "Not yet: given preferences = [ 0.5, -1. ], your answer is"),
    (check_softmax, lambda h: pi(h)[:1], "Wrong shape: (2,) is needed, yours is (1,)"),
    (check_softmax, lambda h: pi(h) / 0, "NaN or infinity"), (check_softmax, lambda h: h[9],
     "stopped with IndexError: index 9"),
    (check_softmax, lambda h: "yes", "'yes', which is not an array"), (check_softmax, 0.5, "stopped with TypeError"),
    (check_softmax, lambda h: np.subtract(h, 1, out=h), "changes its preferences"),
    (check_score, lambda h, a: -score(h, a), "-1 times the right one: check the sign"),
    (check_score, lambda h, a: np.eye(len(h))[a], "not yet subtracted"),
    (check_score, lambda h, a: pi(h)[a] * score(h, a), "gradient of pi, not of log pi"),
    (check_score, lambda h, a: np.log(pi(h)[a]), "Wrong shape: (2,) is needed, yours is ()"),
    (check_score, lambda h, a: np.round(score(h, a)), "Not yet"),
    (check_bandit_gradient, lambda h, q: -gradient(h, q), "check the sign"),
    (check_bandit_gradient, lambda h, q: gradient(h, q) / 2, "exactly 1/2 times"),
    (check_bandit_gradient, lambda h, q: pi(h) * q, "must be subtracted"),
    (check_bandit_gradient, lambda h, q: q - pi(h) @ q, "weighted with the probability"),
    (check_bandit_gradient, lambda h, q: 0 * q, "exactly 0 times the right one: nothing is left"),
    (check_slope, lambda p: -slope(p), "check the sign"), (check_slope, lambda p: (2 * p - 4) / (p * (1 - p)),
     "J itself"),
    (check_slope, lambda p: slope(p) * p * (1 - p), "along the preference"), (check_slope, lambda p: 2.0 // p,
     "Not yet: given p = 0.1"),
    (check_best_constant, lambda x: x / (1 - x), "This is J"), (check_best_constant, lambda x: 3 * best(x),
     "exactly 3 times"),
    (check_best_constant, lambda x: (1 + 2 * x) / (x * (1 - x) ** 3), "divide it by E[S^2]"),
    (check_best_constant, lambda x: int(best(x)), "Not yet"), (check_best_constant, lambda x: [1, 2], "Wrong shape"),
    (check_returns, lambda r, d: -discounted_returns(r, d), "-1 times"),
    (check_returns, lambda r, d: discounted_returns(r, d)[:1] + 0 * r, "Past rewards kept"),
    (check_returns, lambda r, d: discounted_returns(r, d)[0], "Wrong shape: (5,) is needed, yours is ()"),
    (check_returns, lambda r, d: r[::-1].cumsum(axis=0)[::-1], "discounts are not used"),
    (check_returns, lambda r, d: discounted_returns(r, np.full_like(d, d[0])), "across an episode's end"),
    (check_returns, lambda r, d: later(discounted_returns(r, d)), "One step off"),
    (check_returns, lambda r, d: discounted_returns(r, d) - r, "One step off"),
    (check_returns, lambda r, d: discounted_returns(r, earlier(d)), "One step off"),
    (check_returns, lambda r, d: discounted_returns(r, later(d)), "One step off"),
    (check_returns, lambda r, d: powers(d) * discounted_returns(r, d), "gamma^t is doubled"),
    (check_returns, lambda r, d: discounted_returns(r, d) / per_step(r), "mean over time"),
    (check_returns, lambda r, d: discounted_returns(r, d) / len(r), "mean over time"),
    (check_returns, with_integer_array, "integers cut decimals off"), (check_returns, returns_in_place,
     "changes its rewards"),
    (check_returns, lambda r, d: discounted_returns(r, d) / (d > 0), "NaN or infinity"),
    (check_gae, backwards(keep=lambda m, d, lam: m * d), "Lambda is not used"),
    (check_gae, backwards(keep=lambda m, d, lam: 0), "This is the TD residual alone"),
    (check_gae, backwards(keep=lambda m, d, lam: lam * m * (d > 0)), "The discount is missing beside lambda"),
    (check_gae, backwards(mask=False), "Right, but not cut where an episode was truncated"),
    (check_gae, across_ends, "You carry on across an episode's end"),
    (check_gae, lambda *steps: steps[3] * across_ends(*steps, mask=False), "Not yet: given rewards"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, np.full_like(d, 1) * d[0], v, m, lam),
     "Where an episode terminated, the value of what follows still counts"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, lam) + m * v[:-1], "v(s_t) is not subtracted"),
    (check_gae, lambda r, d, v, m, lam: discounted_returns(m * (r + d * v[1:]), lam * m * d), "lacks its last term"),
    (check_gae, lambda *steps: -backwards()(*steps), "check the sign"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, 1 - lam), "Not yet: given rewards"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, lam)[0], "Wrong shape: (2,) is needed, yours is ()"),
    (check_entropy_gradient, lambda h: -np.log(pi(h)) - 1, "This is the derivative by pi, not by the preferences"),
    (check_entropy_gradient, lambda h: -pi(h) * np.log(pi(h)), "The entropy itself is missing in the bracket"),
    (check_entropy_gradient, lambda h: -pi(h) * (1 + np.log(pi(h))), "The 1 of the product rule stays"),
    (check_entropy_gradient, lambda h: np.array(entropy_gradient(h)) / pi(h), "The factor pi is missing"),
    (check_entropy_gradient, lambda h: -np.array(entropy_gradient(h)), "check the sign"),
    (check_entropy_gradient, lambda h: np.array(entropy_gradient(h)) / np.log(2), "1.4427 times"),
    (check_entropy_gradient, lambda h: -sum(p * np.log(p) for p in pi(h)), "Wrong shape: (2,) is needed, yours is ()"),
    (check_clipped_weights, lambda r, A, c: r * A * (r <= 1 + c), "Clipped above only"),
    (check_clipped_weights, lambda r, A, c: np.minimum(r * A, np.clip(r, 1 - c, 1 + c) * A), "the surrogate itself"),
    (check_clipped_weights, lambda r, A, c: r * A * (abs(r - 1) <= c), "Clipped whatever the sign of A"),
    (check_clipped_weights, lambda r, A, c: r * A * (np.sign(A) * (1 - r) <= c), "The sides are swapped"),
    (check_clipped_weights, lambda r, A, c: A * (np.sign(A) * (r - 1) <= c), "The ratio is missing"),
    (check_clipped_weights, lambda r, A, c: r * A, "Nothing is clipped"),
    (check_clipped_weights, lambda r, A, c: np.clip(r, 1 - c, 1 + c) * A, "which is flat there: 0."),
    (check_clipped_weights, lambda r, A, c: -r * A * (np.sign(A) * (r - 1) <= c), "check the sign"),
    (check_clipped_weights, lambda r, A, c: r * A * (np.sign(A) * (r - 1) <= 0.2), "Not yet: given ratio"),
    (check_kl, lambda p, q: kl(q, p), "This is KL(q || p)"),
    (check_kl, lambda p, q: -(p * np.log(q)).sum(), "This is the cross entropy"),
    (check_kl, lambda p, q: kl(p, q) / np.log(2), "In bits"),
    (check_kl, lambda p, q: np.mean([np.log(a / b) for a, b in zip(p, q)]), "not weighted with p"),
    (check_kl, lambda p, q: -kl(p, q), "check the sign"),
    (check_kl, lambda p, q: p * np.log(p / q), "Wrong shape: () is needed, yours is (2,)"),
    (check_kl, lambda p, q: ((p - q) ** 2).sum(), "Not yet: given p"),
    (check_estimator, lambda r: -reward_to_go(r), "Your expectation is exactly -1 times the gradient: check the sign"),
    (check_estimator, lambda r: 2 * reward_to_go(r), "exactly 2 times the gradient"),
    (check_estimator, lambda r: 2 * total_return(r), "exactly 2 times the gradient"),
    (check_estimator, total_return, PAST), (check_estimator, own_mean, OWN),
    (check_estimator, lambda r: total_return(r, baseline=batch_mean), OWN),
    (check_estimator, averaged, "mean over time"), (check_estimator, lambda r: reward_to_go(r) / len(r.rewards),
     "mean over time"),
    (check_estimator, mean_of_the_rest, "mean over time"),
    (check_estimator, lambda r: reward_to_go(r).sum(axis=0) / r.lengths * r.mask, "mean over time"),
    (check_estimator, lambda r: powers(r.discounts) * later(G(r)) * r.mask, "One step off"),
    (check_estimator, lambda r: powers(r.discounts) * (G(r) - r.rewards) * r.mask, "One step off"),
    (check_estimator, lambda r: reward_to_go(r._replace(rewards=earlier(r.rewards))), "One step off"),
    (check_estimator, G, "gamma^t is missing"), (check_estimator, lambda r: powers(r.discounts) * reward_to_go(r),
     "gamma^t is doubled"),
    (check_estimator, lambda r: reward_to_go(r).astype(int), "integers cut decimals off"),
    (check_estimator, lambda r: reward_to_go(r) / r.rewards.shape[-1], "do not divide by B"),
    (check_estimator, beyond_the_end, "Biased: your expectation is"),
    (check_estimator, lambda r: reward_to_go(r) + (1 - r.mask), "multiply by rollout.mask"),
    (check_estimator, lambda r: reward_to_go(r)[0], "Wrong shape: (3, 3) is needed, yours is (3,)"),
    (check_estimator, lambda r: reward_to_go(r) / r.mask, "NaN or infinity"), (check_estimator, in_place,
     "changes its rollout"),
    (check_estimator, lambda r: r.reward, "stopped with AttributeError: 'Rollout' object has no attribute 'reward'"),
    (check_estimator, lambda r: 0 * r.rewards, "exactly 0 times the gradient"),
    (check_estimator, partial(reward_to_go, baseline=constant(1.0)), "unbiased, but its variance is not that of"),
    (check_estimator, lambda r: r.rewards**2, "Biased: your expectation is ["),
    (check_baseline, batch_mean, OWN), (check_baseline, lambda r, t: t, "exactly 0 times the gradient"),
    (check_baseline, lambda r, t: r.rewards, "A baseline may not depend on the action that it judges"),
    (check_baseline, lambda r, t: 0, "variance does not fall"), (check_baseline, constant(-5.0),
     "variance does not fall"),
    (check_baseline, lambda r, t: 2 * t, "check the sign"), (check_baseline, lambda r, t: t[:1, :1] * [0, np.nan],
     "NaN"),
    (check_baseline, lambda r, t: np.zeros(7), "Wrong shape: what fits (3, 3) is needed, yours is (7,)"),
    (check_baseline, lambda r, t: np.multiply(t, 0, out=t), "changes its rollout or targets"),
    (check_baseline, lambda r, t: t.mean(1, keepdim=True), "stopped with TypeError"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "number"), [(check, i) for check in RIGHT for i in range(len(RIGHT[check]))])
def test_right_answers_pass_however_they_are_written(check, number):
    verdict = check(RIGHT[check][number])
    assert verdict.passed, verdict
    assert verdict.message.startswith("Right")


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_each_wrong_answer_gets_its_own_message(number):
    check, wrong, part = WRONG[number]
    verdict = check(wrong)
    assert not verdict.passed
    assert part in verdict.message, verdict
    assert repr(verdict) == str(verdict) == verdict.message and "\n" not in verdict.message
    assert "Traceback" not in verdict.message and verdict.message.endswith((".", "!", ")"))


def unwritten(*arguments):
    raise NotImplementedError


@pytest.mark.parametrize("check", RIGHT)
@pytest.mark.parametrize("untouched", [lambda *_: ..., lambda *_: None, unwritten, None, ...])
def test_an_untouched_exercise_is_not_passed_and_does_not_stop(check, untouched):
    verdict = check(untouched)
    assert not verdict.passed and not verdict
    assert "Not attempted yet" in verdict.message


@pytest.mark.parametrize("like", ESTIMATORS.values(), ids=ESTIMATORS)
def test_an_estimator_is_measured_against_the_one_that_was_asked_for(like):
    assert check_estimator(like, like=like).passed
    assert check_estimator(lambda rollout: like(rollout).tolist(), like=like).passed
    assert not check_estimator(reward_to_go, like=like).passed
    negative = check_estimator(lambda rollout: -like(rollout), like=like)
    assert "check the sign" in negative.message


def test_mistakes_are_named_for_other_estimators_too():
    missing = check_estimator(partial(total_return, gamma_power=False), like=total_return)
    assert "gamma^t is missing" in missing.message
    own = check_estimator(partial(reward_to_go, baseline=batch_mean), like=ESTIMATORS["leave one out"])
    assert OWN in own.message
    past = check_estimator(partial(total_return, baseline=leave_one_out), like=ESTIMATORS["leave one out"])
    assert PAST in past.message
    twice = check_estimator(lambda r: discount_powers(r) * total_return(r), like=total_return)
    assert "gamma^t is doubled" in twice.message
    assert "multiply by rollout.mask" in check_estimator(beyond_the_end, like=total_return).message


def test_the_worlds_tell_every_listed_mistake_from_the_right_answer():
    """A mistake that no world can tell from the right answer would be praised."""
    rollouts = [rollout for rollout, _ in estimator_checks._worlds()]
    rights = [reward_to_go(rollout) for rollout in rollouts]
    for pairs in zip(
        *(estimator_checks._mistakes(rollout, psi, reward_to_go) for rollout, psi in zip(rollouts, rights))
    ):
        masked = [psi * rollout.mask for (_, psi), rollout in zip(pairs, rollouts)]
        assert not estimator_checks.is_same(masked, rights), pairs[0][0]


def test_closed_forms_of_the_checks_are_those_of_the_worlds():
    h, q = np.array([0.2, 1.5, -0.6]), np.array([2.0, -1.0, 4.0])
    three = Policy.softmax(Table(1, 3))
    assert gradient(h, q) == pytest.approx(exact_gradient(bandit(q), three, h))
    coin = Policy.softmax(Table(1, 2))
    for p in (0.2, 0.7):
        theta = np.log([1 - p, p])
        assert slope(p) * p * (1 - p) == pytest.approx(exact_gradient(short_corridor(), coin, theta)[1])
        assert (2 * p - 4) / (p * (1 - p)) == pytest.approx(exact_return(short_corridor(), coin, theta))
    variances = [exact_moments(stay_or_stop(), coin, np.log([0.6, 0.4]), partial(total_return, baseline=constant(b)),
                               horizon=60).variance for b in best(0.4) + np.array([-0.1, 0.0, 0.1])]  # fmt: skip
    assert variances[1] < min(variances[0], variances[2])
    assert variances[0] == pytest.approx(variances[2])


def test_zero_times_the_logarithm_of_zero_is_a_remark_and_no_fault():
    naive = check_kl(lambda p, q: (p * np.log(p / q)).sum())
    assert naive.passed and "For later: where p is 0" in naive.message
    assert "For later" not in check_kl(kl).message


def test_a_remark_on_overflow_but_no_fault():
    naive = check_softmax(lambda h: np.exp(h) / np.exp(h).sum())
    assert naive.passed and "overflow" in naive.message
    assert "overflow" not in check_softmax(pi).message


def test_a_print_in_the_answer_is_heard_but_does_not_flood(capsys):
    def chatty(rollout):
        print("here")
        return reward_to_go(rollout)

    assert check_estimator(chatty).passed
    assert 1 <= capsys.readouterr().out.count("here") <= 3


def test_an_interrupt_is_not_swallowed():
    def interrupted(rollout):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check_estimator(interrupted)


STEP = "So small a difference looks like rounding, or like a finite difference whose step is too wide."
NEARLY = [
    (check_softmax, lambda h: pi(h) + 4e-5 * np.cos(np.arange(len(h))),
     "is [0.81761, 0.18245] and the right one [0.81757, 0.18243]"),
    (check_softmax, lambda h: 1.00002 * pi(h), "is [0.81759, 0.18243] and the right one [0.81757, 0.18243]. " + STEP),
    (check_softmax, lambda h: np.round(pi(h), 3),
     "[0.818, 0.182] and the right one [0.8176, 0.1824]. Yours is the right one rounded to 3 decimals: leave"),
    (check_softmax, lambda h: np.round(pi(h), 1), "rounded to 1 decimal: leave the rounding away"),
    (check_slope, lambda p: numerical_slope(p, h=1e-3), STEP),
    (check_slope, lambda p: slope(p) + 30, "your answer is 427.531 and the right one 397.531."),
    (check_estimator, lambda r: 1.00005 * reward_to_go(r), "is [-1.3379, 1.3379] where the gradient is [-1.3378, 1.3378]"),
    (check_estimator, partial(reward_to_go, baseline=constant(1e-4)), "2.868 where it was 2.8682"),
    (check_baseline, constant(-1e-5), "2.86821 where it was 2.86819"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(NEARLY)))
def test_numbers_that_differ_are_shown_with_the_digits_in_which_they_do(number):
    check, wrong, part = NEARLY[number]
    verdict = check(wrong)
    assert not verdict.passed and part in verdict.message, verdict


def test_a_large_difference_is_not_taken_for_rounding():
    assert "rounding" not in check_slope(lambda p: slope(p) * (1 + 0.3 * p)).message


def test_texts_of_many_numbers_differ_too():
    a, b = np.zeros(40), np.append(np.zeros(20), np.full(20, 1e-9))
    first, second = as_texts(a, b)
    assert first != second and second.count("1.e-09") == 20

"""Checks of exercises: exact, so that there is no luck in a verdict, and with a diagnosis of what is wrong.

Answers are compared with closed forms; weights psi by the exact mean and covariance of the gradient estimate they give,
over every batch of episodes of small worlds, with and without discount.
"""

import contextlib
import functools
import io
from dataclasses import replace

import numpy as np

from pgedu import Policy, Rollout, Table, campaign, discounted_returns, each_batch, enumerate_rollouts
from pgedu import episode_gradients, moments, reward_to_go, stay_or_stop, total_return
from pgedu.estimators import discount_powers
from pgedu.verdicts import Fault, answer_of, as_text, blame_factor, compare, is_same, judged

MEAN = "You take the mean over time where a sum is needed."
SHIFTED = "One step off: with the action at time t goes rewards[t], which it was paid, and what follows."
DOUBLED = "gamma^t is doubled: it is in there once too often."

PREFERENCES = [np.array(h) for h in ([0.5, -1.0], [0.2, 1.5, -0.6], [2.0, 0.0, 0.0, 1.0])]
VALUES = [np.array(q) for q in ([1.0, 3.0], [2.0, -1.0, 4.0], [5.0, 1.0, 0.0, 2.0])]


def _pi(h):
    return np.exp(h - h.max()) / np.exp(h - h.max()).sum()


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


def _shift(x, steps):
    """x one step later (1) or earlier (-1) in time, with a 0 at the end that becomes free."""
    return np.concatenate([x[1:], 0 * x[:1]] if steps < 0 else [0 * x[:1], x[:-1]])


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
        (SHIFTED, lambda r, d: _shift(G(r, d), -1)), (SHIFTED, lambda r, d: G(r, d) - r),
        (SHIFTED, lambda r, d: G(r, _shift(d, 1))), (SHIFTED, lambda r, d: G(r, _shift(d, -1))),
        (DOUBLED, lambda r, d: G(r, d) * np.cumprod(np.concatenate([0 * d[:1] + 1, d[:-1]]), axis=0)),
        (MEAN, lambda r, d: G(r, d) / left(r)), (MEAN, lambda r, d: G(r, d) / len(r)),
    ])  # fmt: skip
    whole = [{"rewards": np.array([1, 2, 3]), "discounts": np.array([0.5, 0.5, 0.0])}]
    try:
        return compare(student, G, whole, "Right, also where an episode ends in the middle, and for whole numbers.")
    except Fault as fault:
        raise Fault(f"Right for 1.0, wrong for the integer 1: arrays of integers cut decimals off. {fault}") from None


@functools.cache
def _worlds():
    """Of each world: rollout [T, N, B] of all N batches, and psi -> exact moments of the gradient estimate."""
    coin, table, worlds = Policy.softmax(Table(1, 2)), Policy.softmax(Table(3, 2)), []
    chain = replace(stay_or_stop(), rewards=[[2, 3], [0, 0]])
    for world, policy, theta, horizon, batch in (
        (chain, coin, [0.3, -0.2], 3, 3), (replace(chain, gamma=0.5), coin, [-0.4, 0.5], 4, 2),
        (replace(campaign(0.6), rewards=[[3, 2], [5, 4], [0, 0]]), table, [0.3, -0.2, -0.4, 0.5, 0.0, 0.0], 2, 2),
    ):  # fmt: skip
        rollout, chances = enumerate_rollouts(world, policy, theta, horizon=horizon, batch=batch)
        worlds.append((rollout, functools.partial(_moments, policy, np.array(theta), rollout, chances)))
    return worlds


def _moments(policy, theta, rollout, chances, psi):
    return moments(episode_gradients(policy, each_batch(theta, rollout.actions), rollout, psi).mean(axis=-2), chances)


def _ask(student, rollout, exactly=True, **more):
    """The student's answers to each batch [T, B] by itself, as [T, N, B]; only the first may print."""
    answers, shape = [], (len(rollout.rewards), rollout.rewards.shape[-1])
    for n in range(rollout.rewards.shape[1]):
        given = {name: array[:, n] for name, array in more.items()}
        with contextlib.redirect_stdout(io.StringIO()) if n else contextlib.nullcontext():
            batch = Rollout(*(field[:, n] for field in rollout))
            answer = answer_of(student, shape if exactly else None, rollout=batch, **given)
        try:
            answers.append(np.broadcast_to(answer, shape))
        except ValueError:
            raise Fault(f"Wrong shape: what fits {shape} is needed, yours is {answer.shape}.") from None
    return np.stack(answers, axis=1)


def _mistakes(rollout, psi, like):
    """Pairs (sentence, what the weights psi of `like` would be with that mistake)."""
    r, power, later = rollout.rewards, discount_powers(rollout), rollout.mask[::-1].cumsum(axis=0)[::-1]
    yield "gamma^t is missing: your weights are right but for that factor.", psi / np.where(power > 0, power, 1)
    yield DOUBLED, psi * power
    for mean in (psi / rollout.lengths, psi / len(r), psi / np.maximum(later, 1), psi.sum(axis=0) / rollout.lengths):
        yield MEAN, mean
    gamma, ahead, behind = rollout.discounts.max(), _shift(r, -1), _shift(r, 1)
    for off in (like(rollout._replace(rewards=ahead)), like(rollout._replace(rewards=behind)), gamma * psi,
                _shift(psi, -1), _shift(psi, 1), power * behind + gamma * psi):  # fmt: skip
        yield SHIFTED, off
    yield "The mean over the batch is taken later: do not divide by B here.", psi / r.shape[-1]
    yield "Your weights are whole numbers: arrays of integers cut decimals off.", np.trunc(psi)


@judged
def check_estimator(student, like=reward_to_go):
    """f(rollout) -> psi [T, B] that gives a gradient estimate with the mean and covariance that `like` gives."""
    rollouts, measures = zip(*_worlds())
    found, wanted = [_ask(student, rollout) for rollout in rollouts], [like(rollout) for rollout in rollouts]
    whole = functools.partial(total_return, **getattr(like, "keywords", {}))
    mine, right, past = ([measure(psi) for measure, psi in zip(measures, each)]
                         for each in (found, wanted, map(whole, rollouts)))  # fmt: skip
    spreads, others = [each.covariance for each in mine], [each.covariance for each in right]
    if _same_means(mine, right) and is_same(spreads, others):
        return "Right: the expectation and the variance of your estimate are exactly what they should be."
    masked = [psi * rollout.mask for psi, rollout in zip(found, rollouts)]
    if is_same(masked, wanted):
        raise Fault("Right up to the end of an episode, but your weights go on behind it: multiply by rollout.mask.")
    for each in zip(*map(_mistakes, rollouts, wanted, [like] * len(wanted))):
        if is_same(masked, [psi * rollout.mask for (_, psi), rollout in zip(each, rollouts)]):
            raise Fault(each[0][0])
    _blame_bias(mine, right, rollouts)
    start = "Your estimate is unbiased, but "
    if is_same(spreads, [each.covariance for each in past]):
        raise Fault(start + "the variance is that of the total return: you kept rewards from before the action.")
    raise Fault(start + f"its variance is not that of the estimator asked for: {_variances(right, mine)}.")


def _same_means(found, wanted):
    return is_same([each.mean for each in found], [each.mean for each in wanted])


def _variances(old, new):
    return ", ".join(f"{b.variance:.3f} where it was {a.variance:.3f}" for a, b in zip(old, new))


def _blame_bias(found, wanted, rollouts, hint=""):
    """A Fault that names the bias, if the means differ."""
    means, truths = [each.mean for each in found], [each.mean for each in wanted]
    if not is_same(means, truths):
        if is_same(means, [(1 - 1 / rollout.rewards.shape[-1]) * b for b, rollout in zip(truths, rollouts)]):
            raise Fault("Your expectation is biased by 1 - 1/B: your baseline contains the episode it judges.")
        blame_factor(means, truths, "expectation", "the gradient")
        a, b = next(pair for pair in zip(means, truths) if not is_same(pair[:1], pair[1:]))
        raise Fault(f"Biased: your expectation is {as_text(a)} where the gradient is {as_text(b)}." + hint)


@judged
def check_baseline(student):
    """f(rollout, targets [T, B]) -> b that leaves the gradient of `reward_to_go` unbiased and lowers its variance."""
    rollouts, measures = zip(*_worlds())
    mine, without = [], [measure(reward_to_go(rollout)) for measure, rollout in zip(measures, rollouts)]
    for rollout, measure in zip(rollouts, measures):
        targets = discounted_returns(rollout.rewards, rollout.discounts)
        b = _ask(student, rollout, exactly=False, targets=targets)
        mine.append(measure(discount_powers(rollout) * (targets - b) * rollout.mask))
    _blame_bias(mine, without, rollouts, " A baseline may not depend on the action that it judges.")
    if any(new.variance >= old.variance * (1 - 1e-9) for new, old in zip(mine, without)):
        raise Fault(f"Unbiased, but the variance does not fall in every world: {_variances(without, mine)}.")
    return f"Right: unbiased, and with less variance: {_variances(without, mine)}."

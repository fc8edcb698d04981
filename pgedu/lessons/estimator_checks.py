"""Checks of a student's estimators and baselines: exact, over every batch of episodes of small worlds.

Weights psi are judged by the exact mean and covariance of the gradient estimate they give, with and without discount.
"""

import contextlib
import functools
import io
from dataclasses import replace

import numpy as np

from pgedu import Policy, Rollout, Table, campaign, discounted_returns, each_batch, enumerate_rollouts
from pgedu import episode_gradients, moments, none, reward_to_go, stay_or_stop, total_return
from pgedu.gradients.estimators import discount_powers
from pgedu.lessons.verdicts import Fault, answer_of, as_texts, blame_factor, is_same, judged

MEAN = "You take the mean over time where a sum is needed."
SHIFTED = "One step off: with the action at time t goes rewards[t], which it was paid, and what follows."
DOUBLED = "gamma^t is doubled: it is in there once too often."


def shift(x, steps):
    """x one step later (1) or earlier (-1) in time, with a 0 at the end that becomes free."""
    return np.concatenate([x[1:], 0 * x[:1]] if steps < 0 else [0 * x[:1], x[:-1]])


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
    gamma, ahead, behind = rollout.discounts.max(), shift(r, -1), shift(r, 1)
    for off in (like(rollout._replace(rewards=ahead)), like(rollout._replace(rewards=behind)), gamma * psi,
                shift(psi, -1), shift(psi, 1), power * behind + gamma * psi):  # fmt: skip
        yield SHIFTED, off
    yield "The mean over the batch is taken later: do not divide by B here.", psi / r.shape[-1]
    yield "Your weights are whole numbers: arrays of integers cut decimals off.", np.trunc(psi)


@judged
def check_estimator(student, like=reward_to_go):
    """f(rollout) -> psi [T, B] that gives a gradient estimate with the mean and covariance that `like` gives."""
    rollouts, measures = zip(*_worlds())
    found, wanted = [_ask(student, rollout) for rollout in rollouts], [like(rollout) for rollout in rollouts]
    baseline = getattr(like, "keywords", {}).get("baseline", none)
    whole = functools.partial(total_return, baseline=baseline)
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
    return ", ".join("{} where it was {}".format(*as_texts(b.variance, a.variance)) for a, b in zip(old, new))


def _blame_bias(found, wanted, rollouts, hint=""):
    """A Fault that names the bias, if the means differ."""
    means, truths = [each.mean for each in found], [each.mean for each in wanted]
    if not is_same(means, truths):
        if is_same(means, [(1 - 1 / rollout.rewards.shape[-1]) * b for b, rollout in zip(truths, rollouts)]):
            raise Fault("Your expectation is biased by 1 - 1/B: your baseline contains the episode it judges.")
        blame_factor(means, truths, "expectation", "the gradient")
        a, b = next(pair for pair in zip(means, truths) if not is_same(pair[:1], pair[1:]))
        yours, right = as_texts(a, b)
        raise Fault(f"Biased: your expectation is {yours} where the gradient is {right}." + hint)


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

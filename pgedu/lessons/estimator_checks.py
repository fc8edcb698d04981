"""Checks of a student's estimators and baselines: exact, over every batch of episodes of small worlds.

Weights psi are judged by the exact mean and covariance of the gradient estimate they give, with and without discount.
"""

import functools
import inspect
from dataclasses import replace

import numpy as np

from pgedu import Policy, Rollout, Table, campaign, discounted_returns, each_batch, enumerate_rollouts
from pgedu import episode_gradients, moments, none, reward_to_go, stay_or_stop, total_return
from pgedu.gradients.returns import discount_powers
from pgedu.lessons.answers import Fault, answer_of
from pgedu.lessons.return_checks import DOUBLED, FORWARD, MEAN, SHIFTED, TOO_OFTEN, UNREVERSED, forwards, shift
from pgedu.lessons.verdicts import as_texts, blame_factor, is_same, judged, nearly

BEYOND = "Your weights go on behind an episode's end: multiply by rollout.mask."
OWN = "Your expectation is biased by 1 - 1/B: your baseline contains the episode it judges."
MISSING = "gamma^t is missing: "
ALONE = "Only the reward of the step itself: what follows is still to be added."


@functools.cache
def _worlds():
    """Of each world: rollout [T, N, B] of all N batches, and psi -> exact moments of the gradient estimate."""
    coin, table, worlds = Policy.softmax(Table(1, 2)), Policy.softmax(Table(3, 2)), []
    chain = replace(stay_or_stop(), rewards=[[2, 3], [0, 0]])
    for world, policy, theta, horizon, batch in (
        (chain, coin, [0.3, -0.2], 4, 3), (replace(chain, gamma=0.5), coin, [-0.4, 0.5], 4, 2),
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
        batch = Rollout(*(field[:, n] for field in rollout))
        answer = answer_of(student, shape if exactly else None, quiet=n > 0, rollout=batch, **given)
        try:
            answers.append(np.broadcast_to(answer, shape))
        except ValueError:
            hint = " Keep the axis over which you average: keepdims=True." if answer.shape == shape[:1] else ""
            raise Fault(f"Wrong shape: what fits {shape} is needed, yours is {answer.shape}.{hint}") from None
    return np.stack(answers, axis=1)


def _mistakes(rollout, psi, like):
    """Pairs (sentence, what the weights psi of `like` would be with that mistake)."""
    r, d, power, later = rollout.rewards, rollout.discounts, discount_powers(rollout), rollout.mask[::-1].cumsum(axis=0)[::-1]
    gamma, bare = d.max(), psi / np.where(power > 0, power, 1)
    endless = like(rollout._replace(discounts=(d > 0) * 1.0))
    yield f"{MISSING}your weights are right but for that factor.", bare
    yield "Right but for the sign: check the sign. The gradient points uphill, and nothing is made a loss of here.", -psi
    yield DOUBLED, psi * power
    yield "Nothing is discounted: neither by gamma^t nor what follows.", endless
    yield "What follows is not discounted: the reward k steps later counts gamma^k.", power * endless
    often = (like(rollout._replace(rewards=d * r)), np.cumprod(d, axis=0) * bare, gamma * psi, d * psi)
    means = (psi / rollout.lengths, psi / len(r), psi / np.maximum(later, 1), psi.sum(axis=0) / rollout.lengths)
    off = (like(rollout._replace(rewards=shift(r, -1))), like(rollout._replace(rewards=shift(r, 1))), shift(psi, -1),
           shift(psi, 1), power * shift(r, 1) + gamma * psi)  # fmt: skip
    sums = (np.cumsum(power * r, axis=0), np.cumsum(r, axis=0), forwards(r, d), forwards(r, shift(d, 1)))
    for sentence, weights in ((TOO_OFTEN + " (And gamma^t begins with 1: a cumprod needs a shift.)", often), (MEAN, means),
                              (SHIFTED, off), (UNREVERSED, (psi[::-1], power * bare[::-1])), (FORWARD, sums),
                              (ALONE, (r, power * r))):  # fmt: skip
        yield from ((sentence, each) for each in weights)
    yield "You kept the past rewards, and nothing is discounted: it is the plain sum of all rewards.", r.sum(axis=0) + 0 * r
    yield from _mistakes_with_the_batch(rollout, psi)


def _mistakes_with_the_batch(rollout, psi):
    """Pairs as those of `_mistakes`: what is done to right weights that are best left alone."""
    mean, spread = psi.mean(axis=(0, -1), keepdims=True), psi.std(axis=(0, -1), keepdims=True) + 1e-8
    yield OWN, psi - psi.mean(axis=-1, keepdims=True)
    yield "You subtract the mean of all weights: it contains the episode that it judges, which biases.", psi - mean
    yield "You standardise the weights: that changes what is estimated, and by how much.", (psi - mean) / spread
    yield "The score comes later, by itself: give back the weights alone, without log_probs.", psi * rollout.log_probs
    yield "The mean over the batch is taken later: do not divide by B here.", psi / psi.shape[-1]
    yield "Your weights are whole numbers: arrays of integers cut decimals off.", np.trunc(psi)


@judged
def check_estimator(student, like=reward_to_go):
    """f(rollout) -> psi [T, B] that gives a gradient estimate with the mean and covariance that `like` gives."""
    rollouts, measures = zip(*_worlds())
    found, wanted = [_ask(student, rollout) for rollout in rollouts], [like(rollout) for rollout in rollouts]
    baseline = getattr(like, "keywords", {}).get("baseline", none)
    whole = functools.partial(total_return, baseline=baseline)
    masked = [psi * rollout.mask for psi, rollout in zip(found, rollouts)]
    mine, cut, right, past = ([measure(psi) for measure, psi in zip(measures, each)]
                              for each in (found, masked, wanted, map(whole, rollouts)))  # fmt: skip
    if _same_moments(mine, right):
        return "Right: the expectation and the variance of your estimate are exactly what they should be."
    if _same_moments(cut, right):
        raise Fault(f"Right up to the end of an episode. {BEYOND}")
    try:
        _name_mistake(masked, rollouts, like)
        _blame_moments(cut, right, past, rollouts)
    except Fault as fault:
        raise Fault(str(fault) if is_same(found, masked) else f"{fault} {BEYOND}") from None


def _name_mistake(masked, rollouts, like):
    """A Fault, if the weights are those of a mistake that has a name; with gamma^t or without."""
    kinds = [("", like)]
    if "gamma_power" in inspect.signature(like).parameters:
        kinds.append((MISSING, functools.partial(like, gamma_power=False)))
    for start, alike in kinds:
        weights = [alike(rollout) for rollout in rollouts]
        for each in zip(*map(_mistakes, rollouts, weights, [alike] * len(rollouts))):
            if is_same(masked, [psi * rollout.mask for (_, psi), rollout in zip(each, rollouts)]):
                sentence = each[0][0]
                raise Fault(sentence if sentence.startswith(start) else f"{sentence} And gamma^t is missing.")


def _blame_moments(mine, right, past, rollouts):
    """A Fault on what is wrong with mean or covariance."""
    _blame_bias(mine, right, rollouts)
    spreads, others = [each.covariance for each in mine], [each.covariance for each in right]
    start = "Your estimate is unbiased, but "
    if is_same(spreads, [each.covariance for each in past]):
        raise Fault(start + "the variance is that of the total return: you kept rewards from before the action.")
    near = nearly(spreads, others)
    raise Fault(start + f"its variance is not that of the estimator asked for: {_variances(right, mine)}.{near}")


def _same_means(found, wanted):
    return is_same([each.mean for each in found], [each.mean for each in wanted])


def _same_moments(found, wanted):
    return _same_means(found, wanted) and is_same([each.covariance for each in found], [each.covariance for each in wanted])


def _variances(old, new):
    return ", ".join("{} where it was {}".format(*as_texts(b.variance, a.variance)) for a, b in zip(old, new))


def _own_share(found, wanted, rollouts):
    """Are the means found those wanted, but for the factor 1 - 1/B of a baseline that contains what it judges?"""
    shares = [1 - 1 / rollout.rewards.shape[-1] for rollout in rollouts]
    return is_same([each.mean for each in found], [share * each.mean for share, each in zip(shares, wanted)])


def _blame_bias(found, wanted, rollouts, hint=""):
    """A Fault that names the bias, if the means differ."""
    means, truths = [each.mean for each in found], [each.mean for each in wanted]
    if not is_same(means, truths):
        if _own_share(found, wanted, rollouts):
            raise Fault(OWN)
        blame_factor(means, truths, "expectation", "the gradient")
        a, b = next(pair for pair in zip(means, truths) if not is_same(pair[:1], pair[1:]))
        yours, right = as_texts(a, b)
        raise Fault(f"Biased: your expectation is {yours} where the gradient is {right}." + (nearly(means, truths) or hint))


BATCH_MEAN = ("This is the mean over the whole batch. It contains the episode that it judges, so your expectation is biased by "
              "1 - 1/B: leave that episode out.")  # fmt: skip
BASELINE_MISTAKES = [
    (BATCH_MEAN, lambda targets: targets.mean(axis=-1, keepdims=True) + 0 * targets),
    ("This is the mean over all steps and episodes. It contains the return that it judges, which biases: leave that "
     "episode out.", lambda targets: targets.mean(axis=(0, -1), keepdims=True) + 0 * targets),
    ("This is the mean over the steps of the same episode, which its actions have made: take other episodes.",
     lambda targets: targets.mean(axis=0) + 0 * targets),
    ("These are the targets themselves: nothing would be left of them.", lambda targets: targets),
    ("This is the sum over the other episodes: divide it by their number, B - 1.",
     lambda targets: targets.sum(axis=-1, keepdims=True) - targets),
    ("The return of the whole episode, from its first step, depends on every action in it.",
     lambda targets: targets[:1] + 0 * targets),
]  # fmt: skip


@functools.cache
def _worlds_and_a_mirror():
    """The worlds, and the second once more with all rewards below 0: what helps in one for its sign fails in the other."""
    rollout, measure = _worlds()[1]
    return [*_worlds(), (rollout._replace(rewards=-rollout.rewards), measure)]


@judged
def check_baseline(student):
    """f(rollout, targets [T, B]) -> b that leaves the gradient of `reward_to_go` unbiased and lowers its variance."""
    rollouts, measures = zip(*_worlds_and_a_mirror())
    targets = [discounted_returns(rollout.rewards, rollout.discounts) for rollout in rollouts]
    found = [_ask(student, rollout, exactly=False, targets=target) for rollout, target in zip(rollouts, targets)]
    for sentence, mistake in BASELINE_MISTAKES:
        if is_same(found, list(map(mistake, targets))):
            raise Fault(sentence)
    without, mine, rest = ([measure(discount_powers(rollout) * psi * rollout.mask)
                            for measure, rollout, psi in zip(measures, rollouts, weights)]
                           for weights in (targets, [a - b for a, b in zip(targets, found)], found))  # fmt: skip
    if _same_means(rest, without) or _own_share(rest, without, rollouts):
        raise Fault("You return what is left, targets minus a baseline: return what is to be subtracted, the baseline.")
    _blame_bias(mine, without, rollouts, " A baseline may not depend on the action that it judges.")
    if any(new.variance >= old.variance * (1 - 1e-9) for new, old in zip(mine, without)):
        raise Fault(f"Unbiased, but the variance does not fall in every world: {_variances(without, mine)}.{_if_one(found)}")
    return f"Right: unbiased, and with less variance: {_variances(without, mine)}."


def _if_one(found):
    """A sentence on a baseline that is one and the same number in all worlds; empty for others."""
    number, spread = found[0].flat[0], np.ptp(np.concatenate([b.ravel() for b in found]))
    if spread:
        return ""
    if number == 0:
        return " With 0, nothing is subtracted."
    return " One number cannot suit every world (in one, all rewards are below 0): learn it from the batch."

"""Estimators and baselines: every check passes its references, and names every listed mistake."""

from functools import partial

import numpy as np
import pytest
from judging import each_with_its_number, passes, refuses

from pgedu import batch_mean, constant, discounted_returns, leave_one_out, reward_to_go, total_return
from pgedu.gradients.returns import discount_powers
from pgedu.lessons import estimator_checks
from pgedu.lessons.checks import check_baseline, check_estimator


def looped_psi(rollout):
    """The reward-to-go by its definition, written for [T, B] with loops over everything."""
    T, B = rollout.rewards.shape
    psi = [[0] * B for _ in range(T)]
    for b in range(B):
        for t in range(int(rollout.mask[:, b].sum())):
            for k in range(t, int(rollout.mask[:, b].sum())):
                psi[t][b] += np.prod(rollout.discounts[:k, b]) * rollout.rewards[k, b]
    return psi


def in_place(rollout):
    psi = reward_to_go(rollout)
    rollout.rewards[0] = 7
    return psi


def later(x):
    return np.concatenate([x[1:], 0 * x[:1]])


def earlier(x):
    return np.concatenate([0 * x[:1], x[:-1]])


def powers(d):
    return np.cumprod(np.concatenate([np.ones_like(d[:1]), d[:-1]]), axis=0)


def psi_of(rollout, weights):
    """Weights times gamma^t, up to the end of an episode."""
    return powers(rollout.discounts) * weights * rollout.mask


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


def loo_by_loop(rollout, targets):
    B = targets.shape[1]
    return np.stack([np.delete(targets, b, axis=1).mean(axis=1) for b in range(B)], axis=1)


def written_out(rollout):
    """An estimator without settings."""
    return reward_to_go(rollout, baseline=leave_one_out)


ESTIMATORS = {"of a total return": total_return, "without gamma^t": partial(reward_to_go, gamma_power=False),
              "leave one out": partial(reward_to_go, baseline=leave_one_out), "written out": written_out}  # fmt: skip
PAST = "unbiased, but the variance is that of the total return: you kept rewards from before the action"
OWN = "biased by 1 - 1/B: your baseline contains the episode it judges"


def suffix_sums(x):
    return x[::-1].cumsum(axis=0)[::-1]


def others(rollout, targets, of=np.mean):
    B = targets.shape[1]
    return np.stack([of(np.delete(targets, b, axis=1), axis=1) for b in range(B)], axis=1)


def of_whole_episodes(rollout, targets):
    """The mean return of the other episodes, the same at every step."""
    return leave_one_out(rollout, targets[:1])


def of_those_that_go_on(rollout, targets):
    going = rollout.mask.sum(axis=1, keepdims=True) - rollout.mask
    return (targets.sum(axis=1, keepdims=True) - targets) / np.maximum(going, 1)


def by_observation(rollout, targets):
    """The mean target of the other episodes' steps with the same observation."""
    b, seen = np.zeros_like(targets), rollout.observations[:-1]
    for t, k in np.ndindex(targets.shape):
        same = (seen == seen[t, k]) & (rollout.mask > 0) & (np.arange(targets.shape[1]) != k)
        b[t, k] = targets[same].mean() if same.any() else 0
    return b


RIGHT = {
    check_estimator: [reward_to_go, looped_psi, lambda r: reward_to_go(r).astype(np.float32),
                      lambda r: total_return(r) - earlier(np.cumsum(powers(r.discounts) * r.rewards, axis=0)) * r.mask,
                      lambda r: suffix_sums(powers(r.discounts) * r.rewards)],
    check_baseline: [leave_one_out, loo_by_loop, others, of_whole_episodes, of_those_that_go_on, by_observation,
                     partial(others, of=np.median), lambda r, t: (t.sum(axis=1, keepdims=True) - t) / t.shape[1],
                     lambda r, t: np.roll(t, 1, axis=1), lambda r, t: leave_one_out(r, t).tolist()],
}  # fmt: skip
WRONG = [
    (check_estimator, lambda r: -reward_to_go(r), "Right but for the sign: check the sign"),
    (check_estimator, lambda r: 2 * reward_to_go(r), "exactly 2 times the gradient"),
    (check_estimator, lambda r: 2 * total_return(r), "exactly 2 times the gradient"),
    (check_estimator, total_return, PAST),
    (check_estimator, own_mean, OWN),
    (check_estimator, lambda r: total_return(r, baseline=batch_mean), OWN),
    (check_estimator, averaged, "mean over time"),
    (check_estimator, lambda r: reward_to_go(r) / len(r.rewards), "mean over time"),
    (check_estimator, mean_of_the_rest, "mean over time"),
    (check_estimator, lambda r: reward_to_go(r).sum(axis=0) / r.lengths * r.mask, "mean over time"),
    (check_estimator, lambda r: powers(r.discounts) * later(G(r)) * r.mask, "One step off"),
    (check_estimator, lambda r: powers(r.discounts) * (G(r) - r.rewards) * r.mask, "One step off"),
    (check_estimator, lambda r: reward_to_go(r._replace(rewards=earlier(r.rewards))), "One step off"),
    (check_estimator, G, "gamma^t is missing"),
    (check_estimator, lambda r: powers(r.discounts) * reward_to_go(r), "gamma^t is doubled"),
    (check_estimator, lambda r: reward_to_go(r).astype(int), "integers cut decimals off"),
    (check_estimator, lambda r: reward_to_go(r) / r.rewards.shape[-1], "do not divide by B"),
    (check_estimator, beyond_the_end, PAST + ". Your weights go on behind an episode's end: multiply"),
    (check_estimator, lambda r: reward_to_go(r) + (1 - r.mask), "multiply by rollout.mask"),
    (check_estimator, lambda r: reward_to_go(r)[0], "Wrong shape: (4, 3) is needed, yours is (3,)"),
    (check_estimator, lambda r: reward_to_go(r) / r.mask, "NaN or infinity"),
    (check_estimator, in_place, "changes rollout.rewards, which"),
    (check_estimator, lambda r: r.reward, "stopped with AttributeError: 'Rollout' object has no attribute 'reward'"),
    (check_estimator, lambda r: 0 * r.rewards, "exactly 0 times the gradient"),
    (check_estimator, partial(reward_to_go, baseline=constant(1.0)), "unbiased, but its variance is not that of"),
    (check_estimator, lambda r: r.rewards**2, "Biased: your expectation is ["),
    (check_baseline, batch_mean, "This is the mean over the whole batch. It contains the episode that it judges"),
    (check_baseline, lambda r, t: t, "These are the targets themselves"),
    (check_baseline, lambda r, t: r.rewards, "A baseline may not depend on the action that it judges"),
    (check_baseline, lambda r, t: 0, "variance does not fall"),
    (check_baseline, constant(-5.0), "variance does not fall"),
    (check_baseline, lambda r, t: 2 * t, "check the sign"),
    (check_baseline, lambda r, t: t[:1, :1] * [0, np.nan], "NaN"),
    (check_baseline, lambda r, t: np.zeros(7), "Wrong shape: what fits (4, 3) is needed, yours is (7,)"),
    (check_baseline, lambda r, t: np.multiply(t, 0, out=t), "changes targets, which"),
    (check_baseline, lambda r, t: t.mean(1, keepdim=True), "stopped with TypeError"),
    (check_estimator, lambda r: psi_of(r, discounted_returns(r.discounts * r.rewards, r.discounts)),
     "discounted once too often"),
    (check_estimator, lambda r: np.cumprod(r.discounts, axis=0) * G(r), "a cumprod needs a shift"),
    (check_estimator, lambda r: suffix_sums(np.cumprod(r.discounts, axis=0) * r.rewards), "a cumprod needs a shift"),
    (check_estimator, lambda r: r.discounts * reward_to_go(r), "gamma^t begins with 1"),
    (check_estimator, lambda r: suffix_sums(r.rewards), "Nothing is discounted: neither by gamma^t nor what follows"),
    (check_estimator, lambda r: psi_of(r, suffix_sums(r.rewards)), "What follows is not discounted"),
    (check_estimator, lambda r: reward_to_go(r)[::-1], "Turned round in time"),
    (check_estimator, lambda r: psi_of(r, G(r)[::-1]), "Turned round in time"),
    (check_estimator, lambda r: np.cumsum(r.rewards, axis=0), "You add up forwards"),
    (check_estimator, lambda r: np.cumsum(psi_of(r, r.rewards), axis=0), "You add up forwards"),
    (check_estimator, lambda r: r.rewards * 1, "Only the reward of the step itself"),
    (check_estimator, lambda r: psi_of(r, r.rewards), "Only the reward of the step itself"),
    (check_estimator, lambda r: reward_to_go(r) * r.log_probs, "give back the weights alone, without log_probs"),
    (check_estimator, lambda r: reward_to_go(r)[:, 0], "yours is (4,) (given rollout = one with rewards of shape (4, 3))."
     " Yours has the first of these axes alone"),
    (check_estimator, lambda r: reward_to_go(r).sum(), "Yours is a single number: perhaps a sum too many"),
    (check_estimator, lambda r: np.round(reward_to_go(r), 2), "looks like rounding"),
    (check_baseline, lambda r, t: 3.0, "One number cannot suit every world"),
    (check_baseline, constant(2.0), "One number cannot suit every world"),
    (check_baseline, lambda r, t: [3] * t.shape[1], "One number cannot suit every world"),
    (check_baseline, lambda r, t: 0, "With 0, nothing is subtracted"),
    (check_baseline, lambda r, t: t - t.mean(axis=1, keepdims=True), "return what is to be subtracted"),
    (check_baseline, lambda r, t: t - leave_one_out(r, t), "return what is to be subtracted"),
    (check_baseline, lambda r, t: t - 3, "return what is to be subtracted"),
    (check_baseline, lambda r, t: t.mean(), "This is the mean over all steps and episodes"),
    (check_baseline, lambda r, t: t.mean(axis=0), "This is the mean over the steps of the same episode"),
    (check_baseline, lambda r, t: t.mean(axis=1), "yours is (4,). Keep the axis over which you average: keepdims=True"),
    (check_baseline, lambda r, t: t.sum(axis=1, keepdims=True) - t, "divide it by their number, B - 1"),
    (check_baseline, lambda r, t: t[0], "The return of the whole episode"),
    (check_baseline, lambda r, t: np.median(t, axis=1, keepdims=True), "A baseline may not depend on the action"),
    (check_baseline, lambda r, t: 0.999 * t.mean(axis=1, keepdims=True), "A baseline may not depend on the action"),
    (check_estimator, lambda r: G(r)[::-1], "Reverse it. And gamma^t is missing."),
    (check_estimator, lambda r: r.discounts * G(r), "a cumprod needs a shift.) And gamma^t is missing."),
    (check_estimator, lambda r: -G(r), "nothing is made a loss of here. And gamma^t is missing."),
    (check_estimator, lambda r: -total_return(r), "-1 times the gradient: check the sign"),
    (check_estimator, lambda r: own_mean(r) + 1 - r.mask, OWN + ". Your weights go on behind an episode's end"),
    (check_estimator, lambda r: r.rewards.sum(axis=0) + 0 * r.rewards, "the plain sum of all rewards. Your weights"),
    (check_estimator, lambda r: G(r) - G(r).mean(axis=1, keepdims=True), "the episode it judges. And gamma^t is"),
    (check_estimator, lambda r: reward_to_go(r) - reward_to_go(r).mean(), "You subtract the mean of all weights"),
    (check_estimator, lambda r: (G(r) - G(r).mean()) / (G(r).std() + 1e-9), "You standardise the weights"),
    (check_estimator, lambda r: (reward_to_go(r) - reward_to_go(r).mean()) / (reward_to_go(r).std() + 1e-9), "You standardise"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "number"), each_with_its_number(RIGHT))
def test_right_answers_pass_however_they_are_written(check, number):
    passes(check, RIGHT[check][number])


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_each_wrong_answer_gets_its_own_message(number):
    refuses(*WRONG[number])


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


@pytest.mark.parametrize(("check", "wrong", "part"), [
    (check_estimator, lambda r: 1.00005 * reward_to_go(r),
     "is [-1.5895, 1.5895] where the gradient is [-1.5894, 1.5894]. So small"),
    (check_estimator, partial(reward_to_go, baseline=constant(1e-4)), "2.868 where it was 2.8682"),
    (check_baseline, constant(-1e-5), "2.86821 where it was 2.86819"),
])  # fmt: skip
def test_numbers_that_differ_are_shown_with_the_digits_in_which_they_do(check, wrong, part):
    refuses(check, wrong, part)

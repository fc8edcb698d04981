"""The race of notebook 12: what each method is made of, exactly; where each ends; and its picture."""

import itertools

import numpy as np
import pytest
from lesson import line

import pgedu as pg
from pgedu.lessons import alignment_race, rlhf_predictions
from pgedu.lessons.alignment_race import (
    IN_REWARD, METHODS, PENALTIES, REWARDED, alignment, log_ratios, pairs, penalised, penalised_ppo, side_by_side, stand, thinned, written,
)  # fmt: skip
from pgedu.lessons.sentence_world import LANGUAGE, LOG_REFERENCE, LOG_WORDS, TRUTH, policy
from pgedu.panels.canvas import Canvas

TRUE, JUDGED = list(REWARDED)
BEST, VALUE = pg.tilt(LOG_REFERENCE, TRUTH, 0.3)
SETTINGS = {"beta": 0.3, "rewarded": TRUE, "penalty": IN_REWARD, "divide": True, "per_length": False}


def thetas(n, seed=0):
    return np.random.default_rng(seed).normal(size=(n, policy.size))


def ends(name, updates, runs=6, last=50, **changes):
    """(KL, true reward, objective), the means over runs and over the last updates, of one method alone."""
    training = side_by_side(np.random.default_rng(0), **SETTINGS | changes, runs=runs).trainings[name]
    theta = np.array([next(training).theta for _ in range(updates)])[-last:]
    return [each.mean() for each in stand(theta, REWARDED[(SETTINGS | changes)["rewarded"]], (SETTINGS | changes)["beta"])]


def test_where_policies_stand_by_loops():
    theta = thetas(3)
    kl, true, J = stand(theta, REWARDED[JUDGED], 0.2)
    for run in range(3):
        words = np.exp(pg.log_softmax(theta[run].reshape(41, 3)))
        P = np.array([np.prod([words[s, w] for s, w in zip(*each)]) for each in zip(LANGUAGE.states, LANGUAGE.sentences)])
        assert kl[run] == pytest.approx(P @ (np.log(P) - LOG_REFERENCE)) and true[run] == pytest.approx(P @ TRUTH)
        assert J[run] == pytest.approx(P @ REWARDED[JUDGED] - 0.2 * kl[run])
    np.testing.assert_allclose(J, pg.exact_return(written(REWARDED[JUDGED], 0.2), policy, theta), rtol=1e-12)


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_the_penalty_in_the_loss_is_the_slope_of_the_estimates_word_by_word(kind):
    """By finite differences of the sum of estimates over all sentences, with their chances held fixed."""
    theta = thetas(1)[0] * 0.3
    rollout, chances = pg.enumerate_rollouts(LANGUAGE.world(TRUTH), policy, theta, horizon=4)
    psi = penalised(rollout, advantage=lambda each: 0 * each.rewards, beta=0.7, kind=kind)
    ours = chances @ pg.episode_gradients(policy, np.broadcast_to(theta, (81, 123)), rollout, psi)[:, 0]

    def loss(theta):
        x = (pg.log_softmax(theta.reshape(41, 3)) - LOG_WORDS)[rollout.observations[:-1, :, 0], rollout.actions[..., 0]]
        return -0.7 * chances @ pg.kl_estimate(x, kind).sum(axis=0)

    h = 1e-5
    for d in (0, 1, 7, 40, 119):
        e = h * (np.arange(123) == d)
        assert ours[d] == pytest.approx((loss(theta + e) - loss(theta - e)) / (2 * h), abs=1e-8)
    if kind == "k1":
        assert np.abs(ours).max() < 1e-15


def test_log_ratios_sum_to_those_of_sentences():
    theta = thetas(1)[0]
    rollout = pg.collect(LANGUAGE.world(TRUTH), policy, theta, episodes=50, rng=np.random.default_rng(0))
    numbers = rollout.actions.T @ (3 ** np.arange(4)[::-1])
    wanted = (LANGUAGE.log_probs(pg.log_softmax(theta.reshape(41, 3))) - LOG_REFERENCE)[numbers]
    np.testing.assert_allclose(log_ratios(rollout).sum(axis=0), wanted, rtol=1e-9)


def test_at_the_optimum_no_group_says_anything():
    """Reward less penalty is the same for all sentences: neither RLOO nor GRPO moves, whatever it divides by."""
    theta = LANGUAGE.log_policy(BEST).ravel()
    rollout = pg.collect(written(TRUTH, 0.3), policy, theta, episodes=16, rng=np.random.default_rng(0))
    assert len(set(map(tuple, rollout.actions.T))) > 5
    np.testing.assert_allclose(rollout.rewards.sum(axis=0), VALUE, rtol=1e-9)
    assert np.abs(pg.group_advantage(rollout, divide=False)).max() < 1e-12
    assert np.abs(pg.total_return(rollout, baseline=pg.leave_one_out)).max() < 1e-12


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_ppo_with_its_penalty_in_the_loss(kind):
    """Its first gradient of a batch, without advantages, is that of `penalised`, a mean over words instead of over sentences."""
    critic = pg.LearnedValue(pg.Table(41, 1), pg.SGD(1e-9))
    settings = {"critic": critic, "environments": 30, "steps": None, "minibatches": 1, "epochs": 1, "normalize": False,
                "max_gradient_norm": np.inf, "optimizer": pg.SGD(0.1), "rng": np.random.default_rng(0), "theta": thetas(2) * 0.3, "runs": 2}  # fmt: skip
    training = penalised_ppo(LANGUAGE.world(np.zeros(81)), policy, **settings)
    training.penalty = (0.7, kind)
    record = next(training)
    psi = penalised(record.rollout, advantage=lambda each: 0 * each.rewards, beta=0.7, kind=kind)
    wanted = pg.episode_gradients(policy, thetas(2) * 0.3, record.rollout, psi).mean(axis=-2) / 4
    np.testing.assert_allclose(record.gradients[:, 0], wanted, atol=1e-10)


def test_pairs_are_preferred_as_people_do():
    good, bad = pairs()
    numbers = [each.actions.T @ (3 ** np.arange(4)[::-1]) for each in (good, bad)]
    P = np.exp(LOG_REFERENCE)
    seen = np.bincount(np.concatenate(numbers), minlength=81) / (2 * alignment_race.PAIRS)
    assert np.abs(seen - P).max() < 4 * np.sqrt(0.25 / (2 * alignment_race.PAIRS))
    agreed = (TRUTH[numbers[0]] > TRUTH[numbers[1]]).mean() + (TRUTH[numbers[0]] == TRUTH[numbers[1]]).mean() / 2
    assert agreed == pytest.approx(0.5815, abs=0.01)


def test_in_the_reward_all_that_sample_arrive():
    assert VALUE == pytest.approx(0.4585, abs=5e-5) and pg.kl_divergence(BEST, LOG_REFERENCE) == pytest.approx(0.555, abs=5e-4)
    for name, updates, near in (("RLOO", 200, 0.004), ("GRPO", 200, 0.005), ("PPO", 200, 0.02)):
        kl, true, J = ends(name, updates)
        assert VALUE - near < J < VALUE and abs(kl - 0.555) < 0.08, name
    kl, true, J = ends("DPO", 400)
    assert VALUE - 0.05 < J < VALUE
    assert rlhf_predictions.any_division[2] == "At the star, as RLOO does"


def test_in_the_loss():
    kl, _, J = ends("GRPO", 200, penalty="k3 in the loss")
    assert kl == pytest.approx(2.3, abs=0.15) and J < 0.25 and rlhf_predictions.in_the_loss[2] == "At about 2.3"
    assert ends("GRPO", 200, penalty="k3 in the loss", divide=False)[0] == pytest.approx(0.6, abs=0.05)
    assert ends("GRPO", 150, penalty="k1 in the loss")[0] > 4 and ends("PPO", 200, penalty="k1 in the loss")[0] > 4
    assert 0.6 < ends("PPO", 200, penalty="k3 in the loss")[0] < 0.8
    assert 0.4 < ends("PPO", 200, penalty="k2 in the loss")[0] < 0.54 and ends("GRPO", 200, penalty="k2 in the loss")[0] > 2.5
    assert ends("GRPO", 200, penalty="k2 in the loss", divide=False)[0] == pytest.approx(0.44, abs=0.05)


def test_length_is_a_factor_where_all_are_equally_long():
    one = ends("GRPO", 60, last=1, penalty="k3 in the loss")
    four = ends("GRPO", 60, last=1, penalty="k3 in the loss", per_length=True)
    assert four == pytest.approx(one, rel=0.02)


def test_rewarded_by_the_judge_they_sink_together():
    for name in ("RLOO", "GRPO", "PPO"):
        assert ends(name, 500, runs=3, rewarded=JUDGED, beta=0.1)[1] < 0, name
    assert ends("DPO", 200, rewarded=JUDGED, beta=0.1)[1] > 0.4


@pytest.mark.parametrize("rewarded, penalty", [(TRUE, IN_REWARD), (JUDGED, PENALTIES[1]), (TRUE, PENALTIES[3])])
@pytest.mark.parametrize("beta", [0.1, 1.0])
def test_the_picture(rewarded, penalty, beta):
    canvas = Canvas(alignment, (9.6, 4.2))
    assert canvas.draw(new=[], beta=beta, rewarded=rewarded) == "No update yet."
    race = iter(side_by_side(np.random.default_rng(0), beta, rewarded, penalty, False, True, runs=3))
    for _ in range(2):
        new = list(itertools.islice(race, 5))
        sentence = canvas.draw(new=new, beta=beta, rewarded=rewarded)
    log_probs, value = pg.tilt(LOG_REFERENCE, REWARDED[rewarded], beta)
    assert "After 10 updates" in sentence and f"The best possible is {value:.2f}" in sentence and canvas.png()
    for name in METHODS:
        found = line(canvas.figure.axes[1], name)
        assert found[-1] == pytest.approx([10, stand(new[-1][name].theta, REWARDED[rewarded], beta)[2].mean()])
    dots = [each for each in canvas.figure.axes[0].lines if each.get_marker() == "o"]
    for each, name in zip(dots, METHODS):
        kl, true, _ = stand(new[-1][name].theta, REWARDED[rewarded], beta)
        np.testing.assert_allclose(each.get_xydata(), np.stack([kl, true], axis=-1))


def test_a_long_way_is_thinned():
    assert thinned(list(range(600))) == list(range(600)) and thinned(list(range(601))) == list(range(0, 601, 2))

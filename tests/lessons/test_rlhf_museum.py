"""The museum of notebook 12: each policy is where its mistake's mean updates come to rest."""

import numpy as np
import pytest
from lesson import corners

import pgedu as pg
from pgedu.lessons import rlhf_predictions
from pgedu.lessons.rlhf_museum import BETAS, MISTAKES, REFERENCE, REWARDS, ends, forward, museum, no_pull, objective, right, turned_round

K1, K3, ROUND = MISTAKES


def mean_update(pi, beta, weights):
    """The mean of psi x score in the logits [3]; psi = r - beta * weights."""
    psi = REWARDS - beta * weights
    return pi * (psi - pi @ psi)


@pytest.mark.parametrize("beta", [0.1, 1.0, 10.0])
def test_each_is_at_rest(beta):
    pi = right(np.array([[beta]]))[0]
    np.testing.assert_allclose(pi, np.exp(pg.tilt(REFERENCE, REWARDS, beta)[0]))
    pi = forward(np.array([[beta]]))[0]
    assert pi.sum() == pytest.approx(1) and np.abs(mean_update(pi, beta, pg.kl_loss_weights(np.log(pi) - REFERENCE, "k3"))).max() < 1e-9
    pi = turned_round(np.array([[beta]]))[0]
    assert np.abs(mean_update(pi, beta, pg.kl_estimate(REFERENCE - np.log(pi), "k3"))).max() < 1e-5


@pytest.mark.parametrize("beta", [0.3, 1.0, 10.0])
def test_plain_ascent_arrives_there(beta):
    """In the logits, from the reference, with small steps: another way than that of the module."""
    for found, weights in ((forward, lambda x: pg.kl_loss_weights(x, "k3")), (turned_round, lambda x: pg.kl_estimate(-x, "k3"))):
        logits = REFERENCE.copy()
        for _ in range(20_000):
            log_pi = pg.log_softmax(logits)
            logits = logits + 0.1 / max(beta, 1) * mean_update(np.exp(log_pi), beta, weights(log_pi - REFERENCE))
        np.testing.assert_allclose(np.exp(pg.log_softmax(logits)), found(np.array([[beta]]))[0], atol=2e-3)


def test_k1_in_the_loss_leaves_the_reward_alone():
    x = np.log([0.2, 0.3, 0.5]) - REFERENCE
    np.testing.assert_allclose(mean_update(np.exp(x + REFERENCE), 5.0, pg.kl_loss_weights(x, "k1")), mean_update(np.exp(x + REFERENCE), 0.0, x))
    np.testing.assert_allclose(no_pull(BETAS[:, None]), np.tile([0.0, 0.0, 1.0], (len(BETAS), 1)))
    np.testing.assert_allclose(objective(ends(K1.name), BETAS), 2 + BETAS * np.log(0.1))


def test_none_is_better_than_what_was_meant():
    for mistake in MISTAKES:
        lost = objective(ends("meant"), BETAS) - objective(ends(mistake.name), BETAS)
        assert (lost > 0).all(), mistake.name
        if mistake is K3:
            assert lost.max() < 0.1  # "a few hundredths"


def test_the_worst_answer_is_driven_out():
    assert ends(ROUND.name)[-1, 0] < 1e-6 and ends("meant")[-1, 0] > 0.5 and rlhf_predictions.upside_down[2] == "In none"


def test_pictures_at_both_ends():
    for sentence, _ in corners(museum, mistake=MISTAKES, beta=(0.1, 1.0, 10.0)):
        assert "Seen in" in sentence and "#" in sentence

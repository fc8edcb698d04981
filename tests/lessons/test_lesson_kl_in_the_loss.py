"""Estimates of KL as values and as losses: quadrature, finite differences, and learners without a reward."""

import itertools

import numpy as np
import pytest
from lesson import line

import pgedu as pg
from pgedu.lessons import rlhf_predictions
from pgedu.lessons.kl_in_the_loss import (
    KINDS, REFERENCE, STARTS, mean_gradient, moments_of, of_a_shift, only_penalties, penalties, penalty_alone, policy,
)  # fmt: skip
from pgedu.panels.canvas import Canvas

FAR = np.array([0.001, 0.9, 0.099])


def kl_of(theta):
    log_pi = pg.log_softmax(theta)
    return pg.kl_divergence(log_pi, np.broadcast_to(np.log(REFERENCE), log_pi.shape))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mu", [0.3, 1.0, 1.7])
def test_a_shift_by_quadrature(kind, mu):
    x, width = np.linspace(-15 + mu, 15 + mu, 200_001, retstep=True)
    density = np.exp(-((x - mu) ** 2) / 2) / np.sqrt(2 * np.pi) * width
    estimate, kl = pg.kl_estimate(mu * x - mu**2 / 2, kind), mu**2 / 2
    mean = density @ estimate
    sd = np.sqrt(density @ (estimate - mean) ** 2)
    assert of_a_shift(mu, kind) == pytest.approx((mean / kl - 1, sd / kl), abs=1e-8)


def test_k3_varies_less_only_near_the_reference():
    mu = np.sqrt(2 * 0.628)
    assert of_a_shift(mu, "k1")[1] == pytest.approx(of_a_shift(mu, "k3")[1], abs=2e-3)
    assert [of_a_shift(3.0, kind)[1] for kind in ("k1", "k3")] == pytest.approx([2 / 3, 20], abs=0.01)
    assert pg.kl_divergence(np.log(FAR), np.log(REFERENCE)) == pytest.approx(0.981, abs=5e-4)
    assert moments_of(FAR, "k1")[1] == pytest.approx(0.164, abs=5e-4) and moments_of(FAR, "k3")[1] == pytest.approx(350, abs=1)


@pytest.mark.parametrize("pi", [FAR, np.array([0.5, 0.35, 0.15])])
def test_mean_gradients(pi):
    """0, the slope of KL by finite differences, and pi - reference."""
    h, logits = 1e-6, np.log(pi)
    slopes = [(kl_of(logits + h * e) - kl_of(logits - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(mean_gradient(pi, "k1"), 0, atol=1e-15)
    np.testing.assert_allclose(mean_gradient(pi, "k2"), slopes, atol=1e-8)
    np.testing.assert_allclose(mean_gradient(pi, "k3"), pi - REFERENCE, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_learners_descend_by_these_on_average(kind):
    theta = np.log(np.array([0.2, 0.3, 0.5]))
    estimator = lambda rollout: penalty_alone(rollout, beta=0.4, kind=kind)  # noqa: E731
    found = pg.exact_moments(pg.bandit([0.0, 0.0, 0.0]), policy, theta, estimator, horizon=1).mean
    np.testing.assert_allclose(found, -0.4 * mean_gradient(np.exp(theta), kind), atol=1e-12)


def after(begin, beta, updates=300):
    race = only_penalties(np.random.default_rng(0), begin, runs=200)
    race.beta = beta
    *_, last = itertools.islice(iter(race), updates)
    return {kind: kl_of(record.theta).mean() for kind, record in last.items()}


def test_more_penalty_more_distance():
    at, away = STARTS
    drift = [after(at, beta)["k1"] for beta in (0.01, 0.04, 0.1, 0.3)]
    assert drift == pytest.approx([0.003, 0.039, 0.191, 0.648], rel=0.2)  # sampled; 200 learners
    still = after(at, 0.3)
    assert still["k2"] < 1e-20 and still["k3"] < 1e-20 and rlhf_predictions.more_penalty[2] == "Further away from it"
    back = after(away, 0.1)
    assert back["k2"] < 1e-3 and back["k3"] < 1e-3 and back["k1"] > 0.9
    assert after(away, 1.0)["k3"] > 0.3  # thrown out by single draws


@pytest.mark.parametrize("begin", STARTS)
@pytest.mark.parametrize("beta", [0.01, 3.0])
def test_the_picture(begin, beta):
    canvas = Canvas(penalties)
    assert canvas.draw(new=[], beta=beta) == "No update yet."
    race = only_penalties(np.random.default_rng(0), begin)
    race.beta = beta
    stream = iter(race)
    for _ in range(3):
        new = list(itertools.islice(stream, 40))
        sentence = canvas.draw(new=new, beta=beta)
        assert "nan" not in sentence and "inf" not in sentence and canvas.png()
    assert "after 120 updates" in sentence
    for kind in KINDS:
        assert line(canvas.figure.axes[1], kind)[-1] == pytest.approx([120, kl_of(new[-1][kind].theta).mean()])

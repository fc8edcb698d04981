"""Notebook 08: what is pushed with the score at the action as drawn and as clipped, against integrals and samples; tanh."""

import numpy as np
import pytest
from lesson import corners, picture

from pgedu import *
from pgedu.lessons import clipped_actions
from pgedu.lessons.hills import cumulative
from pgedu.lessons.clipped_actions import (
    WITHIN, ClippedHill, areas_of, clipped_action_stored, expected_play, squashed_density, true_gradient, wrong_gradient,
)  # fmt: skip

PLACES = [(0.0, 1.0), (1.5, 1.0), (-0.7, 0.4), (0.3, 3.0), (2.0, 0.2)]
POLICY = Policy.gaussian(Table(1, 1))


def means(mu, sigma, added, clipped):
    """E r z / sigma and E r (z^2 - 1) by integration, z of the action as drawn or clipped."""
    z, width = np.linspace(-9, 9, 200_001, retstep=True)
    weight = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) * width
    played = np.clip(mu + sigma * z, -1, 1)
    at = (played - mu) / sigma if clipped else z
    return (weight * (played + added) * at / sigma).sum(), (weight * (played + added) * (at**2 - 1)).sum()


@pytest.mark.parametrize("mu, sigma", PLACES)
@pytest.mark.parametrize("added", [0.0, -2.0, 1.0])
def test_pushes_are_what_integration_gives(mu, sigma, added):
    assert true_gradient(mu, sigma, added) == pytest.approx(means(mu, sigma, added, False), abs=1e-6)
    assert wrong_gradient(mu, sigma, added) == pytest.approx(means(mu, sigma, added, True), abs=1e-6)


def test_known_numbers():
    assert true_gradient(0.0, 1.0)[0] == pytest.approx(0.6827, abs=5e-5) and wrong_gradient(0.0, 1.0)[0] == pytest.approx(0.5161, abs=5e-5)
    assert true_gradient(1.5, 1.0)[0] == pytest.approx(0.302, abs=5e-4) and wrong_gradient(1.5, 1.0)[0] == pytest.approx(-0.397, abs=5e-4)
    assert wrong_gradient(1.0827, 1.0)[0] == pytest.approx(0, abs=1e-4) and expected_play(1.0827, 1.0) == pytest.approx(0.648, abs=1e-3)
    assert wrong_gradient(1.0, 1.0, 1.0)[0] - wrong_gradient(1.0, 1.0)[0] == pytest.approx(-0.390, abs=5e-4)
    assert wrong_gradient(0.0, 1.0, 1.0)[1] == pytest.approx(-0.484, abs=5e-4)


def test_the_true_push_is_the_slope_of_what_is_played():
    for mu, sigma in PLACES:
        e = 1e-6
        along = (expected_play(mu + e, sigma) - expected_play(mu - e, sigma)) / (2 * e)
        across = (expected_play(mu, sigma * np.exp(e)) - expected_play(mu, sigma * np.exp(-e))) / (2 * e)
        assert true_gradient(mu, sigma) == pytest.approx((along, across), abs=1e-8)


def test_the_world_and_its_learners():
    theta = np.array([[0.3, -0.2]])
    world = ClippedHill(1.0)
    rollout = collect(world, POLICY, theta, rng=np.random.default_rng(0), episodes=200_000)
    assert (rollout.rewards == np.clip(rollout.actions[..., 0], -1, 1) + 1).all()
    assert exact_return(world, POLICY, theta) == pytest.approx(expected_play(0.3, np.exp(-0.2)) + 1)
    assert exact_gradient(world, POLICY, theta)[0] == pytest.approx(true_gradient(0.3, np.exp(-0.2)))
    for algorithm, gradient in ((reinforce, true_gradient), (clipped_action_stored, wrong_gradient)):
        training = algorithm(world, POLICY, optimizer=SGD(0.0), rng=np.random.default_rng(0), theta=theta, episodes=200_000)
        found = next(training).gradients[0]
        error = found.std(axis=0) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - gradient(0.3, np.exp(-0.2), 1.0)) < 4 * error).all()


def test_the_panel_of_pushes():
    for said, _ in corners(clipped_actions.pushes, mu=[-3.0, 3.0], sigma=[0.1, 10.0], added=[-2.0, 2.0]):
        assert said.startswith("Pushes on μ and log σ: ")
    _, draw = picture(clipped_actions.pushes)
    assert "0.68 and 0.00 with the score at the action as drawn, 0.52 and 0.00" in draw(mu=0.0, sigma=1.0, added=0.0)


def test_the_panel_of_learners_shows_what_diverges():
    for baseline, added in ((none, -2.0), (none, 2.0), (leave_one_out, 0.0)):
        settings = {"optimizer": SGD(0.05), "rng": np.random.default_rng(0), "runs": 20, "episodes": 20, "baseline": baseline}
        records = list(clipped_action_stored(ClippedHill(added), POLICY, updates=300, **settings))
        _, draw = picture(clipped_actions.bounded_learners)
        said = draw(new=records, mistake=True)
        assert ("beyond 20 in size" in said) == (added == -2.0)
    assert clipped_actions.bounded_learners(_)(new=[], mistake=False) == "No update yet."


def test_tanh_once_is_a_density_and_twice_is_none():
    for mu, sigma in ((0.0, 1.0), (1.0, 1.0), (-2.0, 0.3), (0.5, 3.0)):
        once, twice, played = areas_of(mu, sigma)
        u = np.random.default_rng(0).normal(mu, sigma, 400_000)
        assert once == pytest.approx(1) and played == pytest.approx(np.tanh(u).mean(), abs=0.006)
        assert twice == pytest.approx(((1 - np.tanh(u) ** 2) / (1 - np.tanh(np.tanh(u)) ** 2)).mean(), abs=0.006)
        inner = slice(100, -100)  # nearer to the bounds it is too steep for a sum of trapezia
        below = cumulative((np.arctanh(WITHIN[inner]) - mu) / sigma)
        heights = squashed_density(mu, sigma)[inner]
        sums = ((heights[1:] + heights[:-1]) / 2 * np.diff(WITHIN[inner])).cumsum()
        assert sums == pytest.approx((below - below[0])[1:], abs=1e-4)
    assert areas_of(1.0, 1.0)[2] == pytest.approx(0.550, abs=1e-3)


def test_the_density_is_that_of_the_squashed_head():
    policy = Policy.squashed(Table(1, 1))
    u = np.arctanh(WITHIN)
    log = policy.log_prob(np.array([0.4, np.log(0.8)]), np.zeros((1, len(u)), dtype=int), u[None, :, None])
    assert np.exp(log[0]) == pytest.approx(squashed_density(0.4, 0.8))


def test_the_panel_of_tanh():
    for said, _ in corners(clipped_actions.squashed, rng=[np.random.default_rng(0)], mu=[-2.0, 2.0], sigma=[0.2, 3.0]):
        assert "The area below the density is 1.00" in said

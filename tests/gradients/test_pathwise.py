"""Pathwise gradients, beside the score function in the same moments. (Their variances: test_hills.)"""

import numpy as np
import pytest

from pgedu import *
from pgedu.lessons.hills import BumpyHill, CosineHill


def test_the_pathwise_estimate_is_the_derivative_of_the_reward_with_the_noise_held_fixed():
    hill, policy = BumpyHill(dimensions=2), Policy.gaussian(Table(1, 2))
    theta = np.random.default_rng(1).normal(size=(3, 4))

    def rewards(theta):
        return collect(hill, policy, theta, rng=np.random.default_rng(0), episodes=6).rewards[0]

    rollout = collect(hill, policy, theta, rng=np.random.default_rng(0), episodes=6)
    found = pathwise_gradients(hill, policy, theta, rollout)
    assert found.shape == (3, 6, 4)
    for k, step in enumerate(1e-6 * np.eye(4)):
        assert found[..., k] == pytest.approx((rewards(theta + step) - rewards(theta - step)) / 2e-6, abs=1e-7)


def test_both_estimates_go_through_the_same_moments():
    hill, policy, theta = CosineHill(3.0), Policy.gaussian(Table(1, 1)), np.zeros((5, 2))
    rollout = collect(hill, policy, theta, rng=np.random.default_rng(0), episodes=100_000)
    score = moments(episode_gradients(policy, theta, rollout, reward_to_go(rollout)))
    through = moments(pathwise_gradients(hill, policy, theta, rollout))
    assert score.covariance[..., 0, 0] == pytest.approx(hill.score_variance(0.0, 1.0), rel=0.05)
    assert through.covariance[..., 0, 0] == pytest.approx(hill.pathwise_variance(0.0, 1.0), rel=0.05)


def test_a_world_that_cannot_be_differentiated_says_so():
    with pytest.raises(ValueError, match="can be differentiated"):
        pathwise_gradients(short_corridor(), None, None, None)

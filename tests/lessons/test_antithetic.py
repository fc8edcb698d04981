"""Antithetic pairs: each episode as before, two of them opposite."""

import copy

import numpy as np
import pytest

from pgedu import *
from pgedu.lessons.antithetic import Antithetic, pair_means


def test_noise_comes_in_opposite_pairs_and_each_is_standard_normal():
    noise = Antithetic(Gaussian(2)).noise(np.random.default_rng(0), (3, 4, 10_000))
    assert noise.shape == (3, 4, 10_000, 2)
    assert (noise[:, :, :5000] == -noise[:, :, 5000:]).all()
    assert noise[:, :, 5000:].std() == pytest.approx(1, abs=0.01)


def test_all_else_is_the_heads_own_and_it_can_be_copied():
    head = copy.deepcopy(Antithetic(Gaussian(3)))
    outputs, actions = np.zeros((4, 6)), np.ones((4, 3))
    assert head.outputs == 6 and head.dimensions == 3 and head == Antithetic(Gaussian(3))
    assert (head.log_prob(outputs, actions) == Gaussian(3).log_prob(outputs, actions)).all()


def test_a_vector_environment_sees_pairs_too():
    policy = Policy(Linear(3, 2), Antithetic(Gaussian(1)))
    rollout = collect(PendulumVectorEnv(4), policy, np.zeros(policy.size), rng=np.random.default_rng(0), steps=1)
    assert rollout.actions[:, :2] == pytest.approx(-rollout.actions[:, 2:])


def test_odd_batches_and_lopsided_noise_are_refused():
    with pytest.raises(ValueError, match="episodes must be an even number"):
        Antithetic(Gaussian(1)).noise(np.random.default_rng(0), (1, 3))
    with pytest.raises(ValueError, match="as likely as its negative"):
        Antithetic(Categorical(2))


def test_pairs_are_averaged():
    gradients = np.arange(24.0).reshape(2, 4, 3)
    assert (pair_means(gradients)[1, 0] == (gradients[1, 0] + gradients[1, 2]) / 2).all()
    with pytest.raises(ValueError, match="even B"):
        pair_means(np.zeros((3, 2)))

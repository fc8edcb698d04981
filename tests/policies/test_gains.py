"""Gain: against -K x, finite differences and Linear."""

import numpy as np
import pytest

import pgedu as pg


def test_outputs_are_those_of_a_controller():
    gain = pg.Gain(3, 2, std=(0.5, 2.0))
    rng = np.random.default_rng(0)
    theta, x = rng.normal(size=(4, 6)), rng.normal(size=(5, 4, 7, 3))
    outputs = gain.forward(theta, x)
    K = theta.reshape(4, 2, 3)
    np.testing.assert_allclose(outputs[..., :2], -np.einsum("rmn,trbn->trbm", K, x), rtol=1e-12)
    np.testing.assert_allclose(outputs[..., 2:], np.broadcast_to(np.log([0.5, 2.0]), (5, 4, 7, 2)))
    np.testing.assert_array_equal(gain.prepared(theta)(x), outputs)
    assert (gain.init(rng, 3) == 0).all() and gain.init(rng, 3).shape == (3, 6) and gain.init(rng).shape == (6,)


def test_the_way_back_is_that_of_linear_and_of_differences():
    rng = np.random.default_rng(1)
    gain, linear = pg.Policy(pg.Gain(3, 2, std=0.7), pg.Gaussian(2)), pg.Policy.gaussian(pg.Linear(3, 2), np.log(0.7))
    theta, x = rng.normal(size=(4, 6)), rng.normal(size=(5, 4, 7, 3))
    same = np.concatenate([-np.swapaxes(theta.reshape(4, 2, 3), 1, 2).reshape(4, 6), np.zeros((4, 2)), np.full((4, 2), np.log(0.7))], axis=-1)
    actions, weights = rng.normal(size=(5, 4, 7, 2)), rng.normal(size=(5, 4, 7))
    np.testing.assert_allclose(gain.log_prob(theta, x, actions), linear.log_prob(same, x, actions), rtol=1e-12)
    score, expected = gain.score(theta, x, actions, weights), linear.score(same, x, actions, weights)[..., :6]
    np.testing.assert_allclose(score, -np.swapaxes(expected.reshape(4, 7, 3, 2), -1, -2).reshape(4, 7, 6), rtol=1e-12)
    h = 1e-6
    for d in range(6):
        up, down = (gain.log_prob(theta + sign * h * np.eye(6)[d], x, actions) for sign in (1, -1))
        np.testing.assert_allclose(score[..., d], (weights * (up - down)).sum(axis=0) / (2 * h), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("arguments, sentence", [
    ((0, 1), "features must be a whole number of 1 or more; got 0"),
    ((1, 1.5), "actions must be a whole number of 1 or more; got 1.5"),
    ((1, 1, 0.0), "std must be above 0; got 0.0"),
    ((1, 2, (1.0, 0.0)), r"std must be above 0; got \(1.0, 0.0\)"),
    ((1, 2, (1.0,)), r"std must be \[M\] = \(2,\); got shape \(1,\)"),
])  # fmt: skip
def test_gains_that_are_none(arguments, sentence):
    with pytest.raises(ValueError, match=sentence):
        pg.Gain(*arguments)

"""Moments of gradient estimates: unbiased over all samples, exact from probabilities, and as NumPy has them."""

import itertools

import numpy as np
import pytest

from pgedu import moments


def test_moments_of_a_sample_are_unbiased():
    """Over all samples of 3 from 4 points, with their chances, the mean of the estimates is the truth itself."""
    rng = np.random.default_rng(9)
    points, chances = rng.normal(size=(4, 2)), np.array([0.1, 0.2, 0.3, 0.4])
    truth = moments(points, chances)
    samples = np.array(list(itertools.product(range(4), repeat=3)))
    weights, found = chances[samples].prod(axis=1), moments(points[samples])  # 64 samples on the run axis
    np.testing.assert_allclose(weights @ found.mean, truth.mean, atol=1e-14)
    covariance = np.einsum("n,nij->ij", weights, found.covariance)
    np.testing.assert_allclose(covariance, truth.covariance, atol=1e-14)
    assert not np.allclose(covariance * 2 / 3, truth.covariance)  # division by B
    np.testing.assert_allclose(weights @ found.variance, truth.variance, rtol=1e-12)



def test_moments_from_probabilities():
    gradients, chances = np.array([[0.0, 1.0], [2.0, 1.0]]), np.array([0.25, 0.75])
    found = moments(gradients, chances)
    np.testing.assert_allclose(found.mean, [1.5, 1.0])
    np.testing.assert_allclose(found.covariance, [[0.75, 0], [0, 0]], atol=1e-15)
    assert found.variance == pytest.approx(0.75)
    two = moments(np.stack([gradients, 2 * gradients]), np.stack([chances, chances]))
    np.testing.assert_allclose(two.variance, [0.75, 3.0])



def test_moments_agree_with_numpy():
    gradients = np.random.default_rng(10).normal(size=(2, 3, 50, 4))
    found = moments(gradients)
    for run in np.ndindex(2, 3):
        np.testing.assert_allclose(found.covariance[run], np.cov(gradients[run].T), atol=1e-13)
        np.testing.assert_allclose(found.mean[run], gradients[run].mean(axis=0), atol=1e-14)



@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((1, 3)),), r"gradients must be \[\*R, B, D\] with B of 2 or more .* got \(1, 3\)"),
        ((np.ones(3),), "gradients must be"),
        ((np.ones((4, 3)), np.ones(3) / 3), r"probabilities must be \[\*R, B\] = \(4,\); got shape \(3,\)"),
    ],
)  # fmt: skip
def test_moments_of_what_has_none(arguments, message):
    with pytest.raises(ValueError, match=message):
        moments(*arguments)

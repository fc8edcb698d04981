"""The pictures of the bug museums: moments as arrows and outlines, and learning curves, of the right one and a mistake."""

import numpy as np
import pytest
from lesson import corners, line
from matplotlib.figure import Figure

from pgedu.lessons.museum import EXHIBITS, RIGHT, Cost
from pgedu.lessons.museum_pictures import ExpectedEstimate, museum


def test_an_expected_estimate_is_an_arrow_to_the_mean_and_two_standard_deviations_around_it():
    rng, axes = np.random.default_rng(0), Figure().subplots()
    mean, root = rng.normal(size=6), rng.normal(size=(6, 6))
    estimate = ExpectedEstimate(axes, "right", "k", 1)
    estimate.show(mean, root @ root.T)
    np.testing.assert_array_equal(line(axes, "right"), [[0, 0], mean[[1, 3]]])
    off = estimate.outline.get_xydata() - mean[[1, 3]]
    inverse = np.linalg.inv((root @ root.T)[np.ix_([1, 3], [1, 3])] / 400)
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", off, inverse, off), 4.0)


def test_the_museum_shows_the_right_one_and_the_exhibit():
    rng = np.random.default_rng(0)
    costs = {}

    def measured(exhibit):
        if exhibit.name not in costs:
            angle = np.nan if exhibit is EXHIBITS[1] else 12.0
            costs[exhibit.name] = Cost(np.ones(6), rng.normal(size=6), np.eye(6), angle), rng.random((41, 10))
        return costs[exhibit.name]

    for exhibit, (sentence, figure) in zip(EXHIBITS[:2], corners(museum(measured), exhibit=EXHIBITS[:2]), strict=True):
        plane, curves = figure.axes
        for label, which, band in zip(("right", "mistaken"), (RIGHT, exhibit), curves.lines):
            cost, J = measured(which)
            np.testing.assert_array_equal(line(plane, label)[1], cost.mean[[1, 3]])
            np.testing.assert_allclose(band.get_ydata(), J.mean(axis=1))
        assert sentence.startswith(exhibit.story) and f"after 40 updates J = {J[-1].mean():.2f} (right: " in sentence
        assert ("has no direction" if exhibit is EXHIBITS[1] else "points 12° away") in sentence

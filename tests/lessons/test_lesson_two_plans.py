"""Notebook 07's world: everything exact about it against customers followed month by month, series and differences."""

import numpy as np
import pytest
from customers import advantages, customers, divergence, keeping, slopes, surrogate

from pgedu.lessons.map_of_steps import share_silent, steps_to
from pgedu.lessons.two_plans import (
    edge_of_region, fisher_at, gradient_at, kl_from, old_data, paths, policy_at, promised, return_at, silent_from,
)  # fmt: skip

STARTS = (0.0, 0.0), (2.0, 0.0), (-2.0, 0.0), (2.0, -2.0)
PLACES = (1.0, 2.0), (-3.0, 0.5), (0.3, -4.0)
each_start = pytest.mark.parametrize("start", STARTS)


@pytest.mark.parametrize("place", STARTS + PLACES)
def test_return_gradient_and_probabilities(place):
    assert return_at(*place) == pytest.approx(customers(*place)[0], rel=1e-9)
    np.testing.assert_allclose(gradient_at(*place), slopes(*place), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(policy_at(*place), keeping(*place), rtol=1e-12)


@each_start
def test_old_data_are_advantages_and_visits(start):
    probabilities, A, weight = old_data(start)
    np.testing.assert_allclose(probabilities, keeping(*start))
    np.testing.assert_allclose(A, advantages(*start), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose((probabilities * A).sum(axis=1), 0, atol=1e-12)  # why L and J have the same slope
    np.testing.assert_allclose(weight, customers(*start)[1][:, None] * probabilities, rtol=1e-9)


@each_start
@pytest.mark.parametrize("clip", [0.01, 0.2, 1.0, np.inf])
def test_what_is_promised(start, clip):
    x, y = np.transpose(PLACES)
    wanted = [surrogate(start, *place, clip) for place in PLACES]
    np.testing.assert_allclose(promised(start, x, y, clip), wanted, rtol=1e-9)
    assert promised(start, *start, clip) == pytest.approx(customers(*start)[0])


@each_start
def test_the_surrogate_touches_J_and_gains_with_the_new_visits(start):
    step = 1e-5
    along = [promised(start, start[0] + dx, start[1] + dy) for dx, dy in ((step, 0), (-step, 0), (0, step), (0, -step))]
    np.testing.assert_allclose(-np.diff(along)[::2] / (2 * step), slopes(*start), rtol=1e-6, atol=1e-9)
    for place in PLACES:
        gain = (customers(*place)[1][:, None] * keeping(*place) * advantages(*start)).sum()
        assert customers(*start)[0] + gain == pytest.approx(customers(*place)[0])


@each_start
def test_divergence_fisher_and_edge(start):
    x, y = np.transpose(PLACES)
    np.testing.assert_allclose(kl_from(start, x, y), [divergence(start, *place) for place in PLACES], rtol=1e-9)
    assert np.ndim(kl_from(start, 1.0, 2.0)) == 0
    step, F = 1e-3, fisher_at(start)
    for d in ([1, 0], [0, 1], [1, -1]):
        d = step * np.array(d)
        both_ways = divergence(start, *(start + d)) + divergence(start, *(start - d))
        assert both_ways / step**2 == pytest.approx((d / step) @ F @ (d / step), rel=1e-5)
    for radius in (0.001, 0.03, 1.0):
        on_map = [place for place in edge_of_region(start, radius).T if np.abs(place).max() < 30]
        assert len(on_map) > 20
        np.testing.assert_allclose([divergence(start, *place) for place in on_map], radius, rtol=1e-6)


@each_start
@pytest.mark.parametrize("clip", [0.05, 0.2, 0.6])
def test_silence_begins_where_the_clipped_surrogate_is_level(start, clip):
    where, way = silent_from(start, clip)
    for k in (0, 1):
        edge = where[k] if np.isfinite(where[k]) else way[k] * 12.0
        for distance, silent in ((-0.01, False), (0.01, np.isfinite(where[k])), (2.0, np.isfinite(where[k]))):
            here, there = np.array(start), np.array(start)
            here[k], there[k] = edge + way[k] * distance, edge + way[k] * (distance + 1e-3)
            rise = surrogate(start, *there, clip) - surrogate(start, *here, clip)
            assert (abs(rise) < 1e-12) == silent and (silent or rise > 0)


def test_who_is_silent_at_the_coin_and_where_the_ratio_cannot_get():
    where, way = silent_from((0.0, 0.0), 0.2)
    np.testing.assert_allclose(where, np.log(0.6 / 0.4))
    assert way.tolist() == [1, 1]
    assert silent_from((2.0, 0.0), 0.2)[0][0] == np.inf  # a ratio of at most 1 / 0.88
    for place in PLACES:
        A, r, visits = advantages(2.0, -2.0), keeping(*place) / keeping(2.0, -2.0), customers(2.0, -2.0)[1]
        silent = [
            visits[s] / visits.sum() * keeping(2.0, -2.0)[s, a] * (r[s, a] > 1.2 if A[s, a] > 0 else r[s, a] < 0.8)
            for s in (0, 1)
            for a in (0, 1)
        ]
        assert share_silent((2.0, -2.0), *place, 0.2) == pytest.approx(sum(silent))


@each_start
def test_steps_end_on_the_ellipse_and_the_natural_one_is_the_best_of_all(start):
    delta, F, g = 0.05, fisher_at(start), slopes(*start)
    plain, natural = steps_to(start, delta)
    for step in (plain, natural):
        assert step @ F @ step / 2 == pytest.approx(delta)
    np.testing.assert_allclose(plain / np.linalg.norm(plain), g / np.linalg.norm(g), rtol=1e-6)
    angle = np.linspace(0, 2 * np.pi, 721)
    others = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    others *= np.sqrt(2 * delta / np.einsum("ni,ij,nj->n", others, F, others))[:, None]
    assert (others @ g).max() == pytest.approx(natural @ g, rel=1e-3) and natural @ g >= (others @ g).max() - 1e-9


@pytest.mark.parametrize("stretch", [0.2, 1.0, 5.0])
def test_first_step_of_both_paths(stretch):
    """Of the gradient by (x, u), from differences; of the natural gradient from a Fisher matrix that is a curved KL."""
    start, alpha, step = (2.0, -2.0), 0.3, 1e-3
    way = paths(*start, alpha, stretch)
    assert way.shape == (31, 2, 2) and way[0].tolist() == [list(start)] * 2
    scale = np.array([1.0, stretch])
    by_u = scale * slopes(*start)
    np.testing.assert_allclose(way[1, 0] - way[0, 0], scale * alpha * by_u, rtol=1e-5)
    curved = [divergence(start, *(start + d)) + divergence(start, *(start - d)) for d in step * np.diag(scale)]
    natural = by_u / (np.array(curved) / step**2)
    np.testing.assert_allclose(way[1, 1] - way[0, 1], scale * 0.02 * natural, rtol=1e-4)
    np.testing.assert_allclose(way[:, 1], paths(*start, alpha, 1.0)[:, 1])  # it does not care about the stretch

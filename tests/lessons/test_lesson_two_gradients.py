"""Notebook 08, first lesson: estimates, variances, calls and tops against integrals, samples and closed forms."""

import numpy as np
import pytest
from cells_of_notebook import drawn
from lesson import corners, line, picture

from pgedu.lessons import many_channels, smoothing, two_gradients
from pgedu.lessons.many_channels import budget, calls_needed
from pgedu.lessons.smoothing import BUMPS, tops, uphill
from pgedu.lessons.two_gradients import HILLS, average_variances, estimates, sampled_variances


def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("hill", HILLS)
def test_estimates_are_f_times_score_and_the_slope(hill):
    world = HILLS[hill]
    a, score, through = estimates(world, -0.5, 0.7, rng(), 1000)
    assert score == pytest.approx(world.terms(a) * (a + 0.5) / 0.49) and through == pytest.approx(world.slope(a))


def test_average_variances_are_the_formulas_of_the_text():
    for k, sigma in ((0.5, 0.3), (2.0, 0.5), (3.0, 1.7)):
        g2 = k**2 * np.exp(-((k * sigma) ** 2)) / 2
        score, pathwise = average_variances(k, sigma)
        assert (score, pathwise) == pytest.approx((1 / (2 * sigma**2) - g2, k**2 / 2 - g2))
        sampled = np.mean([sampled_variances(k, sigma, np.random.default_rng(n)) for n in range(40)], axis=0)
        assert sampled == pytest.approx([float(score), float(pathwise)], rel=0.05)


def test_the_first_panel():
    figure, draw = picture(two_gradients.one_hill)
    for hill in HILLS:
        for mu in (-2.0, 2.0):
            for sigma in (0.1, 2.0):
                said = draw(rng=rng(), hill=hill, mu=mu, sigma=sigma)
    left, right = figure.axes
    assert "0.00 ± 0.00. Every slope is 0" in draw(rng=rng(), hill="a step", mu=0.0, sigma=1.0)
    assert "dJ/dμ is 0.24" in draw(rng=rng(), hill="a step", mu=0.0, sigma=1.0) and "-0.00" not in said
    a, *_ = estimates(HILLS["one top"], -2.0, 0.1, rng(), 200)
    beyond = np.sum(np.abs(-0.25 * (a - 1) ** 2 * (a + 2) / 0.01) >= 6)
    assert beyond > 50 and f" {beyond} of the 400 estimates lie beyond" in draw(rng=rng(), hill="one top", mu=-2.0, sigma=0.1)
    draw(rng=rng(), hill="one top", mu=-0.5, sigma=0.5)
    exact = line(right, "exact")
    assert exact[0, 0] == pytest.approx(0.75) and left.lines[1].get_xdata() == [-0.5]


def test_the_waves_cross_where_k_sigma_is_1():
    said = [sentence for sentence, _ in corners(two_gradients.waves, rng=[rng()], k=[0.5, 8.0], sigma=[0.05, 5.0])]
    assert len(said) == 4
    _, draw = picture(two_gradients.waves)
    assert draw(rng=rng(), k=2.0, sigma=0.5).endswith("both vary equally.")
    assert draw(rng=rng(), k=2.0, sigma=0.4).endswith("the pathwise gradient varies less.")
    assert draw(rng=rng(), k=2.0, sigma=0.6).endswith("the score function varies less.")


@pytest.mark.parametrize("d", [1, 10, 1000])
def test_calls_needed_are_the_closed_forms(d):
    sigma, M = 0.5, d / 4  # every mean is off by a half, c = 1
    plain = M**2 * d / (4 * sigma**2) + M * ((d + 2) ** 2 / 2 - 1) + sigma**2 * d * (d + 2) * (d + 4) / 4
    expected = [plain / M, (d + 1) + sigma**2 * d * (d + 4) / 2 / M, 2 * (d + 1), sigma**2 * d / M]
    assert calls_needed(d, sigma) == pytest.approx(expected)


def test_so_many_calls_make_the_noise_as_long_as_the_gradient():
    d, sigma = 20, 0.5
    hill, mu, chance = budget(d), np.zeros(d), rng()
    calls = round(calls_needed(d, sigma)[1])
    z = chance.normal(size=(3000, calls, d))
    weights = hill.height(sigma * z) - hill.expected(mu, sigma)
    means = (weights[..., None] * z / sigma).mean(axis=1)
    noise = ((means - hill.gradient(mu, sigma)[0]) ** 2).sum(axis=1).mean()
    assert noise == pytest.approx((hill.gradient(mu, sigma)[0] ** 2).sum(), rel=0.1)


def test_the_panel_of_channels():
    figure, draw = drawn(many_channels.channels)
    for d in (1.0, 10.0, 1000.0):
        for sigma in (0.1, 2.0):
            assert f"With {d:.0f} channel" in draw(rng=rng(), d=d, sigma=sigma)
    assert draw(rng=rng(), d=1.0, sigma=0.5).startswith("With 1 channel and")
    draw(rng=rng(), d=1000.0, sigma=0.5)
    assert len(line(figure.axes[0], "exact")) == 12


def integral_of(mu, sigma):
    z, width = np.linspace(-9, 9, 20_001, retstep=True)
    return (BUMPS.terms(mu + sigma * z) * np.exp(-(z**2) / 2)).sum() * width / np.sqrt(2 * np.pi)


def test_tops_are_those_of_the_integral_and_swap_at_the_known_sigma():
    for sigma in (0.2, 0.7):
        heights, places = tops(sigma)
        assert heights == pytest.approx([integral_of(mu, sigma) for mu in places], abs=1e-9)
        for mu, height in zip(places, heights):
            assert height >= max(integral_of(mu + e, sigma) for e in (-0.02, 0.02)) - 1e-9
    (wide, high), (far_wide, far_high) = tops(0.487)[0], tops(0.489)[0]
    assert wide < high and far_wide > far_high
    assert np.isfinite(tops(1.21)[0][1]) and np.isnan(tops(1.23)[0][1])  # as the text says: from about 1.22 on


def test_uphill_is_where_small_steps_arrive():
    for mu, sigma in ((0.0, 0.2), (1.5, 0.2), (3.0, 1.5), (-3.5, 0.6), (2.5, 0.6)):
        place = mu
        for _ in range(3000):
            place += 0.05 * BUMPS.gradient(place, sigma)[0].item()
        assert uphill(mu, sigma) == pytest.approx(place, abs=0.02)


def test_the_panel_of_bumps():
    _, draw = drawn(smoothing.smoothing)
    for mu in (-4.0, 0.0, 4.0):
        assert "the high one 1.99" in draw(mu=mu, sigma=0.05)
        assert "the high one is no top any more" in draw(mu=mu, sigma=3.0)

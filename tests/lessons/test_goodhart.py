"""Best of n by a proxy with errors: quadrature against closed forms, known numbers and draws; the KL; the picture."""

import numpy as np
import pytest
from lesson import corners

from pgedu import best_of_n, kl_divergence
from pgedu.lessons import wrong_reward_predictions as predictions
from pgedu.lessons.goodhart import ERRORS, MOST, best_of_many, candidates, divergence, expected, of_proxy
from pgedu.panels.canvas import Canvas

NORMAL, LAPLACE, STUDENT = ERRORS


def test_normal_errors_in_closed_form():
    x, F, mean = of_proxy(NORMAL)
    near = np.abs(x) < 8
    assert mean[near] == pytest.approx(x[near] / 2, abs=1e-9)
    largest = {1: 0.0, 2: np.sqrt(2 / np.pi), 3: 1.5 * np.sqrt(2 / np.pi)}  # of n normal numbers of sd sqrt 2
    for n, known in largest.items():
        assert expected(NORMAL, n) == pytest.approx((known / 2, known), abs=2e-4)
    assert [expected(NORMAL, n)[0] for n in (16, 256)] == pytest.approx([1.25, 2.00], abs=2e-3)


def test_heavier_tails_have_the_known_numbers():
    found = [expected(STUDENT, n)[0] for n in (4, 16, 256, 1024, 65_536)]
    assert found == pytest.approx([0.612, 0.871, 0.550, 0.347, 0.086], abs=6e-4)
    assert expected(LAPLACE, 65_536)[0] == pytest.approx(1, abs=1e-6) and expected(LAPLACE, 64)[0] > 0.99
    x, _, mean = of_proxy(STUDENT)
    assert mean.max() == pytest.approx(1.014, abs=1e-3) and x[mean.argmax()] == pytest.approx(3.3, abs=0.02)


@pytest.mark.parametrize("error", ERRORS)
def test_what_a_proxy_means_by_another_sum(error):
    """E[true | proxy] from the errors' side, on Gauss-Hermite nodes; densities integrate to 1."""
    density, x = ERRORS[error][0], np.array([-2.0, 0.0, 1.5, 4.0])
    nodes, weights = np.polynomial.hermite_e.hermegauss(150)
    likely = density(x[:, None] - nodes) * weights
    wanted = likely @ nodes / likely.sum(axis=1)
    tolerance = {NORMAL: 1e-9, LAPLACE: 0.02, STUDENT: 2e-5}[error]  # the nodes do not like a corner, nor heavy tails
    assert np.interp(x, *of_proxy(error)[::2]) == pytest.approx(wanted, abs=tolerance)
    assert of_proxy(error)[1][[0, -1]] == pytest.approx([0, 1], abs=1e-5)


@pytest.mark.parametrize("error", ERRORS)
def test_expectations_are_those_of_draws(error):
    rng = np.random.default_rng(2)
    true = rng.normal(size=(60_000, 16))
    score = true + ERRORS[error][1](rng, true.size).reshape(true.shape)
    best = score.argmax(axis=1)
    taken = true[np.arange(len(true)), best]
    assert taken.mean() == pytest.approx(expected(error, 16)[0], abs=4 * taken.std() / np.sqrt(len(taken)))
    assert np.median(score.max(axis=1)) == pytest.approx(np.interp(0.5, of_proxy(error)[1] ** 16, of_proxy(error)[0]), abs=0.03)


def test_the_divergence_is_that_of_many_different_candidates():
    N = 4000
    for n in (1, 4, 30):
        exact = kl_divergence(best_of_n(np.full(N, -np.log(N)), np.arange(N), n), np.full(N, -np.log(N)))
        assert exact == pytest.approx(divergence(n), abs=0.02) and exact <= divergence(n) + 1e-9
    assert divergence(65_536) == pytest.approx(10.09, abs=5e-3)


def test_where_the_predictions_say():
    assert expected(NORMAL, MOST)[0] == pytest.approx(3.03, abs=0.01)
    assert predictions.normal_errors[2].startswith("More: 3.0 instead of 2.0")
    assert expected(STUDENT, MOST)[0] < 0.1 and predictions.heavy_errors[2].startswith("About 0.1")


def test_the_picture_at_both_ends():
    ends, said = {"error": list(ERRORS), "n": (1.0, 50.0, float(MOST)), "rng": [np.random.default_rng(0)]}, set()
    for sentence, figure in corners(best_of_many, **ends):
        promised, truly, _ = figure.axes[1].lines
        top = figure.axes[1].get_ylim()[1]
        assert promised.get_ydata().max() < top and len(promised.get_xdata()) <= len(truly.get_xdata())
        said.add(sentence)
    assert len(said) == 9


def test_the_picture_says_where_a_ring_beyond_it_belongs():
    canvas = Canvas(best_of_many, (9.6, 4.2))
    for error, beyond in ((STUDENT, True), (NORMAL, False)):
        canvas.draw(error=error, n=float(MOST), rng=np.random.default_rng(0))
        (said,) = [text.get_text() for text in canvas.figure.axes[0].texts]
        proxy = candidates(error, int(np.random.default_rng(0).integers(2**31)))[1].max()
        assert (proxy > 14) == beyond and said == (f"at {proxy:.0f} →" if beyond else "")


def test_the_picture_rings_what_is_taken():
    canvas = Canvas(best_of_many, (9.6, 4.2))
    canvas.draw(error=NORMAL, n=50.0, rng=np.random.default_rng(4))
    true, proxy = (each[:50] for each in candidates(NORMAL, int(np.random.default_rng(4).integers(2**31))))
    ring = canvas.figure.axes[0].lines[2]
    assert ring.get_xydata()[0] == pytest.approx((proxy.max(), true[proxy.argmax()]))
    promised, truly, handle = canvas.figure.axes[1].lines
    assert handle.get_xydata()[0] == pytest.approx((50, expected(NORMAL, 50)[0]))
    assert truly.get_xydata()[-1] == pytest.approx(handle.get_xydata()[0])
    assert promised.get_ydata()[-1] == pytest.approx(expected(NORMAL, 50)[1])

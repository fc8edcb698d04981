"""The guardrail's price: against the closed form and the best of all policies, the learners, and both pictures."""

import itertools

import numpy as np
import pytest
from lesson import corners

from pgedu import exact_return
from pgedu.lessons.guardrail import (
    LIMIT, PROFITS, SHARES, ascent, best_price, chances, learned_price, contacts, policy, prices, segments, used_by,
)  # fmt: skip
from pgedu.panels.canvas import Canvas


def test_the_numbers_that_are_known():
    price = best_price(0.2)
    assert price == pytest.approx(0.69698, abs=5e-6) and chances(price, 0.2) == pytest.approx([1, 0.82, 0.272, 0.011], abs=5e-4)
    assert contacts(0, 0.2) == pytest.approx(0.683, abs=5e-4) and contacts(price, 0.2) == pytest.approx(LIMIT, abs=1e-12)
    profits = [SHARES @ (PROFITS * chances(each, 0.2)) for each in (0, price)]
    assert profits == pytest.approx([0.616, 0.504], abs=5e-4)
    assert best_price(0.0) == pytest.approx(0.5, abs=1e-9) and best_price(0.2, limit=0.9) == 0


def test_no_policy_within_the_limit_is_better():
    """Lagrange: every feasible policy on a grid, and pushes of the best one within the limit, bring less."""
    def worth(pi):
        with np.errstate(divide="ignore", invalid="ignore"):
            entropy = -np.nan_to_num(pi * np.log(pi)) - np.nan_to_num((1 - pi) * np.log(1 - pi))
        return (SHARES * (pi * PROFITS + 0.2 * entropy)).sum(axis=-1)

    best = worth(chances(best_price(0.2), 0.2))
    grid = np.array(list(itertools.product(np.linspace(0, 1, 21), repeat=4)))
    feasible = grid[grid @ SHARES <= LIMIT + 1e-12]
    assert len(feasible) > 10_000 and worth(feasible).max() < best


def test_a_price_at_a_step():
    assert chances(0.5, 0.0).tolist() == [1, 1, 0.5, 0] and contacts(0.6, 0.0) == pytest.approx(0.3)
    assert chances(np.array([0.0, 2.0]), 0.2).shape == (2, 4)


def test_the_world_pays_what_segments_bring():
    theta = np.zeros((5, 2))
    theta[:4, 1] = (PROFITS - 0.4) / 0.2
    pi = chances(0.4, 0.2)
    entropy = -(pi * np.log(pi) + (1 - pi) * np.log(1 - pi))
    assert exact_return(segments(0.2), policy, theta.ravel()) == pytest.approx(SHARES @ (PROFITS * pi + 0.2 * entropy))
    assert used_by(theta.reshape(1, -1)) == pytest.approx([SHARES @ pi])


def test_with_entropy_it_settles_and_without_it_circles():
    spans = {}
    for tau in (0.2, 0.0):
        records = list(ascent(np.random.default_rng(0), tau, price_rate=0.2, updates=1000))[500:]
        price = np.array([record.details["multiplier"][0] for record in records])
        used = np.array([used_by(record.theta)[0] for record in records])
        spans[tau] = np.ptp(used)
        assert used.mean() == pytest.approx(LIMIT, abs=0.004)
        assert tau or (price.min() < 0.35 and price.max() > 0.65)
    assert spans[0.0] > 2 * spans[0.2] and spans[0.0] > 0.06


def test_prices_at_the_ends():
    for sentence, figure in corners(prices, price=(0.0, 0.7, 1.5), tau=(0.2, 0.05, 0.0)):
        assert "contacts a head" in sentence
        (dot,) = [line for line in figure.axes[0].lines if line.get_gid() == "price"]
        assert f"{dot.get_ydata()[0]:.3f} contacts" in sentence


def test_the_price_that_just_keeps_the_limit_is_within_it():
    canvas = Canvas(prices)
    assert "above the limit" in canvas.draw(price=0.69, tau=0.2) and "within the limit" in canvas.draw(price=0.7, tau=0.2)
    assert "a profit of 0.503 a head" in canvas.draw(price=0.7, tau=0.2) and "0.616 a head" in canvas.draw(price=0.0, tau=0.2)


@pytest.mark.parametrize("tau", [0.2, 0.0])
@pytest.mark.parametrize("price_rate", [0.02, 0.5])
def test_circling(tau, price_rate):
    canvas = Canvas(learned_price)
    assert canvas.draw(new=[], tau=tau) == "No update yet."
    records = list(ascent(np.random.default_rng(0), tau, price_rate, updates=60))
    canvas.draw(new=records[:30], tau=tau)
    sentence = canvas.draw(new=records[30:], tau=tau)
    used = np.array([used_by(record.theta)[0] for record in records])
    assert "After 60 updates" in sentence and f"{used.min():.2f} to {used.max():.2f}" in sentence and f"{used.mean():.3f}" in sentence
    curve = {line.get_label(): line.get_ydata() for line in canvas.figure.axes[1].lines}
    assert curve["now"] == pytest.approx(used) and curve["mean so far"][-1] == pytest.approx(used.mean())
    assert canvas.png().startswith(b"\x89PNG")

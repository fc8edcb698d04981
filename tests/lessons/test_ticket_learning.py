"""Bots that learn, and bots under a limit: shares by enumeration, the best under a limit by mixing, and the pictures."""

import itertools

import numpy as np
import pytest
from lesson import picture
from matplotlib.figure import Figure

from pgedu import SGD, exact_expectation, exact_return, guarded
from pgedu.lessons import ticket_learning
from pgedu.lessons.ticket_desk import HAND_OVER, bot, shop, sure
from pgedu.lessons.ticket_learning import BOTS, best_return, best_under, guard, guarded_shop, handed_over, learners, learning


@pytest.mark.parametrize("x", [0.0, 1.0])
def test_the_share_that_is_handed_over(x):
    theta = x * np.random.default_rng(0).normal(size=39)
    statistic = lambda rollout: handed_over(rollout).sum(axis=0).mean(axis=-1)  # noqa: E731
    wanted = exact_expectation(guarded_shop, bot, theta, statistic, horizon=4)
    assert ticket_learning.share_handed_over(guarded_shop, bot, theta) == pytest.approx(wanted, rel=1e-9)


def every_sure_bot():
    """(share handed over, J) of each policy that leaves nothing to chance, in the nine states that can be reached."""
    reached, found = [0, 3, 4, 6, 7, 8, 9, 10, 11], []
    actions = np.zeros((3 ** len(reached), 13), dtype=int)
    actions[:, reached] = list(itertools.product(range(3), repeat=len(reached)))
    theta = sure(actions)
    return ticket_learning.share_handed_over(guarded_shop, bot, theta), exact_return(guarded_shop, bot, theta)


def test_the_best_under_a_limit_is_the_best_mixture_of_two():
    shares, returns = every_sure_bot()
    best = {}
    for share, J in zip(shares.round(9), returns):
        best[share] = max(best.get(share, -np.inf), J)
    shares, returns = np.array(list(best)), np.array(list(best.values()))
    for limit in (0.0, 0.05, 0.1, 0.2, 0.3):
        low, high = shares <= limit, shares > limit
        gap = np.subtract.outer(shares[high], shares[low])
        mixed = returns[low] + (limit - shares[low]) / gap * np.subtract.outer(returns[high], returns[low])
        wanted = max(returns[low].max(), mixed.max())
        assert best_under(limit)[0] == pytest.approx(wanted, abs=2e-4)  # prices stand on a grid of 0.0005


def test_prices_rise_as_places_become_scarce():
    prices = [best_under(limit)[1] for limit in (0.01, 0.05, 0.2, 0.3)]
    assert prices == pytest.approx([0.55, 0.2215, 0.15, 0.0], abs=6e-4)


def test_learners_of_each_kind_begin():
    for sees, method in itertools.product(BOTS, ("REINFORCE", "REINFORCE, learned value", "PPO")):
        training = learners(method, sees, np.random.default_rng(0))
        record = next(training)
        assert record.theta.shape == (20, BOTS[sees][1].size) and training.world is BOTS[sees][0]


@pytest.mark.parametrize("sees", BOTS)
def test_the_picture_of_learners(sees):
    figure, draw = picture(learning)
    training = learners("REINFORCE", sees, np.random.default_rng(0))
    new = [next(training) for _ in range(3)]
    sentence = draw(new)
    exact = exact_return(*BOTS[sees], new[-1].theta)
    assert f"After 3 updates the exact J is {exact.mean():.3f}" in sentence and draw([]) == sentence
    words = [text.get_text() for text in figure.axes[2].texts]
    assert words[0].startswith("turn 1: ") and len(words[0].splitlines()) == new[-1].rollout.mask[:, 0, 0].sum()


def test_the_latest_ticket_of_a_bot_without_a_clock_is_told_as_it_was():
    training = learners("REINFORCE", "does not see it", np.random.default_rng(3))
    for record in itertools.islice(training, 20):
        ticket = ticket_learning._ticket(record, BOTS["does not see it"][0])
        n = int(record.rollout.mask[:, 0, 0].sum())
        assert ticket.facts.tolist() == record.rollout.observations[:n, 0, 0].tolist() and len(ticket.words) == n
        assert "out of turns" not in " ".join(ticket.words[:3])


def test_who_hands_over_at_once_is_counted():
    theta = np.zeros((20, 39))
    theta[:7, HAND_OVER] = 5
    _, draw = picture(learning)
    record = next(learners("REINFORCE", "sees the turn", np.random.default_rng(0)))
    assert "7 of 20 learners hand over" in draw([record._replace(theta=theta)])
    assert "1 of 20 learners hands over" in draw([record._replace(theta=np.roll(theta, -6, axis=0) * (np.arange(20) == 0)[:, None])])
    assert best_return() == pytest.approx(0.7435, rel=1e-9) and shop.n_actions == 3


def test_the_guard_at_all_ends():
    _, draw = picture(guard)
    settings = {"cost": handed_over, "limit": 0.2, "rng": np.random.default_rng(0), "runs": 20, "episodes": 5}
    training = guarded(guarded_shop, bot, optimizer=SGD(1.0), **settings)
    assert draw([next(training)], 0.0).startswith("After 1 updates")
    assert guard(Figure())([], 0.2) == "No update yet."
    for limit in (0.0, 0.22, 0.4):
        assert f"limit {100 * limit:.0f} %" in draw([], limit)

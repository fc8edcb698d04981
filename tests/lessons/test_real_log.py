"""The real log: from counts as from rows, with the package's estimators; rows needed; the picture."""

import numpy as np
import pytest
from lesson import corners

from pgedu import effective_sample_size, importance_weights, open_bandit, open_bandit_prior, rollout_from_table, standard_error
from pgedu import thompson_sampling, trajectory_importance, weighted_importance
from pgedu.lessons.real_log import click_weights, effective_rows, heaviest_click, inverse_propensity, rows_needed
from pgedu.lessons.real_log import self_normalised
from pgedu.panels.canvas import Canvas


def rows_of(campaign):
    """The log as rows, and log pi of them."""
    log = rollout_from_table(**open_bandit(campaign).table())
    pi = thompson_sampling(*open_bandit_prior(campaign), places=3)
    return log, np.log(pi)[log.actions, log.observations[:-1]]


@pytest.mark.parametrize("campaign", ["all", "men", "women"])
def test_counts_say_what_rows_say(campaign):
    log, target = rows_of(campaign)
    for found, estimator in ((inverse_propensity(campaign), trajectory_importance), (self_normalised(campaign), weighted_importance)):
        contributions = estimator(log, target)
        assert found == pytest.approx((contributions.mean(), standard_error(contributions)), rel=1e-9)
    assert effective_rows(campaign) == pytest.approx(effective_sample_size(importance_weights(log, target)[-1]))


def test_without_its_heaviest_clicks():
    log, target = rows_of("all")
    weights = importance_weights(log, target)[-1]
    order = np.argsort(-weights * log.rewards[0], kind="stable")
    for removed in (1, 5):
        rewards = log.rewards.copy()
        rewards[0, order[:removed]] = 0
        wanted = trajectory_importance(log._replace(rewards=rewards), target)
        assert inverse_propensity("all", removed) == pytest.approx((wanted.mean(), standard_error(wanted)), rel=1e-9)
        wanted = weighted_importance(log._replace(rewards=rewards), target)
        assert self_normalised("all", removed) == pytest.approx((wanted.mean(), standard_error(wanted)), rel=1e-9)


def test_one_click_carries_43_percent_and_men_look_no_better():
    weights = click_weights("all")
    assert len(weights) == 38 and weights[0] / weights.sum() == pytest.approx(0.43, abs=0.005)
    assert inverse_propensity("all", 1)[0] == pytest.approx(0.0026, abs=5e-5)
    mean, error = inverse_propensity("men")
    assert (mean, 1.96 * error) == pytest.approx((0.00454, 0.00232), abs=5e-5)
    assert open_bandit("men", "bts").click_rate == pytest.approx(0.0069) and open_bandit("men").click_rate == pytest.approx(0.0046)


def test_rows_needed():
    own, there = rows_needed("all")
    assert own == pytest.approx(91_000, rel=0.005) and there == pytest.approx(951_000, rel=0.005)
    rate = open_bandit("all", "bts").click_rate
    assert 1.96 * np.sqrt(rate * (1 - rate) / own) == pytest.approx(0.1 * rate)
    assert rows_needed("all", precision=0.2)[1] == pytest.approx(there / 4)


def test_the_logs_own_intervals_are_drawn():
    """Wilson's: random .38 [.28, .52], Thompson sampling .42 [.31, .57], in %, as is known of these counts."""
    canvas = Canvas(heaviest_click, (9.6, 4.0))
    canvas.draw(campaign="all", removed=0)
    arms = {round(line.get_ydata()[0]): line.get_xdata() for line in canvas.figure.axes[1].lines if len(line.get_xdata()) == 2}
    assert arms[3] == pytest.approx([0.28, 0.52], abs=0.006) and arms[0] == pytest.approx([0.31, 0.57], abs=0.006)
    mean, error = inverse_propensity("all")
    assert arms[2] == pytest.approx([100 * (mean - 1.96 * error), 100 * (mean + 1.96 * error)])


def test_the_picture_at_both_ends():
    sentences = [sentence for sentence, _ in corners(heaviest_click, campaign=["all", "men", "women"], removed=[0, 1, 12])]
    assert len(set(sentences)) == 9 and "0.456 ± 0.410 %" in sentences[0] and "43 % of the estimate" in sentences[1]


def test_clicks_that_are_taken_out_turn_grey():
    canvas = Canvas(heaviest_click, (9.6, 4.0))
    canvas.draw(campaign="men", removed=3)
    kept, out = (bar.get_data().values for bar in canvas.figure.axes[0].patches)
    each = click_weights("men") / 100
    assert out[:3] == pytest.approx(each[:3]) and not out[3:].any() and not kept[:3].any()
    assert kept.sum() == pytest.approx(100 * inverse_propensity("men", 3)[0])

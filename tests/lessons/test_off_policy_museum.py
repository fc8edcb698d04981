"""The off-policy bug museum: means and deviations against loops over all that chance decides, and what they amount to."""

import itertools

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons.banners import LOGGER, PAYS
from pgedu.lessons.off_policy_museum import MISTAKES, ROWS, estimate, museum, right_weights, target

FRESH, LOGARITHM = MISTAKES


def by_loops(weight, share):
    """weight(pi, logged banner, fresh banner) over logged banner, fresh banner and click."""
    pi, values, chances = target(share), [], []
    for a, fresh, click in itertools.product(range(3), range(3), (0, 1)):
        values.append(weight(pi, a, fresh) * click)
        chances.append(LOGGER[a] * pi[fresh] * (PAYS[a] if click else 1 - PAYS[a]))
    mean = np.dot(chances, values)
    return mean, np.sqrt(np.dot(chances, (np.array(values) - mean) ** 2) / ROWS)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_each_is_what_its_story_says(share):
    stories = {
        right_weights: lambda pi, a, fresh: pi[a] / LOGGER[a],
        FRESH.weights: lambda pi, a, fresh: pi[fresh] / LOGGER[a],
        LOGARITHM.weights: lambda pi, a, fresh: np.log(pi[a]) / LOGGER[a],
    }
    for weights, story in stories.items():
        assert estimate(weights, share) == pytest.approx(by_loops(story, share), rel=1e-12)


def test_a_fresh_action_is_blind_to_which_banner_the_target_likes():
    for share in (0.02, 0.4, 0.9):
        pi = target(share)
        assert estimate(FRESH.weights, share)[0] == pytest.approx((pi**2).sum() * PAYS.sum())
        assert estimate(right_weights, share)[0] == pytest.approx(pi @ PAYS)
    for crossing in (1 / 3, 0.6):
        assert estimate(FRESH.weights, crossing)[0] == pytest.approx(target(crossing) @ PAYS)


def test_the_mean_weight_finds_both():
    for mistake in MISTAKES:
        w, chances = mistake.weights(target(0.6))
        assert abs(LOGGER @ (w * chances).sum(axis=1) - 1) > 0.3


def test_the_picture_at_both_ends():
    for sentence, _ in corners(museum, mistake=MISTAKES, share=(0.02, 0.3, 0.98)):
        assert "Seen in ray-project/ray#" in sentence

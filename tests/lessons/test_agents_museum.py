"""The museum of agents: what is climbed, against worlds in which it is paid; the leak by going through the tool's words."""

from dataclasses import replace

import numpy as np
import pytest
from lesson import corners

from pgedu import exact_expectation, tickets
from pgedu.lessons.agents_museum import EXHIBITS, climbed, museum
from pgedu.lessons.tool_masks import policy, tool_words

INVERTED, LEAK, BONUS = EXHIBITS
shop = tickets()


def theta_of(share):
    return np.tile(np.log([1 - share, share]), 13)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.98])
def test_a_bonus_is_a_reward_for_each_search(share):
    rewards = shop.rewards.copy()
    rewards[:-1, 1] += 0.3
    wanted = [world.exact_return(policy, theta_of(share)) for world in (shop, replace(shop, rewards=rewards))]
    assert [float(each[0]) for each in climbed(BONUS, share, 0.3, 0.5)] == pytest.approx([float(each) for each in wanted])


@pytest.mark.parametrize(("share", "belief"), [(0.5, 0.99), (0.9, 0.2), (0.3, 0.7)])
def test_the_leak_word_by_word(share, belief):
    def penalty(rollout):
        """beta times the log ratio of each word that the tool wrote, for a reference that gives 0.7 to "found"."""
        written, found = tool_words(rollout)
        ratios = np.where(found == 1, np.log(belief / 0.7), np.log((1 - belief) / 0.3)) * written
        return 0.4 * ratios.sum(axis=0).mean(axis=-1)

    wanted = shop.exact_return(policy, theta_of(share)) - exact_expectation(shop, policy, theta_of(share), penalty, horizon=4)
    assert float(climbed(LEAK, share, 0.4, belief)[1][0]) == pytest.approx(float(wanted), rel=1e-9)


def test_a_model_that_knows_its_tool_is_paid_nothing():
    true, paid = climbed(LEAK, 0.5, 1.0, 0.7)
    assert true == pytest.approx(paid) and np.isnan(climbed(INVERTED, 0.5, 1.0, 0.7)[1]).all()


def test_the_picture_at_all_ends():
    ends = {"exhibit": EXHIBITS, "share": [0.02, 0.98], "strength": [0.0, 1.0], "belief": [0.01, 0.99]}
    sentences = [sentence for sentence, _ in corners(museum, **ends)]
    assert all(each.thread in sentence for each, sentence in zip(EXHIBITS, sentences[::8]))
    assert len({sentence for sentence in sentences if "RAGEN" in sentence}) == 2  # it stays wherever it is

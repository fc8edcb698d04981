"""Masks: what the tool wrote by loops, the pushes against expectations, and what each mask leaves alone."""

import itertools

import numpy as np
import pytest
from lesson import picture

from pgedu import SGD, collect, enumerate_rollouts, leave_one_out, none, reinforce, tickets, total_return
from pgedu.lessons.tool_masks import ALL, INVERTED, MASKS, OWN, chance, masks, policy, three_masks, tool_words, trained_on

shop = tickets()


def start(words, **settings):
    given = {"runs": 20, "episodes": 10, "optimizer": SGD(3.0), "rng": np.random.default_rng(1)} | settings
    return trained_on(shop, policy, words=words, **given)


def test_what_the_tool_wrote_by_loops():
    rollout = collect(shop, policy, np.zeros(26), episodes=300, rng=np.random.default_rng(0))
    written, found = tool_words(rollout)
    for t, b in itertools.product(range(len(rollout.actions)), range(300)):
        state, after = rollout.observations[t, b], rollout.observations[t + 1, b]
        speaks = rollout.mask[t, b] and rollout.actions[t, b] == 1 and state % 3 < 2 and state < 9
        assert written[t, b] == bool(speaks) and found[t, b] == bool(speaks and after == state + 4)
    assert found.sum() / written.sum() == pytest.approx(0.7, abs=4 * np.sqrt(0.21 / written.sum()))


def test_its_own_words_alone_are_plain_reinforce():
    ours, plain = start(OWN), reinforce(shop, policy, runs=20, episodes=10, optimizer=SGD(3.0), rng=np.random.default_rng(1))
    for ours_now, plain_now in itertools.islice(zip(ours, plain), 5):
        assert np.array_equal(ours_now.theta, plain_now.theta) and (ours_now.details["belief"] == 0.5).all()


def test_the_decisions_learn_the_same_from_all_words_and_nothing_from_the_tools_alone():
    own, every, inverted = (list(itertools.islice(start(words), 5)) for words in (OWN, ALL, INVERTED))
    assert np.array_equal(own[-1].theta, every[-1].theta) and not np.array_equal(own[-1].theta, own[0].theta)
    assert (inverted[-1].theta == 0).all() and (inverted[-1].details["belief"] != 0.5).all()
    assert (every[-1].details["belief"] != 0.5).all()


@pytest.mark.parametrize(("belief", "baseline", "wanted"), [
    (0.7, none, 0.0474), (0.7, leave_one_out, 0.0474), (0.838, none, 0.0),
])  # fmt: skip
def test_the_push_is_what_is_expected(belief, baseline, wanted):
    logit = np.log(belief / (1 - belief))
    training = start(INVERTED, runs=400, episodes=200, optimizer=SGD(1.0), belief=logit, baseline=baseline)
    pushes = np.log((p := next(training).details["belief"]) / (1 - p)) - logit
    assert abs(pushes.mean() - wanted) < 4 * pushes.std() / 20 + 2e-4


def test_where_the_push_would_end():
    rollout, chances = enumerate_rollouts(shop, policy, np.zeros(26), horizon=4)
    written, found = tool_words(rollout)
    psi = total_return(rollout)
    yes, every = ((chances * (psi * words).sum(axis=(0, 2))).sum() for words in (found, written))
    assert yes - 0.7 * every == pytest.approx(0.0474, abs=5e-5) and yes / every == pytest.approx(0.8376, abs=5e-5)


def test_the_logit_of_a_belief():
    assert chance(np.array([0.0, 800.0, -800.0])) == pytest.approx([0.5, 1.0, 0.0])


def test_another_mask_is_refused():
    with pytest.raises(ValueError, match="words must be one of its own words, all words, the tool's alone; got 'mine'"):
        start("mine")


@pytest.mark.parametrize("found", [0.1, 0.9])
@pytest.mark.parametrize("baseline", [none, leave_one_out])
def test_the_picture_at_all_ends(found, baseline):
    _, draw = picture(masks)
    new = list(itertools.islice(three_masks(found, baseline, np.random.default_rng(0)), 3))
    sentence = draw(new, found)
    assert sentence.startswith("After 3 updates") and "its own words: J" in sentence and f"believed {found:.2f}" in sentence
    assert len(new[0]) == len(MASKS) and np.array_equal(new[-1][0].theta, new[-1][1].theta)

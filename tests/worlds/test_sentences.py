"""Languages: against itertools, an MDP's own enumeration and exact answers, and the two translations each other's inverse."""

import itertools
import tracemalloc

import numpy as np
import pytest

import pgedu as pg

FIXED = pg.Language(("good", "fine", "bad"), 4)
STOPS = pg.Language(("a", "b", "."), 3, stop=2)
LANGUAGES = pytest.mark.parametrize("language", [FIXED, STOPS, pg.Language("ab", 1), pg.Language("ab", 2, stop=0)])


def some_policy(language, seed=0, runs=()):
    return pg.log_softmax(np.random.default_rng(seed).normal(size=(*runs, language.n_states, len(language.words))))


def test_all_sentences_of_a_fixed_length():
    assert [tuple(row) for row in FIXED.sentences] == list(itertools.product(range(3), repeat=4))
    assert FIXED.n_states == 41 and FIXED.texts[5] == "good good fine bad" and (FIXED.lengths == 4).all()
    assert FIXED.counts[5].tolist() == [2, 1, 1]


def test_sentences_that_end_early():
    assert STOPS.texts == [
        "a a a", "a a b", "a a .", "a b a", "a b b", "a b .", "a .", "b a a", "b a b", "b a .", "b b a", "b b b", "b b .", "b .", ".",
    ]  # fmt: skip
    assert STOPS.lengths.tolist() == [3, 3, 3, 3, 3, 3, 2, 3, 3, 3, 3, 3, 3, 2, 1]
    assert STOPS.n_states == 1 + 2 + 4 + 1 and STOPS.sentences[-1].tolist() == [2, -1, -1]


@LANGUAGES
def test_each_sentence_is_a_path_with_its_reward_and_its_probability(language):
    """The MDP is enumerated by code that knows nothing of languages."""
    rewards = np.random.default_rng(1).normal(size=len(language.sentences))
    world, policy = language.world(rewards), pg.Policy.softmax(pg.Table(language.n_states, len(language.words)))
    log_policy = some_policy(language)
    rollout, chances = pg.enumerate_rollouts(world, policy, log_policy.ravel(), horizon=language.length)
    words = np.where(rollout.mask > 0, rollout.actions, -1)[..., 0]  # [T, N]
    place = {tuple(row): n for n, row in enumerate(np.pad(language.sentences.tolist(), ((0, 0), (0, 0))).tolist())}
    order = [place[tuple(np.pad(column, (0, language.length - len(column)), constant_values=-1))] for column in words.T]
    assert sorted(order) == list(range(len(language.sentences)))
    np.testing.assert_allclose(rollout.rewards.sum(axis=0)[:, 0], rewards[order], rtol=1e-12)
    assert (rollout.rewards[:-1] * (rollout.mask[1:] > 0) == 0).all()  # nothing before the last word
    log_probs = language.log_probs(log_policy)
    np.testing.assert_allclose(chances, np.exp(log_probs)[order], rtol=1e-12)
    assert pg.exact_return(world, policy, log_policy.ravel()) == pytest.approx(np.exp(log_probs) @ rewards, rel=1e-12)


@LANGUAGES
def test_words_and_sentences_translate_into_each_other(language):
    log_policy = some_policy(language, runs=(2, 3))
    log_probs = language.log_probs(log_policy)
    np.testing.assert_allclose(np.exp(log_probs).sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_allclose(language.log_policy(log_probs)[..., :-1, :], log_policy[..., :-1, :], rtol=1e-9, atol=1e-12)


def test_what_is_never_written_has_no_chance_and_nothing_is_asked_behind_it():
    log_probs = np.full(81, -np.inf)
    log_probs[[0, 80]] = np.log([0.25, 0.75])
    log_policy = FIXED.log_policy(log_probs)
    np.testing.assert_allclose(np.exp(log_policy[0]), [0.25, 0, 0.75], rtol=1e-12)
    np.testing.assert_allclose(log_policy[2], np.log(np.ones(3) / 3))  # behind "fine"
    np.testing.assert_allclose(np.exp(FIXED.log_probs(log_policy))[[0, 80]], [0.25, 0.75], rtol=1e-12)


def test_a_reward_for_each_run():
    rewards = np.random.default_rng(0).normal(size=(5, 81))
    policy, log_policy = pg.Policy.softmax(pg.Table(41, 3)), some_policy(FIXED)
    J = pg.exact_return(FIXED.world(rewards), policy, np.tile(log_policy.ravel(), (5, 1)))
    np.testing.assert_allclose(J, rewards @ np.exp(FIXED.log_probs(log_policy)), rtol=1e-12)


def test_a_large_language_is_no_larger_than_its_sentences():
    """16,384 of them: a table of all states by all states would take two gigabytes."""
    language = pg.Language("ab", 14)
    rewards = np.arange(2.0**14)
    tracemalloc.start()
    world = language.world(rewards)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    policy = pg.Policy.softmax(pg.Table(language.n_states, 2))
    J = pg.exact_return(world, policy, np.zeros(policy.size), horizon=14)
    assert peak < 3e8 and J == pytest.approx(rewards.mean(), rel=1e-12)


def test_arrays_cannot_be_written_into():
    for array in (FIXED.sentences, FIXED.lengths, FIXED.counts, FIXED.states):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


@pytest.mark.parametrize("make, sentence", [
    (lambda: pg.Language(("a",), 2), r"words must be two or more, all different; got \('a',\)"),
    (lambda: pg.Language(("a", "a"), 2), "words must be two or more, all different"),
    (lambda: pg.Language(None, 2), "words must be texts; got None"),
    (lambda: pg.Language((1, 2), 2), r"words must be texts; got \(1, 2\)"),
    (lambda: FIXED.log_probs(np.zeros((41, 3))), r"log_policy must be logarithms of chances .* after each prefix; got 'others"),
    (lambda: FIXED.log_probs(np.full((41, 3), np.nan)), "log_policy must be logarithms of chances that sum to 1 after"),
    (lambda: pg.Language("ab", 0), "length must be a whole number of 1 or more; got 0"),
    (lambda: pg.Language("ab", 2, stop=2), "stop must be a whole number between 0 and 1; got 2"),
    (lambda: pg.Language("abc", 20), r"words and length must be so few that there are at most 100000 sentences; got '3\^20'"),
    (lambda: FIXED.world(np.zeros(80)), r"rewards must be \[\*R, N\] with N = 81 sentences; got shape \(80,\)"),
    (lambda: FIXED.log_probs(np.zeros((40, 3))), r"log_policy must be \[\*R, S, V\] with \(S, V\) = \(41, 3\)"),
    (lambda: FIXED.log_policy(np.zeros(81)), r"log_probs must be \[\*R, N\], N = 81, of chances that sum to 1"),
])  # fmt: skip
def test_what_does_not_fit_is_named(make, sentence):
    with pytest.raises(ValueError, match=sentence):
        make()

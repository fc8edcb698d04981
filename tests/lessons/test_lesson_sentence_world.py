"""Notebook 12's world: its truth by reading, its judges by loops, the frontier by the core, and the pictures of them."""

import itertools

import numpy as np
import pytest
from lesson import corners, line

from pgedu import best_of_n, exact_gradient, exact_return, kl_divergence, tilt, tilt_at
from pgedu.lessons import rlhf_predictions
from pgedu.lessons import sentence_world as world
from pgedu.lessons.sentence_pictures import (
    JUDGES, ROWS, almost_perfect, all_sentences, policy_at, rewards_with_wow, way, with_wow, writing,
)  # fmt: skip
from pgedu.lessons.sentence_world import LANGUAGE, LOG_REFERENCE, LOG_WORDS, TRUTH, WOWS, accuracy, coefficients, judge, policy, tilted
from pgedu.panels.canvas import Canvas

REFITTED = list(JUDGES)[2]


def right(name):
    """The option that holds."""
    return getattr(rlhf_predictions, name)[2]


def test_the_truth_is_what_is_read():
    worth = {0: 0.0, 1: 0.65, 2: 0.6, 3: -0.15, 4: -1.6}
    for text, r in zip(LANGUAGE.texts, TRUTH):
        words = text.split()
        assert r == pytest.approx(worth[words.count("wow")] + 0.3 * (words[-1] == "thanks"), abs=1e-12)
    P = [np.prod([{"plain": 0.7, "wow": 0.1, "thanks": 0.2}[word] for word in text.split()]) for text in LANGUAGE.texts]
    np.testing.assert_allclose(np.exp(LOG_REFERENCE), P, rtol=1e-12)


@pytest.mark.parametrize("beta", [None, 0.2])
def test_a_judge_is_where_no_weight_would_do_better(beta):
    """The slope of the mean log-likelihood over all pairs, by loops over pairs."""
    P = np.exp(LOG_REFERENCE if beta is None else tilted(judge(), beta))
    f, w, slope = world.features(), coefficients(beta=beta), np.zeros(3)
    for i, j in itertools.product(range(81), repeat=2):
        wins, difference = 1 / (1 + np.exp(TRUTH[j] - TRUTH[i])), f[i] - f[j]
        slope += P[i] * P[j] * wins * difference / (1 + np.exp(difference @ w))
    assert np.abs(slope).max() < 1e-10
    np.testing.assert_allclose(w, [0.4425, 0, 0.2962] if beta is None else [-0.278, -0.0085, 0.332], atol=5e-4)


def test_accuracy_by_loops():
    P, scores = np.exp(tilted(judge(), 0.3)), np.round(judge(), 1)  # rounded: there are ties
    total = 0.0
    for i, j in itertools.product(range(81), repeat=2):
        wins = 1 / (1 + np.exp(TRUTH[j] - TRUTH[i]))
        total += P[i] * P[j] * (wins if scores[i] > scores[j] else 1 - wins if scores[i] < scores[j] else 0.5)
    assert accuracy(scores, np.log(P)) == pytest.approx(total, rel=1e-12)


def test_the_numbers_of_the_judge():
    assert accuracy(judge()) == pytest.approx(0.5786, abs=5e-5) and accuracy(TRUTH) == pytest.approx(0.5815, abs=5e-5)
    spoiled = tilted(judge(), 0.2)
    assert accuracy(judge(), spoiled) == pytest.approx(0.426, abs=5e-4) and accuracy(TRUTH, spoiled) == pytest.approx(0.625, abs=5e-4)
    three = [np.exp(each) @ (WOWS >= 3) for each in (LOG_REFERENCE, spoiled)]
    assert three == pytest.approx([0.0037, 0.2663], abs=5e-5) and three[1] / three[0] == pytest.approx(72, abs=0.5)
    np.testing.assert_allclose(judge(True), TRUTH, atol=1e-8)


@pytest.mark.parametrize("kl", [0.02, 0.3, 1.19, 2.9])
def test_the_frontier_is_the_best_tilt(kl):
    assert world.best_within(kl) == pytest.approx(world.mean(tilt_at(LOG_REFERENCE, TRUTH, kl)[0], TRUTH), abs=2e-4)


def test_the_ends_of_the_frontier():
    assert world.best_within(0) == pytest.approx(0.278, abs=1e-9) and world.best_within(4) == pytest.approx(0.95)
    assert (np.diff(world.frontier()[0]) > 0).all() and (np.diff(world.frontier()[1]) > 0).all()


def test_answers_know_their_reference():
    rollout = world.answers(np.arange(81))
    np.testing.assert_allclose(rollout.log_probs.sum(axis=0), LOG_REFERENCE, rtol=1e-12)
    assert (rollout.actions.T == LANGUAGE.sentences).all()


def test_word_by_word():
    """The recursion of the notebook, and the optimum of the MDP."""
    beta, (best, J) = 0.3, tilt(LOG_REFERENCE, TRUTH, 0.3)
    V = {tuple(row): r for row, r in zip(LANGUAGE.sentences.tolist(), TRUTH)}
    for length in (3, 2, 1, 0):
        for prefix in itertools.product(range(3), repeat=length):
            V[prefix] = beta * np.log(sum(p * np.exp(V[(*prefix, word)] / beta) for word, p in enumerate((0.7, 0.1, 0.2))))
    assert V[()] == pytest.approx(J, rel=1e-12)
    by_word = LANGUAGE.log_policy(best)
    np.testing.assert_allclose(by_word[0], np.log([0.7, 0.1, 0.2]) + [(V[(word,)] - V[()]) / beta for word in range(3)], rtol=1e-9)
    paid = LANGUAGE.world(TRUTH, policy_rewards=lambda log_pi: -beta * (log_pi - LOG_WORDS))
    assert exact_return(paid, policy, by_word.ravel()) == pytest.approx(J, rel=1e-12)
    assert np.abs(exact_gradient(paid, policy, by_word.ravel())).max() < 1e-9


def test_best_wow():
    chances = np.linspace(0, 0.9, 91)
    J = rewards_with_wow()
    np.testing.assert_allclose(J, 4 * chances - 0.35 * (4 * chances + 12 * chances**2) + 0.3 * (1 - chances) * 2 / 9, atol=1e-12)
    assert chances[J.argmax()] == pytest.approx(0.3) and J.max() == pytest.approx(0.449, abs=5e-4)
    assert right("best_wow") == "About 3 of 10"


def test_the_image_of_all_sentences():
    image = all_sentences(LOG_REFERENCE)
    assert image.shape[0] == ROWS and (image >= 0).all() and (image <= 1).all()
    grey = (image[:, 0] == image[0, 0]).all(axis=-1)  # the first word is plain in the uppermost 70 %
    assert grey.mean() == pytest.approx(0.7, abs=2 / ROWS) and grey[: int(0.69 * ROWS)].all()
    never = all_sentences(with_wow(0.0))
    assert not (never[:, 0] == [0.90, 0.62, 0.0]).all(axis=-1).any()


@pytest.mark.parametrize("wow", [0.0, 0.1, 0.9])
def test_writing_shows_a_sentence_of_the_policy(wow):
    canvas, seen = Canvas(writing), set()
    for seed in range(30):
        sentence = canvas.draw(wow=wow, rng=np.random.default_rng(seed))
        seen.add(sentence.split('"')[1])
        assert f"mean true reward is {world.mean(with_wow(wow), TRUTH):.3f}" in sentence
    assert seen <= set(LANGUAGE.texts) and len(seen) > 5 and (wow > 0 or not any("wow" in text for text in seen))


@pytest.mark.parametrize("name", JUDGES)
@pytest.mark.parametrize("method", ["tilt", "best of n"])
def test_a_way_is_made_of_policies_of_the_core(name, method):
    known, scores = way(name, method), judge(*JUDGES[name])
    for k in (0, 40, len(known.kls) - 1):
        make = tilt(LOG_REFERENCE, scores, known.settings[k])[0] if method == "tilt" else best_of_n(LOG_REFERENCE, scores, int(known.settings[k]))
        assert known.kls[k] == pytest.approx(kl_divergence(make, LOG_REFERENCE), abs=1e-9)
        assert (known.true[k], known.proxy[k]) == pytest.approx((np.exp(make) @ TRUTH, np.exp(make) @ scores))


def test_a_policy_at_a_kl():
    for kl in (0.3, 1.19, 4.0):
        log_probs, beta = policy_at(world.COUNTS, "tilt", kl)
        assert world.distance(log_probs) == pytest.approx(kl, abs=2e-3)
        np.testing.assert_allclose(log_probs, tilt(LOG_REFERENCE, judge(), beta)[0])
    assert policy_at(world.COUNTS, "best of n", 1.19)[1] == 8
    assert world.distance(policy_at(world.SQUARE, "tilt", 5.0)[0]) == pytest.approx(3.0, abs=0.05)  # there is no further


def test_following_the_judge():
    tilts, best = way(world.COUNTS, "tilt"), way(world.COUNTS, "best of n")
    fine = np.stack([tilt(LOG_REFERENCE, judge(), beta)[0] for beta in np.linspace(0.25, 0.33, 401)])
    top = fine[world.mean(fine, TRUTH).argmax()]
    assert (world.mean(top, TRUTH), world.distance(top)) == pytest.approx((0.50, 0.83), abs=0.005)
    assert tilts.true.max() == pytest.approx(0.50, abs=0.005)
    assert np.interp([2.7, 2.8, 5.0], tilts.kls, tilts.true) == pytest.approx([0.285, 0.266, -0.25], abs=0.002)
    assert (np.diff(tilts.proxy) > 0).all() and right("follow_the_judge").endswith("below where it began")
    assert best.settings[best.true.argmax()] == 11
    found = [world.mean(policy_at(world.COUNTS, method, 1.19)[0], TRUTH) for method in ("tilt", "best of n")]
    assert [*found, world.best_within(1.19)] == pytest.approx([0.489, 0.676, 0.769], abs=2e-3) and right("at_the_same_kl") == "Best of 8"
    assert way(REFITTED, "tilt").true[10:].max() < 0.31


def test_pictures_at_both_ends():
    for sentence, figure in corners(almost_perfect, kl=(0.0, 1.19, 5.0), judge=list(JUDGES), shown=("tilt", "best of n")):
        assert "The best possible at KL" in sentence and "KL -" not in sentence
        for method in ("tilt", "best of n"):
            assert len(line(figure.axes[0], method)) >= 1

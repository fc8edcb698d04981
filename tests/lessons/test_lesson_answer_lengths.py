"""What 1 / |o| does to lengths: against a language that is enumerated, and the numbers of the notebook."""

import numpy as np
import pytest
from lesson import corners

import pgedu as pg
from pgedu.lessons import rlhf_predictions
from pgedu.lessons.answer_lengths import LENGTHS, LONGEST, RIGHTS, UPDATES, chances, lengths, mean_push, paths, scores

PADDING = pg.Language(("go on", "stop"), LONGEST, stop=1)


@pytest.mark.parametrize("theta", [0.0, -1.3, 0.8])
def test_lengths_are_those_of_a_language(theta):
    """Each word is "go on" or "stop". The last place has no choice: whatever is said there, the padding is over."""
    words = pg.log_softmax(np.tile([0.0, theta], (PADDING.n_states, 1)))
    P = np.bincount(PADDING.lengths, np.exp(PADDING.log_probs(words)), LONGEST + 1)[1:]
    np.testing.assert_allclose(chances(theta), P, rtol=1e-12)
    h = 1e-6
    np.testing.assert_allclose(scores(theta), (np.log(chances(theta + h)) - np.log(chances(theta - h))) / (2 * h), atol=1e-8)


@pytest.mark.parametrize("per_length", [True, False])
def test_the_mean_push_by_hand(per_length):
    theta, p = np.array([0.4, -0.7]), 0.3
    found = mean_push(theta, p, per_length)
    for k, (chance, advantage) in enumerate(((p, 1 - p), (1 - p, -p))):
        total = sum(
            chances(theta[k])[n] * scores(theta[k])[n] * advantage / (1 + LENGTHS[n] if per_length else 1) for n in range(LONGEST)
        )
        assert found[k] == pytest.approx(chance * total, abs=1e-15)
    if not per_length:
        np.testing.assert_allclose(found, 0, atol=1e-15)  # the true gradient


def test_the_numbers_of_the_notebook():
    means, _ = paths(True)
    column = list(RIGHTS).index(0.3)
    assert means[0, column] == pytest.approx([1.99, 1.99], abs=0.005) and means[UPDATES, column] == pytest.approx([1.02, 7.90], abs=0.005)
    np.testing.assert_allclose(paths(False)[0], means[0, 0, 0], rtol=1e-9)
    assert (np.diff(means[:, :, 0], axis=0) < 0).all() and (np.diff(means[:, :, 1], axis=0) > 0).all()
    assert rlhf_predictions.what_padding_does[2] == "It fills up the room there is"


def test_a_baseline_is_no_longer_free():
    """Four words at most, each the last with one half: E[score / L], by the four lengths."""
    n = np.arange(1, 5)
    P, score = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8]), np.where(n < 4, 0.5, 0) - 0.5 * (n - 1)
    assert P @ score == pytest.approx(0, abs=1e-15) and P @ (score / n) == pytest.approx(0.182, abs=5e-4)


def test_pictures_at_both_ends():
    for sentence, figure in corners(lengths, updates=(1, 300, 3000), right=(0.1, 0.9), per_length=(True, False)):
        bars = [bar.get_height() for bar in figure.axes[1].patches]
        assert sum(bars) == pytest.approx(2) and "words of padding" in sentence

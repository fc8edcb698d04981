"""Notebook 12: what its prose says is what its cells print, and what is exact of it is asked of the package."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

import pgedu as pg

CELLS = json.loads((Path(__file__).parents[2] / "notebooks" / "12_rlhf.ipynb").read_text(encoding="utf-8"))["cells"]
PROSE = " ".join("".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "markdown").replace("\n", " ")
PRINTED = {cell["id"]: "".join("".join(each.get("text", "")) for each in cell.get("outputs", [])) for cell in CELLS}


@pytest.mark.parametrize("cell, printed, said", [
    ("fit", "57.86% of preferences; the truth itself, with 58.15%", "even the truth foretells only 58 % of single choices"),
    ("its-own-pairs", "judge right 42.6%", "right in 42.6 %: **worse than a coin**"),
    ("its-own-pairs", "three wows or more  0.37%", "72 times as frequent"),
    ("its-own-pairs", "wow -0.28", "a *wow* is bad, −0.28"),
    ("factors", "right answers 0.7102", "GRPO settles elsewhere, with fewer right answers"),
    ("not-free", "1/L x score of stopping: 0.182", "at most four words it is 0.182"),
    ("winner", "winner 0.021, never compared 0.978", "the winner dies out in favour of what nobody has compared"),
    ("support", "got inf", "must be noticed rather than become a number"),
    ("word-by-word", "its exact gradient is 0: True", "Word by word it is the same"),
])  # fmt: skip
def test_what_the_cells_print_is_what_the_prose_says(cell, printed, said):
    assert printed in PRINTED[cell] and said in PROSE


def test_the_circle_is_fitted_by_equal_rewards():
    assert PRINTED["circle"] == "rewards: [0. 0. 0.]\n"


def test_one_sample_at_the_optimum():
    numbers = [float(each) for each in re.findall(r"gradient (\d\.\d+)", PRINTED["three-answers"])]
    log_ref, r = np.log([0.6, 0.3, 0.1]), np.array([0.0, 1.0, 2.0])
    best, _ = pg.tilt(log_ref, r, 1.0)
    world = lambda log_pi: pg.bandit(r - (log_pi - log_ref))  # noqa: E731 - each answer paid less its penalty
    for number, log_pi in zip(numbers, (log_ref, pg.log_softmax((log_ref + best) / 2), best)):
        baseline = pg.constant(float(np.exp(log_pi) @ (r - (log_pi - log_ref))))
        psi = lambda rollout: pg.reward_to_go(rollout, baseline=baseline)  # noqa: B023, E731
        policy = pg.Policy.softmax(pg.Table(1, 3))
        assert number == pytest.approx(float(pg.exact_moments(world(log_pi), policy, log_pi, psi, horizon=1).variance), abs=5e-4)


def test_the_winner_falls_from_the_first_update_on():
    """d ln pi_w / d theta = pi_loser - pi_third, by finite differences."""
    share, h = np.array([0.0, 1.0, 2.0]), 1e-6
    for theta in (-1.0, 0.0, 0.7):
        pi = np.exp(pg.log_softmax(theta * share))
        slope = (pg.log_softmax((theta + h) * share) - pg.log_softmax((theta - h) * share))[1] / (2 * h)
        assert slope == pytest.approx(pi[0] - pi[2], abs=1e-8)
    falls = [float(each) for each in re.findall(r"winner (\d\.\d+)", PRINTED["winner"])]
    assert falls == sorted(falls, reverse=True) and len(set(falls)) == len(falls)


def test_over_all_pairs_dpo_rests_at_the_best_policy_of_the_sentences():
    from pgedu.lessons.sentence_world import FIRST, LANGUAGE, LOG_REFERENCE, SECOND, TRUTH, answers, chance_of_first, met, policy

    best, _ = pg.tilt(LOG_REFERENCE, TRUTH, 0.3)
    theta = LANGUAGE.log_policy(best).ravel()
    h = (best - LOG_REFERENCE)[FIRST] - (best - LOG_REFERENCE)[SECOND]
    weights = met(LOG_REFERENCE) * chance_of_first() * pg.preference_weights(h, beta=0.3)
    rollout = answers(np.arange(81))
    scores = policy.score(theta, rollout.observations[:-1], rollout.actions, np.ones((4, 81)))
    assert np.abs(weights @ (scores[FIRST] - scores[SECOND])).max() < 1e-12

"""What is deployed: estimates against the package's, the rule by loops, and the picture."""

import numpy as np
import pytest
from lesson import picture

from pgedu import campaign, collect, exact_return, standard_error, trajectory_importance
from pgedu.lessons import deployment
from pgedu.lessons.coin_log import COIN, CUSTOMERS, LOGS, policy
from pgedu.lessons.deployment import CANDIDATES, deployed, judged_by_logs, promised_and_earned, values
from pgedu.panels.canvas import Canvas


def test_candidates_are_the_coin_and_all_others_once():
    found = {tuple(theta[[1, 2]]) for theta in CANDIDATES}
    assert len(CANDIDATES) == len(found) == 25 and tuple(CANDIDATES[0]) == (0,) * 6
    assert values() == pytest.approx([float(exact_return(campaign(), policy, theta)) for theta in CANDIDATES])
    assert values().max() == pytest.approx(1.8676, abs=1e-4) and values()[0] == pytest.approx(1.3203, abs=1e-4)


def test_estimates_are_those_of_the_package():
    log = collect(campaign(), policy, np.tile(COIN, (10, 1)), rng=np.random.default_rng(5), episodes=CUSTOMERS)
    means, errors = judged_by_logs(5)
    for c in (0, 3, 11, 24):
        wanted = trajectory_importance(log, (policy, np.tile(CANDIDATES[c], (10, 1))))
        assert means[c, :10] == pytest.approx(wanted.mean(axis=-1)) and errors[c, :10] == pytest.approx(standard_error(wanted))


def test_they_are_unbiased_before_anybody_has_chosen():
    means, _ = judged_by_logs(5)
    near = np.abs(CANDIDATES).max(axis=1) <= 1
    assert (np.abs(means.mean(axis=1) - values()) < 4 * means.std(axis=1) / np.sqrt(LOGS))[near].all()


@pytest.mark.parametrize(("candidates", "caution"), [(1, 0.0), (7, 0.0), (25, 0.0), (25, 2.0)])
def test_the_rule(candidates, caution):
    means, errors = judged_by_logs(5)
    chosen = deployed(5, candidates, caution)
    for log in range(0, LOGS, 17):
        scores = [means[c, log] - caution * errors[c, log] for c in range(candidates)]
        assert chosen[log] == scores.index(max(scores))
    promised, earned = promised_and_earned(5, candidates, caution)
    assert promised[3] == means[chosen[3], 3] and earned[3] == values()[chosen[3]]


def test_choosing_makes_promises_that_are_not_kept():
    for seed in (5, 6):
        promised, earned = promised_and_earned(seed, 25, 0.0)
        assert promised.mean() > earned.mean() + 0.4
        harm = [(promised_and_earned(seed, 25, z)[1] < values()[0] - 1e-9).mean() for z in (0.0, 2.0)]
        assert 0.15 < harm[0] < 0.35 and harm[1] < 0.03


def test_the_picture_at_both_ends():
    _, draw = picture(deployment.deployment)
    for candidates in (1, 25):
        for caution in (0.0, 3.0):
            sentence = draw(candidates=candidates, caution=caution, rng=np.random.default_rng(0))
            assert f"Of {candidates} candidate" in sentence


def test_the_picture_shows_what_is_deployed():
    canvas = Canvas(deployment.deployment, (9.6, 4.8))
    canvas.draw(candidates=25, caution=1.0, rng=np.random.default_rng(0))
    seed = int(np.random.default_rng(0).integers(2**31))
    one, _, risk = canvas.figure.axes
    (ring,) = [line for line in one.lines if line.get_markersize() == 13]
    chosen = deployed(seed, 25, 1.0)[0]
    assert ring.get_xydata()[0] == pytest.approx((values()[chosen], judged_by_logs(seed)[0][chosen, 0]))
    curve = risk.lines[0].get_xydata()
    assert curve[0, 0] == 3 and curve[-1, 0] == 1 and len(curve) == 21
    for z, share in curve[::5]:
        assert share == pytest.approx(100 * (promised_and_earned(seed, 25, z)[1] < values()[0] - 1e-9).mean())

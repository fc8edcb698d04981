"""The race of notebook 04: baselines side by side are the same baselines alone, and the picture shows what is recorded."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from lesson import definitions, line, picture

from pgedu import SGD, LearnedValue, Policy, Table, batch_mean, campaign, collect, constant, exact_return, leave_one_out
from pgedu import discounted_returns, none, reinforce
from pgedu.lessons.baseline_race import SideBySide, race, race_picture
from pgedu.lessons.exact_baselines import variance_of_estimate

POLICY, RUNS, EPISODES = Policy.softmax(Table(3, 2)), 8, 4
WORLD = replace(campaign(horizon=5), terminal=[False] * 3)


def learned():
    return LearnedValue(Table(3, 1), SGD(0.2))


def all_baselines():
    return {"none": none, "leave one out": leave_one_out, "batch mean": batch_mean, "learned value": learned()}


def rollout_of(seed):
    return collect(WORLD, POLICY, np.zeros((RUNS, 6)), episodes=EPISODES, rng=np.random.default_rng(seed))


def part(rollout, runs):
    return rollout._replace(**{name: getattr(rollout, name)[:, runs] for name in rollout._fields})


def test_each_group_has_its_own_baseline_which_learns_from_its_own_runs():
    together, alone = SideBySide(all_baselines()).start(np.random.default_rng(0), RUNS), all_baselines()
    alone["learned value"] = alone["learned value"].start(np.random.default_rng(0), RUNS // 4)
    for seed in range(3):
        rollout = rollout_of(seed)
        targets = discounted_returns(rollout.rewards, rollout.discounts)
        found = together(rollout, targets)
        for n, baseline in enumerate(alone.values()):
            runs = slice(2 * n, 2 * n + 2)
            wanted = baseline(part(rollout, runs), targets[:, runs])
            np.testing.assert_array_equal(found[:, runs], np.broadcast_to(wanted, targets[:, runs].shape))
        together.learn_from(rollout)
        alone["learned value"].learn_from(part(rollout, slice(6, 8)))
    assert np.abs(found[:, 6:]).max() > 0.1


def test_a_start_leaves_the_given_ones_as_they_are_and_wants_equal_groups():
    given = SideBySide(all_baselines())
    given.start(np.random.default_rng(0), RUNS)
    assert given.baselines["learned value"].w is None
    with pytest.raises(ValueError, match="runs must be shared out equally among 4 baselines; got 7"):
        given.start(np.random.default_rng(0), 7)


def racers(updates, **settings):
    baseline = SideBySide(all_baselines())
    return race(WORLD, POLICY, optimizer=SGD(0.5), rng=np.random.default_rng(0), runs=RUNS, episodes=EPISODES,
                baseline=baseline, updates=updates, **settings)  # fmt: skip


def test_learners_are_those_of_reinforce():
    other = reinforce(WORLD, POLICY, optimizer=SGD(0.5), rng=np.random.default_rng(0), runs=RUNS, episodes=EPISODES,
                      baseline=SideBySide(all_baselines()), updates=7)  # fmt: skip
    for mine, theirs in zip(racers(7), other, strict=True):
        np.testing.assert_array_equal(mine.theta, theirs.theta)
        assert bool(mine.details) == (mine.update in (1, 6))


def test_the_recorded_variance_is_that_of_the_estimate_before_the_step():
    training, before = racers(6), np.zeros((RUNS, 6))
    for record in islice(training, 5):
        before = record.theta
    w = training.baseline.baselines["learned value"].w.copy()
    (last,) = training
    others = variance_of_estimate(WORLD, POLICY, before[2:6], others=EPISODES - 1)
    wanted = [*variance_of_estimate(WORLD, POLICY, before[:2]), *others[:2], *(1 - 1 / EPISODES) ** 2 * others[2:],
              *variance_of_estimate(WORLD, POLICY, before[6:], values=w)]  # fmt: skip
    np.testing.assert_allclose(last.details["variance"], wanted)


def test_of_an_unknown_baseline_no_variance_is_known():
    training = race(WORLD, POLICY, optimizer=SGD(0.5), rng=np.random.default_rng(0), runs=2, episodes=2,
                    baseline=SideBySide({"four": constant(4.0)}))  # fmt: skip
    with pytest.raises(ValueError, match="baseline must be none, leave_one_out, batch_mean or a LearnedValue"):
        next(training)


def test_the_picture_is_what_is_recorded():
    names = ["none", "leave one out", "batch mean", "learned value"][:3]
    baselines = {name: all_baselines()[name] for name in names}
    training = race(WORLD, POLICY, optimizer=SGD(3.0), rng=np.random.default_rng(0), runs=6, episodes=EPISODES,
                    baseline=SideBySide(baselines), updates=11)  # fmt: skip
    records = list(training)
    figure, draw = picture(race_picture(campaign(horizon=5), POLICY, names))
    assert draw(new=records[:4]).startswith("After 4 updates, of 2 learners each, ")
    sentence = draw(new=records[4:])
    plane, returns, variances = figure.axes
    J = exact_return(campaign(horizon=5), POLICY, np.array([record.theta for record in records]))
    for n, name in enumerate(names):
        runs = slice(2 * n, 2 * n + 2)
        np.testing.assert_allclose(line(returns, name)[:, 1], J[:, runs].mean(axis=1))
        known = [record.details["variance"][runs].mean() for record in records if record.update in (1, 6, 11)]
        np.testing.assert_allclose(line(variances, name), np.transpose([[1, 6, 11], known]))
        difference = np.array([record.theta[runs] for record in records])[-1][:, [1, 3]] - records[-1].theta[runs][:, [0, 2]]
        rightly = ((difference[:, 0] > 0) & (difference[:, 1] < 0)).sum()
        assert f"{rightly} with {name}" in sentence and f"{known[-1]:.1f}" in sentence.split("variances are ")[1]
        dots = plane.lines[1 + n].get_xydata()
        np.testing.assert_allclose(dots, 1 / (1 + np.exp(-difference)), atol=0.061)
    smooth = np.nan
    for record in records:
        sampled = record.gradients[:2].var(axis=-2, ddof=1).sum(axis=-1).mean()
        smooth = sampled if record.update == 1 else 0.9 * smooth + 0.1 * sampled
    assert variances.lines[1].get_ydata()[-1] == pytest.approx(smooth)
    best = max(exact_return(campaign(horizon=5), POLICY, np.array([0, x, 0, y, 0, 0])) for x in (-40.0, 40.0) for y in (-40.0, 40.0))
    assert returns.lines[0].get_ydata()[0] == pytest.approx(best)


def test_an_income_moves_neither_gradient_nor_leave_one_out():
    """What the text says of the income: with it, leave one out learns number by number what it learns without."""
    from_cells = definitions("04_baselines_and_variance.ipynb", "cell-02", "cell-20")
    thetas = [[record.theta for record in islice(from_cells["start"](np.random.default_rng(0), income), 8)] for income in (0.0, 2.0)]
    np.testing.assert_allclose(thetas[0][-1][40:80], thetas[1][-1][40:80], atol=1e-9)
    assert np.abs(thetas[0][-1] - thetas[1][-1])[:40].max() > 0.1


def test_a_learned_value_soon_has_less_variance_than_leave_one_out_and_yet_ends_worse():
    """What the text says of a learning rate and an income of 1: early steps decide."""
    cells = definitions("04_baselines_and_variance.ipynb", "cell-02", "cell-20")
    training = cells["start"](np.random.default_rng(0), 1.0)
    training.learning_rate = 1.0
    records = list(islice(training, 151))
    variances = {r.update: r.details["variance"].reshape(3, 40).mean(axis=1) for r in records if r.details}
    assert variances[1][2] > 4 * variances[1][1]
    later = np.mean([variances[update] for update in range(16, 152, 5)], axis=0)
    assert later[2] < 0.8 * later[1]
    offers = records[-1].theta[:, [1, 3]] - records[-1].theta[:, [0, 2]]
    right = ((offers[:, 0] > 0) & (offers[:, 1] < 0)).reshape(3, 40).mean(axis=1)
    assert right[1] - right[2] > 0.15


def test_the_challenge_is_won_by_baseline_and_batch_together_and_by_neither_alone():
    challenge = definitions("04_baselines_and_variance.ipynb", "cell-02", "cell-23", "cell-26")["challenge"]
    assert challenge(leave_one_out, 0.1, 4).startswith("won")
    assert challenge(none, 0.1, 4).startswith("not yet") and challenge(leave_one_out, 0.1, 20).startswith("not yet")

"""Notebook 07 as it learns: TRPO, PPO and a changed PPO beside it, the missing sign, and a learner that acts."""

import inspect

import numpy as np
import pytest
from cells_of_notebook import corners, drawn, run
from matplotlib.figure import Figure

from pgedu import ppo, trpo
from pgedu.lessons import more_predictions
from pgedu.lessons.ppo_live import cartpole, climbing, in_words, side_by_side, stage

NAME = "07_trust_regions_and_ppo"


def right(name):
    """The option of a prediction that holds."""
    return getattr(more_predictions, name)[2]


@pytest.mark.parametrize("kl, words", [
    (0.0, "less than 0.00001"), (9e-6, "less than 0.00001"), (1.2e-5, "0.00001"), (0.00034, "0.0003"), (0.0961, "0.1"), (2.1, "2"),
])  # fmt: skip
def test_kl_in_words(kl, words):
    assert in_words(kl) == words


@pytest.mark.parametrize("number", [0, 1])
def test_pictures_of_trpo_and_of_the_missing_sign(number):
    scope, panels = run(NAME, "cell-39-start", "cell-39", "cell-69")
    start, view, controls = panels[number]
    for values in corners(controls):
        rng = {"rng": np.random.default_rng(0)}
        training = start(**rng, **{name: values[name] for name in inspect.signature(start).parameters if name in values})
        for name in values.keys() & {"max_kl"}:
            setattr(training, name, values[name])
        figure, draw = drawn(view)
        records = [next(training) for _ in range(5)]
        sentence = draw(new=records)
        J = scope["exact_return"](scope["shop"], scope["buyer"], records[-1].theta)
        details = records[-1].details
        taken = ~details.get("rejected", np.zeros(20, dtype=bool))
        assert sentence.startswith(f"After 5 updates the exact J is {J.mean():.2f} ") and sentence == draw(new=[])
        assert f"a mean KL of {in_words(details['kl'][taken].mean())}" in sentence
        assert (f"; {20 - taken.sum()} of 20 steps were given up." in sentence) == (not taken.all())
        drawn_kl = figure.axes[1].lines[0].get_ydata()[-1]
        assert drawn_kl == pytest.approx(np.maximum(details["kl"][taken], 1e-5).mean())


def test_steps_that_were_given_up_have_no_kl():
    scope, [(start, view, _)] = run(NAME, "cell-39-start", "cell-39")
    record = next(start(np.random.default_rng(0)))
    for given_up, words in ((3, "; 3 of 20 steps were given up."), (0, "mean KL of 0.02."), (20, "all steps were given up.")):
        details = {"kl": np.where(np.arange(20) < given_up, 0.0, 0.02), "rejected": np.arange(20) < given_up}
        figure, draw = drawn(view, empty=True)
        assert draw(new=[record._replace(details=details)]).endswith(words)
        assert np.allclose(figure.axes[1].lines[0].get_ydata(), 0.02) == (given_up < 20)


@pytest.mark.parametrize("number", range(8))
def test_every_change_trains(number):
    start, _, controls = run(NAME, "cell-50", "details-changes", "details-side-by-side")[1][-1]
    options = [value for _, value in controls["change"].options]
    assert len(options) == 8
    one, other = next(start(np.random.default_rng(0), options[number]))
    assert one.update == other.update == 1 and np.isfinite(other.theta).all()


def test_steps_are_given_up_by_learners_who_have_decided():
    training = run(NAME, "cell-39-start", "cell-39")[1][0][0](np.random.default_rng(0))
    training.max_kl, slack = 1.0, []
    for _ in range(15):
        before = training.theta.reshape(20, 3, 2)
        given_up = next(training).details["rejected"]
        slack += np.exp(-np.abs(before[given_up, :2, 0] - before[given_up, :2, 1])).max(axis=1).tolist()
    assert len(slack) > 50 and max(slack) < 0.001  # the chance, in odds, of the other action


def test_side_by_side_compares_learners():
    start, view, _ = run(NAME, "cell-50", "details-changes", "details-side-by-side")[1][-1]
    records = [pair for pair, _ in zip(start(np.random.default_rng(0), {"epochs": 1}), range(3))]
    figure, draw = drawn(view)
    sentence = draw(new=records)
    assert sentence == draw(new=[])
    one, other = (np.nanmean(record.returns, axis=1) for record in records[-1])
    error = np.sqrt(sum(((each - each.mean()) ** 2).sum() / 19 / 20 for each in (one, other)))
    assert f"is {one.mean():.0f} as it is and {other.mean():.0f} with the change" in sentence
    assert sentence.endswith(f"a difference of {other.mean() - one.mean():+.0f}, standard error {error:.0f}.")
    dots = figure.axes[-1].lines
    np.testing.assert_allclose([dots[0].get_ydata(), dots[1].get_ydata()], [one, other])
    kl = figure.axes[1].lines[1].get_ydata()[-1]
    assert kl == pytest.approx(np.maximum(records[-1][1].details["kl"], 1e-5).mean())


@pytest.fixture(scope="module")
def start_ppo():
    return run(NAME, "cell-50")[0]["start_ppo"]


def trained(start, updates, seed=0, **settings):
    """Mean return of the latest episodes of twenty learners, and the mean KL of their updates."""
    records = list(start(np.random.default_rng(seed), updates=updates, **settings))
    return np.nanmean(records[-1].returns), np.mean([record.details["kl"] for record in records])


@pytest.fixture(scope="module")
def usual(start_ppo):
    """Sixty updates of PPO as the lesson has it, [(return, KL)] for two seeds."""
    return np.array([trained(start_ppo, 60, seed) for seed in (0, 1)])


@pytest.mark.parametrize("change, loss", [({"epochs": 1}, 130), ({"critic_rate": 0.001}, 150), ({"clip_values": 0.2}, 80)])
def test_what_costs_much(start_ppo, usual, change, loss):
    """The table's large effects, with one of its eight seeds."""
    assert trained(start_ppo, 60, **change)[0] < usual[0, 0] - loss / 2


def test_what_the_clip_is_for(start_ppo, usual):
    """Nothing at the lesson's rate but a smaller KL; half of the return with large steps; and a brake that is always on."""
    free, kl = trained(start_ppo, 60, clip=np.inf)
    assert kl > 2 * usual[0, 1] and free > 0.8 * usual[0, 0]
    assert right("without_the_clip").startswith("The KL of an update is larger")
    fast = {"epochs": 10, "learning_rate": 0.1}
    held, _ = trained(start_ppo, 30, **fast)
    loose, _ = trained(start_ppo, 30, clip=np.inf, **fast)
    assert 190 == pytest.approx(held, rel=0.3) and 100 == pytest.approx(loose, rel=0.3)
    assert trained(start_ppo, 30, clip=0.01) == (pytest.approx(35, rel=0.3), pytest.approx(0.0002, rel=0.5))


def test_what_normalising_costs(start_ppo, usual):
    as_they_are = [trained(start_ppo, 60, seed, normalize=False)[0] for seed in (0, 1)]
    assert np.mean(as_they_are) > usual[:, 0].mean() + 20 and right("not_normalised") == "It is higher"


def test_of_normalising_it_is_the_mean_that_costs(start_ppo, monkeypatch):
    positive = []

    def centred(self, A, mask):
        positive.append((A[mask > 0] > 0).mean())
        return A - A.mean(axis=0)

    def scaled(self, A, mask):
        return A / (A.std(axis=0) + 1e-8)

    alone = []
    for kind in (centred, scaled):
        monkeypatch.setattr(ppo, "scaled", kind)
        alone.append(trained(start_ppo, 60)[0])
    assert alone[0] < alone[1] - 50
    assert positive[0] > 0.99 and np.mean(positive[160:]) == pytest.approx(0.8, abs=0.07)


def test_campaign_is_drawn_in_the_colour_of_its_method():
    colors = []
    for method in (trpo, ppo):
        figure = Figure()
        climbing(method, None, None)(figure)
        colors.append(figure.axes[1].lines[0].get_color())
    assert colors == ["#009265", "#C45100"]


def test_picture_of_ppo_on_cartpole():
    start, view, controls = run(NAME, "cell-50", "cell-53")[1][-1]
    assert view is cartpole
    for values in (corners(controls)[0], corners(controls)[-1]):
        training = start(np.random.default_rng(0))
        for name, value in values.items():
            assert hasattr(training, name)
            setattr(training, name, value)
        figure, draw = drawn(view)
        records = [next(training) for _ in range(5)]
        sentence = draw(new=records)
        assert sentence == draw(new=[])
        assert f"{100 * records[-1].details['clipped'].mean():.0f} % of the samples" in sentence
        assert f"is {np.nanmean(np.nanmean(records[-1].returns, axis=1)):.0f}." in sentence
        assert f"the mean KL is {in_words(records[-1].details['kl'].mean())}, " in sentence
        now = next(training.pulses()).observations
        assert sentence == draw(new=[], now=now)
        poles = figure.axes[-1].collections[1].get_paths()
        assert [path.vertices[1, 0] - path.vertices[0, 0] for path in poles] == pytest.approx(np.sin(now[0, :, 2]))


def test_cartpole_counts_those_that_stand_still():
    training = run(NAME, "cell-50")[0]["start_ppo"](np.random.default_rng(0))
    record = [next(training) for _ in range(3)][-1]
    _, draw = drawn(cartpole)
    assert "stand still" not in draw(new=[record])
    lost = record._replace(diverged=np.arange(20) < 3)
    assert draw(new=[lost]).endswith(" 3 learners stand still: their numbers overflowed.")
    assert draw(new=[]).endswith(" 3 learners stand still: their numbers overflowed.")


def test_stage_shows_what_acts():
    steps = [(np.full((1, 4), 0.1 * k), k, np.nan) for k in range(6)]
    figure, draw = drawn(stage)
    said = draw(new=steps, learner=3, updates=100)
    assert said == "Learner 3 after 100 updates: the pole has been up for 5 steps. This is its first episode."
    assert said == draw(new=[], learner=3, updates=100)
    cart = figure.axes[0].patches[-1]
    assert cart.get_xy()[:4, 0].mean() == pytest.approx(0.5)
    assert draw(new=[(np.zeros((1, 4)), 0, 27.0)], learner=0, updates=0).endswith("Its last episode took 27 steps.")


def test_acting_counts_the_steps_of_each_episode():
    history = np.zeros((101, 4, 10))
    _, [(acting, view, controls)] = run(NAME, "cell-50", "cell-57", history=history)
    for values in corners(controls):
        _, draw = drawn(view)
        records = [record for record, _ in zip(acting(np.random.default_rng(0), **values), range(200))]
        draw(new=records, **values)
        counts = np.array([steps for _, steps, _ in records])
        ends = np.flatnonzero(counts == 0)  # the step after an end
        assert len(ends) > 2 and np.all(np.diff(counts)[np.diff(counts) != 1] == -counts[ends - 1])
        assert [records[i][2] for i in ends] == counts[ends - 1].tolist()  # CartPole pays 1 a step

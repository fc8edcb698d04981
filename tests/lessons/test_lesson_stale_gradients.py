"""Notebook 06, stale gradients: what is computed against simulation and exact gradients, and the pictures at both ends."""

import numpy as np
import pytest
from cells_of_notebook import corners, drawn, run

from pgedu import SGD, LearnedValue, Policy, Table, a2c, a3c, exact_gradient, exact_return, short_corridor
from pgedu.lessons.stale_gradients import MISTAKES, SideBySide, check_staleness
from pgedu.lessons.workers import Workers

NAME = "06_a2c_and_a3c"
RACE = "cell-04", "cell-31", "cell-33", "cell-34"
SWING = "cell-04", "cell-31", "cell-36", "check-of-g", "cell-38", "cell-40", "cell-45"


@pytest.mark.parametrize("workers", [1, 4])
def test_side_by_side_moves_both_by_as_much(workers):
    world, policy, rng = short_corridor(), Policy.softmax(Table(observations=1, outputs=2)), np.random.default_rng(0)
    critic = lambda: LearnedValue(Table(observations=1, outputs=1), SGD(0.0))  # noqa: E731
    same = {"rng": rng, "optimizer": SGD(0), "steps": 10, "runs": 2}
    pair = SideBySide(
        a2c(world, policy, critic=critic(), environments=workers, **same),
        a3c(world, policy, critic=critic(), workers=workers, **same),
        workers,
    )
    pair.learning_rate, pair.delay = 0.02, 5
    first, second = next(iter(pair))
    assert (first.update, second.update) == (1, 1) and first.rollout.rewards.size == second.rollout.rewards.size
    assert pair.one_by_one.learning_rate == 0.02 and pair.one_by_one.delay == 5
    assert pair.together.learning_rate == pytest.approx(0.02 * workers)


def test_race_is_fair():
    scope, [(race, _, _)] = run(NAME, *RACE)
    training = race(np.random.default_rng(0), 4)
    assert type(training.together) is a2c and type(training.one_by_one) is a3c
    assert training.together.theta.tolist() == training.one_by_one.theta.tolist() == scope["unlucky"].tolist()
    for name in ("steps", "entropy", "lam", "runs"):
        assert getattr(training.together, name) == getattr(training.one_by_one, name)
    rates = [each.critic.optimizer.learning_rate for each in (training.together, training.one_by_one)]
    assert rates[0] == pytest.approx(4 * rates[1])


def test_picture_of_the_race():
    scope, [(race, view, controls)] = run(NAME, *RACE)
    for values in corners(controls):
        training = race(np.random.default_rng(0), values["workers"])
        training.learning_rate, training.delay = values["learning_rate"], values["delay"]
        figure, draw = drawn(view)
        pairs = [next(training) for _ in range(15)]
        sentence = draw(new=pairs, **values)
        assert sentence == draw(new=[], **values)
        assert f"is {values['workers'] - 1 + values['delay']} updates late" in sentence
        said = []
        for k, axes in enumerate(figure.axes[:2]):
            hill, dots = axes.lines
            theta = pairs[-1][k].theta
            J = exact_return(scope["corridor"], scope["softmax"], theta)
            np.testing.assert_allclose(dots.get_ydata(), np.maximum(J, -40))
            right = 1 / (1 + np.exp(theta[:, 0] - theta[:, 1]))
            np.testing.assert_allclose(dots.get_xdata(), right)
            lost, name = (J < -25).sum(), ["A2C", "A3C"][k]
            part = f", without {lost} of 40 that are LOST (J below -25)." if lost else "."
            said.append(f"{name}: mean J {J[J >= -25].mean():.1f}{part}" if lost < 40 else f"{name}: all are lost.")
        assert sentence.endswith(" ".join(said)), (sentence, said)
        z = np.log(hill.get_xdata() / (1 - hill.get_xdata()))
        theta = np.stack([0 * z, z], axis=-1)
        np.testing.assert_allclose(hill.get_ydata(), exact_return(scope["corridor"], scope["softmax"], theta))


def late(a, tau, steps=20_000):
    """The largest |x| in the last of so many steps of x <- x - a x[tau updates ago], over the largest half way before."""
    x = [1.0] * (tau + 1)
    for _ in range(steps):
        x.append(x[-1] - a * x[-1 - tau])
    return max(map(abs, x[-200:])) / max(map(abs, x[steps // 2 : steps // 2 + 200]))


@pytest.mark.parametrize("tau", [0, 1, 7, 20])
def test_largest_learning_rate_is_where_a_simulation_stops_settling(tau):
    scope, _ = run(NAME, *SWING)
    limit = 0.9706 * scope["largest"](tau)
    for share, settles in ((0.998, True), (1.002, False)):
        assert (late(share * limit, tau, 4000) < 1) == settles
        assert (scope["slowest"](share * limit, tau) < 1) == settles


def test_g_is_the_mean_gradient_of_a_step():
    scope, _ = run(NAME, *SWING)
    for z in np.linspace(-3, 3, 13):
        theta = np.array([0.0, z])
        gradient, J = (f(scope["corridor"], scope["softmax"], theta) for f in (exact_gradient, exact_return))
        assert scope["g"](z) == pytest.approx(gradient[1] / -J, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("tau", [0, 3, 80])
def test_climb_uses_the_gradient_of_tau_updates_ago(tau):
    scope, _ = run(NAME, *SWING)
    z = scope["climb"](0.1, tau, 300)
    assert len(z) == 301 and z[0] == pytest.approx(np.log(0.25))
    for k in range(300):
        assert z[k + 1] - z[k] == pytest.approx(0.2 * scope["g"](z[k - tau] if k >= tau else z[0]), abs=1e-12)


def test_error_on_the_way_is_that_of_climbing():
    scope, _ = run(NAME, *SWING)
    z = scope["climb"](0.01, 0, 2000)
    k = int((z >= np.log(0.4 / 0.6)).argmax())
    error, first_order = scope["error_on_the_way"](0.01, 7)
    assert error == pytest.approx(scope["g"](z[k - 7]) / scope["g"](z[k]) - 1)
    assert error == pytest.approx(first_order, rel=0.05)


def test_picture_of_the_swing():
    scope, [(view, controls)] = run(NAME, *SWING)
    figure, draw = drawn(view)
    for values in corners(controls):
        sentence = draw(**values)
        settles = values["learning_rate"] < scope["largest"](values["staleness"])
        assert sentence.endswith("p settles in the end." if settles else "p SWINGS for ever.")
    draw(learning_rate=0.2, staleness=7)
    fresh, late = scope["climb"](0.2, 0), scope["climb"](0.2, 7)
    for line, z in zip(figure.axes[0].lines[1:], (fresh, late)):
        np.testing.assert_allclose(np.log(line.get_ydata() / (1 - line.get_ydata())), z)
        assert len(line.get_xdata()) == figure.axes[0].get_xlim()[1] + 1
    present, used = (line.get_ydata() for line in figure.axes[1].lines)
    np.testing.assert_allclose(present, scope["g"](late))
    np.testing.assert_allclose(used[7:], present[:-7])


def by_looking_back(order):
    """How late each gradient is, by walking back through the log to the last push of the same worker."""
    late = []
    for k in range(len(order)):
        back = 0
        while back < k and order[k - 1 - back] != order[k]:
            back += 1
        late.append(back)
    return np.array(late)


def test_staleness_of_a_log():
    assert check_staleness(by_looking_back)
    clock = Workers([3.0, 0.7, 1.0])
    over = [segment for _ in range(300) for segment in next(clock).over]
    order = [segment.worker for segment in over]
    assert by_looking_back(order).tolist() == [segment.staleness for segment in over]


@pytest.mark.parametrize("sentence, mistake", MISTAKES)
def test_mistakes_about_staleness_are_named(sentence, mistake):
    verdict = check_staleness(mistake)
    assert not verdict.passed and verdict.message == sentence

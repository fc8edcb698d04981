"""The predictions of notebook 08 hold, by exact answers where there are any, else by the notebook's own training."""

import numpy as np
import pytest

from pgedu import *
from pgedu.lessons import continuous_predictions as predictions
from pgedu.lessons.clipped_actions import ClippedHill, areas_of, clipped_action_stored, true_gradient, wrong_gradient
from pgedu.lessons.learning_gains import cost_of_rides, drive
from pgedu.lessons.many_channels import calls_needed
from pgedu.lessons.pendulum_live import CEILING
from pgedu.lessons.smoothing import tops, uphill
from pgedu.lessons.stable_triangle import is_stable, paths
from pgedu.lessons.two_gradients import HILLS, average_variances


def right(name):
    """The option that holds."""
    return getattr(predictions, name)[2]


def test_all_predictions_are_well_formed():
    found = [value for name, value in vars(predictions).items() if not name.startswith("_")]
    assert len(found) == 13
    for question, options, holds, why in found:
        assert holds in options and len(set(options)) == 3 and why.endswith(".") and question.endswith(("?", "..."))


def test_step_unseen():
    step = HILLS["a step"]
    assert step.pathwise_variance(0.0, 1.0) == 0 == step.mean_slope(0.0, 1.0) and step.gradient(0.0, 1.0)[0] > 0.2
    assert right("step_unseen") == "0, every time"


def test_shorter_waves():
    for k in (1.0, 4.0):
        score, pathwise = average_variances(k, np.array([0.98, 1.0, 1.02]) / k)
        assert pathwise[0] < score[0] and pathwise[1] == pytest.approx(score[1]) and pathwise[2] > score[2]
    assert right("shorter_waves") == "a quarter of it"


def test_hundred_times_the_channels():
    few, many = calls_needed(10, 0.5), calls_needed(1000, 0.5)
    assert many[3] == pytest.approx(few[3]) and many[1] > 50 * few[1] and many[0] > 5000 * few[0]
    assert right("hundred_times_the_channels") == "As many as before"


def test_better_aim_and_too_wide():
    (wide, high), places = tops(1.0)
    assert (round(wide, 2), round(high, 2)) == (0.83, 0.57) and right("better_aim") == "The wide one"
    assert np.isnan(tops(1.5)[0][1]) and uphill(3.0, 1.5) == pytest.approx(-1.87, abs=0.02) and right("too_wide") == "At the wide one"
    assert uphill(3.0, 0.5) == pytest.approx(2, abs=0.05)


def test_clipped():
    assert wrong_gradient(1.08, 1.0)[0] > 0 > wrong_gradient(1.09, 1.0)[0] and true_gradient(1.1, 1.0)[0] > 0.4
    assert right("where_it_stops") == "At about 1.1"
    assert true_gradient(0.5, 0.7, -2.0) == true_gradient(0.5, 0.7) and wrong_gradient(0.5, 0.7, -2.0)[0] != wrong_gradient(0.5, 0.7)[0]
    assert right("something_added") == "Only those of the score at the clipped action"


def test_the_triangle():
    assert np.isinf(paths(0.1, 0.2, 0.0216)["gradient"][1]).tolist() == [False, True]
    assert right("a_longer_step") == "It leaves the triangle at once"


def test_ten_times_as_bold():
    for seed in (0, 1):
        stable = [is_stable(p.theta).mean() for p in drive(np.random.default_rng(seed), learning_rate=0.01, updates=20)]
        assert 0.5 < stable[0] < 0.8 and stable[-1] < 0.4
        *_, last = drive(np.random.default_rng(seed), pathwise=True, learning_rate=0.01, updates=30)
        assert is_stable(last.theta).all() and cost_of_rides(last.theta).max() < 14.3
    assert right("ten_times_as_bold") == "Most are thrown out of the triangle"


def learners(algorithm, baseline, added):
    """Exact play and log sigma of 20 learners after 200 updates, as the notebook trains them."""
    world, policy = ClippedHill(added), Policy.gaussian(Table(1, 1))
    *_, last = algorithm(world, policy, optimizer=SGD(0.05), rng=np.random.default_rng(0), runs=20, episodes=20,
                         baseline=baseline, updates=200)  # fmt: skip
    return exact_return(world, policy, last.theta) - added, last.theta[:, 1]


def test_the_museum():
    play, log_sigma = learners(clipped_action_stored, none, -2.0)
    assert play.max() < 0.1 and log_sigma.min() > 10 and right("no_end_of_noise") == "It grows without end"
    assert learners(clipped_action_stored, leave_one_out, -2.0)[0].mean() > 0.98 and right("with_a_baseline") == "Hardly any"
    assert learners(reinforce, none, -2.0)[0].mean() > 0.98


def test_area_below():
    for mu in (-2, 0, 1):
        once, twice, _ = areas_of(mu, 1.0)
        assert once == pytest.approx(1) and twice < 0.9
    assert right("area_below") == "Less than 1"


def test_how_far_up():
    assert -145 < CEILING < -130 and right("how_far_up") == "To about −140"

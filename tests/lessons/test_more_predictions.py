"""The predictions of notebooks 05 to 07 hold: by exact means where there are any, else by the notebook's training.

Those of PPO on CartPole share their trainings with `test_lesson_ppo_live.py`, and stand there.
"""

import numpy as np
import pytest
from lesson import definitions, picture

from pgedu import clipped_weights, exact_return
from pgedu.lessons import more_predictions
from pgedu.lessons.races import offers
from pgedu.lessons.two_plans import gradient_at, kl_from, paths, promised, return_at
from pgedu.lessons.workers import Workers, long_run_staleness, times_of

AC, A3C, PPO = "05_actor_critic.ipynb", "06_a2c_and_a3c.ipynb", "07_trust_regions_and_ppo.ipynb"


def right(name):
    """The option that holds."""
    return getattr(more_predictions, name)[2]


def last_of(training, updates):
    return [next(training) for _ in range(updates)][-1]


def test_05_belief_or_experience():
    names = definitions(AC, "cell-02", "cell-04", "cell-08")
    off = {}
    for lam in (0.0, 1.0):
        critics = names["watch_customers"](np.random.default_rng(0))
        critics.lam, critics.learning_rate, stream = lam, 0.05, iter(critics)
        for customers, v in (next(stream) for _ in range(400)):
            off[lam, customers] = np.sqrt(((v - names["v"])[:, :2] ** 2).mean())
    assert off[1.0, 100] < off[0.0, 100] / 2 and off[0.0, 2000] < off[1.0, 2000] / 1.5
    assert right("belief_or_experience") == "λ = 1 after 100 customers, λ = 0 after 2,000"


def test_05_waits_for_the_end():
    shares = definitions(AC, "cell-02", "cell-04", "cell-17")["shares"]
    assert shares(0.95)[-1] == pytest.approx(0.57, abs=0.005) and shares(0.5)[-1] == pytest.approx(0.0005, abs=5e-5)
    assert right("waits_for_the_end") == "More than half"


def test_05_the_lowest_point():
    names = definitions(AC, "cell-02", "cell-04", "cell-20", "cell-20-exactly", "cell-22", "squared-error")
    lams = names["lams"]
    for critic in names["wrong"]:
        bias, variance = names["squared_error"](critic, 0.0)
        assert bias.max() < 1e-12 and lams[variance.argmin()] < 0.1
        bias, variance = names["squared_error"](critic, 1.0)
        best = [lams[(bias + variance / B).argmin()] for B in (1, 10, 100, 1000, 1e4, 1e6)]
        assert best == sorted(best) and best[0] < best[-1] == 1
    assert right("perfect_critic") == "Near λ = 0" and right("more_episodes") == "To the right, towards λ = 1"


def test_05_ten_times_the_rate():
    J = {}
    for rate in (0.03, 0.3):
        race = definitions(AC, "cell-02", "cell-04", "cell-34")["start_race"](np.random.default_rng(0))
        race.learning_rate, last = rate, {}
        for lane, progress in race:
            last[lane] = progress
            if rate == 0.03 and lane == 1 and progress.update == 50:
                assert last[0].update == 3
            if len(last) == 3 and min(each.environment_steps for each in last.values()) >= 3000:
                break
        J[rate] = [exact_return(race.trainings[0].world, race.trainings[0].policy, last[lane].theta) for lane in (1, 2)]
    (slow_0, slow_9), (fast_0, fast_9) = J[0.03], J[0.3]
    assert slow_9.mean() > slow_0.mean() + 5 and fast_0.min() > -15 and fast_9.mean() < fast_0.mean() - 10
    assert 5 <= (fast_9 < -40).sum() <= 15 and right("ten_times_the_rate") == "λ = 0"


def test_05_fast_actor():
    names = definitions(AC, "cell-02", "cell-04", "start-two-rates")
    lost = {}
    for actor, critic in ((0.1, 0.3), (3.0, 0.3), (0.03, 0.03), (0.03, 0.3)):
        running = names["start_two_rates"](np.random.default_rng(0))
        running.actor, running.critic, stream = actor, critic, iter(running)
        lost[actor, critic] = [(offers(last_of(stream, n)[0].theta) < 0.05).sum() for n in (100, 200)]
    assert lost[0.1, 0.3] == lost[0.03, 0.3] == [0, 0]
    assert lost[3.0, 0.3][0] >= 35 and lost[3.0, 0.3][1] > 25 and lost[0.03, 0.03][1] > 15
    assert right("fast_actor").startswith("Most give up offers")


def test_05_both_too_high():
    cells = definitions(AC, "cell-02", "cell-04", "cell-20", "cell-20-exactly", "critic-moments")
    both, loyal = (np.linalg.norm(cells["moments_of"]("λ = 0", *off)[:-1]) for off in ((3.0, 3.0), (0.0, 3.0)))
    assert (loyal / both) ** 2 == pytest.approx(7, abs=0.5) and right("both_too_high") == "It more than doubles"


def test_05_closing_the_books():
    believed = definitions(AC, "cell-02", "cell-04", "cell-42")["believed"]
    (_, three), (_, two_years), (_, truth) = believed(3, True), believed(24, True), believed(3, False)
    assert three[0] < 0 < two_years[0] < truth[0] and right("closing_the_books").endswith("three months")


def test_05_across_the_end():
    names = definitions(AC, "cell-02", "cell-04", "cell-51", "cell-52")
    exhibits, measure = names["exhibits"], names["measure"]
    sound, across = (measure(exhibit.estimator, 0.0) for exhibit in exhibits[:2])
    np.testing.assert_allclose(across.mean, names["wanted"], atol=1e-12)
    assert across.variance / sound.variance == pytest.approx(1.38, abs=0.005)
    assert right("across_the_end") == "Variance, but no bias"
    assert np.abs(measure(exhibits[1].estimator, 3.0).mean - measure(exhibits[0].estimator, 3.0).mean).max() > 0.01


def test_06_environments():
    variance = definitions(A3C, "cell-02", "cell-04", "exact-variance")["exact_variance"]
    assert variance(64, 20) == min(variance(B, 20) for B in 2 ** np.arange(7))
    assert variance(1, 20) / variance(64, 20) == pytest.approx(8, abs=0.3)
    assert right("spread_out").startswith("64 shops")
    assert np.ptp([variance(B, 2) for B in 2 ** np.arange(7)]) < 1e-15 and right("short_seasons").startswith("All are")


def test_06_entropy():
    with_bonus = definitions(A3C, "cell-02", "cell-04", "with-bonus")["with_bonus"]
    p = np.linspace(0.0005, 0.9995, 1999)
    tops = [p[with_bonus(p, beta)[0].argmax()] for beta in (0.2, 0.5, 1.0, 1.5)]
    assert tops == sorted(tops, reverse=True) and tops[-1] > 0.5 and tops[1] == pytest.approx(0.88, abs=0.005)
    assert right("entropy_moves_the_top").startswith("Between 1/2 and 1")
    slopes = [with_bonus(0.001, beta)[1] for beta in (0.0, 0.3, 1.5)]
    assert slopes == sorted(slopes) and right("entropy_in_the_corner") == "It makes the slope larger"


def test_06_how_old():
    clock = Workers(times_of(4, 1.0, 1.0))
    over = [segment for _ in range(32 * 8) for segment in next(clock).over]
    assert (over[23].replaced, over[23].fetched) == (23, 20) and right("how_old") == "From θ₂₀"


def test_06_slow_worker():
    times = times_of(4, 4.0, 1.0)
    assert long_run_staleness(times) == pytest.approx([12, 2.25, 2.25, 2.25]) and right("slow_worker") == "About 12"


def test_06_staleness():
    names = definitions(A3C, "cell-02", "cell-04", "cell-31", "cell-33", "cell-36")
    largest, climb = names["largest"], names["climb"]
    assert largest(53) > 0.03 > largest(54) and largest(7) == pytest.approx(0.22, abs=0.005)
    late = {staleness: np.ptp(climb(0.03, staleness, 4000)[-300:]) for staleness in (10, 40, 60)}
    assert late[10] < 1e-3 and late[40] < 0.1 and late[60] > 1 and right("until_it_swings") == "From about 50"
    J = {}
    for rate in (0.005, 0.05):
        race = names["race"](np.random.default_rng(0), 8)
        race.learning_rate, race.delay = rate, 60
        J[rate] = exact_return(names["corridor"], names["softmax"], last_of(iter(race), 150)[1].theta)
    assert J[0.005].min() > -13 and (J[0.05] < -25).mean() > 0.2 and right("delay_of_sixty") == "Hardly anything"


def test_06_share_of_waiting():
    speed = definitions(A3C, "cell-02", "cell-04", "segment-times")["a2c_speed"](1.0)[15]
    assert 1 - speed / 16 == pytest.approx(0.70, abs=0.005) and right("share_of_waiting") == "About 70 %"


def test_06_one_environment():
    start = definitions(A3C, "cell-02", "cell-04", "cell-53")["start"]
    one, eight = (np.nanmean(last_of(iter(start(np.random.default_rng(0), n, 16)), 80).returns) for n in (1, 8))
    assert one < 0.6 * eight and right("one_environment") == "Slower"


def test_07_along_the_gradient():
    lengths = np.linspace(0, 4, 201)
    J = return_at(*(lengths * slope for slope in gradient_at(0.0, 0.0)))
    assert lengths[J.argmax()] == pytest.approx(1.68) and J[-1] < J.max() - 2
    assert "falls again" in right("far_along_the_gradient")


def test_07_on_the_map():
    z, coin = np.linspace(-5, 40, 91), (0.0, 0.0)
    for fixed in (-5.0, 0.0, 5.0):
        assert (np.diff(promised(coin, z, fixed)) >= 0).all() and (np.diff(promised(coin, fixed, z)) >= 0).all()
    assert right("top_of_the_surrogate") == "Nowhere: it rises for ever"
    assert return_at(-5.0, 5.0) > return_at(5.0, 5.0) + 4
    corner = np.linspace(0.41, 40, 50)
    level = promised(coin, corner[:, None], corner, 0.2)
    assert np.ptp(level) < 1e-9 and kl_from(coin, 40.0, 40.0) > 10
    tip = 0.5 * np.log(0.5 / 0.6) + 0.5 * np.log(0.5 / 0.4)
    assert kl_from(coin, np.log(1.5), np.log(1.5)) == pytest.approx(tip) and tip == pytest.approx(0.02, abs=5e-4)
    assert promised(coin, 0.39, 5.0, 0.2) < level[0, 0] > promised(coin, 5.0, 0.39, 0.2)
    assert right("where_the_clip_stops") == "In a corner that never ends"


def test_07_two_paths():
    plain, stretched = paths(2.0, -2.0, 0.3, 1.0), paths(2.0, -2.0, 0.3, 5.0)
    assert return_at(*plain[-1].T) == pytest.approx([9.8, 18.4], abs=0.05) and right("stuck") == "The gradient"
    np.testing.assert_allclose(plain[:, 1], stretched[:, 1], atol=1e-9)
    assert np.abs(plain[:, 0] - stretched[:, 0]).max() > 1 and right("stretched") == "Only the gradient's"
    assert return_at(*paths(2.0, -2.0, 0.3, 3.0)[-1, 0]) > 18  # off the plateau
    assert return_at(*stretched[10].T) == pytest.approx([17.8, 10.9], abs=0.05)  # the gradient is even faster
    assert return_at(*paths(2.0, -2.0, 3.0, 1.0)[-1, 0]) > 18 and return_at(*paths(4.0, -4.0, 3.0, 1.0)[-1, 0]) < 10


def test_07_a_full_nat():
    names = definitions(PPO, "cell-02", "cell-39-start")
    J = {}
    for region in (0.03, 1.0):
        training = names["start_trpo"](np.random.default_rng(0))
        training.max_kl = region
        J[region] = exact_return(names["shop"], names["buyer"], last_of(training, 60).theta)
    assert J[0.03].min() > 1.7 and (J[1.0] < 1.5).sum() > 3 and (J[1.0] > 2).any()
    assert right("a_full_nat").startswith("Some learners end far below")


def test_07_clipped_weights():
    ratio = np.array([0.1, 0.5, 0.79, 1.0, 1.19, 1.21, 2.0])
    weights = clipped_weights(ratio, np.ones(7), 0.2)
    np.testing.assert_array_equal(weights == 0, ratio > 1.2)
    assert weights[1] == 0.5 and right("silent_samples") == "Only above 1 + ε"
    assert right("fallen_by_accident") == "It is pushed up again"


def test_07_missing_sign():
    names = definitions(PPO, "cell-02", "cell-39-start", "cell-69")
    training = names["start_shop"](np.random.default_rng(0), missing_sign=True)
    J = exact_return(names["shop"], names["buyer"], last_of(training, 100).theta)
    start = exact_return(names["shop"], names["buyer"], np.zeros(names["buyer"].size))
    assert (J < start).mean() > 0.7 and right("missing_sign") == "They end below the J they started from"

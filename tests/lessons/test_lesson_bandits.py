"""Notebook 01: the variance that its testbed shows, the A/B test beside its learners, and its pictures."""

import itertools
from math import comb

import numpy as np
import pytest
from lesson import from_notebook, picture

from pgedu import Policy, Table
from pgedu.lessons import bandits  # as a module, since `testbed` begins like a test
from pgedu.lessons.bandits import figure_2_5, lean, race, variance_of_estimate
from pgedu.lessons.gradient_bandit import clicks, gradient_bandit

RATES = np.array([0.10, 0.12, 0.14, 0.16, 0.20])
N, GAPS = 10_000, 0.20 - RATES


def pulls(learning_rate, n=30, **settings):
    arms = np.random.default_rng(7).normal(size=(20, 10))
    training = gradient_bandit(arms, learning_rate=learning_rate, rng=np.random.default_rng(0), **settings)
    return arms, [next(training) for _ in range(n)]


@pytest.mark.parametrize("baseline", [True, False])
@pytest.mark.parametrize("offset", [-10.0, 0.0, 4.0])
def test_variance_of_estimate_is_that_of_every_arm_and_every_noise(baseline, offset):
    arms, new = pulls(0.4, baseline=baseline, offset=offset)
    found = variance_of_estimate(new[-1], arms, offset)
    noise, chance = np.polynomial.hermite_e.hermegauss(5)  # exact for squares
    chance = chance / chance.sum()
    for run in range(len(arms)):
        pi, b = new[-1].probabilities[run], new[-1].baseline[run]
        estimates = [(arms[run, a] + offset + e - b) * (np.eye(10)[a] - pi) for a in range(10) for e in noise]
        weights = np.outer(pi, chance).ravel()
        mean = weights @ np.array(estimates)
        assert found[run] == pytest.approx(weights @ ((np.array(estimates) - mean) ** 2).sum(axis=1), rel=1e-9)


def share_of_wins(n):
    """Exact: a creative wins if its clicks, with a lot u in [0, 1] added, are above those of each other."""
    pmf = np.array([[comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)] for p in RATES])
    below = np.cumsum(pmf, axis=1) - pmf
    u, weight = (np.polynomial.legendre.leggauss(5) * np.array([[0.5], [0.5]])) + [[0.5], [0.0]]
    others = lambda a, k, x: np.prod([below[b, k] + pmf[b, k] * x for b in range(5) if b != a])  # noqa: E731
    return [sum(pmf[a, k] * w * others(a, k, x) for k in range(n + 1) for x, w in zip(u, weight)) for a in range(5)]


def ab_test():
    return from_notebook("01_bandits", "ab_test", rates=RATES, gaps=GAPS, N=N)[0]


@pytest.mark.parametrize("n", [10, 100])
def test_ab_test_wins_as_often_as_all_outcomes_say(n):
    exact = np.array(share_of_wins(n))
    assert exact.sum() == pytest.approx(1)
    wins, during, lost = ab_test()(n)
    assert np.all(abs(wins - exact) < 4 * np.sqrt(exact * (1 - exact) / 2000))
    assert during == pytest.approx(sum(n * (0.20 - rate) for rate in RATES))
    assert lost == pytest.approx(during + sum(share * (N - 5 * n) * (0.20 - rate) for share, rate in zip(wins, RATES)))


@pytest.mark.parametrize("H_A, H_B, H_C, c", list(itertools.product([-3.0, 3.0], repeat=4)))
def test_lean_shows_the_softmax_and_the_visitors(H_A, H_B, H_C, c):  # noqa: N803
    figure, draw = picture(lean(Policy.softmax(Table(observations=1, outputs=3))))
    sentence = draw(rng=np.random.default_rng(0), H_A=H_A, H_B=H_B, H_C=H_C, c=c)
    powers = np.exp([H_A, H_B, H_C])
    left, right = figure.axes
    (exact,) = right.lines
    np.testing.assert_allclose(exact.get_ydata(), powers / powers.sum())
    shares = np.array([bar.get_height() for bar in right.patches])
    assert shares.sum() == pytest.approx(1) and np.all(abs(shares - exact.get_ydata()) < 4 * np.sqrt(0.25 / 500))
    assert f"A is {np.exp(H_A - H_B):.3g} times as probable as B." in sentence
    _, bars, *dots = left.lines
    feet, heads, gaps = bars.get_xydata().reshape(3, 3, 2).swapaxes(0, 1)
    np.testing.assert_allclose([feet, heads], [[[x, 0] for x in range(3)], [[0, H_A + c], [1, H_B + c], [2, H_C + c]]])
    assert np.isnan(gaps[:, 1]).all()
    where = {dot.get_gid(): dot.get_xydata().tolist() for dot in dots}
    assert where == {"H_A": [[0, H_A]], "H_B": [[1, H_B]], "H_C": [[2, H_C]]}  # what is added does not move the handles


@pytest.mark.parametrize("learning_rate", [0.01, 10.0])
@pytest.mark.parametrize("baseline", [True, False])
@pytest.mark.parametrize("offset", [-10.0, 10.0])
def test_testbed_shows_the_best_arm_and_the_noise(learning_rate, baseline, offset):
    arms, new = pulls(learning_rate, baseline=baseline, offset=offset)
    figure, draw = picture(bandits.testbed(arms))
    sentence = draw(new=new[:-1], baseline=baseline, offset=offset)
    sentence = draw(new=new[-1:], baseline=baseline, offset=offset)
    taken, exact = (line.get_ydata() for line in figure.axes[0].lines)
    best = arms.argmax(axis=1)
    np.testing.assert_allclose(taken, [(pull.actions == best).mean() for pull in new])
    np.testing.assert_allclose(exact, [np.mean([row[a] for row, a in zip(pull.probabilities, best)]) for pull in new])
    (noise,) = figure.axes[2].lines
    now = [row[a] for row, a in zip(new[-1].probabilities, best)]
    assert [bar.get_width() for bar in figure.axes[1].patches] == [
        sum(low <= 10 * each < low + 1 or (low == 9 and each == 1) for each in now) for low in range(10)
    ]
    assert noise.get_ydata()[-1] == pytest.approx(variance_of_estimate(new[-1], arms, offset).mean())
    assert f"taken by {taken[-1]:.0%} of the 20 learners just now; its exact probability is {exact[-1]:.0%}" in sentence


@pytest.mark.parametrize("step", [1, 1000])
def test_figure_2_5_marks_a_step(step):
    shares = np.linspace(0.1, [0.8, 0.7, 0.5, 0.3], 1000)
    figure, draw = picture(figure_2_5(shares, ["one", "two", "three", "four"]))
    last = "80% for one, 70% for two, 50% for three, 30% for four."
    assert draw(step=step).endswith("10% for four." if step == 1 else last)
    *curves, mark = figure.axes[0].lines
    np.testing.assert_allclose(mark.get_xdata(), step)
    np.testing.assert_allclose([curve.get_ydata() for curve in curves], shares.T)


@pytest.mark.parametrize("learning_rate", [0.01, 10.0])
@pytest.mark.parametrize("n", [10, 2000])
def test_race_counts_what_the_teams_and_the_test_lose(learning_rate, n):
    rng = np.random.default_rng(0)
    training = gradient_bandit(RATES, runs=30, learning_rate=learning_rate, reward=clicks, rng=rng)
    new = [next(training) for _ in range(60)]
    figure, draw = picture(race(RATES, N, ab_test()))
    draw(new=new[:31], n=n)
    sentence = draw(new=new[31:], n=n)
    counted, exact, test = (line.get_xydata() for line in figure.axes[0].lines)
    seen, sees = (line.get_xydata() for line in figure.axes[1].lines)
    assert [len(curve) for curve in (counted, exact, seen)] == [3, 3, 3]  # every twentieth visitor
    by_clicks = sum(0.20 - pull.rewards.mean() for pull in new)
    expected = sum((pull.probabilities * GAPS).sum(axis=1).mean() for pull in new)
    np.testing.assert_allclose(counted[-1], [60, by_clicks])
    np.testing.assert_allclose(exact[-1], [60, expected])
    np.testing.assert_allclose(seen[-1], [60, new[-1].probabilities[:, 4].mean()])
    wins, during, lost = ab_test()(n)
    np.testing.assert_allclose(test, [[0, 0], [5 * n, during], [N, lost]])
    np.testing.assert_allclose(sees, [[0, 0.2], [5 * n, 0.2], [5 * n, wins[4]], [N, wins[4]]])
    assert f"lost {by_clicks:.0f} clicks a team (exact: {expected:.0f})" in sentence
    assert f"in {wins[4]:.1%} of all cases and loses {lost:.0f} clicks by visitor 10,000." in sentence

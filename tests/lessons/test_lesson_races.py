"""The trainings of notebook 05 as they learn: whose turn it is, what is counted, what is drawn and said."""

from dataclasses import replace

import numpy as np
import pytest
from lesson import corners, definitions, line

from pgedu import Policy, Progress, Table, campaign, cliff_walk, exact_return, solve
from pgedu.lessons.races import actors_and_critics, believed_gain, lanes, offers, race, two_rates

NOTEBOOK = "05_actor_critic.ipynb"
cliff, walker = replace(cliff_walk(rows=3, columns=5), gamma=0.98), Policy.softmax(Table(15, 4))
forever, see = replace(campaign(), horizon=None), Policy.softmax(Table(3, 2))


class Steps:
    """A training that takes so many steps in each update."""

    def __init__(self, steps):
        self.steps, self.environment_steps, self.update = steps, 0, 0

    def __next__(self):
        self.environment_steps, self.update = self.environment_steps + self.steps, self.update + 1
        return Progress(self.update, np.zeros((2, 60)), None, environment_steps=self.environment_steps)


def test_in_a_race_nobody_falls_behind_by_more_than_an_update():
    running = race(slow := Steps(100), quick := Steps(10))
    quick.lam = None  # slow has no such setting
    running.learning_rate, running.lam = 0.5, 0.25
    for _, (lane, progress) in zip(range(50), running):
        assert progress.environment_steps == (slow, quick)[lane].environment_steps
        assert abs(slow.environment_steps - quick.environment_steps) <= 100
    assert (slow.learning_rate, quick.learning_rate, quick.lam) == (0.5, 0.5, 0.25) and not hasattr(slow, "lam")
    assert quick.update > 8 * slow.update


def test_a_lane_may_keep_its_own_lambda():
    keeping, steered = Steps(10), Steps(10)
    keeping.lam, steered.lam = 0.0, None
    running = race(keeping, steered, own_lam=[0])
    running.lam = 0.25
    assert [lane for _, (lane, _) in zip(range(4), running)] == [0, 1, 0, 1]
    assert (keeping.lam, steered.lam) == (0.0, 0.25)


def test_lanes_show_exact_returns_and_count_updates():
    records = [record for _, record in zip(range(12), race(Steps(100), Steps(10)))]
    view = lanes(cliff, walker, ["REINFORCE", "λ = 0"], best=-5.7, low=-1000, high=0)
    J = exact_return(cliff, walker, np.zeros(60))
    for sentence, figure in corners(view, new=(records, [])):
        for lane, (name, steps) in enumerate((("REINFORCE", 100), ("λ = 0", 10))):
            updates = sum(number == lane for number, _ in records)
            np.testing.assert_allclose(line(figure.axes[0], name), [[steps * n, J] for n in range(1, updates + 1)])
            assert f"{name}: J = {J:.2f} after {updates} updates" in sentence


def test_what_is_below_the_picture_is_counted_and_not_averaged():
    theta = np.zeros((3, 60))
    theta[0, 4 * np.arange(15) + 1] = 50.0  # always to the right, off the cliff for ever or along the edge
    theta[1, 4 * np.arange(15)] = 50.0
    J = exact_return(cliff, walker, theta)
    low = float(np.sort(J)[:2].mean())  # one run is below
    view = lanes(cliff, walker, ["λ = 0"], best=-5.7, low=low, high=0)
    for sentence, figure in corners(view, new=([(0, Progress(7, theta, None, environment_steps=40))],)):
        assert f"λ = 0: J = {J[J > low].mean():.2f} (1 of 3 are left out, below {low}) after 7 updates" in sentence
        np.testing.assert_allclose(line(figure.axes[0], "λ = 0"), [[40, J[J > low].mean()]])
    for sentence, _ in corners(lanes(cliff, walker, ["λ = 0"], best=0, low=0, high=1), new=([],)):
        assert "λ = 0: no update yet" in sentence


def test_what_an_offer_seems_to_gain():
    truth = solve(forever, see, np.zeros(6))
    values = np.stack([np.zeros(3), truth.values])
    np.testing.assert_allclose(believed_gain(forever, values), [-1, truth.action_values[0] @ [-1, 1]])
    theta = np.random.default_rng(0).normal(size=(4, 6))
    np.testing.assert_allclose(offers(theta), see.probabilities(theta, np.zeros((4, 1), dtype=int))[:, 0, 1])
    assert offers(np.array([[1e4, -1e4, 0, 0, 0, 0]])) == pytest.approx(0, abs=1e-12)


def test_both_rates_are_those_of_the_sliders_from_the_next_update_on():
    running = definitions(NOTEBOOK, "cell-02", "cell-04", "start-two-rates")["start_two_rates"](np.random.default_rng(0))
    stream = iter(running)
    running.actor, running.critic = 0.0, 0.5
    progress, values = next(stream)
    assert (progress.theta == 0).all() and (values != 0).any()  # values that a critic learned
    running.actor, running.critic = 0.5, 0.0
    moved, same = next(stream)
    assert (moved.theta != 0).any() and (same == values).all()


def test_actors_and_critics_are_drawn_where_they_are():
    theta, values = np.zeros((3, 6)), np.zeros((3, 3))
    theta[0, 0], values[1] = 9.0, solve(forever, see, np.zeros(6)).values
    view = actors_and_critics(forever, see, best=2.15)
    for sentence, figure in corners(view, new=([(Progress(1, theta, None), values)], [])):
        plane, curve = figure.axes
        way = [[0.5, -1.0], [offers(theta).mean(), believed_gain(forever, values).mean()]]
        np.testing.assert_allclose(plane.lines[0].get_xydata(), way)
        places = np.column_stack([offers(theta), believed_gain(forever, values)])
        np.testing.assert_allclose(plane.lines[1].get_xydata(), places)
        J = exact_return(forever, see, theta).mean()
        assert curve.lines[1].get_xydata().tolist() == [[1, pytest.approx(J)]] and f"J is {J:.2f} on average" in sentence
        assert "2 of 3 critics believe" in sentence and "1 of 3 actors have given up" in sentence


@pytest.mark.parametrize("answer, settings", [
    ("won", {"learning_rate": 0.1, "steps": 2}), ("won", {"learning_rate": 0.3, "steps": 1}),
    ("not yet", {}), ("not yet", {"learning_rate": 0.1}), ("not yet", {"steps": 2}), ("not yet", {"lam": 0.5}),
    ("not yet", {"learning_rate": 0.3, "lam": 0.5}), ("not yet", {"steps": 2, "lam": 0.5}),
])  # fmt: skip
def test_the_challenge_takes_the_learning_rate_and_the_steps(answer, settings):
    given = {"learning_rate": 0.03, "lam": 1.0, "steps": 20} | settings
    assert definitions(NOTEBOOK, "cell-02", "cell-04", "cell-34", "cell-63")["challenge"](**given) == answer

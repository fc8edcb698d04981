"""Pendulum's best return by dynamic programming, PPO that learns it, and the picture of both."""

import numpy as np
import pytest
from cells_of_notebook import drawn
from matplotlib.figure import Figure

from pgedu import PendulumVectorEnv, Policy, collect, share_clipped
from pgedu.experience.rollouts import Moment
from pgedu.learning.training import pieces
from pgedu.lessons.pendulum_live import CEILING, SWEPT, Rods, in_two_digits, pendulum_ppo, share_beyond, swinging
from pgedu.panels.canvas import Canvas


class Grid:
    """Pendulum on a grid of angles, speeds and torques: the least cost to come, by value iteration."""

    def __init__(self, angles, speeds, torques, sweeps):
        self.angles, self.speeds, self.torques = angles, speeds, np.linspace(-2, 2, torques)
        states = np.meshgrid(np.linspace(-np.pi, np.pi, angles, endpoint=False), np.linspace(-8, 8, speeds), indexing="ij")
        cost, corners, shares = self.ahead(*(state.ravel() for state in states))
        self.costs_to_come = np.zeros(angles * speeds)
        for _ in range(sweeps):
            self.costs_to_come = (cost + (shares * self.costs_to_come[corners]).sum(axis=0)).min(axis=-1)

    def ahead(self, angle, speed):
        """Of each torque [n, U]: its cost, the four points of the grid around the next state, and their shares."""
        angle, speed = angle[:, None], speed[:, None]
        cost = ((angle + np.pi) % (2 * np.pi) - np.pi) ** 2 + 0.1 * speed**2 + 0.001 * self.torques**2
        speed = np.clip(speed + (15 * np.sin(angle) + 3 * self.torques) * 0.05, -8, 8)
        x = (angle + speed * 0.05 + np.pi) % (2 * np.pi) / (2 * np.pi) * self.angles
        y = (speed + 8) / 16 * (self.speeds - 1)
        i, j = np.floor(x).astype(int), np.minimum(np.floor(y).astype(int), self.speeds - 2)
        corners = [(i + a) % self.angles * self.speeds + j + b for a in (0, 1) for b in (0, 1)]
        shares = [abs(1 - a - (x - i)) * abs(1 - b - (y - j)) for a in (0, 1) for b in (0, 1)]
        return cost, np.array(corners), np.array(shares)

    def act(self, angle, speed):
        cost, corners, shares = self.ahead(angle, speed)
        return self.torques[(cost + (shares * self.costs_to_come[corners]).sum(axis=0)).argmin(axis=-1)][:, None]


def mean_return(act):
    """Of 200 steps from 2,400 starts that are spread evenly over those of Pendulum: no luck is in it."""
    starts = np.meshgrid((np.arange(120) + 0.5) / 120 * 2 * np.pi - np.pi, (np.arange(20) + 0.5) / 10 - 1)
    env = PendulumVectorEnv(2400)
    env.reset(seed=0)
    env.state = np.array([start.ravel() for start in starts])
    return sum(env.step(act(*env.state))[1].mean() for _ in range(200))


def test_the_ceiling_is_what_dynamic_programming_nears():
    """A coarse grid's policy is a policy: it cannot be better than the best. A finer one is nearer to it."""
    coarse, finer = (mean_return(Grid(*size).act) for size in ((41, 41, 3, 100), (101, 91, 7, 120)))
    assert coarse < finer < CEILING + 0.3 and finer == pytest.approx(CEILING, abs=3)
    assert mean_return(lambda angle, speed: np.zeros((2400, 1))) < -1100  # no torque at all


def test_a_learner_takes_200_000_steps():
    training = pendulum_ppo(np.random.default_rng(0), runs=3)
    first = next(training)
    assert 199_000 < first.rollout.mask[:, 0].size * len(training) < 201_000
    assert first.theta.shape[0] == 3 and not first.diverged.any() and (first.theta[:, -1] != 0).all()
    changed = pendulum_ppo(np.random.default_rng(0), 2, updates=3, clip=0.1, epochs=1)
    assert changed.clip == 0.1 and changed.runs == 2 and len(changed) == 3


def test_it_learns():
    """An eighth of the steps brings two learners from about -1,230 to more than balancing alone, without a swing, gets."""
    *_, last = pendulum_ppo(np.random.default_rng(0), runs=2, updates=12, anneal=False)
    assert (last.returns.mean(axis=-1) > -800).all()


def test_rods_stand_as_observed():
    rods = Rods(Figure().subplots())
    angles, speeds = np.array([0.0, np.pi / 2, -2.0]), np.array([0.0, 2.0, -8.0])
    rods.show(np.stack([np.cos(angles), np.sin(angles), speeds], axis=-1).reshape(3, 1, 3))
    pivots, tips = np.moveaxis([path.vertices for path in rods.rods.get_paths()], 1, 0)
    np.testing.assert_allclose(pivots, rods.places[:3, 0], atol=1e-12)
    expected = [[0, 1], [-1, 0], [np.sin(2), np.cos(2)]]  # upright; a quarter to the left; hanging to the right
    np.testing.assert_allclose(tips - pivots, expected, atol=1e-12)
    arcs = np.array([path.vertices for path in rods.arcs.get_paths()]) - pivots[:, None]
    np.testing.assert_allclose(arcs[:, 0], expected, atol=1e-12)
    before = angles - SWEPT * speeds
    np.testing.assert_allclose(arcs[:, -1], np.stack([-np.sin(before), np.cos(before)], axis=-1), atol=1e-12)
    rods.show(np.zeros((9, 3)))  # more than there are places
    assert len(rods.rods.get_paths()) == len(rods.places) == 4 and len(np.unique(rods.places, axis=0)) == 4


@pytest.fixture(scope="module")
def records():
    return list(pendulum_ppo(np.random.default_rng(0), runs=3, updates=3, environments=8, epochs=1))


def test_the_picture_shows_what_the_records_say(records):
    figure, draw = drawn(swinging, empty=True)
    assert draw(new=[]) == "No update yet."
    sentence = draw(new=records)
    assert sentence == draw(new=[]) and sentence.startswith(f"After {records[-1].environment_steps:,.0f} steps of each learner ")
    R, S, C = (next(axes for axes in figure.axes if axes.get_title("left").startswith(title)) for title in ("return", "st", "torques"))
    returns, std, clipped = (axes.lines[-1].get_data() for axes in (R, S, C))
    np.testing.assert_allclose(returns[0], [record.environment_steps / 1000 for record in records])
    np.testing.assert_allclose(returns[1], [record.returns.mean() for record in records])
    np.testing.assert_allclose(std[1], [np.exp(record.theta[:, -1]).mean() for record in records])
    beyond = (abs(records[-1].rollout.actions[..., 0]) > 2)[records[-1].rollout.mask == 1].mean()
    assert clipped[1][-1] == pytest.approx(beyond, abs=0.01)
    assert f"is about {in_two_digits(returns[1][-1]):.0f} (best: -138)" in sentence
    assert f"deviation of {std[1][-1]:.1f}, and {100 * clipped[1][-1]:.0f}\N{NO-BREAK SPACE}% of torques are clipped." in sentence
    assert R.lines[0].get_ydata()[0] == CEILING


def test_before_an_episode_has_ended_there_is_no_return():
    first = next(pendulum_ppo(np.random.default_rng(0), runs=2, steps=32, epochs=1, minibatches=1))
    assert "no episode has ended yet" in drawn(swinging, empty=True)[1](new=[first])


def test_the_picture_counts_those_that_stand_still(records):
    _, draw = drawn(swinging, empty=True)
    lost = records[-1]._replace(diverged=np.arange(3) < 2)
    assert draw(new=[lost]).endswith(" 2 learners stand still: their numbers overflowed.")


def test_rods_move_within_an_update_and_curves_do_not(records):
    pictures, training = set(), pendulum_ppo(np.random.default_rng(0), runs=2)
    canvas = Canvas(swinging)
    said = canvas.draw(new=records, now=None)
    for piece, _ in zip(pieces(training), range(5)):
        assert isinstance(piece, Moment) and canvas.draw(new=[], now=piece.observations) == said
        pictures.add(canvas.png())
    assert len(pictures) == 5


def test_what_is_counted_as_clipped_is_what_the_world_clips():
    env, policy = PendulumVectorEnv(6), Policy.gaussian(pendulum_ppo(np.random.default_rng(0)).policy.approximator.approximator)
    theta = policy.init(np.random.default_rng(0), 2)
    rollout = collect(env, policy, theta, rng=np.random.default_rng(0), episodes=3)
    np.testing.assert_allclose(share_beyond(rollout), share_clipped(env, policy, rollout))
    assert (share_beyond(rollout) > 0.02).all()  # 4.6 % of a standard normal distribution

"""All trainings with continuous actions, on a linear-quadratic world, against its exact optimum.

x' = x + u, cost x^2 + u^2, gamma = .9, u = -K x + .3 eps. Learners start at K = .2; how near the best is near enough
is said as a share of what there is to gain, J* - J(.2).
"""

import numpy as np
import pytest

import pgedu as pg

WORLD = pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0, gamma=0.9)
POLICY = pg.Policy(pg.Gain(1, 1, std=0.3), pg.Gaussian(1))
RUNS = 40
BEST = pg.exact_return(WORLD, POLICY, WORLD.optimal_gain())
START = pg.exact_return(WORLD, POLICY, np.array([0.2]))


def shares(training):
    """Of what there was to gain, by each run; 1 at the optimum of Riccati's equation."""
    for progress in training:
        pass
    assert not progress.diverged.any() and progress.rollout.actions.shape[-1] == 1
    return (pg.exact_return(WORLD, POLICY, progress.theta) - START) / (BEST - START)


def training(kind, learning_rate=None, updates=100, **settings):
    critic = {} if kind is pg.reinforce else {"critic": pg.LearnedValue(pg.MLP(1, (16,), 1), pg.Adam(0.01))}
    optimizer = {} if learning_rate is None else {"optimizer": pg.SGD(learning_rate)}
    common = {"rng": np.random.default_rng(0), "runs": RUNS, "max_steps": 30, "theta": np.full((RUNS, 1), 0.2)}
    return kind(WORLD, POLICY, **optimizer, **critic, **common, updates=updates, **settings)


@pytest.mark.parametrize("kind, settings", [
    (pg.reinforce, {"learning_rate": 0.003, "updates": 200, "episodes": 10, "baseline": pg.leave_one_out}),
    (pg.actor_critic, {"learning_rate": 0.003, "updates": 200, "environments": 10}),
    (pg.a2c, {"learning_rate": 0.03, "updates": 300, "steps": 10, "entropy": 0.0}),
    (pg.a3c, {"learning_rate": 0.004, "updates": 300, "steps": 10, "entropy": 0.0}),
    (pg.natural_gradient, {"learning_rate": 0.03, "updates": 150, "environments": 8, "steps": 30}),
    (pg.trpo, {"updates": 80, "environments": 8, "steps": 30}),
    (pg.ppo, {"learning_rate": 0.01, "environments": 8, "steps": 30, "entropy": 0.0}),
])  # fmt: skip
def test_the_median_learner_comes_near_the_optimum(kind, settings):
    if kind is pg.ppo:
        settings = settings | {"optimizer": pg.Adam(settings["learning_rate"])}
        settings.pop("learning_rate")
    gained = shares(training(kind, **settings))
    assert np.median(gained) > 0.95 and gained.min() > 0


def test_a_learner_of_the_wrong_sign_would_be_found():
    upside_down = lambda rollout: -pg.reward_to_go(rollout)  # noqa: E731
    kept = shares(training(pg.reinforce, 0.0003, updates=20, episodes=10, estimator=upside_down))
    assert np.median(kept) < 0


def test_reinforce_learns_the_standard_deviation_and_the_push_too():
    """theta = (W, b, log std): what noise costs is unlearned, and there is nothing to push for."""
    policy = pg.Policy.gaussian(pg.Linear(1, 1), log_std=np.log(0.5))
    theta = np.tile([-0.4, 0.3, np.log(0.5)], (RUNS, 1))
    *_, progress = pg.reinforce(
        WORLD, policy, optimizer=pg.SGD(0.002), rng=np.random.default_rng(0), runs=RUNS, episodes=20, max_steps=30,
        theta=theta, baseline=pg.leave_one_out, updates=250,
    )  # fmt: skip
    W, b, log_std = np.median(progress.theta, axis=0)
    assert abs(b) < 0.05 and np.exp(log_std) < 0.3 and abs(-W - WORLD.optimal_gain()[0]) < 0.1
    J = WORLD.gain_return(-progress.theta[:, :1], sigma=np.exp(progress.theta[:, 2:]))  # without the push
    assert (J > WORLD.gain_return([0.4], sigma=[0.5])).all() and np.median(J) > BEST

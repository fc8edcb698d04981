"""What linear-quadratic worlds answer of policies: against gains, finite differences, sums over time and samples."""

import numpy as np
import pytest

import pgedu as pg

RNG = np.random.default_rng(0)


def some_world(rng, N=3, M=2, gamma=0.9, horizon=None):
    half = lambda n: rng.normal(size=(n, n))  # noqa: E731
    square = lambda n: (lambda h: h @ h.T + 0.1 * np.eye(n))(half(n))  # noqa: E731
    return pg.LinearQuadratic(
        0.4 * half(N), rng.normal(size=(N, M)), square(N), square(M), square(N), square(N), gamma, horizon
    )


def summed(world, K, sigma, steps):
    """J of u = -K x + sigma eps by following the covariance of the state through time."""
    covariance, J, loop = world.start_covariance, 0.0, world.A - world.B @ K
    pushed = world.noise_covariance + (world.B * sigma**2) @ world.B.T
    for t in range(steps):
        J -= world.gamma**t * np.trace(world.Q @ covariance)
        J -= world.gamma**t * np.trace(world.R @ (K @ covariance @ K.T + np.diag(sigma**2)))
        covariance = loop @ covariance @ loop.T + pushed
    return J


def finite_difference(function, theta, h=1e-6):
    steps = h * np.eye(theta.shape[-1])
    return np.stack([(function(theta + step) - function(theta - step)) / (2 * h) for step in steps], axis=-1)


STD = np.array([0.6, 0.4])
GAIN = pg.Policy(pg.Gain(3, 2, std=(0.6, 0.4)), pg.Gaussian(2))


def test_theta_of_a_gain_policy_is_the_gain():
    world = some_world(np.random.default_rng(1))
    theta = world.optimal_gain() + 0.05 * RNG.normal(size=(7, 6))
    policy = pg.Policy(pg.Gain(3, 2, std=(0.3, 0.7)), pg.Gaussian(2))
    sigma = np.tile([0.3, 0.7], (7, 1))
    np.testing.assert_allclose(pg.exact_return(world, policy, theta), world.gain_return(theta, sigma=sigma), rtol=1e-12)
    np.testing.assert_allclose(pg.exact_gradient(world, policy, theta), world.gain_gradient(theta, sigma=sigma), rtol=1e-12)
    for ours, theirs in zip(pg.solve(world, policy, theta), world.solve_gain(theta, sigma=sigma)):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("gamma, horizon", [(0.9, None), (0.9, 5), (1.0, 7)])
def test_return_and_gradient_against_sums_over_time(gamma, horizon):
    world = some_world(np.random.default_rng(2), gamma=gamma, horizon=horizon)
    theta = some_world(np.random.default_rng(2)).optimal_gain() + 0.05 * np.random.default_rng(3).normal(size=(4, 6))
    expected = [summed(world, row.reshape(2, 3), STD, horizon or 2000) for row in theta]
    np.testing.assert_allclose(pg.exact_return(world, GAIN, theta), expected, rtol=1e-9)
    differences = finite_difference(lambda each: pg.exact_return(world, GAIN, each), theta)
    np.testing.assert_allclose(pg.exact_gradient(world, GAIN, theta), differences, rtol=1e-5, atol=1e-4)


def test_an_unstable_gain_is_marked_for_ever_and_a_number_with_a_horizon():
    world = pg.LinearQuadratic(1.5, 1.0, 1.0, 1.0, gamma=0.99)
    policy = pg.Policy(pg.Gain(1, 1, std=0.5), pg.Gaussian(1))
    theta = np.array([[0.0], [1.0]])
    J, gradient = pg.exact_return(world, policy, theta), pg.exact_gradient(world, policy, theta)
    assert J[0] == gradient[0, 0] == -np.inf and np.isfinite(J[1]) and np.isfinite(gradient[1, 0])
    J = pg.exact_return(world, policy, theta, horizon=3)
    expected = [summed(world, K[None], np.array([0.5]), 3) for K in theta]
    np.testing.assert_allclose(J, expected, rtol=1e-12)
    J = pg.exact_return(world, policy, np.array([[1e60]]), horizon=10)  # what is too large for a number is marked
    assert J == -np.inf


def test_horizon_one_by_hand():
    """x of variance 1, u = -K x + sigma eps: J = -(q + r K^2 + r sigma^2)."""
    world = pg.LinearQuadratic(0.3, 2.0, 0.7, 0.4, horizon=1)
    policy = pg.Policy(pg.Gain(1, 1, std=0.3), pg.Gaussian(1))
    assert pg.exact_return(world, policy, [1.5]) == pytest.approx(-(0.7 + 0.4 * (2.25 + 0.09)), rel=1e-12)
    np.testing.assert_allclose(pg.exact_gradient(world, policy, [1.5]), [-2 * 0.4 * 1.5], rtol=1e-12)


def test_sampled_returns_agree_with_the_exact_one():
    world = some_world(np.random.default_rng(5), horizon=6)
    theta = np.stack([-0.1 * np.ones(6), np.zeros(6)])
    rollout = pg.collect(world, GAIN, theta, episodes=20_000, rng=np.random.default_rng(6))
    assert len(rollout.rewards) == 6 and (rollout.discounts[-1] == 0).all() and (rollout.discounts[:-1] == 0.9).all()
    G = (0.9 ** np.arange(6)[:, None, None] * rollout.rewards).sum(axis=0)
    error = G.std(axis=-1) / np.sqrt(20_000)
    assert (np.abs(G.mean(axis=-1) - pg.exact_return(world, GAIN, theta)) < 4 * error).all()


@pytest.mark.parametrize("which", ["score", "pathwise"])
def test_both_gradients_are_unbiased(which):
    world = some_world(np.random.default_rng(13), horizon=3)
    theta = 0.1 * np.stack([-np.ones(6), np.ones(6)])
    rollout = pg.collect(world, GAIN, theta, episodes=40_000, rng=np.random.default_rng(8))
    if which == "score":
        gradients = pg.episode_gradients(GAIN, theta, rollout, pg.reward_to_go(rollout))
    else:
        gradients = world.pathwise_gradients(GAIN, theta, rollout)
    error = gradients.std(axis=-2) / np.sqrt(40_000)
    exact = pg.exact_gradient(world, GAIN, theta)
    assert (np.abs(gradients.mean(axis=-2) - exact) < 4.5 * error).all()
    assert (error < 0.2 * np.abs(exact).max()).all()


def test_pathwise_gradients_are_slopes_of_the_same_chance():
    """Replay one episode with the same x_0 and eps, theta moved a little: no chance is left."""
    world = some_world(np.random.default_rng(9), gamma=0.8, horizon=5)
    world = pg.LinearQuadratic(world.A, world.B, world.Q, world.R, gamma=0.8, horizon=5)  # no noise to be replayed
    theta = -0.2 * np.ones(6)
    rollout = pg.collect(world, GAIN, theta, episodes=3, rng=np.random.default_rng(10))
    mean, log_std = np.split(GAIN.outputs(theta, rollout.observations[:-1]), 2, axis=-1)
    eps = (rollout.actions - mean) / np.exp(log_std)

    def replayed(theta):
        x, G = rollout.observations[0], 0.0
        for t in range(5):
            mean, log_std = np.split(GAIN.outputs(theta, x), 2, axis=-1)
            u = mean + np.exp(log_std) * eps[t]
            G = G - 0.8**t * ((x @ world.Q * x).sum(-1) + (u @ world.R * u).sum(-1))
            x = x @ world.A.T + u @ world.B.T
        return G

    np.testing.assert_allclose(replayed(theta), (0.8 ** np.arange(5)[:, None] * rollout.rewards).sum(0), rtol=1e-9)
    slopes = world.pathwise_gradients(GAIN, theta, rollout)
    np.testing.assert_allclose(slopes, finite_difference(replayed, theta), rtol=1e-5, atol=1e-5)


def test_pathwise_gradients_end_where_an_episode_is_cut_off():
    """What lies beyond the mask, in a column cut off at step 2, is of no episode, whatever stands there."""
    world = some_world(np.random.default_rng(14), gamma=0.8, horizon=5)
    theta = -0.2 * np.ones(6)
    long = pg.collect(world, GAIN, theta, episodes=3, rng=np.random.default_rng(10))
    short = pg.Rollout(long.observations[:3], *(field[:2] for field in long[1:]))
    on = np.ones((5, 3))
    on[2:, 1] = 0
    cut = long._replace(mask=on, rewards=on * long.rewards, discounts=on * long.discounts, log_probs=on * long.log_probs)
    found, whole = world.pathwise_gradients(GAIN, theta, cut), world.pathwise_gradients(GAIN, theta, long)
    np.testing.assert_allclose(found[1], world.pathwise_gradients(GAIN, theta, short)[1], rtol=1e-12)
    np.testing.assert_allclose(found[[0, 2]], whole[[0, 2]], rtol=1e-12)
    assert not np.allclose(found[1], whole[1])


def test_pathwise_gradients_that_explode_are_marked_and_segments_refused():
    world = pg.LinearQuadratic(1.5, 1.0, 1.0, 1.0, horizon=400)
    policy, theta = pg.Policy(pg.Gain(1, 1, 0.3), pg.Gaussian(1)), np.array([[-20.0], [1.0]])
    with np.errstate(all="raise"):
        rollout = pg.collect(world, policy, theta, episodes=3, rng=np.random.default_rng(0))
        found = world.pathwise_gradients(policy, theta, rollout)
    assert np.isneginf(found[0]).all() and np.isfinite(found[1]).all()
    segments = pg.collect(world.vector_env(4, 2), policy, theta, steps=5, rng=np.random.default_rng(0))
    with pytest.raises(ValueError, match="rollout must be one whole episode a column; got 'one that goes on after an end'"):
        world.pathwise_gradients(policy, theta, segments)


def test_episodes_cut_off_by_max_steps_have_the_exact_answers_of_that_horizon():
    world = some_world(np.random.default_rng(15), horizon=6)
    theta = np.full((2, 1, 6), -0.1)  # two axes of runs
    rollout = pg.collect(world, GAIN, theta, episodes=40_000, rng=np.random.default_rng(6), max_steps=2)
    assert rollout.mask.shape == (2, 2, 1, 40_000) and (rollout.discounts == 0.9).all()
    returns = rollout.rewards[0] + 0.9 * rollout.rewards[1]
    slopes = world.pathwise_gradients(GAIN, theta, rollout)
    for sample, exact in (
        (returns[..., None], pg.exact_return(world, GAIN, theta, horizon=2)[..., None]),
        (slopes, pg.exact_gradient(world, GAIN, theta, horizon=2)),
    ):
        error = sample.std(axis=-2) / np.sqrt(40_000)
        assert (np.abs(sample.mean(axis=-2) - exact) < 4.5 * error).all()
    np.testing.assert_array_equal(pg.exact_return(world, GAIN, theta, horizon=50), pg.exact_return(world, GAIN, theta))


def test_one_step_has_the_variances_of_gauss_and_hermite():
    """Of the score function and of the pathwise gradient: the latter's is 4 (3 K^2 + sigma^2) - 4 K^2."""
    world = pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0, horizon=1)
    policy, theta = pg.Policy(pg.Gain(1, 1, std=0.3), pg.Gaussian(1)), np.array([0.3])
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    weights = weights / weights.sum()
    x, eps = np.meshgrid(nodes, nodes, indexing="ij")
    chance, u = np.outer(weights, weights), -0.3 * x + 0.3 * eps
    reward = -(x**2) - u**2
    score, pathwise = reward * -x * eps / 0.3, 2 * u * x
    for each in (score, pathwise):
        assert (chance * each).sum() == pytest.approx(pg.exact_gradient(world, policy, theta).item(), rel=1e-9)
    exact = [(chance * each**2).sum() - (chance * each).sum() ** 2 for each in (score, pathwise)]
    assert exact[1] == pytest.approx(4 * (3 * 0.09 + 0.09) - 4 * 0.09, rel=1e-9)
    rollout = pg.collect(world, policy, theta, episodes=200_000, rng=np.random.default_rng(0))
    sampled = [pg.episode_gradients(policy, theta, rollout, pg.total_return(rollout)).var(),
               world.pathwise_gradients(policy, theta, rollout).var()]  # fmt: skip
    np.testing.assert_allclose(sampled, exact, rtol=0.05)


def test_policies_of_which_nothing_is_known_exactly():
    world = some_world(np.random.default_rng(11))
    squashed = pg.Policy(pg.Gain(3, 2), pg.SquashedGaussian(2))
    for policy in (squashed, pg.Policy.gaussian(pg.Linear(3, 2)), pg.Policy.gaussian(pg.MLP(3, (4,), 2))):
        for ask in (pg.solve, pg.exact_return, pg.exact_gradient):
            with pytest.raises(ValueError, match=r"policy must be Policy\(Gain\(3, 2, std\), Gaussian\(2\)\) for there to be exact"):
                ask(world, policy, policy.init(np.random.default_rng(0)))
    with pytest.raises(ValueError, match="head must have dimensions = 2 to act in this linear-quadratic world"):
        pg.solve(world, pg.Policy.gaussian(pg.Linear(3, 1)), np.zeros(5))
    with pytest.raises(ValueError, match="sigma must be 0 where gamma is 1 and no horizon"):
        pg.exact_return(pg.LinearQuadratic(1.0, 1.0, 1.0, 1.0), pg.Policy(pg.Gain(1, 1), pg.Gaussian(1)), np.zeros(1))
    with pytest.raises(ValueError, match="horizon must be a whole number"):
        pg.exact_return(world, GAIN, np.zeros(6), horizon=0)
    with pytest.raises(ValueError, match="theta must be"):
        pg.exact_return(world, GAIN, np.zeros(9))


def test_exact_answers_about_trajectories_are_refused_in_one_sentence():
    world = some_world(np.random.default_rng(12), horizon=2)
    with pytest.raises(ValueError, match="MDP"):
        pg.exact_moments(world, GAIN, np.zeros(6), pg.total_return, horizon=2)

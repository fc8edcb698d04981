"""Hills against numerical integration, published closed forms, samples and finite differences."""

import copy
from functools import cache

import numpy as np
import pytest

from pgedu import *
from pgedu.lessons.hills import BumpyHill, CosineHill, QuadraticHill, StepHill
from pgedu.lessons.antithetic import Antithetic, pair_means

SHAPES = {
    "quadratic": QuadraticHill(curvature=1.7, top=0.4),
    "cosine": CosineHill(frequency=1.3),
    "step": StepHill(edge=0.3),
    "bumps": BumpyHill((1.0, -0.7), (-1.0, 1.5), (0.8, 0.6)),
}
PLACES = [(-0.6, 0.5), (0.2, 1.1), (1.4, 0.3)]


def in_d(hill, d):
    """The same shape over d dimensions."""
    wider = copy.copy(hill)
    object.__setattr__(wider, "dimensions", d)
    return wider


@cache
def quadrature():
    """Nodes and weights of E g(z) for a standard normal z, fine enough for a jump that lies at a node's edge."""
    z, width = np.linspace(-10, 10, 400_001, retstep=True)
    return z[:-1] + width / 2, np.exp(-((z[:-1] + width / 2) ** 2) / 2) / np.sqrt(2 * np.pi) * width


def expectation(values):
    return (values * quadrature()[1]).sum()


@pytest.mark.parametrize("mu, sigma", PLACES)
@pytest.mark.parametrize("name", SHAPES)
def test_everything_exact_in_one_dimension_is_what_integration_gives(name, mu, sigma):
    hill, (z, _) = SHAPES[name], quadrature()
    f, slope = hill.height((mu + sigma * z)[:, None]), hill.slope(mu + sigma * z)
    mirrored = hill.height((mu - sigma * z)[:, None])
    near = {"rel": 1e-9, "abs": 1e-9} if name != "step" else {"rel": 3e-4, "abs": 3e-4}  # a jump between two nodes
    J, G = expectation(f), expectation(f * z) / sigma
    assert hill.expected(mu, sigma) == pytest.approx(J, **near)
    assert np.ravel(hill.gradient(mu, sigma)) == pytest.approx([G, expectation(f * (z**2 - 1))], **near)
    assert hill.best_baseline(mu, sigma) == pytest.approx(expectation(f * z**2), **near)
    for b in (0.0, J, expectation(f * z**2), -1.3):
        assert hill.score_variance(mu, sigma, b) == pytest.approx(expectation(((f - b) * z / sigma) ** 2) - G**2, **near)
    spread = expectation(slope**2) - expectation(slope) ** 2
    assert hill.pathwise_variance(mu, sigma) == pytest.approx(spread, **near)
    assert hill.mean_slope(mu, sigma) == pytest.approx(expectation(slope), **near)
    pair = (f - mirrored) * z / (2 * sigma)
    assert hill.antithetic_variance(mu, sigma) == pytest.approx(expectation(pair**2) - G**2, **near)


@pytest.mark.parametrize("name", SHAPES)
def test_slopes_and_derivatives_are_finite_differences(name):
    hill = SHAPES[name]
    a, tiny = np.array([-1.2, 0.1, 0.9]), 1e-6
    assert hill.slope(a) == pytest.approx((hill.terms(a + tiny) - hill.terms(a - tiny)) / (2 * tiny), abs=1e-8)
    for mu, sigma in PLACES:
        G, H = hill.gradient(mu, sigma)
        along_mu = (hill.expected(mu + tiny, sigma) - hill.expected(mu - tiny, sigma)) / (2 * tiny)
        along_sigma = (hill.expected(mu, sigma * np.exp(tiny)) - hill.expected(mu, sigma * np.exp(-tiny))) / (2 * tiny)
        assert (G[0], H[0]) == pytest.approx((along_mu, along_sigma), abs=1e-8)


def test_the_quadratic_hill_has_its_textbook_variances_in_any_dimension():
    rng = np.random.default_rng(0)
    for d in (1, 2, 5, 1000):
        c, sigma, top, mu = 1.6, 0.7, rng.normal(size=d), rng.normal(size=d)
        hill, M, v = QuadraticHill(d, c, top), ((mu - top) ** 2).sum(), sigma**2
        plain = M**2 * d / (4 * v) + M * ((d + 2) ** 2 / 2 - 1) + v * d * (d + 2) * (d + 4) / 4
        mean, best = hill.expected(mu, sigma), -c / 2 * (M + v * (d + 2))
        assert mean == pytest.approx(-c / 2 * (M + v * d), rel=1e-12)
        assert hill.score_variance(mu, sigma) == pytest.approx(c**2 * plain, rel=1e-9)
        assert hill.score_variance(mu, sigma, mean) == pytest.approx(c**2 * (M * (d + 1) + v * d * (d + 4) / 2), rel=1e-9)
        assert hill.best_baseline(mu, sigma) == pytest.approx(best, rel=1e-12)
        with_best = c**2 * (plain - (M + v * (d + 2)) ** 2 * d / (4 * v))
        assert hill.score_variance(mu, sigma, hill.best_baseline(mu, sigma)) == pytest.approx(with_best, rel=1e-9)
        assert hill.antithetic_variance(mu, sigma) == pytest.approx(c**2 * M * (d + 1), rel=1e-9)
        assert hill.pathwise_variance(mu, sigma) == pytest.approx(c**2 * v * d, rel=1e-9)


def test_known_numbers():
    one, five = QuadraticHill(1), QuadraticHill(5)
    far = np.array([1.0, 0, 0, 0, 0])
    assert [one.score_variance(1.0, 0.5).round(2), five.score_variance(far, 0.5).round(1)] == [5.44, 48.2]
    assert np.round([one.score_variance(1.0, s) for s in (1, 0.5, 0.1, 0.01)], 1).tolist() == [7.5, 5.4, 28.5, 2503.5]
    assert one.antithetic_variance(0.0, 0.5) == pytest.approx(0, abs=1e-12)
    waves = CosineHill(20)
    phases = np.linspace(0, 2 * np.pi / 20, 1000, endpoint=False)[:, None]
    assert waves.pathwise_variance(phases, 1.0).mean() == pytest.approx(200)
    assert waves.score_variance(phases, 1.0).mean() == pytest.approx(0.5)
    for sigma in (0.3, 1.0, 2.0):  # averaged over the phase, the variances differ by (k^2 - 1/sigma^2) / 2
        phases, hill = np.linspace(0, np.pi, 1000, endpoint=False)[:, None], CosineHill(2.0)
        apart = hill.pathwise_variance(phases, sigma).mean() - hill.score_variance(phases, sigma).mean()
        assert apart == pytest.approx((4 - sigma**-2) / 2)
    step = StepHill(1.0)
    assert step.gradient(0.0, 1.0)[0][0] == pytest.approx(np.exp(-0.5) / np.sqrt(2 * np.pi), rel=1e-12)
    assert step.score_variance(0.0, 1.0) == pytest.approx(0.342, abs=5e-4) and step.pathwise_variance(0.0, 1.0) == 0


@pytest.mark.parametrize("name", SHAPES)
def test_variances_in_several_dimensions_are_those_of_samples(name):
    d, hill = 3, in_d(SHAPES[name], 3)
    mu, sigma = np.array([-0.6, 0.2, 1.1]), np.array([0.5, 0.8, 0.6])
    theta = np.concatenate([mu, np.log(sigma)])
    policy = Policy.gaussian(Table(1, d))
    b = hill.expected(mu, sigma)
    rng, n = np.random.default_rng(1), 400_000
    rollout = collect(hill, policy, theta, rng=rng, episodes=n)
    plain, shifted = (episode_gradients(policy, theta, rollout, reward_to_go(rollout, baseline=constant(x))) for x in (0.0, b))
    exact = exact_gradient(hill, policy, theta)
    error = plain.std(axis=0) / np.sqrt(n)
    assert (np.abs(plain.mean(axis=0) - exact) < 4.5 * error).all()
    assert plain[:, :d].var(axis=0).sum() == pytest.approx(hill.score_variance(mu, sigma), rel=0.02)
    assert shifted[:, :d].var(axis=0).sum() == pytest.approx(hill.score_variance(mu, sigma, b), rel=0.02)
    through = pathwise_gradients(hill, policy, theta, rollout)
    assert through[:, :d].var(axis=0).sum() == pytest.approx(hill.pathwise_variance(mu, sigma), rel=0.02)
    if name != "step":
        assert (np.abs(through.mean(axis=0) - exact) < 4.5 * through.std(axis=0) / np.sqrt(n)).all()
    paired = Policy(policy.approximator, Antithetic(Gaussian(d)))
    rollout = collect(hill, paired, theta, rng=rng, episodes=n)
    pairs = pair_means(episode_gradients(paired, theta, rollout, reward_to_go(rollout)))
    assert pairs[:, :d].var(axis=0).sum() == pytest.approx(hill.antithetic_variance(mu, sigma), rel=0.02)
    assert (np.abs(pairs[:, :d].mean(axis=0) - exact[:d]) < 4.5 * pairs[:, :d].std(axis=0) / np.sqrt(n / 2)).all()


def test_the_best_baseline_is_the_lowest_point_of_the_variance():
    hill, mu, sigma = in_d(SHAPES["bumps"], 2), np.array([0.3, -0.5]), np.array([0.4, 0.9])
    best = hill.best_baseline(mu, sigma)
    assert hill.score_variance(mu, sigma, best) < min(hill.score_variance(mu, sigma, best + e) for e in (-0.01, 0.01))


def test_return_and_gradient_of_a_policy_of_many_runs():
    hill, policy = in_d(SHAPES["bumps"], 2), Policy.gaussian(Table(1, 2))
    theta = np.random.default_rng(0).normal(size=(4, 3, 4))
    J, G = exact_return(hill, policy, theta), exact_gradient(hill, policy, theta)
    assert J.shape == (4, 3) and G.shape == (4, 3, 4)
    assert J[2, 1] == hill.expected(theta[2, 1, :2], np.exp(theta[2, 1, 2:]))
    for k, step in enumerate(1e-6 * np.eye(4)):
        slopes = (exact_return(hill, policy, theta + step) - exact_return(hill, policy, theta - step)) / 2e-6
        assert G[..., k] == pytest.approx(slopes, abs=1e-8)


def test_deviations_from_the_table_itself_give_the_same_gradient():
    hill, theta = SHAPES["cosine"], np.array([0.3, -0.2])
    tabled = Policy(Table(1, 2), Gaussian(1))
    assert (exact_gradient(hill, tabled, theta) == exact_gradient(hill, Policy.gaussian(Table(1, 1)), theta)).all()


def test_a_rollout_of_a_hill_is_one_step_that_ends():
    hill, policy = QuadraticHill(2), Policy.gaussian(Table(1, 2), log_std=-1.0)
    theta = policy.init(np.random.default_rng(0), 3)
    rollout = collect(hill, policy, theta, rng=np.random.default_rng(0), episodes=5)
    assert rollout.actions.shape == (1, 3, 5, 2) and rollout.observations.shape == (2, 3, 5)
    assert (rollout.rewards == hill.height(rollout.actions)).all()
    assert not rollout.discounts.any() and rollout.mask.all()
    assert (rollout.log_probs == policy.log_prob(theta, rollout.observations[:-1], rollout.actions)).all()


def test_its_vector_environment_pays_the_same():
    hill, policy = CosineHill(2.0), Policy.gaussian(Table(1, 1))
    theta = np.zeros((3, 2))
    stepped = collect(hill.vector_env(12), policy, theta, rng=np.random.default_rng(0), steps=7)
    assert (stepped.rewards == hill.height(stepped.actions)).all() and stepped.mask.all() and not stepped.discounts.any()
    assert stepped.rewards.shape == (7, 3, 4)


def test_reinforce_climbs_to_the_top_of_a_budget():
    hill, policy = QuadraticHill(10, top=np.linspace(-1, 1, 10)), Policy.gaussian(Table(1, 10), log_std=-1.0)
    training = reinforce(hill, policy, optimizer=Adam(0.02), rng=np.random.default_rng(0), runs=20, episodes=10,
                         baseline=leave_one_out, updates=400)  # fmt: skip
    for progress in training:
        pass
    assert exact_return(hill, policy, progress.theta).max() < 0 < exact_return(hill, policy, progress.theta).mean() + 0.3


def test_numbers_that_grow_for_ever_are_no_nan():
    for hill in SHAPES.values():
        policy = Policy.gaussian(Table(1, 1))
        for theta in ([1e250, 0.0], [-1e200, 800.0], [0.0, -800.0], [1e300, -1e300], [0.0, 1e300]):
            assert not np.isnan(exact_return(hill, policy, theta)) and not np.isnan(exact_gradient(hill, policy, theta)).any()


@pytest.mark.parametrize("wrong, says", [
    (lambda: QuadraticHill(0), "dimensions must be"), (lambda: QuadraticHill(2, top=[1, 2, 3]), "top must be"),
    (lambda: CosineHill(0.0), "frequency must be"), (lambda: BumpyHill((1.0,), (0.0, 1.0), (1.0,)), "centres must be"),
    (lambda: BumpyHill((1.0,), (0.0,), (0.0,)), "widths must be"), (lambda: StepHill(np.nan), "edge must be"),
    (lambda: QuadraticHill().expected(0.0, 0.0), "sigma must be above 0"),
    (lambda: QuadraticHill(2).expected(np.zeros(3), 1.0), "mu and sigma must be"),
    (lambda: collect(QuadraticHill(2), Policy.gaussian(Table(1, 1)), np.zeros(2), rng=np.random.default_rng(0), episodes=2), "normal actions"),
    (lambda: collect(QuadraticHill(), Policy.softmax(Table(1, 2)), np.zeros(2), rng=np.random.default_rng(0), episodes=2), "normal actions"),
    (lambda: exact_return(QuadraticHill(), Policy.squashed(Table(1, 1)), np.zeros(2)), "normal actions"),
    (lambda: exact_return(QuadraticHill(), Policy.gaussian(Linear(2, 1)), np.zeros(4)), "discrete observations"),
    (lambda: exact_return(QuadraticHill(), Policy.gaussian(Table(1, 1)), [np.nan, 0]), "theta must be finite"),
])  # fmt: skip
def test_what_does_not_fit_is_refused_in_a_sentence(wrong, says):
    with pytest.raises(ValueError, match=says):
        wrong()

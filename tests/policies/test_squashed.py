"""The squashed Gaussian against its own distribution function, integrals over the actions played, and long decimals."""

from decimal import Decimal, localcontext
from math import atanh, log
from statistics import NormalDist

import numpy as np
import pytest
from test_policy import entropy_gradient

import pgedu as pg

LOW, HIGH = -2.0, 3.0
CENTRE, HALF = 0.5, 2.5
ONE = pg.SquashedGaussian(1, LOW, HIGH)
OUTPUTS = [np.array([0.3, log(0.5)]), np.array([-1.0, log(0.8)]), np.array([1.5, log(0.3)])]  # (mean, log std) of u


def density(outputs, played):
    """Of the action played, [n], from the head's log_prob at the u that plays it."""
    u = np.arctanh((played - CENTRE) / HALF)
    return np.exp(ONE.log_prob(np.broadcast_to(outputs, (len(u), 2)), u[:, None]))


def legendre(n=2000):
    """Nodes and weights of an integral over the actions played."""
    nodes, weights = np.polynomial.legendre.leggauss(n)
    return CENTRE + HALF * nodes, HALF * weights


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_log_prob_is_the_density_of_the_action_played(outputs):
    """It integrates to 1 over low .. high, and is the slope of P(action played <= a)."""
    played, weights = legendre()
    assert (weights * density(outputs, played)).sum() == pytest.approx(1, abs=1e-9)
    normal = NormalDist(outputs[0], np.exp(outputs[1]))
    before = lambda a: normal.cdf(atanh((a - CENTRE) / HALF))  # noqa: E731
    for a in (-1.7, 0.0, 0.9, 2.6):
        slope = (before(a + 1e-5) - before(a - 1e-5)) / 2e-5
        assert density(outputs, np.array([a]))[0] == pytest.approx(slope, rel=1e-6, abs=1e-9)
    u = np.arctanh((played - CENTRE) / HALF)
    uncorrected = np.exp(pg.Gaussian(1).log_prob(np.broadcast_to(outputs, (len(u), 2)), u[:, None]))
    assert abs((weights * uncorrected).sum() - 1) > 0.1


def log_slope(u):
    """log(1 - tanh^2 u) = log(4 / (e^u + e^-u)^2), to 60 decimals."""
    with localcontext() as context:
        context.prec = 60
        return float((4 / (Decimal(u).exp() + Decimal(-u).exp()) ** 2).ln())


@pytest.mark.parametrize("u", [0.0, 1e-9, 0.5, -0.5, 3.0, 10.0, 19.0, -19.0, 400.0, -1e3, 1e3, 2e5])
def test_the_correction_is_right_far_out(u):
    outputs, action = np.array([u, 0.0]), np.array([u])  # its density before squashing is that at the mean
    corrected = pg.Gaussian(1).log_prob(outputs, action) - ONE.log_prob(outputs, action)
    assert corrected == pytest.approx(log(HALF) + log_slope(u), rel=1e-13, abs=1e-13)


def test_what_others_do_is_not_right_far_out():
    with np.errstate(divide="ignore"):
        assert np.log(1 - np.tanh(19.0) ** 2) == -np.inf
        assert np.log(1 - np.tanh(np.float32(10)) ** 2) == -np.inf
    assert np.log(1 - np.tanh(10.0) ** 2 + 1e-6) == pytest.approx(-13.81, abs=0.01)
    assert log_slope(10) == pytest.approx(-18.61, abs=0.01)


def test_dimensions_add_up():
    head, rng = pg.SquashedGaussian(2, (-2.0, -1.0), (3.0, 5.0)), np.random.default_rng(0)
    outputs, actions = rng.normal(size=(6, 3, 4)), rng.normal(size=(6, 3, 2))
    parts = [pg.SquashedGaussian(1, *bounds) for bounds in ((-2.0, 3.0), (-1.0, 5.0))]
    of_each = [(one, outputs[..., k::2], actions[..., k : k + 1]) for k, one in enumerate(parts)]
    for whole, alone in (
        (head.log_prob(outputs, actions), [one.log_prob(o, a) for one, o, a in of_each]),
        (head.entropy(outputs), [one.entropy(o) for one, o, _ in of_each]),
    ):
        assert whole.shape == (6, 3)
        np.testing.assert_allclose(whole, sum(alone), rtol=1e-13)
    np.testing.assert_allclose(entropy_gradient(head, outputs)[..., 1::2], entropy_gradient(parts[1], outputs[..., 1::2]))


@pytest.mark.parametrize("outputs", OUTPUTS)
def test_score_kl_and_fisher_are_those_of_the_action_played(outputs):
    """Expectations as integrals over what is played; that they are the Gaussian's is a theorem, not a definition."""
    other = outputs + [0.4, -0.2]
    played, weights = legendre()
    p, q = density(outputs, played), density(other, played)
    there = p > 1e-200
    kl = (weights * p * (np.log(p, where=there, out=0 * p) - np.log(q, where=there, out=0 * p))).sum()
    assert ONE.kl(outputs, other) == pytest.approx(kl, abs=1e-8) and kl > 0.05
    slopes = np.stack([(density(outputs + s, played) - density(outputs - s, played)) / 2e-5 for s in 1e-5 * np.eye(2)])
    score = np.divide(slopes, p, where=there, out=0 * slopes)
    u = np.arctanh((played - CENTRE) / HALF)
    inside = p > 1e-6
    found = ONE.trace(np.broadcast_to(outputs, (len(u), 2)), u[:, None])[1](1.0)
    np.testing.assert_allclose(found[inside], score.T[inside], atol=1e-5)
    fisher = (weights * p * score) @ score.T
    for tangent in np.eye(2):
        np.testing.assert_allclose(ONE.fisher(outputs, tangent), fisher @ tangent, atol=1e-5)


def entropy_by_integration(mean, std):
    """-E log density of the action played, by a fine sum over u."""
    z = np.linspace(-13, 13, 200_001)
    weights = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    stretch = np.log(HALF) - 2 * np.log(np.cosh(np.minimum(abs(mean + std * z), 300)))
    beyond = 2 * np.maximum(abs(mean + std * z) - 300, 0)  # where cosh would overflow it doubles with every log 2
    return log(std) + 0.5 * log(2 * np.pi * np.e) + (weights * (stretch - beyond)).sum()


@pytest.mark.parametrize("std, error", [(0.05, 1e-9), (0.5, 1e-9), (1.0, 1e-9), (2.0, 1e-5), (8.0, 0.05), (100.0, 2.0)])
@pytest.mark.parametrize("mean", [0.0, 0.7, -2.0, 6.0])
def test_entropy_is_as_accurate_as_it_says(mean, std, error):
    exact = entropy_by_integration(mean, std)
    assert abs(ONE.entropy(np.array([mean, log(std)])) - exact) < error
    assert exact < log(HIGH - LOW)  # nothing within bounds is less certain than the uniform distribution
    assert abs(pg.Gaussian(1).entropy(np.array([mean, log(std)])) - exact) > 0.1


def test_entropy_is_minus_the_mean_log_probability_of_what_is_played():
    """An integral over the actions themselves, without any u: the fine sum above is about the same thing."""
    played, weights = legendre()
    for outputs in OUTPUTS:
        p = density(outputs, played)
        mean = (weights * p * np.log(p, where=p > 0, out=0 * p)).sum()
        assert ONE.entropy(outputs) == pytest.approx(-mean, abs=1e-8)


@pytest.mark.parametrize("std", [0.1, 1.0, 3.0, 20.0])
def test_entropy_gradient_is_its_derivative(std):
    outputs = np.stack([np.linspace(-4, 4, 9), np.full(9, log(std))], axis=-1)
    slope = np.stack([(ONE.entropy(outputs + s) - ONE.entropy(outputs - s)) / 2e-6 for s in 1e-6 * np.eye(2)], axis=-1)
    np.testing.assert_allclose(entropy_gradient(ONE, outputs), slope, rtol=1e-6, atol=1e-7)
    assert not np.allclose(entropy_gradient(pg.Gaussian(1), outputs), slope, atol=0.1) or std == 0.1


GLOBAL = pg.Policy.squashed(pg.MLP(2, (4,), 2), (-1.0, -3.0), (2.0, 3.0), log_std=(-1.0, 0.5))
OF_THE_STATE = pg.Policy(pg.MLP(2, (4,), 4), pg.SquashedGaussian(2, (-1.0, -3.0), (2.0, 3.0)))


@pytest.mark.parametrize("policy", [GLOBAL, OF_THE_STATE], ids=["global log std", "log std of the state"])
@pytest.mark.parametrize("runs", [(), (3,)])
def test_score_with_entropy_is_the_derivative_of_both(policy, runs):
    rng = np.random.default_rng(0)
    theta, observations = rng.normal(size=(*runs, policy.size)) / 2, rng.normal(size=(4, *runs, 5, 2))
    actions = policy.sample(theta, observations, rng)
    weights, bonus = rng.normal(size=(2, 4, *runs, 5))

    def total(shifted):
        entropy = policy.head.entropy(policy.outputs(shifted, observations))
        return (weights * policy.log_prob(shifted, observations, actions) + bonus * entropy).sum(axis=0)

    slope = np.stack([(total(theta + s) - total(theta - s)) / 2e-5 for s in 1e-5 * np.eye(policy.size)], axis=-1)
    np.testing.assert_allclose(policy.score(theta, observations, actions, weights, bonus), slope, atol=1e-8)
    assert not np.allclose(policy.score(theta, observations, actions, weights), slope, atol=1e-2)
    log_prob, score = policy.trace(theta, observations, actions)
    np.testing.assert_allclose(log_prob, policy.log_prob(theta, observations, actions), rtol=1e-13)
    np.testing.assert_allclose(score(weights, bonus), slope, atol=1e-8)


def test_a_global_log_std_starts_where_it_is_told():
    theta = GLOBAL.init(np.random.default_rng(0), 2)
    assert theta.shape == (2, GLOBAL.size) and (theta[:, -2:] == [-1.0, 0.5]).all()
    assert GLOBAL.size == GLOBAL.approximator.approximator.size + 2 and GLOBAL.head == OF_THE_STATE.head
    std = np.exp(OF_THE_STATE.outputs(np.ones(OF_THE_STATE.size), np.array([[0.0, 0.0], [2.0, 1.0]])))[:, 2:]
    assert (std[0] != std[1]).all()


def test_what_is_played_is_the_squashed_draw():
    """E tanh(u) of u normal (1, 1) is .550, by a fine sum; not tanh 1 = .762."""
    head, n = pg.SquashedGaussian(1), 100_000
    outputs = np.broadcast_to([1.0, 0.0], (n, 2))
    drawn = head.act(outputs, head.noise(np.random.default_rng(0), (n,)))
    assert drawn.shape == (n, 1) and abs(drawn.mean() - 1) < 4 / np.sqrt(n) and abs(drawn).max() > 3
    z = np.linspace(-12, 12, 100_001)
    truth = (np.exp(-z * z / 2) * np.tanh(1 + z)).sum() / np.exp(-z * z / 2).sum()
    assert truth == pytest.approx(0.550, abs=5e-4)
    played = head.play(drawn)
    assert abs(played.mean() - truth) < 4 * played.std() / np.sqrt(n) < abs(np.tanh(1) - truth)


def test_what_is_played_never_leaves_the_bounds():
    u = np.concatenate([np.linspace(-60, 60, 100_001), [-np.inf, np.inf, -1e300, 1e300]])
    for low, high in ((-2.0, 3.0), (0.1, 0.7), (-1e-3, 1e6), (1.0, 1.0 + 1e-12)):
        played = pg.SquashedGaussian(1, low, high).play(u[:, None])[:, 0]
        assert played.min() == low and played.max() == high and (np.diff(played[:-4]) >= 0).all()
    two = pg.SquashedGaussian(2, (-1.0, 0.0), (1.0, 4.0)).play(np.zeros((5, 2)))
    assert (two == [0.0, 2.0]).all()


@pytest.mark.parametrize("arguments, said", [
    ((0,), "dimensions must be a whole number of 1 or more; got 0"),
    ((1, 1.0, 1.0), "high must be above low = 1.0; got 1.0"),
    ((2, (0.0, 0.0), (1.0, -1.0)), r"high must be above low = \(0.0, 0.0\); got \(1.0, -1.0\)"),
    ((1, -np.inf, 1.0), "low must be a number, and finite; got -inf"),
    ((1, -1.0, np.nan), "high must be a number; got nan"),
    ((1, "low", 1.0), "low must be a number; got 'low'"),
    ((2, (-1.0, -1.0, -1.0), 1.0), r"low must be \[d\] = \(2,\); got shape \(3,\)"),
])  # fmt: skip
def test_wrong_bounds_are_named(arguments, said):
    with pytest.raises(ValueError, match=f"^{said}"):
        pg.SquashedGaussian(*arguments)


def test_wrong_actions_are_named():
    with pytest.raises(ValueError, match=r"^actions must be \[\.\.\., \*R, B, 1\] = \(3, 1\); got shape \(3,\)"):
        ONE.log_prob(np.zeros((3, 2)), np.zeros(3))
    with pytest.raises(ValueError, match="^approximator must be one such as"):
        pg.Policy.squashed("network")

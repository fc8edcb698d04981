"""SGD and Adam against the rules as printed, one parameter at a time."""

import numpy as np
import pytest

import pgedu as pg
from pgedu.learning.optimizers import clip_norm


def adam_by_the_paper(theta, gradients, alpha, beta1, beta2, epsilon, *, corrected=True):
    """Kingma & Ba (2015), algorithm 1, for one number, upwards. Returns every theta on the way."""
    m = v = 0.0
    way = []
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g * g
        m_hat, v_hat = (m / (1 - beta1**t), v / (1 - beta2**t)) if corrected else (m, v)
        theta = theta + alpha * m_hat / (v_hat**0.5 + epsilon)
        way.append(theta)
    return way


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 2, 3)])
@pytest.mark.parametrize("settings", [{}, dict(beta1=0.5, beta2=0.7, epsilon=1e-2), dict(beta1=0.0, beta2=0.0)])
def test_adam_is_the_paper_s(shape, settings):
    rng = np.random.default_rng(0)
    gradients, start = rng.normal(size=(6, *shape)), rng.normal(size=shape)
    theta, way, optimizer = start, [], pg.Adam(0.1, **settings)
    for gradient in gradients:
        theta = optimizer.step(theta, gradient)
        way.append(theta)
    rule = dict(beta1=0.9, beta2=0.999, epsilon=1e-8) | settings
    for index in np.ndindex(*shape):
        one = (slice(None), *index)
        assert np.allclose(np.array(way)[one], adam_by_the_paper(start[index], gradients[one], 0.1, **rule), rtol=1e-12)
        if settings.get("beta1") != 0:  # without memory there is nothing to correct
            wrong = adam_by_the_paper(start[index], gradients[one], 0.1, **rule, corrected=False)
            assert not np.allclose(np.array(way)[one], wrong, rtol=1e-3)


def test_sgd_goes_up_and_leaves_its_argument_alone():
    theta = np.array([1.0, 2.0])
    assert pg.SGD(0.5).step(theta, np.array([2.0, -4.0])).tolist() == [2.0, 0.0]
    assert theta.tolist() == [1.0, 2.0]


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
def test_each_run_has_its_learning_rate(make):
    rng = np.random.default_rng(0)
    rates, gradients = np.array([0.0, 0.1, 2.0]), rng.normal(size=(4, 3, 2))
    together, alone = make(rates), [make(rate) for rate in rates]
    theta, thetas = np.zeros((3, 2)), [np.zeros(2)] * 3
    for gradient in gradients:
        theta = together.step(theta, gradient)
        thetas = [one.step(t, g) for one, t, g in zip(alone, thetas, gradient)]
    assert np.array_equal(theta, thetas)


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
def test_a_learning_rate_changed_acts_on_the_next_step(make):
    changed, first, second = make(1.0), make(1.0), make(3.0)
    gradient = np.array([1.0, -2.0])
    assert np.array_equal(changed.step(np.zeros(2), gradient), first.step(np.zeros(2), gradient))
    second.step(np.zeros(2), gradient)
    changed.learning_rate = 3.0
    assert np.array_equal(changed.step(np.zeros(2), gradient), second.step(np.zeros(2), gradient))


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
@pytest.mark.parametrize("rate", [-0.1, float("nan"), float("inf"), np.array([0.1, -0.1])])
def test_a_wrong_learning_rate_is_named(make, rate):
    said = "^learning_rate must be (0 or more; got -0.1|finite numbers; got NaN or infinity)"
    with pytest.raises(ValueError, match=said):
        make(rate)
    optimizer = make(0.1)
    with pytest.raises(ValueError, match=said):
        optimizer.learning_rate = rate
    assert optimizer.learning_rate == 0.1


@pytest.mark.parametrize("shape", [(2,), (3, 1), (1,)])
def test_learning_rates_are_one_for_each_run(shape):
    with pytest.raises(ValueError, match=r"^learning_rate must be a number or \[\*R\] = \(3,\); got shape"):
        pg.SGD(np.ones(shape)).step(np.zeros((3, 2)), np.zeros((3, 2)))


def test_a_gradient_has_the_shape_of_theta():
    with pytest.raises(ValueError, match=r"^gradient must be of the shape of theta = \(3, 2\); got shape \(2,\)"):
        pg.SGD(0.1).step(np.zeros((3, 2)), np.zeros(2))


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 2, 3)])
@pytest.mark.parametrize("limit", [0, 0.5, 1.3, np.inf])
def test_long_gradients_are_shortened_each_run_by_itself(shape, limit):
    gradient = np.random.default_rng(0).normal(size=shape)
    before, found = gradient.copy(), clip_norm(gradient, limit)
    for run in np.ndindex(*shape[:-1]):
        length = sum(g * g for g in gradient[run]) ** 0.5
        expected = gradient[run] if length <= limit else gradient[run] * limit / length
        assert np.allclose(found[run], expected, rtol=1e-13)
    assert np.array_equal(gradient, before)
    if len(shape) > 1 and limit == 1.3:  # some are long and some are not; all together they would be too long
        assert any(np.array_equal(found[run], gradient[run]) for run in np.ndindex(*shape[:-1]))
        assert not np.allclose(found, gradient * min(1, limit / np.linalg.norm(gradient)))


@pytest.mark.parametrize("limit", [0, 1e10, np.inf])
def test_no_gradient_has_no_length_to_shorten(limit):
    assert not clip_norm(np.zeros((2, 3)), limit).any()


def test_a_gradient_that_is_not_a_number_stays_so_and_stays_alone():
    with np.errstate(invalid="ignore"):  # as in a training, which reports it
        found = clip_norm(np.array([[3.0, 4.0], [np.nan, 1.0], [np.inf, 1.0]]), 1.0)
    assert np.allclose(found[0], [0.6, 0.8]) and np.isnan(found[1]).all() and np.isnan(found[2, 0])


@pytest.mark.parametrize("limit", [-1, np.nan])
def test_a_wrong_limit_is_named(limit):
    with pytest.raises(ValueError, match=f"^limit must be a number of 0 or more; got {limit}"):
        clip_norm(np.ones(2), limit)


@pytest.mark.parametrize("name", ["beta1", "beta2"])
@pytest.mark.parametrize("value", [1.0, -0.1, float("nan"), "0.9"])
def test_decays_have_a_range(name, value):
    with pytest.raises(ValueError, match=rf"^{name} must be (below 1|a number between 0 and 1); got {value!r}"):
        pg.Adam(0.1, **{name: value})


@pytest.mark.parametrize("value", [0, 0.0, -1e-8, float("nan"), None])
def test_epsilon_is_above_0(value):
    with pytest.raises(ValueError, match=rf"^epsilon must be a number above 0; got {value}"):
        pg.Adam(0.1, epsilon=value)


def test_each_theta_needs_an_adam_of_its_own():
    """Moments of another shape would broadcast: one run's would be all runs'."""
    optimizer = pg.Adam(0.1)
    optimizer.step(np.zeros((1, 3)), np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"^gradient must be of shape \(1, 3\), .* own\); got shape \(2, 3\)"):
        optimizer.step(np.zeros((2, 3)), np.ones((2, 3)))


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
def test_a_step_leaves_theta_and_gradient_as_they_were(make):
    theta, gradient = np.ones((2, 3)), np.full((2, 3), 2.0)
    optimizer = make(0.1)
    first, second = optimizer.step(theta, gradient), optimizer.step(theta, gradient)
    assert (theta == 1).all() and (gradient == 2).all() and not np.shares_memory(first, second)


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
def test_lists_will_do(make):
    assert np.array_equal(make(0.1).step([1, 2], [3.0, 4.0]), make(0.1).step(np.array([1.0, 2.0]), np.array([3.0, 4.0])))


def test_what_underflows_is_0():
    with np.errstate(all="raise"):
        assert np.isfinite(pg.Adam(0.1).step(np.zeros(2), np.array([1e-200, 1.0]))).all()
        assert clip_norm(np.array([1e-200, 3.0]), 1.0)[1] == 1


@pytest.mark.parametrize("make", [pg.SGD, pg.Adam])
def test_a_run_that_rests_is_as_if_there_had_been_no_step(make):
    """Its moments and its count of steps stay, so that its next step is what it would have been."""
    gradients, together, alone = np.random.default_rng(0).normal(size=(4, 2, 3)), make(0.1), make(0.1)
    theta, expected = np.zeros((2, 3)), np.zeros(3)
    for gradient, goes in zip(gradients, [False, True, False, True]):
        theta = together.step(theta, gradient, where=np.array([True, goes]))
        expected = alone.step(expected, gradient[1]) if goes else expected
        assert np.allclose(theta[1], expected, rtol=1e-13, atol=0)

"""Forward passes against loops written out, backward passes against central differences in float64."""

import copy
from dataclasses import dataclass

import numpy as np
import pytest

import pgedu as pg
from pgedu.policies import layers as arithmetic
from pgedu.policies.constants import WithConstants

APPROXIMATORS = [pg.Table(3, 2), pg.Linear(3, 2), pg.MLP(3, (), 2), pg.MLP(3, (4,), 2), pg.MLP(3, (5, 4), 1)]
ORTHOGONAL = pg.MLP(3, (5, 4), 2, orthogonal=True)
CONSTANT = WithConstants(pg.Table(3, 2), 1)
RUNS = [(), (2,), (2, 3)]
T, B = 4, 3


def case(approximator, runs, seed=0):
    """theta, observations [T, *R, B, ...] and a gradient to send back [T, *R, B, K]."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(*runs, approximator.size))
    tabular = hasattr(approximator, "observations")
    observations = rng.integers(3, size=(T, *runs, B)) if tabular else rng.normal(size=(T, *runs, B, 3))
    return theta, observations, rng.normal(size=(T, *runs, B, approximator.outputs))


@dataclass(frozen=True)
class Anything:
    """A head that asks for so many outputs, and nothing else."""

    outputs: int


def by_hand(approximator, theta, observation):
    """The outputs for one observation and one run."""
    if isinstance(approximator, pg.Table):
        return theta.reshape(approximator.observations, approximator.outputs)[observation]
    widths = [approximator.features, *getattr(approximator, "hidden", ()), approximator.outputs]
    for n, (inputs, outputs) in enumerate(zip(widths, widths[1:])):
        weights, bias, theta = np.split(theta, [inputs * outputs, (inputs + 1) * outputs])
        observation = observation @ weights.reshape(inputs, outputs) + bias
        observation = observation if n == len(widths) - 2 else np.tanh(observation)
    assert theta.size == 0
    return observation


def differences(approximator, theta, observations, gradient, step=1e-5):
    """d/d theta of sum over time of gradient . outputs, for each episode, by central differences: [*R, B, D]."""

    def project(shifted):
        return (gradient * approximator.forward(shifted, observations)).sum(axis=(0, -1))

    shifts = step * np.eye(approximator.size)
    return np.stack([(project(theta + s) - project(theta - s)) / (2 * step) for s in shifts], axis=-1)


@pytest.mark.parametrize("approximator", APPROXIMATORS, ids=str)
@pytest.mark.parametrize("runs", RUNS)
class TestEveryApproximator:
    def test_forward_is_the_loop_written_out(self, approximator, runs):
        theta, observations, _ = case(approximator, runs)
        outputs = approximator.forward(theta, observations)
        assert outputs.shape == (T, *runs, B, approximator.outputs)
        for t, *run, b in np.ndindex(T, *runs, B):
            expected = by_hand(approximator, theta[tuple(run)], observations[(t, *run, b)])
            assert np.allclose(outputs[(t, *run, b)], expected, rtol=1e-13, atol=1e-13)

    def test_backward_is_the_derivative(self, approximator, runs):
        theta, observations, gradient = case(approximator, runs)
        expected = differences(approximator, theta, observations, gradient)
        backward = approximator.trace(theta, observations)[1](gradient)
        assert backward.shape == (*runs, B, approximator.size)
        assert np.allclose(backward, expected, atol=1e-8)
        assert not np.allclose(backward[..., ::-1, :], expected, atol=1e-3)  # of the wrong episodes
        assert not np.allclose(approximator.trace(theta, observations)[1](gradient * 1.01), expected, atol=1e-4)

    def test_a_trace_holds_the_outputs_and_can_be_walked_back_twice(self, approximator, runs):
        theta, observations, gradient = case(approximator, runs)
        outputs, backward = approximator.trace(theta, observations)
        assert np.array_equal(outputs, approximator.forward(theta, observations))
        first = backward(gradient)
        outputs *= 0  # whoever asked for them may do with them what they like
        assert np.array_equal(backward(gradient), first) and np.any(first)
        assert np.allclose(backward(-3 * gradient), -3 * first, rtol=1e-12, atol=1e-12)

    def test_each_episode_is_judged_by_itself(self, approximator, runs):
        theta, observations, gradient = case(approximator, runs)
        together = approximator.trace(theta, observations)[1](gradient)
        for *run, b in np.ndindex(*runs, B):
            column = (slice(None), *run, slice(b, b + 1))
            alone = approximator.trace(theta[tuple(run)], observations[column])[1](gradient[column])
            assert np.allclose(together[(*run, b)], alone[0], rtol=1e-12, atol=1e-14)

    def test_wrong_shapes_are_named(self, approximator, runs):
        theta, observations, gradient = case(approximator, runs)
        with pytest.raises(ValueError, match=rf"^theta must be \[\*R, D\] with D = {approximator.size}; got"):
            approximator.forward(theta[..., 1:], observations)
        wrong_features = observations * 1.0 if isinstance(approximator, pg.Table) else observations[..., 1:]
        with pytest.raises(ValueError, match="^observations "):
            approximator.forward(theta, wrong_features)
        with pytest.raises(ValueError, match=r"^observations must be \[T, .*time first; got shape"):
            approximator.trace(theta, observations[0])[1](gradient[0])
        if runs:
            with pytest.raises(ValueError, match=r"^observations must be \[.*\] to fit theta .*; got shape"):
                approximator.forward(theta, observations[:, :1])


@pytest.mark.parametrize("runs, shape", [(None, ()), (3, (3,))])
@pytest.mark.parametrize("approximator", APPROXIMATORS, ids=str)
def test_first_parameters_have_their_shape(approximator, runs, shape):
    assert approximator.init(np.random.default_rng(0), runs).shape == (*shape, approximator.size)


def test_a_fresh_mlp_has_the_documented_variances():
    network = pg.MLP(50, (40,), 2)
    first, bias, last, _ = np.split(network.init(np.random.default_rng(0), 200), [2000, 2040, 2120], axis=-1)
    assert first.std() == pytest.approx(1 / np.sqrt(50), rel=0.01)
    assert last.std() == pytest.approx(1 / np.sqrt(40) / 100, rel=0.03)
    assert (bias == 0).all()
    assert len(np.unique(first[:, 0])) == 200  # every run starts from a point of its own


def layers(approximator, theta):
    """W [..., inputs, outputs] and bias [..., outputs] of each layer."""
    widths = [approximator.features, *approximator.hidden, approximator.outputs]
    for inputs, outputs in zip(widths, widths[1:]):
        weights, bias, theta = np.split(theta, [inputs * outputs, (inputs + 1) * outputs], axis=-1)
        yield weights.reshape(*theta.shape[:-1], inputs, outputs), bias


@pytest.mark.parametrize("runs", [None, 3])
def test_orthogonal_weights_are_orthogonal_in_every_layer_and_run(runs):
    """Of norm sqrt(2), the last a hundredth of that; wide layers have orthogonal rows, tall ones columns."""
    theta = ORTHOGONAL.init(np.random.default_rng(0), runs)
    for (weights, bias), scale in zip(layers(ORTHOGONAL, theta), [2, 2, 2e-4], strict=True):
        tall = weights.shape[-2] >= weights.shape[-1]
        gram = np.swapaxes(weights, -1, -2) @ weights if tall else weights @ np.swapaxes(weights, -1, -2)
        assert np.allclose(gram, scale * np.eye(gram.shape[-1]), rtol=1e-12, atol=1e-14)
        assert not bias.any()
    if runs:
        assert len(np.unique(theta[:, 0])) == runs
    normal = pg.MLP(3, (5, 4), 2).init(np.random.default_rng(0), runs)
    (first, _), *_ = layers(ORTHOGONAL, normal)
    assert not np.allclose(first @ np.swapaxes(first, -1, -2), 2 * np.eye(3), atol=0.1)


def test_orthogonal_matrices_are_drawn_from_all_of_them():
    """Reflections as often as rotations (bare QR gives one kind alone), and every entry 0 on the average."""
    network, runs = pg.MLP(2, (2,), 2, orthogonal=True), 2000
    weights, _ = next(layers(network, network.init(np.random.default_rng(0), runs)))
    signs = np.linalg.det(weights / np.sqrt(2))
    assert np.allclose(abs(signs), 1) and abs(signs.mean()) < 4 / np.sqrt(runs)
    assert (abs(weights.mean(axis=0)) < 4 * weights.std(axis=0) / np.sqrt(runs)).all()


def test_an_orthogonal_network_computes_as_any_other():
    theta, observations, gradient = case(ORTHOGONAL, (2,))
    plain = pg.MLP(3, (5, 4), 2)
    assert np.array_equal(ORTHOGONAL.forward(theta, observations), plain.forward(theta, observations))
    backward = [each.trace(theta, observations)[1](gradient) for each in (ORTHOGONAL, plain)]
    assert np.array_equal(*backward)


def test_hidden_widths_are_a_tuple():
    with pytest.raises(ValueError, match=r"^hidden must be the widths of the hidden layers, such as .*; got 32"):
        pg.MLP(3, 32, 2)


@pytest.mark.parametrize(
    "wrong, said",
    [([[0.0]], "must be integers; got float"), ([[3]], "must lie in .* got 3"), ([[-1]], "must lie in .* got -1")],
)
def test_a_table_has_rows_for_what_it_knows(wrong, said):
    with pytest.raises(ValueError, match=f"^observations .*{said}"):
        pg.Table(3, 2).forward(np.zeros(6), np.array(wrong))


@pytest.mark.parametrize("approximator", APPROXIMATORS[1:], ids=str)
@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize("episodes, steps", [(1, 11), (3, 4), (1, 1)])
@pytest.mark.parametrize("cache, product", [(1, 2**18), (30, 20), (2**16, 50), (1, 1)])
def test_stacks_of_runs_and_blocks_of_samples_change_nothing(monkeypatch, approximator, runs, episodes, steps, cache, product):
    """Samples that the blocks do not divide are padded; whatever the cut, all agree but for rounding."""
    rng = np.random.default_rng(0)
    theta, observations = rng.normal(size=(*runs, approximator.size)), rng.normal(size=(steps, *runs, episodes, 3))
    gradient = rng.normal(size=(*observations.shape[:-1], approximator.outputs))
    whole, back = approximator.trace(theta, observations)
    expected = back(gradient)
    monkeypatch.setattr(arithmetic, "CACHE", cache)
    monkeypatch.setattr(arithmetic, "PRODUCT", product)
    outputs, backward = approximator.trace(theta, observations)
    assert np.allclose(outputs, whole, rtol=1e-12, atol=1e-13)
    assert np.allclose(backward(gradient), expected, rtol=1e-12, atol=1e-12)
    assert np.allclose(approximator.forward(theta, observations), whole, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("runs", RUNS)
def test_single_precision_is_close_and_what_comes_out_is_double(runs):
    double, single = pg.MLP(3, (5, 4), 2), pg.MLP(3, (5, 4), 2, dtype=np.float32)
    theta, observations, gradient = case(double, runs)
    outputs, backward = single.trace(theta, observations)
    expected, back = double.trace(theta, observations)
    for found, right in ((outputs, expected), (backward(gradient), back(gradient)),
                         (single.forward(theta, observations[0]), expected[0])):  # fmt: skip
        assert found.dtype == float
        assert 0 < abs(found - right).max() < 3e-6 * abs(right).max()  # single, and close
    assert np.array_equal(single.init(np.random.default_rng(0), 2), double.init(np.random.default_rng(0), 2))


@pytest.mark.parametrize("approximator", [*APPROXIMATORS, CONSTANT], ids=str)
@pytest.mark.parametrize("runs", RUNS)
def test_one_step_is_a_row_of_many(approximator, runs):
    theta, observations, _ = case(approximator, runs)
    together = approximator.forward(theta, observations)
    prepared = pg.Policy(approximator, Anything(approximator.outputs)).prepared(theta)
    for t in range(T):
        assert np.allclose(approximator.forward(theta, observations[t]), together[t], rtol=1e-13, atol=1e-13)
        assert np.array_equal(prepared(observations[t]), approximator.forward(theta, observations[t]))


@pytest.mark.parametrize("approximator", [*APPROXIMATORS, CONSTANT], ids=str)
def test_a_theta_that_is_too_long_or_too_short_is_named(approximator):
    theta, observations, _ = case(approximator, (2,))
    for wrong in (theta[:, 1:], np.concatenate([theta, theta], axis=-1), np.float64(0)):
        for function in (approximator.forward, approximator.trace):
            with pytest.raises(ValueError, match=rf"^theta must be \[\*R, D\] with D = {approximator.size}; got shape"):
                function(wrong, observations)
    with pytest.raises(ValueError, match="^theta must be numbers"):
        approximator.forward("theta", observations)


@pytest.mark.parametrize("approximator", APPROXIMATORS, ids=str)
def test_a_gradient_of_another_shape_is_named(approximator):
    theta, observations, gradient = case(approximator, (2,))
    with pytest.raises(ValueError, match=r"^gradient must be \[T, \*R, B, K\] = .*; got shape"):
        approximator.trace(theta, observations)[1](gradient[:1])  # would broadcast


@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize("within", APPROXIMATORS, ids=str)
class TestWithConstants:
    def test_outputs_are_those_within_and_then_the_constants(self, within, runs):
        approximator = WithConstants(within, 2)
        theta, observations, _ = case(approximator, runs)
        outputs = approximator.forward(theta, observations)
        assert np.array_equal(outputs[..., :-2], within.forward(theta[..., :-2], observations))
        assert np.array_equal(outputs[..., -2:], np.broadcast_to(theta[..., None, -2:], (T, *runs, B, 2)))

    def test_backward_is_the_derivative(self, within, runs):
        approximator = WithConstants(within, 2)
        theta, observations, gradient = case(approximator, runs)
        outputs, backward = approximator.trace(theta, observations)
        assert np.array_equal(outputs, approximator.forward(theta, observations))
        assert np.allclose(backward(gradient), differences(approximator, theta, observations, gradient), atol=1e-8)

    def test_it_starts_where_it_is_told_and_sees_what_the_one_within_sees(self, within, runs):
        approximator = WithConstants(within, 2, start=(-1, 3))
        theta = approximator.init(np.random.default_rng(0), 3)
        assert theta.shape == (3, within.size + 2) and (theta[:, -2:] == [-1, 3]).all()
        assert np.array_equal(theta[:, :-2], within.init(np.random.default_rng(0), 3))
        assert (WithConstants(within, 2).init(np.random.default_rng(0))[-2:] == 0).all()
        for name in ("features", "observations"):
            assert getattr(approximator, name, None) == getattr(within, name, None)
        assert copy.deepcopy(approximator) == approximator and hash(approximator)


@pytest.mark.parametrize("make, said", [
    (lambda: pg.Table(0, 2), "observations must be a whole number of 1 or more; got 0"),
    (lambda: pg.Table(3, -1), "outputs must be a whole number of 1 or more; got -1"),
    (lambda: pg.Linear(2.0, 2), "features must be a whole number of 1 or more; got 2.0"),
    (lambda: pg.Linear(2, 0), "outputs must be a whole number of 1 or more; got 0"),
    (lambda: pg.MLP("4", (3,), 2), "features must be a whole number of 1 or more; got '4'"),
    (lambda: pg.MLP(4, (3,), None), "outputs must be a whole number of 1 or more; got None"),
    (lambda: pg.MLP(4, (3, 0), 2), "hidden must be a whole number of 1 or more; got 0"),
    (lambda: pg.MLP(4, (3.5,), 2), "hidden must be a whole number of 1 or more; got 3.5"),
    (lambda: pg.MLP(4, (3,), 2, dtype=int), "dtype must be np.float32 or np.float64; got <class 'int'>"),
    (lambda: WithConstants(None, 1), r"approximator must be one such as Table\(3, 2\), .*; got None"),
    (lambda: WithConstants(pg.Table(1, 1), 0), "constants must be a whole number of 1 or more; got 0"),
    (lambda: WithConstants(pg.Table(1, 1), 2, np.nan), "start must be a number; got nan"),
    (lambda: WithConstants(pg.Table(1, 1), 2, (1, 2, 3)), r"start must be \[constants\] = \(2,\); got shape \(3,\)"),
])  # fmt: skip
def test_sizes_are_whole_numbers_of_1_or_more(make, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        make()


@pytest.mark.parametrize("approximator", [*APPROXIMATORS, CONSTANT], ids=str)
def test_first_parameters_need_a_generator_and_a_run(approximator):
    with pytest.raises(ValueError, match="^runs must be a whole number of 1 or more; got 0"):
        approximator.init(np.random.default_rng(0), 0)
    for rng in (None, 0, np.random.RandomState(0)):
        with pytest.raises(ValueError, match="^rng must be a generator such as"):
            approximator.init(rng)


def test_hidden_may_be_a_list():
    assert pg.MLP(4, [3, 2], 1) == pg.MLP(4, (3, 2), 1) and hash(pg.MLP(4, [3, 2], 1)) == hash(pg.MLP(4, (3, 2), 1))

"""Sentences about arguments: what is let through, and what each refusal says."""

import operator

import numpy as np
import pytest

from pgedu import arguments


@pytest.mark.parametrize("value, asked, sentence", [
    (0, dict(least=1, whole=True), "runs must be a whole number of 1 or more; got 0"),
    (1.5, dict(least=1, whole=True), "runs must be a whole number of 1 or more; got 1.5"),
    (2, dict(least=0, most=1), "runs must be a number between 0 and 1; got 2"),
    (0.0, dict(above=0), "runs must be a number above 0; got 0.0"),
    (0.0, dict(above=0, most=1), "runs must be a number above 0 and up to 1; got 0.0"),
    (True, {}, "runs must be a number; got True"),
    ("3", {}, "runs must be a number; got '3'"),
    (None, {}, "runs must be a number; got None"),
    (np.nan, {}, "runs must be a number; got nan"),
    (0, dict(least=1, none=True), "runs must be a number of 1 or more; got 0"),
    (np.inf, {}, "runs must be a number, and finite; got inf"),
    (np.ones(2), {}, "runs must be a number; got array([1., 1.])"),
])  # fmt: skip
def test_a_number_that_is_none(value, asked, sentence):
    with pytest.raises(ValueError) as refused:
        arguments.number("runs", value, **asked)
    assert str(refused.value) == sentence


def test_numbers_that_are_some():
    assert arguments.number("x", np.inf, finite=False) == np.inf
    assert arguments.number("x", np.float32(0.5), 0, 1) == 0.5 and arguments.number("x", np.int64(3), whole=True) == 3
    assert arguments.number("x", None, 1, none=True) is None and arguments.number("x", 2, 1, none=True) == 2
    assert arguments.number("x", 1, 0, 1) == 1 and arguments.number("x", 0, 0, 1) == 0 and arguments.number("x", -7) == -7


@pytest.mark.parametrize("value, asked, sentence", [
    ([[1, 2]], dict(axes="[T, B]", shape=(3, 2)), "rewards must be [T, B] = (3, 2); got shape (1, 2)"),
    ([1, [2]], dict(axes="[T]"), "rewards must be numbers [T]; got [1, [2]]"),
    ("abc", {}, "rewards must be numbers; got 'abc'"),
    ([1j], {}, "rewards must be numbers; got [1j]"),
    ([0, np.nan], {}, "rewards must be finite numbers; got NaN or infinity"),
    ([0.5, -1], dict(least=0), "rewards must be 0 or more; got -1.0"),
    (-0.5, dict(least=0), "rewards must be 0 or more; got -0.5"),
    ([[0, 1], [1, 2]], dict(least=0, most=1), "rewards must be between 0 and 1; got 2.0"),
    ([3], dict(most=1), "rewards must be between -inf and 1; got 3.0"),
])  # fmt: skip
def test_arrays_that_are_none(value, asked, sentence):
    with pytest.raises(ValueError) as refused:
        arguments.numbers("rewards", value, **asked)
    assert str(refused.value) == sentence


def test_arrays_that_are_some():
    found = arguments.numbers("rewards", [[1, 2], [3, 4]], "[T, B]", (2, 2))
    assert found.dtype == float and found.tolist() == [[1, 2], [3, 4]]
    assert np.isinf(arguments.numbers("rewards", [np.inf], least=0, finite=False))
    assert arguments.numbers("rewards", [0, 1], least=0, most=1).tolist() == [0, 1]
    whole = np.ones(3)
    assert arguments.numbers("rewards", whole) is whole  # no copy where none is needed


def test_switches_generators_and_functions():
    rng = np.random.default_rng(0)
    assert arguments.switch("s", True) is True and arguments.switch("s", np.bool_(False)) is False
    assert arguments.generator("rng", rng) is rng and arguments.function("f", len) is len
    assert arguments.function("f", None, none=True) is None
    for refused, wanted in [
        (lambda: arguments.switch("s", 1), "s must be True or False; got 1"),
        (lambda: arguments.generator("rng", np.random.RandomState(0)), "rng must be a generator such as numpy"),
        (lambda: arguments.function("f", int), "f must be a function; got <class 'int'>"),
        (lambda: arguments.function("f", None), "f must be a function; got None"),
        (lambda: arguments.number("x", "y" * 200), "got 'yyy"),
    ]:
        with pytest.raises(ValueError, match=wanted) as error:
            refused()
        assert len(str(error.value)) < 140


class Sized:
    size, head = 3, "a head"


@pytest.mark.parametrize("theta, sentence", [
    (np.zeros(2), "theta must be [*R, D] with D = 3; got shape (2,)"),
    (np.zeros((3, 4)), "theta must be [*R, D] with D = 3; got shape (3, 4)"),
    (0.0, "theta must be [*R, D] with D = 3; got shape ()"),
    ([0, 0, np.inf], "theta must be finite; got NaN or infinity"),
    ("abc", "theta must be numbers [*R, D]; got 'abc'"),
])  # fmt: skip
def test_parameters_that_are_none(theta, sentence):
    with pytest.raises(ValueError) as refused:
        arguments.parameters(Sized, theta)
    assert str(refused.value) == sentence


@pytest.mark.parametrize("policy", [None, 3, "softmax"])
def test_a_policy_that_is_none(policy):
    with pytest.raises(ValueError, match=rf"^policy must be a Policy, such as .*; got {policy!r}"):
        arguments.parameters(policy, [1.0, 2.0, 3.0])


def test_numbers_so_large_that_numpy_does_not_know_them():
    assert arguments.number("steps", 10**400, least=1, whole=True) == 10**400


def test_compiled_functions_are_functions():
    for function in (max, operator.attrgetter("rewards"), np.sin):
        assert arguments.function("f", function, places=1) is function


def test_parameters_that_are_some():
    assert arguments.parameters(Sized, [[1, 2, 3]] * 2).tolist() == [[1.0, 2.0, 3.0]] * 2


@pytest.mark.parametrize("value, got", [(3, "3"), (type("A", (), {"solve": print}), "<class '"), (Sized(), "<")])
def test_what_cannot_is_named(value, got):
    with pytest.raises(ValueError) as refused:
        arguments.able("world", value, "solve", "one that can be solved")
    assert str(refused.value).startswith(f"world must be one that can be solved; got {got}")


def test_what_can_is_let_through():
    able = type("A", (), {"solve": print})()
    assert arguments.able("world", able, "solve", "one that can be solved") is able

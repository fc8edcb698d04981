"""Verdicts on a student's answer: asking for it, comparing it with the truth, and saying kindly what is wrong."""

import copy
import functools
import warnings
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from pgedu.experience.rollouts import Rollout

UNTOUCHED = "Not attempted yet. Replace the dots by your answer and run the cell again (an answer needs its `return`)."


class Verdict(NamedTuple):
    """What a check found; shown as its message."""

    passed: bool
    message: str

    def __repr__(self):
        return self.message

    def __bool__(self):
        return self.passed


class Fault(Exception):
    """What is wrong, in sentences."""


def judged(check):
    """A check that returns praise or raises Fault becomes one that returns a Verdict and never raises."""

    @functools.wraps(check)
    def verdict(student, **options):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Verdict(True, check(student, **options))
        except Fault as fault:
            return Verdict(False, str(fault))

    return verdict


def answer_of(student, shape, **given):
    """student(*given) as an array of finite numbers that fits `shape`; anything else is a Fault."""
    lent = copy.deepcopy(given)
    try:
        result = student if student is None or student is ... else student(*lent.values())
    except NotImplementedError:
        result = None
    except Exception as error:
        raise Fault(f"Your code stopped with {type(error).__name__}: {error} (given {_shown(given)}).") from None
    if result is None or result is ...:
        raise Fault(UNTOUCHED)
    if not all(map(np.array_equal, _arrays(given), _arrays(lent))):
        raise Fault(f"Your function changes its {' or '.join(given)}, which it was only lent: work on a copy.")
    try:
        answer = np.asarray(result, dtype=float)
    except (TypeError, ValueError):
        raise Fault(f"Your function returns {result!r:.60}, which is not an array of numbers.") from None
    answer = answer.reshape(()) if shape == () and answer.size == 1 else answer
    if shape is not None and answer.shape != shape:
        raise Fault(f"Wrong shape: {shape} is needed, yours is {answer.shape} (given {_shown(given)}).")
    if not np.isfinite(answer).all():
        raise Fault(f"Your answer holds NaN or infinity (given {_shown(given)}): look for 0/0, log(0) and overflow.")
    return answer


def _arrays(given):
    return [array for value in given.values() for array in (value if isinstance(value, Rollout) else [value])]


def _shown(given):
    return ", ".join(f"{name} = {as_text(value)}" for name, value in given.items())


def as_text(value, decimals=3, longest=12):
    """A value as a student should read it: rounded, in one line; of a rollout, only what it is."""
    if isinstance(value, Rollout):
        return f"one with rewards of shape {value.rewards.shape}"
    value = np.asarray(value)
    rounded = value if value.dtype == bool else np.round(value, decimals) + 0
    return " ".join(np.array2string(rounded, precision=decimals, separator=", ", threshold=longest).split())


def as_texts(*values):
    """Values that differ, as texts that do: with as many decimals as that takes."""
    texts = [[as_text(value, decimals, longest=100) for value in values] for decimals in range(3, 17)]
    return next((each for each in texts if len(set(each)) == len(values)), texts[0])


def is_same(found, wanted, tolerance=1e-5):
    """Do two lists of arrays agree, but for rounding (single precision is fine)?"""
    return all(np.abs(a - b).max() <= tolerance * np.abs(b).max() + 1e-12 for a, b in zip(found, wanted))


def blame_factor(found, wanted, what, right):
    """A Fault, if there is a constant c with found = c * wanted in all cases, and c is not 1 but for rounding."""
    a, b = (np.concatenate([np.ravel(array) for array in arrays]) for arrays in (found, wanted))
    c = float(a @ b / (b @ b))
    if is_same([a], [c * b]) and abs(c - 1) > 1e-3:
        near = Fraction(c).limit_denominator(12)
        hint = ": check the sign" if c < 0 else ": nothing is left of it" if near == 0 else ""
        raise Fault(f"Your {what} is exactly {near if abs(near - c) < 1e-5 else round(c, 4)} times {right}{hint}.")


def compare(student, truth, cases, praise, mistakes=(), tolerance=1e-5):
    """student(*case) against truth(*case) in all cases; names that of the mistakes (sentence, function) which it is."""
    wanted = [np.asarray(truth(*case.values()), dtype=float) for case in cases]
    found = [answer_of(student, array.shape, **case) for case, array in zip(cases, wanted)]
    if is_same(found, wanted, tolerance):
        return praise
    for sentence, mistake in mistakes:
        if is_same(found, [mistake(*case.values()) for case in cases], tolerance):
            raise Fault(sentence)
    blame_factor(found, wanted, "answer", "the right one")
    case, a, b = next(each for each in zip(cases, found, wanted) if not is_same(each[1:2], each[2:], tolerance))
    yours, right = as_texts(a, b)
    start = f"Not yet: given {_shown(case)}, your answer is {yours} and the right one {right}."
    raise Fault(start + _near(found, wanted))


def _near(found, wanted):
    """A sentence on answers that are right but for a small difference; empty for others."""
    for decimals in range(1, 7):
        if is_same(found, [np.round(array, decimals) for array in wanted], 1e-9):
            places = "1 decimal" if decimals == 1 else f"{decimals} decimals"
            return f" Yours is the right one rounded to {places}: leave the rounding away."
    if is_same(found, wanted, 2e-2):
        return " So small a difference looks like rounding, or like a finite difference whose step is too wide."
    return ""

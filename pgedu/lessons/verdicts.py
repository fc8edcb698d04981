"""Verdicts on a student's answer: how they look, and how an answer is compared with the truth and with known mistakes."""

import functools
import html
import re
import warnings
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from pgedu.lessons.answers import UNTOUCHED, Fault, answer_of, as_text, require_function, shown

BLOCK = ("border-left: 4px solid {color}; padding: 2px 12px; max-width: 60em; line-height: 1.4; "
         "overflow-wrap: anywhere; color: var(--jp-content-font-color1, inherit)")  # fmt: skip


class Verdict(NamedTuple):
    """What a check found. It is shown with a sign, a word and a colour: right, not yet, or not attempted."""

    passed: bool
    message: str

    @property
    def attempted(self):
        """Is there an answer at all?"""
        return self.message != UNTOUCHED

    def _look(self):
        """(sign and word, what follows, colour). The colour only underlines what sign and word say."""
        if self.passed:
            return "✓ Right", self.message.removeprefix("Right"), "#0072B2"
        if self.attempted:
            return "✗ Not yet.", f" {self.message}", "#C45100"
        return "○ Not attempted", self.message.removeprefix("Not attempted"), "#888888"

    def __repr__(self):
        head, rest, _ = self._look()
        return head + rest

    __str__ = __repr__

    def _repr_html_(self):
        head, rest, color = self._look()
        rest = re.sub("`([^`]+)`", r"<code>\1</code>", html.escape(rest))
        return f'<div style="{BLOCK.format(color=color)}"><b>{head}</b>{rest}</div>'

    def __bool__(self):
        return self.passed


def judged(check):
    """A check that returns praise or raises Fault becomes one that returns a Verdict and never raises."""

    @functools.wraps(check)
    def verdict(student, **options):
        try:
            with np.errstate(all="ignore"), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                require_function(student, check.__name__)
                return Verdict(True, check(student, **options))
        except Fault as fault:
            return Verdict(False, str(fault))

    return verdict


def as_texts(*values):
    """Values that differ, as texts that do: with as many decimals as that takes."""
    texts = [[as_text(value, decimals, longest=100) for value in values] for decimals in range(3, 17)]
    return next((each for each in texts if len(set(each)) == len(values)), texts[0])


def is_same(found, wanted, tolerance=1e-5):
    """Do two lists of arrays agree, but for rounding (single precision is fine)?"""
    pairs = list(zip(found, wanted))
    finite = all(np.isfinite(b).all() for _, b in pairs)  # infinity would be as near to anything as to itself
    return finite and all(np.abs(a - b).max() <= tolerance * np.abs(b).max() + 1e-12 for a, b in pairs)


def blame_factor(found, wanted, what, right):
    """A Fault, if there is a constant c with found = c * wanted in all cases, and c is not 1 but for rounding."""
    a, b = (np.concatenate([np.ravel(array) for array in arrays]) for arrays in (found, wanted))
    c = float(a @ b / (b @ b))
    if is_same([a], [c * b]) and abs(c - 1) > 1e-3:
        near = Fraction(c).limit_denominator(12)
        hint = ": check the sign" if c < 0 else ": nothing is left of it" if near == 0 else ""
        raise Fault(f"Your {what} is exactly {near if abs(near - c) < 1e-5 else round(c, 4)} times {right}{hint}.")


def compare(student, truth, cases, praise, mistakes=(), tolerance=1e-5, hint=lambda case, yours, right: ""):
    """student(*case) against truth(*case) in all cases; names that of the mistakes (sentence, function) which it is.

    If it is none of them, `hint` may add a sentence on what is wrong with an answer, and must begin with a space.
    """
    wanted = [np.asarray(truth(*case.values()), dtype=float) for case in cases]
    found = _answers(student, cases, wanted, tolerance)
    if is_same(found, wanted, tolerance):
        return praise
    for sentence, mistake in mistakes:
        if is_same(found, [mistake(*case.values()) for case in cases], tolerance):
            raise Fault(sentence)
    blame_factor(found, wanted, "answer", "the right one")
    case, a, b = next(each for each in zip(cases, found, wanted) if not is_same(each[1:2], each[2:], tolerance))
    yours, right = as_texts(a, b)
    more = nearly(found, wanted) or hint(case, a, b)
    raise Fault(f"Given {shown(case)}, your answer is {yours} and the right one {right}.{more}")


def sums_to(total):
    """A hint for `compare`: what the components of an answer, along the last axis, must sum to and do not."""

    def hint(case, yours, right):
        sums = yours.sum(axis=-1)
        if np.allclose(sums, total, atol=1e-6):
            return ""
        return f" Components must sum to {total}; yours sum to {as_texts(sums, np.full(sums.shape, float(total)))[0]}."

    return hint


def wrong_places(yours, right):
    """Where an answer is wrong: booleans, of its shape."""
    return ~np.isclose(yours, right, rtol=1e-5, atol=1e-9)


def last_wrong_row(case, yours, right):
    """A hint for `compare`, on sums that are made from the end: which row is the first to go wrong."""
    rows = wrong_places(yours, right).reshape(len(yours), -1).any(axis=1)
    t = int(np.flatnonzero(rows)[-1])
    where = "The last row is wrong already" if t == len(rows) - 1 else f"The rows behind t = {t} are right, this one is not"
    return f" {where}: begin to look there."


def _answers(student, cases, wanted, tolerance):
    found = []
    for case, array in zip(cases, wanted):
        try:
            found.append(answer_of(student, array.shape, **case))
        except Fault as fault:
            if found and found[0].ndim < array.ndim and is_same(found, wanted, tolerance):
                start = f"Right for one axis, shape {found[0].shape}, but others may follow, as in {array.shape} here: "
                raise Fault(f"{start}work with whole rows, and make room for them (np.zeros_like). {fault}") from None
            raise
    return found


def nearly(found, wanted):
    """A sentence on answers that are right but for a small difference; empty for others."""
    for decimals in range(1, 7):
        if is_same(found, [np.round(array, decimals) for array in wanted], 1e-9):
            places = "1 decimal" if decimals == 1 else f"{decimals} decimals"
            return f" Yours is the right one rounded to {places}: leave the rounding away."
    if is_same(found, wanted, 2e-2):
        return " So small a difference looks like rounding, or like a finite difference whose step is too wide."
    return ""

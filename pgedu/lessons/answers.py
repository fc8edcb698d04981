"""Asking for a student's answer: numbers of the right shape, or else a Fault that says kindly what came instead."""

import contextlib
import copy
import dis
import functools
import inspect
import io
import reprlib
import sys
import traceback
from types import FunctionType

import numpy as np

from pgedu.experience.rollouts import Rollout

UNTOUCHED = "Not attempted yet. Replace the dots by your answer and run the cell again (an answer needs its `return`)."
IDLE = {"RESUME", "NOP", "COPY_FREE_VARS", "MAKE_CELL", "LOAD_CONST", "POP_TOP", "RETURN_VALUE", "RETURN_CONST"}


class Fault(Exception):
    """What is wrong, in sentences."""


class Heard(io.StringIO):
    """Keeps what is printed, and passes it on at once to where it would have gone (None: nowhere)."""

    def __init__(self, onwards):
        super().__init__()
        self.onwards = onwards

    def write(self, text):
        if self.onwards is not None:
            self.onwards.write(text)
        return super().write(text)


def answer_of(student, shape, quiet=False, **given):
    """student(*given) as an array of finite numbers that fits `shape` (None: any); anything else is a Fault.

    What it prints is passed on, unless `quiet`.
    """
    lent, printed = copy.deepcopy(given), Heard(None if quiet else sys.stdout)
    _require_places(student, given)
    try:
        with contextlib.redirect_stdout(printed):
            result = student(*lent.values())
    except NotImplementedError:
        raise Fault(UNTOUCHED) from None
    except (Exception, SystemExit) as error:
        raise Fault(_stopped(error, student, given)) from None
    _require_something(student, result, printed.getvalue(), given)
    _require_unchanged(given, lent)
    return _in_shape(_numbers(result), result, shape, given)


def require_function(student, check):
    """A Fault, unless there is a function that somebody has begun to write."""
    if student is ... or _untouched(_own(student)):
        raise Fault(UNTOUCHED)
    if not callable(student):
        raise Fault(f"You hand over a value, {brief(student)}: hand over the function itself, without brackets, "
                    f"as in {check}(my_function).")  # fmt: skip


def _own(student):
    """The function that the student wrote, where another was made of it, as by functools.partial."""
    while isinstance(student, functools.partial):
        student = student.func
    return inspect.unwrap(student) if callable(student) else student


def _untouched(function):
    """Is there nothing in it but a docstring, dots, `pass`, and perhaps a `return` of nothing or of dots?"""
    if not isinstance(function, FunctionType):
        return False
    steps = list(dis.get_instructions(function))
    loaded = [step.argval for step in steps if step.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(step.opname in IDLE for step in steps) and all(value is None or value is ... for value in loaded)


def _require_places(student, given):
    try:
        signature = inspect.signature(student)
    except (TypeError, ValueError):  # some functions written in C do not tell
        return
    try:
        signature.bind(*given)
    except TypeError:
        names = ", ".join(given)
        count = "1 argument" if len(given) == 1 else f"{len(given)} arguments"
        raise Fault(f"Your function takes {signature}, but it is given {count}, by place: ({names}).") from None


def _stopped(error, student, given):
    said = " ".join(str(error).split()).rstrip(".")
    said = f": {said[:200]}" if said else ""
    return f"Your code stopped with {type(error).__name__}{said}{_line(error, student)} (given {shown(given)})."


def _line(error, student):
    """Where in the student's own file it stopped: number and text of the line, counted from that of the `def`."""
    code = getattr(_own(student), "__code__", None)
    places = zip(traceback.walk_tb(error.__traceback__), traceback.extract_tb(error.__traceback__))
    own = [(frame.f_code, line, summary.line) for (frame, line), summary in places
           if code and frame.f_code.co_filename == code.co_filename
           and (frame.f_code is code or frame.f_code.co_name[0] != "<")]  # fmt: skip
    if not own:
        return ""
    found, line, text = own[-1]
    where = "your function" if found is code else f"`{found.co_name}`"
    return f". It was in line {line - found.co_firstlineno + 1} of {where}{f': `{text[:80]}`' if text else ''}"


def _require_something(student, result, printed, given):
    if result is ...:
        raise Fault("Your function still returns the dots, `...`: put your answer in their place.")
    if result is None and printed:
        raise Fault("Your function prints its answer and returns nothing: write `return` where you print.")
    if result is None:
        raise Fault(f"Your function ended without a `return`, so nothing came back (given {shown(given)}).")
    if inspect.isgenerator(result) and getattr(result, "gi_code", None) is getattr(_own(student), "__code__", 0):
        raise Fault("`yield` makes a generator: collect the numbers in a list or an array, and `return` that.")
    if callable(result):
        raise Fault(f"Your function returns a function, {brief(result)}: call it, with brackets.")


def _require_unchanged(given, lent):
    changed = []
    for name, value in given.items():
        fields = [f"{name}.{field}" for field in Rollout._fields] if isinstance(value, Rollout) else [name]
        pairs = zip(fields, _arrays(value), _arrays(lent[name]))
        changed += [field for field, old, new in pairs if not np.array_equal(old, new)]
    if changed:
        raise Fault(f"Your function changes {' and '.join(changed)}, which it was only lent: work on a copy.")


def _arrays(value):
    return value if isinstance(value, Rollout) else [value]


def _numbers(result):
    """What came back as an array of floats."""
    if inspect.isgenerator(result) or isinstance(result, map | zip | filter | reversed):
        raise Fault(f"Your function returns a {type(result).__name__}, which holds no numbers yet: make a list of it.")
    try:
        array = np.asarray(result)
        if array.dtype.kind in "USmM":
            raise Fault(f"Your function returns {brief(result)}, which is text or a date and not a number.")
        if array.dtype.kind == "c" and np.any(array.imag):
            raise Fault("Your numbers are complex: look for the root or the power of a negative number.")
        if array.dtype.kind == "O" and any(each is None for each in array.flat):
            raise TypeError  # NumPy would take None for NaN
        return np.real(array).astype(float)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:  # the last from tensors that track gradients
        if "inhomogeneous" in str(error):
            raise Fault("Your function returns parts of different lengths, which make no array of numbers.") from None
        raise Fault(f"Your function returns {brief(result)}, which is not an array of numbers.") from None


def _in_shape(answer, result, shape, given):
    answer = answer.reshape(()) if shape == () and answer.size == 1 else answer
    if shape is not None and answer.shape != shape:
        hint = hint_on_shape(answer.shape, shape, result)
        raise Fault(f"Wrong shape: {shape} is needed, yours is {answer.shape} (given {shown(given)}).{hint}")
    if not np.isfinite(answer).all():
        raise Fault(f"Your answer holds NaN or infinity (given {shown(given)}): look for 0/0, log(0) and overflow.")
    return answer


def hint_on_shape(yours, needed, result=None):
    """A sentence on how a shape may have come about; empty where there is nothing to guess."""
    if isinstance(result, tuple):
        comma = " The comma at the end of your `return` makes a tuple: leave it away."
        return comma if yours == (1, *needed) else f" You return {len(result)} things: return the answer alone."
    if needed == ():
        return " One number is asked for: perhaps a sum is missing."
    if yours == ():
        return " Yours is a single number: perhaps a sum too many, or only the last step of a loop."
    if yours == needed[::-1]:
        return " Yours is transposed: the axes are in the wrong order."
    if yours == needed[:1]:
        return " Yours has the first of these axes alone: the others are needed, too."
    if yours == needed[1:]:
        return " Yours lacks the first axis: each row needs an answer of its own."
    if yours[1:] == needed[1:] and abs(yours[0] - needed[0]) == 1:
        return f" Yours has one row too {'many' if yours[0] > needed[0] else 'few'}."
    return " Yours has an axis of length 1 too many." if tuple(n for n in yours if n > 1) == needed else ""


def shown(given):
    """What a function was given, as text."""
    return ", ".join(f"{name} = {as_text(value)}" for name, value in given.items())


def brief(value):
    """A value that is not the answer, in one short line."""
    short = reprlib.Repr()
    short.maxother = 60
    return " ".join(short.repr(value).split())


def as_text(value, decimals=3, longest=12):
    """A value as a student should read it: rounded, in one line; of a rollout, only what it is."""
    if isinstance(value, Rollout):
        return f"one with rewards of shape {value.rewards.shape}"
    value = np.asarray(value)
    rounded = value if value.dtype == bool else np.round(value, decimals) + 0
    return " ".join(np.array2string(rounded, precision=decimals, separator=", ", threshold=longest).split())

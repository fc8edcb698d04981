"""What a student may hand over besides an answer: nothing, a value, something that stops, something that is no number."""

import functools
import html
import re
import warnings

import numpy as np
import pytest
from judging import refuses

from pgedu.lessons import checks
from pgedu.lessons.answers import UNTOUCHED, Fault, answer_of, hint_on_shape
from pgedu.lessons.checks import check_best_constant, check_estimator, check_kl, check_returns, check_score, check_softmax
from pgedu.lessons.checks import check_baseline, check_policy_gradient, check_td_targets
from pgedu.lessons.verdicts import Verdict

ALL = [check for name, check in vars(checks).items() if name.startswith("check_")]


def softmax(h):
    return np.exp(h) / np.exp(h).sum()


def dots(*arguments): ...


def documented(*arguments):
    """What it gives back."""
    ...


def passed_over(*arguments):
    """What it gives back."""
    pass


def unwritten(*arguments):
    raise NotImplementedError


def returns_dots(*arguments):
    """What it gives back."""
    return ...


def returns_none(*arguments):
    return


EMPTY = [dots, documented, passed_over, unwritten, returns_dots, returns_none, lambda *_: ..., lambda *_: None, ...]


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("empty", [*EMPTY, functools.partial(documented, 1)])
def test_an_untouched_exercise_is_not_passed_and_does_not_stop(check, empty):
    verdict = check(empty)
    assert not verdict.passed and not verdict and not verdict.attempted
    assert repr(verdict) == f"○ {UNTOUCHED}" and verdict.message == UNTOUCHED


def no_return(h):
    e = np.exp(h)
    e / e.sum()


def printed(h):
    print(np.exp(h) / np.exp(h).sum())


def dots_at_the_end(h):
    e = np.exp(h)  # noqa: F841
    return ...


def sometimes(h):
    if len(h) == 2:
        return softmax(h)


def stops(h):
    largest = h.max()
    return np.exp(h - largst) / largest  # noqa: F821


def helper(h):
    return h.total()


def stops_in_a_helper(h):
    return helper(h)


def stops_in_a_list(h):
    # a comment, which counts as a line
    return [np.exp(x) / np.exp(h).sum() / {}[x] for x in h]


def stops_far_away(h):
    return np.linalg.inv(h)


def generated(h):
    for x in np.exp(h):
        yield x / np.exp(h).sum()


def endless(h):
    return endless(h)


def keyword(*, h):
    return softmax(h)


class Tracked:
    """As a tensor that tracks gradients: it refuses to become an array."""

    def __array__(self, *arguments, **options):
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")

    def __repr__(self):
        return "tensor([0.8,\n        0.2])"


class Silent(Exception):
    """Without a word."""


def silent(h):
    raise Silent


WRONG = [
    (check_softmax, no_return, "Your function ended without a `return`, so nothing came back (given preferences = [ 0.5, -1."),
    (check_softmax, sometimes, "without a `return`, so nothing came back (given preferences = [ 0.2, 1.5, -0.6])"),
    (check_softmax, printed, "Your function prints its answer and returns nothing: write `return` where you print."),
    (check_softmax, lambda h: print(softmax(h)), "Your function prints its answer and returns nothing"),
    (check_softmax, dots_at_the_end, "Your function still returns the dots, `...`"),
    (check_softmax, stops, "stopped with NameError: name 'largst' is not defined. It was in line 3 of your function: "
     "`return np.exp(h - largst) / largest"),
    (check_softmax, stops_in_a_helper, "It was in line 2 of `helper`: `return h.total()` (given preferences"),
    (check_softmax, stops_in_a_list, "KeyError: np.float64(0.5). It was in line 3 of your function: `return [np.exp(x)"
     if np.__version__ >= "2" else "KeyError: 0.5. It was in line 3 of your function: `return [np.exp(x)"),
    (check_softmax, stops_far_away, "It was in line 2 of your function: `return np.linalg.inv(h)` (given"),
    (check_softmax, endless, "stopped with RecursionError"), (check_softmax, silent, "stopped with Silent. It was in line 2"),
    (check_softmax, lambda h: exit(), "stopped with SystemExit"),
    (check_softmax, functools.partial(helper), "It was in line 2 of your function: `return h.total()`"),
    (check_softmax, np.linalg.inv, "stopped with LinAlgError"),
    (check_softmax, lambda: 1, "Your function takes (), but it is given 1 argument, by place: (preferences)."),
    (check_softmax, lambda h, a: 1, "takes (h, a), but it is given 1 argument, by place: (preferences)."),
    (check_softmax, keyword, "takes (*, h), but it is given 1 argument, by place: (preferences)."),
    (check_score, softmax, "takes (h), but it is given 2 arguments, by place: (preferences, action)."),
    (check_estimator, lambda: 1, "by place: (rollout)."), (check_baseline, softmax, "by place: (rollout, targets)."),
    (check_softmax, softmax(np.array([0.5, -1.0])), "You hand over a value, array([0.81757448, 0.18242552]): hand over the "
     "function itself, without brackets, as in check_softmax(my_function)."),
    (check_kl, 0.3, "as in check_kl(my_function)."), (check_kl, None, "You hand over a value, None: hand over the function"),
    (check_returns, [1, 2], "You hand over a value, [1, 2]"),
    (check_estimator, "my_estimator", "You hand over a value, 'my_estimator'"),
    (check_softmax, lambda h: softmax, "Your function returns a function"),
    (check_kl, lambda p, q: p.sum, "call it, with brackets"),
    (check_softmax, generated, "`yield` makes a generator: collect the numbers"),
    (check_softmax, lambda h: (x for x in softmax(h)), "Your function returns a generator, which holds no numbers yet"),
    (check_softmax, lambda h: map(float, softmax(h)), "Your function returns a map, which holds no numbers yet"),
    (check_softmax, lambda h: {"a": 1.0}, "Your function returns {'a': 1.0}, which is not an array of numbers"),
    (check_softmax, lambda h: f"{softmax(h)[0]:.3f}", "Your function returns '0.818', which is text or a date"),
    (check_softmax, lambda h: [str(p) for p in softmax(h)], "which is text or a date"),
    (check_softmax, lambda h: [None, 1.0], "Your function returns [None, 1.0], which is not an array of numbers"),
    (check_softmax, lambda h: [[1.0], [0.0, 1.0]], "parts of different lengths"),
    (check_softmax, lambda h: np.array([softmax(h), 1], dtype=object), "which is not an array of numbers"),
    (check_softmax, lambda h: np.emath.sqrt(h), "Your numbers are complex"),
    (check_softmax, lambda h: [10**400, 1], "which is not an array of numbers"),
    (check_softmax, lambda h: 1e300 * softmax(h), "exactly"), (check_softmax, lambda h: 1e-300 * softmax(h), "nothing is left"),
    (check_softmax, lambda h: Tracked(), "Your function returns tensor([0.8, 0.2]), which is not an array of numbers"),
    (check_softmax, lambda h: [np.nan, 1.0], "NaN or infinity"),
    (check_softmax, lambda h: (softmax(h),), "The comma at the end of your `return` makes a tuple: leave it away."),
    (check_softmax, lambda h: (softmax(h), h), "You return 2 things: return the answer alone."),
    (check_softmax, lambda h: softmax(h)[:, None], "Yours has an axis of length 1 too many."),
    (check_kl, lambda p, q: p * np.log(p / q), "One number is asked for: perhaps a sum is missing."),
    (check_policy_gradient, lambda d, p, q: (d[:, None] * p * q).sum(axis=0), "yours is (2,)"),
    (check_td_targets, lambda r, end, cut, v, g: r - end * -cut, "stopped with TypeError"),
    (check_best_constant, lambda x: 1 / 0, "stopped with ZeroDivisionError: division by zero"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_what_is_no_answer_is_told_what_it_is(number):
    refuses(*WRONG[number])


@pytest.mark.parametrize("check", ALL)
@pytest.mark.parametrize("odd", [
    *(lambda *given, value=value: value for value in (
        0, 1.5, True, [], [[]], {}, "", b"1", 1j, np.zeros((3, 0)), np.nan, -np.inf, 1e308, 5e-324, object(), np.array(None),
        {1, 2}, range(3), int, print)),
    lambda *given: given, lambda *given: given[0], lambda *given: given[-1], lambda *given: -np.asarray(given[-1], float),
    lambda *given: given[0] / 0, lambda *given: (_ for _ in given), lambda: 0, lambda *, only: only,
    0, "", [], int, max, np.exp, type, object(), float("nan"), np.zeros(3), Exception, Verdict(True, "Right: so I say."),
])  # fmt: skip
def test_no_verdict_ever_raises(check, odd, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        verdict = check(odd)
    assert not verdict.passed and verdict.attempted, verdict
    assert repr(verdict).startswith("✗ Not yet. ") and "\n" not in repr(verdict) and verdict._repr_html_()


def test_what_an_answer_prints_is_heard(capsys):
    check_softmax(lambda h: print("here", len(h)) or softmax(h))
    assert capsys.readouterr().out.splitlines()[:3] == ["here 2", "here 3", "here 4"]


def test_what_an_answer_prints_is_heard_at_once(capsys):
    """So that a debugger's words are seen while it waits."""
    seen = []

    def watched(h):
        print("now")
        seen.append(capsys.readouterr().out)
        return softmax(h)

    assert check_softmax(watched).passed and seen[0] == "now\n"


def test_what_was_printed_before_it_stopped_is_heard(capsys):
    assert "ZeroDivisionError" in check_best_constant(lambda x: print("so far") or 1 / 0).message
    assert capsys.readouterr().out == "so far\n"


def test_only_the_argument_that_was_changed_is_named():
    def change(first, second):
        second[0] = 9
        return second

    with pytest.raises(Fault, match="^Your function changes second, which it was only lent"):
        answer_of(change, (2,), first=np.zeros(2), second=np.zeros(2))


def test_what_is_lent_stays_as_it_was():
    mine = np.zeros(2)
    with pytest.raises(Fault):
        answer_of(lambda x: np.add(x, 1, out=x), (2,), x=mine)
    assert (mine == 0).all()


@pytest.mark.parametrize(("yours", "needed", "part"), [
    ((3, 2), (), "a sum is missing"), ((), (3,), "a single number"), ((2, 3), (3, 2), "transposed"),
    ((3,), (3, 2), "the first of these axes alone"), ((2,), (3, 2), "lacks the first axis"),
    ((4, 2), (3, 2), "one row too many"), ((2,), (3,), "one row too few"),
    ((3, 1), (3,), "an axis of length 1 too many"), ((1, 3, 1), (3,), "an axis of length 1 too many"),
])  # fmt: skip
def test_a_wrong_shape_gets_a_hint(yours, needed, part):
    assert part in hint_on_shape(yours, needed)


def test_there_is_no_hint_where_there_is_nothing_to_guess():
    assert hint_on_shape((7,), (3,)) == hint_on_shape((7, 7), (3, 2)) == ""


LOOKS = [(Verdict(True, "Right: so it is."), "✓ Right", "#0072B2"),
         (Verdict(False, "Check `a < b`."), "✗ Not yet.", "#C45100"),
         (Verdict(False, UNTOUCHED), "○ Not attempted", "#888888")]  # fmt: skip


@pytest.mark.parametrize(("verdict", "head", "color"), LOOKS)
def test_a_verdict_is_told_by_sign_word_and_colour(verdict, head, color):
    page = verdict._repr_html_()
    assert repr(verdict).startswith(head) and f"<b>{head}</b>" in page
    assert f"border-left: 4px solid {color}" in page and "max-width: 60em" in page and "var(--jp-" in page
    text = html.unescape(re.sub("<[^>]*>", "", page))
    assert text == repr(verdict).replace("`", "")


def test_what_a_student_wrote_is_escaped():
    page = check_softmax(lambda h: h["<script>alert('&')</script>"])._repr_html_()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "<code>a &lt; b</code>" in LOOKS[1][0]._repr_html_()


def test_a_verdict_is_a_pair_that_counts_as_true_when_it_passed():
    passed, message = Verdict(True, "Right.")
    assert passed and message == "Right." and Verdict(True, "Right.") and not Verdict(False, "No.")

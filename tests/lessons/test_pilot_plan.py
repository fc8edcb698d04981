"""The plan: its arithmetic, what it says where it does not fit, that it approves nothing, and that it overwrites nothing."""

import re
from dataclasses import replace

import numpy as np
import pytest
from lesson import corners

from pgedu.lessons.experiment_arithmetic import arm_size, power_of
from pgedu.lessons.pilot_plan import (
    ROLES, Plan, as_markdown, customers_needed, days_needed, fits, in_days, power_with, save, shift_needed, smallest_found,
)  # fmt: skip
from pgedu.lessons.pilot_weeks import LAST, LOOKS, SHIFTS, powers, weeks
from pgedu.panels.canvas import Canvas

ONE = Plan("Which of two?", looks=1)


def test_with_one_look_it_is_the_size_of_a_plain_test():
    assert customers_needed(ONE) == pytest.approx(arm_size(0.02, 0.022), rel=1e-5)  # but for alarms of the wrong sign
    assert days_needed(ONE) == pytest.approx(40.34, abs=0.01)
    assert power_with(ONE, 30) == pytest.approx(power_of(0.02, 0.022, 60_000), abs=1e-5)


def test_looks_by_simulation():
    plan, rng = replace(ONE, looks=3), np.random.default_rng(0)
    walks = (rng.standard_normal((3, 300_000)) + shift_needed(3, 0.8) / np.sqrt(3)).cumsum(axis=0) / np.sqrt([[1], [2], [3]])
    assert (np.abs(walks) > plan.bounds[:, None]).any(axis=0).mean() == pytest.approx(0.8, abs=0.003)
    assert 1 < customers_needed(plan) / customers_needed(ONE) < 1.03


def test_six_weeks_are_too_few_and_eight_are_not():
    six, eight = (Plan("Which of two?", weeks=weeks) for weeks in (6, 8))
    assert not fits(six) and fits(eight) and (six.test_days, eight.test_days) == (28, 42)
    page = as_markdown(six)
    assert "**IT DOES NOT FIT.**" in page and "needs 41 days, and 28 are there" in page and "2.242 %" in page
    assert "**The arithmetic fits:** the test needs 41 days, and 42" in as_markdown(eight) and "DOES NOT FIT" not in as_markdown(eight)


@pytest.mark.parametrize("plan", [Plan("?", weeks=6), Plan("?", before=0.3, after=0.25, weeks=4, looks=5), Plan("?", traffic=300)])
def test_the_smallest_change_that_is_found(plan):
    found = smallest_found(plan)
    assert np.sign(found - plan.before) == np.sign(plan.after - plan.before)
    assert power_with(plan, plan.test_days, found) == pytest.approx(plan.power, abs=1e-6)


def test_where_nothing_can_be_found():
    tiny = Plan("?", traffic=1, before=0.5, after=0.4, weeks=3)
    page = as_markdown(tiny)
    assert smallest_found(tiny) is None and "With them no change is found" in page


def test_a_draft_that_nobody_has_approved():
    page = as_markdown(ONE)
    assert page.startswith("# Pilot plan: DRAFT\n\n**Nobody has approved this.**") and "A draft while a line is empty" in page
    for role in ROLES:
        assert f"| {role} | | | |" in page
    assert "frozen within each stage" in page and "nobody's leave" in page
    assert "no legal advice" in page and len(page.split()) < 650  # a page


def test_it_is_full_of_the_students_own_numbers():
    own = Plan("Blue or green?", kpi="orders in a fortnight", tree="cups - saucers", traffic=7300, before=0.031, after=0.037,
               weeks=7, looks=3, power=0.9, ramp=0.02, holdout=0.08, later=123_456, guardrails={"sick jokes": "none at all"})  # fmt: skip
    page = as_markdown(own)
    for words in ("Blue or green?", "orders in a fortnight", "cups - saucers", "7,300", "3.1 %", "3.7 %", "90 % power",
                  "ramp to 2 %", "holdout of 8 %", "123,456", "sick jokes: none at all", "3 to 7", "3 looks", f"customers per arm: {np.ceil(customers_needed(own)):,.0f}"):  # fmt: skip
        assert words in page, words
    assert all(f": {bound:.2f}" in page for bound in own.bounds)
    assert "1,022 customers meet the new arm" in page  # 7 days, 2 %


def test_what_a_ramp_cannot_see():
    """No harm among 1,400: Wilson's upper end, z^2 / (n + z^2)."""
    assert f"up to {100 * 3.8415 / 1403.8415:.3f} %" in as_markdown(ONE)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "pilot-plan-2.md").write_text("mine")
    first, second = save(ONE, tmp_path), save(replace(ONE, weeks=6), tmp_path)
    assert (first.name, second.name) == ("pilot-plan-1.md", "pilot-plan-3.md")
    assert (tmp_path / "pilot-plan-2.md").read_text() == "mine" and first.read_text(encoding="utf-8") == as_markdown(ONE)
    assert "DOES NOT FIT" in second.read_text(encoding="utf-8")


@pytest.mark.parametrize("change", [
    {"question": " "}, {"kpi": 3}, {"tree": ""}, {"traffic": 0}, {"traffic": 2.5}, {"later": 0}, {"before": 0}, {"after": 0.02},
    {"after": 1}, {"after": -0.01}, {"weeks": 2}, {"weeks": 1e9}, {"looks": 0}, {"looks": 21}, {"power": 1}, {"power": 0.05}, {"ramp": 0}, {"ramp": 0.6},
    {"holdout": -1}, {"holdout": 0.999}, {"guardrails": {"complaints": 3}}, {"guardrails": {"": "none"}}, {"guardrails": {}}, {"guardrails": ["unsubscribes"]},
])  # fmt: skip
def test_what_is_no_plan_is_refused(change):
    with pytest.raises(ValueError, match=next(iter(change))):
        replace(ONE, **change)


def test_no_more_looks_than_days():
    with pytest.raises(ValueError, match="looks must be a whole number between 1 and 7; got 8"):
        replace(ONE, weeks=3, looks=8)
    for weeks, looks in ((3, 7), (5, 20)):
        (days,) = re.findall(r"O'Brien-Fleming; (.*?)\)", as_markdown(replace(ONE, weeks=weeks, looks=looks)))
        seen = [int(day) for day in re.findall(r"day (\d+)", days)]
        assert len(seen) == len(set(seen)) == looks and seen[0] >= 1 and seen[-1] == 7 * (weeks - 2)


@pytest.mark.parametrize("typed", ["a\n\n# APPROVED", "x\n\n| Owner of the decision | me | yes | today |", "<h1>Approved</h1>", "**approved**", "[ok](http://x)", "5 $ or 6 $"])
def test_what_is_typed_makes_no_heading_row_or_tag(typed):
    page, plain = (as_markdown(Plan(words, kpi=words, tree=words, guardrails={words: words})) for words in (typed, "words"))
    count = lambda text: [len(re.findall(pattern, text, re.M)) for pattern in (r"^#", r"^\|", r"(?<!\\)\*\*", r"(?<!\\)<", r"(?<!\\)\[")]  # noqa: E731
    assert page.count("$") == page.count("`$`") and count(page) == count(plain) and len(page.splitlines()) == len(plain.splitlines())


def test_a_test_of_nobody_is_not_said_to_fit_without_a_word():
    page = as_markdown(Plan("?", after=0.999))
    assert "needs 1 day, and" in page and "these formulas do not hold" in page and "these formulas do not hold" not in as_markdown(ONE)


def test_rates_that_are_near_one_another_are_told_apart():
    page = as_markdown(Plan("?", after=0.0200001))
    assert "2 % convert now; 2.00001 % is the smallest" in page


def test_days_are_never_rounded_into_what_is_there():
    page = as_markdown(Plan("?", looks=20))  # 42.3 days
    assert "needs 43 days, and 42 are there" in page and "DOES NOT FIT" in page
    assert days_needed(Plan("?", looks=20)) == pytest.approx(42.3, abs=0.05)


def test_one_day_is_no_days():
    assert [in_days(days) for days in (0.2, 1.0, 1.01, 2, 1234.5)] == ["1 day", "1 day", "2 days", "2 days", "1,235 days"]


def test_weeks_at_the_ends():
    for sentence, figure in corners(weeks, traffic=(500.0, 20_000.0), points=(0.05, 1.0), weeks=(3, LAST), looks=(1, LOOKS)):
        assert ("It fits" in sentence) != ("It does not fit" in sentence)
        (dot,) = [line for line in figure.axes[1].lines if line.get_gid() == "weeks"]
        assert 4 < dot.get_ydata()[0] <= 100


def test_the_picture_of_weeks_says_what_the_plan_says():
    canvas = Canvas(weeks)
    sentence = canvas.draw(traffic=4000.0, points=0.2, weeks=6, looks=2)
    assert "needs 41 days and has 28. It does not fit" in sentence and "2.242 % or more" in sentence
    (dot,) = [line for line in canvas.figure.axes[1].lines if line.get_gid() == "weeks"]
    assert dot.get_ydata()[0] == pytest.approx(100 * power_with(Plan("?", weeks=6), 28), abs=0.1)
    assert [text.get_text() for text in canvas.figure.axes[0].texts] == ["28", "41"]
    needed = canvas.figure.axes[0].patches[4]
    assert needed.get_width() == pytest.approx(days_needed(Plan("?", weeks=6)) / 7)


def test_powers_grow_from_the_level_to_certainty():
    for looks in (1, LOOKS):
        assert powers(looks)[0] == pytest.approx(0.05, abs=1e-8) and powers(looks)[-1] > 0.9999 and (np.diff(powers(looks)) > 0).all()
    assert len(SHIFTS) == 81

"""The plan of notebook 14: a pilot's numbers, whether they fit into its weeks, and a page that nobody has approved yet."""

import re
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from pathlib import Path

import numpy as np

from pgedu.arguments import number, refuse
from pgedu.gradients.intervals import wilson_interval
from pgedu.lessons.experiment_arithmetic import alarm_rates, obrien_fleming, roll_size

WEEKS_BEFORE = 2  # of the test: one for the A/A test, one for the offline check and the ramp
RATIO_ALARM = 0.001
FEW = "- **so few conversions are expected that these formulas do not hold** (they take sums for normally distributed): use exact tests\n"
ROLES = ("Owner of the decision", "May press stop, at any hour", "Data and analysis", "Customers' rights and data protection")
GUARDRAILS = {"unsubscribes": "0.6 % of those contacted", "contacts per head": "0.35 a week",
              "margin per customer": "1 % below the old arm", "complaints": "twice the usual number in a day"}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """A pilot in numbers and words. Rates are shares of customers.

    Args:
        question: what is to be decided. kpi: the one number that decides it. tree: what it is a part of. All on one line.
        traffic: new customers a day, all arms together.
        before, after: the rate now, and the nearest one that would be worth finding.
        weeks: of the pilot; the first two are for the A/A test, the offline check and the ramp.
        looks: planned ones, evenly spaced, the last at the end, at most one a day. power: chance to find the change, .5 or more.
        ramp: share of the new arm in the ramp, at most .5. holdout: share that keeps the old arm after the decision, too.
        later: customers who will come after the decision.
        guardrails: {what is watched: its limit}.
    Raises:
        ValueError: what is no such number, share or text.
    """

    question: str
    traffic: int = 4000
    before: float = 0.02
    after: float = 0.022
    weeks: int = 8
    looks: int = 2
    kpi: str = "conversion within seven days of the first contact"
    tree: str = "margin per customer = conversion x margin of an order - contacts - returns"
    power: float = 0.8
    ramp: float = 0.05
    holdout: float = 0.05
    later: int = 1_000_000
    guardrails: dict = field(default_factory=lambda: dict(GUARDRAILS))

    def __post_init__(self):
        for name in ("question", "kpi", "tree"):
            _words(name, getattr(self, name))
        for name in ("traffic", "later"):
            number(name, getattr(self, name), 1, whole=True)
        number("weeks", self.weeks, WEEKS_BEFORE + 1, 52, whole=True)
        number("looks", self.looks, 1, min(20, self.test_days), whole=True)
        for name, low, high in (("before", 0, 1), ("after", 0, 1), ("power", 0.5, 1), ("ramp", 0, 0.5), ("holdout", 0, 0.5)):
            if number(name, getattr(self, name), low, high) in (0, 1):
                raise refuse(name, "between 0 and 1", getattr(self, name))
        if self.before == self.after:
            raise refuse("after", "another rate than before", self.after)
        if not isinstance(self.guardrails, dict) or not self.guardrails:
            raise refuse("guardrails", "a dict from what is watched to its limit", self.guardrails)
        for each in (*self.guardrails, *self.guardrails.values()):
            _words("guardrails", each)

    @property
    def test_days(self):
        """Days that are left for the test."""
        return 7 * (self.weeks - WEEKS_BEFORE)

    @property
    def bounds(self):
        """[looks], of |z|: O'Brien and Fleming's."""
        return bounds_of(self.looks)


@cache
def bounds_of(looks):
    """O'Brien and Fleming's bounds for so many looks."""
    return obrien_fleming(looks)


@cache
def shift_needed(looks, power):
    """Expectation of z at the last look that is found with this power, by bisection."""
    low, high = 0.0, 20.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if alarm_rates(bounds_of(looks), middle)[-1] < power else (low, middle)
    return high


def shift_of(plan, size, after=None):
    """Expectation of z at the last look, with `size` customers per arm."""
    after = plan.after if after is None else after
    variance = plan.before * (1 - plan.before) + after * (1 - after)
    return abs(after - plan.before) * np.sqrt(size / variance)


def power_with(plan, days, after=None):
    """The chance that a test of so many days finds the change, looks and their bounds included."""
    return float(alarm_rates(plan.bounds, shift_of(plan, plan.traffic * days / 2, after))[-1])


def customers_needed(plan):
    """Per arm, for the power that is wanted, looks and their bounds included."""
    return (shift_needed(plan.looks, plan.power) / shift_of(plan, 1.0)) ** 2


def days_needed(plan):
    """For the test alone."""
    return 2 * customers_needed(plan) / plan.traffic


def smallest_found(plan):
    """The `after` nearest to `before`, on its side, that the days of the test find with the power that is wanted, or None."""
    size, wanted = plan.traffic * plan.test_days / 2, shift_needed(plan.looks, plan.power)
    near, far = plan.before, 1 - 1e-9 if plan.after > plan.before else 1e-9
    if shift_of(plan, size, far) < wanted:
        return None
    for _ in range(60):
        middle = (near + far) / 2
        near, far = (near, middle) if shift_of(plan, size, middle) >= wanted else (middle, far)
    return far


def fits(plan):
    """Whether the test fits into its days."""
    return bool(days_needed(plan) <= plan.test_days)


def percent(rate, digits=4):
    """A rate in per cent."""
    return f"{100 * rate:.{digits}g} %"


def in_days(days):
    """Days as a whole number that is enough, in words."""
    return f"{ceil(days):,} day{'s' if days > 1 else ''}"


def _words(name, value):
    if not isinstance(value, str) or not value.strip():
        raise refuse(name, "words", value)


def _line(words):
    """What somebody typed, on one line and without any meaning in Markdown: it can make no heading, row or tag of its own."""
    plain = re.sub(r"([\\`*_#|<>\[\]~&])", r"\\\1", " ".join(words.split()))
    return plain.replace("$", "`$`")  # else JupyterLab takes what is between two dollars for a formula, backslash or not


def as_markdown(plan):
    """One page in Markdown: a draft, and full of the plan's own numbers."""
    return "\n\n".join([_head(plan), _numbers(plan), _weeks(plan), _rules(plan), _people()]) + "\n"


def _head(plan):
    return (
        "# Pilot plan: DRAFT\n\n**Nobody has approved this.** It is arithmetic from an exercise, with the numbers that were typed in. It allows "
        "nothing to be switched on. It is no legal advice.\n\n"
        f"**To be decided:** {_line(plan.question)}\n\n**By one number:** {_line(plan.kpi)}. It is fixed now; all others explain or guard. "
        f"In the KPI tree: {_line(plan.tree)}."
    )


def _verdict(plan):
    days, found = in_days(days_needed(plan)), smallest_found(plan)
    if fits(plan):
        return f"**The arithmetic fits:** the test needs {days}, and {plan.test_days} are there."
    least = f"With them one finds {percent(found)} or further away" if found is not None else "With them no change is found"
    return (
        f"**IT DOES NOT FIT.** The test needs {days}, and {plan.test_days} are there. {least}. More weeks, more traffic, a larger "
        f"effect, or test and roll with a smaller test: choose before the start, and write it into the scope."
    )


def _numbers(plan):
    sigma = np.sqrt(plan.before * (1 - plan.before))
    few = ceil(customers_needed(plan)) * min(*(rate * (1 - rate) for rate in (plan.before, plan.after))) < 10
    roll = roll_size(plan.later, sigma, abs(plan.after - plan.before))
    return (
        f"## Numbers and assumptions\n\n{_verdict(plan)}\n\n"
        f"- new customers a day: {plan.traffic:,}, each counted once, and independent of one another\n"
        f"- {percent(plan.before, 12)} convert now; {percent(plan.after, 12)} is the smallest change worth finding, with {100 * plan.power:.0f} % power, two-sided at 5 %\n"
        f"- customers per arm: {ceil(customers_needed(plan)):,}, {plan.looks} look{'s' if plan.looks > 1 else ''} included; "
        f"with {plan.test_days} days the power is {100 * power_with(plan, plan.test_days):.0f} %\n"
        f"{FEW if few else ''}- the effect is the same in each week; weekends are in full weeks\n"
        f"- if only profit counted, {plan.later:,} customers were still to come, and rates of arms scattered by that change: n* = {roll:,.0f} per arm"
    )


def _weeks(plan):
    ramped = plan.traffic * 7 * plan.ramp
    test = "3" if plan.weeks == 3 else f"3 to {plan.weeks}"
    unseen = wilson_interval(0, max(round(ramped), 1))[1]
    return (
        "## Weeks\n\n| week | what | the owner may start the next stage if |\n|---|---|---|\n"
        "| 0 | scope, KPI tree, owner; log of customer (pseudonym), time, stage, version of the policy, arm, **propensity**, KPI, guardrails | all of it is written down |\n"
        f"| 1 | A/A test, 50/50; the kill switch is tried out | sample ratio p ≥ {RATIO_ALARM}, no KPI differs (p < 0.01), every decision has its propensity |\n"
        f"| 2 | offline check on the log; then a ramp to {percent(plan.ramp)}, guardrails only: no effect is read | no guardrail is crossed |\n"
        f"| {test} | 50/50, {plan.test_days} days | sample ratio each day; looks at the bounds below alone |\n"
        f"| after | decision; rollout with a holdout of {percent(plan.holdout)} | propensities are logged on |\n\n"
        f"In the ramp about {ramped:,.0f} customers meet the new arm. A harm that none of them shows may still strike up to {percent(round(unseen, 5))} "
        "of customers (95 %). The policy is frozen within each stage. Stages are never pooled."
    )


def _rules(plan):
    days = np.rint(plan.test_days * np.arange(1, plan.looks + 1) / plan.looks).astype(int)
    looks = "; ".join(f"day {day}: {bound:.2f}" for day, bound in zip(days, plan.bounds))
    rails = "\n".join(f"- {_line(name)}: {_line(limit)}" for name, limit in plan.guardrails.items())
    return (
        f"## Stopping rule\n\nStop for an effect only where |z| exceeds its bound (O'Brien-Fleming; {looks}). Otherwise stop at day {plan.test_days}. "
        "Crossed on the side of the change: the owner may decide for the new arm. No bound crossed (not found), or one on the other side: the old arm stays. "
        "What wins is expected to be smaller than it looks.\n\n"
        f"## Guardrails and kill switch\n\nAny of these stops the pilot at once, and all customers get the old arm:\n\n{rails}\n"
        f"- sample ratio p < {RATIO_ALARM}: stop, and look for the fault before looking at results\n\n"
        "Whoever presses the kill switch needs nobody's leave. Starting again does.\n\n"
        "Objections to direct marketing, and to profiling for it, are carried out at once, in both arms and in training data. No decision with legal or similarly "
        "significant effects on a person is left to the policy alone."
    )


def _people():
    rows = "\n".join(f"| {role} | | | |" for role in ROLES)
    return (
        "## Who decides, and when\n\nStart of each stage, decision and rollout: the owner, in writing, on the rule above. Stop: whoever may press it.\n\n"
        f"| role | name | agrees (yes or no) | date |\n|---|---|---|---|\n{rows}\n\nA draft while a line is empty. Whether full lines are an approval is for your own house to say, and not for this page."
    )


def save(plan, folder="."):
    """Write the page into a folder, as pilot-plan-1.md or the next number that is free, and return its path. Never overwrites."""
    for count in range(1, 10_000):
        path = Path(folder) / f"pilot-plan-{count}.md"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(as_markdown(plan))
        except FileExistsError:
            continue
        return path
    raise refuse("folder", "one with fewer than 10,000 plans", folder)

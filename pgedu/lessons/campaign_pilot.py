"""Pictures of notebook 14: a pilot under five ways to divide the customers, and what a least share for each arm costs."""

from functools import cache, partial

import numpy as np

from pgedu.lessons.experiment_arithmetic import NORMAL, alarm_rates, arm_size, obrien_fleming
from pgedu.lessons.pilot_plan import in_days
from pgedu.lessons.pilot_runs import (
    BASE, DAYS, METHODS, RUNS, TEST_DAYS, Z, alarms, at, delta_of, luck, pilots, quiet_scores, table_of, thompson,
)  # fmt: skip
from pgedu.panels.look import COLORS, key, label, tidy

HUES = {name: COLORS[name] for name in METHODS}
SHORT = {"fixed": "fixed", "test and roll": "test & roll", "Thompson": "Thompson", "Thompson, floor 10 %": "floor 10 %",
         "gradient bandit": "gradient\nbandit"}  # fmt: skip
BOUNDS = {"1.96 each time": lambda looks: np.full(looks, Z), "O'Brien-Fleming": obrien_fleming}
FLOORS = np.round(np.arange(0, 0.51, 0.025), 3)


@cache
def alarm_rate(method, bounds, looks, days):
    """The chance of a false alarm, whatever the traffic: exactly where customers are halved, by simulation elsewhere."""
    limits = BOUNDS[bounds](looks)
    return float(alarm_rates(limits)[-1] if method == "fixed" else alarms(method, limits, days))


def outcome(method, traffic, effect, days):
    """(conversions lost, chance that the better arm is ahead at the end); `effect` is a difference of rates."""
    delta = delta_of(traffic, effect)
    if method == "fixed":
        return effect * traffic * days / 2, NORMAL.cdf(delta * np.sqrt(days) / 2)
    table = table_of(method)
    wasted, right = at(table.wasted, delta)[days - 1], float(np.clip(at(table.right, delta)[days - 1], 0, 1))
    if method == "test and roll" and days > TEST_DAYS:  # exactly: half of the test, and all of the rest if it misleads
        wasted = TEST_DAYS / 2 + (days - TEST_DAYS) * NORMAL.cdf(-delta * np.sqrt(TEST_DAYS) / 2)
    return effect * traffic * wasted, right


def shares(method, delta):
    """[2, 3, T]: the better arm's share of the customers, mean and what 8 of 10 pilots lie between; the same of A/A tests."""
    if method == "fixed":
        return np.full((2, 3, DAYS), 0.5)
    table = table_of(method)
    curves = table.share, table.low, table.high
    return np.array([[np.clip(at(each, delta), 0, 1) for each in curves], [each[0] for each in curves]])


def days_of_test(traffic, effect, power=0.8):
    """How long a fixed test of two halves takes that finds the effect with this chance, looking once."""
    return 2 * arm_size(BASE, BASE + effect, power=power) / traffic


def pilot(figure):
    """Who gets which arm, week by week, and what each method that was chosen so far loses, decides and alarms."""
    axes = figure.subplot_mosaic("SLRA", width_ratios=[2.1, 1, 1, 1])
    allocation = _Allocation(axes["S"])
    titles = "conversions\nlost", "better arm\nahead, %", "false alarms\nin A/A, %"
    bars = [_Bars(axes[place], title) for place, title in zip("LRA", titles)]
    axes["L"].set_yticks(range(len(METHODS)), list(SHORT.values()))
    chosen = set()  # so far: no bar tells what was not asked for, and nobody simulates it

    def draw(method, traffic, points, looks, bounds, weeks):
        chosen.add(method)
        days, effect, traffic = 7 * weeks, points / 100, round(traffic)
        allocation.show(method, delta_of(traffic, effect), weeks)
        found = {name: (*outcome(name, traffic, effect, days), alarm_rate(name, bounds, looks, days)) for name in chosen}
        lost, right, alarm = np.array([found.get(name, (0, 0, 0)) for name in METHODS]).T
        bars[0].show(lost, method, chosen, 1.7 * outcome("fixed", traffic, effect, days)[0], "{:,.0f}".format)
        bars[1].show(100 * right, method, chosen, 165, _nearly)
        bars[2].show(100 * alarm, method, chosen, 60, "{:.1f}".format)
        return _in_words(method, found[method], looks, days_of_test(traffic, effect), days)

    return draw


class _Allocation:
    """The better arm's share of the customers, mean and 8 of 10 pilots; in grey the same where both arms are alike."""

    def __init__(self, axes):
        tidy(axes, "share of the better arm (grey: A/A)", "week").set(xlim=(0, 8.6), ylim=(-0.02, 1.02))
        self.weeks = np.arange(DAYS + 1) / 7
        self.quiet = axes.fill_between([], [], facecolor="0.85", edgecolor="0.55", linewidth=1.2)
        self.band = axes.fill_between([], [], alpha=0.3, linewidth=0)
        (self.mean,) = axes.plot([], [], linewidth=2.5)
        (self.end,) = axes.plot([], [], "o", markersize=9, color="black", gid="weeks")

    def show(self, method, delta, weeks):
        days = 7 * weeks
        (mean, low, high), quiet = shares(method, delta)[..., :days]
        x = self.weeks[:days] + 1 / 14
        self.quiet.set_data(x, *quiet[1:])
        self.band.set_data(x, low, high)
        self.band.set_color(HUES[method])
        self.mean.set(data=(x, mean), color=HUES[method])
        self.end.set_data([weeks], [mean[-1]])


class _Bars:
    """One number for each method that was chosen so far; the present one in full colour."""

    def __init__(self, axes, title):
        tidy(axes, title)
        axes.set(xlim=(0, 1), ylim=(len(METHODS) - 0.5, -0.5), yticks=range(len(METHODS)), yticklabels=[], xticks=[])
        axes.grid(visible=False)
        axes.spines["bottom"].set_visible(False)
        axes.tick_params(left=False)
        self.bars = axes.barh(range(len(METHODS)), np.ones(len(METHODS)), 0.62, color=list(HUES.values()))
        self.words = [label(axes, 0, i, "") for i in range(len(METHODS))]

    def show(self, values, now, chosen, most, form):
        for bar, words, name, value in zip(self.bars, self.words, METHODS, values):
            width = value / most if name in chosen else 0.0  # not by the limits of the axes: they would be drawn anew
            bar.set_width(width)
            bar.set(facecolor=(HUES[name], 1.0 if name == now else 0.35), edgecolor=HUES[name], linewidth=1.2 * (name in chosen))
            said = form(value) if name in chosen else "?"
            words.set(text=said, x=width + 0.03, fontweight="bold" if name == now else "normal")


def _nearly(percent):
    """A chance in per cent that is not rounded to certainty."""
    return f"{percent:.1f}" if percent < 99.95 else "> 99.9"


def _in_words(method, numbers, looks, needed, days):
    lost, right, alarm = numbers
    said = f"{method[0].upper()}{method[1:]}: {lost:,.0f} conversions lost, the better arm is ahead in {_nearly(100 * right)} % of pilots"
    seen = "one look" if looks == 1 else f"{looks} looks"
    fits = "fits" if needed <= days else "does not fit"
    return (
        f"{said}, and with {seen} an A/A test gives a false alarm in {100 * alarm:.1f} %. "
        f"A fixed test with one look and 80 % power takes {in_days(needed)}: it {fits} into {days}."
    )


def by_floor(floors=FLOORS):
    """Over floors: conversions lost; and in %: false alarms, bias of the worse arm's mean, plain and weighted, and its spread."""
    return np.array([_at_floor(floor) for floor in floors]).T


@cache
def _at_floor(floor, traffic=4000, effect=0.002):
    p = BASE + effect / 2
    unit = 100 * np.sqrt(p * (1 - p) / traffic) / BASE  # the deviation of a day's mean, in % of the rate
    found = pilots(thompson(floor), delta_of(traffic, effect), luck(14, RUNS))
    lost = effect * traffic * (1 - found.shares).mean(axis=1).sum()
    alarm = 100 * (np.abs(quiet_scores(partial(thompson, floor))[-1]) > Z).mean()
    weighted = unit * found.weighted[0]
    return lost, alarm, unit * found.means[0].mean(), weighted.mean(), weighted.std()


def floors(figure):
    """What a least share for each arm costs in conversions, and what it saves in false alarms and bias."""
    axes = figure.subplots(1, 3)
    titles = "conversions lost", "false alarms in A/A tests, %", "worse arm's mean: bias, %"
    for each, title, limits in zip(axes, titles, ((0, 240), (0, 14), (-5, 1))):
        tidy(each, title, "floor").set(xlim=(-0.01, 0.51), ylim=limits, xticks=[0, 0.1, 0.2, 0.3, 0.4, 0.5])
    axes[1].axhline(5, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    axes[2].axhline(0, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    hue = HUES["Thompson, floor 10 %"]
    lines = [each.plot([], [], color=hue)[0] for each in axes]
    dots = [each.plot([], [], "o", color=hue, markersize=9, gid="floor" if each is axes[0] else None)[0] for each in axes]
    (weighted,) = axes[2].plot([], [], ":", linewidth=3, color=COLORS["IS"], label="IPS")
    lines[2].set_label("plain mean")
    key(axes[2], lines[2], weighted).set(loc="lower right", bbox_to_anchor=(1.0, 0.02))

    def draw(floor):
        known = FLOORS[: np.searchsorted(FLOORS, floor - 1e-9) + 1]  # what lies beyond is not shown yet
        values = by_floor(known)
        here = np.array([np.interp(floor, known, row) for row in values])
        seen = np.append(FLOORS[FLOORS < floor - 1e-9], floor)
        for line, dot, row, value in zip(lines, dots, values, here):
            line.set_data(seen, np.interp(seen, known, row))
            dot.set_data([floor], [value])
        sound = seen[seen >= 0.025]  # a propensity of nearly 0 has a weight without limit
        weighted.set_data(sound if len(sound) else [np.nan], np.interp(sound, known, values[3]) if len(sound) else [np.nan])
        return _of_floor(floor, here)

    return draw


def _of_floor(floor, here):
    lost, alarm, bias, weighted, spread = here
    ips = "IPS has no use, since propensities fall to nearly 0"
    if floor >= 0.025:
        ips = f"IPS is {_off(weighted)} on average, and in one pilot off by ± {spread:.1f} %"
    return (
        f"Each arm has at least {100 * floor:.1f} % of the customers. {lost:.0f} conversions are lost, {alarm:.1f} % of A/A tests alarm, "
        f"and the worse arm's own mean is {_off(bias)}; {ips}."
    )


def _off(bias):
    """A bias in per cent, in words."""
    return "right" if abs(bias) < 0.05 else f"{abs(bias):.1f} % too {'low' if bias < 0 else 'high'}"

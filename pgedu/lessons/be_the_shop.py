"""Notebook 00, before anything is learned: a student is the shop, and sees what a year of offers brings."""

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from pgedu.experience.rollouts import collect
from pgedu.lessons.worlds import LEAST
from pgedu.panels.views import COLORS, World, key, tidy
from pgedu.panels.world_type import ACTIONS
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import campaign

CUSTOMERS, MONTHS, PIXELS = 20, 12, 6  # the last: rows of the image for each customer
KINDS = ["curious", "loyal", "lost"]
CURIOUS, LOYAL, LOST = range(3)
FACES = np.array([to_rgb(color) for color in ("#DDD6C0", "#6DBBA5", "#FFFFFF")])  # of curious, loyal, lost: a cell each
NO_OFFER = (np.nan, np.nan)
customers = campaign(gamma=1.0)
same_for_all = Policy.softmax(Table(observations=3, outputs=2))


def a_year(offers, rng):
    """Twelve months of twenty customers; in each, everybody gets an offer with probability offers / 20.

    Returns (kinds [12, 20] at the start of each month, offered [12, 20] bool, money [12, 20] that came in).
    """
    share = np.clip(offers / CUSTOMERS, LEAST, 1.0)
    theta = np.log(np.tile([np.maximum(1 - share, LEAST), share], (3, 1)))  # the shop does not see who is who
    rollout = collect(customers, same_for_all, theta.ravel(), episodes=CUSTOMERS, rng=rng)
    there = rollout.mask > 0
    kinds = np.where(there, rollout.observations[:-1], LOST)
    return (_whole(each) for each in (kinds, there & (rollout.actions == 1), rollout.rewards))


def _whole(months):
    """[12, 20] from the months [T, 20] until the last customer was lost."""
    fill = LOST if months.dtype.kind == "i" else 0
    return np.concatenate([months, np.full((MONTHS - len(months), CUSTOMERS), fill, dtype=months.dtype)])


def be_the_shop(figure):
    """The view: how customers change and what they pay, one year of twenty, and what the student's years brought."""
    grid = figure.add_gridspec(2, 2, height_ratios=[5, 6], width_ratios=[3, 2])
    world = World(tidy(figure.add_subplot(grid[0, :])), customers, KINDS, ["wait", "offer"])
    cells, marks = _calendar(tidy(figure.add_subplot(grid[1, 0]), "twenty customers", "month (white: lost)"))
    tried, now = _years(figure.add_subplot(grid[1, 1]))
    years = []

    def draw(offers, rng):
        kinds, offered, money = a_year(offers, rng)
        world.show(np.tile([1 - offers / CUSTOMERS, offers / CUSTOMERS], (3, 1)))
        order = np.lexsort((-(kinds == LOYAL).sum(axis=0), (kinds == LOST).sum(axis=0)))  # who stayed longest comes first
        cells.set_data(_apart(FACES[kinds[:, order].T]))
        row, month = np.nonzero(offered[:, order].T)
        marks.set_offsets(np.column_stack([month + 1, row + 1]) if len(row) else [NO_OFFER])
        years.append((offers, money.sum()))
        tried.set_data(*np.transpose(years))
        now.set_data([offers], [money.sum()])
        return _told(offers, kinds, offered, money.sum())

    return draw


def _apart(rows):
    """Rows of an image [20, 12, 3], each with a white line below it: [120, 12, 3]."""
    image = np.repeat(rows, PIXELS, axis=0)
    image[PIXELS - 1 :: PIXELS] = 1
    return image


def _calendar(axes):
    """(cells, marks of offers): a row for each customer, a column for each month."""
    extent = (0.5, MONTHS + 0.5, CUSTOMERS + 0.5, 0.5)
    cells = axes.imshow(np.ones((CUSTOMERS, MONTHS, 3)), aspect="auto", extent=extent, interpolation="nearest")
    marks = axes.scatter([], [], s=16, color=ACTIONS[1], linewidths=0, label="offer")
    key(axes, *(Patch(color=face, label=kind) for face, kind in zip(FACES, KINDS[:LOST])), marks)
    axes.set(xticks=range(1, MONTHS + 1), yticks=[])
    axes.grid(False)
    return cells, marks


def _years(axes):
    """(line of all years so far, marker of this one): money against the number of offers."""
    tidy(axes, "what your years brought", "offers to so many of the 20")
    axes.set(xlim=(-0.8, 20.8), ylim=(-40, 140), xticks=range(0, 21, 5))
    (tried,) = axes.plot([], [], "o", color=COLORS["reward to go"], alpha=0.8, markersize=6, markeredgewidth=0)
    (now,) = axes.plot([], [], "o", color=COLORS["reward to go"], markersize=9, gid="offers")
    return tried, now


def _told(offers, kinds, offered, money):
    """The year in a sentence."""
    given, loyal, left = offered.sum(), (kinds == LOYAL).sum(), (kinds[-1] != LOST).sum()
    return (
        f"Offers to about {offers} of 20 a month: {given} offers cost {given}, {loyal} months of loyal customers brought "
        f"{2 * loyal}. The year brought {money:.0f}, or {money / CUSTOMERS:.2f} a customer. "
        f"{left} of 20 are still customers in month 12."
    )

"""The desk of notebook 13: a bot that handles one ticket after another, its policy as a map, and what it does in words."""

from typing import NamedTuple

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch

from pgedu.experience.rollouts import collect
from pgedu.gradients.exact import exact_return
from pgedu.panels.look import COLORS, key, label, tidy
from pgedu.panels.world_type import ACTIONS
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.tickets import tickets

FACTS, ANSWER, SEARCH, HAND_OVER = 3, 0, 1, 2  # facts known: 0, 1 or 2
NAMES = ("answers", "searches", "hands over")
HUMAN = 0.4  # what handing over pays in this notebook's shop
WIDTH, TALL = 20, 16  # pixels of a cell of the map, the last ones white: room for shares of about 5 %
shop = tickets(handover=HUMAN)
bot = Policy.softmax(Table(shop.n_states, shop.n_actions))
CERTAIN = 60.0  # a preference that leaves nothing to chance


def sure(actions, choices=3):
    """theta [*R, S * choices] of a table that takes these actions [*R, S] and no others."""
    return CERTAIN * np.eye(choices)[np.asarray(actions)].reshape(*np.shape(actions)[:-1], -1)


def rule(enough, late=ANSWER, turns=4):
    """What somebody does who searches until so many facts are known, [S]; `late`: in the last turn with less."""
    facts = np.tile(np.arange(FACTS), turns)
    actions = np.where(facts >= enough, ANSWER, SEARCH)
    last = slice(FACTS * (turns - 1), None)
    actions[last] = np.where(facts[last] >= enough, ANSWER, late)
    return np.append(actions, ANSWER)  # the end: nobody acts


class Ticket(NamedTuple):
    """One ticket: facts known at each turn and what was done [n], what came of each step in words, what it paid."""

    facts: np.ndarray
    actions: np.ndarray
    words: list
    pays: float


def told(observations, actions, rewards, mask):
    """A `Ticket` from the columns of one episode: observations [T + 1], the others [T]. Observations are states."""
    n = int(mask.sum())
    facts, end = observations[:n] % FACTS, observations.max()  # the end has the highest number, if it was reached
    words = []
    for t in range(n):
        after = observations[t + 1] % FACTS if observations[t + 1] < end else None
        words.append(f"turn {t + 1}: {_step(facts[t], actions[t], after)}")
    return Ticket(facts, actions[:n], words, float((rewards * mask).sum()))


def _step(facts, action, after):
    known = ("nothing known", "1 fact", "2 facts")[facts]
    if action == SEARCH:
        found = "out of turns, no answer" if after is None else "finds a fact" if after > facts else "finds nothing"
        return f"searches, {found}"
    return f"{NAMES[action]} with {known}" if facts or action == ANSWER else f"{NAMES[action]}, {known}"


def one_ticket(rollout, column=()):
    """The `Ticket` in a column of a rollout: (run, episode), or (episode,) where there is no axis of runs."""
    columns = (each[(slice(None), *column)] for each in (rollout.observations, rollout.actions, rollout.rewards, rollout.mask))
    return told(*columns)


class desk:  # noqa: N801 - a verb to its users, as `reinforce` is
    """An iterator of tickets that are handled by a rule; `enough` and `late` may change at any time."""

    enough, late = 0, ANSWER

    def __init__(self, rng):
        self.rng = rng

    def __iter__(self):
        return self

    def __next__(self):
        theta = sure(rule(self.enough, self.late))
        return one_ticket(collect(shop, bot, theta, episodes=1, rng=self.rng), (0,))


class Map:
    """What a bot does, cell by cell: facts known upwards, turns to the right; the share of each action as an area."""

    def __init__(self, axes, turns=4, names=NAMES):
        self.axes, self.turns = tidy(axes, "", "turn", "facts known"), turns
        self.cells = axes.imshow(np.ones((FACTS, 1, 3)), aspect="auto", origin="lower", interpolation="nearest")
        (self.path,) = axes.plot([], [], "-o", color="black", linewidth=2.5, markersize=8)
        axes.set(yticks=range(FACTS))
        axes.grid(False)
        key(axes, *(Patch(color=color, label=name) for color, name in zip(ACTIONS, names)))
        self.resize(turns)

    def resize(self, turns):
        """So many turns; the pen of the path is lifted."""
        self.turns = turns
        self.cells.set_extent((0.5, turns + 0.5, -0.5, FACTS - 0.5))
        self.axes.set(xlim=(0.5, turns + 0.5), ylim=(-0.5, FACTS - 0.5), xticks=range(1, turns + 1))

    def show(self, chances, ticket=None):
        """chances [S, A] of the states turn by turn, [FACTS * turns] of them or one more (the end)."""
        shares = np.asarray(chances)[: FACTS * self.turns].reshape(self.turns, FACTS, -1).swapaxes(0, 1)
        self.cells.set_data(_image(shares))
        if ticket is not None:
            self.path.set_data(np.arange(len(ticket.facts)) + 1, ticket.facts)


def _image(shares):
    """[FACTS * TALL, turns * WIDTH, 3] from shares [FACTS, turns, A]: areas side by side; white where nobody comes."""
    edges = (np.arange(WIDTH - 1) + 0.5) / (WIDTH - 1)
    which = (edges[:, None] > np.cumsum(shares, axis=-1)[..., None, :-1]).sum(axis=-1)  # [FACTS, turns, WIDTH - 1]
    colors = np.ones((*shares.shape[:2], WIDTH, 3))
    colors[:, :, :-1] = np.array([to_rgb(color) for color in ACTIONS])[which]
    facts, turn = np.ogrid[: shares.shape[0], : shares.shape[1]]
    colors[facts > turn] = 1  # so many facts cannot have been found by then
    image = np.repeat(colors.reshape(shares.shape[0], -1, 3), TALL, axis=0)
    image[TALL - 1 :: TALL] = 1
    return image


def by_rule(figure):
    """The view: the rule as a map with the newest ticket on it, that ticket in words, and what each rule earns."""
    chart, words, axes = desk_axes(figure)
    tried, sampled, here = _earnings(axes)
    seen, exact, last = [], {}, None

    def draw(new, enough, late):
        nonlocal last
        actions = rule(enough, late)
        if last is not None and last[:2] != (enough, late):
            seen.clear()
        seen.extend(ticket.pays for ticket in new)
        exact[enough, late] = float(exact_return(shop, bot, sure(actions)))
        last = (enough, late, new[-1] if new else last[2] if last else None)
        chart.show(np.eye(3)[actions], last[2])
        words.set_text("\n".join(last[2].words) if last[2] else "")
        tried.set_data([k for k, _ in exact], list(exact.values()))
        here.set_data([enough], [exact[enough, late]])
        mean = np.mean(seen) if seen else exact[enough, late]
        sampled.set_data([enough], [mean])
        latest = f" The latest ticket: {'; '.join(last[2].words)}." if last[2] else ""
        return f"{_handled(seen, mean)}; its exact J is {exact[enough, late]:.3f}.{latest}"

    return draw


def _handled(pays, mean):
    """How many tickets there were, and what they brought."""
    if len(pays) > 1:
        return f"{len(pays):,} tickets of this rule brought {mean:.2f} each"
    return f"1 ticket of this rule brought {mean:.2f}" if pays else "No ticket of this rule yet"


def _earnings(axes):
    """(dots of the rules that were tried, line at the mean of the tickets, dot of the present rule)."""
    tidy(axes, "what the rule earns", "facts it wants before it answers")
    axes.set(xlim=(-0.3, 2.3), ylim=(-0.2, 1.0), xticks=range(FACTS))
    label(axes, -0.25, -0.13, "dot: exact J; line: mean of its tickets")
    (tried,) = axes.plot([], [], "o", color="0.55", markersize=9)
    (sampled,) = axes.plot([], [], "_", color=COLORS["reward to go"], markersize=40, markeredgewidth=3)
    (here,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=11, gid="enough")
    return tried, sampled, here


def desk_axes(figure):
    """(map, words of the latest ticket, axes for J) of a picture of the desk."""
    axes = figure.subplot_mosaic("MJ;WJ", width_ratios=[1.15, 1], height_ratios=[1.35, 1])
    return Map(axes["M"]), transcript(axes["W"]), axes["J"]


def transcript(axes):
    """A place for lines of words. Returns the text."""
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.set_axis_off()
    axes.set_title("the latest ticket", loc="left")
    return label(axes, 0.0, 1.0, "", va="top", linespacing=1.5)

"""The bug museum of notebook 13: what programs that train agents have really climbed, exactly, for a bot with one knob."""

from typing import NamedTuple

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.lessons.ticket_desk import FACTS, SEARCH
from pgedu.lessons.tool_masks import TURNS, policy
from pgedu.panels.look import COLORS, key, tidy
from pgedu.worlds.tickets import tickets

SHARES = np.round(np.arange(0.02, 0.981, 0.02), 2)
LIMIT = 1.25  # of the picture
TRUTH = 0.7  # how often a search finds something


class Exhibit(NamedTuple):
    """A mistake in public: its story, its thread, and what it adds to each search; None: its own words are not trained."""

    name: str
    story: str
    thread: str
    extra: object  # (strength, belief) -> reward added to a search that may find something, and to any other


def _leak(strength, belief):
    """- beta E[log p(word) - log p_ref(word)] over what the tool really writes, for a reference that knows the truth."""
    divergence = TRUTH * np.log(TRUTH / belief) + (1 - TRUTH) * np.log((1 - TRUTH) / (1 - belief))
    return strength * divergence, 0.0


EXHIBITS = [
    Exhibit("the mask inverted", "Only what the environment wrote was trained.", "mll-lab-nu/RAGEN#71", None),
    Exhibit("KL of the tool's words",
            "The penalty for leaving the reference counted the tool's words, too, in the returns of the bot's.",
            "THUDM/slime#1372", _leak),
    Exhibit("a bonus for each call", "Each call of the tool was paid, right answer or not.", "Visual-Agent/DeepEyes#83",
            lambda strength, belief: (strength, strength)),
]  # fmt: skip


def climbed(exhibit, share, strength, belief):
    """What bots that search with these chances [N] in every state really earn, and what the mistaken program climbs: [N]."""
    world = tickets()
    share = np.atleast_1d(share)
    theta = np.tile(np.log(np.stack([1 - share, share], axis=-1)), world.n_states)
    true = exact_return(world, policy, theta)
    if exhibit.extra is None:
        return true, np.full(len(share), np.nan)
    solution = world.solve(policy, theta)
    searches = solution.visits * solution.probabilities[..., SEARCH]
    states = np.arange(world.n_states)
    telling = (states % FACTS < FACTS - 1) & (states < FACTS * (TURNS - 1))
    finding, others = exhibit.extra(strength, belief)
    return true, true + finding * searches[:, telling].sum(axis=-1) + others * searches[:, ~telling].sum(axis=-1)


def museum(figure):
    """The view: true J and what is climbed, over how often the bot searches; the tops of both."""
    true, best, wrong, top, here = _artists(tidy(figure.subplots(), "", "chance of a search, in every state"))

    def draw(exhibit, share, strength, belief):
        J, paid = climbed(exhibit, SHARES, strength, belief)
        flat = exhibit.extra is None
        now = float(climbed(exhibit, share, strength, belief)[0][0])
        paid = np.full(len(SHARES), now) if flat else paid
        summit = share if flat else SHARES[paid.argmax()]
        end = now if flat else J[paid.argmax()]
        true.set_data(SHARES, J)
        wrong.set_data(SHARES, paid)
        top.set_data([summit], [min(paid.max(), LIMIT - 0.04)])
        best.set_data([SHARES[J.argmax()]], [J.max()])
        here.set_data([share], [now])
        where = "It stays where it is" if flat else f"It climbs to {summit:.2f}"
        best_of_all = f"the best of these bots has {J.max():.3f}"
        return f"{exhibit.story} {where}, where the true J is {end:.3f}; {best_of_all}. See {exhibit.thread}."

    return draw


def _artists(axes):
    """(true J, its top, what is climbed, its top, the bot that is chosen)."""
    axes.set(xlim=(0, 1), ylim=(-0.3, LIMIT))
    (true,) = axes.plot([], [], color=COLORS["exact"], label="true J")
    (wrong,) = axes.plot([], [], color=COLORS["total return"], label="what the program climbs")
    (top,) = axes.plot([], [], "^", color=COLORS["total return"], markersize=11, label="its top")
    (best,) = axes.plot([], [], "^", color=COLORS["exact"], markersize=11, label="top of J")
    (here,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=10, gid="share")
    key(axes, true, best, wrong, top)
    return true, best, wrong, top, here

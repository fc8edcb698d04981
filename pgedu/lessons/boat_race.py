"""The boat race of notebook 11, as a ring of tiles: what is paid, what is meant, and the exact ascent of what is paid.

After the boat race of Leike et al. (2017), AI Safety Gridworlds.
"""

from typing import NamedTuple

import numpy as np

from pgedu.arguments import number
from pgedu.gradients.exact import exact_gradient, exact_return
from pgedu.lessons.worlds import probabilities, walk
from pgedu.panels.look import COLORS, key
from pgedu.panels.views import ROUND, World, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.mdp import MDP

TILES, STEPS = 8, 100
BACK, ON = 0, 1
policy = Policy.softmax(Table(observations=TILES, outputs=2))
NAMES = ["", "↻"] * (TILES // 2)
PAYS = {"1 for each arrow": (1.0, 0.0), "1.5 a tile, −1.5 back": (0.0, 1.5)}
BEGINS = {"on any tile": np.full(TILES, 1 / TILES), "always on the same": np.eye(TILES)[0]}
MOMENTS = 6  # of each step of the boats


def ring(arrow=0.0, tile=0.0, begins="on any tile"):
    """The race. Each second tile is an arrow: `arrow` is paid for coming onto one clockwise, `tile` for each tile won."""
    here = np.arange(TILES)
    successors = np.stack([(here - 1) % TILES, (here + 1) % TILES], axis=-1)[..., None]
    rewards = tile * np.array([-1.0, 1.0]) + arrow * np.outer(here % 2 == 0, [0, 1])
    fixed = {"terminal": np.zeros(TILES, dtype=bool), "gamma": 1.0, "horizon": STEPS}
    return MDP(rewards=rewards, start=BEGINS[begins], successors=successors, chances=np.ones((TILES, 2, 1)), **fixed)


class Moment(NamedTuple):
    """What is so at one moment of the boats' way from tile to tile."""

    update: int
    theta: np.ndarray
    states: np.ndarray
    following: np.ndarray
    share: float
    arrows: float  # exact, of the policy: paid arrows a race
    tiles: float  # and tiles clockwise, less those back


class racing:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Exact ascent of what is paid, from a policy that moves on or back by a coin; one update for each step of the boats.

    Yields a `Moment` after the other, without an end. `learning_rate` may be moved meanwhile.
    """

    def __init__(self, rng, pays="1 for each arrow", begins="on any tile", boats=4):
        self.world = ring(*PAYS[pays], begins=begins)
        self.measures = ring(arrow=1.0, begins=begins), ring(tile=1.0, begins=begins)
        self.rng, self.boats, self._rate = rng, boats, 0.3

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate = number("learning_rate", value, above=0)

    def acting(self):
        """[S, A] of the present policy."""
        return policy.probabilities(self.theta, np.arange(TILES))

    def __iter__(self):
        self.theta, update = np.zeros(2 * TILES), 0
        boats = iter(walk(self.world, self.acting, self.rng, runs=self.boats, moments=MOMENTS))
        while True:
            arrows, tiles = (float(exact_return(world, policy, self.theta)) for world in self.measures)
            for _ in range(MOMENTS):
                states, following, share, *_ = next(boats)
                yield Moment(update, self.theta, states, following, share, arrows, tiles)
            self.theta = self.theta + self.learning_rate * exact_gradient(self.world, policy, self.theta)
            update += 1


def race(figure):
    """The ring, its policy and some boats; arrows and tiles by update, exactly. For `watch` of `racing`."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    world = World(tidy(left), ring(), NAMES, ["back", "on"])
    left.set_xlabel("↻: an arrow")  # what is paid is a control
    tiles, arrows = _lines(right)
    curve, last = [], None

    def draw(new):
        nonlocal last
        before, last = last, new[-1] if new else last
        if last is None:
            return "Nothing yet."
        curve.extend(_updates(new, before))
        updates, paid, won = np.array(curve[:: -max(1, len(curve) // 1000)]).T  # the last is one of them
        arrows.set_data(updates, paid)
        tiles.set_data(updates, won)
        right.set_xlim(0, ROUND[np.searchsorted(ROUND, max(20, last.update))])
        acting = policy.probabilities(last.theta, np.arange(TILES))
        world.show(probabilities(ring(), acting), None, last.states, last.following, last.share)
        return _in_words(last, acting[:, ON])

    return draw


def _lines(axes):
    """The curves of tiles and of arrows, yet empty."""
    tidy(axes, "", "update", "exact, a race of 100 steps").set(ylim=(-5, 106), xlim=(0, 20))
    axes.xaxis.get_major_locator().set_params(integer=True)
    (arrows,) = axes.plot([], [], color=COLORS["proxy"], linewidth=6, alpha=0.8, label="arrows")  # to be seen below the other
    (tiles,) = axes.plot([], [], color=COLORS["exact"], label="tiles won, what is meant")
    key(axes, arrows, tiles)
    return tiles, arrows


def _updates(moments, before):
    """(update, arrows, tiles) of each update that begins with one of these moments."""
    pairs = zip([before, *moments], moments)
    return [(now.update, now.arrows, now.tiles) for past, now in pairs if past is None or now.update > past.update]


def _in_words(last, on):
    plain, arrow = map(_in_percent, (on[::2], on[1::2]))
    return (f"After {last.update:,} update{'s' if last.update != 1 else ''} a race brings {last.arrows:.2f} arrows and "
            f"{last.tiles:.2f} tiles. "
            f"The boat goes on in {plain} % of cases from a plain tile, and in {arrow} % from an arrow.")  # fmt: skip


def _in_percent(shares):
    low, high = (f"{100 * end:.0f}" for end in (shares.min(), shares.max()))
    return low if low == high else f"{low} to {high}"

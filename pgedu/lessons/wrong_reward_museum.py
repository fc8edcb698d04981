"""The bug museum of notebook 11: potentials that are not paid as a difference, in a room with two exits, exactly."""

from functools import cache
from itertools import product
from typing import NamedTuple

import numpy as np

from pgedu.panels.look import COLORS, tidy
from pgedu.worlds.mdp import MDP
from pgedu.worlds.planning import optimal_action_values
from pgedu.worlds.shaping import shaped

WAIT, FIRST, SECOND = 0, 1, 2
ACTIONS = ["wait", "exit 1, pays 1", "exit 2, pays 0.8"]
SIZES = np.round(np.arange(0, 0.301, 0.01), 2)
CERTAIN = {"successors": np.array([[[0], [1], [2]]] + [[[s]] * 3 for s in (1, 2)]), "chances": np.ones((3, 3, 1))}
room = MDP(rewards=[[0, 1, 0.8], [0] * 3, [0] * 3], start=[1, 0, 0], terminal=[False, True, True], gamma=0.9, **CERTAIN)


def _with(added):
    rewards = room.rewards.copy()
    rewards[0] += added
    return MDP(rewards=rewards, start=room.start, terminal=room.terminal, gamma=room.gamma, **CERTAIN)


def kept_at_the_end(size):
    """Phi(exit 2) is `size` and stays so when the episode has ended there."""
    return shaped(room, np.zeros(3), at_end=np.array([0, 0, size]))


def as_it_stands(size):
    """Each step pays Phi of the state in which it ends: `size` in the room, 0 outside."""
    return _with(np.array([size, 0, 0]))


def gamma_twice(size):
    """gamma (gamma Phi(s') - Phi(s)) is added, with Phi(room) = `size`."""
    return _with(room.gamma * (shaped(room, np.array([size, 0, 0])).rewards - room.rewards)[0])


class Mistake(NamedTuple):
    """What happened, where it was discussed, and the world that it makes of the room."""

    name: str
    story: str
    threads: tuple
    world: object


MISTAKES = [
    Mistake("Φ kept at the end", "The potential of an end was not set to 0.",
            ("HumanCompatibleAI/imitation#323",), kept_at_the_end),
    Mistake("Φ as it stands", "Every step was paid the potential, and not its change.",
            ("johnsutor/so101-nexus#123",), as_it_stands),
    Mistake("γ once too often", "What is added was discounted once more.", ("jsboige/CoursIA#14895",), gamma_twice),
]  # fmt: skip


@cache
def values(mistake, size):
    """[A]: the highest return that begins in the room with each action, as the mistake makes the rewards."""
    return optimal_action_values(mistake.world(size))[0]


def museum(figure):
    """What each action in the room is worth to somebody who believes the mistaken rewards, over the size of the potential."""
    axes = tidy(figure.subplots(), "ring: what is chosen, by the mistaken rewards", "Φ", "highest return that begins with it")
    axes.set(xlim=(-0.003, 0.303), ylim=(0.3, 3.2))
    colors = "0.55", COLORS["exact"], COLORS["proxy"]
    lines = [axes.plot([], [], "o-", markevery=[-1], color=color, label=name)[0] for color, name in zip(colors, ACTIONS)]
    (handle,) = axes.plot([], [], "o", color="black", markersize=10, fillstyle="none", markeredgewidth=2, gid="potential")
    axes.legend(loc="upper left")
    for each, size in product(MISTAKES, SIZES.tolist()):  # now, since later a hand would wait
        values(each, size)

    def draw(mistake, potential):
        size = potential
        sizes = np.append(SIZES[SIZES < size - 1e-9], size)
        found = np.array([values(mistake, float(each)) for each in sizes])
        for line, column in zip(lines, found.T):
            line.set_data(sizes, column)
        best = int(np.argmax(found[-1].round(9)[[FIRST, SECOND, WAIT]]))  # among equals the first exit
        handle.set_data([size], [found[-1].max()])
        does = ("exit 1, as it should be", "exit 2", "to wait, for ever")[best]
        return f"{mistake.story} At Φ = {size:.2f} the best choice is {does}. Discussed in {' and '.join(mistake.threads)}."

    return draw

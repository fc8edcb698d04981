"""A corridor with a goal, in notebook 11, and bonuses for coming nearer: which make the best policy turn back for ever."""

from dataclasses import replace
from functools import cache

import numpy as np

from pgedu.panels.look import COLORS, label
from pgedu.panels.views import World, tidy
from pgedu.worlds.mdp import MDP
from pgedu.worlds.planning import optimal_action_values
from pgedu.worlds.shaping import shaped

TILES = 5  # before the goal
MOST = 100.0  # of the bonus
SIZES = np.geomspace(0.01, MOST, 161)
LEFT, RIGHT = 0, 1
NAMES = [*(str(tile) for tile in range(1, TILES + 1)), "goal"]


def corridor(discount=0.9, reward=1.0):
    """TILES tiles in a row and a goal behind them; arriving there pays `reward`, and nothing else pays."""
    S, here = TILES + 1, np.arange(TILES + 1)
    successors = np.stack([np.maximum(here - 1, 0), np.minimum(here + 1, TILES)], axis=-1)[..., None]
    rewards = np.zeros((S, 2))
    rewards[TILES - 1, RIGHT] = reward
    certain = {"successors": successors, "chances": np.ones((S, 2, 1))}
    return MDP(rewards=rewards, start=np.eye(S)[0], terminal=here == TILES, gamma=discount, **certain)


def each_step(world, size):
    """The bonus is paid for each step to the right."""
    return replace(world, rewards=world.rewards + size * np.array([0, 1]) * ~world.terminal[:, None])


def potential(world, size):
    """Phi(tile) = size times its number, 0 at the goal: gamma Phi(s') - Phi(s) is added."""
    return shaped(world, size * np.arange(world.n_states))


def without_gamma(world, size):
    """Phi(s') - Phi(s) is added, with the same Phi, but the world goes on discounting."""
    undiscounted = shaped(replace(world, gamma=1.0), size * np.arange(world.n_states))
    return replace(undiscounted, gamma=world.gamma)


KINDS = {"b for each step right": each_step, "γ Φ(s′) − Φ(s)": potential, "Φ(s′) − Φ(s), γ forgotten": without_gamma}


def threshold(discount, reward=1.0):
    """The bonus for each step right above which turning back for ever is best: R / (gamma / (1 - gamma^2) - 1), or infinity."""
    gain = discount / (1 - discount**2) - 1
    return reward / gain if gain > 0 else np.inf


@cache
def best_policy(kind, b, discount):
    """[S, A] of the policy that is best with that bonus; equally good actions share."""
    q = optimal_action_values(kind(corridor(discount), b))
    best = q > q.max(axis=-1, keepdims=True) - 1e-9 * (1 + np.abs(q).max())
    return best / best.sum(axis=-1, keepdims=True)


def arrives(table):
    """Whether a policy [S, A] without chance goes to the goal."""
    return bool((table[:TILES, RIGHT] > 0.99).all())


@cache
def gain(kind, b, discount):
    """What the best way of never arriving is worth more than going straight to the goal, from the start, with the bonus.

    Without the goal's own reward everything is as many times as large as b is, so that this is linear in b.
    """
    world, last = kind(corridor(discount), b), TILES - 1
    successors, rewards = world.successors.copy(), world.rewards.copy()
    successors[last, RIGHT], rewards[last, RIGHT] = successors[last, LEFT], rewards[last, LEFT]
    never = optimal_action_values(replace(world, successors=successors, rewards=rewards))[0].max()
    return float(never - discount ** np.arange(TILES) @ world.rewards[:TILES, RIGHT])


def careless(figure):
    """The corridor, the policy that is best with a bonus, who walks by it, and what never arriving gains. For `watch`."""
    above, below = figure.subplots(2, 1, height_ratios=[1, 1.5])
    world = World(tidy(above), corridor(), NAMES, ["left", "right"])
    above.set_xlabel("without the bonus only the last step pays")
    show = _gains(below)
    moment = None

    def draw(new, kind, b, discount):
        nonlocal moment
        moment = new[-1] if new else moment
        table = best_policy(kind, b, discount)
        world.show(table, None, *([] if moment is None else moment[:3]))
        more = show(kind, b, discount)
        ends = "arrives: true J = " + f"{discount ** (TILES - 1):.3f}" if arrives(table) else "never arrives: true J = 0"
        walking = "" if moment is None else f" Steps of the walker: {moment.steps[0]:,}."
        return (f"b = {b:.4g}: the policy that is best with the bonus {ends}. With the bonus, never arriving is worth "
                f"{abs(more):.3g} {'more' if more > 0 else 'less'} than going straight to the goal.{walking}")  # fmt: skip

    return draw


def _gains(axes):
    """A function that shows over b, as far as the student has gone, what never arriving gains, and gives back the last."""
    tidy(axes, "what never arriving gains over going straight, with the bonus", "b, size of the bonus")
    axes.set(xscale="log", xlim=(0.009, 1.1 * MOST), ylim=(-1500, 1500))
    axes.set_yscale("symlog", linthresh=0.1, linscale=0.6)
    axes.set_yticks([-100, -1, 0, 1, 100], ["−100", "−1", "0", "1", "100"])
    axes.set_xticks([0.01, 0.1, 1, 10, 100], ["0.01", "0.1", "1", "10", "100"])
    axes.minorticks_off()
    axes.axhline(0, color="0.5", linewidth=1.5)
    label(axes, 0.0098, 60, "above 0: never arrives", "0.4")
    label(axes, 0.0098, -60, "below 0: arrives", "0.4")
    (curve,) = axes.plot([], [], color=COLORS["proxy"])
    (handle,) = axes.plot([], [], "o", color=COLORS["proxy"], markersize=9, gid="b")

    def show(kind, b, discount):
        sizes = np.append(SIZES[SIZES < b - 1e-12], b)
        none, one = gain(kind, 0.0, discount), gain(kind, 1.0, discount)  # it is linear in b
        gains = none + sizes * (one - none)
        curve.set_data(sizes, gains)
        handle.set_data([b], gains[-1:])
        return gains[-1]

    return show

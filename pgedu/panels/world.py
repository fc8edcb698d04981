"""A picture of any finite world, drawn from its own arrays: `World`."""

import numpy as np

from pgedu.arguments import able, number, numbers, refuse
from pgedu.panels import places as places_
from pgedu.panels.world_graph import Graph
from pgedu.panels.world_grid import Grid
from pgedu.panels.world_type import DARK, shades, short, signed


class World:
    """A finite world: its states as places, the policy that acts in it, and walkers who act it out.

    A grid is drawn as one, with an arrow for each action as long as its probability. Any other world has discs with a
    ring, the shares of the actions, and arrows as wide as the chance of a transition under the policy, in the colours of
    the actions that make it. Terminal states are square; states that the learner cannot tell apart have a common frame.

    Args:
        axes: Matplotlib axes, which it has for itself.
        mdp: an `MDP` with rewards [S, A].
        names: of the states, S of them; of a grid, the start and the goal have names by themselves.
        actions: their names, A of them.
        places: [S, 2], (to the right, upwards) from 0 to 1; found by itself: a line if the world is one, else a circle.
        grid: (rows, columns); found by itself where four actions lead to four neighbours.
    Raises:
        ValueError: arguments that do not fit the MDP, or a grid whose actions have no directions.
    """

    def __init__(self, axes, mdp, names=None, actions=None, places=None, grid=None):
        self.axes, self.mdp = axes, _require_mdp(mdp)
        names = _names("names", names, mdp.n_states, "states")
        actions = _names("actions", actions, mdp.n_actions, "actions") or [f"a{a}" for a in range(mdp.n_actions)]
        axes.set(xticks=[], yticks=[])
        axes.spines[:].set_visible(False)
        shape, ways = _grid(mdp, places, grid)
        if ways is not None:
            self.picture = Grid(axes, mdp, names, shape, ways)
        else:
            names = names or [f"s{state}" for state in range(mdp.n_states)]
            self.picture = Graph(axes, mdp, names, actions, _places(places, mdp.n_states))
        if self.picture.common is not None:
            otherwise = ", if not said otherwise" * self.picture.exceptions
            axes.set_xlabel(f"each step pays {signed(self.picture.common)}{otherwise}")
        self.dots = axes.scatter([], [], s=72, color=DARK, edgecolors="white", linewidths=1, zorder=6)
        self._possible = places_.chances_of(mdp).any(axis=1)  # [S, S], whether a transition leads there
        self._size = None

    def show(self, policy, colour=None, walkers=None, following=None, share=0.0):
        """Move everything to where it is now.

        Args:
            policy: [S, A], the probabilities of the actions in each state.
            colour: [S], such as values or visits: from light to dark green, and written where there is room.
            walkers: [n], the states in which walkers stand.
            following: [n], the states to which they are on their way; `share`, from 0 to 1, is how far they have come.
                Walkers without a transition on which to get there (they start afresh) are not seen underway.
        Raises:
            ValueError: shapes that do not fit, no probabilities, or states that there are not.
        """
        self._lay_out()
        policy = _require_policy(policy, self.mdp)
        S = self.mdp.n_states
        values = None if colour is None else numbers("colour", colour, "[S]", (S,))
        said = [""] * S if colour is None else [short(value) for value in values]
        faces = shades(np.zeros(S) if colour is None else values, self._shaded(), self.mdp.terminal)
        self.picture.show(policy, faces, [each * (not end) for each, end in zip(said, self.mdp.terminal)])
        self.dots.set_offsets(np.empty((0, 2)) if walkers is None else self._walkers(walkers, following, share))

    def _shaded(self):
        """[S] bool: states whose values set the scale of the colours."""
        return ~self.mdp.terminal & ~getattr(self.picture, "pits", np.zeros(self.mdp.n_states, dtype=bool))

    def _lay_out(self):
        """Place everything anew where the size of the axes has changed: all type has its size in points."""
        figure = self.axes.figure
        if self._size is None and figure.get_layout_engine() is not None:
            figure.get_layout_engine().execute(figure)  # before the first picture
        size = 72 * figure.get_size_inches() * self.axes.get_position(original=True).size
        if self._size is None or np.abs(size - self._size).max() > 0.5:
            self._size = size
            self.picture.lay_out(size)

    def _walkers(self, walkers, following, share):
        states = _states("walkers", walkers, self.mdp.n_states)
        number("share", share, 0, 1)
        seats = self.picture.seats(states)
        if following is None:
            return seats
        after = _states("following", following, self.mdp.n_states)
        if after.shape != states.shape:
            raise refuse("following", f"[n] = {states.shape}, a state for each of the walkers", f"shape {after.shape}")
        smooth = share * share * (3 - 2 * share)
        middle = np.sin(np.pi * smooth)  # leave the seat, follow the arrow, take the other seat
        path = self.picture.paths(states, after, smooth)
        path = path + self.picture.point * _apart(states * self.mdp.n_states + after)
        way = (1 - middle) * ((1 - smooth) * seats + smooth * self.picture.seats(after)) + middle * path
        unseen = ~self._possible[states, after] & (0 < share < 1)
        return np.where(unseen[:, None], np.nan, way)


def _apart(ways):
    """Offsets [n, 2] in points of walkers who go the same way: the first none, the others around."""
    rank = places_.ranks(ways)[:, None]
    return 6 * np.sqrt(rank) * np.concatenate([np.cos(2.4 * rank), np.sin(2.4 * rank)], axis=1)


def _require_mdp(mdp):
    able("mdp", mdp, "log_policy", "a finite world such as an MDP")
    if mdp.rewards.ndim != 2:
        raise refuse("rewards of a world that is drawn", "[S, A]", f"shape {mdp.rewards.shape}")
    return mdp


def _names(name, given, count, of):
    if given is None:
        return None
    if isinstance(given, str) or not all(isinstance(each, str) for each in given) or len(given) != count:
        raise refuse(name, f"{count} names, one for each of the {of}", given)
    return list(given)


def _places(given, S):
    return None if given is None else np.clip(numbers("places", given, "[S, 2]", (S, 2)), 0, 1)


def _grid(mdp, given_places, grid):
    """((rows, columns), directions [A, 2]) of a world that is drawn as a grid; else (None, None)."""
    if grid is None:
        shape = places_.grid_of(mdp) if given_places is None else None
        return shape, shape and places_.directions(mdp, shape[1])
    wanted = f"(rows, columns) with rows * columns = {mdp.n_states} states"
    if not isinstance(grid, tuple | list) or len(grid) != 2 or int(np.prod(grid)) != mdp.n_states:
        raise refuse("grid", wanted, grid)
    ways = places_.directions(mdp, number("columns of grid", grid[1], 1, whole=True))
    if ways is None:
        raise refuse("grid", "one on which each action leads to a neighbour", grid)
    return tuple(grid), ways


def _require_policy(policy, mdp):
    """policy [S, A]; what it says of terminal states is of no account."""
    policy = numbers("policy", policy, "[S, A]", (mdp.n_states, mdp.n_actions))
    acting = policy[~mdp.terminal]
    if (acting < 0).any() or not np.allclose(acting.sum(axis=-1), 1, rtol=0, atol=1e-6):
        raise refuse("policy", "probabilities of the actions, which sum to 1 in each state", policy.tolist())
    return policy


def _states(name, given, S):
    states = numbers(name, given, "[n]")
    if states.ndim != 1 or not ((0 <= states) & (states < S) & (states == states.round())).all():
        raise refuse(name, f"states [n], whole numbers in 0 .. {S - 1}", states.tolist())
    return states.astype(int)

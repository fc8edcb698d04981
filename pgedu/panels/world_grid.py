"""A finite world as the cells of a grid, for `World`. A cell is 1 wide and 1 high; rows go down."""

import numpy as np
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.path import Path

from pgedu.panels import places
from pgedu.panels.world_type import DARK, LINE, outline, signed, write, written

CELL = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])
ARROW = np.array([[0, 0.32], [0.6, 0.32], [0.6, 1], [1, 0], [0.6, -1], [0.6, -0.32], [0, -0.32]])  # length 1, width 2
PIT = (0.36, 0.34, 0.31, 1.0)  # of cells in which nobody ever stands, such as a cliff


class Grid:
    """Cells, in each an arrow for each action that is as long as its probability: `reach` of a cell where it is certain.

    `pits` [S] are the cells in which nobody ever stands, and `lengths` [S, A] those of the present arrows.
    """

    def __init__(self, axes, mdp, names, shape, ways):
        self.mdp, self.axes, (self.rows, self.columns), self.ways = mdp, axes, shape, ways
        self.middles = np.stack(np.divmod(np.arange(mdp.n_states), self.columns)[::-1], axis=-1).astype(float)
        self.pits = ~places.reached(mdp) & ~mdp.terminal
        self.live = np.flatnonzero(~self.pits & ~mdp.terminal)
        acts = np.zeros(mdp.rewards.shape, dtype=bool)
        acts[self.live] = True
        self.common = places.common_reward(mdp, acts)
        self.chances = places.chances_of(mdp)
        self._make(axes)
        self._write(names)
        self.exceptions = bool(self.rewards)
        axes.set(xlim=(-0.54, self.columns - 0.46), ylim=(self.rows - 0.46, -0.54), aspect="equal")

    def _make(self, axes):
        self.cells = axes.add_collection(PolyCollection(self.middles[:, None] + CELL, linewidths=1.5, zorder=1))
        self.cells.set_edgecolors(np.where(self.pits[:, None], PIT, 1.0))
        ends = self.middles[self.mdp.terminal][:, None] + 0.93 * CELL
        axes.add_collection(PolyCollection(ends, facecolors="none", edgecolors=LINE, linewidths=2, zorder=1.5))
        self.arrows = axes.add_collection(PolyCollection([], facecolors=DARK, linewidths=0, zorder=2))

    def _write(self, names):
        """Texts of values, names and unusual rewards; of a grid without names, the start and the end have one."""
        if names is None:
            end = "goal" if self.mdp.terminal.sum() == 1 else "end"
            names = np.where(self.mdp.terminal, end, np.where(self.mdp.start == 1, "start", ""))
        self.numbers = self.axes.add_collection(PathCollection([], facecolors=DARK, linewidths=0, zorder=4))
        self._said = None
        said = [(state, str(name)) for state, name in enumerate(names) if name and not self.pits[state]]
        self.titles = {state: write(self.axes, name) for state, name in said}
        self.rewards = [
            (group, write(self.axes, signed(pay), color="white" if self.pits[group[0]] else DARK, weight="bold"))
            for group, pay in self._unusual()
        ]

    def _unusual(self):
        """What is not the common reward: [(cells in a row to which an action points, what that pays)]."""
        found = {}
        for state, a in np.argwhere(self.mdp.rewards != self.common):
            cell, pay = self._cause(state, a) if state in self.live else (None, None)
            if cell is not None:
                found.setdefault(cell, set()).add(round(pay, 9))
        groups = []
        for cell in sorted(cell for cell, pays in found.items() if len(pays) == 1):
            (pay,) = found[cell]
            neighbour = groups and groups[-1][1] == pay and groups[-1][0][-1] == cell - 1 and cell % self.columns
            if neighbour and self.pits[[cell - 1, cell]].all():
                groups[-1][0].append(cell)
            else:
                groups.append(([cell], pay))
        return groups

    def _cause(self, state, a):
        """(cell, what entering it pays) for an unusual reward: where the action points; by chance, the end it may reach."""
        reward, chances = self.mdp.rewards[state, a], self.chances[state, a]
        if chances.max() > 1 - 1e-9:
            row, column = np.divmod(state, self.columns) + self.ways[a]
            inside = 0 <= row < self.rows and 0 <= column < self.columns
            return (row * self.columns + column if inside else state), reward
        ends = np.flatnonzero(chances * self.mdp.terminal)
        usual = 0.0 if self.common is None else self.common
        return (ends[0], usual + (reward - usual) / chances[ends[0]]) if len(ends) == 1 else (None, None)

    def lay_out(self, size):
        """Place everything in a box of `size` [2], in points."""
        self.points = float((np.array(size) / [self.columns + 0.08, self.rows + 0.08]).min())  # of a cell
        self.point = 1 / self.points
        self.roomy = self.points > 47  # for numbers, beside the arrows
        self.reach = 0.32 if self.roomy else 0.44
        self.roses = self.middles + (np.array([0.15, 0.12]) if self.roomy else 0)
        corner = 0.5 - 4 / self.points
        self._corners, self._said = self.middles - corner, None
        for state, title in self.titles.items():
            end = self.mdp.terminal[state]
            where = [0, -0.2] if end else [-corner, corner]
            title.set(position=self.middles[state] + where)
            title.set(ha="center" if end else "left", va="center" if end else "bottom")
            title.set_visible(written(title.get_text())[0] < self.points - 6 and (end or self.roomy))
        for group, text in self.rewards:
            beside = 0 if self.pits[group[0]] else 0.22 if self.mdp.terminal[group[0]] else 0.36
            text.set_position(self.middles[group].mean(axis=0) + [0, beside])
            fits = self.roomy or beside != 0.36
            text.set_visible(fits and written(text.get_text(), weight="bold")[0] < len(group) * self.points - 6)

    def show(self, policy, faces, numbers):
        """policy [S, A], faces: colours [S, 4], numbers: texts [S]."""
        self.cells.set_facecolors(np.where(self.pits[:, None], PIT, faces))
        self._show_numbers([numbers[state] for state in self.live] if self.roomy else [])
        self.lengths = self.reach * policy[self.live]
        along = self.ways[:, None, ::-1] * ARROW[:, :1]  # [A, V, 2] as (x, y), for arrows of length 1
        across = self.ways[:, None] * [1, -1] * ARROW[:, 1:]
        wide = 0.1 * np.minimum(1, 0.35 + self.lengths / self.reach) * (self.lengths > 0.01 * self.reach)
        outlines = self.lengths[..., None, None] * along + wide[..., None, None] * across
        self.arrows.set_verts((self.roses[self.live, None, None] + outlines).reshape(-1, *ARROW.shape))

    def _show_numbers(self, numbers):
        """All numbers as one outline: fifty texts would take longer than all the rest."""
        if numbers != self._said:
            self._said = numbers
            said = [(place, *outline(number)) for place, number in zip(self._corners[self.live], numbers) if number]
            outlines = [place + part / [self.points, -self.points] for place, part, _ in said]
            codes = [code for _, _, code in said]
            self.numbers.set_paths([Path(np.concatenate(outlines), np.concatenate(codes))] if said else [])

    def seats(self, states):
        """Where walkers in these cells stand, [n, 2]: three in a row."""
        rank, apart = places.ranks(states), 10.5 / self.points
        beside = np.stack([rank % 3 * apart - 0.34 * self.roomy, rank // 3 % 3 * apart], axis=-1)
        low = np.where(self.mdp.terminal[states], 0.16, -0.09)[:, None]
        return self.middles[states] + beside + [[0, 1]] * low

    def paths(self, states, following, share):
        """Straight on, [n, 2]."""
        return (1 - share) * self.middles[states] + share * self.middles[following]

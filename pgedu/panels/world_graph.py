"""A finite world as discs and arrows, for `World`: everything is placed once, and then only moved."""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from pgedu.panels import places, ribbons
from pgedu.panels.world_layout import RING, ROW, Layout
from pgedu.panels.look import dark
from pgedu.panels.world_type import ACTIONS, GREY, LINE, TINT, signed, write, written

FEW, MANY = 6, 12  # rewards: up to so many, each is written; up to so many, those that are not the common one


class Graph:
    """Discs with a ring of the policy's shares, and between them arrows as wide as their chances.

    `links` [E, 2] are the transitions that are possible, `widths` [E, A] what each action adds to the present width
    of their arrows, of which `full` would be certain.
    """

    point = 1.0  # in units of the axes

    def __init__(self, axes, mdp, names, actions, where):
        self.mdp, self.names, self.actions, self.axes = mdp, names, actions, axes
        self.where, self.kind = places.places_of(mdp) if where is None else (where, "own")
        self.chances = places.chances_of(mdp)
        self.links = np.argwhere(self.chances.any(axis=1))
        self.live = np.flatnonzero(~mdp.terminal)
        self.exceptions = False
        self._make(axes)

    def _make(self, axes):
        A, E, groups = self.mdp.n_actions, len(self.links), self._groups()
        self._colours = [ACTIONS[a % len(ACTIONS)] for a in range(A)]
        self.frames = axes.add_collection(PolyCollection([], facecolors=TINT, linewidths=0, zorder=0.4))
        self.arrows = axes.add_collection(PolyCollection([], facecolors=self._colours * E, linewidths=0, zorder=2))
        self.discs = axes.add_collection(PolyCollection([], edgecolors=LINE, zorder=3))
        self.discs.set_linewidths(np.where(self.mdp.terminal, 2.5, 0.8))
        colours = self._colours * len(self.live)
        self.rings = axes.add_collection(LineCollection([], colors=colours, linewidths=RING, capstyle="butt", zorder=3.5))
        self.titles = [write(axes, name) for name in self.names]
        self.numbers = {state: write(axes, "") for state in self.live}
        self.alike = [write(axes, "look alike", color=GREY, style="italic", still=True) for _ in groups]
        self._write_rewards(axes)

    def _write_rewards(self, axes):
        """What each action pays, beside its state; where most pay the same, or they are many, only what differs."""
        acts = np.broadcast_to(~self.mdp.terminal[:, None], self.mdp.rewards.shape)
        pairs = np.argwhere(acts)
        self.common = places.common_reward(self.mdp, acts)
        differs = np.array([self.mdp.rewards[state, a] != self.common for state, a in pairs])
        if not differs.any():
            pairs = []
        elif len(pairs) > FEW and self.common is not None:
            pairs, self.exceptions = pairs[differs], True
        else:
            self.common = None
        pairs = pairs if len(pairs) <= MANY else []
        colours = [dark(colour) for colour in self._colours]
        style = {"weight": "bold", "ha": "left", "still": True}
        say = lambda a, pay="": write(axes, self.actions[a] + pay, color=colours[a], **style)  # noqa: E731
        self.said = [(state, say(a, f" {signed(self.mdp.rewards[state, a])}")) for state, a in pairs]
        told = {a for _, a in pairs} if not self.exceptions else set()
        self.legend = [say(a) for a in range(self.mdp.n_actions) if a not in told and self.mdp.n_actions > 1]

    def _groups(self):
        """States that look alike; on a line, in pieces between which nobody else stands."""
        groups = places.alike(self.mdp)
        if self.kind != "line":
            return groups
        order = np.argsort(self.where[:, 0])
        spots = [np.sort(np.argsort(order)[group]) for group in groups]
        return [order[piece] for each in spots for piece in np.split(each, np.flatnonzero(np.diff(each) > 1) + 1)]

    def lay_out(self, size):
        """Place everything in a box of `size` [2], in points."""
        self.axes.set(xlim=(0, size[0]), ylim=(0, size[1]))
        widest = max(written(each)[0] for each in [*self.names, "−888"])
        room = {"top": 18.0 * bool(self.legend), "bottom": 18.0 * bool(self.alike)}
        needed = max(22.0, np.hypot(widest / 2, 12.5) + 0.5)
        line = self.kind == "line"
        self.layout = Layout(size, self.where, self.links, self.mdp.terminal, needed, line=line, **room)
        self.full = float(np.clip(0.5 * self.layout.radius, 3, 14))
        self._draw_discs()
        self._place_legend(size)
        self._place_words()

    def _draw_discs(self):
        layout, angle = self.layout, np.linspace(0, 2 * np.pi, 65)
        disc = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        square = 0.92 * disc / np.abs(disc).max(axis=-1, keepdims=True)
        shapes = np.where(self.mdp.terminal[:, None, None], square, disc)
        self.discs.set_verts(layout.centres[:, None] + layout.radius * shapes)
        frames = [layout.frame(group) for group in self._groups()]
        self.frames.set_verts(frames)
        for frame, label in zip(frames, self.alike):
            label.set_position((frame[:, 0].mean(), frame[:, 1].min() - 9))
            layout.take(label.get_position(), [written("look alike")[0], ROW])

    def _place_legend(self, size):
        """The actions, in a row at the top on the left."""
        x = 4.0
        for text in self.legend:
            text.set_position((x, size[1] - 9))
            width = written(text.get_text(), weight="bold")[0]
            self.layout.take(np.array([x + width / 2, size[1] - 9]), [width + 8, ROW])
            x += width + 14

    def _place_words(self):
        layout, self._below = self.layout, np.zeros(len(self.names), dtype=bool)
        for state, name in enumerate(self.titles):
            width = written(name.get_text())[0]
            self._below[state] = not layout.inside and width > 2 * layout.radius - 4
            if self._below[state]:  # if there is room for it
                name.set_position(layout.centres[state] - [0, layout.rim + 14])
                name.set_visible(width < layout.near - 4)
                layout.take(name.get_position(), [width, ROW])
        for state in np.unique([state for state, _ in self.said]):
            texts = [text for each, text in self.said if each == state]
            width = max(written(text.get_text(), weight="bold")[0] for text in texts)
            left, high = layout.beside(state, [width, ROW * len(texts)])
            for k, text in enumerate(texts):
                text.set_position((left, high - ROW * (k + 0.5)))

    def show(self, policy, faces, numbers):
        """policy [S, A], faces: colours [S, 4], numbers: texts [S]."""
        here, there = self.links.T
        self.widths = self.full * policy[here] * self.chances[here, :, there]
        self.arrows.set_verts(ribbons.ribbons(self.layout.lines, self.widths))
        self.discs.set_facecolors(faces)
        self._show_numbers(numbers)
        ends = np.concatenate([np.zeros((len(policy), 1)), policy.cumsum(axis=1)], axis=1)[self.live]
        share = ends[:, :-1, None] + np.diff(ends)[..., None] * np.linspace(0, 1, 41)
        angle = np.pi / 2 - 2 * np.pi * share  # clockwise from the top
        rim = (self.layout.radius + RING / 2) * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
        self.rings.set_segments((self.layout.centres[self.live, None, None] + rim).reshape(-1, 41, 2))

    def _show_numbers(self, numbers):
        """Under the name, or in its place where a disc is too small for both and the name stands below."""
        layout = self.layout
        for state, title in enumerate(self.titles):
            below = self._below[state]
            if state in self.numbers:
                fits = layout.inside or (below and layout.radius > 17)
                self.numbers[state].set_text(numbers[state] if fits else "")
                self.numbers[state].set_position(layout.centres[state] - [0, 0 if below else 8])
            if not below:
                lifted = 7.5 * bool(layout.inside and numbers[state])
                title.set_position(layout.centres[state] + [0, lifted])

    def seats(self, states):
        """Where walkers in these states stand, [n, 2]: around the disc, side by side."""
        return self.layout.spots(states, self.layout.seats[states], places.ranks(states))

    def paths(self, states, following, share):
        """Where they are on their arrows, [n, 2]; somewhere, if there is none."""
        number = np.zeros((len(self.names), len(self.names)), dtype=int)
        number[tuple(self.links.T)] = np.arange(len(self.links))
        return ribbons.at(self.layout.lines[number[states, following]], share)

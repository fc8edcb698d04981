"""CartPole's pictures: one cart at its last few moments, several carts as they stand now, and learners beside theirs."""

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection
from matplotlib.patches import Polygon

from pgedu.panels.look import COLORS, tidy
from pgedu.panels.views import Learning

CART = np.array([[-0.3, -0.2], [0.3, -0.2], [0.3, 0], [-0.3, 0]])
TRACK = np.array([[-2.4, -0.1], [-2.4, 0.1], [-2.4, 0], [2.4, 0], [2.4, -0.1], [2.4, 0.1]])  # beyond: the end


class CartPole:
    """A cart with its pole on the track, at the last few moments: the latest dark, earlier ones pale."""

    def __init__(self, axes, color=COLORS["ppo"], moments=4):
        tidy(axes, xlabel="position on the track").set(xlim=(-2.7, 2.7), ylim=(-0.4, 1.3), aspect="equal", yticks=[])
        axes.plot(*TRACK.T, color="0.5")
        # Not lines, which a pinned panel would keep: of a moving cart there is nothing to compare with.
        outlines = {"closed": False, "edgecolor": color, "facecolor": "none", "linewidth": 4, "capstyle": "round"}
        poles = [Polygon(np.zeros((2, 2)), alpha=0.75**k**2, **outlines) for k in reversed(range(moments))]
        self.poles = [axes.add_patch(pole) for pole in poles]
        self.cart = axes.add_patch(Polygon(np.zeros((4, 2)), facecolor="0.25"))

    def show(self, observations):
        """observations [n, 4]: (position, velocity, angle, angular velocity) at successive moments."""
        moments = np.concatenate([np.repeat(observations[:1], len(self.poles), axis=0), observations])
        for pole, ends in zip(self.poles, poles_of(moments[-len(self.poles) :])):
            pole.set_xy(ends)
        self.cart.set_xy(observations[-1, 0] * np.eye(2)[0] + CART)


class Carts:
    """Several carts at one moment, each on a small track of its own: row by row, from the top."""

    def __init__(self, axes, title="", color=COLORS["ppo"], rows=4, columns=1):
        row, column = np.divmod(np.arange(rows * columns), columns)
        self.places = np.stack([5.6 * column, -1.85 * row], axis=-1)[:, None]  # [lanes, 1, 2], of the middle of each track
        axes.set(title=title, aspect="equal", anchor="N", xticks=[], yticks=[])
        axes.set(xlim=(-2.7, 5.6 * columns - 2.9), ylim=(1.4 - 1.85 * rows, 1.1))
        axes.spines[:].set_visible(False)
        axes.add_collection(LineCollection(TRACK + self.places, color="0.5"))
        self.poles = axes.add_collection(LineCollection([], color=color, linewidth=3, capstyle="round"))
        self.carts = axes.add_collection(PolyCollection([], facecolor="0.25"))

    def show(self, observations):
        """observations [..., 4], one of each cart at the same moment. Those without a track are left out."""
        shown = observations.reshape(-1, 4)[: len(self.places)]
        places = self.places[: len(shown)]
        self.poles.set_segments(poles_of(shown) + places)
        self.carts.set_verts(shown[:, :1, None] * np.eye(2)[0] + CART + places)


def poles_of(observations):
    """Both ends of each pole, [n, 2, 2], from observations [n, 4]: (position, velocity, angle, angular velocity)."""
    x, angle = observations[:, 0], observations[:, 2]
    foot = np.stack([x, np.zeros_like(x)], axis=-1)
    return np.stack([foot, foot + np.stack([np.sin(angle), np.cos(angle)], axis=-1)], axis=1)


class CartPoleLearning(Learning):
    """`Learning` on CartPole: beside the curves the first learner's carts, as they stand at each moment."""

    def __init__(self, figure, **settings):
        curves, track = figure.subfigures(1, 2, width_ratios=[2.9, 1])
        super().__init__(curves, **settings)
        self.carts = Carts(track.subplots(), "first learner, now", COLORS["reward to go"])

    def draw(self, new, now=None, baseline=None, estimator=None):
        """As `Learning.draw`; `now` [R, B, 4] are the present observations, None before there are any."""
        if now is not None:
            self.carts.show(now[0])
        return super().draw(new, baseline, estimator)

    def _recolour(self, color):
        super()._recolour(color)
        self.carts.poles.set_color(color)

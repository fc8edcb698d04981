"""Notebook 08: a hill with two bumps that sigma makes smooth, and which of its tops is the better aim."""

import numpy as np

from pgedu.lessons.hills import BumpyHill
from pgedu.panels.look import COLORS, in_decades, key, tidy

BUMPS = BumpyHill()  # a wide one of height 1 about -2, and a narrow one of height 2 about 2
PLACES = np.linspace(-4.5, 4.5, 901)
SIGMAS = np.geomspace(0.05, 3, 121)


def tops(sigma):
    """The highest J within reach of the wide bump (mu < 0.75) and of the narrow one: [..., 2]; where mu stands there.

    Near its end the narrow bump is no top any more: then the highest place is at the border, and its J is NaN.
    """
    J = BUMPS.expected(PLACES[:, None], np.ravel(sigma)[:, None, None])  # [sigma, place]
    split = np.searchsorted(PLACES, 0.75)
    wide, narrow = J[:, :split].argmax(axis=1), split + J[:, split:].argmax(axis=1)
    heights = np.stack([np.take_along_axis(J, each[:, None], axis=1)[:, 0] for each in (wide, narrow)], axis=-1)
    heights[narrow == split, 1] = np.nan
    shape = (*np.shape(sigma), 2)
    return heights.reshape(shape), PLACES[np.stack([wide, narrow], axis=-1)].reshape(shape)


def uphill(mu, sigma):
    """Where exact gradient ascent in mu arrives from here, sigma held: the next top uphill."""
    slopes = BUMPS.gradient(PLACES[:, None], sigma)[0][:, 0]
    place = int(np.clip(np.searchsorted(PLACES, mu), 1, len(PLACES) - 1))
    right = BUMPS.gradient(mu, sigma)[0].item() > 0
    beyond = np.flatnonzero(slopes[place:] <= 0) if right else np.flatnonzero(slopes[:place] >= 0)
    if not beyond.size:
        return float(PLACES[-1 if right else 0])
    return float(PLACES[place + beyond[0]] if right else PLACES[beyond[-1]])


def smoothing(figure):
    """The reward, and J over mu for this sigma; on the right, how high both tops of J are over sigma."""
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    hill, spread, way, end, here = _hill(left)
    in_decades(tidy(right, "", "σ", "J at the two tops").xaxis).set(xlim=(0.05, 3), ylim=(0, 2.2))
    names = {"the wide one": COLORS["constant"], "the high one": COLORS["optimal"]}
    key(right, *(right.plot(SIGMAS, J, color=names[name], label=name)[0] for J, name in zip(tops(SIGMAS)[0].T, names)))
    (handle,) = right.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="sigma")

    def draw(mu, sigma):
        J, arrived, (wide, high) = BUMPS.expected(mu, sigma), uphill(mu, sigma), tops(sigma)[0]
        hill.set_data(PLACES, BUMPS.expected(PLACES[:, None], sigma))
        spread.set_data([max(mu - sigma, -4.5), min(mu + sigma, 4.5)], [-0.2, -0.2])
        walked = np.linspace(mu, arrived, 100)
        way.set_data(walked, BUMPS.expected(walked[:, None], sigma))
        end.set_data([arrived], [BUMPS.expected(arrived, sigma)])
        here.set_data([mu], [J])
        handle.set_data([sigma], [0.08])
        other = f", the high one {high:.2f}" if np.isfinite(high) else ", and the high one is no top any more"
        return (f"At μ = {mu:.2f} and σ = {sigma:.2g} J is {J:.2f}; gradient ascent in μ ends at {arrived:.2f}. "
                f"The wide top gives {wide:.2f}{other}.")  # fmt: skip

    return draw


def _hill(axes):
    tidy(axes, "", "action a, or mean μ").set(xlim=(-4.5, 4.5), ylim=(-0.35, 2.2))
    (reward,) = axes.plot(PLACES, BUMPS.terms(PLACES), color="0.55", label="reward f")
    (hill,) = axes.plot([], [], color=COLORS["exact"], label="J, exact")
    (spread,) = axes.plot([], [], color="0.5", linewidth=5, solid_capstyle="butt", alpha=0.9)
    (way,) = axes.plot([], [], ":", color=COLORS["reinforce"], linewidth=3)
    (end,) = axes.plot([], [], "s", color=COLORS["reinforce"], markersize=8, label="gradient ascent ends")
    (here,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=9, gid="mu")
    key(axes, reward, hill, end)
    return hill, spread, way, end, here

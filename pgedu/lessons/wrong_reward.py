"""The campaign of notebook 11, whose proxy forgets a share of what offers cost: the proxy's exact ascent, and its picture."""

from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.panels.look import COLORS, in_decades, key, label
from pgedu.panels.views import tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import campaign


shop = campaign()
policy = Policy.softmax(Table(observations=3, outputs=2))
OFFERS = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]])  # [S, A]; each costs 1
START = 0.12  # of customers get an offer, at first
RATE, UPDATES = 0.3, 1000
LEAST, MOST = 0.02, 0.98  # of the probabilities that can be chosen


def proxy(share):
    """The campaign with that share of an offer's cost left out of the reward."""
    return replace(shop, rewards=shop.rewards + share * OFFERS)


def theta_of(curious, loyal):
    """theta [..., 6] of the policy that makes these shares of curious and of loyal customers an offer, each [...]."""
    zero, x, y = np.broadcast_arrays(0.0, *(np.log(p / (1 - p)) for p in map(np.asarray, (curious, loyal))))
    return np.stack([zero, x, zero, y, zero, zero], axis=-1)


class Climb(NamedTuple):
    """The ascent of a proxy: what is so after 0, 1, ... updates."""

    offers: np.ndarray  # [U + 1, 2], the chances of an offer to the curious and to the loyal
    proxy: np.ndarray  # [U + 1], what was climbed
    J: np.ndarray  # [U + 1], what was meant

    @property
    def summit(self):
        """The update at which J is highest."""
        return int(self.J.argmax())


@lru_cache(maxsize=64)
def climb(curious, loyal, share, updates=UPDATES):
    """`Climb` of `updates` exact gradient steps in theta, at the learning rate RATE, from those chances of an offer."""
    x, y = (float(np.log(p / (1 - p))) for p in (curious, loyal))
    found = []
    for _ in range(updates + 1):
        p, q = 1 / (1 + np.exp(-x)), 1 / (1 + np.exp(-y))
        value, offers, along_x, along_y = _slopes(float(p), float(q), share)
        found.append((p, q, value, value - share * offers))
        x, y = x + 2 * RATE * along_x, y + 2 * RATE * along_y  # one preference up, the other down
    p, q, climbed, J = np.array(found).T
    return Climb(np.stack([p, q], axis=-1), climbed, J)


(CC, CL), (CC1, CL1) = shop.transitions[0, :, :2].tolist()  # to curious, to loyal; waiting, and after an offer
(LC, LL), (LC1, LL1) = shop.transitions[1, :, :2].tolist()
WORTH = float(shop.rewards[1, 0])  # of a loyal customer, a month


def _slopes(p, q, share):
    """(value, discounted offers, slopes by both preferences) of the proxy, by the recursions of `solve`.

    Written out in plain numbers: with two customers and two actions that is forty times as fast, and a hand drags it.
    """
    g, cost, steps = shop.gamma, 1 - share, shop.horizon
    a, b = CC + p * (CC1 - CC), CL + p * (CL1 - CL)
    c, d = LC + q * (LC1 - LC), LL + q * (LL1 - LL)
    values, v, w = [(0.0, 0.0)], 0.0, 0.0
    for _ in range(steps):
        v, w = g * (a * v + b * w) - cost * p, g * (c * v + d * w) + WORTH - cost * q
        values.append((v, w))
    here, there, offers, along_x, along_y = 1.0, 0.0, 0.0, 0.0, 0.0  # discounted visits of the curious and the loyal
    for after, beyond in values[-2::-1]:
        along_x += here * (g * ((CC1 - CC) * after + (CL1 - CL) * beyond) - cost)
        along_y += there * (g * ((LC1 - LC) * after + (LL1 - LL) * beyond) - cost)
        offers += here * p + there * q
        here, there = g * (here * a + there * c), g * (here * b + there * d)
    return v, offers, p * (1 - p) * along_x, q * (1 - q) * along_y


@cache
def heights():
    """(chances [n], J [n, n]): the true J over the chance of an offer to the curious (columns) and to the loyal (rows)."""
    chances = np.linspace(0.01, 0.99, 50)
    return chances, exact_return(shop, policy, theta_of(chances[None, :], chances[:, None]))


def hidden_cost(figure):
    """The proxy's ascent over the plane of offers as far as the stop, and what it earns by the proxy; at last in truth, too."""
    plane, curves = figure.subplots(1, 2, width_ratios=[1, 1.25])
    show_path, show_curves = _plane(plane), _curves(curves)

    def draw(curious, loyal, forgotten, stop, truth):
        way, now = climb(curious, loyal, forgotten), round(stop)
        show_path(way, now, truth)
        show_curves(way, stop, now, truth)
        p, q = 100 * way.offers[now]
        said = (f"You stop after {_updates(now)}. "
                f"The proxy says {way.proxy[now]:.2f}, after {way.proxy[0]:.2f} at the start. "
                f"Offers go to {p:.0f} % of the curious and {q:.0f} % of the loyal.")  # fmt: skip
        return said + _truth(way, now) * truth

    return draw


def _updates(number):
    return f"{number:,} update{'s' if number != 1 else ''}"


def _truth(way, now):
    return (f" In truth J is {way.J[now]:.2f}. It was {way.J[0]:.2f} at the start and {way.J[way.summit]:.2f} at its summit, "
            f"after {_updates(way.summit)}; after {UPDATES:,} it is {way.J[-1]:.2f}.")  # fmt: skip


def _plane(axes):
    """The plane of both chances; a function that shows a path there up to the stop, and with the truth the rest and its hill."""
    tidy(axes, "", "share of the curious with an offer", "share of the loyal with an offer")
    axes.set(xlim=(0, 1), ylim=(0, 1))
    chances, J = heights()
    hill = axes.contour(chances, chances, J, levels=np.arange(0, 2.1, 0.25), colors="0.55", linewidths=1)
    numbers = hill.clabel(hill.levels[1::2], fontsize=12, colors="0.35")
    (path,) = axes.plot([], [], color=COLORS["proxy"])
    (beyond,) = axes.plot([], [], color=COLORS["proxy"], alpha=0.8, linewidth=1.5)
    (start,) = axes.plot([], [], "o", color=COLORS["proxy"], markersize=9, gid="curious")
    (stop,) = axes.plot([], [], "s", color="black", markersize=8)
    summit = label(axes, 0.97, 0.04, "best", ha="right")

    def show(way, now, truth):
        path.set_data(*way.offers[: now + 1].T)
        beyond.set_data(*way.offers[now:].T)
        start.set_data(way.offers[:1, 0], way.offers[:1, 1])
        stop.set_data(way.offers[now : now + 1, 0], way.offers[now : now + 1, 1])
        axes.set_title("grey: the hill of the true J" if truth else "dot: the start; square: your stop", loc="left")
        for artist in (hill, summit, beyond, *numbers):
            artist.set_visible(truth)

    return show


def _curves(axes):
    """A function that shows the proxy up to the stop, the handle at its end, and with the truth the rest and the true J."""
    in_decades(tidy(axes, "", "update (the start is left of 1)").xaxis).set(xlim=(0.9, UPDATES * 1.1), ylim=(-0.6, 5.4))
    (climbed,) = axes.plot([], [], color=COLORS["proxy"], label="proxy")
    (beyond,) = axes.plot([], [], color=COLORS["proxy"], alpha=0.8, linewidth=1.5)
    (meant,) = axes.plot([], [], color=COLORS["exact"], label="true J")
    level = axes.axhline(0, color="0.55", linestyle="--", linewidth=1.5)
    words = label(axes, 1, 0, "true J at the start", "0.4", va="top")
    stopped = axes.axvline(1, color="0.55", linestyle=":")
    (dot,) = axes.plot([], [], "s", color="black", markersize=8)
    (handle,) = axes.plot([], [], "o", color=COLORS["proxy"], markersize=9, gid="stop")
    key(axes, climbed, meant)
    updates = np.arange(UPDATES + 1)

    def show(way, stop, now, truth):
        climbed.set_data(updates[1 : now + 1], way.proxy[1 : now + 1])
        beyond.set_data(updates[now:], way.proxy[now:])
        meant.set_data(updates[1:], way.J[1:])
        level.set_ydata([way.J[0]] * 2)
        words.set_y(way.J[0] - 0.08)
        stopped.set_xdata([stop, stop])
        handle.set_data([stop], [way.proxy[now]])
        dot.set_data([stop], [way.J[now]])
        for artist in (beyond, meant, level, words, dot):
            artist.set_visible(truth)

    return show

"""Early stopping in notebook 11: true outcomes of a few customers, looked at now and then, decide which policy is kept."""

from functools import cache, lru_cache
from itertools import product

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.off_policy_exact import off_policy_moments
from pgedu.lessons.wrong_reward import START, climb, policy, shop, theta_of
from pgedu.panels.look import COLORS, in_decades, label
from pgedu.panels.views import tidy

LAST, LEAST_EVERY = 100, 5  # updates; between two looks, at least
LOOKS = np.arange(0, LAST + 1, LEAST_EVERY)
MOST = 3_000  # customers per look
STOCK = 5_000  # customers of each policy, simulated once: while a hand drags there is no time for so many
COUNTS = np.round(np.geomspace(10, MOST, 21)).astype(int)


@cache
def _on_the_way():
    """(theta [L, 6], J [L], standard deviation of a customer's return [L]) at each of LOOKS; the whole cost is forgotten."""
    way = climb(START, START, 1.0)
    theta = theta_of(*way.offers[LOOKS].T)
    return theta, way.J[LOOKS], np.sqrt(off_policy_moments(shop, policy, theta, theta).trajectory)


def looks(every):
    """(updates, J, standard deviation of a customer's return) where one looks, every so many updates: [K] each."""
    picked = slice(None, None, every // LEAST_EVERY)
    return LOOKS[picked], *(each[picked] for each in _on_the_way()[1:])


@cache
def _stock():
    """True returns of STOCK customers at each of LOOKS, moved a little so that their mean is exactly J: [L, STOCK]."""
    theta, J, _ = _on_the_way()
    log = collect(shop, policy, theta, rng=np.random.default_rng(0), episodes=STOCK)
    powers = shop.gamma ** np.arange(len(log.rewards))[:, None, None]
    returns = (powers * log.rewards * log.mask).sum(axis=0)
    return returns + (J - returns.mean(axis=-1))[:, None]


@lru_cache(maxsize=2)
def sums(seed):
    """Sums of the true returns of the first 1, 2, ... MOST customers at each of LOOKS, drawn from the stock: [L, MOST]."""
    drawn = np.random.default_rng(seed).integers(STOCK, size=(len(LOOKS), MOST))
    return np.cumsum(np.take_along_axis(_stock(), drawn, axis=-1), axis=-1)


def first_fall(estimates):
    """The look [...] after which estimates [..., K] fall for the first time; the last, if they never do."""
    fell = np.diff(estimates) < 0
    return np.where(fell.any(axis=-1), fell.argmax(axis=-1), fell.shape[-1])


def best_of_all(estimates):
    """The look [...] with the highest of the estimates [..., K]."""
    return np.argmax(estimates, axis=-1)


@cache
def chances(rule, every, customers):
    """The chance [K] that `rule` keeps the policy of each look, if a mean of `customers` returns is normal: by integrals."""
    _, J, deviations = looks(every)
    errors = deviations / np.sqrt(customers)
    z = np.linspace((J - 7 * errors).min(), (J + 7 * errors).max(), 2001)
    scaled = (z - J[:, None]) / errors[:, None]
    density = np.exp(-(scaled**2) / 2) / (np.sqrt(2 * np.pi) * errors[:, None])
    below = np.array([_integral(each, z) for each in density])  # [K, n]
    if rule is best_of_all:
        return _integral(density * _of_others(below), z)[:, -1]
    kept, rising = [], density[0]  # of the estimate at look k, if all so far have risen
    for k in range(1, len(J)):
        kept.append(_integral(rising * below[k], z)[-1])
        rising = density[k] * _integral(rising, z)
    return np.append(kept, _integral(rising, z)[-1])


def _of_others(values):
    """The product [K, n] of all rows of values [K, n] but one."""
    one, up, down = np.ones_like(values[:1]), np.cumprod(values, axis=0), np.cumprod(values[::-1], axis=0)[::-1]
    return np.concatenate([one, up[:-1]]) * np.concatenate([down[1:], one])


def _integral(values, z):
    """From the left end to each z, by trapezia: [..., n]."""
    steps = (values[..., 1:] + values[..., :-1]) / 2 * (z[1] - z[0])
    return np.concatenate([np.zeros((*values.shape[:-1], 1)), np.cumsum(steps, axis=-1)], axis=-1)


@cache
def expected(rule, every, customers):
    """(true J of what is kept, customers that were asked in all), in the mean."""
    P, (_, J, _) = chances(rule, every, customers), looks(every)
    last = len(J) - 1
    asked = np.minimum(np.arange(len(J)) + 2, last + 1) if rule is first_fall else np.full(len(J), last + 1)
    return float(P @ J), float(customers * (P @ asked))


def prepare():
    """Fill the tables on which a hand waits otherwise: the stock of customers, and each curve of the lower right."""
    _stock()
    for rule, every, count in product(RULES.values(), EVERY, COUNTS.tolist()):
        expected(rule, every, count)


EVERY = [20, 10, 5]
RULES = {"stop at the first fall": first_fall, "see all, take the best": best_of_all}


def held_back(figure):
    """One ascent with what its looks see; which policy is kept, by chance; and what it is worth, by customers per look."""
    axes = figure.subplot_mosaic("OP;OC", width_ratios=[1.15, 1])
    show_one, show_chances, show_expected = _one_ascent(axes["O"]), _kept(axes["P"]), _worth(axes["C"])
    prepare()
    summit = climb(START, START, 1.0).J.max()

    def draw(rule, every, customers, rng):
        count = round(customers)
        updates, J, deviations = looks(every)
        estimates = sums(int(rng.integers(2**31)))[:: every // LEAST_EVERY, count - 1] / count
        kept = int(rule(estimates))
        seen = min(kept + 2, len(J)) if rule is first_fall else len(J)
        show_one(updates, estimates, deviations / np.sqrt(count), kept, seen)
        show_chances(updates, chances(rule, every, count))
        worth, asked = expected(rule, every, count)
        show_expected(rule, every, customers)
        return (f"This time the policy after {updates[kept]} updates is kept, of which {estimates[kept]:.2f} was seen; "
                f"its true J is {J[kept]:.2f}. "
                f"In the mean what is kept is worth {worth:.2f}, of {summit:.2f} at the summit, and {asked:,.0f} customers are "
                f"asked.")  # fmt: skip

    return draw


def _one_ascent(axes):
    """The true J of an ascent; a function that shows what the looks see of it, up to the last one that is taken."""
    tidy(axes, "", "update of the proxy's ascent", "").set(xlim=(-4, LAST + 4), ylim=(-1, 4.6))
    way = climb(START, START, 1.0)
    axes.plot(np.arange(LAST + 1), way.J[: LAST + 1], color=COLORS["exact"])
    label(axes, 60, 0.72, "true J")
    (arms,) = axes.plot([], [], color=COLORS["held back"], alpha=0.8, linewidth=1.5)
    (dots,) = axes.plot([], [], "o", color=COLORS["held back"], markersize=6)
    (ring,) = axes.plot([], [], "o", color="black", markersize=14, fillstyle="none", markeredgewidth=2)
    axes.set_title("looks: mean ± 1.96 se; ring: kept", loc="left")

    def show(updates, estimates, errors, kept, seen):
        ends = estimates + 1.96 * errors * np.array([[-1], [1], [np.nan]])  # NaN: the pen is lifted
        arms.set_data(np.repeat(updates[:seen], 3), ends[:, :seen].T.ravel())
        dots.set_data(updates[:seen], estimates[:seen])
        ring.set_data([updates[kept]], np.clip([estimates[kept]], -0.8, 4.4))  # what was kept is never out of sight

    return show


def _kept(axes):
    """A function that shows with which chance the policy of each look is kept."""
    tidy(axes, "chance of being kept, %", "update").set(xlim=(-4, LAST + 4), ylim=(0, 100))
    bars = axes.bar(LOOKS, 0 * LOOKS, 3.6, color=COLORS["held back"], alpha=0.7)

    def show(updates, P):
        shares = dict(zip(updates.tolist(), P))
        for bar, update in zip(bars, LOOKS.tolist()):
            bar.set_height(100 * shares.get(update, 0.0))

    return show


def _worth(axes):
    """A function that shows the mean true J of what is kept, over customers per look, as far as the student has gone."""
    tidy(axes, "true J of what is kept, in the mean", "customers per look").set(ylim=(0.85, 1.95))
    in_decades(axes.xaxis).set(xlim=(9, 1.1 * MOST))
    J = climb(START, START, 1.0).J
    for height, words in ((J.max(), "summit"), (J[0], "start"), (J[-1], "end")):
        axes.axhline(height, color="0.55", linestyle="--", linewidth=1.5)
        label(axes, 0.99 * MOST, height + 0.02, words, "0.4", ha="right", va="bottom")
    (curve,) = axes.plot([], [], color=COLORS["held back"])
    (handle,) = axes.plot([], [], "o", color=COLORS["held back"], markersize=9, gid="customers")

    def show(rule, every, customers):
        counts = [*COUNTS[COUNTS < customers], round(customers)]
        found = [expected(rule, every, int(count))[0] for count in counts]
        curve.set_data(counts, found)
        handle.set_data([customers], found[-1:])

    return show

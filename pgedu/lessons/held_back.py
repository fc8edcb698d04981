"""Early stopping in notebook 11: true outcomes of a few customers, looked at now and then, decide which policy is kept."""

from functools import cache, lru_cache

import numpy as np

from pgedu.experience.rollouts import collect
from pgedu.gradients.off_policy_exact import off_policy_moments
from pgedu.lessons.wrong_reward import START, climb, policy, shop, theta_of
from pgedu.panels.look import COLORS, in_decades, key, label
from pgedu.panels.views import tidy

LAST, LEAST_EVERY = 100, 5  # updates; between two looks, at least
LOOKS = np.arange(0, LAST + 1, LEAST_EVERY)
MOST = 10_000  # customers per look
COUNTS = np.round(10.0 ** np.arange(1, 4.01, 0.125)).astype(int)


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


@lru_cache(maxsize=2)
def sums(seed):
    """Sums of the true returns of the first 1, 2, ... MOST customers at each of LOOKS: [L, MOST]."""
    log = collect(shop, policy, _on_the_way()[0], rng=np.random.default_rng(seed), episodes=MOST)
    powers = shop.gamma ** np.arange(len(log.rewards))[:, None, None]
    return np.cumsum((powers * log.rewards * log.mask).sum(axis=0), axis=-1)


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
    z = np.linspace((J - 7 * errors).min(), (J + 7 * errors).max(), 6001)
    scaled = (z - J[:, None]) / errors[:, None]
    density = np.exp(-(scaled**2) / 2) / (np.sqrt(2 * np.pi) * errors[:, None])
    below = np.array([_integral(each, z) for each in density])  # [K, n]
    if rule is best_of_all:
        others = np.array([np.delete(below, k, axis=0).prod(axis=0) for k in range(len(J))])
        return _integral(density * others, z)[:, -1]
    kept, rising = [], density[0]  # of the estimate at look k, if all so far have risen
    for k in range(1, len(J)):
        kept.append(_integral(rising * below[k], z)[-1])
        rising = density[k] * _integral(rising, z)
    return np.append(kept, _integral(rising, z)[-1])


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


RULES = {"stop at the first fall": first_fall, "see all, take the best": best_of_all}

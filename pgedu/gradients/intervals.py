"""Intervals that hold a true value in so many cases of a hundred: of a mean, of a weighted mean, of a share of clicks.

Each returns (low, high), both [*R]. `confidence` is what is promised as the number of episodes grows. Short logs keep less,
where few episodes carry the weight: in a bandit whose rows have weight 1/6, 2/3 and, one in ten, 7, the normal interval of
95 % holds the truth in 46 % of all logs of 10 rows, in 84 % of 30 and 93 % of 100; that of self-normalised weights in 54 % of
10 and 76 % of 30. (Exact: all logs counted.)
"""

from statistics import NormalDist

import numpy as np

from pgedu.arguments import generator, no_underflow, number, numbers, refuse
from pgedu.gradients.off_policy import standard_error


@no_underflow
def normal_interval(contributions, *, confidence=0.95):
    """The mean of contributions [*R, B], plus and minus z standard errors, z = 1.96 for 95 %.

    Also for `weighted_importance` and `weighted_per_decision`, whose contributions V + w (G - V) / mean w have the spread that
    the ratio has to first order (the delta method). NaN where contributions are.
    Raises:
        ValueError: fewer than two contributions, a confidence that is not between 0 and 1.
    """
    margin = _deviations(confidence) * standard_error(contributions)
    mean = np.mean(contributions, axis=-1)
    return mean - margin, mean + margin


@no_underflow
def bootstrap_interval(values, *, rng, weights=None, confidence=0.95, draws=1000):
    """Percentiles of the (weighted) mean of values [*R, B] over `draws` logs of B rows drawn from this one with replacement.

    Not symmetric, and never outside what the values allow. But a row that the log does not have is in none of the draws,
    either. Time is linear in rows times draws.

    Args:
        values: contributions [*R, B]; with weights: returns, as in `bootstrap_interval(returns, weights=w, rng=rng)` for
            sum w G / sum w.
        weights: None, or [*R, B], 0 or more.
        rng: numpy.random.Generator. All runs share its draws.
    Raises:
        ValueError: values or weights that are not such numbers or all of weight 0, no generator, a confidence that is not
            between 0 and 1.
    Source: Efron & Tibshirani (1993), chapter 13.
    """
    generator("rng", rng)
    tail = (1 - _between("confidence", confidence)) / 2
    values = numbers("values", values, "[*R, B]")
    if not values.ndim or not values.size:
        raise refuse("values", "[*R, B] with an episode or more", f"shape {values.shape}")
    weights = np.ones(values.shape) if weights is None else numbers("weights", weights, "[*R, B]", values.shape)
    if (weights < 0).any() or not weights.any(axis=-1).all():
        raise refuse("weights", "0 or more, and not all 0", weights)
    weights = weights / weights.max(axis=-1, keepdims=True)  # only their ratios count, and so no sum of them overflows
    B, sums = values.shape[-1], []
    rows = np.stack([weights * values, weights])
    for _ in range(number("draws", draws, 1, whole=True)):
        sums.append(rows @ np.bincount(rng.integers(B, size=B), minlength=B).astype(float))
    totals, counted = np.moveaxis(sums, 1, 0)
    with np.errstate(invalid="ignore"):
        means = totals / np.where(counted > 0, counted, np.nan)  # a draw without any weight says nothing
    low, high = np.nanquantile(means, [tail, 1 - tail], axis=0)
    return low, high


def wilson_interval(successes, trials, *, confidence=0.95):
    """The chances p of a success for which `successes` of `trials` lie within z deviations: (k/n - p)^2 <= z^2 p (1 - p) / n.

    Never outside [0, 1], and of use where k is small or 0, as clicks are.

    Args:
        successes, trials: whole numbers, or arrays of them that broadcast; 0 <= successes <= trials, trials above 0.
    Raises:
        ValueError: numbers that are not such, a confidence that is not between 0 and 1.
    Source: Wilson (1927).
    """
    k, n = numbers("successes", successes), numbers("trials", trials)
    try:
        k, n = np.broadcast_arrays(k, n)
    except ValueError:
        raise refuse("successes", f"of a shape that fits that of trials, {n.shape}", f"shape {k.shape}") from None
    if (n <= 0).any() or (n != np.floor(n)).any():
        raise refuse("trials", "whole numbers above 0", trials)
    if (k < 0).any() or (k > n).any() or (k != np.floor(k)).any():
        raise refuse("successes", "whole numbers from 0 to the number of trials", successes)
    z = _deviations(confidence)
    centre = (k + z**2 / 2) / (n + z**2)
    margin = z * np.sqrt(k * (n - k) / n + z**2 / 4) / (n + z**2)
    return np.maximum(centre - margin, 0.0), np.minimum(centre + margin, 1.0)


def _deviations(confidence):
    return NormalDist().inv_cdf((1 + _between("confidence", confidence)) / 2)


def _between(name, value):
    if number(name, value, 0, 1, above=0) == 1:
        raise refuse(name, "below 1", value)
    return value

"""Learning from preferences: a reward model of which of two is better, the best policy for it, and best of n.

Alternatives are numbered 0 .. N - 1 (the sentences of a `Language`, say). A policy over them is log_probs [..., N].
"""

import numpy as np

from pgedu.arguments import generator, no_underflow, number, numbers, refuse

MOST_STEPS = 100


def prefer(rewards, first, second, rng):
    """Draw who wins, [P] bool (True: the first), by Bradley-Terry: P(first wins) = 1 / (1 + exp(r_second - r_first)).

    Args:
        rewards: [N]; first, second: [P], the alternatives that meet.
    Source: Bradley & Terry (1952).
    """
    rewards = numbers("rewards", rewards, "[N]")
    if rewards.ndim != 1:
        raise refuse("rewards", "[N]", f"shape {rewards.shape}")
    first, second = _met("first", first, "second", second, rewards)
    return generator("rng", rng).random(first.shape) < _sigmoid(rewards[first] - rewards[second])


@no_underflow
def fit_rewards(features, winners, losers, weights=None):
    """The reward model r = features @ w that makes the preferences likeliest (Bradley-Terry): w [F].

    Maximises sum_p weights_p log sigma(r_winner - r_loser) by Newton's method. Only differences of rewards are seen: a
    constant added to r, as every other direction of w in which no two of the compared alternatives differ, cannot be
    known; of all w that fit equally well this is the shortest.

    Args:
        features: [N, F].
        winners, losers: [P] int.
        weights: [P], 0 or more; default 1. (Expected numbers of wins: a fit to a whole population.)
    Raises:
        ValueError: arrays that do not fit; preferences that a direction of w explains without a fault, so that the
            likeliest w would be infinite; features of so different scales that rounding hides some of them.
    Source: Bradley & Terry (1952); Christiano et al. (2017), eq. 1.
    """
    features = numbers("features", features, "[N, F]")
    winners, losers = _met("winners", winners, "losers", losers, features)
    weights = np.ones(winners.shape) if weights is None else numbers("weights", weights, "[P]", winners.shape)
    if features.ndim != 2 or (weights < 0).any():
        raise refuse("features and weights", "[N, F], and 0 or more", f"shape {features.shape}, and {weights.min(initial=0)}")
    differences = features[winners] - features[losers]  # [P, F]
    w = np.zeros(features.shape[-1])
    for _ in range(MOST_STEPS):
        lost = _sigmoid(-(differences @ w))
        slope = differences.T @ (weights * lost)
        curvature = (differences * (weights * lost * (1 - lost))[:, None]).T @ differences
        step = np.linalg.pinv(curvature, rcond=1e-12, hermitian=True) @ slope
        w = w + step / max(1.0, np.abs(differences @ step).max(initial=0.0) / 2)  # no margin moves by more than 2
        if np.abs(step).max(initial=0.0) < 1e-12 * (1 + np.abs(w).max(initial=0.0)):
            if (np.abs(slope) > 1e-6 * (weights @ np.abs(differences))).any():  # a direction that pinv took for none
                raise refuse("features", "columns of about one scale", "some that are lost beside others")
            return w
    raise refuse("winners and losers", "such that no w explains them all", "preferences that a growing w fits ever better")


@no_underflow
def tilt(log_reference, rewards, beta):
    """The policy that maximises E r - beta KL(pi || reference): (log pi* [..., N], beta log Z [...]).

    pi* = reference exp(r / beta) / Z, and beta log Z is what is reached. What the reference never does, it does not do.

    Args:
        log_reference: [..., N]; rewards: [..., N]; beta: above 0.
    Source: Ziebart et al. (2008); Rafailov et al. (2023), eq. 4.
    """
    number("beta", beta, above=0)
    log_reference, rewards = _chances("log_reference", log_reference), numbers("rewards", rewards, "[..., N]")
    _alike("rewards", rewards, log_reference)
    top = np.where(np.isneginf(log_reference), -np.inf, rewards).max(axis=-1, keepdims=True)
    with np.errstate(over="ignore"):
        gains = np.minimum(rewards - top, 0) / beta  # 0 for the best: no beta is too small or too large
    preferences = log_reference + gains
    most = preferences.max(axis=-1, keepdims=True)
    log_Z = most + np.log(np.exp(preferences - most).sum(axis=-1, keepdims=True))
    near = np.log1p((np.exp(log_reference) * np.expm1(np.maximum(gains, -1))).sum(axis=-1, keepdims=True))
    log_Z = np.where(gains.min(axis=-1, keepdims=True) > -1, near, log_Z)  # the same, where beta takes all digits
    return preferences - log_Z, top[..., 0] + beta * log_Z[..., 0]


def tilt_at(log_reference, rewards, kl):
    """`tilt` by the beta at which KL(pi* || reference) is `kl`, in nats: (log pi*, beta). No policy that near has a higher E r.

    Args:
        log_reference, rewards: [N].
    Raises:
        ValueError: a KL that is not above 0, or not below that of the best alternatives alone.
    """
    number("kl", kl, above=0)
    log_reference = _chances("log_reference", log_reference)
    spread = np.ptp(numbers("rewards", rewards, "[N]", log_reference.shape)[log_reference > -np.inf]) or 1.0
    low, high = np.log(spread) - 50, np.log(spread) + 50  # of log beta: halved until no number lies between
    if log_reference.ndim != 1 or not kl_divergence(tilt(log_reference, rewards, np.exp(low))[0], log_reference) > kl:
        raise refuse("kl", "less than that of the best alternatives alone", kl)
    for _ in range(200):
        middle = (low + high) / 2
        log_pi, _ = tilt(log_reference, rewards, np.exp(middle))
        low, high = (middle, high) if kl_divergence(log_pi, log_reference) > kl else (low, middle)
    return log_pi, np.exp(middle)


@no_underflow
def kl_divergence(log_p, log_q):
    """KL(p || q) = sum p log(p / q), [...], in nats.

    Raises:
        ValueError: where p does what q never does, be it ever so seldom: there it is infinite.
    """
    log_p, log_q = _chances("log_p", log_p), _chances("log_q", log_q)
    _alike("log_q", log_q, log_p)
    beyond = np.isneginf(log_q) & ~np.isneginf(log_p)  # also where exp(log_p) is no longer a number above 0
    if beyond.any():
        most = float(np.exp(np.broadcast_to(log_p, beyond.shape)[beyond].max()))
        raise refuse("log_p", "0 in probability wherever log_q is, for KL to be finite", most)
    with np.errstate(invalid="ignore"):
        return np.where(np.isneginf(log_p), 0.0, np.exp(log_p) * (log_p - log_q)).sum(axis=-1)


@no_underflow
def best_of_n(log_probs, scores, n):
    """log P, [N], of the best by `scores` [N] among n independent draws; ties are broken by chance.

    P(best has score s) = F(s)^n - F(below s)^n, shared among equals as the policy shares it. Its KL from the policy is at
    most log n - (n - 1) / n, and just that where no alternative has a chance to be drawn twice.
    Source: Beirami et al. (2024), theorem 1.
    """
    n, log_probs = float(min(number("n", n, 1, whole=True), 10**300)), _chances("log_probs", log_probs)
    if log_probs.ndim != 1:
        raise refuse("log_probs", "[N]", f"shape {log_probs.shape}")
    _, rank = np.unique(numbers("scores", scores, "[N]", log_probs.shape), return_inverse=True)
    each = np.bincount(rank, np.exp(log_probs))
    with np.errstate(divide="ignore", invalid="ignore"):
        to_here, from_here = np.cumsum(each), np.cumsum(each[::-1])[::-1]
        log_F = np.where(to_here < 0.5, np.log(to_here), np.log1p(-np.append(from_here[1:], 0)))  # what is not near 1
        log_won = n * log_F + np.log(-np.expm1(n * (np.append(-np.inf, log_F[:-1]) - log_F)))
        return np.where(np.exp(log_probs) > 0, log_probs + (log_won - np.log(each))[rank], -np.inf)


KL_ESTIMATES = {  # of log(pi / reference) at x ~ pi: the value, and the weight of the score in its gradient
    "k1": (lambda log_ratio: log_ratio, lambda log_ratio: np.ones_like(log_ratio)),
    "k2": (lambda log_ratio: log_ratio**2 / 2, lambda log_ratio: log_ratio),
    "k3": (lambda log_ratio: np.expm1(-log_ratio) + log_ratio, lambda log_ratio: -np.expm1(-log_ratio)),
}


@no_underflow
def kl_estimate(log_ratio, kind="k1"):
    """KL(pi || reference) from log(pi / reference) [...] at what pi drew: log ratio, its square / 2, or 1/ratio - 1 + log ratio.

    k1 and k3 are unbiased, k2 is not. k3 varies less near the reference only. (A Gaussian shifted: below a KL of .628.)
    Raises:
        ValueError: a log ratio of +inf: the policy drew what the reference never does, and KL is infinite; NaN.
    Source: Schulman (2020), Approximating KL divergence.
    """
    log_ratio = _of_what_was_drawn(log_ratio)
    if not np.isfinite(log_ratio).all():
        raise refuse("log_ratio", "finite", "NaN or infinity")
    return _of_kind(kind)[0](log_ratio)


@no_underflow
def kl_loss_weights(log_ratio, kind="k1"):
    """psi such that E[psi grad log pi] is the gradient of E `kl_estimate` with the draws held fixed: as a term of a loss.

    That is what differentiating the estimate does, and it is another thing than its expectation's gradient:
    k1 gives 0, k2 gives grad KL(pi || reference), k3 gives grad KL(reference || pi). Raises as `kl_estimate` does,
    but passes on what overflowed: a training names the run that it loses.
    """
    return _of_kind(kind)[1](_of_what_was_drawn(log_ratio))


def _of_kind(kind):
    if not isinstance(kind, str) or kind not in KL_ESTIMATES:
        raise refuse("kind", "'k1', 'k2' or 'k3'", kind)
    return KL_ESTIMATES[kind]


def _of_what_was_drawn(log_ratio):
    log_ratio = numbers("log_ratio", log_ratio, finite=False)
    if np.isposinf(log_ratio).any():
        raise refuse("log_ratio", "finite: what is drawn must have a chance under the reference, too", np.inf)
    return log_ratio


def _chances(name, log_probs):
    log_probs = numbers(name, log_probs, "[..., N]", finite=False)
    total = np.ravel(np.exp(np.minimum(log_probs, 1)).sum(axis=-1)) if log_probs.ndim else np.zeros(1)
    if not np.allclose(total, 1, rtol=0, atol=1e-9):
        raise refuse(name, "[..., N], logarithms of chances that sum to 1", f"a sum of {total[np.abs(total - 1).argmax()]:.6g}")
    return log_probs


def _alike(name, value, other):
    if value.shape[-1:] != other.shape[-1:]:
        raise refuse(name, f"[..., N] with N = {other.shape[-1]} alternatives", f"shape {value.shape}")


def _met(name, first, other, second, of):
    """Both as numbers of alternatives, [P]."""
    first, second = np.asarray(first), np.asarray(second)
    for each, value in ((name, first), (other, second)):
        if value.size and (value.dtype.kind not in "iu" or value.min() < 0 or value.max() >= len(of)):
            raise refuse(each, f"numbers of alternatives, whole and from 0 to {len(of) - 1}", value.tolist())
    if first.shape != second.shape:
        raise refuse(other, f"as many as {name}, shape {first.shape}", f"shape {second.shape}")
    return first.astype(int), second.astype(int)


def _sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))

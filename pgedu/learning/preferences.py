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
    return generator("rng", rng).random(np.shape(first)) < _sigmoid(rewards[first] - rewards[second])


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
            likeliest w would be infinite.
    Source: Bradley & Terry (1952); Christiano et al. (2017), eq. 1.
    """
    features = numbers("features", features, "[N, F]")
    weights = np.ones(np.shape(winners)) if weights is None else numbers("weights", weights, "[P]", np.shape(winners))
    differences = features[winners] - features[losers]  # [P, F]
    w = np.zeros(features.shape[-1])
    for _ in range(MOST_STEPS):
        lost = _sigmoid(-(differences @ w))
        slope = differences.T @ (weights * lost)
        curvature = (differences * (weights * lost * (1 - lost))[:, None]).T @ differences
        step = np.linalg.pinv(curvature, rcond=1e-12, hermitian=True) @ slope
        w = w + step / max(1.0, np.abs(differences @ step).max(initial=0.0) / 2)  # no margin moves by more than 2
        if np.abs(step).max(initial=0.0) < 1e-12 * (1 + np.abs(w).max(initial=0.0)):
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
    preferences = numbers("log_reference", log_reference, "[..., N]", finite=False) + numbers("rewards", rewards) / beta
    top = preferences.max(axis=-1, keepdims=True)
    log_Z = top + np.log(np.exp(preferences - top).sum(axis=-1, keepdims=True))
    return preferences - log_Z, beta * log_Z[..., 0]


def tilt_at(log_reference, rewards, kl):
    """`tilt` by the beta at which KL(pi* || reference) is `kl`, in nats: (log pi*, beta). No policy that near has a higher E r.

    Raises:
        ValueError: a KL that is not above 0, or not below that of the best alternatives alone.
    """
    number("kl", kl, above=0)
    low, high = -50.0, 50.0  # of log beta: halved until no number lies between
    for _ in range(200):
        middle = (low + high) / 2
        log_pi, _ = tilt(log_reference, rewards, np.exp(middle))
        low, high = (middle, high) if kl_divergence(log_pi, log_reference) > kl else (low, middle)
    if abs(kl_divergence(log_pi, log_reference) - kl) > 1e-6 * (1 + kl):
        raise refuse("kl", "less than that of the best alternatives alone", kl)
    return log_pi, np.exp(middle)


@no_underflow
def kl_divergence(log_p, log_q):
    """KL(p || q) = sum p log(p / q), [...], in nats.

    Raises:
        ValueError: where p does what q never does: there it is infinite.
    """
    log_p, log_q = numbers("log_p", log_p, finite=False), numbers("log_q", log_q, finite=False)
    p = np.exp(log_p)
    beyond = np.where(np.isneginf(log_q), p, 0.0)
    if beyond.any():
        raise refuse("log_p", "0 in probability wherever log_q is, for KL to be finite", float(beyond.max()))
    with np.errstate(invalid="ignore"):
        return np.where(p > 0, p * (log_p - log_q), 0.0).sum(axis=-1)


@no_underflow
def best_of_n(log_probs, scores, n):
    """log P, [N], of the best by `scores` [N] among n independent draws; ties are broken by chance.

    P(best has score s) = F(s)^n - F(below s)^n, shared among equals as the policy shares it. Its KL from the policy is at
    most log n - (n - 1) / n, and just that where no alternative has a chance to be drawn twice.
    Source: Beirami et al. (2024), theorem 1.
    """
    number("n", n, 1, whole=True)
    P, scores = np.exp(numbers("log_probs", log_probs, "[N]", finite=False)), numbers("scores", scores, "[N]", np.shape(log_probs))
    _, rank = np.unique(scores, return_inverse=True)
    each = np.bincount(rank, P)
    below = np.cumsum(each) - each
    above = np.minimum(1.0, below + each)
    with np.errstate(divide="ignore", invalid="ignore"):
        won = above**n - below**n
        return np.log(np.where(P > 0, P / each[rank] * won[rank], 0.0))


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
        ValueError: a log ratio of +inf: the policy drew what the reference never does, and KL is infinite.
    Source: Schulman (2020), Approximating KL divergence.
    """
    return _of_kind(kind)[0](_of_what_was_drawn(log_ratio))


@no_underflow
def kl_loss_weights(log_ratio, kind="k1"):
    """psi such that E[psi grad log pi] is the gradient of E `kl_estimate` with the draws held fixed: as a term of a loss.

    That is what differentiating the estimate does, and it is another thing than its expectation's gradient:
    k1 gives 0, k2 gives grad KL(pi || reference), k3 gives grad KL(reference || pi). Raises as `kl_estimate` does.
    """
    return _of_kind(kind)[1](_of_what_was_drawn(log_ratio))


def _of_what_was_drawn(log_ratio):
    log_ratio = numbers("log_ratio", log_ratio, finite=False)
    if np.isposinf(log_ratio).any():
        raise refuse("log_ratio", "finite: what is drawn must have a chance under the reference, too", np.inf)
    return log_ratio


def _of_kind(kind):
    if kind not in KL_ESTIMATES:
        raise refuse("kind", "'k1', 'k2' or 'k3'", kind)
    return KL_ESTIMATES[kind]


def _sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))

"""Checks of notebook 08: estimates of a normal policy's gradient, a variance, tanh's correction, the gradient of a gain."""

import numpy as np

from pgedu.lessons.verdicts import compare, judged


def _z(a, mu, sigma):
    return (a - mu) / sigma


def _both(of_mu, of_log_sigma):
    return lambda r, a, mu, sigma, b: np.stack([of_mu(r, a, mu, sigma, b), of_log_sigma(r, a, mu, sigma, b)], axis=-1)


def _of_mu(r, a, mu, sigma, b):
    return (r - b) * _z(a, mu, sigma) / sigma


def _of_log_sigma(r, a, mu, sigma, b):
    return (r - b) * (_z(a, mu, sigma) ** 2 - 1)


ESTIMATE_MISTAKES = [
    ("For mu the score is (a - mu) / sigma^2: one sigma is missing.",
     _both(lambda r, a, mu, sigma, b: (r - b) * _z(a, mu, sigma), _of_log_sigma)),
    ("For mu the score is (a - mu) / sigma^2: the division is missing.",
     _both(lambda r, a, mu, sigma, b: (r - b) * (a - mu), _of_log_sigma)),
    ("For log sigma the score is z^2 - 1: the 1 is missing, which comes from the 1 / sigma before the density.",
     _both(_of_mu, lambda r, a, mu, sigma, b: (r - b) * _z(a, mu, sigma) ** 2)),
    ("The second is the derivative by sigma; by log sigma it is sigma times that, z^2 - 1.",
     _both(_of_mu, lambda r, a, mu, sigma, b: (r - b) * (_z(a, mu, sigma) ** 2 - 1) / sigma)),
    ("The baseline is missing.", lambda r, a, mu, sigma, b: _both(_of_mu, _of_log_sigma)(r, a, mu, sigma, 0.0)),
    ("The baseline is subtracted in the first column only.",
     lambda r, a, mu, sigma, b: np.stack([_of_mu(r, a, mu, sigma, b), _of_log_sigma(r, a, mu, sigma, 0.0)], axis=-1)),
    ("The baseline is subtracted in the second column only.",
     lambda r, a, mu, sigma, b: np.stack([_of_mu(r, a, mu, sigma, 0.0), _of_log_sigma(r, a, mu, sigma, b)], axis=-1)),
    ("The columns are swapped: first mu, then log sigma.", _both(_of_log_sigma, _of_mu)),
    ("These are the scores: each is still to be weighted with reward minus baseline.",
     lambda r, a, mu, sigma, b: _both(_of_mu, _of_log_sigma)(np.ones_like(r), a, mu, sigma, 0.0)),
]  # fmt: skip


@judged
def check_normal_estimates(student):
    """f(rewards [N], actions [N], mu, sigma, baseline) -> [N, 2]: each action's estimate of (dJ/d mu, dJ/d log sigma)."""
    actions = np.array([-1.3, 0.2, 0.9, 2.4])
    cases = [
        {"rewards": np.array([0.5, -2.0, 3.0, 1.0]), "actions": actions, "mu": 0.4, "sigma": 0.7, "baseline": 0.3},
        {"rewards": np.array([4.0, 1.5, -1.0, 2.0]), "actions": actions[::-1].copy(), "mu": -0.5, "sigma": 1.6, "baseline": -1.2},
    ]
    return compare(student, _both(_of_mu, _of_log_sigma), cases, "Right: reward minus baseline, times z / sigma and z^2 - 1.",
                   ESTIMATE_MISTAKES)  # fmt: skip


def _variance(c, M, sigma, d):
    return c**2 * (M * (d + 1) + sigma**2 * d * (d + 4) / 2)


VARIANCE_MISTAKES = [
    ("This is E|g|^2: of a variance the square of the mean goes off, |dJ/d mu|^2 = c^2 M.", lambda c, M, s, d: _variance(c, M, s, d) + c**2 * M),
    ("It has the right value for d = 1 only: add up the variances of all d components, each of which has the noise of all others.",
     lambda c, M, s, d: _variance(c, M, s, 1)),
    ("This is d times the variance for d = 1: the reward carries the noise of all d actions into each component.",
     lambda c, M, s, d: d * _variance(c, M / d, s, 1)),
    ("This is the mean over the d components: add them up.", lambda c, M, s, d: _variance(c, M, s, d) / d),
    ("This is the variance without a baseline.",
     lambda c, M, s, d: c**2 * (M**2 * d / (4 * s**2) + M * ((d + 2) ** 2 / 2 - 1) + s**2 * d * (d + 2) * (d + 4) / 4)),
    ("This is the variance with the best constant baseline, which is not E f.",
     lambda c, M, s, d: c**2 * (M**2 * d / (4 * s**2) + M * ((d + 2) ** 2 / 2 - 1) + s**2 * d * (d + 2) * (d + 4) / 4
                                - (M + s**2 * (d + 2)) ** 2 * d / (4 * s**2))),
    ("This is the variance of the pathwise gradient.", lambda c, M, s, d: c**2 * s**2 * d),
    ("Both the reward and its mean are multiplied by c, so the variance has c^2.", lambda c, M, s, d: c * _variance(1, M, s, d)),
]  # fmt: skip


@judged
def check_variance_with_baseline(student):
    """f(c, M, sigma, d) -> total variance of (f(a) - E f) z / sigma on f = -c/2 |a - t|^2, with M = |mu - t|^2."""
    values = [(1.0, 1.0, 0.5, 1), (1.0, 1.0, 0.5, 5), (2.0, 0.7, 1.3, 3), (0.5, 0.0, 0.8, 10)]
    cases = [dict(zip(("c", "M", "sigma", "d"), each)) for each in values]
    return compare(student, _variance, cases, "Right: c^2 (M (d + 1) + sigma^2 d (d + 4) / 2).", VARIANCE_MISTAKES)


def _normal_log(u, mean, std):
    return -0.5 * ((u - mean) / std) ** 2 - np.log(std) - 0.5 * np.log(2 * np.pi)


def _log_slope(u):
    """log(1 - tanh^2 u), at any u."""
    return 2 * (np.log(2) - np.abs(u) - np.log1p(np.exp(-2 * np.abs(u))))


def _squashed(u, mean, std, limit):
    return _normal_log(u, mean, std) - _log_slope(u) - np.log(limit)


TANH_MISTAKES = [
    ("There is no correction: this is the density of u. Where tanh is steep, actions are spread thin, where flat, they pile up.",
     lambda u, m, s, limit: _normal_log(u, m, s)),
    ("The correction has the wrong sign: densities are divided by the slope da/du, so its logarithm is subtracted.",
     lambda u, m, s, limit: _normal_log(u, m, s) + _log_slope(u) + np.log(limit)),
    ("Only part of the correction has the right sign: both log(1 - tanh^2 u) and log(limit) are subtracted.",
     lambda u, m, s, limit: _normal_log(u, m, s) - _log_slope(u) + np.log(limit)),
    ("tanh twice: the slope at u is 1 - tanh(u)^2, not 1 - tanh(tanh(u))^2.",
     lambda u, m, s, limit: _normal_log(u, m, s) - _log_slope(np.tanh(u)) - np.log(limit)),
    ("tanh twice, and the limit is forgotten: da/du = limit (1 - tanh(u)^2).",
     lambda u, m, s, limit: _normal_log(u, m, s) - _log_slope(np.tanh(u))),
    ("The limit is forgotten: a = limit tanh(u), so da/du = limit (1 - tanh(u)^2).",
     lambda u, m, s, limit: _normal_log(u, m, s) - _log_slope(u)),
    ("The 2 pi is missing: the density of a normal u has 1 / sqrt(2 pi) before it.",
     lambda u, m, s, limit: _squashed(u, m, s, limit) + 0.5 * np.log(2 * np.pi)),
    ("The density of a normal u has 1 / std before it: -log(std) is missing.",
     lambda u, m, s, limit: _squashed(u, m, s, limit) + np.log(s)),
    ("The density of the normal draw is that of u, not of the action limit tanh(u).",
     lambda u, m, s, limit: _squashed(u, m, s, limit) - _normal_log(u, m, s) + _normal_log(limit * np.tanh(u), m, s)),
    ("The small number that is added to keep log(0) away counts where u is large, and is not needed: use the form with exponentials.",
     lambda u, m, s, limit: _normal_log(u, m, s) - np.log(np.exp(_log_slope(u)) + 1e-6) - np.log(limit)),
    ("The small number that is added to keep log(0) away counts where u is large, and is not needed: use the form with exponentials.",
     lambda u, m, s, limit: _normal_log(u, m, s) - np.log(limit * np.exp(_log_slope(u)) + 1e-6)),
    ("This is the density, its logarithm is asked for.", lambda u, m, s, limit: np.exp(_squashed(u, m, s, limit))),
]  # fmt: skip


@judged
def check_squashed_log_prob(student):
    """f(u [N], mean, std, limit) -> log density [N] of the actions a = limit tanh(u), u normal. It must hold for large u, too."""
    near, far = np.array([-2.0, -0.3, 0.0, 0.8, 1.5]), np.array([-30.0, 2.0, 25.0])
    cases = [{"u": near, "mean": 0.2, "std": 0.7, "limit": 2.0}, {"u": near + 0.4, "mean": -0.5, "std": 1.5, "limit": 0.5}]
    praise = "Right: log N(u) - log(1 - tanh(u)^2) - log(limit)"
    compare(student, _squashed, cases, praise, TANH_MISTAKES)
    wide = {"u": far, "mean": 1.0, "std": 9.0, "limit": 2.0}
    return compare(student, _squashed, [*cases, wide], f"{praise}, also where 1 - tanh(u)^2 is 0 for a computer.", TANH_MISTAKES)


def _parts(K, a, b, q, r, gamma):
    """P, and the loop a - bK."""
    loop = a - b * K
    return (q + r * K**2) / (1 - gamma * loop**2), loop


def _gain_gradient(K, a, b, q, r, gamma, start):
    P, loop = _parts(K, a, b, q, r, gamma)
    return -2 * (r * K - gamma * b * P * loop) * start / (1 - gamma * loop**2)


def _held(K, a, b, q, r, gamma, start):
    P, loop = _parts(K, a, b, q, r, gamma)
    return -2 * (r * K - gamma * b * P * loop) * start


def _inner(sign):
    """The derivative of (a - bK)^2 taken for 2 sign (a - bK)."""

    def wrong(K, a, b, q, r, gamma, start):
        P, loop = _parts(K, a, b, q, r, gamma)
        return -2 * (r * K + sign * gamma * P * loop) * start / (1 - gamma * loop**2)

    return wrong


GAIN_MISTAKES = [
    ("P is held fixed where it stands after the first step; it depends on K, too, which multiplies the result by 1 / (1 - gamma (a - bK)^2).",
     _held),
    ("The derivative of (a - bK)^2 by K is -2 b (a - bK): the -b of the inner derivative is missing.", _inner(1)),
    ("The derivative of (a - bK)^2 by K is -2 b (a - bK): the b of the inner derivative is missing.", _inner(-1)),
    ("The derivative of (a - bK)^2 by K is -2 b (a - bK): the minus sign of the inner derivative is missing.",
     lambda K, a, b, *rest: _inner(b)(K, a, b, *rest)),
    ("The denominator is not differentiated: it depends on K, too.",
     lambda K, a, b, q, r, gamma, start: -2 * r * K * start / (1 - gamma * (a - b * K) ** 2)),
    ("The factor start is missing.", lambda K, a, b, q, r, gamma, start: _gain_gradient(K, a, b, q, r, gamma, 1.0)),
    ("gamma is missing.", lambda K, a, b, q, r, gamma, start: _gain_gradient(K, a, b, q, r, 1.0, start)),
]  # fmt: skip


@judged
def check_gain_gradient(student):
    """f(K, a, b, q, r, gamma, start) -> dJ/dK of J = -P start, P = (q + r K^2) / (1 - gamma (a - bK)^2)."""
    values = [(0.3, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0), (0.5, 1.1, 0.8, 2.0, 0.5, 0.9, 1.5), (1.2, 0.9, 0.7, 1.0, 0.3, 0.95, 0.6)]
    cases = [dict(zip(("K", "a", "b", "q", "r", "gamma", "start"), each)) for each in values]
    praise = "Right: -2 (r K - gamma b P (a - bK)) Sigma, with Sigma = start / (1 - gamma (a - bK)^2)."
    return compare(student, _gain_gradient, cases, praise, GAIN_MISTAKES)

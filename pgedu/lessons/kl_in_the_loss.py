"""Estimates of KL as values and as losses, in notebook 12: exact moments, and learners that have nothing but the penalty."""

import numpy as np

from pgedu.learning.optimizers import SGD
from pgedu.learning.preferences import kl_divergence, kl_estimate, kl_loss_weights
from pgedu.learning.reinforce import reinforce
from pgedu.panels.look import COLORS, label, see_through, tidy
from pgedu.panels.views import LearningCurve
from pgedu.policies.approximators import Table
from pgedu.policies.heads import log_softmax
from pgedu.policies.policy import Policy
from pgedu.worlds.finite import bandit

REFERENCE = np.array([0.6, 0.3, 0.1])
KINDS = {"k1": COLORS["IS"], "k2": COLORS["DR"], "k3": COLORS["PDIS"]}
STARTS = {"at the reference": REFERENCE, "away from it": np.array([0.1, 0.3, 0.6])}
LEARNERS, RATE = 20, 1.0
policy = Policy.softmax(Table(observations=1, outputs=3))


def moments_of(pi, kind):
    """(mean, variance) of an estimate of KL from one answer drawn from pi [3], exactly."""
    estimate = kl_estimate(np.log(pi / REFERENCE), kind)
    mean = pi @ estimate
    return float(mean), float(pi @ (estimate - mean) ** 2)


def of_a_shift(mu, kind):
    """(bias, standard deviation), both over KL, where the policy is a normal distribution shifted by mu; closed forms."""
    kl = mu**2 / 2
    if kind == "k1":  # log ratio: mean KL, variance mu^2
        return 0.0, mu / kl
    if kind == "k2":  # half its square: a squared normal of mean KL and variance mu^2
        return (mu**2 + kl**2) / 2 / kl - 1, np.sqrt(2 * mu**4 + 4 * mu**2 * kl**2) / 2 / kl
    return 0.0, np.sqrt(np.expm1(mu**2) - mu**2) / kl


def mean_gradient(pi, kind):
    """What the estimate gives as a loss, on average: its gradient in the three logits, with the draws held fixed [3]."""
    return pi * kl_loss_weights(np.log(pi / REFERENCE), kind) - pi * (pi @ kl_loss_weights(np.log(pi / REFERENCE), kind))


def penalty_alone(rollout, *, beta, kind):
    """psi of a learner that is paid nothing and has beta times an estimate of KL in its loss."""
    return -beta * kl_loss_weights(rollout.log_probs - np.log(REFERENCE)[rollout.actions], kind) * rollout.mask


class only_penalties:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Learners without any reward, a third each with k1, k2 and k3 in the loss. `beta` may change at any time.

    Yields {kind: `Progress`}.
    """

    beta = 0.1

    def __init__(self, rng, begin, runs=LEARNERS):
        theta = np.tile(np.log(STARTS[begin]), (runs, 1))
        psi = lambda kind: lambda rollout: penalty_alone(rollout, beta=self.beta, kind=kind)  # noqa: E731
        own = {"optimizer": SGD(RATE), "rng": rng, "runs": runs, "theta": theta}
        nothing = bandit([0.0, 0.0, 0.0])
        self.trainings = {kind: reinforce(nothing, policy, estimator=psi(kind), **own) for kind in KINDS}

    def __iter__(self):
        while True:
            yield {kind: next(training) for kind, training in self.trainings.items()}


def _plane(axes):
    """All policies over three answers, by two of their chances, and the reference among them."""
    tidy(axes, "the learners", "chance of the first answer", "of the second")
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), aspect="equal")
    axes.plot([0, 1, 0, 0], [0, 0, 1, 0], color="0.55", linewidth=1.5)
    axes.plot(*REFERENCE[:2], "*", color=COLORS["exact"], markersize=16, zorder=1)
    label(axes, 0.99, 0.93, "star: the reference", ha="right")


def penalties(figure):
    """Where learners with nothing but a penalty go in the plane of two chances, and how far from the reference. For `watch`."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.3])
    _plane(left)
    tidy(right, "KL from the reference; band: 8 of 10 learners", "update").set_ylim(-0.03, 2.6)  # 2.30 is the most: only the third answer
    dots = {kind: left.plot([], [], "o", markersize=6, **see_through(color))[0] for kind, color in KINDS.items()}
    curves = {kind: LearningCurve(right, kind, color) for kind, color in KINDS.items()}
    right.legend(loc="upper left", ncols=3)
    update = 0

    def draw(new, beta):
        nonlocal update
        for kind in KINDS if new else ():
            update = new[-1][kind].update
            log_pi = log_softmax(np.array([record[kind].theta for record in new]))
            kl = kl_divergence(log_pi, np.broadcast_to(np.log(REFERENCE), log_pi.shape))
            curves[kind].add([record[kind].update for record in new], kl)
            dots[kind].set_data(*np.exp(log_pi[-1, :, :2]).T)
        if not update:
            return "No update yet."
        told = [f"{curves[kind].show():.3f} with {kind}" for kind in KINDS]
        return f"Without any reward, after {update:,} updates with β = {beta:.2g}, the mean KL is {', '.join(told)}."

    return draw

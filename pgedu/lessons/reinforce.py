"""Pictures of notebook 03; learners on the corridor's hill and on CartPole are those of 04, too.

Each function is given what the lesson computed, and returns a view for `explore` or `watch`.
"""

from functools import partial

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.lessons.policy_gradient_theorem import Plane
from pgedu.panels.carts import CartPoleLearning
from pgedu.panels.look import in_decades, label
from pgedu.panels.views import COLORS, Cloud, Learning, angle_between, color_of, tidy


def cloud(estimates, truth_at):
    """Where theta stands, to be dragged, and the cloud of gradient estimates around the exact gradient there.

    estimates(rng, curious, loyal, batch, psi, gamma_power) -> [M, 2]; truth_at(curious, loyal) -> (J, exact gradient [2]).
    """

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[2, 3])
        plane = Plane(left, lambda curious, loyal: truth_at(curious, loyal)[0])
        picture = Cloud(right, "∂J / ∂ offer to the curious", "∂J / ∂ offer to the loyal")

        def draw(rng, curious, loyal, batch, psi, gamma_power):
            points = estimates(rng, curious, loyal, batch, psi, gamma_power)
            _, truth = truth_at(curious, loyal)
            plane.show(np.array([curious, loyal]), truth)
            picture.show(points, truth, color_of(psi))
            name = getattr(psi, "__name__", "estimator").replace("_", " ")
            off = angle_between(points.mean(axis=0), truth)
            width = np.sqrt(points.var(axis=0).sum())
            return (f"{len(points):,} estimates from {batch} episodes each, weighted with the {name}: their standard "
                    f"deviation is {width:.2f} (the gradient's length is {np.linalg.norm(truth):.2f}), and their mean "
                    f"points {off:.0f}° away from the exact gradient.")  # fmt: skip

        return draw

    return view


def variance_dots(theta, formulas, measured):
    """Variances over theta [n], of the total return and of the reward-to-go: lines by formula, dots as measured.

    formulas is [2, n], and measured(rng, episodes) -> [2, n].
    """

    def view(figure):
        title = "variance of one estimate of dJ/dθ: by formula (black), and measured (dots)"
        axes = tidy(figure.subplots(), title, "θ, the probability of staying")
        in_decades(axes.yaxis).set_ylim(4, 9000)
        dots = []
        for name, formula in zip(("total return", "reward to go"), formulas):
            axes.plot(theta, formula, color=COLORS["exact"], label=f"{name}, by formula")
            label(axes, theta[-1] + 0.02, formula[-1], name, COLORS[name])
            dots += axes.plot([], [], "o", color=COLORS[name], alpha=0.7, markersize=8, label=f"{name}, measured")

        def draw(rng, episodes):
            for line, variances in zip(dots, measured(rng, episodes)):
                line.set_data(theta, variances)
            return (f"Each dot is the variance of {episodes} episodes; for reward to go at θ = {theta[-1]:.2f} "
                    f"it is {variances[-1]:,.0f}.")  # fmt: skip

        return draw

    return view


def corridor_return(p):
    """J(p) = (2p - 4) / (p (1 - p)) of the short corridor, with p the probability of going right.

    Source: Sutton & Barto (2018), example 13.1.
    """
    return (2 * p - 4) / (p * (1 - p))


def corridor_hill(world, policy):
    """Learners of the short corridor: where they stand on the hill J(p), their returns, the variance of an estimate."""
    p = np.linspace(0.02, 0.98, 200)
    J = corridor_return(p)

    def right(theta):
        """p of each run, [R, D] -> [R]."""
        return policy.probabilities(theta, np.zeros((len(theta), 1), dtype=int))[:, 0, 1]

    def view(figure):
        exact, hill = partial(exact_return, world, policy), (p, J, right, "p, probability of right")
        return Learning(figure, limits=(-60, -8), best=J.max(), exact=exact, hill=hill).draw

    return view


def cartpole_curves(figure):
    """Learners of CartPole: their returns, the variance of an estimate, and carts as they move. A view as it is."""
    return CartPoleLearning(figure, limits=(0, 500), variances=(1e1, 1e8), best=500).draw

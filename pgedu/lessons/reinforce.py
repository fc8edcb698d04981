"""Pictures of notebook 03; learners on the corridor's hill and on CartPole are those of 04, too.

Each function is given what the lesson computed, and returns a view for `explore` or `watch`.
"""

from functools import partial

import numpy as np

from pgedu.gradients.exact import exact_gradient, exact_return
from pgedu.lessons.one_episode import OFFER
from pgedu.lessons.policy_gradient_theorem import Plane
from pgedu.panels.carts import CartPoleLearning
from pgedu.panels.look import in_decades, label, see_through
from pgedu.panels.views import COLORS, Cloud, Learning, angle_between, color_of, ellipse, tidy
from pgedu.worlds.solving import solve


EXPECTED = "#CC79A7"  # not that of an estimator: what any of them is expected to be


def expected_estimate(world, policy, theta, gamma_power=True):
    """What an estimate of grad J weighted with total return or reward-to-go is expected to be, exactly, [D].

    With gamma^t it is grad J; without, the same sum with visits that are not discounted. Both weights have the same
    expectation, since an action cannot change what was before it. Quick: no episodes are gone through.

    Args:
        world: an `MDP` with a horizon and gamma above 0, each state seen as itself.
        policy: a softmax table, so that the gradient's parts are those of its preferences.
    """
    known = solve(world, policy, theta)  # row t is month t
    powers = 1.0 if gamma_power else world.gamma ** np.arange(len(known.visits))[:, None]
    advantages = known.action_values - known.values[..., None]
    return ((known.visits / powers)[..., None] * known.probabilities * advantages).sum(axis=0).ravel()


def at(curious, loyal):
    """theta of the campaign, with these preferences for an offer to either, [6]."""
    return np.array([0.0, curious, 0, loyal, 0, 0])


def offers(curious, loyal):
    """Probabilities of (wait, offer) for a curious and for a loyal customer; nobody asks those who are lost."""
    return [[1 - curious, curious], [1 - loyal, loyal], [1, 0]]


def cloud(world, policy, estimates):
    """Where theta stands, to be dragged, the cloud of gradient estimates there, and what they are expected to be.

    The world is the campaign; estimates(rng, theta, batch, psi, gamma_power) -> [M, 2], for offers to (curious, loyal).
    """

    def view(figure):
        left, middle, right = figure.subplots(1, 3)
        plane = Plane(left, lambda curious, loyal: exact_return(world, policy, at(curious, loyal)))
        left.set(aspect="equal")
        for axes in (left, middle, right):
            axes.set_anchor("N")  # in a narrow window, too, the legends have their room below
        picture, zoom = Cloud(middle, "∂J / ∂ offer to the curious", "∂J / ∂ offer to the loyal"), Zoom(right)
        middle.get_legend().set_loc("upper center")
        middle.get_legend().set_bbox_to_anchor((0.5, -0.2), middle.transAxes)

        def draw(rng, curious, loyal, batch, psi, gamma_power):
            theta = at(curious, loyal)
            points = estimates(rng, theta, batch, psi, gamma_power)
            truth = exact_gradient(world, policy, theta)[OFFER]
            expected = expected_estimate(world, policy, theta, gamma_power)[OFFER]
            plane.show(theta[OFFER], truth)
            picture.show(points, truth, color_of(psi))
            zoom.show(points, expected, truth, color_of(psi))
            return _words_of_cloud(points, batch, psi, expected, truth)

        return draw

    return view


def _words_of_cloud(points, batch, psi, expected, truth):
    name = getattr(psi, "__name__", "estimator").replace("_", " ")
    width, off, turned = np.sqrt(points.var(axis=0).sum()), *(
        angle_between(each, truth) for each in (points.mean(axis=0), expected)
    )
    goal = f"points {turned:.1f}° away from it" if turned > 0.05 else "is the exact gradient itself"
    return (f"{len(points):,} estimates from batches of {batch}, weighted with the {name}: their standard deviation is "
            f"{width:.2f} (the gradient's length is {np.linalg.norm(truth):.2f}), and their mean points {off:.0f}° away "
            f"from the exact gradient. What they are expected to be, exactly, {goal}.")  # fmt: skip


class Zoom:
    """The middle of a cloud of estimates, enlarged: exact gradient, expected estimate, and the mean of the sampled ones."""

    def __init__(self, axes, reach=0.6):
        tidy(axes, "the middle of the cloud, enlarged").set(xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        axes.set(xticks=(-0.4, 0, 0.4), yticks=(-0.4, 0, 0.4))
        axes.axhline(0, color="0.55", linewidth=1.5)
        axes.axvline(0, color="0.55", linewidth=1.5)
        (self.exact,) = axes.plot([], [], "*-", color=COLORS["exact"], markevery=[1], markersize=12, label="exact gradient")
        (self.expected,) = axes.plot([], [], "D--", color=EXPECTED, markevery=[1], markersize=7, label="expected estimate")
        (self.mean,) = axes.plot([], [], "o", markersize=7, label="mean of the estimates")
        (self.error,) = axes.plot([], [], label="2 standard errors around it")
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2))

    def show(self, points, expected, exact, color):
        """Estimates [M, 2]; the expectation of each, and the exact gradient, [2]."""
        mean = points.mean(axis=0)
        self.exact.set_data([0, exact[0]], [0, exact[1]])
        self.expected.set_data([0, expected[0]], [0, expected[1]])
        self.mean.set_data(mean[:1], mean[1:])
        self.error.set_data(*ellipse(mean, np.cov(points.T) / len(points)))
        for artist in (self.mean, self.error, *self.mean.axes.get_legend().get_lines()[2:]):
            artist.set_color(color)


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
            dots += axes.plot([], [], "o", markersize=8, **see_through(COLORS[name], 0.7), label=f"{name}, measured")

        def draw(rng, episodes):
            found = measured(rng, episodes)
            for line, variances in zip(dots, found):
                line.set_data(theta, variances)
            off = 100 * np.abs(found / formulas - 1)
            return (f"Each dot is the variance of {episodes:,.0f} episodes. The one farthest from its line is off by "
                    f"{off.max():.0f} %, the middle one by {np.median(off):.0f} %.")  # fmt: skip

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

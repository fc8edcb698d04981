"""The race of notebook 04: learners with different baselines side by side, in one training, and their picture."""

import numpy as np

from pgedu.experience.rollouts import Rollout
from pgedu.gradients.baselines import batch_mean, leave_one_out, none
from pgedu.gradients.exact import exact_return
from pgedu.learning.learned_value import LearnedValue
from pgedu.learning.reinforce import reinforce
from pgedu.lessons.exact_baselines import variance_of_estimate
from pgedu.panels.look import COLORS, best_line, in_decades, see_through, tidy
from pgedu.panels.views import LearningCurve


class SideBySide:
    """Several baselines at once: the runs of a training are shared out among them, in groups that are equally large.

    baselines: {name: function (rollout, targets) -> b}, also ones that learn.
    """

    def __init__(self, baselines):
        self.baselines = dict(baselines)

    def start(self, rng, runs):
        """A fresh copy, as a training asks for it."""
        share, over = divmod(runs, len(self.baselines))
        if over:
            raise ValueError(f"runs must be shared out equally among {len(self.baselines)} baselines; got {runs}")
        start = lambda each: each.start(rng, share) if hasattr(each, "start") else each  # noqa: E731
        fresh = SideBySide({name: start(each) for name, each in self.baselines.items()})
        fresh.groups = [slice(n * share, (n + 1) * share) for n in range(len(self.baselines))]
        return fresh

    def __call__(self, rollout, targets):
        parts = [
            np.broadcast_to(each(part, targets[:, group]), targets[:, group].shape)
            for each, group, part in self._parts(rollout)
        ]
        return np.concatenate(parts, axis=1)

    def learn_from(self, rollout):
        """Let those learn that do, each from its own runs."""
        for each, _, part in self._parts(rollout):
            if hasattr(each, "learn_from"):
                each.learn_from(part)

    def _parts(self, rollout):
        for each, group in zip(self.baselines.values(), self.groups):
            yield each, group, Rollout(*(field[:, group] for field in rollout))

    def variances(self, world, policy, theta, episodes):
        """The exact variance of one episode's reward-to-go estimate in each run, [R], for theta [R, D]."""
        each = zip(self.baselines.values(), self.groups)
        return np.concatenate([_variance(world, policy, theta[group], baseline, episodes) for baseline, group in each])


def _variance(world, policy, theta, baseline, episodes):
    if baseline is none:
        return variance_of_estimate(world, policy, theta)
    if isinstance(baseline, LearnedValue):
        return variance_of_estimate(world, policy, theta, values=baseline.w)
    if baseline in (leave_one_out, batch_mean):
        share = 1 if baseline is leave_one_out else (1 - 1 / episodes) ** 2  # of its own return, it subtracts 1/B
        return share * variance_of_estimate(world, policy, theta, others=episodes - 1)
    raise ValueError(f"baseline must be none, leave_one_out, batch_mean or a LearnedValue; got {baseline!r}")


class race(reinforce):  # noqa: N801 - called as `reinforce` is
    """`reinforce` with a `SideBySide` baseline, which also records the exact variance of an estimate in each run.

    `details["variance"]` is there at the first update and at each fifth one after it, since it takes longer than learning.
    """

    def learn(self, rollout):
        if self.update % 5:
            return super().learn(rollout)
        known = self.started("baseline").variances(self.world, self.policy, self.theta, self.episodes)
        return super().learn(rollout) | {"details": {"variance": known}}


def race_picture(world, policy, names):
    """Where the learners of each baseline stand, their exact J, and the variance of an estimate: exact, and as sampled.

    Args:
        world: the campaign of which J is shown, without what it pays in any case.
        names: of the baselines, which share the runs out among them.
    """
    exact = lambda theta: exact_return(world, policy, theta)  # noqa: E731

    def view(figure):
        plane, *curves = figure.subplots(1, 3)
        best = _square(plane, exact)
        tidy(curves[0], "exact J, 8 of 10 learners", "update").set_ylim(0.6, 2.2)
        best_line(curves[0], best)
        in_decades(tidy(curves[1], "variance of one estimate", "update").yaxis).set_ylim(0.1, 1000)
        lanes = [Lane(plane, *curves, name, mark) for name, mark in zip(names, "osD")]
        lines = [lane.J.band.line for lane in lanes]
        figure.legend(handles=lines, loc="outside upper right", ncols=len(lanes), borderpad=0, borderaxespad=0.1)

        def draw(new):
            share = len(new[-1].theta) // len(lanes) if new else 0
            for n, lane in enumerate(lanes):
                lane.add(new, slice(n * share, (n + 1) * share), exact)
            return _who_is_right(lanes)

        return draw

    return view


def _who_is_right(lanes):
    if not lanes[0].update:
        return "No update yet."
    right = _listed(f"{lane.right.sum()} with {lane.name}" for lane in lanes)
    return (f"After {lanes[0].update:,} updates, of {len(lanes[0].right)} learners each, {right} lean the right way for both "
            f"kinds of customers. The exact variances are {_listed(f'{lane.variance:.1f}' for lane in lanes)}.")  # fmt: skip


def _listed(words):
    *first, last = words
    return f"{', '.join(first)} and {last}"


def _square(axes, exact):
    """J over the probabilities of an offer to the curious and to the loyal, from above. Returns the best J."""
    p = np.linspace(0.01, 0.99, 25)
    curious, loyal = np.meshgrid(np.log(p / (1 - p)), np.log(p / (1 - p)))
    thetas = lambda x, y: np.stack([0 * x, x, 0 * x, y, 0 * x, 0 * x], axis=-1)  # noqa: E731
    tidy(axes, "J from above", "offers to the curious", "offers to the loyal")
    axes.set(xlim=(-0.08, 1.08), ylim=(-0.08, 1.08), aspect="equal", xticks=[0, 0.5, 1], yticks=[0, 0.5, 1])
    axes.contour(p, p, exact(thetas(curious, loyal)), levels=10, colors="0.55", linewidths=1)
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    J = exact(thetas(*(80.0 * corners.T - 40)))
    axes.plot(*corners[J.argmax()], "*", color=COLORS["exact"], markersize=17, zorder=1)
    return J.max()


class Lane:
    """The learners of one baseline: dots in the square, a curve of J, and one of the variance with its samples."""

    SHARE = 0.1  # of a new sample in the running mean

    def __init__(self, plane, returns, variances, name, mark):
        color = COLORS[name]
        (self.dots,) = plane.plot([], [], mark, markersize=6, **see_through(color))
        self.J, self.known = LearningCurve(returns, name, color), LearningCurve(variances, name, color)
        self.sampled = LearningCurve(variances, None, color)
        self.sampled.band.line.set(linewidth=7, alpha=0.3)
        self.name, self.update, self.right, self.variance, self._smooth = name, 0, np.empty(0), np.nan, np.nan

    def add(self, new, runs, exact):
        """Draw records of updates, as far as they are of these runs; `exact` gives J [n, R] of theta [n, R, D]."""
        if new:
            updates, theta = [record.update for record in new], np.array([record.theta[runs] for record in new])
            self.J.add(updates, exact(theta))
            self.sampled.add(updates, [[self._smoothed(record.gradients[runs])] for record in new])
            self.update = updates[-1]
            self._stand(theta[-1])
        known = [(record.update, record.details["variance"][runs].mean()) for record in new if record.details]
        if known:
            updates, variances = zip(*known)
            self.known.add(updates, np.array(variances)[:, None])
            self.variance = variances[-1]
        for curve in (self.sampled, self.known, self.J):
            curve.show()

    def _smoothed(self, gradients):
        """The running mean of the learners' sampled variances, with those of gradients [R, B, D] in it."""
        sampled = gradients.var(axis=-2, ddof=1).sum(axis=-1).mean()
        start = sampled if np.isnan(self._smooth) else self._smooth
        self._smooth = start + self.SHARE * (sampled - start)
        return self._smooth

    def _stand(self, theta):
        """Dots at the probabilities of an offer, a little apart, so that those in a corner can be seen."""
        offers = 1 / (1 + np.exp(np.clip(theta[:, [0, 2]] - theta[:, [1, 3]], -50, 50)))
        self.right = (offers[:, 0] > 0.5) & (offers[:, 1] < 0.5)
        n = np.arange(len(offers))
        apart = 0.06 * np.sqrt(n / len(n)) * np.stack([np.cos(2.4 * n), np.sin(2.4 * n)])
        self.dots.set_data(*(offers.T + apart))

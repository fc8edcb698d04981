"""Trainings of notebook 05 as they learn: two that race, and an actor and a critic with a learning rate each."""

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.panels.look import best_line, key, label, see_through
from pgedu.panels.views import COLORS, LearningCurve, tidy

CUT_OFF = {"cut-off kept apart": COLORS["reward to go"], "cut-off taken for the end": COLORS["total return"]}
LANES = {"REINFORCE": COLORS["reinforce"], "λ = 0": COLORS["constant"], "λ as set": COLORS["actor critic"]} | CUT_OFF


class race:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Trainings that take turns: the one with the fewest steps so far makes the next update.

    Yields (lane, `Progress`), where lane is the number of the training. `learning_rate` is that of all; `lam` of all
    that have one, except the lanes in `own_lam`.
    """

    learning_rate, lam = 0.03, 0.9

    def __init__(self, *trainings, own_lam=()):
        self.trainings, self.own_lam = trainings, own_lam

    def __iter__(self):
        while True:
            lane = int(np.argmin([training.environment_steps for training in self.trainings]))
            training = self.trainings[lane]
            training.learning_rate = self.learning_rate
            if hasattr(training, "lam") and lane not in self.own_lam:  # REINFORCE has none
                training.lam = self.lam
            yield lane, next(training)


class Lane:
    """One training of a race: its exact returns over steps. Those below the picture are counted, and not averaged."""

    def __init__(self, axes, name, low):
        self.name, self.low, self.updates, self.below = name, low, 0, np.zeros(0, dtype=bool)
        self.curve = LearningCurve(axes, name, LANES.get(name, "0.4"))

    def add(self, progress, returns):
        self.updates, self.below = progress.update, returns < self.low
        self.curve.add([progress.environment_steps], returns[None], lost=self.below)

    def show(self):
        mean, below, runs = self.curve.show(), int(self.below.sum()), len(self.below)
        if not runs:
            return f"{self.name}: no update yet"
        known = f"J = {mean:.2f}" if below < runs else "no J to average"
        out = f" ({below} of {runs} are left out, below {self.low})" if below else ""
        return f"{self.name}: {known}{out} after {self.updates:,} updates"


def lanes(world, policy, names, *, best, low, high):
    """Exact returns of the trainings of a `race`, over steps: the mean of those at `low` or above. For `watch`."""

    def view(figure):
        axes = tidy(figure.subplots(), "exact J: mean, 8 of 10 runs", "steps of each run")
        axes.set_ylim(low, high)
        best_line(axes, best)
        both = [Lane(axes, name, low) for name in names]
        key(axes)

        def draw(new):
            for lane, progress in new:
                both[lane].add(progress, exact_return(world, policy, progress.theta))
            said = "; ".join(each.show() for each in both)
            return f"Exact, on average over runs: {said}."

        return draw

    return view


class two_rates:  # noqa: N801
    """A training of an actor and a critic, each with a learning rate of its own that may change at any time.

    Yields (`Progress`, believed values [R, S]).
    """

    actor, critic = 0.1, 0.1

    def __init__(self, training):
        self.training = training

    def __iter__(self):
        while True:
            self.training.learning_rate, self.training.critic.optimizer.learning_rate = self.actor, self.critic
            yield next(self.training), self.training.critic.w


def believed_gain(world, values):
    """What an offer seems to gain a curious customer, if the critic believes values [R, S]: [R]."""
    offer, wait = (world.rewards[0, a] + world.gamma * values @ world.transitions[0, a] for a in (1, 0))
    return offer - wait


def offers(theta):
    """The probability [...] of an offer to the curious, theta [..., D] of the campaign's softmax table."""
    return 1 / (1 + np.exp(np.clip(theta[..., 0] - theta[..., 1], -500, 500)))


def actors_and_critics(world, policy, *, best):
    """The plane of what actors do and critics believe, and the exact J, of `two_rates` on the campaign. For `watch`."""

    def view(figure):
        plane, axes = figure.subplots(1, 2, width_ratios=[1, 1])
        dots, trail = _plane(plane)
        way = [(0.5, -1.0)]  # of the average learner
        tidy(axes, "exact J: mean, 8 of 10 runs", "update").set_ylim(0.8, 2.3)
        best_line(axes, best)
        curve = LearningCurve(axes, None, COLORS["actor critic"])

        def draw(new):
            for progress, values in new:
                way.append((offers(progress.theta).mean(), believed_gain(world, values).mean()))
                curve.add([progress.update], exact_return(world, policy, progress.theta)[None])
            if not new:
                return "No update yet." if np.isnan(curve.show()) else draw.said
            p, gain = offers(progress.theta), believed_gain(world, values)
            dots.set_data(p, gain)
            trail.set_data(*np.transpose(way))
            gave_up, fooled = int((p < 0.05).sum()), int((gain < 0).sum())
            draw.said = (f"After {progress.update:,} updates J is {curve.show():.2f} on average. {fooled} of {len(p)} critics "
                         f"believe that an offer is a loss; {gave_up} of {len(p)} actors have given up offers.")  # fmt: skip
            return draw.said

        return draw

    return view


def _plane(axes):
    names = "actor: probability of an offer to the curious", "critic: what an offer seems to gain"
    tidy(axes, "learners, and the way of their mean", *names)
    axes.set(xlim=(-0.04, 1.04), ylim=(-1.4, 1.4))
    axes.axhspan(-1.4, 0, color=COLORS["total return"], alpha=0.1, linewidth=0)
    label(axes, 1.0, 1.25, "seems to pay: more offers →", ha="right")
    label(axes, 1.0, -1.25, "← seems a loss: fewer offers", ha="right")
    (trail,) = axes.plot([], [], color=COLORS["actor critic"])
    return axes.plot([], [], "o", **see_through(COLORS["actor critic"]))[0], trail

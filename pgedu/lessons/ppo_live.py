"""The pictures of notebook 07 that live: TRPO and PPO as they learn, and a learner that acts."""

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.panels.carts import CartPole, Carts
from pgedu.panels.look import best_line, in_decades
from pgedu.panels.views import COLORS, LearningCurve, color_of, tidy


def climbing(method, shop, buyer):
    """The exact J of a training in the campaign, and the KL of its updates in the colour of the method."""

    def view(figure):
        left, right = figure.subplots(1, 2)
        tidy(left, "exact J: mean, and 8 of 10 runs", "update").set_ylim(0.6, 2.2)
        in_decades(tidy(right, "KL of an update: mean, and 8 of 10 runs", "update").yaxis).set_ylim(1e-5, 3)
        best_line(left, 2.04)
        J, kl = LearningCurve(left, None, COLORS["exact"]), LearningCurve(right, None, color_of(method))

        def draw(new):
            updates = [record.update for record in new]
            if new:
                J.add(updates, exact_return(shop, buyer, np.array([record.theta for record in new])))
                kl.add(updates, [np.maximum(record.details["kl"], 1e-5) for record in new])
            now, distance = J.show(), kl.show()
            return f"The exact J is {now:.2f} (best possible: 2.04); the last update has a mean KL of {distance:.1g}."

        return draw

    return view


def cartpole(figure):
    """Returns, KL and clipped samples of PPO on CartPole, and the first learner's carts as they move."""
    curves, carts = _curves_and_carts(figure)
    stopped = 0

    def draw(new, now=None):
        nonlocal stopped
        if now is not None:
            carts.show(now[0])
        updates = [record.update for record in new]
        if new:
            curves["R"].add(updates, [np.nanmean(record.returns, axis=1) for record in new])
            curves["K"].add(updates, [np.maximum(record.details["kl"], 1e-5) for record in new])
            curves["S"].add(updates, [record.details["clipped"] for record in new])
            stopped = new[-1].diverged.sum()
        mean, kl, clipped = (curve.show() for curve in curves.values())
        warning = f" {stopped} learners stand still: their numbers overflowed." if stopped else ""
        return (
            f"The mean return of the latest episodes is {mean:.0f}. In the last update the mean KL is {kl:.1g}, and "
            f"{100 * clipped:.0f} % of the samples are beyond the clip.{warning}"
        )

    return draw


def _curves_and_carts(figure):
    axes = figure.subplot_mosaic("RRKS;RRCC")
    tidy(axes["R"], "return: mean, and 8 of 10 runs", "update").set_ylim(0, 510)
    tidy(axes["K"], "mean KL", "update").set(yscale="log", ylim=(1e-5, 3))
    tidy(axes["S"], "share beyond the clip", "update").set_ylim(0, 1)
    carts = Carts(axes["C"], "first learner, now", rows=2, columns=2)
    return {name: LearningCurve(axes[name], None, COLORS["ppo"]) for name in "RKS"}, carts


def stage(figure):
    """One learner that acts on CartPole, from records (last observations, steps, return of its last episode)."""
    scene = CartPole(tidy(figure.subplots(), "one learner, acting"))
    steps, last = 0, np.nan

    def draw(new, learner, updates):
        nonlocal steps, last
        if new:
            scene.show(np.concatenate([observations for observations, _, _ in new[-4:]]))
            _, steps, last = new[-1]
        before = "This is its first episode" if np.isnan(last) else f"Its last episode took {last:.0f} steps"
        return f"Learner {learner} after {updates} updates: the pole has been up for {steps} steps. {before}."

    return draw

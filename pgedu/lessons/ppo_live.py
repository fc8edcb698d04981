"""The pictures of notebook 07 that live: TRPO and PPO as they learn, PPO beside a changed one, and a learner that acts."""

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.panels.carts import CartPole, Carts
from pgedu.panels.look import best_line, in_decades, key, see_through
from pgedu.panels.views import COLORS, LearningCurve, color_of, tidy

LEAST = 1e-5  # the bottom of a picture of KLs: what is smaller, or 0, is drawn there


def in_words(kl):
    """A mean KL as one says it."""
    return f"less than {LEAST:.5f}" if kl < LEAST else f"{float(f'{kl:.1g}'):.5f}".rstrip("0").rstrip(".")


def climbing(method, shop, buyer):
    """The exact J of a training in the campaign, and the KL of its updates in the colour of the method."""

    def view(figure):
        left, right = figure.subplots(1, 2)
        tidy(left, "exact J: mean, and 8 of 10 runs", "update").set_ylim(0.6, 2.2)
        in_decades(tidy(right, "KL of an update: mean, and 8 of 10 runs", "update").yaxis).set_ylim(LEAST, 3)
        best_line(left, 2.04)
        J, kl = LearningCurve(left, None, COLORS["exact"]), LearningCurve(right, None, color_of(method))
        update, last = 0, "no update yet."

        def draw(new):
            nonlocal update, last
            if new:
                updates, taken = [record.update for record in new], [_taken(record.details) for record in new]
                J.add(updates, exact_return(shop, buyer, np.array([record.theta for record in new])))
                kl.add(updates, np.maximum(taken, LEAST))
                update, last = updates[-1], _about(taken[-1])
            now, _ = J.show(), kl.show()
            return f"After {update:,} updates the exact J is {now:.2f} (best possible: 2.04); {last}"

        return draw

    return view


def _taken(details):
    """The KL of each learner's step, [R]; NaN for a step that was given up."""
    return np.where(details.get("rejected", False), np.nan, details["kl"])


def _about(kl):
    """What is said of the KLs of an update, [R]."""
    given_up = np.isnan(kl).sum()
    if given_up == len(kl):
        return "in the last update all steps were given up."
    steps = f"; {given_up} of {len(kl)} steps were given up" if given_up else ""
    return f"the last update has a mean KL of {in_words(np.nanmean(kl))}{steps}."


def cartpole(figure):
    """Returns, KL and clipped samples of PPO on CartPole, and the first learner's carts as they move."""
    curves, carts = _curves_and_carts(figure)
    update, stopped, distance = 0, 0, np.nan

    def draw(new, now=None):
        nonlocal update, stopped, distance
        if now is not None:
            carts.show(now[0])
        updates = [record.update for record in new]
        if new:
            kl = np.array([record.details["kl"] for record in new])
            curves["R"].add(updates, [np.nanmean(record.returns, axis=1) for record in new])
            curves["K"].add(updates, np.maximum(kl, LEAST))
            curves["S"].add(updates, [record.details["clipped"] for record in new])
            update, stopped, distance = updates[-1], new[-1].diverged.sum(), kl[-1].mean()
        mean, _, clipped = (curve.show() for curve in curves.values())
        warning = f" {stopped} learners stand still: their numbers overflowed." if stopped else ""
        return (
            f"After {update:,} updates the mean return of the latest episodes is {mean:.0f}. In the last update the mean "
            f"KL is {in_words(distance)}, and {100 * clipped:.0f} % of the samples are beyond the clip.{warning}"
        )

    return draw


def _curves_and_carts(figure):
    axes = figure.subplot_mosaic("RK;RS;CC", height_ratios=[1, 1, 0.62])
    tidy(axes["R"], "return: mean, and 8 of 10 learners", "update").set_ylim(0, 510)
    in_decades(tidy(axes["K"], "mean KL of an update").yaxis).set(ylim=(LEAST, 3), yticks=[1e-5, 1e-3, 0.1])
    tidy(axes["S"], "share beyond the clip", "update").set_ylim(0, 1)
    carts = Carts(axes["C"], "the first learner's four poles", rows=1, columns=4)
    return {name: LearningCurve(axes[name], None, COLORS["ppo"]) for name in "RKS"}, carts


def side_by_side(figure):
    """Two trainings on CartPole, as pairs of records: as in the lesson (grey), and with one thing changed."""
    axes = figure.subplot_mosaic("RRKD")
    tidy(axes["R"], "return (8 of 10)", "update").set_ylim(0, 510)
    in_decades(tidy(axes["K"], "mean KL of an update", "update").yaxis).set_ylim(LEAST, 3)
    tidy(axes["D"], "each learner, now").set(ylim=(0, 510), xlim=(-0.6, 1.6), xticks=[0, 1], xticklabels=["as it is", "changed"])
    kinds = {"as it is": "0.45", "changed": COLORS["ppo"]}
    curves = {name: [LearningCurve(axes[name], words, color) for words, color in kinds.items()] for name in "RK"}
    dots = [axes["D"].plot([], [], "o", markersize=6, **see_through(color))[0] for color in kinds.values()]
    means = [axes["D"].plot([], [], "_", color="black", markersize=26, markeredgewidth=3)[0] for _ in kinds]
    key(axes["R"], *(curve.band.line for curve in curves["R"]))
    returns, update = np.zeros((2, 1)), 0

    def draw(new):
        nonlocal returns, update
        for k, records in enumerate(zip(*new)):
            updates, now = [record.update for record in records], [np.nanmean(record.returns, axis=1) for record in records]
            curves["R"][k].add(updates, now)
            curves["K"][k].add(updates, [np.maximum(record.details["kl"], LEAST) for record in records])
        if new:
            returns, update = np.array([np.nanmean(record.returns, axis=1) for record in new[-1]]), new[-1][0].update
        for curve in (*curves["R"], *curves["K"]):
            curve.show()
        for k, (dot, mean) in enumerate(zip(dots, means)):
            dot.set_data(k + np.linspace(-0.25, 0.25, returns.shape[1]), returns[k])
            mean.set_data([k], [returns[k].mean()])
        return f"After {update} updates {_compared(*returns)}"

    return draw


def _compared(one, other):
    """The difference of two means and its standard error, in words."""
    error = np.sqrt(one.var(ddof=1) / len(one) + other.var(ddof=1) / len(other)) if len(one) > 1 else np.nan
    return (
        f"the mean return is {one.mean():.0f} as it is and {other.mean():.0f} with the change: "
        f"a difference of {other.mean() - one.mean():+.0f}, standard error {error:.0f}."
    )


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

"""Pictures of notebook 01. Each function takes what the lesson computed and returns a view."""

import numpy as np

from pgedu.panels.look import in_decades, key, label
from pgedu.panels.views import COLORS, Band, LearningCurve, tidy


def lean(policy):
    """Preferences, to be dragged up and down, and what follows: exact probabilities, and the shares of 500 visitors.

    The dots are at H(a), where the handles are, and the grey bars end at H(a) + c.
    """
    position = np.arange(3)

    def view(figure):
        left, axes = figure.subplots(1, 2)
        for each in (left, axes):
            each.set(xlim=(-0.6, 2.6), xticks=position, xticklabels=["A", "B", "C"])
        show = _stems(tidy(left, "preferences H(a) (dots), H(a) + c (bars)"), ["H_A", "H_B", "H_C"])
        tidy(axes, "π(a)").set_ylim(0, 1.05)
        bars = axes.bar(position, 0, 0.6, facecolor=(COLORS["reward to go"], 0.5), edgecolor=COLORS["reward to go"], label="share of 500 visitors")
        (exact,) = axes.plot(position, 0 * position, "k_", markersize=60, markeredgewidth=2, label="π, exact")
        key(axes).legend_handles[0].set_markersize(12)

        def draw(rng, H_A, H_B, H_C, c):  # noqa: N803 - H is the book's symbol
            H = np.array([H_A, H_B, H_C])
            show(H, H + c)
            pi = policy.probabilities(H + c, np.array([0]))[0]  # there is only one situation, number 0
            shown = policy.sample(H + c, np.zeros(500, dtype=int), rng)
            exact.set_ydata(pi)
            for bar, share in zip(bars, np.bincount(shown, minlength=3) / 500):
                bar.set_height(share)
            return (f"The probabilities are {pi[0]:.3f}, {pi[1]:.3f} and {pi[2]:.3f}: "
                    f"A is {pi[0] / pi[1]:.3g} times as probable as B.")  # fmt: skip

        return draw

    return view


def _stems(axes, names):
    """Broad lines from 0, and a marker for each name, which carries its handle: the function that moves them."""
    axes.set_ylim(-6.5, 6.5)
    axes.axhline(0, color="0.55", linewidth=1)
    x = np.arange(len(names))
    (stems,) = axes.plot([], [], color="0.55", linewidth=24, solid_capstyle="butt")
    heads = [axes.plot([], [], "o", color="black", markersize=8, gid=name)[0] for name in names]

    def show(dots, ends):
        stems.set_data(np.repeat(x, 3), np.stack([0 * ends, ends, np.nan * ends], axis=-1).ravel())
        for head, place, dot in zip(heads, x, dots):
            head.set_data([place], [dot])

    return show


def variance_of_estimate(pull, arms, offset):
    """Exact variance [R] of one gradient estimate (R - b)(1[A = .] - pi), summed over the preferences.

    Args:
        pull: the `Pull` of R learners, whose probabilities and baseline are asked for.
        arms: [R, A], the mean rewards without `offset`; their noise has variance 1.
    """
    pi, weight = pull.probabilities, arms + offset - pull.baseline[:, None]
    length = 1 - 2 * pi + (pi**2).sum(axis=-1, keepdims=True)  # of each action's score, squared
    gradient = pi * (arms - (pi * arms).sum(axis=-1, keepdims=True))
    return (pi * (weight**2 + 1) * length).sum(axis=-1) - (gradient**2).sum(axis=-1)


def testbed(arms):
    """How R learners with arms [R, A] find their best arm, each of them now, and how noisy their estimates are."""
    runs, best = np.arange(len(arms)), arms.argmax(axis=-1)

    def view(figure):
        left, middle, right = figure.subplots(1, 3, width_ratios=[1.3, 0.6, 1.3])
        taken, exact, noise = _curves_of_testbed(left, right)
        bars = _learners_now(middle, len(arms))

        def draw(new, baseline, offset):
            taken.band.recolour(COLORS["learned value" if baseline else "none"])
            steps = [pull.step for pull in new]
            if new:
                found = new[-1].probabilities[runs, best]
                for bar, count in zip(bars, np.histogram(found, bins=len(bars), range=(0, 1))[0]):
                    bar.set_width(count)
            taken.add(steps, [[(pull.actions == best).mean()] for pull in new])
            exact.add(steps, [pull.probabilities[runs, best] for pull in new])
            noise.add(steps, [variance_of_estimate(pull, arms, offset) for pull in new])
            variance = f"{noise.show():.2g}" if noise.show() > 0.001 else "below 0.001"
            return (f"The best arm was taken by {taken.show():.0%} of the {len(arms)} learners just now; its exact "
                    f"probability is {exact.show():.0%} on average, below 0.1 for {bars[0].get_width():.0f} learners and "
                    f"above 0.9 for {bars[-1].get_width():.0f}; the variance of one gradient estimate is "
                    f"{variance}.")  # fmt: skip

        return draw

    return view


def _curves_of_testbed(left, right):
    tidy(left, "best arm", "step").set_ylim(0, 1)
    in_decades(tidy(right, "variance of one estimate, exact", "step").yaxis).set_ylim(1e-3, 1e3)
    taken, exact = LearningCurve(left, "share", "0.4"), LearningCurve(left, "exact mean")
    for curve in (taken, exact):
        curve.band.area.set_visible(False)  # learners are at 0 or at 1: what lies between 8 of 10 would be the whole plot
    key(left)
    return taken, exact, LearningCurve(right)


def _learners_now(axes, learners):
    """Bars for ten classes of the probability of the best arm: how many learners are in each."""
    tidy(axes, "learners now", "learners").set(ylim=(0, 1), xlim=(0, learners))
    return axes.barh(np.arange(0.05, 1, 0.1), 0, 0.08, color="0.5")


def figure_2_5(shares, names):
    """Figure 2.5 of Sutton & Barto (2018): shares [steps, 4] of 2,000 learners that took their best arm.

    The first two settings have a baseline, the other two none; the second of each pair has the larger learning rate.
    """

    def view(figure):
        axes = tidy(figure.subplots(), "share of 2,000 learners that take the best arm (± 2 standard errors)", "step")
        axes.set(ylim=(0, 1), xlim=(0, len(shares)))
        for i, (name, share) in enumerate(zip(names, shares.T)):
            error = 2 * np.sqrt(share * (1 - share) / 2000)
            color = COLORS["learned value" if i < 2 else "none"]
            band = Band(axes, name, color, "--" if i % 2 else "-")
            band.show(np.arange(1, len(shares) + 1), share, share - error, share + error)
            label(axes, 1.01 * len(shares), share[-50:].mean(), name, color)
        (mark,) = axes.plot([0, 0], [0, 1], gid="step", color="0.4", linewidth=1.5)

        def draw(step):
            mark.set_xdata([step, step])
            words = ", ".join(f"{share:.0%} for {name}" for name, share in zip(names, shares[step - 1]))
            return f"At step {step:,} the best arm was taken by {words}."

        return draw

    return view


def race(rates, visitors, ab_test):
    """Teams with a gradient bandit beside an A/B test: clicks lost, and how probably a visitor sees the best creative.

    `rates` [A] are click rates, `visitors` those of the whole campaign. `ab_test(n)` gives the shares [A] of tests won
    with n visitors for each creative, and its regret, the clicks lost on average, by the end of the test and by the last visitor.
    """
    A, best = len(rates), rates.argmax()

    def view(figure):
        left, right = figure.subplots(1, 2)
        teams = Teams(left, right, rates)
        test, sees = _lines_of_test(left, right, visitors)

        def draw(new, n):
            teams.add(new)
            wins, *lost = ab_test(n)
            test.set_data([0, A * n, visitors], [0, *lost])
            sees.set_data([0, A * n, A * n, visitors], [1 / A, 1 / A, wins[best], wins[best]])
            return (f"{teams.show()} A test with n = {n:,} keeps the best one in {wins[best]:.1%} of all cases "
                    f"and loses {lost[-1]:.0f} clicks by visitor {visitors:,}.")  # fmt: skip

        return draw

    return view


def _lines_of_test(left, right, visitors):
    (test,) = left.plot([], [], "o--", color="0.35", markersize=5, label="A/B test, mean")
    (sees,) = right.plot([], [], "--", color="0.35")
    left.legend(loc="upper left")  # where no team gets: they lose 0.1 clicks a visitor at most
    for axes in (left, right):
        axes.set_xlim(0, 1.01 * visitors)  # the last moment, too, can be seen
    return test, sees


class Teams:
    """Teams with a gradient bandit: the clicks that each has lost, and how probably it shows the best creative."""

    def __init__(self, left, right, rates):
        tidy(left, "regret: clicks lost per team", "visitors").set_ylim(0, 800)
        tidy(right, "probability of showing the best creative", "visitors").set_ylim(0, 1.02)
        self.rates, self.lost = rates, 0.0  # [2, teams] so far: by clicks counted, and in expectation
        self.counted = LearningCurve(left, "gradient bandit, mean", COLORS["learned value"])
        self.expected = LearningCurve(left, "its exact mean", style=":")
        self.seen = LearningCurve(right, None, COLORS["learned value"])

    def add(self, new):
        """New `Pull` records; every twentieth becomes a point of the curves."""
        best = self.rates.max()
        for pull in new:
            self.lost = self.lost + np.stack([best - pull.rewards, pull.probabilities @ (best - self.rates)])
            if pull.step % 20 == 0:
                self.counted.add([pull.step], self.lost[:1])
                self.expected.add([pull.step], self.lost[1:].mean(axis=1, keepdims=True))
                self.seen.add([pull.step], pull.probabilities[None, :, self.rates.argmax()])

    def show(self):
        """Draw, and say how things stand."""
        return (f"So far the gradient bandit has lost {self.counted.show():.0f} clicks a team "
                f"(exact: {self.expected.show():.0f}), and shows the best creative with probability "
                f"{self.seen.show():.2f}.")  # fmt: skip

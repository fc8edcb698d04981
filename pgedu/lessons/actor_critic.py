"""Pictures of notebook 05, the race of two trainings, and the columns of data that its bug museum goes through."""

import numpy as np

from pgedu.experience.enumeration import enumerate_rollouts
from pgedu.gradients.exact import exact_return
from pgedu.lessons.museum_pictures import right_and_mistaken
from pgedu.panels.look import best_line, in_decades, key, label
from pgedu.panels.views import COLORS, Band, LearningCurve, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.mdp import MDP

CUT_OFF = {"cut-off kept apart": COLORS["reward to go"], "cut-off taken for the end": COLORS["total return"]}
LANES = {"REINFORCE": COLORS["reinforce"], "actor-critic": COLORS["actor critic"]} | CUT_OFF


def critics(exact):
    """What many critics believe of curious and loyal customers, beside the exact values [S]. For `watch`.

    Its training yields (customers seen so far, believed values [R, S]).
    """

    def view(figure):
        loyal, curious, off = _critic_axes(figure, exact)

        def draw(new):
            if new:
                customers, believed = (np.array(column) for column in zip(*new))
                curious.add(customers, believed[:, :, 0])
                loyal.add(customers, believed[:, :, 1])
                off.add(customers, np.sqrt(np.mean((believed - exact)[:, :, :2] ** 2, axis=(1, 2)))[:, None])
            return (f"On average the critics believe that a curious customer is worth {curious.show():.2f} "
                    f"(exact: {exact[0]:.2f}) and a loyal one {loyal.show():.2f} (exact: {exact[1]:.2f}); "
                    f"one critic is typically {off.show():.2f} off.")  # fmt: skip

        return draw

    return view


def _critic_axes(figure, exact):
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    tidy(left, "believed value v", "customers seen").set_ylim(-2, 12)
    tidy(right, "typical error of a critic", "customers seen").set_ylim(0, 5)
    loyal = LearningCurve(left, "loyal", COLORS["learned value"])
    curious = LearningCurve(left, "curious", COLORS["constant"])
    for name, value in zip(("curious", "loyal"), exact):
        left.axhline(value, color=COLORS["exact"], linestyle="--", linewidth=1.5)
        label(left, 1.01, value, f"{name},\nexact", transform=left.get_yaxis_transform())
    key(left)
    return loyal, curious, LearningCurve(right, None, COLORS["learned value"])


def n_step_shares(shares):
    """The share of each n-step advantage in the lambda advantage: shares(lam) -> [n]; the last one reaches the end."""
    n = np.arange(1, len(shares(0.0)) + 1)

    def view(figure):
        title = f"share of each n-step advantage, with {len(n)} months left"
        axes = tidy(figure.subplots(), title, "n, months before the critic is asked")
        axes.set(ylim=(0, 1), xticks=n)
        bars = axes.bar(n, 0 * n, color=COLORS["actor critic"])

        def draw(lam):
            heights = shares(lam)
            for bar, height in zip(bars, heights):
                bar.set_height(height)
            return (f"With λ = {lam:.2f} the critic is asked after {heights @ n:.1f} months on average, and "
                    f"{heights[-1]:.2%} of the weight is on the estimate that waits for the end.")  # fmt: skip

        return draw

    return view


def lambda_curves(lams, squared_error):
    """Over lams [n]: squared_error(critic, e) -> (bias^2 [n], variance [n] of one episode); the best lambda over B."""
    batches = np.logspace(0, 4, 81)

    def view(figure):
        curves, best, dots = _lambda_axes(figure)

        def draw(critic, e, B):
            bias, variance = squared_error(critic, e)
            error = bias + variance / B
            for curve, part in zip(curves, (bias, variance / B, error)):
                curve.show(lams, part / error[-1])
            k = error.argmin()
            best.show(batches, lams[(bias + variance / batches[:, None]).argmin(axis=1)])
            dots[0].set_data(lams[[k]], [error[k] / error[-1]])
            dots[1].set_data([B], lams[[k]])
            return (f"With batches of {B:.0f} and e = {e:.2f} the best λ is {lams[k]:.2f}: a squared error of "
                    f"{error[k]:.2g}, {bias[k] / error[k]:.0%} of it bias². "
                    f"λ = 0 gives {error[0]:.2g}, λ = 1 {error[-1]:.2g}.")  # fmt: skip

        return draw

    return view


def _lambda_axes(figure):
    left, right = figure.subplots(1, 2, width_ratios=[3, 2])
    tidy(left, "squared error", "λ (the error at λ = 1 counts as 1)")
    left.set(ylim=(0, 2), xlim=(-0.02, 1.02), yticks=(0, 0.5, 1, 1.5, 2))
    tidy(right, "the best λ for each batch size", "B, episodes")
    in_decades(right.xaxis).set(ylim=(-0.05, 1.05), xlim=(0.7, 1.4e4), xticks=(1, 10, 100, 1000, 10_000))
    parts = {"bias²": "total return", "variance / B": "reward to go", "their sum": "exact"}
    curves = [Band(left, name, COLORS[color]) for name, color in parts.items()]
    best = Band(right, None, COLORS["exact"])
    dots = [axes.plot([], [], "o", color=COLORS["exact"], gid=gid)[0] for axes, gid in ((left, None), (right, "B"))]
    key(left)
    return curves, best, dots


class race:  # noqa: N801 - a verb to its users, as `reinforce` is
    """Trainings that take turns: the one with the fewest steps so far makes the next update.

    Yields (lane, `Progress`), where lane is the number of the training.
    """

    learning_rate, lam = 0.03, 0.9  # of all that have such a setting

    def __init__(self, *trainings):
        self.trainings = trainings

    def __iter__(self):
        while True:
            lane = int(np.argmin([training.environment_steps for training in self.trainings]))
            training = self.trainings[lane]
            training.learning_rate = self.learning_rate
            if hasattr(training, "lam"):  # REINFORCE has none
                training.lam = self.lam
            yield lane, next(training)


def lanes(world, policy, names, *, best, low, high):
    """Exact returns of the trainings of a `race`, over steps; what is below `low` is shown there. For `watch`."""

    def view(figure):
        title = f"exact J (at least {low}): mean of 20 runs".replace("-", "−")
        axes = tidy(figure.subplots(), title, "steps of each run")
        axes.set_ylim(low, high)
        best_line(axes, best)
        curves = [LearningCurve(axes, name, LANES.get(name, "0.4")) for name in names]
        key(axes)
        count = [0] * len(curves)

        def draw(new):
            for lane, progress in new:
                count[lane], returns = progress.update, exact_return(world, policy, progress.theta)
                curves[lane].add([progress.environment_steps], np.maximum(returns, low)[None])
            rows = zip(names, curves, count)
            said = [f"{name}: J = {curve.show():.2f} after {updates:,} updates" for name, curve, updates in rows]
            return f"Exact mean return, {'; '.join(said)}."

        return draw

    return view


def cut_off(believed, exact, quarters):
    """What a critic believes that watches for some months: believed(months, mistaken) -> (values [S], gains [S]).

    exact [S] are the true values, quarters a range of months.
    """
    settled = [[believed(months, mistaken) for months in quarters] for mistaken in (False, True)]

    def view(figure):
        bars, dots = _cut_off_axes(figure, settled, exact, quarters)

        def draw(months):
            both = [each[quarters.index(months)] for each in settled]
            for bar, dot, (value, gain) in zip(bars, dots, both):
                dot.set_data([months], gain[:1])
                for rectangle, height in zip(bar, value):
                    rectangle.set_height(height)
            (_, right_gain), (value, gain) = both
            verdict = "an offer seems to pay" if gain[0] > 0 else "an offer seems to be a loss"
            return (f"Watched for {months} months, with the cut taken for the end: a loyal customer seems worth "
                    f"{value[1]:.2f} instead of {exact[1]:.2f}, an offer to the curious to gain {gain[0]:.2f} "
                    f"instead of {right_gain[0]:.2f}: {verdict}.")  # fmt: skip

        return draw

    return view


def _cut_off_axes(figure, settled, exact, quarters):
    left, right = figure.subplots(1, 2)
    tidy(left, "believed value v of a customer").set_ylim(-1, 7.5)
    tidy(right, "believed gain of an offer to the curious", "months watched").set_ylim(-1, 0.7)
    right.axhline(0, color="0.6", linewidth=1.5)
    x, bars, dots = np.arange(2), [], []
    for side, color in zip((-0.2, 0.2), CUT_OFF.values()):
        bars.append(left.bar(x + side, [0, 0], 0.36, color=color))
    left.hlines(exact[:2], x - 0.4, x + 0.4, color=COLORS["exact"])
    label(left, 1, exact[1] + 0.1, "exact", ha="center", va="bottom")
    left.set_xticks(x, ["curious", "loyal"])
    for (name, color), beliefs, place in zip(CUT_OFF.items(), settled, ((6, 0.55), (8.5, -0.2))):
        right.plot(quarters, [gain[0] for _, gain in beliefs], color=color)
        label(right, *place, name, color)
        dots += right.plot([], [], "o", color=color, gid="months")
    return bars, dots


def every_column(world):
    """All columns of six rows in which customers of the campaign stand one after the other, and their probabilities.

    A customer is recorded for two months at most; then comes a row in which the environment resets (mask 0). A coin
    decides about offers. Returns (rollout, probabilities [B]), with the columns as its episodes, and discounts that are
    0 where a customer was lost.
    """
    moves = np.zeros((7, 2, 7))  # curious, loyal in month 0; in month 1; in the resetting row: curious, loyal, lost
    for month in (0, 2):
        moves[month : month + 2, :, month + 2 : month + 4] = world.transitions[:2, :, :2]
        moves[month : month + 2, :, 6] = world.transitions[:2, :, 2]
    moves[4:, :, 0] = 1  # the next customer is curious
    rewards = np.vstack([world.rewards[:2], world.rewards[:2], np.zeros((3, 2))])
    stream = MDP(moves, rewards, start=np.eye(7)[0], terminal=[False] * 7)
    raw, chances = enumerate_rollouts(stream, Policy.softmax(Table(7, 2)), np.zeros(14), horizon=6)
    real, going_on = raw.observations[:-1] < 4, raw.observations[1:] < 6
    kind_of = np.array([0, 1, 0, 1, 0, 1, 2])
    discounts = world.gamma * real * going_on
    return raw._replace(observations=kind_of[raw.observations], mask=real.astype(float), discounts=discounts), chances


def museum(measure, wanted, right):
    """The bug museum: measure(estimator, error of the critic) -> `Moments`, and wanted [D], with true advantages."""

    def view(figure):
        legend, limits = {"loc": "upper left"}, {"xlim": (-1.4, 1.9), "ylim": (-0.7, 0.7)}
        arrows = right_and_mistaken(figure.subplots(), wanted, "true advantages", legend, **limits)

        def draw(exhibit, error):
            costs = [measure(each.estimator, error) for each in (right, exhibit)]
            for arrow, cost in zip(arrows, costs):
                arrow.show(cost.mean, cost.covariance)
            added = np.linalg.norm(costs[1].mean - costs[0].mean)
            more = costs[1].variance / costs[0].variance - 1
            off = np.linalg.norm(costs[0].mean - wanted)
            thread = f" Seen in {' and '.join(exhibit.threads)}." if exhibit.threads else ""
            return (f"{exhibit.story} With this critic it moves the expected estimate by {added:.3f} (the right one is "
                    f"{off:.3f} from the truth), and the variance by {more:+.0%}.{thread}")  # fmt: skip

        return draw

    return view

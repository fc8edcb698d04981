"""Pictures of notebook 05's second lesson: what is believed of episodes that were cut off, and its bug museum."""

import numpy as np

from pgedu.experience.enumeration import enumerate_rollouts
from pgedu.lessons.museum_pictures import right_and_mistaken
from pgedu.lessons.races import CUT_OFF
from pgedu.panels.look import label
from pgedu.panels.views import COLORS, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.mdp import MDP


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
    right.axhline(0, color="0.55", linewidth=1.5)
    x, bars, dots = np.arange(2), [], []
    for side, color in zip((-0.2, 0.2), CUT_OFF.values()):
        bars.append(left.bar(x + side, [0, 0], 0.36, color=color))
    left.hlines(exact[:2], x - 0.4, x + 0.4, color=COLORS["exact"])
    label(left, 1, exact[1] + 0.1, "exact", ha="center", va="bottom")
    left.set_xticks(x, ["curious", "loyal"])
    for (name, color), beliefs, place in zip(CUT_OFF.items(), settled, ((11, 0.6), (8.5, -0.2))):
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


def museum(measure, wanted, exhibits, errors):
    """The bug museum: measure(estimator, error of the critic) -> `Moments`, and wanted [D], with true advantages.

    exhibits: the right one, and then those with a mistake. errors [n] of the critic, over which the bias is drawn.
    """
    off = {each.estimator: expected_over_errors(measure, each.estimator, errors) - wanted for each in exhibits}
    right = exhibits[0]

    def view(figure):
        plane, over = figure.subplots(1, 2, width_ratios=[4, 3])
        limits = {"xlim": (-1.4, 1.9), "ylim": (-0.9, 0.9)}
        arrows = right_and_mistaken(plane, wanted, "true advantages", {"loc": "upper left"}, **limits)
        lines, dots = _bias_axes(over, errors)

        def draw(exhibit, error):
            both = [(each, measure(each.estimator, error)) for each in (right, exhibit)]
            for arrow, curve, dot, (each, cost) in zip(arrows, lines, dots, both):
                arrow.show(cost.mean, cost.covariance)
                curve.set_data(errors, np.linalg.norm(off[each.estimator], axis=1))
                dot.set_data([error], [np.linalg.norm(cost.mean - wanted)])
            return _cost_of(exhibit, *[cost for _, cost in both], wanted)

        return draw

    return view


def expected_over_errors(measure, estimator, errors):
    """Expected estimates [n, D] for each error [n] of the critic: they are linear in it, so two tell all others."""
    at_0, at_1 = (measure(estimator, error).mean for error in (0.0, 1.0))
    return at_0 + errors[:, None] * (at_1 - at_0)


def _bias_axes(axes, errors):
    tidy(axes, "length of the bias", "error of the critic").set(xlim=(errors[0] - 0.2, errors[-1] + 0.2), ylim=(-0.05, 2.0))
    colors, widths = (COLORS["reward to go"], COLORS["total return"]), (5, 2.5)
    lines = [axes.plot([], [], color=color, linewidth=width)[0] for color, width in zip(colors, widths)]
    return lines, [axes.plot([], [], "o", color=color, gid=gid)[0] for color, gid in zip(colors, (None, "error"))]


def _cost_of(exhibit, sound, cost, wanted):
    added, more = np.linalg.norm(cost.mean - sound.mean), cost.variance / sound.variance - 1
    thread = f" Seen in {' and '.join(exhibit.threads)}." if exhibit.threads else ""
    return (f"{exhibit.story} With this critic it moves the expected estimate by {added:.3f} (the right one is "
            f"{np.linalg.norm(sound.mean - wanted):.3f} from the truth), and the variance by {more:+.0%}.{thread}")  # fmt: skip

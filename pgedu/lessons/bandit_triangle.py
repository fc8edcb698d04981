"""The triangle of notebook 01: every policy over three actions is a point of it, every update a kick."""

import numpy as np
from matplotlib.patches import FancyArrowPatch

from pgedu.panels.look import COLORS, dark, label, tidy
from pgedu.policies.heads import softmax

CORNERS = np.array([[0.5, np.sqrt(0.75)], [0.0, 0.0], [1.0, 0.0]])  # A, B, C
OF_ARMS = ["#0072B2", "#D08300", "#CC79A7"]
SETTLED = 0.9  # a learner that takes one action more often than that
LEAST = 0.01  # no softmax policy has a probability of 0, so the point keeps off the edges
RATE = 2.0  # learning rate of the arrows, so that the short ones are seen beside the dot, too
SHORTEST = 0.01  # of an arrow: below that there would be nothing but its head


def policy_at(x, y):
    """The policy [3] at a place of the plane: the one whose weighted mean of corners it is, kept off the edges."""
    b = 1 - x - y / (2 * CORNERS[0, 1])
    shares = np.array([y / CORNERS[0, 1], b, x - y / (2 * CORNERS[0, 1])])
    shares = np.maximum(shares, LEAST)
    return shares / shares.sum()


def kicks(pi, values, offset, baseline):
    """What one update with a learning rate of 1 adds to the preferences: row a, if action a is taken, [A, A].

    Rewards are their means, values [A] + offset; the baseline is the mean reward of the policy pi [A].
    """
    weights = values + offset - baseline * (pi @ values + offset)
    return weights[:, None] * (np.eye(len(pi)) - pi)


def settled(probabilities):
    """How many of R learners with probabilities [R, A] have settled on each action, and how many on none: [A + 1]."""
    where = np.where(probabilities.max(axis=-1) > SETTLED, probabilities.argmax(axis=-1), probabilities.shape[-1])
    return np.bincount(where, minlength=probabilities.shape[-1] + 1)


def triangle(values):
    """A policy to be dragged, its three kicks and their mean; learners as dust, and on what they have settled.

    An arrow ends where an update with learning rate 2 would take the policy, the black one where their mean would.
    """

    def view(figure):
        left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
        dust, arrows, hand, point = _plane(left)
        bars = right.barh(range(4), 0, 0.6, color=[*OF_ARMS, "0.55"])
        tidy(right, "learners settled on").set(xlim=(0, 215), ylim=(3.5, -0.5), yticks=range(4))
        right.set_yticklabels(["A, the best", "B", "C", "none yet"])
        counts = [label(right, 0, row, "") for row in range(4)]

        def draw(new, x, y, offset, baseline):
            pi = policy_at(x, y)
            each = kicks(pi, values, offset, baseline)
            hand.set_data([x], [y])
            point.set_data(*(pi @ CORNERS)[:, None])
            for arrow, kick, width in zip(arrows, [*each, pi @ each], [*(1.5 + 6 * pi), 2.5]):
                tip = softmax(np.log(pi) + RATE * kick, axis=0) @ CORNERS
                arrow.set_positions(pi @ CORNERS, tip)
                arrow.set_linewidth(width)
                arrow.set_visible(np.linalg.norm(tip - pi @ CORNERS) > SHORTEST)
            if new:
                dust.set_data(*(new[-1].probabilities @ CORNERS).T)
                _count(bars, counts, settled(new[-1].probabilities))
                right.set_title(f"after {new[-1].step:,} updates, learners settled on", loc="left")
            return _sentence(pi, pi @ each, [bar.get_width() for bar in bars])

        return draw

    return view


def _plane(axes):
    """The triangle, and what moves in it: dust, three arrows and that of their mean, the hand, the policy."""
    axes.set(xlim=(-0.12, 1.12), ylim=(-0.08, 0.99), aspect="equal")
    axes.axis("off")
    axes.plot(*CORNERS[[0, 1, 2, 0]].T, color="0.55", linewidth=1.5)
    for name, place, (x, y) in zip("ABC", [(0.5, 0.94), (-0.06, -0.02), (1.06, -0.02)], CORNERS):
        axes.text(*place, name, color=dark(OF_ARMS["ABC".index(name)]), ha="center", va="center", weight="bold")
    (dust,) = axes.plot([], [], "o", color="0.4", alpha=0.4, markersize=5, markeredgewidth=0)
    arrows = [FancyArrowPatch((0, 0), (0, 0), arrowstyle="->", mutation_scale=14, shrinkA=0, shrinkB=0, color=color)
              for color in [*OF_ARMS, COLORS["exact"]]]  # fmt: skip
    for arrow in arrows:
        axes.add_patch(arrow)
    (hand,) = axes.plot([], [], "o", color="0.55", fillstyle="none", markersize=12, gid="x")
    (point,) = axes.plot([], [], "o", color="black", markersize=6)
    return dust, arrows, hand, point


def _count(bars, words, found):
    for bar, word, count in zip(bars, words, found):
        bar.set_width(count)
        word.set_text(str(count))
        word.set_x(count + 3)


def _sentence(pi, mean, found):
    drift = ", ".join(f"{each:+.3f}".replace("-0.000", "+0.000") for each in mean)
    return (f"The policy takes A, B, C with probability {pi[0]:.2f}, {pi[1]:.2f}, {pi[2]:.2f}; the mean of its kicks "
            f"(black) is {drift}. Of the dust, {found[0]:.0f} settled on A, {found[1]:.0f} on B, {found[2]:.0f} on C, "
            f"{found[3]:.0f} on none yet.")  # fmt: skip

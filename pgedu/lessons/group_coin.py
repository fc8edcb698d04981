"""Where GRPO climbs towards a loss, in notebook 12: one choice, groups of G, and the exact push that they give."""

from functools import cache

import numpy as np

from pgedu.panels.look import COLORS, in_decades, label, tidy

WINS = 0.9  # B's chance to pay 1; else it pays minus the loss. A pays 0
GROUPS = np.array([2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64])
LOSSES = np.geomspace(1.0, 1e4, 81)
PRIZE = WINS / (1 - WINS)  # the loss at which B is worth 0


@cache
def outcomes(group):
    """(counts [K, 3] of A, of B that pays, of B that costs; their chances [K]): all groups, with B chosen half of the time."""
    chances = np.array([0.5, 0.5 * WINS, 0.5 * (1 - WINS)])
    counts = np.array([(a, b, group - a - b) for a in range(group + 1) for b in range(group + 1 - a)])
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, group + 1)))])  # log k!
    return counts, np.exp(logs[group] - logs[counts].sum(axis=1) + counts @ np.log(chances))


def push(loss, group, divide=True):
    """The mean push on B's logit [...] by groups of this size, exactly: mean of advantage x score, for losses [...]."""
    counts, chances = outcomes(int(group))
    loss = np.asarray(loss, dtype=float)[..., None]
    paid = np.stack(np.broadcast_arrays(0.0, 1.0, -loss), axis=-1)  # [..., 1, 3]
    mean = (counts * paid).sum(axis=-1, keepdims=True) / group
    advantages = paid - mean  # [..., K, 3]
    if divide:
        spread = np.sqrt((counts * advantages**2).sum(axis=-1, keepdims=True) / group)
        advantages = np.divide(advantages, spread, out=np.zeros_like(advantages), where=spread > 1e-12)
    score = np.array([-0.5, 0.5, 0.5])  # of A, and of B twice, in B's logit
    return (counts * advantages * score).sum(axis=-1) @ chances / group


def truth(loss):
    """The exact slope of the mean reward in B's logit."""
    return 0.25 * (WINS - (1 - WINS) * np.asarray(loss, dtype=float))


@cache
def pushes(group):
    """The push of groups of this size for each of LOSSES."""
    return push(LOSSES, group)


def turned_at(group):
    """The loss from which on groups of this size push away from B, to a few per cent; None if none of LOSSES does that."""
    found = pushes(group)
    against = np.flatnonzero(found < 0)
    if not len(against):
        return None
    two = slice(against[0], against[0] - 2, -1)  # the first that is negative, and the one before
    return float(np.exp(np.interp(0.0, found[two], np.log(LOSSES[two]))))


def factor(p, group):
    """c(p, G): GRPO's push over the true slope p (1 - p), where rewards are 0 or 1 and right with chance p."""
    right = np.arange(group + 1)
    logs = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, group + 1)))])
    chances = np.exp(logs[group] - logs[right] - logs[::-1] + right * np.log(p) + (group - right) * np.log1p(-p))
    share = right / group
    return float(chances @ np.sqrt(share * (1 - share)) / (p * (1 - p)))


def two_prompts(theta):
    """(J, its slope, GRPO's push in large groups), [...] each: p1 = sigma(theta + 3), p2 = sigma(-0.3 theta)."""
    theta = np.asarray(theta, dtype=float)
    p, slope = 1 / (1 + np.exp(-np.stack([theta + 3, -0.3 * theta]))), np.array([1.0, -0.3])
    each = p * (1 - p) * slope.reshape(2, *[1] * theta.ndim)
    return p.mean(axis=0), each.mean(axis=0), (each / np.sqrt(p * (1 - p))).mean(axis=0)


def where_it_ends(pushed, start=0.0, rate=0.5, updates=4000):
    """theta after exact ascent along a function theta -> push."""
    theta = start
    for _ in range(updates):
        theta = theta + rate * pushed(theta)
    return float(theta)


def _empty(figure):
    """Axes over the loss, with what is true, and axes over the size of the group."""
    left, right = figure.subplots(1, 2, width_ratios=[1.25, 1])
    in_decades(tidy(left, "push on B", "what B loses one time in ten").xaxis).set(xlim=(1, 1e4), ylim=(-0.3, 0.42))
    in_decades(tidy(right, "at this loss, over the group's size", "G").xaxis).set(xlim=(1.8, 72), ylim=(-0.3, 0.42))
    right.set_xticks([2, 4, 8, 16, 32, 64])
    right.minorticks_off()
    left.axvspan(PRIZE, 1e4, color=COLORS["total return"], alpha=0.1, linewidth=0)
    label(left, 11, 0.38, "B costs more than it brings")
    for axes in (left, right):
        axes.axhline(0, color="0.5", linewidth=1)
    shown = LOSSES[truth(LOSSES) >= -0.3]
    left.plot(shown, truth(shown), "--", color=COLORS["exact"])
    label(left, 21, -0.22, "the true slope, and on down")
    return left, right


def coin(figure):
    """The push of a group on B, over what B may lose and over the size of the group, exactly. For `explore`."""
    left, right = _empty(figure)
    (curve,) = left.plot([], [], color=COLORS["batch mean"])
    (dot,) = left.plot([], [], "o", color=COLORS["batch mean"], markersize=9, gid="loss")
    (sizes,) = right.plot([], [], "o-", color=COLORS["batch mean"], markersize=5)
    (here,) = right.plot([], [], "o", color=COLORS["batch mean"], markersize=10, gid="group")

    def draw(loss, group):
        so_far, now = LOSSES < loss * (1 - 1e-9), float(push(loss, group))
        curve.set_data(np.append(LOSSES[so_far], loss), np.append(pushes(group)[so_far], now))
        dot.set_data([loss], [now])
        smaller = GROUPS[GROUPS < group]
        sizes.set_data([*smaller, group], [*(push(loss, each) for each in smaller), now])
        here.set_data([group], [now])
        return _in_words(loss, group, now)

    return draw


def _in_words(loss, group, now):
    mean, way = WINS - (1 - WINS) * loss, "towards B" if now > 0 else "away from B"
    turned = turned_at(group)
    end = f"they push away from B from a loss of about {turned:,.0f} on" if turned else "no loss up to 10,000 turns them round"
    return (
        f"B brings {round(mean, 2) + 0:,.2f} on average, so the true slope is {round(float(truth(loss)), 3) + 0:,.3f}. "
        f"Groups of {group} push {way}, by {now:.3f}; {end}."
    )

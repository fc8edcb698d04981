"""The strip of notebook 03: one episode of the campaign, month by month, and what each month adds to its estimate."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from pgedu.gradients.moments import episode_gradients
from pgedu.panels.look import color_of, tidy

OFFER = [1, 3]  # where theta holds the preference for an offer, to the curious and to the loyal
LANES = ("lost", "loyal", "curious")  # from the bottom
KINDS = ("a curious", "a loyal")
PALE = 0.3


def counted(estimator, rollout):
    """How much of each reward is in each weight: [T, T], row k and column t hold the part of R_{k+1} in psi_t.

    Found by asking the estimator itself: psi of an episode in which all rewards but one are 0.

    Args:
        estimator: Rollout -> psi, linear in the rewards (no baseline).
        rollout: one episode, [T, 1].
    """
    T = len(rollout.rewards)
    alone = {name: np.repeat(getattr(rollout, name), T, axis=1) for name in rollout._fields}
    alone["rewards"] = alone["rewards"] * np.eye(T)
    return np.asarray(estimator(rollout._replace(**alone))).T


def moves(policy, theta, rollout, psi):
    """psi_t grad log pi(a_t | s_t) of one episode [T, 1], for both preferences for an offer: [T, 2]."""
    T = len(psi)
    observations, actions = (np.repeat(each[:T], T, axis=1) for each in (rollout.observations, rollout.actions))
    return policy.score(theta, observations, actions, psi * np.eye(T))[:, OFFER]


def one_who_stays(rollout, months=8):
    """The first episode of a rollout [T, B] that lasts so long (or, if none does, as long as any): a rollout [T', 1]."""
    lengths = rollout.lengths
    n = int((lengths >= min(months, lengths.max())).argmax())
    T = int(lengths[n])
    ends = {"observations": T + 1}
    return rollout._replace(**{name: getattr(rollout, name)[: ends.get(name, T), n : n + 1] for name in rollout._fields})


def strip(policy, theta, customers):
    """One customer's year; the rewards that the chosen month is weighted with light up, and its move in the plane.

    `customers(rng=...)` gives a Rollout [T, B] of the campaign: one who stays is looked at, all are the cloud in which its
    estimate lands. The view takes rng, month (1 is the first) and psi.
    """

    def view(figure):
        axes = figure.subplot_mosaic("ad;bd;cd", width_ratios=[7.6, 4], height_ratios=[1.3, 1.2, 1])
        year, plane = Year(axes["a"], axes["b"], axes["c"]), Landing(axes["d"])

        def draw(rng, month, psi):
            cloud = customers(rng=rng)
            rollout = one_who_stays(cloud)
            parts, steps = counted(psi, rollout), moves(policy, theta, rollout, psi(rollout))
            chosen = month - 1 if month <= len(steps) else None
            color = color_of(getattr(psi, "func", psi))  # the method's own, whatever its settings
            year.show(rollout, month, chosen, parts, color)
            plane.show(episode_gradients(policy, theta, cloud, psi(cloud))[:, OFFER], steps, chosen, color)
            return _words(rollout, month, chosen, parts, steps)

        return draw

    return view


class Year:
    """Where the customer stands each month, what each month pays, and the weights of all months, one above the other."""

    def __init__(self, lanes, rewards, weights):
        tidy(lanes, "one customer: what was done, month by month").set(ylim=(-0.5, 3.0), yticks=range(3))
        lanes.set_yticklabels(LANES)
        tidy(rewards, "rewards; full colour: what counts for this month").set(ylim=(-1.4, 2.4), yticks=(-1, 0, 1, 2))
        tidy(weights, "the weights ψ of all months", "month")
        for each in (lanes, rewards, weights):
            each.set(xlim=(0.5, 12.5), xticks=range(1, 13))
        for each in (lanes, rewards):
            each.tick_params(labelbottom=False)
        for each in (rewards, weights):
            each.axhline(0, color="0.55", linewidth=1.5)
        (self.path,) = lanes.plot([], [], "o-", color="0.5", markersize=6)
        (self.here,) = lanes.plot([], [], "o", color="0.2", markerfacecolor="none", markersize=15, gid="month")
        self.said = [lanes.text(t, 0, "", ha="center", va="bottom") for t in range(1, 13)]
        self.paid, self.lit, self.all, self.one = [_bars(each) for each in (rewards, rewards, weights, weights)]
        self.weights = weights

    def show(self, rollout, month, chosen, parts, color):
        """A rollout [T, 1]; parts [T, T] as `counted` gives them; the chosen month counts from 0, None once it is over."""
        T, psi = len(parts), parts.sum(axis=0)
        states = np.append(rollout.observations[:T, 0], 2)
        places = 2 - states[np.minimum(np.arange(12), T)]
        self.path.set_data(np.arange(1, 13)[: T + 1], places[: T + 1])
        self.here.set_data([month], [places[month - 1]])
        for t, text in enumerate(self.said):
            text.set_text(("wait", "offer")[rollout.actions[t, 0]] if t < T else "")
            text.set_y(places[t] + 0.3)
            text.set_bbox({"facecolor": "white", "edgecolor": "none", "pad": 1} if t < T else None)
        only = np.eye(T)[chosen] if chosen is not None else np.zeros(T)
        for bars, heights, alpha in (
            (self.paid, rollout.rewards[:, 0], PALE), (self.lit, parts @ only, 1.0), (self.all, psi, PALE),
            (self.one, psi * only, 1.0),
        ):  # fmt: skip
            _stand(bars, heights, color, alpha)
        reach = 5 * np.ceil(np.abs(psi).max() / 5 + 0.02)
        self.weights.set(ylim=(-reach if psi.min() < 0 else -0.1 * reach, reach))


def _bars(axes):
    return axes.bar(range(1, 13), np.zeros(12), width=0.6, linewidth=0)


def _stand(bars, heights, color, alpha):
    for bar, height in zip(bars, np.append(heights, np.zeros(12 - len(heights)))):
        bar.set(height=height, facecolor=(color, alpha), edgecolor=color, linewidth=1.5 * (height != 0))  # an edge, also if pale


class Landing:
    """The plane of the gradient: the moves of all months end to end, where they land, and the estimates of others."""

    def __init__(self, axes):
        axes.set(xlim=(-20, 20), ylim=(-20, 20))  # room for the numbers, however far the moves go
        self.axes = tidy(axes, "ψ × score, end to end (◆: sum)", "∂J / ∂ offer to the curious", "∂J / ∂ offer to the loyal")
        axes.axhline(0, color="0.55", linewidth=1.5)
        axes.axvline(0, color="0.55", linewidth=1.5)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        (self.dots,) = axes.plot([], [], "o", alpha=PALE, markersize=4, markeredgewidth=0, label="other episodes")
        (self.path,) = axes.plot([], [], alpha=0.85, label="all months")
        (self.one,) = axes.plot([], [], linewidth=5, solid_capstyle="butt", label="this month")
        (self.tip,) = axes.plot([], [], "o", markersize=10, markeredgewidth=0)
        (self.sum,) = axes.plot([], [], "D", markersize=10, markeredgecolor="white", label="the sum")

    def show(self, cloud, steps, chosen, color):
        """Estimates [N, 2] of other episodes and moves [T, 2] of this one; `chosen` as in `Year`."""
        landed = steps.sum(axis=0)
        for way, values in zip("xy", np.concatenate([0 * steps[:1], steps.cumsum(axis=0)]).T):
            reach = 10 * np.ceil(max(1, 0.12 * np.abs(values).max()))
            self.axes.set(**{f"{way}lim": (-reach, reach)})
        path = meander(steps, 0.02 * np.array([self.axes.get_xlim()[1], self.axes.get_ylim()[1]]))
        part = path[chosen] if chosen is not None else np.full((2, 2), np.nan)
        whole = np.concatenate([path.reshape(-1, 2), [landed]])
        for line, xy in ((self.dots, cloud), (self.path, whole), (self.one, part), (self.sum, landed[None])):
            line.set_data(*xy.T)
            line.set_color(color)
        self.tip.set_data(*part[1:].T)
        self.tip.set(color=color, marker=_pointer(part[1] - part[0]))


def meander(steps, aside):
    """Moves [T, 2], each along one axis, end to end: [T, 2, 2], (month, from and to, coordinates).

    Each is drawn a little (`aside` [2]) beside the one before, so that moves along one line can be told apart.
    """
    ends = steps.cumsum(axis=0)
    shift = np.arange(len(steps))[:, None] * aside * (steps == 0)
    return np.stack([ends - steps + shift, ends + shift], axis=1)


def _pointer(step):
    """The marker that points where a step along one axis goes."""
    x, y = np.nan_to_num(step)
    return (">" if x > 0 else "<") if abs(x) > abs(y) else ("^" if y > 0 else "v")


def _words(rollout, month, chosen, parts, steps):
    total = "The sum over all months, this episode's estimate, is ({:.2f}, {:.2f}).".format(*steps.sum(axis=0))
    if chosen is None:
        return f"In month {month} the customer is lost: nothing is done, and nothing is weighted. {total}"
    kind, action = rollout.observations[chosen, 0], ("wait", "offer")[rollout.actions[chosen, 0]]
    there = np.flatnonzero(parts[:, chosen]) + 1
    months = f"what months {there[0]} to {there[-1]} paid" if len(there) > 1 else "no reward at all"
    if len(there) == 1:
        months = f"what month {there[0]} paid"
    weight = parts[:, chosen].sum()
    return (f"Month {month}, {KINDS[kind]} customer, {action}: its weight ψ is {weight:.2f}, from {months}. Weight "
            f"times score moves the estimate by {steps[chosen, kind]:.2f} along {LANES[2 - kind]}. {total}")  # fmt: skip

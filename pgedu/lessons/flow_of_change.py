"""A picture of notebook 02: how a change of the policy, wherever it acts, flows back to the start, step by step."""

import numpy as np

from pgedu.gradients.exact import exact_gradient
from pgedu.panels.views import COLORS, World, key, tidy
from pgedu.worlds.solving import solve

BLACK, DOTS = COLORS["exact"], 16  # so many dots share the chance of being anywhere


def flow_back(world, policy, theta, parameter, *, names=None, actions=None, most=60):
    """The view of line 4 of the proof: what a nudge of one parameter changes, counted up to `k` steps from the start.

    Above, the world: the number in a state is what it has added so far, and each dot is a 16th of the chance of where one
    is after k steps. Below, these numbers end to end, and how their sum comes to the exact slope.

    Args:
        world: an `MDP` of a few states, without a horizon.
        theta: [D]; the view's `h` takes the place of theta[parameter].
        names, actions: of all states, and of the actions.
        most: the largest k.
    """
    names = names or [f"s{state}" for state in range(world.n_states)]

    def view(figure):
        limits = _reach(world, policy, theta, parameter, most)
        axes = figure.subplot_mosaic("WW;BC", height_ratios=(1, 1.1), width_ratios=(1, 1.25))
        graph, live = World(tidy(axes["W"]), world, names, actions), np.flatnonzero(~world.terminal)
        graph.dots.set_clip_on(False)  # all may stand around the first state, at the edge
        stack = Stack(axes["B"], [names[state] for state in live], limits)
        curve = Sum(axes["C"], most, limits)

        def draw(k, h):
            at = _moved(theta, parameter, h)
            exact = exact_gradient(world, policy, at)[parameter]
            chance, added = steps_back(world, policy, at, parameter, most)
            so_far = added[: k + 1].sum(axis=0)
            dots = in_sixteenths(chance[k])
            graph.show(solve(world, policy, at).probabilities, so_far, dots)
            stack.show(so_far[live], exact)
            curve.show(k, added.sum(axis=1).cumsum(), exact)
            return _words(k, [(names[state], so_far[state]) for state in live], exact)

        return draw

    return view


def _moved(theta, parameter, h):
    return np.concatenate([theta[:parameter], [h], theta[parameter + 1 :]])


def _reach(world, policy, theta, parameter, most, ends=(-1.5, 1.5)):
    """(low, high) of all that is laid end to end while h goes from one of the ends to the other, and a margin."""
    found = [steps_back(world, policy, _moved(theta, parameter, h), parameter, most)[1] for h in np.linspace(*ends, 7)]
    heights = np.array(found).cumsum(axis=1).cumsum(axis=2)
    low, high = min(heights.min(), 0), max(heights.max(), 0)
    return np.array([low, high]) + 0.1 * (high - low or 1) * np.array([-1, 1])


def steps_back(world, policy, theta, parameter, most):
    """For k = 0 .. most, [most + 1, S] each: the chance of being in s after k steps, and what line 4 adds there,
    gamma^k Pr(start -> s in k steps) x(s), with x(s) = sum_a dπ(a | s)/dtheta[parameter] q(s, a)."""
    _, q, _, pi = solve(world, policy, theta)
    S, A = pi.shape
    seen, actions = np.repeat(world.observation, A)[None], np.tile(np.arange(A), S)[None]
    score = policy.score(theta, seen, actions, np.ones((1, S * A))).reshape(S, A, -1)[..., parameter]
    x = np.where(world.terminal, 0.0, (pi * score * q).sum(axis=1))
    onward = np.einsum("sa,sat->st", pi, world.transitions)
    onward[world.terminal] = np.eye(S)[world.terminal]  # who has arrived stays
    chance = [world.start]
    for _ in range(most):
        chance.append(chance[-1] @ onward)
    return np.array(chance), world.gamma ** np.arange(most + 1)[:, None] * chance * x


def in_sixteenths(chance):
    """The states [16] of dots that share chances [S] as well as whole dots can: by largest remainder."""
    wanted = DOTS * chance
    count = np.floor(wanted + 1e-9).astype(int)
    count[np.argsort(count - wanted, kind="stable")[: DOTS - count.sum()]] += 1
    return np.repeat(np.arange(len(chance)), count)


class Stack:
    """What each state has added, end to end, then their sum, and the exact slope that they are to reach."""

    def __init__(self, axes, names, limits):
        tidy(axes, "added so far, end to end").set(xlim=(-0.5, len(names) + 0.5), ylim=limits)
        axes.set_xticks(range(len(names) + 1), [*names, "sum"])
        axes.tick_params(axis="x", length=0)
        axes.axhline(0, color="0.3", linewidth=1.5)
        self.bars = axes.bar(range(len(names) + 1), 0, 0.6, color=["0.55"] * len(names) + [BLACK])
        (self.tops,) = axes.plot([], [], color="0.3", linewidth=1.5)
        (self.exact,) = axes.plot([], [], "--", color=BLACK, linewidth=1.5, label="exact slope")
        key(axes)

    def show(self, added, exact):
        """Arrays [S] of the states that are not terminal, and a number."""
        heads = added.cumsum()
        feet = np.append(heads - added, 0)
        for bar, foot, head in zip(self.bars, feet, np.append(heads, heads[-1])):
            bar.set(y=foot, height=head - foot)
        n = np.arange(len(added))[:, None]
        self.tops.set_data((n + [-0.3, 1.3, np.nan]).ravel(), np.repeat(heads, 3))  # from each end to the next begin
        self.exact.set_data([-0.5, len(added) + 0.5], [exact, exact])


class Sum:
    """The sum up to k steps, as a curve over k, with a handle at the present one; and the exact slope."""

    def __init__(self, axes, most, limits):
        tidy(axes, "their sum", "k, steps from the start").set(xlim=(-1, most + 1), ylim=limits)
        axes.axhline(0, color="0.3", linewidth=1.5)
        (self.exact,) = axes.plot([], [], "--", color=BLACK, linewidth=1.5)
        (self.past,) = axes.plot([], [], color=BLACK)
        (self.here,) = axes.plot([], [], "o", color=BLACK, markersize=7, gid="k")
        self.most = most

    def show(self, k, sums, exact):
        """sums [most + 1] up to each step; those after k are not shown."""
        self.exact.set_data([-1, self.most + 1], [exact, exact])
        self.past.set_data(np.arange(k + 1), sums[: k + 1])
        self.here.set_data([k], [sums[k]])


def _words(k, added, exact):
    total = sum(each for _, each in added)
    parts = ", ".join(f"{name} {each:+.3f}" for name, each in added)
    share = f", {round(100 * total / exact)} % of it" if abs(exact) > 0.05 else ""
    return f"Up to k = {k}: {parts}; together {total:+.3f}. The exact slope is {exact:+.3f}{share}."

"""Bots of notebook 13 that learn: twenty at once, with and without a clock; and some under a limit on what they hand over."""

from dataclasses import replace
from functools import cache

import numpy as np

from pgedu.gradients.baselines import none
from pgedu.gradients.exact import exact_return, solve
from pgedu.learning.learned_value import LearnedValue
from pgedu.learning.optimizers import SGD, Adam
from pgedu.learning.proximal import ppo
from pgedu.learning.reinforce import reinforce
from pgedu.lessons.ticket_desk import FACTS, HAND_OVER, HUMAN, bot, desk_axes, one_ticket, shop, sure
from pgedu.panels.look import COLORS, best_line, label, see_through, tidy
from pgedu.panels.views import LearningCurve
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.planning import optimal_action_values
from pgedu.worlds.tickets import tickets

blind_shop = tickets(handover=HUMAN, sees_turn=False)
blind_bot = Policy.softmax(Table(blind_shop.n_observations, blind_shop.n_actions))
BOTS = {"sees the turn": (shop, bot), "does not see it": (blind_shop, blind_bot)}
AT_ONCE = 0.9  # who hands over more of the tickets on the first turn is counted as stuck there
PRIZE = 0.75  # what handing over pays at the guarded desk, where a human is nearly always the better choice
guarded_shop = tickets(handover=PRIZE)


def critic(policy, optimizer):
    """A learned value for each observation of a policy."""
    return LearnedValue(Table(policy.approximator.observations, 1), optimizer)


def learners(method, sees, rng):
    """Twenty bots that learn by the named method, with a clock or without."""
    world, policy = BOTS[sees]
    if method == "PPO":
        settings = {"steps": 4, "environments": 20, "entropy": 0.01, "critic": critic(policy, Adam(0.05))}
        return ppo(world, policy, rng=rng, runs=20, optimizer=Adam(0.03), **settings)
    baseline = none if method == "REINFORCE" else critic(policy, SGD(0.2))
    return reinforce(world, policy, rng=rng, runs=20, episodes=10, optimizer=SGD(3.0), baseline=baseline)


def best_return():
    """J* of the shop."""
    return float(optimal_action_values(shop)[0].max())


def chances_of(world, policy, theta):
    """pi(a | s) in each state, the mean over learners theta [R, D]: [S, A]."""
    return np.exp(world.log_policy(policy, theta)).mean(axis=0)


def learning(figure):
    """The view: the mean policy of all learners as a map, the latest ticket of the first of them, and the exact J of all."""
    chart, words, axes = desk_axes(figure)
    tidy(axes, "exact J: mean, 8 of 10 learners", "update").set_ylim(0.2, 0.8)
    best_line(axes, best_return())
    curve = LearningCurve(axes, None, COLORS["exact"])
    (dots,) = axes.plot([], [], "o", clip_on=False, **see_through(COLORS["reinforce"], 0.4))
    said = "No update yet."

    def draw(new):
        nonlocal said
        if new:
            world, policy = _bot_of(new[-1].theta)
            returns = exact_return(world, policy, np.array([record.theta for record in new]))
            curve.add([record.update for record in new], returns)
            ticket = _ticket(new[-1], world)
            chart.show(chances_of(world, policy, new[-1].theta), ticket)
            words.set_text("\n".join(ticket.words))
            at_once = np.exp(world.log_policy(policy, new[-1].theta))[:, 0, HAND_OVER]
            said = f"After {new[-1].update:,} updates {_in_words(returns[-1], int((at_once > AT_ONCE).sum()))}"
            curve.show()
            dots.set_data(np.full(len(returns[-1]), axes.get_xlim()[1]), returns[-1])
        return said

    return draw


def _bot_of(theta):
    """(world, policy) to which theta belongs: by its size."""
    return next(pair for pair in BOTS.values() if pair[1].size == theta.shape[-1])


def _ticket(record, world):
    """The first learner's first ticket of an update. What it sees may be the facts alone; then the turns tell the state."""
    rollout = record.rollout
    if world is blind_shop:
        turn = np.arange(len(rollout.observations))[:, None, None]
        states = np.minimum(turn * FACTS + rollout.observations, shop.n_states - 1)
        over = rollout.observations == FACTS
        rollout = rollout._replace(observations=np.where(over, shop.n_states - 1, states))
    return one_ticket(rollout, (0, 0))


def _in_words(returns, stuck):
    return (
        f"the exact J is {returns.mean():.3f} on average (best possible: {best_return():.4f}), {returns.min():.2f} to "
        f"{returns.max():.2f}. {stuck} of {len(returns)} learners hand{'s' * (stuck == 1)} over nearly all at once, which earns {HUMAN}."
    )


def handed_over(rollout):
    """What each step uses of the humans' time: 1 where the ticket is handed over, [T, R, B]."""
    return (rollout.actions == HAND_OVER) * rollout.mask


def share_handed_over(world, policy, theta):
    """The exact share of tickets that end at a human, [*R]."""
    solution = solve(world, policy, theta)
    return (solution.visits * solution.probabilities[..., HAND_OVER]).sum(axis=-1)


@cache
def corners():
    """What the best bots for each price of a handover do: (prices [n], share handed over [n], J without the price [n])."""
    prices = np.linspace(0, 1, 2001)
    rewards = np.tile(guarded_shop.rewards, (len(prices), 1, 1))
    rewards[..., HAND_OVER] -= prices[:, None] * ~guarded_shop.terminal
    q = optimal_action_values(replace(guarded_shop, rewards=rewards))
    theta = sure(np.round(q, 9).argmax(axis=-1))
    return prices, share_handed_over(guarded_shop, bot, theta), exact_return(guarded_shop, bot, theta)


def best_under(limit):
    """(J, price of a handover) of the best bot that hands over at most `limit` of its tickets, by duality.

    max J = min over prices of J(best bot for the price) + price * (limit - what it hands over); at the limit it mixes two bots.
    """
    prices, shares, returns = corners()
    bounds = returns + prices * (limit - shares)
    return float(bounds.min()), float(prices[bounds.argmin()])


def guard(figure):
    """The view: share handed over with its limit, the price that is found, and the exact J, of learners under a guardrail."""
    curves, lines, handle = _guard_axes(figure)
    said, means = "", []

    def draw(new, limit):
        nonlocal said, means
        J, price = best_under(limit)
        for line, value in zip(lines, (limit, price, J)):
            line.set_ydata([value, value])
        if new:
            values = _guarded(new)
            for curve, value in zip(curves, values):
                curve.add([record.update for record in new], value)
            means = [value[-1].mean() for value in values]
            said = f"After {new[-1].update:,} updates"
        for curve in curves:
            curve.show()
        handle.set_data([handle.axes.get_xlim()[0]], [limit])
        if not means:
            return "No update yet."
        return (
            f"{said} {100 * means[0]:.0f} % are handed over (limit {100 * limit:.0f} %), a handover is priced at "
            f"{means[1]:.2f} (exact: {price:.2f}), and J is {means[2]:.3f} (best possible under the limit: {J:.3f})."
        )

    return draw


def _guarded(new):
    """(share handed over, price, J), [n, R] each, of records of `guarded`."""
    thetas = np.array([record.theta for record in new])
    prices = np.array([record.details["multiplier"] for record in new])
    return share_handed_over(guarded_shop, bot, thetas), prices, exact_return(guarded_shop, bot, thetas)


def _guard_axes(figure):
    """(curves of share, price and J; dashed lines at their best; handle of the limit)."""
    plots = figure.subplots(1, 3)
    titles = {"handed over": (-0.02, 1.02), "price of a handover": (-0.04, 1.6), "exact J": (0.2, 0.85)}
    for axes, (title, limits) in zip(plots, titles.items()):
        tidy(axes, title, "update").set_ylim(limits)
    label(plots[2], 0.02, 0.24, "dashed: best possible", transform=plots[2].get_yaxis_transform())
    colors = COLORS["reinforce"], COLORS["constant"], COLORS["exact"]
    curves = [LearningCurve(axes, None, color) for axes, color in zip(plots, colors)]
    lines = [axes.axhline(0, color=COLORS["exact"], linestyle="--", linewidth=1.5) for axes in plots]
    (handle,) = plots[0].plot([], [], "o", color=COLORS["exact"], markersize=10, gid="limit")
    return curves, lines, handle

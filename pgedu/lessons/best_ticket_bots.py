"""The best bot for each cost of a search, bonus for one, budget of turns and pay of a handover, exactly, for notebook 13."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from pgedu.gradients.exact import exact_return
from pgedu.lessons.ticket_desk import FACTS, NAMES, SEARCH, Map, sure
from pgedu.panels.look import COLORS, key, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.planning import optimal_action_values
from pgedu.worlds.tickets import tickets

COSTS = np.round(np.arange(0, 0.4001, 0.005), 3)
BONUSES = np.round(np.arange(0, 1.3001, 0.01), 2)


def best_bots(costs, bonuses, turns, handover):
    """Of the bots that are best for what they are paid, N pairs of cost and bonus: (actions [N, S], true J, paid J [N]).

    Of actions that are worth the same, the first is taken: to answer, then to search. So a bonus has to be more than enough.
    """
    world, rewards = _world(turns, handover), []
    costs, bonuses = np.broadcast_arrays(np.atleast_1d(costs), np.atleast_1d(bonuses))
    for extra in (-costs, bonuses - costs):  # what the shop gets; what the bot is paid
        rewards.append(np.tile(world.rewards, (len(costs), 1, 1)))
        rewards[-1][:, :-1, SEARCH] += extra[:, None]
    q = optimal_action_values(replace(world, rewards=rewards[1]))
    actions = np.round(q, 9).argmax(axis=-1)
    policy = Policy.softmax(Table(world.n_states, world.n_actions))
    true = exact_return(replace(world, rewards=rewards[0]), policy, sure(actions))
    return actions, true, q[:, 0].max(axis=-1)


@lru_cache(maxsize=64)
def _world(turns, handover):
    return tickets(0.0, turns=turns, handover=handover)


@lru_cache(maxsize=64)
def over_costs(bonus, turns, handover):
    """(true J, paid J) of the best bots, [len(COSTS)] each."""
    return best_bots(COSTS, bonus, turns, handover)[1:]


@lru_cache(maxsize=64)
def over_bonuses(cost, turns, handover):
    """(true J, paid J) of the best bots, [len(BONUSES)] each."""
    return best_bots(cost, BONUSES, turns, handover)[1:]


def best_ticket_bots(figure):
    """The view: what the best bot does, and J over the cost and over the bonus, as far as the student has gone."""
    axes = figure.subplot_mosaic("MCB", width_ratios=[1.15, 0.9, 1])
    chart = Map(axes["M"], names=("answer", "search", "hand over"))
    tidy(axes["C"], "", "cost of a search").set(xlim=(-0.01, 0.41), ylim=(-0.6, 1.05))
    tidy(axes["B"], "", "bonus for a search").set(xlim=(-0.03, 1.33), ylim=(-0.6, 2.6))
    curves = {name: _Curve(axes[name], gid) for name, gid in (("C", "cost"), ("B", "bonus"))}

    def draw(cost, bonus, turns, handover):
        cost, bonus = round(cost, 3), round(bonus, 2)
        actions, true, paid = (each[0] for each in best_bots(cost, bonus, turns, handover))
        chart.resize(turns)
        chart.show(np.eye(len(NAMES))[actions])
        curves["C"].show(COSTS, over_costs(bonus, turns, handover), cost, (true, paid))
        curves["B"].show(BONUSES, over_bonuses(cost, turns, handover), bonus, (true, paid))
        start = ", ".join(f"{k} known: {NAMES[actions[k]]}" for k in range(FACTS))
        return (
            f"The best bot is paid {paid:.3f} a ticket and is worth {true:.3f} to the shop. With {turns} turn"
            f"{'s' * (turns > 1)} left, {start}. {_searching(actions, turns)}"
        ).strip()

    return draw


def _searching(actions, turns):
    """A warning about a bot that never answers."""
    facts, turn = np.arange(FACTS * turns) % FACTS, np.arange(FACTS * turns) // FACTS
    never = (actions[:-1][facts <= turn] == SEARCH).all()
    return "It searches on every turn and never answers." if never else ""


class _Curve:
    """True and paid J along one control, from its lowest value to where it stands, and the handle."""

    def __init__(self, axes, gid):
        (self.paid,) = axes.plot([], [], color=COLORS["total return"], label="paid")
        (self.true,) = axes.plot([], [], color=COLORS["exact"], label="true J")
        (self.here,) = axes.plot([], [], "o", color=COLORS["exact"], markersize=10, gid=gid)
        self.low, self.high = axes.get_ylim()
        key(axes, self.true, self.paid)

    def show(self, x, both, now, values):
        before = x < now - 1e-9
        for line, along, value in zip((self.true, self.paid), both, values):
            line.set_data(np.append(x[before], now), np.append(along[before], value))
        self.here.set_data([now], [np.clip(values[0], self.low, self.high)])

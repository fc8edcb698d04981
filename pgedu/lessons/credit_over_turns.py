"""Credit over turns in notebook 13: the exact variance of a ticket's gradient, turn by turn, by what its weights leave out."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from pgedu.experience.enumeration import enumerate_rollouts
from pgedu.gradients.exact import exact_gradient, exact_return
from pgedu.lessons.ticket_desk import SEARCH
from pgedu.panels.look import COLORS, key, label, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.tickets import tickets

TURNS = 4
COSTS = np.round(np.arange(0, 0.6001, 0.01), 2)
world = tickets(0.0)
policy = Policy.softmax(Table(world.n_states, world.n_actions))
METHODS = {"whole ticket": COLORS["total return"], "reward to go": COLORS["reward to go"]}
NONE, NUMBER, TURN, STATE = BASELINES = ("none", "one number, J", "a number for each turn", "a number for each state")


def preferences(x):
    """theta [D] of the bot that searches with the same preference x in every state; x = 0 is a coin."""
    return np.tile([0.0, x], world.n_states)


@lru_cache(maxsize=16)
def _tickets(x):
    """Every ticket there is: (rewards without costs, searches, mask, states, |score|^2, all [T, N], chances [N])."""
    rollout, chances = enumerate_rollouts(world, policy, preferences(x), horizon=TURNS)
    columns = [each[..., 0] for each in (rollout.rewards, rollout.actions, rollout.mask, rollout.observations[:-1])]
    rewards, actions, mask, states = columns
    p = np.exp(rollout.log_probs[..., 0])
    return rewards, (actions == SEARCH) * mask, mask, states, 2 * (1 - p) ** 2 * mask, chances


def weights(x, cost, method, baseline):
    """psi [T, N] of every ticket there is: what weights each step's score."""
    rewards, searches, mask, states, _, chances = _tickets(x)
    rewards = rewards - cost * searches
    to_go = np.cumsum(rewards[::-1], axis=0)[::-1]
    target = to_go if method == "reward to go" else np.broadcast_to(to_go[0], to_go.shape)
    if baseline == NUMBER:
        return (target - chances @ to_go[0]) * mask
    turn = np.broadcast_to(np.arange(TURNS)[:, None], mask.shape)
    group = {NONE: None, TURN: turn, STATE: states}[baseline]
    return (target - (0 if group is None else _means(target, group, chances * mask))) * mask


def _means(target, group, weight):
    """E[target | group], of the shape of target."""
    mass, total = (np.bincount(group.ravel(), each.ravel()) for each in (weight, weight * target))
    return (total / np.maximum(mass, 1e-300))[group]


def by_turn(x, cost, method, baseline):
    """E[psi_t^2 |score_t|^2], [T]. Scores of different turns are orthogonal here, as their states differ: the sum is E|g|^2."""
    *_, squares, chances = _tickets(x)
    return (weights(x, cost, method, baseline) ** 2 * squares) @ chances


@lru_cache(maxsize=64)
def variances(x, method, baseline):
    """Total variance of one ticket's gradient for each of COSTS, exactly."""
    rewards = np.tile(world.rewards, (len(COSTS), 1, 1))
    rewards[:, :-1, SEARCH] -= COSTS[:, None]
    theta = np.tile(preferences(x), (len(COSTS), 1))
    mean = exact_gradient(replace(world, rewards=rewards), policy, theta)
    squares = np.array([by_turn(x, cost, method, baseline).sum() for cost in COSTS])
    return squares - (mean**2).sum(axis=-1)


def credit(figure):
    """The view: the two variances over the cost, as far as it was raised, and where they come from, turn by turn."""
    left, right = figure.subplots(1, 2, width_ratios=[1, 1.1])
    lines, handle, words = _curves(left)
    bars = _bars(right)

    def draw(cost, baseline, x):
        now = {}
        for name, line in lines.items():
            curve, before = variances(x, name, baseline), COSTS <= cost + 1e-9
            now[name] = curve[before][-1]
            line.set_data(COSTS[before], curve[before])
            for bar, height in zip(bars[name], by_turn(x, cost, name, baseline)):
                bar.set_height(height)
        handle.set_data([cost], [min(now["reward to go"], 0.6)])
        whole, to_go = now.values()
        same = abs(whole - to_go) < 5e-5
        words.set_text("the two are the same" if same else "")
        ratio = f"Reward to go has {to_go / whole:.2f} times the variance of the whole ticket"
        verdict = "The two are the same" if same else ratio
        return f"{verdict}: {whole:.4f} for the whole ticket, {to_go:.4f} for reward to go. J is {_J(x, cost):.2f}."

    return draw


def _curves(axes):
    """(variance of each method over the cost, handle of the cost, words where they are the same)."""
    tidy(axes, "variance", "cost of a search").set(xlim=(-0.01, 0.61), ylim=(0, 0.6))
    lines = {name: axes.plot([], [], color=color, label=name)[0] for name, color in METHODS.items()}
    (handle,) = axes.plot([], [], "o", color=METHODS["reward to go"], markersize=10, gid="cost")
    key(axes)
    return lines, handle, label(axes, 0.0, 0.57, "")


def _bars(axes):
    """A bar for each turn and method."""
    tidy(axes, "where it comes from: E ψ²|score|²", "turn")
    axes.set(xlim=(0.4, TURNS + 0.6), ylim=(0, 0.2), xticks=range(1, TURNS + 1))
    shifts = zip(METHODS.items(), (-0.38, 0.02))
    place = {"width": 0.36, "align": "edge"}
    return {name: axes.bar(np.arange(TURNS) + 1 + shift, 0, color=color, **place) for (name, color), shift in shifts}


def _J(x, cost):
    return float(exact_return(tickets(cost), policy, preferences(x)))

"""A guardrail in notebook 14: four segments of customers, a limit on contacts a head, and the price that keeps it."""

import numpy as np

from pgedu.gradients.baselines import leave_one_out
from pgedu.learning.guarded import guarded
from pgedu.learning.optimizers import SGD
from pgedu.panels.look import COLORS, key, label, tidy
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.mdp import MDP

SHARES = np.array([0.1, 0.2, 0.3, 0.4])  # of the customers
PROFITS = np.array([3.0, 1.0, 0.5, -0.2])  # of a contact
LIMIT = 0.35  # contacts a head
NAMES = "A", "B", "C", "D"
PRICES = np.linspace(0, 1.5, 151)
policy = Policy.softmax(Table(5, 2))


def chances(price, tau):
    """The best policy at a price: who is contacted with which chance, [..., 4], sigma((r - price) / tau); a step at tau 0."""
    gain = PROFITS - np.asarray(price, dtype=float)[..., None]
    if tau == 0:
        return np.where(gain > 0, 1.0, np.where(gain < 0, 0.0, 0.5))
    return 1 / (1 + np.exp(-np.clip(gain / tau, -700, 700)))


def contacts(price, tau):
    """Contacts a head under it."""
    return chances(price, tau) @ SHARES


def best_price(tau, limit=LIMIT):
    """The lowest price, 0 or more, at which the limit is kept; by bisection."""
    low, high = 0.0, PROFITS.max() + 50 * tau + 1
    if contacts(low, tau) <= limit:
        return 0.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if contacts(middle, tau) > limit else (low, middle)
    return high


def prices(figure):
    """Left: contacts a head over the price; right: whom the best policy contacts at this price."""
    left, right = figure.subplots(1, 2, width_ratios=[1.3, 1])
    tidy(left, "contacts a head", "price λ of a contact").set(xlim=(-0.03, 1.53), ylim=(0, 1.02))
    left.axhline(LIMIT, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    label(left, 1.5, LIMIT + 0.04, "limit", ha="right")
    (curve,) = left.plot([], [], color=COLORS["leave one out"])
    (dot,) = left.plot([], [], "o", markersize=9, color="black", gid="price")
    tidy(right, "chance of a contact").set(xlim=(-0.6, 3.6), ylim=(0, 1.15), xticks=range(4))
    right.set_xticklabels([f"{name}: {100 * w:.0f} %\n{r:+g}".replace("-", "−") for name, w, r in zip(NAMES, SHARES, PROFITS)])
    bars = right.bar(range(4), np.ones(4), 0.7, color=COLORS["leave one out"], alpha=0.7)
    words = [label(right, i, 0, "", ha="center", va="bottom") for i in range(4)]

    def draw(price, tau):
        seen, pi = np.append(PRICES[PRICES < price - 1e-9], price), chances(price, tau)
        curve.set_data(seen, contacts(seen, tau))
        dot.set_data([price], [contacts(price, tau)])
        for bar, text, chance, i in zip(bars, words, pi, range(4)):
            bar.set_height(chance)
            text.set(text=f"{chance:.2f}", y=chance + 0.02)
        used, kept = contacts(price, tau), contacts(price, tau) <= LIMIT + 1e-9
        return (
            f"At a price of {price:.2f} there are {used:.3f} contacts a head, {'within' if kept else 'above'} the limit of {LIMIT}, "
            f"and a profit of {SHARES @ (PROFITS * pi):.3f} a head."
        )

    return draw


def segments(tau):
    """A world of one decision: a customer of some segment comes, action 1 is a contact; entropy counts tau a nat."""
    rewards = np.zeros((5, 2))
    rewards[:4, 1] = PROFITS
    bonus = (lambda log_pi: -tau * log_pi) if tau else None
    return MDP(rewards=rewards, start=np.append(SHARES, 0), terminal=np.arange(5) == 4, successors=np.full((5, 2, 1), 4),
               chances=np.ones((5, 2, 1)), policy_rewards=bonus)  # fmt: skip


def count(rollout):
    """What is limited: the contacts."""
    return (rollout.actions == 1).astype(float)


def ascent(rng, tau, price_rate=0.05, updates=None):
    """20 learners who raise their profit, while the price of a contact rises as long as there are too many."""
    return guarded(segments(tau), policy, optimizer=SGD(1.0), rng=rng, runs=20, episodes=200, baseline=leave_one_out,
                   cost=count, limit=LIMIT, price_rate=price_rate, updates=updates)  # fmt: skip


def used_by(theta):
    """Exact contacts a head of learners, [R, D] -> [R]."""
    return policy.probabilities(theta, np.tile(np.arange(5), (len(theta), 1)))[:, :4, 1] @ SHARES


def learned_price(figure):
    """Left: one learner's contacts over its price, as it learns; right: its contacts over the updates, and their mean."""
    plane, times = figure.subplots(1, 2, width_ratios=[1, 1.25])
    tidy(plane, "contacts a head", "price λ").set(xlim=(-0.03, 1.4), ylim=(0.24, 0.64))
    (best,) = plane.plot([], [], color="0.55")
    (path,) = plane.plot([], [], color=COLORS["leave one out"], linewidth=1.5)
    (now,) = plane.plot([], [], "o", color=COLORS["leave one out"], markersize=9)
    (star,) = plane.plot([], [], "*", color="black", markersize=15)
    label(plane, 1.38, 0.62, "grey: best policy at a price\nstar: where both agree", ha="right", va="top")
    tidy(times, "its contacts", "update").set(ylim=(0.24, 0.64))
    times.axhline(LIMIT, color=COLORS["exact"], linestyle="--", linewidth=1.5, label="limit")
    (curve,) = times.plot([], [], color=COLORS["leave one out"], linewidth=1.5, label="now")
    (mean,) = times.plot([], [], color=COLORS["none"], linewidth=2.5, label="mean so far")
    key(times)
    rows = []

    def draw(new, tau):
        rows.extend((record.update, record.details["multiplier"][0], used_by(record.theta)[0]) for record in new)
        if not rows:
            return "No update yet."
        updates, price, used = np.array(rows).T
        so_far = used.cumsum() / np.arange(1, len(used) + 1)
        best.set_data(PRICES, contacts(PRICES, tau))
        star.set_data([best_price(tau)], [LIMIT])
        path.set_data(np.minimum(price, 1.38)[-500:], used[-500:])
        now.set_data(np.minimum(price[-1:], 1.38), used[-1:])
        keep = slice(None, None, 1 + len(rows) // 1000)
        curve.set_data(updates[keep], used[keep])
        mean.set_data(updates[keep], so_far[keep])
        times.set_xlim(0, 100 * 2 ** np.ceil(np.log2(max(updates[-1] / 100, 1))))  # seldom: the axis is drawn anew
        return _of_ascent(len(rows), price[-1], used, best_price(tau))

    return draw


def _of_ascent(updates, price, used, best):
    last = used[-200:]
    return (
        f"After {updates} updates the price is {price:.2f}, {best:.2f} would do. In the last {len(last)} updates contacts went from "
        f"{last.min():.2f} to {last.max():.2f}; their mean over all updates is {used.mean():.3f}, the limit {LIMIT}."
    )

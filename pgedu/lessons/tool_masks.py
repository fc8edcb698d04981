"""Who wrote this? Notebook 13: bots that are trained on their own words, on the tool's too, or on the tool's alone."""

from functools import partial

import numpy as np

from pgedu.arguments import number, numbers, refuse
from pgedu.gradients.baselines import leave_one_out, none
from pgedu.gradients.estimators import weights_of
from pgedu.gradients.exact import exact_return
from pgedu.learning.optimizers import SGD
from pgedu.learning.reinforce import reinforce
from pgedu.learning.settings import Setting
from pgedu.lessons.ticket_desk import FACTS, SEARCH
from pgedu.panels.look import COLORS, label, tidy
from pgedu.panels.views import LearningCurve
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.planning import optimal_action_values
from pgedu.worlds.tickets import tickets

OWN, ALL, INVERTED = MASKS = ("its own words", "all words", "the tool's alone")
STYLES = {OWN: (COLORS["reward to go"], "-"), ALL: (COLORS["constant"], "--"), INVERTED: (COLORS["total return"], "-")}
TURNS, RUNS = 4, 20
policy = Policy.softmax(Table(FACTS * TURNS + 1, 2))
BASELINES = {"none": none, "leave one out": leave_one_out}


def tool_words(rollout):
    """(written, found), both [T, ...] of 0 and 1: where the tool wrote what it did not have to, and if it was "found".

    After a search with all facts known it always says "nothing new", and after the last turn nobody reads what it says.
    """
    before, after = rollout.observations[:-1], rollout.observations[1:]
    there = after < policy.approximator.observations - 1
    written = (rollout.actions == SEARCH) & (rollout.mask == 1) & (before % FACTS < FACTS - 1) & there
    return written.astype(float), (written & (after % FACTS > before % FACTS)).astype(float)


def chance(logit):
    """The chance that belongs to a logit."""
    return 1 / (1 + np.exp(-np.clip(logit, -500, 500)))


def _mask(name, value):
    if value not in MASKS:
        raise refuse(name, f"one of {', '.join(MASKS)}", value)
    return value


class trained_on(reinforce):  # noqa: N801 - lower case as `reinforce` is
    """REINFORCE of a model that also says, with a logit `belief`, how likely the tool's next word is "found".

        theta  <- theta  + rate * mean over tickets of sum_t psi_t score_t,                        if its own words are trained
        belief <- belief + rate * mean over tickets of sum_t psi_t (found_t - chance(belief)),     if the tool's are

    The second sum is over the tool's words, and its bracket is the score of a Bernoulli variable. A record's details: "belief".
    """

    words = Setting(_mask, OWN)
    belief = Setting(lambda name, value: np.array(numbers(name, value)), 0.0)

    def learn(self, rollout):
        given = {} if self.baseline is none else {"baseline": self.baseline}
        psi = weights_of(self.estimator, rollout, **given)
        belief = np.broadcast_to(self.belief, (self.runs,))
        record = super().learn(rollout) if self.words != INVERTED else {}
        if self.words != OWN:
            written, found = tool_words(rollout)
            push = (psi * (found - written * chance(belief)[:, None])).sum(axis=0).mean(axis=-1)
            vars(self)["belief"] = belief + self.learning_rate * push
        return record | {"details": {"belief": chance(np.broadcast_to(self.belief, (self.runs,)))}}


class three_masks:  # noqa: N801
    """Three trainings side by side, one for each mask, that meet the same luck; they know the tool at first.

    Yields a tuple of three `Progress`.
    """

    def __init__(self, found, baseline, rng, learning_rate=3.0):
        seed, world = int(rng.integers(2**31)), tickets(found=number("found", found, 0.01, 0.99))
        make = partial(trained_on, world, policy, runs=RUNS, episodes=10, baseline=baseline, belief=np.log(found / (1 - found)))
        self.trainings = [make(rng=np.random.default_rng(seed), optimizer=SGD(learning_rate), words=each) for each in MASKS]

    def __iter__(self):
        return zip(*self.trainings)


def masks(figure):
    """The view: true J and what is believed of the tool, of learners under each mask."""
    left, right = figure.subplots(1, 2)
    tidy(left, "true J", "update").set_ylim(-0.25, 1.0)
    tidy(right, "believed: a search finds", "update").set_ylim(-0.02, 1.02)
    returns, beliefs = ({name: LearningCurve(axes, name, *style) for name, style in STYLES.items()} for axes in (left, right))
    levels = [_level(left, 0.015, "best possible"), _level(right, 0.5, "truth")]
    (handle,) = right.plot([], [], "o", color=COLORS["exact"], markersize=10, gid="found")
    left.legend(loc="lower right", bbox_to_anchor=(1.02, 0.0))
    update = 0

    def draw(new, found):
        nonlocal update
        J = float(optimal_action_values(world := tickets(found=found))[0].max())
        for (line, text), y in zip(levels, (J, found)):
            line.set_ydata([y, y])
            text.set_y(y)
        for each, records in zip(MASKS, zip(*new)):
            _add(world, records, returns[each], beliefs[each])
            update = records[-1].update
        parts = [f"{each}: J {returns[each].show():.2f}, believed {beliefs[each].show():.2f}" for each in MASKS]
        handle.set_data([right.get_xlim()[0]], [found])
        return f"After {update:,} updates on {'; on '.join(parts)}. In truth a search finds a fact in {100 * found:.0f} %."

    return draw


def _add(world, records, returns, beliefs):
    """The records of one training to its two curves."""
    updates = [record.update for record in records]
    returns.add(updates, exact_return(world, policy, np.array([record.theta for record in records])))
    beliefs.add(updates, np.array([record.details["belief"] for record in records]))


def _level(axes, x, words):
    """A dashed line across the axes, and words on it."""
    line = axes.axhline(0.7, color=COLORS["exact"], linestyle="--", linewidth=1.5)
    return line, label(axes, x, 0.7, words, transform=axes.get_yaxis_transform(), va="bottom")

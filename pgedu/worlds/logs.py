"""Decisions that were really made and logged: the sample of the Open Bandit Dataset, as counts.

A fashion shop showed items in three positions of a page, six logs of 10,000 rows: campaigns all, men and women, each
under a random policy and under Bernoulli Thompson sampling. Source: Saito, Aihara, Matsutani & Narita,
https://arxiv.org/abs/2008.07146; what was changed and under which licence it stands: open_bandit/NOTICE.
"""

import csv
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np

from pgedu.arguments import refuse

CAMPAIGNS = {"all": 80, "men": 34, "women": 46}  # and how many items each has
POLICIES = "random", "bts"
POSITIONS = 3


class LoggedCounts(NamedTuple):
    """A log of one-step decisions as counts [items, positions]: an item is an action, a position what is observed.

    For a policy that looks at the position alone that is all a log has to say: click rates, importance weights and
    their estimates come out as they would from the rows.
    """

    campaign: str
    policy: str  # that acted
    shown: np.ndarray  # [items, positions] int; so often was the item shown there
    clicks: np.ndarray  # [items, positions] int; of these were clicked
    propensities: np.ndarray | None  # [items, positions], chance of the item in that position; None: not in the counts

    @property
    def n_rows(self):
        return int(self.shown.sum())

    @property
    def click_rate(self):
        """Clicks over rows: what the policy that acted earned, in clicks per item shown (.0038 is .38 %)."""
        return float(self.clicks.sum() / self.shown.sum())

    def table(self):
        """The rows again, as columns [rows]: what `rollout_from_table` takes, `rollout_from_table(**log.table())`.

        actions: item; observations: position, from 0; rewards: 1 for a click, else 0; propensities: or None. In order
        of item, position and click: the order in time is not in the counts.
        """
        cells = np.stack([self.clicks, self.shown - self.clicks], axis=-1)  # clicked, and not
        actions, observations, missed = (np.repeat(index.ravel(), cells.ravel()) for index in np.indices(cells.shape))
        known = None if self.propensities is None else self.propensities[actions, observations]
        return {"actions": actions, "rewards": 1 - missed, "propensities": known, "observations": observations}


def open_bandit(campaign="all", policy="random"):
    """The `LoggedCounts` of one log of the Open Bandit Dataset's sample, 24 to 30 November 2019, 10,000 rows.

    Args:
        campaign: "all" (80 items), "men" (34) or "women" (46).
        policy: "random", under which each item has the same chance, or "bts": Bernoulli Thompson sampling. Its
            propensities varied from row to row; the counts do not hold them, so that log gives click rates only.
    Raises:
        ValueError: another campaign or policy.
    """
    _require_name("campaign", campaign, CAMPAIGNS)
    _require_name("policy", policy, POLICIES)
    counts = np.zeros((2, CAMPAIGNS[campaign], POSITIONS), dtype=int)
    for *log, item, position, shown, clicks in _lines("counts.csv"):
        if log == [campaign, policy]:
            counts[:, int(item), int(position) - 1] = int(shown), int(clicks)
    shown, clicks = counts
    propensities = np.full(shown.shape, 1 / len(shown)) if policy == "random" else None
    for array in (counts, shown, clicks, *([] if propensities is None else [propensities])):
        array.setflags(write=False)
    return LoggedCounts(campaign, policy, shown, clicks, propensities)


def open_bandit_prior(campaign="all"):
    """(alpha, beta), each [items]: the Beta distributions of the click rates with which Thompson sampling began.

    `thompson_sampling(*open_bandit_prior("all"), places=3)` is the policy that they make, [items, positions].
    Raises:
        ValueError: another campaign.
    """
    _require_name("campaign", campaign, CAMPAIGNS)
    found = [(float(alpha), float(beta)) for name, _, alpha, beta in _lines("priors.csv") if name == campaign]
    return tuple(np.array(found).T)


@cache
def _lines(name):
    text = files("pgedu.worlds").joinpath("open_bandit", name).read_text(encoding="ascii")
    return tuple(map(tuple, csv.reader(text.splitlines()[1:])))


def _require_name(name, value, known):
    if not (isinstance(value, str) and value in known):
        raise refuse(name, " or ".join(map(repr, known)), value)

"""Off-policy estimates against those of the Open Bandit Pipeline (obp), part of `make peers`.

On its own data, read from its package row by row (so that the counts that come with pgedu are compared with their
source, too), and on a made-up bandit whose policies look at a context.
"""

import csv
import importlib.metadata
import runpy
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of its age
    import obp
    from obp.ope import (
        DirectMethod, DoublyRobust, InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting,
    )  # fmt: skip
    from obp.policy import BernoulliTS

from pgedu import (
    direct_method, doubly_robust, open_bandit, open_bandit_prior, rollout_from_table, thompson_sampling,
    trajectory_importance, weighted_importance,
)  # fmt: skip

ITEMS = {"all": 80, "men": 34, "women": 46}
CAMPAIGNS = pytest.mark.parametrize("campaign", ITEMS)
LOGS = pytest.mark.parametrize("policy", ["random", "bts"])


def rows(campaign, policy):
    """(item, position from 0, click, propensity), each [rows], as they stand in the package."""
    path = Path(obp.__file__).parent / "dataset" / "obd" / policy / campaign / f"{campaign}.csv"
    with path.open(encoding="utf-8") as file:
        found = [[row[name] for name in ("item_id", "position", "click", "propensity_score")] for row in csv.DictReader(file)]
    items, positions, clicks, propensities = zip(*found)
    return np.array(items, int), np.array(positions, int) - 1, np.array(clicks, int), np.array(propensities, float)


def test_the_files_that_come_with_pgedu_are_made_again_to_the_byte(tmp_path):
    root = Path(__file__).parents[1]
    with zipfile.ZipFile(tmp_path / "obp.whl", "w") as wheel:  # what was installed, as it had been packed
        for file in importlib.metadata.files("obp"):
            if file.locate().is_file():
                wheel.write(file.locate(), str(file))
    made = runpy.run_path(str(root / ".ci" / "extract_open_bandit.py"))["extract"](tmp_path / "obp.whl")
    for name, content in made.items():
        assert content == (root / "pgedu" / "worlds" / "open_bandit" / name).read_bytes().replace(b"\r\n", b"\n")


def theirs(rewards, actions, propensities, pi, q, positions=None):
    """(IPS, SNIPS, direct method, doubly robust) of obp; pi and q [rows, A, positions]."""
    log = {"reward": rewards, "action": actions, "pscore": propensities, "action_dist": pi, "position": positions}
    weighted = [each().estimate_policy_value(**log) for each in (
        InverseProbabilityWeighting, SelfNormalizedInverseProbabilityWeighting)]  # fmt: skip
    modelled = [each().estimate_policy_value(**log, estimated_rewards_by_reg_model=q) for each in (DirectMethod, DoublyRobust)]
    return weighted + modelled


def ours(rollout, pi, q):
    """The same; pi and q [1, rows, A]."""
    target = np.log(np.take_along_axis(pi, rollout.actions[..., None], axis=-1)[..., 0])
    found = trajectory_importance(rollout, target), weighted_importance(rollout, target)
    return [each.mean() for each in (*found, direct_method(rollout, q, pi), doubly_robust(rollout, target, q, pi))]


@CAMPAIGNS
@LOGS
def test_counts_are_those_of_the_rows(campaign, policy):
    items, positions, clicks, _ = rows(campaign, policy)
    shown, clicked = np.zeros((2, ITEMS[campaign], 3), dtype=int)
    np.add.at(shown, (items, positions), 1)
    np.add.at(clicked, (items, positions), clicks)
    log = open_bandit(campaign, policy)
    assert (log.shown == shown).all() and (log.clicks == clicked).all()


def models(campaign):
    """(pi, q), both [items, positions]: Thompson sampling, and a model that is neither right nor a table of the log."""
    return thompson_sampling(*open_bandit_prior(campaign), places=3), np.random.default_rng(0).random((ITEMS[campaign], 3)) / 50


@CAMPAIGNS
def test_estimates_from_our_counts_are_theirs_from_the_rows(campaign):
    items, positions, clicks, propensities = rows(campaign, "random")
    pi, q = models(campaign)
    wanted = theirs(clicks, items, propensities, *(np.tile(each, (len(items), 1, 1)) for each in (pi, q)), positions)
    rollout = rollout_from_table(**open_bandit(campaign).table())
    seen = rollout.observations[:-1]
    assert ours(rollout, pi.T[seen], q.T[seen]) == pytest.approx(wanted, rel=1e-11)


@CAMPAIGNS
@LOGS
def test_estimates_from_the_rows(campaign, policy):
    """Also from the log of Thompson sampling, by the propensities of its rows, some of which are tiny."""
    items, positions, clicks, propensities = rows(campaign, policy)
    pi, q = models(campaign)
    pi = 0.5 * pi + 0.5 / len(pi)
    wanted = theirs(clicks, items, propensities, *(np.tile(each, (len(items), 1, 1)) for each in (pi, q)), positions)
    rollout = rollout_from_table(items, clicks, propensities, positions)
    assert ours(rollout, pi.T[positions][None], q.T[positions][None]) == pytest.approx(wanted, rel=1e-11)


def test_a_bandit_with_a_context():
    rng, n, A = np.random.default_rng(1), 3000, 6
    behaviour, pi = rng.dirichlet(np.ones(A), (2, n))
    actions = (behaviour.cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(0, A - 1)
    rewards, q = rng.normal(size=n), rng.normal(size=(n, A))
    propensities = behaviour[np.arange(n), actions]
    wanted = theirs(rewards, actions, propensities, pi[..., None], q[..., None])
    assert ours(rollout_from_table(actions, rewards, propensities), pi[None], q[None]) == pytest.approx(wanted, rel=1e-10)


@CAMPAIGNS
def test_thompson_sampling_by_quadrature_is_what_their_draws_approach(campaign):
    draws = 20_000
    theirs = BernoulliTS(n_actions=ITEMS[campaign], len_list=3, is_zozotown_prior=True, campaign=campaign, random_state=0)
    counted = theirs.compute_batch_action_dist(n_sim=draws)[0]
    found = thompson_sampling(*open_bandit_prior(campaign), places=3)
    assert (np.abs(counted - found) < 5 * np.sqrt(found / draws) + 1 / draws).all()

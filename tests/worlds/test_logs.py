"""The Open Bandit sample: known totals, checksums, known answers. (`make peers` compares it with its source, row by row.)"""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from pgedu import direct_method, effective_sample_size, importance_weights, open_bandit, open_bandit_prior
from pgedu import rollout_from_table, standard_error, thompson_sampling, trajectory_importance, weighted_importance

ROOT = Path(__file__).parents[2]
DATA = ROOT / "pgedu" / "worlds" / "open_bandit"
SHA256 = {
    "counts.csv": "ef6914bc51f0818c68bad1958ecfff8f0ce99a501a607f4e23e17dee6885dd26",
    "priors.csv": "5d3d6f9822bd977676ec3ff4bb0a159f7951bc6b03b78eb26a23f3283b19c92c",
    "LICENSE": "6bc32ef299d465f98043edc6e487a6e72a69600f3a2144f4e69be8f1b36be9f7",
}
ITEMS = {"all": 80, "men": 34, "women": 46}
RATES = {  # clicks in 10,000 rows
    ("all", "random"): 38, ("all", "bts"): 42, ("men", "random"): 46, ("men", "bts"): 69,
    ("women", "random"): 46, ("women", "bts"): 46,
}  # fmt: skip
LOGS = pytest.mark.parametrize(("campaign", "policy"), RATES)


def content(name):
    return (DATA / name).read_bytes().replace(b"\r\n", b"\n")  # as a checkout on Windows may have them


@pytest.mark.parametrize("name", SHA256)
def test_files_are_those_that_were_extracted(name):
    assert hashlib.sha256(content(name)).hexdigest() == SHA256[name]


def test_the_notice_says_what_both_licences_ask_for():
    notice = (DATA / "NOTICE").read_text(encoding="ascii")
    for wanted in ("Yuta Saito, Shunsuke Aihara, Megumi Matsutani, Yusuke Narita", "arxiv.org/abs/2008.07146", "Changed  Aggregated",
                   "Copyright 2020 Yuta Saito, Yusuke Narita, and ZOZO Technologies", "apache.org/licenses/LICENSE-2.0",
                   "creativecommons.org/licenses/by/4.0"):  # fmt: skip
        assert wanted in notice
    assert "Apache License" in content("LICENSE").decode() and "ZOZO Technologies" in content("LICENSE").decode()


def test_size_of_the_extract():
    counts = content("counts.csv")
    assert counts.count(b"\n") == 960 and len(counts) < 20_000  # 959 places, and a header


@LOGS
def test_totals(campaign, policy):
    log = open_bandit(campaign, policy)
    assert (log.campaign, log.policy) == (campaign, policy) and log.n_rows == 10_000
    assert log.shown.shape == log.clicks.shape == (ITEMS[campaign], 3)
    assert log.clicks.sum() == RATES[campaign, policy] and log.click_rate == RATES[campaign, policy] / 10_000
    assert (log.clicks <= log.shown).all() and not (log.shown.flags.writeable or log.clicks.flags.writeable)
    assert (log.shown == 0).sum() == ((campaign, policy) == ("all", "bts"))  # one item never stood in one place


def test_the_best_item_of_one_log_is_not_that_of_the_other():
    random, sampled = open_bandit("all"), open_bandit("all", "bts")
    rates = random.clicks.sum(axis=1) / random.shown.sum(axis=1)
    assert rates.argmax() == 49 and (random.clicks[49].sum(), random.shown[49].sum()) == (3, 114)
    assert (sampled.clicks[49].sum(), sampled.shown[49].sum()) == (1, 408)


@LOGS
def test_the_table_has_the_rows(campaign, policy):
    log = open_bandit(campaign, policy)
    table = log.table()
    counted = np.zeros((2, *log.shown.shape), dtype=int)
    for item, click, position in zip(table["actions"], table["rewards"], table["observations"]):
        counted[:, item, position] += 1, click
    assert (counted == [log.shown, log.clicks]).all()
    if policy == "random":
        assert (table["propensities"] == 1 / ITEMS[campaign]).all() and table["propensities"].shape == (10_000,)


def sampled_policy(campaign):
    return thompson_sampling(*open_bandit_prior(campaign), places=3)


def estimates(actions, positions, clicks, propensities, pi):
    """(IPS, its standard error, SNIPS, effective sample, largest weight, direct method of a table), row by row."""
    weights = pi[actions, positions] / propensities
    terms = weights * clicks
    shown, clicked = np.zeros((2, *pi.shape))
    np.add.at(shown, (actions, positions), 1)
    np.add.at(clicked, (actions, positions), clicks)
    model = (pi * clicked / shown).sum(axis=0)
    n = len(actions)
    return [terms.sum() / n, np.sqrt(((terms - terms.mean()) ** 2).sum() / (n - 1) / n), terms.sum() / weights.sum(),
            weights.sum() ** 2 / (weights**2).sum(), weights.max(), sum(model[k] for k in positions) / n]  # fmt: skip


def ours(campaign, pi):
    log = open_bandit(campaign)
    rollout = rollout_from_table(**log.table())
    seen = rollout.observations[:-1]
    target = np.log(pi)[rollout.actions, seen]
    terms, weights = trajectory_importance(rollout, target), importance_weights(rollout, target)[-1]
    return [terms.mean(), standard_error(terms), weighted_importance(rollout, target).mean(), effective_sample_size(weights),
            weights.max(), direct_method(rollout, (log.clicks / log.shown).T[seen], pi.T[seen]).mean()]  # fmt: skip


@pytest.mark.parametrize(("campaign", "percent", "margin", "weighted", "effective", "heaviest"), [
    ("all", 0.456, 0.410, 0.479, 1643, 19.6), ("men", 0.454, 0.232, 0.461, 2474, 10.7),
])  # fmt: skip
def test_thompson_sampling_judged_from_the_random_log(campaign, percent, margin, weighted, effective, heaviest):
    found = ours(campaign, sampled_policy(campaign))
    assert 100 * np.array([found[0], 1.96 * found[1], found[2]]) == pytest.approx([percent, margin, weighted], abs=5.1e-4)
    assert found[3] == pytest.approx(effective, abs=0.5) and found[4] == pytest.approx(heaviest, abs=0.05)


def test_the_published_estimate_and_the_click_that_makes_it():
    """Published: .004553, with a policy that was counted in random draws: 100,000 of them leave an error of about .4 %."""
    log, pi = open_bandit("all"), sampled_policy("all")
    terms = log.clicks * pi * 80 / 10_000
    assert terms.sum() == pytest.approx(0.004553, rel=0.012)
    heaviest = np.unravel_index(terms.argmax(), terms.shape)
    assert log.clicks[heaviest] == 1 and terms[heaviest] / terms.sum() == pytest.approx(0.43, abs=0.005)
    assert terms.sum() - terms[heaviest] == pytest.approx(0.0026, abs=1e-5)


def test_the_prior():
    alpha, beta = open_bandit_prior("all")
    assert (alpha[:3].tolist(), beta[:3].tolist()) == ([47, 8, 62], [12198, 3566, 15993])
    assert [len(open_bandit_prior(name)[0]) for name in ITEMS] == list(ITEMS.values())


@pytest.mark.parametrize(("call", "sentence"), [
    (lambda: open_bandit("kids"), "campaign must be 'all' or 'men' or 'women'; got 'kids'"),
    (lambda: open_bandit(["all"]), "campaign must be"), (lambda: open_bandit_prior(None), "campaign must be"),
    (lambda: open_bandit("all", "ts"), "policy must be 'random' or 'bts'; got 'ts'"),
    (lambda: rollout_from_table(**open_bandit("all", "bts").table()), "propensities must be the recorded chance of each action"),
])  # fmt: skip
def test_arguments_that_do_not_fit(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

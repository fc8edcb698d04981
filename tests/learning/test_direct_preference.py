"""DPO and IPO: their optimum, their fixed points and their failures, each with a known answer."""

import numpy as np
import pytest

import pgedu as pg

REWARDS = np.array([0.0, 1.0, 2.0])
LANGUAGE = pg.Language("abc", 1)
LOG_REFERENCE = np.log([0.6, 0.3, 0.1])
POLICY = pg.Policy.softmax(pg.Table(2, 3))


def answers(numbers, language=LANGUAGE, log_reference=LOG_REFERENCE):
    """A rollout of these sentences, log_probs those of the reference."""
    numbers = np.asarray(numbers)
    log_policy = language.log_policy(log_reference)
    states = np.concatenate([language.states[numbers].T, np.full((1, len(numbers)), language.n_states - 1)])
    world = language.world(np.zeros(len(language.sentences)))
    fields = world.record(log_policy, states, np.maximum(language.sentences[numbers].T, 0))
    return pg.Rollout(*fields)


def population(rewards, log_reference):
    """Ordered pairs in numbers that are proportional to how often the first is preferred: here by whole numbers."""
    P, pairs = np.exp(log_reference), []
    for i in range(3):
        for j in range(3):
            chance = P[i] * P[j] / (1 + np.exp(rewards[j] - rewards[i]))
            pairs += [(i, j)] * round(2000 * chance)
    return np.array(pairs).T


def train(both, updates, beta=1.0, kind="dpo", rate=1.0, **settings):
    preferred, rejected = (answers(each) for each in both)
    theta = np.tile(np.append(LOG_REFERENCE, np.zeros(3)), (settings.get("runs", 1), 1))
    training = pg.direct_preference(
        POLICY, preferred=preferred, rejected=rejected, beta=beta, kind=kind, optimizer=pg.SGD(rate),
        rng=np.random.default_rng(0), theta=theta, updates=updates, **settings,
    )  # fmt: skip
    *_, progress = training
    return progress


@pytest.mark.parametrize("beta", [0.5, 1.0])
def test_dpo_finds_the_best_policy_of_the_rewards_behind_the_preferences(beta):
    progress = train(population(REWARDS, LOG_REFERENCE), 3000, beta=beta, rate=2.0 / beta**2)
    log_pi = pg.log_softmax(progress.theta[0, :3])
    best, _ = pg.tilt(LOG_REFERENCE, REWARDS, beta)
    assert pg.kl_divergence(log_pi, best) < 3e-4  # pairs are whole numbers of 2,000
    assert np.abs(progress.gradients.mean(axis=-2)).max() < 1e-6


def test_at_the_best_policy_the_gradient_of_the_population_is_0():
    beta = 0.7
    best, _ = pg.tilt(LOG_REFERENCE, REWARDS, beta)
    i, j = np.indices((3, 3)).reshape(2, -1)
    P = np.exp(LOG_REFERENCE)
    weights = P[i] * P[j] / (1 + np.exp(REWARDS[j] - REWARDS[i]))
    h = (best - LOG_REFERENCE)[i] - (best - LOG_REFERENCE)[j]
    scores = np.eye(3)[i] - np.eye(3)[j]
    assert np.abs((weights * pg.preference_weights(h, beta=beta)) @ scores).max() < 1e-15


def test_of_a_preference_without_exception_dpo_has_never_enough():
    """h + (e^(beta h) - 1) / beta = 2 beta t, in continuous time and two answers; IPO stops at 1 / (2 beta)."""
    language, log_reference = pg.Language("ab", 1), np.log([0.5, 0.5])
    preferred, rejected = answers([0], language, log_reference), answers([1], language, log_reference)
    beta, rate, updates = 0.5, 0.01, 20_000
    common = {"policy": pg.Policy.softmax(pg.Table(2, 2)), "preferred": preferred, "rejected": rejected, "beta": beta,
              "optimizer": pg.SGD(rate), "rng": np.random.default_rng(0)}  # fmt: skip
    *_, progress = pg.direct_preference(**common, updates=updates)
    h = progress.theta[0, 0] - progress.theta[0, 1]
    assert h + (np.exp(beta * h) - 1) / beta == pytest.approx(2 * beta * rate * updates, rel=2e-3)
    *_, progress = pg.direct_preference(**common, kind="ipo", updates=3000)
    assert progress.theta[0, 0] - progress.theta[0, 1] == pytest.approx(1 / (2 * beta), rel=1e-9)


def test_runs_draw_pairs_of_their_own():
    progress = train(population(REWARDS, LOG_REFERENCE), 400, rate=1.0, runs=20, pairs=64)
    assert progress.gradients.shape == (20, 64, 6) and progress.details["margin"].shape == (20,)
    best, _ = pg.tilt(LOG_REFERENCE, REWARDS, 1.0)
    distances = pg.kl_divergence(pg.log_softmax(progress.theta[:, :3]), np.tile(best, (20, 1)))
    assert len(np.unique(distances)) == 20 and np.median(distances) < 0.02


def test_the_gradient_is_that_of_the_loss_of_whole_sentences():
    language = pg.Language(("a", "b", "."), 3, stop=2)
    rng = np.random.default_rng(0)
    log_reference = language.log_probs(pg.log_softmax(rng.normal(size=(language.n_states, 3))))
    preferred, rejected = rng.integers(15, size=(2, 6))
    policy, theta = pg.Policy.softmax(pg.Table(language.n_states, 3)), rng.normal(size=(1, 3 * language.n_states))
    training = pg.direct_preference(
        policy, preferred=answers(preferred, language, log_reference), rejected=answers(rejected, language, log_reference),
        beta=0.6, optimizer=pg.SGD(0.0), rng=rng, theta=theta,
    )  # fmt: skip
    gradient = next(training).gradients.mean(axis=-2)[0]

    def loss(theta):
        ratio = language.log_probs(pg.log_softmax(theta.reshape(-1, 3))) - log_reference
        return np.log1p(np.exp(-0.6 * (ratio[preferred] - ratio[rejected]))).mean()

    h = 1e-6
    slopes = [(loss(theta[0] + h * e) - loss(theta[0] - h * e)) / (2 * h) for e in np.eye(theta.size)]
    np.testing.assert_allclose(gradient, np.negative(slopes), atol=1e-8)


def test_what_does_not_fit_is_named():
    common = {"policy": POLICY, "optimizer": pg.SGD(1.0), "rng": np.random.default_rng(0)}
    one, two = answers([0]), answers([0, 1])
    for settings, sentence in (
        ({"preferred": two, "rejected": one}, "rejected must be as many answers as preferred has, 2; got '?1"),
        ({"preferred": one, "rejected": one, "beta": 0.0}, "beta must be a number above 0; got 0.0"),
        ({"preferred": one, "rejected": one, "kind": "kto"}, "kind must be 'dpo' or 'ipo'; got 'kto'"),
        ({"preferred": one, "rejected": one._replace(log_probs=one.log_probs - np.inf)},
         "rejected must be answers that the reference policy can give, with finite log_probs"),
        ({"preferred": one._replace(log_probs=one.log_probs * np.nan), "rejected": one}, "preferred must be answers that the"),
        ({"preferred": answers(np.zeros(0, int)), "rejected": one}, r"preferred must be one answer or more; got shape .1, 0."),
        ({"preferred": [0], "rejected": one}, r"preferred must be a Rollout \[T, P\] of whole episodes; got \[0\]"),
    ):
        with pytest.raises(ValueError, match=sentence):
            pg.direct_preference(**common, **settings)

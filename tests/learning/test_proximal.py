"""PPO against a program of loops over epochs, minibatches and samples; its gradient against central differences."""

import gymnasium
import numpy as np
import pytest
from test_actor_critics import CRITIC_RATES, GAMMA, POLICY, RATES, THETA, B, R, environment, has_both_ends, learned
from test_actor_critics import one_run, pi_of
from test_returns import column_by_column, faded_in_full

import pgedu as pg

STEPS = 12
SETTINGS = [
    {}, dict(normalize=False), dict(max_gradient_norm=0.02), dict(clip=0.01), dict(clip=np.inf), dict(epochs=1),
    dict(minibatches=1), dict(minibatches=7), dict(entropy=0.2), dict(lam=0.3), dict(clip_values=0.05),
    dict(clip_values=0.0), dict(target_kl=0.002), dict(recompute=True), dict(anneal=True),
    dict(recompute=True, clip_values=0.02, target_kl=0.01, anneal=True, entropy=0.05, clip=0.1, minibatches=3),
]  # fmt: skip


def train(make=pg.ppo, **settings):
    defaults = dict(critic=learned(), runs=R, environments=B, gamma=GAMMA, theta=THETA, steps=STEPS, updates=3,
                    rng=np.random.default_rng(0))  # fmt: skip
    defaults |= {} if make is pg.trpo else {"optimizer": pg.SGD(RATES)}
    return make(settings.pop("world", None) or environment(), settings.pop("policy", POLICY), **defaults | settings)


def actor_step(theta, rollout, samples, advantages, clip, entropy):
    """The mean over samples of what each adds to the gradient [6], the mean KL, and the share beyond the clip."""
    gradient, kl, beyond = np.zeros((3, 2)), 0.0, 0
    for at, A in zip(samples, advantages):
        seen, action = rollout.observations[at], rollout.actions[at]
        pi = pi_of(theta, seen)
        r, score = pi[action] / np.exp(rollout.log_probs[at]), np.eye(2)[action] - pi
        psi = 0 if (A > 0 and r > 1 + clip) or (A < 0 and r < 1 - clip) else r * A
        gradient[seen] += psi * score - entropy * pi * (np.log(pi) - (pi * np.log(pi)).sum())
        kl, beyond = kl + r - 1 - np.log(r), beyond + (abs(r - 1) > clip)
    n = max(len(samples), 1)
    return gradient.ravel() / n, kl / n, beyond / n


def critic_step(w, rollout, samples, targets, near, clip_values):
    total = np.zeros(3)
    for at in samples:
        seen = rollout.observations[at]
        moved = np.clip(w[seen], near[at] - clip_values, near[at] + clip_values)
        if (targets[at] - moved) ** 2 <= (targets[at] - w[seen]) ** 2:
            total[seen] += targets[at] - w[seen]
    return total / max(len(samples), 1)


def ppo_in_loops(theta, w, rollout, orders, rates, *, clip=0.2, minibatches=4, normalize=True, lam=0.95, entropy=0.0,
                 max_gradient_norm=0.5, clip_values=np.inf, target_kl=np.inf, recompute=False):  # fmt: skip
    """One update of one run [T, B], with one order of all samples for each epoch: theta, w and the report."""
    every, resting = list(np.ndindex(rollout.mask.shape)), False
    for epoch, order in enumerate(orders):
        reports = []  # of the last epoch
        if epoch == 0 or recompute:
            v = w[rollout.observations]
            psi = column_by_column(faded_in_full, rollout.rewards, rollout.discounts, v, rollout.mask, lam)
        for part in np.array_split(order, minibatches):
            samples = [every[n] for n in part if rollout.mask[every[n]]]
            A = np.array([psi[at] for at in samples])
            A = (A - A.mean()) / (A.std() + 1e-8) if normalize and len(A) else A
            gradient, kl, beyond = actor_step(theta, rollout, samples, A, clip, entropy)
            length = np.linalg.norm(gradient)
            if not resting:
                theta = theta + rates[0] * gradient * (max_gradient_norm / length if length > max_gradient_norm else 1)
            w = w + rates[1] * critic_step(w, rollout, samples, psi + v[:-1], v, clip_values)
            resting |= kl > target_kl
            reports.append((kl, beyond))
    return theta, w, np.mean(reports, axis=0), resting


def play(settings, updates=3):
    """Theta and w after each update of a program of loops that has the same generator."""
    rng = np.random.default_rng(0)
    stream, theta, w = pg.Stream(environment(), rng), THETA, np.zeros((R, 3))
    for update in range(updates):
        rollout = pg.collect(stream, POLICY, theta, rng=rng, steps=STEPS, gamma=GAMMA)
        own = dict(settings)
        left = 1 - update / updates if own.pop("anneal", False) else 1
        orders = [rng.permutation(STEPS * B) for _ in range(own.pop("epochs", 4))]
        rates = left * np.stack([RATES, CRITIC_RATES], axis=-1)
        found = [ppo_in_loops(theta[run], w[run], one_run(rollout, run), orders, rates[run], **own) for run in range(R)]
        theta, w, reports, resting = (np.array(each) for each in zip(*found))
        yield rollout, theta, w, reports, resting


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_ppo_is_the_program_of_loops_with_every_switch(settings):
    training, thetas, critics, rested = train(**settings), [], [], []
    for rollout, theta, w, reports, resting in play(settings):
        progress = next(training)
        assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(progress.rollout, rollout)) and has_both_ends(rollout)
        np.testing.assert_allclose(progress.theta, theta, rtol=1e-8)
        np.testing.assert_allclose(training.critic.w, w, rtol=1e-8)
        np.testing.assert_allclose(progress.details["kl"], reports[:, 0], rtol=1e-6, atol=1e-14)
        np.testing.assert_allclose(progress.details["clipped"], reports[:, 1], atol=1e-12)
        assert np.array_equal(progress.details["resting"], resting) and not progress.diverged.any()
        thetas.append(theta), critics.append(w), rested.append(resting)
    if settings:
        plain = list(play({}))
        assert any(not np.allclose(a, b[1], rtol=1e-4) for a, b in zip(thetas, plain)) or any(
            not np.allclose(a, b[2], rtol=1e-4) for a, b in zip(critics, plain))  # fmt: skip
    if settings == dict(target_kl=0.002):
        assert [True, False] in np.array(rested).tolist()  # one rests while the other goes on


def test_a_rest_concerns_the_run_that_went_too_far_alone():
    """The other's numbers are, bit by bit, those that it has when nobody ever rests; the critics learn on."""
    free, held = (train(target_kl=kl, optimizer=pg.SGD(np.array([3.0, 0.01]))) for kl in (np.inf, 0.01))
    a, b = next(free), next(held)
    assert b.details["resting"].tolist() == [True, False] and not a.details["resting"].any()
    assert np.array_equal(a.theta[1], b.theta[1]) and not np.array_equal(a.theta[0], b.theta[0])
    assert np.array_equal(free.critic.w, held.critic.w)
    assert not np.array_equal(next(held).theta[0], b.theta[0])  # until the next update


@pytest.mark.parametrize(
    "settings", [{}, dict(normalize=True), dict(max_gradient_norm=0.02), dict(entropy=0.3)], ids=str
)
@pytest.mark.parametrize("clip", [0.2, np.inf])
def test_one_epoch_of_one_minibatch_is_a2c(settings, clip):
    """At the old policy every ratio is 1: nothing to clip."""
    plain = dict(normalize=False, max_gradient_norm=np.inf, entropy=0.0, lam=0.95) | settings
    one, other = train(epochs=1, minibatches=1, clip=clip, **plain), train(pg.a2c, **plain)
    a, b = next(one), next(other)
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-10)
    np.testing.assert_allclose(one.critic.w, other.critic.w, rtol=1e-10)
    assert not np.array_equal(a.theta, THETA)
    np.testing.assert_allclose(a.details["kl"], 0, atol=1e-14)
    assert not a.details["clipped"].any()
    mean = b.gradients.sum(axis=1) / b.rollout.mask.sum(axis=(0, -1))[:, None]  # before it is shortened
    np.testing.assert_allclose(a.gradients, mean[:, None], rtol=1e-9, atol=1e-15)


POLICIES = [pg.Policy.softmax(each) for each in (pg.Table(3, 3), pg.Linear(2, 3), pg.MLP(2, (4,), 3))]
POLICIES.append(pg.Policy(pg.MLP(2, (4,), 2), pg.Gaussian(1)))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("clip", [0.05, 0.3, np.inf])
def test_clipped_weights_give_the_derivative_of_the_mean_clipped_surrogate(policy, clip):
    """With respect to theta, by central differences, where many ratios are beyond the clip on either side."""
    rng = np.random.default_rng(0)
    old, tabular = rng.normal(size=(R, policy.size)) / 2, isinstance(policy.approximator, pg.Table)
    observations = rng.integers(3, size=(9, R, 4)) if tabular else rng.normal(size=(9, R, 4, 2))
    actions, advantages = policy.sample(old, observations, rng), rng.normal(size=(9, R, 4))
    theta, log_probs = old + rng.normal(size=old.shape) / 5, policy.log_prob(old, observations, actions)

    def objective(theta):
        ratio = np.exp(policy.log_prob(theta, observations, actions) - log_probs)
        return pg.clipped_surrogate(ratio, advantages, clip).mean(axis=(0, -1))

    slope = np.stack(
        [(objective(theta + s) - objective(theta - s)) / 2e-6 for s in 1e-6 * np.eye(policy.size)], axis=-1
    )
    log_prob, score = policy.trace(theta, observations, actions)
    ratio = np.exp(log_prob - log_probs)
    found = score(pg.clipped_weights(ratio, advantages, clip)).mean(axis=-2) / 9
    np.testing.assert_allclose(found, slope, atol=1e-7)
    if clip < 1:
        assert (ratio > 1 + clip).any() and (ratio < 1 - clip).any()
        for wrong in (ratio * advantages, np.where(abs(ratio - 1) > clip, 0, ratio * advantages)):
            assert not np.allclose(score(wrong).mean(axis=-2) / 9, slope, atol=1e-3)


@pytest.mark.parametrize("make", [pg.actor_critic, pg.a2c, pg.natural_gradient, pg.trpo, pg.ppo])
def test_masked_samples_have_no_say(make):
    """Other actions, rewards and probabilities there; other observations, where nothing is bootstrapped from them."""

    def learn_from(rollout):
        def given():
            return rollout
            yield

        training = train(make)
        vars(training)["collect"] = given
        return next(training), training.critic.w

    rng = np.random.default_rng(0)
    rollout = pg.collect(pg.Stream(environment(), rng), POLICY, THETA, rng=rng, steps=STEPS, gamma=GAMMA)
    free = rollout.mask == 0
    unseen = np.concatenate(
        [np.zeros_like(free[:1]), free[1:] & (rollout.discounts[:-1] == 0), np.zeros_like(free[:1])]
    )
    changed = rollout._replace(
        actions=np.where(free, 1 - rollout.actions, rollout.actions), rewards=np.where(free, 1e3, rollout.rewards),
        log_probs=np.where(free, -1e4, rollout.log_probs), observations=np.where(unseen, 0, rollout.observations),
    )  # fmt: skip
    assert has_both_ends(rollout) and not np.array_equal(changed.observations, rollout.observations)
    (a, v), (b, w) = learn_from(rollout), learn_from(changed)
    assert np.array_equal(a.theta, b.theta) and np.array_equal(v, w) and not np.array_equal(a.theta, THETA)
    for name, value in a.details.items():
        assert np.array_equal(value, b.details[name])
    seen = rollout._replace(rewards=rollout.rewards + rollout.mask)
    assert not np.array_equal(a.theta, learn_from(seen)[0].theta)


# --- rates that fall, and other settings that change ---


def test_the_rates_fall_within_updates_and_are_back_after_each():
    """With advantages of 1 and one step an update, theta moves by rate * (1 - k / updates) times the mean score."""
    ones = lambda rollout, *, values: rollout.mask  # noqa: E731
    training = train(
        anneal=True, updates=5, epochs=1, minibatches=1, normalize=False, max_gradient_norm=np.inf, estimator=ones
    )
    rates, critic_rates = training.learning_rate, training.critic.optimizer.learning_rate
    for update in range(5):
        theta, progress = training.theta, next(training)
        rollout = progress.rollout
        score = POLICY.score(theta, rollout.observations[:-1], rollout.actions, rollout.mask).sum(axis=-2)
        wanted = RATES[:, None] * (1 - update / 5) * score / rollout.mask.sum(axis=(0, -1))[:, None]
        np.testing.assert_allclose(progress.theta - theta, wanted, rtol=1e-9, atol=1e-14)
        assert training.learning_rate is rates and training.critic.optimizer.learning_rate is critic_rates
    assert list(training) == []


def test_an_update_that_fails_leaves_the_rates_as_they_were():
    def broken(rollout, *, values):
        raise RuntimeError("broken")

    training = train(anneal=True)
    next(training)
    rates = training.learning_rate
    training.estimator = broken
    with pytest.raises(RuntimeError, match="broken"):
        next(training)
    assert training.learning_rate is rates
    np.testing.assert_array_equal(training.critic.optimizer.learning_rate, CRITIC_RATES)
    training.estimator = None
    assert next(training).update == 2


CHANGES = dict(clip=0.01, epochs=2, minibatches=2, clip_values=0.01, lam=0.0, target_kl=1e-4, recompute=True,
               anneal=True, normalize=False, max_gradient_norm=0.01, entropy=0.5, learning_rate=0.0)  # fmt: skip


@pytest.mark.parametrize("name, value", CHANGES.items())
def test_a_setting_changed_acts_on_the_next_update(name, value):
    """As if it had been so from the start: with the same theta, critic and chance."""
    changed, as_before = train(), train()
    next(changed), next(as_before)
    setattr(changed, name, value)
    a, b = next(changed), next(as_before)
    assert all(np.array_equal(x, y) for x, y in zip(a.rollout, b.rollout))
    other = {name: value}
    left = 1 - 1 / 3 if other.pop("anneal", False) else 1.0
    rates = left * np.stack([other.pop("learning_rate", 1.0) * RATES, CRITIC_RATES], axis=-1)
    rng, twin = np.random.default_rng(0), train()
    stream = pg.Stream(environment(), rng)
    first = next(twin)
    pg.collect(stream, POLICY, THETA, rng=rng, steps=STEPS, gamma=GAMMA)
    [rng.permutation(STEPS * B) for _ in range(4)]
    pg.collect(stream, POLICY, first.theta, rng=rng, steps=STEPS, gamma=GAMMA)
    orders = [rng.permutation(STEPS * B) for _ in range(other.pop("epochs", 4))]
    for run in range(R):
        own = first.theta[run], twin.critic.w[run], one_run(a.rollout, run)
        theta, w, *_ = ppo_in_loops(*own, orders, rates[run], **other)
        np.testing.assert_allclose(a.theta[run], theta, rtol=1e-8)
        np.testing.assert_allclose(changed.critic.w[run], w, rtol=1e-8)
    assert not np.array_equal(a.theta, b.theta) or not np.array_equal(changed.critic.w, as_before.critic.w)


# --- extremes ---


def cartpole(**settings):
    defaults = dict(
        critic=learned(pg.MLP(4, (8,), 1), 1e-2), optimizer=pg.Adam(1e-2), theta=None, steps=16, updates=None
    )
    world = gymnasium.make_vec("CartPole-v1", R * B)
    return train(world=world, policy=pg.Policy.softmax(pg.MLP(4, (8,), 2)), **defaults | settings)


@pytest.mark.parametrize(
    "settings",
    [
        dict(clip=0), dict(clip=np.inf), dict(clip=np.inf, epochs=20), dict(clip=0, epochs=20, clip_values=0),
        dict(minibatches=10**6), dict(max_gradient_norm=0), dict(target_kl=0), dict(clip_values=0, recompute=True),
        dict(epochs=20, minibatches=1, optimizer=pg.SGD(1e3)), dict(epochs=20, optimizer=pg.Adam(1e3)),
        dict(optimizer=pg.Adam(1e3), clip=np.inf, max_gradient_norm=np.inf, epochs=20), dict(entropy=1e308),
        dict(critic=learned(pg.MLP(4, (8,), 1), 1e3), epochs=20),
        dict(critic=learned(pg.Linear(4, 1), 1e150), normalize=False),
        dict(optimizer=pg.SGD(1e3), entropy=1e3, max_gradient_norm=np.inf),
        dict(optimizer=pg.SGD(1e300), clip=np.inf, max_gradient_norm=np.inf, normalize=False, epochs=20),
    ],
    ids=lambda settings: "-".join(settings),
)  # fmt: skip
def test_extremes_stop_nothing_and_leave_theta_finite(settings):
    """No exception and, as warnings are errors here, no warning; a run that is lost is named and stands still."""
    training, lost = cartpole(**settings), np.zeros(R, dtype=bool)
    for update in range(1, 5):
        theta, progress = training.theta, next(training)
        assert np.isfinite(progress.theta).all() and progress.update == update
        assert np.array_equal(progress.theta[lost], theta[lost]) and (progress.diverged >= lost).all()
        lost = progress.diverged
    assert lost[~np.isfinite(training.critic.w).all(axis=-1)].all()
    quiet = {"clip", "max_gradient_norm", "target_kl", "minibatches"}
    if set(settings) <= quiet:
        assert not lost.any()
    if "max_gradient_norm" in settings and settings["max_gradient_norm"] == 0:
        assert np.array_equal(progress.theta, cartpole().theta)


def test_more_steps_of_the_critic_are_taken_on_each_minibatch():
    """Twice as many steps of SGD on one whole batch are two epochs of it, for a critic whose policy stands still."""
    still = dict(optimizer=pg.SGD(0.0), minibatches=1, critic=learned(pg.Linear(4, 1), 0.01))
    twice, epochs, once = (cartpole(**still, **more) for more in (dict(critic_steps=2, epochs=1), dict(epochs=2), dict(epochs=1)))
    for training in (twice, epochs, once):
        next(training)
    assert np.allclose(twice.critic.w, epochs.critic.w, rtol=1e-12) and not np.allclose(twice.critic.w, once.critic.w)


def test_a_run_with_a_wild_learning_rate_is_lost_alone():
    training = train(optimizer=pg.Adam(np.array([0.05, 1e308])), clip=np.inf, max_gradient_norm=np.inf, updates=None)
    thetas = [next(training) for _ in range(5)]
    assert thetas[-1].diverged.tolist() == [False, True]
    assert all(np.isfinite(progress.theta).all() for progress in thetas)
    assert not np.array_equal(thetas[-1].theta[0], thetas[0].theta[0])
    assert np.isfinite(training.critic.w[0]).all()


# --- mistakes ---


@pytest.mark.parametrize("name", ["epochs", "minibatches"])
@pytest.mark.parametrize("value", [0, -1, 2.5, 2.0, np.inf, np.nan, None, "4"])
def test_counts_out_of_range_are_named_at_once_and_later(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a whole number of 1 or more; got {value!r}"):
        train(**{name: value})
    training = train(**{name: np.int64(3)})
    with pytest.raises(ValueError, match=f"^{name} must be a whole number of 1 or more; got {value!r}"):
        setattr(training, name, value)
    assert getattr(training, name) == 3 and next(training).update == 1


@pytest.mark.parametrize("name", ["clip", "clip_values", "target_kl", "max_gradient_norm", "entropy"])
@pytest.mark.parametrize("value", [-0.1, np.nan, None, "0.2"])
def test_numbers_out_of_range_are_named_at_once_and_later(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number of 0 or more; got {value!r}"):
        train(**{name: value})
    training = train(**{name: 0.5})
    with pytest.raises(ValueError, match=f"^{name} must be a number of 0 or more; got {value!r}"):
        setattr(training, name, value)
    assert getattr(training, name) == 0.5 and next(training).update == 1


def test_rates_can_only_fall_towards_an_end():
    said = "^updates must be given for anneal=True, since the learning rate falls to 0; got None"
    with pytest.raises(ValueError, match=said):
        train(anneal=True, updates=None)
    training = train(updates=None)
    with pytest.raises(ValueError, match=said):
        training.anneal = True
    training.anneal = False
    assert next(training).update == 1


def test_the_optimizer_of_a_run_that_rests_rests_too():
    """With target_kl = 0 every run takes two steps of five: then Adam is where it is after two epochs, and goes on alike."""
    settings = dict(minibatches=1, optimizer=pg.Adam(0.05), critic=learned(rate=0.0))
    rested, short = train(epochs=5, target_kl=0.0, **settings), train(epochs=2, **settings)
    a, b = next(rested), next(short)
    assert a.details["resting"].all() and not b.details["resting"].any()
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-9)
    short.rng.bit_generator.state = rested.rng.bit_generator.state  # five orders were drawn, or two
    a, b = next(rested), next(short)
    assert all(np.array_equal(x, y) for x, y in zip(a.rollout[:3], b.rollout[:3]))
    np.testing.assert_allclose(a.theta, b.theta, rtol=1e-7)


@pytest.mark.parametrize("settings", [{}, dict(target_kl=0.001, clip_values=0.1, critic_steps=2)], ids=str)
def test_policy_and_critic_learn_the_same_at_the_same_time(monkeypatch, settings):
    """Bit by bit, whether large enough for two threads or not."""
    monkeypatch.setattr("pgedu.learning.concurrency.os.cpu_count", lambda: 2)
    alone, together = train(**settings), train(**settings)
    for _ in range(3):
        monkeypatch.setattr("pgedu.learning.proximal.LARGE", np.inf)
        a = next(alone)
        monkeypatch.setattr("pgedu.learning.proximal.LARGE", 0)
        b = next(together)
        assert np.array_equal(a.theta, b.theta) and np.array_equal(alone.critic.w, together.critic.w)
        assert np.array_equal(a.gradients, b.gradients) and all(np.array_equal(a.details[n], b.details[n]) for n in a.details)

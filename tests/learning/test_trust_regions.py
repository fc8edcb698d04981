"""Fisher matrices against enumerated scores and the curvature of the KL; steps against linear algebra by hand."""

from dataclasses import dataclass

import gymnasium
import numpy as np
import pytest
from test_actor_critics import CRITIC, GAMMA, POLICY, THETA, B, R, environment, learned, one_run, update_in_loops

import pgedu as pg
from pgedu.learning.trust_regions import SMALL, conjugate_gradient, fisher_vector_product

SOFTMAX = [pg.Policy.softmax(each) for each in (pg.Table(3, 3), pg.Linear(2, 3), pg.MLP(2, (4,), 3))]
NORMAL = [pg.Policy(pg.Table(3, 2), pg.Gaussian(1)), pg.Policy(pg.MLP(2, (3,), 4), pg.Gaussian(2))]
EVERY = pytest.mark.parametrize("policy", SOFTMAX + NORMAL, ids=str)
RUNS = pytest.mark.parametrize("runs", [(), (2,)])


def case(policy, runs=(2,), seed=0, steps=5, episodes=2):
    """theta, observations [T, *R, B, ...] and weights [T, *R, B], some of them 0."""
    rng = np.random.default_rng(seed)
    shape = (steps, *runs, episodes)
    tabular = isinstance(policy.approximator, pg.Table)
    observations = rng.integers(3, size=shape) if tabular else rng.normal(size=(*shape, 2))
    weights = rng.random(shape) * (rng.random(shape) > 0.2)
    return rng.normal(size=(*runs, policy.size)) / 2, observations, weights


def actions_and_chances(policy, theta, observation):
    """Every action with its probability, or, for normal ones, nodes of an exact quadrature with their weights."""
    head, outputs = policy.head, policy.outputs(theta, observation[None])[0]
    if isinstance(head, pg.Categorical):
        return [(np.array([a]), np.exp(h) / np.exp(outputs).sum()) for a, h in enumerate(outputs)]
    nodes, weights = np.polynomial.hermite_e.hermegauss(5)
    mean, std = np.split(outputs, 2)[0], np.exp(np.split(outputs, 2)[1])
    grid = np.ndindex(*[5] * head.dimensions)
    return [((mean + std * nodes[list(at)])[None], np.prod(weights[list(at)] / np.sqrt(2 * np.pi))) for at in grid]


def enumerated_fisher(policy, theta, observations, weights):
    """sum_o w_o E_a[score score^T] / sum_o w_o for one run: theta [D], observations [T, B, ...], weights [T, B]."""
    total = np.zeros((policy.size, policy.size))
    for t, b in np.ndindex(weights.shape):
        for action, chance in actions_and_chances(policy, theta, observations[t, b]):
            score = policy.score(theta, observations[t, b][None, None], action[None], np.ones((1, 1)))[0]
            total += weights[t, b] * chance * np.outer(score, score)
    return total / weights.sum()


def each_run(function, policy, theta, observations, weights):
    if theta.ndim == 1:
        return function(policy, theta, observations, weights)
    return np.array([function(policy, theta[r], observations[:, r], weights[:, r]) for r in range(len(theta))])


@EVERY
@RUNS
def test_the_fisher_matrix_is_the_mean_square_of_the_score(policy, runs):
    theta, observations, weights = case(policy, runs)
    found = pg.fisher_matrix(policy, theta, observations, weights)
    assert found.shape == (*runs, policy.size, policy.size)
    np.testing.assert_allclose(found, each_run(enumerated_fisher, policy, theta, observations, weights), atol=1e-12)
    np.testing.assert_allclose(pg.fisher_matrix(policy, theta, observations, 7 * weights), found, rtol=1e-12)
    unweighted = pg.fisher_matrix(policy, theta, observations, np.ones_like(weights))
    assert not np.allclose(found, unweighted, atol=1e-3)
    if runs:
        assert not np.allclose(found[0], found[1], atol=1e-2)


@EVERY
def test_the_fisher_matrix_is_the_curvature_of_the_mean_kl(policy):
    theta, observations, weights = case(policy)
    h, D = 1e-3, policy.size

    def kl(step):
        return pg.mean_kl(policy, theta, theta + step, observations, weights)

    shifts = h * np.eye(D)
    slopes = np.array([(kl(e) - kl(-e)) / (2 * h) for e in shifts])
    curvature = np.array(
        [[(kl(a + b) - kl(a - b) - kl(b - a) + kl(-a - b)) / (4 * h * h) for a in shifts] for b in shifts]
    )
    found = pg.fisher_matrix(policy, theta, observations, weights)
    assert np.abs(slopes).max() < 1e-5  # it is least where it is 0
    np.testing.assert_allclose(found, np.moveaxis(curvature, -1, 0), atol=2e-5)
    assert not np.allclose(2 * found, np.moveaxis(curvature, -1, 0), atol=1e-2)


@EVERY
def test_mean_kl_by_loops(policy):
    """Weighted, over the first policy's actions, each run by itself."""
    theta, observations, weights = case(policy)
    other = theta + np.random.default_rng(3).normal(size=theta.shape) / 3

    def one(policy, theta, observations, weights, other):
        total = 0.0
        for t, b in np.ndindex(weights.shape):
            for action, chance in actions_and_chances(policy, theta, observations[t, b]):
                logs = [
                    policy.log_prob(each, observations[t, b][None, None], action[None])[0, 0] for each in (theta, other)
                ]
                total += weights[t, b] * chance * (logs[0] - logs[1])
        return total / weights.sum()

    expected = [one(policy, theta[r], observations[:, r], weights[:, r], other[r]) for r in range(2)]
    found = pg.mean_kl(policy, theta, other, observations, weights)
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert not np.allclose(pg.mean_kl(policy, other, theta, observations, weights), expected, rtol=1e-2)


@EVERY
@RUNS
def test_a_product_with_the_fisher_matrix_needs_no_matrix(policy, runs):
    theta, observations, weights = case(policy, runs)
    vector = np.random.default_rng(1).normal(size=theta.shape)
    matrix = each_run(enumerated_fisher, policy, theta, observations, weights)
    expected = (matrix @ vector[..., None])[..., 0]
    for length in (1.0, 1e6, 1e-6):
        found = fisher_vector_product(policy, theta, observations, weights, length * vector)
        np.testing.assert_allclose(found, length * expected, rtol=1e-6, atol=length * 1e-8)
    assert not np.allclose(
        fisher_vector_product(policy, theta, observations, weights, vector[..., ::-1]), expected, atol=1e-2
    )
    assert not fisher_vector_product(policy, theta, observations, weights, 0 * vector).any()


@EVERY
def test_steps_of_no_weight_have_no_say_and_runs_of_no_steps_no_distance(policy):
    theta, observations, weights = case(policy)
    other, vector = theta[::-1], theta + 1
    free = (weights == 0).reshape(*weights.shape, *[1] * (observations.ndim - 3))
    changed = np.where(free, (observations + 1) % 3, observations)
    assert not np.array_equal(changed, observations)
    nothing = weights.copy()
    nothing[:, 1] = 0
    functions = [
        lambda *steps: pg.fisher_matrix(policy, theta, *steps),
        lambda *steps: pg.mean_kl(policy, theta, other, *steps),
        lambda *steps: fisher_vector_product(policy, theta, *steps, vector),
    ]
    for function in functions:
        np.testing.assert_allclose(function(changed, weights), function(observations, weights), rtol=1e-9, atol=1e-15)
        found = function(observations, nothing)
        assert not found[1].any() and np.array_equal(found[0], function(observations, weights)[0])


@pytest.mark.parametrize("shape", [(5, 2), (5, 1, 2), (2,), (1,), ()])
def test_weights_that_would_broadcast_are_refused(shape):
    policy, weights = SOFTMAX[1], np.ones(shape)
    theta, observations, _ = case(policy)
    said = r"^weights must be \[T, \*R, B\] = \(5, 2, 2\); got shape"
    with pytest.raises(ValueError, match=said):
        pg.mean_kl(policy, theta, theta, observations, weights)
    with pytest.raises(ValueError, match=said):
        pg.fisher_matrix(policy, theta, observations, weights)
    with pytest.raises(ValueError, match=said):
        fisher_vector_product(policy, theta, observations, weights, theta)


def test_a_known_fisher_matrix_and_a_known_natural_gradient():
    """Two arms, q = (1, 4), P(arm 1) = p: F = p (1 - p) [[1, -1], [-1, 1]], grad J = p (1 - p) 3 (-1, 1). The natural
    gradient, the shortest solution of F x = grad J, is 3/2 (-1, 1) for every p, where the plain one dies out."""
    world, policy = pg.bandit([1.0, 4.0]), pg.Policy.softmax(pg.Table(1, 2))
    for p in (0.5, 0.9, 0.001):
        theta, seen, once = np.log([1 - p, p]), np.zeros((1, 1), dtype=int), np.ones((1, 1))
        gradient = pg.exact_gradient(world, policy, theta)
        np.testing.assert_allclose(gradient, p * (1 - p) * 3 * np.array([-1, 1]), rtol=1e-9)
        found = pg.fisher_matrix(policy, theta, seen, once)
        np.testing.assert_allclose(found, p * (1 - p) * np.array([[1, -1], [-1, 1]]), atol=1e-15)
        natural = pg.natural_direction(policy, theta, gradient, seen, once, damping=0.0)
        np.testing.assert_allclose(natural, [-1.5, 1.5], rtol=1e-6)


# --- conjugate gradient ---


def systems(runs=(3,), size=6, seed=0):
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(*runs, size, size))
    return root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(size), rng.normal(size=(*runs, size))


def product_with(matrix):
    return lambda vector: (matrix @ vector[..., None])[..., 0]


@pytest.mark.parametrize("runs", [(), (3,), (2, 2)])
def test_conjugate_gradient_solves_in_as_many_steps_as_there_are_unknowns(runs):
    matrix, target = systems(runs)
    exact, before = np.linalg.solve(matrix, target[..., None])[..., 0], target.copy()
    found = conjugate_gradient(product_with(matrix), target, iterations=6, tolerance=0.0)
    np.testing.assert_allclose(found, exact, rtol=1e-6, atol=1e-8)
    assert np.array_equal(target, before)

    def error(iterations):  # in the norm of the matrix, in which every step gets nearer
        left = exact - conjugate_gradient(product_with(matrix), target, iterations, 0.0)
        return (left * product_with(matrix)(left)).sum(axis=-1)

    errors = np.array([error(k) for k in range(6)])
    assert (np.diff(errors, axis=0) < 0).all() and (errors[-1] > 1e-8).any()
    assert not conjugate_gradient(product_with(matrix), target, iterations=0).any()


def test_runs_that_are_done_wait_for_the_others():
    """No target at all, one step enough, two steps enough, all needed, and one that is not a number."""
    matrix, target = systems((5,))
    matrix[0], target[0] = np.eye(6), 0
    matrix[1] = 3 * np.eye(6)
    matrix[2] = np.diag([2.0, 2.0, 2.0, 5.0, 5.0, 5.0])
    target[4] = np.nan
    found = conjugate_gradient(product_with(matrix), target, iterations=20)
    np.testing.assert_allclose(found[:4], np.linalg.solve(matrix, target[..., None])[:4, :, 0], rtol=1e-5, atol=1e-6)
    assert not found[0].any() and np.isnan(found[4]).all()
    for run in range(4):
        alone = conjugate_gradient(product_with(matrix[run]), target[run], iterations=20)
        np.testing.assert_allclose(found[run], alone, rtol=1e-9, atol=1e-12)


def test_it_stops_when_all_are_near_enough_and_gives_up_where_there_is_no_curvature():
    matrix, target = systems()
    calls = []

    def counted(vector):
        calls.append(1)
        return 2 * vector

    np.testing.assert_allclose(conjugate_gradient(counted, target, iterations=50), target / 2)
    assert len(calls) == 1
    exact = np.linalg.solve(matrix, target[..., None])[..., 0]
    near, nearer = (conjugate_gradient(product_with(matrix), target, 50, tolerance) for tolerance in (0.1, 1e-4))
    left = [((product_with(matrix)(x) - target) ** 2).sum(axis=-1) / (target**2).sum(axis=-1) for x in (near, nearer)]
    assert (left[0] <= 0.1).all() and (left[1] <= 1e-4).all() and (left[0] > 1e-4).any()
    assert not np.allclose(near, exact, rtol=1e-2)
    flat = np.stack([np.diag([1.0, 0, 0, 0, 0, 0]), np.zeros((6, 6)), matrix[2]])
    found = conjugate_gradient(product_with(flat), target, iterations=20)
    assert np.isfinite(found).all() and not found[1].any()
    np.testing.assert_allclose(found[2], np.linalg.solve(matrix[2], target[2]), rtol=1e-5)


# --- the natural direction ---

LARGE = pg.Policy.softmax(pg.MLP(2, (12,), 3))


@pytest.mark.parametrize("policy", [*SOFTMAX, *NORMAL, LARGE], ids=str)
@pytest.mark.parametrize("damping", [1e-3, 0.3])
def test_the_natural_direction_solves_the_damped_system(policy, damping):
    """Below 65 parameters with the matrix; beyond by conjugate gradient, as well as its iterations allow."""
    assert (LARGE.size > SMALL) and all(each.size <= SMALL for each in SOFTMAX + NORMAL)
    theta, observations, weights = case(policy, steps=8)
    gradient = np.random.default_rng(1).normal(size=theta.shape)
    matrix = each_run(enumerated_fisher, policy, theta, observations, weights) + damping * np.eye(policy.size)
    exact = np.linalg.solve(matrix, gradient[..., None])[..., 0]
    found = pg.natural_direction(policy, theta, gradient, observations, weights, damping, iterations=80)
    np.testing.assert_allclose(found, exact, rtol=1e-3, atol=1e-4 * np.abs(exact).max())
    assert not np.allclose(found * damping, gradient, rtol=1e-2)


def test_without_damping_it_is_the_shortest_of_all_solutions():
    policy = SOFTMAX[0]
    theta, observations, weights = case(policy)
    gradient = policy.score(theta, observations, np.zeros(weights.shape, dtype=int), weights).sum(axis=-2)
    found = pg.natural_direction(policy, theta, gradient, observations, weights, damping=0.0)
    matrix = pg.fisher_matrix(policy, theta, observations, weights)
    np.testing.assert_allclose((matrix @ found[..., None])[..., 0], gradient, atol=1e-9)
    assert np.allclose(found.reshape(2, 3, 3).sum(axis=-1), 0, atol=1e-9)  # nothing along what changes no probability
    limit = pg.natural_direction(policy, theta, gradient, observations, weights, damping=1e-9)
    np.testing.assert_allclose(found, limit, rtol=1e-4, atol=1e-6)


@dataclass(frozen=True)
class Seen:
    """An approximator in other coordinates: its parameters phi are those of `inner` times the inverse of `matrix`."""

    inner: object
    matrix: tuple

    @property
    def size(self):
        return self.inner.size

    @property
    def outputs(self):
        return self.inner.outputs

    def forward(self, phi, observations):
        return self.inner.forward(phi @ np.array(self.matrix).T, observations)

    def trace(self, phi, observations):
        outputs, backward = self.inner.trace(phi @ np.array(self.matrix).T, observations)
        return outputs, lambda gradient: backward(gradient) @ np.array(self.matrix)


@pytest.mark.parametrize("policy", [NORMAL[0], SOFTMAX[0], SOFTMAX[1]], ids=str)
def test_the_natural_direction_does_not_depend_on_the_coordinates(policy):
    """theta = A phi: both directions change every log-probability alike. Plain gradients do not."""
    rng = np.random.default_rng(5)
    theta, observations, weights = case(policy, (), steps=12)
    A = rng.normal(size=(policy.size, policy.size)) + 2 * np.eye(policy.size)
    other, phi = pg.Policy(Seen(policy.approximator, tuple(map(tuple, A))), policy.head), np.linalg.solve(A, theta)
    actions, psi = policy.sample(theta, observations, rng), rng.normal(size=weights.shape) * weights

    def change(policy, theta, natural, h=1e-6):
        """d log pi(a | o) along the direction, for the actions that were taken."""
        direction = policy.score(theta, observations, actions, psi).sum(axis=-2)
        if natural:
            direction = pg.natural_direction(policy, theta, direction, observations, weights, damping=0.0)
        ahead, behind = (policy.log_prob(theta + s * direction, observations, actions) for s in (h, -h))
        return (ahead - behind) / (2 * h) * (weights > 0)

    here, there = change(policy, theta, True), change(other, phi, True)
    np.testing.assert_allclose(here, there, rtol=1e-4, atol=1e-5)
    assert np.abs(here).max() > 0.1
    assert not np.allclose(change(policy, theta, False), change(other, phi, False), rtol=0.1)


def test_what_is_not_a_number_stays_in_its_run():
    for policy in (SOFTMAX[0], LARGE):
        theta, observations, weights = case(policy)
        gradient = np.random.default_rng(1).normal(size=theta.shape)
        whole = pg.natural_direction(policy, theta, gradient, observations, weights)
        gradient[1] = np.nan
        with np.errstate(invalid="ignore"):
            found = pg.natural_direction(policy, theta, gradient, observations, weights)
        np.testing.assert_allclose(found[0], whole[0], rtol=1e-9)
        assert np.isnan(found[1]).all()
    theta, observations, weights = case(SOFTMAX[0])
    theta[1] = np.inf  # no Fisher matrix either
    with np.errstate(invalid="ignore"):
        found = pg.natural_direction(SOFTMAX[0], theta, np.ones_like(theta), observations, weights)
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all()


# --- algorithms ---


def train(make=pg.trpo, **settings):
    own = {} if make is pg.trpo else {"optimizer": pg.SGD(np.array([0.3, 0.1]))}
    defaults = dict(
        critic=learned(), runs=R, environments=B, gamma=GAMMA, theta=THETA, steps=12, rng=np.random.default_rng(0)
    )
    return make(
        settings.pop("world", None) or environment(), settings.pop("policy", POLICY), **defaults | own | settings
    )


@pytest.mark.parametrize(
    "settings", [{}, dict(damping=0.2, entropy=0.1), dict(normalize=True, max_gradient_norm=0.01)], ids=str
)
def test_natural_gradient_by_hand(settings):
    """The step of a2c, from loops, times the inverse of the enumerated Fisher matrix of the steps that were real."""
    training, theta, w = train(pg.natural_gradient, critic_steps=1, **settings), THETA, np.zeros((R, 3))
    others = {"lam": 0.95, "entropy": 0.0} | {name: value for name, value in settings.items() if name != "damping"}
    for _ in range(2):
        progress = next(training)
        for run in range(R):
            own = one_run(progress.rollout, run)
            step, critic_step = update_in_loops(theta[run], w[run], own, **others)
            fisher = enumerated_fisher(POLICY, theta[run], own.observations[:-1], own.mask)
            inverse = np.linalg.inv(fisher + settings.get("damping", 1e-3) * np.eye(6))
            rate = [0.3, 0.1][run]
            np.testing.assert_allclose(progress.theta[run], theta[run] + rate * inverse @ step, rtol=1e-7)
            assert not np.allclose(progress.theta[run], theta[run] + rate * step, rtol=1e-4)
            np.testing.assert_allclose(training.critic.w[run], w[run] + [0.5, 0.1][run] * critic_step, rtol=1e-10)
        theta, w = progress.theta, training.critic.w


def kl_in_loops(theta, other, rollout):
    total = 0.0
    for at in np.argwhere(rollout.mask):
        p, q = (np.exp(each.reshape(3, 2)[rollout.observations[tuple(at)]]) for each in (theta, other))
        p, q = p / p.sum(), q / q.sum()
        total += (p * np.log(p / q)).sum()
    return total / rollout.mask.sum()


@pytest.mark.parametrize("max_kl", [1e-4, 0.01, 0.3])
def test_trpo_stays_in_its_region_climbs_its_surrogate_and_reports_what_it_did(max_kl):
    """Every step is 0.8^k times the one for which the quadratic model of the KL is max_kl; the first k that fits."""
    training, theta, kept = train(max_kl=max_kl), THETA, []

    def estimator(rollout, *, values):
        kept.append(pg.lambda_advantage(rollout, values=values, lam=0.95))
        return kept[-1]

    training.estimator = estimator
    ks, moved = [], 0
    for _ in range(6):
        progress = next(training)
        for run in range(R):
            own, psi = one_run(progress.rollout, run), kept[-1][:, run]
            seen = own.observations[:-1]
            gradient = POLICY.score(theta[run], seen, own.actions, psi).sum(axis=0) / own.mask.sum()
            fisher = enumerated_fisher(POLICY, theta[run], seen, own.mask)
            direction = np.linalg.solve(fisher + 1e-3 * np.eye(6), gradient)
            whole = np.sqrt(2 * max_kl / (direction @ fisher @ direction)) * direction

            def fits(theta_new):
                ratio = np.exp(POLICY.log_prob(theta_new, seen, own.actions) - own.log_probs)  # noqa: B023
                growth = ((ratio - 1) * psi * own.mask).sum()  # noqa: B023
                return kl_in_loops(theta[run], theta_new, own) <= max_kl and growth > 0  # noqa: B023

            first = next((k for k in range(11) if fits(theta[run] + 0.8**k * whole)), None)
            ks.append(first)
            assert progress.details["rejected"][run] == (first is None)
            if first is not None:
                np.testing.assert_allclose(progress.theta[run], theta[run] + 0.8**first * whole, rtol=1e-6)
                kl = kl_in_loops(theta[run], progress.theta[run], own)
                assert progress.details["kl"][run] == pytest.approx(kl, rel=1e-6) and 0 < kl <= max_kl
                moved += 1
            else:
                assert np.array_equal(progress.theta[run], theta[run]) and progress.details["kl"][run] == 0
        theta = progress.theta
    assert moved > 8
    if max_kl == 0.3:
        assert max(k for k in ks if k is not None) > 0  # the line search had something to do


def test_a_run_that_is_rejected_stays_and_others_go():
    """Where the advantages are all 0 there is no direction; radius 0 lets nobody go; the critics learn on."""
    one_sided = lambda rollout, *, values: pg.lambda_advantage(rollout, values=values) * [[1.0], [0.0]]  # noqa: E731
    progress = next(train(estimator=one_sided))
    assert progress.details["rejected"].tolist() == [False, True] and progress.details["kl"][1] == 0
    assert np.array_equal(progress.theta[1], THETA[1]) and not np.array_equal(progress.theta[0], THETA[0])
    training = train(max_kl=0)
    progress = next(training)
    assert progress.details["rejected"].all() and np.array_equal(progress.theta, THETA) and training.critic.w.any()
    training.max_kl = 0.01
    assert not next(training).details["rejected"].any()


def test_the_step_is_shortened_ten_times_and_then_given_up(monkeypatch):
    """Without advantages no step makes the surrogate grow: the whole one and ten shorter ones are tried."""
    tried = []
    monkeypatch.setattr("pgedu.learning.trust_regions.mean_kl", lambda *given: tried.append(given) or np.zeros(R))
    progress = next(train(estimator=lambda rollout: 0 * rollout.rewards))
    assert progress.details["rejected"].all() and len(tried) == 11


def test_trpo_by_conjugate_gradient_stays_in_its_region_too():
    policy = pg.Policy.softmax(pg.MLP(4, (16,), 2))
    world = gymnasium.make_vec("CartPole-v1", R * B)
    training = train(world=world, policy=policy, critic=learned(pg.MLP(4, (8,), 1)), theta=None, steps=32, max_kl=0.02)
    farthest = 0
    for _ in range(4):
        theta, progress = training.theta, next(training)
        rollout = progress.rollout
        kl = pg.mean_kl(policy, theta, progress.theta, rollout.observations[:-1], rollout.mask)
        assert (kl <= 0.02).all() and np.allclose(kl, progress.details["kl"])
        farthest = max(farthest, kl.max())
    assert farthest > 0.01  # and goes about as far as it may


def test_a_segment_of_reset_steps_alone_moves_nothing_and_ends_nothing():
    """One-step episodes in segments of one step: every other segment has no real step at all."""
    world, policy = pg.bandit([1.0, 2.0]), pg.Policy.softmax(pg.Table(1, 2))
    for make in (pg.natural_gradient, pg.trpo, pg.a2c, pg.ppo):
        settings = dict(
            world=world, policy=policy, critic=learned(pg.Table(1, 1)), theta=np.zeros((R, 2)), environments=1, steps=1
        )
        training, moved = train(make, **settings), []
        for update in range(6):
            theta, progress = training.theta, next(training)
            real = progress.rollout.mask.any()
            assert real == (update % 2 == 0) and not progress.diverged.any()
            assert real or np.array_equal(progress.theta, theta)
            moved.append(not np.array_equal(progress.theta, theta))
        assert any(moved) or make is pg.ppo  # a single advantage, normalised, is 0


@pytest.mark.parametrize("make, name", [(pg.natural_gradient, "damping"), (pg.trpo, "damping"), (pg.trpo, "max_kl"),
                                        (pg.trpo, "max_gradient_norm")])  # fmt: skip
@pytest.mark.parametrize("value", [-0.1, np.nan, None, "0.1"])
def test_numbers_out_of_range_are_named_at_once_and_later(make, name, value):
    with pytest.raises(ValueError, match=f"^{name} must be a number of 0 or more; got {value!r}"):
        train(make, **{name: value})
    with pytest.raises(ValueError, match=f"^{name} must be a number of 0 or more; got {value!r}"):
        setattr(train(make), name, value)


@pytest.mark.parametrize("make", [pg.natural_gradient, pg.trpo])
@pytest.mark.parametrize("damping", [0.0, 1e6])
def test_no_damping_and_far_too_much_are_numbers(make, damping):
    training = train(make, damping=damping)
    for _ in range(4):
        progress = next(training)
        assert np.isfinite(progress.theta).all() and not progress.diverged.any()
    assert not np.array_equal(progress.theta, THETA)


def test_the_critic_of_a_trust_region_is_that_of_a2c():
    assert train(critic=learned(CRITIC)).critic.approximator is CRITIC


def test_arguments_that_would_give_silent_nonsense_are_named():
    policy = SOFTMAX[0]
    theta, observations, weights = case(policy)
    gradient = np.ones_like(theta)
    for call, said in [
        (lambda: pg.fisher_matrix(policy, theta, observations, -weights), "weights must be 0 or more; got -"),
        (lambda: pg.mean_kl(policy, theta, theta, observations, weights[:1]), r"weights must be \[T, \*R, B\] = "),
        (lambda: fisher_vector_product(policy, theta, observations, weights, gradient[..., :-1]), r"vector must be \[\*R, D\] = "),
        (lambda: pg.natural_direction(policy, theta, gradient, observations, weights, damping=-1e-3),
         "damping must be a number of 0 or more; got -0.001"),
    ]:  # fmt: skip
        with pytest.raises(ValueError, match=f"^{said}"):
            call()


@pytest.mark.parametrize(("make", "name"), [(pg.trpo, "max_kl"), (pg.natural_gradient, "damping"), (pg.a2c, "entropy")])
def test_what_infinity_would_freeze_must_be_finite(make, name):
    training = train(make, **({} if make is pg.trpo else {"optimizer": pg.SGD(0.1)}))
    with pytest.raises(ValueError, match=f"^{name} must be a number of 0 or more, and finite; got inf"):
        setattr(training, name, np.inf)

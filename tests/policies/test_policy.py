"""Heads against NumPy-free formulas and sampling frequencies; the score against central differences."""

from math import exp, log
from statistics import NormalDist

import numpy as np
import pytest

import pgedu as pg
from pgedu.policies import WithConstants, log_softmax, softmax

T, B = 4, 3
POLICIES = [
    pg.Policy.softmax(pg.Table(3, 4)),
    pg.Policy.softmax(pg.Linear(2, 3)),
    pg.Policy.softmax(pg.MLP(2, (4,), 3)),
    pg.Policy(pg.Table(3, 2), pg.Gaussian(1)),
    pg.Policy(pg.MLP(2, (4,), 4), pg.Gaussian(2)),
]


def case(policy, runs, seed=0):
    """theta, observations, sampled actions and weights [T, *R, B]."""
    rng = np.random.default_rng(seed)
    theta = rng.normal(size=(*runs, policy.size)) / 2
    tabular = hasattr(policy.approximator, "observations")
    observations = rng.integers(3, size=(T, *runs, B)) if tabular else rng.normal(size=(T, *runs, B, 2))
    return theta, observations, policy.sample(theta, observations, rng), rng.normal(size=(T, *runs, B))


def log_probability(head, outputs, action):
    """One number at a time, without the code under test."""
    if isinstance(head, pg.Categorical):
        return outputs[action] - log(sum(exp(h) for h in outputs))
    d = head.dimensions
    return sum(log(NormalDist(outputs[k], exp(outputs[d + k])).pdf(action[k])) for k in range(d))


@pytest.mark.parametrize("policy", POLICIES, ids=str)
@pytest.mark.parametrize("runs", [(), (2,), (2, 3)])
class TestEveryPolicy:
    def test_log_prob_is_the_formula(self, policy, runs):
        theta, observations, actions, _ = case(policy, runs)
        outputs, found = policy.outputs(theta, observations), policy.log_prob(theta, observations, actions)
        assert found.shape == (T, *runs, B)
        for index in np.ndindex(found.shape):
            expected = log_probability(policy.head, outputs[index], actions[index])
            assert found[index] == pytest.approx(expected, abs=1e-12)

    def test_score_is_the_derivative_of_weighted_log_probs(self, policy, runs):
        theta, observations, actions, weights = case(policy, runs)

        def weighted(shifted):
            return (weights * policy.log_prob(shifted, observations, actions)).sum(axis=0)

        shifts = 1e-5 * np.eye(policy.size)
        expected = np.stack([(weighted(theta + s) - weighted(theta - s)) / 2e-5 for s in shifts], axis=-1)
        assert np.allclose(policy.score(theta, observations, actions, weights), expected, atol=1e-8)
        averaged = weights.mean(axis=0) + 0 * weights  # averaged over time before weighting
        assert not np.allclose(policy.score(theta, observations, actions, averaged), expected, atol=1e-3)

    def test_a_trace_is_log_prob_and_score_of_one_forward_pass(self, policy, runs):
        theta, observations, actions, weights = case(policy, runs)
        log_prob, score = policy.trace(theta, observations, actions)
        assert np.allclose(log_prob, policy.log_prob(theta, observations, actions), rtol=1e-13, atol=1e-13)
        expected = policy.score(theta, observations, actions, weights)
        assert np.allclose(score(weights), expected, rtol=1e-12, atol=1e-12)
        assert np.allclose(score(2 * weights), 2 * expected, rtol=1e-12, atol=1e-12)  # and again

    def test_score_with_entropy_is_the_derivative_of_both(self, policy, runs):
        """By central differences, with a weight of its own for each step; a number weights all steps alike."""
        theta, observations, actions, weights = case(policy, runs)
        bonus = np.random.default_rng(1).normal(size=weights.shape)

        def derivative(bonus):
            def total(shifted):
                entropy = policy.head.entropy(policy.outputs(shifted, observations))
                return (weights * policy.log_prob(shifted, observations, actions) + bonus * entropy).sum(axis=0)

            shifts = 1e-5 * np.eye(policy.size)
            return np.stack([(total(theta + s) - total(theta - s)) / 2e-5 for s in shifts], axis=-1)

        for entropy in (bonus, 0.7):
            expected = derivative(entropy)
            assert np.allclose(policy.score(theta, observations, actions, weights, entropy), expected, atol=1e-8)
            assert not np.allclose(policy.score(theta, observations, actions, weights), expected, atol=1e-3)
            assert not np.allclose(policy.score(theta, observations, actions, weights, -entropy), expected, atol=1e-3)

    def test_wrong_shapes_are_named(self, policy, runs):
        theta, observations, actions, weights = case(policy, runs)
        with pytest.raises(ValueError, match=r"^weights must be \[T, \*R, B\] = .*; got shape"):
            policy.score(theta, observations, actions, weights[0])
        with pytest.raises(ValueError, match=r"^entropy must be \[T, \*R, B\] = .*; got shape \(3,\)"):
            policy.score(theta, observations, actions, weights, np.ones(B))  # would broadcast
        for function, rest in ((policy.score, (weights,)), (policy.log_prob, ())):
            with pytest.raises(ValueError, match=r"^actions must be .*; got shape"):
                function(theta, observations, actions[0], *rest)  # would broadcast
        with pytest.raises(ValueError, match="time first"):
            policy.score(theta, observations[0], actions[0], weights[0])


HEADS = [pg.Categorical(4), pg.Gaussian(1), pg.Gaussian(2)]
ALL_HEADS = pytest.mark.parametrize("head", HEADS, ids=str)


def two_outputs(head, seed=2):
    """Outputs of two policies, [3, 2, K]."""
    return np.random.default_rng(seed).normal(size=(2, 3, 2, head.outputs)) * 0.7


def expected(head, outputs, function):
    """E[function(a)] under outputs [K]: a sum over actions, or Gauss-Hermite quadrature, exact for polynomials."""
    if isinstance(head, pg.Categorical):
        chances = [exp(h) / sum(exp(k) for k in outputs) for h in outputs]
        return sum(p * function(np.array(a)) for a, p in enumerate(chances))
    nodes, weights = np.polynomial.hermite_e.hermegauss(8)
    mean, std = outputs[: head.dimensions], np.exp(outputs[head.dimensions :])
    total = 0.0
    for at in np.ndindex(*[8] * head.dimensions):
        total += np.prod(weights[list(at)] / np.sqrt(2 * np.pi)) * function(mean + std * nodes[list(at)])
    return total


def score_of(head, outputs, actions):
    """d log_prob / d outputs."""
    return head.trace(outputs, actions)[1](1.0)


def entropy_gradient(head, outputs):
    """d entropy / d outputs, which no action matters for."""
    actions = head.act(outputs, head.noise(np.random.default_rng(0), outputs.shape[:-1]))
    return head.trace(outputs, actions)[1](0.0, 1.0)


@ALL_HEADS
def test_entropy_is_minus_the_mean_log_probability(head):
    outputs = two_outputs(head)[0]
    found = head.entropy(outputs)
    assert found.shape == (3, 2)
    for at in np.ndindex(3, 2):
        mean = expected(head, outputs[at], lambda a: log_probability(head, outputs[at], a))
        assert found[at] == pytest.approx(-mean, rel=1e-10)
    assert pg.Categorical(4).entropy(np.zeros(4)) == pytest.approx(log(4))  # in nats


@ALL_HEADS
def test_entropy_gradient_is_its_derivative(head):
    outputs, shifts = two_outputs(head)[0], 1e-5 * np.eye(head.outputs)
    slope = np.stack([(head.entropy(outputs + s) - head.entropy(outputs - s)) / 2e-5 for s in shifts], axis=-1)
    assert np.allclose(entropy_gradient(head, outputs), slope, atol=1e-9)
    assert not np.allclose(entropy_gradient(head, outputs[::-1] * 2), slope, atol=1e-2) or isinstance(head, pg.Gaussian)
    if isinstance(head, pg.Categorical):
        P = np.exp(head.log_probs(outputs))
        assert np.allclose(entropy_gradient(head, outputs).sum(axis=-1), 0)
        assert not np.allclose(-P * np.log(P), slope, atol=1e-2)  # without H


@ALL_HEADS
def test_kl_is_the_mean_difference_of_log_probabilities(head):
    """Averaged over the first of the two; the other way round it is another number."""
    p, q = two_outputs(head)
    found = head.kl(p, q)
    assert found.shape == (3, 2)
    for at in np.ndindex(3, 2):
        difference = lambda a: log_probability(head, p[at], a) - log_probability(head, q[at], a)  # noqa: E731, B023
        assert found[at] == pytest.approx(expected(head, p[at], difference), rel=1e-9)
    assert np.allclose(head.kl(p, p), 0, atol=1e-15) and (found > 0).all()
    assert not np.allclose(found, head.kl(q, p), rtol=1e-2)


@ALL_HEADS
def test_fisher_is_the_mean_square_of_the_score_and_the_curvature_of_kl(head):
    outputs, tangents = two_outputs(head)
    found, h = head.fisher(outputs, tangents), 1e-4
    for at in np.ndindex(3, 2):

        def outer(a):
            score = score_of(head, outputs[at], a)  # noqa: B023
            return np.outer(score, score)

        matrix = expected(head, outputs[at], outer)
        assert np.allclose(found[at], matrix @ tangents[at], atol=1e-10)
        shifts = h * np.eye(head.outputs)
        curvature = [[(head.kl(outputs[at], outputs[at] + a + b) - head.kl(outputs[at], outputs[at] + a - b)
                       - head.kl(outputs[at], outputs[at] - a + b) + head.kl(outputs[at], outputs[at] - a - b))
                      / (4 * h * h) for a in shifts] for b in shifts]  # fmt: skip
        assert np.allclose(matrix, curvature, atol=1e-6)
    assert not np.allclose(head.fisher(outputs[::-1], tangents), found, atol=1e-2)


def test_distances_of_policies_that_are_sure_of_themselves_are_numbers():
    """Probabilities that underflow: 0 log 0 is 0; and where the other gives no chance at all, far is far."""
    head, sure = pg.Categorical(2), np.array([800.0, -800.0])
    assert head.entropy(sure) == 0 and not entropy_gradient(head, sure).any()
    assert head.kl(sure, sure) == 0 and head.kl(sure, -sure) == pytest.approx(1600)
    assert not head.fisher(sure, np.array([1.0, -2.0])).any()


def test_gumbel_noise_samples_the_softmax():
    head, outputs = pg.Categorical(4), np.array([0.0, 1.0, -1.0, 2.0])
    expected, n = np.exp(outputs) / np.exp(outputs).sum(), 40_000
    actions = head.act(np.broadcast_to(outputs, (n, 4)), head.noise(np.random.default_rng(0), (n,)))
    sigma = np.sqrt(expected * (1 - expected) / n)
    frequencies = np.bincount(actions, minlength=4) / n
    assert (abs(frequencies - expected) < 4 * sigma).all()
    uniform = head.act(np.broadcast_to(outputs, (n, 4)), np.random.default_rng(0).random((n, 4)))  # not Gumbel's noise
    assert (abs(np.bincount(uniform, minlength=4) / n - expected) > 4 * sigma).any()


def test_gaussian_samples_have_their_mean_and_deviation():
    head, n = pg.Gaussian(2), 40_000
    mean, std = np.array([1.0, -3.0]), np.array([0.5, 2.0])
    outputs = np.broadcast_to(np.append(mean, np.log(std)), (n, 4))
    actions = head.act(outputs, head.noise(np.random.default_rng(0), (n,)))
    assert (abs(actions.mean(axis=0) - mean) < 4 * std / np.sqrt(n)).all()
    assert (abs(actions.std(axis=0) - std) < 4 * std / np.sqrt(2 * n)).all()
    assert abs(np.corrcoef(actions.T)[0, 1]) < 4 / np.sqrt(n)


def test_preferences_count_by_their_differences_however_large():
    head, outputs = pg.Categorical(3), np.array([0.3, -1.0, 2.0])
    assert np.allclose(head.log_probs(outputs + 1e4), head.log_probs(outputs), atol=1e-10)
    assert head.log_probs(np.array([-1e308, 1e308, 0.0])).tolist() == [-np.inf, 0, -1e308]


@pytest.mark.parametrize("policy", POLICIES[:3], ids=str)
def test_probabilities_are_those_of_log_prob(policy):
    theta, observations, _, _ = case(policy, (2,))
    probabilities = policy.probabilities(theta, observations)
    assert np.allclose(probabilities.sum(axis=-1), 1)
    for action in range(policy.head.actions):
        chosen = np.full((T, 2, B), action)
        assert np.allclose(probabilities[..., action], np.exp(policy.log_prob(theta, observations, chosen)))


def test_sampling_comes_from_its_generator_alone():
    policy = POLICIES[0]
    theta, observations = np.zeros(policy.size), np.zeros((50, 1), dtype=int)
    first, again, other = (policy.sample(theta, observations, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()


@pytest.mark.parametrize(
    "actions, said",
    [
        ([4], r"must lie in 0 \.\. 3; got 4 \.\. 4"),
        ([-1], "must lie in .*; got -1"),
        ([0.0], "of a Categorical head must be integers; got float64"),
    ],
)
def test_impossible_actions_are_named(actions, said):
    with pytest.raises(ValueError, match=f"^actions {said}"):
        pg.Categorical(4).log_prob(np.zeros((1, 4)), np.array(actions))
    with pytest.raises(ValueError, match=f"^actions {said}"):
        pg.Categorical(4).trace(np.zeros((1, 4)), np.array(actions))


@pytest.mark.parametrize("head", [pg.Categorical(3), pg.Gaussian(2)])
def test_an_approximator_must_feed_its_head(head):
    with pytest.raises(ValueError, match=f"^approximator must be one with the {head.outputs} outputs that .* needs; got .7 outputs"):
        pg.Policy(pg.Table(1, 7), head)


MASKED = np.array([[0.3, -np.inf, -1.0, 2.0], [-np.inf, -np.inf, 0.0, -np.inf]])  # of the second, one action is left
MASKS = np.isfinite(MASKED)


class TestMaskedActions:
    """A preference of minus infinity: all is as if the action were not there."""

    head = pg.Categorical(4)

    @pytest.mark.parametrize("row", [0, 1])
    def test_as_if_they_were_not_there(self, row):
        outputs, left = MASKED[row], MASKS[row]
        small, tangent = pg.Categorical(int(left.sum())), np.array([0.5, 2.0, -1.0, 3.0])
        assert np.array_equal(self.head.log_probs(outputs)[left], small.log_probs(outputs[left]))
        assert (self.head.log_probs(outputs)[~left] == -np.inf).all()
        assert self.head.entropy(outputs) == small.entropy(outputs[left])
        for found, expected in (
            (entropy_gradient(self.head, outputs), entropy_gradient(small, outputs[left])),
            (self.head.fisher(outputs, tangent), small.fisher(outputs[left], tangent[left])),
            (score_of(self.head, outputs, np.array(2)), score_of(small, outputs[left], np.array(left[:2].sum()))),
            (self.head.trace(outputs, np.array(2))[1](2.0, 3.0), small.trace(outputs[left], np.array(left[:2].sum()))[1](2.0, 3.0)),
        ):
            assert np.allclose(found[left], expected, rtol=1e-14) and not found[~left].any()

    def test_kl_is_0_where_pi_is_0_and_infinite_where_the_other_alone_is(self):
        whole = np.array([0.5, 0.2, -0.3, 1.0])
        left = MASKS[0]
        found, P = self.head.kl(MASKED[0], whole), softmax(MASKED[0][left])
        assert found == pytest.approx((P * (np.log(P) - np.log(softmax(whole)[left]))).sum(), rel=1e-13)
        assert self.head.kl(whole, MASKED[0]) == np.inf and self.head.kl(MASKED[0], MASKED[0]) == 0
        assert self.head.kl(MASKED, MASKED).tolist() == [0, 0]

    def test_they_are_never_sampled(self):
        class Zeros(np.random.Generator):  # the least that an exponential variate can be: Gumbel noise without end
            def standard_exponential(self, size):
                return np.zeros(size)

        policy = pg.Policy.softmax(pg.Table(2, 4))
        actions = policy.sample(MASKED.ravel(), np.tile([0, 1], 500), np.random.default_rng(0))
        assert set(actions[::2]) == {0, 2, 3} and set(actions[1::2]) == {2}
        assert MASKS[1, policy.sample(MASKED.ravel(), [1], Zeros(np.random.PCG64(0)))].all()
        assert np.isfinite(self.head.noise(Zeros(np.random.PCG64(0)), (3,))).all()

    def test_score_is_the_derivative(self):
        """By counting in a table, and by the trace, with entropy: masked parameters stay where they are."""
        policy, rng = pg.Policy.softmax(pg.Table(2, 4)), np.random.default_rng(0)
        observations, weights = rng.integers(2, size=(5, 3)), rng.normal(size=(5, 3))
        actions = policy.sample(MASKED.ravel(), observations, rng)
        for entropy in (0.0, 0.7):

            def total(theta):
                bonus = policy.head.entropy(policy.outputs(theta, observations))
                return (weights * policy.log_prob(theta, observations, actions) + entropy * bonus).sum(axis=0)  # noqa: B023

            found = policy.score(MASKED.ravel(), observations, actions, weights, entropy)
            for k in range(8):
                shift = 1e-5 * np.eye(8)[k]
                slope = (total(MASKED.ravel() + shift) - total(MASKED.ravel() - shift)) / 2e-5
                assert np.allclose(found[:, k], slope, atol=1e-8)

    def test_where_all_are_masked_there_is_no_policy(self):
        policy, theta = pg.Policy.softmax(pg.Table(2, 3)), np.array([0.0, 1, 2, -np.inf, -np.inf, -np.inf])
        said = "^preferences must leave an action everywhere; got minus infinity for all actions"
        for function in (policy.probabilities, lambda *given: policy.sample(*given, np.random.default_rng(0))):
            assert function(theta, [0, 0]).size
            with pytest.raises(ValueError, match=said):
                function(theta, [0, 1])
        assert np.isnan(policy.head.log_probs(theta[3:])).all() and np.isnan(policy.head.entropy(theta[3:]))


def test_what_is_not_a_number_stays_in_its_run():
    """A training finds it there; the other runs go on."""
    policy = pg.Policy.softmax(pg.Linear(2, 3))
    theta, observations, actions, weights = case(policy, (2,))
    for lost in (np.nan, np.inf):
        broken = theta.copy()
        broken[1, 0] = lost
        log_prob, score = policy.trace(broken, observations, actions)
        gradient = score(weights, 0.1)
        for found in (log_prob, policy.probabilities(broken, observations), np.moveaxis(gradient, 0, 1)):
            assert np.isfinite(found[:, 0]).all() and np.isnan(found[:, 1]).any()
        assert np.isnan(policy.head.entropy(np.array([lost, 0.0]))) and np.isnan(policy.head.kl(np.array([lost, 0]), np.zeros(2)))


@pytest.mark.parametrize("shape, axis", [((5,), -1), ((5, 3), 0), ((2, 5, 3), 1), ((2, 3, 5), -1)])
def test_softmax_of_any_axis(shape, axis):
    preferences = np.random.default_rng(0).normal(size=shape)
    for given in (preferences, preferences.tolist(), np.asfortranarray(preferences)):
        for line, logs in zip(np.moveaxis(softmax(given, axis), axis, -1).reshape(-1, 5),
                              np.moveaxis(log_softmax(given, axis), axis, -1).reshape(-1, 5), strict=True):  # fmt: skip
            assert line.sum() == pytest.approx(1, abs=1e-15) and np.allclose(np.log(line), logs, rtol=1e-13)
    at = np.moveaxis(preferences, axis, -1).reshape(-1, 5)[0]
    expected = [exp(h) / sum(exp(k) for k in at) for h in at]
    assert np.allclose(np.moveaxis(softmax(preferences, axis), axis, -1).reshape(-1, 5)[0], expected, rtol=1e-14)
    with pytest.raises(ValueError, match="^preferences must be numbers; got 'abc'"):
        softmax("abc")


@pytest.mark.parametrize("policy", POLICIES, ids=str)
def test_lists_are_arrays(policy):
    theta, observations, actions, weights = given = case(policy, (2,))
    lists = [each.tolist() for each in given]
    assert np.array_equal(policy.outputs(*lists[:2]), policy.outputs(theta, observations))
    assert np.array_equal(policy.prepared(lists[0])(lists[1]), policy.outputs(theta, observations))
    assert np.array_equal(policy.log_prob(*lists[:3]), policy.log_prob(theta, observations, actions))
    assert np.array_equal(policy.score(*lists), policy.score(*given))
    assert np.array_equal(policy.score(*lists, lists[3]), policy.score(*given, weights))
    assert np.array_equal(policy.trace(*lists[:3])[0], policy.trace(*given[:3])[0])
    sampled = [policy.sample(*each[:2], np.random.default_rng(0)) for each in (lists, given)]
    assert np.array_equal(*sampled)
    if isinstance(policy.head, pg.Categorical):
        assert np.array_equal(policy.probabilities(*lists[:2]), policy.probabilities(theta, observations))


@pytest.mark.parametrize("wrong, said", [(4, r"0 \.\. 3; got 0 \.\. 4"), (-1, r"0 \.\. 3; got -1 \.\. 0")])
def test_score_by_counting_knows_its_actions(wrong, said):
    """Beyond the last action lies the next observation's first one, or the next episode's table."""
    policy, actions = pg.Policy.softmax(pg.Table(3, 4)), np.zeros((2, 2), dtype=int)
    actions[1, 0] = wrong
    with pytest.raises(ValueError, match=f"^actions must lie in {said}"):
        policy.score(np.zeros(12), np.zeros((2, 2), dtype=int), actions, np.ones((2, 2)))
    with pytest.raises(ValueError, match="^actions of a Categorical head must be integers; got float64"):
        policy.score(np.zeros(12), np.zeros((2, 2), dtype=int), np.zeros((2, 2)), np.ones((2, 2)))


@pytest.mark.parametrize("make, said", [
    (lambda: pg.Policy(None, pg.Categorical(2)), r"approximator must be one such as Table\(3, 2\), .*; got None"),
    (lambda: pg.Policy(pg.Table, pg.Categorical(2)), "approximator must be one such as .*; got <class '.*Table'>"),
    (lambda: pg.Policy(WithConstants, pg.Categorical(2)), "approximator must be one such as .*; got <class '.*Constants'>"),
    (lambda: pg.Policy.softmax(3), "approximator must be one such as .*; got 3"),
    (lambda: pg.Policy.gaussian("MLP"), "approximator must be one such as .*; got 'MLP'"),
    (lambda: pg.Policy(pg.Table(3, 2), None), r"head must be one such as Categorical\(2\) or Gaussian\(1\); got None"),
    (lambda: pg.Policy(pg.Table(3, 2), pg.Categorical), "head must be one such as .*; got <class '.*Categorical'>"),
    (lambda: pg.Categorical(0), "actions must be a whole number of 1 or more; got 0"),
    (lambda: pg.Categorical(2.0), "actions must be a whole number of 1 or more; got 2.0"),
    (lambda: pg.Gaussian(-1), "dimensions must be a whole number of 1 or more; got -1"),
    (lambda: POLICIES[0].sample(np.zeros(12), [0], np.random.RandomState(0)), "rng must be a generator such as .*"),
    (lambda: POLICIES[0].sample(np.zeros(12), [0], None), "rng must be a generator such as .*; got None"),
    (lambda: pg.Categorical(2).noise(np.random.RandomState(0), (3,)), "rng must be a generator such as .*"),
    (lambda: pg.Gaussian(2).noise(0, (3,)), "rng must be a generator such as .*; got 0"),
    (lambda: POLICIES[3].probabilities(np.zeros(6), [0]), "head must be Categorical for there to be .*; got Gaussian.*"),
    (lambda: POLICIES[0].score(np.zeros(12), [[0]], [[0]], "x"), r"weights must be numbers \[T, \*R, B\]; got 'x'"),
])  # fmt: skip
def test_what_is_no_policy_is_named(make, said):
    with pytest.raises(ValueError, match=f"^{said}$"):
        make()


SINGLE = pg.Policy.softmax(pg.MLP(2, (4,), 3, dtype=np.float32))


@pytest.mark.parametrize("policy", [*POLICIES, SINGLE, pg.Policy.gaussian(pg.Linear(2, 2))], ids=str)
def test_what_underflows_is_0_also_for_a_student_who_made_it_an_error(policy):
    theta, observations, actions, weights = case(policy, (2,))
    if isinstance(policy.head, pg.Categorical):
        theta = theta * 800  # probabilities that underflow
    with np.errstate(all="raise"):
        log_prob, score = policy.trace(theta, observations, actions)
        assert np.isfinite(score(weights * 1e-300, 1e-300)).all() and np.isfinite(log_prob).all()
        policy.score(theta, observations, actions, weights * 1e-300)
        outputs = policy.outputs(theta, observations)
        for found in (policy.log_prob(theta, observations, actions), policy.head.entropy(outputs),
                      entropy_gradient(policy.head, outputs), policy.head.kl(outputs, outputs), score_of(policy.head, outputs, actions),
                      policy.head.fisher(outputs, 1e-300 * outputs), policy.sample(theta, observations, np.random.default_rng(0))):  # fmt: skip
            assert np.isfinite(found).all()
        if isinstance(policy.head, pg.Categorical):
            assert (policy.probabilities(theta, observations) < 1e-300).any()


class TestGaussianWithConstantDeviations:
    @pytest.mark.parametrize("approximator", [pg.Table(3, 2), pg.Linear(2, 2), pg.MLP(2, (4,), 2)], ids=str)
    @pytest.mark.parametrize("runs", [(), (2,), (2, 3)])
    def test_score_is_the_derivative(self, approximator, runs):
        policy = pg.Policy.gaussian(approximator)
        theta, observations, actions, weights = case(policy, runs)

        def total(shifted):
            bonus = policy.head.entropy(policy.outputs(shifted, observations))
            return (weights * policy.log_prob(shifted, observations, actions) + 0.3 * bonus).sum(axis=0)

        shifts = 1e-5 * np.eye(policy.size)
        expected = np.stack([(total(theta + s) - total(theta - s)) / 2e-5 for s in shifts], axis=-1)
        assert np.allclose(policy.score(theta, observations, actions, weights, 0.3), expected, atol=1e-7)

    def test_it_is_the_one_that_depends_on_the_state_where_that_one_does_not(self):
        """Linear with d more outputs, of which only the biases are not 0: same numbers, and the biases' gradient."""
        free, bound = pg.Policy.gaussian(pg.Linear(2, 2)), pg.Policy(pg.Linear(2, 4), pg.Gaussian(2))
        theta, observations, actions, weights = case(free, (3,))
        wide = np.zeros((3, 3, 4))  # the rows of W, and the bias
        wide[..., :2], wide[:, 2, 2:] = theta[:, :6].reshape(3, 3, 2), theta[:, 6:]
        given = observations, actions
        assert np.allclose(free.log_prob(theta, *given), bound.log_prob(wide.reshape(3, -1), *given), rtol=1e-13)
        found, expected = (p.score(t, *given, weights) for p, t in ((free, theta), (bound, wide.reshape(3, -1))))
        expected = expected.reshape(3, B, 3, 4)
        assert np.allclose(found[..., :6].reshape(3, B, 3, 2), expected[..., :2], rtol=1e-12)
        assert np.allclose(found[..., 6:], expected[..., 2, 2:], rtol=1e-12)

    def test_it_starts_at_the_deviations_asked_for(self):
        rng = np.random.default_rng(0)
        policy = pg.Policy.gaussian(pg.Linear(1, 2), log_std=(np.log(0.5), np.log(3)))
        sampled = policy.sample(policy.init(rng), np.zeros((20_000, 1)), rng)
        assert (abs(sampled.std(axis=0) / [0.5, 3] - 1) < 4 / np.sqrt(2 * 20_000)).all()
        assert (pg.Policy.gaussian(pg.MLP(1, (3,), 2), -1).init(rng, 4)[:, -2:] == -1).all()
        with pytest.raises(ValueError, match=r"^start must be .*2.*; got shape \(3,\)"):
            pg.Policy.gaussian(pg.Linear(1, 2), log_std=[0, 0, 0])

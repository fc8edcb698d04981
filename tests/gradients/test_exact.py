"""The exact answers against closed forms, finite differences, plain loops over time and plain loops over paths."""

import itertools
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from test_enumeration import naive_paths, naive_policy, policy_for, world

from pgedu import Policy, Table, TabularEnv, bandit, batch_mean, collect, episode_gradients
from pgedu import exact_expectation, exact_gradient, exact_moments
from pgedu import exact_return, moments, random_mdp, reward_to_go, short_corridor, solve, stay_or_stop, total_return

CORRIDOR = short_corridor()
TWO_ACTIONS = Policy.softmax(Table(1, 2))  # for worlds whose states all look alike


def preferences(p):
    """theta of TWO_ACTIONS with which action 1 has probability p."""
    return np.stack([np.log(1 - np.asarray(p)), np.log(p)], axis=-1)


def differences(mdp, policy, theta, horizon=None, step=1e-5):
    """Central differences of exact_return with respect to each parameter, for all runs."""
    columns = []
    for shift in step * np.eye(policy.size):
        above, below = (exact_return(mdp, policy, theta + sign * shift, horizon=horizon) for sign in (1, -1))
        columns.append((above - below) / (2 * step))
    return np.stack(columns, axis=-1)


# --- closed forms ---


@pytest.mark.parametrize(("p", "J"), [(0.5, -12), (0.05, -82.105), (0.95, -44.211), (2 - np.sqrt(2), -11.657)])
def test_corridor_values_of_the_book(p, J):
    assert exact_return(CORRIDOR, TWO_ACTIONS, preferences(p)) == pytest.approx(J, abs=5e-4)


def test_corridor_is_solved():
    """J(p) = (2p - 4) / (p (1 - p)), and by the chain rule dJ/d(preference of right) = J'(p) p (1 - p)."""
    p = np.linspace(0.05, 0.95, 19)
    J = (2 * p - 4) / (p * (1 - p))
    np.testing.assert_allclose(exact_return(CORRIDOR, TWO_ACTIONS, preferences(p)), J, rtol=1e-10)
    slope = (2 * p * (1 - p) - (2 * p - 4) * (1 - 2 * p)) / (p * (1 - p)) ** 2 * p * (1 - p)
    expected = np.stack([-slope, slope], axis=-1)
    np.testing.assert_allclose(exact_gradient(CORRIDOR, TWO_ACTIONS, preferences(p)), expected, rtol=1e-9)


def test_corridor_optimum():
    best = preferences(2 - np.sqrt(2))
    assert exact_return(CORRIDOR, TWO_ACTIONS, best) == pytest.approx(-(6 + 4 * np.sqrt(2)), rel=1e-12)
    np.testing.assert_allclose(exact_gradient(CORRIDOR, TWO_ACTIONS, best), 0, atol=1e-11)
    assert np.abs(exact_gradient(CORRIDOR, TWO_ACTIONS, preferences(0.58))).max() > 0.1


def test_stay_or_stop_is_solved():
    p = np.linspace(0.05, 0.95, 10)
    theta = preferences(p)
    np.testing.assert_allclose(exact_return(stay_or_stop(), TWO_ACTIONS, theta), p / (1 - p), rtol=1e-12)
    slope = 1 / (1 - p) ** 2 * p * (1 - p)
    np.testing.assert_allclose(exact_gradient(stay_or_stop(), TWO_ACTIONS, theta)[:, 1], slope, rtol=1e-11)


def test_bandit_gradient_is_that_of_sutton_and_barto():
    """dJ/dh_a = pi(a) (q(a) - J), section 2.8, for runs that each live in a bandit of their own."""
    rng = np.random.default_rng(0)
    values, theta = rng.normal(size=(3, 4)), rng.normal(size=(3, 4))
    pi = np.exp(theta) / np.exp(theta).sum(axis=-1, keepdims=True)
    J = (pi * values).sum(axis=-1)
    mdp, policy = bandit(values), Policy.softmax(Table(1, 4))
    np.testing.assert_allclose(exact_return(mdp, policy, theta), J, rtol=1e-12)
    np.testing.assert_allclose(exact_gradient(mdp, policy, theta), pi * (values - J[:, None]), atol=1e-12)
    np.testing.assert_allclose(exact_return(mdp, policy, theta, horizon=3), J, rtol=1e-12)


@pytest.mark.parametrize(("mdp", "sign"), [(stay_or_stop(), 1), (CORRIDOR, -1)])
@pytest.mark.parametrize("preference", [40.0, 1000.0])
def test_a_policy_that_never_ends_has_a_huge_finite_return(mdp, sign, preference):
    theta = np.array([0.0, preference])
    J, gradient = exact_return(mdp, TWO_ACTIONS, theta), exact_gradient(mdp, TWO_ACTIONS, theta)
    assert np.isfinite(J) and 1e14 < sign * J < 1e17
    assert np.isfinite(gradient).all()


# --- plain loops over time ---


def naive_solution(mdp, pi, horizon):
    """(values by time, visits by time) from stepping distributions and values, one state at a time."""
    S, A = mdp.n_states, mdp.n_actions
    chance, visits = list(mdp.start), []
    for _ in range(horizon):
        visits.append([0.0 if mdp.terminal[s] else chance[s] for s in range(S)])
        following = [0.0] * S
        for s, a, end in itertools.product(range(S), range(A), range(S)):
            following[end] += visits[-1][s] * pi[s][a] * mdp.transitions[s, a, end]
        chance = following
    value, values = np.zeros(S), []
    for _ in range(horizon):
        following, value = value, np.zeros(S)
        for s, a in itertools.product(np.flatnonzero(~mdp.terminal), range(A)):
            value[s] += pi[s][a] * (mdp.rewards[s, a] + mdp.gamma * mdp.transitions[s, a] @ following)
        values.insert(0, value)
    return np.array(values), np.array(visits) * mdp.gamma ** np.arange(horizon)[:, None]


@pytest.mark.parametrize("name", ["random", "aliased", "corridor", "stay_or_stop"])
def test_solve_is_the_limit_of_stepping(name):
    mdp = world(name)
    policy = policy_for(mdp)
    theta = np.random.default_rng(1).normal(size=policy.size) / 2
    pi = naive_policy(mdp, theta)
    values, visits = naive_solution(mdp, pi, 600)
    solution = solve(mdp, policy, theta)
    np.testing.assert_allclose(solution.values, values[0], rtol=1e-8)
    np.testing.assert_allclose(solution.visits, visits.sum(axis=0), rtol=1e-8)
    np.testing.assert_allclose(solution.probabilities, pi, rtol=1e-12)
    expected = mdp.rewards + mdp.gamma * mdp.transitions @ values[0]
    np.testing.assert_allclose(solution.action_values[~mdp.terminal], expected[~mdp.terminal], rtol=1e-8)


@pytest.mark.parametrize("name", ["random", "aliased", "corridor"])
@pytest.mark.parametrize("horizon", [1, 2, 7])
def test_solve_with_a_horizon_is_stepping(name, horizon):
    mdp = world(name)
    policy = policy_for(mdp)
    theta = np.random.default_rng(2).normal(size=policy.size)
    values, visits = naive_solution(mdp, naive_policy(mdp, theta), horizon)
    for solution in (solve(mdp, policy, theta, horizon=horizon), solve(replace(mdp, horizon=horizon), policy, theta)):
        np.testing.assert_allclose(solution.values, values, rtol=1e-12, atol=1e-14)
        np.testing.assert_allclose(solution.visits, visits, rtol=1e-12, atol=1e-14)
        after = np.vstack([values[1:], np.zeros(mdp.n_states)])
        expected = mdp.rewards + mdp.gamma * np.einsum("sat,ht->hsa", mdp.transitions, after)
        live = ~mdp.terminal
        np.testing.assert_allclose(solution.action_values[:, live], expected[:, live], rtol=1e-12, atol=1e-14)


def test_the_return_is_the_sum_over_paths():
    mdp = replace(world("aliased"), start=[0.5, 0.5, 0, 0])
    theta = np.random.default_rng(3).normal(size=4)
    J = sum(
        chance * sum(mdp.gamma**t * mdp.rewards[step] for t, step in enumerate(path))
        for chance, path, _ in naive_paths(mdp, naive_policy(mdp, theta), 4)
    )
    assert exact_return(mdp, policy_for(mdp), theta, horizon=4) == pytest.approx(J, rel=1e-12)
    assert exact_return(replace(mdp, horizon=4), policy_for(mdp), theta, horizon=9) == pytest.approx(J, rel=1e-12)


def test_nothing_comes_after_the_end():
    """What the rows of a terminal state say (a way back, a reward) is of no account."""
    mdp = world("random")
    transitions, rewards = mdp.transitions.copy(), mdp.rewards.copy()
    transitions[-1], rewards[-1] = [1, 0, 0], 100
    odd, policy = replace(mdp, transitions=transitions, rewards=rewards), policy_for(mdp)
    theta = np.random.default_rng(12).normal(size=policy.size)
    for horizon in (None, 4):
        before, after = (solve(world, policy, theta, horizon=horizon) for world in (mdp, odd))
        for name in ("values", "visits", "action_values"):
            np.testing.assert_allclose(getattr(after, name), getattr(before, name), rtol=1e-12)
    before, after = (exact_moments(world, policy, theta, reward_to_go, horizon=3) for world in (mdp, odd))
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-12)
    np.testing.assert_allclose(after.covariance, before.covariance, rtol=1e-12)


# --- the gradient ---


@pytest.mark.parametrize("name", ["random", "aliased", "corridor"])
@pytest.mark.parametrize("horizon", [None, 1, 5])
@pytest.mark.parametrize("runs", [(), (3,), (2, 3)])
def test_the_gradient_is_that_of_the_return(name, horizon, runs):
    mdp = world(name)
    policy = policy_for(mdp)
    theta = np.random.default_rng(4).normal(size=(*runs, policy.size)) / 2
    gradient = exact_gradient(mdp, policy, theta, horizon=horizon)
    assert gradient.shape == theta.shape
    np.testing.assert_allclose(gradient, differences(mdp, policy, theta, horizon), rtol=1e-6, atol=1e-8)


def test_a_gradient_without_gamma_to_the_t_is_told_apart():
    """The policy gradient theorem with undiscounted visits: finite differences do not accept it."""
    mdp = world("random")
    policy, theta = policy_for(mdp), np.random.default_rng(5).normal(size=6)
    pi = np.array(naive_policy(mdp, theta))

    def theorem(visits):
        solution = solve(mdp, policy, theta)
        advantages = solution.action_values - solution.values[:, None]
        return (visits[:, None] * pi * advantages).ravel()  # of a softmax table

    expected = differences(mdp, policy, theta)
    np.testing.assert_allclose(theorem(solve(mdp, policy, theta).visits), expected, atol=1e-8)
    assert np.abs(theorem(solve(replace(mdp, gamma=1.0), policy, theta).visits) - expected).max() > 1e-3


@pytest.mark.parametrize("horizon", [None, 3])
def test_runs_do_not_mix(horizon):
    mdp = world("aliased")
    policy = policy_for(mdp)
    theta = np.random.default_rng(6).normal(size=(2, 3, policy.size))
    together = solve(mdp, policy, theta, horizon=horizon)
    lead = () if horizon is None else (slice(None),)
    for run in np.ndindex(2, 3):
        alone = solve(mdp, policy, theta[run], horizon=horizon)
        for name in ("values", "action_values", "visits"):
            np.testing.assert_allclose(getattr(together, name)[(*lead, *run)], getattr(alone, name), rtol=1e-12)
        for exact in (exact_return, exact_gradient):
            one = exact(mdp, policy, theta[run], horizon=horizon)
            np.testing.assert_allclose(exact(mdp, policy, theta, horizon=horizon)[run], one, rtol=1e-12)


# --- moments of estimators ---


def naive_moments(mdp, theta, horizon, batch, weights):
    """Mean and covariance of the mean over a batch of sum_t psi_t grad log pi, by loops over paths and steps.

    weights(batch of reward lists) -> psi[episode][t]. A table's grad log pi is onehot(a) - pi in its row.
    """
    pi = naive_policy(mdp, theta)
    chances, gradients = [], []
    for members in itertools.product(list(naive_paths(mdp, pi, horizon)), repeat=batch):
        psi = weights([[mdp.rewards[step] for step in path] for _, path, _ in members])
        gradient = np.zeros((mdp.n_observations, mdp.n_actions))
        for (_, path, _), of_episode in zip(members, psi):
            for (state, action), weight in zip(path, of_episode):
                gradient[mdp.observation[state]] += weight * (np.eye(mdp.n_actions)[action] - pi[state]) / batch
        chances.append(np.prod([chance for chance, _, _ in members]))
        gradients.append(gradient.ravel())
    mean = sum(chance * gradient for chance, gradient in zip(chances, gradients))
    covariance = sum(c * np.outer(g - mean, g - mean) for c, g in zip(chances, gradients))
    return mean, covariance


def naive_reward_to_go(gamma, rewards):
    return [gamma**t * sum(gamma ** (k - t) * rewards[k] for k in range(t, len(rewards))) for t in range(len(rewards))]


def naive_batch_mean(gamma, batch):
    """gamma^t (G_t - mean of G_t over the batch), an ended episode counting 0."""
    longest = max(map(len, batch))
    returns = [[*naive_reward_to_go(gamma, rewards), *[0] * longest][:longest] for rewards in batch]
    means = [sum(column) / len(batch) for column in zip(*returns)]
    return [[G - mean for G, mean in zip(one, means)] for one in returns]


def a_students_own(rollout):
    """psi_t = (t + 1) R_{t+1}^2: of no use, but neither linear nor stationary."""
    return rollout.rewards**2 * np.arange(1, len(rollout.rewards) + 1).reshape(-1, *[1] * (rollout.rewards.ndim - 1))


@pytest.mark.parametrize(
    ("estimator", "batch", "weights"),
    [
        (reward_to_go, 1, lambda gamma, batch: [naive_reward_to_go(gamma, rewards) for rewards in batch]),
        (total_return, 1, lambda gamma, batch: [naive_reward_to_go(gamma, r)[:1] * len(r) for r in batch]),
        (a_students_own, 2, lambda gamma, batch: [[(t + 1) * r**2 for t, r in enumerate(one)] for one in batch]),
        (partial(reward_to_go, baseline=batch_mean), 2, naive_batch_mean),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["random", "aliased"])
def test_moments_are_sums_over_paths(name, estimator, batch, weights):
    mdp, horizon = world(name), 3 if batch == 1 else 2
    if batch == 2:
        mdp = replace(mdp, start=np.eye(mdp.n_states)[0])  # fewer paths
    policy = policy_for(mdp)
    theta = np.random.default_rng(7).normal(size=policy.size)
    found = exact_moments(mdp, policy, theta, estimator, horizon=horizon, batch=batch)
    mean, covariance = naive_moments(mdp, theta, horizon, batch, partial(weights, mdp.gamma))
    np.testing.assert_allclose(found.mean, mean, atol=1e-12)
    np.testing.assert_allclose(found.covariance, covariance, atol=1e-12)
    assert found.variance == pytest.approx(np.trace(covariance))
    np.testing.assert_allclose(found.bias, mean - differences(mdp, policy, theta, horizon), atol=1e-7)
    other = naive_moments(mdp, theta, horizon, batch, partial(weights, mdp.gamma / 2))
    if estimator is not a_students_own:  # which knows no discount
        assert not np.allclose(found.covariance, other[1], rtol=1e-3)


def test_the_variance_of_a_mean_falls_with_the_batch():
    mdp = world("random")
    policy, theta = policy_for(mdp), np.random.default_rng(8).normal(size=6)
    one, three = (exact_moments(mdp, policy, theta, reward_to_go, horizon=1, batch=batch) for batch in (1, 3))
    np.testing.assert_allclose(three.covariance, one.covariance / 3, atol=1e-14)
    np.testing.assert_allclose(three.mean, one.mean, atol=1e-14)


def test_moments_of_many_runs_are_those_of_each():
    mdp = world("aliased")
    policy = policy_for(mdp)
    theta = np.random.default_rng(9).normal(size=(2, 3, policy.size))
    estimator = partial(reward_to_go, baseline=batch_mean)
    together = exact_moments(mdp, policy, theta, estimator, horizon=1, batch=2)
    for run in np.ndindex(2, 3):
        alone = exact_moments(mdp, policy, theta[run], estimator, horizon=1, batch=2)
        for name in ("mean", "bias", "covariance", "variance"):
            np.testing.assert_allclose(getattr(together, name)[run], getattr(alone, name), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("estimator", [reward_to_go, total_return])
def test_sampled_moments_come_to_the_exact_ones(estimator):
    """z-tests of mean and covariance of 100,000 episodes; by chance 1 seed in 10^4 passes 4.5 errors."""
    N, horizon = 100_000, 4
    mdp = replace(world("aliased"), horizon=horizon)
    policy = policy_for(mdp)
    theta = np.random.default_rng(10).normal(size=policy.size)
    rollout = collect(mdp, policy, theta, rng=np.random.default_rng(11), episodes=N)
    gradients = episode_gradients(policy, theta, rollout, estimator(rollout))
    sampled, exact = moments(gradients), exact_moments(mdp, policy, theta, estimator, horizon=horizon)

    def z(found, expected, spread):
        return np.abs((found - expected) / (spread / np.sqrt(N))).max()

    centred = gradients - exact.mean
    spread = np.sqrt(np.diag(exact.covariance)), (centred[:, :, None] * centred[:, None, :]).std(axis=0)
    assert z(sampled.mean, exact.mean, spread[0]) < 4.5
    assert z(sampled.covariance, exact.covariance, spread[1]) < 4.5
    wrong = exact_moments(mdp, policy, theta, partial(estimator, gamma_power=False), horizon=horizon)
    assert z(sampled.mean, wrong.mean, spread[0]) > 7
    assert z(sampled.covariance, wrong.covariance, spread[1]) > 7


# --- expectations of any statistic ---


@pytest.mark.parametrize("p", [0.3, 0.9])
def test_expectations_of_stay_or_stop_are_sums_of_a_geometric_law(p):
    """It stays k times with probability p^k (1 - p), at most `horizon` times: length, E G and E G^2 (gamma = 1)."""
    horizon = 12
    chance = np.append(p ** np.arange(horizon) * (1 - p), p**horizon)
    G = np.arange(horizon + 1)
    ask = partial(exact_expectation, stay_or_stop(), TWO_ACTIONS, preferences(p), horizon=horizon)
    assert ask(lambda rollout: rollout.lengths[..., 0]) == pytest.approx((1 - p**horizon) / (1 - p))
    found = ask(lambda rollout: np.stack([rollout.rewards.sum(axis=0)[..., 0] ** k for k in (0, 1, 2)], axis=-1))
    np.testing.assert_allclose(found, [1, chance @ G, chance @ G**2], rtol=1e-12)
    assert found[1] == pytest.approx(exact_return(stay_or_stop(), TWO_ACTIONS, preferences(p), horizon=horizon))


def test_expectations_over_batches_and_runs():
    """The mean of a batch has the expectation of one; its square has Var / B more than the square of that."""
    p = np.array([[0.2, 0.5, 0.7]]).T[:, 0]
    ask = partial(exact_expectation, stay_or_stop(), TWO_ACTIONS, preferences(p), horizon=4)
    G, square = (ask(lambda rollout, k=k: rollout.rewards.sum(axis=0)[..., 0] ** k) for k in (1, 2))
    mean, of_square = (ask(lambda r, k=k: r.rewards.sum(axis=0).mean(axis=-1) ** k, batch=2) for k in (1, 2))
    assert mean.shape == (3,)
    np.testing.assert_allclose(mean, G, rtol=1e-12)
    np.testing.assert_allclose(of_square, G**2 + (square - G**2) / 2, rtol=1e-12)
    table = ask(lambda rollout: np.ones((*rollout.rewards.shape[1:3], 5, 2)))
    np.testing.assert_allclose(table, np.ones((3, 5, 2)), rtol=1e-12)


@pytest.mark.parametrize(("statistic", "got"), [
    (lambda rollout: rollout.lengths.mean(), r"shape \(\)"), (lambda rollout: rollout.lengths.T, r"shape \(1, 4\)"),
    (lambda rollout: "long", "'long'"),
])  # fmt: skip
def test_a_statistic_has_a_value_for_each_batch(statistic, got):
    with pytest.raises(ValueError, match=rf"^statistic must be .*\[\*R, N, ...\].*; got {got}"):
        exact_expectation(CORRIDOR, TWO_ACTIONS, np.zeros(2), statistic, horizon=2)


# --- mistakes ---


@pytest.mark.parametrize("world", [TabularEnv(CORRIDOR), CORRIDOR.vector_env(2), type(CORRIDOR), None, "corridor"])
def test_what_cannot_be_solved_says_so(world):
    for exact in (solve, exact_return, exact_gradient):
        with pytest.raises(ValueError, match="^world must be one that can be solved exactly, such as an MDP; got "):
            exact(world, TWO_ACTIONS, np.zeros(2))
    for exact in (exact_moments, exact_expectation):
        with pytest.raises(ValueError, match="^mdp must be a finite world, such as an MDP, to be enumerated; got "):
            exact(world, TWO_ACTIONS, np.zeros(2), reward_to_go, horizon=2)


RANDOM = random_mdp(np.random.default_rng(0), states=2, actions=2)


@pytest.mark.parametrize("exact", [solve, exact_return, exact_gradient, partial(exact_moments, estimator=reward_to_go)])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"theta": np.zeros(5)}, r"theta must be \[\*R, D\] with D = 6; got shape \(5,\)"),
        ({"theta": np.full(6, np.nan)}, "theta must be finite"),
        ({"horizon": 0}, "horizon must be a whole number of 1 or more; got 0"),
        ({"horizon": -1}, "horizon must be"),
        ({"horizon": 2.5}, "horizon must be"),
        ({"horizon": 2.0}, "horizon must be a whole number of 1 or more; got 2.0"),
        ({"policy": Policy.softmax(Table(3, 3)), "theta": np.zeros(9)}, "head must have actions = 2"),
        ({"policy": Policy.softmax(Table(2, 2)), "theta": np.zeros(4)}, "observations must lie in 0 .. 1; got 0 .. 2"),
    ],
)  # fmt: skip
def test_mistakes_are_named(exact, change, message):
    call = {"mdp": RANDOM, "policy": Policy.softmax(Table(3, 2)), "theta": np.zeros(6), "horizon": 2} | change
    with pytest.raises(ValueError, match=message):
        exact(**call)


def test_theta_of_one_run_does_not_fit_worlds_of_three():
    """The run axis of the rewards would otherwise be taken for time."""
    mdp, policy = bandit(np.arange(6.0).reshape(3, 2)), Policy.softmax(Table(1, 2))
    for theta in (np.zeros(2), np.zeros((2, 2))):
        for exact in (exact_return, exact_gradient):
            with pytest.raises(ValueError, match=r"theta must be .* the runs of the rewards"):
                exact(mdp, policy, theta)


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (lambda rollout: rollout.rewards[0], r"psi must be of the shape of the rewards, \(2, 4, 1\); got shape \(4, 1\)"),
        (lambda rollout: 1.0, r"psi must be of the shape .* got shape \(\)"),
        (lambda rollout: np.log(0 * rollout.rewards), "psi must be finite"),
    ],
)  # fmt: skip
def test_an_estimator_that_is_wrong_is_told_so(estimator, message):
    with np.errstate(all="ignore"), pytest.raises(ValueError, match=message):
        exact_moments(CORRIDOR, TWO_ACTIONS, np.zeros(2), estimator, horizon=2)

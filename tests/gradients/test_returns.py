"""Recursions over time against sums written out, closed forms and identities."""

import numpy as np
import pytest

from pgedu import discounted_returns, gae, n_step_advantages, td_residuals

T, SHAPE = 7, (7, 2, 3)


@pytest.fixture
def steps():
    """Rewards, discounts (a fifth of them 0: terminations), values and a mask, all different in every column."""
    rng = np.random.default_rng(0)
    discounts = rng.uniform(0.5, 1, SHAPE) * (rng.random(SHAPE) > 0.2)
    return rng.normal(size=SHAPE), discounts, rng.normal(size=(T + 1, 2, 3)), rng.random(SHAPE) > 0.1


def written_out(terms, factors):
    """sum_{k >= t} (prod_{t <= j < k} factors_j) terms_k, term by term."""
    sums = [sum(np.prod(factors[t:k], axis=0) * terms[k] for k in range(t, len(terms))) for t in range(len(terms))]
    return np.array(sums)


def told_in_full(rewards, discounts, values, mask, n):
    """n-step advantages of one column [T], told step by step: pay, go on, and where it stops, bootstrap if one may."""
    advantages = []
    for t in range(len(rewards)):
        total, factor, k = 0.0, 1.0, t
        while k < len(rewards) and k - t < n and mask[k] and factor:
            total, factor, k = total + factor * rewards[k], factor * discounts[k], k + 1
        advantages.append(total + factor * values[k] - values[t] if mask[t] else 0.0)
    return np.array(advantages)


def faded_in_full(rewards, discounts, values, mask, lam):
    """(1 - lam) sum_n lam^(n-1) A^(n); all n of T or more give the same."""
    T = len(rewards)
    weights = [(1 - lam) * lam ** (n - 1) for n in range(1, T)] + [lam ** (T - 1)]
    return sum(w * told_in_full(rewards, discounts, values, mask, n) for n, w in enumerate(weights, start=1))


def column_by_column(function, rewards, discounts, values, mask, setting):
    found = np.empty(rewards.shape)
    for column in np.ndindex(rewards.shape[1:]):
        at = (slice(None), *column)
        found[at] = function(rewards[at], discounts[at], values[at], mask[at], setting)
    return found


def test_discounted_returns_are_the_written_out_sum(steps):
    rewards, discounts, _, _ = steps
    np.testing.assert_allclose(discounted_returns(rewards, discounts), written_out(rewards, discounts), atol=1e-12)
    uncut = np.where(discounts == 0, 0.9, discounts)
    assert not np.allclose(discounted_returns(rewards, discounts), written_out(rewards, uncut))


@pytest.mark.parametrize("gamma", [0.0, 0.5, 0.99, 1.0])
def test_reward_one_gives_the_geometric_series(gamma):
    left = np.arange(T, 0, -1)
    series = left if gamma == 1 else (1 - gamma**left) / (1 - gamma)
    np.testing.assert_allclose(discounted_returns(np.ones(T), np.full(T, gamma)), series, rtol=1e-12)


def test_nothing_crosses_a_termination():
    """Two episodes in one column give what each gives by itself; without the 0 they do not."""
    rng = np.random.default_rng(1)
    rewards, values, mask = rng.normal(size=8), rng.normal(size=9), np.ones(8)
    discounts = np.array([0.9, 0.9, 0.0, 0.9, 0.9, 0.9, 0.9, 0.0])

    def each(recursion):
        return np.concatenate([recursion(slice(0, 3), slice(0, 4)), recursion(slice(3, 8), slice(3, 9))])

    returns = each(lambda now, _: discounted_returns(rewards[now], discounts[now]))
    np.testing.assert_allclose(discounted_returns(rewards, discounts), returns, atol=1e-14)
    assert not np.allclose(discounted_returns(rewards, np.full(8, 0.9)), returns)
    estimates = each(lambda now, rows: gae(rewards[now], discounts[now], values[rows], mask[now], 0.8))
    np.testing.assert_allclose(gae(rewards, discounts, values, mask, 0.8), estimates, atol=1e-14)


def test_gae_is_cut_at_a_truncation_but_bootstraps_from_its_last_state():
    """Step 3 resets (mask 0). Step 2 was truncated: it keeps gamma and uses values[3], and no more than that."""
    rng = np.random.default_rng(2)
    rewards, values, discounts, mask = rng.normal(size=7), rng.normal(size=8), np.full(7, 0.9), np.ones(7)
    mask[3] = rewards[3] = 0
    found = gae(rewards, discounts, values, mask, 0.8)
    first = gae(rewards[:3], discounts[:3], values[:4], mask[:3], 0.8)
    second = gae(rewards[4:], discounts[4:], values[4:], mask[4:], 0.8)
    np.testing.assert_allclose(found, [*first, 0, *second], atol=1e-14)
    assert found[2] == pytest.approx(rewards[2] + 0.9 * values[3] - values[2])
    uncut = gae(rewards, discounts, values, np.ones(7), 0.8)
    assert not np.allclose(uncut[:3], first)


def test_integer_rewards_give_floats():
    """An array made with zeros_like(integer rewards) would hold 1, 1, 1 here."""
    returns = discounted_returns(np.array([1, 1, 1]), np.full(3, 0.5))
    np.testing.assert_array_equal(returns, [1.75, 1.5, 1.0])
    np.testing.assert_array_equal(td_residuals([1, 1], [0.5, 0.5], [1, 1, 1]), [0.5, 0.5])
    np.testing.assert_array_equal(gae([1, 1], [0.5, 0.5], [1, 1, 1], [1, 1], 1), [0.75, 0.5])


def test_td_residuals_telescope(steps):
    """sum_t gamma^t delta_t = G_0 + gamma^T v_T - v_0."""
    rewards, _, values, _ = steps
    discounts = np.full(SHAPE, 0.9)
    left = (0.9 ** np.arange(T)[:, None, None] * td_residuals(rewards, discounts, values)).sum(axis=0)
    right = discounted_returns(rewards, discounts)[0] + 0.9**T * values[-1] - values[0]
    np.testing.assert_allclose(left, right, atol=1e-12)


def test_td_residual_ignores_what_lies_beyond_a_termination():
    assert td_residuals([2.0], [0.0], [0.5, 1e9]) == pytest.approx(1.5)
    assert td_residuals([2.0], [0.5], [0.5, 3.0]) == pytest.approx(3.0)


@pytest.mark.parametrize("lam", [0.0, 0.3, 0.95, 1.0])
def test_gae_is_the_written_out_sum_of_residuals(steps, lam):
    rewards, discounts, values, mask = steps
    residuals = mask * (rewards + discounts * values[1:] - values[:-1])
    found = gae(rewards, discounts, values, mask, lam)
    np.testing.assert_allclose(found, written_out(residuals, lam * discounts * mask), atol=1e-12)
    assert not np.allclose(found, written_out(residuals, lam * 0.9 * discounts * mask)) or lam == 0


def test_gae_ends(steps):
    """lam = 0 is the TD residual; lam = 1 is the return, bootstrapped at the end, minus the value."""
    rewards, discounts, values, _ = steps
    ones = np.ones(SHAPE)
    np.testing.assert_allclose(gae(rewards, discounts, values, ones, 0), td_residuals(rewards, discounts, values))
    bootstrapped = rewards.copy()
    bootstrapped[-1] += discounts[-1] * values[-1]
    returns = written_out(bootstrapped, discounts)
    np.testing.assert_allclose(gae(rewards, discounts, values, ones, 1), returns - values[:-1], atol=1e-12)


def test_gae_is_the_exponential_mean_of_n_step_advantages():
    """(1 - lam) sum_n lam^(n-1) A^(n), Schulman et al. (2016), eq. 16, whose left-over weight is on the longest."""
    rng = np.random.default_rng(3)
    rewards, values, gamma, lam = rng.normal(size=T), rng.normal(size=T + 1), 0.9, 0.7
    n_step = [gamma ** np.arange(n) @ rewards[:n] + gamma**n * values[n] - values[0] for n in range(1, T + 1)]
    weights = np.append((1 - lam) * lam ** np.arange(T - 1), lam ** (T - 1))
    assert gae(rewards, np.full(T, gamma), values, np.ones(T), lam)[0] == pytest.approx(weights @ n_step)


@pytest.mark.parametrize("n", [1, 2, 3, T - 1, T, 10**9])
def test_n_step_advantages_are_told_in_full(steps, n):
    """Terminations and truncations in the midst, in columns of three axes."""
    found = n_step_advantages(*steps, n)
    np.testing.assert_allclose(found, column_by_column(told_in_full, *steps, n), atol=1e-12)
    rewards, discounts, values, mask = steps
    uncut = [(rewards, np.where(discounts == 0, 0.9, discounts), values, mask)]
    uncut += [] if n == 1 else [(rewards, discounts, values, np.ones(SHAPE))]
    for wrong in uncut:
        assert not np.allclose(found, mask * n_step_advantages(*wrong, n), atol=1e-2)
    if n < T:
        assert not np.allclose(found, n_step_advantages(*steps, n + 1), atol=1e-2)


@pytest.mark.parametrize("lam", [0.0, 0.4, 0.95, 1.0])
def test_gae_is_the_mean_of_n_step_advantages_told_in_full(steps, lam):
    found = gae(*steps, lam)
    np.testing.assert_allclose(found, column_by_column(faded_in_full, *steps, lam), atol=1e-12)
    assert not np.allclose(found, column_by_column(faded_in_full, *steps, abs(lam - 0.1)), atol=1e-2)


def test_n_steps_end_in_td_and_in_gae(steps):
    rewards, discounts, values, mask = steps
    one, all_of_them = n_step_advantages(*steps, 1), n_step_advantages(*steps, np.int64(T))
    np.testing.assert_allclose(one, mask * td_residuals(rewards, discounts, values), atol=1e-14)
    np.testing.assert_allclose(all_of_them, gae(*steps, 1), atol=1e-12)


def test_n_step_advantages_leave_their_inputs_and_take_integers_and_nothing():
    steps = [np.array(each) for each in ([1, 1], [0.5, 0.5], [1, 1, 1], [1, 1])]
    np.testing.assert_array_equal(n_step_advantages(*steps, 2), [0.75, 0.5])
    np.testing.assert_array_equal(steps[0], [1, 1])
    assert n_step_advantages(np.ones((0, 3)), np.ones((0, 3)), np.ones((1, 3)), np.ones((0, 3)), 4).shape == (0, 3)


def test_columns_do_not_mix_and_inputs_stay(steps):
    rewards, discounts, values, mask = steps
    before = [array.copy() for array in steps]
    together = gae(rewards, discounts, values, mask, 0.9)
    for column in np.ndindex(SHAPE[1:]):
        at = (slice(None), *column)
        np.testing.assert_allclose(together[at], gae(rewards[at], discounts[at], values[at], mask[at], 0.9), atol=1e-14)
    for array, copy in zip(steps, before):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: discounted_returns([1.0, 2.0], 0.9), r"discounts must be .*\(2,\); got shape \(\)"),
        (lambda: discounted_returns(np.ones((2, 3)), np.ones((3, 2))), "discounts must be"),
        (lambda: discounted_returns(1.0, 1.0), "rewards must be"),
        (lambda: discounted_returns([1.0, np.nan], [1, 1]), "rewards must be finite"),
        (lambda: discounted_returns([1.0, np.inf], [1, 1]), "rewards must be finite"),
        (lambda: discounted_returns([1.0, 1.0], [1, np.nan]), "discounts must be finite"),
        (lambda: discounted_returns([1.0, 1.0], [1, 1.01]), r"discounts must be between 0 and 1; got 1.01"),
        (lambda: td_residuals([1.0, 1.0], [-0.01, 1], [1, 1, 1]), "discounts must be between 0 and 1; got -0.01"),
        (lambda: gae([1, 1], [2, 1], [1, 1, 1], [1, 1], 0.5), "discounts must be between 0 and 1; got 2.0"),
        (lambda: n_step_advantages([1, 1], [1, 9], [1, 1, 1], [1, 1], 1), "discounts must be between 0 and 1"),
        (lambda: gae([1, 1], [1, 1], [1, 1, 1], [1, 0.5], 0.5), r"mask must be 1 on real steps .*; got \[1.0, 0.5\]"),
        (lambda: n_step_advantages([1, 1], [1, 1], [1, 1, 1], [2, 1], 1), r"mask must be 1 on .*; got \[2.0, 1.0\]"),
        (lambda: gae([1, 1], [1, 1], [1, 1, 1], [1, np.nan], 0.5), "mask must be finite"),
        (lambda: discounted_returns("abc", [1]), "rewards must be numbers .*; got 'abc'"),
        (lambda: td_residuals(np.ones(2), np.ones(2), np.ones(2)), r"values must be \[T\+1, ...\] = \(3,\)"),
        (lambda: td_residuals(np.ones((2, 3)), np.ones((2, 3)), np.ones((3, 1))), "values must be"),
        (lambda: gae(np.ones(2), np.ones(2), np.ones(3), np.ones(3), 0.5), "mask must be"),
        (lambda: gae(np.ones(2), np.ones(2), np.ones(2), np.ones(2), 0.5), "values must be"),
        (lambda: gae(np.ones(2), np.ones(2), np.ones(3), np.ones(2), 1.5), "lam must be a number between 0 and 1"),
        (lambda: gae(np.ones(2), np.ones(2), np.ones(3), np.ones(2), np.nan), "lam must be"),
        (lambda: n_step_advantages([1], [1], [1, 1], [1], 0), "n must be a whole number of 1 or more; got 0"),
        (lambda: n_step_advantages([1], [1], [1, 1], [1], 1.5), "n must be a whole number of 1 or more; got 1.5"),
        (lambda: n_step_advantages([1], [1], [1, 1], [1], np.inf), "n must be a whole number of 1 or more; got inf"),
        (lambda: n_step_advantages([1], [1], [1, 1], [1], "3"), "n must be a whole number of 1 or more; got '3'"),
        (lambda: n_step_advantages([1], [1], [1], [1], 1), "values must be"),
        (lambda: n_step_advantages([1, 1], [1, 1], [1, 1, 1], [1], 1), "mask must be"),
    ],
)  # fmt: skip
def test_mistakes_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_values_that_diverged_are_not_blamed_on_the_rewards():
    """One run of many has a value that overflowed: its advantages are not numbers, those of the others are."""
    values = np.array([[0.0, 0.0], [0.0, np.nan], [0.0, 0.0]])
    found = gae(np.ones((2, 2)), np.ones((2, 2)), values, np.ones((2, 2)), 1.0)
    np.testing.assert_array_equal(found[:, 0], [2, 1])
    assert np.isnan(found[:, 1]).all()


@pytest.mark.parametrize("call", [
    lambda *steps: discounted_returns(steps[0], steps[1]), lambda *steps: td_residuals(*steps[:3]),
    lambda *steps: gae(*steps, 0.5), lambda *steps: n_step_advantages(*steps, 3),
])  # fmt: skip
def test_what_fades_to_nothing_is_no_mistake(call):
    """Also after np.seterr(all="raise"), which a student may have set to find their own."""
    steps = np.full(4, 3e-300), np.full(4, 1e-300), np.full(5, 1e-300), np.ones(4)
    expected = call(*steps)
    with np.errstate(all="raise"):
        with pytest.raises(FloatingPointError):
            steps[0] * steps[1]
        np.testing.assert_array_equal(call(*steps), expected)

"""Returns, advantages and targets: every check passes its references, and names every listed mistake."""

from functools import partial

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses
from test_returns import faded_in_full

from pgedu import discounted_returns
from pgedu.lessons import return_checks
from pgedu.lessons.checks import check_gae, check_returns, check_td_targets


def looped_returns(rewards, discounts):
    """Lists and loops, for one axis or two."""
    if rewards.ndim > 1:
        columns = zip(rewards.T.tolist(), discounts.T.tolist())
        return np.array([looped_returns(np.array(r), np.array(d)) for r, d in columns]).T.tolist()
    returns, following = [], 0
    for reward, discount in reversed(list(zip(rewards, discounts))):
        following = reward + discount * following
        returns.insert(0, following)
    return returns


def with_integer_array(rewards, discounts):
    returns = np.zeros_like(rewards)
    for t in reversed(range(len(rewards))):
        returns[t] = rewards[t] + (discounts[t] * returns[t + 1] if t + 1 < len(rewards) else 0)
    return returns


def returns_in_place(rewards, discounts):
    for t in reversed(range(len(rewards) - 1)):
        rewards[t] += discounts[t] * rewards[t + 1]
    return rewards


def later(x):
    return np.concatenate([x[1:], 0 * x[:1]])


def earlier(x):
    return np.concatenate([0 * x[:1], x[:-1]])


def per_step(x):
    return np.arange(len(x), 0, -1).reshape(-1, *[1] * (x.ndim - 1))


def powers(d):
    return np.cumprod(np.concatenate([np.ones_like(d[:1]), d[:-1]]), axis=0)


def backwards(*, residual=lambda r, d, now, after: r + d * after - now, keep=lambda m, d, lam: lam * m * d, mask=True):
    """GAE as a loop over time from the end, with parts to go wrong."""

    def advantages(r, d, v, m, lam):
        found, following = np.zeros_like(r), np.zeros_like(r[0])
        for t in reversed(range(len(r))):
            delta = residual(r[t], d[t], v[t], v[t + 1]) * (m[t] if mask else 1)
            found[t] = following = delta + keep(m[t] if mask else 1, d[t], lam) * following
        return found

    return advantages


def across_ends(r, d, v, m, lam, **settings):
    gamma = d[0]  # of each column
    return backwards(keep=lambda m, d, lam: lam * gamma, **settings)(r, d, v, m, lam)


def by_columns(r, d, v, m, lam):
    if r.ndim == 1:
        return faded_in_full(r, d, v, m, lam)
    return np.stack([faded_in_full(*column, lam) for column in zip(r.T, d.T, v.T, m.T)], axis=1)


def summed(r, factor):
    """Sums over k from t on, by their definition."""
    return [sum(factor(t, k) * r[k] for k in range(t, len(r))) for t in range(len(r))]


def appended(r, d, step=lambda r, d, after: r + d * after, reverse=True):
    """The loop with `append` that most people write."""
    found, following = [], 0 * r[0]
    for t in reversed(range(len(r))):
        following = step(r[t], d[t], following)
        found.append(following)
    return np.array(found[::-1] if reverse else found)


def scalars_only(rewards, discounts):
    returns = np.zeros(len(rewards))
    following = 0.0
    for t in reversed(range(len(rewards))):
        following = rewards[t] + discounts[t] * following
        returns[t] = following
    return returns


def scalars_gae(r, d, v, m, lam):
    found, following = np.zeros(len(r)), 0.0
    for t in reversed(range(len(r))):
        found[t] = following = m[t] * (r[t] + d[t] * v[t + 1] - v[t] + lam * d[t] * following)
    return found


def delta(r, d, v):
    return r + d * v[1:] - v[:-1]


def done_is_both(r, d, v, m, lam):
    """The value of what follows left out where the next row is no step of the same episode."""
    found, following = np.zeros_like(r), np.zeros_like(r[0])
    for t in reversed(range(len(r))):
        done = (d[t] == 0) | (m[t + 1] == 0 if t + 1 < len(r) else False)
        found[t] = following = m[t] * (r[t] + d[t] * np.where(done, 0, v[t + 1]) - v[t] + lam * d[t] * following)
    return found


def forwards(r, d, v, m, lam, own=False):
    found = m * delta(r, d, v)
    for t in range(1, len(r)):
        found[t] += lam * m[t] * (d[t] if own else d[t - 1]) * found[t - 1]
    return found


def targets(rewards, terminated, truncated, next_values, gamma):
    return rewards + gamma * (1 - terminated) * next_values


def targets_by_loops(rewards, terminated, truncated, next_values, gamma):
    T, B = rewards.shape
    return [[float(rewards[t, b]) if terminated[t, b] else rewards[t, b] + gamma * next_values[t, b] for b in range(B)]
            for t in range(T)]  # fmt: skip


def accumulated(r, end, cut, values, gamma):
    found = np.zeros_like(r)
    for t in reversed(range(len(r))):
        found[t] = r[t] + gamma * ~end[t] * (found[t + 1] if t + 1 < len(r) else values[t])
    return found


RIGHT = {
    check_returns: [discounted_returns, looped_returns, lambda r, d: discounted_returns(r, d).astype(np.float32), appended,
                    lambda r, d: summed(r, lambda t, k: np.prod(d[t:k], axis=0)), lambda r, d: list(appended(r, d))],
    check_gae: [backwards(), by_columns, lambda *steps: backwards()(*steps).astype(np.float32),
                lambda r, d, v, m, lam: summed(m * delta(r, d, v), lambda t, k: np.prod((lam * d * m)[t:k], axis=0))],
    check_td_targets: [targets, targets_by_loops, lambda r, end, cut, v, g: np.where(end, r, r + g * v),
                       lambda r, end, cut, v, g: r + g * v * ~end, lambda *steps: np.float32(targets(*steps))],
}  # fmt: skip
WRONG = [
    (check_returns, lambda r, d: -discounted_returns(r, d), "-1 times"),
    (check_returns, lambda r, d: discounted_returns(r, d)[:1] + 0 * r, "Past rewards kept"),
    (check_returns, lambda r, d: discounted_returns(r, d)[0], "Wrong shape: (5,) is needed, yours is ()"),
    (check_returns, lambda r, d: r[::-1].cumsum(axis=0)[::-1], "discounts are not used"),
    (check_returns, lambda r, d: discounted_returns(r, np.full_like(d, d[0])), "across an episode's end"),
    (check_returns, lambda r, d: later(discounted_returns(r, d)), "One step off"),
    (check_returns, lambda r, d: discounted_returns(r, d) - r, "One step off"),
    (check_returns, lambda r, d: discounted_returns(r, earlier(d)), "One step off"),
    (check_returns, lambda r, d: discounted_returns(r, later(d)), "One step off"),
    (check_returns, lambda r, d: powers(d) * discounted_returns(r, d), "gamma^t is doubled"),
    (check_returns, lambda r, d: discounted_returns(r, d) / per_step(r), "mean over time"),
    (check_returns, lambda r, d: discounted_returns(r, d) / len(r), "mean over time"),
    (check_returns, with_integer_array, "integers cut decimals off"),
    (check_returns, returns_in_place, "changes rewards, which"),
    (check_returns, lambda r, d: discounted_returns(r, d) / (d > 0), "NaN or infinity"),
    (check_gae, backwards(keep=lambda m, d, lam: m * d), "Lambda is not used"),
    (check_gae, backwards(keep=lambda m, d, lam: 0), "This is the TD residual alone"),
    (check_gae, backwards(keep=lambda m, d, lam: lam * m * (d > 0)), "The discount is missing beside lambda"),
    (check_gae, backwards(mask=False), "Right, but not cut where an episode was truncated"),
    (check_gae, across_ends, "You carry on across an episode's end"),
    (check_gae, lambda *steps: steps[3] * across_ends(*steps, mask=False), "mask is applied to the result alone"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, np.full_like(d, 1) * d[0], v, m, lam),
     "Where an episode terminated, the value of what follows still counts"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, lam) + m * v[:-1], "v(s_t) is not subtracted"),
    (check_gae, lambda r, d, v, m, lam: discounted_returns(m * (r + d * v[1:]), lam * m * d), "lacks its last term"),
    (check_gae, lambda *steps: -backwards()(*steps), "check the sign"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, 1 - lam), "1 - lam stands where lam belongs"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, lam)[0], "Wrong shape: (3,) is needed, yours is ()"),
    (check_returns, lambda r, d: appended(r, d, reverse=False), "Turned round in time"),
    (check_returns, lambda r, d: appended(r, d, step=lambda r, d, after: d * (r + after)), "discounted once too often"),
    (check_returns, lambda r, d: d[0] * discounted_returns(r, d), "discounted once too often"),
    (check_returns, lambda r, d: summed(r, lambda t, k: d[t] ** (k - t)), "Powers of one discount are not their product"),
    (check_returns, lambda r, d: summed(r, lambda t, k: d[k] ** (k - t)), "Powers of one discount are not their product"),
    (check_returns, lambda r, d: summed(r, lambda t, k: d[k - 1] ** (k - t)), "Powers of one discount are not their product"),
    (check_returns, lambda r, d: summed(r, lambda t, k: d[0] ** k), "count from the episode's start"),
    (check_returns, lambda r, d: summed(r, lambda t, k: np.prod(d[: k + 1], axis=0)), "cumprod needs a shift"),
    (check_returns, lambda r, d: np.cumprod(d, axis=0) * discounted_returns(r, d), "cumprod needs a shift"),
    (check_returns, lambda r, d: appended(r[::-1], d[::-1], reverse=False), "You add up forwards"),
    (check_returns, lambda r, d: appended(r[::-1], d[::-1]), "You add up forwards"),
    (check_returns, lambda r, d: np.cumsum(r, axis=0), "You add up forwards"),
    (check_returns, lambda r, d: r + d * later(r), "Only one step ahead"),
    (check_returns, lambda r, d: discounted_returns(np.where(d > 0, r, 0), d), "The last reward of an episode is lost"),
    (check_returns, lambda r, d: d * r, "still to be added up"), (check_returns, lambda r, d: r * 1, "These are the rewards"),
    (check_returns, scalars_only, "Right for one axis, shape (5,), but others may follow, as in (5, 2) here"),
    (check_returns, lambda r, d: appended(r, d)[:, 0] if r.ndim > 1 else appended(r, d), "Yours has the first of these axes"),
    (check_returns, lambda r, d: discounted_returns(r, d).T, "Yours is transposed"),
    (check_returns, lambda r, d: np.concatenate([discounted_returns(r, d), 0 * r[:1]]), "Yours has one row too many"),
    (check_gae, done_is_both, "You treat truncated as terminated (done = terminated or truncated)"),
    (check_gae, lambda r, d, v, m, lam: m * backwards(mask=False)(r, d, v, m, lam), "mask is applied to the result alone"),
    (check_gae, backwards(residual=lambda r, d, now, after: r + d * now - now), "The value of what follows is values[t + 1]"),
    (check_gae, backwards(residual=lambda r, d, now, after: r + d * now - after), "The value of what follows is values[t + 1]"),
    (check_gae, backwards(residual=lambda r, d, now, after: r + after - now), "The discount is missing before the value"),
    (check_gae, backwards(residual=lambda r, d, now, after: r + (d > 0) * after - now), "The discount is missing before"),
    (check_gae, backwards(residual=lambda r, d, now, after: r - d * after + now), "The wrong sign"),
    (check_gae, backwards(residual=lambda r, d, now, after: r + d * after + now), "The last term has the wrong sign"),
    (check_gae, backwards(residual=lambda r, d, now, after: r - now), "The TD residual lacks what follows"),
    (check_gae, backwards(residual=lambda r, d, now, after: d * after - now), "The reward is missing in the TD residual"),
    (check_gae, forwards, "You add up forwards"), (check_gae, partial(forwards, own=True), "You add up forwards"),
    (check_gae, lambda *steps: backwards()(*steps)[::-1], "Turned round in time"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, np.concatenate([v[:-1], 0 * v[-1:]]), m, lam),
     "The end of the rows is no end of an episode"),
    (check_gae, lambda r, d, v, m, lam: m * (delta(r, d, v) + lam * d * later(m * delta(r, d, v))), "Only one step ahead"),
    (check_gae, lambda r, d, v, m, lam: discounted_returns(m * delta(r, d, v), lam * m * later(d)),
     "The factor is of the wrong row"),
    (check_gae, lambda r, d, v, m, lam: backwards()(r, d, v, m, lam) + v[:-1], "v(s_t) is not subtracted"),
    (check_gae, scalars_gae, "Right for one axis, shape (3,), but others may follow, as in (6, 3) here"),
    (check_td_targets, lambda r, end, cut, v, g: r + g * (1 - (end | cut)) * v, "You cut where `terminated or truncated`"),
    (check_td_targets, lambda r, end, cut, v, g: r + g * v, "Nothing is cut"),
    (check_td_targets, lambda r, end, cut, v, g: r + g * ~cut * v, "You cut where the episode was truncated, and not"),
    (check_td_targets, lambda r, end, cut, v, g: r + ~end * v, "gamma is missing"),
    (check_td_targets, lambda r, end, cut, v, g: g * (r + ~end * v), "gamma is in the wrong place"),
    (check_td_targets, lambda r, end, cut, v, g: g * r + ~end * v, "gamma is in the wrong place"),
    (check_td_targets, lambda r, end, cut, v, g: ~end * (r + g * v), "The last reward is lost"),
    (check_td_targets, lambda r, end, cut, v, g: ~(end | cut) * (r + g * v), "The last reward is lost"),
    (check_td_targets, lambda r, end, cut, v, g: g * ~end * v, "The reward is missing"),
    (check_td_targets, lambda r, end, cut, v, g: r + g * end * v, "The wrong way round"),
    (check_td_targets, lambda r, end, cut, v, g: r + g * cut * v, "only where the episode was truncated"),
    (check_td_targets, lambda r, end, cut, v, g: r + g * (~end | cut) * v, "both terminated and was truncated"),
    (check_td_targets, accumulated, "You add up all that follows"),
    (check_td_targets, lambda r, end, cut, v, g: targets(r, end, cut, np.roll(v, -1, 0), g), "of the wrong row"),
    (check_td_targets, lambda r, end, cut, v, g: targets(r, end, cut, np.roll(v, 1, 0), g), "of the wrong row"),
    (check_td_targets, lambda r, end, cut, v, g: targets(r, end, cut, np.vstack([v[1:], v[-1:]]), g), "of the wrong row"),
    (check_td_targets, lambda r, end, cut, v, g: targets(r, end, cut, np.vstack([v[1:], 0 * v[:1]]), g), "of the wrong row"),
    (check_td_targets, lambda r, end, cut, v, g: targets(r, end, cut, np.vstack([v[:1], v[:-1]]), g), "of the wrong row"),
    (check_td_targets, lambda r, end, cut, v, g: targets(r, end, cut, np.vstack([0 * v[:1], v[:-1]]), g), "of the wrong row"),
    (check_td_targets, lambda *steps: -targets(*steps), "check the sign"),
    (check_td_targets, lambda r, end, cut, v, g: r[:-1] + g * v[1:], "Wrong shape"),
    (check_returns, lambda r, d: d * discounted_returns(r, d), "discounted once too often"),
    (check_returns, lambda r, d: r.sum(axis=0) + 0 * r, "every row is the sum of all rewards"),
    (check_returns, lambda r, d: [r[t] + d[t] * r[t + 1 :].sum(axis=0) for t in range(len(r))], "discounted once only"),
    (check_gae, lambda r, d, v, m, lam: discounted_returns(r, d) - v[:-1], "the return of the rewards minus the value"),
    (check_gae, lambda r, d, v, m, lam: m * (discounted_returns(r, d) - v[:-1]), "the return of the rewards minus the value"),
    (check_gae, lambda r, d, v, m, lam: backwards(residual=lambda r, d, now, after: r + lam * d * after - now)(r, d, v, m, lam),
     "lam does not belong into the TD residual"),
    (check_gae, backwards(keep=lambda m, d, lam: 1), "The residuals are added up without their factor"),
    (check_returns, lambda r, d: discounted_returns(r, d) + (np.arange(len(r)) == 4).reshape(-1, *[1] * (r.ndim - 1)),
     "The last row is wrong already: begin to look there."),
    (check_returns, lambda r, d: discounted_returns(r, d) + (np.arange(len(r)) < 2).reshape(-1, *[1] * (r.ndim - 1)),
     "The rows behind t = 1 are right, this one is not: begin to look there."),
    (check_gae, backwards(keep=lambda m, d, lam: lam**2 * m * d), "The rows behind t = 1 are right, this one is not"),
    (check_td_targets, lambda r, end, cut, v, g: np.where(cut, v, targets(r, end, cut, v, g)),
     "Only steps that were truncated are wrong."),
    (check_td_targets, lambda r, end, cut, v, g: np.where(end, v, targets(r, end, cut, v, g)),
     "Only steps that terminated are wrong."),
    (check_td_targets, lambda r, end, cut, v, g: np.where(end | cut, r + g * (1 - end) * v, v),
     "Only steps that neither terminated nor were truncated are wrong."),
    (check_td_targets, lambda r, end, cut, v, g: r + g * v.max(), "and the right one [[-1. , 5.25], [ 1.4 , -2. ]]."),
]  # fmt: skip


@pytest.mark.parametrize(("check", "number"), each_with_its_number(RIGHT))
def test_right_answers_pass_however_they_are_written(check, number):
    passes(check, RIGHT[check][number])


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_each_wrong_answer_gets_its_own_message(number):
    refuses(*WRONG[number])


@pytest.mark.parametrize(("check", "mistakes"), [
    (check_returns, return_checks.RETURN_MISTAKES), (check_gae, return_checks.GAE_MISTAKES),
    (check_td_targets, return_checks.TARGET_MISTAKES),
])  # fmt: skip
def test_each_mistake_is_told_from_all_others(check, mistakes):
    named_alone(check, mistakes)

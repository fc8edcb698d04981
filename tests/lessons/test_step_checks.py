"""Policy gradient, natural step, clipped weights: every check passes its references, and names every listed mistake."""

import numpy as np
import pytest
from judging import each_with_its_number, named_alone, passes, refuses

from pgedu import Policy, Table, exact_gradient, random_mdp, solve
from pgedu.lessons import step_checks
from pgedu.lessons.checks import check_clipped_weights, check_natural_step, check_policy_gradient


def gradient(visits, probabilities, action_values):
    v = (probabilities * action_values).sum(axis=-1, keepdims=True)
    return visits[:, None] * probabilities * (action_values - v)


def gradient_by_loops(visits, probabilities, action_values):
    """Sum over states and actions of visits, probability, value and score."""
    found = [[0.0] * len(row) for row in probabilities]
    for s, row in enumerate(probabilities):
        for a, p in enumerate(row):
            for b, other in enumerate(row):
                found[s][b] += visits[s] * p * action_values[s][a] * ((a == b) - other)
    return found


def gradient_by_differences(visits, probabilities, action_values, step=1e-6):
    """The slope of sum_s visits(s) sum_a pi(a|s) q(s, a), of which only pi moves."""

    def total(h):
        pi = np.exp(h) / np.exp(h).sum(axis=1, keepdims=True)
        return (visits[:, None] * pi * action_values).sum()

    h, found = np.log(probabilities), np.zeros(probabilities.shape)
    for place in np.ndindex(h.shape):
        nudge = np.zeros(h.shape)
        nudge[place] = step
        found[place] = (total(h + nudge) - total(h - nudge)) / (2 * step)
    return found


def natural(fisher, gradient, delta):
    x = np.linalg.solve(fisher, gradient)
    return np.sqrt(2 * delta / (gradient @ x)) * x


def natural_by_multiplier(fisher, gradient, delta):
    """The step that maximises gradient . step under 1/2 step' F step = delta, along the ellipse's own axes."""
    widths, axes = np.linalg.eigh(fisher)
    round_ = (axes.T @ gradient) / np.sqrt(widths)  # where the ellipse is a circle, the gradient itself is steepest
    return axes @ (np.sqrt(2 * delta) * round_ / np.linalg.norm(round_) / np.sqrt(widths))


def inverse_step(F, g, delta=None):
    return np.linalg.inv(F) @ g


def mean(x, axis=1):
    return x.mean(axis=axis, keepdims=True)


def v(p, q):
    return np.einsum("sa,sa->s", p, q)[:, None]


def clipped_by_cases(r, A, c):
    return [0.0 if (a > 0 and x > 1 + c) or (a < 0 and x < 1 - c) else x * a for x, a in zip(r, A)]


def clipped_by_slope(r, A, c, step=1e-6):
    surrogate = lambda x: np.minimum(x * A, np.clip(x, 1 - c, 1 + c) * A)  # noqa: E731
    return r * (surrogate(r + step) - surrogate(r - step)) / (2 * step)


RIGHT = {
    check_policy_gradient: [gradient, gradient_by_loops, gradient_by_differences,
                            lambda d, p, q: gradient(d, p, q).astype("f4"), lambda d, p, q: np.diag(d) @ (p * q - p * v(p, q))],
    check_natural_step: [natural, natural_by_multiplier, lambda F, g, delta: natural(F, g, delta).tolist(),
                         lambda F, g, delta: np.linalg.pinv(F) @ g / np.sqrt(g @ np.linalg.inv(F) @ g / 2 / delta)],
    check_clipped_weights: [clipped_by_cases, clipped_by_slope, lambda r, A, c: r * A * (np.sign(A) * (r - 1) <= c)],
}  # fmt: skip
WRONG = [
    (check_policy_gradient, lambda d, p, q: p * (q - v(p, q)), "The visits are missing"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * (q - v(p, q)), "The probability is missing"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * q, "v(s) is not subtracted"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - mean(q)), "not the plain mean over the actions"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - q.sum(1, keepdims=True)), "not the sum of q(s, a)"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - q.max(1)[:, None]), "not the largest of them"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - (p * q).sum()), "one number in all states"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - v(p, q).mean()), "one number in all states"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - d @ v(p, q)), "one number in all states"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - np.average(v(p, q)[:, 0], weights=d)), "one number in all"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - (p * q).sum(axis=1)), "v(s) is subtracted along the actions"),
    (check_policy_gradient, lambda d, p, q: d * p * (q - np.einsum("sa,sa->s", p, q)), "Visits and v(s) run along the actions"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (1 - p) * q, "pi (1 - pi) is only half of it"),
    (check_policy_gradient, lambda d, p, q: gradient(d / d.sum(), p, q), "You brought the visits to a sum of 1"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * (q - p * q.sum(1)[:, None]), "without pi(b|s)"),
    (check_policy_gradient, lambda d, p, q: -gradient(d, p, q), "check the sign"),
    (check_policy_gradient, lambda d, p, q: gradient(d, p, q).sum(axis=1), "Wrong shape: (2, 2) is needed, yours is (2,)"),
    (check_natural_step, lambda F, g, delta: F @ g, "F g where F^-1 g is needed"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ F @ g)) * (F @ g), "F g where F^-1 g is needed"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ F @ F @ F @ g)) * (F @ g), "F g where F^-1 g is needed"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ inverse_step(F, g))) * (F @ g), "F g where F^-1 g"),
    (check_natural_step, lambda F, g, delta: natural(F, g, delta / 2), "The factor 2 is missing"),
    (check_natural_step, lambda F, g, delta: 2 * delta / (g @ inverse_step(F, g)) * inverse_step(F, g), "The root is mis"),
    (check_natural_step, lambda F, g, delta: delta / (g @ inverse_step(F, g)) * inverse_step(F, g), "The root is missing"),
    (check_natural_step, lambda F, g, delta: g, "the plain gradient, scaled"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ F @ g)) * g, "the plain gradient, scaled"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta) * g / np.linalg.norm(g), "the plain gradient, scaled"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ inverse_step(F, g))) * g, "the plain gradient"),
    (check_natural_step, inverse_step, "its length is not set"),
    (check_natural_step, lambda F, g, delta: delta * inverse_step(F, g), "delta is no learning rate"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta) * inverse_step(F, g), "sqrt(2 delta) alone is not"),
    (check_natural_step, lambda F, g, delta: delta / np.sqrt(2 * delta) * natural(F, g, delta), "delta stands outside"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta) * natural(F, g, delta), "delta stands outside the root"),
    (check_natural_step, lambda F, g, delta: np.sqrt(delta) * natural(F, g, delta), "delta stands outside the root"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta) * inverse_step(F, g) / np.linalg.norm(inverse_step(F, g)),
     "You set the plain length"),
    (check_natural_step, lambda F, g, delta: delta * inverse_step(F, g) / np.linalg.norm(inverse_step(F, g)),
     "You set the plain length"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ F @ g)) * inverse_step(F, g), "under the root stands"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / (g @ g)) * inverse_step(F, g), "under the root stands"),
    (check_natural_step, lambda F, g, delta: np.sqrt(g @ inverse_step(F, g) / (2 * delta)) * inverse_step(F, g),
     "under the root stands"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta * (g @ inverse_step(F, g))) * inverse_step(F, g),
     "under the root stands"),
    (check_natural_step, lambda F, g, delta: F**-1 @ g, "1 / F inverts each number by itself"),
    (check_natural_step, lambda F, g, delta: np.sqrt(2 * delta / abs(g @ (1 / F) @ g)) * ((1 / F) @ g), "1 / F inverts each"),
    (check_natural_step, lambda F, g, delta: natural(np.diag(np.diag(F)), g, delta), "Only the diagonal of F"),
    (check_natural_step, lambda F, g, delta: -natural(F, g, delta), "check the sign"),
    (check_natural_step, lambda F, g, delta: np.linalg.inv(F) * g, "Wrong shape: (2,) is needed, yours is (2, 2)"),
    (check_clipped_weights, lambda r, A, c: r * A * (r <= 1 + c), "Clipped above only"),
    (check_clipped_weights, lambda r, A, c: np.minimum(r * A, np.clip(r, 1 - c, 1 + c) * A), "the surrogate itself"),
    (check_clipped_weights, lambda r, A, c: r * A * (abs(r - 1) <= c), "Clipped whatever the sign of A"),
    (check_clipped_weights, lambda r, A, c: r * A * (np.sign(A) * (1 - r) <= c), "The sides are swapped"),
    (check_clipped_weights, lambda r, A, c: A * (np.sign(A) * (r - 1) <= c), "The ratio is missing"),
    (check_clipped_weights, lambda r, A, c: r * A, "Nothing is clipped"),
    (check_clipped_weights, lambda r, A, c: np.clip(r, 1 - c, 1 + c) * A, "which is flat there: 0."),
    (check_clipped_weights, lambda r, A, c: -r * A * (np.sign(A) * (r - 1) <= c), "check the sign"),
    (check_clipped_weights, lambda r, A, c: r * A * (np.sign(A) * (r - 1) <= 0.2), "The clip is 0.2 whatever"),
    (check_clipped_weights, lambda r, A, c: r * A * (r >= 1 - c), "Clipped below only: a good action, A > 0"),
    (check_clipped_weights, lambda r, A, c: np.where((A > 0) & (r > 1 + c), 0, r * A), "Only good actions are clipped"),
    (check_clipped_weights, lambda r, A, c: np.where((A < 0) & (r < 1 - c), 0, r * A), "Only bad actions are clipped"),
    (check_clipped_weights, lambda r, A, c: r * A * (np.sign(A) * (r - 1) > c), "The wrong way round"),
    (check_clipped_weights, lambda r, A, c: np.clip(r, 1 - c, 1 + c), "A is missing: these are the clipped ratios"),
    (check_clipped_weights, lambda r, A, c: r * (np.sign(A) * (r - 1) <= c), "A is missing: you return the ratio"),
    (check_clipped_weights, lambda r, A, c: A * 1, "Neither is there a ratio nor is anything clipped"),
    (check_clipped_weights, lambda r, A, c: np.mean(clipped_by_cases(r, A, c)), "Yours is a single number: perhaps a sum too"),
    (check_clipped_weights, lambda r, A, c: np.where(r * A < np.clip(r, 1 - c, 1 + c) * A, r * A, 0), "Within the clip both"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - mean(p * q)), "not the mean of these products"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * p * (q - (p * q).sum(axis=0)), "yours runs over the states"),
    (check_policy_gradient, lambda d, p, q: d * p * (q - v(p, q)), "visits[:, None] gives each state its own"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * (p * q - v(p, q)), "Brackets: pi times (q minus v)"),
    (check_policy_gradient, lambda d, p, q: p * q, "Neither visits nor v(s)"),
    (check_policy_gradient, lambda d, p, q: d[:, None] * q, "Components must sum to 0; yours sum to [4., 5.]."),
    (check_natural_step, lambda F, g, delta: inverse_step(F, g) / np.linalg.norm(inverse_step(F, g)),
     "The direction is right, the length is not: 1/2 step' F step is 0.16 where delta is 0.02."),
    (check_natural_step, lambda F, g, delta: natural(F + np.eye(len(F)), g, delta) * np.sqrt(2 * delta / (
        natural(F + np.eye(len(F)), g, delta) @ F @ natural(F + np.eye(len(F)), g, delta))), "The length is right"),
    (check_natural_step, lambda F, g, delta: delta * g, "your answer is [ 0.02, -0.01] and the right one [ 0.158, -0.316]."),
    (check_clipped_weights, lambda r, A, c: np.minimum(r, 1 + c) * A,
     "The first that is wrong: ratio 1.3 and A = 2 give 0., not 2.4."),
]  # fmt: skip


@pytest.mark.parametrize(("check", "number"), each_with_its_number(RIGHT))
def test_right_answers_pass_however_they_are_written(check, number):
    passes(check, RIGHT[check][number])


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_each_wrong_answer_gets_its_own_message(number):
    refuses(*WRONG[number])


def test_the_formula_that_is_asked_for_is_the_exact_gradient_of_a_table():
    world = random_mdp(np.random.default_rng(3), states=4, actions=3)
    policy = Policy.softmax(Table(world.n_observations, 3))
    theta = np.random.default_rng(4).normal(size=policy.size)
    found = solve(world, policy, theta)
    exact = exact_gradient(world, policy, theta).reshape(5, 3)
    assert gradient(found.visits, found.probabilities, found.action_values) == pytest.approx(exact)


def test_the_natural_step_has_the_length_that_is_asked_for_and_none_of_that_length_climbs_higher():
    rng = np.random.default_rng(5)
    F, g, delta = np.array([[2.0, 0.6], [0.6, 0.5]]), np.array([1.0, -0.5]), 0.02
    step = natural(F, g, delta)
    assert step @ F @ step / 2 == pytest.approx(delta)
    others = rng.normal(size=(1000, 2))
    others *= np.sqrt(2 * delta / np.einsum("nd,de,ne->n", others, F, others))[:, None]
    assert (others @ g).max() <= g @ step


@pytest.mark.parametrize(("check", "mistakes"), [
    (check_policy_gradient, step_checks.GRADIENT_MISTAKES), (check_natural_step, step_checks.STEP_MISTAKES),
    (check_clipped_weights, step_checks.CLIP_MISTAKES),
])  # fmt: skip
def test_each_mistake_is_told_from_all_others(check, mistakes):
    named_alone(check, mistakes)

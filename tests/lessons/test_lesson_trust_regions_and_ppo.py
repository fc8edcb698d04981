"""Notebook 07: what its cells compute against series, differences and simulation, and its pictures at both ends of every control."""

import inspect

import numpy as np
import pytest
from cells_of_notebook import corners, drawn, run
from matplotlib.figure import Figure

from pgedu import ppo, trpo
from pgedu.lessons.ppo_live import cartpole, climbing, stage
from pgedu.lessons.trust_regions_and_ppo import first_passes

NAME = "07_trust_regions_and_ppo"
WORLD = "cell-04", "cell-05", "cell-09", "cell-11"


@pytest.fixture(scope="module")
def plans():
    """The cells up to the natural gradient's race, and their three panels."""
    return run(NAME, *WORLD, "cell-19", "cell-21", "cell-22", "cell-29", "cell-31")


def customers(x, y, months=400):
    """J and discounted visits (basic, premium), by following the shares of customers month by month."""
    keep = 1 / (1 + np.exp(-np.array([x, y])))
    shares, discount, J, visits = np.array([0.8, 0.2]), 1.0, 0.0, np.zeros(2)
    for _ in range(months):
        J += discount * shares @ (keep * [1, 2])
        visits += discount * shares
        shares = shares * keep + (shares * (1 - keep))[::-1]
        discount *= 0.9
    return J, visits


def slopes(x, y, step=1e-5):
    return np.array([
        customers(x + step, y)[0] - customers(x - step, y)[0], customers(x, y + step)[0] - customers(x, y - step)[0],
    ]) / (2 * step)  # fmt: skip


@pytest.mark.parametrize("x, y", [(0.0, 0.0), (2.0, -2.0), (-1.0, 4.0)])
def test_return_and_gradient_are_those_of_customers_followed_month_by_month(plans, x, y):
    scope, _ = plans
    assert scope["return_at"](x, y) == pytest.approx(customers(x, y)[0], rel=1e-9)
    np.testing.assert_allclose(scope["gradient_at"](x, y), slopes(x, y), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("start", [(0.0, 0.0), (2.0, 0.0), (-2.0, 0.0)])
@pytest.mark.parametrize("clip", [0.01, 0.2, 1.0])
def test_measures_are_those_of_advantages_month_by_month(plans, start, clip):
    """Advantages from the values of the two plans, which solve V = p (r + 0.9 V) + (1 - p) 0.9 V(other)."""
    scope, _ = plans
    J, L, clipped, kl, share, beyond = scope["measures"](start, clip)
    old = np.stack([1 / (1 + np.exp(start)), 1 / (1 + np.exp(-np.array(start)))], axis=-1)  # [plan, (switch, keep)]
    other = np.eye(2)[::-1]
    V = np.linalg.solve(np.eye(2) - 0.9 * (old[:, 1:] * np.eye(2) + old[:, :1] * other), old[:, 1] * [1, 2])
    A = np.stack([0.9 * V[::-1], [1, 2] + 0.9 * V], axis=-1) - V[:, None]
    now, visits = customers(*start)
    direction = slopes(*start) / np.linalg.norm(slopes(*start))
    for i in (0, 20, 160, 320):
        x, y = start + scope["lengths"][i] * direction
        new = np.array([[1 / (1 + np.exp(z)), 1 / (1 + np.exp(-z))] for z in (x, y)])
        r, d = new / old, visits[:, None] / visits.sum()
        assert J[i] == pytest.approx(customers(x, y)[0], rel=1e-6)
        assert L[i] == pytest.approx(now + (visits[:, None] * new * A).sum(), rel=1e-6)
        least = np.minimum(r * A, np.clip(r, 1 - clip, 1 + clip) * A)
        assert clipped[i] == pytest.approx(now + (visits[:, None] * old * least).sum(), rel=1e-6)
        assert kl[i] == pytest.approx((d * old * np.log(old / new)).sum(), rel=1e-5, abs=1e-12)
        assert share[i] == pytest.approx((d * old * (abs(r - 1) > clip)).sum(), rel=1e-6)
        np.testing.assert_array_equal(beyond[i], abs(r - 1) > clip)


def test_surrogate_touches_the_return_at_the_old_policy(plans):
    scope, _ = plans
    along = lambda x, y: scope["surrogate"](scope["policy"].probabilities(scope["at"](x, y), np.array([0, 1])))  # noqa: E731
    assert along(0.0, 0.0) == pytest.approx(0, abs=1e-12)
    found = [along(1e-5, 0.0) - along(-1e-5, 0.0), along(0.0, 1e-5) - along(0.0, -1e-5)]
    np.testing.assert_allclose(np.array(found) / 2e-5, slopes(0.0, 0.0), rtol=1e-6)


@pytest.mark.parametrize("stretch", [0.2, 1.0, 5.0])
def test_first_step_of_both_paths(plans, stretch):
    """Of the gradient by (x, u), from differences; of the natural gradient from a Fisher matrix that is a curved KL."""
    scope, _ = plans
    x, y, alpha, step = 2.0, -2.0, 0.3, 1e-3
    way = scope["paths"](x, y, alpha, stretch)
    assert way.shape == (31, 2, 2) and way[0].tolist() == [[x, y], [x, y]]
    scale = np.array([1.0, stretch])
    by_u = scale * slopes(x, y)
    np.testing.assert_allclose(way[1, 0] - way[0, 0], scale * alpha * by_u, rtol=1e-5)
    share = customers(x, y)[1] / customers(x, y)[1].sum()
    p, moved = (1 / (1 + np.exp(-(np.array([x, y]) + change * scale))) for change in (0.0, step))
    kl = share * (p * np.log(p / moved) + (1 - p) * np.log((1 - p) / (1 - moved)))
    natural = by_u / (2 * kl / step**2)
    np.testing.assert_allclose(way[1, 1] - way[0, 1], scale * 0.02 * natural, rtol=1e-2)
    np.testing.assert_allclose(way[:, 1], scope["paths"](x, y, alpha, 1.0)[:, 1])  # it does not care about the stretch


def test_pictures_of_steps_microscope_and_race(plans):
    scope, [step, lens, race] = plans
    for view, controls in (step, lens, race):
        figure, draw = drawn(view, empty=True)  # with a clip of 1 and a short way no pair may pass
        for values in corners(controls):
            draw(**values)
    values = {"x": 2.0, "y": -2.0, "alpha": 0.3, "stretch": 1.0}
    sentence, way = draw(**values), scope["paths"](**values)
    np.testing.assert_allclose(np.transpose([line.get_data() for line in figure.axes[0].lines], (2, 0, 1)), way)
    plain, natural = ([customers(*place)[0] for place in way[:, k]] for k in (0, 1))
    np.testing.assert_allclose([line.get_ydata() for line in figure.axes[1].lines[1:]], [plain, natural], rtol=1e-6)
    assert f"is {plain[10]:.1f} and {plain[30]:.1f} along the gradient, " in sentence
    assert sentence.endswith(f"{natural[10]:.1f} and {natural[30]:.1f} along the natural gradient.")


def test_picture_of_one_step_is_on_the_curve_and_under_the_tangent(plans):
    scope, [(view, _), *_] = plans
    figure, draw = drawn(view)
    sentence = draw(start=(2.0, 0.0), alpha=0.5)
    g = slopes(2.0, 0.0)
    assert f"to {customers(*((2.0, 0.0) + 0.5 * g))[0]:.2f}; " in sentence
    assert f"the slope promised {customers(2.0, 0.0)[0] + 0.5 * g @ g:.2f}." in sentence
    curve, tangent, here = figure.axes[1].lines
    assert here.get_xdata()[0] == 0.5 and here.get_ydata()[0] == pytest.approx(np.interp(0.5, *curve.get_data()), abs=1e-3)
    np.testing.assert_allclose(np.diff(tangent.get_ydata())[0] / 4, g @ g, rtol=1e-6)


def test_microscope_says_what_was_measured(plans):
    scope, [_, (view, _), _] = plans
    figure, draw = drawn(view)
    sentence = draw(start=(0.0, 0.0), clip=0.2, step=3.0)
    *values, beyond = scope["measures"]((0.0, 0.0), 0.2)
    J, L, clipped, kl, share = (value[60] for value in values)
    assert f"J = {J:.2f}; the surrogate says {L:.2f}, the clipped surrogate {clipped:.2f}. KL = {kl:.3f}; " in sentence
    passes = figure.axes[0].lines[3].get_xdata().reshape(4, 3)[:, 0]
    for pair, where in zip(beyond.reshape(-1, 4).T, passes):
        assert pair[scope["lengths"] >= where].all() and not pair[scope["lengths"] < where].any()


def test_first_passes():
    beyond = np.zeros((4, 2, 2), dtype=bool)
    beyond[2:, 0, 1] = beyond[0, 1, 0] = beyond[3, 1, 1] = True
    np.testing.assert_array_equal(first_passes(np.array([0.0, 0.5, 1.0, 1.5]), beyond), [np.nan, 1.0, 0.0, 1.5])


def test_picture_of_the_brakes():
    _, [(view, controls)] = run(NAME, "cell-46")
    figure, draw = drawn(view)
    assert "a bad one down without end" in draw(clip=1.5)
    for values in corners(controls) + [{"clip": 0.2}]:
        sentence = draw(**values)
    assert "until its ratio is 1.20, a bad one down until it is 0.80" in sentence
    for axes, A in zip(figure.axes, (1.0, -1.0)):
        value, weight, start = axes.lines
        r, y = value.get_data()
        np.testing.assert_allclose(y, np.minimum(r * A, np.clip(r, 0.8, 1.2) * A))
        inside = (abs(r - 0.8) > 0.01) & (abs(r - 1.2) > 0.01)
        np.testing.assert_allclose(weight.get_ydata()[inside], (r * np.gradient(y, r))[inside], atol=1e-9)
        assert start.get_data() == ([1], [A])


@pytest.mark.parametrize("number", [0, 1])
def test_pictures_of_trpo_and_of_the_missing_sign(number):
    scope, panels = run(NAME, "cell-39", "cell-69")
    start, view, controls = panels[number]
    for values in corners(controls):
        rng = {"rng": np.random.default_rng(0)}
        training = start(**rng, **{name: values[name] for name in inspect.signature(start).parameters if name in values})
        for name in values.keys() & {"max_kl"}:
            setattr(training, name, values[name])
        figure, draw = drawn(view)
        records = [next(training) for _ in range(5)]
        sentence = draw(new=records)
        J = scope["exact_return"](scope["shop"], scope["buyer"], records[-1].theta)
        kl = np.maximum(records[-1].details["kl"], 1e-5).mean()
        assert sentence.startswith(f"The exact J is {J.mean():.2f} ") and sentence == draw(new=[])
        assert sentence.endswith(f"a mean KL of {kl:.1g}.")


def test_campaign_is_drawn_in_the_colour_of_its_method():
    colors = []
    for method in (trpo, ppo):
        figure = Figure()
        climbing(method, None, None)(figure)
        colors.append(figure.axes[1].lines[0].get_color())
    assert colors == ["#009E73", "#D55E00"]


@pytest.mark.parametrize("cell", ["cell-53", "cell-65"])
def test_picture_of_ppo_on_cartpole(cell):
    start, view, controls = run(NAME, "cell-50", "cell-53", cell)[1][-1]
    assert view is cartpole
    for values in (corners(controls)[0], corners(controls)[-1]):
        training = start(np.random.default_rng(0))
        for name, value in values.items():
            assert hasattr(training, name)
            setattr(training, name, value)
        figure, draw = drawn(view)
        records = [next(training) for _ in range(5)]
        sentence = draw(new=records)
        assert sentence == draw(new=[])
        assert f"{100 * records[-1].details['clipped'].mean():.0f} % of the samples" in sentence
        assert f"is {np.nanmean(np.nanmean(records[-1].returns, axis=1)):.0f}." in sentence
        assert f"the mean KL is {np.maximum(records[-1].details['kl'], 1e-5).mean():.1g}, " in sentence
        now = next(training.pulses()).observations
        assert sentence == draw(new=[], now=now)
        poles = figure.axes[-1].collections[1].get_paths()
        assert [path.vertices[1, 0] - path.vertices[0, 0] for path in poles] == pytest.approx(np.sin(now[0, :, 2]))


def test_cartpole_counts_those_that_stand_still():
    training = run(NAME, "cell-50")[0]["start_ppo"](np.random.default_rng(0))
    record = [next(training) for _ in range(3)][-1]
    _, draw = drawn(cartpole)
    assert "stand still" not in draw(new=[record])
    lost = record._replace(diverged=np.arange(20) < 3)
    assert draw(new=[lost]).endswith(" 3 learners stand still: their numbers overflowed.")
    assert draw(new=[]).endswith(" 3 learners stand still: their numbers overflowed.")


def test_stage_shows_what_acts():
    steps = [(np.full((1, 4), 0.1 * k), k, np.nan) for k in range(6)]
    figure, draw = drawn(stage)
    said = draw(new=steps, learner=3, updates=100)
    assert said == "Learner 3 after 100 updates: the pole has been up for 5 steps. This is its first episode."
    assert said == draw(new=[], learner=3, updates=100)
    cart = figure.axes[0].patches[-1]
    assert cart.get_xy()[:4, 0].mean() == pytest.approx(0.5)
    assert draw(new=[(np.zeros((1, 4)), 0, 27.0)], learner=0, updates=0).endswith("Its last episode took 27 steps.")


def test_acting_counts_the_steps_of_each_episode():
    history = np.zeros((101, 4, 10))
    _, [(acting, view, controls)] = run(NAME, "cell-50", "cell-57", history=history)
    for values in corners(controls):
        _, draw = drawn(view)
        records = [record for record, _ in zip(acting(np.random.default_rng(0), **values), range(200))]
        draw(new=records, **values)
        counts = np.array([steps for _, steps, _ in records])
        ends = np.flatnonzero(counts == 0)  # the step after an end
        assert len(ends) > 2 and np.all(np.diff(counts)[np.diff(counts) != 1] == -counts[ends - 1])
        assert [records[i][2] for i in ends] == counts[ends - 1].tolist()  # CartPole pays 1 a step

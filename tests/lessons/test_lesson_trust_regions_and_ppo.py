"""Notebook 07: what its cells compute against loops and month by month, and its exact pictures at both ends of every control."""

import numpy as np
import pytest
from cells_of_notebook import corners, drawn, run
from customers import advantages, customers, divergence, keeping, slopes, surrogate

from pgedu import campaign, exact_return
from pgedu.lessons.trust_regions_and_ppo import FRAME

NAME = "07_trust_regions_and_ppo"


def panel(*cells):
    """(what the cells define, the view of their last panel, its controls)."""
    scope, panels = run(NAME, "starts", *cells)
    return scope, *panels[-1]


def test_surrogate_and_identity():
    scope, _ = run(NAME, "cell-11")
    np.testing.assert_allclose(scope["A"], advantages(0.0, 0.0))
    for place in ((0.5, 2.0), (-1.0, 3.0)):
        J = customers(0.0, 0.0)[0]
        assert scope["surrogate"](keeping(*place)) == pytest.approx(surrogate((0.0, 0.0), *place) - J)
    new = scope["new"]
    with_new_visits = (new.visits[:, None] * new.probabilities * scope["A"]).sum()
    assert with_new_visits == pytest.approx(customers(0.5, 2.0)[0] - customers(0.0, 0.0)[0])


def test_the_bound_is_below_J():
    scope, _ = run(NAME, "cell-11", "cell-15")
    for i in (0, 97, 1000, 40000):
        place = scope["alphas"][i] * slopes(0.0, 0.0)
        kl = (0.5 * np.log(0.5 / keeping(*place))).sum(axis=1).max()
        C = 4 * 0.9 / 0.1**2 * np.abs(advantages(0.0, 0.0)).max()
        gain = surrogate((0.0, 0.0), *place) - customers(0.0, 0.0)[0] - C * kl
        assert scope["bound"][i] == pytest.approx(gain, rel=1e-4, abs=1e-6)
        assert gain <= customers(*place)[0] - customers(0.0, 0.0)[0] + 1e-9


@pytest.mark.parametrize("clip", [0.2, np.inf])
def test_one_update_customer_by_customer(clip):
    """Weights, silence and promise with a loop over customers and months."""
    scope, _ = run(NAME, "cell-39-start", "cell-48")
    told = list(scope["one_update"](30, clip, 5, np.random.default_rng(3)))
    rng, shop, buyer = np.random.default_rng(3), campaign(), scope["buyer"]
    theta = buyer.init(rng)
    rollout = scope["collect"](shop, buyer, theta, episodes=30, rng=rng)
    optimizer = scope["Adam"](0.1)
    weights = 0.9 ** np.arange(12)[:, None]  # gamma^t: both for G from the start on, and for how much a month counts
    G = np.cumsum((weights * rollout.rewards * rollout.mask)[::-1], axis=0)[::-1]
    for silent, promise, J in told:
        counted, quiet, promised, gradient = 0, 0, 0.0, np.zeros(theta.size)
        for t, b in np.argwhere(rollout.mask):
            s, a, A = rollout.observations[t, b], rollout.actions[t, b], G[t, b] - np.delete(G[t], b).mean()
            p = np.exp(theta.reshape(3, 2)[s]) / np.exp(theta.reshape(3, 2)[s]).sum()
            r = p[a] / 0.5
            beyond = r > 1 + clip if A > 0 else r < 1 - clip
            counted, quiet, promised = counted + 1, quiet + (beyond or A == 0), promised + (r - 1) * A / 30
            score = np.zeros((3, 2))
            score[s] = np.eye(2)[a] - p
            gradient += (0.0 if beyond else r * A) * score.ravel() / 30
        assert silent == pytest.approx(100 * quiet / counted) and promise == pytest.approx(promised, abs=1e-9)
        assert J == pytest.approx(float(exact_return(shop, buyer, theta)))
        theta = optimizer.step(theta, gradient)


def test_pairs_differ_in_the_change_alone():
    scope, _ = run(NAME, "cell-50", "details-changes")
    same = next(scope["pairs"](np.random.default_rng(0), {}))
    np.testing.assert_array_equal(same[0].theta, same[1].theta)
    one, other = next(scope["pairs"](np.random.default_rng(0), {"lam": 0.0}))
    np.testing.assert_array_equal(one.theta, same[0].theta)
    assert np.abs(one.theta - other.theta).max() > 1e-3


def test_challenge_says_how_far_it_came(capsys):
    scope, _ = run(NAME, "cell-50", "cell-75")
    assert capsys.readouterr().out.startswith("○ Not attempted")
    for came, sign in ((352.4, "✗ Not yet"), (400.6, "✓ Won")):
        scope["result"] = lambda came=came, **settings: came
        scope["challenge"](epochs=3)
        assert capsys.readouterr().out.startswith(f"{sign}: a mean return of {came:.0f};")


def test_picture_of_one_step_is_on_the_curve_and_under_the_tangent():
    _, view, controls = panel("cell-09")
    figure, draw = drawn(view)
    for values in corners(controls):
        draw(**values)
    sentence = draw(start=(2.0, 0.0), alpha=0.5)
    g = slopes(2.0, 0.0)
    assert f"to {customers(*((2.0, 0.0) + 0.5 * g))[0]:.2f}; " in sentence
    assert sentence.endswith(f"the slope promised {customers(2.0, 0.0)[0] + 0.5 * g @ g:.2f}.")
    curve, tangent, here = figure.axes[1].lines
    assert here.get_xdata()[0] == curve.get_xdata()[-1] == 0.5  # no further than the student has gone
    assert here.get_ydata()[0] == pytest.approx(curve.get_ydata()[-1])
    np.testing.assert_allclose(np.diff(tangent.get_ydata())[0] / 4, g @ g, rtol=1e-6)
    visits = customers(*((2.0, 0.0) + 0.5 * g))[1]
    words = " ".join(text.get_text() for axes in figure.axes for text in axes.texts)
    assert all(f"{each:.1f}" in words for each in visits)


def test_picture_of_the_region():
    _, view, controls = panel("map-region")
    figure, draw = drawn(view)
    for values in corners(controls):
        draw(**values)
    start, place = (2.0, -2.0), (-2.0, 2.0)
    said = draw(start=start, x=-2.0, y=2.0, delta=0.3)
    promise = surrogate(start, *place)
    assert said.startswith(f"At the new policy J is {customers(*place)[0]:.2f}, and the surrogate says {promise:.2f}.")
    assert said.endswith(f"The mean KL is {divergence(start, *place):.2g}: outside the region of 0.3.")
    assert draw(start=start, x=2.1, y=-2.0, delta=0.3).endswith(": inside the region of 0.3.")
    assert "The mean KL is less than 0.0001: inside" in draw(start=start, x=2.0, y=-2.01, delta=0.3)
    draw(start=start, x=2.1, y=-2.0, delta=0.3)
    J, L = figure.axes[1].lines[:2]
    way = [np.array(start) + share * np.subtract((2.1, -2.0), start) for share in J.get_xdata()]
    np.testing.assert_allclose(J.get_ydata(), [customers(*each)[0] for each in way], rtol=1e-6)
    np.testing.assert_allclose(L.get_ydata(), [surrogate(start, *each) for each in way], rtol=1e-6)
    low, high = figure.axes[1].get_ylim()
    for values in corners(controls):  # what is said of the new policy is seen, too
        draw(**values)
        assert all(low < dot.get_ydata()[0] < high for dot in figure.axes[1].lines[2:])
    draw(start=start, x=2.1, y=-2.0, delta=0.3)
    shade = figure.axes[0].images[0]
    grid = np.linspace(*shade.get_extent()[:2], 56)
    for row, column in ((0, 0), (10, 50), (55, 3)):
        assert shade.get_array()[row, column] == pytest.approx(surrogate(start, grid[column], grid[row]))


def test_picture_of_the_silence():
    _, view, controls = panel("map-silence")
    figure, draw = drawn(view)
    for values in corners(controls):
        draw(**values)
    said = draw(start=(0.0, 0.0), x=1.0, y=2.0, clip=0.2)
    assert f"the clipped surrogate says {surrogate((0.0, 0.0), 1.0, 2.0, 0.2):.2f}. 100 % of the old samples" in said
    basic, premium = (patch.get_xy() for patch in figure.axes[0].patches)
    assert basic[:, 0].min() == premium[:, 1].min() == pytest.approx(np.log(1.5))
    assert basic[:, 0].max() > 5.5 and basic[:, 1].min() < -5.5  # from the edge to beyond the map
    draw(start=(2.0, -2.0), x=1.0, y=2.0, clip=0.2)
    assert np.ptp(figure.axes[0].patches[0].get_xy()[:4, 0]) == 0  # basic is never silent


def test_picture_of_the_race():
    _, view, controls = panel("cell-31")
    figure, draw = drawn(view, empty=True)  # a path may stay on the map
    for values in corners(controls):
        draw(**values)
    values = {"x": 2.0, "y": -2.0, "alpha": 0.3, "stretch": 1.0}
    sentence, lines = draw(**values), figure.axes[0].lines
    way = np.stack([lines[k].get_xydata() for k in (0, 1)], axis=1)
    plain, natural = ([customers(*place)[0] for place in way[:, k]] for k in (0, 1))
    np.testing.assert_allclose([line.get_ydata() for line in figure.axes[1].lines[1:]], [plain, natural], rtol=1e-6)
    assert f"is {plain[10]:.1f} and {plain[30]:.1f} along the gradient, " in sentence
    assert f"{natural[10]:.1f} and {natural[30]:.1f} along the natural gradient. The natural gradient leaves" in sentence
    last = np.flatnonzero((way[:, 1] < FRAME[1]).all(axis=1))[-1]
    assert f"after update {last} and goes on." in sentence and "The gradient leaves" not in sentence
    x, y = lines[3].get_xydata()[0]
    before, after = way[last, 1], way[last + 1, 1]
    assert y == FRAME[1] and x == pytest.approx(np.interp(y, [before[1], after[1]], [before[0], after[0]]))


def test_picture_of_the_brakes():
    _, view, controls = panel("cell-46")
    figure, draw = drawn(view)
    assert "a bad one down without end" in draw(clip=1.5)
    for values in corners(controls) + [{"clip": 0.2}]:
        sentence = draw(**values)
    assert "until its ratio is 1.20, a bad one down until it is 0.80" in sentence
    for k, A in enumerate((1.0, -1.0)):
        value, weight = (figure.axes[2 * row + k].lines[1] for row in (0, 1))
        r, y = 1 + value.get_xdata(), value.get_ydata()
        np.testing.assert_allclose(y, np.minimum(r * A, np.clip(r, 0.8, 1.2) * A))
        inside = (abs(r - 0.8) > 0.01) & (abs(r - 1.2) > 0.01)
        np.testing.assert_allclose(weight.get_ydata()[inside], (r * np.gradient(y, r))[inside], atol=1e-9)
        assert figure.axes[k].lines[0].get_xydata().tolist() == [[0, A]]

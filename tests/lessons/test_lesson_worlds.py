"""Walkers visit what the exact visits say, and the views show the exact J beside what they found."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
from lesson import corners, line
from matplotlib.figure import Figure

from pgedu import Policy, Table, campaign, cliff_walk, exact_return, short_corridor, solve
from pgedu.lessons.worlds import acting, known, meeting, past_the_edge, probabilities, walk
from pgedu.panels import choice, explore, slider, watch

rng = np.random.default_rng
coin = lambda p: [1 - p, p]  # noqa: E731
offers = lambda curious, loyal: [[1 - curious, curious], [1 - loyal, loyal], [1, 0]]  # noqa: E731
CUSTOMERS, ROOMS = ["curious", "loyal", "lost"], ["room 1", "room 2", "room 3", "goal"]


def corridor_return(p):
    return (2 * p - 4) / (p * (1 - p))


@pytest.mark.parametrize("world", [campaign(gamma=1.0), campaign(gamma=1.0, horizon=None), campaign(gamma=0.8)])
def test_walkers_visit_what_the_exact_visits_say(world):
    table = probabilities(world, offers(0.7, 0.2))
    J, _, visits = known(world, table)
    undiscounted = known(replace(world, gamma=1.0), table)[2]
    moments = list(islice(walk(world, offers, rng(0), runs=300, moments=1, curious=0.7, loyal=0.2), 1500))
    states, steps = (np.array([getattr(each, name) for each in moments]) for name in ("states", "steps"))
    episodes = (steps == 1).sum()
    counts = np.bincount(states[steps > 0], minlength=3) / episodes
    np.testing.assert_allclose(counts, undiscounted, rtol=0.02)
    weighted = np.bincount(states[steps > 0], world.gamma ** (steps[steps > 0] - 1.0), minlength=3) / episodes
    np.testing.assert_allclose(weighted, visits, rtol=0.02)
    returns = np.concatenate([each.finished for each in moments])
    assert abs(returns.mean() - J) < 4 * returns.std() / np.sqrt(len(returns)) + 0.01  # the last ones have not ended


def test_what_is_known_is_solved_in_the_world():
    policy, theta = Policy.softmax(Table(3, 2)), np.log(np.array(offers(0.7, 0.2)) + [[0, 0], [0, 0], [0, 1]]).ravel()
    J, values, visits = known(campaign(), np.array(offers(0.7, 0.2)))
    found = solve(campaign(), policy, theta)
    assert J == pytest.approx(exact_return(campaign(), policy, theta)) == pytest.approx(values[0])
    np.testing.assert_allclose(values, found.values[0])
    np.testing.assert_allclose(visits, found.visits.sum(axis=0))
    for p in (0.2, 0.59):
        assert known(short_corridor(), probabilities(short_corridor(), coin(p)))[0] == pytest.approx(corridor_return(p))


def test_each_step_has_its_moments_and_goes_on_where_the_last_one_ended():
    moments = list(islice(walk(short_corridor(), coin, rng(0), runs=3, moments=4, p=0.5), 80))
    assert [each.share for each in moments[:8]] == [0.25, 0.5, 0.75, 1.0] * 2
    steps = moments[3::4]
    for before, after in zip(steps, steps[1:]):
        np.testing.assert_array_equal(before.following, after.states)
        over = before.states != 3
        moved = over & (before.steps > 0)
        chance = short_corridor().transitions[before.states, :, before.following].sum(axis=-1)
        assert (chance[moved] > 0).all()
        np.testing.assert_array_equal(before.earned[moved], -before.steps[moved])
    assert not any(each.finished.size for each in moments if each.share < 1)


def test_a_slider_s_change_acts_at_the_next_step_and_its_episodes_are_counted_whole():
    walker = walk(short_corridor(), coin, rng(0), runs=50, moments=1, p=0.0)
    stream = iter(walker)
    stuck = list(islice(stream, 30))
    assert not any(each.finished.size for each in stuck) and (stuck[-1].states == 0).all()
    walker.p = 0.6
    after = list(islice(stream, 400))
    assert {each.settings for each in after} == {(0.6,)}
    assert min(np.concatenate([each.finished for each in after]).max(), 0) == -3  # nobody takes its 30 steps along
    first = next(each for each in after if each.finished.size)
    assert (first.finished > -30).all()


def test_same_seed_same_walk():
    one, two = (list(islice(walk(campaign(), offers, rng(3), curious=0.5, loyal=0.5), 50)) for _ in range(2))
    for a, b in zip(one, two):
        np.testing.assert_array_equal(a.following, b.following)


def test_acting_draws_the_exact_line_and_the_returns_that_came_in():
    moments = list(islice(walk(short_corridor(), coin, rng(0), runs=8, moments=2, p=0.5), 200))
    view = acting(short_corridor(), coin, ROOMS, ["left", "right"], limits=(-60, 0))
    for p, (sentence, figure) in zip((0.5, 0.3), corners(drawn_whole(view, moments), p=(0.5, 0.3))):
        right = figure.axes[1]
        np.testing.assert_allclose(line(right, "exact J")[:, 1], corridor_return(p))
        assert f"the exact J is {corridor_return(p):.2f}" in sentence
        returns = np.concatenate([each.finished for each in moments]) if p == 0.5 else np.zeros(0)  # others do not count
        np.testing.assert_allclose(line(right, "one episode")[:, 1], np.clip(returns, -59.4, -0.6))
        np.testing.assert_allclose(line(right, "their mean")[:, 1], (returns.cumsum() / np.arange(1, len(returns) + 1)))
        np.testing.assert_allclose(line(right, "underway")[:, 1], np.clip(moments[-1].earned, -59.4, -0.6))
        going = (moments[-1].following != 3) & (moments[-1].steps > 0)
        most = moments[-1].steps[going].max()
        assert f"{going.sum()} of 8 walkers are underway, one of them for {most} steps with {-most}.0 so far" in sentence
        assert f"{len(returns)} episodes have ended" in sentence or p == 0.3 and "No episode has ended" in sentence


def drawn_whole(view, moments):
    """The view, whose draw is given all the moments."""

    def whole(figure):
        draw = view(figure)
        return lambda p: draw(new=moments, p=p)

    return whole


def test_a_return_without_bound_is_said_so():
    draw = acting(short_corridor(), coin, limits=(-60, 0))(Figure())
    assert draw(new=[], p=1.0) == "Nobody walks yet; no episode would ever end: J has no bound."


@pytest.mark.parametrize("colour", ["values", "visits"])
def test_meeting_shows_values_or_visits(colour):
    view = meeting(campaign(), offers, CUSTOMERS, ["wait", "offer"])
    exact = known(campaign(), np.array(offers(0.7, 0.2)))
    panel = explore(view, curious=slider(0.0, 1.0, 0.7), loyal=slider(0.0, 1.0, 0.2), colour=choice(["values", "visits"], colour))
    texts = {text.get_text() for text in panel._canvas.figure.axes[0].texts}
    assert {f"{number:.2g}" for number in exact[1 if colour == "values" else 2][:2]} <= texts
    assert panel.readout.endswith(f"; the exact J is {exact[0]:,.2f}.") and f" {colour} " in panel.readout
    panel.close()


def test_a_panel_plays_it_and_its_slider_moves_the_policy_at_once():
    start = lambda rng: walk(short_corridor(), coin, rng, p=0.5)  # noqa: E731
    panel = watch(start, acting(short_corridor(), coin, ROOMS, limits=(-60, 0)), p=slider(0.01, 0.99, 0.5), first=200)
    assert f"J is {corridor_return(0.5):.2f}" in panel.readout
    panel.controls["p"].value = 0.2
    assert f"J is {corridor_return(0.2):.2f}" in panel.readout and panel.training.p == 0.2
    panel.close()


@pytest.mark.parametrize(("row", "steps"), [(1, 6), (0, 8)])
def test_both_ways_past_the_edge_arrive(row, steps):
    cliff = replace(cliff_walk(3, 5), gamma=0.98)
    J = known(cliff, past_the_edge(3, 5, row)(0.0))[0]
    assert J == pytest.approx(-(1 - 0.98**steps) / 0.02)


def test_the_edge_is_the_shorter_way_and_the_dearer_one_for_those_who_slip():
    cliff = replace(cliff_walk(3, 5), gamma=0.98)
    edge, far = ([known(cliff, past_the_edge(3, 5, row)(epsilon))[0] for epsilon in (0.0, 0.1)] for row in (1, 0))
    assert edge[0] > far[0] and edge[1] < far[1]


@pytest.mark.parametrize(("given", "said"), [
    ([[0.5, 0.5]] * 3, r"probabilities must be \[A\], \[O, A\] or \[S, A\] with S = 4 and A = 2; got shape \(3, 2\)"),
    ([[0.5, 0.5], [0.1, 0.9], [0.5, 0.5], [1, 0]], "probabilities must be the same in states that look alike"),
    ("p", r"probabilities must be numbers \[A\]"),
])  # fmt: skip
def test_a_policy_that_does_not_fit_is_said(given, said):
    with pytest.raises(ValueError, match=said):
        probabilities(short_corridor(), given)


@pytest.mark.parametrize(("arguments", "said"), [
    ({"runs": 0}, "runs must be a whole number of 1 or more; got 0"),
    ({"moments": 0}, "moments must be a whole number of 1 or more"),
    ({"rng": 7}, "rng must be a generator"),
    ({"policy_of": 3}, "policy_of must be a function; got 3"),
    ({"q": 3}, "a setting of the policy must be one of p; got 'q'"),
])  # fmt: skip
def test_what_a_walk_cannot_be_is_said(arguments, said):
    with pytest.raises(ValueError, match=said):
        walk(**{"world": short_corridor(), "policy_of": coin, "rng": rng(0), "p": 0.5} | arguments)

"""A world's picture says what its arrays say: widths and lengths, places, words that do not overlap, walkers."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from pgedu import MDP, bandit, campaign, cliff_walk, random_mdp, short_corridor, stay_or_stop
from pgedu.panels import places
from pgedu.panels.canvas import Canvas
from pgedu.panels.look import our_settings
from pgedu.panels.views import World
from pgedu.panels.world_layout import hull
from pgedu.panels.world_type import short, signed

CUSTOMERS, ROOMS = ["curious", "loyal", "lost"], ["room 1", "room 2", "room 3", "goal"]
rng = np.random.default_rng


def student():
    """A world of somebody's own: sparse, with a state that most leave and some stay in."""
    moves = np.zeros((4, 2, 4))
    moves[0, 0, [0, 1]], moves[0, 1, 2], moves[1, 0, 2] = [0.2, 0.8], 1, 1
    moves[1, 1, [0, 3]], moves[2, :, 1], moves[2, :, 3], moves[3, :, 3] = 0.5, 0.3, 0.7, 1
    return MDP(moves, [[1, 2], [3, -1], [0.5, 0], [0, 0]], start=[1, 0, 0, 0], terminal=[0, 0, 0, 1], gamma=0.9)


NAMED = {
    "campaign": (campaign(), (4.5, 3.2), {"names": CUSTOMERS, "actions": ["wait", "offer"]}),
    "campaign, wide": (campaign(), (7, 3.4), {"names": CUSTOMERS, "actions": ["wait", "offer"]}),
    "campaign, alike": (replace(campaign(), observation=[0, 0, 0]), (4.5, 3.2), {"names": CUSTOMERS}),
    "corridor": (short_corridor(), (4.5, 3.2), {"names": ROOMS, "actions": ["left", "right"]}),
    "corridor, wide": (short_corridor(), (9.6, 3.2), {"names": ROOMS, "actions": ["left", "right"]}),
    "chain": (stay_or_stop(), (4.5, 3.2), {"actions": ["stop", "stay"]}),
    "bandit": (bandit([1.0, 2.0, 3.0]), (4.5, 3.2), {}),
    "random": (random_mdp(rng(0)), (5, 4), {}),
    "student": (student(), (5, 4), {"names": ["asleep", "in class", "at the bar", "home"], "actions": ["work", "rest"]}),
    "cliff": (cliff_walk(), (9.6, 3.4), {}),
    "small cliff": (cliff_walk(3, 5), (5, 3), {}),
}


def some_policy(mdp, seed=0):
    return rng(seed).dirichlet(np.ones(mdp.n_actions), size=mdp.n_states)


def shown(mdp, size=(5, 4), policy=None, colour=None, walkers=None, **options):
    """(World, canvas) after two pictures: the second one has the layout that stays."""
    worlds = []

    def view(figure):
        worlds.append(World(figure.subplots(), mdp, **options))
        return worlds[0].show

    canvas = Canvas(view, size)
    for _ in range(2):
        with our_settings():
            canvas.draw(some_policy(mdp) if policy is None else policy, colour, walkers)
        canvas.png()
    return worlds[0], canvas


@pytest.mark.parametrize("name", [name for name in NAMED if "cliff" not in name])
def test_arrows_are_as_wide_as_chances(name):
    mdp, size, options = NAMED[name]
    policy = some_policy(mdp)
    picture = shown(mdp, size, policy, **options)[0].picture
    drawn = np.zeros((mdp.n_states, mdp.n_states))
    drawn[tuple(picture.links.T)] = picture.widths.sum(axis=1) / picture.full
    live = ~mdp.terminal
    np.testing.assert_allclose(drawn[live], np.einsum("sa,sat->st", policy, mdp.transitions)[live], atol=1e-12)
    assert not drawn[~live].any()
    outlines = np.array([path.vertices[:-1] for path in picture.arrows.get_paths()])  # as they are drawn, near their begin
    across = np.linalg.norm(outlines[:, 0] - outlines[:, -1], axis=-1)
    np.testing.assert_allclose(across, picture.widths.ravel(), atol=1e-9)


def test_strips_of_an_arrow_lie_side_by_side():
    picture = shown(bandit([1.0, 2.0, 3.0]), policy=np.tile([0.2, 0.3, 0.5], (2, 1)))[0].picture
    heights = [sorted(path.vertices[[0, -2], 1]) for path in picture.arrows.get_paths()]
    edges = sorted(itertools.chain(*heights))
    np.testing.assert_allclose(edges[1:-1:2], edges[2::2])
    np.testing.assert_allclose(edges[-1] - edges[0], picture.full)


def test_rings_are_shares_of_the_circle():
    mdp, policy = campaign(), np.array([[0.25, 0.75], [0.9, 0.1], [1, 0]])
    picture = shown(mdp, policy=policy)[0].picture
    arcs = np.array(picture.rings.get_segments()) - picture.layout.centres[[0, 0, 1, 1], None]
    turned = np.unwrap(np.arctan2(arcs[..., 1], arcs[..., 0]), axis=1)
    np.testing.assert_allclose((turned[:, 0] - turned[:, -1]) / (2 * np.pi), policy[:2].ravel())


@pytest.mark.parametrize(("rows", "columns"), [(4, 12), (3, 5), (2, 5), (5, 3), (3, 12)])
def test_a_cliff_walk_is_recognised_and_its_arrows_are_as_long_as_probabilities(rows, columns):
    mdp = cliff_walk(rows, columns)
    policy = some_policy(mdp)
    picture = shown(mdp, policy=policy)[0].picture
    assert (picture.rows, picture.columns) == (rows, columns)
    np.testing.assert_array_equal(picture.ways, [[-1, 0], [0, 1], [1, 0], [0, -1]])
    np.testing.assert_allclose(picture.lengths, picture.reach * policy[picture.live])
    tips = np.array([path.vertices[3] for path in picture.arrows.get_paths()]).reshape(-1, 4, 2)
    away = tips - picture.roses[picture.live, None]
    np.testing.assert_allclose(away, picture.lengths[..., None] * [[0, -1], [1, 0], [0, 1], [-1, 0]], atol=1e-12)
    assert picture.pits.sum() == columns - 2
    ((cells, text),) = picture.rewards
    assert cells == list(np.flatnonzero(picture.pits)) and text.get_text() == "−100" and picture.common == -1


def lake(rows=4, columns=4, holes=(5, 7, 11, 12)):
    """A slippery grid: an action leads its way or to either side of it; the goal, in the last corner, pays 1."""
    S = rows * columns
    moves, goal = np.zeros((S, 4, S)), S - 1
    for state, a, slip in itertools.product(range(S), range(4), (-1, 0, 1)):
        down, right = [(-1, 0), (0, 1), (1, 0), (0, -1)][(a + slip) % 4]
        row, column = np.clip(state // columns + down, 0, rows - 1), np.clip(state % columns + right, 0, columns - 1)
        moves[state, a, row * columns + column] += 1 / 3
    return MDP(moves, moves[..., goal], np.eye(S)[0], np.isin(np.arange(S), (*holes, goal)), gamma=0.95)


def test_a_slippery_grid_is_recognised():
    picture = shown(lake())[0].picture
    assert (picture.rows, picture.columns) == (4, 4) and picture.common == 0
    assert [(cells, text.get_text()) for cells, text in picture.rewards] == [([15], "+1")]  # the goal, whatever the chance
    assert {title.get_text() for title in picture.titles.values()} == {"start", "end"}
    np.testing.assert_array_equal(picture.ways, [[-1, 0], [0, 1], [1, 0], [0, -1]])


def test_a_grid_may_be_given():
    asked, found = (shown(cliff_walk(3, 5), **options)[0].picture for options in ({"grid": (3, 5)}, {}))
    assert (asked.rows, asked.columns) == (3, 5)
    np.testing.assert_array_equal(asked.ways, found.ways)


def test_names_of_a_grid_are_written_where_there_is_room():
    names = ["a"] * 15
    assert set(shown(cliff_walk(3, 5), names=names)[0].picture.titles) == set(range(15)) - {11, 12, 13}


def test_look_alikes_on_a_line_with_another_one_between_them_have_two_frames():
    mixed = replace(short_corridor(), observation=[0, 1, 0, 0])
    assert [list(group) for group in shown(mixed)[0].picture._groups()] == [[0], [2]]


@pytest.mark.parametrize("mdp", [campaign(), short_corridor(), bandit([1.0, 2, 3, 4]), random_mdp(rng(1), 11, 4), random_mdp(rng(2), 3, 4)])
def test_other_worlds_are_no_grids(mdp):
    assert places.grid_of(mdp) is None


def test_places_that_are_found():
    where, kind = places.places_of(short_corridor())
    assert kind == "line" and list(where[:, 0]) == pytest.approx([0, 1 / 3, 2 / 3, 1])
    order = [2, 0, 3, 1]  # the corridor with its states numbered in another way: from the far end to the goal
    moved = short_corridor().transitions[np.ix_(order, [0, 1], order)]
    other = MDP(moved, short_corridor().rewards[order], np.eye(4)[1], np.array([0, 0, 1, 0]), observation=[0] * 4)
    np.testing.assert_array_equal(places.chain_of(other), [1, 3, 0, 2])
    where, kind = places.places_of(campaign())
    assert kind == "circle" and where[2].argmin() == 1 and where[2] == pytest.approx([0.5, 0])  # lost: below
    assert where[0, 0] < where[1, 0]


def test_places_of_ones_own():
    own = np.array([[0, 0], [1, 1], [1, 0]])
    centres = shown(campaign(), places=own)[0].picture.layout.centres
    np.testing.assert_allclose((centres - centres.min(axis=0)) / np.ptp(centres, axis=0), own)


def test_states_that_look_alike_have_a_frame():
    assert [list(group) for group in places.alike(short_corridor())] == [[0, 1, 2]]
    assert places.alike(campaign()) == [] and places.alike(bandit([1.0, 2.0])) == []
    picture = shown(*NAMED["corridor"][:2])[0].picture
    (frame,) = (path.vertices for path in picture.frames.get_paths())
    inside = ((frame.min(axis=0) < picture.layout.centres) & (picture.layout.centres < frame.max(axis=0))).all(axis=1)
    assert list(inside) == [True, True, True, False] and picture.alike[0].get_text() == "look alike"


def boxes(canvas):
    """(text, its box in pixels) of all that is written, numbers of a grid apart."""
    texts = [*canvas.figure.texts, *itertools.chain(*(axes.texts for axes in canvas.figure.axes))]
    renderer = canvas.figure.canvas.get_renderer()
    return [(text, text.get_window_extent(renderer)) for text in texts if text.get_visible() and text.get_text()]


@pytest.mark.parametrize("name", NAMED)
def test_words_do_not_overlap(name):
    mdp, size, options = NAMED[name]
    world, canvas = shown(mdp, size, colour=np.linspace(-12.3, 9.7, mdp.n_states), **options)
    found = boxes(canvas)
    for (a, one), (b, two) in itertools.combinations(found, 2):
        assert not one.padded(-1).overlaps(two.padded(-1)), (a.get_text(), b.get_text())
    assert all(text.get_fontsize() >= 12 for text, _ in found)
    whole = canvas.figure.bbox
    assert all(whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1 for _, box in found)
    if "cliff" not in name:
        names = options.get("names") or [f"s{state}" for state in range(mdp.n_states)]
        assert set(names) <= {text.get_text() for text, _ in found}
        for text, box in found:  # rewards and labels stay clear of the discs
            if text in canvas.figure.texts:
                near = np.clip(world.picture.layout.centres, *world.axes.transData.inverted().transform(box.get_points()))
                assert (np.linalg.norm(near - world.picture.layout.centres, axis=-1) > world.picture.layout.radius).all()


def test_values_are_written_and_coloured_from_light_to_dark():
    world, _ = shown(campaign(), colour=[1.25, -3.0, 0.0])
    assert [world.picture.numbers[state].get_text() for state in (0, 1)] == ["1.2", "−3"]
    lightness = world.picture.discs.get_facecolors()[:2, :3].sum(axis=1)
    assert lightness[1] > 2.9 and lightness[0] < 2.5


def test_numbers_of_a_grid_stand_in_their_cells():
    world, canvas = shown(cliff_walk(3, 5), (5, 3), colour=-np.arange(15.0))
    (outline,) = world.picture.numbers.get_paths()
    cells = {tuple(cell) for cell in np.floor(outline.vertices + 0.5).astype(int)}
    assert cells == {tuple(middle.astype(int)) for middle in world.picture.middles[world.picture.live]}
    empty = shown(cliff_walk(3, 5), (5, 3))[0].picture.numbers
    assert len(empty.get_paths()) == 0


@pytest.mark.parametrize(("value", "said"), [(0.371, "0.37"), (-9.71, "−9.7"), (12.3, "12"), (-1e15, "−∞"), (-2e5, "−2e5"), (0.0, "0"), (1e-4, "0")])
def test_short_numbers(value, said):
    assert short(value) == said


@pytest.mark.parametrize(("value", "said"), [(1, "+1"), (-100, "−100"), (0, "0"), (0.395, "+0.4"), (-0.0045, "−0.004")])
def test_rewards(value, said):
    assert signed(value) == said


@pytest.mark.parametrize("name", ["campaign", "corridor", "cliff"])
def test_walkers_stand_apart_and_travel_from_seat_to_seat(name):
    mdp, size, options = NAMED[name]
    start = int(mdp.start.argmax())
    states = np.full(5, start)
    world, _ = shown(mdp, size, walkers=states, **options)
    seats, scale = world.dots.get_offsets().copy(), world.picture.point
    apart = np.linalg.norm(seats[:, None] - seats, axis=-1) / scale + 99 * np.eye(5)
    assert apart.min() > 9  # points; a dot is smaller than that
    following = mdp.successors[start, [0, 1, 0, 1, 0], 0]
    places_on_the_way = []
    for share in (0.0, 0.5, 1.0):
        world.show(some_policy(mdp), None, states, following, share)
        places_on_the_way.append(world.dots.get_offsets().copy())
    np.testing.assert_allclose(places_on_the_way[0], seats)
    np.testing.assert_allclose(places_on_the_way[2], world.picture.seats(following), atol=1e-9)
    assert np.isfinite(places_on_the_way[1]).all()


def test_who_begins_anew_is_not_seen_underway():
    world, _ = shown(campaign())
    seen = []
    for share in (0.0, 0.5, 1.0):
        world.show(some_policy(campaign()), None, [2, 0], [0, 1], share)
        seen.append(np.isfinite(np.ma.filled(world.dots.get_offsets(), np.nan)).all(axis=1).tolist())
    assert seen == [[True, True], [False, True], [True, True]]


def test_hull_is_the_outline():
    points = np.array([[0, 0], [2, 0], [2, 2], [0, 2], [1, 1], [0.5, 1.5]])
    assert {tuple(point) for point in hull(points)} == {(0, 0), (2, 0), (2, 2), (0, 2)}


@pytest.mark.parametrize(("options", "said"), [
    ({"names": ["a", "b"]}, "names must be 3 names, one for each of the states"),
    ({"names": "abc"}, "names must be 3 names"),
    ({"actions": ["wait"]}, "actions must be 2 names, one for each of the actions"),
    ({"places": [[0, 1]]}, r"places must be \[S, 2\] = \(3, 2\)"),
    ({"grid": (2, 2)}, r"grid must be \(rows, columns\) with rows \* columns = 3 states; got \(2, 2\)"),
])  # fmt: skip
def test_what_does_not_fit_the_world_is_said(options, said):
    with pytest.raises(ValueError, match=said):
        World(Figure().subplots(), campaign(), **options)


@pytest.mark.parametrize(("arguments", "said"), [
    ({"policy": np.ones((3, 2))}, "policy must be probabilities"),
    ({"policy": np.ones(2)}, r"policy must be \[S, A\] = \(3, 2\)"),
    ({"colour": [1, 2]}, r"colour must be \[S\] = \(3,\)"),
    ({"walkers": [3]}, r"walkers must be states \[n\], whole numbers in 0 .. 2; got \[3"),
    ({"walkers": [0], "following": [0, 1]}, r"following must be \[n\] = \(1,\)"),
    ({"walkers": [0], "share": 2}, "share must be a number between 0 and 1; got 2"),
])  # fmt: skip
def test_what_cannot_be_shown_is_said(arguments, said):
    world = World(Figure().subplots(), campaign())
    with pytest.raises(ValueError, match=said):
        world.show(**{"policy": some_policy(campaign())} | arguments)


def test_no_world_is_said():
    with pytest.raises(ValueError, match="grid must be one on which each action leads to a neighbour"):
        World(Figure().subplots(), stay_or_stop(), grid=(1, 2))  # to stay leads nowhere
    with pytest.raises(ValueError, match="mdp must be a finite world"):
        World(Figure().subplots(), "campaign")
    with pytest.raises(ValueError, match=r"rewards of a world that is drawn must be \[S, A\]"):
        World(Figure().subplots(), bandit(np.ones((5, 3))))

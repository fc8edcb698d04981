"""The one sampler of finite worlds, against its table of chances."""

import numpy as np
import pytest
from test_envs import fits

import pgedu as pg
from pgedu.worlds.sampling import Choices, first_states, uniform


def test_each_row_is_drawn_with_its_own_chances():
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(4), size=(2, 3))
    chances[1, 1], chances[0, 0] = [0, 0.5, 0, 0.5], [0.7, 0, 0.3, 0]
    choices, n = Choices(chances), 20_000
    assert choices.width == 4
    rows = np.repeat(np.arange(6), n)
    drawn = choices.draw(rows, uniform(rng, rows.size))
    counts = np.bincount(drawn, minlength=24).reshape(6, 4)
    assert counts.sum(axis=1).tolist() == [n] * 6  # no row reaches into another
    table = chances.reshape(6, 4)
    assert all(fits(counts[row], table[row]) for row in range(6))
    assert not any(fits(counts[row], table[row - 1]) for row in range(6))


@pytest.mark.parametrize("row", [0, 1, 2**20])
def test_the_largest_and_the_smallest_number_stay_in_their_row(row):
    """Rounding must not carry a draw into the next row, nor onto what is impossible."""
    chances = np.zeros((row + 2, 3))
    chances[:, 1] = 1

    class Extreme:
        def random(self, shape):
            return np.resize([0.0, np.nextafter(1, 0)], shape)

    assert Choices(chances).draw(np.full(2, row), uniform(Extreme(), 2)).tolist() == [3 * row + 1] * 2


def test_episodes_begin_as_start_says():
    start = np.array([0.0, 0.2, 0.0, 0.8, 0.0])
    mdp = pg.MDP(rewards=np.zeros((5, 1)), start=start, terminal=[False] * 4 + [True],
                 successors=np.full((5, 1, 1), 4), chances=np.ones((5, 1, 1)))  # fmt: skip
    counts = np.bincount(first_states(mdp, np.random.default_rng(0), 20_000), minlength=5)
    assert fits(counts, start) and not fits(counts, start[::-1])

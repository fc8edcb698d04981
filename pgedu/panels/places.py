"""Where the states of a finite world stand in a picture: recognised from its transitions, as numbers, without drawing."""

import numpy as np

ALIKE = 0.7  # share of an action's moves that go the same way, from which on that way is its direction
NEARLY_ALL = 0.9  # share of all moves on a grid that lead to a neighbour, or nowhere


def chances_of(mdp):
    """[S, A, S] P(s' | s, a), 0 in terminal states: what comes after the end is not drawn."""
    return np.where(mdp.terminal[:, None, None], 0.0, mdp.transitions)


def reached(mdp):
    """[S] bool: states in which an episode may come."""
    links, found = chances_of(mdp).any(axis=1), mdp.start > 0
    while True:
        wider = found | links[found].any(axis=0)
        if (wider == found).all():
            return found
        found = wider


def directions(mdp, columns):
    """Where each action leads on a grid with so many columns, [A, 2] as (rows down, columns right); None if nowhere.

    An action has a direction if in most states it leads there rather than elsewhere, on average, as it does where
    somebody slips to the left as often as to the right.
    """
    moves, counts = _moves(mdp, columns)
    mean = ((mdp.chances * counts)[..., None] * moves).sum(axis=2)  # [S, A, 2]
    mean = np.where(np.abs(mean) < np.abs(mean).max(axis=-1, keepdims=True) - 1e-9, 0, mean.round(9))
    ways = np.sign(mean).astype(int)
    found = []
    for each in (ways[:, a][np.abs(ways[:, a]).sum(axis=-1) == 1] for a in range(mdp.n_actions)):
        some, times = np.unique(each, axis=0, return_counts=True)
        if not len(each) or times.max() < ALIKE * len(each):
            return None
        found.append(some[times.argmax()])
    return np.array(found)


def _moves(mdp, columns):
    """(moves [S, A, K, 2], whether they count [S, A, K]): not from where nobody is, nor back to where episodes begin."""
    states = np.arange(mdp.n_states)[:, None, None]
    moves = np.stack(np.divmod(mdp.successors, columns), axis=-1) - np.stack(np.divmod(states, columns), axis=-1)
    sent_back = (mdp.start[mdp.successors] > 0) & (np.abs(moves).sum(axis=-1) > 1)
    return moves, (reached(mdp) & ~mdp.terminal)[:, None, None] & ~sent_back


def grid_of(mdp):
    """(rows, columns) of a world of four actions that lead to four neighbours; None if it is no such grid."""
    S = mdp.n_states
    for columns in range(2, S // 2 + 1) if mdp.n_actions == 4 else []:
        if S % columns == 0:
            moves, counts = _moves(mdp, columns)
            weights, ways = mdp.chances * counts, directions(mdp, columns)
            far = weights[np.abs(moves).sum(axis=-1) > 1].sum() > (1 - NEARLY_ALL) * weights.sum()
            if ways is not None and len(np.unique(ways, axis=0)) == 4 and not far:
                return S // columns, columns
    return None


def chain_of(mdp):
    """The states in the order in which they stand on a line, [S]; None if they do not: some state has a third neighbour.

    From left to right: first the end that is no terminal state, or that has the lower number.
    """
    links = chances_of(mdp).any(axis=1)
    links = (links | links.T) & ~np.eye(mdp.n_states, dtype=bool)
    ends = np.flatnonzero(links.sum(axis=1) == 1)
    if len(ends) != 2 or links.sum() != 2 * (mdp.n_states - 1):
        return None
    order = [min(ends, key=lambda state: (mdp.terminal[state], state))]
    while len(order) < mdp.n_states:
        following = [state for state in np.flatnonzero(links[order[-1]]) if state not in order]
        if len(following) != 1:
            return None
        order.append(following[0])
    return np.array(order)


def places_of(mdp):
    """(places [S, 2] between 0 and 1, "line" or "circle"): a line if the world is one; else terminal states below."""
    S, order = mdp.n_states, chain_of(mdp)
    if order is not None:
        places = np.full((S, 2), 0.5)
        places[order, 0] = np.linspace(0, 1, S)
        return places, "line"
    order = np.concatenate([np.flatnonzero(~mdp.terminal), np.flatnonzero(mdp.terminal)])
    ends = max(1, mdp.terminal.sum())
    angles = np.empty(S)  # clockwise; the middle of the terminal states is at the bottom
    angles[order] = -np.pi / 2 - 2 * np.pi * (np.arange(S) + 1 + (ends - 1) / 2) / S
    places = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    low, high = places.min(axis=0), places.max(axis=0)
    return (places - low) / np.where(high - low > 1e-9, high - low, 1.0), "circle"


def alike(mdp):
    """Groups of two or more states that the learner cannot tell apart: a list of arrays. Terminal ones are in none."""
    groups = [np.flatnonzero((mdp.observation == seen) & ~mdp.terminal) for seen in np.unique(mdp.observation)]
    return [group for group in groups if len(group) > 1]


def ranks(states):
    """[n]: how many walkers with a lower number are in the same state."""
    order = np.argsort(states, kind="stable")
    first = np.searchsorted(states[order], states[order])
    rank = np.empty(len(states), dtype=int)
    rank[order] = np.arange(len(states)) - first
    return rank


def common_reward(mdp, actions):
    """What most of these (state, action) pairs [S, A] bool pay, if it is more than half of them; else None."""
    values, counts = np.unique(mdp.rewards[actions], return_counts=True)
    return values[counts.argmax()] if len(values) and counts.max() > actions.sum() / 2 else None

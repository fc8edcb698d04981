"""A support bot with a tool: it may search for what it does not know, at a cost, before it answers."""

import numpy as np

from pgedu.arguments import number, numbers, refuse, switch
from pgedu.worlds.mdp import MDP


def tickets(cost=0.05, *, bonus=0.0, turns=4, found=0.7, right=(0.2, 0.6, 0.95), handover=None, sees_turn=True):
    """A ticket, turn by turn. State: facts known (0, 1, ...) and turns left; actions: 0 answer, 1 search, 2 hand over.

    An answer with k facts is right with chance right[k], pays 1 if it is (here its expectation) and ends the ticket. A
    search costs `cost` and finds a fact more with chance `found`, if there is one. Handing over to a human ends the ticket
    and pays `handover`. Whoever searches in the last turn has not answered: 0.

    With the defaults and no handover: best is to search below two facts while cost < .245, without a fact only until .28,
    and to answer at once beyond.

    Args:
        cost: of a search; bonus: paid for one on top of what the task is worth, a reward that nobody asked for.
        turns: at most so many; right: [K], for 0 .. K - 1 facts.
        handover: None (there is no such action), or what it pays.
        sees_turn: False: what is observed is the number of facts only.
    Raises:
        ValueError: chances that are none, fewer than one turn.
    """
    for name, value in (("cost", cost), ("bonus", bonus)):
        number(name, value)
    number("found", found, 0, 1), number("turns", turns, 1, whole=True)
    right = numbers("right", right, "[K]")
    if right.ndim != 1 or not right.size or right.min() < 0 or right.max() > 1:
        raise refuse("right", "[K] chances, for 0 .. K - 1 facts", right.tolist())
    K, end = len(right), len(right) * turns
    A, states = 2 if handover is None else 3, np.arange(end)
    facts, left = states % K, turns - states // K  # of each state: turn by turn
    successors, chances = np.full((end + 1, A, 2), end), np.zeros((end + 1, A, 2))
    chances[..., 0] = 1
    going_on = left > 1
    more = np.minimum(facts + 1, K - 1)
    successors[states[going_on], 1] = np.stack([states + K - facts + more, states + K], axis=-1)[going_on]
    chances[states[going_on], 1] = found, 1 - found
    rewards = np.zeros((end + 1, A))
    rewards[:-1, 0], rewards[:-1, 1] = right[facts], bonus - cost
    if handover is not None:
        rewards[:-1, 2] = number("handover", handover)
    observation = np.arange(end + 1) if switch("sees_turn", sees_turn) else np.append(facts, K)
    return MDP(
        rewards=rewards, start=np.arange(end + 1) == 0, terminal=np.arange(end + 1) == end, observation=observation,
        successors=successors, chances=chances,
    )  # fmt: skip

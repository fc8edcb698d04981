"""Exact checks of notebook 13's exercises: the value of searching, credit by turn, who wrote a token, who was helped."""

import numpy as np

from pgedu.lessons.verdicts import compare, judged, wrong_places

RIGHT = np.array([0.2, 0.6, 0.95])


def _backward(step, last=0.0):
    """f(cost, found, right, turns) -> the value at the start, of a recursion that ends with `last` (0, or 1: `right`)."""

    def value(cost, found, right, turns):
        ahead = last * right
        for _ in range(turns):
            more = np.append(ahead[1:], ahead[-1])
            ahead = step(cost, found, right, ahead, more)
        return ahead[0]

    return value


best_value = _backward(lambda c, p, right, v, more: np.maximum(right, -c + p * more + (1 - p) * v))
VALUE_MISTAKES = [
    ("The cost of a search is missing.", _backward(lambda c, p, right, v, more: np.maximum(right, p * more + (1 - p) * v))),
    ("A search that finds nothing still leaves the turns that are left: add (1 - found) times what is known now is worth then.",
     _backward(lambda c, p, right, v, more: np.maximum(right, -c + p * more))),
    ("After the last turn nothing is paid: the recursion starts from 0, not from the chances of a right answer.",
     _backward(lambda c, p, right, v, more: np.maximum(right, -c + p * more + (1 - p) * v), last=1.0)),
    ("The cost is paid for each search, found or not: yours is paid only for one that finds something.",
     _backward(lambda c, p, right, v, more: np.maximum(right, p * (more - c) + (1 - p) * v))),
    ("found and 1 - found are exchanged.",
     _backward(lambda c, p, right, v, more: np.maximum(right, -c + (1 - p) * more + p * v))),
    ("Your bot answers always at once: the larger of answering and searching is needed.", lambda c, p, right, turns: right[0]),
    ("Your searches always succeed: a fact more comes with chance found.",
     _backward(lambda c, p, right, v, more: np.maximum(right, -c + more))),
    ("You look one turn ahead only, however many there are.",
     lambda c, p, right, turns: best_value(c, p, right, min(turns, 2))),
    ("The sign of the cost is turned round.",
     _backward(lambda c, p, right, v, more: np.maximum(right, c + p * more + (1 - p) * v))),
    ("The plain mean of answering and searching is the value of a coin: the best bot takes the larger one.",
     _backward(lambda c, p, right, v, more: (right - c + p * more + (1 - p) * v) / 2)),
]  # fmt: skip


@judged
def check_best_value(student):
    """f(cost, found, right [K], turns) -> J* of the bot without handover, by backward induction."""
    cases = [{"cost": c, "found": p, "right": right, "turns": n}
             for c, p, right, n in ((0.05, 0.7, RIGHT, 4), (0.3, 0.6, RIGHT, 3), (0.1, 0.4, np.array([0.1, 0.3, 0.5, 0.9]), 5),
                                    (0.05, 0.7, RIGHT, 1))]  # fmt: skip
    praise = "Right: from the last turn to the first, the larger of answering now and searching on."
    return compare(student, best_value, cases, praise, VALUE_MISTAKES)


def _to_go(rewards):
    return np.cumsum(rewards[::-1], axis=0)[::-1]


def _others(G, mask, open_only=True, itself=False):
    m = mask if open_only else np.ones_like(mask)
    count = m.sum(axis=1, keepdims=True) - (0 if itself else m)
    total = (G * m).sum(axis=1, keepdims=True) - (0 if itself else G * m)
    return np.where(count > 0, total / np.maximum(count, 1), 0.0)


def by_turn(rewards, mask):
    """psi [T, B]: the reward to go, less the mean of that of the other tickets that are still open; 0 after the end."""
    G = _to_go(rewards)
    return mask * (G - _others(G, mask))


TURN_MISTAKES = [
    ("After the end of a ticket nothing is done, so nothing is weighted: multiply by the mask.",
     lambda R, m: _to_go(R) - _others(_to_go(R), m)),
    ("The baseline contains the ticket it judges, which shrinks the gradient: take the others alone.",
     lambda R, m: m * (_to_go(R) - _others(_to_go(R), m, itself=True))),
    ("Your mean counts tickets that are over, with a 0: only those still open at that turn are comparable.",
     lambda R, m: m * (_to_go(R) - _others(_to_go(R), m, open_only=False))),
    ("Your mean counts tickets that are over, and the ticket that it judges.",
     lambda R, m: m * (_to_go(R) - _to_go(R).mean(axis=1, keepdims=True))),
    ("This is the whole return at every turn: what was paid before a turn is no credit of that turn.",
     lambda R, m: m * (_to_go(R)[:1] - _others(np.broadcast_to(_to_go(R)[:1], R.shape), m))),
    ("This is the whole return at every turn, and no baseline is subtracted.", lambda R, m: m * R.sum(axis=0)),
    ("No baseline is subtracted.", lambda R, m: m * _to_go(R)),
    ("You use one reward, not all that follow: sum from this turn to the end.", lambda R, m: m * (R - _others(R, m))),
    ("One number for all turns: the baseline here is one for each turn.",
     lambda R, m: m * (_to_go(R) - (_to_go(R)[0].sum() - _to_go(R)[0]) / max(R.shape[1] - 1, 1))),
    ("The sign is turned round: reward minus baseline.", lambda R, m: m * (_others(_to_go(R), m) - _to_go(R))),
]  # fmt: skip


@judged
def check_by_turn(student):
    """f(rewards [T, B], mask [T, B]) -> psi [T, B]."""
    masks = [np.array([[1, 1, 1, 1], [1, 0, 1, 1], [0, 0, 1, 1.0]]), np.array([[1, 1, 1], [1, 1, 0], [1, 0, 0], [1, 0, 0.0]])]
    rewards = [np.array([[-0.05, 0.2, -0.05, -0.05], [0.6, 0, -0.05, -0.05], [0, 0, 0.95, 0.6]]),
               np.array([[-0.1, -0.1, 0.4], [-0.1, 0.6, 0], [-0.1, 0, 0], [-0.1, 0, 0.0]])]  # fmt: skip
    cases = [{"rewards": r, "mask": m} for r, m in zip(rewards, masks)]
    praise = "Right: each turn is judged by what followed, against other tickets that came so far."
    return compare(student, by_turn, cases, praise, TURN_MISTAKES, hint=_turn)


def _turn(case, yours, right):
    """A hint for `compare`: the first turn that is wrong."""
    return f" The first turn that is wrong is row {int(np.flatnonzero(wrong_places(yours, right).any(axis=1))[0])}."


def token_weights(psi, turn, own):
    """What weights log_probs[i], which is that of token i + 1, [L - 1]."""
    return psi[turn[1:]] * own[1:]


TOKEN_MISTAKES = [
    ("The mask is turned round: you train what the tool and the customer wrote, and nothing that the bot wrote.",
     lambda psi, turn, own: psi[turn[1:]] * (1 - own[1:])),
    ("The mask is missing: the tool's words are trained, too.", lambda psi, turn, own: psi[turn[1:]] * np.ones(len(turn) - 1)),
    ("Off by one: log_probs[i] is the log-probability of token i + 1, so it needs the mask and the turn of token i + 1.",
     lambda psi, turn, own: psi[turn[:-1]] * own[:-1]),
    ("The mask is off by one: log_probs[i] is of token i + 1, so it needs own[i + 1].",
     lambda psi, turn, own: psi[turn[1:]] * own[:-1]),
    ("The turn is off by one: log_probs[i] is of token i + 1, so it needs turn[i + 1].",
     lambda psi, turn, own: psi[turn[:-1]] * own[1:]),
    ("You divide by the number of the bot's tokens: that is another objective, in which long conversations count less.",
     lambda psi, turn, own: psi[turn[1:]] * own[1:] / own[1:].sum()),
    ("Every token has the sum of all turns' weights: it needs that of its own turn.",
     lambda psi, turn, own: psi.sum() * own[1:]),
    ("The weights are missing: this is the mask alone.", lambda psi, turn, own: 1.0 * own[1:]),
]  # fmt: skip


@judged
def check_token_weights(student):
    """f(psi [T], turn [L], own [L]) -> weights [L - 1] of log_probs, of which number i is that of token i + 1."""
    cases = [{"psi": np.array([0.3, -0.2, 0.7]), "turn": np.array([0, 0, 0, 0, 1, 1, 1, 2, 2]),
              "own": np.array([0, 0, 1, 1, 0, 1, 1, 0, 1])},
             {"psi": np.array([-1.0, 0.5]), "turn": np.array([0, 0, 1, 1, 1, 1]),
              "own": np.array([0, 1, 1, 0, 1, 1])}]  # fmt: skip
    praise = "Right: the weight of its turn for each token that the bot wrote, and 0 for what was only shown to it."
    return compare(student, token_weights, cases, praise, TOKEN_MISTAKES)


def helped(hard, right, handed, gives_up, human):
    """Share of all customers who are helped in the end; right = (easy, hard), the bot's chances."""
    kept = np.array([1 - hard, hard * (1 - handed)])
    wrong = kept @ (1 - right)
    return kept @ right + (hard * handed + wrong * (1 - gives_up)) * human


def _bot_alone(hard, right, handed):
    return (1 - hard) * right[0] + hard * (1 - handed) * right[1]


HELPED_MISTAKES = [
    ("These are the tickets that the bot has solved: those handed over and those who ask again are helped by a human.",
     lambda h, r, d, g, u: _bot_alone(h, r, d)),
    ("This is the share that does not ask again: who gives up is not helped.",
     lambda h, r, d, g, u: 1 - h * d - ((1 - h) * (1 - r[0]) + h * (1 - d) * (1 - r[1])) * (1 - g)),
    ("Those who ask again are missing: a human helps them, with the human's chance.",
     lambda h, r, d, g, u: _bot_alone(h, r, d) + h * d * u),
    ("Tickets that are handed over are missing: a human helps those, too.",
     lambda h, r, d, g, u: helped(h, r, d, g, u) - h * d * u),
    ("Whoever asks a human is helped only with the human's chance.",
     lambda h, r, d, g, u: helped(h, r, d, g, 1.0)),
    ("Those who give up are taken for those who ask again: it is 1 - gives_up of the wrong answers that reach a human.",
     lambda h, r, d, g, u: helped(h, r, d, 1 - g, u)),
    ("You count all who got a wrong answer as helped by a human: some have given up.",
     lambda h, r, d, g, u: helped(h, r, d, 0.0, u)),
    ("You divide by the tickets that the bot has closed: the question is about all customers.",
     lambda h, r, d, g, u: helped(h, r, d, g, u) / (1 - h * d)),
    ("handed is a share of the hard tickets, not of all: the bot keeps hard * (1 - handed) of them.",
     lambda h, r, d, g, u: helped(h, r, d / h, g, u)),
    ("hard and easy are exchanged: right[0] is the chance with easy tickets.",
     lambda h, r, d, g, u: helped(h, r[::-1], d, g, u)),
]  # fmt: skip


@judged
def check_helped(student):
    """f(hard, right [2], handed, gives_up, human) -> share of all customers who are helped in the end."""
    cases = [{"hard": h, "right": np.array(r), "handed": d, "gives_up": g, "human": u}
             for h, r, d, g, u in ((0.4, (0.9, 0.3), 0.5, 0.25, 0.85), (0.2, (0.8, 0.5), 0.3, 0.6, 0.9))]  # fmt: skip
    praise = "Right: all customers are in the denominator, whoever has helped them, and who gave up is not in the numerator."
    return compare(student, helped, cases, praise, HELPED_MISTAKES)

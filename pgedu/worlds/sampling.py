"""Drawing from tables of chances: the one sampler of finite worlds, for whole episodes and for environments."""

import numpy as np

BLOCK = 64  # random numbers are drawn for this many steps at once: one call instead of 64
MANY = 2**15  # columns * steps, beyond which larger blocks save nothing and waste what is drawn after the end


class Choices:
    """Draws one of the K choices of a row, for many rows of a table of chances [..., K] at once.

    Row i covers (i, i + 1] of one sorted array of all rows' cumulative chances, so that a single search finds all.
    """

    def __init__(self, chances):
        self.width = chances.shape[-1]
        cumulative = chances.reshape(-1, self.width).cumsum(axis=-1)
        cumulative /= cumulative[:, -1:]
        cumulative += np.arange(len(cumulative))[:, None]
        self._cumulative = cumulative.ravel()

    def draw(self, rows, uniforms):
        """For rows [N] and numbers from `uniform` [N]: row * K + choice, [N], an index into the flattened table."""
        if self.width == 1:  # nothing to choose, as in worlds without chance
            return rows + np.zeros(uniforms.shape, dtype=int)
        return self._cumulative.searchsorted(rows + uniforms, side="right")


def uniform(rng, shape):
    """Uniform numbers, so far below 1 that adding the number of a row does not round them up to the next row."""
    return np.minimum(rng.random(shape), 1 - 2.0**-30)


def first_states(mdp, rng, count):
    """Draw the states in which episodes begin, [count]."""
    return Choices(mdp.start).draw(0, uniform(rng, count))


def sample(mdp, policy, theta, *, episodes, rng, gamma=None, max_steps=10_000):
    """Sample whole episodes, `episodes` for each run of theta [*R, D]. Returns the fields of a rollout, see `record`.

    A generator that yields None after every step. Under a fixed policy the world is a Markov chain over
    (action, next state): one uniform number decides both, by look-up in a table.
    """
    runs = theta.shape[:-1]
    R = int(np.prod(runs))
    log_policy, choices, next_row = _chain(mdp, policy, theta)
    first = np.repeat(np.arange(R) * mdp.n_states, episodes)  # [N], N = R * B columns
    row = first + first_states(mdp, rng, first.size)
    steps = min(max_steps, mdp.horizon or max_steps)
    walked = yield from _walk(choices, next_row, np.tile(mdp.terminal, R), row, rng, steps)
    walked = _full_width(walked, next_row, choices.width, first.size)
    states = np.concatenate([row[None], next_row[walked]]) - first
    actions = walked % choices.width // mdp.successors.shape[-1]
    shape = (-1, *runs, episodes)
    return mdp.record(log_policy, states.reshape(shape), actions.reshape(shape), gamma=gamma, rng=rng)


@np.errstate(under="ignore")
def _chain(mdp, policy, theta):
    """(log pi [*R, S, A], choices of (action, next state) in row run * S + state, the row that each leads to)."""
    log_policy = mdp.log_policy(policy, theta)
    successors, chances = mdp.outcomes
    choices = Choices((np.exp(log_policy)[..., None] * chances).reshape(-1, successors[0].size))
    runs = np.arange(int(np.prod(theta.shape[:-1])))
    return log_policy, choices, (runs[:, None] * mdp.n_states + successors.ravel()).ravel()


def _walk(choices, next_row, terminal, row, rng, steps):
    """Follow the chain until all columns have ended: [(columns [n], their choices, a list of [n])].

    Once most columns have ended, the others go on without them: episodes differ much in length.
    """
    columns = np.arange(row.size)
    parts = [(columns, [])]
    block = max(1, min(BLOCK, MANY // row.size))
    for t in range(steps):
        if t % block == 0:
            uniforms = uniform(rng, (block, row.size))
        choice = choices.draw(row, uniforms[t % block, : row.size])
        row = next_row.take(choice)
        parts[-1][1].append(choice)
        yield
        over = terminal.take(row)
        ended = np.count_nonzero(over)
        if ended == row.size:
            break
        if 2 * ended > row.size:
            columns, row = columns[~over], row[~over]
            parts.append((columns, []))
    return [part for part in parts if part[1]]


def _full_width(parts, next_row, choices_per_row, width):
    """Choices of all columns [T, N]: those that have ended stay where they are."""
    full = np.empty((sum(len(choices) for _, choices in parts), width), dtype=int)
    t = 0
    for columns, choices in parts:
        span = slice(t, t + len(choices))
        full[span] = 0 if t == 0 else next_row[full[t - 1]] * choices_per_row  # a terminal row leads to itself
        full[span, columns] = choices
        t = span.stop
    return full


@np.errstate(under="ignore")
def record(mdp, log_policy, states, actions, *, gamma=None, horizon=None, rng=None):
    """What is seen of paths through an MDP, in the order of a rollout's fields:

    (observations [T+1, *R, ..., B], actions, rewards, discounts, mask, log_probs [T, *R, ..., B]).

    Args:
        log_policy: [*R, S, A] of the policy that acted.
        states, actions: [T+1, *R, ..., B] and [T, *R, ..., B].
        gamma, horizon: instead of the world's own; episodes terminate after `horizon` steps.
        rng: the source of the noise on rewards, where there is any.
    """
    runs = log_policy.shape[:-2]
    run = np.arange(int(np.prod(runs))).reshape(*runs, *[1] * (actions.ndim - 1 - len(runs)))
    expected = mdp.rewards_under(log_policy)
    expected = expected.reshape(-1, *expected.shape[-2:])  # one table for all runs, or one for each
    log_policy = log_policy.reshape(-1, *log_policy.shape[-2:])
    mask = ~mdp.terminal[states[:-1]]
    rewards = expected[run if len(expected) > 1 else 0, states[:-1], actions]
    if mdp.reward_noise:
        rewards = rewards + rng.normal(scale=mdp.reward_noise, size=rewards.shape)
    going_on = ~mdp.terminal[states[1:]] & mask
    if len(actions) == (horizon or mdp.horizon):
        going_on[-1] = False
    discounts = (mdp.gamma if gamma is None else gamma) * going_on
    log_probs = np.where(mask, log_policy[run, states[:-1], actions], 0.0)
    return mdp.observation[states], actions, rewards * mask, discounts, mask.astype(float), log_probs

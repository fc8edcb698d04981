"""Experience: `Rollout`, and `collect`, which samples one from an MDP or from any Gymnasium vector environment."""

from typing import NamedTuple

import numpy as np
from gymnasium.vector import VectorEnv

from pgedu.arguments import generator
from pgedu.worlds.mdp import MDP
from pgedu.experience.streams import Stream

BLOCK = 64  # random numbers are drawn for this many steps at once: one call instead of 64
MANY = 2**15  # columns * steps, beyond which larger blocks save nothing and waste what is drawn after the end


class Rollout(NamedTuple):
    """Steps of B episodes (or segments) of each of the runs *R, time first. Immutable; there is no `done`."""

    observations: np.ndarray  # [T+1, *R, B, ...]
    actions: np.ndarray  # [T, *R, B] or [T, *R, B, d]
    rewards: np.ndarray  # [T, *R, B]; 0 where mask is 0
    discounts: np.ndarray  # [T, *R, B]; gamma, and 0 where the episode TERMINATED or mask is 0; truncation keeps gamma
    mask: np.ndarray  # [T, *R, B]; 1 on real steps, 0 after an episode's end and on an autoreset's step
    log_probs: np.ndarray  # [T, *R, B] of the policy that acted; 0 where mask is 0

    @property
    def lengths(self):
        """Real steps in each column, [*R, B]."""
        return self.mask.sum(axis=0)


def shares(weights):
    """weights [T, *R, B], such as a mask, over their sum in each run; 0 in a run that has none."""
    return weights / np.maximum(weights.sum(axis=(0, -1), keepdims=True), 1e-300)


def masked_mean(values, weights):
    """Weighted mean of values [T, *R, B] over the steps of each run, [*R]; 0 in a run without any weight."""
    return (values * weights).sum(axis=(0, -1)) / np.maximum(weights.sum(axis=(0, -1)), 1e-300)


def collect(world, policy, theta, *, rng, episodes=None, steps=None, gamma=None, max_steps=10_000):
    """Let `policy` act in `world` and return the `Rollout`.

    Whole episodes, one a column, masked after its end: `episodes` per run. A fixed segment: `steps`.

    Args:
        world: an `MDP`; a Gymnasium vector environment, whose sub-environments are shared out over the
            runs (num_envs = R * B), reset here with a fresh seed from `rng`; or a `Stream` over one, which
            is not reset, so that segments continue one another.
        theta: [*R, D].
        rng: numpy.random.Generator, the only source of chance: the same state gives the same rollout.
        episodes: B. May be left out for a vector environment: one episode for each column.
        steps: T, instead of episodes; vector environments only, and always for a `Stream`.
        gamma: discount; default that of the MDP, or 1.
        max_steps: longer episodes are cut off there (truncated: they keep gamma, as at a time limit).
    Raises:
        ValueError: arguments that do not fit one another, unsupported spaces, rewards that are not finite.
    """
    pulses = collecting(
        world, policy, theta, rng=rng, episodes=episodes, steps=steps, gamma=gamma, max_steps=max_steps
    )
    while True:
        try:
            next(pulses)
        except StopIteration as finished:
            return finished.value


def collecting(world, policy, theta, *, rng, episodes=None, steps=None, gamma=None, max_steps=10_000):
    """`collect` as a generator that yields None after every step, so that a live panel can draw in between."""
    _require_call(world, rng, episodes, steps, gamma)
    counts = {"episodes": episodes, "steps": steps, "max_steps": max_steps}
    theta = require_fit(world, policy, theta, **{name: count for name, count in counts.items() if count is not None})
    if isinstance(world, MDP):
        return (yield from _simulate(world, policy, theta, episodes, gamma, rng, max_steps))
    stream = world if isinstance(world, Stream) else Stream(world, rng)
    stream.require_fit(policy, theta, episodes)
    return (yield from _act(stream, policy, theta, steps, 1.0 if gamma is None else gamma, rng, max_steps))


def _require_call(world, rng, episodes, steps, gamma):
    if not isinstance(world, MDP | Stream | VectorEnv):
        raise ValueError(f"world must be an MDP, a Gymnasium vector environment or a Stream; got {world!r:.80}")
    generator("rng", rng)
    if (episodes is not None and steps is not None) or (isinstance(world, MDP) and episodes is None):
        raise ValueError(f"give episodes or (vector environments only) steps; got episodes={episodes}, steps={steps}")
    if isinstance(world, Stream) and steps is None:
        raise ValueError("steps must be given for a Stream, which may stand in the midst of an episode; got None")
    if gamma is not None and not 0 <= gamma <= 1:
        raise ValueError(f"gamma must be between 0 and 1; got {gamma}")


def require_fit(world, policy, theta, **counts):
    """Return theta [*R, D] as an array; ValueError if it, the policy or the counts do not fit."""
    theta = np.asarray(theta, dtype=float)
    if theta.shape[-1:] != (policy.size,):
        raise ValueError(f"theta must be [*R, D] with D = {policy.size}; got shape {theta.shape}")
    if not np.isfinite(theta).all():
        raise ValueError("theta must be finite; got NaN or infinity")
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
    if isinstance(world, MDP):
        if getattr(policy.head, "actions", None) != world.n_actions:
            raise ValueError(f"head must have actions = {world.n_actions} to act in this MDP; got {policy.head}")
        runs = world.rewards.shape[:-2]
        if runs and runs != theta.shape[:-1]:
            raise ValueError(f"theta must be [*R, D] with *R = {runs}, the runs of the rewards; got {theta.shape}")
    return theta


# --- from an MDP: a Markov chain over (action, next state), sampled by table look-up ---


def _simulate(mdp, policy, theta, episodes, gamma, rng, max_steps):
    """Sample whole episodes. Under a fixed policy one uniform number decides action and next state together."""
    runs = theta.shape[:-1]
    cumulative, next_row, choices_per_row = _chain(mdp, policy, theta)
    terminal = np.tile(mdp.terminal, int(np.prod(runs)))
    first = np.repeat(np.arange(int(np.prod(runs))) * mdp.n_states, episodes)  # [N], N = R * B columns
    row = first + np.searchsorted(np.cumsum(mdp.start)[:-1], rng.random(first.size), side="right")
    walked = yield from _walk(cumulative, next_row, terminal, row, rng, min(max_steps, mdp.horizon or max_steps))
    choices = _full_width(walked, next_row, choices_per_row, first.size)
    states = np.concatenate([row[None], next_row[choices]]) - first
    actions = choices % choices_per_row // (choices_per_row // mdp.n_actions)
    shape = (-1, *runs, episodes)
    return rollout_of_states(mdp, policy, theta, states.reshape(shape), actions.reshape(shape), gamma=gamma, rng=rng)


def _walk(cumulative, next_row, terminal, row, rng, steps):
    """Follow the chain until all columns have ended: [(columns [n], their choices, a list of [n])].

    Once most columns have ended, the others go on without them: episodes differ much in length.
    """
    columns = np.arange(row.size)
    parts = [(columns, [])]
    block = max(1, min(BLOCK, MANY // row.size))
    for t in range(steps):
        if t % block == 0:
            uniforms = np.minimum(rng.random((block, row.size)), 1 - 2.0**-30)
        choice = cumulative.searchsorted(row + uniforms[t % block, : row.size], side="right")
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


def _chain(mdp, policy, theta):
    """The Markov chain of every run as flat tables, with row i = run * S + state and C choices (a, s') in a row.

    Returns (cumulative probability [R*S*C], row that a choice leads to [R*S*C], C).
    """
    states, chances = mdp.outcomes
    joint = np.exp(_log_policy(mdp, policy, theta))[..., None] * chances  # [R, S, A, K]
    cumulative = joint.reshape(-1, states[0].size).cumsum(axis=-1)
    cumulative /= cumulative[:, -1:]
    cumulative += np.arange(len(cumulative))[:, None]  # row i covers (i, i + 1]: one sorted array for all rows
    runs = np.arange(len(cumulative) // mdp.n_states)
    return cumulative.ravel(), (runs[:, None] * mdp.n_states + states.ravel()).ravel(), states[0].size


def rollout_of_states(mdp, policy, theta, states, actions, *, gamma=None, rng=None):
    """The Rollout of paths through an MDP: states [T+1, *R, B], actions [T, *R, B]."""
    T = len(actions)
    mask = ~mdp.terminal[states[:-1]]
    run = np.arange(int(np.prod(actions.shape[1:-1]))).reshape(*actions.shape[1:-1], 1)
    worlds = mdp.rewards.reshape(-1, mdp.n_states, mdp.n_actions)  # one for all runs, or one for each
    rewards = worlds[run if len(worlds) > 1 else 0, states[:-1], actions]
    if mdp.reward_noise:
        rewards = rewards + rng.normal(scale=mdp.reward_noise, size=rewards.shape)
    going_on = ~mdp.terminal[states[1:]] & mask
    if T == mdp.horizon:
        going_on[-1] = False
    observations = mdp.observation[states]
    discounts = (mdp.gamma if gamma is None else gamma) * going_on
    log_probs = np.where(mask, _log_policy(mdp, policy, theta)[run, states[:-1], actions], 0.0)
    return Rollout(observations, actions, rewards * mask, discounts, mask.astype(float), log_probs)


def _log_policy(mdp, policy, theta):
    """log pi(a | s) of every run, [R, S, A] with the run axes flattened."""
    seen = np.broadcast_to(mdp.observation, (*theta.shape[:-1], mdp.n_states))
    return policy.head.log_probs(policy.outputs(theta, seen)).reshape(-1, mdp.n_states, mdp.n_actions)


# --- from any Gymnasium vector environment ---


def _act(stream, policy, theta, steps, gamma, rng, max_steps):
    """Step through the environment: `steps` steps, or until every column has finished an episode."""
    runs, columns = theta.shape[:-1], stream.env.num_envs
    batch = (*runs, columns // int(np.prod(runs)))
    shape = (*batch, *stream.recorded.shape[1:])
    observations, rows, actions, outputs = [stream.recorded], [], [], []
    alive = np.ones(columns, dtype=bool)
    for t in range(steps or max_steps):
        if t % BLOCK == 0:
            noise = policy.head.noise(rng, (BLOCK, *batch))
        outputs.append(policy.outputs(theta, stream.acting_on.reshape(shape)))
        action = policy.head.act(outputs[-1], noise[t % BLOCK])
        rewards, terminated, truncated, mask = stream.step(action.reshape(columns, *action.shape[len(batch) :]))
        rows.append((rewards, terminated, mask & alive))
        observations.append(stream.recorded)
        actions.append(action)
        yield
        if steps is None:
            alive = alive & ~(terminated | truncated)
            if not alive.any():
                break
    observations = np.array(observations).reshape(len(rows) + 1, *shape)
    log_probs = policy.head.log_prob(np.array(outputs), np.array(actions))
    return _rollout_of_rows(stream.env, observations, np.array(actions), rows, log_probs, gamma)


def _rollout_of_rows(env, observations, actions, rows, log_probs, gamma):
    rewards, terminated, mask = (np.array(row).reshape(log_probs.shape) for row in zip(*rows))
    for name, array in (("rewards", rewards), ("observations", observations)):
        if not np.isfinite(array).all():
            raise ValueError(f"{name} of {env} must be finite numbers; got NaN or infinity")
    discounts, log_probs = gamma * (mask & ~terminated), np.where(mask, log_probs, 0.0)
    return Rollout(observations, actions, rewards * mask, discounts, mask.astype(float), log_probs)

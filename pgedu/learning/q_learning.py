"""Learning of action values in tables, many runs at once: `q_learning`, `sarsa`, `expected_sarsa`, `double_q_learning`."""

from functools import partial

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse
from pgedu.experience.rollouts import Moment
from pgedu.learning.settings import Setting, optional, share, whole
from pgedu.learning.training import Training
from pgedu.policies.approximators import Table
from pgedu.policies.policy import Policy
from pgedu.worlds.mdp import MDP
from pgedu.worlds.planning import require_plain_rewards
from pgedu.worlds.sampling import Choices, first_states, uniform

_share = partial(numbers, least=0, most=1)  # one, or one for each run


def epsilon_greedy(q, epsilon=0.0):
    """pi(a | s) [*R, O, A]: (1 - epsilon) shared by all actions whose q is greatest, and epsilon by all actions.

    Args:
        q: action values [*R, O, A].
        epsilon: a number in [0, 1], or one for each run.
    """
    return _epsilon_greedy(numbers("q", q, "[*R, O, A]"), _share("epsilon", epsilon))


def _epsilon_greedy(q, epsilon=np.zeros(())):
    epsilon = epsilon.reshape(epsilon.shape + (1,) * (q.ndim - epsilon.ndim))  # runs come first
    best = q == q.max(axis=-1, keepdims=True)
    return (1 - epsilon) * best / best.sum(axis=-1, keepdims=True) + epsilon / q.shape[-1]


@no_underflow
def table_return(mdp, q, epsilon=0.0, *, horizon=None):
    """J of `epsilon_greedy(q, epsilon)`, [*R], solved exactly: what a learner does, or with 0, what it has learned.

    A policy that never ends an episode has a huge J (about 1e15, see `exact_return`); `horizon` keeps it finite.

    Args:
        q: action values of what is observed, [*R, O, A], such as a training's `q`.
    """
    q = numbers("q", q, "[*R, O, A]")
    if q.shape[-2:] != (mdp.n_observations, mdp.n_actions):
        raise refuse("q", f"[*R, O, A] with (O, A) = {(mdp.n_observations, mdp.n_actions)}", f"shape {q.shape}")
    log_policy = np.log(np.maximum(epsilon_greedy(q, epsilon), 1e-300))  # so small a chance changes no sum
    policy = Policy.softmax(Table(*q.shape[-2:]))
    return mdp.exact_return(policy, log_policy.reshape(*q.shape[:-2], -1), horizon=horizon)


def _finite_world(name, value):
    if not isinstance(value, MDP):
        raise refuse(name, "an MDP, such as cliff_walk()", value)
    return require_plain_rewards(value)


def _draw(rng, probabilities):
    """One action [R] for each row of probabilities [R, A]."""
    return (probabilities[:, :-1].cumsum(axis=-1) <= rng.random((len(probabilities), 1))).sum(axis=-1)


class TabularControl(Training):
    """What the four have in common: after each step, q(o, a) <- q(o, a) + step size * (target - q(o, a)), for R runs.

    The target is reward + gamma * `ahead`, and the reward alone where the episode terminated (also at the world's
    horizon). After `max_steps` an episode is cut off: it bootstraps, and the next begins. All act epsilon-greedily,
    equals being chosen by chance. An iterator of `Progress`; `returns` [R, 1] are those of the last episode that ended.

    Args:
        world: an `MDP` without `policy_rewards`; rewards [R, S, A] give each run a world of its own.
        alpha: step size, a number or one for each run, [R].
        epsilon: share of steps that are taken at random, a number or [R].
        half_after: n0 in alpha / (1 + n / n0), where n counts the earlier updates of this entry; inf: alpha alone.
        steps: environment steps (and updates of an entry) of each run between two records.
        gamma: discount; default that of the world.
        theta: first tables [R, D], flattened from [R, tables, O, A]; default 0.
        rng, runs, updates: see `Training`.
    """

    tables = 1
    world = Setting(_finite_world, live=False, first=1)
    alpha = Setting(partial(numbers, least=0), 0.5)
    epsilon = Setting(_share, 0.1)
    half_after = Setting(partial(number, above=0, finite=False), np.inf)
    steps = Setting(whole, 1)
    gamma = Setting(optional(share), None)
    max_steps = Setting(whole, 10_000)
    theta = Setting(optional(lambda name, value: numbers(name, value).copy()), None)
    state = (*Training.state, "environment_steps")

    def begin(self):
        super().begin()
        world, R = self.world, self.runs
        vars(self)["theta"] = np.zeros((R, np.prod(self._shape[1:]))) if self.theta is None else self.theta
        self._tables = self.theta.reshape(self._shape).copy()  # as they stand now; theta is what the last record had
        self._choices, self._starts, self._run = Choices(world.chances), Choices(world.start), np.arange(R)
        self._rewards = np.broadcast_to(world.rewards, (R, world.n_states, world.n_actions))
        self._states, self._age, self._visits = first_states(world, self.rng, R), np.zeros(R, int), np.zeros(self._shape)
        self._decided = np.full(R, -1)  # the next action, where it was chosen before its time, as SARSA does
        self._return, self._returns, self.environment_steps = np.zeros(R), np.full(R, np.nan), 0

    def require_agreement(self):
        super().require_agreement()
        for name in ("alpha", "epsilon"):
            if getattr(self, name).shape not in ((), (self.runs,)):
                raise refuse(name, f"a number, or one for each of {self.runs} runs", f"shape {getattr(self, name).shape}")
        if self.theta is not None:
            numbers("theta", self.theta, "[R, D]", (self.runs, int(np.prod(self._shape[1:]))))
        if self.world.rewards.shape[:-2] not in ((), (self.runs,)):
            raise refuse("runs", f"{self.world.rewards.shape[:-2]}, those of the world's rewards", self.runs)

    def has_changed(self, name):
        if name == "theta":
            self.diverged = np.zeros(self.runs, dtype=bool)
            self._tables = self.theta.reshape(self._shape).copy()

    @property
    def _shape(self):
        return self.runs, self.tables, self.world.n_observations, self.world.n_actions

    @property
    def q(self):
        """[R, O, A], the action values by which it acts: of several tables, the mean."""
        return self._tables.mean(axis=1)

    def ahead(self, tables, learning):
        """What each run expects after this step, [R].

        Args:
            tables: [R, tables, A], action values of the next observation.
            learning: [R], the table that is about to learn.
        """
        raise NotImplementedError

    def choose(self, values):
        """An epsilon-greedy action [R] for action values [R, A]."""
        return _draw(self.rng, _epsilon_greedy(values, self.epsilon))

    def collect(self):
        for _ in range(self.steps):
            self._step()
            yield Moment(self.world.observation[self._states][:, None])

    def learn(self, experience):
        """It has been learned after each step; what is left is the record."""
        self.move(self._tables.reshape(self.runs, -1).copy())
        return {"environment_steps": self.environment_steps, "returns": self._returns[:, None].copy()}

    @no_underflow
    def _step(self):
        world, run, states = self.world, self._run, self._states
        seen = world.observation[states]
        tables = self._tables[run, :, seen]
        chosen = self.choose(tables[:, 0] if self.tables == 1 else tables.mean(axis=1))
        actions = np.where(self._decided < 0, chosen, self._decided)
        rows = states * world.n_actions + actions
        self._states = world.successors.ravel()[self._choices.draw(rows, uniform(self.rng, self.runs))]
        rewards = self._rewards[run, states, actions]
        if world.reward_noise:
            rewards = rewards + self.rng.normal(scale=world.reward_noise, size=self.runs)
        self._age += 1
        terminated = world.terminal[self._states] | (self._age == world.horizon)
        discounts = (world.gamma if self.gamma is None else self.gamma) * ~terminated
        self._update(seen, actions, rewards, discounts)
        self._count(rewards, terminated | (self._age >= self.max_steps))

    @np.errstate(all="ignore")  # what overflows is reported: `diverged`
    def _update(self, seen, actions, rewards, discounts):
        run, learning = self._run, self.rng.integers(self.tables, size=self.runs)
        following = self._tables[run, :, self.world.observation[self._states]]
        targets = rewards + discounts * self.ahead(following, learning)
        entry = run, learning, seen, actions
        rates, before = self.alpha / (1 + self._visits[entry] / self.half_after), self._tables[entry]
        after = before + rates * (targets - before)
        if not np.isfinite(after).all():
            self.diverged = self.diverged | ~np.isfinite(after)
        if self.diverged.any():  # stopped where they were
            after = np.where(self.diverged, before, after)
        self._tables[entry] = after
        self._visits[entry] += 1

    def _count(self, rewards, ended):
        """Returns and steps so far; the runs whose episode has ended begin another."""
        self.environment_steps += 1
        self._return += rewards
        if ended.any():
            self._returns[ended], self._return[ended], self._age[ended] = self._return[ended], 0, 0
            self._decided[ended] = -1
            self._states[ended] = self._starts.draw(0, uniform(self.rng, np.count_nonzero(ended)))


class q_learning(TabularControl):  # noqa: N801 - lower case as `reinforce`: to its users it is a function
    """Q-learning: the target is reward + gamma * max_a q(o', a), whatever is done next.

    The maximum of estimates is too high where they are noisy (see `double_q_learning`). Settings: `TabularControl`.
    Source: Watkins (1989); Sutton & Barto (2018), eq. 6.8.
    """

    def ahead(self, tables, learning):
        return tables[:, 0].max(axis=-1)


class sarsa(TabularControl):  # noqa: N801
    """SARSA: the target is reward + gamma * q(o', a') with the action a' that is taken next. Settings: `TabularControl`.

    Source: Rummery & Niranjan (1994); Sutton & Barto (2018), eq. 6.7.
    """

    def ahead(self, tables, learning):
        self._decided = self.choose(tables[:, 0])
        return tables[self._run, 0, self._decided]


class expected_sarsa(TabularControl):  # noqa: N801
    """Expected SARSA: the target is reward + gamma * sum_a pi(a | o') q(o', a), pi being epsilon-greedy in q.

    That is the mean of SARSA's target over a', without its noise. Settings: `TabularControl`.
    Source: van Seijen et al. (2009); Sutton & Barto (2018), eq. 6.9.
    """

    def ahead(self, tables, learning):
        return (_epsilon_greedy(tables[:, 0], self.epsilon) * tables[:, 0]).sum(axis=-1)


class double_q_learning(TabularControl):  # noqa: N801
    """Double Q-learning: of two tables one, drawn by chance, learns; it names the best action, the other judges it.

    Target of table i: reward + gamma * q_j(o', argmax_a q_i(o', a)). The noise in one table's choice is independent of
    the other's judgement: not too high, as a maximum is, but possibly too low. Settings: `TabularControl`.
    Source: van Hasselt (2010); Sutton & Barto (2018), section 6.7.
    """

    tables = 2

    def ahead(self, tables, learning):
        best = _draw(self.rng, _epsilon_greedy(tables[self._run, learning]))
        return tables[self._run, 1 - learning, best]

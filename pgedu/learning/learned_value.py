"""A value function that is learned: a baseline, and the critic of actor-critic methods."""

import copy

import numpy as np

from pgedu.arguments import no_underflow, numbers, refuse
from pgedu.gradients.returns import discounted_returns
from pgedu.learning.training import require_optimizer


def require_same_observations(name, value, policy):
    """Raise ValueError unless a learned value takes the observations that the policy takes."""
    for kind in ("features", "observations"):
        if getattr(value.approximator, kind, None) != getattr(policy.approximator, kind, None):
            wanted = f"one that takes the same observations as the policy, {policy.approximator}"
            raise refuse(name, wanted, value.approximator)


class LearnedValue:
    """v(o; w), learned: w <- w + learning_rate * sum over steps of weight_t (target_t - v(o_t; w)) grad v(o_t; w).

    As a baseline, b_t = v(o_t; w), its targets are the returns of each batch, from which it learns after it has judged
    them: it is unbiased. As a critic, whoever uses it says what the targets are. The weights of a batch sum to about 1:
    the mean, rather than the sum of Sutton & Barto (2018, section 13.4), makes one learning rate fit short and long
    episodes: for a Table any of 1 or less is stable. `w` is [*R, D_w]: every run learns values of its own.

    A training starts a copy for itself; `training.baseline.w` or `training.critic.w` is what was learned.

    Args:
        approximator: with one output, on the same observations as the policy.
        optimizer: SGD, Adam, ...; each start begins with a copy of it as it was given.
    """

    def __init__(self, approximator, optimizer):
        if getattr(approximator, "outputs", None) != 1:
            raise refuse("approximator", "one with 1 output, the value, such as Table(observations=3, outputs=1)", approximator)
        self.approximator, self.optimizer = approximator, require_optimizer("optimizer", optimizer)
        self._unused, self.w = copy.deepcopy(optimizer), None

    def start(self, rng, runs=None):
        """A fresh one: parameters w [*R, D_w], and an optimiser that has seen nothing. This one stays as it is."""
        fresh = LearnedValue(self.approximator, copy.deepcopy(self._unused))
        fresh.w, fresh._usual_steps = self.approximator.init(rng, runs), None
        return fresh

    def values(self, observations):
        """v(o; w), [..., *R, B], of observations [..., *R, B, ...]."""
        self._require_started()
        return self.approximator.forward(self.w, observations)[..., 0]

    def _require_started(self):
        if self.w is None:
            raise ValueError("a LearnedValue must be started before it is used: start(rng, runs), as a training does")

    def __call__(self, rollout, targets):
        return self.values(rollout.observations[:-1])

    def learn_from(self, rollout):
        """Move w towards the returns of a batch of whole episodes."""
        self._require_started()
        targets = discounted_returns(rollout.rewards, rollout.discounts)
        self.learn(rollout.observations[:-1], targets, self.usual_shares(rollout.mask))

    def usual_shares(self, mask):
        """Weights [T, *R, B] of the steps of whole episodes: 1 / the number of steps that batches usually have.

        That number is a running mean, but no less than half of this batch's. With its own number, short episodes would
        have more say than long ones, and the values would not converge to the mean return.
        """
        steps = mask.sum(axis=(0, -1))
        usual = steps if self._usual_steps is None else self._usual_steps
        self._usual_steps = usual + 0.1 * (steps - usual)
        return mask / np.maximum(np.maximum(usual, steps / 2), 1)[..., None]

    def learn(self, observations, targets, weights):
        """One step towards targets [T, *R, B], with the say that weights give to each step; see `gradient`."""
        self.w = self.optimizer.step(self.w, self.gradient(self.w, observations, targets, weights))

    @no_underflow
    def gradient(self, w, observations, targets, weights):
        """Sum over steps of weight (target - v) grad v, at w [*R, D_w]: half the negative slope of the squared error.

        Args:
            targets: [T, *R, B].
            weights: [T, *R, B], such as `shares(mask)`; or, where they depend on it, a function of v [T, *R, B].
        """
        outputs, backward = self.approximator.trace(w, observations)
        values = outputs[..., 0]
        targets = numbers("targets", targets, "[T, *R, B]", values.shape, finite=False)
        weights = weights(values) if callable(weights) else weights
        numbers("weights", weights, "[T, *R, B]", values.shape, finite=False)
        of_episodes = backward(((targets - values) * weights)[..., None])
        return of_episodes[..., 0, :] if of_episodes.shape[-2] == 1 else of_episodes.sum(axis=-2)  # a sum would copy

"""Policies: an approximator turns observations into outputs, a head turns outputs into a distribution over actions."""

from dataclasses import dataclass

import numpy as np

from pgedu.policies.approximators import Table
from pgedu.policies.heads import Categorical, overflowing


@dataclass(frozen=True)
class Policy:
    """A parametrised policy pi(a | s; theta), with theta flat: [*R, D], a vector for each run.

    Observations are [..., *R, B, ...]: leading axes such as time are free, run axes are those of theta.
    """

    approximator: object
    head: object

    def __post_init__(self):
        if self.approximator.outputs != self.head.outputs:
            raise ValueError(
                f"approximator must have the {self.head.outputs} outputs that {self.head} needs; "
                f"got {self.approximator.outputs}"
            )

    @classmethod
    def softmax(cls, approximator):
        """The softmax policy with one action for each output of `approximator`."""
        return cls(approximator, Categorical(approximator.outputs))

    @property
    def size(self):
        return self.approximator.size

    def init(self, rng, runs=None):
        """Fresh parameters [*R, D]."""
        return self.approximator.init(rng, runs)

    @overflowing
    def outputs(self, theta, observations):
        """What the head turns into a distribution: [..., *R, B, K]."""
        return self.approximator.forward(theta, observations)

    def sample(self, theta, observations, rng):
        """Draw an action for each observation: [..., *R, B] (or [..., *R, B, d] for a Gaussian head)."""
        outputs = self.outputs(theta, observations)
        return self.head.act(outputs, self.head.noise(rng, outputs.shape[:-1]))

    def log_prob(self, theta, observations, actions):
        """log pi(a | s; theta), [..., *R, B]."""
        return self.head.log_prob(self.outputs(theta, observations), actions)

    def probabilities(self, theta, observations):
        """pi(. | s; theta) of a softmax policy, [..., *R, B, A]."""
        return np.exp(self.head.log_probs(self.outputs(theta, observations)))

    def trace(self, theta, observations, actions):
        """log pi(a_t | s_t; theta) [T, *R, B], and the function `score` that needs the same forward pass.

        score(weights [T, *R, B], entropy=0.0) = sum_t (weights_t grad log pi(a_t | s_t) + entropy_t grad H(s_t)),
        [*R, B, D], where `entropy`, a number or [T, *R, B], weights the gradient of H, the entropy of pi(. | s_t).
        """
        outputs, backward = self.approximator.trace(theta, observations)

        def score(weights, entropy=0.0):
            for name, given in (("weights", weights), ("entropy", entropy)):
                if np.shape(given) != outputs.shape[:-1] and (name == "weights" or np.ndim(given)):
                    raise ValueError(f"{name} must be [T, *R, B] = {outputs.shape[:-1]}; got shape {np.shape(given)}")
            gradient = self.head.gradient(outputs, actions) * np.asarray(weights)[..., None]
            if np.any(entropy):
                gradient += self.head.entropy_gradient(outputs) * np.asarray(entropy)[..., None]
            return backward(gradient)

        return self.head.log_prob(outputs, actions), score

    def score(self, theta, observations, actions, weights, entropy=0.0):
        """Return sum_t weights_t * grad log pi(a_t | s_t; theta), for each episode; `entropy` as in `trace`.

        Args:
            theta: [*R, D].
            observations: [T, *R, B, ...] at which the actions were taken (a rollout's without its last row).
            actions, weights: [T, *R, B].
        Returns:
            [*R, B, D]. With a rollout's psi as weights: the gradient estimate of each episode.
        Raises:
            ValueError: shapes that do not fit, actions out of range.
        Source: Schulman et al. (2016), eq. 1.
        """
        if isinstance(self.approximator, Table) and isinstance(self.head, Categorical) and not np.any(entropy):
            return self._score_of_table(theta, observations, actions, np.asarray(weights))
        return self.trace(theta, observations, actions)[1](weights, entropy)

    def _score_of_table(self, theta, observations, actions, weights):
        """The same by counting, several times faster: with W(o, a) the sum of an episode's weights, W - P sum_a W."""
        for name, array in (("actions", actions), ("weights", weights)):
            if array.shape != observations.shape:
                raise ValueError(f"{name} must be [T, *R, B] = {observations.shape}; got shape {array.shape}")
        self.head.check(actions)
        sums = self.approximator.sums(theta, observations, actions, weights)  # [*R, B, O, A]
        every_row = np.broadcast_to(np.arange(self.approximator.observations), (*theta.shape[:-1], sums.shape[-2]))
        probabilities = self.probabilities(theta, every_row)[..., None, :, :]
        return (sums - probabilities * sums.sum(axis=-1, keepdims=True)).reshape(*sums.shape[:-2], -1)

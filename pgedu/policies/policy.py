"""Policies: an approximator turns observations into outputs, a head turns outputs into a distribution over actions."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from pgedu.arguments import numbers, refuse
from pgedu.policies.approximators import Table
from pgedu.policies.constants import WithConstants
from pgedu.policies.fitting import require_approximator
from pgedu.policies.heads import Categorical, Gaussian, softmax
from pgedu.policies.layers import quiet
from pgedu.policies.squashed import SquashedGaussian


@dataclass(frozen=True)
class Policy:
    """A parametrised policy pi(a | s; theta), with theta flat: [*R, D], a vector for each run.

    Observations are [..., *R, B, ...]: leading axes such as time are free, run axes are those of theta. All functions
    take lists where arrays are meant.

    Raises:
        ValueError: no approximator or no head, or two that do not fit each other.
    """

    approximator: object
    head: object

    def __post_init__(self):
        require_approximator(self.approximator)
        if isinstance(self.head, type) or not hasattr(self.head, "outputs"):
            raise refuse("head", "one such as Categorical(2) or Gaussian(1)", self.head)
        if self.approximator.outputs != self.head.outputs:
            wanted = f"one with the {self.head.outputs} outputs that {self.head} needs"
            raise refuse("approximator", wanted, f"{self.approximator.outputs} outputs")

    @classmethod
    def softmax(cls, approximator):
        """The softmax policy with one action for each output of `approximator`."""
        return cls(require_approximator(approximator), Categorical(approximator.outputs))

    @classmethod
    def gaussian(cls, approximator, log_std=0.0):
        """The Gaussian policy whose means are the d outputs of `approximator`, in continuous actions [..., d].

        The logarithms of the standard deviations are d more parameters, the same in every state, and start at
        `log_std`, a number or [d]. (For deviations that depend on the state: Policy(approximator, Gaussian(d)) with an
        approximator of 2 d outputs.) Actions are unbounded: an environment with bounds gets the nearest within, of which
        the score knows nothing, as it should be; `share_clipped` says how many.
        """
        return cls._normal(approximator, log_std, Gaussian)

    @classmethod
    def squashed(cls, approximator, low=-1.0, high=1.0, log_std=0.0):
        """`gaussian`, squashed into the bounds low .. high, numbers or [d], by tanh: see `SquashedGaussian`.

        The d outputs are means before squashing, and actions are on record as they were drawn there; what they are in
        the world, `policy.head.play(actions)` says.
        """
        return cls._normal(approximator, log_std, partial(SquashedGaussian, low=low, high=high))

    @classmethod
    def _normal(cls, approximator, log_std, head):
        d = require_approximator(approximator).outputs
        return cls(WithConstants(approximator, d, log_std), head(d))

    @property
    def size(self):
        return self.approximator.size

    def init(self, rng, runs=None):
        """Fresh parameters [*R, D]."""
        return self.approximator.init(rng, runs)

    @quiet
    def outputs(self, theta, observations):
        """What the head turns into a distribution: [..., *R, B, K]."""
        return self.approximator.forward(theta, observations)

    def prepared(self, theta):
        """outputs(theta, .) as a function of the observations, for whoever acts again and again with one theta."""
        prepare = getattr(self.approximator, "prepared", None)  # an approximator of one's own may do without
        return prepare(theta) if prepare else partial(self.outputs, theta)

    def sample(self, theta, observations, rng):
        """Draw an action for each observation: [..., *R, B] (or [..., *R, B, d] for a Gaussian head, before any squashing).

        Raises:
            ValueError: as in `probabilities`; an rng that is no numpy.random.Generator.
        """
        outputs = self._outputs_with_a_choice(theta, observations)
        return self.head.act(outputs, self.head.noise(rng, outputs.shape[:-1]))

    def log_prob(self, theta, observations, actions):
        """log pi(a | s; theta), [..., *R, B]."""
        return self.head.log_prob(self.outputs(theta, observations), np.asarray(actions))

    def probabilities(self, theta, observations):
        """pi(. | s; theta) of a softmax policy, [..., *R, B, A].

        Raises:
            ValueError: shapes that do not fit, or a state in which all actions are masked (minus infinity).
        """
        if not isinstance(self.head, Categorical):
            raise refuse("head", "Categorical for there to be probabilities", self.head)
        return softmax(self._outputs_with_a_choice(theta, observations))

    def _outputs_with_a_choice(self, theta, observations):
        outputs = self.outputs(theta, observations)
        if isinstance(self.head, Categorical):
            self.head.require_choice(outputs)
        return outputs

    def trace(self, theta, observations, actions):
        """log pi(a_t | s_t; theta) [T, *R, B], and the function `score` that needs the same forward pass.

        score(weights [T, *R, B], entropy=0.0) = sum_t (weights_t grad log pi(a_t | s_t) + entropy_t grad H(s_t)),
        [*R, B, D], where `entropy`, a number or [T, *R, B], weights the gradient of H, the entropy of pi(. | s_t).
        """
        outputs, backward = self.approximator.trace(theta, observations)
        log_prob, gradient = self.head.trace(outputs, np.asarray(actions))
        shape = outputs.shape[:-1]

        def score(weights, entropy=0.0):
            weights = numbers("weights", weights, "[T, *R, B]", shape, finite=False)
            if np.ndim(entropy):
                entropy = numbers("entropy", entropy, "[T, *R, B]", shape, finite=False)
            return backward(gradient(weights, entropy))

        return log_prob, score

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
            return self._score_of_table(*map(np.asarray, (theta, observations, actions)), weights)
        return self.trace(theta, observations, actions)[1](weights, entropy)

    @quiet
    def _score_of_table(self, theta, observations, actions, weights):
        """The same by counting, several times faster: with W(o, a) the sum of an episode's weights, W - P sum_a W."""
        weights = numbers("weights", weights, "[T, *R, B]", observations.shape, finite=False)
        if actions.shape != observations.shape:
            raise refuse("actions", f"[T, *R, B] = {observations.shape}", f"shape {actions.shape}")
        self.head.require_actions(actions)
        sums = self.approximator.sums(theta, observations, actions, weights)  # [*R, B, O, A]
        every_row = np.broadcast_to(np.arange(self.approximator.observations), (*theta.shape[:-1], sums.shape[-2]))
        probabilities = softmax(self.outputs(theta, every_row))[..., None, :, :]
        return (sums - probabilities * sums.sum(axis=-1, keepdims=True)).reshape(*sums.shape[:-2], -1)

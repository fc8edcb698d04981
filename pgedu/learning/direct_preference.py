"""Learning from pairs of answers without a reward model: DPO and IPO, as any other choice of weights on scores."""

from functools import partial

import numpy as np

from pgedu.arguments import number, refuse
from pgedu.experience.rollouts import Rollout
from pgedu.gradients.groups import preference_weights
from pgedu.learning.settings import Setting, optional, whole
from pgedu.learning.training import PolicyTraining


def _answers(name, value):
    if not (isinstance(value, Rollout) and value.rewards.ndim == 2):
        raise refuse(name, "a Rollout [T, P] of whole episodes", value)
    if not value.rewards.size:
        raise refuse(name, "one answer or more", f"shape {value.rewards.shape}")
    if not np.isfinite(value.log_probs[value.mask > 0]).all():
        raise refuse(name, "answers that the reference policy can give, with finite log_probs", "NaN or infinity")
    return value


def _kind(name, value):
    if value not in ("dpo", "ipo"):
        raise refuse(name, "'dpo' or 'ipo'", value)
    return value


class direct_preference(PolicyTraining):  # noqa: N801 - lower case as `reinforce`
    """DPO or IPO for R runs at once: theta <- theta + learning rate * mean over pairs of w (score preferred - score rejected).

    Their weights w are `preference_weights` of h, the log ratio to the reference of the one answer minus that of the
    other. `log_probs` of the two rollouts are those of the reference policy: it need not have written them.

    Args:
        policy, optimizer, theta, rng, runs, updates: see `PolicyTraining`. (DPO starts at the reference.)
        preferred, rejected: rollouts [T, P]; column p of both makes a pair.
        beta: of the KL penalty that it stands for.
        kind: "dpo" or "ipo".
        pairs: drawn for each run and update, with replacement; None: all, each time.
    Source: Rafailov et al. (2023); Azar et al. (2023).
    """

    preferred = Setting(_answers, live=False)
    rejected = Setting(_answers, live=False)
    beta = Setting(partial(number, above=0), 0.1)
    kind = Setting(_kind, "dpo")
    pairs = Setting(optional(whole), None)

    def require_agreement(self):
        super().require_agreement()
        shapes = [answers.rewards.shape for answers in (self.preferred, self.rejected)]
        if shapes[0][1:] != shapes[1][1:]:
            raise refuse("rejected", f"as many answers as preferred has, {shapes[0][1]}", f"{shapes[1][1]}")

    def collect(self):
        """The pairs to learn from now: columns [R, B]."""
        P = self.preferred.rewards.shape[-1]
        yield
        if self.pairs is None:
            return np.broadcast_to(np.arange(P), (self.runs, P))
        return self.rng.integers(P, size=(self.runs, self.pairs))

    def learn(self, columns):
        (better, to_better), (worse, to_worse) = (self._ratios(each, columns) for each in (self.preferred, self.rejected))
        h = better - worse
        weights = preference_weights(h, beta=self.beta, kind=self.kind)
        gradients = to_better(weights) - to_worse(weights)
        self.move(self.optimizer.step(self.theta, gradients.mean(axis=-2)))
        return {"gradients": gradients, "details": {"margin": h.mean(axis=-1), "agreement": (h > 0).mean(axis=-1)}}

    def _ratios(self, answers, columns):
        """log(pi / reference) of the whole answers [R, B], and the function weights [R, B] -> weighted scores [R, B, D]."""
        observations, actions, reference, mask = (
            each[:, columns] for each in (answers.observations[:-1], answers.actions, answers.log_probs, answers.mask)
        )
        log_prob, score = self.policy.trace(self.theta, observations, actions)
        return ((log_prob - reference) * mask).sum(axis=0), lambda weights: score(weights * mask)

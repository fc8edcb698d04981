"""Weights for groups: B answers to one question, judged against one another.

(RLOO is `total_return` with `leave_one_out`: to `reward_to_go` an answer that has ended is worth 0 from then on.)
"""

import numpy as np

from pgedu.arguments import no_underflow, number, numbers, refuse, switch
from pgedu.experience.rollouts import Rollout


@no_underflow
def group_advantage(rollout, *, divide=True, per_length=False, epsilon=0.0):
    """psi_t = (G - mean of the group's G) / (standard deviation of them + epsilon), and / |o| where `per_length`: GRPO.

    G is what an episode is paid in all, undiscounted. The group are the B episodes of a batch, the judged one included, so
    that even without the division the expectation is (1 - 1/B) grad J (of a J without discount). With it, it is the gradient
    of nothing one would ask for: where rewards are 0 or 1, of a sum of 2 arcsin sqrt(p) in large groups; with others its
    direction may be the opposite of grad J's. With `per_length` long answers count for less, wrong ones too. Where all are
    paid the same (but for rounding), psi is 0.

    Args:
        divide: by the standard deviation (of the group as it is: by B, not B - 1).
        per_length: each word gets a share, 1 / |o|, with |o| the number of the episode's steps.
        epsilon: added to the standard deviation, as programs do (1e-4).
    Raises:
        ValueError: no Rollout, rewards that are not finite.
    Source: Shao et al. (2024), DeepSeekMath, section 4.1.2; without both divisions: Liu et al. (2025), section 3.2.
    """
    number("epsilon", epsilon, 0)
    if not isinstance(rollout, Rollout):
        raise refuse("rollout", "a Rollout [T, *R, B] of whole episodes", rollout)
    G = (numbers("rewards", rollout.rewards, "[T, *R, B]") * rollout.mask).sum(axis=0)
    advantages = G - G.mean(axis=-1, keepdims=True)
    if switch("divide", divide):
        spread = G.std(axis=-1, keepdims=True) + epsilon
        unlike = np.ptp(G, axis=-1, keepdims=True) > 1e-12 * np.abs(G).max(axis=-1, keepdims=True)
        advantages = np.divide(advantages, spread, out=np.zeros_like(G), where=unlike)
    if switch("per_length", per_length):
        advantages = advantages / np.maximum(rollout.mask.sum(axis=0), 1)
    return advantages * rollout.mask


@no_underflow
def preference_weights(log_ratio, *, beta, kind="dpo"):
    """What the score of a preferred answer is weighted with, and minus that the rejected one's, in DPO and IPO: [...].

    log_ratio h = log(pi / reference) of the preferred answer minus that of the rejected one. With u = sigma(-beta h)
    DPO descends -log sigma(beta h), weight beta u; IPO descends (h - 1 / (2 beta))^2, weight 2 (1 / (2 beta) - h).

    At pi* of `tilt` DPO's mean is 0 if preferences are those of Bradley and Terry. If one answer is always preferred, DPO
    drives h to infinity whatever beta; IPO stops at h = 1 / (2 beta).
    Source: Rafailov et al. (2023), eq. 7; Azar et al. (2023), eq. 17.
    """
    h = numbers("log_ratio", log_ratio, finite=False)
    number("beta", beta, above=0)
    if kind not in ("dpo", "ipo"):
        raise refuse("kind", "'dpo' or 'ipo'", kind)
    return beta * np.exp(-np.logaddexp(0.0, beta * h)) if kind == "dpo" else 2 * (1 / (2 * beta) - h)

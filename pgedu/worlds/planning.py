"""What is best in a finite world: value iteration. It needs the arrays of a world and no policy, so it stands here."""

import numpy as np

from pgedu.arguments import number, refuse
from pgedu.worlds import solving

MOST_SWEEPS = 100_000


@np.errstate(under="ignore")
def optimal_action_values(mdp, *, epsilon=0.0):
    """q*(s, a), [*R, S, A] or, where the world has a horizon, [H, *R, S, A] (row t is time t), by value iteration.

    q(s, a) <- r(s, a) + gamma sum_s' P(s' | s, a) v(s'),  v(s) = (1 - epsilon) max_a q(s, a) + epsilon mean_a q(s, a).

    With epsilon > 0 they are those of the best of all policies that act at random in a share epsilon of their steps.
    States that look alike are told apart here: a learner that sees observations may be unable to reach them.

    Args:
        mdp: an `MDP` without `policy_rewards`.
    Raises:
        ValueError: an epsilon outside [0, 1], or a world whose values do not settle (undiscounted and never ending).
    Source: Sutton & Barto (2018), eq. 4.10; for epsilon-soft policies, section 5.4.
    """
    number("epsilon", epsilon, 0, 1)
    rewards, onward = require_plain_rewards(mdp).rewards * ~mdp.terminal[:, None], solving.onward(mdp, mdp.gamma)
    q, table = np.zeros(rewards.shape), []
    for _ in range(mdp.horizon or MOST_SWEEPS):
        v = (1 - epsilon) * q.max(axis=-1) + epsilon * q.mean(axis=-1)
        before, q = q, rewards + solving.ahead(mdp, onward, v)
        if mdp.horizon:
            table.append(q)
        elif (np.abs(q - before) <= 1e-15 * (1 + np.abs(q).max())).all():
            return q
    if mdp.horizon:
        return np.array(table[::-1])
    raise ValueError(f"world must have values that settle, so have a discount, an end or a horizon; got gamma {mdp.gamma}")


def require_plain_rewards(mdp):
    """The world, if its rewards do not depend on the policy."""
    if mdp.policy_rewards is not None:
        raise refuse("world", "one without policy_rewards, which action values know nothing of", mdp.policy_rewards)
    return mdp

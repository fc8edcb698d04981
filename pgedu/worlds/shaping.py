"""Rewards that are added to help a learner: by a potential, which changes no optimum, or as they come, which may."""

from dataclasses import replace

import numpy as np

from pgedu.arguments import able, numbers


def shaped(mdp, potential, *, at_end=None):
    """The MDP with gamma Phi(s') - Phi(s) added to each reward: advantages, exact gradient and best policy stay as they are.

    Over an episode the additions telescope: J falls by E Phi(s_0), a state's values by Phi(s), if Phi is 0 in terminal
    states. (With a horizon, gamma^T E Phi(s_T) is left over, of episodes that are cut off, and all that is no longer so.)

    Args:
        potential: Phi, [S]. What it says of terminal states is not looked at.
        at_end: None, or the Phi [S] that terminal states are given all the same: the mistake that changes what is best.
    Raises:
        ValueError: no finite world, numbers that do not fit it.
    Source: Ng, Harada & Russell (1999), theorem 1.
    """
    able("mdp", mdp, "log_policy", "a finite world such as an MDP")
    shape = (mdp.n_states,)
    ends = np.zeros(shape) if at_end is None else numbers("at_end", at_end, "[S]", shape)
    Phi = np.where(mdp.terminal, ends, numbers("potential", potential, "[S]", shape))
    ahead = (mdp.chances * Phi[mdp.successors]).sum(axis=-1)
    added = np.where(mdp.terminal[:, None], 0.0, mdp.gamma * ahead - Phi[:, None])
    return replace(mdp, rewards=mdp.rewards + added)

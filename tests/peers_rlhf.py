"""DPO, IPO, RLOO, GRPO, PPO's clip and the estimates of a KL, against PyTorch: part of `make peers`.

Losses are written down from their papers and differentiated, with the logits of each word after each prefix of a language as
parameters. `peers_trl.py` does the same with TRL's trainers.
"""

import numpy as np
import pytest
import torch
from test_direct_preference import answers

from pgedu import (
    SGD, Language, Policy, Table, clipped_surrogate, clipped_weights, direct_preference, episode_gradients, group_advantage,
    kl_estimate, kl_loss_weights, leave_one_out, log_softmax, total_return,
)  # fmt: skip

CLOSE = {"rtol": 0, "atol": 1e-10}
LANGUAGE = Language(("a", "b", "."), 3, stop=2)
T, S, V, N = 3, LANGUAGE.n_states, 3, len(LANGUAGE.sentences)
POLICY = Policy.softmax(Table(S, V))
REWARDS = np.random.default_rng(1).integers(-8, 9, N) / 8  # exact in single precision, too
BETA, CLIP, GROUP = 0.3, 0.2, 16


def tables(count, seed=0, scale=1.0):
    return scale * np.random.default_rng(seed).normal(size=(count, S, V))


def told(numbers, logits):
    """A group of these sentences, written with these logits and paid at their ends: a Rollout [T, B]."""
    rollout = answers(numbers, LANGUAGE, LANGUAGE.log_probs(log_softmax(logits)))
    last = rollout.mask - np.concatenate([rollout.mask[1:], np.zeros((1, len(numbers)))])
    return rollout._replace(rewards=last * REWARDS[numbers])


def log_probs(logits, rollout):
    """log pi of each word, [T, B]; 0 after an end."""
    return POLICY.log_prob(logits.ravel(), rollout.observations[:-1], rollout.actions) * rollout.mask


def gradient(logits, rollout, psi):
    """pgedu's, of the mean over the group: [S, V]."""
    return episode_gradients(POLICY, logits.ravel(), rollout, psi).mean(axis=-2).reshape(S, V)


def of_pairs(logits, reference, pairs, **settings):
    """The gradient that `direct_preference` ascends, [S, V]."""
    preferred, rejected = (told(each, reference) for each in pairs)
    training = direct_preference(
        POLICY, preferred=preferred, rejected=rejected, theta=logits.reshape(1, -1), optimizer=SGD(0.0),
        rng=np.random.default_rng(0), **settings,
    )  # fmt: skip
    return next(training).gradients[0].mean(axis=0).reshape(S, V)


def grpo(rollout, advantages, ratio, log_ratio, *, per_length=True, corrected=False):
    """(loss, psi) of GRPO: each word's ratio to the old policy clipped, and its k3 to the reference in the loss.

    `advantages` have their share 1 / |o| already. Corrected: k3 is multiplied with the ratio, whose gradient counts, too.
    """
    share = rollout.mask / (rollout.mask.sum(axis=0) if per_length else 1)
    value, slope = kl_estimate(log_ratio, "k3"), kl_loss_weights(log_ratio, "k3")
    if corrected:
        value, slope = ratio * value, ratio * (slope + value)
    loss = -(clipped_surrogate(ratio, advantages, CLIP) - BETA * value * share).sum(axis=0).mean()
    return loss, clipped_weights(ratio, advantages, CLIP) - BETA * slope * share


class Equations:
    """Logits [S, V] that PyTorch differentiates."""

    def __init__(self, logits):
        self.logits = torch.tensor(logits, requires_grad=True)

    def words(self, rollout):
        """log pi of each word, [T, B]."""
        chosen = torch.log_softmax(self.logits, dim=-1)[rollout.observations[:-1], rollout.actions]
        return chosen * torch.tensor(rollout.mask)

    def slope(self, loss):
        """Minus its gradient."""
        self.logits.grad = None
        loss.backward()
        return -self.logits.grad.numpy()


def clipped_loss(ratio, advantages):
    """Minus L^CLIP of Schulman et al. (2017), eq. 7, of each sample."""
    return -torch.minimum(ratio * advantages, torch.clamp(ratio, 1 - CLIP, 1 + CLIP) * advantages)


@pytest.mark.parametrize("kind, beta", [("dpo", 0.1), ("dpo", 3.0), ("ipo", 0.1), ("ipo", 3.0)])
def test_dpo_and_ipo(kind, beta):
    """Rafailov et al. (2023), eq. 7; Azar et al. (2023), eq. 17."""
    logits, reference = tables(2)
    pairs = np.random.default_rng(2).integers(N, size=(2, 40))
    ours, equations = of_pairs(logits, reference, pairs, kind=kind, beta=beta), Equations(logits)
    chosen, rejected = (equations.words(told(each, reference)).sum(dim=0) for each in pairs)
    before = LANGUAGE.log_probs(log_softmax(reference))
    h = chosen - rejected - torch.tensor(before[pairs[0]] - before[pairs[1]])
    losses = {"dpo": -torch.nn.functional.logsigmoid(beta * h), "ipo": (h - 1 / (2 * beta)) ** 2}
    assert np.allclose(ours, equations.slope(losses[kind].mean()), **CLOSE)


def test_rloo():
    """Ahmadian et al. (2024): the score of each answer, weighted with its reward less the mean reward of the others."""
    logits, numbers = tables(1)[0], np.random.default_rng(3).integers(N, size=12)
    rollout, equations = told(numbers, logits), Equations(logits)
    R = torch.tensor(REWARDS[numbers])
    advantages = torch.stack([R[i] - torch.cat([R[:i], R[i + 1 :]]).mean() for i in range(12)])
    loss = -(advantages * equations.words(rollout).sum(dim=0)).mean()
    assert np.allclose(gradient(logits, rollout, total_return(rollout, baseline=leave_one_out)), equations.slope(loss), **CLOSE)


@pytest.mark.parametrize("divide, per_length", [(True, True), (True, False), (False, True), (False, False)])
def test_grpo_with_its_clip_and_its_penalty(divide, per_length):
    """Shao et al. (2024), section 4.1, off the policy that wrote; without its divisions Liu et al. (2025)."""
    logits, reference = tables(2)
    old, numbers = logits + tables(1, seed=9, scale=0.3)[0], np.random.default_rng(4).integers(N, size=GROUP)
    rollout, equations = told(numbers, old), Equations(logits)
    words = equations.words(rollout)
    to_reference = torch.tensor(log_probs(reference, rollout)) - words
    penalty = torch.exp(to_reference) - to_reference - 1
    R = torch.tensor(REWARDS[numbers])
    advantages = (R - R.mean()) / (R.std(correction=0) if divide else 1)
    each = clipped_loss(torch.exp(words - torch.tensor(rollout.log_probs)), advantages) + BETA * penalty
    mask = torch.tensor(rollout.mask)
    loss = ((each * mask).sum(dim=0) / (mask.sum(dim=0) if per_length else 1)).mean()
    ours = log_probs(logits, rollout)
    ratio, log_ratio = np.exp(ours - rollout.log_probs), ours - log_probs(reference, rollout)
    advantages = group_advantage(rollout, divide=divide, per_length=per_length)
    value, psi = grpo(rollout, advantages, ratio, log_ratio, per_length=per_length)
    assert (np.abs(ratio - 1) > CLIP).any() and value == pytest.approx(loss.item(), abs=1e-10)
    assert np.allclose(gradient(logits, rollout, psi), equations.slope(loss), **CLOSE)


@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_estimates_of_kl_as_values_and_as_losses(kind):
    """Schulman (2020), whose r is reference / pi."""
    logits, reference = tables(2)
    rollout, equations = told(np.arange(N), logits), Equations(logits)
    log_r = torch.tensor(log_probs(reference, rollout)) - equations.words(rollout)
    estimate = {"k1": -log_r, "k2": log_r**2 / 2, "k3": torch.exp(log_r) - 1 - log_r}[kind]
    log_ratio = log_probs(logits, rollout) - log_probs(reference, rollout)
    assert np.allclose(kl_estimate(log_ratio, kind), estimate.detach().numpy(), **CLOSE)
    ours = gradient(logits, rollout, kl_loss_weights(log_ratio, kind) * rollout.mask)
    assert np.allclose(-ours, equations.slope(estimate.sum(dim=0).mean()), **CLOSE)

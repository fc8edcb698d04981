"""DPO, IPO, GRPO and RLOO against the trainers of TRL, as they come: part of `make peers`.

They train a tiny GPT-2 of random weights, which is made here. Its words are those of a language; what it would say after each
prefix is the theta of a table. The gradient that pgedu finds for this table, led back through the network by the chain rule,
must be what TRL's loss has for all the network's parameters. TRL has no trainer of PPO any more; GRPO's clip is PPO's.
"""

import os
import warnings

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}  # nothing is asked for, and nothing reported

import numpy as np
import pytest
import torch
from peers_rlhf import (
    BETA, CLIP, GROUP, LANGUAGE, REWARDS, N, S, T, V, gradient, grpo, log_probs, of_pairs, told,
)  # fmt: skip

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # their own, of what will change some day
    from datasets import Dataset
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast
    from trl import DPOConfig, DPOTrainer, GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from pgedu import clipped_surrogate, clipped_weights, group_advantage, kl_estimate, leave_one_out, log_softmax, total_return

pytestmark = pytest.mark.filterwarnings("ignore")
SINGLE = {"rtol": 0, "atol": 1e-6}  # TRL's last layer, rewards and advantages are in single precision whatever the model is
EPSILON = 1e-4  # what GRPO's trainer adds to the deviation

PROMPT = [1, 0]
PREFIXES = {state: row[:t].tolist() for row, states in zip(LANGUAGE.sentences, LANGUAGE.states)
            for t, state in enumerate(states) if state < S - 1}  # fmt: skip
ROW = {tuple(row[row >= 0].tolist()): number for number, row in enumerate(LANGUAGE.sentences)}
TINY = {"vocab_size": V, "n_positions": 8, "n_embd": 8, "n_layer": 1, "n_head": 2, "initializer_range": 0.4, "resid_pdrop": 0.0,
        "embd_pdrop": 0.0, "attn_pdrop": 0.0, "bos_token_id": 2, "eos_token_id": 2, "pad_token_id": 2}  # fmt: skip


def network(seed):
    torch.manual_seed(seed)
    return GPT2LMHeadModel(GPT2Config(**TINY)).double()


def tokenizer():
    words = Tokenizer(models.WordLevel({word: number for number, word in enumerate(LANGUAGE.words)}, unk_token="a"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=words, eos_token=".", pad_token=".", unk_token="a")


def logits_of(model):
    """What it says after each prefix, [S, V]; 0 in the end state."""
    said = [model(torch.tensor([PROMPT + PREFIXES[state]])).logits[0, -1] for state in range(S - 1)]
    return torch.stack([*said, torch.zeros(V, dtype=torch.float64)])


def slopes(model, backward):
    """The gradient of all its parameters that `backward` leaves behind."""
    model.zero_grad()
    backward()
    return np.concatenate([each.grad.numpy().ravel() for each in model.parameters()])


def through_the_network(model, slope):
    """Minus pgedu's gradient [S, V], by the chain rule."""
    return slopes(model, lambda: logits_of(model).backward(-torch.tensor(slope)))


def start(trainer, config, folder, *, model, also, **settings):
    """A trainer of theirs, in the middle of its first step; `also`: what is no setting of its config."""
    common = {"use_cpu": True, "bf16": False, "report_to": "none", "disable_tqdm": True, "beta": BETA}
    data = Dataset.from_list([{"prompt": "b a", "chosen": "a .", "rejected": "b ."}])
    args = config(str(folder), **common | settings)
    found = trainer(model, args=args, processing_class=tokenizer(), train_dataset=data, **also)
    found.model.train()
    found.current_gradient_accumulation_steps = 1
    return found


@pytest.mark.parametrize("loss", ["sigmoid", "ipo"])
def test_dpo_of_trl(loss, tmp_path):
    """Its IPO takes the mean over the words where eq. 17 has their sum: for L words each, beta / L, and a loss of L^2."""
    model, reference, length = network(0), network(1), 3
    of = np.flatnonzero(LANGUAGE.lengths == length) if loss == "ipo" else np.arange(N)
    pairs = np.random.default_rng(5).choice(of, size=(2, 20))
    trainer = start(DPOTrainer, DPOConfig, tmp_path, model=model, loss_type=[loss], also={"ref_model": reference})
    ids = [[row[row >= 0].tolist() for row in LANGUAGE.sentences[each]] for each in pairs]
    batch = trainer.data_collator([{"prompt_ids": PROMPT, "chosen_ids": w, "rejected_ids": l} for w, l in zip(*ids)])
    value = trainer.compute_loss(model, batch)
    theirs = slopes(model, value.backward)
    logits, before = (logits_of(each).detach().numpy() for each in (model, reference))
    ratios = LANGUAGE.log_probs(log_softmax(logits)) - LANGUAGE.log_probs(log_softmax(before))
    h = ratios[pairs[0]] - ratios[pairs[1]]
    kind, beta, share = ("dpo", BETA, 1) if loss == "sigmoid" else ("ipo", BETA / length, length**2)
    wanted = np.logaddexp(0, -beta * h) if kind == "dpo" else (h - 1 / (2 * beta)) ** 2 / share
    ours = through_the_network(model, of_pairs(logits, before, pairs, kind=kind, beta=beta) / share)
    assert value.item() == pytest.approx(wanted.mean(), abs=1e-6) and np.abs(theirs).max() > 0.01
    assert np.allclose(ours, theirs, **SINGLE)


def written(trainer, config, folder, **settings):
    """(trainer, what it wrote and judged, numbers of the sentences, the logits that wrote them, those of the reference)."""
    network(1).save_pretrained(folder / "reference")
    model = GPT2LMHeadModel.from_pretrained(folder / "reference", dtype=torch.float64)  # by its name the reference is found
    model.load_state_dict(network(2).state_dict())
    judge = {"reward_funcs": lambda completion_ids, **others: [REWARDS[ROW[tuple(ids)]] for ids in completion_ids]}
    made = start(trainer, config, folder, model=model, also=judge, num_generations=GROUP, per_device_train_batch_size=GROUP,
                 max_completion_length=T, model_init_kwargs={"dtype": "auto"}, **settings)  # fmt: skip
    torch.manual_seed(0)
    batch = made._generate_and_score_completions([{"prompt": "b a"}] * GROUP)
    rows = [row[kept > 0].tolist() for row, kept in zip(batch["completion_ids"], batch["completion_mask"])]
    numbers = np.array([ROW[tuple(row)] for row in rows])
    assert set(LANGUAGE.lengths[numbers]) == {1, 2, 3}
    return made, batch, numbers, logits_of(model).detach().numpy(), logits_of(made.ref_model).detach().numpy()


def moved(model, size=0.15):
    """The same model after a step somewhere, so that ratios are not 1; its logits now."""
    with torch.no_grad():
        for each in model.parameters():
            each += size * torch.randn(each.shape, dtype=each.dtype, generator=torch.Generator().manual_seed(each.numel()))
    return logits_of(model).detach().numpy()


@pytest.mark.parametrize("divide, kind, corrected", [
    (True, "grpo", False), (True, "dr_grpo", False), (False, "grpo", True), (False, "dr_grpo", True),
])  # fmt: skip
def test_grpo_of_trl(divide, kind, corrected, tmp_path):
    """Its deviation divides by G - 1, ours by G; "dr_grpo" shares by the longest length allowed in the place of 1/|o|."""
    trainer, batch, numbers, old, reference = written(
        GRPOTrainer, GRPOConfig, tmp_path, loss_type=kind, scale_rewards="group" if divide else "none",
        use_bias_correction_kl=corrected,
    )  # fmt: skip
    rollout, factor, per_length = told(numbers, old), np.sqrt(1 - 1 / GROUP) if divide else 1.0, kind == "grpo"

    def advantages(per_length=False):
        return factor * group_advantage(rollout, divide=divide, per_length=per_length, epsilon=EPSILON * factor)

    assert np.allclose(advantages()[0], batch["advantages"].numpy(), **SINGLE)
    assert np.allclose(log_probs(reference, rollout), batch["ref_per_token_logps"].numpy().T * rollout.mask, **SINGLE)
    logits = moved(trainer.model)
    batch["old_per_token_logps"] = torch.tensor(rollout.log_probs.T)
    loss = trainer.compute_loss(trainer.model, batch)
    theirs = slopes(trainer.model, loss.backward)
    now = log_probs(logits, rollout)
    ratio, log_ratio = np.exp(now - rollout.log_probs), now - log_probs(reference, rollout)
    value, psi = grpo(rollout, advantages(per_length), ratio, log_ratio, per_length=per_length, corrected=corrected)
    longest = 1 if per_length else T
    ours = through_the_network(trainer.model, gradient(logits, rollout, psi) / longest)
    assert (np.abs(ratio - 1) > CLIP).any() and loss.item() == pytest.approx(value / longest, abs=1e-6)
    assert np.allclose(ours, theirs, **SINGLE)


def test_rloo_of_trl(tmp_path):
    """k1 in the reward, the leave-one-out baseline, and the clipped ratio of whole sentences."""
    trainer, batch, numbers, old, reference = written(RLOOTrainer, RLOOConfig, tmp_path)
    rollout = told(numbers, old)
    rollout = rollout._replace(rewards=rollout.rewards - BETA * kl_estimate(rollout.log_probs - log_probs(reference, rollout)))
    advantages = total_return(rollout, baseline=leave_one_out)
    assert np.allclose(advantages[0], batch["advantages"].numpy(), **SINGLE)
    assert np.allclose(rollout.log_probs.sum(axis=0), batch["old_logps"].numpy(), **SINGLE)
    logits = moved(trainer.model)
    ratio = np.exp((log_probs(logits, rollout) - rollout.log_probs).sum(axis=0))
    loss = trainer.compute_loss(trainer.model, batch)
    theirs = slopes(trainer.model, loss.backward)
    psi = clipped_weights(np.broadcast_to(ratio, advantages.shape), advantages, CLIP)
    ours = through_the_network(trainer.model, gradient(logits, rollout, psi))
    assert (np.abs(ratio - 1) > CLIP).any() and np.allclose(ours, theirs, **SINGLE)
    assert loss.item() == pytest.approx(-clipped_surrogate(ratio, advantages[0], CLIP).mean(), abs=1e-6)

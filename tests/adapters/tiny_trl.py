"""A tiny policy, its tokenizer and prompts for TRL, all in memory; and what one step did with them."""

import copy
import gc
import os

import torch
from datasets import Dataset
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GPT2Config, GPT2LMHeadModel, MixtralConfig, MixtralForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig

from maxrl_est.adapters.trl import MaxRLTrainer

N, LONGEST = 4, 5
WORDS = ("end", "pad", "one", "two")
PROMPTS = Dataset.from_list([{"prompt": text} for text in ("one two", "two", "one one one", "two one")])


def policy():
    """In float64, so that gradients can be compared to rounding; end is likely, so that lengths differ."""
    torch.manual_seed(0)
    shape = {"vocab_size": len(WORDS), "n_positions": 16, "n_embd": 8, "n_layer": 1, "n_head": 1}
    dropout = {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    return GPT2LMHeadModel(
        GPT2Config(**shape, **dropout, bos_token_id=0, eos_token_id=0, initializer_range=0.3)
    ).double()


def mixture():
    """A mixture of experts in float64, of which TRL takes an auxiliary loss by default."""
    torch.manual_seed(0)
    shape = {"vocab_size": len(WORDS), "max_position_embeddings": 16, "hidden_size": 8, "intermediate_size": 8}
    heads = {"num_attention_heads": 2, "num_key_value_heads": 1, "num_hidden_layers": 1, "num_local_experts": 4}
    model = MixtralForCausalLM(MixtralConfig(**shape, **heads, eos_token_id=0, initializer_range=0.3))
    model.set_experts_implementation("eager")  # others have no float64
    return model.double()


def tokenizer():
    words = Tokenizer(WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="pad"))
    words.pre_tokenizer = Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=words, pad_token="pad", eos_token="end")


def share_of_ones(completion_ids, **_):
    """A graded likelihood: the share of "one" among the tokens of a completion."""
    return [ids.count(2) / len(ids) for ids in completion_ids]


def arguments(folder, **settings):
    common = {
        "report_to": "none",
        "bf16": False,
        "use_cpu": True,
        "max_steps": 1,
        "num_generations": N,
        "per_device_train_batch_size": 2 * N,
        "max_completion_length": LONGEST,
        "max_grad_norm": 0.0,
        "lr_scheduler_type": "constant",
        "loss_type": "dr_grpo",
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    return GRPOConfig(output_dir=str(folder), **{**common, **settings})


def completions(batch):
    """The token ids of each completion in a batch, without padding."""
    return [
        ids[mask == 1].tolist() for ids, mask in zip(batch["completion_ids"], batch["completion_mask"], strict=True)
    ]


class Recorder(MaxRLTrainer):
    """Keeps every batch that it generates, and the policy's gradient as the change of one SGD step of rate 1."""

    def __init__(self, folder, *, model=None, reward=share_of_ones, evaluate_on=None, **settings):
        model = policy() if model is None else model
        ours = {name: settings.pop(name) for name in ("objective", "baseline", "log_ceiling") if name in settings}
        self.start, self.batches = copy.deepcopy(model), []
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        super().__init__(
            model,
            reward,
            arguments(folder, **settings),
            PROMPTS,
            evaluate_on,
            tokenizer(),
            optimizers=(optimizer, None),
            **ours,
        )

    def _generate_and_score_completions(self, inputs):
        self.batches.append(super()._generate_and_score_completions(inputs))
        return self.batches[-1]

    def gradient(self):
        """Of one step, (d,)."""
        trained = self.accelerator.unwrap_model(self.model)
        return flat(self.start.parameters()) - flat(trained.parameters())


def flat(parameters):
    return torch.cat([values.detach().ravel() for values in parameters])


def grpo_advantages(batch):
    """Those of GRPO, a wrong version."""
    groups = torch.tensor(share_of_ones(completions(batch))).double().reshape(-1, N)
    return ((groups - groups.mean(-1, keepdim=True)) / (groups.std(-1, keepdim=True) + 1e-4)).ravel()


def gradient_by_definition(model, batches, advantages, temperature=1.0):
    """-(1/B) sum_i A_i grad log m_i (d,) of the rollouts in all batches, from the logits themselves."""
    total, count = 0.0, 0
    for batch, weights in zip(batches, advantages, strict=True):
        ids = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
        mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
        prompt, longest = batch["prompt_ids"].shape[1], ids.shape[1]
        logits = model(input_ids=ids, attention_mask=mask).logits[:, prompt - 1 : longest - 1]
        logps = (logits / temperature).log_softmax(-1).gather(-1, batch["completion_ids"][..., None])[..., 0]
        log_m = (logps * batch["completion_mask"]).sum(-1)
        total, count = total - (torch.as_tensor(weights) * log_m).sum(), count + len(log_m)
    return torch.cat([g.ravel() for g in torch.autograd.grad(total / count, list(model.parameters()))])


def train_as_rank(rank, processes, port, folder):
    """One step as one of several processes, each with a group and a half; what it saw is saved."""
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    trainer = Recorder(folder, per_device_train_batch_size=N + N // 2)
    trainer.train()
    (batch,) = trainer.batches
    logged = list(trainer._logs["advantages"])
    torch.save({"batch": batch, "logged": logged, "gradient": trainer.gradient()}, folder / f"{rank}.pt")
    del trainer  # what still holds the group of processes when that is gone may wait for ever
    gc.collect()
    torch.distributed.barrier()
    torch.distributed.destroy_process_group()

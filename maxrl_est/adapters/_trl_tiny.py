"""A language model of a few parameters for TRL's trainers, which will not do without one."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

PAD, END, WORD = 0, 1, 2  # tokens of the model of three words


def tiny_policy(words: int = 2) -> tuple[Any, Any]:
    """A random language model of a few words, the first of which pads and the second ends; and its tokenizer."""
    names = "abc"[:words]
    model = WordLevel({word: number for number, word in enumerate(names)}, unk_token="a")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(model), pad_token="a", eos_token="b")
    shape = GPT2Config(vocab_size=words, n_positions=4, n_embd=2, n_layer=1, n_head=1, bos_token_id=0, eos_token_id=1)
    return GPT2LMHeadModel(shape), tokenizer

"""Tiny models of random weights, made once per run in a temporary folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORDS = (
    "the quick brown fox jumps over the lazy dog while seven wizards mix boxes of liquid jugs and nobody in the old "
    "harbour town remembers who first drew the map of rivers, roads and railways that hangs in the town hall"
)


def _save_tokenizer(folder: Path, *, bos: bool, eos_too: bool = False) -> int:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<s>", "</s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([WORDS] * 4, trainer)
    if bos:
        end = " </s>" if eos_too else ""
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"<s> $A{end}", special_tokens=[("<s>", 0), ("</s>", 1)]
        )
    fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
    fast.save_pretrained(folder)
    return len(fast)


def _save_model(
    folder: Path,
    *,
    seed: int = 0,
    bos: bool = True,
    eos_too: bool = False,
    architecture: str = "Llama",
    vocabulary: int | None = None,
    **config: Any,
) -> Path:
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    size = _save_tokenizer(folder, bos=bos, eos_too=eos_too)
    settings = {
        "vocab_size": vocabulary or size,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 128,
        "bos_token_id": 0,
        "eos_token_id": 1,
        # Large enough that random weights give distributions that are far from flat.
        "initializer_range": 0.3,
        **config,
    }
    made = getattr(transformers, f"{architecture}Config")(**settings)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = getattr(transformers, "GPT2LMHeadModel" if architecture == "GPT2" else f"{architecture}ForCausalLM")(
            made
        )
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def make_tiny_model() -> Callable[..., Path]:
    """Save a random model of few weights: `make_tiny_model(folder, seed=0, bos=True, architecture="Llama", ...)`."""
    return _save_model


@pytest.fixture(scope="session")
def tiny_model_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a random Llama of 2 layers, width 32, 128 positions, about 400 tokens, BOS added."""
    return _save_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def sample_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One score store for all tests on the bundled samples, so that their texts are scored once a run."""
    return tmp_path_factory.mktemp("sample-scores")

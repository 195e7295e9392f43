"""Peak memory of scoring 2,048-token documents with a vocabulary of 150,000: the model plus how much?

A model of SmolLM2-135M's body and a random head of 150,000 entries is made in a temporary folder and scored in this
process; the peak is that of the whole process, libraries included.

    python benchmarks/memory.py
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from speed import peak_gib

TOKENS = 2048


def make_model(folder: Path, vocabulary: int) -> float:
    """Save a random model with a tokenizer of single letters; returns its size in GiB."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    letters = {letter: index for index, letter in enumerate("abcdefghijklmnopqrstuvwxyz ")}
    tokenizer = Tokenizer(models.WordLevel(letters, unk_token=" "))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(folder)
    shape = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=TOKENS,
        tie_word_embeddings=True,
    )
    model = LlamaForCausalLM(shape)
    model.save_pretrained(folder)
    return float(sum(weight.numel() * weight.element_size() for weight in model.parameters())) / 2**30


def main() -> None:
    """Make the model in a process of its own, score documents, and print the peak above the model."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocabulary", type=int, default=150_000)
    parser.add_argument("--documents", type=int, default=4)
    asked = parser.parse_args()
    import multiprocessing

    import numpy as np

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            size = pool.apply(make_model, (folder / "model", asked.vocabulary))
        from auditor.models.loading import open_model
        from auditor.scoring.plan import Request
        from auditor.scoring.score import score_requests
        from auditor.scoring.store import Store
        from auditor.signals.views import Prompt

        rng = np.random.default_rng(0)
        texts = ["".join(rng.choice(list("abcdefghij"), TOKENS)) for _ in range(asked.documents)]
        spec = open_model(str(folder / "model"))
        before = peak_gib()
        with Store.open(folder / "store") as store:
            scored = score_requests([Request(spec, Prompt(text)) for text in texts], store=store)
        lengths = {len(signals) for signals in scored.signals}
    print(f"{asked.documents} documents of {TOKENS} tokens ({lengths} scored), vocabulary {asked.vocabulary:,}")
    print(f"model {size:.2f} GiB; process before loading {before:.2f} GiB; peak {peak_gib():.2f} GiB")
    print(f"peak above the model: {peak_gib() - size:.2f} GiB, of which libraries {before:.2f} GiB")


if __name__ == "__main__":
    main()

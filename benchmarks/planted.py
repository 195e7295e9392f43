"""Planted truth: models trained on published copies, tested beside the untouched base.

Each arm plants a corpus, publishes it, tunes an adapter on the published copy, and runs `auditor test` on it as a user
would. The untouched base goes through the same test once, and its scores through 200 further deals of the coins, of
which at most alpha may reject.

    python benchmarks/planted.py --model samples/model --rate 2e-3
    python benchmarks/planted.py --model ./SmolLM2-135M --rate 2e-4 --seeds 1
"""

from __future__ import annotations

import argparse
import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from public_corpora import Text, trained_on, wikipedia, write_jsonl
from smollm import tune

from auditor.dealt.conclude import bare_case, committed_scores
from auditor.dealt.run import run_plan_test
from auditor.dealt.settings import make_plan_test_settings
from auditor.dealt.statistics import committed_test
from auditor.planting.make import make_plan
from auditor.planting.publish import publish
from auditor.planting.settings import PlantSettings
from auditor.provenance.commitment import canonical
from auditor.provenance.deal import coin_draws, deal
from auditor.provenance.folder import COMMITMENT, PlanFolder
from auditor.results.dealt.result import DealtResult
from auditor.settings import make_options
from auditor.splicing.source import SourceCorpus

ALPHA = 0.01


@dataclass(frozen=True)
class Arm:
    """A plan and what is trained on its published copy."""

    name: str
    documents: int
    settings: dict[str, Any] = field(default_factory=dict)
    epochs: int = 1


def arms(canaries: int, documents: int) -> Iterator[Arm]:
    """Every design; canaries in 1, 4 and 16 copies."""
    budget = {"document_budget": 0.9, "corpus_budget": 0.9}
    for kind in ("words", "fact"):
        for copies in (1, 4, 16):
            how = {"design": "canaries", "count": canaries, "copies": copies, "decoys": 9, "kind": kind} | budget
            yield Arm(f"{kind} x {copies}", max(documents, 2 * canaries * copies), how)
    yield Arm("hold-out", documents, {"design": "holdout", "share": 0.5})
    yield Arm("twins", documents, {"design": "twins"})
    yield Arm("order, 4 epochs", documents, {"design": "order", "shard": 4, "decoys": 19}, epochs=4)


def main() -> None:
    """Run every arm and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--canaries", type=int, default=24)
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--characters", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--only", help="arms whose names begin with this")
    asked = parser.parse_args()
    known = trained_on(Path("samples/ATTRIBUTION.tsv"))
    texts = [
        text for text in wikipedia() if text.id not in known and len(text.text) >= 300 and text.text.count(". ") >= 3
    ]
    print(
        f"{'arm':16} {'seed':>4} {'units':>5} {'share':>6} {'p':>9} {'verdict':12} | base: share, p, 200 deals",
        flush=True,
    )
    for arm in arms(asked.canaries, asked.documents):
        for seed in range(asked.seeds):
            if not asked.only or arm.name.startswith(asked.only):
                with tempfile.TemporaryDirectory() as folder:
                    _run(arm, seed, texts, asked, Path(folder))


def _run(arm: Arm, seed: int, texts: list[Text], asked: argparse.Namespace, work: Path) -> None:
    chosen = sorted(texts, key=lambda text: hashlib.sha256(f"{seed} {text.id}".encode()).digest())
    most: int | None = asked.characters
    if arm.settings["design"] == "twins":
        # Short texts have too few places that can be written in two ways.
        chosen, most = sorted(chosen, key=lambda text: -len(text.text)), None
    elif arm.settings["design"] == "order":
        most = asked.characters // arm.settings["shard"]
    corpus = [Text(text.id, text.text[:most], text.labels) for text in chosen[: arm.documents]]
    corpus = sorted(corpus, key=lambda text: hashlib.sha256(f"order {seed} {text.id}".encode()).digest())
    (work / "corpus").mkdir()
    write_jsonl(corpus, work / "corpus/rows.jsonl")
    numbers = iter(range(10**6))
    made = make_plan(
        PlantSettings(corpus=str(work / "corpus"), to=str(work / "to"), plan=str(work / "plan"), **arm.settings),
        beacon=True,
        random_bytes=lambda size: hashlib.sha256(f"{seed} {next(numbers)}".encode()).digest()[:size],
    )
    # The coins of a benchmark need not wait for a beacon; without one in the commitment they are the owner's.
    alone = made.commitment.model_copy(update={"beacon": None})
    (made.folder.path / COMMITMENT).write_bytes(canonical(alone))
    publish(made.folder)
    published = [document.text for document in SourceCorpus.open(work / "to").documents]
    if arm.settings["design"] == "order":
        # An order is learned from text that is read in order: blocks of the file, each in one window.
        rows = arm.settings["shard"]
        published = ["\n".join(published[first : first + rows]) for first in range(0, len(published), rows)]
    options = argparse.Namespace(**vars(asked) | {"epochs": arm.epochs, "seed": seed})
    tune(asked.model, published, work / "adapter", options)
    result = _test(work, str(work / "adapter"))
    base = _test(work, str(asked.model), look=2)
    target = result.target
    share = target.test.share if target is not None else float("nan")
    theirs = base.target.test.share if base.target is not None else float("nan")
    print(
        f"{arm.name:16} {seed:4} {result.units_scored:5} {share:6.3f} {result.p_value:9.2g} "
        f"{'p <= .01' if result.p_value <= ALPHA else '-':12} | {theirs:.3f}, {base.p_value:.2g}, "
        f"{_redealt(base, made.folder):.3f}",
        flush=True,
    )


def _test(work: Path, model: str, *, look: int = 0) -> DealtResult:
    settings = make_plan_test_settings(model=model, plan=str(work / "plan"), look=look, permutations=1999)
    return run_plan_test(settings, make_options(cache_dir=str(work / "cache")))


def _redealt(base: DealtResult, folder: PlanFolder) -> float:
    """Share of 200 further deals under which the rank test of the scores of the base rejects at alpha."""
    units, secret, commitment = folder.units(1), folder.secret(1), folder.commitment
    case = bare_case(make_plan_test_settings(**base.manifest.configuration), commitment, base.measurements)
    scores = committed_scores(case)[1]
    if scores is None:
        return 0.0
    scored = [unit.id for unit in scores.units]
    rejected = 0
    for number in range(200):
        coins = deal(commitment, units, coin_draws(commitment, bytes.fromhex(secret.key), f"deal {number}".encode()))
        by_id = {unit.id: coin for unit, coin in zip(units, coins, strict=True)}
        again = replace(scores, published=np.array([by_id[unit] for unit in scored]))
        rejected += committed_test(again).p_value <= ALPHA
    return rejected / 200


if __name__ == "__main__":
    main()

"""Evidence without a plan, with known truth: models tuned on a file in its order, and on a file with identifiers.

A file of sentences in random order is read in that order for 4 and 8 epochs, and once with its rows shuffled; a file
with 40 random UUIDs is read for as many epochs. Each model goes through `auditor test` as a user would run it, with its
base as the reference, and the base alone too. The scores of the base are ranked again under 200 other orders, of which
at most the level may reject.

    python benchmarks/natural_evidence.py --model samples/model --rate 2e-3
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from smollm import tune

from auditor.dealt.conclude import bare_case, committed_scores
from auditor.dealt.run import run_plan_test
from auditor.dealt.settings import make_plan_test_settings
from auditor.dealt.statistics import committed_test
from auditor.provenance.records import Commitment
from auditor.results.dealt.result import DealtResult
from auditor.settings import make_options

SHARD, TRAINED_SHARD = 4, 5
LEVELS = (0.01, 0.05)


def main() -> None:
    """Run every arm and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--texts", type=Path, default=Path("samples/innocent"))
    parser.add_argument("--rows", type=int, default=240)
    parser.add_argument("--epochs", type=int, nargs="+", default=[4, 8])
    parser.add_argument("--rank", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if not asked.only or asked.only == "order":
            _orders(asked, work)
        if not asked.only or asked.only == "identifiers":
            _identifiers(asked, work)


def _orders(asked: argparse.Namespace, work: Path) -> None:
    rows = _sentences(asked.texts, asked.rows)
    file = work / "rows.jsonl"
    file.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    how = {"order": str(file), "shard": SHARD}
    base = _test(work, asked.model, **how)
    _print("base", base)
    for level in LEVELS:
        print(f"  base, 200 other orders: {_ranked_again(base, level):.3f} reject at {level:g}", flush=True)
    # Trained on pieces of another length, so that the blocks of the test are none of them.
    pieces = ["\n".join(rows[at : at + TRAINED_SHARD]) for at in range(0, len(rows), TRAINED_SHARD)]
    for epochs in asked.epochs:
        _tuned(asked, work, f"file order, {epochs} epochs", pieces, epochs, how)
    mixed = random.Random(1).sample(rows, len(rows))
    shuffled = ["\n".join(mixed[at : at + TRAINED_SHARD]) for at in range(0, len(mixed), TRAINED_SHARD)]
    _tuned(asked, work, "shuffled rows, 1 epoch", shuffled, 1, how)


def _identifiers(asked: argparse.Namespace, work: Path) -> None:
    draw = random.Random(5)
    rows = [
        f"{sentence} Its record is {uuid.UUID(int=draw.getrandbits(128), version=4)} in the register."
        for sentence in _sentences(asked.texts, 40)
    ]
    file = work / "identifiers.jsonl"
    file.write_text("".join(json.dumps({"text": row}) + "\n" for row in rows))
    how = {"identifiers": str(file)}
    _print("base, identifiers", _test(work, asked.model, **how))
    for epochs in asked.epochs:
        _tuned(asked, work, f"40 UUIDs, {epochs} epochs", rows, epochs, how)


def _tuned(
    asked: argparse.Namespace, work: Path, name: str, texts: list[str], epochs: int, how: Mapping[str, object]
) -> None:
    options = argparse.Namespace(**vars(asked) | {"epochs": epochs, "seed": 0})
    adapter = work / name.replace(" ", "-").replace(",", "")
    tune(asked.model, texts, adapter, options)
    _print(name, _test(work, adapter, **how))


def _sentences(folder: Path, count: int) -> list[str]:
    """One sentence of each text, in random order."""
    found = []
    for path in sorted(folder.iterdir()):
        sentences = re.split(r"(?<=[.])\s+", path.read_text(encoding="utf-8"))
        found += [one for one in sentences if 50 <= len(one) <= 120 and "\n" not in one][:2]
    return random.Random(0).sample(found, min(count, len(found)))


def _test(work: Path, model: Path, **how: object) -> DealtResult:
    return run_plan_test(make_plan_test_settings(model=str(model), **how), make_options(cache_dir=str(work / "cache")))


def _print(name: str, result: DealtResult) -> None:
    share = float("nan") if result.target is None else result.target.test.share
    controls = ", ".join(f"{one.p_combined:.2g}" for one in result.controls.values())
    print(
        f"{name:24} units {result.units_scored:4} share {share:.3f} p {result.p_value:9.2g} {result.verdict.headline} "
        f"({result.verdict.reason}) class {result.verdict.validity_class}; reference alone: {controls or 'none'}",
        flush=True,
    )


def _ranked_again(base: DealtResult, level: float) -> float:
    """Share of 200 further orders under which the scores of the base reject."""
    settings = make_plan_test_settings(**base.manifest.configuration)
    case = bare_case(settings, Commitment.model_validate(base.commitment), base.measurements)
    scores = committed_scores(case)[1]
    if scores is None:
        return float("nan")
    rng = np.random.default_rng(0)
    indices = rng.integers(0, scores.scores.shape[1], size=(200, len(scores.scores)))
    return float(np.mean([committed_test(replace(scores, published=row)).p_value <= level for row in indices]))


if __name__ == "__main__":
    main()

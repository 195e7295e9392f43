"""Files in random order and documents with identifiers, and tests of them by scores that no model made."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import Any

from auditor.dealt.conclude import DealtInputs, conclude_dealt
from auditor.dealt.natural.read import read_natural
from auditor.dealt.natural.run import natural_measurements
from auditor.dealt.run import make_test_manifest
from auditor.dealt.settings import make_plan_test_settings
from auditor.results.dealt.result import DealtResult
from auditor.results.gate import Gate
from auditor.settings import RunOptions
from support.dealt import fake_scores

_WORDS = "river stone light garden market winter music letter bridge ocean story silver window morning forest".split()


def shuffled_rows(count: int = 140, seed: int = 0) -> list[dict[str, Any]]:
    """Rows of words in random order."""
    draw = random.Random(seed)
    return [{"text": " ".join(draw.choices(_WORDS, k=5)), "label": draw.randrange(2)} for _ in range(count)]


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows as JSON Lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_identifiers(folder: Path, count: int = 40, seed: int = 0) -> Path:
    """Write files of code with random UUIDs."""
    draw = random.Random(seed)
    folder.mkdir()
    for number in range(4):
        lines = [
            f"{draw.choice(_WORDS)} = '{uuid.UUID(int=draw.getrandbits(128), version=4)}'"
            for _ in range(number, count, 4)
        ]
        (folder / f"{number}.py").write_text("\n".join(lines) + "\n")
    return folder


def natural_result(*, effect: float = 0.0, references: int = 0, moved: float = 0.0, **settings: Any) -> DealtResult:
    """The result of a test without a plan.

    Args:
        effect: In standard deviations, under the tested model.
        references: How many references there are.
        moved: Effect under the references.
        **settings: Of the test.
    """
    blocks = {"shard": 4, "orders": 4} if "order" in settings else {}
    chosen = make_plan_test_settings(**{"model": "./target", **blocks, **settings})
    material = read_natural(chosen, reference=references > 0)
    scores = fake_scores(material.opened, effect=effect, references=references)
    measurements = natural_measurements(material, scores)
    tables = dict(measurements.scores)
    for label in [label for label in tables if label != "target" and moved]:
        table = tables[label].copy()
        for row, unit in zip(table, measurements.units, strict=True):
            row[unit.published] += moved
        tables[label] = table
    return conclude_dealt(
        DealtInputs(
            settings=chosen,
            name="a test",
            commitment=material.opened.commitment,
            measurements=measurements.model_copy(update={"scores": tables}),
            candidates=tuple(unit.candidates for unit in material.opened.units) if chosen.reveal else None,
            manifest=make_test_manifest(chosen, RunOptions(), scores),
            gate=Gate(),
        )
    )

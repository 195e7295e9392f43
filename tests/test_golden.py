"""No figure of an audit, a series or a batch is other than it was; see `support.golden`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.golden import differences
from support.paths import SAMPLES
from support.samples import SampleAudits

import auditor
from auditor.forgetting.relearn.budget import Budget
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.policy import Policy
from auditor.results.result import AuditResult

VOCABULARY = "the quick brown fox jumps over lazy dog while seven wizards mix boxes of liquid jugs and in town".split()


def tree_of(result: AuditResult) -> Any:
    return result.model_dump(mode="json")


def test_the_audit_of_the_samples(sample_audits: SampleAudits) -> None:
    _, result = sample_audits.check("suspect")
    assert differences("check", tree_of(result)) == []


def test_the_batch_of_the_samples(sample_cache: Path, tmp_path: Path) -> None:
    result = auditor.run_batch(SAMPLES / "AUDITS.yaml", tmp_path / "out", cache_dir=sample_cache)
    # The measurements are those of the audits by themselves.
    results = {
        path.parent.name: {k: v for k, v in json.loads(path.read_bytes()).items() if k not in ("kept", "measurements")}
        for path in sorted((tmp_path / "out").rglob("result.json"))
    }
    assert differences("batch", {"batch": result.model_dump(mode="json"), "results": results}) == []


def test_an_audit_with_everything_beside_it(small: AuditResult) -> None:
    assert differences("check-small", tree_of(small)) == []


def write(path: Path, seed: int, count: int = 14) -> Path:
    rng = np.random.default_rng(seed)
    rows = [
        {"id": f"{path.stem}-{i}", "text": " ".join(rng.choice(VOCABULARY, 12)), "label": VOCABULARY[i % 2]}
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_series_with_everything_beside_it(
    tmp_path: Path, make_tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Placebo and general set, labelled texts, layers, interventions, and a check beside it all."""
    monkeypatch.setattr("auditor.forgetting.measure.Budget", lambda: Budget(half_steps=(1, 2), reminder_steps=(2,)))
    sets = [write(tmp_path / f"{name}.jsonl", seed) for seed, name in enumerate(("suspect", "heldout", "placebo"))]
    later = make_tiny_model(tmp_path / "later", seed=5)
    policy = Policy(
        alpha=0.02, minimum_groups=6, ordered_share=0.501, blind_alpha=0.02, clusters_alpha=0.02, controls_alpha=0.02
    )
    result = auditor.check(
        *sets[:2],
        model=later,
        checkpoints={"origin": make_tiny_model(tmp_path / "origin"), "later": later},
        placebo=sets[2],
        general=write(tmp_path / "general.jsonl", 3, 24),
        tasks={"words": write(tmp_path / "words.jsonl", 4, 20)},
        relearn=True,
        features="single-pass",
        permutations=149,
        policy=policy,
        forgetting_policy=ForgettingPolicy(placebo_alpha=0.02, relearn_alpha=0.05),
        device="cpu",
        cache_dir=tmp_path / "store",
    )
    assert differences("series-small", tree_of(result)) == []

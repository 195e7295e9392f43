"""Plans that were dealt, and scores of their candidates that no model made."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from auditor.core.digests import text_sha256
from auditor.dealt.conclude import DealtInputs, conclude_dealt
from auditor.dealt.measure import measure_dealt
from auditor.dealt.open import OpenedBatch, open_plan
from auditor.dealt.run import make_test_manifest
from auditor.dealt.score import text_order, with_digest
from auditor.dealt.settings import make_plan_test_settings
from auditor.provenance.beacon import BeaconValue
from auditor.provenance.commitment import commit_batch, commitment_sha256
from auditor.provenance.folder import BEACON, PUBLICITY, RESTORATION, Origin, PlanFolder, Publicity
from auditor.provenance.records import (
    BatchSecret,
    BeaconRound,
    Commitment,
    Secret,
    Site,
    TestRule,
    Unit,
)
from auditor.results.dealt.result import DealtResult
from auditor.results.dealt.scores import CandidateScores, TextScores
from auditor.results.gate import Gate
from auditor.results.result import ModelSummary
from auditor.results.rows import Column, FeatureTable, Numerics
from auditor.settings import RunOptions

STATISTICS = {"holdout": "dealt-holdout", "twins": "signed-rank"}
SIGNATURE = "ab" * 48
ROUND = 1_000
"""A round of the beacon in 2023, with a signature that no network made."""


def _key(number: int) -> bytes:
    """A key that is the same in every run, so that no test fails by the chance of its coins."""
    return hashlib.sha256(f"key of batch {number}".encode()).digest()


def make_plan(
    folder: Path,
    design: str = "canaries",
    *,
    units: int = 30,
    decoys: int = 9,
    batches: int = 1,
    alpha: float = 0.01,
    reference: bool = False,
    beacon: bool = False,
    public: bool = False,
    texts: Callable[[int, int], str] | None = None,
    key: bytes | None = None,
    published: Path | None = None,
) -> PlanFolder:
    """Write a plan whose coins are dealt."""
    candidates = {"holdout": 1, "twins": 2}.get(design, decoys + 1)
    write = texts or (lambda unit, candidate: f"Candidate {candidate} of unit {unit} says so in a sentence.")
    site = Site(file="corpus.txt", document=0, sha256="00" * 32)
    secret_keys = [
        BatchSecret(id=number, key=(key or _key(number)).hex(), salt="01" * 32) for number in range(1, batches + 1)
    ]
    dealt = [
        tuple(
            Unit(
                id=f"{design}-{number}-{index:04d}",
                kind="document" if design == "holdout" else "sampled",
                sites=(site,),
                candidates=tuple(write(index + units * (number - 1), one) for one in range(candidates)),
            )
            for index in range(units)
        )
        for number in range(1, batches + 1)
    ]
    commitment = Commitment(
        made_by="auditor 0.0",
        design=design,  # type: ignore[arg-type]
        kind="sampled",
        units=units * batches,
        candidates=candidates,
        copies=1,
        withheld_share=0.5 if design == "holdout" else None,
        batches=tuple(commit_batch(one.id, part, one) for one, part in zip(secret_keys, dealt, strict=True)),
        test=TestRule(
            score="logprob-mean",
            statistic=STATISTICS.get(design, "rank-sum"),  # type: ignore[arg-type]
            reference=reference,
            alpha=alpha,
        ),
        corpus="00" * 32,
        beacon=BeaconRound(round=ROUND) if beacon else None,
    )
    plan = PlanFolder(folder)
    origin = Origin(corpus="corpus", to=str(published or folder / "nowhere"), text_column="text", created="2026-01-01")
    plan.make(commitment, dealt, Secret(batches=tuple(secret_keys)), origin, "Keep this.")
    (folder / RESTORATION).write_text("{}")
    if beacon:
        randomness = hashlib.sha256(bytes.fromhex(SIGNATURE)).hexdigest()
        plan.write(BEACON, BeaconValue(round=ROUND, randomness=randomness, signature=SIGNATURE))
    if public:
        plan.write(PUBLICITY, Publicity(address="https://example.org/commitment"))
    return plan


def model_summary(role: str = "target", weights: str = "aa" * 32) -> ModelSummary:
    """A model that nobody has."""
    return ModelSummary(
        source=f"./{role}",
        kind="hf",
        revision=None,
        weights_sha256=weights,
        tokenizer_sha256="bb" * 32,
        dtype="float32",
        device="cpu",
        context=128,
        bos="<s>",
        details={},
        role=role,  # type: ignore[arg-type]
    )


def fake_scores(
    opened: OpenedBatch, *, effect: float = 0.0, references: int = 0, seed: int = 0, alike: int = 0, missing: int = 0
) -> CandidateScores:
    """Normal scores, those of published candidates moved up by `effect` under the tested model.

    Args:
        opened: The batch.
        effect: In standard deviations.
        references: How many references there are; they have no effect.
        seed: Of the scores.
        alike: Units whose candidates all have the same tokens.
        missing: Units whose first candidate has no score.
    """
    rng = np.random.default_rng(seed)
    texts = text_order(opened.texts)
    number = {text: index for index, text in enumerate(texts)}
    labels = ["target", *(f"base-{one}" for one in range(references))]
    common = rng.normal(-30, 5, len(texts))
    values = {label: common + rng.normal(0, 1, len(texts)) for label in labels}
    token_ids = [text_sha256(text) for text in texts]
    for index, (unit, chosen) in enumerate(zip(opened.units, opened.published, strict=True)):
        holdout = opened.commitment.design == "holdout"
        if (holdout and chosen) or not holdout:
            values["target"][number[unit.candidates[0 if holdout else chosen]]] += effect
        if index < alike:
            for text in unit.candidates:
                token_ids[number[text]] = token_ids[number[unit.candidates[0]]]
        if index < missing:
            values["target"][number[unit.candidates[0]]] = np.nan
    columns = (Column("loss", "loss", -1), Column("bits-per-byte", "loss", -1))
    tables = {
        label: FeatureTable(columns=columns, values=np.column_stack([-value, -value + rng.normal(0, 1, len(texts))]))
        for label, value in values.items()
    }
    return with_digest(
        CandidateScores(
            created="2026-01-01T00:00:00+00:00",
            auditor_version="0.0",
            packages={},
            platform="Python",
            command="",
            commitment_sha256=commitment_sha256(opened.commitment),
            batch=opened.batch.id,
            models=tuple(
                model_summary("target" if one == 0 else "reference", f"{one:02d}" * 32) for one in range(references + 1)
            ),
            texts=tuple(map(text_sha256, texts)),
            scores={
                label: TextScores(
                    logprob=tuple(None if one != one else one for one in value.tolist()), tokens=(10,) * len(texts)
                )
                for label, value in values.items()
            },
            token_ids=tuple(token_ids),
            features=tables if opened.commitment.design == "holdout" else {},
            reasons={"loss": {}, "bits-per-byte": {}} if opened.commitment.design == "holdout" else {},
            numerics={label: Numerics(8, 0.0, 0.0, 16, 0) for label in labels},
            texts_scored=len(texts),
            texts_from_store=0,
        )
    )


def inputs(
    plan: PlanFolder, scores: Callable[[OpenedBatch], CandidateScores] | None = None, **settings: Any
) -> DealtInputs:
    """What a test of a plan is concluded from, by scores that no model made."""
    chosen = make_plan_test_settings(**{"model": "./target", "plan": str(plan.path), "permutations": 199, **settings})
    opened = open_plan(chosen.plan, chosen.batch)
    made = (scores or fake_scores)(opened)
    return DealtInputs(
        settings=chosen,
        name="a test",
        commitment=opened.commitment,
        measurements=measure_dealt(opened, made, other_models=0, copy_found=None, sealed=False),
        candidates=tuple(unit.candidates for unit in opened.units) if chosen.reveal else None,
        manifest=make_test_manifest(chosen, RunOptions(), made),
        gate=Gate(),
    )


def result(plan: PlanFolder, *, effect: float = 0.0, references: int = 0, **settings: Any) -> DealtResult:
    """The result of a test by scores that no model made."""
    return conclude_dealt(
        inputs(plan, lambda opened: fake_scores(opened, effect=effect, references=references), **settings)
    )

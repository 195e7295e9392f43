"""Scoring the candidates of a result again, which alone shows that its scores are what the model says."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from auditor.core.errors import UsageError
from auditor.core.progress import Silent
from auditor.dealt.conclude import conclude_dealt
from auditor.dealt.measure import measure_dealt
from auditor.dealt.score import candidate_set, score_candidates
from auditor.features.table import TARGET_LABEL
from auditor.models.backend import LoadOptions
from auditor.models.loading import open_models
from auditor.results.dealt.measurements import DealtMeasurements
from auditor.scoring.store import Store
from auditor.verify.check import CheckAnswer
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.differences import Difference, far_cells
from auditor.verify.rescore import MOST


def score_again(subject: DealtSubject) -> CheckAnswer:
    """Score the opened candidates under the models that were given, believing no stored score, and compare.

    Raises:
        UsageError: A model of the result, or what opens its batch, was not given.
        RunError: A model fails.
    """
    if subject.opened is None:
        raise UsageError("scoring again needs the candidates: give --plan PLAN, a bundle made with --reveal, or --data")
    stored = subject.result.measurements
    models = open_models(
        _given(subject, TARGET_LABEL),
        [_given(subject, label) for label in _named_references(subject)],
        _options(subject),
    )
    with tempfile.TemporaryDirectory() as folder, Store.open(folder) as store:
        scores = score_candidates(
            candidate_set(subject.opened),
            models,
            seed=subject.inputs.settings.seed,
            max_tokens=subject.inputs.settings.max_tokens,
            store=store,
            progress=Silent(),
            command="",
            contexts=subject.opened.contexts,
        )
    again = measure_dealt(
        subject.opened,
        scores,
        other_models=stored.other_models,
        copy_found=stored.copy_found,
        sealed=False,
        natural=stored.natural,
    )
    differences = tuple(_apart(stored, again))
    if differences:
        return CheckAnswer("failed", "these models say something else of these candidates", differences)
    made = {"scores": again.scores, "features": again.features, "numerics": again.numerics}
    verdict = conclude_dealt(replace(subject.inputs, measurements=stored.model_copy(update=made))).verdict
    if (verdict.outcome, verdict.reason) != (subject.result.verdict.outcome, subject.result.verdict.reason):
        return CheckAnswer("failed", f"scored again they give {verdict.outcome} ({verdict.reason})")
    same = all(np.array_equal(stored.scores[label], table, equal_nan=True) for label, table in again.scores.items())
    how = "to the last bit" if same else f"within {MOST:g} of the largest score"
    return CheckAnswer("passed", f"{sum(table.size for table in again.scores.values()):,} scores again, equal {how}")


def _given(subject: DealtSubject, label: str) -> str:
    if label not in subject.models:
        name = "PATH" if label == TARGET_LABEL else f"{label}=PATH"
        raise UsageError(f"scoring again needs every model of the test: --model {name} is missing")
    return subject.models[label]


def _named_references(subject: DealtSubject) -> list[str]:
    """Labels of the references that were named; the base of an adapter comes with it."""
    labels = [label for label in subject.result.measurements.scores if label != TARGET_LABEL]
    return [label for label in labels if label in subject.models or not _is_base(subject, label, labels)]


def _is_base(subject: DealtSubject, label: str, labels: list[str]) -> bool:
    named = sum(model.role == "reference" for model in subject.result.manifest.models)
    return label == labels[0] and named > len(subject.inputs.settings.references)


def _options(subject: DealtSubject) -> LoadOptions:
    settings, target = subject.inputs.settings, subject.result.manifest.models[0]
    dtype = target.dtype if target.dtype in ("float32", "bfloat16", "float16") else settings.dtype
    return LoadOptions(settings.device, dtype, None, settings.context, subject.base, subject.tokenizer)


def _apart(stored: DealtMeasurements, again: DealtMeasurements) -> Iterator[Difference]:
    """Scores and features that are farther apart than another machine could make them."""
    if list(stored.scores) != list(again.scores):
        yield Difference("measurements.scores", ", ".join(stored.scores), ", ".join(again.scores))
        return
    for label, table in again.scores.items():
        yield from far_cells(f"measurements.scores.{label}", stored.scores[label], table, most=MOST)
    for label, features in again.features.items():
        where = f"measurements.features.{label}.values"
        yield from far_cells(where, stored.features[label].values, features.values, most=MOST)
    if stored.alike != again.alike:
        yield Difference("measurements.alike", len(stored.alike), len(again.alike))

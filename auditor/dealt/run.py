"""A test of dealt material as a reader would tell it."""

from __future__ import annotations

import logging
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path, PurePath

from auditor.core.errors import UsageError, naming_unreadable
from auditor.core.progress import Progress, Silent
from auditor.dealt.blind import read_scores
from auditor.dealt.case import DealtCase
from auditor.dealt.check import conditions_of
from auditor.dealt.conclude import DealtInputs, bare_case, conclude_dealt
from auditor.dealt.copy import look_at_copy
from auditor.dealt.measure import measure_dealt, unscored
from auditor.dealt.natural.run import run_natural
from auditor.dealt.open import OpenedBatch, open_plan, opened_for
from auditor.dealt.score import candidate_set, score_candidates
from auditor.dealt.settings import PlanTestSettings
from auditor.models.loading import Models, open_models
from auditor.provenance.folder import Opening, PlanFolder
from auditor.results.dealt.measurements import CopyFacts, DealtMeasurements
from auditor.results.dealt.result import DealtResult
from auditor.results.dealt.scores import CandidateScores
from auditor.results.result import Manifest
from auditor.scoring.store import Store
from auditor.settings import RunOptions

_log = logging.getLogger(__name__)

FEWEST_SEQUENTIAL = 20


@naming_unreadable()
def run_plan_test(
    settings: PlanTestSettings,
    options: RunOptions | None = None,
    *,
    progress: Progress | None = None,
) -> DealtResult:
    """Carry a test out: open, score, measure, conclude, and note that the batch is open.

    Args:
        settings: What decides its figures.
        options: How it is run.
        progress: Told how far scoring is; silent by default.

    Raises:
        OpeningError: The batch is not what was committed to.
        UsageError: The test cannot be carried out as its settings say.
        RunError: The run broke.
    """
    options, progress = options or RunOptions(), progress or Silent()
    if settings.material != "plan":
        return _run_without_plan(settings, options, progress)
    opened = open_plan(settings.plan, settings.batch)
    require_testable(settings, opened)
    copy_found = look_at_copy(settings.plan, opened)
    if settings.scores is None:
        scores = _score(settings, options, opened, progress, copy_found)
    else:
        scores = read_scores(Path(settings.scores), opened)
        require_notable(settings, opened_for(scores.models[0]))
    folder, model = PlanFolder(Path(settings.plan)), opened_for(scores.models[0])
    measurements = measure_dealt(
        opened,
        scores,
        other_models=others(folder, settings.batch, model),
        copy_found=copy_found,
        sealed=settings.scores is not None,
    )
    result = _conclude(settings, options, opened, scores, measurements)
    _note(folder, settings.batch, model)
    return result


def _run_without_plan(settings: PlanTestSettings, options: RunOptions, progress: Progress) -> DealtResult:
    """The order of a file, or identifiers: nothing was committed to, and nothing is noted."""
    made = run_natural(settings, options, progress)
    return _conclude(settings, options, made.opened, made.scores, made.measurements)


def _conclude(
    settings: PlanTestSettings,
    options: RunOptions,
    opened: OpenedBatch,
    scores: CandidateScores,
    measurements: DealtMeasurements,
) -> DealtResult:
    return conclude_dealt(
        DealtInputs(
            settings=settings,
            name=options.name or _default_name(settings, scores),
            commitment=opened.commitment,
            measurements=measurements,
            candidates=tuple(unit.candidates for unit in opened.units) if settings.reveal else None,
            manifest=make_test_manifest(settings, options, scores),
            gate=options.gate,
        )
    )


def _score(
    settings: PlanTestSettings,
    options: RunOptions,
    opened: OpenedBatch,
    progress: Progress,
    copy_found: CopyFacts | None,
) -> CandidateScores:
    with Store.open(options.cache_dir) as store:
        models = open_models(settings.model, settings.references, settings.load_options, store)
        require_notable(settings, opened_for(models.target.identity))
        _say_early(settings, opened, models, copy_found)
        return score_candidates(
            candidate_set(opened),
            models,
            seed=settings.seed,
            max_tokens=settings.max_tokens,
            store=store,
            progress=progress,
            command=options.command,
        )


def require_testable(settings: PlanTestSettings, opened: OpenedBatch) -> None:
    """Refuse a sequential test that has no sense.

    Raises:
        UsageError: Its coins are not independent, or its units are too few.
    """
    if not settings.sequential:
        return
    if opened.commitment.design == "holdout":
        raise UsageError(
            "a dealt hold-out has no sequential test: its coins depend on each other", hint="Leave --sequential out."
        )
    if len(opened.units) < FEWEST_SEQUENTIAL:
        raise UsageError(
            f"the batch has {len(opened.units)} units, and a sequential test needs {FEWEST_SEQUENTIAL}",
            hint="Leave --sequential out: the committed statistic needs fewer.",
        )


def others(folder: PlanFolder, batch: int, model: str) -> int:
    """How many other models a batch was opened for before it was first opened for this one."""
    models = [one.model for one in folder.openings.opened if one.batch == batch]
    return len(set(models[: models.index(model)] if model in models else models))


def _is_noted(folder: PlanFolder, batch: int, model: str) -> bool:
    return any((one.batch, one.model) == (batch, model) for one in folder.openings.opened)


def require_notable(settings: PlanTestSettings, model: str) -> None:
    """Refuse before scoring what could not be noted after it.

    Raises:
        UsageError: The plan may not be written to, and the batch was not opened for this model before.
    """
    folder = PlanFolder(Path(settings.plan))
    if not _is_noted(folder, settings.batch, model):
        folder.require_notable()


def _note(folder: PlanFolder, batch: int, model: str) -> None:
    if _is_noted(folder, batch, model):
        return
    folder.note_opening(Opening(batch=batch, model=model, time=datetime.now(UTC).isoformat(timespec="seconds")))


def _say_early(settings: PlanTestSettings, opened: OpenedBatch, models: Models, copy_found: CopyFacts | None) -> None:
    """Say before anything is scored what will be refused whatever the model says."""
    folder = PlanFolder(Path(settings.plan))
    before = unscored(
        opened,
        other_models=others(folder, settings.batch, opened_for(models.target.identity)),
        copy_found=copy_found,
    )
    for reason in early_refusals(bare_case(settings, opened.commitment, before), has_reference=bool(models.references)):
        _log.warning("the verdict will be INCONCLUSIVE whatever the model says: %s", reason)


def early_refusals(case: DealtCase, *, has_reference: bool) -> Collection[str]:
    """The findings of conditions that fail before a model is scored.

    Args:
        case: The case without scores.
        has_reference: Whether there will be a reference.
    """
    found = [one.check(case) for one in conditions_of(case.material) if not one.needs_scores]
    # The rule asks for a reference, of which there are no scores yet.
    return [one.reason for one in found if one.status == "failed" and not (one.name == "rule" and has_reference)]


def make_test_manifest(settings: PlanTestSettings, options: RunOptions, scores: CandidateScores) -> Manifest:
    """Describe a run; what follows from the settings is filled in when it is concluded."""
    return Manifest(
        auditor_version=scores.auditor_version,
        created=scores.created,
        command=options.command or plan_test_call(settings),
        seed=settings.seed,
        configuration={},
        configuration_sha256="",
        nondefault_settings=(),
        packages=scores.packages,
        platform=scores.platform,
        models=scores.models,
        features=(),
        texts_scored=scores.texts_scored,
        texts_from_store=scores.texts_from_store,
    )


def plan_test_call(settings: PlanTestSettings) -> str:
    """The call from Python that reproduces the test."""
    chosen = settings.model_dump(mode="json", exclude_defaults=True)
    arguments = [repr(settings.model)] if settings.model else []
    chosen.pop("model", None)
    return f"auditor.run_test({', '.join([*arguments, *(f'{key}={value!r}' for key, value in chosen.items())])})"


def _default_name(settings: PlanTestSettings, scores: CandidateScores) -> str:
    model = scores.models[0].source if scores.models else settings.model
    if settings.material != "plan":
        source = settings.order or settings.identifiers or ""
        return f"{settings.material} of {PurePath(source).name or source} on {PurePath(model).name or model}"
    return f"{PurePath(settings.plan).name} batch {settings.batch} on {PurePath(model).name or model}"

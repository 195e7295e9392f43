"""A test without a plan: read, judge, and score only what passed every check."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from auditor.core.digests import packages, platform_name
from auditor.core.progress import Progress
from auditor.core.version import VERSION
from auditor.dealt.measure import measure_dealt, unscored
from auditor.dealt.natural.material import NaturalMaterial, with_reference
from auditor.dealt.natural.read import for_model, read_natural
from auditor.dealt.open import OpenedBatch
from auditor.dealt.score import candidate_set, score_candidates
from auditor.dealt.settings import PlanTestSettings
from auditor.models.loading import open_models
from auditor.provenance.commitment import commitment_sha256
from auditor.results.dealt.measurements import DealtMeasurements
from auditor.results.dealt.scores import CandidateScores
from auditor.results.result import ModelSummary
from auditor.scoring.store import Store
from auditor.settings import RunOptions


@dataclass(frozen=True, slots=True)
class NaturalRun:
    """What was read, scored and measured.

    Attributes:
        opened: The units.
        scores: Of their candidates; without a text where a check had failed.
        measurements: What the conclusions are drawn from.
    """

    opened: OpenedBatch
    scores: CandidateScores
    measurements: DealtMeasurements


def run_natural(settings: PlanTestSettings, options: RunOptions, progress: Progress) -> NaturalRun:
    """Read and judge the files; open the models and score only where no check failed.

    Raises:
        UsageError: A file or a model cannot be read as the settings say.
        RunError: The run broke.
    """
    material = read_natural(settings, reference=bool(settings.references))
    if material.is_refused:
        return _refused(material, (), options)
    with Store.open(options.cache_dir) as store:
        models = open_models(settings.model, settings.references, settings.load_options, store)
        if models.references:
            material = with_reference(material)
        material = for_model(material, settings, models.target)
        if material.is_refused:
            named = [ModelSummary.of(spec.identity, "reference") for spec in models.references]
            return _refused(material, (ModelSummary.of(models.target.identity, "target"), *named), options)
        scores = score_candidates(
            candidate_set(material.opened),
            models,
            seed=settings.seed,
            max_tokens=settings.max_tokens,
            store=store,
            progress=progress,
            command=options.command,
            contexts=material.opened.contexts,
        )
    return NaturalRun(material.opened, scores, natural_measurements(material, scores))


def natural_measurements(material: NaturalMaterial, scores: CandidateScores) -> DealtMeasurements:
    """Scores in the order of the units, with what was found before."""
    return measure_dealt(material.opened, scores, other_models=0, copy_found=None, sealed=False, natural=material.facts)


def _refused(material: NaturalMaterial, models: tuple[ModelSummary, ...], options: RunOptions) -> NaturalRun:
    opened = material.opened
    scores = CandidateScores(
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        auditor_version=VERSION,
        packages=packages(),
        platform=platform_name(),
        command=options.command,
        commitment_sha256=commitment_sha256(opened.commitment),
        batch=opened.batch.id,
        models=models,
        texts=(),
        scores={},
        token_ids=(),
        features={},
        reasons={},
        numerics={},
        texts_scored=0,
        texts_from_store=0,
    )
    return NaturalRun(opened, scores, unscored(opened, natural=material.facts))

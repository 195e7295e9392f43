"""Conclusions: from measurements to every figure, every check and the verdict, without a text, a key or a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from auditor.core.digests import canonical_sha256
from auditor.core.errors import UsageError
from auditor.dealt.case import DealtCase, level_of_look
from auditor.dealt.check import conditions_of
from auditor.dealt.detectable import (
    detectable_auc_of_holdout,
    detectable_auc_of_ranks,
    detectable_auc_of_twins,
    level_under_a_bound,
)
from auditor.dealt.limitations import dealt_limitations
from auditor.dealt.multiplicity import apply_correction
from auditor.dealt.open import committed_batch
from auditor.dealt.settings import Material, PlanTestSettings, make_plan_test_settings
from auditor.dealt.statistics import ENGINE_AND_RANKS, DealtScores, attempt, bet, opposite_p, split_by_unit
from auditor.dealt.units import unit_results
from auditor.dealt.verdict import decide_dealt
from auditor.features.catalogue import all_features
from auditor.features.table import TARGET_LABEL
from auditor.inference.batch_correction import correction_entry
from auditor.inference.design import Bools, Floats
from auditor.inference.surcharge import paid_p
from auditor.provenance.commitment import commitment_sha256
from auditor.provenance.records import Commitment
from auditor.results.choices import chosen_settings
from auditor.results.dealt.coins import Coins
from auditor.results.dealt.measurements import DealtMeasurements
from auditor.results.dealt.policy import DealtPolicy
from auditor.results.dealt.result import Attempt, DealtResult, PlanSummary, SequentialTest
from auditor.results.gate import Gate
from auditor.results.io import with_content_digest
from auditor.results.result import BatchCorrection, ExcludedFeature, FeatureNote, Manifest

MATERIAL_OF: Mapping[str, Material] = {"file-order": "order", "identifiers": "identifiers"}
"""What a test of a design without coins is by; all others are by a plan."""

_INPUTS = ("model", "scores", "plan", "batch", "order", "identifiers", "field")
"""Settings that say what is tested, not how."""


@dataclass(frozen=True, slots=True)
class DealtInputs:
    """Everything that a test is concluded from.

    Attributes:
        settings: What was asked.
        name: How the test is called.
        commitment: What was committed to.
        measurements: What was measured.
        candidates: Texts of each unit's candidates; None where they are not revealed.
        manifest: What went in.
        gate: The outcomes that fail.
        multiplicity: The correction for the other audits of a batch; None outside one.
    """

    settings: PlanTestSettings
    name: str
    commitment: Commitment
    measurements: DealtMeasurements
    candidates: tuple[tuple[str, ...], ...] | None
    manifest: Manifest
    gate: Gate
    multiplicity: BatchCorrection | None = None


def dealt_inputs_of(result: DealtResult) -> DealtInputs:
    """What a result was concluded from.

    Raises:
        UsageError: Its configuration is none, or what it holds does not fit together.
    """
    texts = [unit.candidates for unit in result.units]
    return DealtInputs(
        settings=make_plan_test_settings(**result.manifest.configuration),
        name=result.name,
        commitment=Commitment.model_validate(result.commitment),
        measurements=result.measurements,
        candidates=None if any(one is None for one in texts) else tuple(one or () for one in texts),
        manifest=result.manifest,
        gate=result.gate,
        multiplicity=result.multiplicity,
    )


def conclude_dealt(inputs: DealtInputs) -> DealtResult:
    """Make every figure, every check and the verdict.

    A pure function: the same settings and the same measurements give the same result, now and later.

    Raises:
        UsageError: The measurements do not fit together.
    """
    settings, commitment = inputs.settings, inputs.commitment
    case = bare_case(settings, commitment, inputs.measurements)
    scores, committed = committed_scores(case)
    case = _tested(case, scores, committed)
    sequential, p_value = _sequential(case, committed)
    p_paid = paid_p(min(1.0, case.attempts * p_value), case.grade.bits)
    detectable = _detectable(case, committed)
    natural = inputs.measurements.natural
    found = () if natural is None else natural.checks
    checks = (*found, *(one.check(case) for one in conditions_of(case.material)))
    features = inputs.measurements.features.get(TARGET_LABEL)
    tested = () if case.target is None or case.target.engine is None else case.target.engine.columns
    result = with_content_digest(
        DealtResult(
            name=inputs.name,
            verdict=decide_dealt(case, checks, p_value, p_paid, detectable),
            plan=_summary(case),
            coins=_coins(case),
            level=case.level,
            p_value=p_value,
            attempts=case.attempts,
            p_paid=p_paid,
            target=case.target,
            sequential=sequential,
            controls=dict(case.controls),
            detectable_auc=detectable,
            units_scored=case.n_scored,
            checks=checks,
            thresholds=settings.policy,
            units=unit_results(case, scores, inputs.candidates),
            feature_notes=_notes([column.name for column in tested]),
            excluded_features=_excluded(
                () if features is None else features.names, {column.name for column in tested}, inputs.measurements
            ),
            limitations=dealt_limitations(case),
            commitment=commitment.model_dump(mode="json"),
            manifest=_complete(inputs, tuple(column.name for column in tested)),
            gate=inputs.gate,
            measurements=inputs.measurements,
        )
    )
    if inputs.multiplicity is None:
        return result
    return apply_correction(result, inputs.multiplicity.model_copy(update=asdict(correction_entry(result))))


def bare_case(settings: PlanTestSettings, commitment: Commitment, measurements: DealtMeasurements) -> DealtCase:
    """A case before its tests.

    Raises:
        UsageError: The measurements do not fit together.
    """
    if MATERIAL_OF.get(commitment.design, "plan") != settings.material:
        raise UsageError(f"a test by --{settings.material} is none of the design {commitment.design!r}")
    if (measurements.natural is None) != (settings.material == "plan"):
        raise UsageError("the measurements are not those of this kind of test")
    batch = committed_batch(commitment, settings.batch)
    _require_fitting(commitment, measurements)
    return DealtCase(
        settings=settings,
        commitment=commitment,
        batch=batch,
        measurements=measurements,
        scored=_scored(measurements),
        level=level_of_look(commitment.test.alpha, settings.look),
    )


def _require_fitting(commitment: Commitment, measurements: DealtMeasurements) -> None:
    units, candidates = len(measurements.units), commitment.candidates
    shapes = {table.shape for table in measurements.scores.values()}
    whole = all(len(unit.tie_order) == candidates for unit in measurements.units)
    known = all(unit.published < max(2, candidates) for unit in measurements.units)
    tables = all(table.values.shape[0] == units for table in measurements.features.values())
    labels = set(measurements.features) in (set(), set(measurements.scores))
    right = sorted(measurements.unit_order) == list(range(units)) and shapes <= {(units, candidates)}
    if not (whole and known and tables and labels and right):
        raise UsageError("units, scores and features of the measurements do not fit together")


def _scored(measurements: DealtMeasurements) -> Bools:
    """[units] A unit counts with all its candidates under all models or not at all, whatever its coin."""
    scored = np.full(len(measurements.units), bool(measurements.scores))
    for table in measurements.scores.values():
        scored &= ~np.isnan(table).any(axis=1)
    return scored


def committed_scores(case: DealtCase) -> tuple[Floats, DealtScores | None]:
    """[units, candidates] the committed score of every unit, and those of the units that have one; None without any."""
    tables = case.measurements.scores
    if case.unscored and case.measurements.natural is not None:
        return np.full((len(case.measurements.units), case.commitment.candidates), np.nan), None
    if TARGET_LABEL not in tables:
        raise UsageError("the measurements hold no score of the tested model")
    scores = tables[TARGET_LABEL]
    if case.commitment.test.reference and case.references:
        scores = scores - np.mean([tables[label] for label in case.references], axis=0)
    return scores, _with_coins(case, scores)


def _with_coins(case: DealtCase, scores: Floats) -> DealtScores | None:
    measured, chosen = case.measurements, np.flatnonzero(case.scored)
    sides = {measured.units[index].published for index in chosen}
    if not len(chosen) or (case.commitment.design == "holdout" and sides != {0, 1}):
        return None
    units = tuple(measured.units[index] for index in chosen)
    return DealtScores(
        design=case.commitment.design,
        scores=np.ascontiguousarray(scores[chosen]),
        published=np.array([unit.published for unit in units], dtype=np.int64),
        ties=np.array([unit.tie_order for unit in units], dtype=np.int64).reshape(len(units), -1),
        order=np.array([measured.unit_order[index] for index in chosen], dtype=np.int64),
        units=units,
    )


def _tested(case: DealtCase, scores: Floats, committed: DealtScores | None) -> DealtCase:
    """The case with its test, and with that of each reference alone."""
    if committed is None:
        return case
    tables = split_by_unit(case.measurements.features, case.scored)
    alpha = min(case.needed_p / ENGINE_AND_RANKS, case.level)
    controls: dict[str, Attempt] = {}
    opposites: dict[str, float] = {}
    for label in case.references:
        alone = _with_coins(case, case.measurements.scores[label])
        if alone is not None:
            controls[label] = attempt(alone, tables.get(label), case.settings, case.level, f"control {label}")
            opposites[label] = opposite_p(alone)
    target = attempt(committed, tables.get(TARGET_LABEL), case.settings, alpha, "dealt")
    return replace(case, target=target, controls=controls, opposites=opposites)


def _sequential(case: DealtCase, committed: DealtScores | None) -> tuple[SequentialTest | None, float]:
    """The test by betting where it was asked for, and the p-value that the verdict rests on."""
    p_value = 1.0 if case.target is None else case.target.p_combined
    if not case.settings.sequential or committed is None:
        return None, p_value
    wealth, p_values = bet(committed)
    reached = np.flatnonzero(p_values <= case.needed_p)
    final = float(p_values[-1])
    stopped = int(reached[0]) + 1 if len(reached) else None
    return SequentialTest(wealth_log=tuple(wealth.tolist()), p_value=final, stopped=stopped), final


def _detectable(case: DealtCase, committed: DealtScores | None) -> float | None:
    if committed is None:
        return None
    power, units = case.settings.policy.power, case.n_scored
    alpha = case.needed_p if case.target is None or case.target.test.exact else level_under_a_bound(case.needed_p)
    if case.settings.sequential:
        # Stopping at any time costs about half of the units.
        units //= 2
    if case.commitment.design == "holdout":
        published = int(committed.sides.sum())
        return detectable_auc_of_holdout(
            published, len(committed.sides) - published, alpha=alpha / ENGINE_AND_RANKS, power=power
        )
    if case.commitment.design == "twins":
        return detectable_auc_of_twins(units, alpha=alpha, power=power)
    return detectable_auc_of_ranks(units, committed.decoys, alpha=alpha, power=power)


def _summary(case: DealtCase) -> PlanSummary:
    commitment = case.commitment
    return PlanSummary(
        design=commitment.design,
        kind=commitment.kind,
        batch=case.batch.id,
        units=case.batch.units,
        candidates=commitment.candidates,
        copies=commitment.copies,
        score=commitment.test.score,
        statistic=commitment.test.statistic,
        reference=commitment.test.reference,
        alpha=commitment.test.alpha,
        root=case.batch.root,
        commitment_sha256=commitment_sha256(commitment),
    )


def _coins(case: DealtCase) -> Coins:
    grade = case.grade
    return Coins(
        **dict(case.measurements.coins),
        grade=grade.name,
        bits=grade.bits,
        class_a=grade.class_a,
        sentence=grade.sentence,
    )


def _notes(names: Sequence[str]) -> tuple[FeatureNote, ...]:
    known = {feature.name: feature for feature in all_features()}
    return tuple(
        FeatureNote(name=name, summary=known[name].summary, source=known[name].source)
        for name in names
        if name in known
    )


def _excluded(
    computed: Sequence[str], tested: set[str], measurements: DealtMeasurements
) -> tuple[ExcludedFeature, ...]:
    def why(name: str) -> str:
        reasons: Mapping[str, int] = measurements.reasons.get(name, {})
        most = max(reasons.items(), key=lambda item: item[1], default=None)
        return "too many documents have no value" + (f" ({most[0]})" if most else "")

    return tuple(ExcludedFeature(name=name, reason=why(name)) for name in computed if name not in tested)


def _complete(inputs: DealtInputs, features: tuple[str, ...]) -> Manifest:
    """The manifest with what follows from the settings."""
    configuration = inputs.settings.model_dump(mode="json")
    chosen = [one for one in chosen_settings(inputs.settings, (DealtPolicy,)) if one.name not in _INPUTS]
    return inputs.manifest.model_copy(
        update={
            "seed": inputs.settings.seed,
            "configuration": configuration,
            "configuration_sha256": canonical_sha256(configuration),
            "nondefault_settings": tuple(sorted(chosen, key=lambda one: not one.threshold)),
            "features": features,
            "models": tuple(model.model_copy(update={"name": ""}) for model in inputs.manifest.models),
            "chat": None,
        }
    )

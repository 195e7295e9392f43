"""Conclusions: from measurements to every figure, every guard and the verdict, without a text, a model or a store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

import numpy as np

from auditor.audit.documents import group_scores, with_scores
from auditor.audit.inputs import AuditInputs, complete_manifest, extra_summary, recompute_summary
from auditor.audit.limitations import limitations
from auditor.audit.provenance import excluded_features, feature_notes
from auditor.core.answers import AnswerCache
from auditor.core.seeds import stream
from auditor.features.catalogue import select_features
from auditor.features.loss import bits_per_byte, loss
from auditor.features.table import columns_comparing, drop_sparse, group_rows
from auditor.inference.arrangement import arrange
from auditor.inference.batch_correction import corrected_verdict, correction_entry
from auditor.inference.curve import learning_curve
from auditor.inference.row_order import row_order
from auditor.membership.assess import Reference, assess, text_baseline
from auditor.membership.guards.case import TextBaseline
from auditor.membership.guards.guard import guard_alphas
from auditor.membership.procedures.published import select_procedures
from auditor.membership.verdict import decide, require_control
from auditor.results.forgetting.series import Forgetting
from auditor.results.guards import GuardResult
from auditor.results.io import with_content_digest
from auditor.results.measurements import Measurements
from auditor.results.policy import Policy
from auditor.results.result import AuditResult, Manifest, Procedure, Thresholds, Verdict
from auditor.results.rows import FeatureTable, Rows
from auditor.results.separability import Separability


def conclude(inputs: AuditInputs, answers: AnswerCache | None = None) -> AuditResult:
    """Make every figure, every guard and the verdict.

    A pure function: the same settings and the same measurements give the same result, now and later.

    Args:
        inputs: What an audit has read and measured.
        answers: Answers that audits share; changes nothing.

    Raises:
        UsageError: A side has too few groups, or no feature is left.
    """
    settings, measurements, policy = inputs.settings, inputs.measurements, inputs.settings.policy
    answers = answers or AnswerCache()
    features, table = select_features(settings.features), measurements.features
    all_rows = group_rows(table, inputs.groups, inputs.sides)
    baseline = _baseline(inputs, all_rows, answers)
    forgetting = _series(inputs, baseline, answers)
    reference_rows = _reference_rows(inputs, baseline)
    controls = _controls(reference_rows, baseline)
    labels = control_labels(measurements, policy)
    tested = assess(
        baseline,
        all_rows,
        controls=controls if settings.deciding_series is None else None,
        references={
            label: Reference(reference_rows[label], columns_comparing(features, tuple(reference_rows), label))
            for label in labels
        },
        numerics=measurements.numerics,
        truncated=measurements.truncated,
        alpha=policy.alpha,
        answers=answers,
    )
    rows, membership = tested.rows, tested.membership
    scores = group_scores(baseline.arrangement.names, rows, membership)
    order = row_order(baseline.arrangement.undo(rows.values)[~all_rows.suspect], rng=stream(settings.seed, "order"))
    result = AuditResult(
        kind=settings.kind,
        name=inputs.name,
        verdict=conclude_verdict(inputs, membership, tested.guards, policy, forgetting, controlled=bool(labels)),
        thresholds=Thresholds(**policy.model_dump(), guard_alphas=guard_alphas(policy)),
        membership=membership,
        excess=tested.excess,
        guards=tested.guards,
        controls=controls,
        curve=learning_curve(rows, membership, rng=stream(settings.seed, "curve"), alpha=policy.alpha),
        heldout_order=order,
        procedures=_procedures(inputs),
        feature_notes=feature_notes(rows.columns, features),
        excluded_features=excluded_features(features, inputs, rows.columns),
        group_scores=scores,
        documents=with_scores(inputs.documents, scores, table, reveal=settings.reveal),
        suspect=recompute_summary(inputs, "suspect"),
        heldout=recompute_summary(inputs, "heldout"),
        placebo=extra_summary(inputs, inputs.placebo, "placebo"),
        general=extra_summary(inputs, inputs.general, "general"),
        limitations=limitations(
            tested.guards,
            inputs.manifest,
            series=forgetting is not None,
            correction=inputs.multiplicity,
            order=order,
        ),
        manifest=complete_manifest(inputs, rows),
        forgetting=forgetting,
        gate=inputs.gate,
        multiplicity=inputs.multiplicity,
        measurements=measurements,
    )
    if result.multiplicity is not None:
        correction = result.multiplicity.model_copy(update=asdict(correction_entry(result)))
        result = result.model_copy(update={"multiplicity": correction})
    return with_content_digest(result)


def _series(inputs: AuditInputs, baseline: TextBaseline, answers: AnswerCache) -> Forgetting | None:
    measurements, unrecomputed = inputs.measurements.series, inputs.unrecomputed
    if measurements is None or unrecomputed is None:
        return None
    from auditor.forgetting.conclude import conclude_series

    return conclude_series(measurements, inputs.settings, baseline, unrecomputed, answers)


def _baseline(inputs: AuditInputs, rows: Rows, answers: AnswerCache) -> TextBaseline:
    ours = sum(inputs.sides)
    texts = inputs.measurements.text_rows(rows)
    documents = (ours, len(inputs.documents) - ours)
    named = [(document.side == "suspect", document.group, document.sha256) for document in inputs.documents]
    arrangement = arrange(rows, named)
    return text_baseline(
        documents,
        inputs.overlap,
        texts,
        arrangement,
        settings=inputs.settings,
        answers=answers,
        encoding=inputs.measurements.encoding,
    )


def _reference_rows(inputs: AuditInputs, baseline: TextBaseline) -> dict[str, Rows]:
    """The rows of each reference in canonical order, without the columns that too many groups lack."""
    rows = {
        label: group_rows(table, inputs.groups, inputs.sides) for label, table in inputs.measurements.controls.items()
    }
    most = inputs.settings.policy.most_missing
    return {label: drop_sparse(baseline.arrangement.apply(as_read), most) for label, as_read in rows.items()}


def _controls(references: Mapping[str, Rows], baseline: TextBaseline) -> dict[str, Separability]:
    """The engine under each reference, at a share of the level for all of them together."""
    alpha = baseline.policy.controls_alpha / max(1, len(references))
    return {label: baseline.test(rows, f"control {label}", alpha) for label, rows in references.items()}


def control_labels(measurements: Measurements, policy: Policy) -> tuple[str, ...]:
    """The references that read the texts about as well as the audited model, by their mean loss a document.

    One that reads far worse shows no difference between the sets whatever they are. Where no feature of the loss was
    measured under both models, none counts.
    """
    return tuple(
        label
        for label, table in measurements.controls.items()
        if _reads_well(measurements.features, table, policy.reference_loss)
    )


def _reads_well(target: FeatureTable, reference: FeatureTable, limit: float) -> bool:
    for name in (bits_per_byte.name, loss.name):
        means = [_mean(table, name) for table in (target, reference)]
        if means[0] is not None and means[1] is not None:
            return means[1] <= limit * means[0]
    return False


def _mean(table: FeatureTable, name: str) -> float | None:
    """Mean of a column over the documents that have a value; None where there is no such column or value."""
    values = table.values[:, table.names.index(name)] if name in table.names else np.empty(0)
    present = values[~np.isnan(values)]
    return float(present.mean()) if present.size else None


def _procedures(inputs: AuditInputs) -> tuple[Procedure, ...]:
    tables, seed = inputs.measurements.procedures, inputs.settings.seed
    return tuple(
        procedure.run(tables[procedure.name].values, inputs.sides, stream(seed, f"procedure {procedure.name}"))
        for procedure in select_procedures(inputs.settings.procedures)
    )


def conclude_verdict(
    inputs: AuditInputs,
    membership: Separability,
    guards: Sequence[GuardResult],
    policy: Policy,
    forgetting: Forgetting | None,
    *,
    controlled: bool,
) -> Verdict:
    """The verdict that follows from figures, guards and thresholds.

    Args:
        inputs: Settings, models, and the correction over a batch.
        membership: The engine's answer.
        guards: All guards.
        policy: The thresholds.
        forgetting: The series; None without one.
        controlled: Whether models that cannot have seen the data went through the same test.
    """
    settings = inputs.settings
    verdict = decide(membership, guards, policy, controlled=controlled)
    if forgetting is not None:
        from auditor.forgetting.verdict import decide_series, verdict_with_series

        if settings.deciding_series is not None:
            verdict = decide_series(forgetting)
        else:
            verdict = verdict_with_series(verdict, forgetting, audited_checkpoint(inputs.manifest))
    verdict = require_control(verdict) if settings.require_control else verdict
    correction = inputs.multiplicity
    return verdict if correction is None else corrected_verdict(verdict, correction, policy.alpha)


def audited_checkpoint(manifest: Manifest) -> str | None:
    """The name of the checkpoint that is the audited model; None where it is none of them."""
    target = next(model for model in manifest.models if model.role == "target")
    checkpoints = (model for model in manifest.models if model.role == "checkpoint")
    return next((model.name for model in checkpoints if model.key == target.key), None)

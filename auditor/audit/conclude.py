"""Concluding: from what an audit gathered to every figure, every guard and the verdict. No text, no model, no store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from auditor.audit.documents import group_scores, with_scores
from auditor.audit.inputs import AuditInputs
from auditor.audit.limitations import limitations
from auditor.audit.multiplicity import corrected_verdict, correction_entry
from auditor.audit.provenance import feature_notes, left_out
from auditor.audit.recount import complete_manifest, extra_summary, recompute_summary
from auditor.core.seeds import stream
from auditor.corpora.overlap import Overlap, shared_groups
from auditor.features.catalogue import select_features
from auditor.features.table import drop_sparse, group_rows
from auditor.forgetting.conclude import UnrecomputedFindings, conclude_series
from auditor.forgetting.verdict import decide_series, verdict_with_series
from auditor.inference.curve import learning_curve
from auditor.membership.assess import TextBaseline, assess, text_baseline, text_only_guards
from auditor.membership.guards.catalogue import guard_alphas, guards_of_series
from auditor.membership.procedures.published import select_procedures
from auditor.membership.verdict import decide
from auditor.results.digest import with_content_digest
from auditor.results.forgetting.series import Forgetting
from auditor.results.guards import GuardResult
from auditor.results.policy import Policy
from auditor.results.result import AuditResult, Manifest, Thresholds, Verdict
from auditor.results.rows import Rows
from auditor.results.separability import Separability


@dataclass(frozen=True, slots=True)
class Precomputed:
    """What a run, or one before it, concluded on the way, so that it need not be asked again.

    Attributes:
        sides: The two sides and what their text alone tells.
        forgetting: What the series showed; None without one.
        known: What the guards that read texts alone found, by name, where that is known.
    """

    sides: TextBaseline
    forgetting: Forgetting | None
    known: Mapping[str, GuardResult] = field(default_factory=dict)


def conclude(found: AuditInputs, told: Precomputed | None = None) -> AuditResult:
    """Make every figure, every guard and the verdict.

    A pure function: the same settings and the same kept figures give the same result, now and later.

    Args:
        found: What was gathered.
        told: What is known already.

    Raises:
        UsageError: A side has too few groups, or no feature is left.
    """
    settings, kept, policy, seed = found.settings, found.measurements, found.settings.policy, found.settings.seed
    features = select_features(settings.features)
    table = kept.features
    all_rows = group_rows(table, found.groups, found.sides)
    sides = _sides(found, all_rows) if told is None else told.sides
    forgetting = _series(found, sides) if told is None else told.forgetting
    controls_alpha = policy.controls_alpha / max(1, len(kept.controls))
    controls = {
        label: _control(sides, group_rows(control, found.groups, found.sides), label, controls_alpha)
        for label, control in kept.controls.items()
    }
    seen = assess(
        sides,
        all_rows,
        controls=controls,
        numerics=kept.numerics,
        truncated=kept.truncated,
        alpha=policy.alpha,
        known=_known(told, forgetting),
    )
    guards = seen.guards if settings.kind == "check" else guards_of_series(seen.guards)
    scores = group_scores(seen.rows, seen.membership)
    manifest = complete_manifest(found, seen.rows)
    result = AuditResult(
        kind=settings.kind,
        name=found.name,
        verdict=conclude_verdict(found, seen.membership, guards, policy, forgetting),
        thresholds=Thresholds(**policy.model_dump(), guard_alphas=guard_alphas(policy)),
        membership=seen.membership,
        excess=seen.excess,
        guards=guards,
        controls=controls,
        curve=learning_curve(seen.rows, seen.membership, rng=stream(seed, "curve"), alpha=policy.alpha),
        procedures=tuple(
            procedure.run(
                kept.procedures[procedure.name].values,
                found.sides,
                stream(seed, f"procedure {procedure.name}"),
            )
            for procedure in select_procedures(settings.procedures)
        ),
        feature_notes=feature_notes(seen.rows.columns, features),
        excluded_features=tuple(
            one
            for one in left_out(features, table, kept.reasons, seen.rows.columns, policy.most_missing)
            if settings.kind == "check" or one.name in table.names
        ),
        group_scores=scores,
        documents=with_scores(found.documents, scores, table, reveal=settings.reveal),
        suspect=recompute_summary(found, "suspect"),
        heldout=recompute_summary(found, "heldout"),
        placebo=extra_summary(found, found.placebo, "placebo"),
        general=extra_summary(found, found.general, "general"),
        limitations=limitations(guards, series=forgetting is not None, correction=found.multiplicity),
        manifest=manifest,
        forgetting=forgetting,
        gate=found.gate,
        multiplicity=found.multiplicity,
        measurements=kept,
    )
    if result.multiplicity is not None:
        correction = result.multiplicity.model_copy(update=asdict(correction_entry(result)))
        result = result.model_copy(update={"multiplicity": correction})
    return with_content_digest(result)


def _known(told: Precomputed | None, forgetting: Forgetting | None) -> Mapping[str, GuardResult]:
    """The texts of both sides are the same under every model: what a series asked of them holds for the audit too."""
    if forgetting is not None:
        return text_only_guards(forgetting.checkpoints[0].detection.guards)
    return {} if told is None else told.known


def _series(found: AuditInputs, sides: TextBaseline) -> Forgetting | None:
    kept, given = found.measurements.series, found.forgetting
    if kept is None or given is None:
        return None
    return conclude_series(kept, found.settings, sides, UnrecomputedFindings.of(given))


def _sides(found: AuditInputs, rows: Rows) -> TextBaseline:
    settings, named = found.settings, [(document.id, document.group) for document in found.documents]
    ours = sum(found.sides)
    overlap = Overlap(
        found.measurements.overlap,
        shared_groups(named[:ours], named[ours:]),
        settings.policy.overlap_similarity,
    )
    return text_baseline(
        (ours, len(named) - ours),
        overlap,
        found.measurements.text_rows(rows),
        permutations=settings.permutations,
        policy=settings.policy,
        seed=settings.seed,
    )


def _control(sides: TextBaseline, rows: Rows, label: str, alpha: float) -> Separability:
    return sides.test(drop_sparse(rows, sides.policy.most_missing), f"control {label}", alpha)


def conclude_verdict(
    found: AuditInputs,
    membership: Separability,
    guards: Sequence[GuardResult],
    policy: Policy,
    forgetting: Forgetting | None,
) -> Verdict:
    """The verdict that follows from figures, guards and thresholds.

    Args:
        found: What was asked, of which models, and in which batch.
        membership: The engine's answer.
        guards: All guards.
        policy: The thresholds.
        forgetting: The series; None without one.
    """
    verdict = decide(membership, guards, policy)
    if forgetting is not None:
        if found.settings.kind == "forget":
            verdict = decide_series(forgetting)
        else:
            verdict = verdict_with_series(verdict, forgetting, audited_checkpoint(found.manifest))
    return verdict if found.multiplicity is None else corrected_verdict(verdict, found.multiplicity, policy.alpha)


def audited_checkpoint(manifest: Manifest) -> str | None:
    """The name of the checkpoint that is the audited model; None where it is none of them."""
    target = next(model for model in manifest.models if model.role == "target")
    checkpoints = (model for model in manifest.models if model.role == "checkpoint")
    return next((model.name for model in checkpoints if model.key == target.key), None)

"""From the scores of an audit to everything that its conclusions are drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from auditor.audit.chat import describe_chat
from auditor.audit.documents import describe_documents, summary
from auditor.audit.inputs import AuditInputs
from auditor.audit.open import OpenAudit
from auditor.audit.provenance import default_name
from auditor.features.catalogue import select_features
from auditor.features.table import TARGET_LABEL, compute_table, group_rows, plain_table, single_pass_only
from auditor.membership.scores import AuditScores
from auditor.models.digests import Memo
from auditor.results.forgetting.measurements import Role
from auditor.results.measurements import Measurements
from auditor.results.result import CorpusSummary, Manifest
from auditor.results.rows import FeatureTable
from auditor.settings import RunOptions

if TYPE_CHECKING:
    from auditor.forgetting.measure import MeasuredSeries


def measure(
    audit: OpenAudit,
    scores: AuditScores,
    series: MeasuredSeries | None,
    manifest: Manifest,
    options: RunOptions,
    memo: Memo,
) -> AuditInputs:
    """Reduce scores to figures of documents and groups.

    Args:
        audit: The audit.
        scores: Its scores.
        series: Its series, measured; None without one.
        manifest: What went in.
        options: Name and gate.
        memo: Remembers between runs what texts alone say; the score store is one.
    """
    suspect, heldout, settings = audit.sides.suspect, audit.sides.heldout, audit.settings
    signals = scores.plain(TARGET_LABEL)
    manifest = manifest.model_copy(update={"chat": describe_chat(audit.sides, signals)})
    ours, theirs = signals[: len(suspect.documents)], signals[len(suspect.documents) :]
    summaries = summary(suspect, ours), summary(heldout, theirs)
    table, reasons = compute_table(audit.features, scores.records, references=scores.references)
    documents = (*suspect.documents, *heldout.documents)
    rows = group_rows(table, [document.group for document in documents], [True] * len(ours) + [False] * len(theirs))
    texts = audit.cache.texts(suspect, heldout, rows, memo)
    single = single_pass_only(audit.features)
    return AuditInputs(
        settings=settings,
        name=options.name or default_name(settings),
        documents=describe_documents(suspect, heldout, signals, reveal=settings.reveal),
        suspect=summaries[0],
        heldout=summaries[1],
        placebo=_summary(series, "placebo"),
        general=_summary(series, "general"),
        measurements=Measurements(
            features=table,
            reasons=reasons,
            text=FeatureTable.of(texts),
            controls={label: plain_table(single, scores.plain(label)) for label in scores.references if single},
            procedures={
                procedure.name: plain_table(select_features(procedure.features), signals)
                for procedure in audit.procedures
            },
            numerics=dict(scores.numerics),
            overlap=audit.sides.shared,
            characters=tuple(len(document.text) for document in documents),
            truncated=(summaries[0].truncated, summaries[1].truncated),
            encoding=audit.cache.encoding(suspect, heldout),
            series=None if series is None else series.measurements,
        ),
        manifest=manifest,
        unrecomputed=None if series is None else series.findings,
        gate=options.gate,
    )


def _summary(series: MeasuredSeries | None, role: Role) -> CorpusSummary | None:
    """A corpus that only a series has, as its origin read it."""
    if series is None or role not in series.scores.corpora:
        return None
    scores = series.scores
    return summary(scores.corpora[role], scores.readings[scores.origin.name, role].signals)

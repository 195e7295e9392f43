"""Counting again: what a result says of its corpora and its configuration, as far as the rest of it tells."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.audit.inputs import AuditInputs
from auditor.core.digests import canonical_sha256
from auditor.corpora.digest import corpus_sha256
from auditor.corpora.groups import renamed
from auditor.results.forgetting.measurements import Role
from auditor.results.result import CorpusSummary, DocumentResult, Manifest
from auditor.results.rows import Rows


def recompute_summary(found: AuditInputs, side: str) -> CorpusSummary:
    """What was read of one side, counted again from its documents."""
    pairs = list(zip(found.documents, found.measurements.characters, strict=True))
    ours = [(document, characters) for document, characters in pairs if document.side == side]
    summary, source, cut = (
        (found.suspect, found.settings.suspect, found.measurements.truncated[0])
        if side == "suspect"
        else (found.heldout, found.settings.heldout, found.measurements.truncated[1])
    )
    return summary.model_copy(
        update={
            "source": source,
            "documents": len(ours),
            "groups": len({document.group for document, _ in ours}),
            "characters": sum(characters for _, characters in ours),
            "tokens": sum(document.tokens for document, _ in ours),
            "truncated": cut,
            "sha256": corpus_sha256(documents_as_read(found, [document for document, _ in ours])),
        }
    )


def extra_summary(found: AuditInputs, summary: CorpusSummary | None, role: Role) -> CorpusSummary | None:
    """What was read of a corpus that only a series has, counted again from what is kept of it."""
    asked, series = found.settings.series, found.measurements.series
    if summary is None or asked is None or series is None:
        return None
    some = series.sets[role]
    return summary.model_copy(
        update={
            "source": asked.placebo if role == "placebo" else asked.general,
            "documents": len(some.ids),
            "groups": len(set(some.groups)),
            "truncated": some.truncated[0],
        }
    )


def documents_as_read(found: AuditInputs, documents: Sequence[DocumentResult]) -> list[DocumentResult]:
    """Documents with the groups they had before namesakes of the two sides were parted."""
    taken = {
        document.id for document in found.documents if document.side == "suspect" and document.group == document.id
    }
    return [
        document.model_copy(update={"group": document.id})
        if document.side == "heldout" and document.id in taken and document.group == renamed(document.id)
        else document
        for document in documents
    ]


def complete_manifest(found: AuditInputs, rows: Rows) -> Manifest:
    """The manifest with all that follows from the settings and from the columns of the test."""
    settings, configuration = found.settings, found.settings.model_dump(mode="json")
    named = () if settings.series is None else tuple(name for name, _ in settings.series.checkpoints)
    parts = [("target", ""), *(("reference", "") for _ in found.references), *(("checkpoint", name) for name in named)]
    return found.manifest.model_copy(
        update={
            "seed": settings.seed,
            "configuration": configuration,
            "configuration_sha256": canonical_sha256(configuration),
            "features": tuple(column.name for column in rows.columns),
            "models": tuple(
                model.model_copy(update={"role": role, "name": name})
                for model, (role, name) in zip(found.manifest.models, parts, strict=True)
            ),
        }
    )

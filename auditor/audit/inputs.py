"""AuditInputs: everything that an audit is concluded from, and the same out of a result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from auditor.audit.choices import nondefault_settings
from auditor.core.digests import canonical_sha256
from auditor.core.errors import UsageError
from auditor.corpora.comparable import renamed
from auditor.corpora.document import corpus_sha256
from auditor.corpora.overlap import shared_groups
from auditor.features.catalogue import select_features
from auditor.features.table import TARGET_LABEL, single_pass_only, table_columns
from auditor.membership.blind.rows import is_text_column
from auditor.membership.procedures.published import select_procedures
from auditor.membership.sides import TWO_SIDES, Overlap, are_few, on_two_sides
from auditor.results.chat import ChatSummary
from auditor.results.forgetting.measurements import Role, SeriesMeasurements
from auditor.results.forgetting.series import Forgetting
from auditor.results.gate import Gate
from auditor.results.measurements import Measurements
from auditor.results.overlap import SharedDocument, left_out
from auditor.results.result import AuditResult, BatchCorrection, CorpusSummary, DocumentResult, Manifest, Side
from auditor.results.rows import Column, FeatureTable, Rows
from auditor.settings import AuditSettings, make_settings

if TYPE_CHECKING:
    from auditor.forgetting.conclude import UnrecomputedFindings


@dataclass(frozen=True, slots=True)
class AuditInputs:
    """Everything that conclusions are drawn from.

    Attributes:
        settings: What was asked.
        name: How the audit is called.
        documents: Suspect side first; what scores they have is of no matter.
        suspect: What was read of the suspect side.
        heldout: Of the held-out side.
        placebo: Of the second held-out set of a series.
        general: Of its general text.
        measurements: The figures of documents and groups.
        manifest: What went in.
        unrecomputed: What of a series is not made again from its measurements; None without one.
        gate: The gate: the outcomes that fail.
        multiplicity: The correction for the other audits of a batch.
    """

    settings: AuditSettings
    name: str
    documents: tuple[DocumentResult, ...]
    suspect: CorpusSummary
    heldout: CorpusSummary
    placebo: CorpusSummary | None
    general: CorpusSummary | None
    measurements: Measurements
    manifest: Manifest
    unrecomputed: UnrecomputedFindings | None
    gate: Gate
    multiplicity: BatchCorrection | None = None

    @property
    def references(self) -> tuple[str, ...]:
        """Labels of the models beside the audited one."""
        return tuple(label for label in self.measurements.numerics if label != TARGET_LABEL)

    @property
    def sides(self) -> list[bool]:
        """Whether each document is on the suspect side."""
        return [document.side == "suspect" for document in self.documents]

    @property
    def overlap(self) -> Overlap:
        """What the two sides share.

        Raises:
            UsageError: It is not what the thresholds leave out.
        """
        shared = on_two_sides(self.measurements.overlap)
        out = left_out(shared, self.documents)
        counts = {
            role: sum(document.side == role for document in self.documents)
            + sum(document.role == role for document in out)
            for role in TWO_SIDES
        }
        few = are_few(shared, counts, TWO_SIDES, self.settings.policy.most_shared)
        if len(out) != (len(shared) if few else 0):
            raise UsageError("measurements.overlap is not what its thresholds leave out of the documents")
        named = (
            [(document.id, document.group) for document in self.documents if document.side == role]
            for role in TWO_SIDES
        )
        return Overlap(shared, bool(out), (counts["suspect"], counts["heldout"]), shared_groups(*named))

    @property
    def groups(self) -> list[str]:
        """The group of each document."""
        return [document.group for document in self.documents]


def inputs_of_result(result: AuditResult) -> AuditInputs:
    """What a result was concluded from.

    Raises:
        UsageError: The result keeps nothing, its configuration is none, or what it keeps does not fit together.
    """
    if result.measurements is None:
        raise UsageError("the result keeps nothing that its figures could be made from")
    inputs = AuditInputs(
        settings=make_settings(**result.manifest.configuration),
        name=result.name,
        documents=result.documents,
        suspect=result.suspect,
        heldout=result.heldout,
        placebo=result.placebo,
        general=result.general,
        measurements=result.measurements,
        manifest=result.manifest,
        unrecomputed=_unrecomputed(result.forgetting),
        gate=result.gate,
        multiplicity=result.multiplicity,
    )
    _require_whole(inputs)
    return inputs


def recompute_summary(inputs: AuditInputs, side: Side) -> CorpusSummary:
    """What was read of one side, counted again from its documents."""
    pairs = list(zip(inputs.documents, inputs.measurements.characters, strict=True))
    ours = [(document, characters) for document, characters in pairs if document.side == side]
    summary, source, cut = (
        (inputs.suspect, inputs.settings.suspect, inputs.measurements.truncated[0])
        if side == "suspect"
        else (inputs.heldout, inputs.settings.heldout, inputs.measurements.truncated[1])
    )
    return summary.model_copy(
        update={
            "source": source,
            "documents": len(ours),
            "groups": len({document.group for document, _ in ours}),
            "dropped_shared": len(left_out(inputs.measurements.overlap, inputs.documents, side=side)),
            "characters": sum(characters for _, characters in ours),
            "tokens": sum(document.tokens for document, _ in ours),
            "truncated": cut,
            "sha256": corpus_sha256(all_as_read(inputs, side)),
        }
    )


def extra_summary(inputs: AuditInputs, summary: CorpusSummary | None, role: Role) -> CorpusSummary | None:
    """What was read of a corpus that only a series has, counted again from what is kept of it."""
    requested, series = inputs.settings.series, inputs.measurements.series
    if summary is None or requested is None or series is None:
        return None
    measured = series.sets[role]
    return summary.model_copy(
        update={
            "source": requested.placebo if role == "placebo" else requested.general,
            "documents": len(measured.ids),
            "groups": len(set(measured.groups)),
            "dropped_shared": sum(document.role == role for document in inputs.measurements.overlap),
            "truncated": measured.truncated[0],
        }
    )


def documents_as_read(inputs: AuditInputs, documents: Sequence[DocumentResult]) -> list[DocumentResult]:
    """Documents with the groups they had before namesakes of the two sides were parted."""
    taken = {
        document.id for document in inputs.documents if document.side == "suspect" and document.group == document.id
    }
    return [
        document.model_copy(update={"group": document.id})
        if document.side == "heldout" and document.id in taken and document.group == renamed(document.id)
        else document
        for document in documents
    ]


def all_as_read(inputs: AuditInputs, side: Side) -> list[DocumentResult | SharedDocument]:
    """The documents of a side as they were read, with those that were left out in their positions.

    Raises:
        UsageError: The positions are not those of a side, or another document is at one of them.
    """
    compared = documents_as_read(inputs, [document for document in inputs.documents if document.side == side])
    excluded = left_out(inputs.measurements.overlap, inputs.documents, side=side)
    out, count = {document.index: document for document in excluded}, len(compared) + len(excluded)
    if len(out) != len(excluded) or any(index >= count for index in out):
        raise UsageError(f"measurements.overlap has positions that are none of {count} documents")
    rest = iter(compared)
    read = [out[index] if index in out else next(rest) for index in range(count)]
    for document in inputs.measurements.overlap:
        if document.role == side and [document.sha256] != [
            one.sha256 for one in read[document.index : document.index + 1]
        ]:
            raise UsageError(f"measurements.overlap has another document {document.index} of the {side} set")
    return read


def complete_manifest(inputs: AuditInputs, rows: Rows) -> Manifest:
    """The manifest with all that follows from the settings and from the columns of the test."""
    settings, configuration = inputs.settings, inputs.settings.model_dump(mode="json")
    named = () if settings.series is None else tuple(name for name, _ in settings.series.checkpoints)
    parts = [("target", ""), *(("reference", "") for _ in inputs.references), *(("checkpoint", name) for name in named)]
    return inputs.manifest.model_copy(
        update={
            "seed": settings.seed,
            "configuration": configuration,
            "configuration_sha256": canonical_sha256(configuration),
            "nondefault_settings": nondefault_settings(settings),
            "chat": _chat(inputs),
            "features": tuple(column.name for column in rows.columns),
            "models": tuple(
                model.model_copy(update={"role": role, "name": name})
                for model, (role, name) in zip(inputs.manifest.models, parts, strict=True)
            ),
        }
    )


def _chat(inputs: AuditInputs) -> ChatSummary | None:
    """What is said of conversations, with all that follows from the rest of a result."""
    chat = inputs.manifest.chat
    if chat is None:
        return None
    template = chat.template
    return chat.model_copy(
        update={
            "score": inputs.settings.score,
            "template_sha256": None if template is None else hashlib.sha256(template.encode("utf-8")).hexdigest(),
            "characters": sum(inputs.measurements.characters),
            "tokens_scored": sum(document.tokens for document in inputs.documents),
        }
    )


def _unrecomputed(forgetting: Forgetting | None) -> UnrecomputedFindings | None:
    if forgetting is None:
        return None
    from auditor.forgetting.conclude import UnrecomputedFindings

    return UnrecomputedFindings.of(forgetting)


def _require_whole(inputs: AuditInputs) -> None:
    """Refuse what no audit keeps, so that nothing strange is computed with."""
    measurements, settings, count = inputs.measurements, inputs.settings, len(inputs.documents)
    sides = inputs.sides
    if sorted(sides, reverse=True) != sides:
        raise UsageError("the documents are not in their order, suspect side first")
    if next(iter(measurements.numerics), None) != TARGET_LABEL:
        raise UsageError("measurements.numerics does not begin with the audited model")
    features = select_features(settings.features)
    _require_table(measurements.features, "measurements.features", table_columns(features, inputs.references), count)
    plain = single_pass_only(features)
    _require_names(measurements.controls, "measurements.controls", inputs.references if plain else ())
    for label, control in measurements.controls.items():
        _require_table(control, f"measurements.controls.{label}", table_columns(plain, ()), count)
    procedures = {procedure.name: procedure for procedure in select_procedures(settings.procedures)}
    _require_names(measurements.procedures, "measurements.procedures", procedures)
    for name, table in measurements.procedures.items():
        read = single_pass_only(select_features(procedures[name].features))
        _require_table(table, f"measurements.procedures.{name}", table_columns(read, ()), count)
    _require_names(
        measurements.reasons, "measurements.reasons", [column.name for column in measurements.features.columns]
    )
    for column, values in zip(measurements.features.columns, measurements.features.values.T, strict=True):
        if sum(measurements.reasons[column.name].values()) != int(np.isnan(values).sum()):
            raise UsageError(f"measurements.reasons.{column.name} does not account for the values that are missing")
    if len(measurements.characters) != count:
        raise UsageError(f"measurements.characters has {len(measurements.characters)} figures for {count} documents")
    groups = len(set(zip(sides, inputs.groups, strict=True)))
    if len({settings.series is None, measurements.series is None, inputs.unrecomputed is None}) > 1:
        raise UsageError("settings and measurements disagree on whether there is a series")
    if measurements.series is not None:
        _require_series(inputs, measurements.series)
    if inputs.multiplicity is not None:
        _require_correction(inputs.multiplicity)
    _ = inputs.overlap, all_as_read(inputs, "suspect"), all_as_read(inputs, "heldout")
    _require_width(measurements.text, "measurements.text")
    strange = [column.name for column in measurements.text.columns if not is_text_column(column)]
    if len(measurements.text.values) != groups or strange:
        raise UsageError(f"measurements.text is not a table of {groups} groups and of what text alone tells")


def _require_correction(correction: BatchCorrection) -> None:
    """Refuse what no correction gives: each can only raise a p-value, and by no more than the number of audits."""
    audits, entered = correction.audits, correction.p_entered
    if not 0 < entered <= correction.p_adjusted <= min(1.0, audits * entered * (1 + 1e-9)):
        raise UsageError(f"multiplicity.p_adjusted is no correction of {entered:g} over {audits:,} audits")
    if correction.broken >= audits:
        raise UsageError(f"multiplicity.broken: {correction.broken:,} of {audits:,} audits cannot have broken")


def _require_series(inputs: AuditInputs, series: SeriesMeasurements) -> None:
    """Refuse a series of other documents or of other corpora."""
    ours = sum(inputs.sides)
    sides: tuple[tuple[Role, tuple[DocumentResult, ...]], ...] = (
        ("suspect", inputs.documents[:ours]),
        ("heldout", inputs.documents[ours:]),
    )
    for role, documents in sides:
        measured = series.sets.get(role)
        named = [(document.id, document.group) for document in documents]
        if measured is None or list(zip(measured.ids, measured.groups, strict=False)) != named:
            raise UsageError(f"measurements.series has other {role} documents than the result")
    extra: dict[Role, CorpusSummary | None] = {"placebo": inputs.placebo, "general": inputs.general}
    for role, summary in extra.items():
        if (role in series.sets) != (summary is not None):
            raise UsageError(f"measurements.series and the result disagree whether there is a {role} set")


def _require_table(table: FeatureTable, where: str, columns: tuple[Column, ...], rows: int) -> None:
    _require_width(table, where)
    if table.columns != columns or len(table.values) != rows:
        raise UsageError(
            f"{where} is not the table of {rows} documents and {len(columns)} features that its configuration gives",
            hint="Another version of auditor may know other features; the manifest names the one that wrote the file.",
        )


def _require_width(table: FeatureTable, where: str) -> None:
    if len(table.values) and table.values.shape[1] != len(table.columns):
        raise UsageError(f"{where} has rows of another length than its {len(table.columns)} columns")


def _require_names(names: Iterable[str], where: str, expected: Iterable[str]) -> None:
    if list(names) != list(expected):
        raise UsageError(f"{where} has other names than its configuration gives")

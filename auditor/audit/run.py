"""The whole audit as a reader would tell it."""

from __future__ import annotations

from collections.abc import Sequence

from auditor.audit.conclude import Precomputed, conclude
from auditor.audit.documents import describe_documents, summary, with_token_marks
from auditor.audit.inputs import AuditInputs
from auditor.audit.provenance import make_manifest
from auditor.audit.reproduce import default_name, python_call
from auditor.core.progress import Progress, Silent
from auditor.core.seeds import stream
from auditor.corpora.comparable import require_comparable
from auditor.corpora.document import Corpus
from auditor.corpora.groups import disambiguate_groups
from auditor.features.catalogue import require_reference, select_features
from auditor.features.feature import Feature
from auditor.features.table import TARGET_LABEL, compute_table, group_rows, plain_table, single_pass_only
from auditor.forgetting.measure import MeasuredSeries, measure_forgetting
from auditor.membership.assess import TextBaseline, text_only_guards
from auditor.membership.cache import CorpusCache
from auditor.membership.procedures.published import PublishedProcedure, select_procedures
from auditor.membership.scores import AuditScores, score_audit
from auditor.models.loading import Models, open_models
from auditor.models.options import load_options
from auditor.results.digest import with_content_digest
from auditor.results.forgetting.measurements import Role
from auditor.results.measurements import Measurements
from auditor.results.result import AuditResult, CorpusSummary
from auditor.results.rows import FeatureTable
from auditor.scoring.store import Store
from auditor.settings import AuditSettings, RunOptions, require_permutations


def run_audit(
    settings: AuditSettings,
    options: RunOptions | None = None,
    *,
    progress: Progress | None = None,
    shared: CorpusCache | None = None,
) -> AuditResult:
    """Carry an audit out: read and score, keep what the figures are made from, and conclude.

    Args:
        settings: What is asked.
        options: How it is run.
        progress: Told how far scoring is; silent by default.
        shared: What other audits have read already; changes no figure.

    Raises:
        UsageError: The audit cannot be carried out as asked.
        RunError: The run broke.
    """
    options, progress, seed = options or RunOptions(), progress or Silent(), settings.seed
    shared = shared or CorpusCache()
    features, procedures = select_features(settings.features), select_procedures(settings.procedures)
    suspect, heldout = (shared.corpus(source, settings) for source in (settings.suspect, settings.heldout))
    require_comparable(suspect, heldout)
    heldout = disambiguate_groups(suspect, heldout)

    with Store.open(options.cache_dir) as store:
        models = None
        if settings.kind == "check":
            models = open_models(settings.model, settings.references, load_options(settings), store)
            if not models.references:
                require_reference(settings.features)
        references = len(models.references) if models else 0
        require_permutations(settings.permutations, settings.policy.controls_alpha / max(1, references))
        # The series first: its one pass over each text keeps more than the audit of the model asks for.
        series = None
        if settings.series is not None:
            series = measure_forgetting(settings, suspect, heldout, store, progress, shared)
        if models is None:
            models = _last_of(series)
        evidence = score_audit(
            suspect,
            heldout,
            models,
            features,
            seed=seed,
            max_tokens=settings.max_tokens,
            store=store,
            rng=stream(seed, "probes"),
            progress=progress,
        )
        manifest = make_manifest(
            settings,
            command=options.command or python_call(settings),
            models=evidence.models,
            checkpoints={} if series is None else series.models,
            scored=len(store.scored),
            stored=len(store.recalled),
        )

    plain = evidence.plain(TARGET_LABEL)
    ours, theirs = plain[: len(suspect.documents)], plain[len(suspect.documents) :]
    table, reasons = compute_table(features, evidence.records, references=evidence.references)
    groups = [document.group for document in (*suspect.documents, *heldout.documents)]
    rows = group_rows(table, groups, [True] * len(ours) + [False] * len(theirs))
    sides = shared.sides(suspect, heldout, rows, settings) if series is None else series.sides
    known = shared.guards(sides, suspect, heldout)
    result = conclude(
        AuditInputs(
            settings=settings,
            name=options.name or default_name(settings),
            documents=describe_documents(suspect, heldout, plain, reveal=settings.reveal),
            suspect=summary(suspect, ours),
            heldout=summary(heldout, theirs),
            placebo=_beside(series, "placebo"),
            general=_beside(series, "general"),
            measurements=_keep(suspect, heldout, evidence, table, reasons, features, procedures, series, sides),
            manifest=manifest,
            forgetting=None if series is None else series.forgetting,
            gate=options.gate,
        ),
        Precomputed(sides, None if series is None else series.forgetting, dict(known)),
    )
    known.update(text_only_guards(result.guards))
    if settings.reveal:
        result = with_content_digest(
            result.model_copy(update={"documents": with_token_marks(result.documents, suspect, plain)})
        )
    return result


def _keep(
    suspect: Corpus,
    heldout: Corpus,
    evidence: AuditScores,
    table: FeatureTable,
    reasons: dict[str, dict[str, int]],
    features: Sequence[Feature],
    procedures: Sequence[PublishedProcedure],
    series: MeasuredSeries | None,
    sides: TextBaseline,
) -> Measurements:
    """What every figure will be made from."""
    plain = evidence.plain(TARGET_LABEL)
    documents = (*suspect.documents, *heldout.documents)
    labels = [place < len(suspect.documents) for place in range(len(documents))]
    single = single_pass_only(features)
    return Measurements(
        features=table,
        reasons=reasons,
        text=FeatureTable.of(sides.text_rows),
        controls={label: plain_table(single, evidence.plain(label)) for label in evidence.references if single},
        procedures={
            procedure.name: plain_table(select_features(procedure.features), plain) for procedure in procedures
        },
        numerics=dict(evidence.numerics),
        overlap=sides.overlap.pairs,
        characters=tuple(len(document.text) for document in documents),
        truncated=(
            sum(record.truncated for record, ours in zip(plain, labels, strict=True) if ours),
            sum(record.truncated for record, ours in zip(plain, labels, strict=True) if not ours),
        ),
        series=None if series is None else series.measurements,
    )


def _beside(account: MeasuredSeries | None, role: Role) -> CorpusSummary | None:
    """What was read of a corpus that only a series has, as its origin read it."""
    if account is None or role not in account.series.corpora:
        return None
    read = account.series
    return summary(read.corpora[role], read.readings[read.origin.name, role].signals)


def _last_of(account: MeasuredSeries | None) -> Models:
    """The last checkpoint; the base of an adapter is no control, as it may be a checkpoint that was shown the data."""
    if account is None:
        raise ValueError("no series was asked for")
    return Models(account.last, ())

"""The whole audit as a reader would tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from auditor.corpora.comparable import require_comparable
from auditor.corpora.own_groups import part_namesakes
from auditor.documents import document_results, group_scores, summary
from auditor.examination import examine, of_texts, read_sides
from auditor.features.catalogue import require_reference, select_features
from auditor.features.feature import Feature
from auditor.features.table import TARGET_LABEL, compute_table, drop_sparse, group_rows, plain_rows
from auditor.forgetting.measure import Account, measure_forgetting
from auditor.forgetting.series import Role
from auditor.forgetting.verdict import beside_series, decide_series
from auditor.guards.catalogue import guard_alphas
from auditor.guards.guard import GuardResult
from auditor.inference.curve import learning_curve
from auditor.inference.rows import Rows
from auditor.limitations import limitations
from auditor.manifest import feature_notes, left_out, make_manifest
from auditor.models.backend import ModelSpec
from auditor.models.loading import Models, open_models
from auditor.procedures.published import select_procedures
from auditor.randomness import stream
from auditor.reading import read_asked
from auditor.reproduce import default_name, python_call
from auditor.result import AuditResult, CorpusSummary, Thresholds, Verdict
from auditor.scoring.evidence import Evidence, score_corpora
from auditor.scoring.progress import Progress, Silent
from auditor.scoring.store import Store
from auditor.settings import CheckSettings, RunOptions, load_options, require_permutations
from auditor.signals.views import TARGET
from auditor.verdict import decide


def run_check(
    settings: CheckSettings, options: RunOptions | None = None, *, progress: Progress | None = None
) -> AuditResult:
    """Carry an audit out: read, score, compute, test, guard, decide."""
    options, policy, seed = options or RunOptions(), settings.policy, settings.seed
    progress = progress or Silent()
    features, procedures = select_features(settings.features), select_procedures(settings.procedures)
    suspect, heldout = (read_asked(source, settings) for source in (settings.suspect, settings.heldout))
    require_comparable(suspect, heldout)
    heldout = part_namesakes(suspect, heldout)

    with Store.open(options.cache_dir) as store:
        models = None
        if settings.kind == "check":
            models = open_models(settings.model, settings.references, load_options(settings), store)
            if not models.references:
                require_reference(settings.features)
        controls_alpha = policy.controls_alpha / max(1, len(models.references) if models else 0)
        require_permutations(settings.permutations, controls_alpha)
        # The series first: its one pass over each text keeps more than the audit of the model asks for.
        series = None if settings.series is None else measure_forgetting(settings, suspect, heldout, store, progress)
        if models is None:
            models = _last_of(series)
        evidence = score_corpora(
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
    plain = evidence.plain(TARGET_LABEL)
    ours, theirs = plain[: len(suspect.documents)], plain[len(suspect.documents) :]

    labels = [True] * len(ours) + [False] * len(theirs)
    groups = [document.group for document in (*suspect.documents, *heldout.documents)]
    table = compute_table(features, evidence.records, references=evidence.references)
    all_rows = group_rows(table, groups, labels)
    known: Mapping[str, GuardResult] = {}
    if series is None:
        sides = read_sides(suspect, heldout, all_rows, permutations=settings.permutations, policy=policy, seed=seed)
    else:
        # The texts of both sides are the same under every model: what the series asked of them holds here.
        sides, known = series.sides, of_texts(series.forgetting.checkpoints[0].detection.guards)
    controls = {
        label: sides.test(drop_sparse(control, policy.most_missing), f"control {label}", controls_alpha)
        for label, control in _control_rows(features, evidence, groups, labels).items()
    }
    found = examine(
        sides,
        all_rows,
        controls=controls,
        numerics=evidence.numerics,
        truncated=(sum(record.truncated for record in ours), sum(record.truncated for record in theirs)),
        alpha=policy.alpha,
        known=known,
    )
    membership, rows = found.membership, found.rows
    # A series is its own control: there is nothing to name beside it.
    guards = tuple(guard for guard in found.guards if settings.kind == "check" or guard.name != "controls")
    scores = group_scores(rows, membership)
    forgetting = None if series is None else series.forgetting
    return AuditResult(
        kind=settings.kind,
        name=options.name or default_name(settings),
        verdict=_verdict(settings, decide(membership, guards, policy), series, models.target),
        thresholds=Thresholds(**policy.model_dump(), guard_alphas=guard_alphas(policy)),
        membership=membership,
        excess=found.excess,
        guards=guards,
        controls=controls,
        curve=learning_curve(rows, membership, rng=stream(seed, "curve"), alpha=policy.alpha),
        procedures=tuple(
            procedure.run(plain, labels, stream(seed, f"procedure {procedure.name}")) for procedure in procedures
        ),
        feature_notes=feature_notes(rows.columns, features),
        left_out=tuple(
            one
            for one in left_out(features, table, rows.columns, policy.most_missing)
            if settings.kind == "check" or one.name in table.names
        ),
        group_scores=scores,
        documents=document_results(suspect, heldout, plain, scores, reveal=settings.reveal),
        suspect=summary(suspect, ours),
        heldout=summary(heldout, theirs),
        placebo=_beside(series, "placebo"),
        general=_beside(series, "general"),
        limitations=limitations(guards, series=forgetting is not None),
        manifest=make_manifest(
            settings,
            command=options.command or python_call(settings),
            models=evidence.models,
            checkpoints={} if series is None else series.models,
            features=[column.name for column in rows.columns],
            scored=len(store.scored),
            stored=len(store.recalled),
        ),
        forgetting=forgetting,
    )


def _verdict(settings: CheckSettings, alone: Verdict, account: Account | None, audited: ModelSpec) -> Verdict:
    """The verdict of the model alone, or with its series."""
    if account is None:
        return alone
    if settings.kind == "forget":
        return decide_series(account.forgetting)
    return beside_series(alone, account.forgetting, _place_of(audited, account))


def _place_of(audited: ModelSpec, account: Account) -> str | None:
    """The name of the checkpoint that is the audited model; None where it is none of them."""
    return next((name for name, model in account.models.items() if model.key == audited.identity.key), None)


def _beside(account: Account | None, role: Role) -> CorpusSummary | None:
    """What was read of a corpus that only a series has, as its origin read it."""
    if account is None or role not in account.series.corpora:
        return None
    read = account.series
    return summary(read.corpora[role], read.readings[read.origin.name, role].signals)


def _last_of(account: Account | None) -> Models:
    """The last checkpoint; the base of an adapter is no control, as it may be a checkpoint that was shown the data."""
    if account is None:
        raise ValueError("no series was asked for")
    return Models(account.last, ())


def _control_rows(
    features: Sequence[Feature], evidence: Evidence, groups: Sequence[str], sides: Sequence[bool]
) -> Mapping[str, Rows]:
    """The rows each reference would give if it were the audited model, by the chosen features of one pass."""
    plain = [feature for feature in features if feature.views == (TARGET,)]
    if not plain:
        return {}
    return {label: plain_rows(plain, evidence.plain(label), groups, sides) for label in evidence.references}

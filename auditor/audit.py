"""The whole audit as a reader would tell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import PurePath
from typing import Unpack

from auditor.corpora.comparable import require_comparable
from auditor.corpora.document import Corpus
from auditor.corpora.own_groups import part_namesakes
from auditor.corpora.read import read_corpus
from auditor.documents import document_results, group_scores, summary
from auditor.errors import UsageError
from auditor.features.catalogue import require_reference, select_features
from auditor.features.feature import Feature
from auditor.features.table import TARGET_LABEL, compute_table, drop_sparse, group_rows
from auditor.guards.case import Case
from auditor.guards.catalogue import all_guards, guard_alphas
from auditor.inference.curve import learning_curve
from auditor.inference.excess import excess_auc
from auditor.inference.rows import Rows
from auditor.inference.separability import separability
from auditor.inference.separability_result import Separability
from auditor.limitations import limitations
from auditor.manifest import feature_notes, left_out, make_manifest
from auditor.models.backend import LoadOptions
from auditor.models.loading import open_models
from auditor.procedures.published import select_procedures
from auditor.randomness import stream
from auditor.result import AuditResult, Thresholds
from auditor.scoring.evidence import Evidence, score_corpora
from auditor.scoring.progress import Progress, Silent
from auditor.scoring.store import Store
from auditor.settings import CheckOptions, CheckSettings, RunOptions, make_options, make_settings, require_permutations
from auditor.signals.views import TARGET
from auditor.text.rows import text_rows
from auditor.verdict import decide


def check(
    suspect: str | PathLike[str],
    heldout: str | PathLike[str],
    *,
    model: str | PathLike[str],
    references: Sequence[str | PathLike[str]] = (),
    cache_dir: str | PathLike[str] | None = None,
    name: str = "",
    progress: Progress | None = None,
    **settings: Unpack[CheckOptions],
) -> AuditResult:
    """Was `model` trained on `suspect`? The same audit as `auditor check`.

    Args:
        suspect: Folder, file or `hf:NAME[:SPLIT]` of the documents in question.
        heldout: The same for documents like them that the model cannot have been trained on.
        model: Folder or name of a causal language model, a PEFT adapter folder, or a GGUF file.
        references: Models that cannot have seen the suspect documents.
        cache_dir: Where scores are kept; the platform's cache folder by default.
        name: How the audit is called in its report.
        progress: Told how far scoring is; silent by default.
        **settings: Any other field of `auditor.settings.CheckSettings`, such as `group_column="author"` or `seed=1`.

    Returns:
        The result tree; `auditor.write_outputs` renders it.

    Raises:
        UsageError: The request cannot be carried out as given.
        RunError: The run broke.
    """
    if isinstance(references, str | PathLike):
        raise UsageError(f"references is one path, {fspath(references)!r}", hint="Give a list of references.")
    asked = make_settings(
        suspect=fspath(suspect),
        heldout=fspath(heldout),
        model=fspath(model),
        references=tuple(fspath(reference) for reference in references),
        **settings,
    )
    return run_check(
        asked, make_options(name=name, cache_dir=None if cache_dir is None else fspath(cache_dir)), progress=progress
    )


def run_check(
    settings: CheckSettings, options: RunOptions | None = None, *, progress: Progress | None = None
) -> AuditResult:
    """Carry an audit out: read, score, compute, test, guard, decide."""
    options, policy, seed = options or RunOptions(), settings.policy, settings.seed
    features, procedures = select_features(settings.features), select_procedures(settings.procedures)
    suspect, heldout = (_read(source, settings) for source in (settings.suspect, settings.heldout))
    require_comparable(suspect, heldout)
    heldout = part_namesakes(suspect, heldout)

    with Store.open(options.cache_dir) as store:
        loading = LoadOptions(settings.device, settings.dtype, settings.revision, settings.context)
        models = open_models(settings.model, settings.references, loading, store)
        if not models.references:
            require_reference(settings.features)
        controls_alpha = policy.controls_alpha / max(1, len(models.references))
        require_permutations(settings.permutations, controls_alpha)
        evidence = score_corpora(
            suspect,
            heldout,
            models,
            features,
            seed=seed,
            max_tokens=settings.max_tokens,
            store=store,
            rng=stream(seed, "probes"),
            progress=progress or Silent(),
        )
    plain = evidence.plain(TARGET_LABEL)
    ours, theirs = plain[: len(suspect.documents)], plain[len(suspect.documents) :]

    sides = [True] * len(ours) + [False] * len(theirs)
    groups = [document.group for document in (*suspect.documents, *heldout.documents)]
    table = compute_table(features, evidence.records, references=evidence.references)
    all_rows = group_rows(table, groups, sides)
    rows = drop_sparse(all_rows, policy.most_missing)

    def test(what: Rows, purpose: str, alpha: float) -> Separability:
        return separability(
            what, rng=stream(seed, purpose), alpha=alpha, permutations=settings.permutations, power=policy.power
        )

    membership = test(rows, "membership", policy.alpha)
    alone = text_rows(suspect, heldout, rows, rng=stream(seed, "text"))
    text = test(alone, "blind", policy.blind_alpha)
    controls = {
        label: test(drop_sparse(control, policy.most_missing), f"control {label}", controls_alpha)
        for label, control in _control_rows(features, evidence, groups, sides).items()
    }
    excess = excess_auc(membership, text, rows.suspect, level=policy.excess_level, rng=stream(seed, "excess"))
    case = Case(
        suspect=suspect,
        heldout=heldout,
        all_rows=all_rows,
        rows=rows,
        membership=membership,
        text_rows=alone,
        text=text,
        excess=excess,
        controls=controls,
        numerics=evidence.numerics,
        truncated_suspect=sum(record.truncated for record in ours),
        truncated_heldout=sum(record.truncated for record in theirs),
        policy=policy,
        seed=seed,
    )
    guards = tuple(guard.run(case) for guard in all_guards())
    scores = group_scores(rows, membership)
    return AuditResult(
        name=options.name or _name(settings),
        verdict=decide(membership, guards, policy),
        thresholds=Thresholds(**policy.model_dump(), guard_alphas=guard_alphas(policy)),
        membership=membership,
        excess=excess,
        guards=guards,
        controls=controls,
        curve=learning_curve(rows, membership, rng=stream(seed, "curve"), alpha=policy.alpha),
        procedures=tuple(
            procedure.run(plain, sides, stream(seed, f"procedure {procedure.name}")) for procedure in procedures
        ),
        feature_notes=feature_notes(rows.columns, features),
        left_out=left_out(features, table, rows.columns, policy.most_missing),
        group_scores=scores,
        documents=document_results(suspect, heldout, plain, scores, reveal=settings.reveal),
        suspect=summary(suspect, ours),
        heldout=summary(heldout, theirs),
        limitations=limitations(guards),
        manifest=make_manifest(
            settings,
            command=options.command or _command(settings),
            models=evidence.models,
            features=[column.name for column in rows.columns],
            scored=evidence.computed,
            stored=evidence.from_store,
        ),
    )


def _read(source: str, settings: CheckSettings) -> Corpus:
    return read_corpus(
        source,
        text_column=settings.text_column,
        group_column=settings.group_column,
        group_by=settings.group_by,
        limit=settings.limit,
    )


def _control_rows(
    features: Sequence[Feature], evidence: Evidence, groups: Sequence[str], sides: Sequence[bool]
) -> Mapping[str, Rows]:
    """The rows each reference would give if it were the audited model, by the chosen features of one pass."""
    plain = [feature for feature in features if feature.views == (TARGET,)]
    if not plain:
        return {}
    rows = {}
    for label in evidence.references:
        records = [{(TARGET_LABEL, TARGET.transform): record} for record in evidence.plain(label)]
        rows[label] = group_rows(compute_table(plain, records, references=()), groups, sides)
    return rows


def _name(settings: CheckSettings) -> str:
    parts = (settings.suspect, settings.heldout, settings.model)
    suspect, heldout, model = (PurePath(part).name or part for part in parts)
    return f"{suspect} against {heldout} on {model}"


def _command(settings: CheckSettings) -> str:
    """The call from Python that reproduces the audit."""
    given = settings.model_dump(mode="json", exclude_defaults=True)
    arguments = [repr(given.pop("suspect")), repr(given.pop("heldout"))]
    return f"auditor.check({', '.join([*arguments, *(f'{key}={value!r}' for key, value in given.items())])})"

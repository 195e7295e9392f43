"""The whole audit as a reader would tell it."""

from __future__ import annotations

from auditor.audit.conclude import conclude
from auditor.audit.documents import with_token_marks
from auditor.audit.measure import measure
from auditor.audit.open import open_audit
from auditor.audit.provenance import make_manifest
from auditor.core.progress import Progress, Silent
from auditor.membership.cache import CorpusCache
from auditor.results.result import AuditResult
from auditor.scoring.store import Store
from auditor.settings import AuditSettings, RunOptions


def run_audit(
    settings: AuditSettings,
    options: RunOptions | None = None,
    *,
    progress: Progress | None = None,
    cache: CorpusCache | None = None,
) -> AuditResult:
    """Carry an audit out: read, score, measure, conclude.

    Args:
        settings: What decides its figures.
        options: How it is run.
        progress: Told how far scoring is; silent by default.
        cache: Corpora and answers that audits share; changes no figure.

    Raises:
        UsageError: The audit cannot be carried out as its settings say.
        RunError: The run broke.
    """
    options, progress, cache = options or RunOptions(), progress or Silent(), cache or CorpusCache()
    with Store.open(options.cache_dir) as store:
        audit = open_audit(settings, store, cache)
        # The series first: its one pass over each text keeps more than the audited model is asked for.
        series = None if audit.series is None else audit.series.measure(store, progress, cache)
        scores = audit.score(store, progress)
        manifest = make_manifest(audit, options, scored=len(store.scored), stored=len(store.recalled))
        inputs = measure(audit, scores, series, manifest, options, store)
    result = conclude(inputs, cache.answers)
    return with_token_marks(result, audit.sides.suspect, scores) if settings.reveal else result

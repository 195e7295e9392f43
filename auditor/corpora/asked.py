"""Reading the corpora that an audit's settings name."""

from __future__ import annotations

from auditor.corpora.document import Corpus
from auditor.corpora.read import read_corpus
from auditor.settings import AuditSettings


def read_for_audit(source: str, settings: AuditSettings) -> Corpus:
    """Read a corpus as the settings say.

    Raises:
        UsageError: As `read_corpus`.
    """
    return read_corpus(
        source,
        text_column=settings.text_column,
        group_column=settings.group_column,
        group_by=settings.group_by,
        limit=settings.limit,
    )

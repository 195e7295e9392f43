"""Whether two corpora can be compared at all."""

from __future__ import annotations

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus


def require_comparable(suspect: Corpus, heldout: Corpus, *, first: str = "suspect") -> None:
    """Refuse pairs of corpora that no statistic can tell anything about.

    This is the bare minimum for a comparison to be defined, not for it to have power; the guards judge that.

    Args:
        suspect: The set in question.
        heldout: The held-out set.
        first: What the set in question is called.

    Raises:
        UsageError: A side has fewer than two documents (all others were identical or empty) or fewer than two groups,
            or the two sides hold the very same texts.
    """
    for label, corpus in ((first, suspect), ("held-out", heldout)):
        if len(corpus.documents) < 2:
            left = "all its documents are identical" if corpus.dropped_duplicate else "it holds one document only"
            raise UsageError(
                f"nothing to compare: {label} side {corpus.source}: {left}",
                hint="Each side needs at least two different documents, and hundreds for a verdict with power.",
            )
        if len(corpus.groups) < 2:
            raise UsageError(
                f"nothing to compare: {label} side {corpus.source}: all {len(corpus.documents)} documents are of one "
                f"group, {corpus.groups[0]!r}",
                hint="The group is the unit of the test: each side needs several, or none should be given.",
            )
    if {document.sha256 for document in suspect.documents} == {document.sha256 for document in heldout.documents}:
        raise UsageError(
            f"nothing to compare: {suspect.source} and {heldout.source} hold the same texts",
            hint="The held-out side has to be documents that the model cannot have seen.",
        )

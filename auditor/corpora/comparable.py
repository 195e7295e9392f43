"""Whether two corpora can be compared, and equal document ids on the two sides."""

from __future__ import annotations

from dataclasses import replace

from auditor.core.errors import UsageError
from auditor.core.text import quoted
from auditor.corpora.document import Corpus


def require_comparable(suspect: Corpus, heldout: Corpus, *, first: str = "suspect") -> None:
    """Refuse two corpora for which a comparison is not defined.

    The guards decide whether a comparison has power.

    Args:
        suspect: The suspect set.
        heldout: The held-out set.
        first: Name of the suspect set in messages.

    Raises:
        UsageError: A side has fewer than two distinct documents or fewer than two groups, or both sides hold the same
            texts.
    """
    for label, corpus in ((first, suspect), ("held-out", heldout)):
        if len(corpus.documents) < 2:
            reason = "all its documents are identical" if corpus.dropped_duplicate else "it holds one document only"
            raise UsageError(
                f"nothing to compare: {label} side {corpus.source}: {reason}",
                hint="Each side needs at least two different documents, and hundreds for a verdict with power.",
            )
        if len(corpus.groups) < 2:
            raise UsageError(
                f"nothing to compare: {label} side {corpus.source}: all {len(corpus.documents)} documents are of one "
                f"group, {quoted(corpus.groups[0])}",
                hint="The group is the unit of the test: each side needs several, or leave the groups out.",
            )
    if {document.sha256 for document in suspect.documents} == {document.sha256 for document in heldout.documents}:
        raise UsageError(
            f"nothing to compare: {suspect.source} and {heldout.source} hold the same texts",
            hint="The held-out side has to be documents that the model cannot have seen.",
        )


def disambiguate_groups(suspect: Corpus, heldout: Corpus) -> Corpus:
    """The held-out side with groups renamed, so that equal document ids on the two sides do not become one group.

    `suspect/001.txt` and `heldout/001.txt` have only a file name in common. A group that the user declared keeps its
    name: the same author on both sides is meant.
    """
    taken = {document.group for document in suspect.documents if document.group == document.id}
    documents = tuple(
        replace(document, group=renamed(document.id))
        if document.group == document.id and document.group in taken
        else document
        for document in heldout.documents
    )
    return replace(heldout, documents=documents)


def renamed(name: str) -> str:
    """Group of a held-out document whose id is also that of a suspect document."""
    return f"{name} (held-out)"

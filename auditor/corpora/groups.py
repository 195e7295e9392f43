"""Documents that are their own group must not meet a namesake on the other side."""

from __future__ import annotations

from dataclasses import replace

from auditor.corpora.document import Corpus


def disambiguate_groups(suspect: Corpus, heldout: Corpus) -> Corpus:
    """The held-out side with those own groups renamed that bear the name of a suspect group.

    `suspect/001.txt` and `heldout/001.txt` have nothing in common but a file name. A group that the user declared is
    left alone, since the same author on both sides is meant.
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
    """What the own group of a held-out document of this name is called where a suspect one bears the name."""
    return f"{name} (held-out)"

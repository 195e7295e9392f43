"""How much of a corpus changes may add to, so that neither its readers nor its filters notice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.splicing.edit import TextEdit, apply_text_edits
from auditor.splicing.source import SourceCorpus


@dataclass(frozen=True, slots=True)
class WordsAdded:
    """What changes add to a corpus.

    Attributes:
        added: Words that documents have more than before, over all documents; one that has fewer counts nothing.
        share_of_corpus: The words added, of all words of the corpus before, between 0 and 1 or above.
        largest_share_of_document: The largest share of the words of one document.
        largest: Id of that document, empty where nothing is added.
        over: Ids of the documents of which more is added than may be.
        several: Ids of the documents that more than one passage is put into.
        within: Whether no document and not the corpus goes over its limit.
    """

    added: int
    share_of_corpus: float
    largest_share_of_document: float
    largest: str
    over: tuple[str, ...]
    several: tuple[str, ...]
    within: bool


def within_budget(
    corpus: SourceCorpus,
    changes: Mapping[int, Sequence[TextEdit]],
    most_share_of_document: float = 0.005,
    most_share_of_corpus: float = 0.001,
) -> WordsAdded:
    """Count the words that changes add, and hold them against limits; whoever calls refuses.

    Args:
        corpus: The corpus.
        changes: Edits of its documents, by their numbers.
        most_share_of_document: Largest share of the words of a document that may be added to it.
        most_share_of_corpus: The same of all its documents together.

    Raises:
        ValueError: Edits overlap.
    """
    words = [len(document.text.split()) for document in corpus.documents]
    added = {
        number: max(0, len(apply_text_edits(corpus.documents[number].text, edits).split()) - words[number])
        for number, edits in changes.items()
    }
    shares = {number: count / max(1, words[number]) for number, count in added.items()}
    largest = max(shares, key=lambda number: shares[number], default=None)
    share = sum(added.values()) / max(1, sum(words))
    over = tuple(corpus.documents[number].id for number in sorted(shares) if shares[number] > most_share_of_document)
    several = [number for number, edits in changes.items() if sum(edit.start == edit.stop for edit in edits) > 1]
    return WordsAdded(
        added=sum(added.values()),
        share_of_corpus=share,
        largest_share_of_document=0.0 if largest is None else shares[largest],
        largest=corpus.documents[largest].id if largest is not None and shares[largest] else "",
        over=over,
        several=tuple(corpus.documents[number].id for number in sorted(several)),
        within=not over and share <= most_share_of_corpus,
    )

"""Looking at the published copy: which candidates of a batch stand in it."""

from __future__ import annotations

from pathlib import Path

from auditor.dealt.open import OpenedBatch
from auditor.provenance.deal import PUBLISHED
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.results.dealt.measurements import CopyFacts
from auditor.splicing.source import SourceCorpus
from auditor.splicing.survival import count_texts

_BETWEEN_ROWS = "\n"
"""What joins the rows of a file whose order was dealt."""


def look_at_copy(plan: str, opened: OpenedBatch) -> CopyFacts | None:
    """Count the published and the withheld candidates in the copy that the plan names; None where there is none.

    Raises:
        UsageError: The copy cannot be read.
    """
    folder = PlanFolder(Path(plan))
    origin = folder.read_or_none(ORIGIN, Origin)
    if origin is None or not folder.located(origin.to).exists():
        return None
    documents = [
        document.text
        for document in SourceCorpus.open(folder.located(origin.to), text_column=origin.text_column).documents
    ]
    if opened.commitment.design == "order":
        documents = [_BETWEEN_ROWS.join(documents)]
    published, withheld = _split(opened)
    counts = count_texts(documents, [*published, *withheld])
    return CopyFacts(
        published=sum(count > 0 for count in counts[: len(published)]),
        withheld=sum(count > 0 for count in counts[len(published) :]),
    )


def _split(opened: OpenedBatch) -> tuple[list[str], list[str]]:
    """The published candidates, one a unit, and the withheld ones that are no published one of another unit."""
    holdout = opened.commitment.design == "holdout"
    published: list[str] = []
    withheld: dict[str, None] = {}
    for unit, chosen in zip(opened.units, opened.published, strict=True):
        for index, text in enumerate(unit.candidates):
            if chosen == (PUBLISHED if holdout else index):
                published.append(text)
            else:
                withheld[text] = None
    there = set(published)
    return published, [text for text in withheld if text not in there]

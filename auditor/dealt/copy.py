"""Looking at the published copy: which candidates of a batch stand in it."""

from __future__ import annotations

from pathlib import Path

from auditor.dealt.open import OpenedBatch
from auditor.provenance.deal import is_published
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.results.dealt.measurements import CopyFacts
from auditor.splicing.presence import count_candidates
from auditor.splicing.source import SourceCorpus


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
    published, withheld = _split(opened)
    design = opened.commitment.design
    rows = len(opened.units[0].sites) if design == "order" else 1
    counts = count_candidates(documents, [*published, *withheld], inside=design == "canaries", rows=rows)
    return CopyFacts(
        published=sum(count > 0 for count in counts[: len(published)]),
        withheld=sum(count > 0 for count in counts[len(published) :]),
    )


def _split(opened: OpenedBatch) -> tuple[list[str], list[str]]:
    """The published candidates, one a unit, and the withheld ones that are no published one of another unit."""
    published: list[str] = []
    withheld: dict[str, None] = {}
    for unit, chosen in zip(opened.units, opened.published, strict=True):
        for index, text in enumerate(unit.candidates):
            if is_published(opened.commitment.design, index, chosen):
                published.append(text)
            else:
                withheld[text] = None
    there = set(published)
    return published, [text for text in withheld if text not in there]

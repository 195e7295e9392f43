"""Looking at the published copy: which candidates stand in it."""

from __future__ import annotations

from pathlib import Path

from auditor.dealt.open import OpenedBatch
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.results.dealt.measurements import CopyFacts
from auditor.splicing.source import SourceCorpus


def look_at_copy(plan: str, opened: OpenedBatch) -> CopyFacts | None:
    """Count the published and the withheld candidates in the copy that the plan names; None where there is none.

    Candidates of the design `order` are not looked for: each is a whole file in another order.
    """
    origin = PlanFolder(Path(plan)).read_or_none(ORIGIN, Origin)
    if origin is None or not Path(origin.to).exists() or opened.commitment.design == "order":
        return None
    published_texts = "\0".join(
        document.text for document in SourceCorpus.open(Path(origin.to), text_column=origin.text_column).documents
    )
    there = {text: text in published_texts for text in opened.texts}
    published = withheld = 0
    for unit, chosen in zip(opened.units, opened.published, strict=True):
        for index, text in enumerate(unit.candidates):
            is_published = bool(chosen) if opened.commitment.design == "holdout" else index == chosen
            published += is_published and there[text]
            withheld += not is_published and there[text]
    return CopyFacts(published=published, withheld=withheld)

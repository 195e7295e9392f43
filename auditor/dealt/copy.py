"""Looking at the published copy: which candidates stand in it."""

from __future__ import annotations

from pathlib import Path

from auditor.dealt.open import OpenedBatch
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.results.dealt.measurements import CopyFacts


def look_at_copy(plan: str, opened: OpenedBatch) -> CopyFacts | None:
    """Count the published and the withheld candidates in the copy that the plan names; None where there is none.

    Candidates of the design `order` are not looked for: each is a whole file in another order.
    """
    origin = PlanFolder(Path(plan)).read_or_none(ORIGIN, Origin)
    if origin is None or not Path(origin.to).is_dir() or opened.commitment.design == "order":
        return None
    from auditor.splicing.survival import find_texts

    texts = opened.texts
    counts = dict(zip(texts, find_texts(Path(origin.to), texts, text_column=origin.text_column), strict=True))
    published = withheld = 0
    for unit, chosen in zip(opened.units, opened.published, strict=True):
        for index, text in enumerate(unit.candidates):
            is_published = bool(chosen) if opened.commitment.design == "holdout" else index == chosen
            published += is_published and counts[text] > 0
            withheld += not is_published and counts[text] > 0
    return CopyFacts(published=published, withheld=withheld)

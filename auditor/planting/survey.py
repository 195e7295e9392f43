"""Is what was dealt still there? Counts over a published copy, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.planting.publish import deal_all
from auditor.provenance.deal import PUBLISHED
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.splicing.survival import find_texts, through_pipeline

LEAST_SURVIVING = 0.9
"""Share of what was published below which the test has clearly less power."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a copy holds of a plan.

    Attributes:
        published: Texts that were published, each copy of a canary once.
        present: How many of them stand in the copy.
        withheld: Texts that were withheld: decoys, other wordings, documents.
        leaked: How many of them stand in the copy, which none should.
    """

    published: int
    present: int
    withheld: int
    leaked: int

    @property
    def share(self) -> float:
        """Share of what was published that is still there."""
        return self.present / max(1, self.published)


def survey(folder: PlanFolder, published: Path, *, pipeline: bool = False) -> Survey:
    """Count what a copy holds.

    Args:
        folder: The plan, dealt.
        published: A copy of what was published.
        pipeline: Look at what is left of it after extraction and common filters of training data.

    Raises:
        UsageError: The plan cannot be read, the copy cannot, or the pipeline is not installed.
    """
    commitment, origin = folder.commitment, folder.read(ORIGIN, Origin)
    wanted: dict[str, int] = {}
    decoys: set[str] = set()
    for batch in deal_all(folder, commitment, folder.beacon):
        for unit, coin in batch:
            if commitment.design == "holdout":
                (
                    wanted.update({unit.candidates[0]: len(unit.sites)})
                    if coin == PUBLISHED
                    else decoys.add(unit.candidates[0])
                )
                continue
            wanted[unit.candidates[coin]] = len(unit.sites) if commitment.design == "canaries" else 1
            decoys.update(unit.candidates[:coin] + unit.candidates[coin + 1 :])
    decoys -= wanted.keys()
    search = through_pipeline if pipeline else find_texts
    texts, others = list(wanted), sorted(decoys)
    counts = search(published, [*texts, *others], text_column=origin.text_column)
    present = sum(min(count, wanted[text]) for text, count in zip(texts, counts, strict=False))
    return Survey(sum(wanted.values()), present, len(others), sum(count > 0 for count in counts[len(texts) :]))

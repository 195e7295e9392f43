"""Is what was dealt still there? Counts over a copy of what was published, without any model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.planting.designs.order import BETWEEN_ROWS
from auditor.planting.publish import deal_all
from auditor.provenance.deal import PUBLISHED
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.provenance.records import Commitment, Unit
from auditor.splicing.source import SourceCorpus
from auditor.splicing.survival import PipelineSurvival, count_texts, through_pipeline

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


def survey(folder: PlanFolder, published: Path) -> Survey:
    """Count what a copy holds.

    Args:
        folder: The plan, dealt.
        published: A copy of what was published.

    Raises:
        UsageError: The plan was not dealt or cannot be read, or the copy cannot.
    """
    commitment, origin = _dealt(folder)
    wanted, withheld = _texts(folder, commitment)
    corpus = SourceCorpus.open(published, text_column=origin.text_column)
    documents = [document.text for document in corpus.documents]
    if commitment.design == "order":
        documents = [BETWEEN_ROWS.join(documents)]
    counts = count_texts(documents, [*wanted, *withheld])
    present = sum(min(count, copies) for count, copies in zip(counts, wanted.values(), strict=False))
    leaked = sum(count > 0 for count in counts[len(wanted) :])
    return Survey(sum(wanted.values()), present, len(withheld), leaked)


def survey_pipeline(folder: PlanFolder, published: Path) -> PipelineSurvival:
    """What common pipelines of training data leave of the canaries in a copy; arguments and errors as of `survey`.

    Raises:
        UsageError: Also where the plan has no canaries, or what makes up the pipeline is not installed.
    """
    commitment, origin = _dealt(folder)
    if commitment.design != "canaries":
        raise UsageError(
            f"--pipeline is about canaries, and the plan is a {commitment.design}",
            hint="Whole documents pass or fail filters as they would anyway.",
        )
    return through_pipeline(published, list(_texts(folder, commitment)[0]), text_column=origin.text_column)


def _dealt(folder: PlanFolder) -> tuple[Commitment, Origin]:
    if not folder.is_dealt:
        raise UsageError(f"{folder.path} was not dealt yet", hint="Deal it first: auditor plant PLAN --coins.")
    return folder.commitment, folder.read(ORIGIN, Origin)


def _texts(folder: PlanFolder, commitment: Commitment) -> tuple[dict[str, int], list[str]]:
    """Each published text with its copies, and the texts that were withheld."""
    wanted: dict[str, int] = {}
    withheld: dict[str, None] = {}
    for batch in deal_all(folder, commitment, folder.beacon):
        for unit, coin in batch:
            for number, text in enumerate(unit.candidates):
                if _is_published(commitment, number, coin):
                    wanted[text] = _copies(commitment, unit)
                else:
                    withheld[text] = None
    return wanted, [text for text in withheld if text not in wanted]


def _is_published(commitment: Commitment, candidate: int, coin: int) -> bool:
    return coin == PUBLISHED if commitment.design == "holdout" else coin == candidate


def _copies(commitment: Commitment, unit: Unit) -> int:
    return 1 if commitment.design == "order" else len(unit.sites)

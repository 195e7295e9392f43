"""Is what was dealt still there? Counts over a copy of what was published, without any model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.planting.publish import deal_all
from auditor.provenance.deal import is_published
from auditor.provenance.folder import ORIGIN, Origin, PlanFolder
from auditor.provenance.records import Commitment, Unit
from auditor.splicing.presence import count_candidates
from auditor.splicing.source import SourceCorpus
from auditor.splicing.survival import PipelineSurvival, through_pipeline

LEAST_SURVIVING = 0.9
"""Share of what was published below which the test has clearly less power."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What a copy holds of a plan.

    Attributes:
        published: Texts that were published, each copy of a canary once.
        present: How many of them stand in the copy.
        withheld: Texts that were withheld: decoys, other wordings, documents.
        leaked: How many of them stand in the copy, in a document or in a file beside them, which none should.
        similar: As `present`, where white space, forms of quotes and dashes and invisible characters do not matter.
    """

    published: int
    present: int
    withheld: int
    leaked: int
    similar: int

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
    texts = _texts(folder, commitment)
    corpus = SourceCorpus.open(published, text_column=origin.text_column)
    documents = [document.text for document in corpus.documents]
    wanted = list(texts.published)
    count = partial(count_candidates, documents, inside=commitment.design == "canaries", rows=texts.rows)
    counts, similar = count([*wanted, *texts.withheld]), count(wanted, similar=True)

    def there(found: Sequence[int]) -> int:
        return sum(map(min, found, texts.published.values()))

    elsewhere = list(corpus.other_contents())
    leaked = sum(
        count > 0 or _stands_in(text, elsewhere)
        for text, count in zip(texts.withheld, counts[len(wanted) :], strict=True)
    )
    return Survey(
        sum(texts.published.values()), there(counts[: len(wanted)]), len(texts.withheld), leaked, there(similar)
    )


def _stands_in(text: str, contents: Sequence[str]) -> bool:
    """Whether a text stands in a file that holds no documents, as it is or as JSON writes it."""
    forms = {text, json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]}
    return any(form in content for content in contents for form in forms)


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
    return through_pipeline(published, list(_texts(folder, commitment).published), text_column=origin.text_column)


def _dealt(folder: PlanFolder) -> tuple[Commitment, Origin]:
    if not folder.is_dealt:
        raise UsageError(f"{folder.path} was not dealt yet", hint="Deal it first: auditor plant PLAN --coins.")
    return folder.commitment, folder.read(ORIGIN, Origin)


@dataclass(frozen=True, slots=True)
class _Texts:
    """Each published text with its copies, the texts that were withheld, and the rows that are one text."""

    published: dict[str, int]
    withheld: list[str]
    rows: int


def _texts(folder: PlanFolder, commitment: Commitment) -> _Texts:
    published: dict[str, int] = {}
    withheld: dict[str, None] = {}
    rows = 1
    for unit, coin in (pair for batch in deal_all(folder, commitment, folder.beacon) for pair in batch):
        rows = len(unit.sites) if commitment.design == "order" else 1
        for number, text in enumerate(unit.candidates):
            if is_published(commitment.design, number, coin):
                published[text] = published.get(text, 0) + _copies(commitment, unit)
            else:
                withheld[text] = None
    return _Texts(published, [text for text in withheld if text not in published], rows)


def _copies(commitment: Commitment, unit: Unit) -> int:
    return 1 if commitment.design == "order" else len(unit.sites)

"""Design: what coins decide, and how the published copy is made from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from auditor.core.registry import discover
from auditor.planting.kind import KindContext
from auditor.planting.settings import PlantSettings
from auditor.provenance.draws import Draws
from auditor.provenance.records import DesignName, Statistic, Unit
from auditor.splicing.edit import TextEdit
from auditor.splicing.source import SourceCorpus


@dataclass(frozen=True, slots=True)
class Ingredients:
    """What the units of a plan are made from.

    Attributes:
        corpus: The corpus.
        settings: The settings.
        draws: Draws of the key of each batch, without a beacon: nothing of them decides what is published.
        context: What canaries are made from.
        versions: Other versions of the corpus, with the same documents.
    """

    corpus: SourceCorpus
    settings: PlantSettings
    draws: Sequence[Draws]
    context: KindContext
    versions: Sequence[SourceCorpus] = ()


@dataclass(frozen=True, slots=True)
class Publication:
    """What the published copy differs in.

    Attributes:
        changes: Edits of documents by their number.
        withheld: Documents that are not published.
        order: Order of the documents of a corpus of one file; None where it stays.
    """

    changes: Mapping[int, Sequence[TextEdit]] = field(default_factory=dict)
    withheld: frozenset[int] = frozenset()
    order: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class PlantDesign:
    """A design.

    Attributes:
        name: Its name.
        kind: Kind of its candidates; empty where the settings choose one.
        summary: One line.
        statistic: Of the test.
        score: Of a candidate.
        candidates: Number of candidates of a unit.
        build: The units of each batch, all candidates included.
        publish: What is published, given each unit and its deal, and the draws that made the units.
    """

    name: DesignName
    kind: str
    summary: str
    statistic: Statistic
    score: Literal["logprob-mean", "logprob-sum"]
    candidates: Callable[[Ingredients], int] = field(repr=False)
    build: Callable[[Ingredients], list[list[Unit]]] = field(repr=False)
    publish: Callable[[SourceCorpus, Sequence[Sequence[tuple[Unit, int]]], Sequence[Draws]], Publication] = field(
        repr=False
    )


def designs() -> dict[str, PlantDesign]:
    """Every design by name."""
    import auditor.planting.designs

    return {design.name: design for design in discover(auditor.planting.designs, PlantDesign)}

"""A small audit before its verdict, which each test bends in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from auditor.corpora.document import Corpus, Document
from auditor.inference.arrangement import arrange
from auditor.inference.separability import separability
from auditor.membership.blind.rows import documents_of, text_rows
from auditor.membership.guards.case import GuardContext
from auditor.membership.sides import overlap_of, separate, shared_documents
from auditor.results.forgetting.measurements import Role
from auditor.results.policy import Policy
from auditor.results.rows import Column, Numerics, Rows
from auditor.results.separability import Excess, Separability

WORDS = (
    "river stone winter market letter garden window bridge candle forest summer copper silver harbour kitchen mountain "
    "village teacher painter farmer captain journey evening morning shadow ribbon basket ladder meadow orchard"
).split()


def corpus(name: str, count: int, rng: np.random.Generator, *, words: list[str] = WORDS) -> Corpus:
    documents = tuple(
        Document(f"{name}-{i}", " ".join(rng.choice(words, size=60)).capitalize() + ".", f"{name}-{i}")
        for i in range(count)
    )
    return Corpus(name, documents, 0, 0, "0" * 64)


def engine(values: np.ndarray, suspect: np.ndarray, *, direction: int = 1, seed: int = 0) -> Separability:
    columns = tuple(Column(f"f{i}", "loss", direction) for i in range(values.shape[1]))
    rows = Rows(values, suspect, tuple(f"g{i}" for i in range(len(suspect))), columns)
    return separability(rows, rng=np.random.default_rng(seed), alpha=0.01, permutations=499, bootstraps=50)


def two_sides(groups: int = 60, seed: int = 0) -> tuple[Corpus, Corpus]:
    """Suspect and held-out documents of one kind."""
    rng = np.random.default_rng(seed)
    return corpus("suspect", groups, rng), corpus("heldout", groups, rng)


@pytest.fixture
def sides() -> tuple[Corpus, Corpus]:
    """The documents of a case, for a test to change before it makes the case of them."""
    return two_sides()


@pytest.fixture
def make_case() -> Callable[..., GuardContext]:
    """A sound case with a planted effect of `shift` standard deviations; keyword arguments replace its parts."""

    def build(
        *, shift: float = 1.0, groups: int = 60, seed: int = 0, suspect: Corpus | None = None, **parts: Any
    ) -> GuardContext:
        rng = np.random.default_rng(seed)
        ours, theirs = two_sides(groups, seed)
        policy = parts.get("policy", Policy())
        read: dict[Role, Corpus] = {"suspect": suspect or ours, "heldout": parts.pop("heldout", None) or theirs}
        compared = separate(read, shared_documents(read, policy=policy, seed=0), policy)
        suspect, heldout = compared.suspect, compared.heldout
        labels = np.array([True] * len(suspect.documents) + [False] * len(heldout.documents))
        values = rng.normal(size=(len(labels), 4)) + shift * labels[:, None]
        names = tuple(document.group for document in (*suspect.documents, *heldout.documents))
        rows = Rows(values, labels, names, tuple(Column(f"f{i}", "loss", 1) for i in range(4)))
        alone = text_rows(suspect, heldout, rows)
        text = separability(alone, rng=rng, alpha=0.02, permutations=499, bootstraps=50)
        case = GuardContext(
            documents=(len(suspect.documents), len(heldout.documents)),
            overlap=overlap_of(compared),
            arrangement=arrange(rows, documents_of(suspect, heldout)),
            all_rows=rows,
            rows=rows,
            membership=engine(values, labels),
            text_rows=alone,
            text=text,
            excess=Excess(over="text", difference=0.2, lower=0.1, p_value=None, level=0.95),
            controls={},
            numerics={"target": Numerics(8, 1e-6, 1e-5, 16, 0)},
            truncated_suspect=0,
            truncated_heldout=0,
            permutations=999,
            policy=Policy(),
            seed=0,
        )
        return replace(case, **parts)

    return build

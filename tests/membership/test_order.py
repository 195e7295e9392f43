"""No figure of the text depends on the order of documents or on their names, to the last bit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from auditor.core.answers import AnswerCache
from auditor.corpora.document import Corpus, Document, corpus_sha256
from auditor.features.table import group_rows
from auditor.inference.arrangement import arrange
from auditor.membership.assess import assess, describe_texts, text_baseline
from auditor.membership.blind import rows as blind_rows
from auditor.membership.blind.rows import documents_of
from auditor.membership.sides import overlap_of, separate, shared_documents
from auditor.results.forgetting.measurements import Role
from auditor.results.policy import Policy
from auditor.results.rows import Column, FeatureTable, Numerics
from auditor.settings import make_settings

pytestmark = pytest.mark.long

WORDS = (
    "river stone winter market letter garden window bridge candle forest summer copper silver harbour kitchen mountain "
    "village teacher painter farmer captain journey evening morning shadow ribbon basket ladder meadow orchard"
).split()
SETTINGS = make_settings(suspect="s", heldout="h", model="m", permutations=199, policy=Policy(alpha=0.02))
COLUMNS = (Column("a", "loss", 1), Column("b", "loss", -1), Column("c", "rank", 1))


def texts(side: str, count: int, *, shared: int) -> list[str]:
    rng = np.random.default_rng([len(side), count])
    drawn = [" ".join(rng.choice(WORDS, size=int(rng.integers(8, 40)))) + "." for _ in range(count)]
    # Two forms of one text on each side, so that rows are equal in most columns, and the same text on both sides.
    drawn[1] = drawn[0].upper()
    return [*(f"Both sides have text {number} of the river." for number in range(shared)), *drawn[shared:]]


def audit(grouping: int, shared: int, *, shuffled: random.Random | None, prefix: str = "") -> dict[str, Any]:
    """Everything that a text and the features of a document decide, after a shuffle of both sides."""
    read: dict[Role, Corpus] = {}
    for side in ("suspect", "heldout"):
        some = texts(side, 44, shared=shared)
        groups = [number // grouping for number in range(len(some))]
        order = list(range(len(some)))
        if shuffled is not None:
            shuffled.shuffle(order)
        documents = tuple(
            Document(
                f"{prefix}{at}",
                some[index],
                f"{prefix}{at}" if grouping == 1 else f"{prefix}{side}-{order.index(groups[index])}",
            )
            for at, index in enumerate(order)
        )
        read[side] = Corpus(side, documents, 0, 0, corpus_sha256(documents))  # type: ignore[index]
    sides = separate(read, shared_documents(read, policy=SETTINGS.policy, seed=0), SETTINGS.policy)
    both = [(True, d) for d in sides.suspect.documents] + [(False, d) for d in sides.heldout.documents]
    # Features are a function of the text, as the scores of a model are.
    values = np.array(
        [np.random.default_rng(int(d.sha256[:12], 16)).normal(size=3) + 0.8 * suspect for suspect, d in both]
    )
    rows = group_rows(FeatureTable(columns=COLUMNS, values=values), [d.group for _, d in both], [s for s, _ in both])
    alone = describe_texts(sides.suspect, sides.heldout, rows)
    answers = AnswerCache()
    baseline = text_baseline(
        (len(sides.suspect.documents), len(sides.heldout.documents)),
        overlap_of(sides),
        alone,
        arrange(rows, documents_of(sides.suspect, sides.heldout)),
        settings=SETTINGS,
        answers=answers,
    )
    tested = assess(
        baseline,
        rows,
        controls={},
        references={},
        numerics={"target": Numerics(8, 0.0, 0.0, 16, 0)},
        truncated=(0, 0),
        alpha=0.02,
        answers=answers,
    )
    return {
        "text rows": baseline.text_rows.values.tolist(),
        "text": baseline.text.model_dump(),
        "membership": tested.membership.model_dump(),
        "excess": tested.excess.model_dump(),
        "guards": {guard.name: [figure.value for figure in guard.figures] for guard in tested.guards},
    }


@pytest.mark.parametrize("grouping", [1, 2])
@pytest.mark.parametrize("shared", [0, 2, 8])
def test_every_figure_is_bit_equal_after_shuffling_and_renaming(grouping: int, shared: int) -> None:
    plain = audit(grouping, shared, shuffled=None)
    for seed in range(3):
        again = audit(grouping, shared, shuffled=random.Random(seed), prefix=f"file-{seed}/")
        for name, figures in plain.items():
            assert repr(again[name]) == repr(figures), name


def test_many_rows_are_decomposed_to_the_same_directions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two ways to decompose agree, so nothing jumps at the limit between them."""
    rng = np.random.default_rng(0)
    some = [" ".join(rng.choice(WORDS, size=25)) for _ in range(60)]
    dense, strengths = blind_rows.latent_columns(some, np.arange(60), blind_rows.NGRAMS[0], components=7)
    monkeypatch.setattr(blind_rows, "MOST_DENSE", 10)
    lanczos, others = blind_rows.latent_columns(some, np.arange(60), blind_rows.NGRAMS[0], components=7)
    np.testing.assert_allclose(others, strengths, rtol=1e-12)
    np.testing.assert_allclose(lanczos, dense, atol=1e-9)


def test_directions_that_are_rounding_are_left_out() -> None:
    some = ["tree house river", "stone cloud bird", "tree house river!", "stone cloud bird!"] * 5
    values, strengths = blind_rows.latent_columns(some, np.arange(20), blind_rows.NGRAMS[0], components=6)
    assert values.shape == (20, 2)
    assert (strengths > 1).all()

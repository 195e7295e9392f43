"""What the sets of an audit share is left out of all that are compared, where it is little."""

from __future__ import annotations

import numpy as np
import pytest

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus, Document, corpus_sha256
from auditor.membership.sides import Sides, overlap_of, separate, shared_documents
from auditor.results.forgetting.measurements import Role
from auditor.results.policy import Policy

WORDS = [f"word{number}" for number in range(400)]
POLICY = Policy(most_shared=0.1)


def corpus(role: str, seed: int, copies: dict[int, str], count: int = 20) -> Corpus:
    rng = np.random.default_rng(seed)
    texts = [copies.get(index, " ".join(rng.choice(WORDS, size=30))) for index in range(count)]
    documents = tuple(Document(f"{index}.txt", text, f"{index}.txt") for index, text in enumerate(texts))
    return Corpus(role, documents, 0, 0, corpus_sha256(documents))


def sides_of(read: dict[Role, Corpus], policy: Policy = POLICY) -> Sides:
    return separate(read, shared_documents(read, policy=policy, seed=0), policy)


def texts_of(source: Corpus, *indices: int) -> list[str]:
    return [source.documents[index].text for index in indices]


def test_a_document_that_a_placebo_shares_with_one_side_is_left_out_of_both() -> None:
    suspect, heldout = corpus("s", 1, {}), corpus("h", 2, {})
    placebo = corpus("p", 3, {4: texts_of(heldout, 7)[0].upper()})
    sides = sides_of({"suspect": suspect, "heldout": heldout, "placebo": placebo})
    assert {role: some.left_out for role, some in sides.corpora.items()} == {
        "suspect": (),
        "heldout": (7,),
        "placebo": (4,),
    }
    assert sides.heldout.sha256 == heldout.sha256
    assert overlap_of(sides).left_out


def test_general_text_loses_its_own_documents_alone() -> None:
    suspect, heldout = corpus("s", 1, {}), corpus("h", 2, {})
    general = corpus("g", 3, {0: texts_of(suspect, 5)[0], 1: texts_of(heldout, 6)[0]})
    sides = sides_of({"suspect": suspect, "heldout": heldout, "general": general})
    assert {role: some.left_out for role, some in sides.corpora.items()} == {
        "suspect": (),
        "heldout": (),
        "general": (0, 1),
    }
    assert [document.role for document in sides.shared] == ["general", "general"]
    assert not overlap_of(sides).left_out


@pytest.mark.parametrize("role", ["placebo", "general"])
def test_a_set_that_repeats_many_documents_is_refused(role: Role) -> None:
    suspect, heldout = corpus("s", 1, {}), corpus("h", 2, {})
    other = corpus("o", 3, dict(enumerate(texts_of(suspect, 0, 1, 2))))
    with pytest.raises(UsageError, match=rf"the {role} set o repeats documents of another set: 3 of 20"):
        sides_of({"suspect": suspect, "heldout": heldout, role: other})


def test_exchanging_the_sides_leaves_the_same_documents_out() -> None:
    suspect = corpus("s", 1, {})
    heldout = corpus("h", 2, dict(zip((3, 9), texts_of(suspect, 1, 2), strict=True)))
    one, other = sides_of({"suspect": suspect, "heldout": heldout}), sides_of({"suspect": heldout, "heldout": suspect})
    assert [d.sha256 for d in one.suspect.documents] == [d.sha256 for d in other.heldout.documents]
    assert [d.sha256 for d in one.heldout.documents] == [d.sha256 for d in other.suspect.documents]


def test_many_shared_documents_stay() -> None:
    suspect = corpus("s", 1, {})
    heldout = corpus("h", 2, dict(enumerate(texts_of(suspect, 0, 1, 2))))
    sides = sides_of({"suspect": suspect, "heldout": heldout})
    assert len(sides.suspect.documents) == len(sides.heldout.documents) == 20
    assert len(sides.shared) == 6
    assert not overlap_of(sides).left_out

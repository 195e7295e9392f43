"""A commitment holds what it commits to, and an independent script opens it to the same deal."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats
from support.plans import commitment_of, secret_of, units_of

from auditor.provenance import merkle
from auditor.provenance.commitment import (
    OpeningError,
    canonical,
    commit_key,
    commitment_sha256,
    require_opening,
    units_root,
)
from auditor.provenance.deal import PUBLISHED, WITHHELD, coin_draws, deal, n_withheld, tie_order
from auditor.provenance.draws import Draws
from auditor.provenance.records import DesignName

DESIGNS: list[tuple[DesignName, int]] = [("holdout", 1), ("twins", 2), ("canaries", 5), ("choice", 3), ("order", 4)]


def _script() -> Any:
    spec = importlib.util.spec_from_file_location("rederive", Path(__file__).with_name("rederive.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_published_vector_of_the_key_commitment() -> None:
    assert (
        commit_key(bytes(range(32)), bytes(range(32, 64)))
        == "821dfdecfd084be01594863d045ed44ff4ecbb02b69a7a67e6ea0a765afc195d"
    )


@pytest.mark.parametrize("leaves", range(1, 9))
def test_a_tree_changes_with_each_leaf_and_their_order(leaves: int) -> None:
    digests = [merkle.leaf(b"salt", bytes([number])) for number in range(leaves)]
    root = merkle.root(digests)
    others = {merkle.root([*digests[:at], merkle.leaf(b"salt", b"x"), *digests[at + 1 :]]) for at in range(leaves)}
    assert len(others) == leaves
    assert root not in others
    if leaves > 1:
        assert merkle.root(digests[::-1]) != root
    with pytest.raises(ValueError, match="without leaves"):
        merkle.root([])


@pytest.mark.parametrize(("design", "candidates"), DESIGNS)
@pytest.mark.parametrize("randomness", [b"", bytes(range(32))])
def test_an_independent_script_derives_the_same_deal(design: DesignName, candidates: int, randomness: bytes) -> None:
    units, secret = units_of(design, 23, candidates), secret_of(7)
    commitment = commitment_of(design, [(units, secret)])
    require_opening(commitment, commitment.batches[0], units, secret)
    dealt = deal(commitment, units, coin_draws(commitment, bytes.fromhex(secret.key), randomness))
    again = _script().rederive(
        canonical(commitment),
        [unit.model_dump(mode="json") for unit in units],
        secret.model_dump(),
        randomness,
    )
    assert list(dealt) == again


def test_every_change_of_an_opening_is_refused_with_its_own_reason() -> None:
    units, secret = units_of("canaries", 6, 4), secret_of(1)
    commitment = commitment_of("canaries", [(units, secret)])
    batch = commitment.batches[0]
    changed = units[2].model_copy(update={"candidates": (*units[2].candidates[:3], "another")})
    swapped = units[2].model_copy(update={"candidates": units[2].candidates[::-1]})
    shorter = units[2].model_copy(update={"candidates": units[2].candidates[:3]})
    cases = [
        ("key", units, secret.model_copy(update={"key": secret.salt})),
        ("key", units, secret.model_copy(update={"salt": secret.key})),
        ("key", units, secret.model_copy(update={"id": 2})),
        ("units", units[:5], secret),
        ("twice", (*units[:5], units[0]), secret),
        ("candidates", (*units[:2], shorter, *units[3:]), secret),
        ("root", (*units[:2], changed, *units[3:]), secret),
        ("root", (*units[:2], swapped, *units[3:]), secret),
        ("root", (units[1], units[0], *units[2:]), secret),
        ("root", (*units[:5], units[5].model_copy(update={"kind": "fact"})), secret),
    ]
    for reason, opened, key in cases:
        with pytest.raises(OpeningError) as refused:
            require_opening(commitment, batch, opened, key)
        assert refused.value.reason == reason
    forged = batch.model_copy(update={"root": "0" * 64})
    with pytest.raises(OpeningError, match="Merkle roots differ"):
        require_opening(commitment, forged, units, secret)


def test_the_digest_changes_with_every_field() -> None:
    units, secret = units_of("twins", 9, 2), secret_of(1)
    commitment = commitment_of("twins", [(units, secret)], beacon=5)
    changes: dict[str, Any] = {
        "made_by": "x",
        "design": "choice",
        "kind": "x",
        "units": 10,
        "candidates": 3,
        "copies": 2,
        "withheld_share": 0.5,
        "batches": (commitment.batches[0].model_copy(update={"root": "1" * 64}),),
        "test": commitment.test.model_copy(update={"alpha": 0.05}),
        "corpus": "1" * 64,
        "beacon": None,
        "note": "x",
    }
    assert set(changes) == set(type(commitment).model_fields) - {"schema_version"}
    digests = {commitment_sha256(commitment.model_copy(update={name: value})) for name, value in changes.items()}
    assert len(digests | {commitment_sha256(commitment)}) == len(changes) + 1


def test_candidates_cannot_be_arranged_for_coins_that_the_key_gives() -> None:
    """Without a beacon an owner knows the key, and puts what a model likes where he expects the coin."""
    key = bytes.fromhex(secret_of(1).key)
    units = units_of("canaries", 60, 10)
    honest = commitment_of("canaries", [(units, secret_of(1))])
    expected = deal(honest, units, coin_draws(honest, key))
    arranged = tuple(
        unit.model_copy(
            update={"candidates": (*unit.candidates[1 : coin + 1], unit.candidates[0], *unit.candidates[coin + 1 :])}
        )
        for unit, coin in zip(units, expected, strict=True)
    )
    forged = commitment_of("canaries", [(arranged, secret_of(1))])
    dealt = deal(forged, arranged, coin_draws(forged, key))
    liked = sum(
        unit.candidates[coin] == first.candidates[0] for unit, coin, first in zip(arranged, dealt, units, strict=True)
    )
    assert stats.binomtest(liked, 60, 0.1).pvalue > 1e-3
    noted = honest.model_copy(update={"note": "another"})
    assert deal(noted, units, coin_draws(noted, key)) != expected


def test_equal_candidates_of_two_units_have_different_leaves() -> None:
    units = units_of("choice", 1, 2)
    twice = (units[0], units[0].model_copy(update={"id": "other"}))
    assert units_root(twice, b"a" * 32) != units_root(twice, b"b" * 32)


def test_deals_are_uniform_over_keys() -> None:
    units = units_of("holdout", 6, 1)
    commitment = commitment_of("holdout", [(units, secret_of(0))], share=0.34)
    dealt = [deal(commitment, units, Draws(seed.to_bytes(32, "big"))) for seed in range(3000)]
    assert all(coins.count(WITHHELD) == 2 and coins.count(PUBLISHED) == 4 for coins in dealt)
    counts = np.unique(np.array(dealt), axis=0, return_counts=True)[1]
    assert len(counts) == 15
    assert stats.chisquare(counts).pvalue > 1e-4


def test_a_holdout_leaves_one_on_each_side() -> None:
    assert [n_withheld(documents, 0.0) for documents in (2, 9)] == [1, 1]
    assert [n_withheld(documents, 1.0) for documents in (2, 9)] == [1, 8]
    with pytest.raises(Exception, match="at least two documents"):
        n_withheld(1, 0.5)


def test_orders_of_ties_are_apart_from_the_deal() -> None:
    units = units_of("canaries", 400, 5)
    draws = Draws(b"k" * 32)
    chosen = deal(commitment_of("canaries", [(units, secret_of(0))]), units, draws)
    first = [order[coin] for order, coin in zip(tie_order(draws, units), chosen, strict=True)]
    assert stats.chisquare(np.bincount(first, minlength=5)).pvalue > 1e-4

"""Rounds of drand are read strictly, and their signatures are the network's."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from auditor.core.errors import UsageError
from auditor.provenance.beacon import check_signature, read_beacon, round_after, round_time
from auditor.provenance.records import BeaconRound

ROUND_1000 = {
    "round": 1000,
    "randomness": "fe290beca10872ef2fb164d2aa4442de4566183ec51c56ff3cd603d930e54fdd",
    "signature": "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e39",
}
"""A round as the network gave it."""


def _file(folder: Path, **changes: Any) -> Path:
    path = folder / "drand.json"
    path.write_text(json.dumps(ROUND_1000 | changes))
    return path


def test_a_true_round_is_verified(tmp_path: Path) -> None:
    value = read_beacon(_file(tmp_path, extra="ignored"), BeaconRound(round=1000))
    assert check_signature(value) == "verified"


def test_a_signature_of_somebody_else_is_refused(tmp_path: Path) -> None:
    forged = "b44679b9a59af2ec876b1a6b1ad52ea9b1615fc3982b19576350f93447cb1125e342b73a8dd2bacbe47e4b6b63ed5e38"
    randomness = hashlib.sha256(bytes.fromhex(forged)).hexdigest()
    value = read_beacon(_file(tmp_path, signature=forged, randomness=randomness), BeaconRound(round=1000))
    with pytest.raises(UsageError, match="signature is not that of the drand network"):
        check_signature(value)


def test_a_true_signature_of_another_round_is_refused(tmp_path: Path) -> None:
    value = read_beacon(_file(tmp_path, round=1001), BeaconRound(round=1001))
    with pytest.raises(UsageError, match="signature is not that of the drand network"):
        check_signature(value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"round": 999}, "commitment names round 1,000"),
        ({"randomness": "0" * 64}, "not the digest of the signature"),
        ({"randomness": "x"}, "not a round of drand"),
        ({"round": 1000.0}, "not a round of drand"),
        ({"round": True}, "not a round of drand"),
        ({"signature": "ab"}, "not a round of drand"),
    ],
)
def test_what_is_no_round_or_another_is_refused(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_beacon(_file(tmp_path, **changes), BeaconRound(round=1000))


@pytest.mark.parametrize("written", ["", "[]", "{", "null", '{"round": 1}', "\ud800".encode("utf-8", "surrogatepass")])
def test_any_other_file_is_refused_in_words(tmp_path: Path, written: str | bytes) -> None:
    path = tmp_path / "drand.json"
    path.write_bytes(written if isinstance(written, bytes) else written.encode())
    with pytest.raises(UsageError, match="not a round of drand"):
        read_beacon(path, BeaconRound(round=1000))


def test_rounds_and_times() -> None:
    assert round_time(1) == datetime(2023, 8, 23, 15, 9, 27, tzinfo=UTC)
    for moment in (round_time(1000), round_time(1000) + timedelta(seconds=1), round_time(1) - timedelta(days=9)):
        assert round_time(round_after(moment)) >= moment
        assert round_after(moment) == 1 or round_time(round_after(moment) - 1) < moment
    with pytest.raises(UsageError, match="no round 0"):
        round_time(0)

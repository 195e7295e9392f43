"""A time stamp holds for its message and its root alone. The answer was made by OpenSSL's authority for tests."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.provenance.stamp import check_stamp, read_stamp, stamp_request

STAMPS = Path(__file__).with_name("stamps")
ANSWER, ROOT, OTHER = STAMPS / "answer.tsr", STAMPS / "root.pem", STAMPS / "other-root.pem"
MESSAGE = b"a commitment"


def test_a_stamp_is_verified_up_to_its_root() -> None:
    stamp = read_stamp(ANSWER, MESSAGE, root=ROOT)
    assert stamp.checked == "verified"
    assert stamp.time.year == 2026
    assert stamp.authority == "CN=Sample time-stamping authority"


def test_the_root_that_a_stamp_leads_to_is_named_among_several(tmp_path: Path) -> None:
    both = tmp_path / "roots.pem"
    both.write_bytes(OTHER.read_bytes() + ROOT.read_bytes())
    der = ssl.PEM_cert_to_DER_cert(ROOT.read_text())
    for path in (ROOT, both):
        stamp = read_stamp(ANSWER, MESSAGE, root=path)
        assert stamp.root_sha256 == hashlib.sha256(der).hexdigest()
        assert stamp.root.startswith("CN=")
    assert read_stamp(ANSWER, MESSAGE).root == ""


def test_without_a_root_its_signature_counts_for_nothing() -> None:
    assert read_stamp(ANSWER, MESSAGE).checked == "not verified here"


@pytest.mark.parametrize("root", [None, ROOT])
def test_a_stamp_of_another_message_is_refused(root: Path | None) -> None:
    with pytest.raises(UsageError, match=r"something else than this commitment|does not hold"):
        read_stamp(ANSWER, b"another commitment", root=root)


def test_another_root_and_what_is_no_root_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not hold"):
        read_stamp(ANSWER, MESSAGE, root=OTHER)
    (tmp_path / "root.pem").write_text("no certificate")
    with pytest.raises(UsageError, match="does not hold"):
        read_stamp(ANSWER, MESSAGE, root=tmp_path / "root.pem")


def test_no_changed_byte_of_an_answer_is_verified() -> None:
    """Parts that no signature covers may change; time, digest and signature may not."""
    token, root = ANSWER.read_bytes(), ROOT.read_bytes()
    true = check_stamp(token, MESSAGE, root)
    for at in range(0, len(token), 7):
        forged = bytes([*token[:at], token[at] ^ 1, *token[at + 1 :]])
        try:
            stamp = check_stamp(forged, MESSAGE, root)
        except UsageError:
            continue
        assert (stamp.time, stamp.authority) == (true.time, true.authority), at


@pytest.mark.parametrize("token", [b"", b"x", b"<html>"])
def test_what_is_no_answer_is_refused(token: bytes) -> None:
    with pytest.raises(UsageError, match="not the answer of a time-stamping authority"):
        check_stamp(token, MESSAGE, None)


def test_a_request_is_of_the_message() -> None:
    assert stamp_request(b"a") != stamp_request(b"b")
    assert MESSAGE not in stamp_request(MESSAGE)

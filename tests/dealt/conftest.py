"""What tests of dealt material share."""

from __future__ import annotations

import pytest


@pytest.fixture
def unsigned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the signature of any round for that of the network: no test can make one."""
    monkeypatch.setattr("auditor.dealt.open.check_signature", lambda value: "verified")

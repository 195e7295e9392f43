"""What is found by lying in a folder, and picked by its name."""

from __future__ import annotations

import pytest

from auditor.core.errors import UsageError
from auditor.core.registry import discover, pick
from auditor.membership.guards.guard import Guard


def test_discovery_finds_each_instance_once() -> None:
    import auditor.membership.guards

    found = discover(auditor.membership.guards, Guard)
    assert len({id(guard) for guard in found}) == len(found)
    assert {"blind", "overlap"} <= {guard.name for guard in found}


def test_an_unknown_name_is_told_the_close_ones() -> None:
    with pytest.raises(UsageError) as caught:
        pick("blnd", {"blind": 1, "overlap": 2}, what="guard")
    assert caught.value.hint == "Did you mean blind?"

"""Random streams."""

from __future__ import annotations

from auditor.core.seeds import stream


def test_streams_depend_on_seed_and_purpose_alone() -> None:
    draw = {(seed, purpose): stream(seed, purpose).random() for seed in (0, 1) for purpose in ("a", "b")}
    assert len(set(draw.values())) == 4
    assert stream(0, "a").random() == draw[0, "a"]

"""The sample folders are what their attribution says."""

from __future__ import annotations

import csv
from pathlib import Path

SAMPLES = Path(__file__).parents[1] / "samples"


def test_every_sample_is_attributed_once_and_no_article_has_two_roles() -> None:
    with (SAMPLES / "ATTRIBUTION.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert len({row["title"] for row in rows}) == len(rows)
    for side in ("suspect", "heldout", "innocent", "shifted"):
        attributed = {row["file"] for row in rows if row["role"] == side}
        assert attributed == {path.name for path in (SAMPLES / side).iterdir()}
        assert len(attributed) == 200
    assert {row["role"] for row in rows} == {"suspect", "heldout", "innocent", "shifted", "training"}

"""The sample folders are what their attribution says."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.paths import SAMPLES

from auditor.models.backend import LoadOptions
from auditor.models.peft import base

ROLES = {"suspect", "heldout", "innocent", "shifted", "training", "series-later", "series-general", "series-other"}
ROLES |= {"chat-suspect", "chat-heldout"}


def test_every_sample_is_attributed_once_and_no_article_has_two_roles() -> None:
    with (SAMPLES / "ATTRIBUTION.tsv").open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines, delimiter="\t"))
    assert len({row["title"] for row in rows}) == len(rows)
    for side in ("suspect", "heldout", "innocent", "shifted"):
        attributed = {row["file"] for row in rows if row["role"] == side}
        assert attributed == {path.name for path in (SAMPLES / side).iterdir()}
        assert len(attributed) == 200
    for role, count in (("series-later", 200), ("series-general", 100), ("chat-suspect", 110), ("chat-heldout", 110)):
        listed = [row for row in rows if row["role"] == role]
        (file,) = {row["file"] for row in listed}
        documents = [json.loads(line) for line in (SAMPLES / file).read_text(encoding="utf-8").splitlines()]
        assert len(listed) == len(documents) == len({d["id"] for d in documents}) == count
    assert {row["role"] for row in rows} == ROLES


@pytest.mark.parametrize("arm", ["acquired", "fading", "suppressed", "never", "collapsed"])
def test_every_checkpoint_of_the_series_is_an_adapter_over_the_sample_model(arm: str) -> None:
    folder = SAMPLES / "series" / arm
    assert Path(base(str(folder), LoadOptions()).source).resolve() == SAMPLES / "model"
    assert {path.name for path in folder.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}

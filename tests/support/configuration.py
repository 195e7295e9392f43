"""Configurations of batches over folders that are only looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.batch.plan import BatchPlan
from auditor.batch.read import read_batch
from auditor.core.errors import UsageError

SMALLEST = "audits: [{name: planted, suspect: suspect, heldout: heldout, model: model}]\n"
BASE = "defaults: {suspect: suspect, heldout: heldout}\naudits:\n"
CHECK = BASE + "- {name: a, model: model, "
SERIES = BASE + "- {name: a, checkpoints: {base: base, later: later}, "


def place(folder: Path) -> Path:
    """Put down everything that the configurations of the tests name, and go there."""
    for name in ("suspect", "heldout", "general", "placebo", "task", "model", "base", "later"):
        (folder / name).mkdir(parents=True)
        file = "config.json" if name in ("model", "base", "later") else "one.txt"
        (folder / name / file).write_text("{}", encoding="utf-8")
    return folder


def read(folder: Path, text: str, name: str = "AUDITS.yaml") -> BatchPlan:
    """The plan of a configuration."""
    (folder / name).write_text(text, encoding="utf-8")
    return read_batch(folder / name)


def faults(folder: Path, text: str, name: str = "AUDITS.yaml") -> list[str]:
    """What is said of a configuration: `LINE: what`, without the path of the file."""
    with pytest.raises(UsageError) as caught:
        read(folder, text, name)
    start = f"{folder / name}:"
    lines = str(caught.value).splitlines()
    assert all(line.startswith(start) for line in lines), lines
    return [line.removeprefix(start) for line in lines]

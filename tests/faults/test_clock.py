"""A clock that jumps: nothing that is measured or decided hangs on the time of day."""

from __future__ import annotations

import datetime
import io
import itertools
import random
import time
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.progress import PlainProgress


@pytest.mark.parametrize("jump", [-1e9, -3600.0, 3600.0, 1e9])
def test_an_audit_while_the_clock_jumps(
    audit: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    """The time of day leaps at every look at it, there and back."""
    right, steps = time.time, itertools.cycle((0.0, jump))
    monkeypatch.setattr(time, "time", lambda: right() + next(steps))
    assert audit.run(cache=tmp_path / "cache", output=tmp_path / "r.json") == 3
    assert audit.figures(tmp_path / "r.json") == audit.truth
    assert audit.run(cache=tmp_path / "cache", output=tmp_path / "again.json") == 3
    assert audit.scored(tmp_path / "again.json") == (0, audit.texts)


def test_files_from_the_future_and_from_before_the_epoch(audit: Any, tmp_path: Path, tiny_model_dir: Path) -> None:
    """What is remembered of a file hangs on all of its stamp; a time that is absurd is a time like any other."""
    import os
    import shutil

    model = shutil.copytree(tiny_model_dir, tmp_path / "model")
    arguments = [str(model) if a == str(tiny_model_dir) else a for a in audit.arguments]
    here = type(audit)(tuple(arguments), {}, 0)
    for number, stamp in enumerate((4_000_000_000, 0, -5)):
        for path in model.iterdir():
            os.utime(path, (stamp, stamp))
        assert here.run(cache=tmp_path / "cache", output=tmp_path / f"{number}.json") == 3
    assert here.scored(tmp_path / "2.json") == (0, audit.texts)


@pytest.mark.parametrize("seed", range(5))
def test_progress_with_a_clock_gone_mad(seed: int) -> None:
    rng, told = random.Random(seed), io.StringIO()
    progress = PlainProgress(told, clock=lambda: rng.choice([-1e18, -5.0, 0.0, 1e-12, 11.0, 1e9, 1e18]))
    for _ in range(20):
        progress.start(rng.choice([0, 5, 10**9]), "model")
        for _ in range(10):
            progress.advance(rng.choice([0, 1, 10**6]))
        progress.stop()
    lines = told.getvalue().splitlines()
    assert len(lines) >= 40
    assert not any("-" in line or "nan" in line or "inf" in line for line in lines)


def test_the_time_of_making_is_that_of_the_world(audit: Any, tmp_path: Path) -> None:
    import json

    before = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    audit.run(cache=tmp_path / "cache", output=tmp_path / "r.json")
    created = datetime.datetime.fromisoformat(json.loads((tmp_path / "r.json").read_text())["manifest"]["created"])
    assert before <= created <= datetime.datetime.now(datetime.UTC)

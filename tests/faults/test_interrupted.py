"""An audit or a batch that stops in the middle, by Ctrl-C or a full memory, leaves what is whole and goes on later."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from auditor.cli.main import run
from auditor.models.runtime.causal import CausalBackend
from auditor.scoring.store import Store


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, BaseException], None]:
    """Let so many small batches be scored, and raise then."""
    score, make = CausalBackend.score, CausalBackend.__init__

    def small(self: CausalBackend, *arguments: Any, **named: Any) -> None:
        make(self, *arguments, **named)
        self.token_budget, self.workers = 400, 1

    def arrange(count: int, error: BaseException) -> None:
        left = [count]

        def broken(self: CausalBackend, *arguments: Any, **named: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                monkeypatch.undo()
                raise error
            return score(self, *arguments, **named)

        monkeypatch.setattr(CausalBackend, "__init__", small)
        monkeypatch.setattr(CausalBackend, "score", broken)

    return arrange


def test_ctrl_c_in_the_middle_of_scoring(
    audit: Any, tmp_path: Path, stop_after: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    output, cache = tmp_path / "r.json", tmp_path / "cache"
    stop_after(5, KeyboardInterrupt())
    assert audit.run(cache=cache, output=output) == 130
    assert "interrupted; run the same command again to go on where it stopped" in capsys.readouterr().err
    assert not output.exists()
    with Store.open(cache) as store:
        before = store.count()
    assert 0 < before < audit.texts
    assert audit.run(cache=cache, output=output) == 3
    assert audit.scored(output) == (audit.texts - before, before)
    assert audit.figures(output) == audit.truth


def test_memory_that_runs_out_for_good(
    audit: Any, tmp_path: Path, stop_after: Callable[..., None], capsys: pytest.CaptureFixture[str]
) -> None:
    output, cache = tmp_path / "r.json", tmp_path / "cache"

    class Hopeless(MemoryError):
        pass

    def never(self: CausalBackend, *arguments: Any, **named: Any) -> Any:
        raise Hopeless("cannot allocate memory")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CausalBackend, "score", never)
        assert audit.run(cache=cache, output=output) == 4
    said = capsys.readouterr().err
    assert "needs more memory than is available" in said
    assert not output.exists()
    assert audit.run(cache=cache, output=output) == 3
    assert audit.figures(output) == audit.truth


@pytest.fixture
def batch(audit: Any, tmp_path: Path) -> list[str]:
    """A batch of the audit and its twin with the sides exchanged."""
    suspect, heldout, model = audit.arguments[1], audit.arguments[2], audit.arguments[4]
    entries = [
        {"name": "one", "suspect": suspect, "heldout": heldout, "model": model},
        {"name": "two", "suspect": heldout, "heldout": suspect, "model": model},
    ]
    path = tmp_path / "audits.yaml"
    path.write_text(json.dumps({"defaults": {"permutations": 1999, "expect": "any"}, "audits": entries}))
    return ["batch", str(path), "-o", str(tmp_path / "out"), "--cache-dir", str(tmp_path / "cache")]


class Killed(BaseException):
    """Nothing catches this, as nothing catches a kill."""


def test_a_batch_that_stops_at_each_stage_goes_on_to_the_same(
    batch: list[str], tmp_path: Path, stop_after: Callable[..., None]
) -> None:
    from auditor.batch import folder as batch_folder

    stop_after(5, Killed())
    with pytest.raises(Killed):
        run(batch)
    with Store.open(tmp_path / "cache") as store:
        scored = store.count()
    assert scored > 0

    def stopping(patch: pytest.MonkeyPatch, where: str, after: int) -> None:
        method, count = getattr(batch_folder.BatchFolder, where), [0]

        def stop(self: Any, *arguments: Any) -> Any:
            count[0] += 1
            if count[0] > after:
                raise Killed
            return method(self, *arguments)

        patch.setattr(batch_folder.BatchFolder, where, stop)

    for where, after in (("keep", 1), ("publish", 1)):
        with pytest.MonkeyPatch.context() as patch:
            stopping(patch, where, after)
            with pytest.raises(Killed):
                run(batch)
        assert not (tmp_path / "out" / "batch.json").exists()
        assert not list((tmp_path / "out").rglob("*.tmp"))
    kept = sorted(path.name for path in (tmp_path / "out" / ".auditor").rglob("*.json"))
    assert kept == ["one.json", "two.json"]
    assert run(batch) == 0
    written = json.loads((tmp_path / "out" / "batch.json").read_text())
    assert [each["status"] for each in written["audits"]] == ["passed", "passed"]

    undisturbed = [*batch[:3], str(tmp_path / "whole"), "--cache-dir", str(tmp_path / "other")]
    assert run(undisturbed) == 0
    for name in ("one", "two"):
        trees = [json.loads((tmp_path / out / "audits" / name / "result.json").read_text()) for out in ("out", "whole")]
        for tree in trees:
            for volatile in ("created", "texts_scored", "texts_from_store", "command"):
                del tree["manifest"][volatile]
            del tree["content_sha256"]
        assert trees[0] == trees[1]


def test_ctrl_c_in_a_batch(batch: list[str], tmp_path: Path, stop_after: Callable[..., None]) -> None:
    stop_after(5, KeyboardInterrupt())
    assert run(batch) == 130
    assert not (tmp_path / "out" / "batch.json").exists()
    assert not list((tmp_path / "out").rglob("*.tmp"))


def test_two_audits_at_once_on_one_store_score_each_text_once(audit: Any, tmp_path: Path) -> None:
    """The second waits for the first where both score under one model, and takes over what it finds then."""
    outputs = [tmp_path / f"{number}.json" for number in range(2)]
    with ThreadPoolExecutor(2) as pool:
        codes = list(pool.map(lambda output: audit.run(cache=tmp_path / "cache", output=output), outputs))
    assert codes == [3, 3]
    assert [audit.figures(output) for output in outputs] == [audit.truth] * 2
    assert sum(audit.scored(output)[0] for output in outputs) == audit.texts
    assert [sum(audit.scored(output)) for output in outputs] == [audit.texts] * 2

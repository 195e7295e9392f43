"""A disk that is full, or that nothing may be written to: no half-written file, a clear word, and on it goes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.batch.folder import OWN
from auditor.cli.main import run
from auditor.core.errors import RunError
from auditor.scoring.store import Store
from auditor.signals.tokens import TokenSignals


def record(seed: int) -> TokenSignals:
    rng = np.random.default_rng(seed)
    whole, real = rng.integers(0, 1000, 200).astype(np.int32), rng.normal(size=200).astype(np.float32)
    return TokenSignals(*[whole] * 4, *[real] * 4, whole, n_bytes=7, zlib_bytes=3, truncated=False)  # type: ignore[call-arg, misc]


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What went to stderr from `auditor:` on: one message with its hint."""
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert err.count("auditor: ") == 1
    return err[err.index("auditor: ") :]


@pytest.mark.parametrize("kib", [4, 8, 24, 64, 80, 200])
def test_a_store_on_a_full_disk_says_so_and_goes_on_where_there_is_room(
    small_disk: Callable[[int], Any], kib: int
) -> None:
    disk, kept = small_disk(kib), list[str]()

    def fill() -> None:
        with Store.open(disk.path) as store:
            for seed in range(200):
                store.put_many({f"k{seed}": record(seed)})
                kept.append(f"k{seed}")

    with pytest.raises(RunError, match="no space left") as caught:
        fill()
    assert caught.value.hint == "Free space and run again."
    disk.resize(4096)
    with Store.open(disk.path) as store:
        found = store.get_many([f"k{seed}" for seed in range(200)])
        assert found.keys() == set(kept)
        store.put_many({"more": record(0)})
        assert store.get_many(["more"])
    assert [path.name for path in disk.path.iterdir()] == [store.path.name]


def test_a_disk_that_somebody_else_filled_is_no_reason_to_delete_the_store(small_disk: Callable[[int], Any]) -> None:
    disk = small_disk(400)
    with Store.open(disk.path) as store:
        store.put_many({"a": record(0)})
    disk.fill()
    with pytest.raises(RunError, match="no space left"):
        Store.open(disk.path)
    (disk.path / "ballast").unlink()
    with Store.open(disk.path) as store:
        assert store.get_many(["a"])


@pytest.mark.parametrize("kib", [60, 160])
def test_an_audit_whose_cache_is_full(
    audit: Any, small_disk: Callable[[int], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str], kib: int
) -> None:
    disk, output = small_disk(kib), tmp_path / "out" / "r.json"
    assert audit.run(cache=disk.path, output=output) == 4
    assert said(capsys).startswith("auditor: no space left for the score store")
    assert not output.parent.exists()
    disk.resize(4096)
    with Store.open(disk.path) as store:
        before = store.count()
    assert audit.run(cache=disk.path, output=output) == 3
    assert audit.figures(output) == audit.truth
    assert audit.scored(output) == (audit.texts - before, before)


def test_an_audit_whose_output_disk_is_full(
    audit: Any, small_disk: Callable[[int], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = small_disk(64)
    old = disk.path / "r.json"
    old.write_text("the result of last week")
    disk.fill()
    assert audit.run(cache=tmp_path / "cache", output=old) == 4
    message = said(capsys)
    assert "could not write" in message
    assert "No space left" in message
    assert {path.name for path in disk.path.iterdir()} == {"r.json", "ballast"}
    assert old.read_text() == "the result of last week"
    disk.resize(1024)
    assert audit.run(cache=tmp_path / "cache", output=old) == 3
    assert audit.figures(old) == audit.truth
    assert audit.scored(old) == (0, audit.texts)


@pytest.fixture(scope="module")
def audits(audit: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A batch of two audits: its configuration, its store, and how much is written in which order."""
    folder = tmp_path_factory.mktemp("batch")
    _, suspect, heldout, _, model, *_ = audit.arguments
    asked = {"heldout": heldout, "model": model, "permutations": 199, "features": "loss"}
    listed = [{"name": name, "suspect": suspect, "seed": seed} for seed, name in enumerate(("one", "two"))]
    configuration = folder / "audits.json.yaml"
    configuration.write_text(json.dumps({"defaults": asked, "audits": listed}), encoding="utf-8")

    def run_and_report(output: Path) -> int:
        return run(["batch", str(configuration), "--cache-dir", str(folder / "cache"), "-o", str(output)])

    assert run_and_report(folder / "out") == 3

    def pages(pattern: str) -> int:
        """What files take, in the pages of 4 KiB of which a small disk is made."""
        return sum(-(-path.stat().st_size // 4096) for path in (folder / "out").glob(pattern) if path.is_file())

    written = {"measurements": f"{OWN}/**/*", "audits": "audits/*/*", "batch": "*"}
    return run_and_report, {name: pages(pattern) for name, pattern in written.items()}


REPORTS = {"index.html", "junit.xml", "summary.md", "batch.json", "report.html", "result.json"}


@pytest.mark.parametrize("full", ["first kept", "second kept", "last audit", "last file"])
def test_a_batch_whose_output_disk_is_full(
    audits: Any, small_disk: Callable[[int], Any], capsys: pytest.CaptureFixture[str], full: str
) -> None:
    """Whatever could not be written: no report is left that lacks others, and with room it goes on where it stood."""
    run_and_report, sizes = audits
    kept, both = sizes["measurements"], sizes["measurements"] + sizes["audits"]
    pages = {
        "first kept": kept // 4,
        "second kept": kept - kept // 4,
        "last audit": both - 2,
        "last file": both + sizes["batch"] - 1,
    }
    disk = small_disk(4 * pages[full])
    capsys.readouterr()
    assert run_and_report(disk.path / "out") == 4
    message = said(capsys)
    assert message.startswith("auditor: could not write ")
    assert "No space left" in message
    left = {path.name for path in (disk.path / "out").rglob("*") if path.is_file()}
    finished = {"first kept": set(), "second kept": {"one.json"}}.get(full, {"one.json", "two.json"})
    assert left == {"lock", "configuration"} | finished
    disk.resize(8192)
    assert run_and_report(disk.path / "out") == 3
    told = capsys.readouterr().err
    assert {path.name for path in (disk.path / "out").rglob("*")} >= REPORTS
    again = {name for name in ("one", "two") if f"of 2: {name}" in told}
    assert again == {"one", "two"} - {name.removesuffix(".json") for name in finished}


def test_nothing_is_scored_for_a_cache_or_an_output_that_cannot_be_written(
    audit: Any, small_disk: Callable[[int], Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    disk = small_disk(64)
    disk.read_only()
    assert audit.run(cache=disk.path, output=tmp_path / "r.json") == 2
    message = said(capsys)
    assert "cannot write to the cache directory" in message
    assert "--cache-dir" in message
    assert not (tmp_path / "r.json").exists()
    assert audit.run(cache=tmp_path / "cache", output=disk.path / "r.json") == 2
    assert "cannot be written to" in said(capsys)
    assert not (tmp_path / "cache").exists()


OTHER_USER = """
import os, sys
from auditor.core.errors import UsageError
from auditor.scoring.store import Store
os.chdir(sys.argv[1])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Store.open(".")
except UsageError as error:
    print(error)
"""


@pytest.mark.skipif(os.name != "posix", reason="needs the permissions of POSIX")
@pytest.mark.parametrize("there", [False, True])
def test_a_cache_that_may_only_be_read(tmp_path: Path, there: bool) -> None:
    """Permissions do not bind a superuser, who gives the rights up first."""
    folder = tmp_path / "theirs"
    with Store.open(folder) as store:
        store.put_many({"a": record(0)})
        path = store.path
    if not there:
        path.unlink()
    before = sorted(folder.iterdir())
    folder.chmod(0o555)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", OTHER_USER, str(folder)], env=environment, capture_output=True, text=True, check=True
    )
    folder.chmod(0o755)
    assert done.stdout.startswith("cannot write to the cache directory")
    assert "--cache-dir" in done.stdout
    assert sorted(folder.iterdir()) == before

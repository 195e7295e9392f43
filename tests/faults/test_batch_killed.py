"""A batch that is killed, interrupted or run twice at once: nothing lost, nothing scored twice, no half-written file.

Every run is a process of its own, forked off one that has the libraries imported, so that what is killed is the batch
and not the imports.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.texts import WORDS

from auditor.batch.renderer import batch_renderers
from auditor.report.renderer import render
from auditor.results.batch import BatchResult
from auditor.results.io import load_result
from auditor.scoring.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")]

KILLS = 24
CONFIGURATION = """
defaults: {heldout: heldout.jsonl, permutations: 3999, expect: any}
audits:
  - {name: one, suspect: suspect.jsonl, model: model}
  - {name: two, suspect: other.jsonl, model: model, references: [later]}
  - {name: three, suspect: suspect.jsonl, checkpoints: {base: model, later: later}, general: other.jsonl}
"""
SERVER = """
import importlib, json, os, signal, sys
from auditor.cli.main import run
from auditor.scoring.store import Store

keep = Store.put_many

def put_many(self, records, *others):
    keep(self, records, *others)
    with open(os.environ["SCORED"], "a") as log:
        log.writelines(f"{key}\\n" for key in records)

Store.put_many = put_many
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    order = json.loads(line)
    if order["import"]:
        for name in open(order["import"]).read().split():
            try:
                importlib.import_module(name)
            except Exception:
                pass
        print(0, flush=True)
        continue
    child = os.fork()
    if child:
        print(child, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["SCORED"] = order["scored"]
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for stream in (1, 2):
        os.dup2(os.open(order["told"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), stream)
    code = run(order["arguments"])
    sys.stdout.flush()
    sys.stderr.flush()
    with open(order["modules"], "w") as file:
        file.write("\\n".join(sys.modules))
    with open(order["code"], "w") as file:
        file.write(str(code))
    os._exit(code)
"""


@dataclass(frozen=True)
class Running:
    """A process that runs a batch.

    Attributes:
        pid: Its number.
        folder: Where what it said, its exit code and the keys it scored are written.
    """

    pid: int
    folder: Path

    def alive(self) -> bool:
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        return True

    def wait(self, seconds: float = 240.0) -> int | None:
        """Its exit code; None where it was killed."""
        end = time.monotonic() + seconds
        while self.alive():
            assert time.monotonic() < end, f"the batch hangs; it said: {self.told}"
            time.sleep(0.005)
        code = self.folder / "code"
        return int(code.read_text()) if code.exists() else None

    @property
    def told(self) -> str:
        return (self.folder / "told").read_text()

    @property
    def scored(self) -> list[str]:
        log = self.folder / "scored"
        return log.read_text().split() if log.exists() else []


class Server:
    """Starts batches as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVER], env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def _ask(self, **order: Any) -> int:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"import": None, **order}) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def start(self, *arguments: object) -> Running:
        self.count += 1
        own = self.folder / str(self.count)
        own.mkdir()
        (own / "told").touch()
        places = {name: str(own / name) for name in ("told", "code", "scored", "modules")}
        return Running(self._ask(arguments=[str(argument) for argument in arguments], **places), own)

    def prepare(self, done: Running) -> None:
        """Import whatever a run imported, so that the next need not."""
        self._ask(**{"import": str(done.folder / "modules")})

    def close(self) -> None:
        self.process.communicate()


def write_texts(path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size=24)).capitalize() + "." for _ in range(32)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")


VOLATILE = {"created", "texts_scored", "texts_from_store", "content_sha256", "result_sha256"}


def settled(value: Any) -> Any:
    """A tree without what says when it was made and how much of it was scored in that run."""
    if isinstance(value, dict):
        return {key: settled(below) for key, below in value.items() if key not in VOLATILE}
    return [settled(below) for below in value] if isinstance(value, list) else value


def content(path: Path) -> Any:
    """A file for comparison: JSON as its tree, a page without its numbers and digests, which are those of the JSON."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return settled(json.loads(text))
    return re.sub(r"\d[\d,.:-]*", "0", re.sub(r"\b[0-9a-f]{12,64}\b", "0", text))


def shown(folder: Path) -> dict[str, Any]:
    """Every file of a batch that is meant to be read."""
    return {
        str(path.relative_to(folder)): content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".auditor" not in path.relative_to(folder).parts
    }


@dataclass(frozen=True)
class Bench:
    """Runs the batch.

    Attributes:
        server: Starts it.
        configuration: What it is.
        code: Its exit code when nothing disturbs it.
        truth: Its files then.
        keys: What it scores.
        seconds: How long it takes, once everything is imported.
    """

    server: Server
    configuration: Path
    code: int | None
    truth: dict[str, Any]
    keys: list[str]
    seconds: float

    def start(self, output: Path, cache: Path) -> Running:
        return self.server.start("batch", self.configuration, "-o", output, "--cache-dir", cache)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("batch")
    for seed, name in enumerate(("suspect", "heldout", "other")):
        write_texts(folder / f"{name}.jsonl", seed)
    for seed, name in enumerate(("model", "later")):
        make_tiny_model(folder / name, seed=seed)
    configuration = folder / "audits.yaml"
    configuration.write_text(CONFIGURATION)
    server = Server(tmp_path_factory.mktemp("runs"))
    first = server.start("batch", configuration, "-o", folder / "first", "--cache-dir", folder / "cache1")
    code = first.wait()
    assert code == 0, first.told
    server.prepare(first)
    began = time.monotonic()
    again = server.start("batch", configuration, "-o", folder / "again", "--cache-dir", folder / "cache2")
    assert again.wait() == code
    seconds = time.monotonic() - began
    truth = shown(folder / "first")
    assert shown(folder / "again") == truth, "the batch is not deterministic"
    assert sorted(again.scored) == sorted(first.scored)
    assert len(set(first.scored)) == len(first.scored) > 300
    print(f"undisturbed: {seconds:.1f} s")
    yield Bench(server, configuration, code, truth, sorted(first.scored), seconds)
    server.close()


MOMENTS: dict[str, Callable[[Running, Path], object]] = {
    "planning": lambda running, output: (output / ".auditor").is_dir(),
    "scoring": lambda running, output: len(running.scored) > 50,
    "statistics": lambda running, output: any(output.glob(".auditor/audits/*.json")),
    "writing": lambda running, output: any(output.glob("audits/*/result.json")),
}


def test_killed_at_any_moment_and_run_again(bench: Bench, tmp_path: Path) -> None:
    rng = random.Random(20)
    killed_in: Counter[str] = Counter()
    for number in range(4 * KILLS):
        if killed_in.total() == KILLS:
            break
        phase = list(MOMENTS)[number % len(MOMENTS)]
        moment = rng.random() * bench.seconds / len(MOMENTS)
        output, cache = tmp_path / f"out{number}", tmp_path / f"cache{number}"
        killed = bench.start(output, cache)
        while killed.alive() and not MOMENTS[phase](killed, output):
            time.sleep(0.002)
        time.sleep(moment)
        if killed.alive():
            os.kill(killed.pid, signal.SIGKILL)
        # It may have been done before.
        if killed.wait() is not None:
            continue
        killed_in[phase] += 1
        assert is_part_of(output, bench.truth)
        with Store.open(cache) as store:
            before = set(store.get_many(bench.keys))
        again = bench.start(output, cache)
        assert again.wait() == bench.code, again.told
        assert shown(output) == bench.truth, f"killed {moment} s after the beginning of {phase}"
        # Everything that was kept is used again, and the rest is scored once.
        assert Counter(again.scored) == Counter(set(bench.keys) - before)
        assert not list(output.rglob("*.tmp"))
        assert not [path for path in cache.iterdir() if not path.name.startswith("scores-")]
    assert killed_in.total() == KILLS
    assert killed_in.keys() == MOMENTS.keys(), killed_in


def is_part_of(output: Path, truth: dict[str, Any]) -> bool:
    """Whether every file that is there is there whole."""
    there = {name: file for name, file in shown(output).items() if not name.endswith(".tmp")}
    return all(truth[name] == file for name, file in there.items())


def test_the_pages_of_a_batch_that_was_killed_are_those_of_its_figures(bench: Bench, tmp_path: Path) -> None:
    output, cache = tmp_path / "out", tmp_path / "cache"
    killed = bench.start(output, cache)
    time.sleep(bench.seconds / 2)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert bench.start(output, cache).wait() == bench.code
    written = json.loads((output / "batch.json").read_bytes())
    # What the file says beside its fields for programs that do not compute it.
    del written["exit_code"]
    for each in written["audits"]:
        del each["exit_code"], each["status"]
    batch = BatchResult.model_validate(written)
    for renderer in batch_renderers().values():
        if renderer.filename:
            assert (output / renderer.filename).read_text(encoding="utf-8") == renderer.render(batch)
    for outcome in batch.audits:
        assert outcome.finding is not None
        page = (output / outcome.finding.report).read_text(encoding="utf-8")
        assert page == render(load_result(output / outcome.finding.result), "html")


@pytest.mark.parametrize("moment", MOMENTS)
def test_interrupted_and_run_again(bench: Bench, tmp_path: Path, moment: str) -> None:
    output, cache = tmp_path / "out", tmp_path / "cache"
    running = bench.start(output, cache)
    while not MOMENTS[moment](running, output):
        assert running.alive(), running.told
        time.sleep(0.002)
    os.kill(running.pid, signal.SIGINT)
    assert running.wait() == 130, running.told
    assert running.told.splitlines()[-1].startswith("auditor: interrupted; run the same command again")
    assert "Traceback" not in running.told
    assert is_part_of(output, bench.truth)
    assert not list(output.rglob("*.tmp"))
    again = bench.start(output, cache)
    assert again.wait() == bench.code
    assert shown(output) == bench.truth
    assert sorted(running.scored + again.scored) == bench.keys


def test_killed_again_and_again(bench: Bench, tmp_path: Path) -> None:
    """Each run is killed once it has scored some more; together they score everything once."""
    output, cache = tmp_path / "out", tmp_path / "cache"
    runs: list[Running] = []
    while not runs or runs[-1].wait() is None:
        assert len(runs) < 20
        runs.append(bench.start(output, cache))
        while runs[-1].alive() and len(runs[-1].scored) < 100:
            time.sleep(0.002)
        if runs[-1].alive() and len(runs[-1].scored) >= 100:
            os.kill(runs[-1].pid, signal.SIGKILL)
    assert runs[-1].wait() == bench.code
    assert len(runs) > 3
    assert shown(output) == bench.truth
    # A kill may fall between the storing of a batch and the note of this test that it was stored.
    assert max(Counter(key for run in runs for key in run.scored).values()) == 1


def test_two_batches_on_one_folder(bench: Bench, tmp_path: Path) -> None:
    output, cache = tmp_path / "out", tmp_path / "cache"
    first = bench.start(output, cache)
    while not (output / ".auditor").is_dir():
        time.sleep(0.005)
    second = bench.start(output, cache)
    codes = first.wait(), second.wait()
    assert sorted(map(str, codes)) == sorted(map(str, (bench.code, 2)))
    refused = (first, second)[codes.index(2)]
    assert "another batch is writing to" in refused.told
    assert shown(output) == bench.truth


def test_two_batches_on_one_store(bench: Bench, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    both = [bench.start(tmp_path / name, cache) for name in ("a", "b")]
    assert [running.wait() for running in both] == [bench.code] * 2
    assert shown(tmp_path / "a") == shown(tmp_path / "b") == bench.truth
    with Store.open(cache) as store:
        assert len(store.get_many(bench.keys)) == len(bench.keys)
    assert sorted(both[0].scored + both[1].scored) == bench.keys


def test_what_is_kept_between_runs_is_not_believed_when_it_was_changed(bench: Bench, tmp_path: Path) -> None:
    output, cache = tmp_path / "out", tmp_path / "cache"
    assert bench.start(output, cache).wait() == bench.code
    for path in sorted((output / ".auditor").rglob("*.json")):
        kept = path.read_text(encoding="utf-8")
        changed = re.sub(r'("auc":0\.)(\d)', lambda found: found[1] + str((int(found[2]) + 1) % 10), kept, count=1)
        assert changed != kept
        path.write_text(changed, encoding="utf-8")
    again = bench.start(output, cache)
    assert again.wait() == bench.code
    assert shown(output) == bench.truth
    assert again.scored == []

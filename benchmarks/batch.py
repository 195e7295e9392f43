"""What a batch of 30 audits costs beside its distinct (text, model) pairs, and beside the same audits one by one.

    python benchmarks/batch.py [--singles 3]

The audits are on the sample model and share texts: three suspect sets against one held-out set, whole and cut to 150
and 100 documents, with several selections of features, levels and seeds. Nothing is scored before. Afterwards the
batch is run again, to show what taking everything over costs, and some of the audits by themselves with an empty store
each, as a shell loop without a common store would. Times are of the processor, so that other load on the machine says
little; with OMP_NUM_THREADS=1 they are what a quiet core takes.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from auditor.batch import folder as folder_module
from auditor.batch import run as running
from auditor.batch.kinds import open_one
from auditor.batch.plan import BatchPlan, PlannedAudit
from auditor.membership.cache import CorpusCache
from auditor.models.backend import Backend, ModelSpec
from auditor.models.digests import NoMemo
from auditor.results.gate import Gate
from auditor.scoring.plan import record_key
from auditor.settings import AuditSettings, make_settings

SAMPLES = Path(__file__).parents[1] / "samples"


def plan_of_thirty() -> BatchPlan:
    """The audits, in the order of their suspect sets."""
    ways: dict[str, dict[str, Any]] = {
        "default": {},
        "single-pass": {"features": "single-pass"},
        "level 0.05": {"policy": {"alpha": 0.05}},
        "required 0.6": {"policy": {"required_auc": 0.6}},
        "llm-di beside": {"procedures": ("llm-di",)},
        "150": {"limit": 150},
        "150 single-pass": {"limit": 150, "features": "single-pass"},
        "100": {"limit": 100},
        "100 single-pass": {"limit": 100, "features": "single-pass"},
        "seed 1": {"seed": 1},
    }
    audits = []
    for suspect in ("suspect", "innocent", "shifted"):
        for way, more in ways.items():
            settings = make_settings(
                suspect=str(SAMPLES / suspect), heldout=str(SAMPLES / "heldout"), model=str(SAMPLES / "model"), **more
            )
            name = f"{suspect} {way}"
            audits.append(PlannedAudit(name, name.replace(" ", "-"), settings, Gate()))
    return BatchPlan("thirty", "holm", str(Path(__file__)), "0" * 64, tuple(audits))


class Clock:
    """Seconds and calls of some functions, while they do what they always do."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed."""

        def run(*args: Any, **named: Any) -> Any:
            start = time.process_time()
            try:
                return work(*args, **named)
            finally:
                self.seconds[name] = self.seconds.get(name, 0.0) + time.process_time() - start
                self.calls[name] = self.calls.get(name, 0) + 1

        return run


def pairs(plan: BatchPlan) -> tuple[int, int]:
    """Distinct (text, model) pairs of the whole batch, and the sum of those of each audit."""
    shared, every, summed = CorpusCache(), set[str](), 0
    for planned in plan.audits:
        _, needs = open_one(planned.settings, NoMemo(), shared)
        own = {record_key(request, needs.max_tokens) for request in needs.requests}
        every |= own
        summed += len(own)
    return len(every), summed


def run_once(plan: BatchPlan, out: Path, cache: Path) -> tuple[float, Clock]:
    """Carry the batch out and time its parts."""
    clock = Clock()
    kept: list[tuple[Any, str, Any]] = []
    loaded = clock.timed("load", ModelSpec.load)

    def load(self: ModelSpec) -> Backend:
        return loaded(self)  # type: ignore[no-any-return]

    for place, name, work in (
        (running, "fill_store", clock.timed("score", running.fill_store)),  # type: ignore[attr-defined]
        (running, "open_one", clock.timed("open_audit", running.open_one)),  # type: ignore[attr-defined]
        (running, "run_one", clock.timed("audit", running.run_one)),  # type: ignore[attr-defined]
        (folder_module.BatchFolder, "publish", clock.timed("report", folder_module.BatchFolder.publish)),
        (ModelSpec, "load", load),
    ):
        kept.append((place, name, getattr(place, name)))
        setattr(place, name, work)
    start = time.process_time()
    try:
        batch = running.run_batch(plan, out, cache_dir=str(cache), say=lambda line: print(f"  {line}", file=sys.stderr))
    finally:
        for place, name, work in kept:
            setattr(place, name, work)
    words = [outcome.finding.verdict.outcome if outcome.finding else outcome.error for outcome in batch.audits]
    print(f"  exit code {batch.exit_code}; " + ", ".join(f"{words.count(word)} {word}" for word in sorted(set(words))))
    return time.process_time() - start, clock


def by_itself(planned: PlannedAudit, cache: Path) -> float:
    """Processor seconds of one audit as a command with an empty store, its report written."""
    s = planned.settings
    assert isinstance(s, AuditSettings)
    given = s.model_dump(mode="json", exclude_defaults=True, exclude={"suspect", "heldout"})
    call = (
        f"import auditor; r = auditor.check({s.suspect!r}, {s.heldout!r}, cache_dir={str(cache)!r}, **{given!r}); "
        f"auditor.write_outputs(r, [{str(cache / 'report.html')!r}, {str(cache / 'result.json')!r}])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", call], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    """Run it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--singles", type=int, default=3, help="audits to run by themselves, drawn at random")
    asked = parser.parse_args()
    plan = plan_of_thirty()
    distinct, summed = pairs(plan)
    print(f"{len(plan.audits)} audits: {distinct:,} distinct (text, model) pairs; {summed:,} counted audit by audit")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        print("the batch, nothing scored before")
        whole, clock = run_once(plan, work / "out", work / "cache")
        rest = whole - sum(clock.seconds[name] for name in ("open_audit", "score", "audit", "report"))
        print(f"  {whole:.1f} s in all, models loaded {clock.calls['load']} time(s)")
        print(f"  {clock.seconds['open_audit']:.1f} s reading and identifying, {clock.seconds['score']:.1f} s scoring")
        each = {name: clock.seconds[name] / len(plan.audits) for name in ("audit", "report")}
        print(f"  {clock.seconds['audit']:.1f} s statistics ({each['audit']:.2f} s an audit)")
        print(f"  {clock.seconds['report']:.1f} s reports ({each['report']:.2f} s an audit), {rest:.1f} s the rest")
        print(f"  {whole / clock.seconds['score']:.2f} times the scoring of the pairs alone")
        print("the same again, nothing changed")
        again, clock = run_once(plan, work / "out", work / "cache")
        print(f"  {again:.1f} s in all, {clock.calls.get('load', 0)} loads, {clock.calls.get('audit', 0)} audits run")
        if asked.singles:
            chosen = random.Random(0).sample(plan.audits, asked.singles)
            seconds = [by_itself(planned, work / f"single-{place}") for place, planned in enumerate(chosen)]
            mean = sum(seconds) / len(seconds)
            print(f"by itself, with an empty store: {mean:.1f} s an audit (mean of {len(seconds)})")
            apart = mean * len(plan.audits)
            print(f"  {len(plan.audits)} so are {apart:.0f} s, {apart / whole:.1f} times the batch")


if __name__ == "__main__":
    main()

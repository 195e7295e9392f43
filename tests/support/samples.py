"""Audits of the bundled samples that several tests read: each is run once, by whichever process needs it first."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock

from auditor.cli.main import run
from auditor.results.io import load_result
from auditor.results.result import AuditResult
from support.paths import SAMPLES


class SampleAudits:
    """Runs of `auditor check` on the samples.

    Args:
        cache: The folder of the score store, under which the results lie too.
    """

    def __init__(self, cache: Path) -> None:
        self._cache, self._results = cache, cache / "results"

    def check(self, suspect: str) -> tuple[int, AuditResult]:
        """Exit code and result of the audit of a suspect set; `llm-di` is beside that of the one trained on."""
        procedures = ["--procedure", "llm-di"] if suspect == "suspect" else []
        sides = [str(SAMPLES / side) for side in (suspect, "heldout")]
        return self._once(suspect, [*sides, "--model", str(SAMPLES / "model"), *procedures])

    def _once(self, name: str, arguments: list[str]) -> tuple[int, AuditResult]:
        self._results.mkdir(exist_ok=True)
        output, code = self._results / f"{name}.json", self._results / f"{name}.code"
        with FileLock(self._results / f"{name}.lock"):
            if not code.exists():
                code.write_text(str(run(["check", *arguments, "--cache-dir", str(self._cache), "-o", str(output)])))
        return int(code.read_text()), load_result(output)

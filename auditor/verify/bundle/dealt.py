"""Make a bundle of a test: the result, its report, what is public of the plan, and the opening where it is revealed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.core.files import read_bytes
from auditor.core.text import escape_json
from auditor.core.version import VERSION
from auditor.dealt.blind import parse_scores
from auditor.dealt.open import open_plan
from auditor.provenance.folder import BEACON, COMMITMENT, PUBLICITY, STAMP, STAMP_ROOT, PlanFolder
from auditor.provenance.opening import BatchOpening
from auditor.report.dealt.html import HTML
from auditor.results.dealt.result import DealtResult
from auditor.results.io import content_digest
from auditor.verify.bundle.archive import pack
from auditor.verify.bundle.contents import MANIFEST, REPORT, RESULT, BundleManifest, digests

__all__ = ["OPENING", "REPORT", "SCORES", "dealt_report", "make_dealt_bundle"]

OPENING, SCORES = "opening.json", "scores.json"
"""Files of a bundle that open its batch, and that another party sealed."""


def dealt_report(result: DealtResult) -> bytes:
    """The report of a result, as a bundle has it."""
    return HTML.render(result).encode("utf-8")


def make_dealt_bundle(
    result: DealtResult,
    written: bytes,
    path: Path,
    *,
    reveal: bool,
    sources: Mapping[str, str],
    plan: Path | None = None,
) -> bytes:
    """Pack the result of a test with what is public of its plan.

    Args:
        result: The result.
        written: The bytes of its file, which go in as they are.
        path: Its path, for messages.
        reveal: Whether the opening of its batch goes in: the key of that batch and all its candidates.
        sources: Where the sealed scores are now, by `scores`, if not where the result says.
        plan: The folder of the plan; None for the one that the result names.

    Raises:
        UsageError: The result was changed; it shows candidates and `reveal` is not asked for; or the plan is not here,
            or is another.
    """
    if result.content_sha256 != content_digest(result):
        raise UsageError(f"{path} was changed after it was written", hint="See `auditor verify`.")
    if not reveal and any(unit.candidates is not None for unit in result.units):
        raise UsageError(
            f"{path} shows the candidates, as its test was run with --reveal",
            hint="Give --reveal here too, or run the test again without it, which scores nothing again.",
        )
    configuration = result.manifest.configuration
    if result.measurements.natural is not None:
        if plan is not None:
            raise UsageError(f"{path}: this test had no plan", hint="Leave --plan out.")
        if reveal:
            raise UsageError(
                f"{path}: a bundle of a test without a plan holds no files",
                hint="Leave --reveal out, and hand over the files, for auditor verify --data.",
            )
        bare = {RESULT: written, REPORT: dealt_report(result)}
        return pack({**bare, MANIFEST: _manifest(bare)})
    folder = PlanFolder(plan or Path(str(configuration.get("plan", ""))))
    if folder.commitment.model_dump(mode="json") != result.commitment:
        raise UsageError(f"{folder.path} is not the plan of this result", hint="Say where it is with --plan PATH.")
    files = {RESULT: written, REPORT: dealt_report(result), **_public(folder)}
    if reveal:
        files[OPENING] = _opening(folder, result.plan.batch)
        if result.measurements.sealed_sha256:
            files[SCORES] = _sealed(result, Path(sources.get("scores", str(configuration.get("scores", "")))))
    return pack({**files, MANIFEST: _manifest(files)})


def _public(folder: PlanFolder) -> dict[str, bytes]:
    """What is public of a plan, and not a byte of its secrets."""
    names = (COMMITMENT, BEACON, STAMP, STAMP_ROOT, PUBLICITY)
    return {name: read_bytes(folder.path / name) for name in names if (folder.path / name).is_file()}


def _opening(folder: PlanFolder, batch: int) -> bytes:
    opened = open_plan(str(folder.path), batch)
    opening = BatchOpening(secret=folder.secret(batch), units=opened.units)
    return (json.dumps(opening.model_dump(mode="json"), indent=1) + "\n").encode()


def _sealed(result: DealtResult, path: Path) -> bytes:
    """The scores that another party sealed."""
    written = read_bytes(path)
    if parse_scores(written, path).content_sha256 != result.measurements.sealed_sha256:
        raise UsageError(
            f"{path} holds other scores than those of the result", hint="Say where they are with --data scores=PATH."
        )
    return written


def _manifest(files: Mapping[str, bytes]) -> bytes:
    manifest = BundleManifest(auditor_version=VERSION, matplotlib_version=version("matplotlib"), files=digests(files))
    return (escape_json(manifest.model_dump_json(indent=2)) + "\n").encode("utf-8")

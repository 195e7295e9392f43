"""The contents of a bundle: the files that follow from a result, and the digests of all files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from importlib.metadata import version

from pydantic import ValidationError

from auditor.core.errors import UsageError
from auditor.core.record import Record
from auditor.core.text import escape_json
from auditor.core.version import VERSION
from auditor.report.renderer import render
from auditor.results.result import AuditResult
from auditor.verify.bundle.table import features_csv

RESULT, FEATURES, REPORT, MANIFEST = "result.json", "features.csv", "report.html", "manifest.json"
TEXTS = "texts"


class BundleManifest(Record):
    """The digests of the files of a bundle, and the versions that made the files derived from the result."""

    bundle_version: str = "1.0"
    auditor_version: str
    """The version that made the report and the table."""

    matplotlib_version: str
    """The version that drew the figures; another one may draw other bytes."""

    files: dict[str, str]
    """Hex digest (sha256) of each other file, by name."""


def derived(result: AuditResult) -> dict[str, bytes]:
    """The files that follow from a result alone."""
    return {FEATURES: features_csv(result), REPORT: render(result, "html").encode("utf-8")}


def text_names(result: AuditResult) -> list[str]:
    """The file of each document's text, by number, as an identifier need not be a file name.

    The documents in their order, then those that are left out.
    """
    return [
        *(f"{TEXTS}/{document.side}/{index + 1:06d}.txt" for index, document in enumerate(result.documents)),
        *(f"{TEXTS}/left-out/{document.role}/{document.index + 1:06d}.txt" for document in result.left_out),
    ]


def make_files(result: AuditResult, written: bytes, texts: Mapping[str, bytes]) -> dict[str, bytes]:
    """Every file of a bundle.

    Args:
        result: The result.
        written: The bytes of its file, which go in as they are.
        texts: Texts of the documents by file name; empty where they are not revealed.
    """
    files = {RESULT: written, **derived(result), **texts}
    manifest = BundleManifest(auditor_version=VERSION, matplotlib_version=version("matplotlib"), files=digests(files))
    return {**files, MANIFEST: (escape_json(manifest.model_dump_json(indent=2)) + "\n").encode("utf-8")}


def digests(files: Mapping[str, bytes]) -> dict[str, str]:
    """Hex digest of each file, by name in order."""
    return {name: hashlib.sha256(files[name]).hexdigest() for name in sorted(files)}


def require_bundle(names: Collection[str]) -> None:
    """Refuse a zip that is no bundle, by the names of its files.

    Raises:
        UsageError: There is no manifest or no result.
    """
    if MANIFEST not in names or RESULT not in names:
        raise UsageError(f"the zip holds no {MANIFEST} or no {RESULT}", hint="Give a zip that `auditor bundle` wrote.")


def read_manifest(written: bytes) -> BundleManifest:
    """Parse the manifest of a bundle.

    Raises:
        UsageError: It is not a manifest.
    """
    try:
        return BundleManifest.model_validate(json.loads(written))
    except (ValidationError, ValueError, RecursionError) as error:
        raise UsageError(f"{MANIFEST} is not that of a bundle") from error

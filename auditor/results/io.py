"""Result files: the digest of a result, and results of audits and batches read back from JSON."""

from __future__ import annotations

import json
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from auditor.core.digests import canonical_sha256
from auditor.core.errors import UsageError
from auditor.core.files import read_bytes
from auditor.core.record import Record
from auditor.results.batch import BATCH_SCHEMA_VERSION, BatchResult
from auditor.results.dealt.result import DEALT_SCHEMA_VERSION, DealtResult
from auditor.results.result import SCHEMA_VERSION, AuditResult

R = TypeVar("R", bound=Record)
D = TypeVar("D", AuditResult, DealtResult)

MOST_DEPTH = 40
"""Levels of lists and objects that are read; a result has less than half as many."""


def content_digest(result: AuditResult | DealtResult) -> str:
    """Hex digest of every field but `content_sha256` itself, whatever the layout of the file."""
    return canonical_sha256(result.model_dump(mode="json", exclude={"content_sha256"}))


def with_content_digest(result: D) -> D:
    """The same result with the digest that belongs to it; needed after every change.

    A digest shows accidents and clumsy edits. Whoever edits a result on purpose writes a new digest too: `auditor
    verify` recomputes the figures from the measurements, and only rescoring shows invented measurements.
    """
    return result.model_copy(update={"content_sha256": content_digest(result)})


def load_result(path: str | PathLike[str]) -> AuditResult:
    """Read a result written as JSON.

    Raises:
        UsageError: The file is missing, is not JSON, has another schema version, or does not hold a whole result.
    """
    path = Path(path)
    return parse_result(read_bytes(path), path)


def load_stored(path: str | PathLike[str]) -> AuditResult | BatchResult | DealtResult:
    """Read what an audit, a batch or a test of dealt material has written as JSON; errors as `load_result`."""
    path = Path(path)
    data = _parsed(read_bytes(path), path)
    if _is_batch(data):
        return _whole(BatchResult, data, path, BATCH_SCHEMA_VERSION)
    return _whole(DealtResult, data, path, DEALT_SCHEMA_VERSION) if _is_dealt(data) else _result(data, path)


def parse_stored(written: bytes, path: Path) -> AuditResult | DealtResult:
    """Read the result of an audit, or of a test of dealt material, out of its bytes; errors as `parse_result`."""
    data = _parsed(written, path)
    if _is_dealt(data):
        return _whole(DealtResult, data, path, DEALT_SCHEMA_VERSION)
    return parse_result(written, path)


def parse_result(written: bytes, path: Path) -> AuditResult:
    """Read a result out of the bytes of its file; errors as `load_result`, and name the path."""
    data = _parsed(written, path)
    if _is_batch(data):
        raise UsageError(
            f"{path}: what a whole batch came to, not the result of an audit",
            hint="Name the result.json of one of its audits.",
        )
    if _is_dealt(data):
        raise UsageError(f"{path}: the result of a test of dealt material, not of an audit")
    return _result(data, path)


def _parsed(written: bytes, path: Path) -> Any:
    try:
        data = json.loads(written.decode("utf-8-sig"), parse_constant=_refuse)
        if b"\\ud" in written.lower():
            # Half of a character can be escaped in JSON and written nowhere.
            json.dumps(data, ensure_ascii=False).encode()
        _require_shallow(data)
        return data
    except json.JSONDecodeError as error:
        hint = "Give the .json file an audit wrote; the HTML and Markdown reports cannot be read back."
        raise UsageError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a result: {error}") from error


def _require_shallow(data: Any) -> None:
    """Refuse what is nested deeper than a result: what is read here is walked through by functions that recurse."""
    level = [data] if isinstance(data, dict | list) else []
    for _ in range(MOST_DEPTH):
        level = [item for held in level for item in (held.values() if isinstance(held, dict) else held)]
        level = [item for item in level if isinstance(item, dict | list)]
        if not level:
            return
    raise ValueError(f"nested more than {MOST_DEPTH} levels deep")


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def _is_batch(data: Any) -> bool:
    return isinstance(data, dict) and "audits" in data and "verdict" not in data


def _is_dealt(data: Any) -> bool:
    return isinstance(data, dict) and data.get("kind") == "test"


def _result(data: Any, path: Path) -> AuditResult:
    return _whole(AuditResult, data, path, SCHEMA_VERSION)


def _whole(kind: type[R], data: Any, path: Path, version: str) -> R:
    _check_version(path, data, version)
    try:
        return kind.model_validate(data)
    except ValidationError as error:
        raise UsageError(_describe(path, error), hint="The file was cut or edited; run the audit again.") from error


def _check_version(path: Path, data: Any, version: str) -> None:
    if not isinstance(data, dict) or "schema_version" not in data:
        raise UsageError(f"{path}: no schema_version at the top", hint="Give the .json file an audit wrote.")
    if data["schema_version"] != version:
        manifest = data.get("manifest")
        holder = manifest if isinstance(manifest, dict) else data
        writer = holder.get("auditor_version")
        raise UsageError(
            f"{path}: schema version {data['schema_version']!r}, but this auditor reads {version!r}",
            hint=f"It was written by auditor {writer}; use that version." if isinstance(writer, str) else "",
        )


def _describe(path: Path, error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems[:5]]
    more = len(problems) - len(lines)
    return f"{path}: not a whole result: " + "; ".join(lines) + (f"; and {more} more" if more else "")

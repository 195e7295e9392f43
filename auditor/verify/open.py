"""Open a result or a bundle for verification."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from auditor.core.errors import UsageError, cannot_read
from auditor.results.batch import BatchResult
from auditor.results.io import parse_result
from auditor.verify.bundle.archive import unpack
from auditor.verify.bundle.contents import RESULT
from auditor.verify.command import CommandReader
from auditor.verify.limits import read_limited, require_size
from auditor.verify.subject import Subject

ROLES = ("suspect", "heldout", "placebo", "general")
BATCH = "batch.json"
_ABOVE = 4
"""Number of folders above a result that are searched for its batch.json."""


def open_subject(
    path: Path,
    *,
    data: Mapping[str, str],
    models: Mapping[str, str],
    batch: Path | None = None,
    rescoring: bool = False,
    long: bool = False,
    reader: CommandReader | None = None,
    base: str | None = None,
    tokenizer: str | None = None,
) -> Subject:
    """Read a result, or the bundle that it is in.

    Args:
        path: A result.json, or a zip of `auditor bundle`.
        data: Path of the documents by role.
        models: Path of the models by role, label or name of a checkpoint.
        batch: The batch.json of its batch; looked for in the folders above where none is given, and there passed over
            where it is another's, does not name this result, or lies without the results of the others.
        rescoring: Whether everything is scored again.
        long: Whether figures that take more than minutes are recomputed.
        reader: Reads the recorded command.
        base: Base of the audited adapter and of checkpoints, in place of the one that they name.
        tokenizer: Folder of the tokenizer of the audited model and of checkpoints, in place of their own.

    Raises:
        UsageError: It cannot be read, or is neither; the batch that was given cannot be read; or a role is unknown.
    """
    unknown = next((role for role in data if role not in ROLES), None)
    if unknown is not None:
        raise UsageError(f"no set of documents is called {unknown!r}", hint=f"Known: {', '.join(ROLES)}.")
    files: dict[str, bytes] = {}
    try:
        if path.is_file() and zipfile.is_zipfile(path):
            files = unpack(path)
        written = files[RESULT] if files else read_limited(path, long=long)
    except OSError as error:
        raise cannot_read(path, error) from error
    require_size(path, len(written), long=long)
    batch = batch_of(batch, path, written, bundled=bool(files))
    result = parse_result(written, path)
    return Subject(
        result,
        written,
        path.resolve(),
        dict(data),
        dict(models),
        base,
        tokenizer,
        batch=batch,
        bundle=files,
        rescoring=rescoring,
        long=long,
        reader=reader,
    )


def batch_of(given: Path | None, path: Path, written: bytes, *, bundled: bool) -> Path | None:
    """The batch.json of a result: the one that is given, else that in a folder above, else None.

    Args:
        given: The one that is given.
        path: The file of the result.
        written: Its bytes.
        bundled: Whether it is in a bundle, which belongs to no folder.

    Raises:
        UsageError: The one that is given cannot be read.
    """
    if given is not None:
        read_batch_result(given)
    if given is not None or bundled:
        return given
    above = (folder / BATCH for folder in path.resolve().parents[1:_ABOVE])
    return next((file for file in above if file.is_file() and _names(file, path, written)), None)


def read_batch_result(path: Path) -> BatchResult:
    """Read a batch.json.

    Raises:
        UsageError: It cannot be read, is larger than is read, or is none.
    """
    try:
        return BatchResult.model_validate_json(read_limited(path, long=False))
    except ValidationError as error:
        raise UsageError(f"{path} is not the batch.json of a batch ({error.error_count()} faults)") from error


def _names(batch: Path, path: Path, written: bytes) -> bool:
    """Whether a batch.json above a result is one, and names the result by its path or its digest."""
    digest, location = hashlib.sha256(written).hexdigest(), path.resolve()
    try:
        audits = read_batch_result(batch).audits
        findings = [outcome.finding for outcome in audits if outcome.finding is not None]
        ours = any(
            finding.result_sha256 == digest or (batch.parent / finding.result).resolve() == location
            for finding in findings
        )
        return ours and all((batch.parent / finding.result).is_file() for finding in findings)
    except (UsageError, OSError, ValueError, RuntimeError):  # It may name what is no path at all.
        return False

"""Open the result of a test, or the bundle it is in, for verification."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from auditor.core.errors import cannot_read
from auditor.results.dealt.result import DealtResult
from auditor.results.io import parse_stored
from auditor.verify.bundle.archive import unpack
from auditor.verify.bundle.contents import RESULT
from auditor.verify.command import CommandReader
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.limits import read_limited, require_size
from auditor.verify.open import batch_of


def open_dealt(
    path: Path,
    *,
    plan: Path | None,
    data: Mapping[str, str] | None = None,
    batch: Path | None = None,
    models: Mapping[str, str] | None = None,
    base: str | None = None,
    tokenizer: str | None = None,
    rescoring: bool = False,
    long: bool = False,
    reader: CommandReader | None = None,
) -> DealtSubject | None:
    """Read the result of a test; None where the file is the result of something else.

    Args:
        path: A result.json, or a zip of `auditor bundle`.
        plan: The folder of the plan.
        data: Path of the files of a test without a plan, by `order` or `identifiers`.
        batch: The batch.json of its batch; looked for as `open_subject` does where none is given.
        models: Path of each model by its label.
        base: Base of the tested adapter, in place of the one that it names.
        tokenizer: Folder of the tokenizer of the tested model, in place of its own.
        rescoring: Whether the candidates are scored again.
        long: Whether figures that take more than minutes are recomputed.
        reader: Reads the recorded command.

    Raises:
        UsageError: It cannot be read, or is no result at all.
    """
    files: dict[str, bytes] = {}
    try:
        if path.is_file() and zipfile.is_zipfile(path):
            files = unpack(path)
        written = files[RESULT] if files else read_limited(path, long=long)
    except OSError as error:
        raise cannot_read(path, error) from error
    if b'"test"' not in written:
        return None
    require_size(path, len(written), long=long)
    result = parse_stored(written, path)
    if not isinstance(result, DealtResult):
        return None
    return DealtSubject(
        result,
        written,
        files,
        plan,
        dict(data or {}),
        dict(models or {}),
        base,
        tokenizer,
        rescoring=rescoring,
        long=long,
        reader=reader,
        batch=batch_of(batch, path, written, bundled=bool(files)),
    )

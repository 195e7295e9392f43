"""Opening the bytes of a file of documents, and the digest over the files of a corpus."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from auditor.core.contents import EMPTY, HEAD_BYTES, stand_in
from auditor.core.errors import UsageError
from auditor.splicing.file_format import SpliceableFile, SpliceFormat


def open_file(raw: bytes, form: SpliceFormat, column: str, where: str) -> SpliceableFile:
    """Open the bytes of a file.

    Raises:
        UsageError: It cannot be spliced safely; the message names the file.
    """
    head = raw[: HEAD_BYTES + 1]
    standing = stand_in(head[:HEAD_BYTES], form.content, whole=len(head) <= HEAD_BYTES)
    if standing not in (None, EMPTY):
        assert standing is not None
        raise UsageError(f"{where}: {standing.sentence}", hint=standing.hint)
    try:
        return form.open(raw, column)
    except UsageError as error:
        raise type(error)(f"{where}: {error.message}", hint=error.hint) from None


def tree_sha256(digests: Iterable[tuple[str, str]]) -> str:
    """Hex digest over the names of the files and the digests of their bytes, a line of JSON for each."""
    digest = hashlib.sha256()
    for name, sha256 in digests:
        digest.update(json.dumps([name, sha256]).encode("ascii") + b"\n")
    return digest.hexdigest()

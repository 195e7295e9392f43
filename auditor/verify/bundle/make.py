"""Make a bundle from a stored result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from auditor.audit.chat import recorded_format
from auditor.audit.inputs import all_as_read, inputs_of_result
from auditor.core.errors import UsageError
from auditor.core.files import read_bytes, read_paths, refuse_read
from auditor.corpora.read import read_for_audit
from auditor.results.io import content_digest, parse_result
from auditor.results.result import AuditResult, Side
from auditor.verify.bundle.archive import pack
from auditor.verify.bundle.contents import make_files, text_names


def check_bundle(path: Path, *, inputs: Sequence[str | Path]) -> None:
    """Refuse a bundle that could not be written or would overwrite what is read.

    Args:
        path: Where to write.
        inputs: What is read.

    Raises:
        UsageError: It has another extension, is a folder, or is or lies in what is read.
    """
    if path.suffix.lower() != ".zip":
        raise UsageError(f"output {str(path)!r}: a bundle is a .zip", hint="Name it so, such as audit.zip.")
    if path.is_dir():
        raise UsageError(f"output {str(path)!r} is a folder", hint="Name a file in it, such as audit.zip.")
    refuse_read(path, read_paths(inputs))


def make_bundle(path: Path, *, reveal: bool, sources: Mapping[str, str]) -> bytes:
    """Pack a result with the files that belong to it.

    Args:
        path: The result.json.
        reveal: Whether the texts of both sides go in.
        sources: Path of a side by role, where it differs from the configuration.

    Raises:
        UsageError: The result cannot be read or was changed after it was written; it holds excerpts and `reveal` is not
            asked for; or the texts are not those of the audit.
    """
    written = read_bytes(path)
    result = parse_result(written, path)
    if result.content_sha256 != content_digest(result):
        raise UsageError(
            f"{path} was changed after it was written",
            hint="See `auditor verify`, and run the audit again.",
        )
    if not reveal and any(document.excerpt is not None or document.marks is not None for document in result.documents):
        raise UsageError(
            f"{path} holds excerpts of the documents, as its audit was run with --reveal",
            hint="Give --reveal here too, or run the audit again without it, which scores nothing again.",
        )
    return pack(make_files(result, written, _texts(result, sources) if reveal else {}))


def _texts(result: AuditResult, sources: Mapping[str, str]) -> dict[str, bytes]:
    inputs = inputs_of_result(result)
    settings, texts = inputs.settings, dict[tuple[str, str], str]()
    sides: tuple[tuple[Side, str], ...] = (("suspect", settings.suspect), ("heldout", settings.heldout))
    for side, source in sides:
        chat = partial(recorded_format, result.manifest.chat, settings)
        read = read_for_audit(sources.get(side, source), settings, chat).documents
        if [document.sha256 for document in read] != [document.sha256 for document in all_as_read(inputs, side)]:
            raise UsageError(
                f"{sources.get(side, source)}: not the {side} documents of the audit",
                hint=f"Say where they are with --data {side}=PATH.",
            )
        texts |= {(side, document.sha256): document.stored for document in read}
    stored: list[tuple[str, str]] = [(document.side, document.sha256) for document in result.documents]
    stored += [(document.role, document.sha256) for document in result.left_out]
    return {name: texts[key].encode("utf-8") for name, key in zip(text_names(result), stored, strict=True)}

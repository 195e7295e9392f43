"""Renderer: one output format. Choosing one by extension, writing whole files, and reading results back."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from auditor.errors import RunError, UsageError
from auditor.plugins import did_you_mean, discover, pick
from auditor.result import SCHEMA_VERSION, AuditResult


@dataclass(frozen=True, slots=True)
class Renderer:
    """A pure function from a result to the text of one file.

    Attributes:
        name: Its short name.
        extensions: The file extensions that choose it, lower case with their dot.
        render: The function. It reads the result and nothing else, so the same result gives the same bytes.
    """

    name: str
    extensions: tuple[str, ...]
    render: Callable[[AuditResult], str] = field(repr=False)


def renderers() -> dict[str, Renderer]:
    """Every renderer by name."""
    import auditor.report

    return {renderer.name: renderer for renderer in discover(auditor.report, Renderer)}


def _by_extension(path: Path) -> Renderer:
    known = {extension: renderer for renderer in renderers().values() for extension in renderer.extensions}
    extension = path.suffix.lower()
    if extension in known:
        return known[extension]
    where = f"output {str(path)!r}"
    if not extension:
        raise UsageError(
            f"{where} has no extension to choose a format by", hint=f"Use one of {', '.join(sorted(known))}."
        )
    raise UsageError(f"{where}: no format has the extension {extension!r}", hint=did_you_mean(extension, known))


def render(result: AuditResult, path_or_format: str | Path) -> str:
    """Render a result.

    Args:
        result: The result.
        path_or_format: A format's name, or a path whose extension chooses the format. The path is not written.

    Raises:
        UsageError: No format has this name or extension.
    """
    if isinstance(path_or_format, str) and not Path(path_or_format).suffix:
        return pick(path_or_format, renderers(), what="format").render(result)
    return _by_extension(Path(path_or_format)).render(result)


def check_outputs(paths: Sequence[str | PathLike[str]], *, inputs: Sequence[str | PathLike[str]] = ()) -> None:
    """Refuse outputs that could not be written or would overwrite what is read, before any work is done.

    Args:
        paths: Where to write.
        inputs: What is read; names that are no path are passed over.

    Raises:
        UsageError: A path has an unknown extension, comes twice, is a folder, or cannot be made where it lies.
    """
    seen: set[Path] = set()
    read = [Path(name).resolve() for name in inputs if Path(name).exists()]
    for path in map(Path, paths):
        _by_extension(path)
        target = path.resolve()
        if target in seen:
            raise UsageError(f"output {str(path)!r} is named twice", hint="Give each output a path of its own.")
        seen.add(target)
        for source in read:
            if target == source or source in target.parents:
                raise UsageError(
                    f"output {str(path)!r} is or lies in {str(source)!r}, which is read",
                    hint="Write to a place of its own.",
                )
        if target.is_dir():
            raise UsageError(f"output {str(path)!r} is a folder", hint="Name a file in it, such as report.html.")
        parent = next(folder for folder in target.parents if folder.exists())
        if not parent.is_dir():
            raise UsageError(f"output {str(path)!r} lies under {str(parent)!r}, which is no folder")
        if not os.access(parent, os.W_OK):
            raise UsageError(f"output {str(path)!r}: the folder {str(parent)!r} cannot be written to")


def write_outputs(result: AuditResult, paths: Sequence[str | PathLike[str]]) -> None:
    """Write a result to each path in the format of its extension. Missing folders are made.

    Everything is rendered before anything is written, and each file appears whole or not at all.

    Raises:
        UsageError: As `check_outputs`.
        RunError: The file system refused.
    """
    check_outputs(paths)
    texts = [(path, _by_extension(path).render(result)) for path in map(Path, paths)]
    for path, text in texts:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    target = path.resolve()
    partial = target.parent / f".auditor-{secrets.token_hex(8)}.tmp"
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("x", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    except OSError as error:
        raise RunError(f"could not write {str(path)!r}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def load_result(path: str | PathLike[str]) -> AuditResult:
    """Read a result written as JSON.

    Raises:
        UsageError: The file is missing, is not JSON, has another schema version, or does not hold a whole result.
    """
    path = Path(path)
    try:
        data = json.loads(path.read_bytes().decode("utf-8-sig"), parse_constant=_refuse)
    except OSError as error:
        raise UsageError(f"cannot read {str(path)!r}: {error.strerror or error}") from error
    except json.JSONDecodeError as error:
        hint = "Give the .json file an audit wrote; the HTML and Markdown reports cannot be read back."
        raise UsageError(f"{path}:{error.lineno}:{error.colno}: not JSON: {error.msg}", hint=hint) from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: not a result: {error}") from error
    _check_version(path, data)
    try:
        return AuditResult.model_validate(data)
    except ValidationError as error:
        raise UsageError(_describe(path, error), hint="The file was cut or edited; run the audit again.") from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a JSON number")


def _check_version(path: Path, data: Any) -> None:
    if not isinstance(data, dict) or "schema_version" not in data:
        raise UsageError(f"{path}: no schema_version at the top", hint="Give the .json file an audit wrote.")
    if data["schema_version"] != SCHEMA_VERSION:
        manifest = data.get("manifest")
        writer = manifest.get("auditor_version") if isinstance(manifest, dict) else None
        raise UsageError(
            f"{path}: schema version {data['schema_version']!r}, but this auditor reads {SCHEMA_VERSION!r}",
            hint=f"It was written by auditor {writer}; use that version." if isinstance(writer, str) else "",
        )


def _describe(path: Path, error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_input=False, include_context=False)
    lines = [f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems[:5]]
    more = len(problems) - len(lines)
    return f"{path}: not a whole result: " + "; ".join(lines) + (f"; and {more} more" if more else "")

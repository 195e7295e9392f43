"""Renderer: one output format of a result."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from auditor.core.registry import discover, pick
from auditor.report.output_format import OutputFormat, check_paths, format_for, write_all
from auditor.results.dealt.result import DealtResult
from auditor.results.result import AuditResult


class Renderer(OutputFormat[AuditResult]):
    """A pure function from a result to the text of one file; see `OutputFormat`."""

    __slots__ = ()


def renderers() -> dict[str, Renderer]:
    """Every renderer by name."""
    import auditor.report

    return {renderer.name: renderer for renderer in discover(auditor.report, Renderer)}


def render(result: AuditResult | DealtResult, path_or_format: str | Path) -> str:
    """Render a result.

    Args:
        result: The result.
        path_or_format: A format's name, or a path whose extension chooses the format. The path is not written.

    Raises:
        UsageError: No format has this name or extension.
    """
    known = _forms(result)
    if isinstance(path_or_format, str) and not Path(path_or_format).suffix:
        return pick(path_or_format, known, what="format").render(result)
    return format_for(Path(path_or_format), known.values()).render(result)


def check_outputs(paths: Sequence[str | PathLike[str]], *, inputs: Sequence[str | PathLike[str]] = ()) -> None:
    """Refuse outputs of a result that could not be written, before any work is done; see `check_paths`."""
    check_paths(paths, renderers().values(), inputs=inputs)


def write_outputs(result: AuditResult | DealtResult, paths: Sequence[str | PathLike[str]]) -> None:
    """Write a result to each path in the format of its extension. Missing folders are made.

    Everything is rendered before anything is written; the files of two results never stand together (`write_files`).

    Raises:
        UsageError: As `check_outputs`.
        RunError: The file system refused.
    """
    write_all(result, paths, _forms(result).values())


def _forms(result: AuditResult | DealtResult) -> dict[str, OutputFormat[Any]]:
    """The renderers of a kind of result."""
    if isinstance(result, AuditResult):
        return dict(renderers())
    from auditor.report.dealt.renderer import dealt_renderers

    return dict(dealt_renderers())

"""DealtRenderer: one output format of a test of dealt material."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

from auditor.core.registry import discover
from auditor.report.output_format import OutputFormat, check_paths, write_all
from auditor.results.dealt.result import DealtResult


class DealtRenderer(OutputFormat[DealtResult]):
    """A pure function from a result to the text of one file; see `OutputFormat`."""

    __slots__ = ()


def dealt_renderers() -> dict[str, DealtRenderer]:
    """Every renderer of a test by name."""
    import auditor.report.dealt

    return {renderer.name: renderer for renderer in discover(auditor.report.dealt, DealtRenderer)}


def check_dealt_outputs(paths: Sequence[str | PathLike[str]], *, inputs: Sequence[str | PathLike[str]] = ()) -> None:
    """Refuse outputs of a test that could not be written, before any work is done; see `check_paths`."""
    check_paths(paths, dealt_renderers().values(), inputs=inputs)


def write_dealt_outputs(result: DealtResult, paths: Sequence[str | PathLike[str]]) -> None:
    """Write a result to each path in the format of its extension; see `write_all`."""
    write_all(result, paths, dealt_renderers().values())

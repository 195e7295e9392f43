"""BatchRenderer: one file of a batch's folder, or the text on the screen."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.core.registry import discover
from auditor.report.output_format import OutputFormat
from auditor.results.batch import BatchResult


@dataclass(frozen=True, slots=True)
class BatchRenderer(OutputFormat[BatchResult]):
    """A pure function from what a batch came to, to the text of one file; see `OutputFormat`.

    Attributes:
        filename: The file in the folder of the batch; empty for the text on the screen.
    """

    filename: str = ""


def batch_renderers() -> dict[str, BatchRenderer]:
    """Every renderer of a batch by name."""
    import auditor.batch.report

    return {renderer.name: renderer for renderer in discover(auditor.batch.report, BatchRenderer)}

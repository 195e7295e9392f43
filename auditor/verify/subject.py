"""The subject of a verification: a stored result, and what it may be held against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from auditor.audit.conclude import conclude
from auditor.audit.inputs import AuditInputs, inputs_of_result
from auditor.core.errors import UsageError
from auditor.features.table import TARGET_LABEL
from auditor.results.result import AuditResult, ModelSummary
from auditor.verify.bundle.contents import text_names
from auditor.verify.differences import TreeComparison, compare

MOST_PERMUTATIONS = 1_000_000
"""A file that asks for more is refused: its permutations would not fit into memory."""
MOST_WORK = 100_000_000_000
"""Permutations times cells of tables that are made again unasked: some two minutes of one core, and a hundred times an
audit of two sets of 200 documents."""


class TooLongError(UsageError):
    """The figures of a result take too long to be made again."""


@dataclass(frozen=True)
class Subject:
    """What is verified, and against what.

    Attributes:
        result: The result.
        raw: The bytes of its file.
        path: Where the file is; None where it is nowhere.
        data: Path of the documents by role: suspect, heldout, placebo, general.
        models: Path of the models by role, label or name of a checkpoint.
        batch: The batch.json of the batch it belongs to; None where there is none.
        bundle: The other files of its bundle by name; empty outside one.
        anew: Whether everything is to be scored again.
        long: Whether figures are made again that take more than `MOST_WORK`.
    """

    result: AuditResult
    raw: bytes
    path: Path | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    batch: Path | None = None
    bundle: Mapping[str, bytes] = field(default_factory=dict)
    anew: bool = False
    long: bool = False

    @property
    def given(self) -> frozenset[str]:
        """What it is held against: `data ROLE` for each set, `models` where all are given, `batch`, `again`."""
        given = {f"data {role}" for role in self.data}
        given |= {"models"} if set(self.known_models) <= set(self.models) else set()
        given |= {"again"} if self.anew else set()
        return frozenset(given | ({"batch"} if self.batch is not None else set()))

    @cached_property
    def known_models(self) -> dict[str, tuple[int, ModelSummary]]:
        """The models and their places by what they can be called: `target`, the label of a reference, a checkpoint."""
        numerics = () if self.result.measurements is None else self.result.measurements.numerics
        labels = iter([label for label in numerics if label != TARGET_LABEL])
        known: dict[str, tuple[int, ModelSummary]] = {}
        for place, model in enumerate(self.result.manifest.models):
            name = {"target": TARGET_LABEL, "checkpoint": model.name}.get(model.role) or next(labels, "")
            known.setdefault(name, (place, model))
        return known

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the documents, where the bundle holds them all."""
        names = text_names(self.result)
        if not all(name in self.bundle for name in names):
            return []
        return [self.bundle[name].decode("utf-8", "replace") for name in names]

    @cached_property
    def gathered(self) -> AuditInputs:
        """What the result was concluded from.

        Raises:
            UsageError: It does not fit together.
            TooLongError: It has more permutations than may be made again.
        """
        found = inputs_of_result(self.result)
        permutations, cells = found.settings.permutations, _cells(found)
        if permutations > MOST_PERMUTATIONS:
            raise TooLongError(f"{permutations:,} permutations are too many to be made again")
        if permutations * cells > MOST_WORK and not self.long:
            raise TooLongError(
                f"{permutations:,} permutations of {cells:,} kept figures take more than minutes to be made again",
                hint="Give --long if the file is meant to hold so many.",
            )
        return found

    @cached_property
    def again(self) -> AuditResult:
        """The result concluded again.

        Raises:
            UsageError: It cannot be concluded.
        """
        return conclude(self.gathered)

    @cached_property
    def compared(self) -> TreeComparison:
        """The result beside itself, concluded again; the seal is asked for elsewhere.

        Raises:
            UsageError: It cannot be concluded.
        """
        return compare(_tree(self.result), _tree(self.again))


def _cells(found: AuditInputs) -> int:
    """Figures in all tables that are permuted."""
    kept = found.measurements
    tables = [kept.features, kept.text, *kept.controls.values()]
    if kept.series is not None:
        tables += [table for some in kept.series.sets.values() for table in some.features]
    return sum(len(table.values) * len(table.columns) for table in tables)


def _tree(result: AuditResult) -> dict[str, Any]:
    # What is kept is handed on as it is, and would only add to the count of what agrees.
    return result.model_dump(mode="json", exclude={"content_sha256", "measurements"})


def is_here(source: str) -> bool:
    """Whether the source of a model is a place on this machine, where revisions have no meaning."""
    return Path(source).expanduser().exists()

"""The subject of a verification: a stored result and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from auditor.audit.choices import with_default_thresholds
from auditor.audit.conclude import conclude
from auditor.audit.inputs import AuditInputs, inputs_of_result
from auditor.features.table import TARGET_LABEL
from auditor.models.backend import LoadOptions
from auditor.models.loading import with_fitting_base
from auditor.results.result import AuditResult, ModelSummary, Verdict
from auditor.verify.bundle.contents import text_names
from auditor.verify.command import CommandReader
from auditor.verify.differences import TreeComparison, compare
from auditor.verify.work import require_feasible


@dataclass(frozen=True)
class Subject:
    """A result to verify and what it is compared with.

    Attributes:
        result: The result.
        raw: The bytes of its file.
        path: Path of the file; None where there is none.
        data: Path of the documents by role: suspect, heldout, placebo, general.
        models: Path of the models by role, label or name of a checkpoint.
        base: Base of the audited adapter and of checkpoints; None for the one that they name.
        tokenizer: Folder of the tokenizer of the audited model and of checkpoints; None for their own.
        batch: The batch.json of its batch; None where there is none.
        bundle: The other files of its bundle by name; empty outside one.
        rescoring: Whether everything is scored again.
        long: Whether figures that take more than `MOST_WORK` are recomputed.
        reader: Reads the recorded command; it is not checked without one.
    """

    result: AuditResult
    raw: bytes
    path: Path | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    tokenizer: str | None = None
    batch: Path | None = None
    bundle: Mapping[str, bytes] = field(default_factory=dict)
    rescoring: bool = False
    long: bool = False
    reader: CommandReader | None = None

    @property
    def available(self) -> frozenset[str]:
        """What it is compared with.

        `data ROLE` for each set, `models` where all are given, `tokenizer` where that of the audited model has the chat
        template, `batch`, `config`, `again`.
        """
        available = {f"data {role}" for role in self.data}
        available |= {"models"} if set(self.known_models) <= set(self.models) else set()
        available |= {"tokenizer"} if self.template_model is not None else set()
        available |= {"again"} if self.rescoring else set()
        available |= {"config"} if self.reader is not None and self.reader.configuration is not None else set()
        return frozenset(available | ({"batch"} if self.batch is not None else set()))

    @property
    def template_model(self) -> str | None:
        """The name of the given model whose tokenizer has the chat template; None where none is given or has it."""
        configuration = self.result.manifest.configuration
        if self.result.manifest.chat is None or configuration.get("chat_template") is not None:
            return None
        audited = [name for name, (_, model) in self.known_models.items() if model.role != "reference"]
        decides = TARGET_LABEL if TARGET_LABEL in audited else next(reversed(audited), None)
        return decides if decides in self.models else None

    @cached_property
    def known_models(self) -> dict[str, tuple[int, ModelSummary]]:
        """Index and record of each model by its name: `target`, the label of a reference, or a checkpoint."""
        numerics = () if self.result.measurements is None else self.result.measurements.numerics
        labels = iter([label for label in numerics if label != TARGET_LABEL])
        known: dict[str, tuple[int, ModelSummary]] = {}
        for index, model in enumerate(self.result.manifest.models):
            name = {"target": TARGET_LABEL, "checkpoint": model.name}.get(model.role) or next(labels, "")
            known.setdefault(name, (index, model))
        return known

    def options_of(self, name: str, source: str, model: ModelSummary) -> LoadOptions:
        """How a model is opened: base and tokenizer are those of the audited model and of checkpoints.

        Args:
            name: Its name.
            source: Its path here, or its name on the hub.
            model: Its record.
        """
        options = LoadOptions(revision=None if is_here(source) else model.revision)
        if model.role == "reference":
            return options
        return with_fitting_base(source, replace(options, base=self.base, tokenizer=self.tokenizer))

    @cached_property
    def texts(self) -> list[str]:
        """The texts of the documents and then of those left out, where the bundle holds them all."""
        names = text_names(self.result)
        if not all(name in self.bundle for name in names):
            return []
        return [self.bundle[name].decode("utf-8", "replace") for name in names]

    @cached_property
    def inputs(self) -> AuditInputs:
        """The inputs that the result was concluded from.

        Raises:
            UsageError: It does not fit together.
            TooLongError: Its figures take too long to recompute.
        """
        inputs = inputs_of_result(self.result)
        require_feasible(inputs, long=self.long)
        return inputs

    @cached_property
    def recomputed(self) -> AuditResult:
        """The result concluded again.

        Raises:
            UsageError: It cannot be concluded.
        """
        return conclude(self.inputs)

    @cached_property
    def under_defaults(self) -> Verdict:
        """The verdict that the same measurements have under the default thresholds.

        Raises:
            UsageError: It cannot be concluded.
        """
        settings = with_default_thresholds(self.inputs.settings)
        return conclude(replace(self.inputs, settings=settings)).verdict

    @cached_property
    def comparison(self) -> TreeComparison:
        """The stored result against the recomputed one, without the digest and the measurements.

        Raises:
            UsageError: It cannot be concluded.
        """
        return compare(_tree(self.result), _tree(self.recomputed))


def _tree(result: AuditResult) -> dict[str, Any]:
    # Measurements are the input of both, and would only add to the count of equal figures.
    return result.model_dump(mode="json", exclude={"content_sha256", "measurements"})


def is_here(source: str) -> bool:
    """Whether the source of a model is a path on this machine, where revisions have no meaning."""
    return Path(source).expanduser().exists()

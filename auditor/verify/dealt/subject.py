"""The subject of a verification: the stored result of a test of dealt material, and what it is compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from auditor.core.errors import UsageError
from auditor.core.record import Record
from auditor.dealt.conclude import MATERIAL_OF, DealtInputs, conclude_dealt, dealt_inputs_of
from auditor.dealt.natural.material import NaturalMaterial
from auditor.dealt.natural.read import read_natural
from auditor.dealt.open import OpenedBatch, PublicFiles, open_batch, open_plan
from auditor.provenance.beacon import BeaconValue
from auditor.provenance.folder import BEACON, COMMITMENT, PUBLICITY, STAMP, STAMP_ROOT, PlanFolder, Publicity
from auditor.provenance.opening import BatchOpening
from auditor.provenance.records import Commitment
from auditor.provenance.stamp import reads_stamps
from auditor.results.dealt.result import DealtResult
from auditor.verify.bundle.dealt import OPENING
from auditor.verify.command import CommandReader
from auditor.verify.limits import MOST_PERMUTATIONS, MOST_TOTALS, MOST_WORK, TooLongError

R = TypeVar("R", bound=Record)

PUBLIC = (COMMITMENT, BEACON, STAMP, STAMP_ROOT, PUBLICITY)
"""Files of a plan that anybody may have."""


@dataclass(frozen=True)
class DealtSubject:
    """A result to verify and what it is compared with.

    Attributes:
        result: The result.
        raw: The bytes of its file.
        bundle: The other files of its bundle by name; empty outside one.
        plan: The folder of the plan; None where it is not given.
        data: Path of the files of a test without a plan, by `order` or `identifiers`.
        models: Path of each model by its label; `target` is the tested one.
        base: Base of the tested adapter; None for the one that it names.
        tokenizer: Folder of the tokenizer of the tested model; None for its own.
        rescoring: Whether the candidates are scored again.
        long: Whether figures that take more than minutes are recomputed.
        reader: Reads the recorded command; it is not checked without one.
        batch: The batch.json of its batch; None where there is none.
    """

    result: DealtResult
    raw: bytes
    bundle: Mapping[str, bytes] = field(default_factory=dict)
    plan: Path | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    base: str | None = None
    tokenizer: str | None = None
    rescoring: bool = False
    long: bool = False
    reader: CommandReader | None = None
    batch: Path | None = None

    @property
    def available(self) -> frozenset[str]:
        """What it is compared with.

        `public` files of the plan, the `opening` of its batch, models scored `again`, the `batch` of audits that it was
        run in, and the `config` of that.
        """
        public = self.plan is not None or COMMITMENT in self.bundle
        opened = self.plan is not None or OPENING in self.bundle or self.role in self.data
        configured = self.reader is not None and self.reader.configuration is not None
        known = {
            "public": public,
            "opening": opened,
            "again": self.rescoring,
            "batch": self.batch is not None,
            "config": configured,
        }
        return frozenset(name for name, is_known in known.items() if is_known)

    @cached_property
    def public(self) -> PublicFiles | None:
        """What is public of the plan, from its folder or the bundle; None where neither is given.

        Raises:
            UsageError: A file is not whole.
        """
        if self.plan is not None:
            return PublicFiles.of(PlanFolder(self.plan))
        if COMMITMENT not in self.bundle:
            return None
        beacon, public = self.bundle.get(BEACON), self.bundle.get(PUBLICITY)
        return PublicFiles(
            _read(Commitment, COMMITMENT, self.bundle[COMMITMENT]),
            self.bundle[COMMITMENT],
            None if beacon is None else _read(BeaconValue, BEACON, beacon),
            self.bundle.get(STAMP),
            self.bundle.get(STAMP_ROOT),
            "" if public is None else _read(Publicity, PUBLICITY, public).address,
        )

    @property
    def role(self) -> str:
        """What the files of a test without a plan are called; empty where there was a plan."""
        return MATERIAL_OF.get(self.result.plan.design, "")

    @cached_property
    def natural(self) -> NaturalMaterial | None:
        """What the files hold, read again with the settings of the result; None where they are not given.

        Raises:
            UsageError: They cannot be read.
        """
        if self.role not in self.data:
            return None
        stored = self.result.measurements.natural
        settings = self.inputs.settings.model_copy(update={self.role: self.data[self.role]})
        return read_natural(
            settings,
            reference=self.inputs.commitment.test.reference,
            cut_rows=0 if stored is None else stored.cut_rows,
        )

    @cached_property
    def opened(self) -> OpenedBatch | None:
        """The batch of the result, opened; None where nothing opens it.

        Raises:
            UsageError: What opens it is not what was committed to.
        """
        if self.role:
            return None if self.natural is None else self.natural.opened
        number, public = self.result.plan.batch, self.public
        if public is not None and not reads_stamps():
            # The opening needs no stamp: the question of its own says that it was not read.
            public = replace(public, stamp=None)
        if self.plan is not None:
            return open_plan(str(self.plan), number, public)
        if OPENING not in self.bundle or public is None:
            return None
        opening = _read(BatchOpening, OPENING, self.bundle[OPENING])
        return open_batch(public, number, opening.units, opening.secret)

    @cached_property
    def inputs(self) -> DealtInputs:
        """What the result was concluded from.

        Raises:
            UsageError: It does not fit together.
            TooLongError: Its figures take too long to recompute.
        """
        inputs = dealt_inputs_of(self.result)
        tables = inputs.measurements.features.values()
        work = inputs.settings.permutations * sum(table.values.size for table in tables)
        permutations, widest = inputs.settings.permutations, max((len(table.columns) for table in tables), default=0)
        if tables and (permutations > MOST_PERMUTATIONS or permutations * widest > MOST_TOTALS):
            raise TooLongError(f"{permutations:,} permutations of {widest:,} columns are too many to recompute")
        if work > MOST_WORK and not self.long:
            raise TooLongError(
                f"recomputing takes about {work:,} steps, and at most {MOST_WORK:,} are taken",
                hint="Give --long if it is meant to be so large.",
            )
        return inputs

    @cached_property
    def recomputed(self) -> DealtResult:
        """The result concluded again; raises UsageError where it cannot be."""
        return conclude_dealt(self.inputs)


def _read(kind: type[R], name: str, written: bytes) -> R:
    try:
        return kind.model_validate_json(written)
    except ValidationError as error:
        raise UsageError(f"{name} of the bundle is not whole ({error.error_count()} faults)") from error

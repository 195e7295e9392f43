"""The file that opens one batch to another party: its key and its units, and nothing of any other batch."""

from __future__ import annotations

from auditor.core.record import Record
from auditor.provenance.records import BatchSecret, Unit


class BatchOpening(Record):
    """What opens a batch: whoever has it can derive its coins, and sees all its candidates."""

    secret: BatchSecret
    units: tuple[Unit, ...]

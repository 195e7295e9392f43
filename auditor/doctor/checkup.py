"""Checkup: what `auditor doctor` found, as it is written to JSON."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record
from auditor.results.guards import GuardFigure

CHECKUP_SCHEMA_VERSION: Literal["2.0"] = "2.0"


class Device(Record):
    """An accelerator that torch sees."""

    name: str
    """What --device calls it."""

    model: str
    """What its maker calls it."""

    memory_bytes: Count | None
    """Its memory; None where torch does not say."""

    free_bytes: Count | None
    """How much of that is free now; None where torch does not say."""


class Machine(Record):
    """Where an audit would run."""

    system: str
    """Operating system and processor architecture."""

    cores: Count
    """Processor cores this process may use."""

    threads: Count
    """Threads torch uses."""

    memory_bytes: Count
    """Memory of the machine, or of the container where that is limited to less."""

    free_bytes: Count
    """How much of it can still be had."""

    devices: tuple[Device, ...]
    """Accelerators; empty where there is none."""

    chosen: str
    """The device that --device means here."""


class CacheFolder(Record):
    """The folder in which scores are kept."""

    path: str
    """Where it is."""

    records: Count
    """Texts whose scores it holds."""

    size_bytes: Count
    """Size of its files."""

    free_bytes: Count | None
    """Room left on its disk; None where it cannot be used."""

    problem: str
    """Why it cannot be used; empty where it can."""


class Parity(Record):
    """Whether the backend can be trusted: the probes that the numerics guard uses, held to the same limits."""

    passed: bool
    """Whether it can."""

    text: Literal["built-in", "given documents"]
    """`built-in`, or that the probes come from the documents given."""

    reason: str
    """What was seen."""

    remediation: str
    figures: tuple[GuardFigure, ...]
    """What was measured."""


class Speed(Record):
    """How fast documents are scored, and how long an audit takes at that speed."""

    documents: Count
    """Documents of the audit, both sides together."""

    tokens_each: Count
    """Tokens of each in the sample that was timed, on average; special tokens included."""

    views: Count
    """How often each document is scored: as it is and changed, as the default features need it."""

    sampled: Count
    """Documents that were timed."""

    sampled_tokens: Count
    """Tokens that the model read for them."""

    sampled_seconds: Number
    """How long that took."""

    load_seconds: Number
    """How long it took to load the model."""

    audit_seconds: Number
    """Estimate for the audit: load, and all documents at the speed of the sample."""

    @property
    def tokens_per_second(self) -> float:
        """Tokens the model read a second."""
        return self.sampled_tokens / max(self.sampled_seconds, 1e-9)


class ModelCheckup(Record):
    """One model on this machine."""

    source: str
    """As named."""

    kind: str
    """How it was opened."""

    dtype: str
    """Number format in memory."""

    device: str
    """Where it ran."""

    context: Count
    """Longest window in tokens."""

    parity: Parity
    """Whether its backend can be trusted."""

    speed: Speed | None
    """None where it cannot."""

    peak_memory_bytes: Count | None
    """Most memory in use so far: of the device, or of the whole process on a CPU; None where the system does not
    say."""


class Checkup(Record):
    """Everything that was found."""

    schema_version: Literal["2.0"] = CHECKUP_SCHEMA_VERSION
    auditor_version: str
    """Of this program."""

    python: str
    """Version of Python."""

    packages: dict[str, str]
    """Versions of the libraries that make figures."""

    machine: Machine
    """Where an audit would run."""

    cache: CacheFolder
    """Where scores are kept."""

    model: ModelCheckup | None
    """The model that was named; None where none was."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What would stop an audit, or make its figures wrong."""
        found = [self.cache.problem] if self.cache.problem else []
        if self.model is not None and not self.model.parity.passed:
            found.append(self.model.parity.reason)
        return tuple(found)

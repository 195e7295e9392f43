"""Checkup: what `auditor doctor` found, as it is written to JSON."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record
from auditor.results.guards import Figure

CHECKUP_SCHEMA_VERSION: Literal["1.0"] = "1.0"


class Device(Record):
    """An accelerator that torch sees.

    Attributes:
        name: What --device calls it.
        model: What its maker calls it.
        memory_bytes: Its memory; None where torch does not say.
        free_bytes: How much of that is free now; None where torch does not say.
    """

    name: str
    model: str
    memory_bytes: Count | None
    free_bytes: Count | None


class Machine(Record):
    """Where an audit would run.

    Attributes:
        system: Operating system and processor architecture.
        cores: Processor cores this process may use.
        threads: Threads torch uses.
        memory_bytes: Memory of the machine, or of the container where that is limited to less.
        free_bytes: How much of it can still be had.
        devices: Accelerators; empty where there is none.
        chosen: The device that --device means here.
    """

    system: str
    cores: Count
    threads: Count
    memory_bytes: Count
    free_bytes: Count
    devices: tuple[Device, ...]
    chosen: str


class CacheFolder(Record):
    """The folder in which scores are kept.

    Attributes:
        path: Where it is.
        records: Texts whose scores it holds.
        size_bytes: Size of its files.
        free_bytes: Room left on its disk; None where it cannot be used.
        problem: Why it cannot be used; empty where it can.
    """

    path: str
    records: Count
    size_bytes: Count
    free_bytes: Count | None
    problem: str


class Parity(Record):
    """Whether the backend can be trusted: the probes that the numerics guard uses, held to the same limits.

    Attributes:
        passed: Whether it can.
        text: `built-in`, or that the probes come from the documents given.
        reason: What was seen.
        mend: What would help; empty where it passed.
        figures: What was measured.
    """

    passed: bool
    text: Literal["built-in", "given documents"]
    reason: str
    mend: str
    figures: tuple[Figure, ...]


class Speed(Record):
    """How fast documents are scored, and how long an audit takes at that speed.

    Attributes:
        documents: Documents of the audit, both sides together.
        tokens_each: Tokens of each in the sample that was timed, on average; special tokens included.
        views: How often each document is scored: as it is and changed, as the default features need it.
        sampled: Documents that were timed.
        sampled_tokens: Tokens that the model read for them.
        sampled_seconds: How long that took.
        load_seconds: How long it took to load the model.
        audit_seconds: Estimate for the audit: load, and all documents at the speed of the sample.
    """

    documents: Count
    tokens_each: Count
    views: Count
    sampled: Count
    sampled_tokens: Count
    sampled_seconds: Number
    load_seconds: Number
    audit_seconds: Number

    @property
    def tokens_per_second(self) -> float:
        """Tokens the model read a second."""
        return self.sampled_tokens / max(self.sampled_seconds, 1e-9)


class ModelCheckup(Record):
    """One model on this machine.

    Attributes:
        source: As named.
        kind: How it was opened.
        dtype: Number format in memory.
        device: Where it ran.
        context: Longest window in tokens.
        parity: Whether its backend can be trusted.
        speed: None where it cannot.
        peak_memory_bytes: Most memory in use so far: of the device, or of the whole process on a CPU; None where the
            system does not say.
    """

    source: str
    kind: str
    dtype: str
    device: str
    context: Count
    parity: Parity
    speed: Speed | None
    peak_memory_bytes: Count | None


class Checkup(Record):
    """Everything that was found.

    Attributes:
        auditor_version: Of this program.
        python: Version of Python.
        packages: Versions of the libraries that make figures.
        machine: Where an audit would run.
        cache: Where scores are kept.
        model: The model that was named; None where none was.
    """

    schema_version: Literal["1.0"] = CHECKUP_SCHEMA_VERSION
    auditor_version: str
    python: str
    packages: dict[str, str]
    machine: Machine
    cache: CacheFolder
    model: ModelCheckup | None

    @property
    def problems(self) -> tuple[str, ...]:
        """What would stop an audit, or make its figures wrong."""
        found = [self.cache.problem] if self.cache.problem else []
        if self.model is not None and not self.model.parity.passed:
            found.append(self.model.parity.reason)
        return tuple(found)

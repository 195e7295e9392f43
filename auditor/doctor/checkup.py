"""Checkup: the result of `auditor doctor`, as written to JSON."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Count, Number, Record, Share
from auditor.results.guards import GuardFigure

CHECKUP_SCHEMA_VERSION: Literal["2.0"] = "2.0"


class Device(Record):
    """An accelerator that torch sees."""

    name: str
    """Its name for --device."""

    model: str
    """Its maker's name for it."""

    memory_bytes: Count | None
    """Its memory; None where torch does not report it."""

    free_bytes: Count | None
    """Free memory; None where torch does not report it."""


class Machine(Record):
    """Where an audit would run."""

    system: str
    """Operating system and processor architecture."""

    cores: Count
    """Processor cores this process may use."""

    threads: Count
    """Threads torch uses."""

    memory_bytes: Count
    """Memory of the machine, or the limit of the container if lower."""

    free_bytes: Count
    """Memory that is available now."""

    devices: tuple[Device, ...]
    """Accelerators; empty where there is none."""

    chosen: str
    """The device that --device selects here."""


class CacheFolder(Record):
    """The folder of the score store."""

    path: str
    """Its path."""

    records: Count
    """Number of stored records, each a text under a model."""

    size_bytes: Count
    """Size of its files."""

    free_bytes: Count | None
    """Free space on its disk; None where it cannot be used."""

    problem: str
    """Why it cannot be used; empty where it can."""


class Parity(Record):
    """Whether the backend can be trusted: the probes and limits of the numerics guard."""

    passed: bool
    """Whether all probes are within their limits."""

    text: Literal["built-in", "given documents"]
    """Whether the probes are built-in texts or the given documents."""

    reason: str
    """The figures in a sentence."""

    remediation: str
    """What to do; empty where nothing is needed."""

    figures: tuple[GuardFigure, ...]
    """The measured figures with their limits."""


class EngineTest(Record):
    """Whether the statistical engine is calibrated: random halves of simulated data must not differ."""

    passed: bool
    """Whether the p-values of the halves are distributed as they must be."""

    reason: str
    """The figures in a sentence."""

    remediation: str
    """What to do; empty where nothing is needed."""

    uniformity_p: Share
    """Two-sample Kolmogorov-Smirnov p-value of the halves against the permutations."""

    level: Share
    """Level that it is compared with."""

    halves: Count
    """Number of random halves."""

    share_below: Share
    """Share of their p-values at or below 0.05."""


class Speed(Record):
    """How fast documents are scored, and how long an audit takes at that speed."""

    documents: Count
    """Documents of the audit, both sides together."""

    tokens_each: Count
    """Tokens of each in the sample that was timed, on average; special tokens included."""

    views: Count
    """Number of times each document is scored, unchanged and changed, for the default features."""

    sampled: Count
    """Timed documents."""

    sampled_tokens: Count
    """Tokens that the model read for the timed documents."""

    sampled_seconds: Number
    """Duration of the timed scoring."""

    load_seconds: Number
    """Duration of loading the model."""

    audit_seconds: Number
    """Estimate for the audit: load, and all documents at the speed of the sample."""

    @property
    def tokens_per_second(self) -> float:
        """Tokens the model reads per second."""
        return self.sampled_tokens / max(self.sampled_seconds, 1e-9)


class ModelCheckup(Record):
    """One model on this machine."""

    source: str
    """Path or name as given."""

    kind: str
    """Kind of model."""

    dtype: str
    """Number format in memory."""

    device: str
    """Device it ran on."""

    context: Count
    """Longest window in tokens."""

    documents: str = ""
    """The documents of the audit and what is left out of them, in words; empty where none are at hand."""

    parity: Parity
    """Whether its backend can be trusted."""

    speed: Speed | None
    """Its speed; None where the backend cannot be trusted."""

    peak_memory_bytes: Count | None
    """Most memory in use so far: of the device, or of the whole process on a CPU; None where the system does
    not report it."""


class Checkup(Record):
    """The machine, the score store and a model."""

    schema_version: Literal["2.0"] = CHECKUP_SCHEMA_VERSION
    auditor_version: str
    """Version of this program."""

    python: str
    """Version of Python."""

    packages: dict[str, str]
    """Versions of the libraries that figures depend on."""

    machine: Machine
    """Where an audit would run."""

    cache: CacheFolder
    """The score store."""

    engine: EngineTest
    """The self-test of the statistical engine."""

    model: ModelCheckup | None
    """The named model; None where none was named."""

    @property
    def problems(self) -> tuple[str, ...]:
        """Everything that would stop an audit or make its figures wrong."""
        problems = [self.cache.problem] if self.cache.problem else []
        if not self.engine.passed:
            problems.append(f"{self.engine.reason} {self.engine.remediation}")
        if self.model is not None and not self.model.parity.passed:
            problems.append(self.model.parity.reason)
        return tuple(problems)

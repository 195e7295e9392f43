"""A checkup as text for people."""

from __future__ import annotations

import textwrap

from auditor.core.text import amount, visible
from auditor.doctor.checkup import CacheFolder, Checkup, Machine, ModelCheckup, Speed
from auditor.report.text import format_number

_WIDTH = 100
_LABEL = 12
_LEFT_OUT = (
    "An estimate at the speed of the sample; other programs, longer documents or other --features change it. Not "
    "included: reading the data, the statistics and guards, and reference models and checkpoints, each of which takes "
    "about as long again. Scores that are in the store take no time."
)


def checkup_text(checkup: Checkup) -> str:
    """The checkup in words; its problems come last.

    Returns:
        Lines of at most 100 characters except for long paths, ending in a line feed.
    """
    lines = [
        _entry("Version", f"auditor {checkup.auditor_version}, Python {checkup.python}"),
        _entry("Libraries", ", ".join(f"{name} {version}" for name, version in checkup.packages.items())),
        *_machine(checkup.machine),
        *_cache(checkup.cache),
        _entry("Engine", f"{'passed' if checkup.engine.passed else 'FAILED'}: {checkup.engine.reason}"),
        *([] if checkup.model is None else _model(checkup.model)),
        "",
    ]
    if checkup.problems:
        lines += [_entry("PROBLEM", problem) for problem in checkup.problems]
    else:
        lines.append("No problem found." if checkup.model else "No problem found; no model was checked (--model).")
    return "\n".join(lines) + "\n"


def _machine(machine: Machine) -> list[str]:
    lines = [
        _entry(
            "Machine",
            f"{machine.system}, {amount(machine.cores, 'core')}, {amount(machine.threads, 'thread')}; memory "
            f"{size(machine.memory_bytes)}, {size(machine.free_bytes)} of it free",
        )
    ]
    for device in machine.devices:
        memory = ""
        if device.memory_bytes is not None and device.free_bytes is not None:
            memory = f"; memory {size(device.memory_bytes)}, {size(device.free_bytes)} of it free"
        lines.append(_entry("Device", f"{device.name}: {device.model}{memory}"))
    lines.append(_entry("Runs on", machine.chosen))
    return lines


def _cache(cache: CacheFolder) -> list[str]:
    if cache.free_bytes is None:
        return [_entry("Store", f"{cache.path}: cannot be used")]
    content = f"{amount(cache.records, 'text')} in {size(cache.size_bytes)}"
    return [_entry("Store", f"{cache.path}: {content}; {size(cache.free_bytes)} of free disk space")]


def _model(model: ModelCheckup) -> list[str]:
    parity = model.parity
    peak = "" if model.peak_memory_bytes is None else f"; at most {size(model.peak_memory_bytes)} of memory in use"
    data = [_entry("Documents", model.documents)] if model.documents else []
    lines = [
        "",
        *data,
        _entry(
            "Model", f"{model.source} ({model.kind}), {model.dtype} on {model.device}, context {model.context:,}{peak}"
        ),
        _entry(
            "Parity",
            f"{'passed' if parity.passed else 'FAILED'} on {parity.text}: {parity.reason} {parity.remediation}",
        ),
    ]
    if model.speed is None:
        return [*lines, _entry("Speed", "not measured: the figures could not be trusted")]
    speed = model.speed
    return [*lines, _entry("Speed", _speed(speed)), _entry("An audit", _audit(speed)), _entry("", _LEFT_OUT)]


def _speed(speed: Speed) -> str:
    return (
        f"{format_number(float(f'{speed.tokens_per_second:.3g}'))} tokens/s: "
        f"{amount(speed.sampled_tokens, 'token')} of {amount(speed.sampled, 'document')} in "
        f"{speed.sampled_seconds:.1f} s, after {speed.load_seconds:.1f} s of loading"
    )


def _audit(speed: Speed) -> str:
    return (
        f"of {amount(speed.documents, 'document')} of {amount(speed.tokens_each, 'token')} each, both sides together, "
        f"each scored {speed.views} times (as it is and changed): about {duration(speed.audit_seconds)}"
    )


def duration(seconds: float) -> str:
    """A duration in units that suit an estimate."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = seconds / 60
    if minutes < 90:
        return f"{round(minutes)} minutes"
    return f"{minutes / 60:.1f} hours" if minutes < 48 * 60 else f"{minutes / 1440:.1f} days"


def size(count: int) -> str:
    """Bytes in units of 1,024, to three digits."""
    value, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while value >= 1000 and len(units) > 1:
        value /= 1024
        units.pop(0)
    return f"{value:.3g} {units[0]}"


def _entry(label: str, text: str) -> str:
    return textwrap.fill(
        visible(" ".join(text.split())),
        _WIDTH,
        initial_indent=label.ljust(_LABEL),
        subsequent_indent=" " * _LABEL,
        break_on_hyphens=False,
        break_long_words=False,
    )

"""What each threshold decides, in the words of the class that defines it, so that no list has to be kept in step."""

from __future__ import annotations

import inspect
import re

from auditor.core.record import Record
from auditor.report.text import number

_ENTRY = re.compile(r"^(\w+): (.*)$")


def attribute_docs(kind: type) -> dict[str, str]:
    """The entries of the `Attributes:` sections of a class and its bases, each on one line."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        entries = inspect.cleandoc(base.__doc__ or "").partition("\nAttributes:\n")[2].partition("\n\n")[0]
        name = ""
        for line in entries.splitlines():
            entry = _ENTRY.match(line.removeprefix("    "))
            if entry:
                name, found[entry.group(1)] = entry.groups()
            elif name:
                found[name] += f" {line.strip()}"
    return found


def threshold_rows(thresholds: Record) -> list[tuple[str, str, str]]:
    """Each single-valued threshold: its name, its value, what it decides."""
    docs = attribute_docs(type(thresholds))
    return [(name, number(value), docs.get(name, "")) for name, value in thresholds if isinstance(value, int | float)]

"""Names of devices and number formats."""

from __future__ import annotations

import re

from auditor.core.errors import UsageError

DTYPES = ("auto", "float32", "bfloat16", "float16")


def require_device_name(wanted: str) -> None:
    """Refuse a name that is not that of a device; whether the device exists is not checked.

    Raises:
        UsageError: The name is unknown.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", wanted, re.ASCII):
        raise UsageError(f"unknown device {wanted!r}", hint="Use auto, cpu, cuda, cuda:N or mps.")

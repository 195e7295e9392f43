"""Names of devices and number formats."""

from __future__ import annotations

import re

from auditor.core.errors import UsageError

DTYPES = ("auto", "float32", "bfloat16", "float16")


def require_device_name(wanted: str) -> None:
    """Refuse what is the name of no device, whether it is there or not.

    Raises:
        UsageError: It is none.
    """
    if not re.fullmatch(r"auto|cpu|mps|cuda(:\d+)?", wanted, re.ASCII):
        raise UsageError(f"unknown device {wanted!r}", hint="Use auto, cpu, cuda, cuda:N or mps.")

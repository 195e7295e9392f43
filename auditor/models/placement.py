"""The device and number format to use, from the requested ones."""

from __future__ import annotations

from auditor.core.device import DTYPES, require_device_name
from auditor.core.errors import UsageError


def resolve_device(wanted: str) -> str:
    """An available device: `auto` takes the first CUDA device, then MPS, then the CPU.

    Raises:
        UsageError: The name is unknown or the device is not available.
    """
    require_device_name(wanted)
    if wanted == "cpu":
        return "cpu"
    import torch

    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    mps = torch.backends.mps.is_available()
    if wanted == "auto":
        return "cuda:0" if count else "mps" if mps else "cpu"
    if wanted == "mps":
        if not mps:
            raise UsageError("device mps is not available here", hint="Use --device cpu.")
        return wanted
    number = int(wanted.partition(":")[2] or 0)
    if number >= count:
        raise UsageError(f"device {wanted} is not available: {count} CUDA devices seen", hint="Use --device cpu.")
    return f"cuda:{number}"


def resolve_dtype(wanted: str, device: str, stored: str) -> str:
    """The number format of the weights: `auto` is float32 on a CPU and as stored elsewhere.

    Raises:
        UsageError: The name is unknown.
    """
    if wanted not in DTYPES:
        raise UsageError(f"unknown number format {wanted!r}", hint=f"Use one of {', '.join(DTYPES)}.")
    if wanted != "auto":
        return wanted
    return "float32" if device == "cpu" or stored == "float64" else stored

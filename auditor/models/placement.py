"""The device and number format to use, from the requested ones."""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

from auditor.core.device import DTYPES, require_device_name
from auditor.core.errors import UsageError


def resolve_device(wanted: str) -> str:
    """An available device: `auto` takes the first CUDA device, then MPS, then the CPU.

    Raises:
        UsageError: The name is unknown or the device is not available.
    """
    require_device_name(wanted)
    if wanted == "cpu" or (wanted == "auto" and not _may_have_accelerator()):
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


def _may_have_accelerator() -> bool:
    """Whether torch, whose import takes seconds, has to be asked: on Linux it needs a driver to see a device.

    libcuda is NVIDIA's driver, /dev/kfd AMD's, /dev/dxg that of either under Windows.
    """
    if sys.platform != "linux" or any(Path(device).exists() for device in ("/dev/kfd", "/dev/dxg")):
        return True
    try:
        ctypes.CDLL("libcuda.so.1")
    except OSError:
        return False
    return True


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

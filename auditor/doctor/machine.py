"""The machine: cores, memory, accelerators."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from auditor.doctor.checkup import Device, Machine
from auditor.models.placement import resolve_device

_LIMITS = (
    (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")),
    (Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"), Path("/sys/fs/cgroup/memory/memory.usage_in_bytes")),
)


def inspect_machine(device: str) -> Machine:
    """The cores, memory and accelerators of this machine.

    Args:
        device: As --device has it.

    Raises:
        UsageError: The device is unknown or not available.
    """
    import psutil
    import torch

    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    limit, used = container_memory()
    if limit is not None and limit < total:
        total, free = limit, max(0, min(free, limit - used))
    return Machine(
        system=f"{platform.system()} {platform.machine()}",
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        memory_bytes=total,
        free_bytes=free,
        devices=(*_cuda(), *_mps()),
        chosen=resolve_device(device),
    )


def container_memory(files: tuple[tuple[Path, Path], ...] = _LIMITS) -> tuple[int | None, int]:
    """The memory a container is limited to, None where it is not, and how much of it is in use.

    Args:
        files: Files with limit and use, for each version of control groups.
    """
    for limit, used in files:
        try:
            text = limit.read_text(encoding="ascii").strip()
            return (int(text), int(used.read_text(encoding="ascii"))) if text.isdigit() else (None, 0)
        except (OSError, ValueError):
            continue
    return None, 0


def _cuda() -> list[Device]:
    import torch

    devices = []
    for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(number)
        devices.append(
            Device(
                name=f"cuda:{number}",
                model=torch.cuda.get_device_name(number),
                memory_bytes=int(total),
                free_bytes=int(free),
            )
        )
    return devices


def _mps() -> list[Device]:
    import torch

    if not torch.backends.mps.is_available():
        return []
    return [Device(name="mps", model="Apple GPU, shares the machine's memory", memory_bytes=None, free_bytes=None)]

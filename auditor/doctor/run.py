"""The checkup of a machine: its hardware, the score store, the statistical engine, and a model."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from auditor.core.cache_folder import default_directory
from auditor.core.digests import packages
from auditor.core.errors import AuditorError
from auditor.core.progress import Progress
from auditor.core.version import VERSION
from auditor.doctor.checkup import CacheFolder, Checkup, Device, Machine
from auditor.doctor.engine import inspect_engine
from auditor.doctor.model import ModelOnly, inspect_model
from auditor.models.placement import resolve_device
from auditor.scoring.store import Store
from auditor.settings import AuditSettings


def run_checkup(
    subject: AuditSettings | ModelOnly | None, *, device: str, cache_dir: str | None, progress: Progress
) -> Checkup:
    """Check the machine, the score store, the statistical engine, and the model if one is named.

    Args:
        subject: An audit, or its model alone; None where neither is named.
        device: As --device has it.
        cache_dir: As --cache-dir has it.
        progress: Receives the progress of scoring.

    Raises:
        UsageError: The device is not available, or the model cannot be audited.
        RunError: The model cannot be loaded, or it fails.
    """
    return Checkup(
        auditor_version=VERSION,
        python=platform.python_version(),
        packages=packages(),
        machine=inspect_machine(device),
        cache=inspect_cache(cache_dir),
        engine=inspect_engine(),
        model=None if subject is None else inspect_model(subject, progress),
    )


def inspect_cache(directory: str | None) -> CacheFolder:
    """Open the score store as an audit does, which creates its folder, and measure it.

    Args:
        directory: As --cache-dir has it.
    """
    named = Path(directory) if directory else default_directory()
    try:
        with Store.open(directory) as store:
            records, folder = store.count(), store.path.parent
    except AuditorError as error:
        return CacheFolder(path=str(named), records=0, size_bytes=0, free_bytes=None, problem=str(error))
    return CacheFolder(
        path=str(folder),
        records=records,
        size_bytes=sum(entry.stat().st_size for entry in os.scandir(folder) if entry.is_file()),
        free_bytes=shutil.disk_usage(folder).free,
        problem="",
    )


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

"""The checkup of a machine: its hardware, the score store, and a model."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

from auditor.core.digests import packages
from auditor.core.errors import AuditorError
from auditor.core.progress import Progress
from auditor.core.version import VERSION
from auditor.doctor.checkup import CacheFolder, Checkup
from auditor.doctor.machine import inspect_machine
from auditor.doctor.model import Size, inspect_model
from auditor.models.options import LoadOptions
from auditor.scoring.store import Store, default_directory


def run_checkup(
    model: str | None,
    options: LoadOptions,
    size: Size,
    *,
    cache_dir: str | None,
    max_tokens: int | None,
    progress: Progress,
) -> Checkup:
    """Check the machine, the score store, and the model if one is named.

    Args:
        model: As --model has it.
        options: How it is loaded.
        size: The audit whose duration is estimated.
        cache_dir: As --cache-dir has it.
        max_tokens: Read at most this many tokens of a text.
        progress: Receives the progress of scoring.

    Raises:
        UsageError: The device is not available, or the model cannot be audited.
        RunError: The model cannot be loaded, or it fails.
    """
    return Checkup(
        auditor_version=VERSION,
        python=platform.python_version(),
        packages=packages(),
        machine=inspect_machine(options.device),
        cache=inspect_cache(cache_dir),
        model=None if model is None else inspect_model(model, options, size, max_tokens=max_tokens, progress=progress),
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

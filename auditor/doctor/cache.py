"""The score store's folder."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from auditor.core.errors import AuditorError
from auditor.doctor.checkup import CacheFolder
from auditor.scoring.store import Store, default_directory


def inspect_cache(directory: str | None) -> CacheFolder:
    """Open the store as an audit would, which makes the folder where it is not there, and look at it.

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

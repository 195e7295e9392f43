"""The import of matplotlib, which would otherwise write its cache of fonts beside the user's own settings."""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

from auditor.core.cache_folder import default_directory

_VARIABLE = "MPLCONFIGDIR"


@cache
def prepare_matplotlib() -> None:
    """Import matplotlib with its files in the cache folder of auditor.

    Where that cannot be written they lie in a temporary folder, which is removed at the end. A folder that the user
    names by MPLCONFIGDIR, and a matplotlib that is imported already, are left alone.
    """
    if "matplotlib.font_manager" in sys.modules or os.environ.get(_VARIABLE):
        return
    os.environ[_VARIABLE] = str(_folder())
    try:
        import matplotlib.font_manager  # noqa: F401
    finally:
        del os.environ[_VARIABLE]


def _folder() -> Path:
    folder = default_directory() / "matplotlib"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK | os.X_OK):
            return folder.resolve()
    except OSError:
        pass  # The same as a folder that may not be written.
    folder = Path(tempfile.mkdtemp(prefix="auditor-matplotlib-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder

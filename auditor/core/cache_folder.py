"""The folder for what can be computed again."""

from __future__ import annotations

import os
from pathlib import Path


def default_directory() -> Path:
    """`AUDITOR_CACHE_DIR` where it is set, else the platform's cache folder for auditor."""
    named = os.environ.get("AUDITOR_CACHE_DIR")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("auditor", appauthor=False))

"""Hints for mistyped paths."""

from __future__ import annotations

import difflib
from pathlib import Path


def close_names(path: Path) -> str:
    """A hint with the names like it in the folder of a path that is not there; empty where there are none."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    close = difflib.get_close_matches(path.name, names, n=3)
    return f"Did you mean {', '.join(str(path.with_name(name)) for name in close)}?" if close else ""

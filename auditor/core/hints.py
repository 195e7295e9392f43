"""Hints that name what a mistyped word or path may mean."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from pathlib import Path


def suggest(word: str, known: Iterable[str], *, show: Callable[[str], str] = str) -> str:
    """A hint with the known words closest to `word`, at most three; empty where none is close."""
    close = difflib.get_close_matches(word, sorted(known), n=3)
    return f"Did you mean {', '.join(map(show, close))}?" if close else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the closest known words, or with all of them where none is close."""
    names = sorted(known)
    return suggest(word, names) or (f"Known: {', '.join(names)}." if names else "")


def close_names(path: Path) -> str:
    """A hint with the names in a folder closest to that of a path that does not exist; empty where there are none."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    return suggest(path.name, names, show=lambda name: str(path.with_name(name)))

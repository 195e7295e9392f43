"""Choosing one split of a dataset that has several."""

from __future__ import annotations

from collections.abc import Iterable

from auditor.core.errors import UsageError
from auditor.core.registry import did_you_mean


def choose_split(splits: Iterable[str], wanted: str | None, source: str) -> str:
    """The split asked for, or the only one where none is named.

    Raises:
        UsageError: The split is unknown, or none is named where there are several; the message lists them.
    """
    known = sorted(splits)
    if wanted is None:
        if len(known) == 1:
            return known[0]
        raise UsageError(
            f"{source} has {len(known)} splits: {', '.join(known)}",
            hint=f"Name one, as in {source}:{(known or ['SPLIT'])[0]}",
        )
    if wanted not in known:
        raise UsageError(
            f"{source} has no split {wanted!r}; it has {', '.join(known)}", hint=did_you_mean(wanted, known)
        )
    return wanted

"""What was read and left out, or not read at all, in words: said wherever the number of documents is said."""

from __future__ import annotations

from collections.abc import Mapping

from auditor.core.text import amount, shorten
from auditor.results.result import AuditResult, CorpusSummary

_MOST_KINDS = 6


def passed_over(
    *, kinds: Mapping[str, int], hidden: int = 0, empty: int = 0, repeated: int = 0, shared: int = 0
) -> str:
    """What of a set was passed over; empty where nothing was.

    Args:
        kinds: Files that were not read, by kind.
        hidden: Hidden files.
        empty: Documents of white space alone.
        repeated: Documents that repeat another.
        shared: Documents that another set shares.
    """
    parts = []
    if kinds:
        most = sorted(kinds.items(), key=lambda kind: (-kind[1], kind[0]))
        listed = [f"{count:,} {shorten(kind, 20)}" for kind, count in most[:_MOST_KINDS]]
        listed += ["others"] if len(most) > _MOST_KINDS else []
        parts.append(f"{amount(sum(kinds.values()), 'other file')} ({', '.join(listed)})")
    counts = ((hidden, "hidden file"), (empty, "empty document"), (repeated, "repeated document"))
    parts += [amount(count, what) for count, what in counts if count]
    parts += [f"{amount(shared, 'document')} shared with another set"] if shared else []
    return ", ".join(parts)


def of_summary(summary: CorpusSummary) -> str:
    """What was passed over of one set of a result."""
    return passed_over(
        kinds=summary.skipped_kinds,
        hidden=summary.hidden_files,
        empty=summary.dropped_empty,
        repeated=summary.dropped_duplicate,
        shared=summary.dropped_shared,
    )


def of_result(result: AuditResult) -> str:
    """What was passed over of each set of a result; empty where nothing was of any."""
    sets = (
        ("suspect", result.suspect),
        ("held-out", result.heldout),
        ("placebo", result.placebo),
        ("general", result.general),
    )
    words = [(name, of_summary(summary)) for name, summary in sets if summary is not None]
    return "; ".join(f"{name}: {text}" for name, text in words if text)

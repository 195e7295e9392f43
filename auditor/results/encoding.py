"""What of the encoding of texts differs from the one form that `--normalise` reads them in."""

from __future__ import annotations

from auditor.core.record import Count, Record


class EncodingCounts(Record):
    """For each trait of encoding, how many suspect and how many held-out groups have it in most of their documents."""

    line_ends: tuple[Count, Count]
    """Line ends other than U+000A."""

    byte_order_marks: tuple[Count, Count]
    """U+FEFF within a text."""

    spaces: tuple[Count, Count]
    """No-break and typographic spaces."""

    zero_width: tuple[Count, Count]
    """Zero-width spaces, and joiners between letters that need none."""

    soft_hyphens: tuple[Count, Count]
    """U+00AD."""

    not_composed: tuple[Count, Count]
    """Characters that are not in Unicode normalisation form C."""

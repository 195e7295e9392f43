"""Which texts that were or were not published a copy holds: inside documents, as whole ones, or as rows in a row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from auditor.splicing.survival import count_texts, normal_form

BETWEEN_ROWS = "\n"
"""What joins the rows of a block whose order was dealt."""


def count_candidates(
    documents: Sequence[str], texts: Sequence[str], *, inside: bool, rows: int = 1, similar: bool = False
) -> tuple[int, ...]:
    """How often each candidate stands in the documents of a copy.

    A whole document is no trace of a shorter one that its words hold: "Yes." was not published with "Yes. It is."

    Args:
        documents: Texts of the documents of the copy, in order.
        texts: The candidates.
        inside: Whether they are sentences inside documents; otherwise each is a whole document, or `rows` of them.
        rows: Documents that are one candidate, joined by `BETWEEN_ROWS`.
        similar: Whether white space, forms of quotes and dashes, invisible characters and NFKC do not matter.
    """
    if similar:
        documents, texts = list(map(normal_form, documents)), list(map(normal_form, texts))
    if inside:
        return count_texts(documents, texts)
    wanted = set(texts)
    blocks = (documents[first : first + rows] for first in range(len(documents) - rows + 1))
    joined = (" ".join(filter(None, block)) if similar else BETWEEN_ROWS.join(block) for block in blocks)
    counts = Counter(text for text in joined if text in wanted)
    return tuple(counts[text] for text in texts)

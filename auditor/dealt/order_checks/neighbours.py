"""Files whose neighbouring rows share words: topics, sources, questions about one article."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_matrix

from auditor.dealt.order_checks.check import OrderFinding, order_check
from auditor.dealt.order_checks.shuffles import pair_mean, shuffle_test
from auditor.dealt.order_checks.table import OrderTable
from auditor.inference.design import Floats
from auditor.results.guards import GuardFigure

LEVEL = 0.01
_WORD = re.compile(r"\w+")
_FEW_WORDS = 4
_COMMON = 0.25


@order_check(
    name="neighbours",
    order=30,
    question="Are neighbouring rows no more alike in their words than rows at random?",
    blind_spots="Likeness of meaning without common words.",
    remediation="Bring a file whose rows were shuffled before publication; rows of one topic, source or article in "
    "a row are likelier in their order under any model.",
    level=LEVEL,
)
def neighbours(table: OrderTable, rng: np.random.Generator) -> OrderFinding:
    """Compare the overlap of words (Jaccard) of neighbours and of every other row with that of shuffled rows."""
    overlap = jaccard([words(text) for text in table.seen(table.texts)])
    found = shuffle_test(table, [pair_mean(overlap, table, lag) for lag in (1, 2)], rng)
    first = table.pairs
    rows = len(overlap)
    own = float(overlap[first, first + 1].mean()) if len(first) else 0.0
    every = float((overlap.sum() - np.trace(overlap)) / max(rows * (rows - 1), 1))
    figures = (
        GuardFigure(name="shared words of neighbours", value=own),
        GuardFigure(name="shared words of all pairs", value=every),
    )
    if found.p_value > LEVEL:
        return OrderFinding("Neighbouring rows share words as any two rows do.", False, found.p_value, figures)
    return OrderFinding("Neighbouring rows share more words than any two rows do.", True, found.p_value, figures)


def words(text: str) -> frozenset[str]:
    """The words of a text, or runs of three letters where it has hardly any, as in scripts without spaces."""
    found = _WORD.findall(text.casefold())
    if len(found) >= _FEW_WORDS:
        return frozenset(found)
    joined = "".join(found)
    return frozenset(found) | {joined[at : at + 3] for at in range(len(joined) - 2)}


def jaccard(rows: Sequence[frozenset[str]]) -> Floats:
    """[rows, rows] shared words over all words of two rows, of words in two rows or more and a quarter at most."""
    counts = Counter(word for row in rows for word in row)
    most = max(2, _COMMON * len(rows))
    number = {word: at for at, word in enumerate(word for word, count in counts.items() if 2 <= count <= most)}
    held = [[number[word] for word in row if word in number] for row in rows]
    ends = np.cumsum([0, *map(len, held)])
    columns = np.array([at for row in held for at in row], dtype=np.int64)
    matrix = csr_matrix(
        (np.ones(len(columns), dtype=np.float32), columns, ends), shape=(len(rows), max(len(number), 1))
    )
    shared = (matrix @ matrix.T).toarray()
    size = np.diff(ends).astype(np.float32)
    union = size[:, None] + size - shared
    overlap: Floats = np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)
    return overlap

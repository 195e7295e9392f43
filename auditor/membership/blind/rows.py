"""The text baseline: columns of text alone, one row a group, in the order of the membership rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from auditor.corpora.document import Corpus
from auditor.features.table import unit_means
from auditor.inference.arrangement import arrange
from auditor.membership.blind.style import PROPERTIES
from auditor.results.rows import Column, Rows


@dataclass(frozen=True, slots=True)
class NGrams:
    """One kind of n-grams.

    Attributes:
        name: Family of the columns.
        analyzer: `word` or `char_wb` as scikit-learn names them.
        lengths: Shortest and longest n-gram.
    """

    name: str
    analyzer: str
    lengths: tuple[int, int]


NGRAMS = (
    NGrams("words", "word", (1, 2)),
    NGrams("characters", "char_wb", (2, 4)),
)

# A book must not cost more than a corpus: of a longer text only start, middle and end are read.
_PART_CHARACTERS = 20_000
MOST_DENSE = 2_000
"""Groups whose products are decomposed as a whole, in some seconds and 32 MB."""
_ROUNDING = 1e-10
"""Share of the largest squared singular value; smaller ones are rounding."""


def latent_columns(
    texts: Sequence[str], unit: npt.NDArray[np.intp], ngrams: NGrams, *, components: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Project each group's n-gram profile on the main directions of the pooled corpus (latent semantic analysis).

    The weighting and the directions are fitted on both sides pooled, so they are a function of the texts and not of the
    labels: a permutation test on the columns stays exact.

    Args:
        texts: The documents.
        unit: [documents] index of the row of each document, 0 to rows - 1.
        ngrams: The kind of n-grams to count.
        components: Number of directions; fewer are returned for few rows, and where the profiles have fewer.

    Returns:
        [rows, k] coordinates in order of falling variance, and the [k] singular values.
    """
    from scipy import sparse
    from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

    rows = int(unit.max()) + 1
    vectorizer = HashingVectorizer(
        analyzer=ngrams.analyzer, ngram_range=ngrams.lengths, n_features=2**18, alternate_sign=False, norm=None
    )
    counts = vectorizer.transform([_parts(text) for text in texts])
    belongs = sparse.csr_matrix((np.ones(len(texts)), (unit, np.arange(len(texts)))), shape=(rows, len(texts)))
    profiles = (belongs @ counts).tocsc()
    profiles = profiles[:, np.diff(profiles.indptr) > 1].tocsr()
    count = min(components, rows - 2, profiles.shape[1] - 1)
    if count < 1:
        return np.zeros((rows, 0)), np.zeros(0)
    # Sums run along the columns, so the same profile in another order would differ in its last bits.
    profiles.sort_indices()
    return _main_directions(TfidfTransformer(sublinear_tf=True).fit_transform(profiles), count)


def _main_directions(weighted: Any, count: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Coordinates [rows, k] and singular values [k] of the largest `count` directions of a sparse matrix.

    A randomised decomposition would leave an error that changes with the order of rows, and with it the ranks of rows
    that are close. This one has converged: it is that of the products of all rows where these fit, and else Lanczos'
    from a fixed start to the precision of the machine. Directions that are no more than rounding are left out. The
    largest coordinate of each is positive.
    """
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh

    rows, products = weighted.shape[0], weighted @ weighted.T
    if rows <= MOST_DENSE:
        squares, vectors = eigh(products.toarray(), subset_by_index=(rows - count, rows - 1))
    else:
        squares, vectors = eigsh(products, k=count, which="LA", v0=np.ones(rows), tol=0)
    falling = np.argsort(-squares, kind="stable")
    falling = falling[squares[falling] > _ROUNDING * squares.max()]
    strengths = np.sqrt(squares[falling])
    coordinates = vectors[:, falling] * strengths
    signs = np.sign(coordinates[np.abs(coordinates).argmax(axis=0), np.arange(len(falling))])
    return np.asarray(coordinates * signs, dtype=np.float64), np.asarray(strengths, dtype=np.float64)


def _parts(text: str) -> str:
    """A text, or the start, the middle and the end of a long one."""
    if len(text) <= 3 * _PART_CHARACTERS:
        return text
    middle = (len(text) - _PART_CHARACTERS) // 2
    return " ".join((text[:_PART_CHARACTERS], text[middle : middle + _PART_CHARACTERS], text[-_PART_CHARACTERS:]))


MOST_COMPONENTS = 60

ANSWERS = "answer "
"""Start of the names and families of columns of the answers alone."""


def latent_components(groups: int) -> int:
    """Number of directions of an n-gram profile for a number of groups on both sides together."""
    return min(MOST_COMPONENTS, max(4, groups // 8))


def text_rows(suspect: Corpus, heldout: Corpus, rows: Rows) -> Rows:
    """Describe each group of an audit by its text alone.

    Bit-equal for the same texts in another order and under other names: documents and groups are gone through in
    the canonical order of their texts.

    Args:
        suspect: The suspect documents.
        heldout: The held-out documents.
        rows: The membership rows, which give the order of groups and sides.

    Returns:
        Rows with one column for each plain property and each latent n-gram direction, all undirected. Where only the
        answers of conversations are scored, these have columns of their own behind those of the whole text: what is
        scored must not differ, nor what the model reads before it.
    """
    arrangement = arrange(rows, documents_of(suspect, heldout))
    index = {
        (side, group): row
        for row, (side, group) in enumerate(
            zip(rows.suspect[list(arrangement.order)].tolist(), arrangement.names, strict=True)
        )
    }
    documents = [(True, document) for document in suspect.documents]
    documents += [(False, document) for document in heldout.documents]
    documents.sort(key=lambda one: (one[1].sha256, not one[0]))
    unit = np.array([index[side, document.group] for side, document in documents], dtype=np.intp)
    blocks = [_block([document.text for _, document in documents], unit, len(rows.groups))]
    if any(document.spans is not None for _, document in documents):
        blocks.append(_block([document.scored for _, document in documents], unit, len(rows.groups), of=ANSWERS))
    values = arrangement.undo(_nine_digits(np.hstack([part for values, _ in blocks for part in values])))
    return Rows(values, rows.suspect, rows.groups, tuple(column for _, columns in blocks for column in columns))


def _block(
    texts: Sequence[str], unit: npt.NDArray[np.intp], groups: int, of: str = ""
) -> tuple[list[npt.NDArray[np.float64]], list[Column]]:
    """Properties and n-grams of texts by group, and their columns, whose names start with `of`."""
    blocks = [unit_means(np.array([[p.measure(text) for p in PROPERTIES] for text in texts]), unit, groups)]
    columns = [Column(of + p.name, of + p.family, 0) for p in PROPERTIES]
    for ngrams in NGRAMS:
        coordinates, _ = latent_columns(texts, unit, ngrams, components=latent_components(groups))
        blocks.append(coordinates)
        columns += [Column(f"{of}{ngrams.name}-{k + 1}", of + ngrams.name, 0) for k in range(coordinates.shape[1])]
    return blocks, columns


def documents_of(suspect: Corpus, heldout: Corpus) -> list[tuple[bool, str, str]]:
    """For each document whether it is suspect, its group, and the digest of its text."""
    sides = ((True, suspect), (False, heldout))
    return [(side, document.group, document.sha256) for side, corpus in sides for document in corpus.documents]


def _nine_digits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Figures to nine significant digits; further digits are noise of the decomposition."""
    return np.array([[float(f"{value:.9g}") for value in row] for row in values.tolist()]).reshape(values.shape)


def is_text_column(column: Column) -> bool:
    """Whether `text_rows` may give a column like this one."""
    plain = {Column(of + p.name, of + p.family, 0) for p in PROPERTIES for of in ("", ANSWERS)}
    latent = {
        Column(f"{of}{n.name}-{k + 1}", of + n.name, 0)
        for n in NGRAMS
        for k in range(MOST_COMPONENTS)
        for of in ("", ANSWERS)
    }
    return column in plain | latent

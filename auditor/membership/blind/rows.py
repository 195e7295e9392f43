"""The text baseline: columns of text alone, one row a group, in the order of the membership rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.corpora.document import Corpus
from auditor.features.table import unit_means
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


def latent_columns(
    texts: Sequence[str], unit: npt.NDArray[np.intp], ngrams: NGrams, *, components: int, rng: np.random.Generator
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Project each group's n-gram profile on the main directions of the pooled corpus (latent semantic analysis).

    The weighting and the directions are fitted on both sides pooled, so they are a function of the texts and not of the
    labels: a permutation test on the columns stays exact.

    Args:
        texts: The documents.
        unit: [documents] index of the row of each document, 0 to rows - 1.
        ngrams: The kind of n-grams to count.
        components: Number of directions; fewer are returned for few rows.
        rng: Seeds the randomised decomposition.

    Returns:
        [rows, k] coordinates in order of falling variance, and the [k] singular values.
    """
    from scipy import sparse
    from sklearn.decomposition import TruncatedSVD
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
    weighted = TfidfTransformer(sublinear_tf=True).fit_transform(profiles)
    decomposition = TruncatedSVD(n_components=count, random_state=int(rng.integers(2**31)))
    coordinates = np.asarray(decomposition.fit_transform(weighted), dtype=np.float64)
    return coordinates, np.asarray(decomposition.singular_values_, dtype=np.float64)


def _parts(text: str) -> str:
    """A text, or the start, the middle and the end of a long one."""
    if len(text) <= 3 * _PART_CHARACTERS:
        return text
    middle = (len(text) - _PART_CHARACTERS) // 2
    return " ".join((text[:_PART_CHARACTERS], text[middle : middle + _PART_CHARACTERS], text[-_PART_CHARACTERS:]))


MOST_COMPONENTS = 60


def latent_components(groups: int) -> int:
    """Number of directions of an n-gram profile for a number of groups on both sides together."""
    return min(MOST_COMPONENTS, max(4, groups // 8))


def text_rows(suspect: Corpus, heldout: Corpus, rows: Rows, *, rng: np.random.Generator) -> Rows:
    """Describe each group of an audit by its text alone.

    Args:
        suspect: The suspect documents.
        heldout: The held-out documents.
        rows: The membership rows, which give the order of groups and sides.
        rng: Seeds the randomised decomposition of the n-gram profiles.

    Returns:
        Rows with one column for each plain property and each latent n-gram direction, all undirected.
    """
    index = {
        (side, group): row for row, (side, group) in enumerate(zip(rows.suspect.tolist(), rows.groups, strict=True))
    }
    documents = [(True, document) for document in suspect.documents]
    documents += [(False, document) for document in heldout.documents]
    unit = np.array([index[side, document.group] for side, document in documents], dtype=np.intp)
    texts = [document.text for _, document in documents]

    blocks = [unit_means(np.array([[p.measure(text) for p in PROPERTIES] for text in texts]), unit, len(rows.groups))]
    columns = [Column(p.name, p.family, 0) for p in PROPERTIES]
    for ngrams in NGRAMS:
        components = latent_components(len(rows.groups))
        coordinates, _ = latent_columns(texts, unit, ngrams, components=components, rng=rng)
        blocks.append(coordinates)
        columns += [Column(f"{ngrams.name}-{k + 1}", ngrams.name, 0) for k in range(coordinates.shape[1])]
    return Rows(_nine_digits(np.hstack(blocks)), rows.suspect, rows.groups, tuple(columns))


def _nine_digits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Figures to nine significant digits; further digits are noise of the decomposition."""
    return np.array([[float(f"{value:.9g}") for value in row] for row in values.tolist()]).reshape(values.shape)


def is_text_column(column: Column) -> bool:
    """Whether `text_rows` may give a column like this one."""
    plain = {Column(p.name, p.family, 0) for p in PROPERTIES}
    latent = {Column(f"{n.name}-{k + 1}", n.name, 0) for n in NGRAMS for k in range(MOST_COMPONENTS)}
    return column in plain | latent

"""Latent columns of character and word n-grams, computed without the labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


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

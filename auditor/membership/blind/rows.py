"""The text baseline: columns of text alone, one row a group, in the order of the membership rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from auditor.corpora.document import Corpus
from auditor.features.table import unit_means
from auditor.membership.blind.ngrams import NGRAMS, latent_columns
from auditor.membership.blind.style import PROPERTIES
from auditor.results.rows import Column, Rows

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

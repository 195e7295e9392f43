"""Similar pairs of two lists of shingle sets: near-duplicates, and texts inside other texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from auditor.corpora.shingles import Hashes

PERMUTATIONS = 128
MISS = 1e-3
"""Largest probability that a pair whose Jaccard index is the threshold is not proposed; less above the threshold."""

_CHUNK = 4096


def bands(threshold: float) -> tuple[int, int]:
    """Number of bands and rows a band: the widest bands, so the fewest proposals, with a miss probability up to MISS.

    A pair of Jaccard index t shares none of b bands of r rows with probability (1 - t^r)^b (Leskovec, Rajaraman and
    Ullman, *Mining of Massive Datasets*, section 3.4).
    """
    for rows in range(PERMUTATIONS // 2, 1, -1):
        if (1 - threshold**rows) ** (PERMUTATIONS // rows) <= MISS:
            return PERMUTATIONS // rows, rows
    return PERMUTATIONS, 1


def near_duplicates(
    left: Sequence[Hashes], right: Sequence[Hashes], threshold: float, rng: np.random.Generator
) -> Iterator[tuple[int, int, float]]:
    """Yield (index left, index right, Jaccard index) with the Jaccard index at least `threshold`.

    Every set with a partner appears in at least one pair, but for the probability MISS; once both sets of a pair have
    appeared the pair may be left out, so that a thousand copies of one form do not make a million pairs.

    Args:
        left: Sorted distinct hashes of each set; empty sets match nothing.
        right: The same.
        threshold: Least Jaccard index, in (0, 1].
        rng: Draws the permutations of the MinHash.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
    blank = MinHash(num_perm=PERMUTATIONS, seed=int(rng.integers(0, 2**32)), hashfunc=int)
    sketches = np.zeros((len(right), PERMUTATIONS), dtype=np.uint64)
    for j, hashes in enumerate(right):
        if len(hashes):
            sketch = _sketch(blank, hashes)
            sketches[j] = sketch.hashvalues
            index.insert(j, sketch, check_duplication=False)
    # Five standard errors of the estimate below the threshold, so that no pair above it is left out.
    least = threshold - 5 * np.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    matched = np.zeros(len(right), dtype=bool)
    for i, hashes in enumerate(left):
        if not len(hashes):
            continue
        sketch = _sketch(blank, hashes)
        proposed = np.sort(np.array(index.query(sketch), dtype=np.int64))
        alike = (sketches[proposed] == sketch.hashvalues).mean(axis=1)
        done = False
        # The most similar first: the pair reported for a set is then most often its closest.
        for j in proposed[np.argsort(-alike, kind="stable")][: np.count_nonzero(alike >= least)]:
            if done and matched[j]:
                continue
            similarity = jaccard(hashes, right[j])
            if similarity >= threshold:
                done = matched[j] = True
                yield i, int(j), similarity


def jaccard(left: Hashes, right: Hashes) -> float:
    """Size of the intersection over size of the union of two sets of distinct hashes, not both empty."""
    shared = len(np.intersect1d(left, right, assume_unique=True))
    return shared / (len(left) + len(right) - shared)


def _sketch(blank: Any, hashes: Hashes) -> Any:
    sketch = blank.copy()
    # The high half of the hash; in chunks, as the library forms a table of elements x permutations.
    high = (hashes >> np.uint64(32)).tolist()
    for start in range(0, len(high), _CHUNK):
        sketch.update_batch(high[start : start + _CHUNK])
    return sketch


Index = npt.NDArray[np.int64]

_BLOCK = 256


def contained(
    left: Sequence[Hashes], right: Sequence[Hashes], threshold: float, rng: np.random.Generator
) -> Iterator[tuple[int, int, float]]:
    """Yield (index left, index right, containment) with the containment at least `threshold`.

    Containment is the number of shared hashes over the size of the smaller set (Broder, "On the resemblance and
    containment of documents", 1997, taken from the smaller side). Exact: nothing is sampled. For each set with a
    partner its closest one appears; pairs that are closest for neither of their sets are left out.

    Memory: 8 bytes a shingle of either side, some 100 bytes a shingle that is on both, and 4 KiB a set on the
    right. Time grows with the pairs of sets that share a shingle; shingles that occur in exactly the same sets count
    as one there, so that boilerplate costs no more than a single phrase.

    Args:
        left: Sorted distinct hashes of each set; empty sets match nothing.
        right: The same.
        threshold: Least containment, in (0, 1].
        rng: Draws a random value for each set, which identifies the shingles that occur in the same sets.
    """
    from scipy import sparse

    shared = np.intersect1d(_distinct(left), _distinct(right), assume_unique=True)
    if not len(shared):
        return
    rows_left, columns_left = _entries(left, shared)
    rows_right, columns_right = _entries(right, shared)
    marks = np.zeros(len(shared), dtype=np.uint64)
    np.add.at(marks, columns_left, rng.integers(0, 2**64, size=len(left), dtype=np.uint64)[rows_left])
    np.add.at(marks, columns_right, rng.integers(0, 2**64, size=len(right), dtype=np.uint64)[rows_right])
    _, first, alike, weights = np.unique(marks, return_index=True, return_inverse=True, return_counts=True)
    is_first = np.zeros(len(shared), dtype=bool)
    is_first[first] = True
    on_left, on_right = is_first[columns_left], is_first[columns_right]
    ones = np.ones(int(on_left.sum()), dtype=np.int64)
    column_left, column_right = alike[columns_left[on_left]], alike[columns_right[on_right]]
    table_left = sparse.csr_matrix((ones, (rows_left[on_left], column_left)), shape=(len(left), len(first)))
    table_right = sparse.csr_matrix(
        (weights[column_right], (column_right, rows_right[on_right])), shape=(len(first), len(right))
    )
    size_left = np.array([len(hashes) for hashes in left])
    size_right = np.array([len(hashes) for hashes in right])
    best = np.zeros(len(right))
    best_left = np.full(len(right), -1, dtype=np.int64)
    for start in range(0, len(left), _BLOCK):
        counts = (table_left[start : start + _BLOCK] @ table_right).tocoo()
        i, j = counts.row.astype(np.int64) + start, counts.col.astype(np.int64)
        share = counts.data / np.minimum(size_left[i], size_right[j])
        keep = share >= threshold
        i, j, share = i[keep], j[keep], share[keep]
        for k in _first_of_each(i, j, share):
            yield int(i[k]), int(j[k]), float(share[k])
        for k in _first_of_each(j, i, share):
            if share[k] > best[j[k]]:
                best[j[k]], best_left[j[k]] = share[k], i[k]
    for j_best in np.flatnonzero(best_left >= 0):
        yield int(best_left[j_best]), int(j_best), float(best[j_best])


def _first_of_each(key: Index, other: Index, share: npt.NDArray[np.float64]) -> Index:
    """Positions of the greatest share of each key, ties to the lowest `other`."""
    order = np.lexsort((other, -share, key))
    _, first = np.unique(key[order], return_index=True)
    picked: Index = order[first]
    return picked


def _distinct(sets: Sequence[Hashes]) -> Hashes:
    return np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *sets]))


def _entries(sets: Sequence[Hashes], shared: Hashes) -> tuple[Index, Index]:
    """Set number and position in `shared` of every shared hash of every set."""
    columns = []
    for hashes in sets:
        index = np.searchsorted(shared, hashes).clip(max=len(shared) - 1)
        columns.append(index[shared[index] == hashes])
    rows = np.repeat(np.arange(len(sets)), [len(column) for column in columns])
    return rows, np.concatenate(columns).astype(np.int64)

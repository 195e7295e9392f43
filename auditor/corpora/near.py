"""Similar pairs of shingle sets: near-duplicates, and texts inside other texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    sets: Sequence[Hashes], threshold: float, rng: np.random.Generator, known: Callable[[int, int], bool]
) -> Iterator[tuple[int, int]]:
    """Yield pairs (index, index) of sets whose Jaccard index is at least `threshold`.

    Every such pair is yielded, but for the probability MISS and for those that `known` says are connected already, so
    that a thousand copies of one form do not make a million pairs.

    Args:
        sets: Sorted distinct hashes of each set; empty sets match nothing.
        threshold: Least Jaccard index, in (0, 1].
        rng: Draws the permutations of the MinHash.
        known: Whether two sets are connected by pairs that were yielded before.
    """
    from datasketch import MinHash, MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
    blank = MinHash(num_perm=PERMUTATIONS, seed=int(rng.integers(0, 2**32)), hashfunc=int)
    sketches = np.zeros((len(sets), PERMUTATIONS), dtype=np.uint64)
    # Five standard errors of the estimate below the threshold, so that no pair above it is left out.
    least = threshold - 5 * np.sqrt(threshold * (1 - threshold) / PERMUTATIONS)
    for i, hashes in enumerate(sets):
        if not len(hashes):
            continue
        sketch = _sketch(blank, hashes)
        sketches[i] = sketch.hashvalues
        proposed = np.sort(np.array(index.query(sketch), dtype=np.int64))
        index.insert(i, sketch, check_duplication=False)
        alike = (sketches[proposed] == sketch.hashvalues).mean(axis=1)
        # The most similar first: it most often connects the set, and the others need no comparison then.
        for j in proposed[np.argsort(-alike, kind="stable")][: np.count_nonzero(alike >= least)].tolist():
            if not known(i, j) and jaccard(hashes, sets[j]) >= threshold:
                yield i, j


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


def contained(sets: Sequence[Hashes], threshold: float, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
    """Yield pairs (index, index) that connect all sets of which one holds `threshold` of the other.

    Containment is the number of shared hashes over the size of the smaller set (Broder, "On the resemblance and
    containment of documents", 1997, taken from the smaller side). Exact: nothing is sampled. Not every pair is yielded,
    but two sets are connected by the yielded pairs where and only where they are by all pairs.

    Memory: 16 bytes a shingle, and some 100 bytes a shingle that is in several sets. Time grows with the pairs of sets
    that share a shingle; shingles that occur in exactly the same sets count as one there, so that boilerplate costs no
    more than a single phrase.

    Args:
        sets: Sorted distinct hashes of each set; empty sets match nothing.
        threshold: Least containment, in (0, 1].
        rng: Draws a random value for each set, which identifies the shingles that occur in the same sets.
    """
    from scipy import sparse

    distinct, times = np.unique(np.concatenate([np.empty(0, dtype=np.uint64), *sets]), return_counts=True)
    shared = distinct[times > 1]
    if not len(shared):
        return
    rows, columns = _entries(sets, shared)
    marks = np.zeros(len(shared), dtype=np.uint64)
    np.add.at(marks, columns, rng.integers(0, 2**64, size=len(sets), dtype=np.uint64)[rows])
    _, first, alike, weights = np.unique(marks, return_index=True, return_inverse=True, return_counts=True)
    is_first = np.zeros(len(shared), dtype=bool)
    is_first[first] = True
    chosen = is_first[columns]
    rows, columns = rows[chosen], alike[columns[chosen]]
    shape = (len(sets), len(first))
    table = sparse.csr_matrix((np.ones(len(rows), dtype=np.int64), (rows, columns)), shape=shape)
    weighted = sparse.csr_matrix((weights[columns], (rows, columns)), shape=shape).T.tocsr()
    sizes = np.array([len(hashes) for hashes in sets])
    for start in range(0, len(sets), _BLOCK):
        counts = (table[start : start + _BLOCK] @ weighted).tocoo()
        i, j = counts.row.astype(np.int64) + start, counts.col.astype(np.int64)
        keep = (i < j) & (counts.data >= threshold * np.minimum(sizes[i], sizes[j]))
        yield from _spanning(i[keep], j[keep])


def _spanning(i: Index, j: Index) -> Iterator[tuple[int, int]]:
    """Pairs that connect what the pairs [n], [n] connect, no more than there are members."""
    from scipy import sparse
    from scipy.sparse import csgraph

    members, edges = np.unique(np.concatenate([i, j]), return_inverse=True)
    if not len(members):
        return
    one, other = edges[: len(i)], edges[len(i) :]
    graph = sparse.coo_matrix((np.ones(len(i)), (one, other)), shape=(len(members), len(members)))
    _, component = csgraph.connected_components(graph, directed=False)
    _, first = np.unique(component, return_index=True)
    for member, head in zip(members.tolist(), members[first[component]].tolist(), strict=True):
        if member != head:
            yield head, member


def _entries(sets: Sequence[Hashes], shared: Hashes) -> tuple[Index, Index]:
    """Set number and position in `shared` of every shared hash of every set."""
    columns = []
    for hashes in sets:
        index = np.searchsorted(shared, hashes).clip(max=len(shared) - 1)
        columns.append(index[shared[index] == hashes])
    rows = np.repeat(np.arange(len(sets)), [len(column) for column in columns])
    return rows, np.concatenate(columns).astype(np.int64)

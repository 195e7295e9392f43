"""Near-duplicates between two lists of shingle sets: MinHash LSH proposes, the exact Jaccard index decides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

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
    from datasketch import MinHashLSH

    index = MinHashLSH(num_perm=PERMUTATIONS, params=bands(threshold))
    blank = _blank(rng)
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


def _blank(rng: np.random.Generator) -> Any:
    from datasketch import MinHash

    return MinHash(num_perm=PERMUTATIONS, seed=int(rng.integers(0, 2**32)), hashfunc=int)


def _sketch(blank: Any, hashes: Hashes) -> Any:
    sketch = blank.copy()
    # The high half of the hash; in chunks, as the library forms a table of elements x permutations.
    high = (hashes >> np.uint64(32)).tolist()
    for start in range(0, len(high), _CHUNK):
        sketch.update_batch(high[start : start + _CHUNK])
    return sketch

"""Documents on both sides of an audit: identical, nearly identical, or one inside the other."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus
from auditor.corpora.near import contained, near_duplicates
from auditor.corpora.shingles import Hashes, Shingler, normalised, words
from auditor.results.rows import Kind, OverlapPair

NEAR_WORDS = 5
SHORT_WORDS = 20
SHORT_CHARACTERS = 5
CONTAINED_WORDS = 13


@dataclass(frozen=True, slots=True)
class Overlap:
    """Documents and groups that both sides share.

    Attributes:
        pairs: By kind and then in reading order. Every document with a partner is in at least one pair; of many copies
            of one document, not all pairs are listed.
        groups: Groups named on both sides, sorted. A document's own id, standing for a group where none was given,
            does not count: files of the same name in two folders say nothing.
        threshold: Least similarity of near and contained pairs.
    """

    pairs: tuple[OverlapPair, ...]
    groups: tuple[str, ...]
    threshold: float


def find_overlap(suspect: Corpus, heldout: Corpus, *, threshold: float = 0.8, seed: int) -> Overlap:
    """Find documents that are on both sides.

    Texts are compared after NFKC, case folding and collapsing of white space, by three criteria:

    - exact: equal in that form;
    - near: Jaccard index of the sets of word 5-grams at least `threshold`. Proposed by MinHash LSH of 128 permutations
      (a pair at the threshold is missed with a chance below 1e-3, closer pairs less), decided on the exact sets. A
      word is a run of letters and digits, or one character in scripts without spaces. Where a text has fewer than 20
      words, character 5-grams are compared instead, as one changed word of ten spoils half of the word 5-grams;
    - contained: at least `threshold` of the distinct word 13-grams of the shorter document occur in the other, as of
      an article quoted whole inside another. Exact, with nothing sampled.

    All sets are in memory: about 60 bytes a word of both sides together, so 1 GB for some 15 million words.

    Not detected: paraphrase and translation; documents of fewer than 13 words inside longer ones; one document
    that shares a good part, but less than `threshold`, with another; one document cut into pieces across many.

    Args:
        suspect: One side.
        heldout: The other.
        threshold: Least similarity of near and contained pairs, in (0, 1].
        seed: Seed of the hashing and the MinHash. The similarity of a pair does not depend on it; whether a pair close
            to the threshold is proposed does, with a chance below 1e-3.

    Raises:
        UsageError: The threshold is outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"overlap threshold {threshold}: outside (0, 1]", hint="Use a share such as 0.8.")
    rng = np.random.default_rng(seed)
    shingler = Shingler(rng)
    left, right = _side(suspect, shingler, threshold), _side(heldout, shingler, threshold)
    partners: dict[tuple[int, int], tuple[Kind, float]] = {}

    def add(kind: Kind, pairs: Iterable[tuple[int, int, float]]) -> None:
        for i, j, similarity in pairs:
            partners.setdefault((i, j), (kind, similarity))

    add("exact", _equal(left.keys, right.keys))
    add("near", near_duplicates(left.by_words, right.by_words, threshold, rng))
    add("near", near_duplicates(left.by_characters, right.by_characters, threshold, rng))
    add("contained", contained(left.by_long_runs, right.by_long_runs, threshold, rng))
    strength: dict[Kind, int] = {"exact": 0, "near": 1, "contained": 2}
    pairs = tuple(
        OverlapPair(suspect.documents[i].id, heldout.documents[j].id, kind, similarity)
        for (i, j), (kind, similarity) in sorted(partners.items(), key=lambda item: (strength[item[1][0]], item[0]))
    )
    named = ([(document.id, document.group) for document in side.documents] for side in (suspect, heldout))
    return Overlap(pairs, shared_groups(*named), threshold)


def shared_groups(suspect: Iterable[tuple[str, str]], heldout: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Groups named on both sides, sorted, of documents given by id and group."""
    ours, theirs = ({group for name, group in side if group != name} for side in (suspect, heldout))
    return tuple(sorted(ours & theirs))


@dataclass(frozen=True, slots=True)
class _Side:
    """One corpus in the forms that are compared, a list entry a document; an empty set is not compared."""

    keys: list[bytes] = field(default_factory=list)
    by_words: list[Hashes] = field(default_factory=list)
    by_characters: list[Hashes] = field(default_factory=list)
    by_long_runs: list[Hashes] = field(default_factory=list)


def _side(corpus: Corpus, shingler: Shingler, threshold: float) -> _Side:
    nothing = np.empty(0, dtype=np.uint64)
    side = _Side()
    for document in corpus.documents:
        text = normalised(document.text)
        split = words(text)
        side.keys.append(hashlib.sha256(text.encode("utf-8")).digest())
        side.by_words.append(shingler.shingles(split, NEAR_WORDS) if len(split) >= SHORT_WORDS else nothing)
        # A text just above the limit is compared both ways, so that a near-duplicate just below it is not missed.
        short = len(split) < SHORT_WORDS / threshold
        padded = text.ljust(SHORT_CHARACTERS)
        side.by_characters.append(shingler.shingles(padded, SHORT_CHARACTERS) if short else nothing)
        side.by_long_runs.append(shingler.shingles(split, CONTAINED_WORDS))
    return side


def _equal(left: list[bytes], right: list[bytes]) -> Iterator[tuple[int, int, float]]:
    """Pairs of equal keys; each position with a partner is in one, without all pairs of many equal ones."""
    first_left = {key: i for i, key in reversed(list(enumerate(left)))}
    first_right = {key: j for j, key in reversed(list(enumerate(right)))}
    for i, key in enumerate(left):
        if key in first_right:
            yield i, first_right[key], 1.0
    for j, key in enumerate(right):
        if key in first_left:
            yield first_left[key], j, 1.0

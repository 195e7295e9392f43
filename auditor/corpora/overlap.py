"""Documents that several sets of an audit share: identical, nearly identical, or one inside the other."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus, Document
from auditor.corpora.near import contained, near_duplicates
from auditor.corpora.shingles import Hashes, Shingler, normalised, words
from auditor.results.forgetting.measurements import Role
from auditor.results.overlap import Relation, SharedDocument

NEAR_WORDS = 5
SHORT_WORDS = 20
SHORT_CHARACTERS = 5
CONTAINED_WORDS = 13


@dataclass(frozen=True, slots=True)
class Cluster:
    """Documents that are alike.

    Attributes:
        members: Their positions, ascending; at least two.
        relations: The strongest relation of each member to another one.
    """

    members: tuple[int, ...]
    relations: tuple[Relation, ...]


def find_shared(corpora: Mapping[Role, Corpus], *, threshold: float = 0.8, seed: int) -> tuple[SharedDocument, ...]:
    """Find the documents that are in more than one set: all members of a cluster that touches several.

    Clusters are formed over the pooled documents without regard to their sets, see `clusters`. Groups named in the
    suspect and in the held-out set are clusters as well. A document's own id, standing for a group where none was
    given, does not count: files of the same name in two folders say nothing.

    Args:
        corpora: The sets by role.
        threshold: Least similarity of near and contained pairs, in (0, 1].
        seed: Seed of the hashing.

    Returns:
        By cluster, then by set and in reading order. A document of a shared text and of a shared group is in the
        cluster of its text.

    Raises:
        UsageError: The threshold is outside (0, 1].
    """
    pooled = [(role, index, text) for role, corpus in corpora.items() for index, text in enumerate(corpus.documents)]
    divided = [
        cluster
        for cluster in clusters([document.wording for _, _, document in pooled], threshold=threshold, seed=seed)
        if len({pooled[member][0] for member in cluster.members}) > 1
    ]
    clustered = {member for cluster in divided for member in cluster.members}
    divided += _groups([(role, document) for role, _, document in pooled], clustered)
    return tuple(
        SharedDocument(role, index, document.id, document.group, document.sha256, number, relation)
        for number, cluster in enumerate(divided)
        for member, relation in zip(cluster.members, cluster.relations, strict=True)
        for role, index, document in [pooled[member]]
    )


def clusters(texts: Sequence[str], *, threshold: float, seed: int) -> tuple[Cluster, ...]:
    """Cluster texts that are alike, by single linkage.

    Texts are compared after NFKC, case folding and collapsing of white space, by three criteria:

    - exact: equal in that form;
    - near: Jaccard index of the sets of word 5-grams at least `threshold`. Proposed by MinHash LSH of 128 permutations
      (a pair at the threshold is missed with a chance below 1e-3, closer pairs less), decided on the exact sets. A
      word is a run of letters and digits, or one character in scripts without spaces. Where a text has fewer than 20
      words, character 5-grams are compared instead, as one changed word of ten spoils half of the word 5-grams;
    - contained: at least `threshold` of the distinct word 13-grams of the shorter document occur in the other, as of
      an article quoted whole inside another. Exact, with nothing sampled.

    All sets are in memory: about 60 bytes a word, so 1 GB for some 15 million words.

    Not detected: paraphrase and translation; documents of fewer than 13 words inside longer ones; one document
    that shares a good part, but less than `threshold`, with another; one document cut into pieces across many.

    Args:
        texts: The texts; their order does not matter.
        threshold: Least similarity of near and contained pairs, in (0, 1].
        seed: Seed of the hashing and the MinHash. The similarity of a pair does not depend on it; whether a pair close
            to the threshold is proposed does, with a chance below 1e-3.

    Returns:
        Clusters of two or more texts, by their first member.

    Raises:
        UsageError: The threshold is outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise UsageError(f"overlap threshold {threshold}: outside (0, 1]", hint="Use a share such as 0.8.")
    rng = np.random.default_rng(seed)
    forms = _forms(texts, Shingler(rng), threshold)
    parts = _Partition(len(texts))
    relation: dict[int, Relation] = {}

    def join(kind: Relation, pairs: Iterable[tuple[int, int]]) -> None:
        for i, j in pairs:
            parts.join(i, j)
            relation.setdefault(i, kind)
            relation.setdefault(j, kind)

    # In this order, as the first relation of a text is its strongest.
    join("exact", _equal(forms.keys))
    join("near", near_duplicates(forms.by_words, threshold, rng, parts.connected))
    join("near", near_duplicates(forms.by_characters, threshold, rng, parts.connected))
    join("contained", contained(forms.by_long_runs, threshold, rng))
    members: defaultdict[int, list[int]] = defaultdict(list)
    for text in sorted(relation):
        members[parts.head(text)].append(text)
    return tuple(Cluster(tuple(some), tuple(relation[text] for text in some)) for some in members.values())


def shared_groups(suspect: Iterable[tuple[str, str]], heldout: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Groups named on both sides, sorted, of documents given by id and group."""
    ours, theirs = ({group for name, group in side if group != name} for side in (suspect, heldout))
    return tuple(sorted(ours & theirs))


def _groups(pooled: Sequence[tuple[Role, Document]], clustered: set[int]) -> Iterator[Cluster]:
    """The documents of each group that the two sides name, without those of a cluster."""
    sides = (
        [(document.id, document.group) for role, document in pooled if role == side] for side in ("suspect", "heldout")
    )
    for group in shared_groups(*sides):
        members = [
            index
            for index, (role, document) in enumerate(pooled)
            if document.group == group and role in ("suspect", "heldout") and index not in clustered
        ]
        if members:
            yield Cluster(tuple(members), tuple("group" for _ in members))


class _Partition:
    """Which of `count` items are connected."""

    def __init__(self, count: int) -> None:
        self._above = list(range(count))

    def head(self, item: int) -> int:
        """The item that stands for all that are connected with this one."""
        above = self._above
        while above[item] != item:
            above[item] = item = above[above[item]]
        return item

    def connected(self, one: int, other: int) -> bool:
        """Whether two items are connected."""
        return self.head(one) == self.head(other)

    def join(self, one: int, other: int) -> None:
        """Connect two items; the lower head stands for both."""
        low, high = sorted((self.head(one), self.head(other)))
        self._above[high] = low


@dataclass(frozen=True, slots=True)
class _Forms:
    """Texts in the forms that are compared, a list entry a text; an empty set is not compared."""

    keys: list[bytes] = field(default_factory=list)
    by_words: list[Hashes] = field(default_factory=list)
    by_characters: list[Hashes] = field(default_factory=list)
    by_long_runs: list[Hashes] = field(default_factory=list)


def _forms(texts: Iterable[str], shingler: Shingler, threshold: float) -> _Forms:
    nothing = np.empty(0, dtype=np.uint64)
    forms = _Forms()
    for raw in texts:
        text = normalised(raw)
        split = words(text)
        forms.keys.append(hashlib.sha256(text.encode("utf-8")).digest())
        forms.by_words.append(shingler.shingles(split, NEAR_WORDS) if len(split) >= SHORT_WORDS else nothing)
        # A text just above the limit is compared both ways, so that a near-duplicate just below it is not missed.
        short = len(split) < SHORT_WORDS / threshold
        padded = text.ljust(SHORT_CHARACTERS)
        forms.by_characters.append(shingler.shingles(padded, SHORT_CHARACTERS) if short else nothing)
        forms.by_long_runs.append(shingler.shingles(split, CONTAINED_WORDS))
    return forms


def _equal(keys: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Each key that occurred before, with its first position."""
    first: dict[bytes, int] = {}
    for index, key in enumerate(keys):
        if first.setdefault(key, index) != index:
            yield first[key], index

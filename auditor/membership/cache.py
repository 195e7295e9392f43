"""CorpusCache: what the audits of one batch need not do twice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from auditor.core.errors import UNTOUCHED, RunError
from auditor.corpora.asked import read_for_audit
from auditor.corpora.digest import whole_digest
from auditor.corpora.document import Corpus
from auditor.corpora.overlap import Overlap, find_overlap
from auditor.membership.assess import TextBaseline, describe_texts, text_baseline
from auditor.results.guards import GuardResult
from auditor.results.rows import Rows
from auditor.settings import AuditSettings

MOST_CHARACTERS = 200_000_000
MOST_PAIRS = 16

V = TypeVar("V")


class CorpusCache:
    """Corpora that were read, and what the text of two sides told, for audits that run one after another.

    Every answer is the one that would be given without it: it is remembered by all that it is made from.

    Args:
        most_characters: Texts held at most; the corpora that were asked for longest ago are read again.
        most_pairs: Pairs of sides of which is held what they told, those asked about last.
    """

    def __init__(self, most_characters: int = MOST_CHARACTERS, most_pairs: int = MOST_PAIRS) -> None:
        self._most = most_characters
        self._pairs = most_pairs
        self._corpora: dict[tuple[object, ...], tuple[Corpus, int]] = {}
        self._read: dict[tuple[object, ...], str] = {}
        self._texts: dict[tuple[object, ...], tuple[Rows, Overlap]] = {}
        self._overlaps: dict[tuple[object, ...], Overlap] = {}
        self._sides: dict[tuple[object, ...], TextBaseline] = {}
        self._guards: dict[tuple[object, ...], dict[str, GuardResult]] = {}

    def corpus(self, source: str, settings: AuditSettings) -> Corpus:
        """Read a corpus as the settings say; arguments and errors as `auditor.corpora.asked.read_for_audit`.

        Raises:
            RunError: It was let go of, and is no longer what it was: audits that are compared would be of other texts.
        """
        key = (source, settings.text_column, settings.group_column, settings.group_by, settings.limit)
        known = self._corpora.pop(key, None)
        if known is None:
            corpus = read_for_audit(source, settings)
            told = whole_digest(corpus)
            if self._read.setdefault(key, told) != told:
                raise RunError(f"{source} changed while it was audited", hint=UNTOUCHED)
            known = corpus, sum(len(document.text) for document in corpus.documents)
        self._corpora[key] = known
        while len(self._corpora) > 1 and sum(size for _, size in self._corpora.values()) > self._most:
            del self._corpora[next(iter(self._corpora))]
        return known[0]

    def overlap(self, corpus: Corpus, side: Corpus, settings: AuditSettings) -> Overlap:
        """What two corpora share; as `find_overlap` answers."""
        threshold, seed = settings.policy.overlap_similarity, settings.seed
        key = (corpus.sha256, side.sha256, threshold, seed)
        return self._known(self._overlaps, key, lambda: find_overlap(corpus, side, threshold=threshold, seed=seed))

    def sides(self, suspect: Corpus, heldout: Corpus, rows: Rows, settings: AuditSettings) -> TextBaseline:
        """The text baseline of two sides, as `describe_texts` and `text_baseline` give it."""
        policy, seed = settings.policy, settings.seed
        texts = (suspect.sha256, heldout.sha256, rows.groups, policy.overlap_similarity, seed)
        alone, overlap = self._known(
            self._texts, texts, lambda: describe_texts(suspect, heldout, rows, policy=policy, seed=seed)
        )
        asked = (*texts, settings.permutations, policy.blind_alpha, policy.power)
        documents = (len(suspect.documents), len(heldout.documents))
        sides = self._known(
            self._sides,
            asked,
            lambda: text_baseline(
                documents, overlap, alone, permutations=settings.permutations, policy=policy, seed=seed
            ),
        )
        return replace(sides, policy=policy)

    def guards(self, sides: TextBaseline, suspect: Corpus, heldout: Corpus) -> dict[str, GuardResult]:
        """What the guards that read texts alone found, by name: empty at first, for the first audit to fill."""
        key = (suspect.sha256, heldout.sha256, sides.text_rows.groups, sides.policy, sides.permutations, sides.seed)
        return self._known(self._guards, key, dict)

    def _known(self, held: dict[tuple[object, ...], V], key: tuple[object, ...], make: Callable[[], V]) -> V:
        """An answer that is held or made, and then the last that will be let go of."""
        answer = held.pop(key) if key in held else make()
        held[key] = answer
        if len(held) > self._pairs:
            del held[next(iter(held))]
        return answer

"""CorpusCache: corpora and answers that audits which run one after another share."""

from __future__ import annotations

from auditor.core.answers import AnswerCache
from auditor.core.errors import UNTOUCHED, RunError
from auditor.corpora.document import Corpus, whole_digest
from auditor.corpora.overlap import Overlap, find_overlap
from auditor.corpora.read import read_for_audit
from auditor.membership.assess import describe_texts
from auditor.models.digests import Memo
from auditor.results.rows import Rows
from auditor.settings import AuditSettings

MOST_CHARACTERS = 200_000_000
MOST_ANSWERS = 16


class CorpusCache:
    """Corpora, and what follows from their texts. No figure depends on it.

    Args:
        most_characters: Texts held at most; the corpora that were read longest ago go first.
        most_answers: Answers held to each question.

    Attributes:
        answers: Answers of pure functions, which `auditor.audit.conclude.conclude` asks as well.
    """

    def __init__(self, most_characters: int = MOST_CHARACTERS, most_answers: int = MOST_ANSWERS) -> None:
        self.answers = AnswerCache(most_answers)
        self._most = most_characters
        self._corpora: dict[tuple[object, ...], tuple[Corpus, int]] = {}
        self._read: dict[tuple[object, ...], str] = {}

    def corpus(self, source: str, settings: AuditSettings) -> Corpus:
        """Read a corpus as the settings say; arguments and errors as `auditor.corpora.read.read_for_audit`.

        Raises:
            RunError: It has to be read a second time and has changed: audits that are compared would be of other texts.
        """
        key = (source, settings.text_column, settings.group_column, settings.group_by, settings.limit)
        held = self._corpora.pop(key, None)
        if held is None:
            corpus = read_for_audit(source, settings)
            digest = whole_digest(corpus)
            if self._read.setdefault(key, digest) != digest:
                raise RunError(f"{source} changed while it was audited", hint=UNTOUCHED)
            held = corpus, sum(len(document.text) for document in corpus.documents)
        self._corpora[key] = held
        while len(self._corpora) > 1 and sum(size for _, size in self._corpora.values()) > self._most:
            del self._corpora[next(iter(self._corpora))]
        return held[0]

    def overlap(self, corpus: Corpus, side: Corpus, settings: AuditSettings) -> Overlap:
        """What two corpora share; as `find_overlap` answers."""
        threshold, seed = settings.policy.overlap_similarity, settings.seed
        key = (corpus.sha256, side.sha256, threshold, seed)
        return self.answers.ask("overlap", key, lambda: find_overlap(corpus, side, threshold=threshold, seed=seed))

    def texts(
        self, suspect: Corpus, heldout: Corpus, rows: Rows, settings: AuditSettings, memo: Memo
    ) -> tuple[Rows, Overlap]:
        """The text of two sides; as `auditor.membership.assess.describe_texts` answers."""
        policy, seed = settings.policy, settings.seed
        key = (suspect.sha256, heldout.sha256, rows.groups, policy.overlap_similarity, seed)
        return self.answers.ask(
            "texts", key, lambda: describe_texts(suspect, heldout, rows, policy=policy, seed=seed, memo=memo)
        )

"""CorpusCache: corpora and answers that audits which run one after another share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from auditor.core.answers import AnswerCache
from auditor.core.errors import UNTOUCHED, RunError
from auditor.corpora.chat.formats import ChatFormat
from auditor.corpora.document import Corpus, whole_digest
from auditor.corpora.normal import encoding_counts
from auditor.corpora.read import read_for_audit
from auditor.membership.assess import describe_texts
from auditor.membership.chat import chat_format
from auditor.membership.sides import Sides, require_one_shape, separate, shared_documents
from auditor.models.backend import load_options
from auditor.models.digests import Memo
from auditor.results.encoding import EncodingCounts
from auditor.results.forgetting.measurements import Role
from auditor.results.rows import Rows
from auditor.settings import AuditSettings

MOST_CHARACTERS = 200_000_000
MOST_ANSWERS = 16


class CorpusCache:
    """Corpora, and what follows from their texts. No figure depends on it.

    Args:
        most_characters: Texts held at most; the corpora that were read longest ago go first.
        most_answers: Answers held to each question.
        chat: Gives the way in which the conversations of an audit become text.

    Attributes:
        answers: Answers of pure functions, which `auditor.audit.conclude.conclude` asks as well.
    """

    def __init__(
        self,
        most_characters: int = MOST_CHARACTERS,
        most_answers: int = MOST_ANSWERS,
        chat: Callable[[AuditSettings], ChatFormat] = chat_format,
    ) -> None:
        self.answers = AnswerCache(most_answers)
        self._most = most_characters
        self._corpora: dict[tuple[object, ...], tuple[Corpus, int]] = {}
        self._read: dict[tuple[object, ...], str] = {}
        self._rendered: set[tuple[object, ...]] = set()
        self._chat = chat
        self._formats: dict[tuple[object, ...], ChatFormat] = {}

    def corpus(self, source: str, settings: AuditSettings) -> Corpus:
        """Read a corpus as the settings say; arguments and errors as `auditor.corpora.read.read_for_audit`.

        Raises:
            RunError: It has to be read a second time and has changed: audits that are compared would be of other texts.
        """
        plain = (
            source,
            settings.text_column,
            settings.group_column,
            settings.group_by,
            settings.limit,
            settings.suffix,
            settings.normalise,
        )
        # Only conversations depend on the model, whose tokenizer has their template.
        key = (*plain, self.chat_format(settings).key) if plain in self._rendered else plain
        held = self._corpora.pop(key, None)
        if held is None:
            corpus = read_for_audit(source, settings, lambda: self.chat_format(settings))
            if corpus.chat is not None:
                self._rendered.add(plain)
                key = (*plain, corpus.chat.key)
            digest = whole_digest(corpus)
            if self._read.setdefault(key, digest) != digest:
                raise RunError(f"{source} changed while it was audited", hint=UNTOUCHED)
            held = corpus, sum(len(document.text) for document in corpus.documents)
        self._corpora[key] = held
        while len(self._corpora) > 1 and sum(size for _, size in self._corpora.values()) > self._most:
            del self._corpora[next(iter(self._corpora))]
        corpus = held[0]
        # Models with one template share the texts, and each of them is where it is from.
        own = None if corpus.chat is None else self.chat_format(settings).origin
        if corpus.chat is None or own is None or corpus.chat.origin == own:
            return corpus
        return replace(corpus, chat=corpus.chat.of(own))

    def chat_format(self, settings: AuditSettings) -> ChatFormat:
        """How the conversations of an audit become text; errors as `auditor.membership.chat.chat_format`."""
        key = (settings.chat_template, settings.score, settings.model, load_options(settings))
        if key not in self._formats:
            self._formats[key] = self._chat(settings)
        return self._formats[key]

    def sides(self, settings: AuditSettings) -> Sides:
        """Read the sets of an audit and leave out what they share; errors as `corpus` and `separate`."""
        series = settings.series
        sources: dict[Role, str | None] = {
            "suspect": settings.suspect,
            "heldout": settings.heldout,
            "placebo": None if series is None else series.placebo,
            "general": None if series is None else series.general,
        }
        read = {role: self.corpus(source, settings) for role, source in sources.items() if source is not None}
        require_one_shape(read)
        policy, seed = settings.policy, settings.seed
        key = (*((role, corpus.sha256) for role, corpus in read.items()), policy, seed)
        # The documents themselves are held by `corpus` alone, which knows how many fit.
        shared = self.answers.ask("shared", key, lambda: shared_documents(read, policy=policy, seed=seed))
        return separate(read, shared, policy)

    def texts(self, suspect: Corpus, heldout: Corpus, rows: Rows, memo: Memo) -> Rows:
        """The text of two sides; as `auditor.membership.assess.describe_texts` answers."""
        sides = ((side.sha256, side.left_out) for side in (suspect, heldout))
        key = (*sides, rows.groups)
        return self.answers.ask("texts", key, lambda: describe_texts(suspect, heldout, rows, memo=memo))

    def encoding(self, suspect: Corpus, heldout: Corpus) -> EncodingCounts:
        """The encoding of two sides; as `auditor.corpora.normal.encoding_counts` answers."""
        key = tuple((side.sha256, side.left_out) for side in (suspect, heldout))
        return self.answers.ask("encoding", key, lambda: encoding_counts(suspect, heldout))

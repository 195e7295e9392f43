"""What can be audited: the protocol a backend fulfils and the identity under which its scores are kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from auditor.core.errors import UNTOUCHED, AuditorError, RunError
from auditor.models.options import LoadOptions
from auditor.results.models import ModelIdentity
from auditor.signals.outputs import NO_TRACES, NOTHING, Capture, ModelOutputs
from auditor.signals.tokens import Floats, Ints
from auditor.signals.views import Prompt

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.models.digests import Memo, Seen

_log = logging.getLogger(__name__)


Variant = Literal["batched", "alone"]
"""`batched`: as fast as is exact. `alone`: one window at a time in float32 with every acceleration off, as a check."""


@dataclass(frozen=True, slots=True)
class Window:
    """One forward pass over one stretch of a text.

    Attributes:
        token_ids: [m] what the model reads: leading special tokens, prefix, text.
        context: How many leading tokens are read and not scored; at least one.
        starts: [m - context] first character of each scored token in the text.
        ends: [m - context] one past its last character.
        char_start: First character of the text this window scores.
        char_end: One past the last.
    """

    token_ids: Ints
    context: int
    starts: Ints
    ends: Ints
    char_start: int
    char_end: int

    def __len__(self) -> int:
        return int(self.token_ids.shape[0])

    @property
    def scored(self) -> int:
        """How many tokens are scored."""
        return len(self) - self.context


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as windows; `truncated` says whether a limit left some of the text unscored."""

    windows: tuple[Window, ...]
    truncated: bool

    @property
    def tokens(self) -> int:
        """How many tokens the model has to read."""
        return sum(len(window) for window in self.windows)


@dataclass(frozen=True, slots=True)
class WindowScores:
    """The statistics of the scored tokens of one window, all of shape [window.scored].

    See `auditor.signals.tokens.TokenSignals` for their definitions.

    Attributes:
        traces: What else was wanted of the pass, over this window's scored tokens.
    """

    logprob: Floats
    mean: Floats
    std: Floats
    rank: Ints
    traces: ModelOutputs = NO_TRACES


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """The digests of a model's files; what of `ModelIdentity` can be had from the files alone.

    Attributes:
        weights_sha256: As of `ModelIdentity`.
        tokenizer_sha256: The same.
        details: Digests of configurations.
    """

    weights_sha256: str
    tokenizer_sha256: str
    details: Mapping[str, str] = field(hash=False)


class Backend(Protocol):
    """A loaded model that turns prompts into windows and windows into statistics."""

    identity: ModelIdentity
    token_budget: int
    """How many tokens one call of `score` should be given; a starting point that is halved when memory runs out."""
    workers: int
    """How many threads may call `score` at once, each after `enter_worker`; 1 where that gains nothing."""

    def encode(self, prompt: Prompt, *, max_tokens: int | None = None) -> Encoded:
        """Cut a prompt into windows. `max_tokens` limits how many tokens of the text are read."""

    def score(
        self, windows: Sequence[Window], *, variant: Variant = "batched", wanted: Capture = NOTHING
    ) -> list[WindowScores]:
        """Score windows in one forward pass (`alone`: in one each).

        Args:
            windows: What to score.
            variant: How.
            wanted: What to keep of the same pass; the statistics are the same to the last bit whatever is wanted.

        Raises:
            RunError: The model returned NaN or infinite values.
        """

    def session(self, variant: Variant) -> AbstractContextManager[None]:
        """Hold the settings under which a variant is scored, for many calls of `score`, and restore them."""

    def enter_worker(self) -> None:
        """Make the calling thread ready for `score`."""

    def sibling(self, spec: ModelSpec) -> Backend | None:
        """Another model out of the same weights in memory: an adapter's base, or another adapter over that base.

        The backend that was asked, and those it gave before, must not score any more. It can be asked for others, and
        each is closed by whoever asked.

        Args:
            spec: The base of this adapter, or an adapter with that base (`spec.base.identity.key` is the same).

        Returns:
            None where the weights can no longer be had as that model reads them from its files (some adapters change
            more than can be taken back, and a whole model has no siblings); it has to be loaded by itself.

        Raises:
            RunError: The other adapter cannot be loaded.
            UsageError: Its tokenizer cannot be read.
        """

    def recover(self) -> None:
        """Free what a failed `score` left behind, so that a smaller one can follow."""

    def close(self) -> None:
        """Free the model."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The model an adapter was trained on.

    Attributes:
        source: Its path or name on the hub.
        revision: Branch, tag or commit of a hub model; None for its main branch and for local folders.
    """

    source: str
    revision: str | None


def no_tokenizer(source: str, options: LoadOptions) -> Any:
    """A model that is not read from files has no tokenizer of its own.

    Raises:
        RunError: Always.
    """
    raise RunError(f"{source} has no tokenizer of its own")


def no_files(source: str, options: LoadOptions) -> Sequence[Path]:
    """A model that is not read from files has none."""
    return ()


def no_fingerprint(source: str, revision: str | None) -> Fingerprint:
    """A model that is not read from files has none to hash.

    Raises:
        RunError: Always.
    """
    raise RunError(f"{source} is not read from files that could be hashed")


@dataclass(frozen=True, slots=True)
class Loader:
    """One way to open a model; one file a loader, found by discovery.

    Attributes:
        name: Kind of model, as it appears in results.
        summary: What it opens, one line.
        order: Loaders are asked in this order whether they accept a source.
        accepts: Whether a source is of this kind, by its name and the files that are there.
        identify: Reads everything that makes the identity, without the weights in memory.
        load: Opens the model.
        base: The model an adapter was trained on; None where there is none.
        tokenizer: Opens its tokenizer alone.
        fingerprint: Hashes its files, of a source and its revision; no weights in memory, and no torch.
        files: Every file that `identify` hashes or that says which those are; what is scored while one of them changes
            is not kept.
    """

    name: str
    summary: str
    order: int
    accepts: Callable[[str], bool]
    identify: Callable[[str, LoadOptions, Memo], ModelIdentity]
    load: Callable[[ModelIdentity, LoadOptions], Backend]
    base: Callable[[str], Origin | None]
    tokenizer: Callable[[str, LoadOptions], Any] = no_tokenizer
    fingerprint: Callable[[str, str | None], Fingerprint] = no_fingerprint
    files: Callable[[str, LoadOptions], Sequence[Path]] = no_files


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that is known and not yet in memory.

    Attributes:
        identity: What its scores are kept under.
        loader: How to open it.
        options: With which options.
        base: The model it was adapted from, whose memory they may share (`Backend.sibling`); None where there is none.
        seen: Its files as they were before they were hashed; None where it is not read from files.
    """

    identity: ModelIdentity
    loader: Loader
    options: LoadOptions
    base: ModelSpec | None = None
    seen: Seen | None = field(default=None, compare=False, repr=False)

    def load(self) -> Backend:
        """Read the weights into memory.

        Raises:
            RunError: They cannot be loaded, or are no longer those that the identity is of.
        """
        _log.info("loading %s in %s on %s", self.identity.source, self.identity.dtype, self.identity.device)
        with self._refusing_changed():
            backend = self.loader.load(self.identity, self.options)
        return self._checked(backend)

    def load_beside(self, host: Backend) -> Backend | None:
        """Have it out of the weights that another model holds; None and errors as of `Backend.sibling` and `load`."""
        with self._refusing_changed():
            backend = host.sibling(self)
        return None if backend is None else self._checked(backend)

    def require_untouched(self) -> None:
        """Refuse scores of a model whose files were touched since they were hashed.

        Weights may still be read from them while the model is scored, so this has to be asked before scores are kept.

        Raises:
            RunError: They were.
        """
        if self.seen is not None and not self.seen.untouched():
            raise changed(self.identity.source)

    @contextmanager
    def _refusing_changed(self) -> Iterator[None]:
        """What fails because the files are others now fails for that."""
        try:
            yield
        except AuditorError as error:
            if self.seen is not None and not self.seen.same():
                raise changed(self.identity.source) from error
            raise

    def _checked(self, backend: Backend) -> Backend:
        if self.seen is not None and not self.seen.same():
            backend.close()
            raise changed(self.identity.source)
        return backend

    def tokenizer(self) -> Any:
        """Open the tokenizer alone.

        Raises:
            UsageError: It cannot be read.
        """
        return self.loader.tokenizer(self.identity.source, self.options)


def changed(source: str) -> RunError:
    """What is said of a model that is no longer what it was when it was identified."""
    return RunError(f"the model {source} changed while it was audited", hint=UNTOUCHED)


def empty_scores() -> WindowScores:
    """The statistics of no token."""
    none = np.zeros(0, dtype=np.float32)
    return WindowScores(none, none, none, np.zeros(0, dtype=np.int32))

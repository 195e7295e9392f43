"""Backend and Loader: what a kind of model implements so that it can be audited."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from auditor.core.errors import UNTOUCHED, AuditorError, RunError, UsageError
from auditor.results.models import ModelIdentity
from auditor.settings import AuditSettings
from auditor.signals.outputs import NO_OUTPUTS, NOTHING, Capture, ModelOutputs
from auditor.signals.tokens import Bools, Floats, Ints
from auditor.signals.views import Prompt

if TYPE_CHECKING:
    from pathlib import Path

    from auditor.models.digests import FileSnapshot, Memo

_log = logging.getLogger(__name__)


Variant = Literal["batched", "alone"]
"""`batched`: as fast as is exact. `alone`: one window at a time in float32 with every acceleration off, as a check."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How models are loaded.

    Attributes:
        device: auto, cpu, cuda, cuda:N or mps.
        dtype: auto (float32 on a CPU, as stored elsewhere), float32, bfloat16 or float16.
        revision: Branch, tag or commit of a hub model.
        max_context: Longest window in tokens; the model's own limit where that is smaller.
        base: The base of an adapter, in place of the one that it names; None for that one.
        tokenizer: Folder of the tokenizer, in place of the model's own; None for that one.
    """

    device: str = "auto"
    dtype: str = "auto"
    revision: str | None = None
    max_context: int = 2048
    base: str | None = None
    tokenizer: str | None = None


def load_options(settings: AuditSettings) -> LoadOptions:
    """How the audited model and the checkpoints are loaded."""
    return LoadOptions(
        settings.device, settings.dtype, settings.revision, settings.context, settings.base, settings.tokenizer
    )


def of_reference(options: LoadOptions) -> LoadOptions:
    """How a reference is loaded: revision, base and tokenizer are those of the audited model and its checkpoints."""
    return replace(options, revision=None, base=None, tokenizer=None)


@dataclass(frozen=True, slots=True)
class Window:
    """One forward pass over one stretch of a text.

    Attributes:
        token_ids: [m] tokens the model reads: leading special tokens, prefix, text.
        context: Number of leading tokens that are read and not scored; at least one.
        starts: [m - context] first character of each scored token in the text.
        ends: [m - context] one past its last character.
        char_start: First character of the text this window scores.
        char_end: One past the last.
        counted: [m - context] which of the scored tokens lie in the scored parts of the prompt; None where it has none.
    """

    token_ids: Ints
    context: int
    starts: Ints
    ends: Ints
    char_start: int
    char_end: int
    counted: Bools | None = None

    def __len__(self) -> int:
        return int(self.token_ids.shape[0])

    @property
    def scored(self) -> int:
        """Number of scored tokens, those that do not count included."""
        return len(self) - self.context


@dataclass(frozen=True, slots=True)
class Encoded:
    """A prompt as windows; `truncated` says whether a limit left some of the text unscored."""

    windows: tuple[Window, ...]
    truncated: bool

    @property
    def tokens(self) -> int:
        """Number of tokens the model has to read."""
        return sum(len(window) for window in self.windows)


@dataclass(frozen=True, slots=True)
class WindowScores:
    """The statistics of the scored tokens of one window, all of shape [window.scored].

    See `auditor.signals.tokens.TokenSignals` for their definitions.

    Attributes:
        outputs: The other model outputs that were requested, over this window's scored tokens.
    """

    logprob: Floats
    mean: Floats
    std: Floats
    max_logprob: Floats
    rank: Ints
    outputs: ModelOutputs = NO_OUTPUTS


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """Digests of a model's files: the part of `ModelIdentity` that needs the files alone.

    Attributes:
        weights_sha256: As of `ModelIdentity`.
        tokenizer_sha256: As of `ModelIdentity`.
        details: Digests of configurations.
    """

    weights_sha256: str
    tokenizer_sha256: str
    details: Mapping[str, str] = field(hash=False)


class Backend(Protocol):
    """A loaded model that turns prompts into windows and windows into statistics."""

    identity: ModelIdentity
    token_budget: int
    """Tokens to pass to one call of `score`; a starting point that is halved when memory runs out."""
    workers: int
    """Threads that may call `score` at once, each after `enter_worker`; 1 where more gain nothing."""

    def encode(self, prompt: Prompt, *, max_tokens: int | None = None) -> Encoded:
        """Cut a prompt into windows. `max_tokens` limits how many tokens of the text are read."""

    def score(
        self, windows: Sequence[Window], *, variant: Variant = "batched", wanted: Capture = NOTHING
    ) -> list[WindowScores]:
        """Score windows in one forward pass (`alone`: in one each).

        Args:
            windows: Windows to score.
            variant: Fast, or as a check.
            wanted: Other outputs to keep of the same pass; they change no bit of the statistics.

        Raises:
            RunError: The model returned NaN or infinite values.
        """

    def session(self, variant: Variant) -> AbstractContextManager[None]:
        """Hold the settings under which a variant is scored, for many calls of `score`, and restore them."""

    def enter_worker(self) -> None:
        """Make the calling thread ready for `score`."""

    def sibling(self, spec: ModelSpec) -> Backend | None:
        """Another model from the same weights in memory: an adapter's base, or another adapter over that base.

        This backend and its earlier siblings must not score any more. It can still give further siblings; the caller
        closes each.

        Args:
            spec: The base of this adapter, or an adapter with that base (`spec.base.identity.key` is the same).

        Returns:
            None where the weights in memory are no longer those in that model's files (some adapters change more than
            can be undone) and for a whole model, which has no siblings; that model has to be loaded by itself.

        Raises:
            RunError: The other adapter cannot be loaded.
            UsageError: Its tokenizer cannot be read.
        """

    def recover(self) -> None:
        """Free the memory of a failed `score`, so that a smaller one can follow."""

    def close(self) -> None:
        """Free the model."""


@dataclass(frozen=True, slots=True)
class WeightFiles:
    """The stored tensors of a model, for comparisons that need no forward pass.

    Attributes:
        files: Safetensors files of the whole model, which of an adapter is its base.
        adapter: Safetensors file of the adapter over them; None for a whole model.
        tied: Whether the output head may repeat the embeddings.
        unreadable: Why the tensors cannot be read as plain numbers, as the end of a sentence; empty where they can.
    """

    files: tuple[Path, ...] = ()
    adapter: Path | None = None
    tied: bool = True
    unreadable: str = ""


@dataclass(frozen=True, slots=True)
class Origin:
    """The model an adapter was trained on.

    Attributes:
        source: Its path or name on the hub.
        revision: Branch, tag or commit of a hub model; None for its main branch and for local folders.
        named_by: The file that names it; empty where the user does.
        tokenizer: Folder of its tokenizer, where it has none of its own and one was named for the adapter.
    """

    source: str
    revision: str | None
    named_by: str = ""
    tokenizer: str | None = None

    @contextmanager
    def naming(self) -> Iterator[None]:
        """Say of an error about this model which file named it, and how to name another."""
        try:
            yield
        except AuditorError as error:
            if not self.named_by:
                raise
            raise type(error)(
                f"{error.message}; it is the base model that {self.named_by} names",
                hint=f"Name the folder where it lies now with --base. {error.hint}".strip(),
            ) from error


def no_base(source: str, options: LoadOptions) -> Origin | None:
    """A whole model has no base.

    Raises:
        UsageError: One is named for it all the same.
    """
    if options.base is not None:
        raise UsageError(f"{source} is a whole model and has no base {options.base!r}", hint="Leave --base out.")
    return None


def no_tokenizer(source: str, options: LoadOptions) -> Any:
    """Default of a model that is not read from files.

    Raises:
        RunError: Always.
    """
    raise RunError(f"{source} has no tokenizer of its own")


def no_files(source: str, options: LoadOptions, memo: Memo) -> Sequence[Path]:
    """Default of a model that is not read from files."""
    return ()


def no_weights(source: str, options: LoadOptions) -> WeightFiles:
    """Default of a model whose tensors are not read."""
    return WeightFiles(unreadable="the weights of this kind of model are not read")


def no_fingerprint(source: str, options: LoadOptions) -> Fingerprint:
    """Default of a model that is not read from files.

    Raises:
        RunError: Always.
    """
    raise RunError(f"{source} is not read from files that could be hashed")


@dataclass(frozen=True, slots=True)
class Loader:
    """One kind of model, with everything that is special about it; one file a loader, found by discovery.

    Attributes:
        name: Kind of model, as it appears in results.
        summary: What it opens, one line.
        order: The first loader in this order that accepts a source opens it.
        accepts: Whether a source is of this kind, by its name and the files that exist.
        identify: Reads everything that makes the identity, without the weights in memory.
        load: Opens the model.
        base: The model an adapter was trained on; None where there is none.
        tokenizer: Opens its tokenizer alone.
        fingerprint: Hashes its files; no weights in memory, and no torch.
        files: Every file that `identify` hashes or that names those; scores are discarded if one of them changes while
            the model is scored.
        weights: The stored tensors, for comparing checkpoints without loading them.
        prefix: Start of every source of this kind, such as `untrained:`; a path or hub name follows it. Empty where
            the source is that path or name itself.
        dequantises: Whether `load` gives plain weights even where the files hold quantised ones.
    """

    name: str
    summary: str
    order: int
    accepts: Callable[[str], bool]
    identify: Callable[[str, LoadOptions, Memo], ModelIdentity]
    load: Callable[[ModelIdentity, LoadOptions], Backend]
    base: Callable[[str, LoadOptions], Origin | None] = no_base
    tokenizer: Callable[[str, LoadOptions], Any] = no_tokenizer
    fingerprint: Callable[[str, LoadOptions], Fingerprint] = no_fingerprint
    files: Callable[[str, LoadOptions, Memo], Sequence[Path]] = no_files
    weights: Callable[[str, LoadOptions], WeightFiles] = no_weights
    prefix: str = ""
    dequantises: bool = False


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model that is identified and not yet in memory.

    Attributes:
        identity: Key of its scores.
        loader: Opens it.
        options: How it is opened.
        base: The model it was adapted from, whose memory it may share (`Backend.sibling`); None where there is none.
        snapshot: State of its files before they were hashed; None where it is not read from files.
    """

    identity: ModelIdentity
    loader: Loader
    options: LoadOptions
    base: ModelSpec | None = None
    snapshot: FileSnapshot | None = field(default=None, compare=False, repr=False)

    def load(self) -> Backend:
        """Read the weights into memory.

        Raises:
            RunError: They cannot be loaded, or are no longer the identified ones.
        """
        _log.info("loading %s in %s on %s", self.identity.source, self.identity.dtype, self.identity.device)
        with self._report_changes():
            backend = self.loader.load(self.identity, self.options)
        return self._require_unchanged(backend)

    def load_from(self, host: Backend) -> Backend | None:
        """Load from weights that `host` already holds; None and errors as of `Backend.sibling` and `load`."""
        with self._report_changes():
            backend = host.sibling(self)
        return None if backend is None else self._require_unchanged(backend)

    def require_untouched(self) -> None:
        """Refuse scores of a model whose files were written to since they were hashed.

        Memory-mapped weights are still read while the model is scored, so this is checked before scores are stored.

        Raises:
            RunError: A file was written to.
        """
        if self.snapshot is not None and not self.snapshot.unmodified():
            raise changed(self.identity.source)

    @contextmanager
    def _report_changes(self) -> Iterator[None]:
        """Report an error as 'model changed' if the model's files changed."""
        try:
            yield
        except AuditorError as error:
            if self.snapshot is not None and not self.snapshot.unchanged():
                raise changed(self.identity.source) from error
            raise

    def _require_unchanged(self, backend: Backend) -> Backend:
        if self.snapshot is not None and not self.snapshot.unchanged():
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
    """The error for a model whose files changed after it was identified."""
    return RunError(f"the model {source} changed while it was audited", hint=UNTOUCHED)


def empty_scores() -> WindowScores:
    """Statistics of zero tokens."""
    none = np.zeros(0, dtype=np.float32)
    return WindowScores(none, none, none, none, np.zeros(0, dtype=np.int32))

"""One model on this machine: whether its backend can be trusted, and how fast it is."""

from __future__ import annotations

import contextlib
import importlib.resources
import re
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from auditor.audit.open import open_audit
from auditor.core.progress import Progress
from auditor.core.seeds import stream
from auditor.corpora.document import Corpus, corpus_passed_over
from auditor.doctor.checkup import ModelCheckup, Parity, Speed
from auditor.features.catalogue import select_features
from auditor.features.table import requested_views
from auditor.membership.cache import CorpusCache
from auditor.membership.guards.numerics import judge_probes
from auditor.models.backend import LoadOptions, ModelSpec
from auditor.models.loading import open_model
from auditor.results.policy import Policy
from auditor.scoring.plan import Request
from auditor.scoring.probing import PROBES_SHUFFLED, choose_probes
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.settings import AuditSettings
from auditor.signals.transforms import all_transforms, transform_text
from auditor.signals.transforms.whole import AS_IS
from auditor.signals.views import Passage

SECONDS = 10.0
"""Approximate duration of the speed measurement."""

_SEED = 0
_UNKNOWN_TOKENS = 512  # of a document until it is scored


@dataclass(frozen=True, slots=True)
class ModelOnly:
    """A model whose documents are not at hand.

    Attributes:
        source: As --model has it.
        options: How it is loaded.
        documents: Documents of the audit whose duration is estimated, both sides together.
        tokens: Tokens of each.
        max_tokens: Read at most this many tokens of a text.
    """

    source: str
    options: LoadOptions
    documents: int
    tokens: int
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class _Opened:
    """A model that is opened, and the size of its audit; `sides` is None where no documents are at hand."""

    spec: ModelSpec
    documents: int
    tokens: int
    max_tokens: int | None
    sides: tuple[Corpus, Corpus] | None

    @classmethod
    def of(cls, subject: AuditSettings | ModelOnly, store: Store) -> _Opened:
        """Open a model alone, or the whole audit as `auditor check` does: what is accepted here is accepted there."""
        if isinstance(subject, ModelOnly):
            spec = open_model(subject.source, subject.options, store)
            return cls(spec, subject.documents, subject.tokens, subject.max_tokens, None)
        audit = open_audit(subject, store, CorpusCache())
        sides = audit.sides.suspect, audit.sides.heldout
        documents = sum(len(side.documents) for side in sides)
        return cls(audit.models.target, documents, _UNKNOWN_TOKENS, subject.max_tokens, sides)


@dataclass(slots=True)
class _Watch:
    """Times the scoring of one call and the loading before it, and passes progress on."""

    progress: Progress
    started: float = 0.0
    seconds: float = 0.0
    created: float = field(default_factory=time.perf_counter)

    @property
    def loading(self) -> float:
        """Seconds from creation to the first token."""
        return self.started - self.created

    def start(self, total_tokens: int, label: str) -> None:
        """See `Progress`."""
        self.started = time.perf_counter()
        self.progress.start(total_tokens, label)

    def advance(self, tokens: int) -> None:
        """See `Progress`."""
        self.progress.advance(tokens)

    def stop(self) -> None:
        """See `Progress`."""
        self.seconds += time.perf_counter() - self.started
        self.progress.stop()


def inspect_model(subject: AuditSettings | ModelOnly, progress: Progress) -> ModelCheckup:
    """Load a model, probe it as an audit does, and time it. No score is stored.

    Args:
        subject: The audit whose duration is estimated, or its model alone.
        progress: Receives the progress of scoring.

    Raises:
        UsageError: It cannot be audited.
        RunError: It cannot be loaded, or it fails.
    """
    watch = _Watch(progress)
    with _store() as store:
        opened = _Opened.of(subject, store)
        parity, rate, bytes_a_token = _parity(opened, store, watch)
    speed = None
    if parity.passed:
        aim = max(1, min(opened.documents, round(SECONDS * rate / max(1, opened.tokens))))
        texts = _sample(opened, aim, bytes_a_token)
        # A new store, since texts that the probes scored would not be timed.
        with _store() as store:
            speed = _speed(opened, texts, store, _Watch(progress), watch.loading)
    identity = opened.spec.identity
    return ModelCheckup(
        source=identity.source,
        kind=identity.kind,
        dtype=identity.dtype,
        device=identity.device,
        context=identity.context,
        documents="" if opened.sides is None else "; ".join(map(_documents_of, ("suspect", "held-out"), opened.sides)),
        parity=parity,
        speed=speed,
        peak_memory_bytes=_peak_memory(identity.device),
    )


def _documents_of(name: str, side: Corpus) -> str:
    left = corpus_passed_over(side)
    return f"{len(side.documents):,} {name}" + (f" (left out: {left})" if left else "")


@contextlib.contextmanager
def _store() -> Iterator[Store]:
    """A store that is deleted afterwards."""
    with tempfile.TemporaryDirectory(prefix="auditor-") as folder, Store.open(folder) as store:
        yield store


def _parity(opened: _Opened, store: Store, watch: _Watch) -> tuple[Parity, float, float]:
    """The parity of the backend, tokens per second and bytes per token, all from the probes."""
    spec = opened.spec
    sides: list[Sequence[str | Passage]] = [passages()[::2], passages()[1::2]]
    if opened.sides is not None:
        sides = [_sample_side(side, PROBES_SHUFFLED // 2) for side in opened.sides]
    probes = choose_probes(*sides, seed=_SEED, rng=stream(_SEED, "doctor probes"))
    plain = [Request(spec, transform_text(AS_IS, text, _SEED)) for text in probes.texts]
    requests = [*plain, *probes.requests(spec)]
    scored = score_requests(requests, store=store, max_tokens=opened.max_tokens, progress=watch)
    records = scored.signals[: len(plain)]
    numerics = probes.numerics(records, iter(scored.signals[len(plain) :]))
    outcome = judge_probes({"model": numerics}, Policy())
    parity = Parity(
        passed=outcome.status == "passed",
        text="built-in" if opened.sides is None else "given documents",
        reason=outcome.reason,
        remediation=outcome.remediation,
        figures=outcome.figures,
    )
    read = sum(record.n_bytes for record in records) / max(1, sum(len(record) for record in records))
    return parity, scored.tokens / max(watch.seconds, 1e-9), read


def _sample_side(side: Corpus, most: int) -> list[Passage]:
    """Random documents of a side."""
    chosen = stream(_SEED, f"doctor {side.source}").permutation(len(side.documents))[:most]
    return [side.documents[int(index)].passage for index in chosen]


def _sample(opened: _Opened, aim: int, bytes_a_token: float) -> Sequence[str | Passage]:
    """About `aim` documents: of the requested size, or equally many from both given sides."""
    if opened.sides is None:
        rng: np.random.Generator = stream(_SEED, "doctor documents")
        return list(islice(documents(round(opened.tokens * bytes_a_token), rng), aim))
    return [text for side in opened.sides for text in _sample_side(side, max(1, aim // 2))]


def _speed(opened: _Opened, texts: Sequence[str | Passage], store: Store, watch: _Watch, load_seconds: float) -> Speed:
    """Score a sample with every view of the default features, as an audit does."""
    views = [transform for _, transform in requested_views(select_features("default"), ())]
    transforms = all_transforms()
    requests = [Request(opened.spec, transform_text(transforms[name], text, _SEED)) for name in views for text in texts]
    scored = score_requests(requests, store=store, max_tokens=opened.max_tokens, progress=watch)
    return Speed(
        documents=opened.documents,
        tokens_each=round(sum(len(record) for record in scored.signals[: len(texts)]) / len(texts)),
        views=len(views),
        sampled=len(texts),
        sampled_tokens=scored.tokens,
        sampled_seconds=watch.seconds,
        load_seconds=load_seconds,
        audit_seconds=load_seconds + watch.seconds * opened.documents / len(texts),
    )


def _peak_memory(device: str) -> int | None:
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.max_memory_allocated(device))
    try:
        import resource
    except ImportError:
        return None
    import sys

    # macOS counts bytes, others kilobytes.
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * (1 if sys.platform == "darwin" else 1024)


def passages() -> tuple[str, ...]:
    """Neutral English prose for the probes where a user gives no documents; all texts differ."""
    text = importlib.resources.files("auditor.doctor").joinpath("passages.txt").read_text(encoding="utf-8")
    return tuple(part.strip() for part in text.split("\n\n"))


def documents(size: int, rng: np.random.Generator) -> Iterator[str]:
    """Endless documents of the passages' sentences in random order, to measure speed with.

    Args:
        size: Bytes of each, to the nearest sentence.
        rng: Draws the sentences.
    """
    sentences = [sentence for passage in passages() for sentence in re.split(r"(?<=\.) ", passage)]
    while True:
        chosen: list[str] = []
        while sum(map(len, chosen)) + len(chosen) < size:
            chosen.append(sentences[int(rng.integers(len(sentences)))])
        yield " ".join(chosen)

"""Scoring a series: one pass of every checkpoint over every text, from which all measures are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from auditor.core.progress import Progress
from auditor.corpora.document import Corpus
from auditor.forgetting.series import CorpusScores, NamedCheckpoint, Series
from auditor.results.forgetting.measurements import Role
from auditor.scoring.plan import Request
from auditor.scoring.probing import Probes, choose_probes
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture, ModelOutputs
from auditor.signals.tokens import TokenSignals
from auditor.signals.transforms import transform_text
from auditor.signals.transforms.whole import AS_IS


def build_series_requests(
    checkpoints: Sequence[NamedCheckpoint],
    corpora: Mapping[Role, Corpus],
    *,
    seed: int,
    layers: bool,
    rng: np.random.Generator,
) -> tuple[Probes, list[Request]]:
    """Put together what `score_series` scores; arguments as there. Nothing is scored and no model loaded.

    Returns:
        Which documents are scored a second time, of every checkpoint; and the requests by checkpoint, of each the
        documents by role, then the probes.
    """
    prompts = {
        role: [transform_text(AS_IS, document.passage, seed) for document in corpus.documents]
        for role, corpus in corpora.items()
    }
    wanted = {role: Capture(layers=layers and role != "placebo", top=role == "general") for role in corpora}
    ours, theirs = ([document.passage for document in corpora[role].documents] for role in _SIDES)
    probes = choose_probes(ours, theirs, seed=seed, rng=rng)
    requests: list[Request] = []
    for checkpoint in checkpoints:
        for role, some in prompts.items():
            requests += [Request(checkpoint.spec, prompt, wanted=wanted[role]) for prompt in some]
        requests += probes.requests(checkpoint.spec)
    return probes, requests


def score_series(
    checkpoints: Sequence[NamedCheckpoint],
    corpora: Mapping[Role, Corpus],
    *,
    seed: int,
    max_tokens: int | None,
    layers: bool,
    store: Store,
    rng: np.random.Generator,
    progress: Progress,
) -> Series:
    """Score every corpus under every checkpoint, the texts of all in one stream; errors as `score_requests`.

    The records are those that an audit of a checkpoint by itself finds and makes, so neither scores what the other has.

    Args:
        checkpoints: The origin first.
        corpora: By role; suspect and heldout at least. A text that is in two is scored once.
        seed: Seed of the transforms.
        max_tokens: Read at most this many tokens of each text.
        layers: Whether mean hidden states are kept, but for the placebo's, which nothing reads.
        store: Where scores are kept.
        rng: Chooses the probe documents; the same for every checkpoint.
        progress: Told how far scoring is.
    """
    probes, requests = build_series_requests(checkpoints, corpora, seed=seed, layers=layers, rng=rng)
    scored = score_requests(requests, store=store, max_tokens=max_tokens, progress=progress)
    signals, outputs = iter(scored.signals), iter(scored.outputs)
    readings, numerics = {}, {}
    for checkpoint in checkpoints:
        for role, corpus in corpora.items():
            records = [next(signals) for _ in corpus.documents]
            readings[checkpoint.name, role] = _reading(records, [next(outputs) for _ in corpus.documents])
        both = [record for role in _SIDES for record in readings[checkpoint.name, role].signals]
        for _ in (*probes.alone, *probes.shuffled):
            next(outputs)
        numerics[checkpoint.name] = probes.numerics(both, signals)
    return Series(
        checkpoints=tuple(checkpoints),
        corpora=dict(corpora),
        readings=readings,
        numerics=numerics,
    )


_SIDES: tuple[Role, Role] = ("suspect", "heldout")


def _reading(signals: Sequence[TokenSignals], outputs: Sequence[ModelOutputs | None]) -> CorpusScores:
    """Outputs are dropped where none holds anything that was captured."""
    shown = [each for each in outputs if each is not None]
    captured = any(each.layers is not None or each.top_ids is not None for each in shown)
    return CorpusScores(tuple(signals), tuple(shown) if captured else ())

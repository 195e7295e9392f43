"""The record of a text from what its windows gave."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from auditor.models.backend import WindowScores
from auditor.scoring.plan import Item
from auditor.signals.outputs import Capture, ModelOutputs, joined
from auditor.signals.tokens import TokenSignals


@dataclass(frozen=True, slots=True)
class AssembledScores:
    """What scoring a text gave."""

    signals: TokenSignals
    traces: ModelOutputs


def assemble(item: Item, scores: Sequence[WindowScores], wanted: Capture) -> AssembledScores:
    """The record of a text from the statistics of its windows, one each in their order."""
    windows = item.encoded.windows
    characters = b"".join(item.text[window.char_start : window.char_end].encode() for window in windows)
    no_ints, no_floats = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.float32)
    signals = TokenSignals(
        token_ids=np.concatenate([no_ints, *(window.token_ids[window.context :] for window in windows)]),
        starts=np.concatenate([no_ints, *(window.starts for window in windows)]),
        ends=np.concatenate([no_ints, *(window.ends for window in windows)]),
        positions=np.concatenate(
            [no_ints, *(np.arange(window.context, len(window), dtype=np.int32) for window in windows)]
        ),
        logprob=np.concatenate([no_floats, *(score.logprob for score in scores)]),
        mean=np.concatenate([no_floats, *(score.mean for score in scores)]),
        std=np.concatenate([no_floats, *(score.std for score in scores)]),
        rank=np.concatenate([no_ints, *(score.rank for score in scores)]),
        n_bytes=len(characters),
        zlib_bytes=len(zlib.compress(characters)),
        truncated=item.encoded.truncated,
    )
    read = [(window.scored, score.traces) for window, score in zip(windows, scores, strict=True) if window.scored]
    return AssembledScores(signals, joined([traces for _, traces in read], [count for count, _ in read], wanted))

"""ModelOutputs: hidden states and top tokens of a forward pass, captured for series of checkpoints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.signals.tokens import Floats, Ints

TOP = 64
"""Number of most probable next tokens captured at each scored token."""


@dataclass(frozen=True, slots=True)
class Capture:
    """The model outputs to record besides token signals.

    Attributes:
        layers: The mean hidden state of every layer.
        top: The `TOP` most probable next tokens at each scored token.
    """

    layers: bool = False
    top: bool = False

    def __bool__(self) -> bool:
        return self.layers or self.top

    def __or__(self, other: Capture) -> Capture:
        return Capture(self.layers or other.layers, self.top or other.top)

    def __sub__(self, other: Capture) -> Capture:
        return Capture(self.layers and not other.layers, self.top and not other.top)


NOTHING = Capture()
"""Token signals only."""


@dataclass(frozen=True, slots=True)
class ModelOutputs:
    """Outputs of one model for one text.

    Attributes:
        layers: [layers + 1, width] mean hidden state over the scored text tokens of all windows (never a BOS or other
            leading token), of the embeddings first and of each layer after; the hidden state *at* a token, which has
            been read. The last is taken after the final normalisation, as transformers counts hidden states. None where
            not captured, where the model does not show them, or where no token is scored.
        top_ids: [n, TOP] ids of the most probable next tokens at each scored token, most probable first (fewer columns
            where the vocabulary is smaller); None where not captured. Row order is that of `TokenSignals`.
        top_logprobs: [n, TOP] their log-probabilities (nats).
    """

    layers: npt.NDArray[np.float32] | None = None
    top_ids: Ints | None = None
    top_logprobs: Floats | None = None

    def only(self, wanted: Capture) -> ModelOutputs:
        """The outputs that `wanted` names."""
        return ModelOutputs(
            self.layers if wanted.layers else None,
            self.top_ids if wanted.top else None,
            self.top_logprobs if wanted.top else None,
        )


NO_OUTPUTS = ModelOutputs()
"""No output was captured."""


def merge_windows(parts: Sequence[ModelOutputs], scored: Sequence[int], wanted: Capture) -> ModelOutputs:
    """The outputs of a text from those of its windows.

    Args:
        parts: One per window.
        scored: Scored tokens of each window, the weight of its means; positive.
        wanted: The captured outputs.
    """
    shown = [part.layers for part in parts if part.layers is not None]
    layers = None
    if shown and len(shown) == len(parts):
        # Every token has the same weight, so a short last window weighs less.
        total = sum(count * part.astype(np.float64) for count, part in zip(scored, shown, strict=True))
        layers = np.asarray(total / sum(scored), dtype=np.float32)
    if not wanted.top:
        return ModelOutputs(layers)
    ids = [part.top_ids for part in parts if part.top_ids is not None]
    logprobs = [part.top_logprobs for part in parts if part.top_logprobs is not None]
    if not ids:
        return ModelOutputs(layers, np.zeros((0, TOP), dtype=np.int32), np.zeros((0, TOP), dtype=np.float32))
    return ModelOutputs(layers, np.concatenate(ids), np.concatenate(logprobs))

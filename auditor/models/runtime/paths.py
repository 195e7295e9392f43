"""Fast paths through a model, each verified against the model's own logits before use."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from auditor.core.errors import RunError, UsageError
from auditor.models.runtime.attention import PACKED, register
from auditor.models.runtime.layers import Layers, find_layers
from auditor.signals.kernel import Head, LogitTransform

_PROBE_LENGTHS = (40, 23)


@dataclass(slots=True)
class Paths:
    """A model's body and head, and the fast paths that give its own figures.

    Attributes:
        model: The whole model.
        body: The module that gives the last hidden states.
        head: The last layer, or None where body and head do not reproduce the model's logits; use `logits` then.
        packing: Whether windows may be laid end to end.
        vocabulary: Number of logits.
        layers: The layers with their hidden states, or None where they could not be verified.
    """

    model: Any
    body: Any
    head: Head | None
    packing: bool
    vocabulary: int
    layers: Layers | None = None

    def require_head(self) -> Head:
        """The head.

        Raises:
            RunError: The model has none.
        """
        if self.head is None:
            raise RunError("the model has no plain last layer")
        return self.head

    def packed(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Last hidden states [total, width] of windows laid end to end."""
        device = self.model.device
        ids = torch.tensor([[token for row in rows for token in row]], device=device)
        positions = torch.cat([torch.arange(len(row), device=device) for row in rows]).unsqueeze(0)
        lengths = [len(row) for row in rows]
        out = self.body(input_ids=ids, position_ids=positions, use_cache=False, packed_lengths=lengths)
        return torch.as_tensor(out.last_hidden_state)[0]

    def padded(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Last hidden states [rows, longest, width] of windows padded on the right."""
        ids = self._rectangle(rows)
        return torch.as_tensor(self.body(input_ids=ids, use_cache=False).last_hidden_state)

    def logits(self, row: Sequence[int], *, first: int, rows: int) -> Iterator[torch.Tensor]:
        """The model's own logits of one window, from position `first` up to the last but one, `rows` at a time.

        The body runs again for every piece, so that the logits of a window never exist whole.
        """
        ids = self._rectangle([row])
        for start in range(first, len(row) - 1, rows):
            stop = min(start + rows, len(row) - 1)
            positions = torch.arange(start, stop, device=ids.device)
            out = self.model(input_ids=ids, use_cache=False, logits_to_keep=positions).logits[0]
            yield out if len(out) == stop - start else out[start:stop]

    def _rectangle(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        longest = max(len(row) for row in rows)
        return torch.tensor([[*row, *[row[0]] * (longest - len(row))] for row in rows], device=self.model.device)


def find_paths(model: Any, source: str, *, context: int) -> Paths:
    """Find the paths through a model that reproduce its own logits.

    Args:
        model: In evaluation mode, possibly wrapped by PEFT, its adapter switched as it will be used.
        source: Its name for messages.
        context: Longest window.

    Raises:
        UsageError: The model is not causal: later tokens change the scores of earlier ones.
        RunError: The model returned NaN or infinite values.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    layer = inner.get_output_embeddings()
    paths = Paths(model, inner.base_model, None, False, int(inner.config.get_text_config().vocab_size))
    rows = probe_rows(paths.vocabulary, context)
    with torch.inference_mode():
        long, short = rows
        truth = model(input_ids=paths._rectangle([long]), use_cache=False).logits[0].float()
        paths.vocabulary = truth.shape[1]
        if not bool(torch.isfinite(truth).all()):
            raise RunError(
                f"{source} returned NaN or infinite values",
                hint="The weights may be damaged, or overflow in half precision: try --dtype float32.",
            )
        half = len(long) // 2
        cut = model(input_ids=paths._rectangle([long[:half]]), use_cache=False).logits[0].float()
        if not _close(cut, truth[:half], model.dtype):
            raise UsageError(
                f"{source} is not causal: later tokens change the scores of earlier ones",
                hint="Only models that read from left to right give a text a likelihood.",
            )
        if layer is not None and isinstance(getattr(layer, "weight", None), torch.Tensor):
            head = Head(layer.weight.detach(), _detached(getattr(layer, "bias", None)), _transform(inner.config))
            hidden = paths.padded([long])[0]
            if hidden.shape[-1] == head.weight.shape[1] and len(head.weight) == truth.shape[1]:
                logits = head.logits(hidden, head.weight, head.bias)
                paths.head = head if _close(logits, truth, model.dtype) else None
        if paths.head is not None and model.device.type == "cpu":
            paths.packing = _can_pack(inner, paths, [short, long, short])
        paths.layers = find_layers(inner, paths.body, long)
    return paths


def _can_pack(inner: Any, paths: Paths, rows: list[list[int]]) -> bool:
    """Whether windows laid end to end give the same states as alone; sets the model's attention accordingly."""
    config = inner.config.get_text_config()
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    own = inner.config._attn_implementation
    if kinds != {"full_attention"} or getattr(config, "attention_chunk_size", None) or own not in ("sdpa", PACKED):
        return False
    alone = torch.cat([paths.padded([row])[0] for row in rows])
    try:
        register()
        inner.set_attn_implementation(PACKED)
        together = paths.packed(rows)
        if _close(together, alone, paths.model.dtype):
            return True
    except (NotImplementedError, TypeError, ValueError, RuntimeError):
        pass
    inner.set_attn_implementation(own)
    return False


def _transform(config: Any) -> LogitTransform | None:
    """The elementwise function a configuration declares for the logits; `find_paths` verifies it."""
    text = config.get_text_config()
    cap = getattr(text, "final_logit_softcapping", None)
    divide = getattr(text, "logits_scaling", None) or 1.0
    factor = (getattr(text, "logit_scale", None) or 1.0) * (getattr(text, "lm_head_multiplier", None) or 1.0) / divide
    if cap:
        return lambda logits: torch.tanh(logits * (factor / cap)) * cap
    return None if factor == 1.0 else lambda logits: logits * factor


def _detached(value: Any) -> torch.Tensor | None:
    return value.detach() if isinstance(value, torch.Tensor) else None


def probe_rows(vocabulary: int, longest: int) -> list[list[int]]:
    """A long and a short row of token ids, the same in every run, to verify a model with."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, vocabulary, (min(longest, length),), generator=generator).tolist() for length in _PROBE_LENGTHS
    ]


def _close(values: torch.Tensor, truth: torch.Tensor, dtype: torch.dtype) -> bool:
    """Equal but for the rounding of the number format, relative to the largest value."""
    limit = 1e-4 if dtype == torch.float32 else 8 * float(torch.finfo(dtype).eps)
    values, truth = values.float(), truth.float()
    return values.shape == truth.shape and float((values - truth).abs().max()) <= limit * max(
        1e-3, float(truth.abs().max())
    )

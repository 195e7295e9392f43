"""Attention for windows laid end to end without padding, each seeing only itself."""

from __future__ import annotations

import math
from typing import Any

import torch

PACKED = "auditor_packed"
"""Name under which the attention is known to transformers."""

_BLOCK = 128


def register() -> None:
    """Make the attention known to transformers under a name of our own; nothing else in the process changes."""
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    ALL_ATTENTION_FUNCTIONS.register(PACKED, packed_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(PACKED, no_mask)


def no_mask(*_: Any, **__: Any) -> None:
    """None: the window lengths take the place of a mask."""


def packed_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Causal attention within each window.

    Args:
        module: The attention layer.
        query: [1, heads, total, width].
        key: [1, key heads, total, width].
        value: [1, key heads, total, width].
        attention_mask: Must be None.
        scaling: Factor of the products; 1/sqrt(width) by default.
        dropout: Must be 0.
        options: `packed_lengths`, the lengths of the windows; without it the rows are a batch and torch's attention
            is used. Whatever else would change the attention is refused, so that a model with a feature unknown here
            falls back to its own attention.

    Returns:
        [1, total, heads, width], and None for the weights.

    Raises:
        NotImplementedError: The model asks for a mask, a sliding window, soft capping, sinks or a position bias.
    """
    from transformers.integrations.sdpa_attention import sdpa_attention_forward

    lengths: list[int] | None = options.pop("packed_lengths", None)
    if lengths is None:
        plain: tuple[torch.Tensor, None] = sdpa_attention_forward(
            module, query, key, value, attention_mask, scaling=scaling, dropout=dropout, **options
        )
        return plain
    unsupported = [
        name for name in ("sliding_window", "softcap", "s_aux", "position_bias") if options.get(name) is not None
    ]
    if unsupported or attention_mask is not None or dropout or getattr(module, "is_causal", True) is False:
        raise NotImplementedError(f"packed attention does not cover {unsupported or 'this model'}")
    scale = scaling if scaling is not None else 1 / math.sqrt(query.shape[-1])
    groups = query.shape[1] // key.shape[1]
    out = query.new_empty(query.shape[2], query.shape[1], value.shape[-1])
    start = 0
    for length in lengths:
        piece = slice(start, start + length)
        _causal(query[0, :, piece], key[0, :, piece], value[0, :, piece], groups, scale, out[piece])
        start += length
    return out.unsqueeze(0), None


def _causal(
    query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, groups: int, scale: float, out: torch.Tensor
) -> None:
    """Causal attention of one window, in blocks of queries so that nothing above the diagonal blocks is computed."""
    heads, length, width = query.shape
    keys, values = key.transpose(1, 2).contiguous(), value.contiguous()
    for start in range(0, length, _BLOCK):
        stop = min(start + _BLOCK, length)
        rows = stop - start
        # Heads that share a key are rows of one product.
        block = (query[:, start:stop] * scale).reshape(heads // groups, groups * rows, width)
        weights = torch.bmm(block, keys[:, :, :stop]).view(heads // groups, groups, rows, stop)
        future = torch.ones(rows, rows, dtype=torch.bool, device=query.device).triu(1)
        weights[..., start:stop].masked_fill_(future, -torch.inf)
        weights = torch.softmax(weights, dim=-1).view(heads // groups, groups * rows, stop)
        mixed = torch.bmm(weights, values[:, :stop]).view(heads, rows, -1)
        out[start:stop] = mixed.transpose(0, 1)

"""The most probable next tokens, selected from the same stream of logits as the statistics."""

from __future__ import annotations

from dataclasses import dataclass

import torch

_COLUMNS = 2**14
"""Columns collected before the largest are selected: selecting from few at a time is several times slower."""


@dataclass(frozen=True, slots=True)
class TopTokens:
    """The most probable next tokens of each row, most probable first.

    Attributes:
        ids: [n, k] int32.
        logprobs: [n, k] float32, nats.
    """

    ids: torch.Tensor
    logprobs: torch.Tensor


class TopK:
    """Selects the largest logits of each row, block of columns by block.

    Args:
        rows: Number of rows.
        count: Logits selected in each; all of a smaller vocabulary.
        device: Where the logits are.
    """

    def __init__(self, rows: int, count: int, device: torch.device) -> None:
        self._count = count
        self._rows, self._device = rows, device
        self._waiting: torch.Tensor | None = None
        self._filled = 0
        self._added = 0
        self._values: list[torch.Tensor] = []
        self._ids: list[torch.Tensor] = []

    def add(self, logits: torch.Tensor) -> None:
        """Add the next columns [rows, columns], which are not changed."""
        width = logits.shape[1]
        direct = width > _COLUMNS // 2
        if direct or self._filled + width > _COLUMNS:
            self._pick_waiting()
        if direct:
            self._pick(logits)
            return
        if self._waiting is None:
            self._waiting = torch.empty(self._rows, _COLUMNS, device=self._device)
        self._waiting[:, self._filled : self._filled + width] = logits
        self._filled += width

    def _pick_waiting(self) -> None:
        if self._waiting is not None and self._filled:
            self._pick(self._waiting[:, : self._filled])
        self._filled = 0

    def _pick(self, logits: torch.Tensor) -> None:
        values, ids = logits.topk(min(self._count, logits.shape[1]), dim=1)
        self._values.append(values)
        self._ids.append(ids + self._added)
        self._added += logits.shape[1]

    def result(self, log_total: torch.Tensor) -> TopTokens:
        """The largest of all logits added.

        Args:
            log_total: [rows] logarithm of the sum of the exponentials of all logits.
        """
        self._pick_waiting()
        values, ids = torch.cat(self._values, dim=1), torch.cat(self._ids, dim=1)
        best, index = values.topk(min(self._count, values.shape[1]), dim=1)
        logprobs = (best.to(log_total.dtype) - log_total.unsqueeze(1)).clamp_max(0).float()
        return TopTokens(ids.gather(1, index).int(), logprobs)

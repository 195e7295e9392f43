"""A model with trained vectors before the text, as a model of the text alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NoReturn

import torch


class Prompted(torch.nn.Module):
    """Reads an adapter's vectors before every window, and gives the logits of the window's own tokens.

    It has no body and no last layer of its own, so that no other pass than this one can take its place: those of the
    base do not read the vectors.

    Args:
        adapted: The base in PEFT's wrapping.
        in_front: Positions of the vectors among the logits: their number where they are embeddings, 0 where they are
            keys and values of the attention.
    """

    def __init__(self, adapted: Any, in_front: int) -> None:
        super().__init__()
        self.adapted = adapted
        self.base_model = torch.nn.Module()
        self.config = adapted.config
        self._in_front = in_front

    @property
    def device(self) -> torch.device:
        """Where it runs."""
        device: torch.device = self.adapted.get_base_model().device
        return device

    @property
    def dtype(self) -> torch.dtype:
        """Number format of its weights."""
        dtype: torch.dtype = self.adapted.get_base_model().dtype
        return dtype

    def get_output_embeddings(self) -> None:
        """None: the last layer alone does not give its logits."""

    def set_attn_implementation(self, name: str) -> None:
        """Set the attention of the base."""
        self.adapted.get_base_model().set_attn_implementation(name)

    def parameters(self, recurse: bool = True) -> Iterator[torch.nn.Parameter]:
        """The parameters of the base and of the vectors."""
        parameters: Iterator[torch.nn.Parameter] = self.adapted.parameters(recurse)
        return parameters

    def merge_and_unload(self) -> NoReturn:
        """Vectors are no change of weights.

        Raises:
            ValueError: Always.
        """
        raise ValueError("its vectors before the text are no change of weights")

    def forward(self, input_ids: torch.Tensor, *, logits_to_keep: Any = 0, **options: Any) -> Any:
        """The output for token ids [rows, length], with logits [rows, length, vocabulary] of these tokens alone.

        Args:
            input_ids: The tokens.
            logits_to_keep: Positions among them whose logits are wanted, or how many of the last; 0 for all.
            options: Passed on.
        """
        if isinstance(logits_to_keep, torch.Tensor):
            options["logits_to_keep"] = logits_to_keep + self._in_front
        elif logits_to_keep:
            options["logits_to_keep"] = logits_to_keep
        out = self.adapted(input_ids=input_ids, **options)
        if out.logits.shape[1] == input_ids.shape[1] + self._in_front:
            out.logits = out.logits[:, self._in_front :]
        return out

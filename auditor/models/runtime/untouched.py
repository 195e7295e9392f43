"""Whether a model to which an adapter was added can still be had as it was."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from auditor.models.runtime.paths import probe_rows


class Untouched:
    """What a model was before an adapter was added to it.

    Three things are held: which tensors it consists of and how often each was written to, which covers every weight;
    what it computes for two rows of tokens, which covers how the weights are put together; and of which modules it
    consists.

    Args:
        model: In evaluation mode.
        context: Longest window.
    """

    def __init__(self, model: Any, *, context: int) -> None:
        vocabulary = int(model.config.get_text_config().vocab_size)
        self._rows = probe_rows(vocabulary, context)
        self._logits = self._computed(model)
        self._modules = _modules(model)
        # The tensors themselves are held, so that no later one can take the place of one that is gone.
        self._tensors = [(tensor, tensor.data_ptr(), tensor._version) for tensor in _tensors(model)]

    def still_in(self, model: Any, switch: Callable[[], AbstractContextManager[Any]]) -> bool:
        """Whether the model under its adapter is the one seen before, in every bit, when the adapter is switched off.

        Args:
            model: The model with its adapter.
            switch: Opens the context in which the adapter is off.
        """
        present = {id(tensor) for tensor in _tensors(model)}
        for tensor, place, written in self._tensors:
            if id(tensor) not in present or tensor.data_ptr() != place or tensor._version != written:
                return False
        # PEFT warns of adapters that cannot be switched off; finding them is what this is for.
        with warnings.catch_warnings(action="ignore"), switch():
            found = self._computed(model)
        return all(torch.equal(now, then) for now, then in zip(found, self._logits, strict=True))

    def alone_in(self, model: Any) -> bool:
        """Whether the model, its adapter taken off, is the one seen before and has nothing besides."""
        if len(_tensors(model)) != len(self._tensors) or _modules(model) != self._modules:
            return False
        return self.still_in(model, nullcontext)

    def _computed(self, model: Any) -> list[torch.Tensor]:
        with torch.inference_mode():
            rows = [torch.tensor([row], device=model.device) for row in self._rows]
            return [model(input_ids=ids, use_cache=False).logits for ids in rows]


def _tensors(model: Any) -> list[torch.Tensor]:
    return [*model.parameters(), *model.buffers()]


def _modules(model: Any) -> list[tuple[str, type]]:
    return [(name, type(module)) for name, module in model.named_modules()]

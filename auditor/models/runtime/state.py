"""What a forward pass changes of the model itself, such as rotary factors that follow the length of the last batch."""

from __future__ import annotations

from typing import Any

import torch

_LARGEST = 2**16
"""Elements of the largest buffer that is compared; larger ones hold masks and tables."""


class PassState:
    """Buffers and plain numbers of a model's modules, as they are before the first forward pass.

    Args:
        model: The model.
    """

    def __init__(self, model: Any) -> None:
        self._buffers = [
            (module, name, buffer, buffer.clone())
            for module in model.modules()
            for name, buffer in module._buffers.items()
            if buffer is not None and buffer.numel() <= _LARGEST
        ]
        self._numbers = [(module, _numbers(module)) for module in model.modules()]

    def keep_changed(self) -> bool:
        """Drop all that is as it was; whether anything is left, so that passes depend on those before them."""
        self._buffers = [entry for entry in self._buffers if not _same(entry[0]._buffers.get(entry[1]), entry[3])]
        self._numbers = [(module, numbers) for module, numbers in self._numbers if _numbers(module) != numbers]
        return bool(self._buffers or self._numbers)

    def restore(self) -> None:
        """Set what is left to its first state."""
        for module, name, buffer, values in self._buffers:
            module._buffers[name] = buffer
            if not _same(buffer, values):
                with torch.inference_mode():
                    buffer.copy_(values)
        for module, numbers in self._numbers:
            module.__dict__.update(numbers)


def _numbers(module: torch.nn.Module) -> dict[str, Any]:
    return {name: value for name, value in vars(module).items() if type(value) in (int, float) and name[0] != "_"}


def _same(now: torch.Tensor | None, before: torch.Tensor) -> bool:
    return now is not None and now.shape == before.shape and torch.equal(now, before)

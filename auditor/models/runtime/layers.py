"""Mean hidden states of every layer, computed by hooks during the forward pass, so that one layer is in memory."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

from auditor.signals.tokens import Bools

Span = tuple[int, int, int]
"""Row of a batch, first position and one past the last."""

Receiver = Callable[[int, torch.Tensor], None]


class Layers:
    """The hidden states of a model: the input of the first layer, the output of each, and the output of the body.

    The body's output, which is normalised, takes the place of the last layer's own: transformers counts hidden states
    that way.

    Args:
        body: The module that holds the layers.
        modules: The layers in their order.
    """

    def __init__(self, body: Any, modules: Sequence[Any]) -> None:
        self.body = body
        self.modules = list(modules)
        self._local = threading.local()

    def __len__(self) -> int:
        return len(self.modules) + 1

    @contextmanager
    def hooked(self) -> Iterator[None]:
        """Install the hooks, for all threads; they are removed afterwards."""
        with ExitStack() as stack:
            first = self.modules[0].register_forward_pre_hook(self._entering, with_kwargs=True)
            stack.callback(first.remove)
            for layer, module in enumerate(self.modules[:-1], start=1):
                stack.callback(module.register_forward_hook(partial(self._leaving, layer)).remove)
            stack.callback(self.body.register_forward_hook(partial(self._leaving, len(self.modules))).remove)
            yield

    @contextmanager
    def sent_to(self, receiver: Receiver) -> Iterator[None]:
        """Call `receiver` with the layer number and the state of every layer that this thread computes."""
        self._local.receiver = receiver
        try:
            yield
        finally:
            self._local.receiver = None

    def _entering(self, module: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._send(0, args[0] if args else named["hidden_states"])

    def _leaving(self, layer: int, module: Any, args: tuple[Any, ...], output: Any) -> None:
        self._send(layer, output if isinstance(output, torch.Tensor) else output[0])

    def _send(self, layer: int, hidden: torch.Tensor) -> None:
        receiver: Receiver | None = getattr(self._local, "receiver", None)
        if receiver is not None:
            receiver(layer, hidden)


class Means:
    """Means of the hidden states over spans of a batch, layer by layer.

    Args:
        spans: One per window, none empty.
        layers: Number of layers, the embeddings counted.
        counted: Which positions of each span count; None of a span where all do.
    """

    def __init__(self, spans: Sequence[Span], layers: int, counted: Sequence[Bools | None]) -> None:
        self._spans = spans
        self._counted = [None if mask is None else torch.from_numpy(mask) for mask in counted]
        self._means: list[torch.Tensor | None] = [None] * layers
        self._weights: torch.Tensor | None = None

    def add(self, layer: int, hidden: torch.Tensor) -> None:
        """Compute the means of one layer's states [rows, longest, width]."""
        if hidden.device.type == "cpu" or len(hidden) == 1:
            parts = [hidden[row, start:stop] for row, start, stop in self._spans]
            wanted = [
                part if mask is None else part[mask.to(part.device)]
                for part, mask in zip(parts, self._counted, strict=True)
            ]
            self._means[layer] = torch.stack([part.float().mean(dim=0) for part in wanted])
            return
        # One product for all rows of the rectangle, in which every window is one row; elsewhere than on a CPU it is
        # the many small operations that cost.
        if self._weights is None:
            weights = torch.zeros(hidden.shape[:2])
            for (row, start, stop), mask in zip(self._spans, self._counted, strict=True):
                weights[row, start:stop] = 1 / (stop - start) if mask is None else mask / mask.sum()
            self._weights = weights.to(hidden.device).unsqueeze(1)
        self._means[layer] = torch.bmm(self._weights, hidden.float()).squeeze(1)

    def result(self) -> torch.Tensor | None:
        """[windows, layers, width] float32 on the CPU; None if a layer is missing."""
        present = [means for means in self._means if means is not None]
        return torch.stack([means.cpu() for means in present], dim=1) if len(present) == len(self._means) else None


def find_layers(inner: Any, body: Any, row: Sequence[int]) -> Layers | None:
    """Find the layers, and verify that their states are the hidden states that transformers itself gives.

    Args:
        inner: The model without wrapping.
        body: The module that gives its last hidden states.
        row: Token ids of the forward pass that verifies them.

    Returns:
        None where no list of layers passes, so that no states of such a model are reported.
    """
    wanted = getattr(inner.config.get_text_config(decoder=True), "num_hidden_layers", None)
    ids = torch.tensor([list(row)], device=inner.device)
    for modules in body.modules():
        if not isinstance(modules, torch.nn.ModuleList) or len(modules) != wanted:
            continue
        layers = Layers(body, list(modules))
        states: dict[int, torch.Tensor] = {}

        def copy(layer: int, state: torch.Tensor, states: dict[int, torch.Tensor] = states) -> None:
            # Copies, so that a state that is written to after its hook ran does not pass.
            states[layer] = state.clone()

        try:
            with layers.hooked(), layers.sent_to(copy):
                truth = body(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError):
            continue
        if truth is None or len(truth) != len(layers) or sorted(states) != list(range(len(layers))):
            continue
        if all(torch.equal(states[layer], state) for layer, state in enumerate(truth)):
            return layers
    return None

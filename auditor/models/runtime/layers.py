"""Mean hidden states of every layer, taken while the forward pass runs, so that no two layers are held at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch

Span = tuple[int, int, int]
"""Row of a batch, first position and one past the last."""

Taker = Callable[[int, torch.Tensor], None]


class Layers:
    """Where the hidden states of a model pass by: what enters the first layer and leaves each, and the body's output.

    The last layer's own output is passed over for that of the body, which is normalised: transformers counts hidden
    states that way.

    Args:
        body: The module that holds the layers.
        modules: The layers in their order.
    """

    def __init__(self, body: Any, modules: Sequence[Any]) -> None:
        self.body = body
        self.modules = list(modules)
        self._here = threading.local()

    def __len__(self) -> int:
        return len(self.modules) + 1

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Have the states pass by `taken` for a while, in all threads; the model is as before afterwards."""
        with ExitStack() as stack:
            first = self.modules[0].register_forward_pre_hook(self._entering, with_kwargs=True)
            stack.callback(first.remove)
            for at, module in enumerate(self.modules[:-1]):
                stack.callback(module.register_forward_hook(partial(self._leaving, at + 1)).remove)
            stack.callback(self.body.register_forward_hook(partial(self._leaving, len(self.modules))).remove)
            yield

    @contextmanager
    def taken(self, taker: Taker) -> Iterator[None]:
        """Give every state that passes by in this thread to `taker`, with the number of its layer."""
        self._here.taker = taker
        try:
            yield
        finally:
            self._here.taker = None

    def _entering(self, module: Any, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        self._pass(0, args[0] if args else named["hidden_states"])

    def _leaving(self, layer: int, module: Any, args: tuple[Any, ...], output: Any) -> None:
        self._pass(layer, output if isinstance(output, torch.Tensor) else output[0])

    def _pass(self, layer: int, hidden: torch.Tensor) -> None:
        taker: Taker | None = getattr(self._here, "taker", None)
        if taker is not None:
            taker(layer, hidden)


class Means:
    """Means of the hidden states over some spans of a batch, layer by layer.

    Args:
        spans: One a window, none empty.
        layers: How many layers there are, the embeddings counted.
    """

    def __init__(self, spans: Sequence[Span], layers: int) -> None:
        self._spans = spans
        self._means: list[torch.Tensor | None] = [None] * layers
        self._weights: torch.Tensor | None = None

    def take(self, layer: int, hidden: torch.Tensor) -> None:
        """Take the means of one layer's states [rows, longest, width]."""
        if hidden.device.type == "cpu" or len(hidden) == 1:
            means = [hidden[row, start:stop].float().mean(dim=0) for row, start, stop in self._spans]
            self._means[layer] = torch.stack(means)
            return
        # One product for all rows of the rectangle, in which every window is one row; elsewhere than on a CPU it is
        # the many small operations that cost.
        if self._weights is None:
            weights = torch.zeros(hidden.shape[:2])
            for row, start, stop in self._spans:
                weights[row, start:stop] = 1 / (stop - start)
            self._weights = weights.to(hidden.device).unsqueeze(1)
        self._means[layer] = torch.bmm(self._weights, hidden.float()).squeeze(1)

    def result(self) -> torch.Tensor | None:
        """[windows, layers, width] float32 on the CPU; None if a layer was not passed."""
        found = [means for means in self._means if means is not None]
        return torch.stack([means.cpu() for means in found], dim=1) if len(found) == len(self._means) else None


def find_layers(inner: Any, body: Any, row: Sequence[int]) -> Layers | None:
    """Find the layers, and show that what passes them is what transformers itself gives as hidden states.

    Args:
        inner: The model without wrapping.
        body: What gives its last hidden states.
        row: Token ids to try it with.

    Returns:
        None where they are not found, so that nothing is reported of a model whose states are not surely known.
    """
    wanted = getattr(inner.config.get_text_config(), "num_hidden_layers", None)
    ids = torch.tensor([list(row)], device=inner.device)
    for modules in body.modules():
        if not isinstance(modules, torch.nn.ModuleList) or len(modules) != wanted:
            continue
        layers = Layers(body, list(modules))
        seen: dict[int, torch.Tensor] = {}
        try:
            # Copies, so that a state that is written to after it has passed is found out.
            with layers.watched(), layers.taken(lambda at, state, seen=seen: seen.update({at: state.clone()})):  # type: ignore[misc]
                truth = body(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
        except (TypeError, ValueError, KeyError, IndexError, AttributeError, RuntimeError):
            continue
        if truth is None or len(truth) != len(layers) or sorted(seen) != list(range(len(layers))):
            continue
        if all(torch.equal(seen[at], state) for at, state in enumerate(truth)):
            return layers
    return None

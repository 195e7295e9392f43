"""Paths through a model: windows end to end, padded batches, and the model's own forward pass."""

from __future__ import annotations

import inspect
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from auditor.core.errors import RunError
from auditor.models.runtime.attention import PACKED
from auditor.models.runtime.layers import Layers
from auditor.models.runtime.state import PassState
from auditor.signals.kernel import Head

Grouping = Literal["any", "side", "length", "single"]
"""Which windows may share a pass: any; those on one side of every switch; those of equal length; none."""

_OWN_LOGITS = 2**27
"""Most logits of the model's own forward pass at a time."""


@dataclass(slots=True)
class Paths:
    """A model's body and head, and the fast paths that give its own figures.

    Attributes:
        model: The whole model, possibly wrapped by PEFT.
        inner: The model without wrapping.
        body: The module that gives the last hidden states.
        vocabulary: Number of logits.
        head: The last layer, or None where body and head do not reproduce the model's logits; use `logits` then.
        packing: Whether windows may be laid end to end.
        grouping: Which windows may share a pass.
        switches: Lengths between the sides of `grouping`, ascending.
        state: What passes change of the model, restored before each; None where that is nothing.
        layers: The layers with their hidden states, or None where they could not be verified.
    """

    model: Any
    inner: Any
    body: Any
    vocabulary: int
    head: Head | None = None
    packing: bool = False
    grouping: Grouping = "single"
    switches: tuple[int, ...] = ()
    state: PassState | None = None
    layers: Layers | None = None
    _attention: list[tuple[Any, Any]] = field(default_factory=list)
    _arguments: dict[int, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        configs = {id(module.config): module.config for module in self.inner.modules() if hasattr(module, "config")}
        # The model may have served another backend before, and only sdpa is replaced.
        self._attention = [
            (config, "sdpa" if config._attn_implementation_internal == PACKED else config._attn_implementation_internal)
            for config in configs.values()
            if hasattr(config, "_attn_implementation_internal")
        ]

    @property
    def summary(self) -> str:
        """The path and the grouping in words."""
        if self.head is None:
            return "own logits"
        groups = {
            "any": "",
            "side": ", by side of the switch",
            "length": ", equal lengths",
            "single": ", one at a time",
        }
        return ("packed" if self.packing else "padded") + groups[self.grouping]

    def require_head(self) -> Head:
        """The head.

        Raises:
            RunError: The model has none.
        """
        if self.head is None:
            raise RunError("the model has no plain last layer")
        return self.head

    def groups(self, lengths: Sequence[int]) -> list[list[int]]:
        """Indices of the windows of each pass, given their lengths; every index once."""
        groups: dict[int, list[int]] = {}
        for index, length in enumerate(lengths):
            groups.setdefault(self._group(index, length), []).append(index)
        return list(groups.values())

    def _group(self, index: int, length: int) -> int:
        if self.grouping == "any":
            return 0
        if self.grouping == "side":
            return bisect_left(self.switches, length)
        return length if self.grouping == "length" else index

    def packed(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Last hidden states [total, width] of windows laid end to end."""
        device = self.model.device
        ids = torch.tensor([[token for row in rows for token in row]], device=device)
        positions = torch.cat([torch.arange(len(row), device=device) for row in rows]).unsqueeze(0)
        lengths = [len(row) for row in rows]
        self._restore()
        out = self.body(input_ids=ids, position_ids=positions, packed_lengths=lengths, **self._uncached(self.body))
        return torch.as_tensor(out.last_hidden_state)[0]

    def padded(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """Last hidden states [rows, longest, width] of windows padded on the right."""
        self._restore()
        out = self.body(input_ids=self._rectangle(rows), **self._uncached(self.body))
        return torch.as_tensor(out.last_hidden_state)

    def own(self, row: Sequence[int], positions: torch.Tensor | None = None) -> torch.Tensor:
        """Logits of the model's own forward pass over one window, [positions, vocabulary]; all positions by default.

        The others are not computed where the model lets them be left out.
        """
        self._restore()
        # A copy: threads share the arguments of a module.
        more = dict(self._uncached(self.model))
        if positions is not None and _takes(self.inner, "logits_to_keep"):
            more["logits_to_keep"] = positions
        logits = torch.as_tensor(self.model(input_ids=self._rectangle([row]), **more).logits)[0]
        return logits if positions is None or len(logits) == len(positions) else logits[positions]

    def logits(self, row: Sequence[int], *, first: int, rows: int) -> Iterator[torch.Tensor]:
        """The model's own logits of one window, from position `first` up to the last but one, `rows` at a time.

        Of a large vocabulary a pass gives at most 512 MiB in float32, and the rest is given by further passes.
        """
        positions = torch.arange(first, len(row) - 1, device=self.model.device)
        fitting = max(rows, _OWN_LOGITS // self.vocabulary) if _takes(self.inner, "logits_to_keep") else len(row)
        for start in range(0, len(positions), fitting):
            logits = self.own(row, positions[start : start + fitting])
            for index in range(0, len(logits), rows):
                yield logits[index : index + rows]

    @contextmanager
    def own_attention(self) -> Iterator[None]:
        """The attention that the model came with, in place of the one for packed windows."""
        chosen = [(config, config._attn_implementation_internal) for config, _ in self._attention]
        self.restore_attention()
        try:
            yield
        finally:
            for config, name in chosen:
                config._attn_implementation_internal = name

    def restore_attention(self) -> None:
        """Set the attention that the model came with, for good."""
        for config, name in self._attention:
            config._attn_implementation_internal = name

    def _restore(self) -> None:
        if self.state is not None:
            self.state.restore()

    def _uncached(self, module: Any) -> dict[str, Any]:
        """The argument that turns the cache off, where the module has one."""
        known = self._arguments.get(id(module))
        if known is None:
            called = self.inner if module is self.model else module
            known = self._arguments[id(module)] = {"use_cache": False} if _takes(called, "use_cache") else {}
        return known

    def _rectangle(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        longest = max(len(row) for row in rows)
        return torch.tensor([[*row, *[row[0]] * (longest - len(row))] for row in rows], device=self.model.device)


def _takes(module: Any, name: str) -> bool:
    parameters = inspect.signature(module.forward).parameters
    return name in parameters or any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())

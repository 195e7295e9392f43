"""Tensors of a checkpoint by name, for whole models and for adapters over one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from auditor.forgetting.weights.lora import Factors, read_adapter
from auditor.forgetting.weights.tensors import (
    NotComparedError,
    Stored,
    canonical,
    is_buffer,
    is_embedding,
    is_head,
    read_tensors,
)
from auditor.models.backend import ModelSpec, WeightFiles


@dataclass(frozen=True, slots=True)
class Parameter:
    """One tensor of a checkpoint.

    Attributes:
        stored: Its values in a file.
        added: Product that an adapter adds to them.
        replaced: Whether the file belongs to the adapter.
    """

    stored: Stored
    added: Factors | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """The tensors of a checkpoint.

    Attributes:
        parameters: Tensors by canonical name, without a head that is tied with the embeddings.
        adapted: Whether the checkpoint is an adapter over a base.
    """

    parameters: Mapping[str, Parameter]
    adapted: bool

    def of(self, name: str) -> Parameter | None:
        """The tensor of a name; for a tied head, the stored embeddings without an adapter's change."""
        parameter = self.parameters.get(name)
        if parameter is not None or not is_head(name):
            return parameter
        tied = [embedding for other, embedding in self.parameters.items() if is_embedding(other)]
        return Parameter(tied[0].stored) if len(tied) == 1 else None


def open_weights(spec: ModelSpec) -> Weights:
    """Find the tensors of a checkpoint in its files, none of them in memory.

    Raises:
        NotComparedError: They cannot be compared; see its message.
        UsageError: A file is not whole.
        RunError: A file cannot be read.
    """
    stored = spec.loader.weights(spec.identity.source, spec.options)
    if stored.unreadable:
        raise NotComparedError(stored.unreadable)
    whole = Weights(_whole(stored), adapted=False)
    return whole if stored.adapter is None else _adapted(stored.adapter, whole)


def _whole(stored: WeightFiles) -> dict[str, Parameter]:
    parameters: dict[str, Parameter] = {}
    for path in stored.files:
        for name, tensor in read_tensors(path).items():
            short = canonical(name)
            if is_buffer(short, tensor.shape):
                continue
            if short in parameters:
                raise NotComparedError(f"it holds {short} twice")
            parameters[short] = Parameter(tensor)
    if stored.tied:
        _drop_tied(parameters)
    return parameters


def _drop_tied(parameters: dict[str, Parameter]) -> None:
    """Leave out a head that repeats the embeddings: it is the same matrix, saved a second time."""
    inputs = [parameter for name, parameter in parameters.items() if is_embedding(name) and parameter.added is None]
    for name in [name for name, parameter in parameters.items() if is_head(name) and parameter.added is None]:
        if any(parameters[name].stored.same_bytes(parameter.stored) for parameter in inputs):
            del parameters[name]


def _adapted(file: Path, base: Weights) -> Weights:
    adapter = read_adapter(file.parent, file)
    parameters = dict(base.parameters)
    heads = [name for name in (*adapter.added, *adapter.replaced) if is_head(name)]
    # An adapter that changes tied embeddings leaves the head unchanged.
    parted = any(is_embedding(name) for name in (*adapter.added, *adapter.apart))
    for name in heads or (["lm_head.weight"] if parted else []):
        tied = base.of(name)
        if tied is not None:
            parameters.setdefault(name, tied)
    for name, tensor in adapter.replaced.items():
        _require(parameters, name, tensor.shape)
        parameters[name] = Parameter(tensor, replaced=True)
    for name, factors in adapter.added.items():
        shape = parameters[name].stored.shape if name in parameters else ()
        oriented = factors if shape == factors.shape else factors.transposed()
        _require(parameters, name, oriented.shape)
        parameters[name] = dataclasses.replace(parameters[name], added=oriented)
    if not any(is_head(name) for name in base.parameters):
        _drop_tied(parameters)
    return Weights(parameters, adapted=True)


def _require(parameters: Mapping[str, Parameter], name: str, shape: tuple[int, ...]) -> None:
    if name not in parameters:
        raise NotComparedError(f"its adapter changes {name}, which its base does not have")
    if parameters[name].stored.shape != shape:
        raise NotComparedError(f"the shape of its adapter's {name} differs from that of its base")

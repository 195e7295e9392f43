"""The tensors of a checkpoint by name, whether it is a whole model or an adapter over one."""

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
        added: What an adapter adds to them.
        replaced: Whether the file is the adapter's.
    """

    stored: Stored
    added: Factors | None = None
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Weights:
    """A checkpoint's tensors.

    Attributes:
        parameters: By canonical name; a head that is tied with the embeddings is not among them.
        adapted: Whether an adapter stands over them.
    """

    parameters: Mapping[str, Parameter]
    adapted: bool

    def of(self, name: str) -> Parameter | None:
        """The tensor of a name; of a tied head, the values of the embeddings, to which nothing is added."""
        found = self.parameters.get(name)
        if found is not None or not is_head(name):
            return found
        tied = [parameter for other, parameter in self.parameters.items() if is_embedding(other)]
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
    found: dict[str, Parameter] = {}
    for path in stored.files:
        for name, tensor in read_tensors(path).items():
            short = canonical(name)
            if is_buffer(short, tensor.shape):
                continue
            if short in found:
                raise NotComparedError(f"it holds {short} twice")
            found[short] = Parameter(tensor)
    if stored.tied:
        _drop_tied(found)
    return found


def _drop_tied(found: dict[str, Parameter]) -> None:
    """Leave out a head that repeats the embeddings: it is the same matrix, saved a second time."""
    inputs = [parameter for name, parameter in found.items() if is_embedding(name) and parameter.added is None]
    for name in [name for name, parameter in found.items() if is_head(name) and parameter.added is None]:
        if any(found[name].stored.same_bytes(parameter.stored) for parameter in inputs):
            del found[name]


def _adapted(file: Path, base: Weights) -> Weights:
    adapter = read_adapter(file.parent, file)
    found = dict(base.parameters)
    heads = [name for name in (*adapter.added, *adapter.replaced) if is_head(name)]
    # An adapter that changes tied embeddings for itself leaves the head what it was.
    parted = any(is_embedding(name) for name in (*adapter.added, *adapter.apart))
    for name in heads or (["lm_head.weight"] if parted else []):
        tied = base.of(name)
        if tied is not None:
            found.setdefault(name, tied)
    for name, tensor in adapter.replaced.items():
        _require(found, name, tensor.shape)
        found[name] = Parameter(tensor, replaced=True)
    for name, factors in adapter.added.items():
        shape = found[name].stored.shape if name in found else ()
        oriented = factors if shape == factors.shape else factors.transposed()
        _require(found, name, oriented.shape)
        found[name] = dataclasses.replace(found[name], added=oriented)
    if not any(is_head(name) for name in base.parameters):
        _drop_tied(found)
    return Weights(found, adapted=True)


def _require(found: Mapping[str, Parameter], name: str, shape: tuple[int, ...]) -> None:
    if name not in found:
        raise NotComparedError(f"its adapter changes {name}, which is no tensor of its base")
    if found[name].stored.shape != shape:
        raise NotComparedError(f"its adapter's {name} has another shape than its base's")

"""Compare the weights of every later checkpoint with the origin's."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from auditor.core.errors import reason_of
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.weights.compare import Change, compare, squared_norm
from auditor.forgetting.weights.contents import Weights, open_weights
from auditor.forgetting.weights.tensors import FORMATS, NotComparedError, layer_of, layer_order
from auditor.results.forgetting.drift import LayerWeights, WeightChange

LARGEST = 2048
"""Largest smaller side of a matrix whose effective rank is computed; the cost grows with its third power."""

Kind = Literal["identical", "adapter", "partial", "full"]

_LOW = 0.25
"""Changes of an effective rank up to this share of the full rank look like those of a merged adapter."""


def measure_weights(checkpoints: Sequence[NamedCheckpoint], *, largest: int = LARGEST) -> dict[str, WeightChange]:
    """Compare the weights of every later checkpoint with those of the origin.

    Descriptive: it shows where forgetting is possible (a frozen layer cannot forget), not where it happened. Files are
    read tensor by tensor in pieces, so memory does not grow with the model: a few pieces of a few million numbers, and
    the square of `largest`.

    Args:
        checkpoints: The origin first; whole models as safetensors and LoRA adapters over such models.
        largest: Largest smaller side of a matrix whose effective rank is computed from stored values; the effective
            rank of a plain LoRA follows from its factors at any size.

    Returns:
        The change of every checkpoint but the first, by name; of kind `not compared`, with the reason, where weights
        are of another kind or cannot be read. Never raises because of the content of a file.
    """
    if not checkpoints:
        return {}
    origin, *later = checkpoints
    opened: Weights | None = None
    norms: dict[str, float] = {}
    changes = {}
    for checkpoint in later:
        source = f"the origin {origin.name}"
        try:
            opened = open_weights(origin.spec) if opened is None else opened
            source = checkpoint.name
            change = _compared(opened, open_weights(checkpoint.spec), norms, largest)
            for read in (origin, checkpoint):
                source = read.name
                read.spec.require_untouched()
            changes[checkpoint.name] = change
        # Files may contain anything, and a descriptive figure must not fail the audit: the reason is reported.
        except Exception as error:
            reason = reason_of(error, typed=not isinstance(error, NotComparedError))
            changes[checkpoint.name] = WeightChange(
                kind="not compared",
                reason=f"Not compared, because of {source}: {reason}.",
                relative_change=None,
                layers=(),
            )
    return changes


def _compared(before: Weights, after: Weights, norms: dict[str, float], largest: int) -> WeightChange:
    """Compare tensor by tensor; `norms` caches the squared norms of the origin between checkpoints."""
    changes: dict[str, Change] = {}
    formats: set[tuple[str, str]] = set()
    for name in sorted({*before.parameters, *after.parameters}):
        old, new = before.of(name), after.of(name)
        if old is None or new is None:
            raise NotComparedError(f"only {'the origin' if new is None else 'the later checkpoint'} has {name}")
        if name not in norms:
            norms[name] = squared_norm(name, old)
        changes[name] = compare(name, old, new, norm=norms[name], largest=largest)
        if old.stored.dtype != new.stored.dtype:
            formats.add((FORMATS[old.stored.dtype], FORMATS[new.stored.dtype]))
    by_layer: dict[str, list[Change]] = {}
    for name in changes:
        by_layer.setdefault(layer_of(name), []).append(changes[name])
    layers = tuple(_layer(layer, by_layer[layer]) for layer in sorted(by_layer, key=layer_order))
    kind, reason = kind_of(changes, layers, adapted=before.adapted or after.adapted)
    for theirs, ours in sorted(formats):
        reason += (
            f" Stored as {ours} where the origin's are {theirs}; differences due to rounding alone count as no change."
        )
    return WeightChange(
        kind=kind, reason=reason, relative_change=_relative("the model", changes.values()), layers=layers
    )


def _layer(layer: str, changes: Sequence[Change]) -> LayerWeights:
    matrices = [change for change in changes if change.changed and change.full_rank is not None]
    known = [(change.effective_rank, change.full_rank) for change in matrices if change.effective_rank is not None]
    rank, full = max(known) if known and len(known) == len(matrices) else (None, None)
    return LayerWeights(
        layer=layer,
        parameters=sum(change.parameters for change in changes),
        relative_change=_relative(layer, changes),
        frozen=not any(change.changed for change in changes),
        effective_rank=rank,
        full_rank=full,
    )


def _relative(what: str, changes: Collection[Change]) -> float:
    """Frobenius norm of the change divided by that of the origin's weights."""
    square, norm = sum(change.square for change in changes), sum(change.norm for change in changes)
    if square == 0:
        return 0.0
    if norm == 0:
        raise NotComparedError(f"the origin's weights of {what} are all zero, so a relative change is undefined")
    return math.sqrt(square / norm)


def kind_of(changes: Mapping[str, Change], layers: Sequence[LayerWeights], *, adapted: bool) -> tuple[Kind, str]:
    """Classify the change.

    Args:
        changes: Changes by tensor.
        layers: Changes by layer.
        adapted: Whether one of the two checkpoints is an adapter over a base.

    Returns:
        The kind and the reason, a sentence.
    """
    changed = {name: change for name, change in changes.items() if change.changed}
    if not changed:
        return "identical", "No weight differs from the origin's."
    if adapted and all(change.by_adapter is not None for change in changed.values()):
        return "adapter", _adapter_sentence(changed)
    ranks = _low_ranks(changed)
    if not adapted and ranks:
        return "adapter", (
            f"Only {_count(len(ranks), 'matrix', 'matrices')} of numbered layers differ, each by a change of low rank"
            f" (effective rank {max(ranks):.1f} at most), as after merging an adapter."
        )
    frozen = [layer.layer for layer in layers if layer.frozen]
    if frozen:
        return "partial", f"Frozen: {', '.join(frozen)}; the other {len(layers) - len(frozen)} layers differ."
    return "full", f"All {len(layers)} layers differ."


def _adapter_sentence(changed: Mapping[str, Change]) -> str:
    ranks = [change.effective_rank for change in changed.values() if change.by_adapter == "added"]
    replaced = len(changed) - len(ranks)
    effects = []
    if ranks:
        highest = max(rank for rank in ranks if rank is not None)
        effects.append(
            f"adds changes of effective rank {highest:.1f} at most to {_count(len(ranks), 'matrix', 'matrices')}"
        )
    if replaced:
        effects.append(f"replaces {_count(replaced, 'tensor', 'tensors')}")
    return f"The weights under the adapter are the same; the adapter {' and '.join(effects)}."


def _low_ranks(changed: Mapping[str, Change]) -> list[float]:
    """Effective ranks of the changes, if all are low and all belong to matrices of numbered layers; else empty."""
    ranks = []
    for name, change in changed.items():
        if change.effective_rank is None or change.full_rank is None or not layer_of(name).startswith("layer "):
            return []
        if change.effective_rank > _LOW * change.full_rank:
            return []
        ranks.append(change.effective_rank)
    return ranks


def _count(number: int, singular: str, plural: str) -> str:
    return f"{number} {singular if number == 1 else plural}"

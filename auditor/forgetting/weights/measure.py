"""Compare the weights of every later checkpoint with the origin's."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

from auditor.core.errors import AuditorError, first_line
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.weights.compare import Change, compare, squared_norm
from auditor.forgetting.weights.contents import Weights, open_weights
from auditor.forgetting.weights.tensors import FORMATS, NotComparedError, layer_of, layer_order
from auditor.results.forgetting.drift import LayerWeights, WeightChange

LARGEST = 2048
"""Matrices whose smaller side is longer have no effective rank: its cost grows with the third power."""


def measure_weights(checkpoints: Sequence[NamedCheckpoint], *, largest: int = LARGEST) -> dict[str, WeightChange]:
    """Compare the weights of every checkpoint after the first with the first's.

    A description: it tells what can have been forgotten (a frozen layer cannot have forgotten), not what was. Files are
    read tensor by tensor in pieces, so the memory needed does not grow with the model: some pieces of a few million
    numbers, and the square of `largest`.

    Args:
        checkpoints: The origin first; whole models as safetensors and LoRA adapters over such models.
        largest: Largest smaller side of a matrix whose effective rank is worked out from stored values; that of a plain
            LoRA's change is known from its factors, whatever their size.

    Returns:
        A change for every checkpoint but the first; of kind `not compared`, with the reason, where weights are of
        another kind or cannot be read. Never raises because of what is in a file.
    """
    if not checkpoints:
        return {}
    origin, *later = checkpoints
    opened: Weights | None = None
    norms: dict[str, float] = {}
    found = {}
    for checkpoint in later:
        at = f"the origin {origin.name}"
        try:
            opened = open_weights(origin.spec) if opened is None else opened
            at = checkpoint.name
            change = _compared(opened, open_weights(checkpoint.spec), norms, largest)
            for read in (origin, checkpoint):
                at = read.name
                read.spec.require_untouched()
            found[checkpoint.name] = change
        # Files may hold anything, and a description is not worth losing an audit for: what went wrong is told.
        except Exception as error:
            why = error.message if isinstance(error, AuditorError) else first_line(error)
            if not isinstance(error, (NotComparedError, AuditorError)):
                why = f"{type(error).__name__}: {why}"
            found[checkpoint.name] = WeightChange(
                kind="not compared", reason=f"Not compared, because of {at}: {why}.", relative_change=None, layers=()
            )
    return found


def _compared(before: Weights, after: Weights, norms: dict[str, float], largest: int) -> WeightChange:
    """Compare tensor by tensor; `norms` keeps the origin's squared norms from one checkpoint to the next."""
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
            f" Stored as {ours} where the origin's are {theirs}; what rounding alone explains counts as no change."
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
    """Frobenius norm of the change over that of the origin's."""
    square, norm = sum(change.square for change in changes), sum(change.norm for change in changes)
    if square == 0:
        return 0.0
    if norm == 0:
        raise NotComparedError(f"the origin's weights of {what} are all zero, so that no change is relative to them")
    return math.sqrt(square / norm)


Kind = Literal["identical", "adapter", "partial", "full"]

_LOW = 0.25
"""Changes of an effective rank up to this part of the full one look like those of a merged adapter."""


def kind_of(changes: Mapping[str, Change], layers: Sequence[LayerWeights], *, adapted: bool) -> tuple[Kind, str]:
    """Name the change.

    Args:
        changes: By tensor.
        layers: The same by layer.
        adapted: Whether one of the two checkpoints is an adapter over a base.

    Returns:
        The kind and the reason for it.
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
            f" (effectively {max(ranks):.1f} at most): what an adapter leaves that was merged."
        )
    frozen = [layer.layer for layer in layers if layer.frozen]
    if frozen:
        return "partial", f"Frozen: {', '.join(frozen)}; all else differs ({len(layers) - len(frozen)} layers)."
    return "full", f"All {len(layers)} layers differ."


def _adapter_sentence(changed: Mapping[str, Change]) -> str:
    ranks = [change.effective_rank for change in changed.values() if change.by_adapter == "added"]
    whole = len(changed) - len(ranks)
    told = []
    if ranks:
        highest = max(rank for rank in ranks if rank is not None)
        told.append(
            f"adds to {_count(len(ranks), 'matrix', 'matrices')} changes of effective rank {highest:.1f} at most"
        )
    if whole:
        told.append(f"replaces {_count(whole, 'tensor', 'tensors')} whole")
    return f"The weights under the adapter are the same; it {' and '.join(told)}."


def _low_ranks(changed: Mapping[str, Change]) -> list[float]:
    """Effective ranks of the changes where all are low and none is outside the numbered layers' matrices."""
    ranks = []
    for name, change in changed.items():
        if change.effective_rank is None or change.full_rank is None or not layer_of(name).startswith("layer "):
            return []
        if change.effective_rank > _LOW * change.full_rank:
            return []
        ranks.append(change.effective_rank)
    return ranks


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"

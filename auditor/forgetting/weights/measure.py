"""The weights of every later checkpoint beside the origin's."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from auditor.core.errors import AuditorError, first_line
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.weights.compare import Change, compare, squared_norm
from auditor.forgetting.weights.contents import Weights, open_weights
from auditor.forgetting.weights.kinds import kind_of
from auditor.forgetting.weights.names import layer_of, layer_order
from auditor.forgetting.weights.stored import FORMATS, NotComparedError
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

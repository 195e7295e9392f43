"""Lengths at which a model changes what it computes: windows, chunks, and rotary factors that switch."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NAMES = re.compile(r"window|chunk|block|position|context|seq|length|span|stride|topk|floor_scale|local")
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The lengths in tokens that a configuration names, below the longest window of an audit.

    Attributes:
        lengths: Where anything may change, ascending.
        switches: Where the rotary factors of all rows of a batch change with its longest row, ascending.
        continuous: Whether these factors go on changing with every length above the lowest switch.
    """

    lengths: tuple[int, ...]
    switches: tuple[int, ...] = ()
    continuous: bool = False


def thresholds_of(config: Any, context: int) -> Thresholds:
    """Read the thresholds of a text configuration, nested parts included; windows reach `context` tokens."""
    lengths, switches, continuous = set[int](), set[int](), False
    values = config.to_dict()
    for name, value in _numbers(values):
        if _NAMES.search(name) and _FEWEST <= value < context:
            lengths.add(value)
    whole = values.get("original_max_position_embeddings") or values.get("max_position_embeddings")
    for rope in _ropes(values):
        kind = str(rope.get("rope_type") or rope.get("type"))
        # transformers lets dynamic factors grow from the longest position on, other libraries from the original one.
        starts = {rope.get("original_max_position_embeddings") or whole}
        if kind == "dynamic":
            starts.add(values.get("max_position_embeddings"))
        if kind in ("dynamic", "longrope", "su"):
            switches |= {start for start in starts if isinstance(start, int) and start < context}
            continuous |= kind == "dynamic"
    return Thresholds(tuple(sorted(lengths | switches)), tuple(sorted(switches)), continuous and bool(switches))


def _numbers(values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _numbers(value)
        for each in value if isinstance(value, list | tuple) else [value]:
            if isinstance(each, int) and not isinstance(each, bool):
                yield str(name), each


def _ropes(values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Parameters of rotary positions, of all layers or of each type of layer."""
    for value in values.values():
        if isinstance(value, Mapping):
            if "rope_type" in value or "type" in value:
                yield value
            yield from _ropes(value)

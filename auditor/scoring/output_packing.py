"""Traces as bytes and back: a fixed header that says what was asked for, then the arrays, compressed."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from auditor.signals.outputs import Capture, ModelOutputs

_HEADER = struct.Struct("<4s??IIII")
_MAGIC = b"TRC1"


@dataclass(frozen=True, slots=True)
class StoredOutputs:
    """The traces of a text as far as they were ever wanted.

    Attributes:
        wanted: What was asked for. Layers asked for and not there are layers that the model does not show.
        traces: What there is.
    """

    wanted: Capture
    traces: ModelOutputs

    def with_more(self, more: StoredOutputs) -> StoredOutputs:
        """This, and what of the other is not in it."""
        new = more.traces.only(more.wanted - self.wanted)
        old = self.traces
        return StoredOutputs(
            self.wanted | more.wanted,
            ModelOutputs(
                new.layers if old.layers is None else old.layers,
                new.top_ids if old.top_ids is None else old.top_ids,
                new.top_logprobs if old.top_logprobs is None else old.top_logprobs,
            ),
        )


def to_bytes(kept: StoredOutputs) -> bytes:
    """Traces as bytes, the same on every platform. Layers that are not there have the shape (0, 0)."""
    traces = kept.traces
    arrays = [] if traces.layers is None else [np.ascontiguousarray(traces.layers, dtype="<f4")]
    if traces.top_ids is not None and traces.top_logprobs is not None:
        arrays += [np.ascontiguousarray(traces.top_ids, "<i4"), np.ascontiguousarray(traces.top_logprobs, "<f4")]
    layers = (0, 0) if traces.layers is None else traces.layers.shape
    top = (0, 0) if traces.top_ids is None else traces.top_ids.shape
    header = _HEADER.pack(_MAGIC, kept.wanted.layers, kept.wanted.top, *layers, *top)
    # Bytes of one significance together: a fifth smaller and twice as fast as number by number.
    planes = np.frombuffer(b"".join(array.tobytes() for array in arrays), np.uint8).reshape(-1, 4).T
    return header + zlib.compress(planes.tobytes(), level=1)


def from_bytes(data: bytes) -> StoredOutputs:
    """The traces of some bytes.

    Raises:
        ValueError: They are no traces.
    """
    try:
        magic, layers, top, count, width, rows, columns = _HEADER.unpack_from(data)
        body = zlib.decompress(data[_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"no record of traces: {error}") from error
    states, entries = count * width, rows * columns
    if magic != _MAGIC or len(body) != 4 * (states + 2 * entries):
        raise ValueError("no record of traces: wrong header or length")
    body = np.frombuffer(body, np.uint8).reshape(4, -1).T.tobytes()
    found = ModelOutputs(np.frombuffer(body, "<f4", states).reshape(count, width) if count else None)
    if top:
        ids = np.frombuffer(body, "<i4", entries, 4 * states).reshape(rows, columns)
        logprobs = np.frombuffer(body, "<f4", entries, 4 * (states + entries)).reshape(rows, columns)
        found = ModelOutputs(found.layers, ids, logprobs)
    return StoredOutputs(Capture(layers, top), found)

"""Token signals and other outputs as bytes and back: a fixed header, then the arrays, compressed."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from auditor.signals.outputs import Capture, ModelOutputs
from auditor.signals.tokens import TokenSignals

_SIGNALS_HEADER = struct.Struct("<4sIQQ?")
_SIGNALS_MAGIC = b"TSG2"
"""A record of another format is none: its text is scored again."""
_OUTPUTS_HEADER = struct.Struct("<4s??IIII")
_OUTPUTS_MAGIC = b"TRC1"
_FIELDS = (
    ("token_ids", "<i4"),
    ("starts", "<i4"),
    ("ends", "<i4"),
    ("positions", "<i4"),
    ("rank", "<i4"),
    ("logprob", "<f4"),
    ("mean", "<f4"),
    ("std", "<f4"),
    ("max_logprob", "<f4"),
)


def pack_signals(signals: TokenSignals) -> bytes:
    """A record as bytes, the same on every platform."""
    header = _SIGNALS_HEADER.pack(_SIGNALS_MAGIC, len(signals), signals.n_bytes, signals.zlib_bytes, signals.truncated)
    arrays = (np.ascontiguousarray(getattr(signals, name), dtype=form).tobytes() for name, form in _FIELDS)
    return header + zlib.compress(b"".join(arrays), level=1)


def unpack_signals(data: bytes) -> TokenSignals:
    """The record in `data`.

    Raises:
        ValueError: The bytes are not a record.
    """
    try:
        magic, count, n_bytes, zlib_bytes, truncated = _SIGNALS_HEADER.unpack_from(data)
        body = zlib.decompress(data[_SIGNALS_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"not a record of token signals: {error}") from error
    if magic != _SIGNALS_MAGIC or len(body) != 4 * count * len(_FIELDS):
        raise ValueError("not a record of token signals: wrong header or length")
    columns = {
        name: np.frombuffer(body, dtype=form, count=count, offset=4 * count * index)
        for index, (name, form) in enumerate(_FIELDS)
    }
    return TokenSignals(**columns, n_bytes=n_bytes, zlib_bytes=zlib_bytes, truncated=truncated)


@dataclass(frozen=True, slots=True)
class StoredOutputs:
    """All outputs of a text that were ever requested.

    Attributes:
        wanted: The requested outputs; layers requested and absent are layers that the model does not show.
        outputs: The captured outputs.
    """

    wanted: Capture
    outputs: ModelOutputs

    def merged(self, more: StoredOutputs) -> StoredOutputs:
        """These outputs, and those of `more` that are not among them."""
        new = more.outputs.only(more.wanted - self.wanted)
        old = self.outputs
        return StoredOutputs(
            self.wanted | more.wanted,
            ModelOutputs(
                new.layers if old.layers is None else old.layers,
                new.top_ids if old.top_ids is None else old.top_ids,
                new.top_logprobs if old.top_logprobs is None else old.top_logprobs,
            ),
        )


def pack_outputs(stored: StoredOutputs) -> bytes:
    """Outputs as bytes, the same on every platform. Absent layers have the shape (0, 0)."""
    outputs = stored.outputs
    arrays = [] if outputs.layers is None else [np.ascontiguousarray(outputs.layers, dtype="<f4")]
    if outputs.top_ids is not None and outputs.top_logprobs is not None:
        arrays += [np.ascontiguousarray(outputs.top_ids, "<i4"), np.ascontiguousarray(outputs.top_logprobs, "<f4")]
    layers = (0, 0) if outputs.layers is None else outputs.layers.shape
    top = (0, 0) if outputs.top_ids is None else outputs.top_ids.shape
    header = _OUTPUTS_HEADER.pack(_OUTPUTS_MAGIC, stored.wanted.layers, stored.wanted.top, *layers, *top)
    # Bytes of one significance together: a fifth smaller and twice as fast as number by number.
    planes = np.frombuffer(b"".join(array.tobytes() for array in arrays), np.uint8).reshape(-1, 4).T
    return header + zlib.compress(planes.tobytes(), level=1)


def unpack_outputs(data: bytes) -> StoredOutputs:
    """The outputs in `data`.

    Raises:
        ValueError: The bytes are not stored outputs.
    """
    try:
        magic, layers, top, count, width, rows, columns = _OUTPUTS_HEADER.unpack_from(data)
        body = zlib.decompress(data[_OUTPUTS_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"not a record of model outputs: {error}") from error
    states, entries = count * width, rows * columns
    if magic != _OUTPUTS_MAGIC or len(body) != 4 * (states + 2 * entries):
        raise ValueError("not a record of model outputs: wrong header or length")
    body = np.frombuffer(body, np.uint8).reshape(4, -1).T.tobytes()
    outputs = ModelOutputs(np.frombuffer(body, "<f4", states).reshape(count, width) if count else None)
    if top:
        ids = np.frombuffer(body, "<i4", entries, 4 * states).reshape(rows, columns)
        logprobs = np.frombuffer(body, "<f4", entries, 4 * (states + entries)).reshape(rows, columns)
        outputs = ModelOutputs(outputs.layers, ids, logprobs)
    return StoredOutputs(Capture(layers, top), outputs)

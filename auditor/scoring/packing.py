"""TokenSignals as bytes and back: a fixed header, then the arrays, compressed."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from auditor.signals.tokens import TokenSignals

_HEADER = struct.Struct("<4sIQQ?")
_MAGIC = b"TSG1"
_FIELDS = (
    ("token_ids", "<i4"),
    ("starts", "<i4"),
    ("ends", "<i4"),
    ("positions", "<i4"),
    ("rank", "<i4"),
    ("logprob", "<f4"),
    ("mean", "<f4"),
    ("std", "<f4"),
)


def to_bytes(signals: TokenSignals) -> bytes:
    """A record as bytes, the same on every platform."""
    header = _HEADER.pack(_MAGIC, len(signals), signals.n_bytes, signals.zlib_bytes, signals.truncated)
    arrays = (np.ascontiguousarray(getattr(signals, name), dtype=form).tobytes() for name, form in _FIELDS)
    return header + zlib.compress(b"".join(arrays), level=1)


def from_bytes(data: bytes) -> TokenSignals:
    """The record of some bytes.

    Raises:
        ValueError: They are no record.
    """
    try:
        magic, count, n_bytes, zlib_bytes, truncated = _HEADER.unpack_from(data)
        body = zlib.decompress(data[_HEADER.size :])
    except (struct.error, zlib.error) as error:
        raise ValueError(f"no record of token signals: {error}") from error
    if magic != _MAGIC or len(body) != 4 * count * len(_FIELDS):
        raise ValueError("no record of token signals: wrong header or length")
    columns = {
        name: np.frombuffer(body, dtype=form, count=count, offset=4 * count * at)
        for at, (name, form) in enumerate(_FIELDS)
    }
    return TokenSignals(**columns, n_bytes=n_bytes, zlib_bytes=zlib_bytes, truncated=truncated)

"""Read and check the header of a safetensors file without its weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from auditor.core.errors import UsageError

_LONGEST_HEADER = 100_000_000
_DTYPES = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_HINT = "Download or copy the file again; it is incomplete or was changed."


def read_header(path: Path) -> dict[str, dict[str, Any]]:
    """The tensors a safetensors file declares: name to dtype, shape and offsets.

    The format is an 8-byte little-endian length, a JSON header, then the data, whose extent the header gives: a file
    that is cut short or padded is noticed before anything is loaded.

    Raises:
        UsageError: The file is incomplete or malformed.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(_LONGEST_HEADER, size - 8):
                raise UsageError(f"{path} is not a whole safetensors file: its header is cut short", hint=_HINT)
            header = json.loads(stream.read(length))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", hint="Check the file and its permissions.") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not a safetensors file: its header is no JSON", hint=_HINT) from error
    try:
        header.pop("__metadata__", None)
        end = 0
        for entry in header.values():
            start, stop = map(int, entry["data_offsets"])
            if not (isinstance(entry["dtype"], str) and 0 <= start <= stop):
                raise ValueError(entry)
            end = max(end, stop)
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"{path} is not a safetensors file: its header is malformed", hint=_HINT) from error
    if 8 + length + end != size:
        raise UsageError(
            f"{path} is not whole: its header declares {8 + length + end:,} bytes, the file has {size:,}", hint=_HINT
        )
    return dict(header)


def stored_dtype(files: list[Path]) -> str:
    """The number format most weights are stored in, as torch names it; float32 for anything else (quantised)."""
    counts: dict[str, int] = {}
    for path in files:
        for entry in read_header(path).values():
            start, end = entry["data_offsets"]
            counts[entry["dtype"]] = counts.get(entry["dtype"], 0) + int(end) - int(start)
    return _DTYPES.get(max(counts, key=lambda name: counts[name], default="F32"), "float32")

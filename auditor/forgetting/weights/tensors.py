"""Tensors as stored in safetensors files, read piece by piece without torch, and the layer a name belongs to."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from auditor.models.folder import read_header

Part = tuple[slice, ...]
Floats32 = npt.NDArray[np.float32]

_RAW = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2"}
FORMATS = {"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16"}
_PIECE = 2**21


class NotComparedError(Exception):
    """Weights that cannot be compared; the message is the reason, as the end of a sentence."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file.

    Attributes:
        path: The file.
        start: Offset of its first byte.
        dtype: Number format, in the notation of safetensors.
        shape: Its shape; a scalar has the shape (1,).
    """

    path: Path
    start: int
    dtype: str
    shape: tuple[int, ...]

    def raw(self, part: Part) -> npt.NDArray[Any]:
        """A piece as stored; bfloat16 as 16-bit integers."""
        whole = np.memmap(self.path, dtype=_RAW[self.dtype], mode="r", offset=self.start, shape=self.shape)
        return np.asarray(whole[part])

    def values(self, part: Part) -> Floats32:
        """A piece in float32."""
        raw = self.raw(part)
        if self.dtype == "BF16":
            return (raw.astype(np.uint32) << 16).view(np.float32)
        return raw.astype(np.float32)

    def same_bytes(self, other: Stored) -> bool:
        """Whether two tensors have the same values in the same format."""
        if (self.path, self.start) == (other.path, other.start):
            return True
        if (self.dtype, self.shape) != (other.dtype, other.shape):
            return False
        return all(np.array_equal(self.raw(part), other.raw(part)) for part in parts(self.shape))


def parts(shape: tuple[int, ...]) -> Iterator[Part]:
    """Pieces of a tensor of at most a few million elements, along the longer axis of a matrix, else the first axis."""
    axis = 1 if len(shape) == 2 and shape[1] > shape[0] else 0
    step = max(1, _PIECE * shape[axis] // math.prod(shape))
    for start in range(0, shape[axis], step):
        yield (slice(None),) * axis + (slice(start, min(start + step, shape[axis])),)


def rounded(values: Floats32, dtype: str) -> Floats32:
    """Values after rounding to another number format and back, to nearest, ties to even."""
    if dtype == "F16":
        with np.errstate(over="ignore"):
            return values.astype(np.float16).astype(np.float32)
    if dtype == "BF16":
        bits = np.ascontiguousarray(values).view(np.uint32)
        return ((bits + np.uint32(0x7FFF) + ((bits >> 16) & 1)) & np.uint32(0xFFFF0000)).view(np.float32)
    return values


def read_tensors(path: Path) -> dict[str, Stored]:
    """The non-empty tensors of one file, by name.

    Raises:
        NotComparedError: A tensor is in a format other than plain floating point.
        UsageError: The file is incomplete, or its header contradicts itself.
    """
    header = read_header(path)
    with path.open("rb") as stream:
        begin = 8 + int.from_bytes(stream.read(8), "little")
    tensors = {}
    for name, entry in header.items():
        shape = tuple(int(extent) for extent in entry["shape"])
        if math.prod(shape) == 0:
            continue
        dtype = str(entry["dtype"])
        if dtype not in _RAW:
            raise NotComparedError(f"{name} is stored as {dtype}, which is quantised or not a weight")
        first, last = (int(offset) for offset in entry["data_offsets"])
        if first < 0 or last - first != math.prod(shape) * np.dtype(_RAW[dtype]).itemsize:
            raise NotComparedError(f"the size of {name} in {path.name} does not match its shape")
        tensors[name] = Stored(path, begin + first, dtype, shape or (1,))
    return tensors


_PREFIX = re.compile(r"^(?:model|transformer|gpt_neox|backbone)\.")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.(\d+)\.")
_HEAD = re.compile(r"(?:^|\.)(?:lm_head|embed_out)\.")
_HEAD_WEIGHT = re.compile(r"(?:^|\.)(?:lm_head|embed_out)\.weight$")
_EMBEDDING_WEIGHT = re.compile(r"(?:^|\.)(?:embed_tokens|embed_in|wte|word_embeddings)\.weight$")
_EMBEDDINGS = re.compile(r"embed|(?:^|\.)w[tp]e\.")
_NORM = re.compile(r"norm|ln_f", re.IGNORECASE)
_BUFFER = re.compile(r"rotary_emb\.inv_freq$|(?:^|\.)(?:attn|attention)\.(?:masked_)?bias$")


def canonical(name: str) -> str:
    """A name without the prefix that depends on whether the model was saved with its head."""
    return _PREFIX.sub("", name)


def is_buffer(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor is a constant buffer that older versions of transformers saved with the weights."""
    return bool(_BUFFER.search(name)) and (len(shape) != 1 or shape == (1,) or name.endswith("inv_freq"))


def is_head(name: str) -> bool:
    """Whether this is the output-layer matrix, which maps hidden states to logits."""
    return bool(_HEAD_WEIGHT.search(name))


def is_embedding(name: str) -> bool:
    """Whether this is the matrix of token embeddings, which a head may share."""
    return not _LAYER.search(name) and bool(_EMBEDDING_WEIGHT.search(name))


def layer_of(name: str) -> str:
    """The layer a tensor belongs to: `embeddings`, `layer 0` onwards, `other`, `final norm`, `head`."""
    numbered = _LAYER.search(name)
    if numbered:
        return f"layer {int(numbered[1])}"
    if _HEAD.search(name):
        return "head"
    if _EMBEDDINGS.search(name):
        return "embeddings"
    return "final norm" if _NORM.search(name) else "other"


def layer_order(layer: str) -> tuple[int, int]:
    """Sort key of a layer, from the input to the output."""
    if layer.startswith("layer "):
        return 1, int(layer.removeprefix("layer "))
    return {"embeddings": 0, "other": 2, "final norm": 3, "head": 4}[layer], 0

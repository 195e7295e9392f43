"""Names of tensors: what is called the same in two checkpoints, and which layer it belongs to."""

from __future__ import annotations

import re

_PREFIX = re.compile(r"^(?:model|transformer|gpt_neox|backbone)\.")
_LAYER = re.compile(r"(?:^|\.)(?:layers|h|blocks|block)\.(\d+)\.")
_HEAD = re.compile(r"(?:^|\.)(?:lm_head|embed_out)\.")
_HEAD_WEIGHT = re.compile(r"(?:^|\.)(?:lm_head|embed_out)\.weight$")
_EMBEDDING_WEIGHT = re.compile(r"(?:^|\.)(?:embed_tokens|embed_in|wte|word_embeddings)\.weight$")
_EMBEDDINGS = re.compile(r"embed|(?:^|\.)w[tp]e\.")
_NORM = re.compile(r"norm|ln_f", re.IGNORECASE)
_BUFFER = re.compile(r"rotary_emb\.inv_freq$|(?:^|\.)(?:attn|attention)\.(?:masked_)?bias$")


def canonical(name: str) -> str:
    """A name without the part that says whether the model was saved with or without its head."""
    return _PREFIX.sub("", name)


def is_buffer(name: str, shape: tuple[int, ...]) -> bool:
    """Whether a tensor is a constant that older versions of transformers saved with the weights."""
    return bool(_BUFFER.search(name)) and (len(shape) != 1 or shape == (1,) or name.endswith("inv_freq"))


def is_head(name: str) -> bool:
    """Whether this is the matrix that turns states into logits."""
    return bool(_HEAD_WEIGHT.search(name))


def is_embedding(name: str) -> bool:
    """Whether this is the matrix of token embeddings, with which a head may be tied."""
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
    """Where a layer stands, from the input to the output."""
    if layer.startswith("layer "):
        return 1, int(layer.removeprefix("layer "))
    return {"embeddings": 0, "other": 2, "final norm": 3, "head": 4}[layer], 0

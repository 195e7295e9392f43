"""Opening a tokenizer offline and reading from it what it puts in front of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from auditor.core.errors import UsageError, first_line
from auditor.models.windows import TokenisedText
from auditor.signals.tokens import Ints

TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
_VOCABULARIES = (
    "tokenizer.json",
    "vocab.json",
    "vocab.txt",
    "tokenizer.model",
    "spiece.model",
    "sentencepiece.bpe.model",
)
_PROBE = "The cat sat"


@dataclass(frozen=True, slots=True)
class Front:
    """What stands before every window.

    Attributes:
        ids: The special tokens, none where the tokenizer adds none.
        policy: The same in words.
    """

    ids: tuple[int, ...]
    policy: str


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer's vocabulary."""
    return any((folder / name).is_file() for name in _VOCABULARIES)


def tokenizer_files(folder: Path) -> list[Path]:
    """The tokenizer files of a model folder, among them the versions of tokenizer.json of which transformers picks one.

    Raises:
        UsageError: There is no vocabulary among them.
    """
    files = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    files.extend(sorted(path for path in folder.glob("tokenizer.*.json") if path.is_file()))
    if not has_tokenizer(folder):
        raise UsageError(
            f"{folder} has no tokenizer",
            hint="Copy tokenizer.json and tokenizer_config.json of the model into the folder.",
        )
    return files


def load_tokenizer(folder: Path, **where: Any) -> Any:
    """The fast tokenizer of a folder; only a fast one knows which characters a token stands for.

    Raises:
        UsageError: It cannot be read, needs code of its own, or has no fast form.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **where)
    except Exception as error:
        raise UsageError(
            f"cannot read the tokenizer in {folder}: {first_line(error)}",
            hint="A tokenizer.json as transformers saves it is needed; tokenizers with code of their own are refused.",
        ) from error
    if not getattr(tokenizer, "is_fast", False):
        raise UsageError(
            f"the tokenizer in {folder} has no fast form, so tokens cannot be traced to characters",
            hint="Convert it with transformers' AutoTokenizer.from_pretrained(...).save_pretrained(...).",
        )
    return tokenizer


def front_of(tokenizer: Any) -> Front:
    """What the tokenizer puts in front of a text, found by asking it.

    Whatever it adds is used once in front of every window. Where it adds nothing although its own configuration says
    `add_bos_token`, the BOS token is used. Otherwise nothing stands in front, a BOS token is not invented for a model
    that was not trained with one, and the first token of each window serves as context. What it adds at the end (EOS)
    is never used.
    """
    bare = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    full = tokenizer(_PROBE, add_special_tokens=True)["input_ids"]
    at = next((i for i in range(len(full) - len(bare) + 1) if full[i : i + len(bare)] == bare), 0)
    ids = tuple(int(token) for token in full[:at])
    if ids:
        names = " ".join(tokenizer.convert_ids_to_tokens(list(ids)))
        return Front(ids, f"{names} before every window, as the tokenizer adds it")
    if getattr(tokenizer, "add_bos_token", False) and tokenizer.bos_token_id is not None:
        return Front((int(tokenizer.bos_token_id),), f"{tokenizer.bos_token} before every window, as configured")
    return Front((), "none: the first token of every window is context and not scored")


def tokenise(tokenizer: Any, text: str, lead: Sequence[int]) -> TokenisedText:
    """Token ids and character offsets of a text, without special tokens added.

    A text that itself begins with the special tokens would give the model two of them; those in the text are dropped.
    """
    encoded = tokenizer(
        text, add_special_tokens=False, return_offsets_mapping=True, return_attention_mask=False, verbose=False
    )
    ids: Ints = np.asarray(encoded["input_ids"], dtype=np.int32)
    offsets = np.asarray(encoded["offset_mapping"], dtype=np.int32).reshape(-1, 2)
    begin = 0
    if lead and len(ids) >= len(lead) and ids[: len(lead)].tolist() == list(lead):
        begin = int(offsets[len(lead) - 1, 1])
        ids, offsets = ids[len(lead) :], offsets[len(lead) :]
    return TokenisedText(ids, offsets[:, 0].copy(), offsets[:, 1].copy(), begin, len(text))

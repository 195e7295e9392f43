"""Tokenizers: opening them offline, the special tokens they put before a text, and comparing two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from auditor.core.contents import require_content
from auditor.core.errors import UsageError, cannot_read, reason_of
from auditor.models.backend import LoadOptions
from auditor.models.digests import Memo, recall_or
from auditor.models.folder import read_json, wrong_config
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
_LEAST_SHARE = 0.9
_PROBE = "The cat sat"
_COMPARED = (
    "The quick brown fox doesn't jump over 12,345 lazy dogs (3.14159 of them) - or does it?\n\n  Indented, twice.\t\n",
    "def f(x: int) -> list[str]:\n    return [str(i) for i in range(x) if i % 2 == 0]  # even\n",
    "Ünïcödé naïveté, Straße, Москва, Ελλάδα, 北京市の天気, مرحبا, नमस्ते, 🦊🏳️‍🌈, ﬁne, ½, e\u0301.",
    " leading space; TRAILING CAPITALS AND camelCase, snake_case, http://example.org/a?b=c&d=%20 ",
)


@dataclass(frozen=True, slots=True)
class Front:
    """Special tokens before every window.

    Attributes:
        ids: The special tokens; empty where the tokenizer adds none.
        policy: The same in words.
    """

    ids: tuple[int, ...]
    policy: str


def has_tokenizer(folder: Path) -> bool:
    """Whether a folder holds a tokenizer's vocabulary."""
    return any((folder / name).is_file() for name in _VOCABULARIES)


def tokenizer_files(folder: Path) -> list[Path]:
    """The tokenizer files of a model folder, with all versions of tokenizer.json of which transformers picks one.

    Raises:
        UsageError: None of them holds a vocabulary, or something else stands in the place of one.
    """
    files = [folder / name for name in TOKENIZER_FILES if (folder / name).is_file()]
    files.extend(sorted(path for path in folder.glob("tokenizer.*.json") if path.is_file()))
    if not has_tokenizer(folder):
        raise UsageError(
            f"{folder} has no tokenizer",
            hint="Copy tokenizer.json and tokenizer_config.json of the model into the folder, or name the folder that"
            " holds them with --tokenizer.",
        )
    for path in files:
        _require_content(path)
    return files


def _require_content(path: Path) -> None:
    structured = path.suffix == ".json"
    try:
        # Training libraries leave added_tokens.json and merges.txt empty where there is nothing to list.
        require_content(path, "structured" if structured else "binary", may_be_empty=path.name not in _VOCABULARIES)
    except OSError as error:
        raise cannot_read(path, error) from error


def chosen_tokenizer(options: LoadOptions, own: Path) -> Path:
    """The folder of the tokenizer that was named, or else the model's own.

    Raises:
        UsageError: What was named holds none.
    """
    if options.tokenizer is None:
        return own
    folder = Path(options.tokenizer).expanduser()
    if not folder.is_dir() or not has_tokenizer(folder):
        raise UsageError(
            f"{options.tokenizer} holds no tokenizer",
            hint="Name a folder with tokenizer.json, such as the model's base, with --tokenizer.",
        )
    return folder


def require_vocabulary(folder: Path, model: str, size: int, memo: Memo) -> None:
    """Refuse a tokenizer that was named for a model of another vocabulary.

    The embeddings of many models are padded, so fewer tokens than embeddings are no fault; far fewer are. Special
    tokens without embeddings, such as an added padding token, are none either: a text that contains one is refused.

    Args:
        folder: Folder of the tokenizer.
        model: Name of the model for messages.
        size: Number of tokens that the model has embeddings for.
        memo: Remembers the size of the tokenizer.

    Raises:
        UsageError: It has more tokens of text than the model, or less than nine tenths of its number.
    """
    counts = recall_or(
        memo,
        f"tokens of text {version('transformers')}",
        tokenizer_files(folder),
        lambda: " ".join(map(str, _counts(load_tokenizer(folder)))),
    )
    of_text, tokens = map(int, counts.split())
    if of_text > size or tokens < _LEAST_SHARE * size:
        raise UsageError(
            f"the tokenizer in {folder} has {tokens:,} tokens and {model} has embeddings for {size:,}, so they do not"
            " belong together",
            hint="Name the tokenizer that the model was trained with.",
        )


def _counts(tokenizer: Any) -> tuple[int, int]:
    """One more than the largest id, of all tokens but the special ones that were added, and of all."""
    special = {id for id, token in tokenizer.added_tokens_decoder.items() if token.special}
    ids = set(tokenizer.get_vocab().values())
    return 1 + max(ids - special, default=-1), 1 + max(ids, default=-1)


def load_tokenizer(folder: Path, **where: Any) -> Any:
    """The fast tokenizer of a folder; only a fast one gives the characters of a token.

    Raises:
        UsageError: It cannot be read, needs code of its own, or has no fast form.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False, **where)
    except Exception as error:
        raise _unreadable(folder, error) from error
    if not getattr(tokenizer, "is_fast", False):
        raise UsageError(
            f"the tokenizer in {folder} has no fast form, so tokens cannot be traced to characters",
            hint="Convert it with transformers' AutoTokenizer.from_pretrained(...).save_pretrained(...).",
        )
    return tokenizer


def _unreadable(folder: Path, error: Exception) -> UsageError:
    """The error for a tokenizer that cannot be opened, which names the file that is to blame."""
    from transformers import AutoConfig

    # transformers reads the configuration of the model to open a tokenizer.
    if (folder / "config.json").is_file():
        try:
            AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        except Exception as problem:
            return wrong_config(folder, problem)
    for path in tokenizer_files(folder):
        if path.suffix == ".json":
            read_json(path)
    return UsageError(
        f"cannot read the tokenizer in {folder}: {reason_of(error)}",
        hint="A tokenizer.json as transformers saves it is needed; tokenizers with code of their own are refused.",
    )


def front_of(tokenizer: Any) -> Front:
    """The special tokens that a tokenizer puts before a text, found by tokenising one.

    They are put once before every window. Where it adds none although its configuration says `add_bos_token`, the BOS
    token is used. Otherwise there are none: a model that was not trained with a BOS token gets none, and the first
    token of each window is its context. Tokens added at the end (EOS) are never used.
    """
    bare = tokenizer(_PROBE, add_special_tokens=False)["input_ids"]
    full = tokenizer(_PROBE, add_special_tokens=True)["input_ids"]
    start = next((i for i in range(len(full) - len(bare) + 1) if full[i : i + len(bare)] == bare), 0)
    ids = tuple(int(token) for token in full[:start])
    if ids:
        names = " ".join(tokenizer.convert_ids_to_tokens(list(ids)))
        return Front(ids, f"{names} before every window, as the tokenizer adds it")
    if getattr(tokenizer, "add_bos_token", False) and tokenizer.bos_token_id is not None:
        return Front((int(tokenizer.bos_token_id),), f"{tokenizer.bos_token} before every window, as configured")
    return Front((), "none: the first token of every window is context and not scored")


def tokenise(tokenizer: Any, text: str, lead: Sequence[int]) -> TokenisedText:
    """Token ids and character offsets of a text, without special tokens added.

    Special tokens at the beginning of the text itself are dropped, as the model would read them twice.
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


def tokenizer_difference(first: Any, second: Any) -> str:
    """How two fast tokenizers differ, in words for a user; empty where they cut text alike.

    They are compared by what they do, not by their files. Tokens that only one of them has (a padding token added by a
    training library) make no difference as long as no text contains them.

    Args:
        first: A tokenizer.
        second: Another.
    """
    ours, theirs = first.get_vocab(), second.get_vocab()
    shared = ours.keys() & theirs.keys()
    moved = sum(ours[token] != theirs[token] for token in shared)
    if moved or not shared:
        return f"of {len(ours):,} and {len(theirs):,} tokens {len(shared) - moved:,} are the same"
    front = [front_of(tokenizer) for tokenizer in (first, second)]
    if front[0].ids != front[1].ids:
        return f"the special tokens before a text ({front[0].policy}; against {front[1].policy})"
    for text in _COMPARED:
        left, right = (tokenise(tokenizer, text, front[0].ids).ids.tolist() for tokenizer in (first, second))
        if left != right:
            pairs = enumerate(zip(left, right, strict=False))
            index = next((i for i, (a, b) in pairs if a != b), min(len(left), len(right)))
            shown = f"{_shown(first, left, index)} against {_shown(second, right, index)}"
            return f"they cut text differently, for instance {shown}"
    return ""


def _shown(tokenizer: Any, ids: list[int], start: int) -> str:
    return " ".join(repr(token) for token in tokenizer.convert_ids_to_tokens(ids[start : start + 3])) or "nothing"

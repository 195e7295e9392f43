"""What a folder is by the names in it: a model, or documents. A model named as documents is told before it is read."""

from __future__ import annotations

import os
import re
from collections import Counter
from itertools import islice
from pathlib import Path, PurePosixPath

from auditor.core.errors import UsageError

_WEIGHTS = re.compile(r".*\.(safetensors|safetensors\.index\.json|gguf)|(pytorch_)?model.*\.bin")
_OF_MODELS = frozenset(
    "generation_config.json merges.txt special_tokens_map.json tokenizer.json tokenizer.model tokenizer_config.json "
    "training_args.bin vocab.json vocab.txt".split()
)
_CHECKPOINT = re.compile(r"(checkpoint|global_step|step|epoch)[-_]?\d+")
# A .json file may be anything, so it is no sign of documents.
_DOCUMENTS = re.compile(
    r"(?!(?:readme|licen[cs]e|notice|use_policy|merges|vocab|requirements)\b).*"
    r"(\.(txt|md|jsonl|ndjson|csv|tsv|parquet|zip))(\.gz)?",
    re.IGNORECASE,
)
_SAVED = ({"dataset_dict.json"}, {"state.json", "dataset_info.json"})
_MOST_ENTRIES = 5000
_ABOUT = frozenset(
    "authors changelog changes citation code_of_conduct contributing copying dataset_card datasheet history install "
    "licence license notice readme security usage use_policy".split()
)


def is_about(name: str) -> bool:
    """Whether a file is about the data that lie with it, by its name: a card, a licence."""
    return PurePosixPath(name).name.lower().partition(".")[0].replace("-", "_") in _ABOUT


def _names(folder: Path) -> set[str]:
    """The visible names in a folder; none where it cannot be read."""
    try:
        return {entry.name for entry in folder.iterdir() if not entry.name.startswith(".")}
    except OSError:
        return set()


def model_marks(path: Path) -> tuple[str, ...]:
    """Names by which a path is a model, a folder of its checkpoints or a file of its weights; none where it is not."""
    if path.is_file():
        return (path.name,) if path.suffix.lower() in (".safetensors", ".gguf") else ()
    names = _names(path)
    weights = sorted(filter(_WEIGHTS.fullmatch, names))
    if "adapter_config.json" in names:
        return ("adapter_config.json", *weights[:1])
    if "config.json" in names and (weights or names & _OF_MODELS):
        return ("config.json", *(weights or sorted(names & _OF_MODELS))[:1])
    if weights and not any(map(_DOCUMENTS.fullmatch, names - _OF_MODELS)):
        return tuple(weights[:2])
    below = sorted(filter(_CHECKPOINT.fullmatch, names))
    return tuple(f"{name}/" for name in below if model_marks(path / name))[:2]


def documents_in(path: Path) -> str:
    """What documents a path holds, in words; empty where it is a model or it is not clear."""
    if path.is_file():
        match = _DOCUMENTS.fullmatch(path.name)
        return f"a {match.group(1).lower()} file" if match else ""
    names = _names(path)
    if any(saved <= names for saved in _SAVED):
        return "a dataset that the datasets library saved"
    if model_marks(path) or "config.json" in names:
        return ""
    files = (name for _, _, found in os.walk(path) for name in found if not name.startswith("."))
    kinds = Counter(m.group(1).lower() for m in map(_DOCUMENTS.fullmatch, islice(files, _MOST_ENTRIES)) if m)
    if not kinds:
        return ""
    return f"a folder of documents ({', '.join(f'{count:,} {kind}' for kind, count in sorted(kinds.items()))})"


def refuse_model(source: str, hint: str = "") -> None:
    """Refuse a model that is named where documents are meant.

    Args:
        source: The source of documents.
        hint: What to do; by default to name documents.

    Raises:
        UsageError: It is a model.
    """
    marks = model_marks(Path(source))
    if not marks:
        return
    holds = "" if Path(source).is_file() else f" (it holds {' and '.join(marks)})"
    raise UsageError(
        f"{source} is a model{holds}, and no documents",
        hint=hint or "Name a folder of text files or of tables, or a file such as .jsonl; a model is named by --model.",
    )


def refuse_documents(source: str, hint: str = "") -> None:
    """Refuse documents that are named where a model is meant.

    Args:
        source: The source of a model.
        hint: What to do; by default to name a model.

    Raises:
        UsageError: It is documents.
    """
    what = documents_in(Path(source)) if Path(source).exists() else ""
    if what:
        raise UsageError(
            f"{source} is {what}, and no model",
            hint=hint or "Name the folder that holds config.json and model.safetensors, an adapter folder or a .gguf.",
        )

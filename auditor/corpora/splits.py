"""The splits of a dataset that is files: by its card, or by their names, as the Hugging Face Hub has them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from auditor.core.errors import UsageError
from auditor.corpora.reader import choose_split
from auditor.corpora.streams import DataFile, decode, read_whole

_KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SPLIT_OF = {word: split for split, words in _KEYWORDS.items() for word in words}
_SHARD = re.compile(r"(?:^|.*/)(\w[\w.]*?)-\d{5}-of-\d{5}(?:-[0-9a-f]+)?\.[\w.]+")
_MOST_CARD_BYTES = 2**20


def choose_files(
    source: str, files: Sequence[DataFile], tables: Sequence[DataFile], wanted: str | None, *, named: bool
) -> list[DataFile]:
    """The tables of the split that is named, or all where the files have no splits.

    Args:
        source: The source, for messages.
        files: All files, a card among them or not.
        tables: The tables of one format.
        wanted: The split that is named; None where none is.
        named: Whether the user named the files themselves, so that all are meant.

    Raises:
        UsageError: There are several splits and none is named, or another one; or some files are of no split.
    """
    if named:
        return list(tables)
    listed = dict(_of_card(files, tables))
    splits = listed or _by_name(tables)
    if not splits:
        if wanted is None:
            return list(tables)
        raise UsageError(
            f"{source} has no splits: none of its files is named after one, so there is no {wanted!r}",
            hint=f"Give {source} without ':{wanted}', or the file that is meant.",
        )
    lone = [table.name for table in tables if not any(table in found for found in splits.values())]
    # What a card does not list is no data by its own account.
    if wanted is None and lone and not listed:
        shown = ", ".join([*splits, *lone[:3], *(["..."] if len(lone) > 3 else [])])
        raise UsageError(
            f"{source} holds files of a split and others that are of none: {shown}",
            hint=f"Name the split, as in {source}:{next(iter(splits))}, or the files by a pattern in quotes, as in "
            f"'{source.rstrip('/')}/{lone[0]}'.",
        )
    return splits[choose_split(splits, wanted, source)]


def _by_name(tables: Iterable[DataFile]) -> dict[str, list[DataFile]]:
    """Tables by split: `NAME-00000-of-00002.parquet`, or a word such as `train` in the name or in a folder's."""
    splits: dict[str, list[DataFile]] = {}
    for table in tables:
        split = _split_of(table.name)
        if split:
            splits.setdefault(split, []).append(table)
    return splits


def _split_of(name: str) -> str:
    shard = _SHARD.fullmatch(name)
    if shard is not None:
        return _SPLIT_OF.get(shard.group(1).lower(), shard.group(1))
    # The last part that is a word of a split, as a file of `train/` may be called `part-1`.
    words = [word for word in re.split(r"[-._ /\d]+", name.lower()) if word in _SPLIT_OF]
    return _SPLIT_OF[words[-1]] if words else ""


def _of_card(files: Iterable[DataFile], tables: Sequence[DataFile]) -> Iterator[tuple[str, list[DataFile]]]:
    """The splits that a card lists under `configs`, named `CONFIG:SPLIT` where it lists several configurations."""
    card = next((file for file in files if file.name == "README.md"), None)
    configs = [] if card is None else _configs(card)
    for config in configs:
        for split, patterns in _data_files(config.get("data_files")):
            found = [table for table in tables if any(fnmatchcase(table.name, pattern) for pattern in patterns)]
            if found:
                yield (split if len(configs) == 1 else f"{config.get('config_name')}:{split}"), found


def _configs(card: DataFile) -> list[Mapping[str, Any]]:
    """The configurations of the front matter of a card; none where it has none that are simple."""
    try:
        text = decode(read_whole(card, _MOST_CARD_BYTES, "text"), card.where)
    except UsageError:
        return []
    front = re.match(r"---\s*\n(.*?)\n---\s*(\n|\Z)", text, re.DOTALL)
    if front is None or "configs:" not in front.group(1):
        return []
    import yaml

    try:
        tree = yaml.safe_load(front.group(1))
    except (yaml.YAMLError, RecursionError, ValueError):
        return []
    configs = tree.get("configs") if isinstance(tree, dict) else None
    return [config for config in configs if isinstance(config, dict)] if isinstance(configs, list) else []


def _data_files(value: Any) -> Iterator[tuple[str, list[str]]]:
    """Splits and the patterns of their files."""
    if isinstance(value, str):
        yield "train", [value]
    elif isinstance(value, list) and all(isinstance(part, str) for part in value):
        yield "train", value
    elif isinstance(value, list):
        for part in value:
            if isinstance(part, dict) and isinstance(part.get("split"), str):
                paths = part.get("path")
                listed = paths if isinstance(paths, list) else [paths]
                yield part["split"], [path for path in listed if isinstance(path, str)]
